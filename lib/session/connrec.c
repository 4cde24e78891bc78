/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovery of a connection, level 2: RFC 7143 6.3.4, 7.1.4.3, 7.2, 11.14.
 *
 *	lost -> Time2Wait -> cleaned up by			-> its tasks move
 *			     a logout on another connection, or
 *			     a login with its CID (no other one lives)
 *
 * Until it is cleaned up its tasks stay with it, as the target may still be at
 * work on them there. Then each goes to the least loaded connection:
 *
 *	the target has its command	TASK REASSIGN
 *	it has not			the command again: same ITT, same CmdSN
 *	an abort was under way		ABORT TASK, which takes it along (11.5.1)
 *	a part of its data was lost	ABORT TASK, and those above make it again
 *
 * and CmdSNs that were lost with something else are plugged. Whatever fails on
 * the way is tried again until Time2Retain is over, but for what the target
 * refuses: then, and when that time is over, the session is lost (7.1.4.4), with
 * one line that says why. A connection that is lost in the middle begins anew
 * with the tasks that it has by then; but to a command all that it meets before
 * it is answered is one loss, and those above have said how long that may be.
 */
#include <assert.h>

#include "login/status.h"
#include "session/session-impl.h"

enum {
	REASSIGNS_MAX	= 4,		/* of one task */
	HOLES_MAX	= 4096,		/* CmdSNs that are looked at */
};

/* ------------------------------------------------------------ the loss -- */

/* The data that the target would send again, it has not got, or we. */
static void
suspend(struct task *t)
{
	dataout_drop(t);
	t->muted = false;
	t->damaged |= t->mend.active && t->cmd && t->cmd->in_len > 0;
	if (t->mend.active)
		snack_end(t);
	t->snack_tag = 0;		/* 7.2.2 */
	t->reassigning = false;
	task_idle(t);			/* a reassignment was all that it had */
}

/* Does the session live on without it? */
static bool
recoverable(const struct session *s, const struct leg *leg, int code)
{
	return s->login.params.ErrorRecoveryLevel == 2 && !s->closing &&
	    !s->gives_up && code != LUN_EPROTO &&	/* 7.7 */
	    (leg->time2retain > 0 ||			/* 11.9.1, 13.16 */
	     (leg->running == 0 && !leg_is_last(leg)));
}

/* Since when do they wait? */
static void
note_losses(struct leg *leg)
{
	struct task *t;

	leg->waits_since = TIME_NEVER;
	list_for_each(t, &leg->s->running, struct task, link) {
		if (t->leg != leg || !t->cmd)
			continue;
		if (t->cmd->lost_at == 0)
			t->cmd->lost_at = t->cmd->waits_since ?
			    t->cmd->waits_since : leg->lost_at;
		if (t->cmd->lost_at < leg->waits_since)
			leg->waits_since = t->cmd->lost_at;
	}
}

/* The target waits no longer, or those above. */
static lun_time
gives_up_at(const struct leg *leg)
{
	lun_time at = time_add(leg->waits_since, leg->s->cfg.recovery_time);

	return leg->running > 0 && at < leg->give_up_at ? at : leg->give_up_at;
}

static int64_t
seconds_left(const struct leg *leg)
{
	lun_time left = gives_up_at(leg) - session_now(leg->s);

	return left > 0 ? left / TIME_S : 0;
}

bool
connrec_begin(struct leg *leg)
{
	struct session *s = leg->s;
	struct lun_error err = *conn_error(leg->conn);
	struct task *t;

	tmfs_run(s);			/* what they say is of before */
	if (s->over)
		return true;		/* and with that it was given up */
	if (!recoverable(s, leg, err.code))
		return false;
	leg->lost_at = session_now(s);
	connrec_times(leg, leg->time2wait, leg->time2retain);
	note_losses(leg);
	tell_lost(leg, err.text, seconds_left(leg));
	leg->cause = err;
	leg->later = s->told = 0;
	leg->exp_stat_sn = conn_exp_stat_sn(leg->conn);
	leg->lost = leg->was_lost = true;
	leg->cleaned = false;
	leg->removals = 0;
	tmfs_orphan(leg);
	leg_drop_conn(leg);
	list_for_each(t, &s->running, struct task, link)
		if (t->leg == leg)
			suspend(t);
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].carrier == leg)
			s->legs[i].carrier = NULL;
	if (leg_is_last(leg))
		session_enter(s, SEV_FAILED);
	tmfs_adopt(s);
	session_stir(s);
	return true;
}

void
connrec_times(struct leg *leg, lun_time time2wait, lun_time time2retain)
{
	leg->due = time_add(leg->lost_at, time2wait);
	leg->give_up_at = time_add(leg->due, time2retain);
	session_stir(leg->s);
}

/* ------------------------------------------------ what becomes of tasks -- */

static void
move(struct task *t, struct leg *to)
{
	t->leg->running--;
	t->leg = to;
	to->running++;
	t->ticks = 0;
	t->out_last = 0;		/* of the old connection */
	t->muted = tmf_mutes(to, t);
}

/* Nobody is to blame for the time that it took. */
static void
restart_clock(struct task *t)
{
	struct command *cmd = t->cmd;
	struct session *s = t->s;

	cmd->deadline = time_add(session_now(s), cmd->timeout ? cmd->timeout :
				 s->cfg.command_timeout);
}

static void reassigned(struct tmf *tmf, int code, uint8_t response);

static void
ask_to_reassign(struct task *t, uint64_t lun)
{
	assert(tmf_is_idle(&t->reassign));
	t->reassigning = t->resumes = true;
	t->reassign = (struct tmf){
		.function = TMF_TASK_REASSIGN, .task = t, .lun = lun,
		.done = reassigned, .user = t,
	};
	session_tmf(t->s, &t->reassign, session_now(t->s));
}

static void
reassigned(struct tmf *tmf, int code, uint8_t response)
{
	struct task *t = tmf->user;
	struct session *s = t->s;
	bool done = code == 0 && response == TMF_COMPLETE;

	t->reassigning = false;
	if (done) {
		t->leg->counted.tasks_reassigned++;
		s->reassigns_by_lun |= tmf->lun != 0;
	}
	if (!t->cmd) {			/* its status was right behind that */
		task_idle(t);
	} else if (done) {
		restart_clock(t);
	} else if (code == 0 && response == TMF_NO_TASK && t->reset_code) {
		task_end(t, t->reset_code);	/* the reset was done */
	} else if (t->aborting) {
		return;			/* that comes next, and takes it along */
	} else if (code == 0 && response == TMF_REJECTED &&
		   tmf->lun != t->cmd->lun) {
		/* 11.5.3: the LUN is reserved; but Linux wants to see it */
		ask_to_reassign(t, t->cmd->lun);
	} else if (code == 0 || code == LUN_EREFUSED) {	/* a Reject */
		session_give_up(s, LUN_ELOST, "conn %u: TASK REASSIGN of ITT "
				"0x%08" PRIx32 " was refused (response %u)",
				t->leg->login.cid, t->initiator_task_tag, response);
	}
}

static void
reassign(struct task *t)
{
	struct session *s = t->s;

	if (t->reassigns++ < REASSIGNS_MAX)
		ask_to_reassign(t, s->reassigns_by_lun ? t->cmd->lun : 0);
	else
		session_give_up(s, LUN_ELOST, "ITT 0x%08" PRIx32 " lost its "
				"connection %u times", t->initiator_task_tag,
				REASSIGNS_MAX + 1);
}

/* The target never had it, or threw it away (11.14): 7.2.1. */
static void
retry(struct task *t)
{
	t->leg->counted.tasks_retried++;
	t->leg->fence = true;
	t->damaged = t->in_progress = false;
	t->exp_data_sn = t->sequence_sn = 0;
	t->sequence_over = false;
	ranges_clear(&t->in);
	ranges_clear(&t->out);
	restart_clock(t);
	command_send(t, true);
}

static void
abort_damaged(struct task *t)
{
	session_log(t->s, LUN_LOG_INFO, "conn %u: ITT 0x%08" PRIx32 ": a part of "
		    "its data went with its connection: ABORT TASK",
		    t->leg->login.cid, t->initiator_task_tag);
	task_abort(t, LUN_EDIGEST);
}

static void
resume(struct task *t, struct leg *to)
{
	struct session *s = t->s;

	move(t, to);
	if (t->aborting && t->abort.task)
		tmf_move(&t->abort, to);
	else if (t->aborting)
		return;			/* by a reset, which goes its own way */
	else if (!window_took(&s->window, t->cmd_sn))
		retry(t);
	else if (t->damaged)
		abort_damaged(t);
	else
		reassign(t);
}

/* ------------------------------------------------------ holes in CmdSN -- */

static bool
has_owner(struct session *s, uint32_t cmd_sn)
{
	const struct task *t;

	list_for_each(t, &s->running, struct task, link)
		if (t->cmd_sn == cmd_sn)
			return true;
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].conn && conn_plugs(s->legs[i].conn, cmd_sn))
			return true;
	return false;
}

/* Of what went with the connection and is not sent again: 11.14 */
static void
plug_holes(struct session *s)
{
	uint32_t sn = s->window.exp_cmd_sn, end = s->window.cmd_sn;

	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].lost)
			return;		/* with the last of them */
	if (end - sn > HOLES_MAX) {
		session_give_up(s, LUN_ELOST, "%" PRIu32 " commands were not "
				"acknowledged", end - sn);
		return;
	}
	for (; sn != end; sn++)
		if (!has_owner(s, sn) && legs_ready(s))
			conn_plug(legs_ready(s)->conn, sn);
}

/* --------------------------------------------------------- the cleanup -- */

/* Those of its tasks that the target has, and those that it never saw. */
static void
tell(struct leg *leg)
{
	struct session *s = leg->s;
	const struct task *t;
	unsigned seen = 0, unseen = 0;

	list_for_each(t, &s->running, struct task, link) {
		if (t->leg != leg || t->aborting)
			continue;
		if (!window_took(&s->window, t->cmd_sn))
			unseen++;
		else
			seen += !t->damaged;
	}
	tell_recovered(leg, session_now(s) - leg->lost_at, seen, unseen);
}

static void
recover_tasks(struct leg *leg)
{
	struct session *s = leg->s;
	struct task *t;

	leg->lost = false;
	s->time2wait = -1;		/* it was this connection's */
	leg->counted.recoveries++;
	tell(leg);
	list_for_each(t, &s->running, struct task, link) {
		struct leg *to = legs_least(s);

		if (!to) {		/* it was lost just now */
			leg->lost = !leg->conn;
			return;
		}
		if (t->leg == leg && !s->over)
			resume(t, to);
	}
	tmfs_adopt(s);
	plug_holes(s);
	session_stir(s);		/* others may have waited for it */
}

/* The target has let go of the connection. */
static void
cleaned(struct leg *leg, lun_time time2wait, lun_time time2retain)
{
	leg->cleaned = true;
	leg->due = time_add(session_now(leg->s), time2wait);
	leg->give_up_at = time_add(leg->due, time2retain);
}

void
connrec_reinstated(struct leg *leg)
{
	cleaned(leg, 0, leg->time2retain);
}

static void
try_later(struct leg *leg, lun_time time2wait)
{
	lun_time wait = leg->later ? leg->later : LATER_FIRST;

	leg->due = time_add(session_now(leg->s),
			    time2wait > wait ? time2wait : wait);
	leg->later = 2 * wait < LATER_LONGEST ? 2 * wait : LATER_LONGEST;
}

/* RFC 7143 11.15.1, 11.15.3, 11.15.4 */
static void
on_response(struct leg *leg, const struct removal *r)
{
	struct session *s = leg->s;
	lun_time wait = r->time2wait * TIME_S, retain = r->time2retain * TIME_S;
	/* 0 means that the tasks are gone; but there are targets that say 0 for
	 * both times and mean nothing by it: TASK REASSIGN tells. */
	bool gone = retain == 0 && wait > 0;

	/* one that was done may not have been answered, or not like that */
	if (r->response == LOGOUT_NO_CID && leg->removals == 1)
		gone = true;

	if (r->response == LOGOUT_NO_RECOVERY || (gone && leg->running > 0)) {
		session_give_up(s, LUN_ELOST, "conn %u cannot be recovered "
				"(Logout Response %u, Time2Wait %u s, Time2Retain "
				"%u s)", leg->login.cid, r->response,
				r->time2wait, r->time2retain);
	} else if (r->response == LOGOUT_CLEANUP_FAILED) {
		try_later(leg, wait);
		session_log(s, LUN_LOG_INFO, "conn %u is not cleaned up (Logout "
			    "Response 3): the target is asked again in %" PRId64
			    " s", leg->login.cid,
			    (leg->due - session_now(s)) / TIME_S);
		if (gone)
			leg->give_up_at = leg->due;
	} else {
		cleaned(leg, wait, retain > 0 ? retain : leg->time2retain);
	}
}

void
connrec_removed(struct leg *carrier)
{
	struct session *s = carrier->s;

	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if (leg->carrier != carrier)
			continue;
		leg->carrier = NULL;
		on_response(leg, conn_removal(carrier->conn));
		return;
	}
}

void
connrec_login_failed(struct leg *leg)
{
	struct session *s = leg->s;
	const struct login_result *l = conn_login_result(leg->conn);
	/* one too many: until the target knows that the old one is lost */
	bool refused = l->status_class == LOGIN_CLASS_INITIATOR &&
	    l->status_detail != TOO_MANY_CONNECTIONS;
	struct lun_error err = *conn_error(leg->conn);

	leg_drop_conn(leg);
	if (refused) {
		session_give_up(s, LUN_ELOST, "%s", err.text);
		return;
	}
	session_log(s, s->told == err.code ? LUN_LOG_DEBUG : LUN_LOG_INFO,
		    "conn %u is not back: %s; it is tried again, for %" PRId64
		    " s at most", leg->login.cid, err.text, seconds_left(leg));
	s->told = err.code;
	try_later(leg, 0);
}

/* ------------------------------------------------------------ the steps -- */

static void
wake_by(struct session *s, lun_time at)
{
	struct timer *t = &s->rec_timer.t;

	if (!timer_is_set(t) || at < t->at)
		timer_set(t, at);
}

static bool
any_opening(const struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (leg_is_opening(&s->legs[i]))
			return true;
	return false;
}

/* Of one Logout Request at a time on a connection: 4.2.2.1. One that owes an
 * answer to a ping may be lost, too: it is the last choice. */
static struct leg *
free_carrier(struct session *s)
{
	struct leg *last = NULL;

	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];
		bool busy = false;

		for (size_t k = 0; k < s->n_legs; k++)
			busy |= s->legs[k].carrier == leg;
		if (!leg_is_ready(leg) || busy)
			continue;
		if (!conn_is_asked(leg->conn))
			return leg;
		last = leg;
	}
	return last;
}

static void
clean_up(struct leg *leg)
{
	struct session *s = leg->s;
	struct leg *carrier = free_carrier(s);
	struct lun_error err;

	if (carrier) {
		leg->carrier = carrier;
		leg->removals++;
		conn_remove(carrier->conn, leg->login.cid, leg->exp_stat_sn,
			    session_now(s));
	} else if (!legs_ready(s) && !any_opening(s)) {
		leg->removals++;	/* also if it fails, perhaps: 6.3.4 */
		if (leg_connect(leg, &err) < 0)
			try_later(leg, 0);
	}
}

/* The time is over. */
static void
give_up(struct leg *leg, lun_time now)
{
	struct session *s = leg->s;

	if (leg->running == 0 && legs_ready(s)) {
		leg->lost = false;	/* there is nothing to recover */
		tmfs_adopt(s);
		plug_holes(s);
	} else if (leg->running > 0 && leg->waits_since < leg->lost_at) {
		session_give_up(s, LUN_ELOST, "conn %u: what is to be done on it "
				"has lost its connection again and again for %"
				PRId64 " s: %s", leg->login.cid,
				(now - leg->waits_since) / TIME_S,
				leg->cause.text);
	} else {
		session_give_up(s, LUN_ETIMEDOUT, "conn %u was not recovered "
				"within %" PRId64 " s", leg->login.cid,
				(now - leg->lost_at) / TIME_S);
	}
}

static void
step(struct leg *leg, lun_time now)
{
	struct session *s = leg->s;
	lun_time until = gives_up_at(leg);

	if (now >= until) {
		give_up(leg, now);
		return;
	}
	if (now >= leg->due && leg->cleaned &&
	    (leg_is_ready(leg) || legs_least(s)))
		recover_tasks(leg);
	else if (now >= leg->due && !leg->cleaned && !leg->carrier && !leg->conn)
		clean_up(leg);
	if (leg->lost)
		wake_by(s, now < leg->due && leg->due < until ? leg->due : until);
}

void
connrec_step(struct session *s, lun_time now)
{
	for (size_t i = 0; i < s->n_legs && !s->over; i++)
		if (s->legs[i].lost)
			step(&s->legs[i], now);
}

void
session_retry(struct session *s, lun_time now)
{
	s->nexus.timers->now = now;
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].lost && now < s->legs[i].due)
			s->legs[i].due = now;
	if (timer_is_set(&s->add_timer.t))
		timer_set(&s->add_timer.t, now);
	session_stir(s);
}

static void
due(struct timer *t, lun_time now)
{
	struct session *s = container_of(t, struct session_timer, t)->s;

	s->nexus.timers->now = now;
	session_stir(s);
}

int
connrec_init(struct session *s)
{
	s->rec_timer.s = s;
	return timer_init(&s->rec_timer.t, s->nexus.timers, due);
}

void
connrec_deinit(struct session *s)
{
	timer_deinit(&s->rec_timer.t);
}
