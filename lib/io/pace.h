/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a loop rests, and when others should help it.
 *
 * A target that answers its commands one after the other wakes the loop for each
 * answer, and for the request that follows it: more time goes into waking up,
 * sending and receiving than into all the rest. If much is under way, what is a
 * moment apart can as well be handled together: the loop sleeps, whatever comes,
 * for so long that a few answers come meanwhile, and the target still has enough
 * to do.
 *
 * It never rests
 * - if a session has only a few commands under way: somebody may be waiting for
 *   one of them;
 * - if what comes is large: copying is what costs then, and the socket would
 *   fill up;
 * - if answers are rare, or come many at a time by themselves.
 *
 * By Little's law a rest is a share of the time that a command takes, so none
 * takes much longer for it, whatever the target is.
 *
 * Of several loops that take requests, one that can do all of it is best alone:
 * its memory stays in the cache, it is awake when the next request comes, and it
 * handles many things in one wake-up. A further one is of use
 * - if the loop has a processor for itself, and that is not enough: else the
 *   target is what is slow, or no processor is free for another loop;
 * - if commands wait for the window of their session: another one has its own.
 */
#ifndef IO_PACE_H
#define IO_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct pace {			/* zeroed at first */
	size_t n_shallow;		/* sessions with few under way */
	size_t load;			/* commands of all sessions */
	size_t came, went;		/* answers and requests, this wake-up */
	size_t bytes;			/* since the last answer */
	bool large;			/* what came with it */
	lun_time gap;			/* between answers, of late */
	lun_time last;			/* when some came */
	lun_time now, cpu;		/* at the last pace_cpu() */
	lun_time rested;		/* since then */
	unsigned n_busy;		/* times in a row that it was */
	lun_time waited_at;		/* the last pace_waits(); 0: none */
};

/* A session has so many commands under way, after some were done. What it had
 * at the last call is in *load: 0 before the first one, and it is updated. */
void pace_note(struct pace *p, size_t *load, size_t now, size_t done);

/* So much was sent or received. */
void pace_moved(struct pace *p, size_t bytes);

/* Is pace_cpu() to be called, with the processor time of the loop's thread? */
bool pace_wants_cpu(const struct pace *p, lun_time now);
void pace_cpu(struct pace *p, lun_time now, lun_time cpu);

/* Commands of a session wait until its window opens. */
void pace_waits(struct pace *p, lun_time now);

/* Should others help? */
bool pace_is_strained(const struct pace *p, lun_time now);

/* A wake-up is over: how long may the loop rest? 0: not at all. */
lun_time pace_rest(struct pace *p, lun_time now);

#endif
