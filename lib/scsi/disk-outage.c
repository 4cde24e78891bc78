/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long requests wait for a nexus that is lost, or a unit that does not
 * answer: as long as the outage may last, from
 *
 *	the first loss	when a command of theirs was lost; at recovery level 2 when
 *			it lost its connection, though that was to be recovered,
 *			and maybe was, and it was answered; or one of another
 *			write that they had to wait for, from their start on
 *	the outage	in which they came, or while which they had nothing out:
 *			they wait for what is left of it
 *
 * and then they fail, or with the next loss, if a command is under way then (that
 * is bounded as any command is). What becomes of other requests changes nothing:
 * they may be answered and be lost again, time and again.
 *
 * To the unit, outages without any answer in between are one. When that has
 * lasted too long, all that comes fails at once until the unit is found again.
 */
#include "scsi/disk-impl.h"

#include <inttypes.h>
#include <stdio.h>

#include "scsi/errno.h"

/* So that whoever reads it knows what to change. */
const char *
outage_text(const struct disk *d, char text[OUTAGE_TEXT_MAX])
{
	if (d->options.outage == 0)
		snprintf(text, OUTAGE_TEXT_MAX, "--outage fail");
	else
		snprintf(text, OUTAGE_TEXT_MAX, "--outage wait:%" PRId64
			 " is over", d->options.outage / TIME_S);
	return text;
}

static void
set_cause(struct disk *d, int code, const char *cause)
{
	char text[OUTAGE_TEXT_MAX];

	d->lost_code = code;
	snprintf(d->lost_text, sizeof(d->lost_text), "%s", cause);
	snprintf(d->over_text, sizeof(d->over_text), "%s: %s",
		 outage_text(d, text), d->lost_text);
	disk_update_info(d);
}

static lun_time
over_at(const struct disk *d, lun_time since)
{
	return time_add(since, d->options.outage);
}

static void
wake_by(struct disk *d, lun_time at)
{
	if (at != TIME_NEVER && (!timer_is_set(&d->outage) || at < d->outage.at))
		timer_set(&d->outage, at);
}

/* The first one counts. 0: there was none. */
static void
note_loss(struct request *r, lun_time at)
{
	if (at != 0 && (r->lost_at == 0 || at < r->lost_at))
		r->lost_at = at;
}

lun_time
outage_since(struct request *r)
{
	const struct piece *p;

	list_for_each(p, &r->pieces, const struct piece, link)
		note_loss(r, p->command.lost_at);
	return r->lost_at;
}

void
outage_waits(struct disk *d, struct request *r)
{
	if (outage_since(r) == 0)
		r->lost_at = d->outage_began;
	wake_by(d, over_at(d, r->lost_at));
}

void
outage_shared(struct disk *d, struct request *r, struct request *blocker)
{
	lun_time at = outage_since(blocker);

	if (at == 0)
		return;
	note_loss(r, at > r->since ? at : r->since);
	if (d->lost && !d->closed)
		outage_waits(d, r);
}

bool
outage_is_over(const struct disk *d, struct request *r)
{
	lun_time now = d->unit.nexus->timers->now;

	if (outage_since(r) == 0)
		r->lost_at = now;
	return d->given_up || now >= over_at(d, r->lost_at);
}

/* All that have nothing out; and when the first of them is to fail. */
static void
all_wait(struct disk *d)
{
	struct request *r;
	struct piece *p;

	wake_by(d, over_at(d, d->outage_began));
	list_for_each(r, &d->waiting, struct request, link)
		outage_waits(d, r);
	list_for_each(r, &d->writes, struct request, order)
		if (r->blocker)
			outage_waits(d, r);
	list_for_each(p, &d->delayed, struct piece, delay)
		outage_waits(d, p->request);
}

static void
give_up(struct disk *d)
{
	d->given_up = true;
	disk_update_info(d);
	disk_fail_waiting(d, TIME_NEVER, d->lost_code,
			  errno_of_code(d->lost_code), d->over_text);
	disk_wake(d);
}

static void
fired(struct timer *t, lun_time now)
{
	struct disk *d = container_of(t, struct disk, outage);

	if (now >= over_at(d, d->outage_began)) {
		if (!d->given_up)
			disk_log(d, LUN_LOG_ERROR, "requests fail from now on: ",
				 d->over_text);
		give_up(d);
		return;
	}
	disk_fail_waiting(d, now - d->options.outage, d->lost_code,
			  errno_of_code(d->lost_code), d->over_text);
	all_wait(d);
	disk_wake(d);
}

void
disk_unanswered(struct disk *d, int code, const char *text)
{
	if (d->closed || d->lost)
		return;
	d->lost = d->unverified = true;
	set_cause(d, code, text);
	if (d->outage_began == 0)
		d->outage_began = d->unit.nexus->timers->now;
	if (d->options.outage == 0)
		give_up(d);
	else
		all_wait(d);
}

void
disk_lost(struct disk *d, lun_time since, int code, const char *text)
{
	d->away = true;
	cache_nexus_lost(d);
	d->probe_void = probe_running(&d->probe);
	d->probe_wanted = false;
	timer_clear(&d->again);
	if (d->closed)
		return;
	if (d->outage_began == 0 || since < d->outage_began)
		d->outage_began = since;
	disk_unanswered(d, code, text);
	set_cause(d, code, text);	/* better than "no answer" */
	if (!d->given_up)
		wake_by(d, over_at(d, d->outage_began));
}

void
outage_answered(struct disk *d)
{
	d->outage_began = d->lost ? d->unit.nexus->timers->now : 0;
}

void
outage_ends(struct disk *d)
{
	if (d->lost)
		pieces_start_anew(d);
	d->unverified = d->lost = d->given_up = d->unsure = false;
	if (d->requests == 0)
		d->outage_began = 0;	/* nobody has waited */
	timer_clear(&d->outage);
}

bool
disk_is_lost(const struct disk *d)
{
	return d->lost;
}

lun_time
disk_gives_up_at(const struct disk *d)
{
	return d->lost && !d->given_up && timer_is_set(&d->outage) ?
	    d->outage.at : TIME_NEVER;
}

bool
disk_is_unsure(const struct disk *d)
{
	return d->unsure;
}

int
outage_init(struct disk *d)
{
	return timer_init(&d->outage, d->unit.nexus->timers, fired);
}
