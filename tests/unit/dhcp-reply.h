/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies of a DHCP server, byte by byte; shares no code with ours. */
#ifndef DHCP_REPLY_H
#define DHCP_REPLY_H

#include <stdint.h>
#include <string.h>

struct reply {
	uint8_t b[4096];
	size_t len;
};

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 7 };

static inline void
reply_put(struct reply *r, uint8_t code, const void *value, size_t len)
{
	r->b[r->len++] = code;
	r->b[r->len++] = (uint8_t)len;
	memcpy(r->b + r->len, value, len);
	r->len += len;
}

static inline void
reply_head(struct reply *r, uint32_t xid, const char *yiaddr)
{
	memset(r, 0, sizeof(*r));
	r->b[0] = 2;
	r->b[1] = 1;
	r->b[2] = 6;
	for (int i = 0; i < 4; i++)
		r->b[4 + i] = (uint8_t)(xid >> (24 - 8 * i));
	memcpy(r->b + 16, yiaddr, 4);
	memcpy(r->b + 28, our_mac, 6);
	memcpy(r->b + 236, "\x63\x82\x53\x63", 4);
	r->len = 240;
}

static inline void
reply_type(struct reply *r, uint8_t type, const char *server)
{
	reply_put(r, 53, &type, 1);
	reply_put(r, 54, server, 4);
}

static inline void
reply_end(struct reply *r)
{
	r->b[r->len++] = 255;
}

#endif
