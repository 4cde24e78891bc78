/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands out, or refused; back-off. */
#include "scsi/unit.h"

#include <assert.h>

#include "conn/times.h"
#include "scsi/cdb.h"

enum {
	RETRY_AT_ONCE_MAX = 3,		/* then even these wait */
	RETRY_SHIFT_MAX = 7,		/* 10 ms << 7 is above the maximum */
};

static void
report_refused(struct timer *t, lun_time now)
{
	struct unit *u = container_of(t, struct unit, timer);
	struct list refused = LIST_INIT(refused);
	struct command *c;

	list_splice(&refused, &u->refused);
	while ((c = list_first(&refused, struct command, link))) {
		list_del(&c->link);
		c->done(c);
	}
}

int
unit_init(struct unit *u, struct nexus *nexus, uint64_t lun, bool read_only)
{
	*u = (struct unit){
		.nexus = nexus, .lun = lun, .read_only = read_only,
	};
	list_init(&u->refused);
	return timer_init(&u->timer, nexus->timers, report_refused);
}

void
unit_deinit(struct unit *u)
{
	assert(!u->timer.set || list_empty(&u->refused));
	timer_deinit(&u->timer);
}

/* So that nothing of the last time is there when it is sent again. */
static void
clear_outcome(struct command *c)
{
	c->result = 0;
	c->response = c->status = 0;
	c->status_qualifier = 0;
	c->overflow = c->underflow = false;
	c->residual = c->in_residual = 0;
	c->bidi_overflow = c->bidi_underflow = false;
	c->lost_at = 0;
	c->received = 0;
	c->sense_len = 0;
}

void
unit_submit(struct unit *u, struct command *c)
{
	clear_outcome(c);
	c->lun = u->lun;
	c->attr = ATTR_SIMPLE;
	if (!u->read_only || cdb_is_harmless(c->cdb, c->cdb_len)) {
		u->nexus->ops->submit(u->nexus, c);
		return;
	}
	c->result = LUN_EREFUSED;
	list_append(&u->refused, &c->link);
	timer_set(&u->timer, u->nexus->timers->now);
}

void
unit_cancel(struct unit *u, struct command *c)
{
	struct command *r;

	list_for_each(r, &u->refused, struct command, link)
		if (r == c)
			return;		/* it ends anyway */
	u->nexus->ops->cancel(u->nexus, c);
}

lun_time
retry_at(struct retry *r, const struct nexus *nexus, enum action action,
	 lun_time patience)
{
	lun_time now = nexus->timers->now;

	assert(action == ACTION_RETRY || action == ACTION_WAIT);
	unsigned n = r->n++;

	if (action == ACTION_RETRY && n < RETRY_AT_ONCE_MAX)
		return now;

	unsigned shift = n < RETRY_SHIFT_MAX ? n : RETRY_SHIFT_MAX;
	lun_time delay = RETRY_DELAY_FIRST << shift;

	if (delay > RETRY_DELAY_LONGEST)
		delay = RETRY_DELAY_LONGEST;
	/* half of it by chance: many initiators were turned away at once */
	delay = delay / 2 + env_random32(nexus->env) % (delay / 2 + 1);
	if (delay > patience - r->paused)
		return TIME_NEVER;
	r->paused += delay;
	return time_add(now, delay);
}
