/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages of SLP: see slp-msg.h. What comes is read through a cursor that
 * stops at the first thing that does not fit: nothing behind it is used then.
 */
#include "discovery/slp-msg.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
	VERSION		= 2,
	TEXT_MAX	= 0xffff,	/* every text has a length of 16 bits */
	EXTENSION_MIN	= 5,		/* id, offset of the next: 9.1 */
	EXTENSIONS_MAX	= 16,
	AUTH_BLOCK_MIN	= 10,		/* 9.2: as far as the length of the SPI */
};

const char *
slp_error_name(uint16_t code)
{
	static const char *const names[] = {	/* RFC 2608 7 */
		[SLP_LANGUAGE_NOT_SUPPORTED]	= "LANGUAGE_NOT_SUPPORTED",
		[SLP_PARSE_ERROR]		= "PARSE_ERROR",
		[SLP_INVALID_REGISTRATION]	= "INVALID_REGISTRATION",
		[SLP_SCOPE_NOT_SUPPORTED]	= "SCOPE_NOT_SUPPORTED",
		[SLP_AUTHENTICATION_UNKNOWN]	= "AUTHENTICATION_UNKNOWN",
		[SLP_AUTHENTICATION_ABSENT]	= "AUTHENTICATION_ABSENT",
		[SLP_AUTHENTICATION_FAILED]	= "AUTHENTICATION_FAILED",
		[SLP_VER_NOT_SUPPORTED]		= "VER_NOT_SUPPORTED",
		[SLP_INTERNAL_ERROR]		= "INTERNAL_ERROR",
		[SLP_DA_BUSY_NOW]		= "DA_BUSY_NOW",
		[SLP_OPTION_NOT_UNDERSTOOD]	= "OPTION_NOT_UNDERSTOOD",
		[SLP_INVALID_UPDATE]		= "INVALID_UPDATE",
		[SLP_MSG_NOT_SUPPORTED]		= "MSG_NOT_SUPPORTED",
		[SLP_REFRESH_REJECTED]		= "REFRESH_REJECTED",
	};
	const char *name = code < sizeof(names) / sizeof(names[0]) ?
		names[code] : NULL;

	return name ? name : "unknown error";
}

/* ------------------------------------------------------------ requests -- */

struct writer {
	uint8_t *p;
	size_t len, size;
	bool full;
};

static uint8_t *
add(struct writer *w, size_t len)
{
	if (w->full || len > w->size - w->len) {
		w->full = true;
		return NULL;
	}
	w->len += len;
	return w->p + w->len - len;
}

static void
add_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);
	uint8_t *p = len <= TEXT_MAX ? add(w, 2 + len) : NULL;

	w->full |= !p;
	if (!p)
		return;
	put16(p, (uint16_t)len);
	memcpy(p + 2, text, len);
}

size_t
slp_request_write(uint8_t *buf, size_t size, const struct slp_request *rq)
{
	struct writer w = { .p = buf, .size = size };
	uint8_t *h = add(&w, SLP_HEADER_MIN - 2);

	/* RFC 2608 8.1: never in unicast */
	assert(rq->multicast || !*rq->responders);
	if (!h)
		return 0;
	memset(h, 0, SLP_HEADER_MIN - 2);	/* no extensions */
	h[0] = VERSION;
	h[1] = (uint8_t)rq->function;
	put16(h + 5, rq->multicast ? SLP_MCAST : 0);
	put16(h + 10, rq->xid);
	add_text(&w, SLP_LANGUAGE);
	add_text(&w, rq->responders);
	add_text(&w, rq->subject);
	add_text(&w, rq->scopes);
	add_text(&w, rq->what);
	add_text(&w, "");		/* SPI: no blocks, please (8.1) */
	if (w.full)
		return 0;
	put24(h + 2, (uint32_t)w.len);
	return w.len;
}

/* ------------------------------------------------------------- cursors -- */

struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;		/* it asked for more than was left */
};

static const uint8_t *
next(struct cursor *c, size_t len)
{
	if (c->bad || len > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += len;
	c->left -= len;
	return c->p - len;
}

static uint8_t
next8(struct cursor *c)
{
	const uint8_t *p = next(c, 1);

	return p ? *p : 0;
}

static uint16_t
next16(struct cursor *c)
{
	const uint8_t *p = next(c, 2);

	return p ? get16(p) : 0;
}

static uint32_t
next32(struct cursor *c)
{
	const uint8_t *p = next(c, 4);

	return p ? get32(p) : 0;
}

static struct slp_text
next_text(struct cursor *c)
{
	size_t len = next16(c);
	const uint8_t *p = next(c, len);

	return (struct slp_text){ p ? (const char *)p : "", p ? len : 0 };
}

/* RFC 2608 9.2: a count, and as many blocks. Nothing of them is used. */
static void
pass_auth_blocks(struct cursor *c)
{
	for (uint8_t n = next8(c); n > 0 && !c->bad; n--) {
		const uint8_t *head = next(c, AUTH_BLOCK_MIN);

		if (!head)
			return;

		size_t len = get16(head + 2), spi = get16(head + 8);

		if (len < AUTH_BLOCK_MIN || spi > len - AUTH_BLOCK_MIN)
			c->bad = true;
		else
			next(c, len - AUTH_BLOCK_MIN);
	}
}

/* ------------------------------------------------------------- answers -- */

/* RFC 2608 4.3. False: no whole one is left. */
static bool
next_entry(struct cursor *c, struct slp_url_entry *entry)
{
	next8(c);
	entry->lifetime = next16(c);
	entry->url = next_text(c);
	pass_auth_blocks(c);
	return !c->bad;
}

/* Those that are whole, up to the count. Fewer are an error, unless the rest
 * did not fit into the datagram. */
static void
read_entries(struct slp_message *m, struct cursor *c)
{
	struct slp_url_entry unused;
	uint16_t n = next16(c);
	struct cursor whole = *c, at = *c;

	while (n > 0 && next_entry(&at, &unused)) {
		whole = at;
		n--;
	}
	m->entries = (struct slp_text){ (const char *)c->p,
					c->left - whole.left };
	c->bad |= n > 0 && !m->overflow;
}

static void
read_service_reply(struct slp_message *m, struct cursor *c)
{
	m->error = next16(c);
	if (m->error == 0)
		read_entries(m, c);
}

static void
read_attributes(struct slp_message *m, struct cursor *c)
{
	m->error = next16(c);
	if (m->error != 0)
		return;
	m->attributes = next_text(c);
	pass_auth_blocks(c);
}

static void
read_da_advert(struct slp_message *m, struct cursor *c)
{
	m->error = next16(c);
	if (m->error != 0)
		return;
	m->boot_time = next32(c);
	m->url = next_text(c);
	m->scopes = next_text(c);
	m->attributes = next_text(c);
	next_text(c);			/* SPIs */
	pass_auth_blocks(c);
}

static void
read_sa_advert(struct slp_message *m, struct cursor *c)
{
	m->url = next_text(c);
	m->scopes = next_text(c);
	m->attributes = next_text(c);
	pass_auth_blocks(c);
}

static const struct kind {
	const char *name;
	void (*read)(struct slp_message *m, struct cursor *c);
} kinds[] = {
	[SLP_SRV_RPLY]	= { "SrvRply",	read_service_reply },
	[SLP_ATTR_RPLY]	= { "AttrRply",	read_attributes },
	[SLP_DA_ADVERT]	= { "DAAdvert",	read_da_advert },
	[SLP_SA_ADVERT]	= { "SAAdvert",	read_sa_advert },
};

/*
 * RFC 2608 9.1. The first one ends the message proper. 0; SLP_NOT_FOR_US: it
 * has one that we had to know; LUN_EPROTO.
 */
static int
read_extensions(const uint8_t *p, size_t len, size_t header, uint32_t at,
		struct lun_error *err)
{
	size_t least = header;
	int r = 0;

	for (int n = 0; at != 0; n++) {
		if (n == EXTENSIONS_MAX || at < least ||
		    at > len - EXTENSION_MIN)
			return lun_fail(err, LUN_EPROTO, "an extension at %u "
					"of %zu bytes", at, len);
		if (get16(p + at) >= 0x4000 && get16(p + at) <= 0x7fff)
			r = SLP_NOT_FOR_US;
		least = at + EXTENSION_MIN;	/* they go forward */
		at = get24(p + at + 2);
	}
	return r;
}

/* The primary tag is what matters (RFC 2608 8.1, "ignoring the dialect"). */
static bool
is_our_language(struct slp_text tag)
{
	size_t len = strlen(SLP_LANGUAGE);

	return tag.len >= len && strncasecmp(tag.p, SLP_LANGUAGE, len) == 0 &&
	       (tag.len == len || tag.p[len] == '-');
}

static int
read_length(const uint8_t *p, size_t max, size_t *len, struct lun_error *err)
{
	size_t n = get24(p + 2);

	if (p[0] != VERSION)
		return lun_fail(err, LUN_EPROTO, "version %u: expected %u",
				p[0], VERSION);
	if (n < SLP_HEADER_MIN || n > max)
		return lun_fail(err, LUN_EPROTO, "a length of %zu: not in "
				"%d..%zu", n, SLP_HEADER_MIN, max);
	*len = n;
	return 0;
}

int
slp_length(const uint8_t prefix[SLP_PREFIX], size_t *len, struct lun_error *err)
{
	return read_length(prefix, SLP_MESSAGE_MAX, len, err);
}

int
slp_read(struct slp_message *out, const void *data, size_t size,
	 struct lun_error *err)
{
	const uint8_t *p = data;
	struct slp_message m = { 0 };
	size_t len = 0;

	if (size < SLP_HEADER_MIN)
		return lun_fail(err, LUN_EPROTO, "%zu bytes: no header", size);

	int r = read_length(p, SIZE_MAX, &len, err);

	if (r < 0)
		return r;

	const struct kind *kind = p[1] < sizeof(kinds) / sizeof(kinds[0]) ?
		&kinds[p[1]] : NULL;

	if (!kind || !kind->read)
		return SLP_NOT_FOR_US;
	m.function = (enum slp_function)p[1];
	m.overflow = get16(p + 5) & SLP_OVERFLOW;
	m.xid = get16(p + 10);
	if (len > size && !m.overflow)
		return lun_fail(err, LUN_EPROTO, "%s: %zu bytes of %zu",
				kind->name, size, len);
	len = len < size ? len : size;

	struct cursor c = { .p = p + SLP_HEADER_MIN - 2,
			    .left = len - (SLP_HEADER_MIN - 2) };
	struct slp_text language = next_text(&c);
	/* what was cut off is asked for again, extensions and all */
	uint32_t extension = m.overflow ? 0 : get24(p + 7);

	if (c.bad)
		return lun_fail(err, LUN_EPROTO, "%s: the language tag does "
				"not fit", kind->name);
	r = read_extensions(p, len, len - c.left, extension, err);
	if (r == 0 && !is_our_language(language))
		r = SLP_NOT_FOR_US;	/* RFC 2608 8: the same as ours */
	if (r != 0)
		return r;
	if (extension != 0)
		c.left = extension - (len - c.left);
	kind->read(&m, &c);
	if (c.bad && !m.overflow)
		return lun_fail(err, LUN_EPROTO, "%s: something in its %zu "
				"bytes does not fit", kind->name, len);
	*out = m;
	return 0;
}

bool
slp_next_url(const struct slp_message *m, size_t *pos,
	     struct slp_url_entry *entry)
{
	struct cursor c = { .p = (const uint8_t *)m->entries.p + *pos,
			    .left = m->entries.len - *pos };

	if (c.left == 0)
		return false;

	bool whole = next_entry(&c, entry);

	assert(whole);			/* slp_read() has been there */
	*pos = m->entries.len - c.left;
	return whole;
}

void
slp_group_ipv6(uint8_t group[16], uint8_t scope, const char *type)
{
	uint32_t hash = 0;

	memset(group, 0, 16);
	group[0] = 0xff;
	group[1] = scope;
	if (strcmp(type, SLP_TYPE_DA) == 0) {
		put16(group + 14, 0x123);
		return;
	}
	for (; *type; type++)
		hash = hash * 33 + (unsigned char)*type;
	put16(group + 12, 1);
	put16(group + 14, (uint16_t)(0x1000 + (hash & 0x3ff)));
}
