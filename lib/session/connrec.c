/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovery of a connection, level 2: RFC 7143 6.3.4, 7.1.4.3, 7.2, 11.14.
 *
 *	lost -> Time2Wait -> cleaned up (cleanup.c) -> its tasks move
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
#include <string.h>

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

/* So that whoever reads it alone knows where it was. */
void
connrec_note(struct leg *leg, const struct lun_error *err)
{
	char portal[PORTAL_TEXT_MAX];
	size_t n = strlen(portal_print(&leg->portal, portal));
	bool named = strncmp(err->text, portal, n) == 0 && err->text[n] == ':';

	lun_fail(&leg->cause, err->code, "%s%s%s", named ? "" : portal,
		 named ? "" : ": ", err->text);
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
lun_time
connrec_gives_up_at(const struct leg *leg)
{
	lun_time at = time_add(leg->waits_since, leg->s->cfg.recovery_time);

	return leg->running > 0 && at < leg->give_up_at ? at : leg->give_up_at;
}

int64_t
connrec_seconds_left(const struct leg *leg)
{
	lun_time left = connrec_gives_up_at(leg) - session_now(leg->s);

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
	tell_lost(leg, err.text, connrec_seconds_left(leg));
	connrec_note(leg, &err);
	leg->later = s->told = 0;
	leg->exp_stat_sn = conn_exp_stat_sn(leg->conn);
	leg->lost = leg->was_lost = true;
	leg->cleaned = false;
	leg->removals = 0;
	leg->unheard = false;
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

bool
connrec_has_owner(const struct session *s, uint32_t cmd_sn)
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
		if (!connrec_has_owner(s, sn) && legs_ready(s))
			conn_plug(legs_ready(s)->conn, sn);
}

/* ----------------------------------------------------- it is cleaned up -- */

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

/* ------------------------------------------------------------ the steps -- */

static void
wake_by(struct session *s, lun_time at)
{
	struct timer *t = &s->rec_timer.t;

	if (!timer_is_set(t) || at < t->at)
		timer_set(t, at);
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
				"within %" PRId64 " s: %s", leg->login.cid,
				(now - leg->lost_at) / TIME_S, leg->cause.text);
	}
}

static void
step(struct leg *leg, lun_time now)
{
	struct session *s = leg->s;
	lun_time until = connrec_gives_up_at(leg), next = leg->due;

	if (now >= until) {
		give_up(leg, now);
		return;
	}
	if (now >= leg->due && leg->cleaned &&
	    (leg_is_ready(leg) || legs_least(s)))
		recover_tasks(leg);
	else if (now >= leg->due && !leg->cleaned && !leg->conn)
		next = connrec_clean_up(leg, now);
	if (leg->lost)
		wake_by(s, now < next && next < until ? next : until);
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
