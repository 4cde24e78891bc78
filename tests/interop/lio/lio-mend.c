/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mends what keeps LIO (Linux 6.1 to 6.12) from recovering data, connections,
 * and sessions of several connections, from outside, at the doors of these
 * functions:
 *
 * - A command that has survived its connection still counts as one of it, and
 *   that counter goes with the connection: the kernel crashes.
 * - What its disk has done while it waited for that is never noted as done, and
 *   the data of a READ is there for TASK REASSIGN to send: "never returned from
 *   transport" on the console, and the session is ended.
 * - A WRITE that waits for data, and for its abort, is not ended with its
 *   connection: neither is the abort, nor the connection; and no login is answered
 *   any more.
 * - TASK REASSIGN of a WRITE of which all data has come is rejected, if some of
 *   it was asked for: "BAD INITIATOR ERL=2 IMPLEMENTATION". But its ExpDataSN
 *   is 0, as it counts no R2Ts.
 * - The answer to a TASK REASSIGN, and to a function whose task was not found, is
 *   iSCSI's code already; LIO takes it for one of its core's and converts it: a
 *   success is answered with "function rejected".
 * - The Reject of damaged data is made out of the WRITE itself. That is never
 *   answered, then, or removed before its Reject was sent; or the kernel hangs.
 * - A Data SNACK for what it has sent last is one too far for it ("greater than
 *   maximum DataSN"); and what it still has to send again is not taken from its
 *   queue when the command is freed, so it sends the data of another one that has
 *   its memory now ("read_data_left is zero"). Both end the session.
 * - Session reinstatement ends the old connections one by one, and waits for each
 *   with the next one in its hand. That one may end meanwhile by itself, and is
 *   no member of the list any more: the kernel crashes.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <scsi/iscsi_proto.h>
#include <target/iscsi/iscsi_target_core.h>
#include <target/iscsi/iscsi_transport.h>
#include <target/target_core_backend.h>
#include <target/target_core_base.h>
#include <target/target_core_fabric.h>

struct response {
	struct iscsit_cmd *cmd;
	struct iscsi_tm_rsp *hdr;
};

static struct kprobe prepare;

/* For the handler of a probe: this function runs, and what was called does not. */
static int
instead(struct pt_regs *regs, void *function)
{
	instruction_pointer_set(regs, (unsigned long)function);
	return 1;
}

static void
forget_counter(struct se_cmd *cmd)
{
	if (cmd->cmd_cnt)
		percpu_ref_put(&cmd->cmd_cnt->refcnt);
	cmd->cmd_cnt = NULL;
}

/* void transport_wait_for_tasks(struct se_cmd *): LIO's iSCSI calls it for
 * commands that wait for another connection, and for nothing else. */
static int
waits(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(struct se_cmd **)ri->data = (struct se_cmd *)regs->di;
	return 0;
}

static int
has_waited(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct se_cmd *cmd = *(struct se_cmd **)ri->data;
	unsigned long flags;

	spin_lock_irqsave(&cmd->t_state_lock, flags);
	if (cmd->transport_state & CMD_T_SENT)
		cmd->transport_state |= CMD_T_COMPLETE;
	spin_unlock_irqrestore(&cmd->t_state_lock, flags);
	forget_counter(cmd);
	return 0;
}

static bool
is_aborted(const struct iscsit_cmd *cmd)
{
	return cmd->se_cmd.t_state == TRANSPORT_WRITE_PENDING &&
	    cmd->se_cmd.transport_state & CMD_T_ABORTED;
}

/* int iscsit_prepare_cmds_for_reallegiance(struct iscsit_conn *), before it: who
 * aborts them does the rest, as at the other levels. */
static int
end_aborted(struct iscsit_conn *conn)
{
	DECLARE_COMPLETION_ONSTACK(ended);
	int (*prepare_others)(struct iscsit_conn *) = (void *)prepare.addr;
	struct iscsit_cmd *cmd, *next;
	unsigned int n = 0;

	spin_lock_bh(&conn->cmd_lock);
	list_for_each_entry_safe(cmd, next, &conn->conn_cmd_list, i_conn_node) {
		if (!is_aborted(cmd))
			continue;
		list_del_init(&cmd->i_conn_node);
		forget_counter(&cmd->se_cmd);
		cmd->se_cmd.free_compl = &ended;
		target_complete_cmd(&cmd->se_cmd, SAM_STAT_TASK_ABORTED);
		n++;
	}
	spin_unlock_bh(&conn->cmd_lock);
	while (n-- > 0)
		wait_for_completion(&ended);
	return prepare_others(conn);
}

static int
prepares(struct kprobe *p, struct pt_regs *regs)
{
	struct iscsit_conn *conn = (struct iscsit_conn *)regs->di;
	struct iscsit_cmd *cmd;
	unsigned long flags;
	bool any = false;

	spin_lock_irqsave(&conn->cmd_lock, flags);
	list_for_each_entry(cmd, &conn->conn_cmd_list, i_conn_node)
		any |= is_aborted(cmd);
	spin_unlock_irqrestore(&conn->cmd_lock, flags);
	return any ? instead(regs, end_aborted) : 0;
}

static struct kprobe prepare = {
	.symbol_name = "iscsit_prepare_cmds_for_reallegiance",
	.pre_handler = prepares,
};

/* int iscsit_build_task_mgt_rsp(struct iscsit_cmd *, struct iscsit_conn *,
 * struct iscsi_tm_rsp *) */
static int
builds(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct response *r = (struct response *)ri->data;

	r->cmd = (struct iscsit_cmd *)regs->di;
	r->hdr = (struct iscsi_tm_rsp *)regs->dx;
	return 0;
}

static int
has_built(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct response *r = (struct response *)ri->data;
	struct se_tmr_req *tmr = r->cmd->se_cmd.se_tmr_req;

	if (tmr && !tmr->call_transport)
		r->hdr->response = tmr->response;
	return 0;
}

/* int iscsit_add_reject_from_cmd(struct iscsit_cmd *, u8 reason, bool listed,
 * unsigned char *header), instead of it: LIO removes a command of which the
 * immediate data was damaged, and asks again for the data of a Data-Out. */
static int
reject_beside(struct iscsit_cmd *cmd, u8 reason, bool listed,
	      unsigned char *header)
{
	iscsit_add_reject(cmd->conn, reason, header);
	if ((header[0] & ISCSI_OPCODE_MASK) == ISCSI_OP_SCSI_CMD)
		target_put_sess_cmd(&cmd->se_cmd);
	return -1;
}

static int
rejects(struct kprobe *p, struct pt_regs *regs)
{
	if ((u8)regs->si != ISCSI_REASON_DATA_DIGEST_ERROR)
		return 0;
	return instead(regs, reject_beside);
}

static int
nothing_to_do(void)
{
	return 0;
}

/* While its data is under way the last PDU is just the last one so far. */
static bool
too_early(struct iscsit_cmd *cmd, u32 end)
{
	struct iscsi_datain_req *d;
	bool early = false;

	spin_lock(&cmd->datain_lock);
	list_for_each_entry(d, &cmd->datain_list, cmd_datain_node)
		early |= d->recovery || end >= cmd->data_sn;
	spin_unlock(&cmd->datain_lock);
	return early;
}

/* int iscsit_handle_recovery_datain_or_r2t(struct iscsit_conn *, unsigned char
 * *header, itt_t, u32 ttt, u32 begin, u32 length): it will be asked again. */
static int
asks(struct kprobe *p, struct pt_regs *regs)
{
	struct iscsit_conn *conn = (struct iscsit_conn *)regs->di;
	struct iscsit_cmd *cmd;
	unsigned long flags;
	bool early = false;

	spin_lock_irqsave(&conn->cmd_lock, flags);
	list_for_each_entry(cmd, &conn->conn_cmd_list, i_conn_node)
		if (cmd->init_task_tag == (__force itt_t)regs->dx)
			early |= too_early(cmd, regs->r8 + regs->r9);
	spin_unlock_irqrestore(&conn->cmd_lock, flags);
	return early ? instead(regs, nothing_to_do) : 0;
}

/* int iscsit_check_task_reassign_expdatasn(struct iscsi_tmr_req *,
 * struct iscsit_conn *) */
static int
reassigns(struct kprobe *p, struct pt_regs *regs)
{
	struct iscsit_cmd *cmd = ((struct iscsi_tmr_req *)regs->di)->ref_cmd;

	return cmd->cmd_flags & ICF_GOT_LAST_DATAOUT ?
	    instead(regs, nothing_to_do) : 0;
}

/* void iscsit_stop_session(struct iscsit_session *, int session_sleep, int
 * connection_sleep): not for each; it waits for the last one anyway. */
static int
stops(struct kprobe *p, struct pt_regs *regs)
{
	regs->dx = 0;
	return 0;
}

static struct kprobe stop = {
	.symbol_name = "iscsit_stop_session",
	.pre_handler = stops,
};
static struct kprobe ask = {
	.symbol_name = "iscsit_handle_recovery_datain_or_r2t",
	.pre_handler = asks,
};
static struct kprobe reassign = {
	.symbol_name = "iscsit_check_task_reassign_expdatasn",
	.pre_handler = reassigns,
};
static struct kprobe reject = {
	.symbol_name = "iscsit_add_reject_from_cmd",
	.pre_handler = rejects,
};
static struct kretprobe wait = {
	.kp.symbol_name = "transport_wait_for_tasks",
	.entry_handler = waits,
	.handler = has_waited,
	.data_size = sizeof(struct se_cmd *),
};
static struct kretprobe build = {
	.kp.symbol_name = "iscsit_build_task_mgt_rsp",
	.entry_handler = builds,
	.handler = has_built,
	.data_size = sizeof(struct response),
};
static struct kprobe *entries[] = { &stop, &prepare, &reject, &ask, &reassign };
static struct kretprobe *returns[] = { &wait, &build };

static int __init
lio_mend_init(void)
{
	int r = register_kprobes(entries, ARRAY_SIZE(entries));

	return r < 0 ? r : register_kretprobes(returns, ARRAY_SIZE(returns));
}

module_init(lio_mend_init);
MODULE_DESCRIPTION("LIO: connection and session recovery without a crash");
MODULE_LICENSE("GPL");
