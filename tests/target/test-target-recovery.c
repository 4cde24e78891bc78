/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ErrorRecoveryLevel 2: what was under way on a connection that is lost goes
 * on on another one (RFC 7143 7.1.4.3, 7.2.2, 11.5, 11.14).
 */
#include "drive.h"

static const char *const level2[] = {
	"ErrorRecoveryLevel=2", "MaxConnections=4", NULL,
};

enum { PDU = 4096, LEN = 4 * PDU, BLOCKS = LEN / BLOCK, LBA = 64 };
enum { WAIT = 1, RETAIN = 20, TIMES = WAIT + RETAIN };

#define PER_CONNECTION "MaxRecvDataSegmentLength=4096"
#define KEYS "ErrorRecoveryLevel=2\nMaxConnections=4\nMaxBurstLength=16384\n" \
	     "FirstBurstLength=8192\nDefaultTime2Wait=1\n" \
	     "DefaultTime2Retain=20\n" PER_CONNECTION

/* Two connections, of which the first one will be lost. */
struct world {
	struct drive *d;
	struct link *l, *other;
	uint16_t tsih;
	uint8_t data[LEN];
};

static struct world
begin(void)
{
	struct world w;

	w.d = drive_new(level2);
	w.l = link_new(w.d, 0, 0, KEYS);
	w.tsih = link_tsih(w.l);
	w.other = link_new(w.d, 1, w.tsih, PER_CONNECTION);
	for (size_t i = 0; i < LEN; i++)
		w.data[i] = (uint8_t)(i * 13 + i / 256);
	return w;
}

static void
expect_async(struct link *l)
{
	const struct got *g = link_expect(l, OP_ASYNC_MESSAGE);

	assert_int_equal(g->pdu.async_event, ASYNC_CONNECTION_DROP);
	assert_int_equal(g->pdu.parameter1, 0);
	assert_int_equal(g->pdu.parameter2, WAIT);
	assert_int_equal(g->pdu.parameter3, RETAIN);
}

static void
expect_logout(struct link *l, enum logout_response response)
{
	const struct got *g = link_expect(l, OP_LOGOUT_RESPONSE);

	assert_int_equal(g->pdu.response, response);
	assert_int_equal(g->pdu.time2wait, WAIT);
	assert_int_equal(g->pdu.time2retain, RETAIN);
}

static void
expect_tmf(struct link *l, enum tmf_response response)
{
	assert_int_equal(link_expect(l, OP_TMF_RESPONSE)->pdu.response,
			 response);
}

/* The transport of the first one breaks; the other one cleans up. */
static void
lose(struct world *w)
{
	uint32_t exp_stat_sn = link_exp_stat_sn(w->l);

	link_cut(w->l);
	expect_async(w->other);
	link_logout(w->other, 50, LOGOUT_RECOVERY, 0, exp_stat_sn);
	expect_logout(w->other, LOGOUT_DONE);
}

static void
reassign(struct link *l, uint32_t itt, uint32_t exp_data_sn)
{
	link_tmf(l, 51, TMF_TASK_REASSIGN, itt, exp_data_sn);
	expect_tmf(l, TMF_COMPLETE);
}

static void
expect_rest(struct link *l, uint32_t itt, uint32_t first)
{
	const struct got *g;

	for (uint32_t sn = first; sn < 4; sn++) {
		g = link_expect_data(l, itt, sn, sn * PDU, PDU, 0);
		assert_int_equal(g->pdu.final, sn == 3);
		if (sn == 3)
			assert_true(g->pdu.has_status);
	}
	link_expect_nothing(l);
}

/* --------------------------------------------------------------- reads -- */

static void
test_read_goes_on_where_the_lost_connection_ended(void **state)
{
	for (uint32_t got = 0; got < 4; got++) {
		struct world w = begin();

		link_hold_acks(w.l, link_exp_stat_sn(w.l));
		link_read(w.l, 10, 0, BLOCKS);
		lose(&w);
		reassign(w.other, 10, got);
		expect_rest(w.other, 10, got);
		drive_free(w.d);
	}
}

static void
test_read_that_misses_its_status_only(void **state)
{
	struct world w = begin();
	const struct got *g;

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	lose(&w);
	reassign(w.other, 10, 4);
	g = link_expect_status(w.other, 10, SCSI_GOOD);
	assert_int_equal(g->pdu.exp_data_sn, 4);
	link_expect_nothing(w.other);
	drive_free(w.d);
}

static void
test_read_goes_on_with_segments_of_another_length(void **state)
{
	struct world w = begin();
	struct link *third = link_new(w.d, 2, w.tsih,
				      "MaxRecvDataSegmentLength=2048");

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	lose(&w);
	reassign(third, 10, 3);
	link_hold_acks(third, link_exp_stat_sn(third));
	link_expect_data(third, 10, 3, 3 * PDU, 2048, 0);
	link_expect_data(third, 10, 4, 3 * PDU + 2048, 2048, 0);
	/* and that may get lost too */
	link_snack(third, SNACK_DATA_R2T, 10, TAG_NONE, 4, 1);
	link_expect_data(third, 10, 4, 3 * PDU + 2048, 2048, 0);
	link_snack(third, SNACK_DATA_R2T, 10, TAG_NONE, 2, 1);
	link_expect_reject(third, REJECT_PROTOCOL);
	drive_free(w.d);
}

/* What it read is what there was when it executed, once. */
static void
test_reassigned_read_returns_what_it_read(void **state)
{
	struct world w = begin();

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	lose(&w);
	link_write(w.other, 11, 0, BLOCKS / 2, w.data, LEN / 2, true);
	link_expect_status(w.other, 11, SCSI_GOOD);
	reassign(w.other, 10, 0);
	expect_rest(w.other, 10, 0);
	drive_free(w.d);
}

/* -------------------------------------------------------------- writes -- */

static void
test_write_asks_for_what_it_has_not_got(void **state)
{
	struct world w = begin();
	uint32_t ttt;

	link_write(w.l, 10, LBA, BLOCKS, w.data, PDU, true);
	ttt = link_expect_r2t(w.l, 10, 0, PDU, LEN - PDU)
		      ->pdu.target_transfer_tag;
	link_data_out(w.l, 10, ttt, 0, PDU, w.data + PDU, PDU, false);
	lose(&w);
	reassign(w.other, 10, 1);		/* R2T 0 has arrived */
	ttt = link_expect_r2t(w.other, 10, 1, 2 * PDU, 2 * PDU)
		      ->pdu.target_transfer_tag;
	link_data_out(w.other, 10, ttt, 0, 2 * PDU, w.data + 2 * PDU, 2 * PDU,
		      true);
	link_expect_status(w.other, 10, SCSI_GOOD);
	assert_memory_equal(drive_disk(w.d) + LBA * BLOCK, w.data, LEN);
	drive_free(w.d);
}

static void
test_write_whose_r2t_never_arrived(void **state)
{
	struct world w = begin();

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	lose(&w);
	reassign(w.other, 10, 0);
	link_expect_r2t(w.other, 10, 0, 0, LEN);
	drive_free(w.d);
}

/* It is not executed again. */
static void
test_write_that_misses_its_status(void **state)
{
	struct world w = begin();

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_write(w.l, 10, LBA, 8, w.data, PDU, true);
	link_expect_status(w.l, 10, SCSI_GOOD);
	lose(&w);
	memset(drive_disk(w.d) + LBA * BLOCK, 0x11, PDU);
	reassign(w.other, 10, 0);
	link_expect_status(w.other, 10, SCSI_GOOD);
	link_expect_nothing(w.other);
	assert_int_equal(drive_disk(w.d)[LBA * BLOCK], 0x11);
	drive_free(w.d);
}

static void
test_sense_data_is_not_lost(void **state)
{
	struct world w = begin();
	const struct got *g;

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, DRIVE_DISK / BLOCK, 1);
	lose(&w);
	reassign(w.other, 10, 0);
	g = link_expect_status(w.other, 10, SCSI_CHECK_CONDITION);
	assert_int_equal(get16(g->data + 2 + 12), 0x2100);
	drive_free(w.d);
}

/* What it waited for is over when it is reassigned: it is done at once. */
static void
test_command_that_waited_when_its_connection_was_lost(void **state)
{
	struct world w = begin();
	struct pdu ordered = {
		.opcode = OP_SCSI_COMMAND, .final = true, .write = true,
		.attr = ATTR_ORDERED, .initiator_task_tag = 10,
		.expected_data_transfer_length = BLOCK,
		.cdb = { 0x2a, [5] = LBA, [8] = 1 },
	};
	uint32_t ttt;

	link_send(w.other, &ordered, NULL, 0);
	ttt = link_expect_r2t(w.other, 10, 0, 0, BLOCK)
		      ->pdu.target_transfer_tag;
	link_read(w.l, 11, 0, 1);
	lose(&w);
	link_data_out(w.other, 10, ttt, 0, 0, w.data, BLOCK, true);
	link_expect_status(w.other, 10, SCSI_GOOD);
	reassign(w.other, 11, 0);
	link_expect_data(w.other, 11, 0, 0, BLOCK, 0);
	drive_free(w.d);
}

static void
test_second_connection_is_lost_too(void **state)
{
	struct world w = begin();
	struct link *third;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	lose(&w);
	reassign(w.other, 10, 0);
	link_cut(w.other);
	third = link_new(w.d, 1, w.tsih, PER_CONNECTION);
	reassign(third, 10, 1);
	link_expect_r2t(third, 10, 1, 0, LEN);
	drive_free(w.d);
}

/* ----------------------------------------------------- who may reassign -- */

static void
test_task_is_allegiant_until_its_connection_is_logged_out(void **state)
{
	struct world w = begin();

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_STILL_ALLEGIANT);
	link_cut(w.l);
	expect_async(w.other);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_STILL_ALLEGIANT);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 99, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 51, 0);
	expect_tmf(w.other, TMF_REJECTED);
	link_logout(w.other, 50, LOGOUT_RECOVERY, 0, 0);
	expect_logout(w.other, LOGOUT_DONE);
	reassign(w.other, 10, 0);
	link_expect_r2t(w.other, 10, 0, 0, LEN);
	/* and now it belongs to this one */
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_STILL_ALLEGIANT);
	drive_free(w.d);
}

static void
test_reassign_that_is_not_immediate_is_rejected(void **state)
{
	struct world w = begin();
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .final = true,
		.function = TMF_TASK_REASSIGN, .initiator_task_tag = 51,
		.referenced_task_tag = 10,
	};

	link_send(w.l, &pdu, NULL, 0);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	drive_free(w.d);
}

static void
test_level_1_knows_no_reassignment(void **state)
{
	struct drive *d = drive_new(level2);
	struct link *l = link_new(d, 0, 0,
				  "ErrorRecoveryLevel=1\nMaxConnections=2");
	struct link *other = link_new(d, 1, link_tsih(l), "");

	link_write(l, 10, LBA, BLOCKS, NULL, 0, true);
	link_logout(other, 50, LOGOUT_RECOVERY, 0, 0);
	assert_int_equal(link_expect(other, OP_LOGOUT_RESPONSE)->pdu.response,
			 LOGOUT_NO_RECOVERY);
	link_cut(l);
	link_expect_nothing(other);
	link_tmf(other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(other, TMF_NO_REASSIGN);
	drive_free(d);
}

/* -------------------------------------------------------------- logout -- */

static void
test_logout_for_recovery_of_a_connection_that_is_alive(void **state)
{
	struct world w = begin();

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_logout(w.other, 50, LOGOUT_RECOVERY, 0, link_exp_stat_sn(w.l));
	expect_logout(w.other, LOGOUT_DONE);	/* and no async message */
	assert_true(link_is_dead(w.l));
	link_logout(w.other, 50, LOGOUT_RECOVERY, 7, 0);
	expect_logout(w.other, LOGOUT_NO_CID);
	reassign(w.other, 10, 0);
	link_expect_r2t(w.other, 10, 0, 0, LEN);
	drive_free(w.d);
}

static void
test_connection_logs_itself_out_for_recovery(void **state)
{
	struct world w = begin();

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	link_skip(w.l);
	link_write(w.l, 11, LBA, BLOCKS, NULL, 0, true);
	link_expect_r2t(w.l, 11, 0, 0, LEN);
	link_logout(w.l, 50, LOGOUT_RECOVERY, 0, 0);
	expect_logout(w.l, LOGOUT_DONE);
	assert_true(link_is_dead(w.l));
	link_expect_nothing(w.other);
	reassign(w.other, 10, 2);
	expect_rest(w.other, 10, 2);
	reassign(w.other, 11, 1);
	link_expect_r2t(w.other, 11, 1, 0, LEN);
	drive_free(w.d);
}

/* 11.14.4: its ExpStatSN is that of the connection that it names. */
static void
test_logout_acknowledges_the_last_status(void **state)
{
	struct world w = begin();
	uint32_t stat_sn = link_exp_stat_sn(w.l);

	link_hold_acks(w.l, stat_sn);
	link_read(w.l, 10, 0, 1);
	link_read(w.l, 11, 0, 1);
	link_cut(w.l);
	expect_async(w.other);
	link_logout(w.other, 50, LOGOUT_RECOVERY, 0, stat_sn + 1);
	expect_logout(w.other, LOGOUT_DONE);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	reassign(w.other, 11, 0);
	link_expect_data(w.other, 11, 0, 0, BLOCK, 0);
	drive_free(w.d);
}

static void
test_closing_the_lost_connection_ends_its_tasks(void **state)
{
	struct world w = begin();
	const struct got *g;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_cut(w.l);
	expect_async(w.other);
	link_logout(w.other, 50, LOGOUT_CONNECTION, 0, 0);
	expect_logout(w.other, LOGOUT_DONE);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	link_read(w.other, 12, 0, 1);
	g = link_expect_status(w.other, 12, SCSI_CHECK_CONDITION);
	assert_int_equal(get16(g->data + 2 + 12), 0x477f);	/* 11.14.5 */
	drive_free(w.d);
}

/* ------------------------------------------------------- reinstatement -- */

static void
test_login_with_the_same_cid_is_a_logout_for_recovery(void **state)
{
	struct world w = begin();
	uint32_t stat_sn = link_exp_stat_sn(w.l);
	struct link *again;

	link_hold_acks(w.l, stat_sn);
	link_read(w.l, 10, 0, 1);
	link_read(w.l, 11, 0, 1);
	/* the target has not noticed yet; it learns what has arrived */
	assert_int_equal(link_try(w.d, &again, 0, w.tsih, PER_CONNECTION,
				  stat_sn + 1), 0);
	assert_true(link_is_dead(w.l));
	link_expect_nothing(w.other);
	link_tmf(again, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(again, TMF_NO_TASK);
	reassign(again, 11, 0);
	link_expect_data(again, 11, 0, 0, BLOCK, 0);
	drive_free(w.d);
}

static void
test_session_goes_on_after_its_only_connection(void **state)
{
	struct world w = begin();
	struct link *again;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	link_cut(w.other);
	link_cut(w.l);
	drive_run(w.d, (TIMES - 1) * TIME_S);
	again = link_new(w.d, 5, w.tsih, PER_CONNECTION);
	link_logout(again, 50, LOGOUT_RECOVERY, 0, 0);
	expect_logout(again, LOGOUT_DONE);
	drive_run(w.d, (TIMES - 1) * TIME_S);	/* counted anew: 11.15.4 */
	link_skip(again);
	reassign(again, 10, 0);
	link_expect_r2t(again, 10, 0, 0, LEN);
	drive_free(w.d);
}

static void
test_one_more_connection_than_agreed_to_clean_up(void **state)
{
	static const char *const plain[] = { "ErrorRecoveryLevel=2", NULL };
	struct drive *d = drive_new(plain);
	struct link *l = link_new(d, 0, 0, "ErrorRecoveryLevel=2"), *other;

	link_write(l, 10, LBA, BLOCKS, NULL, 0, true);
	other = link_new(d, 1, link_tsih(l), "");
	assert_int_equal(link_try(d, &(struct link *){ NULL }, 2, link_tsih(l),
				  "", 0), 0x0206);
	link_logout(other, 50, LOGOUT_RECOVERY, 0, 0);
	link_expect(other, OP_LOGOUT_RESPONSE);
	reassign(other, 10, 0);
	drive_free(d);
}

/* ------------------------------------------------------------- too late -- */

static void
test_tasks_end_after_time2retain(void **state)
{
	struct world w = begin();
	const struct got *g;

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 11, 0, 1);
	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	lose(&w);
	drive_run(w.d, TIMES * TIME_S);
	link_skip(w.other);
	for (uint32_t itt = 10; itt <= 11; itt++) {
		link_tmf(w.other, 51, TMF_TASK_REASSIGN, itt, 0);
		expect_tmf(w.other, TMF_NO_TASK);
	}
	link_read(w.other, 12, 0, 1);
	g = link_expect_status(w.other, 12, SCSI_CHECK_CONDITION);
	assert_int_equal(get16(g->data + 2 + 12), 0x477f);	/* 11.14.5 */
	drive_free(w.d);
}

static void
test_session_ends_after_time2retain(void **state)
{
	struct world w = begin();

	link_cut(w.other);
	link_cut(w.l);
	drive_run(w.d, TIMES * TIME_S);
	assert_int_equal(link_try(w.d, &(struct link *){ NULL }, 0, w.tsih,
				  "", 0), 0x020a);
	drive_free(w.d);
}

/* 7.14 */
static void
test_immediate_commands_do_not_outlive_their_connection(void **state)
{
	struct world w = begin();
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .immediate = true, .final = true,
		.write = true, .attr = ATTR_SIMPLE, .initiator_task_tag = 10,
		.expected_data_transfer_length = LEN, .cdb = { 0x2a },
	};

	pdu.cdb[8] = BLOCKS;
	link_send(w.l, &pdu, NULL, 0);
	lose(&w);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	drive_free(w.d);
}

/* Commands that waited for their turn are discarded: 11.14. Their numbers are
 * still to come. */
static void
test_command_before_its_turn_is_retried_on_another_connection(void **state)
{
	struct world w = begin();
	uint32_t cmd_sn = drive_cmd_sn(w.d);
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .attr = ATTR_SIMPLE,
		.initiator_task_tag = 10, .cmd_sn = cmd_sn + 1,
	};
	struct pdu before = pdu;

	before.initiator_task_tag = 11;
	before.cmd_sn = cmd_sn;
	link_send(w.l, &pdu, NULL, 0);
	lose(&w);
	link_tmf(w.other, 51, TMF_TASK_REASSIGN, 10, 0);
	expect_tmf(w.other, TMF_NO_TASK);
	link_send(w.other, &before, NULL, 0);
	assert_int_equal(link_expect_status(w.other, 11, SCSI_GOOD)
				 ->pdu.exp_cmd_sn, cmd_sn + 1);
	link_send(w.other, &pdu, NULL, 0);
	assert_int_equal(link_expect_status(w.other, 10, SCSI_GOOD)
				 ->pdu.exp_cmd_sn, cmd_sn + 2);
	drive_free(w.d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_goes_on_where_the_lost_connection_ended),
		cmocka_unit_test(test_read_that_misses_its_status_only),
		cmocka_unit_test(test_read_goes_on_with_segments_of_another_length),
		cmocka_unit_test(test_reassigned_read_returns_what_it_read),
		cmocka_unit_test(test_write_asks_for_what_it_has_not_got),
		cmocka_unit_test(test_write_whose_r2t_never_arrived),
		cmocka_unit_test(test_write_that_misses_its_status),
		cmocka_unit_test(test_sense_data_is_not_lost),
		cmocka_unit_test(test_command_that_waited_when_its_connection_was_lost),
		cmocka_unit_test(test_second_connection_is_lost_too),
		cmocka_unit_test(test_task_is_allegiant_until_its_connection_is_logged_out),
		cmocka_unit_test(test_reassign_that_is_not_immediate_is_rejected),
		cmocka_unit_test(test_level_1_knows_no_reassignment),
		cmocka_unit_test(test_logout_for_recovery_of_a_connection_that_is_alive),
		cmocka_unit_test(test_connection_logs_itself_out_for_recovery),
		cmocka_unit_test(test_logout_acknowledges_the_last_status),
		cmocka_unit_test(test_closing_the_lost_connection_ends_its_tasks),
		cmocka_unit_test(test_login_with_the_same_cid_is_a_logout_for_recovery),
		cmocka_unit_test(test_session_goes_on_after_its_only_connection),
		cmocka_unit_test(test_one_more_connection_than_agreed_to_clean_up),
		cmocka_unit_test(test_tasks_end_after_time2retain),
		cmocka_unit_test(test_session_ends_after_time2retain),
		cmocka_unit_test(test_immediate_commands_do_not_outlive_their_connection),
		cmocka_unit_test(test_command_before_its_turn_is_retried_on_another_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
