/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a target may say to a session of several connections that no honest one
 * would: the session is not fooled, does not hang, and is not kept busy.
 */
#include "rfc/erl2.h"
#include "rfc/tmf.h"

static void
ask_for_logout(struct bench *b, uint16_t seconds)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = ASYNC_LOGOUT;
	pdu.parameter3 = seconds;
	bench_send(b, &pdu, NULL, 0);
}

static void
reject_tmf(struct bench *b, size_t line, uint32_t initiator_task_tag)
{
	struct got bad = {
		.line = line,
		.pdu = {
			.opcode = OP_TMF_REQUEST, .immediate = true,
			.final = true, .function = TMF_LOGICAL_UNIT_RESET,
			.initiator_task_tag = initiator_task_tag,
		},
	};

	bench_reject(b, &bad, REJECT_PROTOCOL);
}

/* A function that waits for a connection has no tag that it could be told by. */
static void
test_what_was_not_sent_is_not_rejected(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct asked a = {
		.t = { .function = TMF_LOGICAL_UNIT_RESET, .done = answered,
		       .user = &a },
	};

	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 1);
	bench_on(b, 0);
	ask_for_logout(b, 60);
	session_tmf(bench_session(b), &a.t, bench_now(b));
	bench_run(b);
	reject_tmf(b, 0, TAG_NONE);
	assert_int_equal(a.done, 0);
	bench_free(b);
}

/* One that waits for its turn is not answered either: nothing ends. */
static void
test_what_was_not_sent_is_not_answered(void **state)
{
	struct bench *b = bench_new(NULL);
	struct asked first, second = {
		.t = { .function = TMF_LOGICAL_UNIT_RESET, .lun = LUN_2,
		       .done = answered, .user = &second },
	};
	struct got *got;

	bench_login(b, "");
	got = ask(b, &first, TMF_LOGICAL_UNIT_RESET, LUN_1);
	session_tmf(bench_session(b), &second.t, bench_now(b));
	bench_run(b);

	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, got);

	pdu.initiator_task_tag = TAG_NONE;
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "unknown request");
	assert_int_equal(second.code, LUN_EPROTO);
	bench_free(b);
}

/* A Reject comes on the connection of what it is about. */
static void
test_a_function_is_not_rejected_on_another_connection(void **state)
{
	struct bench *b = bench_many_up(2);
	struct asked a;
	struct got *got = ask(b, &a, TMF_LOGICAL_UNIT_RESET, LUN_1);

	reject_tmf(b, 1 - got->line, got->pdu.initiator_task_tag);
	assert_int_equal(a.done, 0);
	bench_answer_tmf(b, got, TMF_COMPLETE);
	assert_int_equal(a.done, 1);
	assert_int_equal(a.code, 0);
	bench_free(b);
}

/* "Cleanup failed", and no pause is wanted: it is made nevertheless. */
static void
test_a_cleanup_that_fails_again_and_again(void **state)
{
	struct loss l = new_loss();
	struct got *got = bench_expect(l.b, OP_LOGOUT_REQUEST);
	unsigned n = 0;

	for (int i = 0; i < 100 && got; i++, n++) {
		answer_logout(l.b, got, LOGOUT_CLEANUP_FAILED, 0, 20);
		while ((got = bench_next(l.b)))
			if (got->pdu.opcode == OP_LOGOUT_REQUEST)
				break;
	}
	assert_in_range(n, 1, 3);
	bench_free(l.b);
}

/* Where nothing waits the target's time counts. */
static void
test_a_long_wait_of_an_idle_connection(void **state)
{
	struct bench *b = bench_level2(2, "");

	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 600, 20);
	bench_pass(b, 600 * TIME_S - 1);
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_pass(b, 1);
	let_go(b, 2);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

/* Who knows better may end the wait, also that for one more connection. */
static void
test_a_long_wait_is_ended(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct command *cmd;
	struct got *got;

	bench_works_on(b, 0);
	cmd = bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 65535, 20);
	bench_pass(b, 10 * TIME_S);
	bench_expect_nothing(b);
	session_retry(bench_session(b), bench_now(b));
	bench_run(b);
	let_go(b, 2);

	struct got *move = expect_reassign(b, got);

	moved(got, move);
	bench_answer_tmf(b, move, TMF_COMPLETE);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	(void)bench_expect(b, OP_LOGIN_REQUEST);
	cut(b, 1);
	bench_expect_nothing(b);
	session_retry(bench_session(b), bench_now(b));
	bench_pass(b, 0);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

/* What a connection that came back had to wait says nothing of the session. */
static void
test_time2wait_of_a_connection_is_over_with_it(void **state)
{
	struct bench *b = bench_level2(2, "");

	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 7, 20);
	bench_pass(b, 7 * TIME_S);
	let_go(b, 2);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_on(b, 0);

	struct pdu pdu = bench_pdu(b, OP_NOP_IN, NULL);

	pdu.initiator_task_tag = 5;
	pdu.target_transfer_tag = 5;
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "both tags");
	assert_int_equal(session_time2wait(bench_session(b)), 2 * TIME_S);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_not_sent_is_not_rejected),
		cmocka_unit_test(test_what_was_not_sent_is_not_answered),
		cmocka_unit_test(test_a_function_is_not_rejected_on_another_connection),
		cmocka_unit_test(test_a_cleanup_that_fails_again_and_again),
		cmocka_unit_test(test_a_long_wait_of_an_idle_connection),
		cmocka_unit_test(test_a_long_wait_is_ended),
		cmocka_unit_test(test_time2wait_of_a_connection_is_over_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
