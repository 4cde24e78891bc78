/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of tasks. A task is a slot that is used again and again; the low
 * bits of its initiator task tag are its place, the others count its uses, so
 * that a late PDU for an earlier use finds nothing (RFC 7143 11.2.1.8).
 *
 * A command whose time is over is aborted: ABORT TASK; if that does not help, a
 * reset of its unit, which ends the unit's other commands too; if that does not
 * help, the connection is given up, and session reinstatement ends all of our
 * tasks (RFC 7143 6.3.5). A target reset comes in between only if it was allowed:
 * it ends the tasks of all other initiators, too, on all units that they share
 * with us (11.5.1), and may be refused; SAM-5 has it no more. Where aborts help,
 * but the commands of three timeouts in a row were not answered, the session is
 * given up as well: if the target waits for a command that is lost, and has said
 * that it was not, all that come are in vain. The clock that sees to it ticks only
 * while there is something to watch, and looks at all of them: a command costs no
 * timer of its own.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "session/session-impl.h"
#include "wire/lun.h"

enum phase { PHASE_IDLE, PHASE_WAITING, PHASE_RUNNING, PHASE_ENDED };

enum {
	INDEX_BITS	= 12,		/* TASKS_MAX */
	USE_MASK	= 0x3ffff,	/* bits 30 and 31 are others' */
};

/* ------------------------------------------------------------ commands -- */

void
command_end(struct session *s, struct command *cmd, int result)
{
	cmd->result = result;
	cmd->task = NULL;
	cmd->phase = PHASE_ENDED;
	list_append(&s->ended, &cmd->link);
	session_stir(s);
}

static lun_time
time_for(const struct session *s, const struct command *cmd)
{
	return cmd->timeout ? cmd->timeout : s->cfg.command_timeout;
}

void
task_clock_start(struct session *s)
{
	lun_time tick = s->cfg.command_timeout / TASK_TICK_PART;

	if (timer_is_set(&s->clock.t))
		return;
	if (tick > TASK_TICK_LONGEST || tick <= 0)
		tick = TASK_TICK_LONGEST;
	if (tick < TASK_TICK_SHORTEST)
		tick = TASK_TICK_SHORTEST;
	timer_set(&s->clock.t, time_add(session_now(s), tick));
}

static void
submit(struct nexus *n, struct command *cmd)
{
	struct session *s = container_of(n, struct session, nexus);

	assert(cmd->done);
	assert(cmd->cdb_len <= CDB_LEN_MAX);
	cmd->task = NULL;
	s->n_commands++;
	if (s->over || s->stopping || s->state == SESSION_FREE) {
		command_end(s, cmd, s->stopping ? LUN_ECANCELED : LUN_ELOST);
		return;
	}
	cmd->phase = PHASE_WAITING;
	cmd->deadline = time_add(session_now(s), time_for(s, cmd));
	list_append(&s->waiting, &cmd->link);
	task_clock_start(s);
	session_stir(s);
}

/* It waits no more. */
void
command_unlink(struct session *s, struct command *cmd)
{
	assert(cmd->phase == PHASE_WAITING);
	list_del(&cmd->link);
}

static void
cancel(struct nexus *n, struct command *cmd)
{
	struct session *s = container_of(n, struct session, nexus);

	switch ((enum phase)cmd->phase) {
	case PHASE_WAITING:
		command_unlink(s, cmd);
		command_end(s, cmd, LUN_ECANCELED);
		break;
	case PHASE_RUNNING:
		task_abort(cmd->task, LUN_ECANCELED);
		break;
	case PHASE_IDLE:
	case PHASE_ENDED:
		break;
	}
}

const struct nexus_ops task_nexus_ops = {
	.submit = submit,
	.cancel = cancel,
};

void
commands_end_waiting(struct session *s, int result)
{
	struct command *cmd;

	while ((cmd = list_first(&s->waiting, struct command, link))) {
		cmd->lost_at = s->failed_at;
		command_unlink(s, cmd);
		command_end(s, cmd, result);
	}
}

/* --------------------------------------------------------------- slots -- */

/* TASK_CHUNK more idle tasks. */
static int
more_tasks(struct session *s)
{
	if (s->n_tasks >= TASKS_MAX)
		return LUN_ENOMEM;

	struct task *chunk = calloc(TASK_CHUNK, sizeof(*chunk));
	struct task **tasks = realloc(s->tasks, (s->n_tasks + TASK_CHUNK) *
				      sizeof(*tasks));

	if (tasks)
		s->tasks = tasks;
	if (!chunk || !tasks) {
		free(chunk);
		return LUN_ENOMEM;
	}
	for (unsigned i = 0; i < TASK_CHUNK; i++) {
		struct task *t = &chunk[i];

		t->s = s;
		t->initiator_task_tag = s->n_tasks;
		list_init(&t->sending);
		tasks[s->n_tasks++] = t;
		list_append(&s->idle, &t->link);
	}
	return 0;
}

void
tasks_free(struct session *s)
{
	for (unsigned i = 0; i < s->n_tasks; i++) {
		ranges_clear(&s->tasks[i]->in);
		ranges_clear(&s->tasks[i]->out);
	}
	for (unsigned i = 0; i < s->n_tasks; i += TASK_CHUNK)
		free(s->tasks[i]);
	free(s->tasks);
	s->tasks = NULL;
	s->n_tasks = 0;
}

static uint32_t
next_tag(uint32_t tag)
{
	uint32_t index = tag & (TASKS_MAX - 1), use = tag >> INDEX_BITS;

	return ((use + 1) & USE_MASK) << INDEX_BITS | index;
}

struct task *
task_new(struct session *s, struct command *cmd, struct leg *leg)
{
	if (list_empty(&s->idle) && more_tasks(s) < 0)
		return NULL;

	struct task *t = list_first(&s->idle, struct task, link);

	command_unlink(s, cmd);
	list_del(&t->link);
	list_append(&s->running, &t->link);
	assert(list_empty(&t->sending) && !t->aborting && !t->reassigning &&
	       !t->cmd);
	t->initiator_task_tag = next_tag(t->initiator_task_tag);
	t->cmd = cmd;
	t->leg = leg;
	t->given_up = t->resumes = t->damaged = t->muted = false;
	t->in_progress = false;
	t->exp_data_sn = t->sequence_sn = 0;
	t->acked_sn = t->acked_bytes = t->snack_tag = 0;
	t->sequence_over = false;
	t->out_last = 0;
	t->ticks = t->retries = t->reassigns = 0;
	t->reset_code = 0;
	t->first_burst = t->n_bursts = 0;
	leg->running++;
	cmd->phase = PHASE_RUNNING;
	cmd->task = t;
	return t;
}

struct task *
task_find(struct session *s, uint32_t initiator_task_tag)
{
	uint32_t index = initiator_task_tag & (TASKS_MAX - 1);
	struct task *t = index < s->n_tasks ? s->tasks[index] : NULL;

	return t && t->leg && t->initiator_task_tag == initiator_task_tag ? t : NULL;
}

bool
task_was_given_up(const struct session *s, uint32_t initiator_task_tag)
{
	uint32_t index = initiator_task_tag & (TASKS_MAX - 1);
	const struct task *t = index < s->n_tasks ? s->tasks[index] : NULL;

	return t && !t->leg && t->given_up &&
	    t->initiator_task_tag == initiator_task_tag;
}

/* The slot is free when its command, abort and reassignment do not need it. */
void
task_idle(struct task *t)
{
	if (t->cmd || t->aborting || t->reassigning)
		return;
	t->leg->running--;
	t->leg = NULL;
	ranges_clear(&t->in);
	ranges_clear(&t->out);
	list_del(&t->link);
	if (t->given_up)		/* not at once: see datain.c */
		list_append(&t->s->idle, &t->link);
	else
		list_prepend(&t->s->idle, &t->link);
}

void
task_end(struct task *t, int result)
{
	struct command *cmd = t->cmd;

	assert(cmd);
	dataout_drop(t);
	if (t->mend.active)
		snack_end(t);
	if (t->leg->conn)
		conn_release(t->leg->conn, t, cmd->in, cmd->in_len);
	if (t->aborting)
		tmf_spare(t->s, &t->abort);
	t->cmd = NULL;
	command_end(t->s, cmd, result);
	task_idle(t);
}

void
tasks_end_all(struct session *s, struct leg *leg, int result)
{
	struct task *t;

	list_for_each(t, &s->running, struct task, link)
		if (t->leg == leg && t->cmd)
			task_end(t, result);
}

/* --------------------------------------------------------------- abort -- */

static void aborted(struct tmf *tmf, int code, uint8_t response);

static const struct {
	uint8_t function, next;		/* next: if it does not help; 0: nothing */
	const char *name;
} steps[] = {
	{ TMF_ABORT_TASK, TMF_LOGICAL_UNIT_RESET, "ABORT TASK" },
	{ TMF_LOGICAL_UNIT_RESET, TMF_TARGET_WARM_RESET, "LOGICAL UNIT RESET" },
	{ TMF_TARGET_WARM_RESET, 0, "TARGET WARM RESET" },
};

static size_t
step_of(uint8_t function)
{
	size_t i = 0;

	while (steps[i].function != function)
		i++;
	return i;
}

static uint8_t
next_step(const struct session *s, uint8_t function)
{
	uint8_t next = steps[step_of(function)].next;

	return next == TMF_TARGET_WARM_RESET && !s->cfg.target_reset ? 0 : next;
}

static void
end_by(struct task *t, uint8_t function)
{
	assert(tmf_is_idle(&t->abort));
	t->aborting = true;
	t->abort = (struct tmf){
		.function = function, .lun = t->cmd->lun,
		.task = function == TMF_ABORT_TASK ? t : NULL,
		.may_fail = next_step(t->s, function) != 0,
		.done = aborted, .user = t,
		/* the others that a reset ends did nothing wrong */
		.ends_with = t->end_code == LUN_ETIMEDOUT ? LUN_ETIMEDOUT :
		    LUN_ELOST,
	};
	session_tmf(t->s, &t->abort, session_now(t->s));
}

void
task_aborted(struct task *t)
{
	if (t->end_code == LUN_EDIGEST)
		datain_lost(t);			/* it may be made again at once */
	else
		task_end(t, t->end_code);	/* which makes it idle */
}

static void
go_on(struct task *t, uint8_t next, int code, uint8_t response)
{
	struct session *s = t->s;
	const char *failed = steps[step_of(t->abort.function)].name;
	char lun[LUN_TEXT_MAX], why[40] = "was not answered";

	if (code != LUN_ETIMEDOUT)
		snprintf(why, sizeof(why), "did not help (response %u)",
			 response);
	session_log(s, LUN_LOG_WARNING, "LUN %s: %s %s: %s, %" PRId64 " s for "
		    "its answer", lun_print(t->cmd->lun, lun), failed, why,
		    steps[step_of(next)].name, tmf_answer_time(s) / TIME_S);
	end_by(t, next);
}

static void
aborted(struct tmf *tmf, int code, uint8_t response)
{
	struct task *t = tmf->user;
	struct leg *leg = t->leg;
	uint8_t next = next_step(t->s, tmf->function);
	bool ended = code == 0 &&
		     (response == TMF_COMPLETE ||
		      (tmf->function == TMF_ABORT_TASK && response == TMF_NO_TASK));

	t->aborting = false;
	if (!t->cmd)
		task_idle(t);
	else if (ended)
		task_aborted(t);
	else if (!leg->conn || code == LUN_ELOST)
		return;			/* it ends with its connection */
	else if (next != 0)
		go_on(t, next, code, response);
	else {				/* nobody knows what the target does */
		t->s->gives_up = true;
		conn_fail(leg->conn, LUN_ETIMEDOUT, "a command could not be "
			  "aborted (%s, response %u)",
			  steps[step_of(tmf->function)].name, response);
	}
}

void
task_abort(struct task *t, int end_code)
{
	if (t->aborting)
		return;
	t->end_code = end_code;
	end_by(t, TMF_ABORT_TASK);
}

/* RFC 7143 11.17.1, 7.3 */
void
task_rejected(struct session *s, struct leg *leg, const struct pdu *bad,
	      uint8_t reason)
{
	struct task *t = task_find(s, bad->initiator_task_tag);
	uint32_t cmd_sn;
	int result = LUN_EPROTO;

	if (!t || !t->cmd || t->leg != leg)
		return;
	cmd_sn = t->cmd_sn;
	if (reason == REJECT_IMMEDIATE || reason == REJECT_LONG_OPERATION) {
		/* may be sent again later: what SCSI calls BUSY */
		t->cmd->response = RESPONSE_COMPLETED;
		t->cmd->status = SCSI_BUSY;
		t->cmd->sense_len = 0;
		result = 0;
	} else if (reason == REJECT_DATA_DIGEST) {
		result = LUN_EDIGEST;
	}
	task_end(t, result);
	if (!window_took(&s->window, cmd_sn))
		conn_plug(leg->conn, cmd_sn);
}

/* --------------------------------------------------------------- clock -- */

/*
 * Level 2: it waits for a connection. That is not its fault: another session
 * may have more luck, and it is sent there. What it has waited before counts.
 */
static bool
gives_up_connections(struct session *s, const struct command *cmd, lun_time now)
{
	lun_time since = cmd->waits_since;
	struct session_outage out;
	bool lost = session_outage(s, &out);

	if (now < cmd->deadline &&
	    (since == 0 || now < time_add(since, s->cfg.recovery_time)))
		return false;
	if (since == 0)
		since = cmd->deadline - time_for(s, cmd);
	session_give_up(s, LUN_ELOST, "no connection was recovered within %"
			PRId64 " s%s%s", (now - since) / TIME_S, lost ? ": " : "",
			lost ? out.cause : "");
	return true;
}

/*
 * The target waits for a CmdSN that was sent (4.2.2.1), and nobody will send it
 * again: what had it is over. Only a new session gets beyond that (7.1.4.4).
 */
static bool
is_stuck(const struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].lost)
			return false;	/* with it, perhaps: 11.14 */
	return s->window.exp_cmd_sn != s->window.cmd_sn &&
	    !connrec_has_owner(s, s->window.exp_cmd_sn);
}

/* A command is in vain, as those before it; and none was answered since. */
static bool
is_mute(struct session *s, lun_time now)
{
	if (s->mute_since == 0)
		s->mute_since = now - s->cfg.command_timeout;
	return now - s->mute_since >= 3 * s->cfg.command_timeout;
}

static void
expire_waiting(struct session *s, lun_time now)
{
	bool none = !legs_ready(s);
	struct command *cmd;

	list_for_each(cmd, &s->waiting, struct command, link) {
		if (none && gives_up_connections(s, cmd, now))
			return;
		if (none || now < cmd->deadline)
			continue;
		if (is_stuck(s)) {
			session_give_up(s, LUN_ELOST, "the target has not taken "
					"CmdSN %" PRIu32 ", and takes no other "
					"command (CmdSN %" PRIu32 ", MaxCmdSN %"
					PRIu32 ")", s->window.exp_cmd_sn,
					s->window.cmd_sn, s->window.max_cmd_sn);
			return;
		}
		/* nothing is under way that could open it */
		if (list_empty(&s->running) && is_mute(s, now)) {
			session_give_up(s, LUN_ETIMEDOUT, "no command was taken "
					"for %" PRId64 " s (CmdSN %" PRIu32
					", MaxCmdSN %" PRIu32 ")",
					(now - s->mute_since) / TIME_S,
					s->window.cmd_sn, s->window.max_cmd_sn);
			return;
		}
		s->unsent_timeouts++;
		session_log(s, LUN_LOG_WARNING, "a command (opcode 0x%02x) waited "
			    "in vain for the command window to open (CmdSN %"
			    PRIu32 ", MaxCmdSN %" PRIu32 ")", cmd->cdb[0],
			    s->window.cmd_sn, s->window.max_cmd_sn);
		command_unlink(s, cmd);
		command_end(s, cmd, LUN_ETIMEDOUT);
	}
}

/* More of them at a time are one event. */
static void
tell_of_timeouts(struct session *s, const struct task *first, unsigned n)
{
	char lun[LUN_TEXT_MAX], more[32] = " was";

	if (n > 1)
		snprintf(more, sizeof(more), " and %u more were", n - 1);
	session_log(s, LUN_LOG_WARNING, "LUN %s: a command (opcode 0x%02x, ITT "
		    "0x%08" PRIx32 ")%s not answered within %" PRId64 " s: ABORT "
		    "TASK, %" PRId64 " s for its answer",
		    lun_print(first->cmd->lun, lun), first->cmd->cdb[0],
		    first->initiator_task_tag, more,
		    time_for(s, first->cmd) / TIME_S,
		    tmf_answer_time(s) / TIME_S);
}

static void
expire_running(struct session *s, lun_time now)
{
	struct task *t, *first = NULL;
	unsigned n = 0;

	list_for_each(t, &s->running, struct task, link) {
		if (!t->cmd || t->aborting || now < t->cmd->deadline ||
		    t->leg->lost || t->reassigning)
			continue;
		t->leg->counted.task_timeouts++;
		if (is_mute(s, now)) {
			session_give_up(s, LUN_ETIMEDOUT, "no command was answered "
					"for %" PRId64 " s",
					(now - s->mute_since) / TIME_S);
			return;
		}
		if (n++ == 0)
			first = t;
		task_abort(t, LUN_ETIMEDOUT);
	}
	if (first)
		tell_of_timeouts(s, first, n);
}

static void
tick(struct timer *timer, lun_time now)
{
	struct session *s = container_of(timer, struct session_timer, t)->s;

	s->nexus.timers->now = now;
	expire_running(s, now);
	if (mends(s))
		retry_tick(s, now);
	expire_waiting(s, now);
	if (s->over)
		return;
	tmfs_expire(s, now);
	if (!list_empty(&s->running) || !list_empty(&s->waiting) ||
	    !list_empty(&s->tmfs))
		task_clock_start(s);
}

int
task_clock_init(struct session *s)
{
	s->clock.s = s;
	return timer_init(&s->clock.t, s->nexus.timers, tick);
}
