/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections of a session. A leg is the place of one: it keeps its CID for
 * life, and has a connection or none.
 *
 * The leading login makes the session and says how many connections it may
 * have; further ones are added one after the other, with the ISID, the TSIH
 * and the keys that are in force. One that cannot be added (refused, another
 * portal group, another TSIH, no answer) is tried again with back-off, in turn
 * over the portals of the portal group; the session goes on with those that it
 * has.
 *
 * Commands go to the least loaded, by turns: it takes those that wait until
 * they are TURN bytes, or there are none, or its socket is full. Small ones
 * hardly count, as each further socket costs more than their bytes do: those
 * that were submitted together leave in one piece, and their answers come in
 * one piece. Large ones go each to another connection. Whichever asks first
 * says whose turn it is; if that one may have been asked before, the driver is
 * to ask once more. Numbers go out in the order in which commands were
 * submitted.
 */
#include <assert.h>

#include "base/error.h"
#include "session/session-impl.h"

/* The leading login is made for the first leg, and has this CID. */
enum { FIRST_CID = 1 };

enum {
	TURN		= 64 * 1024,	/* bytes that one takes, then another */
	SMALL		= 8 * 1024,	/* bytes of a command that counts as */
	SMALL_COUNTS	= 1 * 1024,	/* so many */
	TURN_COMMANDS	= TURN / SMALL_COUNTS,
};

bool
leg_is_opening(const struct leg *leg)
{
	return leg->conn && conn_state(leg->conn) &
	    (CONN_FREE | CONN_XPT_WAIT | CONN_IN_LOGIN);
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
		tmf_rejected(leg, bad->initiator_task_tag, reason);
	else if (bad->opcode == OP_SNACK_REQUEST)
		datain_snack_rejected(leg, bad);
	else if (!retry_rejected(leg->s, leg, bad, reason))
		task_rejected(leg->s, leg, bad, reason);
}

static void
leg_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	struct leg *leg = user;

	leg->s->ops->scsi_event(leg->s->user, lun, sense, len);
}

/* A moment ago: the target may tell of the loss only now. */
static bool
is_recovered(const struct leg *leg)
{
	return leg->was_lost && !leg->lost &&
	    session_now(leg->s) - leg->lost_at < LATE_NEWS;
}

void
legs_tell_dropped(struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if (!leg->dropped.told)
			continue;
		tell_now(s);
		session_log(s, LUN_LOG_INFO, "conn %u: the target drops it (async "
			    "event 2, Time2Wait %u s, Time2Retain %u s), as is "
			    "known", leg->login.cid, leg->dropped.time2wait,
			    leg->dropped.time2retain);
		leg->dropped.told = false;
	}
}

/* The loss comes first, which may still be to be found, or to be told. */
static void
note_dropped(struct leg *leg, const struct pdu *async)
{
	if (leg->dropped.told)
		legs_tell_dropped(leg->s);
	leg->dropped = (struct dropped){
		true, async->parameter2, async->parameter3,
	};
	session_stir(leg->s);
}

/* Async events 2 and 3: as if TCP had failed (RFC 7143 7.1.4.3, 11.9.1). */
static void
dropped(struct leg *leg, const struct pdu *async)
{
	struct session *s = leg->s;
	lun_time wait = async->parameter2 * TIME_S;
	lun_time retain = async->parameter3 * TIME_S;
	bool one = async->async_event == ASYNC_CONNECTION_DROP;
	/* the one that it means is gone, and this one has taken its place */
	bool replaced = one && (leg_is_opening(leg) || is_recovered(leg));
	/* or its end was found in the same glance */
	bool gone = !leg->conn || conn_error(leg->conn)->code != 0;

	if (one && (replaced || gone))
		note_dropped(leg, async);
	if (replaced || (!leg->conn && !leg->lost))
		return;
	leg->time2wait = s->time2wait = wait;
	leg->time2retain = retain;
	if (leg->conn)
		conn_fail(leg->conn, LUN_ELOST, "the target drops %s (async "
			  "event %u, Time2Wait %u s, Time2Retain %u s)",
			  one ? "this connection" : "all connections",
			  async->async_event, async->parameter2,
			  async->parameter3);
	else if (!leg->cleaned && !leg->carrier)
		connrec_times(leg, wait, retain);
}

static void
leg_drop(void *user, const struct pdu *async)
{
	struct session *s = ((struct leg *)user)->s;
	bool all = async->async_event == ASYNC_SESSION_DROP;
	uint16_t cid = async->parameter1;

	if (!all && (cid < FIRST_CID || cid > s->n_legs))
		session_log(s, LUN_LOG_INFO, "ignored: the target drops conn %u "
			    "(async event 2), which there is not", cid);
	s->gives_up |= all;		/* 7.14: that comes first */
	for (size_t i = 0; i < s->n_legs; i++)
		if (all || s->legs[i].login.cid == cid)
			dropped(&s->legs[i], async);
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
	.damaged = snack_damaged,
	.ponged = retry_ponged,
	.rejected = leg_rejected,
	.scsi_event = leg_scsi_event,
	.drop = leg_drop,
	.stop_data = leg_stop_data,
	.fill = schedule_fill,
};

/* ------------------------------------------------------ open and close -- */

/* The next portal of the portal group of the session: RFC 7143 4.4.3. */
static const struct portal *
choose_portal(struct session *s)
{
	for (size_t tries = 0; tries <= s->cfg.n_portals; tries++) {
		size_t i = s->next_portal++ % (s->cfg.n_portals + 1);

		if (i == 0)
			break;

		const struct portal *p = &s->cfg.portals[i - 1];

		if (p->tpgt == s->login.tpgt && !portal_equal(p, &s->portal))
			return p;
	}
	return &s->portal;
}

/* RFC 7143 6.3.1, 11.12.5, 11.12.6, 11.12.7 */
static void
prepare_login(struct leg *leg)
{
	struct session *s = leg->s;
	struct login_config *login = &leg->login;
	uint16_t cid = login->cid;

	*login = s->cfg.login;
	login->cid = cid;
	login->lists_refused = s->lists_refused;
	if (s->state == SESSION_FREE) {
		login->leading = true;
		if (s->redirects > 0)
			login->expected_tpgt = -1;	/* 13.8: another one */
		leg->portal = s->portal;
		s->next_portal = 1;	/* the others begin behind it */
		return;
	}
	login->leading = false;
	login->tsih = s->tsih;
	login->expected_tpgt = s->login.tpgt;
	login->session = &s->login.params;
	login->exp_stat_sn = leg->lost ? leg->exp_stat_sn : 0;
	leg->portal = *choose_portal(s);
}

int
leg_connect(struct leg *leg, struct lun_error *err)
{
	struct session *s = leg->s;
	struct conn_config cc = {
		.env = s->nexus.env, .timers = s->nexus.timers,
		.window = &s->window, .login = &leg->login,
		.timeouts = s->cfg.timeouts, .label = s->cfg.label,
		.via = s->cfg.via,
		.ops = &leg_ops, .user = leg,
	};

	assert(!leg->conn);
	prepare_login(leg);

	int r = conn_new(&leg->conn, &cc, err);

	if (r == 0)
		conn_connect(leg->conn, session_now(s));
	return r;
}

void
leg_drop_conn(struct leg *leg)
{
	struct session *s = leg->s;
	struct conn *c = leg->conn;

	if (leg->driven)
		s->driver->close(s->driver_user, c);
	leg->driven = false;
	conn_counters_add(&leg->counted, conn_counters(c));
	leg->conn = conn_free(c);
}

void
leg_close(struct leg *leg, int result)
{
	struct session *s = leg->s;

	tasks_end_all(s, leg, result);
	tmfs_end_all(s, leg, result);
	tmfs_run(s);			/* aborts hold on to tasks */
	if (leg->conn)
		leg_drop_conn(leg);
	leg->lost = false;
	leg->carrier = NULL;
	assert(leg->running == 0);
}

/* ------------------------------------------------- more than the first -- */

void
legs_add(struct session *s)
{
	struct leg *free = NULL;
	struct lun_error err;

	if (s->state != SESSION_LOGGED_IN || s->stopping || s->over ||
	    timer_is_set(&s->add_timer.t))
		return;
	for (size_t i = s->n_legs; i-- > 0;) {
		struct leg *leg = &s->legs[i];

		if (leg_is_opening(leg))
			return;
		if (!leg->conn && !leg->lost)
			free = leg;
	}
	if (free && leg_connect(free, &err) < 0)
		legs_add_later(s);
}

void
legs_add_later(struct session *s)
{
	lun_time wait = s->add_wait ? s->add_wait : ADD_FIRST;

	s->add_wait = 2 * wait < ADD_LONGEST ? 2 * wait : ADD_LONGEST;
	timer_set(&s->add_timer.t, time_add(session_now(s), wait));
}

static void
add_due(struct timer *t, lun_time now)
{
	struct session *s = container_of(t, struct session_timer, t)->s;

	s->nexus.timers->now = now;
	legs_add(s);
}

/* ------------------------------------------------------------- choices -- */

bool
leg_is_ready(const struct leg *leg)
{
	return leg->conn && conn_state(leg->conn) == CONN_LOGGED_IN;
}

struct leg *
legs_ready(struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (leg_is_ready(&s->legs[i]))
			return &s->legs[i];
	return NULL;
}

struct leg *
legs_least(struct session *s)
{
	struct leg *least = NULL;

	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		/* what is recovered itself takes nothing of others before that */
		if (leg_is_ready(leg) && !leg->lost &&
		    (!least || leg->running < least->running))
			least = leg;
	}
	return least;
}

size_t
legs_n_ready(const struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_legs; i++)
		n += leg_is_ready(&s->legs[i]);
	return n;
}

bool
leg_is_last(const struct leg *leg)
{
	const struct session *s = leg->s;

	for (size_t i = 0; i < s->n_legs; i++)
		if (&s->legs[i] != leg && s->legs[i].conn &&
		    !leg_is_opening(&s->legs[i]))
			return false;
	return true;
}

/* It is connected, and not held up by what it has to send. */
static bool
is_free(const struct leg *leg)
{
	return leg_is_ready(leg) && !conn_is_sending(leg->conn);
}

/*
 * A batch is as large as the one whose end has brought it: by the load alone one
 * connection could have small ones for ever, next to large ones of others. So one
 * that is a turn behind what another has taken, with less than its part of what
 * there is, is behind. More than two turns (it is slow, or new) are not made up for.
 */
static void
find_behind(struct session *s)
{
	size_t n = legs_n_ready(s);
	uint64_t most = 0, behind;

	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].taken > most)
			most = s->legs[i].taken;
	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		behind = most - leg->taken;
		if (behind > 2 * TURN_COMMANDS)
			leg->taken = most - 2 * TURN_COMMANDS;
		leg->behind = behind > TURN_COMMANDS &&
		    leg->running * n < s->n_commands;
	}
}

/* The one that is behind; else the one that is less loaded; of equals the one that
 * has taken less. */
static bool
goes_before(const struct leg *leg, const struct leg *other)
{
	if (leg->behind != other->behind)
		return leg->behind;
	if (leg->running != other->running)
		return leg->running < other->running;
	return leg->taken < other->taken;
}

/* Of those that are free. */
static struct leg *
choose(struct leg *asks)
{
	struct session *s = asks->s;
	struct leg *first = NULL;

	find_behind(s);
	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if ((leg == asks || is_free(leg)) &&
		    (!first || goes_before(leg, first)))
			first = leg;
	}
	return first;
}

bool
leg_takes(struct leg *leg)
{
	struct session *s = leg->s;

	if (s->n_legs == 1)
		return true;
	if (s->turn_left == 0 || (s->turn != leg && !is_free(s->turn))) {
		s->turn = choose(leg);
		s->turn_left = TURN;
		if (s->turn != leg)
			session_stir(s);
	}
	return s->turn == leg;
}

void
leg_took(struct leg *leg, const struct command *cmd)
{
	struct session *s = leg->s;
	uint64_t len = (uint64_t)cmd->in_len + cmd->out_len;
	bool more = !list_empty(&s->waiting);

	if (s->n_legs == 1)
		return;
	leg->taken++;
	if (len <= SMALL)
		len = SMALL_COUNTS;
	s->turn_left = more && len < s->turn_left ?
	    s->turn_left - (uint32_t)len : 0;
	if (more && s->turn_left == 0)
		session_stir(s);
}

/* -------------------------------------------------------------- logout -- */

static bool
is_idle(const struct session *s, const struct leg *leg)
{
	return leg->running == 0 && !(s->text.x && s->text.leg == leg);
}

static bool
all_idle(const struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (!is_idle(s, &s->legs[i]))
			return false;
	return true;
}

static bool
logout_requested(const struct leg *leg)
{
	return leg->conn && conn_state(leg->conn) == CONN_LOGOUT_REQUESTED;
}

/* "Close the session", which ends all of its connections (11.14.1). */
static void
log_out_session(struct session *s, struct leg *leg, lun_time now)
{
	s->closing = leg;
	conn_logout(leg->conn, LOGOUT_SESSION, now);
}

/* One that can send a Logout Request; NULL: none. */
static struct leg *
to_log_out(struct session *s)
{
	struct leg *leg = legs_ready(s);

	for (size_t i = 0; i < s->n_legs && !leg; i++)
		if (logout_requested(&s->legs[i]))
			leg = &s->legs[i];
	return leg;
}

void
legs_log_out(struct session *s, lun_time now)
{
	struct leg *last = to_log_out(s);

	if (!last || s->closing)
		return;
	if (s->stopping) {
		if (list_empty(&s->waiting) && all_idle(s))
			log_out_session(s, last, now);
		return;
	}
	/* The target asked for it (11.9.1): what waits cannot be sent there any
	 * more. The last connection goes with the session. */
	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if (logout_requested(leg) && is_idle(s, leg) && leg_is_ready(last))
			conn_logout(leg->conn, LOGOUT_CONNECTION, now);
	}
	if (logout_requested(last) && all_idle(s))
		log_out_session(s, last, now);
}

void
legs_log_out_now(struct session *s, lun_time now)
{
	struct leg *leg = to_log_out(s);
	bool asked = s->stopping;

	for (size_t i = 0; i < s->n_legs; i++)
		asked |= logout_requested(&s->legs[i]);
	if (asked && leg && !s->closing)
		log_out_session(s, leg, now);
}

/* ------------------------------------------------------------- objects -- */

int
legs_init(struct session *s)
{
	s->n_legs = 1;			/* until the target grants more */
	s->portal = s->cfg.portal;
	s->lists_refused = s->cfg.login.lists_refused;
	for (size_t i = 0; i < LEGS_MAX; i++) {
		struct leg *leg = &s->legs[i];

		leg->s = s;
		leg->login.cid = (uint16_t)(FIRST_CID + i);
		tmfs_forget_late(leg);
		list_init(&leg->unsolicited);
		list_init(&leg->solicited);
	}
	s->add_timer.s = s;
	return timer_init(&s->add_timer.t, s->nexus.timers, add_due);
}

void
legs_deinit(struct session *s)
{
	timer_deinit(&s->add_timer.t);
}
