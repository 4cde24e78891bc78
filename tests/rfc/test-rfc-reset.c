/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets that nobody knows the outcome of: RFC 7143 4.2.3.3, 4.2.3.4, 7.2.2. */
#include "rfc/erl2.h"
#include "rfc/tmf.h"

/* What was under way on line 0 for LUN 1 is not answered, nor is the reset of
 * the unit; then it is, and the reset of the target is refused. */
static struct got *
give_up_a_reset(struct bench *b, struct command *cmd, struct got *got)
{
	bench_pass(b, 6 * TIME_S);
	bench_answer_tmf(b, expect_tmf(b, TMF_ABORT_TASK), TMF_NOT_SUPPORTED);
	struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
	bench_pass(b, 11 * TIME_S);
	struct got *all = expect_tmf(b, TMF_TARGET_WARM_RESET);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_answer_tmf(b, all, TMF_NOT_SUPPORTED);
	return reset;
}

/* ... which is answered after all; the write had to wait for that. */
static void
answer_late(struct bench *b, const struct got *reset, bool refused,
	    struct command *write, const struct got *got)
{
	bench_answer_tmf(b, reset, refused ? TMF_REJECTED : TMF_COMPLETE);
	if (refused) {
		bench_expect(b, OP_DATA_OUT);
		bench_response(b, got, SCSI_GOOD);
	}
	bench_done(b, write, refused ? 0 : LUN_ETIMEDOUT);
	bench_expect_nothing(b);
}

static struct bench *
new_bench(const char *keys)
{
	return bench_new(&(struct bench_setup){
		.keys = keys, .target_reset = true, .ignores_pings = true,
	});
}

/*
 * The reset is out, so no data is sent for what it may end, until it is answered
 * after all: then it counts.
 *
 * shows: 7143-4.2.3.4-02 7143-4.2.3.3-03
 */
static void
test_a_late_answer_to_a_reset(void **state)
{
	for (int refused = 0; refused < 2; refused++) {
		struct bench *b = new_bench("ImmediateData=No");

		bench_login(b, "TaskReporting=FastAbort InitialR2T=Yes");
		struct command *slow = bench_nodata(b, LUN_1);
		struct got *got_slow = bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 25 * TIME_S);
		struct command *write = bench_write(b, LUN_1, 512);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct got *reset = give_up_a_reset(b, slow, got_slow);
		bench_r2t(b, got, 0, 7, 0, 512);
		bench_expect_nothing(b);
		answer_late(b, reset, refused, write, got);
		bench_works_on(b, 0);
		bench_free(b);
	}
}

/* A task that comes to its connection has to wait, too. shows: 7143-4.2.3.4-02 */
static void
test_a_task_moves_to_where_a_reset_was_given_up(void **state)
{
	for (int refused = 0; refused < 2; refused++) {
		struct bench *b = new_bench("ImmediateData=No MaxConnections=2 "
					    "ErrorRecoveryLevel=2 "
					    "DefaultTime2Wait=2 "
					    "DefaultTime2Retain=20");

		bench_login(b, "TaskReporting=FastAbort InitialR2T=Yes");
		bench_login(b, "");
		struct command *slow = bench_nodata(b, LUN_1);
		struct got *got_slow = bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 25 * TIME_S);
		struct command *write = bench_write(b, LUN_1, 512);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->line, 1);
		struct got *reset = give_up_a_reset(b, slow, got_slow);
		cut(b, 1);
		bench_pass(b, TIME2WAIT * TIME_S);
		let_go(b, 2);
		struct got *again = expect_reassign(b, got);
		bench_login(b, "");	/* connection 2 is back */
		bench_answer_tmf(b, again, TMF_COMPLETE);
		moved(got, again);
		bench_r2t(b, got, 0, 7, 0, 512);
		bench_expect_nothing(b);
		bench_on(b, 0);
		answer_late(b, reset, refused, write, got);
		bench_free(b);
	}
}

/*
 * The target does not know a task that is to move: a reset has ended it, which
 * was not answered yet, or whose answer was lost with its connection. That is no
 * reason to give up the session.
 */
static void
test_a_task_that_a_reset_has_ended_does_not_move(void **state)
{
	for (int lost = 0; lost < 2; lost++) {
		struct bench *b = bench_level2(3, "");
		struct command *gone = bench_nodata(b, LUN_1);
		struct got *got_gone = bench_expect(b, OP_SCSI_COMMAND);
		struct command *other[2] = { bench_nodata(b, LUN_2),
					     bench_nodata(b, LUN_2) };
		struct got *got[2];
		struct asked a;
		struct got *reset;

		for (int i = 0; i < 2; i++)
			got[i] = bench_expect(b, OP_SCSI_COMMAND);
		bench_response(b, got[1], SCSI_GOOD);	/* line 2 has less to do */
		bench_done(b, other[1], 0);
		if (!lost)
			cut(b, 0);
		reset = ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);
		assert_int_equal(reset->line, lost ? 0 : 1);
		if (lost) {
			cut(b, 0);
			reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
			assert_int_equal(reset->line, 1);
		}
		bench_pass(b, TIME2WAIT * TIME_S);
		let_go(b, 1);
		struct got *again = expect_reassign(b, got_gone);
		assert_int_equal(again->line, 2);
		bench_answer_tmf(b, again, TMF_NO_TASK);
		bench_done(b, gone, LUN_ECANCELED);
		bench_answer_tmf(b, reset, TMF_COMPLETE);
		assert_int_equal(a.response, TMF_COMPLETE);
		assert_int_equal(a.code, 0);
		bench_response(b, got[0], SCSI_GOOD);
		bench_done(b, other[0], 0);
		assert_true(bench_up(b));
		bench_free(b);
	}
}

/* Nothing less than a new session helps: no connection is recovered. */
static void
test_a_reset_that_is_given_up_costs_the_session(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct command *cmds[2] = { bench_nodata(b, LUN_1), bench_nodata(b, LUN_2) };
	struct asked a;

	for (int i = 0; i < 2; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);
	cut(b, 1);			/* its task waits */
	bench_pass(b, 11 * TIME_S);
	bench_expect(b, OP_LOGOUT_REQUEST);
	bench_expect_down(b, LUN_ETIMEDOUT, "task management");
	assert_int_equal(a.code, LUN_ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		bench_done(b, cmds[i], LUN_ETIMEDOUT);
	bench_free(b);
}

/* Two commands for a unit went into silence; what ends one ends the other, and
 * what is submitted then is not hit by a second reset. */
static void
test_a_reset_that_is_needless_is_not_sent(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *cmds[2] = { bench_nodata(b, LUN_1), bench_nodata(b, LUN_1) };

	for (int i = 0; i < 2; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 31 * TIME_S);
	for (int i = 0; i < 2; i++)
		expect_tmf(b, TMF_ABORT_TASK);
	bench_pass(b, 11 * TIME_S);
	struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
	bench_answer_tmf(b, reset, TMF_COMPLETE);
	for (int i = 0; i < 2; i++)
		bench_done(b, cmds[i], LUN_ETIMEDOUT);
	bench_expect_nothing(b);
	bench_pass(b, 2 * TIME_S);
	bench_expect_nothing(b);
	bench_works_on(b, 0);
	bench_free(b);
}

/* The abort of one is given up: that of the next one on its connection takes
 * its turn, although the reset goes elsewhere. */
static void
test_the_next_abort_takes_its_turn(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *cmds[4];
	struct got *got[4];

	for (int i = 0; i < 4; i++) {
		cmds[i] = bench_nodata(b, i < 2 ? LUN_1 : LUN_2);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, i % 2);
	}
	for (int i = 0; i < 4; i += 2) {
		bench_response(b, got[i], SCSI_GOOD);
		bench_done(b, cmds[i], 0);
	}
	bench_pass(b, 31 * TIME_S);
	expect_tmf(b, TMF_ABORT_TASK);
	bench_expect_nothing(b);
	bench_pass(b, 13 * TIME_S);

	struct got *reset = expect_tmf(b, TMF_LOGICAL_UNIT_RESET);
	struct got *abort = expect_tmf(b, TMF_ABORT_TASK);

	assert_int_equal(reset->line, 0);
	assert_int_equal(abort->line, 1);
	assert_int_equal(abort->pdu.referenced_task_tag,
			 got[3]->pdu.initiator_task_tag);
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, cmds[3], LUN_ETIMEDOUT);
	bench_answer_tmf(b, reset, TMF_COMPLETE);
	bench_done(b, cmds[1], LUN_ETIMEDOUT);
	bench_works_on(b, 0);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_late_answer_to_a_reset),
		cmocka_unit_test(test_a_task_moves_to_where_a_reset_was_given_up),
		cmocka_unit_test(test_a_task_that_a_reset_has_ended_does_not_move),
		cmocka_unit_test(test_a_reset_that_is_given_up_costs_the_session),
		cmocka_unit_test(test_a_reset_that_is_needless_is_not_sent),
		cmocka_unit_test(test_the_next_abort_takes_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
