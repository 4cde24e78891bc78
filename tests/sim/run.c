/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See run.h. A step is the next moment at which anything is due: all that is
 * due is done, and what follows from it at once; then everything is checked.
 */
#include "run.h"

#include <string.h>

#include "alloc.h"
#include "app.h"
#include "checker.h"
#include "engine.h"
#include "faults.h"
#include "host.h"
#include "network.h"

enum { STEPS_MAX = 30000000, SETTLE_MAX = 100000 };

static lun_time
next_moment(void)
{
	lun_time at[] = {
		net_deadline(), host_deadline(), engine_deadline(),
		app_deadline(), faults_deadline(),
	};
	lun_time first = TIME_NEVER;

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		if (at[i] < first)
			first = at[i];
	return first;
}

static void
settle(void)
{
	unsigned rounds = 0;
	bool any;

	do {
		any = engine_settle();
		any |= host_serve();
		if (++rounds > SETTLE_MAX)
			broken("it does not come to rest");
	} while (any);
}

static void
step(void)
{
	lun_time at = next_moment();

	if (at == TIME_NEVER)
		broken("nothing is due any more, and it is not over");
	if (at > world.now)
		world.now = at;
	net_run();
	settle();
	engine_run();
	host_run();
	settle();
	faults_run();
	app_run();
	settle();
	app_check();
}

void
run(uint64_t seed, const struct limits *limits, enum plant plant)
{
	size_t memory = alloc_count();
	unsigned steps = 0;
	struct plan plan;

	world_begin(seed);
	plan_draw(&plan, limits);
	plan_say(&plan);
	plant_begin(plant);
	checker_begin(rules_are_honest(&plan));
	net_begin(&plan);
	host_begin(&plan);
	engine_begin(&plan);
	app_begin(&plan);
	faults_begin(&plan);
	while (!app_is_over()) {
		step();
		if (++steps > STEPS_MAX)
			broken("it does not come to an end");
	}
	app_end();
	engine_end();
	net_end();
	host_end();
	if (alloc_count() != memory)
		broken("%zu allocations were not freed",
		       alloc_count() - memory);
}
