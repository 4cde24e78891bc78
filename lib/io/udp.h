/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A datagram socket on the loop, of IPv4 or of IPv6. It is never connected:
 * each datagram has an address of its own, and may go out on a chosen
 * interface, which multicast and broadcast need.
 */
#ifndef IO_UDP_H
#define IO_UDP_H

#include "io/loop.h"
#include "io/resolve.h"

enum { UDP_DATAGRAM_MAX = 65535 };

struct udp;

/* A datagram is there, from this address. Called from the loop; udp_free() may
 * be called from it. */
typedef void udp_fn(void *user, const struct address *from,
		    const uint8_t *data, size_t len);

/*
 * local is where it is bound: any address of the family, port 0 for one that is
 * chosen by the kernel. Several sockets may be bound to one port that is
 * named, if all are made here: each gets what is multicast. LUN_ESYS or
 * LUN_ENOMEM.
 */
int udp_new(struct udp **out, struct lun_loop *loop,
	    const struct address *local, udp_fn *received, void *user,
	    struct lun_error *err);
struct udp *udp_free(struct udp *u);

/* Of what is sent to groups from now on; it is 1 at first. */
void udp_set_multicast_ttl(struct udp *u, uint8_t ttl);

/* Allows addresses of broadcast in udp_send(). */
void udp_allow_broadcast(struct udp *u);

/* To receive what is sent to this group on this interface. LUN_ESYS. */
int udp_join(struct udp *u, const struct address *group, unsigned interface,
	     struct lun_error *err);

/*
 * Sends, on this interface (0: where the routes say). Lost is lost: 0, or the
 * errno of an attempt that failed at once.
 */
int udp_send(struct udp *u, const struct address *to, unsigned interface,
	     const void *data, size_t len);

#endif
