/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A binary heap of timers. Invariants: heap[i]->pos == i + 1; no timer is
 * earlier than its parent heap[(i - 1) / 2]; count <= reserved <= size, which
 * is why timer_set() has its place for sure.
 */
#include "base/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "lun.h"

static void
place(struct timers *ts, size_t i, struct timer *t)
{
	ts->heap[i] = t;
	t->pos = i + 1;
}

/* Moves t from the free place i towards the root, then to where it belongs. */
static void
sift_up(struct timers *ts, size_t i, struct timer *t)
{
	while (i > 0 && ts->heap[(i - 1) / 2]->at > t->at) {
		place(ts, i, ts->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(ts, i, t);
}

static void
sift_down(struct timers *ts, size_t i, struct timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ts->count)
			break;
		if (child + 1 < ts->count &&
		    ts->heap[child + 1]->at < ts->heap[child]->at)
			child++;
		if (ts->heap[child]->at >= t->at)
			break;
		place(ts, i, ts->heap[child]);
		i = child;
	}
	place(ts, i, t);
}

/* Puts t at i, a place that belongs to nobody, and restores the order. */
static void
sift(struct timers *ts, size_t i, struct timer *t)
{
	if (i > 0 && ts->heap[(i - 1) / 2]->at > t->at)
		sift_up(ts, i, t);
	else
		sift_down(ts, i, t);
}

void
timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
}

void
timers_deinit(struct timers *ts)
{
	assert(ts->reserved == 0);
	free(ts->heap);
	*ts = (struct timers){ 0 };
}

int
timer_init(struct timer *t, struct timers *ts,
	   void (*fire)(struct timer *t, lun_time now))
{
	struct timer **heap = array_grow(ts->heap, ts->reserved, &ts->size,
					 sizeof(struct timer *));

	if (!heap)
		return LUN_ENOMEM;
	ts->heap = heap;
	ts->reserved++;
	*t = (struct timer){ .set = ts, .fire = fire };
	return 0;
}

void
timer_deinit(struct timer *t)
{
	if (!t->set)
		return;
	timer_clear(t);
	t->set->reserved--;
	t->set = NULL;
}

void
timer_set(struct timer *t, lun_time at)
{
	struct timers *ts = t->set;

	assert(ts);
	if (t->pos == 0) {
		assert(ts->count < ts->reserved);
		t->pos = ++ts->count;
	}
	t->at = at;
	sift(ts, t->pos - 1, t);
}

void
timer_clear(struct timer *t)
{
	if (t->pos == 0)
		return;

	struct timers *ts = t->set;
	size_t i = t->pos - 1;
	struct timer *last = ts->heap[--ts->count];

	t->pos = 0;
	if (last != t)
		sift(ts, i, last);
}

lun_time
timers_deadline(const struct timers *ts)
{
	return ts->count > 0 ? ts->heap[0]->at : TIME_NEVER;
}

void
timers_run(struct timers *ts, lun_time now)
{
	/*
	 * A timer that sets itself to now again waits for the next run: only
	 * so many are fired as were there. Others may be among them instead,
	 * which is as good.
	 */
	ts->now = now;
	for (size_t n = ts->count; n > 0 && timers_deadline(ts) <= now; n--) {
		struct timer *t = ts->heap[0];

		timer_clear(t);
		t->fire(t, now);
	}
}
