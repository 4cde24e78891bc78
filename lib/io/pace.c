/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See pace.h. Measured at 4 KiB and depth 32: a larger share saves little more
 * and costs throughput, a smaller one saves little.
 */
#include "io/pace.h"

enum {
	DEEP		= 16,		/* commands: less is few */
	SHARE		= 6,		/* of the load comes in a rest */
	SMOOTHING	= 8,		/* answers that make the gap */
	LARGE		= 32 * 1024,	/* bytes of an answer */
	BUSY		= 95,		/* percent of a processor */
	NOT_BUSY	= 60,
	BUSY_TIMES	= 10,		/* in a row, then it is no accident */
};

#define GAP_MAX		(1 * TIME_MS)
#define REST_MIN	(20 * TIME_US)
#define REST_MAX	(500 * TIME_US)
#define CPU_TIME	(20 * TIME_MS)
#define WAIT_COUNTS	(100 * TIME_MS)		/* for so long */

static bool
is_shallow(size_t load)
{
	return load > 0 && load < DEEP;
}

void
pace_note(struct pace *p, size_t *load, size_t now, size_t done)
{
	p->n_shallow += (size_t)is_shallow(now) - is_shallow(*load);
	p->load += now - *load;
	p->came += done;
	p->went += now + done - *load;
	*load = now;
}

void
pace_moved(struct pace *p, size_t bytes)
{
	p->bytes += bytes;
}

static void
note_answers(struct pace *p, lun_time now)
{
	lun_time gap = (now - p->last) / (lun_time)p->came;

	if (gap > GAP_MAX)
		gap = GAP_MAX;
	p->gap += (gap - p->gap) / SMOOTHING;
	p->last = now;
	p->large = p->bytes / p->came > LARGE;
	p->bytes = 0;
}

bool
pace_wants_cpu(const struct pace *p, lun_time now)
{
	return now - p->now >= CPU_TIME;
}

void
pace_cpu(struct pace *p, lun_time now, lun_time cpu)
{
	lun_time awake = now - p->now - p->rested;
	lun_time share = awake > 0 ? (cpu - p->cpu) * 100 / awake : 0;

	if (share >= BUSY && p->n_busy < BUSY_TIMES)
		p->n_busy++;
	else if (share < NOT_BUSY)
		p->n_busy = 0;
	p->now = now;
	p->cpu = cpu;
	p->rested = 0;
}

void
pace_waits(struct pace *p, lun_time now)
{
	p->waited_at = now;
}

bool
pace_is_strained(const struct pace *p, lun_time now)
{
	return p->n_busy >= BUSY_TIMES ||
	    (p->waited_at != 0 && now - p->waited_at < WAIT_COUNTS);
}

lun_time
pace_rest(struct pace *p, lun_time now)
{
	size_t came = p->came;
	bool nothing = came + p->went == 0;	/* or a part of an answer */
	lun_time rest;

	if (came > 0)
		note_answers(p, now);
	p->came = p->went = 0;
	if (nothing || p->n_shallow > 0 || p->large || came * SHARE > p->load)
		return 0;
	rest = p->gap * (lun_time)p->load / SHARE;
	if (rest > REST_MAX)
		rest = REST_MAX;
	/* a shorter one would be for nothing, or for one answer */
	if (rest < REST_MIN || rest < 2 * p->gap)
		return 0;
	p->rested += rest;
	return rest;
}
