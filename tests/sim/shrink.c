/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See shrink.h. What can be taken away is taken away if the run still fails:
 * the kinds of faults one by one, then choices of keys, of the network and of
 * portals, then the last faults and the last requests, by halves. Another failure
 * than the first one is as good.
 */
#include "shrink.h"

#include "jobs.h"

struct search {
	uint64_t seed;
	enum plant plant;
	struct limits *best;
};

static bool
still_fails(const struct search *s, const struct limits *limits)
{
	if (run_alone(s->seed, limits, s->plant, -1))
		return false;
	*s->best = *limits;
	return true;
}

/* The smallest value of *field, which is in *try, that fails. */
static void
bisect(const struct search *s, struct limits *try, unsigned *field,
       unsigned most)
{
	unsigned low = 0, high = most;

	while (low < high) {
		*field = low + (high - low) / 2;
		if (still_fails(s, try))
			high = *field;
		else
			low = *field + 1;
	}
	*field = high;
	*try = *s->best;
}

bool
shrink(uint64_t seed, enum plant plant, struct limits *limits)
{
	struct search s = { seed, plant, limits };
	struct limits try = *limits;

	if (!still_fails(&s, &try))
		return false;
	for (int f = 0; f < FAULT_COUNT; f++) {
		try = *limits;
		try.without |= UINT64_C(1) << f;
		still_fails(&s, &try);
	}
	try = *limits;
	try.plain_network = true;
	still_fails(&s, &try);
	try = *limits;
	try.plain_keys = true;
	still_fails(&s, &try);
	try = *limits;
	try.one_portal = true;
	still_fails(&s, &try);
	try = *limits;
	bisect(&s, &try, &try.faults_max, 2000);
	bisect(&s, &try, &try.ops, OPS_MAX);
	return true;
}

void
limits_print(const struct limits *limits)
{
	if (limits->ops < OPS_MAX)
		printf(" --ops %u", limits->ops);
	if (limits->faults_max < UINT32_MAX)
		printf(" --faults %u", limits->faults_max);
	for (int f = 0; f < FAULT_COUNT; f++)
		if (limits->without && !(limits->without >> f & 1))
			printf(" --only %s", fault_names[f]);
	if (limits->plain_network)
		printf(" --plain-network");
	if (limits->plain_keys)
		printf(" --plain-keys");
	if (limits->one_portal)
		printf(" --one-portal");
}
