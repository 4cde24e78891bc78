/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The portals of the target: 10.0.0.1:3260 and those behind it, of one portal
 * group or of two. What of the plan has to do with them is drawn from a stream
 * of its own: without them (--one-portal) a seed means what it meant before.
 */
#ifndef SIM_PORTALS_H
#define SIM_PORTALS_H

#include "plan.h"

struct lun_session_info;
struct portal;

/* After all else; a plan that has no faults gets none. */
void portals_draw(struct plan *p, const struct limits *limits);
void portals_say(const struct plan *p);

const char *portal_host(unsigned i);		/* "10.0.0.1" */
const char *portal_address(unsigned i);		/* "10.0.0.1:3260" */
/* Which one is it? Anything else ends the run. */
unsigned portal_find(const struct plan *p, const struct portal *portal);

/* The group that the session is in, whatever the target said; -1: in none. */
int portals_group(const struct plan *p, const struct lun_session_info *s);

/* README: the connections of a session are over all portals of its group, if
 * these are known when they are made. */
void portals_check(const struct plan *p, const struct lun_session_info *s);

#endif
