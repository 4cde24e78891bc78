/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers that are older than what is known: RFC 7143 4.2.3.3, 7.2.1, 11.5. */
#include "rfc/tmf.h"

/* An abort was given up, and is answered after all: the task is over, and no
 * data of it is sent any more. shows: 7143-4.2.3.3-04 */
static void
test_no_data_after_a_late_answer_to_an_abort(void **state)
{
	for (uint8_t response = TMF_COMPLETE; response <= TMF_NO_TASK;
	     response++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "InitialR2T=Yes ImmediateData=No");
		struct command *cmd = bench_write(b, LUN_1, 8192);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 31 * TIME_S);
		struct got *abort = expect_tmf(b, TMF_ABORT_TASK);
		bench_pass(b, 11 * TIME_S);
		struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
		bench_hold(b, true);
		bench_r2t(b, got, 0, 7, 0, 8192);
		bench_pending(b, cmd);
		bench_answer_tmf(b, abort, response);
		bench_done(b, cmd, LUN_ETIMEDOUT);
		bench_hold(b, false);
		bench_expect_nothing(b);
		bench_answer_tmf(b, reset, TMF_COMPLETE);
		bench_works_on(b, 0);
		bench_free(b);
	}
}

/* One that failed says nothing: the reset decides. */
static void
test_a_late_refusal_of_an_abort(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, LUN_1, 512);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 31 * TIME_S);
	struct got *abort = expect_tmf(b, TMF_ABORT_TASK);
	bench_pass(b, 11 * TIME_S);
	struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
	bench_answer_tmf(b, abort, TMF_REJECTED);
	bench_pending(b, cmd);
	bench_answer_tmf(b, reset, TMF_COMPLETE);
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_works_on(b, 0);
	bench_free(b);
}

/*
 * The reset has ended the task when the abort is answered: that counts as a
 * status, and ends nothing more, neither what came after it nor the session.
 * shows: 7143-4.2.3.3-06
 */
static void
test_an_answer_to_an_abort_behind_that_to_the_reset(void **state)
{
	for (uint8_t response = TMF_COMPLETE; response <= TMF_NO_TASK;
	     response++) {
		struct bench *b = bench_new(NULL);
		struct got *abort, *reset;

		bench_login(b, "");
		struct command *gone = bench_nodata(b, LUN_1);
		bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 31 * TIME_S);
		abort = expect_tmf(b, TMF_ABORT_TASK);
		bench_pass(b, 11 * TIME_S);
		reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
		bench_answer_tmf(b, reset, TMF_COMPLETE);
		bench_done(b, gone, LUN_ETIMEDOUT);
		struct command *next = bench_nodata(b, LUN_1);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_answer_tmf(b, abort, response);
		bench_expect_nothing(b);
		bench_pending(b, next);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, next, 0);
		assert_int_equal(next->status, SCSI_GOOD);
		assert_true(bench_up(b));
		next = bench_nodata(b, LUN_1);
		got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, next, 0);
		bench_free(b);
	}
}

/* The reset that was to help still waits for its turn: it is not sent. */
static void
test_a_late_answer_saves_a_reset(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *cmds[2] = { bench_read(b, LUN_1, 512),
				    bench_read(b, LUN_2, 512) };
	struct got *aborts[2];

	for (int i = 0; i < 2; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 31 * TIME_S);
	for (int i = 0; i < 2; i++)
		aborts[i] = expect_tmf(b, TMF_ABORT_TASK);
	bench_pass(b, 11 * TIME_S);
	struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
	bench_expect_nothing(b);
	int other = reset->pdu.lun == LUN_1;	/* whose reset waits */
	struct got *abort = aborts[aborts[0]->pdu.lun != reset->pdu.lun ? 0 : 1];
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, cmds[other], LUN_ETIMEDOUT);
	bench_pending(b, cmds[!other]);
	bench_answer_tmf(b, reset, TMF_COMPLETE);
	bench_done(b, cmds[!other], LUN_ETIMEDOUT);
	bench_expect_nothing(b);
	bench_works_on(b, 0);
	bench_free(b);
}

/*
 * A NOP-In says that the target lacks the command on the other connection. That
 * one has come there since, so nothing is known of the next one, which is sent
 * once only. shows: 7143-7.2.1-01
 */
static void
test_an_old_exp_cmd_sn_is_no_reason_to_retry(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=2 ErrorRecoveryLevel=1",
	});

	bench_login(b, "");
	bench_login(b, "");
	struct command *first = bench_nodata(b, 0);
	struct got *got_first = bench_expect(b, OP_SCSI_COMMAND);
	struct command *second = bench_nodata(b, 0);
	struct got *got_second = bench_expect(b, OP_SCSI_COMMAND);
	assert_true(got_first->line != got_second->line);
	bench_pass(b, 2500 * TIME_MS);

	struct got *ping = bench_expect(b, OP_NOP_OUT);
	struct got *other = bench_expect(b, OP_NOP_OUT);

	if (ping->line != got_second->line)
		ping = other;
	assert_int_equal(ping->line, got_second->line);
	*bench_exp_cmd_sn(b) = got_second->pdu.cmd_sn;
	bench_response(b, got_first, SCSI_GOOD);
	bench_done(b, first, 0);
	struct pdu pong = bench_pdu(b, OP_NOP_IN, ping);
	pong.exp_cmd_sn = got_first->pdu.cmd_sn;	/* as it was then */
	bench_send(b, &pong, NULL, 0);
	bench_expect_nothing(b);
	*bench_exp_cmd_sn(b) = got_second->pdu.cmd_sn + 1;
	bench_response(b, got_second, SCSI_GOOD);
	bench_done(b, second, 0);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_data_after_a_late_answer_to_an_abort),
		cmocka_unit_test(test_a_late_refusal_of_an_abort),
		cmocka_unit_test(test_an_answer_to_an_abort_behind_that_to_the_reset),
		cmocka_unit_test(test_a_late_answer_saves_a_reset),
		cmocka_unit_test(test_an_old_exp_cmd_sn_is_no_reason_to_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
