/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network: TCP connections (links) from the initiator to the portals of the
 * target, each of which may fail alone.
 * A byte that is sent arrives in its order, after a while, or never. What else
 * may happen to a link is done by the functions at the end, for faults.c.
 *
 * An end hears of what happens through its operations. It is called from
 * net_run() only; from ended() on the link is not its any more.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <sys/uio.h>

#include "plan.h"
#include "world.h"

enum side { INITIATOR, TARGET };

struct link;

struct end_ops {
	void (*connected)(void *user);	/* the initiator's only */
	void (*arrived)(void *user, const uint8_t *p, size_t n);
	void (*room)(void *user);	/* after link_send() was refused some */
	void (*ended)(void *user, const char *why);
	void (*damaged)(void *user);	/* by link_corrupt(); may be NULL */
};

void net_begin(const struct plan *plan);
void net_end(void);
lun_time net_deadline(void);
void net_run(void);

/* To this portal of the target; connected() or ended() follows. */
struct link *net_connect(unsigned portal, const struct end_ops *ops,
			 void *user);
/* The target takes a connection: from within host_accept(). */
void link_accept(struct link *l, const struct end_ops *ops, void *user);

/* How many bytes were taken; fewer than there are: wait for room(). */
size_t link_send(struct link *l, enum side from, const struct iovec *iov,
		 int n);
/* No end of it hears anything any more; what was sent arrives, then the end. */
void link_close(struct link *l, enum side from);
/* From now on all that is sent is protected by digests. */
void link_protect(struct link *l);
unsigned link_id(const struct link *l);
unsigned link_portal(const struct link *l);

/* ---------------------------------------------------------- for faults -- */

/* A link that is open at both ends, by chance; NULL: there is none. */
struct link *net_victim(void);

enum cut {
	CUT_BOTH,		/* both ends hear of it; bytes under way are lost */
	CUT_INITIATOR,		/* the target never does: half-open; what is */
	CUT_TARGET,		/* under way to it arrives */
	CUT_SILENT,		/* nobody does */
};
void link_cut(struct link *l, enum cut how);
/* What is sent from this side arrives so much later. */
void link_delay(struct link *l, enum side from, lun_time delay);
/* The link breaks when so many more bytes have passed. */
void link_cut_after(struct link *l, enum side from, uint64_t bytes);
/* A bit of the byte after so many will be wrong, if it is protected. */
void link_corrupt(struct link *l, enum side from, uint64_t bytes);
void net_partition(lun_time until);	/* nothing passes */
void net_slow(lun_time until);		/* hardly anything does */
void net_freeze(lun_time until);	/* the target takes nothing in */
bool net_frozen(void);
/* Of one portal: its links are cut; new ones are refused, too; nothing passes. */
void net_cut_portal(unsigned portal, enum cut how);
void net_shut_portal(unsigned portal, enum cut how, lun_time until);
void net_hole_portal(unsigned portal, lun_time until);
void net_reset_target(void);		/* it is gone; nobody says so yet */
void net_heal(void);			/* the faults above end */

#endif
