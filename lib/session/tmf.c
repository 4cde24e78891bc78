/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Task management, RFC 7143 11.5 and 11.6. Requests are immediate, so that they
 * pass a closed window, and one at a time on a connection, so that the target
 * cannot refuse them (4.2.2.1). One that is not answered in time costs the
 * connection, as nobody knows then what the target does; but where more can be
 * tried before, as a reset of the unit after an abort (task.c).
 *
 * If TaskReporting is FastAbort the tasks that a function is to end send no
 * more data on its connection once it was sent (4.2.3.4), also not those that
 * a recovery moves there; else they answer their R2Ts until its response is
 * there (4.2.3.3). On other connections the target says when to stop, by async
 * event 5 (dataout.c).
 *
 * A function that was given up may still be done, and answered: until then it
 * stands in the list late_tmfs of its connection. Where its answer is lost, what
 * it may have ended knows by its reset_code that the target may not know it any
 * more.
 */
#include <assert.h>

#include "session/session-impl.h"

enum { TMF_TAG_BIT = 0x40000000 };

/* Bounds a step: a command takes three times that before it is aborted. */
lun_time
tmf_answer_time(const struct session *s)
{
	lun_time t = s->cfg.command_timeout / TMF_ANSWER_PART;

	return t > TMF_ANSWER_SHORTEST ? t : TMF_ANSWER_SHORTEST;
}

/*
 * RFC 7143 4.2.3.2: is the task one of those that the function ended? Those
 * that were issued after it are not, although it is immediate (4.2.2.1).
 */
static bool
covers(const struct tmf *t, const struct task *task)
{
	if (!task->cmd || !sn_before(task->cmd_sn, t->cmd_sn))
		return false;
	switch (t->function) {
	case TMF_ABORT_TASK_SET:
	case TMF_CLEAR_TASK_SET:
	case TMF_LOGICAL_UNIT_RESET:
		return task->cmd->lun == t->lun;
	case TMF_TARGET_WARM_RESET:
	case TMF_TARGET_COLD_RESET:
		return true;
	default:
		return false;
	}
}

static bool
is_fast(const struct session *s)
{
	return s->login.params.TaskReporting == REPORT_FAST_ABORT;
}

static int
end_code(const struct tmf *t)
{
	return t->ends_with ? t->ends_with : LUN_ECANCELED;
}

bool
tmf_mutes(const struct leg *leg, const struct task *task)
{
	bool covered = leg->tmf && covers(leg->tmf, task);

	for (unsigned i = 0; i < LATE_TMFS_MAX; i++) {
		const struct tmf *late = &leg->late_tmfs[i].t;

		covered |= late->initiator_task_tag != TAG_NONE &&
		    covers(late, task);
	}
	return covered && is_fast(leg->s);
}

/* It was sent: 4.2.3.4 a. */
static void
mark_covered(struct session *s, const struct tmf *t)
{
	struct task *task;

	list_for_each(task, &s->running, struct task, link) {
		if (!covers(t, task))
			continue;
		task->reset_code = end_code(t);
		if (task->leg == t->leg && is_fast(s))
			dataout_mute(task, true);
	}
}

/* It failed: what it was to end goes on. */
static void
unmute_covered(struct session *s, const struct tmf *t)
{
	struct task *task;

	if (!is_fast(s))
		return;
	list_for_each(task, &s->running, struct task, link)
		if (task->leg == t->leg && covers(t, task))
			dataout_mute(task, tmf_mutes(task->leg, task));
}

/* Once: one that is sent again is the same. */
static void
count(struct leg *leg, struct tmf *t)
{
	struct conn_counters *c = &leg->counted;

	if (t->counted)
		return;
	t->counted = true;
	c->aborts += t->function == TMF_ABORT_TASK;
	c->lun_resets += t->function == TMF_LOGICAL_UNIT_RESET;
	c->target_resets += t->function == TMF_TARGET_WARM_RESET;
}

static void
send_request(struct session *s, struct leg *leg, struct tmf *t)
{
	struct task *task = t->task;
	bool reassign = t->function == TMF_TASK_REASSIGN;
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .immediate = true, .final = true,
		.function = t->function, .lun = t->lun,
		.initiator_task_tag = TMF_TAG_BIT |
		    (s->next_tmf_tag++ & (TMF_TAG_BIT - 1)),
		.referenced_task_tag = task ? task->initiator_task_tag : TAG_NONE,
		.ref_cmd_sn = task && !reassign ? task->cmd_sn : 0,
		/* 11.5.6: of what the target sent we have all before it */
		.exp_data_sn = reassign && task->cmd->in_len ?
		    task->exp_data_sn : 0,
	};

	t->initiator_task_tag = pdu.initiator_task_tag;
	if (t->deadline == TIME_NEVER)
		t->deadline = time_add(session_now(s), tmf_answer_time(s));
	leg->tmf = t;
	count(leg, t);
	if (reassign)
		snack_reassigned(task);
	/* if it fails the connection is lost, and t ends with it */
	conn_send(leg->conn, &pdu, NULL, NULL, 0, NULL);
	t->cmd_sn = pdu.cmd_sn;
	mark_covered(s, t);
}

static void tmf_end(struct session *s, struct tmf *t, int code, uint8_t response);

/* The next of those that wait for their turn on this connection. */
static void
send_next(struct session *s, struct leg *leg)
{
	struct tmf *t;

	if (leg->lost)
		return;			/* when it is recovered */
	list_for_each(t, &s->tmfs, struct tmf, link) {
		if (t->leg != leg || leg->tmf)
			continue;
		const struct task *task = t->task;

		if (task && !task->cmd)
			tmf_end(s, t, 0, TMF_NO_TASK);	/* it ended meanwhile */
		else
			send_request(s, leg, t);
	}
}

static void
tmf_end(struct session *s, struct tmf *t, int code, uint8_t response)
{
	struct leg *leg = t->leg;

	if (leg && leg->tmf == t)
		leg->tmf = NULL;
	t->code = code;
	t->response = response;
	list_del(&t->link);
	list_append(&s->tmfs_ended, &t->link);
	session_stir(s);
}

/* The leg of a task for its abort (11.5: the same connection), else any. */
static struct leg *
leg_for(struct session *s, const struct task *task)
{
	return task ? task->leg : legs_ready(s);
}

/* Sent when it is its turn, on this connection (NULL: on one that is to come). */
static void
queue(struct session *s, struct tmf *t, struct leg *leg)
{
	t->leg = leg;
	t->initiator_task_tag = TAG_NONE;	/* not sent yet */
	t->deadline = TIME_NEVER;
	if (leg)
		send_next(s, leg);
}

/* Is there a connection for it, or will be? */
static bool
may_queue(const struct session *s, const struct leg *leg)
{
	if (s->over || s->state == SESSION_FREE)
		return false;
	if (leg)
		return leg->conn || leg->lost;
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].lost)
			return true;
	return false;
}

void
session_tmf(struct session *s, struct tmf *t, lun_time now)
{
	struct leg *leg = leg_for(s, t->task);

	s->nexus.timers->now = now;
	assert(t->done);
	assert((t->function == TMF_ABORT_TASK ||
		t->function == TMF_TASK_REASSIGN) == (t->task != NULL));
	if (t->task)
		list_append(&s->tmfs, &t->link);
	else				/* it may make aborts needless */
		list_prepend(&s->tmfs, &t->link);
	t->leg = NULL;
	t->counted = false;
	if (!may_queue(s, leg)) {
		tmf_end(s, t, LUN_ELOST, 0);
		return;
	}
	task_clock_start(s);
	session_stir(s);
	queue(s, t, leg);
}

/* Nobody waits for its answer any more. */
static void
note_late(struct leg *leg, const struct tmf *t)
{
	const struct task *task = t->task;

	leg->late_tmfs[leg->next_late_tmf++ % LATE_TMFS_MAX] = (struct late_tmf){
		.t = *t,
		.aborts = task ? task->initiator_task_tag : TAG_NONE,
	};
}

void
tmfs_forget_late(struct leg *leg)
{
	for (unsigned i = 0; i < LATE_TMFS_MAX; i++)
		leg->late_tmfs[i].t.initiator_task_tag = TAG_NONE;
}

/* Immediate requests do not outlive their connection (7.14): they are made
 * anew, on the connection that their task gets, or on any. */
void
tmfs_orphan(struct leg *leg)
{
	struct session *s = leg->s;
	struct tmf *t;

	leg->tmf = NULL;
	tmfs_forget_late(leg);
	list_for_each(t, &s->tmfs, struct tmf, link) {
		if (t->leg != leg)
			continue;
		if (t->function == TMF_TASK_REASSIGN)
			list_del(&t->link);
		else
			queue(s, t, t->task ? leg : NULL);
	}
}

void
tmfs_adopt(struct session *s)
{
	struct leg *leg = legs_ready(s);
	struct tmf *t;

	if (!leg)
		return;
	list_for_each(t, &s->tmfs, struct tmf, link)
		if (!t->leg)
			queue(s, t, leg);
}

void
tmf_move(struct tmf *t, struct leg *to)
{
	queue(to->s, t, to);
}

/* That was sent on this connection. */
static struct tmf *
find(struct leg *leg, uint32_t initiator_task_tag)
{
	struct tmf *t;

	list_for_each(t, &leg->s->tmfs, struct tmf, link)
		if (t->leg == leg && t->initiator_task_tag != TAG_NONE &&
		    t->initiator_task_tag == initiator_task_tag)
			return t;
	return NULL;
}

/* 4.2.3.3, 4.2.3.4 d: the target says nothing more about them, so they end
 * here, and what it says nevertheless is dropped. */
static void
end_covered(struct session *s, const struct tmf *t)
{
	struct task *task;

	list_for_each(task, &s->running, struct task, link) {
		if (!covers(t, task))
			continue;
		task->given_up = is_fast(s) || task->leg != t->leg;
		task_end(task, end_code(t));
	}
}

/* The target has forgotten the task; it ends in the next step. */
static void
stop_data(const struct tmf *t)
{
	struct task *task = t->task;

	if (t->function == TMF_ABORT_TASK && task->cmd)
		dataout_drop(task);
}

/* Its task is over: it is needless, and hits others if it is a reset. */
void
tmf_spare(struct session *s, struct tmf *t)
{
	if (t->initiator_task_tag == TAG_NONE)
		tmf_end(s, t, 0, TMF_NO_TASK);
}

/*
 * An abort that was given up is answered after all. If the task is gone there
 * must be no more data for it (4.2.3.3), and the reset that was to end it
 * instead is not sent any more.
 */
static void
late_abort(struct leg *leg, const struct late_tmf *late, uint8_t response)
{
	struct task *t = task_find(leg->s, late->aborts);

	if (t && t->cmd && t->leg == leg &&
	    (response == TMF_COMPLETE || response == TMF_NO_TASK))
		task_aborted(t);
}

static bool
was_late(struct leg *leg, const struct pdu *pdu)
{
	for (unsigned i = 0; i < LATE_TMFS_MAX; i++) {
		struct late_tmf late = leg->late_tmfs[i];

		if (late.t.initiator_task_tag == TAG_NONE ||
		    late.t.initiator_task_tag != pdu->initiator_task_tag)
			continue;
		leg->late_tmfs[i].t.initiator_task_tag = TAG_NONE;
		if (late.aborts != TAG_NONE)
			late_abort(leg, &late, pdu->response);
		else if (pdu->response == TMF_COMPLETE)
			end_covered(leg->s, &late.t);
		else
			unmute_covered(leg->s, &late.t);
		return true;
	}
	return false;
}

int
tmf_response(struct session *s, struct leg *leg, const struct pdu *pdu)
{
	struct tmf *t = find(leg, pdu->initiator_task_tag);

	if (!t && was_late(leg, pdu))
		return 0;
	if (!t)
		return conn_fail(leg->conn, LUN_EPROTO, "TMF Response for an "
				 "unknown request (ITT 0x%08" PRIx32 ")",
				 pdu->initiator_task_tag);
	if (pdu->response == TMF_COMPLETE) {
		end_covered(s, t);
		stop_data(t);
	}
	tmf_end(s, t, 0, pdu->response);
	if (pdu->response != TMF_COMPLETE)
		unmute_covered(s, t);
	send_next(s, leg);
	return 0;
}

void
tmf_rejected(struct leg *leg, uint32_t initiator_task_tag, uint8_t reason)
{
	struct session *s = leg->s;
	struct tmf *t = find(leg, initiator_task_tag);

	if (!t)
		return;
	if (reason == REJECT_IMMEDIATE || reason == REJECT_LONG_OPERATION) {
		t->initiator_task_tag = TAG_NONE;	/* again, a bit later */
		return;
	}
	tmf_end(s, t, LUN_EREFUSED, TMF_REJECTED);
	unmute_covered(s, t);
	send_next(s, leg);
}

static void
expire(struct session *s, struct tmf *t)
{
	struct leg *leg = t->leg;

	if (t->may_fail) {
		note_late(leg, t);
		tmf_end(s, t, LUN_ETIMEDOUT, 0);
	} else if (leg->conn) {
		/* but for a reassignment: nobody knows what the target does */
		s->gives_up |= t->function != TMF_TASK_REASSIGN;
		conn_fail(leg->conn, LUN_ETIMEDOUT, "task management function "
			  "%u was not answered within %" PRId64 " s",
			  t->function, tmf_answer_time(s) / TIME_S);
	}
}

/* Those whose predecessor was given up, or that were refused for now (11.17.1). */
static void
send_waiting(struct session *s)
{
	for (size_t i = 0; i < LEGS_MAX; i++) {
		struct leg *leg = &s->legs[i];

		if (leg->tmf && leg->tmf->initiator_task_tag == TAG_NONE)
			leg->tmf = NULL;
		if (leg->conn)
			send_next(s, leg);
	}
}

void
tmfs_expire(struct session *s, lun_time now)
{
	struct tmf *t;

	if (list_empty(&s->tmfs))
		return;
	send_waiting(s);	/* behind what follows from the last call */
	list_for_each(t, &s->tmfs, struct tmf, link)
		if (now >= t->deadline)
			expire(s, t);
}

void
tmfs_end_all(struct session *s, struct leg *leg, int code)
{
	struct task *task;
	struct tmf *t;

	list_for_each(t, &s->tmfs, struct tmf, link)
		if (t->leg == leg)
			tmf_end(s, t, code, 0);
	/* the resets for tasks of this connection that went over others */
	list_for_each(task, &s->running, struct task, link) {
		struct leg *other = task->abort.leg;

		if (task->leg != leg || !task->aborting || other == leg)
			continue;
		if (other && other->tmf == &task->abort)
			note_late(other, &task->abort);
		tmf_end(s, &task->abort, code, 0);
	}
}

void
tmfs_run(struct session *s)
{
	struct tmf *t;

	while ((t = list_first(&s->tmfs_ended, struct tmf, link))) {
		list_del(&t->link);
		t->done(t, t->code, t->response);
	}
}
