/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task management on several connections, and after one of them was lost (RFC
 * 7143 4.2.3, 11.5, 11.6).
 */
#include "drive.h"

static const char *const level2[] = {
	"ErrorRecoveryLevel=2", "MaxConnections=4", NULL,
};

enum { PDU = 4096, LEN = 4 * PDU, BLOCKS = LEN / BLOCK, LBA = 64 };

#define KEYS "ErrorRecoveryLevel=2\nMaxConnections=4\nMaxBurstLength=16384\n" \
	     "FirstBurstLength=8192"

/* Two connections, of which the first one may be lost. */
struct world {
	struct drive *d;
	struct link *l, *other;
	uint8_t data[LEN];
};

static struct world
begin(void)
{
	struct world w = { .d = drive_new(level2) };

	w.l = link_new(w.d, 0, 0, KEYS);
	w.other = link_new(w.d, 1, link_tsih(w.l), "");
	return w;
}

static void
expect_tmf(struct link *l, enum tmf_response response)
{
	assert_int_equal(link_expect(l, OP_TMF_RESPONSE)->pdu.response,
			 response);
}

static void
lose(struct world *w)
{
	uint32_t exp_stat_sn = link_exp_stat_sn(w->l);

	link_cut(w->l);
	link_expect(w->other, OP_ASYNC_MESSAGE);
	link_logout(w->other, 50, LOGOUT_RECOVERY, 0, exp_stat_sn);
	link_expect(w->other, OP_LOGOUT_RESPONSE);
}

static void
test_abort_of_a_task_whose_connection_is_lost(void **state)
{
	struct world w = begin();
	uint32_t cmd_sn = drive_cmd_sn(w.d);
	struct pdu abort_task = {
		.opcode = OP_TMF_REQUEST, .final = true, .immediate = true,
		.function = TMF_ABORT_TASK, .initiator_task_tag = 52,
	};

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_read(w.l, 11, 0, BLOCKS);
	lose(&w);
	abort_task.referenced_task_tag = 10;
	abort_task.ref_cmd_sn = cmd_sn;
	link_send(w.other, &abort_task, NULL, 0);
	expect_tmf(w.other, TMF_COMPLETE);
	/* 11.5.1: a status that may have got lost comes first */
	abort_task.referenced_task_tag = 11;
	abort_task.ref_cmd_sn = cmd_sn + 1;
	link_send(w.other, &abort_task, NULL, 0);
	link_expect_status(w.other, 11, SCSI_GOOD);
	expect_tmf(w.other, TMF_COMPLETE);
	link_expect_nothing(w.other);
	drive_free(w.d);
}

static void
test_task_set_with_tasks_of_a_lost_connection_is_aborted(void **state)
{
	struct world w = begin();
	uint32_t ttt;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_write(w.other, 11, LBA, BLOCKS, NULL, 0, true);
	ttt = link_expect_r2t(w.other, 11, 0, 0, LEN)->pdu.target_transfer_tag;
	lose(&w);
	link_tmf(w.other, 52, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	link_expect_nothing(w.other);		/* it waits for this one */
	link_data_out(w.other, 11, ttt, 0, 0, w.data, LEN, true);
	expect_tmf(w.other, TMF_COMPLETE);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	drive_free(w.d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abort_of_a_task_whose_connection_is_lost),
		cmocka_unit_test(test_task_set_with_tasks_of_a_lost_connection_is_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
