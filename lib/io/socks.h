/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SOCKS 5 (RFC 1928) with user name and password (RFC 1929), the side of the
 * client: what is said on a TCP connection to the proxy before it becomes one
 * to the portal. No I/O: bytes go out of tx and into rx, never more of them than
 * belong to the exchange, so that what follows is left for those above.
 *
 *	METHOD -> [AUTH ->] REPLY -> done
 *
 * GSSAPI, which RFC 1928 3 asks for, is left out: nobody needs it for this, and
 * it would wrap the whole connection.
 */
#ifndef IO_SOCKS_H
#define IO_SOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "names/proxy.h"

enum {
	SOCKS_OUT_MAX = 3 + 2 * PROXY_USER_MAX,
	SOCKS_IN_MAX = 4 + 1 + 255 + 2,
};

enum socks_step { SOCKS_METHOD, SOCKS_AUTH, SOCKS_REPLY };

struct socks {
	const struct proxy *proxy;	/* both borrowed */
	const struct portal *to;
	enum socks_step step;
	uint8_t out[SOCKS_OUT_MAX];
	size_t out_len, sent;
	uint8_t in[SOCKS_IN_MAX];
	size_t in_len, wanted;
	uint8_t reply;			/* of a request that failed; else 0 */
};

enum { SOCKS_REFUSED = 5 };		/* a reply: nobody listens there */

/* LUN_EINVAL: to a proxy this address says nothing. */
int socks_start(struct socks *s, const struct proxy *proxy,
		const struct portal *to, struct lun_error *err);
void socks_wipe(struct socks *s);

size_t socks_tx(const struct socks *s, const uint8_t **p);	/* 0: nothing */
void socks_tx_ack(struct socks *s, size_t n);

/* How many bytes may be read, at least one, and where to. */
size_t socks_rx(struct socks *s, uint8_t **p);

/*
 * n of them came. 0: this is a connection to the portal now. SOCKS_GOES_ON: see
 * tx and rx again. LUN_EPROTO, LUN_EAUTH, LUN_ECONNECT: the connection is to be
 * closed; *err does not name proxy and portal.
 */
enum { SOCKS_GOES_ON = 1 };
int socks_rx_ack(struct socks *s, size_t n, struct lun_error *err);

#endif
