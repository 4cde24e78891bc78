/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The portals of a target, and which of them is tried next. A round begins at
 * the one that was used, goes on with those of its portal group, where a login
 * reinstates the session (RFC 7143 7.15), then with those whose group nobody
 * knows, then with those of other groups; then it begins again.
 */
#ifndef RECOVERY_PORTALS_H
#define RECOVERY_PORTALS_H

#include "names/portal.h"

enum { PORTALS_MAX = 64 };		/* the rest is not kept */

struct portals {			/* at least one, with portals_init() */
	size_t n, at;			/* at: the one to be tried */
	size_t left;			/* of this round, with it */
	struct portal v[PORTALS_MAX];
};

void portals_init(struct portals *p, const struct portal *first);

const struct portal *portals_now(const struct portals *p);

/* One more, unless it is there; then its group may be news. */
void portals_add(struct portals *p, const struct portal *portal);

/* That of now is elsewhere, for good (11.13.5). Where it was comes last. */
void portals_moved(struct portals *p, const struct portal *to);

/* A new round, after one in portal group tpgt (-1: not known) was used. */
void portals_begin(struct portals *p, int32_t tpgt);

/* That of now does not work: the next one. True: the round is over. */
bool portals_next(struct portals *p);

#endif
