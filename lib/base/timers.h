/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deadlines that are embedded in the objects they belong to. A set of timers
 * is a binary heap of pointers; it knows the earliest one. Setting a timer
 * never fails once timer_init() has reserved its place.
 */
#ifndef BASE_TIMERS_H
#define BASE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct timers {
	/* The time of the step under way, for those who own timers here: set by
	 * timers_run(), and by whoever begins a step without it. */
	lun_time now;
	struct timer **heap;
	size_t count, reserved, size;	/* reserved: timers that exist */
};

struct timer {
	struct timers *set;
	lun_time at;			/* valid if pos != 0 */
	size_t pos;			/* 1 + index in the heap, 0: not set */
	void (*fire)(struct timer *t, lun_time now);
};

void timers_init(struct timers *ts);
void timers_deinit(struct timers *ts);	/* no timer may be alive */

/* 0 or LUN_ENOMEM. A zeroed struct timer may be deinitialised. */
int timer_init(struct timer *t, struct timers *ts,
	       void (*fire)(struct timer *t, lun_time now));
void timer_deinit(struct timer *t);

void timer_set(struct timer *t, lun_time at);	/* also moves a set timer */
void timer_clear(struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
	return t->pos != 0;
}

lun_time timers_deadline(const struct timers *ts);	/* TIME_NEVER if none */

/* Fires, earliest first, all that are due; each is cleared before it fires. */
void timers_run(struct timers *ts, lun_time now);

#endif
