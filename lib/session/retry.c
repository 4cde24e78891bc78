/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands that the target never saw, and answers that nothing points at, from
 * recovery level 1 on: RFC 7143 7.1.4.2, 7.2.1, 7.11, 7.3.
 *
 * A command that waits for long is a reason to ping its connection (the pings
 * become rarer the longer it takes: a slow unit is no fault). The answer says
 * two things, as it was made after everything that was sent before the ping
 * had arrived, or was lost:
 *
 *	StatSN		beyond what is known of: responses were lost; the
 *			connection asks for them (conn/statuses.c)
 *	ExpCmdSN	that of a command sent before the ping: the target
 *			does not have it. It is sent again, as it was. One that
 *			is behind what another connection said since says
 *			nothing of the next command: that may be under way.
 *
 * Behind it there may be another gap, so another ping follows.
 */
#include "session/session-impl.h"

enum { RETRIES_MAX = 4 };

/* The same ITT, CmdSN and all; and all of its unsolicited data (7.2.1, 7.8). */
static void
retry(struct task *t, const char *why)
{
	struct session *s = t->s;

	if (t->retries++ == RETRIES_MAX) {
		session_log(s, LUN_LOG_WARNING, "conn %u: ITT 0x%08" PRIx32
			    ": sent %d times in vain (%s): ABORT TASK",
			    conn_cid(t->leg->conn), t->initiator_task_tag,
			    RETRIES_MAX + 1, why);
		task_abort(t, LUN_ELOST);	/* fills the gap, 7.11 */
		return;
	}
	t->leg->counted.tasks_retried++;
	t->ticks = 0;
	t->leg->fence = true;
	session_log(s, LUN_LOG_INFO, "conn %u: ITT 0x%08" PRIx32 ", CmdSN %"
		    PRIu32 ": %s: command retry", conn_cid(t->leg->conn),
		    t->initiator_task_tag, t->cmd_sn, why);
	dataout_restart(t);
	command_send(t, true);
	conn_probe(t->leg->conn);
}

/* The only one that the answer is about; on this connection? */
static struct task *
find_lost(struct session *s, struct leg *leg, uint32_t lost)
{
	struct task *t;

	list_for_each(t, &s->running, struct task, link)
		if (t->leg == leg && t->cmd && t->cmd_sn == lost && !t->aborting &&
		    t->exp_data_sn == 0 && !t->mend.active &&
		    !t->in_progress)
			return t;
	return NULL;
}

void
retry_ponged(void *user, struct conn *c, uint32_t cmd_sn, uint32_t exp_cmd_sn)
{
	struct leg *leg = user;
	struct session *s = leg->s;

	if (!mends(s) || exp_cmd_sn != s->window.exp_cmd_sn ||
	    !sn_before(exp_cmd_sn, cmd_sn))
		return;

	struct task *t = find_lost(s, leg, exp_cmd_sn);

	if (t)
		retry(t, "the target never saw it");
	else
		conn_plug_again(c, exp_cmd_sn);
}

bool
retry_rejected(struct session *s, struct leg *leg, const struct pdu *bad,
	       uint8_t reason)
{
	struct task *t = task_find(s, bad->initiator_task_tag);

	if (!mends(s) || !t || !t->cmd || t->leg != leg)
		return false;
	if (reason == REJECT_TASK_IN_PROGRESS && t->retries > 0) {
		t->in_progress = true;	/* it was not lost: 11.17.1 */
		return true;
	}
	if (reason != REJECT_DATA_DIGEST || t->aborting ||
	    t->retries == RETRIES_MAX)
		return false;
	retry(t, "its immediate data was damaged");	/* 11.17.1 note 1 */
	return true;
}

/*
 * 4.2.2.1: a retry that is under way for ever would be taken for a command of
 * the next round of CmdSN. A new request behind it on its connection bars that.
 */
static void
fence(struct leg *leg)
{
	struct window *w = &leg->s->window;

	if (!window_open(w) || conn_state(leg->conn) != CONN_LOGGED_IN)
		return;
	leg->fence = false;
	conn_plug(leg->conn, w->cmd_sn++);
}

/* Waits for long: noticed after two ticks, four, eight ... */
static bool
waits_long(struct task *t)
{
	if (t->mend.active || t->aborting)
		return false;
	if (t->ticks < 0x80)
		t->ticks++;
	return t->ticks >= 2 && (t->ticks & (t->ticks - 1)) == 0;
}

void
retry_tick(struct session *s, lun_time now)
{
	bool probe[LEGS_MAX] = { false };
	struct task *t;

	list_for_each(t, &s->running, struct task, link) {
		if (!t->cmd || !t->leg->conn)
			continue;
		snack_tick(t, now);
		if (t->cmd && waits_long(t))
			probe[t->leg - s->legs] = true;
	}
	for (size_t i = 0; i < LEGS_MAX; i++) {
		struct leg *leg = &s->legs[i];

		if (leg->conn && leg->fence)
			fence(leg);
		if (leg->conn && probe[i])
			conn_probe(leg->conn);
	}
}
