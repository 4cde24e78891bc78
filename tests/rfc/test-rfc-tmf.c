/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Task management: RFC 7143 11.5, 11.6, 4.2.3, 7.11. */
#include "rfc/tmf.h"

static void
cancel(struct bench *b, struct command *cmd)
{
	struct nexus *n = session_nexus(bench_session(b));

	n->ops->cancel(n, cmd);
	bench_run(b);
}

/* shows: 7143-11.5.1-01 7143-11.5.2-01 7143-11.5.3-01 7143-11.5.4-01 */
static void
test_fields_of_requests(void **state)
{
	static const uint8_t functions[] = {
		TMF_ABORT_TASK_SET, TMF_CLEAR_ACA, TMF_CLEAR_TASK_SET,
		TMF_LOGICAL_UNIT_RESET, TMF_TARGET_WARM_RESET,
		TMF_TARGET_COLD_RESET,
	};
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(functions); i++) {
		bool target = functions[i] >= TMF_TARGET_WARM_RESET;
		struct asked a;
		struct got *got = ask(b, &a, functions[i], target ? 0 : LUN_1);

		assert_int_equal(got->pdu.function, functions[i]);
		assert_true(got->pdu.immediate && got->pdu.final);
		assert_true(got->pdu.lun == (target ? 0 : LUN_1));
		assert_int_equal(got->pdu.referenced_task_tag, TAG_NONE);
		assert_int_equal(got->pdu.ref_cmd_sn, 0);
		assert_int_equal(got->pdu.exp_data_sn, 0);
		assert_int_equal(got->pdu.cmd_sn, 100);
		assert_int_equal(got->pdu.data_segment_length, 0);
		assert_int_equal(got->pdu.total_ahs_length, 0);
		assert_int_equal(a.done, 0);
		bench_answer_tmf(b, got, TMF_COMPLETE);
		assert_int_equal(a.done, 1);
		assert_int_equal(a.code, 0);
		assert_int_equal(a.response, TMF_COMPLETE);
	}
	bench_free(b);
}

/* shows: 7143-11.5.1-01 7143-11.5.3-01 7143-11.5.4-01 7143-11.5.5-01 7143-7.11-01
 * shows: 7143-7.11-03 7143-11.6.1-01 7143-4.2.3.3-04 */
static void
test_a_command_that_is_not_answered(void **state)
{
	static const uint8_t responses[] = { TMF_COMPLETE, TMF_NO_TASK, TMF_NO_LUN,
					     TMF_NOT_SUPPORTED, TMF_NOT_AUTHORIZED,
					     TMF_REJECTED, 77 };

	for (size_t i = 0; i < sizeof(responses); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		bench_nodata(b, 0);
		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		struct command *cmd = bench_read(b, LUN_1, 512);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 29 * TIME_S);
		bench_expect_nothing(b);
		bench_pass(b, 2 * TIME_S);
		struct got *abort = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
		assert_true(abort->pdu.lun == LUN_1);
		assert_int_equal(abort->pdu.referenced_task_tag,
				 got->pdu.initiator_task_tag);
		assert_int_equal(abort->pdu.ref_cmd_sn, 101);
		assert_int_equal(abort->pdu.cmd_sn, 102);
		assert_true(abort->pdu.initiator_task_tag !=
			    got->pdu.initiator_task_tag);
		bench_pass(b, 5 * TIME_S);
		bench_pending(b, cmd);
		bench_expect_nothing(b);
		bench_answer_tmf(b, abort, responses[i]);
		if (responses[i] > TMF_NO_TASK) {	/* the unit is reset */
			bench_pending(b, cmd);
			abort = bench_expect(b, OP_TMF_REQUEST);
			assert_int_equal(abort->pdu.function,
					 TMF_LOGICAL_UNIT_RESET);
			assert_true(abort->pdu.lun == LUN_1);
			assert_int_equal(abort->pdu.referenced_task_tag, TAG_NONE);
			bench_answer_tmf(b, abort, i & 1 ? TMF_COMPLETE : responses[i]);
		}
		bench_done(b, cmd, LUN_ETIMEDOUT);
		bench_expect_nothing(b);
		if (responses[i] <= TMF_NO_TASK || i & 1) {
			bench_nodata(b, 0);
			got = bench_expect(b, OP_SCSI_COMMAND);
			assert_int_equal(got->pdu.cmd_sn, 102);
			bench_response(b, got, SCSI_GOOD);
			assert_true(bench_up(b));
		} else {		/* nobody knows what the target does */
			bench_expect_down(b, LUN_ETIMEDOUT, "aborted");
		}
		bench_free(b);
	}
}

/* Each step is bounded: abort, reset, the connection. A late answer to what was
 * given up is no offence. */
static void
test_an_abort_that_is_not_answered(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_read(b, LUN_1, 512);
		struct command *other = bench_read(b, LUN_1, 512);
		struct command *elsewhere = bench_read(b, LUN_2, 512);
		for (int i = 0; i < 3; i++)
			bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 31 * TIME_S);
		struct got *abort = bench_expect(b, OP_TMF_REQUEST);
		bench_pass(b, 11 * TIME_S);
		/* before the aborts of the others */
		struct got *reset = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(reset->pdu.function, TMF_LOGICAL_UNIT_RESET);
		if (late)
			bench_answer_tmf(b, abort, TMF_COMPLETE);
		bench_pass(b, 40 * TIME_S);
		bench_done(b, cmd, LUN_ETIMEDOUT);
		bench_done(b, other, LUN_ETIMEDOUT);
		bench_done(b, elsewhere, LUN_ETIMEDOUT);
		bench_expect_down(b, LUN_ETIMEDOUT, "task management");
		bench_free(b);
	}
}

/*
 * One more step for those who allow it, refused or not answered as the others
 * were. It ends what is under way with all units.
 */
static void
test_the_target_is_reset_if_it_may_be(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		bool allowed = i & 1, silent = i & 2, helps = i & 4;
		struct bench *b = bench_new(&(struct bench_setup){
			.target_reset = allowed });

		bench_login(b, "");
		struct command *cmd = bench_read(b, LUN_1, 512);
		bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 25 * TIME_S);
		struct command *elsewhere = bench_read(b, LUN_2, 512);
		bench_expect(b, OP_SCSI_COMMAND);
		bench_pass(b, 6 * TIME_S);
		bench_answer_tmf(b, bench_expect(b, OP_TMF_REQUEST), 5);
		struct got *reset = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(reset->pdu.function, TMF_LOGICAL_UNIT_RESET);
		if (silent)
			bench_pass(b, 11 * TIME_S);
		else
			bench_answer_tmf(b, reset, 5);
		if (!allowed) {
			bench_expect_nothing(b);
			bench_done(b, cmd, LUN_ETIMEDOUT);
			bench_expect_down(b, LUN_ETIMEDOUT, "");
			bench_free(b);
			continue;
		}
		bench_pending(b, cmd);
		assert_int_equal(bench_told(b, ": TARGET WARM RESET, 10 s"), 1);
		struct got *all = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(all->pdu.function, TMF_TARGET_WARM_RESET);
		if (silent)		/* late, and no offence */
			bench_answer_tmf(b, reset, TMF_COMPLETE);
		bench_pending(b, elsewhere);
		if (helps)
			bench_answer_tmf(b, all, TMF_COMPLETE);
		else
			bench_pass(b, 11 * TIME_S);
		bench_done(b, cmd, LUN_ETIMEDOUT);
		bench_done(b, elsewhere, LUN_ETIMEDOUT);
		const struct session_counters n =
		    session_counters(bench_session(b));
		assert_int_equal(n.by_cid[0].aborts, 1);
		assert_int_equal(n.by_cid[0].lun_resets, 1);
		assert_int_equal(n.by_cid[0].target_resets, 1);
		assert_int_equal(n.by_cid[0].task_timeouts, 1);
		if (helps)
			assert_true(bench_up(b));
		else
			bench_expect_down(b, LUN_ETIMEDOUT, "task management");
		bench_free(b);
	}
}

/* Many that a unit does not answer are one event: what came first, how many, how
 * long it was waited, and how long the next step may take. */
static void
test_what_is_told_of_commands_that_time_out(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (int i = 0; i < 5; i++)
		bench_read(b, LUN_1, 512);
	for (int i = 0; i < 5; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 31 * TIME_S);
	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(bench_told(b, "LUN 1: a command (opcode 0x28, ITT 0x"), 1);
	assert_int_equal(bench_told(b, ") and 4 more were not answered within 30 "
				    "s: ABORT TASK, 10 s for its answer"), 1);
	bench_answer_tmf(b, abort, 5);
	assert_int_equal(bench_told(b, "LUN 1: ABORT TASK did not help (response "
				    "5): LOGICAL UNIT RESET, 10 s for its answer"),
			 1);
	bench_free(b);
}

/* shows: 7143-11.5.1-06 7143-11.6.1-02 */
static void
test_a_reset_that_is_not_answered(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 512);
	bench_expect(b, OP_SCSI_COMMAND);
	struct asked a;
	ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);
	bench_pass(b, 9 * TIME_S);
	assert_int_equal(a.done, 0);
	bench_pass(b, 2 * TIME_S);
	bench_expect_nothing(b);	/* no abort of the reset */
	assert_int_equal(a.done, 1);
	assert_int_equal(a.code, LUN_ETIMEDOUT);
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_expect_down(b, LUN_ETIMEDOUT, "task management");
	bench_free(b);

	b = bench_new(NULL);		/* with nothing else under way */
	bench_login(b, "");
	ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);
	bench_pass(b, 32 * TIME_S);
	assert_int_equal(a.code, LUN_ETIMEDOUT);
	bench_free(b);

	b = bench_new(NULL);		/* or the session ends */
	bench_login(b, "");
	ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);
	bench_cut(b);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.code, LUN_ELOST);
	bench_free(b);
}

/* shows: 7143-7.11-02 */
static void
test_an_abort_of_what_the_target_never_got(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	cancel(b, cmd);
	cancel(b, cmd);			/* once is enough */
	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->pdu.ref_cmd_sn, got->pdu.cmd_sn);
	assert_int_equal(abort->pdu.exp_stat_sn, *bench_stat_sn(b));
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, cmd, LUN_ECANCELED);
	bench_expect_nothing(b);
	bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.cmd_sn, 101);
	bench_response(b, got, SCSI_GOOD);
	bench_free(b);
}

/* The response overtakes the abort: it counts, once.
 * shows: 7143-7.11-03 7143-4.2.3.3-03 */
static void
test_a_response_before_that_to_the_abort(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 512);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	cancel(b, cmd);
	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	bench_data_in(b, got, 0, 0, 512, true, true);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 512);
	struct command *other = bench_nodata(b, 0);
	struct got *got_other = bench_expect(b, OP_SCSI_COMMAND);
	bench_answer_tmf(b, abort, TMF_NO_TASK);
	bench_done(b, cmd, 0);
	bench_pending(b, other);
	bench_response(b, got_other, SCSI_GOOD);
	bench_done(b, other, 0);
	bench_expect_nothing(b);
	bench_free(b);
}

/* Late ones find no task and complete nothing.
 * shows: 7143-11.5.1-02 */
static void
test_a_response_after_that_to_the_abort(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 512);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	cancel(b, cmd);
	bench_answer_tmf(b, bench_expect(b, OP_TMF_REQUEST), TMF_COMPLETE);
	bench_done(b, cmd, LUN_ECANCELED);
	struct command *next = bench_read(b, 0, 512);	/* takes the slot */
	bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 512, true, true);
	bench_done(b, cmd, LUN_ECANCELED);
	bench_done(b, next, LUN_EPROTO);
	bench_check_untouched(b, next);
	bench_expect_down(b, LUN_EPROTO, "unknown task");
	bench_free(b);
}

/* shows: 7143-4.2.2.1-05 7143-4.2.3.2-01 7143-4.2.3.3-05 7143-4.2.3.3-04 */
static void
test_functions_for_a_unit(void **state)
{
	static const uint8_t functions[] = { TMF_ABORT_TASK_SET,
		TMF_CLEAR_TASK_SET, TMF_LOGICAL_UNIT_RESET };

	for (size_t i = 0; i < sizeof(functions); i++)
		for (int fails = 0; fails <= 1; fails++) {
			struct bench *b = bench_new(NULL);
			struct asked a;

			bench_login(b, "");
			struct command *one = bench_read(b, LUN_1, 512),
			    *two = bench_read(b, LUN_2, 512);
			struct got *got_one = bench_expect(b, OP_SCSI_COMMAND);
			struct got *got_two = bench_expect(b, OP_SCSI_COMMAND);
			struct got *got = ask(b, &a, functions[i], LUN_1);
			struct command *later = bench_read(b, LUN_1, 512);
			struct got *got_later = bench_expect(b, OP_SCSI_COMMAND);
			bench_pass(b, 8 * TIME_S);
			bench_pending(b, one);
			bench_answer_tmf(b, got, fails ? TMF_NOT_SUPPORTED : TMF_COMPLETE);
			assert_int_equal(a.done, 1);
			bench_pending(b, two);
			bench_pending(b, later);
			if (fails)
				bench_data_in(b, got_one, 0, 0, 512, true, true);
			bench_done(b, one, fails ? 0 : LUN_ECANCELED);
			bench_data_in(b, got_later, 0, 0, 512, true, true);
			bench_done(b, later, 0);
			bench_data_in(b, got_two, 0, 0, 512, true, true);
			bench_done(b, two, 0);
			bench_expect_nothing(b);
			bench_free(b);
		}
}

/* shows: 7143-4.2.3.2-02 7143-4.2.3.3-05 */
static void
test_target_resets(void **state)
{
	static const uint8_t functions[] = { TMF_TARGET_WARM_RESET,
		TMF_TARGET_COLD_RESET };

	for (size_t i = 0; i < sizeof(functions); i++)
		for (int cut = 0; cut <= 1; cut++) {
			struct bench *b = bench_new(NULL);
			struct asked a;

			bench_login(b, "");
			struct command *one = bench_read(b, LUN_1, 512),
			    *two = bench_write(b, LUN_2, 512);
			bench_expect(b, OP_SCSI_COMMAND);
			bench_expect(b, OP_SCSI_COMMAND);
			struct got *got = ask(b, &a, functions[i], 0);
			if (cut)
				bench_cut(b);
			else
				bench_answer_tmf(b, got, TMF_COMPLETE);
			assert_int_equal(a.done, 1);
			assert_int_equal(a.code, cut ? LUN_ELOST : 0);
			bench_done(b, one, cut ? LUN_ELOST : LUN_ECANCELED);
			bench_done(b, two, cut ? LUN_ELOST : LUN_ECANCELED);
			bench_free(b);
		}
}

/* shows: 7143-11.17.1-03 */
static void
test_too_many_immediate_commands(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0), *two = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	struct got *got_two = bench_expect(b, OP_SCSI_COMMAND);
	cancel(b, cmd);
	cancel(b, two);			/* waits for its turn */
	bench_reject(b, bench_expect(b, OP_TMF_REQUEST), REJECT_IMMEDIATE);
	bench_expect_nothing(b);
	bench_pending(b, cmd);
	bench_pass(b, 2 * TIME_S);
	bench_reject(b, bench_expect(b, OP_TMF_REQUEST), REJECT_LONG_OPERATION);
	bench_response(b, got_two, SCSI_GOOD);	/* it needs no abort then */
	bench_done(b, two, 0);
	bench_pass(b, 2 * TIME_S);
	struct got *got = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(got->pdu.ref_cmd_sn, 100);
	bench_answer_tmf(b, got, TMF_COMPLETE);
	bench_done(b, cmd, LUN_ECANCELED);
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);

	b = bench_new(NULL);		/* but not for ever */
	bench_login(b, "");
	cmd = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	cancel(b, cmd);
	for (int i = 0; i < 40 && bench_up(b); i++) {
		bench_reject(b, bench_expect(b, OP_TMF_REQUEST), REJECT_IMMEDIATE);
		bench_pass(b, TIME_S);
	}
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_expect_down(b, LUN_ETIMEDOUT, "task management");
	bench_free(b);
}

/* shows: 7143-11.17.1-02 */
static void
test_a_rejected_request(void **state)
{
	struct bench *b = bench_new(NULL);
	struct asked a;

	bench_login(b, "");
	bench_reject(b, ask(b, &a, TMF_CLEAR_TASK_SET, LUN_1), REJECT_NOT_SUPPORTED);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.code, LUN_EREFUSED);
	bench_pass(b, 100 * TIME_S);
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);
}

static void
test_a_response_to_nothing(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, NULL);
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "unknown request");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_requests),
		cmocka_unit_test(test_a_command_that_is_not_answered),
		cmocka_unit_test(test_an_abort_that_is_not_answered),
		cmocka_unit_test(test_the_target_is_reset_if_it_may_be),
		cmocka_unit_test(test_what_is_told_of_commands_that_time_out),
		cmocka_unit_test(test_a_reset_that_is_not_answered),
		cmocka_unit_test(test_an_abort_of_what_the_target_never_got),
		cmocka_unit_test(test_a_response_before_that_to_the_abort),
		cmocka_unit_test(test_a_response_after_that_to_the_abort),
		cmocka_unit_test(test_functions_for_a_unit),
		cmocka_unit_test(test_target_resets),
		cmocka_unit_test(test_too_many_immediate_commands),
		cmocka_unit_test(test_a_rejected_request),
		cmocka_unit_test(test_a_response_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
