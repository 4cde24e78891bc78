/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which writes wait. A block that is written in part is read, changed and
 * written back: meanwhile nobody else may write it, or one of the two would be
 * lost. So of two writes where one has an edge (a block in part) that the
 * other touches, the later one waits until the earlier one has ended. A write
 * waits for earlier ones only, hence never in a circle.
 *
 * As long as all writes are aligned (disk.edged is 0) there is nothing to
 * compare.
 */
#include "scsi/disk-impl.h"

#include <assert.h>

static bool
touches(const struct request *r, uint64_t block)
{
	return r->first <= block && block <= r->last;
}

static bool
has_edge(const struct request *r)
{
	return r->head || r->tail;
}

/* Has a an edge in what b touches? */
static bool
edge_within(const struct request *a, const struct request *b)
{
	return (a->head && touches(b, a->first)) ||
	       (a->tail && touches(b, a->last));
}

static struct request *
find_blocker(const struct disk *d, const struct request *r)
{
	struct request *w;

	list_for_each(w, &d->writes, struct request, order) {
		if (w == r)
			break;
		if (edge_within(w, r) || edge_within(r, w))
			return w;
	}
	return NULL;
}

void
order_enter(struct disk *d, struct request *r)
{
	r->blocker = NULL;
	if (has_edge(r))
		d->edged++;
	if (d->edged > 0)
		r->blocker = find_blocker(d, r);
	if (r->blocker)
		d->blocked++;
	list_append(&d->writes, &r->order);
}

/* All that waited for r and now wait for nobody get in line for commands. */
static void
free_blocked(struct disk *d, struct request *r)
{
	struct request *w;

	list_for_each(w, &d->writes, struct request, order) {
		if (w->blocker != r)
			continue;
		outage_shared(d, w, r);
		w->blocker = find_blocker(d, w);
		if (w->blocker)
			continue;
		d->blocked--;
		list_append(&d->waiting, &w->link);
	}
}

void
order_leave(struct disk *d, struct request *r)
{
	list_del(&r->order);
	if (has_edge(r)) {
		assert(d->edged > 0);
		d->edged--;
	}
	if (r->blocker) {
		r->blocker = NULL;
		d->blocked--;
	}
	if (d->blocked > 0)
		free_blocked(d, r);
}
