/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "session/session-impl.h"

enum { LEADING = 0 };			/* the leg of the leading login */

void
session_log(struct session *s, enum lun_log_level level, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	if (!env_logs(s->nexus.env, level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	env_log(s->nexus.env, level, "%s: %s", s->cfg.label, line);
}

void
session_stir(struct session *s)
{
	s->driver->stir(s->driver_user, s);
}

/* ------------------------------------------------- what news leads to -- */

static void
over(struct session *s, const struct lun_error *err)
{
	if (s->over)
		return;
	tell_now(s);			/* before what comes of it */
	s->over = true;
	s->error = *err;
	session_stir(s);
}

void
session_give_up(struct session *s, int code, const char *fmt, ...)
{
	char text[sizeof(s->error.text)];
	struct lun_error err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lun_fail(&err, code, "%s", text);
	if (s->state == SESSION_LOGGED_IN)
		session_enter(s, SEV_FAILED);
	if (s->state == SESSION_FAILED)
		session_enter(s, SEV_GIVEN_UP);
	over(s, &err);
}

/* A new connection for the leading login, to s->portal. */
static void
login_again(struct session *s)
{
	struct lun_error err;

	if (leg_connect(&s->legs[LEADING], &err) < 0)
		over(s, &err);
}

/* 13.2, 13.20: as many connections as both sides want, and the lower level. */
static void
take_granted(struct session *s)
{
	const struct params *granted = &s->login.params;
	const struct params *wanted = &s->cfg.login.offer->values;

	s->n_legs = granted->MaxConnections < LEGS_MAX ?
	    granted->MaxConnections : LEGS_MAX;
	if (s->cfg.login.discovery)
		return;
	if (granted->MaxConnections < wanted->MaxConnections)
		session_log(s, LUN_LOG_WARNING, "%" PRIu32 " connections are "
			    "wanted, the target grants %" PRIu32,
			    wanted->MaxConnections, granted->MaxConnections);
	if (granted->ErrorRecoveryLevel < wanted->ErrorRecoveryLevel)
		session_log(s, LUN_LOG_WARNING, "error recovery level %" PRIu32
			    " is wanted, the target grants %" PRIu32,
			    wanted->ErrorRecoveryLevel,
			    granted->ErrorRecoveryLevel);
}

static void
on_logged_in(struct session *s, struct leg *leg)
{
	const struct params *p = &conn_login_result(leg->conn)->params;

	leg->time2wait = p->DefaultTime2Wait * TIME_S;
	leg->time2retain = p->DefaultTime2Retain * TIME_S;
	if (s->state == SESSION_FAILED)
		session_enter(s, SEV_CONTINUED);
	if (leg->lost) {
		connrec_reinstated(leg);
		return;
	}
	if (!leg->login.leading) {
		tell_added(leg);
		s->add_wait = 0;
		s->add_told = false;
		return;
	}
	s->login = *conn_login_result(leg->conn);
	s->tsih = s->login.tsih;
	s->redirects = 0;
	session_enter(s, SEV_LOGGED_IN);
	s->up = true;
	take_granted(s);
	if (!s->stopping)
		s->ops->up(s->user);
}

/* One more connection cannot be had now: it goes on with those that are there. */
static void
on_not_added(struct session *s, struct leg *leg, const char *why)
{
	char text[PORTAL_TEXT_MAX];

	if (leg->lost) {
		connrec_login_failed(leg);
		return;
	}
	session_log(s, s->add_told ? LUN_LOG_DEBUG : LUN_LOG_WARNING, "conn %u "
		    "to %s cannot be added: %s; going on with %zu of %zu "
		    "connections", conn_cid(leg->conn),
		    portal_print(&leg->portal, text), why, legs_n_ready(s),
		    s->n_legs);
	s->add_told = true;
	leg_close(leg, LUN_ELOST);
	legs_add_later(s);
}

static void
on_redirected(struct session *s, struct leg *leg)
{
	const struct login_result *l = conn_login_result(leg->conn);
	char text[PORTAL_TEXT_MAX], from[PORTAL_TEXT_MAX];
	struct lun_error err;

	if (!leg->login.leading) {
		on_not_added(s, leg, conn_error(leg->conn)->text);
		return;
	}
	portal_print(&s->portal, from);
	s->portal = l->portals[0];
	s->portal.tpgt = -1;
	s->moved = l->permanent;
	leg_close(leg, LUN_EREFUSED);
	portal_print(&s->portal, text);
	if (s->moved)
		session_log(s, LUN_LOG_WARNING, "%s: redirected permanently to "
			    "%s, which should be named instead", from, text);
	else
		session_log(s, LUN_LOG_INFO, "%s: redirected temporarily to %s",
			    from, text);
	if (++s->redirects > REDIRECTS_MAX) {
		lun_fail(&err, LUN_EREFUSED, "%s: redirected %u times in a row, "
			 "at last from %s to %s: given up", s->cfg.label,
			 s->redirects, from, text);
		over(s, &err);
		return;
	}
	s->lists_refused = s->cfg.login.lists_refused;
	login_again(s);
}

static void
on_login_failed(struct session *s, struct leg *leg)
{
	const struct login_result *l = conn_login_result(leg->conn);
	struct lun_error err = *conn_error(leg->conn);
	bool again = l->retry == RETRY_AT_ONCE &&
	    l->lists_refused > leg->login.lists_refused;

	if (!leg->login.leading) {
		on_not_added(s, leg, err.text);
		return;
	}
	s->lists_refused = l->lists_refused;
	leg_close(leg, err.code);
	if (again && !s->stopping) {
		session_log(s, LUN_LOG_INFO, "%s; trying again with less to choose "
			    "from", err.text);
		login_again(s);
		return;
	}
	over(s, &err);
}

/*
 * Recovery of the session (7.1.4.4): all connections are closed, all tasks end.
 * What was sent on the lost one may be missing in the order of the commands;
 * nothing less could fill that.
 */
static void
on_lost(struct session *s, struct leg *leg)
{
	struct lun_error err = *conn_error(leg->conn);
	char text[PORTAL_TEXT_MAX];

	if (s->closing && s->closing != leg) {
		leg_close(leg, err.code);	/* as it was told to */
		return;
	}
	if (conn_time2wait(leg->conn) >= 0)
		s->time2wait = leg->time2wait = conn_time2wait(leg->conn);
	if (connrec_begin(leg))
		return;
	/* the session's loss says it all */
	session_log(s, LUN_LOG_DEBUG, "conn %u to %s is lost: %s",
		    conn_cid(leg->conn), portal_print(&leg->portal, text),
		    err.text);
	session_enter(s, SEV_FAILED);
	leg_close(leg, err.code);
	if (s->n_legs > 1)
		session_give_up(s, err.code, "conn %u: %s", leg->login.cid,
				err.text);
	else
		session_give_up(s, err.code, "%s", err.text);
}

static void
on_logged_out(struct session *s, struct leg *leg)
{
	struct lun_error err;

	/* 6.3.5: the last connection ends the session */
	if (!s->closing && !leg_is_last(leg)) {
		leg_close(leg, LUN_ELOST);
		legs_add_later(s);
		return;
	}
	session_enter(s, SEV_CLOSED);
	leg_close(leg, LUN_ELOST);
	lun_fail(&err, s->stopping ? LUN_ECANCELED : LUN_ELOST, "%s: %s",
		 s->cfg.label, s->stopping ? "closed" :
		 "the target asked for a logout");
	over(s, &err);
}

/* The logout comes at this time at the latest. */
static void
stop_by(struct session *s, lun_time at)
{
	struct timer *t = &s->stop_timer.t;

	if (!timer_is_set(t) || at < t->at)
		timer_set(t, at);
}

static void
take_news(struct session *s, struct leg *leg)
{
	unsigned news = conn_take_news(leg->conn);
	char text[PORTAL_TEXT_MAX];

	if (news & NEWS_CONNECT) {
		session_log(s, LUN_LOG_DEBUG, "conn %u: connecting to %s",
			    conn_cid(leg->conn),
			    portal_print(&leg->portal, text));
		leg->driven = true;
		s->driver->connect(s->driver_user, leg->conn, &leg->portal);
	}
	if (news & NEWS_LOGGED_IN)
		on_logged_in(s, leg);
	if (news & NEWS_LOGOUT_REQUESTED) {
		lun_time left = conn_logout_by(leg->conn) - session_now(s);

		/* half of the time that it allows is for what is under way */
		stop_by(s, session_now(s) + left / 2);
	}
	if (news & NEWS_REMOVED)
		connrec_removed(leg);
	if (s->over)
		return;			/* it is closed with all others */
	if (news & NEWS_REDIRECTED)
		on_redirected(s, leg);
	else if (news & NEWS_LOGIN_FAILED)
		on_login_failed(s, leg);
	else if (news & NEWS_LOST)
		on_lost(s, leg);
	else if (news & NEWS_LOGGED_OUT)
		on_logged_out(s, leg);
}

/* ------------------------------------------------------------ the steps -- */

/* Done callbacks may submit again; that is for the next step. */
static size_t
run_ended(struct session *s)
{
	struct list batch;
	struct command *cmd;
	size_t n = 0;

	list_init(&batch);
	list_splice(&batch, &s->ended);
	while ((cmd = list_first(&batch, struct command, link))) {
		list_del(&cmd->link);
		cmd->phase = 0;
		s->n_commands--;
		n++;
		cmd->done(cmd);
	}
	return n;
}

static void
run_text(struct session *s)
{
	struct session_text *t = &s->text;
	struct text_exchange *x = t->x;

	if (!t->ended)
		return;
	t->ended = false;
	t->x = NULL;
	x->done(x, t->code, &t->err, t->text, t->len);
}

size_t
session_step(struct session *s, lun_time now)
{
	size_t done;

	s->nexus.timers->now = now;
	run_text(s);			/* before the connection that has it goes */
	for (size_t i = 0; i < LEGS_MAX && !s->over; i++)
		if (s->legs[i].conn)
			take_news(s, &s->legs[i]);
	legs_tell_dropped(s);
	tmfs_run(s);
	connrec_step(s, now);
	if (s->over) {
		tmfs_end_all(s, NULL, s->error.code);
		for (size_t i = 0; i < LEGS_MAX; i++)
			leg_close(&s->legs[i], s->error.code);
		commands_end_waiting(s, s->error.code);
	}
	run_text(s);
	done = run_ended(s);
	legs_log_out(s, now);
	legs_add(s);
	if (s->over && !s->told_down && list_empty(&s->ended)) {
		s->told_down = true;
		s->ops->down(s->user, &s->error);
	}
	return done;
}

static void
stop_due(struct timer *t, lun_time now)
{
	struct session *s = container_of(t, struct session_timer, t)->s;

	s->nexus.timers->now = now;
	legs_log_out_now(s, now);
	if (s->stopping && !s->closing)	/* there is no connection for that */
		session_give_up(s, LUN_ECANCELED, "%s: closed", s->cfg.label);
	session_stir(s);
}

/* ----------------------------------------------------------- the object -- */

static void
session_freep(struct session **s)
{
	session_free(*s);
}

static void
init_lists(struct session *s)
{
	struct list *lists[] = { &s->idle, &s->running, &s->waiting, &s->ended,
				 &s->tmfs, &s->tmfs_ended };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		list_init(lists[i]);
}

int
session_new(struct session **out, const struct session_config *config,
	    const struct lun_env *env, struct timers *timers,
	    const struct session_driver *driver, void *driver_user,
	    const struct session_ops *ops, void *user, lun_time now,
	    struct lun_error *err)
{
	_cleanup_(session_freep) struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	s->nexus = (struct nexus){
		&task_nexus_ops, env, timers, config->label,
	};
	timers->now = now;
	s->cfg = *config;
	s->driver = driver;
	s->driver_user = driver_user;
	s->ops = ops;
	s->user = user;
	s->time2wait = -1;
	init_lists(s);
	s->stop_timer.s = s;
	if (legs_init(s) < 0 || connrec_init(s) < 0 || tell_init(s) < 0 ||
	    timer_init(&s->stop_timer.t, timers, stop_due) < 0 ||
	    task_clock_init(s) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	*out = take(s);
	return 0;
}

struct session *
session_free(struct session *s)
{
	if (!s)
		return NULL;
	s->stopping = s->over = s->told_down = true;
	tmfs_end_all(s, NULL, LUN_ECANCELED);
	for (size_t i = 0; i < LEGS_MAX; i++)
		leg_close(&s->legs[i], LUN_ECANCELED);
	commands_end_waiting(s, LUN_ECANCELED);
	tmfs_run(s);
	run_text(s);
	while (!list_empty(&s->ended))	/* what they submit now ends at once */
		run_ended(s);
	timer_deinit(&s->clock.t);
	timer_deinit(&s->stop_timer.t);
	tell_now(s);
	tell_deinit(s);
	connrec_deinit(s);
	legs_deinit(s);
	tasks_free(s);
	free(s);
	return NULL;
}

void
session_start(struct session *s, lun_time now)
{
	s->nexus.timers->now = now;
	login_again(s);
}

void
session_stop(struct session *s, lun_time now)
{
	struct lun_error err;

	s->nexus.timers->now = now;
	s->stopping = true;
	session_stir(s);
	if (s->state == SESSION_LOGGED_IN) {
		stop_by(s, time_add(now, s->cfg.command_timeout));
		return;			/* log_out_when_idle() */
	}
	lun_fail(&err, LUN_ECANCELED, "%s: closed", s->cfg.label);
	over(s, &err);
}

void
session_set_portals(struct session *s, const struct portal *portals,
		    size_t n_portals)
{
	s->cfg.portals = portals;
	s->cfg.n_portals = n_portals;
}

struct nexus *
session_nexus(struct session *s)
{
	return &s->nexus;
}

/* ---------------------------------------------------------------- text -- */

static void
text_done(struct text_exchange *inner, int code, const struct lun_error *err,
	  const char *text, size_t len)
{
	struct session *s = inner->user;

	s->text.ended = true;
	s->text.code = code;
	if (err)
		s->text.err = *err;
	s->text.text = text;
	s->text.len = len;
	session_stir(s);
}

int
session_text(struct session *s, struct text_exchange *x, lun_time now)
{
	struct leg *leg = legs_ready(s);
	int r;

	if (!leg || s->text.x)
		return LUN_EREFUSED;
	s->nexus.timers->now = now;
	s->text.inner = *x;
	s->text.inner.done = text_done;
	s->text.inner.user = s;
	s->text.x = x;
	s->text.leg = leg;
	if ((r = conn_text(leg->conn, &s->text.inner, now)) < 0)
		s->text.x = NULL;
	return r;
}
