/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One search by SLP, with its sockets: who is asked follows from the URL, the
 * options, and the DHCP leases of the host.
 *
 *	slp://HOST	this agent only: nothing is multicast, no lease is read
 *	slp://		the agents of the leases, those of the options, whom we
 *			find, and everybody, in this order (RFC 2608 6)
 *
 * Scopes are those of the URL, else those of the leases, else DEFAULT. A lease
 * may forbid to look for other agents, and to use other scopes (RFC 2610).
 */
#ifndef LUN_SLP_FINDER_H
#define LUN_SLP_FINDER_H

#include "discovery/slp.h"
#include "lun-impl.h"

struct slp_finder;

/* Called once, from the loop, when nothing of the finder is on the stack: it may
 * be freed there. As slp_done_fn. */
typedef void slp_finder_fn(void *user, int code, const struct lun_error *err);

/* Of the URL host, port and scope count. search is copied. */
int slp_finder_new(struct slp_finder **out, struct lun_loop *loop,
		   const struct lun_url *url, const struct lun_options *options,
		   const struct slp_search *search, slp_finder_fn *done,
		   void *user, struct lun_error *err);
struct slp_finder *slp_finder_free(struct slp_finder *f);

/* What was found, after done: see slp_services(). */
const struct slp_service *slp_finder_services(struct slp_finder *f, size_t *n);

#endif
