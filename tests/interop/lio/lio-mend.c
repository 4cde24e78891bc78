/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mends what keeps LIO (Linux 6.1 to 6.12) from recovering connections, and
 * sessions of several connections, from outside, at the doors of these functions:
 *
 * - A command that has survived its connection still counts as one of it, and
 *   that counter goes with the connection: the kernel crashes.
 * - The answer to a TASK REASSIGN, and to a function whose task was not found, is
 *   iSCSI's code already; LIO takes it for one of its core's and converts it: a
 *   success is answered with "function rejected".
 * - Session reinstatement ends the old connections one by one, and waits for each
 *   with the next one in its hand. That one may end meanwhile by itself, and is
 *   no member of the list any more: the kernel crashes.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/percpu-refcount.h>
#include <scsi/iscsi_proto.h>
#include <target/iscsi/iscsi_target_core.h>
#include <target/target_core_base.h>

struct response {
	struct iscsit_cmd *cmd;
	struct iscsi_tm_rsp *hdr;
};

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

	if (cmd->cmd_cnt)
		percpu_ref_put(&cmd->cmd_cnt->refcnt);
	cmd->cmd_cnt = NULL;
	return 0;
}

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
static struct kretprobe *probes[] = { &wait, &build };

static int __init
lio_mend_init(void)
{
	int r = register_kprobe(&stop);

	return r < 0 ? r : register_kretprobes(probes, 2);
}

module_init(lio_mend_init);
MODULE_DESCRIPTION("LIO: connection and session recovery without a crash");
MODULE_LICENSE("GPL");
