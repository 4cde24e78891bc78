/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that are planted in the engine, the target or the simulation itself,
 * to see that the simulation finds them: what it does not find with certainty,
 * it does not check.
 */
#ifndef SIM_PLANT_H
#define SIM_PLANT_H

#include <stdbool.h>

enum plant {
	PLANT_NOTHING,
	PLANT_FLUSH_DROPPED,	/* the target's disk does not flush */
	PLANT_LEAK,		/* some memory is not freed */
	PLANT_COUNT
};
extern const char *const plant_names[PLANT_COUNT];

void plant_begin(enum plant p);
bool plant_is(enum plant p);
/* It is this one, and this is the n-th time that it is asked, or a later one
 * of those that are multiples of n. */
bool plant_strikes(enum plant p, unsigned n);

#endif
