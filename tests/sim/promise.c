/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "promise.h"

#include <errno.h>
#include <string.h>

#include "faults.h"
#include "plant.h"

static const struct plan *plan;
static unsigned told;			/* flushes, of a crash */

void
promise_begin(const struct plan *p)
{
	plan = p;
}

void
promise_session(void)
{
	told = 0;
}

/* ------------------------------------------------------------ how long -- */

/*
 * How long something may take when nothing is wrong any more. The connection and
 * the login that are under way are given up, each after a timeout; the next
 * attempt comes after the longest back-off; and a command takes a timeout, and
 * another one if it is not answered: it is aborted, then its unit reset, then its
 * connection dropped.
 */
static lun_time
bound(void)
{
	return 4 * plan->timeout + 30 * TIME_S;
}

/*
 * How long it may take whatever goes on, but for --outage wait. The time of the
 * outage, a timeout at least, begins with the first loss and is over once: no
 * other request, answered or lost, makes it begin again. Before that a request
 * waits for a connection or the window, is sent, aborted, and its unit reset (a
 * third of a timeout each); so it does once more if it is under way when its
 * time is over; and what is busy is asked again for a timeout.
 */
static lun_time
bound_of_outage(void)
{
	lun_time outage = plan->outage > plan->timeout ? plan->outage :
	    plan->timeout;

	return time_add(outage, 6 * plan->timeout + 10 * TIME_S);
}

bool
nothing_is_wrong(void)
{
	return !faults_were() ||
	       world.now > time_add(faults_over_at(), bound());
}

/* Of many commands, each of which may meet an outage of its own, until the faults
 * are over. */
lun_time
opening_due_at(lun_time since)
{
	lun_time over = faults_over_at();

	return time_add(since > over ? since : over, bound());
}

/* From its own start on: what becomes of others is no excuse. */
lun_time
due_at(lun_time since)
{
	lun_time at = opening_due_at(since);
	lun_time outage = time_add(since, bound_of_outage());

	return outage < at ? outage : at;	/* also while nothing works */
}

/* ---------------------------------------------------------- may it fail -- */

/* A crash may have taken what was acknowledged: then a flush has to say so, but
 * once only. */
static bool
tells_of_a_crash(const struct lun_io *io, const struct lun_disk_info *disk)
{
	if (io->code != LUN_EREFUSED || io->error != EIO || !plan->write_cache)
		return false;
	if (io->op == LUN_FLUSH)
		return ++told <= disk->lost_writes;
	return io->flags & LUN_FUA && disk->lost_writes > 0;
}

/* So much of its data is lost, damaged or refused, or the unit so often busy,
 * that no attempt came through in all the time that a command is made again: it
 * is right to say so. The last one need not have met the same as the others; and
 * a unit that was busy when it was looked at is not ready until the next look. */
static bool
was_hindered(const struct lun_io *io, lun_time since,
	     const struct lun_disk_info *disk)
{
	static const enum fault rules[] = { RULE_DROP, RULE_CORRUPT, RULE_REJECT,
					    RULE_SENSE, RULE_STATUS,
					    RULE_NTH_TASK };
	static const char *const ends[] = { "ABORTED COMMAND", "UNIT ATTENTION",
					    "BUSY", "TASK SET FULL" };
	bool hinders = false, over = false;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		hinders |= plan->rules[rules[i]][0] != '\0';
	for (size_t i = RULE_TRICK_1; i <= RULE_TRICK_3; i++)
		hinders |= strncmp(plan->rules[i], "reject=", 7) == 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		over |= strstr(io->text, ends[i]) != NULL;
	return hinders && over && (world.now - since >= plan->timeout - TIME_S ||
				   disk->state == LUN_DISK_NOT_READY);
}

/* It was made to fail, and the unit said that it did. */
static bool
met_medium_error(const struct lun_io *io)
{
	return io->op == LUN_WRITE && strstr(io->text, "MEDIUM ERROR") &&
	       strstr(plan->rules[RULE_NTH_TASK], "sense=3/");
}

bool
may_fail(const struct lun_io *io, lun_time since,
	 const struct lun_disk_info *disk)
{
	bool met_faults = faults_were() && since <= faults_over_at();
	bool excused = met_faults && (plan->every[FAULT_ALLOC] ||
				      was_hindered(io, since, disk) ||
				      met_medium_error(io));

	if (tells_of_a_crash(io, disk))
		return true;
	if (io->code == LUN_EIDENTITY)	/* it is the same one */
		return false;
	if (excused && plan->every[FAULT_ALLOC])
		plant_excused(io);
	return excused || (plan->outage != TIME_NEVER && !nothing_is_wrong());
}
