/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DHCP messages: options are counted, then joined. */
#include "boot/dhcp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/str.h"

enum {
	REQUEST = 1, REPLY = 2,		/* op */
	ETHERNET = 1, ETHERNET_LEN = 6,	/* htype, hlen */
	SNAME_AT = 44, SNAME_LEN = 64,
	FILE_AT = 108, FILE_LEN = 128,
	COOKIE_AT = 236,
	IN_FILE = 1, IN_SNAME = 2,	/* RFC 2132 9.3 */
	AUTH_MAX = 255,
	MAX_SIZE = 1472,		/* UDP in a frame of Ethernet */
};

static const uint8_t cookie[4] = { 99, 130, 83, 99 };	/* RFC 2131 3 */

/* What is asked for: servers send nothing else (RFC 2131 3.5). */
static const uint8_t parameters[] = {
	OPT_ROOT_PATH, OPT_SLP_AGENTS, OPT_SLP_SCOPES, OPT_ISNS,
};

/* ------------------------------------------------------------- reading -- */

bool
dhcp_is_message(const void *p, size_t len)
{
	const uint8_t *b = p;

	return len >= DHCP_HEADER_LEN && b[0] == REPLY &&
	       memcmp(b + COOKIE_AT, cookie, sizeof(cookie)) == 0;
}

/* Each option of a field: found() is told, with where its value is. */
typedef void found_fn(struct dhcp_message *m, uint8_t code, size_t at,
		      size_t len);

static int
walk(struct dhcp_message *m, size_t at, size_t end, found_fn *found,
     struct lun_error *err)
{
	while (at < end && m->raw[at] != OPT_END) {
		uint8_t code = m->raw[at++];

		if (code == OPT_PAD)
			continue;
		if (at == end || end - at - 1 < m->raw[at])
			return lun_fail(err, LUN_EPROTO, "DHCP: option %u: "
					"longer than the message", code);
		found(m, code, at + 1, m->raw[at]);
		at += 1 + (size_t)m->raw[at];
	}
	return 0;
}

static void
count(struct dhcp_message *m, uint8_t code, size_t at, size_t len)
{
	if (code == OPT_AUTH)		/* one that is split is not used */
		m->auth_at = m->has_option[code] ? 0 : at;
	m->has_option[code] = true;
	m->option_len[code] = (uint16_t)(m->option_len[code] + len);
}

static void
join(struct dhcp_message *m, uint8_t code, size_t at, size_t len)
{
	uint8_t *to = m->data + m->option_at[code] + m->option_len[code];

	memcpy(to, m->raw + at, len);
	m->option_len[code] = (uint16_t)(m->option_len[code] + len);
}

/* Only the options field itself can say that others hold some. */
static void
find_overload(struct dhcp_message *m, uint8_t code, size_t at, size_t len)
{
	if (code == OPT_OVERLOAD && len == 1)
		m->data[0] = m->raw[at];
}

static int
walk_all(struct dhcp_message *m, uint8_t overload, found_fn *found,
	 struct lun_error *err)
{
	int r = walk(m, DHCP_HEADER_LEN, m->len, found, err);

	if (r == 0 && (overload & IN_FILE))
		r = walk(m, FILE_AT, FILE_AT + FILE_LEN, found, err);
	if (r == 0 && (overload & IN_SNAME))
		r = walk(m, SNAME_AT, SNAME_AT + SNAME_LEN, found, err);
	return r;
}

static int
read_options(struct dhcp_message *m, struct lun_error *err)
{
	size_t at = 0;

	m->data[0] = 0;

	int r = walk(m, DHCP_HEADER_LEN, m->len, find_overload, err);
	uint8_t overload = m->data[0];

	if (r == 0)
		r = walk_all(m, overload, count, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 256; i++) {
		m->option_at[i] = (uint16_t)at;
		at += m->option_len[i];
		m->option_len[i] = 0;
	}
	assert(at <= m->len);		/* each byte of them was there once */
	return walk_all(m, overload, join, err);
}

int
dhcp_parse(struct dhcp_message *m, const uint8_t *raw, size_t len,
	   struct lun_error *err)
{
	if (len > DHCP_MESSAGE_MAX)
		return lun_fail(err, LUN_EPROTO, "DHCP: a message of %zu bytes",
				len);
	if (!dhcp_is_message(raw, len))
		return lun_fail(err, LUN_EPROTO, "DHCP: no reply (%zu bytes)",
				len);
	memset(m, 0, offsetof(struct dhcp_message, data));
	m->raw = raw;
	m->len = len;
	m->xid = get32(raw + 4);
	memcpy(m->yiaddr, raw + 16, 4);

	int r = read_options(m, err);

	if (r < 0)
		return r;

	size_t n;
	const uint8_t *v = dhcp_get(m, OPT_TYPE, &n);

	if (v && (n != 1 || *v == 0 || *v > DHCP_INFORM))
		return lun_fail(err, LUN_EPROTO, "DHCP: a message type of %zu "
				"bytes, %u", n, n ? *v : 0);
	m->type = v ? *v : DHCP_NO_TYPE;
	v = dhcp_get(m, OPT_SERVER_ID, &n);
	if (v && n != 4)
		return lun_fail(err, LUN_EPROTO, "DHCP: a server identifier of "
				"%zu bytes", n);
	if (v)
		memcpy(m->server, v, 4);
	return 0;
}

const uint8_t *
dhcp_get(const struct dhcp_message *m, enum dhcp_option option, size_t *len)
{
	*len = m->option_len[option];
	return m->has_option[option] ? m->data + m->option_at[option] : NULL;
}

/* ------------------------------------------------------------ what it says -- */

/* RFC 2610 3: a byte, 1: others are not to be looked for; then addresses by
 * preference. */
static void
take_slp_agents(struct boot_info *b, const uint8_t *v, size_t len)
{
	if (len < 5 || len % 4 != 1)
		return;
	b->slp_no_multicast |= v[0] == 1;
	for (size_t i = 1; i < len; i += 4)
		boot_add_service4(b, BOOT_SLP, v + i, LUN_SLP_PORT);
}

/*
 * RFC 2610 4: a byte, 1: they replace those that somebody has chosen here; then
 * a list in UTF-8, and without one those that there are.
 */
static void
take_slp_scopes(struct boot_info *b, const uint8_t *v, size_t len)
{
	while (len > 1 && v[len - 1] == '\0')
		len--;
	if (len < 1 || len - 1 > BOOT_SCOPES_MAX || *b->slp_scopes ||
	    !str_is_harmless(v + 1, len - 1))
		return;
	b->slp_scopes_must = v[0] == 1;
	if (len == 1)
		snprintf(b->slp_scopes, sizeof(b->slp_scopes), "*");
	else
		snprintf(b->slp_scopes, sizeof(b->slp_scopes), "%.*s",
			 (int)len - 1, (const char *)v + 1);
}

/*
 * RFC 4174 2: functions, access, administration (2 bytes each), security (4),
 * addresses. If there are heartbeats (the second bit of the administration),
 * the first address is where they come from.
 */
static void
take_isns(struct boot_info *b, const uint8_t *v, size_t len)
{
	enum { ENABLED = 1, HEARTBEAT = 2, FLAGS_LEN = 10 };
	size_t at = FLAGS_LEN;

	if (len < FLAGS_LEN + 4 || (len - FLAGS_LEN) % 4 != 0)
		return;

	uint16_t admin = get16(v + 4);

	if ((admin & ENABLED) && (admin & HEARTBEAT) && len > FLAGS_LEN + 4)
		at += 4;
	for (; at < len; at += 4)
		boot_add_service4(b, BOOT_ISNS, v + at, LUN_ISNS_PORT);
}

static const struct {
	enum dhcp_option option;
	void (*take)(struct boot_info *b, const uint8_t *v, size_t len);
} services[] = {
	{ OPT_ISNS, take_isns },
	{ OPT_SLP_AGENTS, take_slp_agents },
	{ OPT_SLP_SCOPES, take_slp_scopes },
};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

void
dhcp_take_service(struct boot_info *b, enum dhcp_option option,
		  const uint8_t *v, size_t len)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (services[i].option == option)
			services[i].take(b, v, len);
}

int
dhcp_boot_info(const struct dhcp_message *m, struct boot_info *b,
	       struct lun_error *err)
{
	const uint8_t *path;
	size_t len;

	for (size_t i = 0; i < SERVICES; i++) {
		const uint8_t *v = dhcp_get(m, services[i].option, &len);

		if (v)
			services[i].take(b, v, len);
	}
	path = dhcp_get(m, OPT_ROOT_PATH, &len);
	return path ? boot_add_root_path(b, path, len, err) : BOOT_NOTHING;
}

/* ------------------------------------------------------------- writing -- */

static uint8_t *
put_option(uint8_t *p, enum dhcp_option code, const void *value, size_t len)
{
	assert(len <= 255);
	*p++ = (uint8_t)code;
	*p++ = (uint8_t)len;
	memcpy(p, value, len);
	return p + len;
}

static uint8_t *
put_address(uint8_t *p, enum dhcp_option code, const uint8_t a[4])
{
	return get32(a) != 0 ? put_option(p, code, a, 4) : p;
}

size_t
dhcp_write(uint8_t out[DHCP_REQUEST_MAX], const struct dhcp_request *q,
	   size_t *auth_at)
{
	uint8_t *p = out + DHCP_HEADER_LEN, type = (uint8_t)q->type;
	uint8_t id[1 + ETHERNET_LEN] = { ETHERNET }, size[2];

	memset(out, 0, DHCP_REQUEST_MAX);
	out[0] = REQUEST;
	out[1] = ETHERNET;
	out[2] = ETHERNET_LEN;
	put32(out + 4, q->xid);
	put16(out + 8, q->secs);
	memcpy(out + 12, q->ciaddr, 4);
	memcpy(out + DHCP_CHADDR_AT, q->mac, ETHERNET_LEN);
	memcpy(out + COOKIE_AT, cookie, sizeof(cookie));

	memcpy(id + 1, q->mac, ETHERNET_LEN);
	put16(size, MAX_SIZE);
	p = put_option(p, OPT_TYPE, &type, 1);
	p = put_option(p, OPT_CLIENT_ID, id, sizeof(id));
	p = put_address(p, OPT_REQUESTED_ADDRESS, q->requested);
	p = put_address(p, OPT_SERVER_ID, q->server);
	if (q->type != DHCP_RELEASE) {	/* RFC 2131 table 5 */
		p = put_option(p, OPT_MAX_SIZE, size, sizeof(size));
		p = put_option(p, OPT_PARAMETERS, parameters,
			       sizeof(parameters));
	}
	*auth_at = (size_t)(p - out) + 2;
	assert(q->auth_len <= AUTH_MAX);
	if (q->auth_len > 0)
		p = put_option(p, OPT_AUTH, q->auth, q->auth_len);
	*p++ = OPT_END;

	/* RFC 1542 2.1: relays of BOOTP may want 300 bytes */
	size_t len = (size_t)(p - out);

	return len < 300 ? 300 : len;
}
