/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages as an iSNS server sends them, good and bad; made without the code
 * under test. A message is built up in a struct wire:
 *
 *	struct wire w = wire_response(0x8002, 7, 0);
 *	tlv_text(&w, 32, "iqn.2026-11.a:b");
 *	feed(w.p, wire_len(&w));
 */
#ifndef ISNS_PEER_H
#define ISNS_PEER_H

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

enum { HEADER = 12, WIRE_MAX = 60000 };

struct wire {
	uint8_t p[WIRE_MAX];
	size_t len;
};

static inline void
bytes(struct wire *w, const void *p, size_t len)
{
	if (len > 0)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

static inline void
u32(struct wire *w, uint32_t v)
{
	put32(w->p + w->len, v);
	w->len += 4;
}

static inline void
wire_begin(struct wire *w, uint16_t function, uint16_t transaction,
	   uint16_t flags)
{
	memset(w, 0, sizeof(*w));
	put16(w->p, 1);
	put16(w->p + 2, function);
	put16(w->p + 6, flags);
	put16(w->p + 8, transaction);
	w->len = HEADER;
}

/* Fills in the length. */
static inline size_t
wire_len(struct wire *w)
{
	put16(w->p + 4, (uint16_t)(w->len - HEADER));
	return w->len;
}

static inline void
tlv(struct wire *w, uint32_t tag, const void *value, size_t len)
{
	u32(w, tag);
	u32(w, (uint32_t)((len + 3) / 4 * 4));
	bytes(w, value, len);
	while (w->len % 4 != 0)
		w->p[w->len++] = 0;
}

static inline void
tlv32(struct wire *w, uint32_t tag, uint32_t value)
{
	u32(w, tag);
	u32(w, 4);
	u32(w, value);
}

static inline void
tlv_text(struct wire *w, uint32_t tag, const char *text)
{
	tlv(w, tag, text, strlen(text) + 1);
}

/* An IPv4 address, mapped. */
static inline void
tlv_address(struct wire *w, uint32_t tag, uint8_t a, uint8_t b, uint8_t c,
	    uint8_t d)
{
	const uint8_t address[16] = { [10] = 0xff, 0xff, a, b, c, d };

	tlv(w, tag, address, sizeof(address));
}

#endif
