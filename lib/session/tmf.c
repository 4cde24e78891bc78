/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Task management, RFC 7143 11.5 and 11.6. Requests are immediate, so that they
 * pass a closed window, and one at a time on a connection, so that the target
 * cannot refuse them (4.2.2.1). One that is not answered within the command
 * timeout costs the connection: nobody knows then what the target does.
 */
#include <assert.h>

#include "session/session-impl.h"

enum { TMF_TAG_BIT = 0x40000000 };

static void
send_request(struct session *s, struct leg *leg, struct tmf *t)
{
	const struct task *task = t->task;
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .immediate = true, .final = true,
		.function = t->function, .lun = t->lun,
		.initiator_task_tag = TMF_TAG_BIT |
		    (s->next_tmf_tag++ & (TMF_TAG_BIT - 1)),
		.referenced_task_tag = task ? task->initiator_task_tag : TAG_NONE,
		.ref_cmd_sn = task ? task->cmd_sn : 0,
	};

	t->initiator_task_tag = pdu.initiator_task_tag;
	t->deadline = time_add(session_now(s), s->cfg.command_timeout);
	leg->tmf = t;
	/* if it fails the connection is lost, and t ends with it */
	conn_send(leg->conn, &pdu, NULL, NULL, 0, NULL);
}

static void tmf_end(struct session *s, struct tmf *t, int code, uint8_t response);

/* The next of those that wait for their turn on this connection. */
static void
send_next(struct session *s, struct leg *leg)
{
	struct tmf *t;

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
	if (task)
		return task->leg;
	for (size_t i = 0; i < LEGS_MAX; i++)
		if (s->legs[i].conn && conn_state(s->legs[i].conn) == CONN_LOGGED_IN)
			return &s->legs[i];
	return NULL;
}

void
session_tmf(struct session *s, struct tmf *t, lun_time now)
{
	struct leg *leg = leg_for(s, t->task);

	s->nexus.now = now;
	assert(t->done);
	assert((t->function == TMF_ABORT_TASK) == (t->task != NULL));
	list_append(&s->tmfs, &t->link);
	t->leg = leg;
	if (!leg || !leg->conn) {
		tmf_end(s, t, LUN_ELOST, 0);
		return;
	}
	t->initiator_task_tag = TAG_NONE;	/* not sent yet */
	t->deadline = TIME_NEVER;
	session_stir(s);
	send_next(s, leg);
}

static struct tmf *
find(struct session *s, uint32_t initiator_task_tag)
{
	struct tmf *t;

	list_for_each(t, &s->tmfs, struct tmf, link)
		if (t->initiator_task_tag == initiator_task_tag)
			return t;
	return NULL;
}

int
tmf_response(struct session *s, struct leg *leg, const struct pdu *pdu)
{
	struct tmf *t = find(s, pdu->initiator_task_tag);

	if (!t || t->leg != leg)
		return conn_fail(leg->conn, LUN_EPROTO, "TMF Response for an "
				 "unknown request (ITT 0x%08" PRIx32 ")",
				 pdu->initiator_task_tag);
	tmf_end(s, t, 0, pdu->response);
	send_next(s, leg);
	return 0;
}

void
tmf_rejected(struct session *s, uint32_t initiator_task_tag, uint8_t reason)
{
	struct tmf *t = find(s, initiator_task_tag);

	if (!t)
		return;
	tmf_end(s, t, LUN_EREFUSED, TMF_REJECTED);
	if (((struct leg *)t->leg)->conn)
		send_next(s, t->leg);
}

void
tmfs_expire(struct session *s, lun_time now)
{
	struct tmf *t;

	list_for_each(t, &s->tmfs, struct tmf, link) {
		struct leg *leg = t->leg;

		if (now >= t->deadline && leg->conn)
			conn_fail(leg->conn, LUN_ETIMEDOUT, "task management "
				  "function %u was not answered within %" PRId64
				  " s", t->function,
				  s->cfg.command_timeout / TIME_S);
	}
}

void
tmfs_end_all(struct session *s, struct leg *leg, int code)
{
	struct tmf *t;

	list_for_each(t, &s->tmfs, struct tmf, link)
		if (t->leg == leg)
			tmf_end(s, t, code, 0);
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
