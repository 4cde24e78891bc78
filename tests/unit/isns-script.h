/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iSNS client under test and the server that a test plays: it looks at what
 * was sent(), gives an answer(), adds attributes, and delivers it.
 */
#ifndef ISNS_SCRIPT_H
#define ISNS_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/isns.h"
#include "isns-peer.h"

#define US "iqn.2026-11.test:us"
#define SERVER 0x4c00

static const struct isns_portal nowhere __attribute__((unused));

static struct {
	struct timers timers;
	struct isns *c;
	lun_time now;
	unsigned changed;
	char log[4096];
	struct str shown;	/* the list */
	struct lun_error err;
	struct wire w;		/* what the server says next */
} t;

static inline void
log_line(void *user, enum lun_log_level level, const char *line)
{
	size_t have = strlen(t.log);

	snprintf(t.log + have, sizeof(t.log) - have, "%s\n", line);
}

static inline void
no_random(void *user, void *buf, size_t len)
{
	memset(buf, 0xff, len);		/* so that the ids wrap */
}

static const struct lun_env env = { .log = log_line, .random = no_random,
				    .log_level = LUN_LOG_TRACE };

static inline void
changed(void *user)
{
	t.changed++;
}

static inline void
begin_as(const char *target, bool watch, bool boot,
	 const struct isns_portal *portal)
{
	const struct isns_config config = {
		.source = US, .target = target, .alias = "we", .watch = watch,
		.boot = boot,
		.timeout = 5 * TIME_S, .timers = &t.timers, .env = &env,
		.changed = changed,
	};

	memset(&t, 0, sizeof(t));
	t.shown = (struct str)STR_INIT(1 << 20);
	timers_init(&t.timers);
	assert_int_equal(isns_new(&t.c, &config, &t.err), 0);
	isns_connected(t.c, portal, t.now);
}

static inline void
begin(const char *target, bool watch, const struct isns_portal *portal)
{
	begin_as(target, watch, false, portal);
}

static inline void
end(void)
{
	t.c = isns_free(t.c);
	timers_deinit(&t.timers);
	str_deinit(&t.shown);
}

/* The news: t.shown ("name address:port,tag ...; ..."), or t.err. */
static inline enum isns_news
news(void)
{
	struct targets *list;
	enum isns_news n = isns_news(t.c, &list, &t.err);
	size_t count;

	if (n != ISNS_LISTED)
		return n;

	const struct lun_target *v = targets_list(list, &count);

	str_deinit(&t.shown);
	for (size_t i = 0; i < count; i++) {
		str_add(&t.shown, "%s%s", i > 0 ? "; " : "", v[i].name);
		for (size_t k = 0; k < v[i].n_portals; k++)
			str_add(&t.shown, " %s:%u,%d",
				v[i].portals[k].address, v[i].portals[k].port,
				v[i].portals[k].tpgt);
	}
	targets_free(list);
	return n;
}

/* -------------------------------------------- what the client has sent -- */

static inline uint16_t
sent_transaction(void)
{
	return get16(isns_out(t.c)->p + 8);
}

/* The request, as text: "DevAttrQry 32=iqn.... 32= 0= 32= 33=". */
static inline char *
sent(void)
{
	static char text[2000];
	struct str *out = isns_out(t.c);
	struct isns_message m = { .payload = (uint8_t *)out->p + HEADER };
	struct isns_attr a;
	size_t pos = 0, n;
	char buf[16];

	assert_true(out->len >= HEADER);
	assert_int_equal(get16(out->p), 1);
	assert_int_equal(get16(out->p + 6), 0x8c00);
	assert_int_equal(get16(out->p + 10), 0);
	m.len = get16(out->p + 4);
	assert_true(m.len % 4 == 0 && HEADER + m.len <= out->len);
	n = (size_t)snprintf(text, sizeof(text), "%s",
			     isns_function_name(get16(out->p + 2), buf));
	if (get16(out->p + 2) & 0x8000) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, " status=%u",
				      get32(out->p + HEADER));
		pos = 4;
	}
	while (isns_attr_next(&m, &pos, &a, NULL) == ISNS_ATTR) {
		bool is_text = a.tag == 1 || a.tag == 32 || a.tag == 34;

		n += (size_t)snprintf(text + n, sizeof(text) - n, " %u=",
				      a.tag);
		if (a.len == 4 && !is_text)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%u", a.number);
		else if (a.len == 16 && !is_text)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%u.%u.%u.%u", a.value[12],
					      a.value[13], a.value[14],
					      a.value[15]);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%.*s", (int)isns_text_len(&a),
					      (const char *)a.value);
	}
	assert_int_equal(pos, m.len);
	out->len -= HEADER + m.len;
	memmove(out->p, out->p + HEADER + m.len, out->len);
	return text;
}

/* The answer to the request that was sent last; attributes follow. */
static inline void
answer(uint32_t status)
{
	uint16_t function = get16(isns_out(t.c)->p + 2) | 0x8000;
	uint16_t transaction = sent_transaction();

	sent();
	assert_int_equal(isns_out(t.c)->len, 0);
	wire_begin(&t.w, function, transaction, SERVER);
	u32(&t.w, status);
}

static inline void
deliver(void)
{
	size_t len = wire_len(&t.w);

	isns_receive(t.c, t.w.p, len, t.now);
}

static inline void
empty_key(void)
{
	tlv(&t.w, 32, NULL, 0);
	tlv(&t.w, 0, NULL, 0);
}

static inline void
node(const char *name, uint32_t type)
{
	tlv_text(&t.w, 32, name);
	tlv32(&t.w, 33, type);
}

static inline void
node_portal(uint8_t last, uint32_t port, int tag)
{
	tlv_address(&t.w, 16, 10, 0, 0, last);
	tlv32(&t.w, 17, port);
	if (tag < 0)
		return;
	tlv_address(&t.w, 49, 10, 0, 0, last);
	tlv32(&t.w, 50, port);
	tlv32(&t.w, 51, (uint32_t)tag);
}

static inline void
pass_time(lun_time by)
{
	t.now += by;
	timers_run(&t.timers, t.now);
}

#endif
