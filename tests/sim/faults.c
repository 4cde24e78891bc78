/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "faults.h"

#include "alloc.h"
#include "app.h"
#include "engine.h"
#include "host.h"
#include "network.h"
#include "portals.h"

static struct faults {
	const struct plan *plan;
	lun_time next[FAULT_COUNT];
	lun_time first;			/* of them, or the end */
	lun_time until;			/* TIME_NEVER: not begun */
	lun_time over_at;
	unsigned count;
} faults;

static lun_time
soon(lun_time most)
{
	return draw_time(FROM_FAULTS, TIME_MS, most);
}

static void
cut(enum cut how)
{
	struct link *l = net_victim();

	if (!l)
		return;
	if (how == CUT_INITIATOR && chance(FROM_FAULTS, 700))
		link_delay(l, INITIATOR, soon(60 * TIME_S));
	link_cut(l, how);
}

static void
delay(void)
{
	struct link *l = net_victim();

	if (l)
		link_delay(l, draw(FROM_FAULTS, 2) ? INITIATOR : TARGET,
			   soon(20 * TIME_S));
}

static void
cut_at_byte(void)
{
	struct link *l = net_victim();
	uint32_t most = draw(FROM_FAULTS, 2) ? 200 : 20000;

	if (l)
		link_cut_after(l, draw(FROM_FAULTS, 2) ? INITIATOR : TARGET,
			       draw(FROM_FAULTS, most));
}

static void
corrupt(void)
{
	struct link *l = net_victim();

	if (l)
		link_corrupt(l, draw(FROM_FAULTS, 2) ? INITIATOR : TARGET,
			     draw(FROM_FAULTS, 5000));
}

static void
strike_portal(enum fault f)
{
	unsigned portal = draw(FROM_FAULTS, faults.plan->portals);
	enum cut how = draw(FROM_FAULTS, CUT_SILENT + 1);
	lun_time until = world.now + soon(30 * TIME_S);

	say("fault %u: at %s", faults.count, portal_address(portal));
	if (f == FAULT_PORTAL_CUT)
		net_cut_portal(portal, how);
	else if (f == FAULT_PORTAL_SHUT)	/* the initiator is told */
		net_shut_portal(portal, how % 2 ? CUT_INITIATOR : CUT_BOTH,
				until);
	else
		net_hole_portal(portal, until);
}

static void
strike(enum fault f)
{
	say("fault %u: %s", faults.count, fault_names[f]);
	switch ((int)f) {
	case FAULT_CUT:
		cut(CUT_BOTH);
		break;
	case FAULT_HALF_OPEN:
		cut(CUT_INITIATOR);
		break;
	case FAULT_HALF_OPEN_TARGET:
		cut(CUT_TARGET);
		break;
	case FAULT_SILENT_CUT:
		cut(CUT_SILENT);
		break;
	case FAULT_CUT_AT_BYTE:
		cut_at_byte();
		break;
	case FAULT_DELAY:
		delay();
		break;
	case FAULT_PARTITION:
		net_partition(world.now + soon(60 * TIME_S));
		break;
	case FAULT_SLOW:
		net_slow(world.now + soon(30 * TIME_S));
		break;
	case FAULT_FREEZE:
		net_freeze(world.now + soon(60 * TIME_S));
		break;
	case FAULT_CRASH:
		host_crash(world.now + soon(40 * TIME_S),
			   draw(FROM_FAULTS, 2));
		break;
	case FAULT_ALLOC:
		alloc_fail(1 + draw(FROM_FAULTS, 100));
		break;
	case FAULT_SEND:
		engine_fail_send(1 + draw(FROM_FAULTS, 20));
		break;
	case FAULT_CORRUPT:
		corrupt();
		break;
	case FAULT_REDECLARE:
		engine_redeclare(512 << draw(FROM_FAULTS, 10));
		break;
	case FAULT_PORTAL_CUT:
	case FAULT_PORTAL_SHUT:
	case FAULT_PORTAL_HOLE:
		strike_portal(f);
		break;
	default:			/* rules are the target's */
		break;
	}
}

static lun_time
next_of(enum fault f)
{
	lun_time every = faults.plan->every[f];

	return every ? world.now + draw_time(FROM_FAULTS, every / 3, 2 * every)
		     : TIME_NEVER;
}

static void
find_first(void)
{
	faults.first = faults.until;
	for (int f = 0; f < FAULT_COUNT; f++)
		if (faults.next[f] < faults.first)
			faults.first = faults.next[f];
}

static void
start(void)
{
	faults.until = world.now + faults.plan->faults_last;
	for (int f = 0; f < FAULT_COUNT; f++) {
		faults.next[f] = next_of(f);
		faults.count += faults.plan->rules[f][0] != '\0';
	}
	find_first();
	host_misbehave(true);
}

static void
end(void)
{
	say("faults: from now on there are none");
	/* one that crashed is only on its way back */
	faults.over_at = host_up_at();
	faults.first = TIME_NEVER;
	net_heal();
	host_misbehave(false);
	alloc_fail(0);
	engine_fail_send(0);
}

lun_time
faults_deadline(void)
{
	return faults.first;
}

void
faults_run(void)
{
	if (faults.over_at != TIME_NEVER)
		return;
	if (faults.until == TIME_NEVER) {
		if (app_is_ready() || faults.plan->early)
			start();
		return;
	}
	if (faults.until <= world.now || !app_is_busy()) {
		end();
		return;
	}
	for (int f = 0; faults.first <= world.now && f < FAULT_COUNT; f++) {
		if (faults.next[f] > world.now)
			continue;
		if (faults.count < faults.plan->faults_max) {
			faults.count++;
			strike(f);
		}
		faults.next[f] = next_of(f);
	}
	if (faults.first <= world.now)
		find_first();
}

bool
faults_were(void)
{
	return faults.count > 0;
}

bool
faults_are_over(void)
{
	return faults.over_at != TIME_NEVER;
}

lun_time
faults_over_at(void)
{
	return faults.over_at;
}

void
faults_begin(const struct plan *plan)
{
	faults = (struct faults){ .plan = plan, .first = TIME_NEVER,
				  .until = TIME_NEVER, .over_at = TIME_NEVER };
}
