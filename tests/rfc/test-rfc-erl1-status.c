/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recovery level 1, within a connection: responses that were lost are asked
 * for again. RFC 7143 7.1.4.2, 7.8, 7.9, 11.16. */
#include "rfc/erl1.h"

/*
 * Every pattern of losses among five responses: one SNACK for each run; what
 * came is not acknowledged behind the first that is missing.
 *
 * shows: 7143-7.9-02 7143-11.4.9-01 7143-11.16-02 7143-11.16-04 7143-11.16.1-01
 * shows: 7143-11.16.4-01 7143-11.16.5-01 7143-11.16.6-02
 */
static void
test_every_pattern_of_lost_responses(void **state)
{
	enum { N = 5 };

	for (unsigned lost = 0; lost < 1 << N; lost++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmds[N + 1];
		struct pdu pdu[N + 1];

		for (int i = 0; i <= N; i++) {
			cmds[i] = bench_nodata(b, 0);
			pdu[i] = bench_pdu(b, OP_SCSI_RESPONSE,
					   bench_expect(b, OP_SCSI_COMMAND));
		}
		uint32_t first = N + 1;
		for (uint32_t i = 0; i <= N; i++) {
			if (lost & 1 << i) {
				first = i < first ? i : first;
				continue;
			}
			bench_send(b, &pdu[i], NULL, 0);
			bench_done(b, cmds[i], 0);
			uint32_t run = 0;
			while (run < i && lost & 1 << (i - run - 1))
				run++;
			if (run)
				expect_status_snack(b, pdu[i - run].stat_sn, run);
			assert_int_equal(acknowledged(b), first > N ?
					 pdu[i].stat_sn + 1 : pdu[first].stat_sn);
		}
		for (uint32_t i = N; i-- > 0;) {	/* in any order, and twice */
			if (!(lost & 1 << i))
				continue;
			bench_pending(b, cmds[i]);
			bench_send(b, &pdu[i], NULL, 0);
			bench_done(b, cmds[i], 0);
			bench_send(b, &pdu[i], NULL, 0);
		}
		assert_int_equal(acknowledged(b), pdu[N].stat_sn + 1);
		bench_pass(b, 60 * TIME_S);
		bench_expect_nothing(b);
		assert_true(bench_up(b));
		bench_free(b);
	}
}

/* Nothing follows it but a NOP-In, which says where the target is.
 * shows: 7143-11.19.2-01 */
static void
test_an_unsolicited_nop_in_shows_a_loss(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

	bench_send(b, &nop, NULL, 0);
	expect_status_snack(b, lost.stat_sn, 1);
	bench_send(b, &nop, NULL, 0);
	bench_expect_nothing(b);	/* not twice */
	bench_send(b, &lost, NULL, 0);
	bench_done(b, cmd, 0);
	bench_expect_nothing(b);
	bench_free(b);
}

/* Nothing follows it at all: the ping of a command that waits long shows it,
 * and that no command is to be sent again.
 * shows: 7143-7.2.1-01 */
static void
test_the_last_response_is_lost(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));

	bench_pass(b, 2500 * TIME_MS);
	struct got *ping = bench_expect(b, OP_NOP_OUT);
	assert_true(ping->pdu.immediate);
	struct pdu pong = bench_pdu(b, OP_NOP_IN, ping);
	bench_send(b, &pong, NULL, 0);
	expect_status_snack(b, lost.stat_sn, 1);
	bench_send(b, &lost, NULL, 0);
	bench_done(b, cmd, 0);
	assert_int_equal(acknowledged(b), pong.stat_sn + 1);
	bench_expect_nothing(b);
	bench_free(b);
}

/* A slow command is pinged for, less and less often. */
static void
test_a_slow_command_is_no_loss(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	int pings = 0;

	for (int i = 0; i < 28; i++) {
		bench_pass(b, TIME_S);
		struct got *ping = bench_next(b);
		if (!ping)
			continue;
		assert_int_equal(ping->pdu.opcode, OP_NOP_OUT);
		struct pdu pong = bench_pdu(b, OP_NOP_IN, ping);
		bench_send(b, &pong, NULL, 0);
		pings++;
	}
	assert_int_equal(pings, 4);	/* after 2, 4, 8, 16 s */
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	assert_int_equal(counters(b).conns.tasks_retried, 0);
	assert_int_equal(counters(b).conns.snacks_sent, 0);
	bench_free(b);
}

/*
 * Whatever it was, it is thrown away with its header, and a ping shows what is
 * missing. shows: 7143-7.8-03 7143-7.8-06 7143-7.8-07
 */
static void
test_a_damaged_response(void **state)
{
	static const uint8_t sense[] = { 0, 18, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0,
					 0, 0, 0x20, 0, 0, 0, 0, 0 };
	static const enum opcode kinds[] = { OP_SCSI_RESPONSE, OP_ASYNC_MESSAGE };

	for (size_t i = 0; i < 2; i++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = bench_pdu(b, kinds[i], got);

		pdu.status = SCSI_CHECK_CONDITION;
		bench_send_damaged(b, &pdu, sense, sizeof(sense), DAMAGE_DATA);
		bench_pending(b, cmd);
		assert_int_equal(bench_scsi_events(b), 0);
		struct got *ping = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(ping->pdu.exp_stat_sn, pdu.stat_sn);
		struct pdu pong = bench_pdu(b, OP_NOP_IN, ping);
		bench_send(b, &pong, NULL, 0);
		expect_status_snack(b, pdu.stat_sn, 1);
		bench_send_damaged(b, &pdu, sense, sizeof(sense), DAMAGE_DATA);
		bench_pending(b, cmd);
		ping = bench_expect(b, OP_NOP_OUT);
		pong = bench_pdu(b, OP_NOP_IN, ping);
		bench_send(b, &pong, NULL, 0);
		bench_expect_nothing(b);	/* the timer's */
		bench_pass(b, 4500 * TIME_MS);
		struct got *again = bench_next(b);
		while (again && again->pdu.opcode == OP_NOP_OUT)
			again = bench_next(b);	/* the command waits, too */
		assert_non_null(again);
		assert_int_equal(again->pdu.beg_run, pdu.stat_sn);
		bench_send(b, &pdu, sense, sizeof(sense));
		assert_int_equal(counters(b).conns.data_digest_errors, 2);
		if (kinds[i] == OP_SCSI_RESPONSE) {
			bench_done(b, cmd, 0);
			assert_int_equal(cmd->status, SCSI_CHECK_CONDITION);
			assert_int_equal(cmd->sense[2], 5);
		} else {
			assert_int_equal(bench_scsi_events(b), 1);
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* What is never sent again costs the connection, with a reason. */
static void
test_a_response_that_never_comes(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

	bench_send(b, &nop, NULL, 0);
	for (int i = 0; i < 4; i++) {
		struct got *got = bench_next(b);

		while (got && got->pdu.opcode == OP_NOP_OUT)
			got = bench_next(b);
		assert_non_null(got);
		assert_int_equal(got->pdu.snack_type, SNACK_STATUS);
		assert_int_equal(got->pdu.beg_run, lost.stat_sn);
		bench_pending(b, cmd);
		bench_pass(b, 4 * TIME_S);
	}
	bench_done(b, cmd, LUN_ELOST);
	bench_expect_down(b, LUN_ELOST, "was not sent again");
	bench_free(b);
}

static void
test_a_rejected_status_snack(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

	bench_send(b, &nop, NULL, 0);
	bench_reject(b, expect_status_snack(b, lost.stat_sn, 1), REJECT_SNACK);
	bench_done(b, cmd, LUN_ELOST);
	bench_expect_down(b, LUN_ELOST, "does not send again");
	bench_free(b);
}

/* A number that cannot be is an error; one from the past a duplicate. */
static void
test_impossible_numbers(void **state)
{
	static const uint32_t ahead[] = { 0x7fffffff, 0x10000, 16384, 0x80000001,
					  0xffffffff, 0xfffffff0 };

	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

		pdu.stat_sn += ahead[i];
		bench_send(b, &pdu, NULL, 0);
		if (ahead[i] < 0x80000000) {
			bench_done(b, cmd, LUN_EPROTO);
			bench_expect_down(b, LUN_EPROTO, "StatSN");
		} else {
			bench_pending(b, cmd);
			bench_expect_nothing(b);
			pdu.stat_sn -= ahead[i];
			bench_send(b, &pdu, NULL, 0);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* As many as there may be. The first comes at last. */
static void
test_very_many_wait_for_one(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *first = bench_nodata(b, 0);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));

	for (int i = 0; i < 1000; i++) {
		struct command *cmd = bench_nodata(b, 0);

		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		bench_done(b, cmd, 0);
		if (i == 0)
			expect_status_snack(b, lost.stat_sn, 1);
	}
	assert_int_equal(acknowledged(b), lost.stat_sn);
	bench_send(b, &lost, NULL, 0);
	bench_done(b, first, 0);
	assert_int_equal(acknowledged(b), lost.stat_sn + 1001);
	bench_expect_nothing(b);
	bench_free(b);
}

/* The task ends by a reset; its response was lost, and comes then. */
static void
test_a_lost_response_of_a_task_that_was_aborted(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE, got);

	session_nexus(bench_session(b))->ops->cancel(
	    session_nexus(bench_session(b)), cmd);
	bench_run(b);
	struct pdu done = bench_pdu(b, OP_TMF_RESPONSE,
				    bench_expect(b, OP_TMF_REQUEST));
	done.response = TMF_NO_TASK;
	bench_send(b, &done, NULL, 0);
	bench_done(b, cmd, LUN_ECANCELED);
	expect_status_snack(b, lost.stat_sn, 1);
	bench_send(b, &lost, NULL, 0);
	assert_int_equal(acknowledged(b), done.stat_sn + 1);
	assert_true(bench_up(b));
	bench_free(b);
}

/*
 * A StatSN is left out in the login: the next request acknowledges what came
 * (numbers are not checked there: 7.10), and nothing is asked for, neither then
 * nor when the session is up. shows: 7143-7.1.4-02
 */
static void
test_no_snack_for_what_a_login_left_out(void **state)
{
	for (int last = 0; last < 2; last++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "ErrorRecoveryLevel=1" });

		bench_start(b);
		struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
		*bench_stat_sn(b) += !last;
		bench_login_answer(b, got, STAGE_SECURITY, STAGE_OPERATIONAL,
				   true, "AuthMethod=None TargetPortalGroupTag=1");
		got = bench_expect(b, OP_LOGIN_REQUEST);
		assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
		bench_expect_nothing(b);
		*bench_stat_sn(b) += last;
		bench_login_answer(b, got, STAGE_OPERATIONAL, STAGE_FULL_FEATURE,
				   true, "ErrorRecoveryLevel=1");
		assert_true(bench_up(b));
		bench_pass(b, 60 * TIME_S);
		bench_expect_nothing(b);
		assert_int_equal(acknowledged(b), *bench_stat_sn(b));
		bench_works_on(b, 0);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* No answer comes: nothing is asked for and no request is made twice, the login
 * fails with its connection. shows: 7143-7.1.4-02 */
static void
test_no_retry_in_the_login(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=1" });

	bench_start(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	bench_login_answer(b, got, STAGE_SECURITY, STAGE_OPERATIONAL, true,
			   "AuthMethod=None TargetPortalGroupTag=1");
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, 60 * TIME_S);
	bench_expect_nothing(b);
	assert_true(bench_closed(b));
	bench_expect_down(b, LUN_ETIMEDOUT, "login");
	bench_free(b);
}

/* shows: 7143-7.1.5-04 */
static void
test_no_snack_at_level_0(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=1 DataDigest=CRC32C,None" });

	bench_login(b, "DataDigest=CRC32C ErrorRecoveryLevel=0");
	struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	send_segment_as(b, segment(b, got, 0, false), DAMAGE_DATA);
	bench_done(b, cmd, LUN_EDIGEST);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_EDIGEST, "data digest");
	bench_free(b);
}

/* On the connection that lost it, whatever the other one is doing.
 * shows: 7143-4.2.5.1-02 */
static void
test_a_snack_goes_to_the_connection_of_the_loss(void **state)
{
	for (size_t line = 0; line < 2; line++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "ErrorRecoveryLevel=1 MaxConnections=2" });

		bench_login(b, "");
		bench_login(b, "");
		struct command *cmd[4];
		struct got *got[4];
		for (size_t i = 0; i < 4; i++) {	/* two on each */
			cmd[i] = bench_read(b, 0, 2 * SEGMENT);
			got[i] = bench_expect(b, OP_SCSI_COMMAND);
			assert_int_equal(got[i]->line, i % 2);
		}
		struct pdu first = segment(b, got[line], 0, false);
		struct pdu last = segment(b, got[line], 1, true);
		send_segment(b, last);
		struct got *snack = expect_data_snack(b, got[line], 0, 1);
		assert_int_equal(snack->line, line);
		send_segment(b, first);
		bench_done(b, cmd[line], 0);

		first = bench_pdu(b, OP_SCSI_RESPONSE, got[1 - line]);
		first.status = SCSI_BUSY;
		last = bench_pdu(b, OP_SCSI_RESPONSE, got[3 - line]);
		last.status = SCSI_BUSY;
		bench_send(b, &last, NULL, 0);
		snack = expect_status_snack(b, first.stat_sn, 1);
		assert_int_equal(snack->line, 1 - line);
		bench_send(b, &first, NULL, 0);
		bench_done(b, cmd[1 - line], 0);
		bench_done(b, cmd[3 - line], 0);
		bench_response(b, got[2 + line], SCSI_BUSY);
		bench_done(b, cmd[2 + line], 0);
		bench_free(b);
	}
}

/* The same for an R2T. shows: 7143-4.2.5.1-02 */
static void
test_a_snack_for_an_r2t_goes_there_too(void **state)
{
	for (size_t line = 0; line < 2; line++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "ErrorRecoveryLevel=1 MaxConnections=2 "
				"InitialR2T=Yes ImmediateData=No" });
		struct command *cmd[2];
		struct got *got[2], *out;

		bench_login(b, "");
		bench_login(b, "");
		for (size_t i = 0; i < 2; i++) {
			cmd[i] = bench_write(b, 0, 8192);
			got[i] = bench_expect(b, OP_SCSI_COMMAND);
			assert_int_equal(got[i]->line, i);
		}
		bench_r2t(b, got[line], 1, 11, 4096, 4096);	/* 0 is lost */
		out = expect_data_snack(b, got[line], 0, 1);
		assert_int_equal(out->line, line);
		out = bench_expect(b, OP_DATA_OUT);
		assert_int_equal(out->line, line);
		bench_r2t(b, got[line], 0, 10, 0, 4096);
		out = bench_expect(b, OP_DATA_OUT);
		assert_int_equal(out->line, line);
		for (size_t i = 0; i < 2; i++) {
			bench_response(b, got[i], SCSI_BUSY);
			bench_done(b, cmd[i], 0);
		}
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_snack_for_an_r2t_goes_there_too),
		cmocka_unit_test(test_a_snack_goes_to_the_connection_of_the_loss),
		cmocka_unit_test(test_every_pattern_of_lost_responses),
		cmocka_unit_test(test_an_unsolicited_nop_in_shows_a_loss),
		cmocka_unit_test(test_the_last_response_is_lost),
		cmocka_unit_test(test_a_slow_command_is_no_loss),
		cmocka_unit_test(test_a_damaged_response),
		cmocka_unit_test(test_a_response_that_never_comes),
		cmocka_unit_test(test_a_rejected_status_snack),
		cmocka_unit_test(test_impossible_numbers),
		cmocka_unit_test(test_very_many_wait_for_one),
		cmocka_unit_test(test_a_lost_response_of_a_task_that_was_aborted),
		cmocka_unit_test(test_no_snack_for_what_a_login_left_out),
		cmocka_unit_test(test_no_retry_in_the_login),
		cmocka_unit_test(test_no_snack_at_level_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
