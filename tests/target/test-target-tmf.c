/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task management on several connections, and after one of them was lost (RFC
 * 7143 4.2.3, 11.5, 11.6).
 */
#include <stdio.h>

#include "drive.h"

static const char *const level2[] = {
	"ErrorRecoveryLevel=2", "MaxConnections=4",
	"TaskReporting=FastAbort,ResponseFence,RFC3720", NULL,
};

enum { PDU = 4096, LEN = 4 * PDU, BLOCKS = LEN / BLOCK, LBA = 64 };

#define KEYS "ErrorRecoveryLevel=2\nMaxConnections=4\nMaxBurstLength=16384\n" \
	     "FirstBurstLength=8192\nTaskReporting="

/* Two connections, of which the first one may be lost. */
struct world {
	struct drive *d;
	struct link *l, *other;
	uint8_t data[LEN];
};

static struct world
begin_with(const char *keys)
{
	struct world w = { .d = drive_new(level2) };

	w.l = link_new(w.d, 0, 0, keys);
	w.other = link_new(w.d, 1, link_tsih(w.l), "");
	return w;
}

static struct world
begin(void)
{
	return begin_with(KEYS "RFC3720");
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

/* -------------------------------------------------- several connections -- */

static void
expect_ping(struct link *l)
{
	assert_int_equal(link_expect(l, OP_NOP_IN)->pdu.initiator_task_tag,
			 TAG_NONE);
}

/* 11.6.1: status under way elsewhere must not come after the response. */
static void
test_response_waits_for_status_on_other_connections(void **state)
{
	struct world w = begin();

	link_read(w.other, 10, 0, 1);
	link_tmf(w.l, 52, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	link_expect_nothing(w.l);
	link_expect(w.other, OP_DATA_IN);
	expect_ping(w.other);
	link_ping(w.other);
	expect_tmf(w.l, TMF_COMPLETE);
	drive_free(w.d);
}

static void
test_response_waits_for_data_on_other_connections(void **state)
{
	struct world w = begin();
	uint32_t ttt;

	link_write(w.other, 11, LBA, BLOCKS, NULL, 0, true);
	ttt = link_expect_r2t(w.other, 11, 0, 0, LEN)->pdu.target_transfer_tag;
	link_tmf(w.l, 52, TMF_LOGICAL_UNIT_RESET, TAG_NONE, 0);
	link_expect_nothing(w.l);
	link_expect_nothing(w.other);
	link_data_out(w.other, 11, ttt, 0, 0, w.data, LEN, true);
	expect_tmf(w.l, TMF_COMPLETE);
	link_expect_nothing(w.other);
	drive_free(w.d);
}

/* A connection that is lost has no status to wait for. */
static void
test_response_does_not_wait_for_a_connection_that_is_lost(void **state)
{
	struct world w = begin();

	link_read(w.other, 10, 0, 1);
	link_tmf(w.l, 52, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	link_expect_nothing(w.l);
	link_cut(w.other);
	link_expect(w.l, OP_ASYNC_MESSAGE);
	expect_tmf(w.l, TMF_COMPLETE);
	drive_free(w.d);
}

static void
test_commands_wait_until_a_fenced_response_is_acknowledged(void **state)
{
	struct world w = begin_with(KEYS "ResponseFence");

	link_tmf(w.l, 52, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	link_read(w.other, 12, 0, 1);
	link_expect_nothing(w.other);
	expect_tmf(w.l, TMF_COMPLETE);
	expect_ping(w.l);
	link_ping(w.l);
	link_expect_data(w.other, 12, 0, 0, BLOCK, 0);
	drive_free(w.d);
}

/* 4.2.3.4: no wait for data; other connections are told and acknowledge it. */
static void
test_fast_abort_tells_the_other_connections(void **state)
{
	struct world w = begin_with(KEYS "FastAbort");
	const struct got *g;
	uint32_t ttt;

	link_write(w.other, 11, LBA, BLOCKS, NULL, 0, true);
	ttt = link_expect_r2t(w.other, 11, 0, 0, LEN)->pdu.target_transfer_tag;
	link_tmf(w.l, 52, TMF_CLEAR_TASK_SET, TAG_NONE, 0);
	link_expect_nothing(w.l);
	g = link_expect(w.other, OP_ASYNC_MESSAGE);
	assert_int_equal(g->pdu.async_event, ASYNC_TASK_TERMINATION);
	assert_int_equal(g->pdu.lun, 0);
	expect_ping(w.other);
	link_data_out(w.other, 11, ttt, 0, 0, w.data, PDU, false);
	expect_tmf(w.l, TMF_COMPLETE);		/* that acknowledged it */
	link_expect_nothing(w.other);
	drive_free(w.d);
}

static void
read_numbered(struct link *l, uint32_t itt, uint32_t cmd_sn)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .read = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = itt,
		.expected_data_transfer_length = BLOCK, .cmd_sn = cmd_sn,
		.cdb = { 0x28, [8] = 1 },
	};

	link_send(l, &pdu, NULL, 0);
}

/* 4.2.3.3 e, 4.2.2.3.4 a: what was sent before is seen before, and nothing is
 * seen with it, on a session that had no part in the reset. */
static void
test_the_unit_attention_of_another_sessions_reset_is_fenced(void **state)
{
	static const char *const reporting[] = { "RFC3720", "ResponseFence",
						 "FastAbort" };

	for (size_t i = 0; i < 3; i++) {
		char keys[200];
		struct world w;
		struct link *issuer;
		uint32_t sn;

		snprintf(keys, sizeof(keys), "%s%s", KEYS, reporting[i]);
		w = begin_with(keys);
		sn = drive_cmd_sn(w.d);
		drive_other(w.d);
		issuer = link_new(w.d, 0, 0, keys);
		read_numbered(w.l, 10, sn);
		link_expect(w.l, OP_DATA_IN);
		link_tmf(issuer, 52, TMF_LOGICAL_UNIT_RESET, TAG_NONE, 0);
		expect_tmf(issuer, TMF_COMPLETE);
		read_numbered(w.other, 11, sn + 1);
		if (i > 0) {
			expect_ping(w.l);
			link_expect_nothing(w.other);
			link_ping(w.l);		/* this acknowledges 10 */
		}
		link_expect_status(w.other, 11, SCSI_CHECK_CONDITION);
		read_numbered(w.l, 12, sn + 2);
		if (i > 0) {
			expect_ping(w.other);
			link_expect_nothing(w.l);
			link_ping(w.other);
		}
		link_expect_data(w.l, 12, 0, 0, BLOCK, 0);
		drive_free(w.d);
	}
}

static void
test_reassign_does_not_wait_for_commands_that_are_missing(void **state)
{
	struct world w = begin();
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .final = true, .immediate = true,
		.function = TMF_TASK_REASSIGN, .initiator_task_tag = 51,
		.referenced_task_tag = 10, .cmd_sn = drive_cmd_sn(w.d) + 2,
	};

	link_send(w.l, &pdu, NULL, 0);
	expect_tmf(w.l, TMF_NO_TASK);
	drive_free(w.d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_waits_for_status_on_other_connections),
		cmocka_unit_test(test_response_waits_for_data_on_other_connections),
		cmocka_unit_test(test_response_does_not_wait_for_a_connection_that_is_lost),
		cmocka_unit_test(test_commands_wait_until_a_fenced_response_is_acknowledged),
		cmocka_unit_test(test_fast_abort_tells_the_other_connections),
		cmocka_unit_test(test_the_unit_attention_of_another_sessions_reset_is_fenced),
		cmocka_unit_test(test_reassign_does_not_wait_for_commands_that_are_missing),
		cmocka_unit_test(test_abort_of_a_task_whose_connection_is_lost),
		cmocka_unit_test(test_task_set_with_tasks_of_a_lost_connection_is_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
