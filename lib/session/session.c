/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "session/session-impl.h"

/* The leading connection has this CID; its leg is the first. */
enum { LEADING = 0, FIRST_CID = 1 };

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

/* ------------------------------------------------ what connections say -- */

static void
leg_stir(void *user)
{
	struct leg *leg = user;

	session_stir(leg->s);
}

static void
leg_rejected(void *user, struct conn *c, const struct pdu *bad, uint8_t reason)
{
	struct leg *leg = user;

	if (bad->opcode == OP_TMF_REQUEST)
		tmf_rejected(leg->s, bad->initiator_task_tag, reason);
	else
		task_rejected(leg->s, leg, bad, reason);
}

static void
leg_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	struct leg *leg = user;

	leg->s->ops->scsi_event(leg->s->user, lun, sense, len);
}

/* Async events 2 and 3: as if TCP had failed (RFC 7143 7.1.4.3, 11.9.1). */
static void
leg_drop(void *user, const struct pdu *async)
{
	struct session *s = ((struct leg *)user)->s;
	bool all = async->async_event == ASYNC_SESSION_DROP;

	for (size_t i = 0; i < LEGS_MAX; i++) {
		struct conn *c = s->legs[i].conn;

		if (!c || !(all || conn_cid(c) == async->parameter1))
			continue;
		s->time2wait = async->parameter2 * TIME_S;
		conn_fail(c, LUN_ELOST, "the target drops %s (async event %u, "
			  "Time2Wait %u s, Time2Retain %u s)",
			  all ? "all connections" : "this connection",
			  async->async_event, async->parameter2,
			  async->parameter3);
	}
}

static void
leg_stop_data(void *user, struct conn *c, uint64_t lun)
{
	dataout_stop(user, lun);
}

static const struct conn_ops leg_ops = {
	.stir = leg_stir,
	.header = datain_header,
	.pdu = datain_pdu,
	.rejected = leg_rejected,
	.scsi_event = leg_scsi_event,
	.drop = leg_drop,
	.stop_data = leg_stop_data,
	.fill = schedule_fill,
};

/* ---------------------------------------------------- the leading login -- */

static void
over(struct session *s, const struct lun_error *err)
{
	if (s->over)
		return;
	s->over = true;
	s->error = *err;
	session_stir(s);
}

/* A new connection for the leading login, to s->portal. */
static void
login_again(struct session *s)
{
	struct leg *leg = &s->legs[LEADING];
	struct conn_config cc = {
		.env = s->nexus.env, .timers = s->nexus.timers,
		.window = &s->window, .login = &leg->login,
		.timeouts = s->cfg.timeouts, .label = s->cfg.label,
		.ops = &leg_ops, .user = leg,
	};
	struct lun_error err;

	assert(!leg->conn);
	if (conn_new(&leg->conn, &cc, &err) < 0) {
		over(s, &err);
		return;
	}
	conn_connect(leg->conn, session_now(s));
}

static void
add_counters(struct conn_counters *sum, const struct conn_counters *c)
{
	sum->commands += c->commands;
	sum->bytes_in += c->bytes_in;
	sum->bytes_out += c->bytes_out;
	sum->header_digest_errors += c->header_digest_errors;
	sum->data_digest_errors += c->data_digest_errors;
	sum->nop_timeouts += c->nop_timeouts;
	sum->rejects += c->rejects;
	sum->async_messages += c->async_messages;
}

/* The connection is gone, and its tasks with it. */
static void
leg_close(struct leg *leg, int result)
{
	struct session *s = leg->s;
	struct conn *c = leg->conn;

	if (!c)
		return;
	tasks_end_all(s, leg, result);
	tmfs_end_all(s, leg, result);
	tmfs_run(s);			/* aborts hold on to tasks */
	if (leg->driven)
		s->driver->close(s->driver_user, c);
	leg->driven = false;
	add_counters(&s->counters.conns, conn_counters(c));
	leg->conn = conn_free(c);
	assert(leg->running == 0);
}

static void
on_logged_in(struct session *s, struct leg *leg)
{
	s->login = *conn_login_result(leg->conn);
	s->tsih = s->login.tsih;
	s->redirects = 0;
	session_enter(s, SEV_LOGGED_IN);
	s->up = true;
	if (!s->stopping)
		s->ops->up(s->user);
}

static void
on_redirected(struct session *s, struct leg *leg)
{
	const struct login_result *l = conn_login_result(leg->conn);
	char text[PORTAL_TEXT_MAX];
	struct lun_error err;

	s->portal = l->portals[0];
	s->portal.tpgt = -1;
	bool permanent = l->permanent;

	s->moved = permanent;

	leg_close(leg, LUN_EREFUSED);
	session_log(s, LUN_LOG_INFO, "redirected (%s) to %s",
		    permanent ? "permanently" : "temporarily",
		    portal_print(&s->portal, text));
	if (++s->redirects > REDIRECTS_MAX) {
		lun_fail(&err, LUN_EREFUSED, "%s: redirected %u times in a row, "
			 "at last to %s: given up", s->cfg.label, s->redirects, text);
		over(s, &err);
		return;
	}
	leg->login.lists_refused = s->cfg.login.lists_refused;
	leg->login.expected_tpgt = -1;		/* 13.8: it may be another one */
	login_again(s);
}

static void
on_login_failed(struct session *s, struct leg *leg)
{
	const struct login_result *l = conn_login_result(leg->conn);
	struct lun_error err = *conn_error(leg->conn);
	bool again = l->retry == RETRY_AT_ONCE &&
	    l->lists_refused > leg->login.lists_refused;

	leg->login.lists_refused = l->lists_refused;
	leg_close(leg, err.code);
	if (again && !s->stopping) {
		session_log(s, LUN_LOG_INFO, "%s; trying again with less to choose "
			    "from", err.text);
		login_again(s);
		return;
	}
	over(s, &err);
}

static void
on_lost(struct session *s, struct leg *leg)
{
	struct lun_error err = *conn_error(leg->conn);

	session_log(s, LUN_LOG_WARNING, "conn %u to %s is lost: %s",
		    conn_cid(leg->conn), s->portal.host, err.text);
	session_enter(s, SEV_FAILED);
	leg_close(leg, err.code);
	session_enter(s, SEV_GIVEN_UP);
	over(s, &err);
}

static void
on_logged_out(struct session *s, struct leg *leg)
{
	struct lun_error err;

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

	if (news & NEWS_CONNECT) {
		leg->driven = true;
		s->driver->connect(s->driver_user, leg->conn, &s->portal);
	}
	if (news & NEWS_LOGGED_IN)
		on_logged_in(s, leg);
	if (news & NEWS_LOGOUT_REQUESTED) {
		lun_time left = conn_logout_by(leg->conn) - session_now(s);

		/* half of the time that it allows is for what is under way */
		stop_by(s, session_now(s) + left / 2);
	}
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
static void
run_ended(struct session *s)
{
	struct list batch;
	struct command *cmd;

	list_init(&batch);
	list_splice(&batch, &s->ended);
	while ((cmd = list_first(&batch, struct command, link))) {
		list_del(&cmd->link);
		cmd->phase = 0;
		cmd->done(cmd);
	}
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

/* A connection that is to be logged out goes when its tasks are over. */
static void
log_out_when_idle(struct session *s, lun_time now)
{
	struct leg *leg = &s->legs[LEADING];

	if (!leg->conn || leg->running > 0 || s->text.x)
		return;
	/* when the target asked for it what waits cannot be sent any more */
	if (conn_state(leg->conn) == CONN_LOGOUT_REQUESTED ||
	    (s->stopping && list_empty(&s->waiting)))
		conn_logout(leg->conn, LOGOUT_SESSION, now);
}

void
session_step(struct session *s, lun_time now)
{
	s->nexus.timers->now = now;
	run_text(s);			/* before the connection that has it goes */
	for (size_t i = 0; i < LEGS_MAX; i++)
		if (s->legs[i].conn)
			take_news(s, &s->legs[i]);
	tmfs_run(s);
	if (s->over) {
		for (size_t i = 0; i < LEGS_MAX; i++)
			leg_close(&s->legs[i], s->error.code);
		commands_end_waiting(s, s->error.code);
	}
	run_text(s);
	run_ended(s);
	log_out_when_idle(s, now);
	if (s->over && !s->told_down && list_empty(&s->ended)) {
		s->told_down = true;
		s->ops->down(s->user, &s->error);
	}
}

/* It did not become idle in time: what is under way ends with the logout. */
static void
stop_due(struct timer *t, lun_time now)
{
	struct session *s = container_of(t, struct session_timer, t)->s;
	struct conn *c = s->legs[LEADING].conn;

	s->nexus.timers->now = now;
	if (c)
		conn_logout(c, LOGOUT_SESSION, now);
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
	for (size_t i = 0; i < LEGS_MAX; i++) {
		struct leg *leg = &s->legs[i];

		leg->s = s;
		leg->login = s->cfg.login;
		leg->login.leading = i == LEADING;
		leg->login.cid = (uint16_t)(FIRST_CID + i);
		leg->late_tmf_tag = TAG_NONE;
		list_init(&leg->unsolicited);
		list_init(&leg->solicited);
	}
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
	s->nexus = (struct nexus){ &task_nexus_ops, env, timers };
	timers->now = now;
	s->cfg = *config;
	s->driver = driver;
	s->driver_user = driver_user;
	s->ops = ops;
	s->user = user;
	s->portal = config->portal;
	init_lists(s);
	s->stop_timer.s = s;
	if (timer_init(&s->stop_timer.t, timers, stop_due) < 0 ||
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
	for (size_t i = 0; i < LEGS_MAX; i++)
		leg_close(&s->legs[i], LUN_ECANCELED);
	commands_end_waiting(s, LUN_ECANCELED);
	tmfs_run(s);
	run_text(s);
	while (!list_empty(&s->ended))	/* what they submit now ends at once */
		run_ended(s);
	timer_deinit(&s->clock.t);
	timer_deinit(&s->stop_timer.t);
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
	struct conn *c = s->legs[LEADING].conn;
	int r;

	if (!c || s->text.x)
		return LUN_EREFUSED;
	s->nexus.timers->now = now;
	s->text.inner = *x;
	s->text.inner.done = text_done;
	s->text.inner.user = s;
	s->text.x = x;
	if ((r = conn_text(c, &s->text.inner, now)) < 0)
		s->text.x = NULL;
	return r;
}

/* ------------------------------------------------------------- reports -- */

const struct login_result *
session_login(const struct session *s)
{
	return &s->login;
}

const struct params *
session_params(const struct session *s)
{
	const struct conn *c = s->legs[LEADING].conn;

	return c && s->up ? conn_params(c) : &s->login.params;
}

struct conn *
session_conn(const struct session *s, size_t i)
{
	for (size_t n = 0; n < LEGS_MAX; n++)
		if (s->legs[n].conn && i-- == 0)
			return s->legs[n].conn;
	return NULL;
}

const struct portal *
session_portal(const struct session *s)
{
	return &s->portal;
}

const struct portal *
session_moved(const struct session *s)
{
	return s->moved ? &s->portal : NULL;
}

lun_time
session_time2wait(const struct session *s)
{
	lun_time agreed = s->up ? s->login.params.DefaultTime2Wait * TIME_S : 0;

	return s->time2wait > agreed ? s->time2wait : agreed;
}

struct session_counters
session_counters(const struct session *s)
{
	struct session_counters sum = { 0 };

	session_counters_add(&sum, s);
	return sum;
}

void
session_counters_add(struct session_counters *sum, const struct session *s)
{
	sum->task_timeouts += s->counters.task_timeouts;
	sum->lun_resets += s->counters.lun_resets;
	add_counters(&sum->conns, &s->counters.conns);

	for (size_t i = 0; i < LEGS_MAX; i++)
		if (s->legs[i].conn)
			add_counters(&sum->conns, conn_counters(s->legs[i].conn));
}
