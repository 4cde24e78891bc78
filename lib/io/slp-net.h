/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets of a user agent of SLP (discovery/slp.h): datagrams to agents and
 * to everybody, on all interfaces or on some, and connections.
 */
#ifndef IO_SLP_NET_H
#define IO_SLP_NET_H

#include "discovery/slp-exchange.h"
#include "io/loop.h"

enum { SLP_INTERFACES_MAX = 32 };

struct slp_net;

struct slp_net_config {
	const char *interfaces;		/* names with commas; "": those that are
					   up and can do multicast */
	uint8_t ttl;			/* of multicast */
	bool broadcast;			/* instead, as IPv4 has it */
};

extern const struct slp_driver slp_net_driver;	/* its user is the slp_net */

/* A datagram has come; slp_net_free() must not be called from it. */
typedef void slp_net_fn(void *user, const struct portal *from, const void *p,
			size_t len);

/* LUN_ESYS, LUN_ENOMEM; LUN_EINVAL names an interface that is not there. */
int slp_net_new(struct slp_net **out, struct lun_loop *loop,
		const struct slp_net_config *config, slp_net_fn *received,
		void *user, struct lun_error *err);
/* The user agent must be gone before, and with it its connections. */
struct slp_net *slp_net_free(struct slp_net *n);

/* Is there an interface to ask everybody on? */
bool slp_net_has_interfaces(const struct slp_net *n);

#endif
