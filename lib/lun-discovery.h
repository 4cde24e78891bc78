/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the discoveries of all kinds share. Each is a struct of its own that
 * begins with this one. What came of it is told from a job, when nothing of the
 * discovery is on the stack: the application may free it there.
 *
 * Each step of a discovery has a bound of its own, but a peer decides how many
 * there are: all of them together have one, too, until the first report.
 */
#ifndef LUN_DISCOVERY_H
#define LUN_DISCOVERY_H

#include "discovery/targets.h"
#include "io/loop.h"
#include "names/portal.h"

struct lun_discovery {
	struct lun_loop *loop;
	void (*free)(struct lun_discovery *d);	/* all of it, also half made */
	void (*watch)(struct lun_discovery *d);	/* NULL: it sees no changes */
	struct targets *targets;	/* finished; NULL: see err */
	struct lun_error err;
	struct job report;
	struct timer limit;
	lun_time bound;			/* from the start to the first report */
	bool late;			/* reached: nothing more is reported */
	char label[PORTAL_TEXT_MAX];	/* who is asked */
	lun_discover_fn *done;
	void *user;
};

/* For constructors; lun_discover() fills in from limit on. */
void discovery_init(struct lun_discovery *d, struct lun_loop *loop,
		    void (*free)(struct lun_discovery *d));

/* Calls done with targets, or with err if there are none, before the loop
 * sleeps again. */
void discovery_report(struct lun_discovery *d);

/* How long it may take by SLP to find whom the URL wants, in addition to asking
 * him. */
lun_time discovery_search_time(const struct lun_url *url,
			       const struct lun_options *o);

/* The constructors, one for each kind of source. */
typedef int discover_fn(struct lun_discovery **out, struct lun_loop *loop,
			const struct lun_url *url,
			const struct lun_options *options,
			struct lun_error *err);
discover_fn sendtargets_discover, isns_discover, slp_discover;

#endif
