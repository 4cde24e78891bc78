/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asynchronous Messages: RFC 7143 11.9, 4.2.3.5, 8.1.2. */
#include "rfc/bench.h"

#define LUN_1 UINT64_C(0x0001000000000000)
#define LUN_2 UINT64_C(0x0002000000000000)

static void
send_event(struct bench *b, uint8_t event, uint16_t p1, uint16_t p2, uint16_t p3)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = event;
	pdu.parameter1 = p1;
	pdu.parameter2 = p2;
	pdu.parameter3 = p3;
	bench_send(b, &pdu, NULL, 0);
}

static void
answer_logout(struct bench *b, const struct got *got)
{
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	bench_send(b, &pdu, NULL, 0);
}

/* shows: 7143-11.9-01 7143-11.9.4-01 7143-11.9.1-10 */
static void
test_scsi_events_and_unknown_ones(void **state)
{
	uint8_t data[100] = { 0, 18, 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0,
			      0x2a, 0x01 };
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
	pdu.lun = LUN_1;
	bench_send(b, &pdu, data, 20);
	assert_int_equal(bench_scsi_events(b), 1);
	assert_true(bench_event_lun(b) == LUN_1);
	assert_int_equal(bench_event_sense(b)[2], 6);
	assert_int_equal(bench_event_sense(b)[12], 0x2a);

	/* cut short, empty, or longer than it is: nothing beyond is read */
	for (uint32_t len = 0; len < 20; len++) {
		pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
		bench_send(b, &pdu, data, len);
	}
	for (int event = 6; event <= 255; event++) {
		pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
		pdu.async_event = (uint8_t)event;
		pdu.async_vcode = 5;
		bench_send(b, &pdu, data, sizeof(data));
	}
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
	bench_free(b);
}

/* shows: 7143-11.9.1-01 7143-11.9.1-02 7143-8.1.2-04 */
static void
test_a_logout_request_when_idle(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	send_event(b, ASYNC_LOGOUT, 0, 0, 5);
	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(got->pdu.reason, LOGOUT_SESSION);
	assert_int_equal(got->pdu.cid, 0);
	assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
	send_event(b, ASYNC_LOGOUT, 0, 0, 0);	/* once more, and again */
	send_event(b, ASYNC_LOGOUT, 0, 0, 1);
	bench_pass(b, 2 * TIME_S);
	bench_expect_nothing(b);
	answer_logout(b, got);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_ELOST, "asked for a logout");
	bench_free(b);
}

/* shows: 7143-11.9.1-01 7143-11.9.1-03 7143-8.1.2-04 7143-11.14-01 */
static void
test_a_logout_request_under_load(void **state)
{
	for (int finishes = 0; finishes <= 1; finishes++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "InitialR2T=Yes ImmediateData=No");
		struct command *write = bench_write(b, 0, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		send_event(b, ASYNC_LOGOUT, 0, 0, 10);
		struct command *late = bench_nodata(b, 0);
		send_event(b, ASYNC_LOGOUT, 0, 0, 60);
		bench_pass(b, TIME_S);
		bench_expect_nothing(b);	/* no new one */
		bench_r2t(b, got, 0, 1, 0, 4096);
		bench_expect(b, OP_DATA_OUT);	/* but this goes on */
		if (finishes)
			bench_response(b, got, SCSI_GOOD);
		else
			bench_pass(b, 4 * TIME_S + TIME_S / 2);
		struct got *bye = bench_expect(b, OP_LOGOUT_REQUEST);
		struct pdu ping = bench_pdu(b, OP_NOP_IN, NULL);
		ping.target_transfer_tag = 1;
		bench_send(b, &ping, NULL, 0);
		bench_pass(b, TIME_S);
		bench_expect_nothing(b);
		answer_logout(b, bye);
		bench_done(b, write, finishes ? 0 : LUN_ELOST);
		bench_done(b, late, LUN_ELOST);
		bench_expect_down(b, LUN_ELOST, "asked for a logout");
		bench_free(b);
	}
}

/* The user's own wish to stop does not make it any later. */
static void
test_a_logout_request_while_we_are_stopping(void **state)
{
	for (int stop_first = 0; stop_first <= 1; stop_first++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.command_timeout = 600 * TIME_S });

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		bench_expect(b, OP_SCSI_COMMAND);
		if (stop_first)
			session_stop(bench_session(b), bench_now(b));
		send_event(b, ASYNC_LOGOUT, 0, 0, 5);
		if (!stop_first)
			session_stop(bench_session(b), bench_now(b));
		bench_run(b);
		bench_expect_nothing(b);
		bench_pass(b, 5 * TIME_S);
		answer_logout(b, bench_expect(b, OP_LOGOUT_REQUEST));
		bench_expect_down(b, LUN_ECANCELED, "closed");
		bench_done(b, cmd, LUN_ELOST);
		bench_free(b);
	}
}

/* shows: 7143-7.1.4.3-04 */
static void
test_dropped_connections(void **state)
{
	static const struct {
		uint8_t event;
		uint16_t cid;
		bool ours;
	} rows[] = {
		{ ASYNC_CONNECTION_DROP, 1, true },
		{ ASYNC_CONNECTION_DROP, 2, false },
		{ ASYNC_CONNECTION_DROP, 0xffff, false },
		{ ASYNC_SESSION_DROP, 0, true },
		{ ASYNC_SESSION_DROP, 7, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(conn_cid(bench_conn(b)), 1);
		send_event(b, rows[i].event, rows[i].cid, 2, 0);
		bench_expect_nothing(b);
		assert_true(session_time2wait(bench_session(b)) ==
			    (rows[i].ours ? 2 * TIME_S : 0));
		if (rows[i].ours) {
			bench_done(b, cmd, LUN_ELOST);
			bench_expect_down(b, LUN_ELOST, "drops");
		} else {
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* shows: 7143-4.2.3.5-01 7143-11.9.1-07 7143-11.9.1-08 */
static void
test_task_termination(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "TaskReporting=FastAbort MaxBurstLength=1048576 "
		    "InitialR2T=Yes ImmediateData=No "
		    "MaxRecvDataSegmentLength=512");
	struct command *one = bench_write(b, LUN_1, 1048576);
	struct got *got_one = bench_expect(b, OP_SCSI_COMMAND);
	struct command *two = bench_write(b, LUN_2, 1048576);
	struct got *got_two = bench_expect(b, OP_SCSI_COMMAND);
	/* R2Ts and the message are there before anything can be sent */
	bench_hold(b, true);
	bench_r2t(b, got_one, 0, 1, 0, 1048576);
	bench_r2t(b, got_two, 0, 2, 0, 1048576);
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
	pdu.async_event = ASYNC_TASK_TERMINATION;
	pdu.lun = LUN_1;
	bench_send(b, &pdu, NULL, 0);
	bench_hold(b, false);

	struct got *nop = bench_expect(b, OP_NOP_OUT);
	assert_true(nop->pdu.immediate);
	assert_true(nop->pdu.lun == LUN_1);
	assert_int_equal(nop->pdu.initiator_task_tag, TAG_NONE);
	assert_int_equal(nop->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(nop->pdu.exp_stat_sn, pdu.stat_sn + 1);
	for (int i = 0; i < 2048; i++) {
		struct got *data = bench_expect(b, OP_DATA_OUT);

		assert_int_equal(data->pdu.target_transfer_tag, 2);
		assert_int_equal(data->pdu.final, i == 2047);
	}
	bench_expect_nothing(b);
	bench_response(b, got_two, SCSI_GOOD);
	bench_done(b, two, 0);
	bench_response(b, got_one, SCSI_TASK_ABORTED);
	bench_done(b, one, 0);
	assert_int_equal(one->status, SCSI_TASK_ABORTED);
	bench_free(b);
}

/* shows: 7143-11.9.1-09 7143-4.2.3.3-01 */
static void
test_task_termination_that_was_not_agreed(void **state)
{
	static const char *const answers[] = {
		"TaskReporting=RFC3720", "TaskReporting=ResponseFence",
		"TaskReporting=NotUnderstood",
	};

	for (size_t i = 0; i < 3; i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, answers[i]);
		bench_expect_nothing(b);
		struct command *cmd = bench_write(b, LUN_1, 1048576);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		while (bench_next(b))	/* unsolicited data */
			;
		bench_hold(b, true);
		bench_r2t(b, got, 0, 1, 262144, 512);
		struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
		pdu.async_event = ASYNC_TASK_TERMINATION;
		pdu.lun = LUN_1;
		bench_send(b, &pdu, NULL, 0);
		bench_hold(b, false);
		assert_true(bench_expect(b, OP_DATA_OUT)->pdu.final);
		bench_expect_nothing(b);
		assert_non_null(bench_logged(b, "ignored"));
		bench_response(b, got, SCSI_BUSY);
		bench_done(b, cmd, 0);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_events_and_unknown_ones),
		cmocka_unit_test(test_a_logout_request_when_idle),
		cmocka_unit_test(test_a_logout_request_under_load),
		cmocka_unit_test(test_a_logout_request_while_we_are_stopping),
		cmocka_unit_test(test_dropped_connections),
		cmocka_unit_test(test_task_termination),
		cmocka_unit_test(test_task_termination_that_was_not_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
