/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recovery level 1: commands and data that the target never had, and R2Ts that
 * we never had. RFC 7143 7.1.4.1, 7.1.4.2, 7.2.1, 7.3, 7.8, 11.8, 11.17. */
#include "rfc/erl1.h"

/* The target saw nothing from this command on. */
static void
unseen(struct bench *b, const struct got *got)
{
	*bench_exp_cmd_sn(b) = got->pdu.cmd_sn;
}

static struct got *
pong(struct bench *b, struct got *ping)
{
	struct pdu pdu = bench_pdu(b, OP_NOP_IN, ping);

	assert_true(ping->pdu.immediate);
	bench_send(b, &pdu, NULL, 0);
	return ping;
}

static void
pong_fence(struct bench *b, const struct got *fence)
{
	struct pdu pdu = bench_pdu(b, OP_NOP_IN, fence);

	assert_false(fence->pdu.immediate);
	bench_send(b, &pdu, NULL, 0);
}

/* Byte for byte what was sent before, but for ExpStatSN. */
static void
assert_same(const struct got *a, const struct got *again)
{
	uint8_t first[BHS_LEN], second[BHS_LEN];
	struct pdu pdu = again->pdu;

	pdu.exp_stat_sn = a->pdu.exp_stat_sn;
	pdu_encode(&a->pdu, first);
	pdu_encode(&pdu, second);
	assert_memory_equal(first, second, BHS_LEN);
	assert_int_equal(a->has_ahs, again->has_ahs);
	if (a->has_ahs)
		assert_memory_equal(&a->ahs, &again->ahs, sizeof(a->ahs));
	if (a->data)
		assert_memory_equal(a->data, again->data,
				    a->pdu.data_segment_length);
}

/* With an AHS, with immediate and unsolicited data: all of it comes again.
 * shows: 7143-7.1.4.2-01 7143-7.2.1-02 */
static void
test_a_command_that_the_target_never_saw(void **state)
{
	static const struct {
		uint8_t cdb_len;
		uint32_t in_len, out_len;
	} cases[] = {
		{ 10, 0, 0 }, { 10, 4096, 0 }, { 32, 4096, 0 }, { 10, 0, 4096 },
		{ 32, 0, 20000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint8_t cdb[32] = { 0x7f, 1, 2, 3 };
		struct bench *b = erl1_bench("FirstBurstLength=8192", "InitialR2T=No");
		struct command *cmd = bench_command(b, 0, cdb, cases[i].cdb_len,
						    cases[i].in_len,
						    cases[i].out_len);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND), *data[8];
		unsigned n = 0;

		for (struct got *g; (g = bench_next(b)); n++)
			data[n] = g;
		unseen(b, got);
		bench_pass(b, 1500 * TIME_MS);
		bench_expect_nothing(b);
		bench_pass(b, TIME_S);
		pong(b, bench_expect(b, OP_NOP_OUT));
		bench_pending(b, cmd);
		struct got *again = bench_expect(b, OP_SCSI_COMMAND);
		struct got *ping = NULL;
		assert_same(got, again);
		for (unsigned k = 0; k < n;) {
			struct got *g = bench_next(b);

			assert_non_null(g);
			if (g->pdu.opcode == OP_NOP_OUT)
				ping = g;
			else
				assert_same(data[k++], g);
		}
		pong(b, ping ? ping : bench_expect(b, OP_NOP_OUT));
		bench_expect_nothing(b);
		bench_pass(b, TIME_S);
		/* a request of its own number follows (4.2.2.1) */
		struct got *fence = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(fence->pdu.cmd_sn, got->pdu.cmd_sn + 1);
		pong_fence(b, fence);
		struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
		pdu.status = SCSI_BUSY;
		bench_send(b, &pdu, NULL, 0);
		bench_done(b, cmd, 0);
		assert_int_equal(counters(b).conns.tasks_retried, 1);
		struct command *next = bench_nodata(b, 0);
		again = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(again->pdu.cmd_sn, got->pdu.cmd_sn + 2);
		bench_response(b, again, SCSI_GOOD);
		bench_done(b, next, 0);
		bench_free(b);
	}
}

/* Two of five were lost: they come again one after the other, and the others
 * do not. shows: 7143-7.2.1-01 7143-7.2.1-02 */
static void
test_gaps_are_filled_one_by_one(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmds[5];
	struct got *gots[5];

	for (int i = 0; i < 5; i++) {
		cmds[i] = bench_nodata(b, 0);
		gots[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	unseen(b, gots[1]);
	bench_pass(b, 2500 * TIME_MS);
	pong(b, bench_expect(b, OP_NOP_OUT));
	assert_same(gots[1], bench_expect(b, OP_SCSI_COMMAND));
	*bench_exp_cmd_sn(b) = gots[3]->pdu.cmd_sn;	/* 2 was there */
	pong(b, bench_expect(b, OP_NOP_OUT));
	assert_same(gots[3], bench_expect(b, OP_SCSI_COMMAND));
	*bench_exp_cmd_sn(b) = gots[4]->pdu.cmd_sn + 1;
	pong(b, bench_expect(b, OP_NOP_OUT));
	bench_expect_nothing(b);
	for (int i = 0; i < 5; i++) {
		bench_response(b, gots[i], SCSI_GOOD);
		bench_done(b, cmds[i], 0);
	}
	assert_int_equal(counters(b).conns.tasks_retried, 2);
	bench_free(b);
}

/* A command that was sent behind the ping is not judged by its answer. */
static void
test_a_ping_says_nothing_of_what_follows_it(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *slow = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_pass(b, 2500 * TIME_MS);
	struct got *ping = bench_expect(b, OP_NOP_OUT);
	struct pdu answer = bench_pdu(b, OP_NOP_IN, ping);
	struct command *fresh = bench_nodata(b, 0);
	struct got *got2 = bench_expect(b, OP_SCSI_COMMAND);
	bench_send(b, &answer, NULL, 0);	/* ExpCmdSN is that of got2 */
	assert_int_equal(answer.exp_cmd_sn, got2->pdu.cmd_sn);
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_GOOD);
	bench_response(b, got2, SCSI_GOOD);
	bench_done(b, slow, 0);
	bench_done(b, fresh, 0);
	bench_free(b);
}

/* It is sent so many times; then an abort fills the gap (7.11). */
static void
test_a_command_that_never_gets_through(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *g;
	int sent = 1;

	bench_pass(b, 2500 * TIME_MS);
	while ((g = bench_expect(b, OP_NOP_OUT))->pdu.immediate) {
		unseen(b, got);
		pong(b, g);
		if (!(g = bench_next(b)) || g->pdu.opcode != OP_SCSI_COMMAND)
			break;
		assert_same(got, g);
		sent++;
	}
	assert_int_equal(sent, 5);
	assert_non_null(g);
	assert_int_equal(g->pdu.function, TMF_ABORT_TASK);
	assert_int_equal(g->pdu.ref_cmd_sn, got->pdu.cmd_sn);
	*bench_exp_cmd_sn(b) = got->pdu.cmd_sn + 1;
	struct pdu done = bench_pdu(b, OP_TMF_RESPONSE, g);
	bench_send(b, &done, NULL, 0);
	bench_done(b, cmd, LUN_ELOST);
	assert_true(bench_up(b));
	bench_free(b);
}

/* shows: 7143-11.17.1-01 7143-7.3-03 7143-7.2.1-02 */
static void
test_damaged_immediate_data_is_sent_again(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_write(b, 0, 4096);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *again;

	for (int i = 0; i < 4; i++) {
		unseen(b, got);
		bench_reject(b, got, REJECT_DATA_DIGEST);
		bench_pending(b, cmd);
		again = bench_expect(b, OP_SCSI_COMMAND);
		assert_same(got, again);
		*bench_exp_cmd_sn(b) = got->pdu.cmd_sn + 1;
		pong(b, bench_expect(b, OP_NOP_OUT));
	}
	bench_response(b, again, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_expect_nothing(b);

	cmd = bench_write(b, 0, 4096);		/* and at last it is enough */
	got = bench_expect(b, OP_SCSI_COMMAND);
	for (int i = 0; i < 5; i++) {
		unseen(b, got);
		bench_reject(b, got, REJECT_DATA_DIGEST);
		if (i == 4)
			break;
		assert_same(got, bench_expect(b, OP_SCSI_COMMAND));
		bench_expect(b, OP_NOP_OUT);
	}
	bench_done(b, cmd, LUN_EDIGEST);
	struct got *plug = bench_expect(b, OP_NOP_OUT);
	assert_int_equal(plug->pdu.cmd_sn, got->pdu.cmd_sn);
	bench_free(b);
}

/* It was not lost after all, and is not sent again, although the answer to the
 * ping behind the retry says once more that it is. shows: 7143-11.17.1-02 */
static void
test_a_retry_of_what_is_in_progress(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	unseen(b, got);
	bench_pass(b, 2500 * TIME_MS);
	pong(b, bench_expect(b, OP_NOP_OUT));
	struct got *again = bench_expect(b, OP_SCSI_COMMAND);
	struct got *ping = bench_expect(b, OP_NOP_OUT);
	bench_reject(b, again, REJECT_TASK_IN_PROGRESS);
	pong(b, ping);
	bench_expect_nothing(b);
	*bench_exp_cmd_sn(b) = got->pdu.cmd_sn + 1;
	bench_pending(b, cmd);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	assert_true(bench_up(b));
	bench_free(b);
}

/* The request that fills the place of a rejected one is lost itself. */
static void
test_a_lost_filler_is_sent_again(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *first = bench_nodata(b, 0), *cmd;
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	unseen(b, got);
	bench_reject(b, got, REJECT_PROTOCOL);
	bench_done(b, first, LUN_EPROTO);
	struct got *plug = bench_expect(b, OP_NOP_OUT);
	cmd = bench_nodata(b, 0);
	struct got *got2 = bench_expect(b, OP_SCSI_COMMAND);
	unseen(b, got);
	bench_pass(b, 2500 * TIME_MS);
	pong(b, bench_expect(b, OP_NOP_OUT));
	struct got *again = bench_expect(b, OP_NOP_OUT);
	assert_same(plug, again);
	*bench_exp_cmd_sn(b) = got2->pdu.cmd_sn + 1;
	struct pdu pdu = bench_pdu(b, OP_NOP_IN, again);
	bench_send(b, &pdu, NULL, 0);
	bench_response(b, got2, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_expect_nothing(b);
	bench_free(b);
}

/* Pings of the connection's own are due after 5 s of silence, and may be answered
 * for 5 s; and others were sent for this command, and answered until 4.5 s. */
static struct bench *
pinged_twice(struct command **cmd, struct got **got)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=1", .nop_interval = 5 * TIME_S });

	bench_login(b, "");
	*cmd = bench_nodata(b, 0);
	*got = bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 2500 * TIME_MS);
	pong(b, bench_expect(b, OP_NOP_OUT));
	bench_pass(b, 2 * TIME_S);
	pong(b, bench_expect(b, OP_NOP_OUT));
	bench_pass(b, 4 * TIME_S);
	return b;
}

/* Its answer has as much time as that of any ping, and no more; though it was sent
 * just before the connection would have sent one. */
static void
test_a_ping_for_a_command_has_its_time(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct command *cmd;
		struct got *got;
		struct bench *b = pinged_twice(&cmd, &got);
		struct got *ping = bench_expect(b, OP_NOP_OUT);	/* at 8 s */

		bench_pass(b, 4400 * TIME_MS);		/* 12.9 s */
		bench_expect_nothing(b);
		assert_true(bench_up(b));
		if (late) {
			bench_pass(b, 200 * TIME_MS);
			bench_done(b, cmd, LUN_ETIMEDOUT);
			bench_expect_down(b, LUN_ETIMEDOUT, "ping");
		} else {
			pong(b, ping);
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* One that was lost is no reason to be silent when it is silent again. */
static void
test_a_ping_that_was_lost_and_then_silence(void **state)
{
	struct command *cmd;
	struct got *got;
	struct bench *b = pinged_twice(&cmd, &got);

	bench_expect(b, OP_NOP_OUT);		/* lost, at 8 s */
	bench_response(b, got, SCSI_GOOD);	/* at 8.5 s */
	bench_done(b, cmd, 0);
	bench_pass(b, 4900 * TIME_MS);
	bench_expect_nothing(b);
	bench_pass(b, 200 * TIME_MS);
	struct got *ping = bench_expect(b, OP_NOP_OUT);
	bench_pass(b, 4 * TIME_S);
	assert_true(bench_up(b));
	pong(b, ping);
	bench_expect_nothing(b);
	bench_free(b);
}

/* ------------------------------------------------------ data to the target -- */

static void
expect_data(struct bench *b, uint32_t ttt, uint32_t offset, uint32_t len)
{
	struct got *got = bench_expect(b, OP_DATA_OUT);

	assert_int_equal(got->pdu.target_transfer_tag, ttt);
	assert_int_equal(got->pdu.buffer_offset, offset);
	assert_int_equal(got->pdu.data_segment_length, len);
	assert_int_equal(got->pdu.data_sn, 0);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(got->data[i], bench_pattern(offset + i));
}

/* Damaged Data-Out, solicited and not: a Reject, then a recovery R2T. Nothing
 * is sent again before it. shows: 7143-7.3-01 7143-11.17.1-01 */
static void
test_recovery_r2ts_are_answered(void **state)
{
	struct bench *b = erl1_bench("FirstBurstLength=4096",
				     "InitialR2T=No ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 12288);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct got *data = bench_expect(b, OP_DATA_OUT);

	assert_int_equal(data->pdu.data_segment_length, 4096);
	bench_reject(b, data, REJECT_DATA_DIGEST);
	bench_expect_nothing(b);
	bench_r2t(b, got, 0, 10, 0, 4096);	/* what was unsolicited */
	expect_data(b, 10, 0, 4096);
	bench_r2t(b, got, 1, 11, 4096, 8192);
	expect_data(b, 11, 4096, 8192);
	bench_r2t(b, got, 2, 12, 8192, 512);	/* a part again */
	expect_data(b, 12, 8192, 512);
	bench_r2t(b, got, 2, 12, 8192, 512);	/* twice the same number */
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* A recovery R2T overtakes what we have not sent yet. */
static void
test_a_recovery_r2t_while_the_first_is_answered(void **state)
{
	struct bench *b = erl1_bench("", "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	assert_int_equal(session_params(bench_session(b))->MaxOutstandingR2T, 1);
	bench_hold(b, true);
	bench_r2t(b, got, 0, 10, 0, 8192);
	bench_r2t(b, got, 1, 11, 0, 8192);
	bench_hold(b, false);
	expect_data(b, 10, 0, 8192);
	expect_data(b, 11, 0, 8192);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* A lost R2T is asked for when another shows it, and only then: the target has
 * a timer of its own. shows: 7143-7.1.4.1-01 7143-7.9-01 7143-11.16-01 */
static void
test_a_lost_r2t(void **state)
{
	struct bench *b = erl1_bench("", "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *g;

	bench_pass(b, 20 * TIME_S);		/* R2TSN 0 is lost */
	while ((g = bench_next(b))) {
		assert_int_equal(g->pdu.opcode, OP_NOP_OUT);
		pong(b, g);
	}
	bench_r2t(b, got, 1, 11, 0, 8192);
	expect_data_snack(b, got, 0, 1);
	expect_data(b, 11, 0, 8192);
	bench_pass(b, 8 * TIME_S);
	while ((g = bench_next(b)))
		assert_int_equal(g->pdu.opcode, OP_NOP_OUT);
	bench_r2t(b, got, 0, 10, 0, 8192);
	expect_data(b, 10, 0, 8192);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* Its status says that all is done: nobody asks for a lost R2T any more. */
static void
test_a_lost_r2t_does_not_hold_up_the_status(void **state)
{
	struct bench *b = erl1_bench("", "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_r2t(b, got, 1, 11, 0, 8192);
	expect_data_snack(b, got, 0, 1);
	expect_data(b, 11, 0, 8192);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_expect_nothing(b);
	assert_int_equal(acknowledged(b), *bench_stat_sn(b));
	bench_r2t(b, got, 0, 10, 0, 8192);	/* too late */
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);
}

/* Data-In and R2Ts of a bidirectional task have one numbering. */
static void
test_losses_of_a_bidirectional_command(void **state)
{
	static const uint8_t cdb[10] = { 0x53 };
	struct bench *b = erl1_bench("", "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_command(b, 0, cdb, sizeof(cdb), 2 * SEGMENT,
					    2048);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu = segment(b, got, 1, false);

	pdu.buffer_offset = 0;
	send_segment(b, pdu);			/* R2TSN 0 is lost */
	expect_data_snack(b, got, 0, 1);
	bench_r2t(b, got, 0, 1, 0, 2048);
	expect_data(b, 1, 0, 2048);
	struct pdu response = bench_pdu(b, OP_SCSI_RESPONSE, got);
	response.exp_data_sn = 3;
	bench_send(b, &response, NULL, 0);	/* DataSN 2 is lost */
	expect_data_snack(b, got, 2, 0);
	bench_pending(b, cmd);
	pdu.data_sn = 2;
	pdu.buffer_offset = SEGMENT;
	send_segment(b, pdu);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 2 * SEGMENT);
	bench_expect_nothing(b);
	bench_free(b);
}

/*
 * Of two connections it is the one of the command that has the retry, and the
 * request behind it that bars it from the next round of numbers, whatever the
 * other one does. shows: 7143-7.2.1-03 7143-4.2.2.1-16
 */
static void
test_a_retry_goes_to_the_connection_of_its_command(void **state)
{
	for (size_t line = 0; line < 2; line++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "ErrorRecoveryLevel=1 MaxConnections=2" });
		struct command *cmd;
		struct got *got, *again, *fence;

		bench_login(b, "");
		bench_login(b, "");
		if (line == 1)
			bench_works_on(b, 0);
		cmd = bench_nodata(b, 0);
		got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->line, line);
		unseen(b, got);
		bench_pass(b, 2500 * TIME_MS);
		pong(b, bench_expect(b, OP_NOP_OUT));
		again = bench_expect(b, OP_SCSI_COMMAND);
		assert_same(got, again);
		assert_int_equal(again->line, line);
		pong(b, bench_expect(b, OP_NOP_OUT));
		bench_pass(b, TIME_S);
		fence = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(fence->line, line);
		assert_int_equal(fence->pdu.cmd_sn, got->pdu.cmd_sn + 1);
		pong_fence(b, fence);
		bench_works_on(b, 1 - line);
		bench_response(b, got, SCSI_BUSY);
		bench_done(b, cmd, 0);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command_that_the_target_never_saw),
		cmocka_unit_test(test_a_retry_goes_to_the_connection_of_its_command),
		cmocka_unit_test(test_gaps_are_filled_one_by_one),
		cmocka_unit_test(test_a_ping_says_nothing_of_what_follows_it),
		cmocka_unit_test(test_a_command_that_never_gets_through),
		cmocka_unit_test(test_damaged_immediate_data_is_sent_again),
		cmocka_unit_test(test_a_retry_of_what_is_in_progress),
		cmocka_unit_test(test_a_lost_filler_is_sent_again),
		cmocka_unit_test(test_a_ping_for_a_command_has_its_time),
		cmocka_unit_test(test_a_ping_that_was_lost_and_then_silence),
		cmocka_unit_test(test_recovery_r2ts_are_answered),
		cmocka_unit_test(test_a_recovery_r2t_while_the_first_is_answered),
		cmocka_unit_test(test_a_lost_r2t),
		cmocka_unit_test(test_a_lost_r2t_does_not_hold_up_the_status),
		cmocka_unit_test(test_losses_of_a_bidirectional_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
