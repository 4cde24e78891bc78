/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All deadlines of a connection:
 *
 *	phase	XPT_WAIT, IN_LOGIN and IN_LOGOUT may each last so long
 *	nop	when nothing came for nop_interval, a ping is sent, unless one was
 *		since, for another reason; when nothing came for nop_answer after
 *		it, the connection is lost
 *	text	from the request (or the last part of the answer) to the answer
 *	statuses	from a Status SNACK to the response that was lost
 *
 * The others report facts and never set a timer. What came is noted as a time
 * only (c->heard): the nop timer looks at it when it fires, so that traffic
 * costs no timer operation.
 */
#include "conn/conn-impl.h"

static struct conn *
conn_at(struct timer *t, lun_time now)
{
	struct conn *c = container_of(t, struct conn_timer, t)->c;

	c->now = now;
	return c;
}

static void
phase_over(struct timer *t, lun_time now)
{
	struct conn *c = conn_at(t, now);
	const char *what = c->state == CONN_XPT_WAIT ? "the TCP connection" :
	    c->state == CONN_IN_LOGIN ? "the login" : "the logout";
	lun_time limit = c->state == CONN_XPT_WAIT ? c->cfg.timeouts.connect :
	    c->state == CONN_IN_LOGIN ? c->cfg.timeouts.login :
	    c->cfg.timeouts.logout;

	bool by_proxy = c->state == CONN_XPT_WAIT && c->cfg.via;

	conn_fail(c, LUN_ETIMEDOUT, "%s%s%s was not answered within %" PRId64
		  " s", what, by_proxy ? " by " : "",
		  by_proxy ? c->cfg.via : "", limit / TIME_S);
}

/* From level 1 on a ping may be lost, and if something came since it was. */
static bool
is_asked(const struct conn *c)
{
	return c->ping_tag != TAG_NONE &&
	    (c->asked >= c->heard || !conn_mends(c));
}

void
conn_timers_pinged(struct conn *c)
{
	if (!is_asked(c))
		c->asked = c->cfg.timers->now;
}

static void
nop_due(struct timer *t, lun_time now)
{
	struct conn *c = conn_at(t, now);
	bool asked = is_asked(c);
	lun_time patience = asked ? c->cfg.timeouts.nop_answer :
	    c->cfg.timeouts.nop_interval;
	lun_time since = c->asked > c->heard ? c->asked : c->heard;
	lun_time due = time_add(since, patience);

	if (now < due) {		/* something came or was sent meanwhile */
		timer_set(t, due);
		return;
	}
	if (asked) {
		c->counters.nop_timeouts++;
		conn_fail(c, LUN_ETIMEDOUT, "a ping (NOP-Out) was not answered "
			  "within %" PRId64 " s", patience / TIME_S);
		return;
	}
	if (conn_ping(c) == 0)
		timer_set(t, time_add(now, c->cfg.timeouts.nop_answer));
}

static void
text_over(struct timer *t, lun_time now)
{
	struct conn *c = conn_at(t, now);
	struct lun_error err;

	lun_fail(&err, LUN_ETIMEDOUT, "a Text Request was not answered within "
		 "%" PRId64 " s", c->cfg.timeouts.text / TIME_S);
	textreq_end(c, LUN_ETIMEDOUT, &err);
}

static void
statuses_over(struct timer *t, lun_time now)
{
	statuses_due(conn_at(t, now));
}

int
conn_timers_init(struct conn *c)
{
	struct {
		struct conn_timer *ct;
		void (*fire)(struct timer *t, lun_time now);
	} timers[] = {
		{ &c->phase_timer, phase_over },
		{ &c->nop_timer, nop_due },
		{ &c->text_timer, text_over },
		{ &c->statuses_timer, statuses_over },
	};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		timers[i].ct->c = c;
		if (timer_init(&timers[i].ct->t, c->cfg.timers, timers[i].fire) < 0)
			return LUN_ENOMEM;
	}
	return 0;
}

void
conn_timers_deinit(struct conn *c)
{
	timer_deinit(&c->phase_timer.t);
	timer_deinit(&c->nop_timer.t);
	timer_deinit(&c->text_timer.t);
	timer_deinit(&c->statuses_timer.t);
}

static void
set_or_clear(struct conn *c, struct conn_timer *ct, lun_time delay)
{
	struct timer *t = &ct->t;

	if (delay > 0)
		timer_set(t, time_add(c->now, delay));
	else
		timer_clear(t);
}

void
conn_timers_entered(struct conn *c)
{
	const struct conn_timeouts *to = &c->cfg.timeouts;

	c->heard = c->now;
	switch (c->state) {
	case CONN_XPT_WAIT:
		set_or_clear(c, &c->phase_timer, to->connect);
		break;
	case CONN_IN_LOGIN:
		set_or_clear(c, &c->phase_timer, to->login);
		break;
	case CONN_LOGGED_IN:
		timer_clear(&c->phase_timer.t);
		set_or_clear(c, &c->nop_timer, to->nop_interval);
		break;
	case CONN_IN_LOGOUT:
		set_or_clear(c, &c->phase_timer, to->logout);
		timer_clear(&c->nop_timer.t);
		timer_clear(&c->statuses_timer.t);
		break;
	case CONN_LOGOUT_REQUESTED:
		break;
	case CONN_FREE:
	case CONN_CLEANUP_WAIT:
		timer_clear(&c->phase_timer.t);
		timer_clear(&c->nop_timer.t);
		timer_clear(&c->text_timer.t);
		timer_clear(&c->statuses_timer.t);
		break;
	}
}

void
conn_timers_ponged(struct conn *c)
{
	c->ping_tag = TAG_NONE;
	if (c->state & (CONN_LOGGED_IN | CONN_LOGOUT_REQUESTED))
		set_or_clear(c, &c->nop_timer, c->cfg.timeouts.nop_interval);
}

void
conn_timers_text(struct conn *c, bool under_way)
{
	set_or_clear(c, &c->text_timer,
		     under_way ? c->cfg.timeouts.text : 0);
}

void
conn_timers_statuses(struct conn *c, bool missing)
{
	set_or_clear(c, &c->statuses_timer, missing ? SNACK_ANSWER : 0);
}
