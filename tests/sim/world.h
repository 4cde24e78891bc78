/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all parts of the simulation share: the time, which nobody waits for,
 * the seed, of which everything is made, and the two ways to speak up.
 *
 * A run is one seed with one plan (plan.h). The same run does the same, to the
 * last byte. Choices of different parts come from different streams, so that a
 * plan with something taken away leaves the rest as it was (shrink.c).
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../random.h"
#include "base/clock.h"

enum stream {
	FROM_PLAN, FROM_NETWORK, FROM_APP, FROM_FAULTS, FROM_ENGINE,
	FROM_TARGET, FROM_TASKS, FROM_PORTALS, STREAMS
};

struct world {
	uint64_t seed;
	lun_time now;
	uint64_t seq;			/* grows with whatever is observed */
	unsigned life;			/* sessions the application has opened */
	bool verbose;			/* say() prints */
	struct rng rng[STREAMS];
};

extern struct world world;

void world_begin(uint64_t seed);

uint32_t draw(enum stream s, uint32_t n);	/* 0 to n - 1 */
bool chance(enum stream s, uint32_t permille);
/* lo to hi, small ones as likely as large ones: by orders of magnitude. */
lun_time draw_time(enum stream s, lun_time lo, lun_time hi);

/* The event log: a line with the time. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What must not happen has happened: tells, and ends the process. */
void broken(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
enum { EXIT_BROKEN = 9 };

/* Memory of the simulation itself: not counted, never refused. */
void *sim_alloc(size_t size);
void sim_free(void *p);

#endif
