/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as agents of SLP write them, made by hand from RFC 2608. */
#ifndef SLP_ANSWERS_H
#define SLP_ANSWERS_H

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

struct answer {
	uint8_t p[70000];
	size_t len;
};

static inline void
a8(struct answer *a, unsigned v)
{
	assert(a->len < sizeof(a->p));
	a->p[a->len++] = (uint8_t)v;
}

static inline void
a16(struct answer *a, unsigned v)
{
	a8(a, v >> 8);
	a8(a, v);
}

static inline void
a_text(struct answer *a, const char *text)
{
	size_t len = strlen(text);

	a16(a, (unsigned)len);
	memcpy(a->p + a->len, text, len);
	a->len += len;
}

/* RFC 2608 8: the header. a_end() puts the length in. */
static inline void
a_begin(struct answer *a, unsigned function, unsigned flags, unsigned xid)
{
	a->len = 0;
	a8(a, 2);
	a8(a, function);
	a8(a, 0);
	a16(a, 0);
	a16(a, flags);
	a8(a, 0);
	a16(a, 0);
	a16(a, xid);
	a_text(a, "en");
}

static inline void
a_end(struct answer *a)
{
	put24(a->p + 2, (uint32_t)a->len);
}

/* 9.2: a block of so many bytes behind the SPI "x". */
static inline void
a_auth_block(struct answer *a, size_t data)
{
	a16(a, 2);
	a16(a, (unsigned)(11 + data));
	a16(a, 0x6543);
	a16(a, 0x2100);
	a_text(a, "x");
	for (size_t i = 0; i < data; i++)
		a8(a, 0x5a);
}

/* 4.3: a URL entry. */
static inline void
a_url(struct answer *a, unsigned lifetime, const char *url, unsigned blocks)
{
	a8(a, 0);
	a16(a, lifetime);
	a_text(a, url);
	a8(a, blocks);
	for (unsigned i = 0; i < blocks; i++)
		a_auth_block(a, 3 * i);
}

#endif
