/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a connection sends next. The connection asks whenever there is room
 * before the socket, one PDU at a time, so nothing that is decided here is old
 * when it leaves.
 *
 * Order and fairness: unsolicited data follows its commands in their order
 * (RFC 7143 4.2.5.2) and goes before the next command. Data that the target
 * has asked for takes turns with all that: were new commands always first, a
 * load of immediate data could starve the answers to R2Ts; were they last, a
 * large write would hold up every small read. Among the tasks with R2Ts each
 * sends one PDU in its turn.
 */
#include <string.h>

#include "session/session-impl.h"

void
command_send(struct task *t, bool again)
{
	const struct command *cmd = t->cmd;
	struct conn *c = t->leg->conn;
	uint32_t immediate = dataout_immediate(t);
	bool unsolicited = dataout_unsolicited(t, immediate);
	struct ahs ahs;
	bool bidi = cmd->in_len && cmd->out_len;
	bool has_ahs = bidi || cmd->cdb_len > CDB_LEN;
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = !unsolicited,
		.read = cmd->in_len > 0, .write = cmd->out_len > 0,
		.attr = cmd->attr, .lun = cmd->lun,
		.initiator_task_tag = t->initiator_task_tag,
		.expected_data_transfer_length =
		    cmd->out_len ? cmd->out_len : cmd->in_len,
	};

	memcpy(pdu.cdb, cmd->cdb, CDB_LEN);
	if (has_ahs) {
		ahs = (struct ahs){
			.has_bidi_read_length = bidi,
			.bidi_read_length = cmd->in_len,
		};
		if (cmd->cdb_len > CDB_LEN) {
			ahs.extended_cdb_len = (uint16_t)(cmd->cdb_len - CDB_LEN);
			memcpy(ahs.extended_cdb, cmd->cdb_more,
			       ahs.extended_cdb_len);
		}
	}
	if (again)
		conn_send_again(c, &pdu, has_ahs ? &ahs : NULL, cmd->out,
				immediate, t, t->cmd_sn);
	else
		conn_send(c, &pdu, has_ahs ? &ahs : NULL, cmd->out, immediate, t);
}

static bool
start_command(struct session *s, struct leg *leg)
{
	struct command *cmd = list_first(&s->waiting, struct command, link);
	struct task *t = task_new(s, cmd, leg);

	if (!t)
		return false;		/* it waits for a task to end */
	t->cmd_sn = s->window.cmd_sn;
	leg_took(leg, cmd);
	command_send(t, false);
	return true;
}

bool
schedule_fill(void *user, struct conn *c)
{
	struct leg *leg = user;
	struct session *s = leg->s;
	struct task *solicited = list_first(&leg->solicited, struct task, sending);
	struct task *unsolicited = list_first(&leg->unsolicited, struct task, sending);
	bool fresh = conn_state(c) == CONN_LOGGED_IN &&
	    !list_empty(&s->waiting) && window_open(&s->window) &&
	    leg_takes(leg);

	if (solicited && (leg->solicited_turn || !(unsolicited || fresh))) {
		leg->solicited_turn = false;
		list_del(&solicited->sending);
		list_append(&leg->solicited, &solicited->sending);
		dataout_send(solicited);
		return true;
	}
	leg->solicited_turn = true;
	if (unsolicited) {
		dataout_send(unsolicited);
		return true;
	}
	return fresh && start_command(s, leg);
}
