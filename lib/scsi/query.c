/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The timer is set while the command waits to be sent again, and only then. */
#include "scsi/query.h"

#include <assert.h>
#include <errno.h>

static void
query_end(struct query *q)
{
	q->running = false;
	q->done(q);
}

static void
fail_canceled(struct query *q)
{
	q->outcome = (struct outcome){
		.action = ACTION_FAIL, .code = LUN_ECANCELED, .error = ECANCELED,
	};
	q->command.result = LUN_ECANCELED;
}

static void
command_done(struct command *c)
{
	struct query *q = c->user;
	struct outcome *o = &q->outcome;

	outcome_of(o, c);
	q->effects |= o->effects;
	if (o->action == ACTION_DONE || o->action == ACTION_FAIL) {
		query_end(q);
		return;
	}

	lun_time at = q->cancelled ? TIME_NEVER :
		retry_at(&q->retry, q->unit->nexus, o->action, q->patience);

	if (at == TIME_NEVER) {
		o->action = ACTION_FAIL;
		query_end(q);
	} else {
		timer_set(&q->timer, at);
	}
}

static void
timer_fired(struct timer *t, lun_time now)
{
	struct query *q = container_of(t, struct query, timer);

	if (q->cancelled) {
		fail_canceled(q);
		query_end(q);
	} else {
		unit_submit(q->unit, &q->command);
	}
}

int
query_init(struct query *q, struct unit *unit, lun_time patience,
	   void (*done)(struct query *q), void *user)
{
	*q = (struct query){
		.unit = unit, .patience = patience, .done = done, .user = user,
	};
	return timer_init(&q->timer, unit->nexus->timers, timer_fired);
}

void
query_deinit(struct query *q)
{
	/* it may wait for the next attempt, which does not come then */
	assert(!q->running || timer_is_set(&q->timer));
	timer_deinit(&q->timer);
}

void
query_start(struct query *q)
{
	assert(!q->running);
	q->running = true;
	q->cancelled = false;
	q->retry = (struct retry){ 0 };
	q->command.done = command_done;
	q->command.user = q;
	unit_submit(q->unit, &q->command);
}

void
query_cancel(struct query *q)
{
	if (!q->running || q->cancelled)
		return;
	q->cancelled = true;
	if (timer_is_set(&q->timer))
		timer_set(&q->timer, q->unit->nexus->timers->now);
	else
		unit_cancel(q->unit, &q->command);
}
