/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs in processes of their own, so that one that breaks, or crashes, or does
 * not end, leaves the others alone.
 */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include "run.h"

/* Is this run all right? Its output goes to this file descriptor; -1: nowhere. */
bool run_alone(uint64_t seed, const struct limits *limits, enum plant plant,
	       int output);

struct campaign {
	uint64_t from, to;
	unsigned jobs, failures_max;
	enum plant plant;
	/* Called in the parent, for each that failed; status: as of wait(). */
	void (*failed)(uint64_t seed, int status);
};

/* How many failed. Ends early after failures_max. */
unsigned run_campaign(const struct campaign *c);

#endif
