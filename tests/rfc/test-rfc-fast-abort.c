/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that end many tasks when TaskReporting is FastAbort: RFC 7143
 * 4.2.3.4, 11.9.1, 13.23. */
#include <stdio.h>

#include "rfc/erl2.h"

#define LUN_1 UINT64_C(0x0001000000000000)
#define LUN_2 UINT64_C(0x0002000000000000)

enum { LEN = 65536, SEGMENT = 512 };

static const uint8_t functions[] = {
	TMF_ABORT_TASK_SET, TMF_CLEAR_TASK_SET, TMF_LOGICAL_UNIT_RESET,
	TMF_TARGET_WARM_RESET, TMF_TARGET_COLD_RESET,
};

enum { FUNCTIONS = sizeof(functions) };

static struct {
	unsigned done;
	int code;
	uint8_t response;
} told;

static void
tell(struct tmf *t, int code, uint8_t response)
{
	told.done++;
	told.code = code;
	told.response = response;
}

static struct tmf tmf;

static void
submit(struct bench *b, uint8_t function)
{
	bool target = function >= TMF_TARGET_WARM_RESET;

	told.done = 0;
	tmf = (struct tmf){
		.function = function, .lun = target ? 0 : LUN_1, .done = tell,
	};
	session_tmf(bench_session(b), &tmf, bench_now(b));
	bench_run(b);
}

static struct bench *
new_bench(unsigned connections, const char *more)
{
	char keys[200];

	snprintf(keys, sizeof(keys), "ImmediateData=No InitialR2T=No "
		 "MaxConnections=%u%s", connections, more);

	struct bench *b = bench_new(&(struct bench_setup){
		.keys = keys, .ignores_pings = *more != '\0',
	});

	for (unsigned i = 0; i < connections; i++)
		bench_login(b, i == 0 ? "TaskReporting=FastAbort "
			    "FirstBurstLength=4096 MaxRecvDataSegmentLength=512"
			    : "MaxRecvDataSegmentLength=512");
	return b;
}

static struct bench *
fast_bench(unsigned connections)
{
	return new_bench(connections, "");
}

/* All of a burst of this task. */
static void
expect_burst(struct bench *b, const struct got *task, uint32_t ttt,
	     uint32_t beg, uint32_t end)
{
	for (; beg < end; beg += SEGMENT) {
		struct got *got = bench_expect(b, OP_DATA_OUT);

		assert_int_equal(got->pdu.initiator_task_tag,
				 task->pdu.initiator_task_tag);
		assert_int_equal(got->pdu.target_transfer_tag, ttt);
		assert_int_equal(got->pdu.buffer_offset, beg);
	}
}

/* The offer has all three, the strongest first, and the answer counts.
 * shows: 7143-4.2.3.4-01 7143-13.23-01 */
static void
test_it_is_offered(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");

	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	assert_string_equal(got_key(got, "TaskReporting"),
			    "FastAbort,ResponseFence,RFC3720");
	bench_free(b);

	b = fast_bench(1);
	assert_int_equal(session_params(bench_session(b))->TaskReporting,
			 REPORT_FAST_ABORT);
	bench_free(b);
}

/*
 * From the request on no data of the tasks that it is for, whether it was asked
 * for before or after; others' data goes on. A response that comes before that
 * of the function counts; the others end with it, and later ones are dropped.
 *
 * shows: 7143-4.2.3.4-02 7143-4.2.3.4-03 7143-4.2.3.4-04 7143-4.2.3.3-03
 */
static void
test_no_data_after_the_request(void **state)
{
	for (size_t i = 0; i < FUNCTIONS; i++) {
		struct bench *b = fast_bench(1);
		bool target = functions[i] >= TMF_TARGET_WARM_RESET;
		struct command *write[2], *read, *other;
		struct got *got[2], *got_read, *got_other, *request;

		for (int k = 0; k < 2; k++) {
			write[k] = bench_write(b, LUN_1, LEN);
			got[k] = bench_expect(b, OP_SCSI_COMMAND);
			expect_burst(b, got[k], TAG_NONE, 0, 4096);
		}
		read = bench_read(b, LUN_1, 512);
		got_read = bench_expect(b, OP_SCSI_COMMAND);
		other = bench_write(b, LUN_2, 8192);
		got_other = bench_expect(b, OP_SCSI_COMMAND);
		expect_burst(b, got_other, TAG_NONE, 0, 4096);

		bench_hold(b, true);
		bench_r2t(b, got[0], 0, 5, 4096, LEN - 4096);
		submit(b, functions[i]);
		bench_r2t(b, got[1], 0, 6, 4096, LEN - 4096);
		bench_r2t(b, got_other, 0, 7, 4096, 4096);
		bench_hold(b, false);
		request = bench_expect(b, OP_TMF_REQUEST);
		if (!target)
			expect_burst(b, got_other, 7, 4096, 8192);
		bench_expect_nothing(b);
		bench_pass(b, 5 * TIME_S);
		bench_expect_nothing(b);

		bench_response(b, got[0], SCSI_TASK_ABORTED);
		bench_done(b, write[0], 0);
		assert_int_equal(write[0]->status, SCSI_TASK_ABORTED);
		bench_pending(b, write[1]);
		bench_answer_tmf(b, request, TMF_COMPLETE);
		assert_int_equal(told.done, 1);
		bench_done(b, write[1], LUN_ECANCELED);
		bench_done(b, read, LUN_ECANCELED);
		bench_response(b, got[1], SCSI_GOOD);
		bench_r2t(b, got[1], 1, 8, 4096, 512);
		bench_data_in(b, got_read, 0, 0, 512, true, true);
		bench_check_untouched(b, read);
		bench_expect_nothing(b);
		assert_true(bench_up(b));
		if (target) {
			bench_done(b, other, LUN_ECANCELED);
		} else {
			bench_response(b, got_other, SCSI_GOOD);
			bench_done(b, other, 0);
		}
		bench_works_on(b, 0);
		bench_free(b);
	}
}

/* It was not done, so what it was to end is what it was before. */
static void
test_data_goes_on_if_the_request_fails(void **state)
{
	struct bench *b = fast_bench(1);
	struct command *write = bench_write(b, LUN_1, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	expect_burst(b, got, TAG_NONE, 0, 4096);
	submit(b, TMF_CLEAR_TASK_SET);
	struct got *request = bench_expect(b, OP_TMF_REQUEST);
	bench_r2t(b, got, 0, 5, 4096, 4096);
	bench_expect_nothing(b);
	bench_answer_tmf(b, request, TMF_NOT_SUPPORTED);
	assert_int_equal(told.response, TMF_NOT_SUPPORTED);
	expect_burst(b, got, 5, 4096, 8192);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, write, 0);
	bench_free(b);
}

/* What is submitted later is none of its business. */
static void
test_later_commands_send_their_data(void **state)
{
	struct bench *b = fast_bench(1);

	submit(b, TMF_ABORT_TASK_SET);
	struct got *request = bench_expect(b, OP_TMF_REQUEST);
	struct command *write = bench_write(b, LUN_1, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	expect_burst(b, got, TAG_NONE, 0, 4096);
	bench_r2t(b, got, 0, 5, 4096, 4096);
	expect_burst(b, got, 5, 4096, 8192);
	bench_answer_tmf(b, request, TMF_COMPLETE);
	bench_pending(b, write);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, write, 0);
	bench_free(b);
}

static void
announce(struct bench *b, size_t line, uint64_t lun)
{
	bench_on(b, line);

	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = ASYNC_TASK_TERMINATION;
	pdu.lun = lun;
	bench_send(b, &pdu, NULL, 0);

	struct got *nop = bench_expect(b, OP_NOP_OUT);

	assert_int_equal(nop->line, line);
	assert_true(nop->pdu.lun == lun);
	assert_int_equal(nop->pdu.initiator_task_tag, TAG_NONE);
	assert_int_equal(nop->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(nop->pdu.exp_stat_sn, pdu.stat_sn + 1);
}

/*
 * On another connection the R2Ts are answered until the target says that it
 * ends these tasks, before or after the response; then it is told that no more
 * comes there.
 *
 * shows: 7143-11.9.1-07 7143-11.9.1-08 7143-4.2.3.4-03
 */
static void
test_other_connections_are_told_by_the_target(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct bench *b = fast_bench(2);
		struct command *first = bench_nodata(b, LUN_2);
		struct got *got_first = bench_expect(b, OP_SCSI_COMMAND);
		struct command *write = bench_write(b, LUN_1, LEN);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND), *request;

		expect_burst(b, got, TAG_NONE, 0, 4096);
		assert_int_equal(got->line, 1);
		submit(b, TMF_LOGICAL_UNIT_RESET);
		request = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(request->line, 0);
		bench_r2t(b, got, 0, 5, 4096, 4096);
		expect_burst(b, got, 5, 4096, 8192);
		if (!late) {
			bench_hold(b, true);
			bench_r2t(b, got, 1, 6, 8192, 4096);
			bench_hold(b, false);
			expect_burst(b, got, 6, 8192, 12288);
			announce(b, 1, LUN_1);
			bench_expect_nothing(b);
		}
		bench_answer_tmf(b, request, TMF_COMPLETE);
		bench_done(b, write, LUN_ECANCELED);
		if (late) {	/* it was under way when the response came */
			bench_r2t(b, got, 1, 6, 8192, 4096);
			bench_expect_nothing(b);
			announce(b, 1, LUN_1);
		}
		bench_pending(b, first);
		bench_response(b, got_first, SCSI_GOOD);
		bench_done(b, first, 0);
		assert_true(bench_up(b));
		bench_free(b);
	}
}

/*
 * A reset of the target is told for each unit: the R2Ts of the others are
 * answered until their turn.
 *
 * shows: 7143-11.9.1-07 7143-4.2.3.4-03
 */
static void
test_a_target_reset_is_told_for_each_unit(void **state)
{
	static const uint64_t luns[2] = { LUN_1, LUN_2 };
	struct bench *b = fast_bench(2);
	struct command *quiet[2], *write[2];
	struct got *got[2], *request;

	for (int i = 0; i < 2; i++) {
		quiet[i] = bench_nodata(b, luns[i]);
		assert_int_equal(bench_expect(b, OP_SCSI_COMMAND)->line, 0);
		write[i] = bench_write(b, luns[i], LEN);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, 1);
		expect_burst(b, got[i], TAG_NONE, 0, 4096);
	}
	submit(b, TMF_TARGET_WARM_RESET);
	request = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(request->line, 0);
	announce(b, 1, LUN_1);
	bench_r2t(b, got[1], 0, 6, 4096, 4096);
	expect_burst(b, got[1], 6, 4096, 8192);
	announce(b, 1, LUN_2);
	bench_expect_nothing(b);
	bench_answer_tmf(b, request, TMF_COMPLETE);
	for (int i = 0; i < 2; i++) {
		bench_done(b, quiet[i], LUN_ECANCELED);
		bench_done(b, write[i], LUN_ECANCELED);
		bench_r2t(b, got[i], i, 8, 8192, 4096);
	}
	bench_expect_nothing(b);
	bench_works_on(b, 0);
	bench_free(b);
}

/*
 * Another session's reset: R2Ts are answered no more, but a command that the
 * target saw only after its message has its unsolicited data.
 *
 * shows: 7143-4.2.3.5-01
 */
static void
test_unsolicited_data_of_a_new_command_is_sent(void **state)
{
	struct bench *b = fast_bench(1);
	struct command *old = bench_write(b, LUN_1, LEN), *new;
	struct got *got_old = bench_expect(b, OP_SCSI_COMMAND), *got;
	struct pdu pdu;

	expect_burst(b, got_old, TAG_NONE, 0, 4096);
	bench_hold(b, true);
	bench_r2t(b, got_old, 0, 5, 4096, 4096);
	new = bench_write(b, LUN_1, 4096);
	pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
	pdu.async_event = ASYNC_TASK_TERMINATION;
	pdu.lun = LUN_1;
	bench_send(b, &pdu, NULL, 0);
	bench_hold(b, false);
	assert_int_equal(bench_expect(b, OP_NOP_OUT)->pdu.initiator_task_tag,
			 TAG_NONE);
	got = bench_expect(b, OP_SCSI_COMMAND);
	expect_burst(b, got, TAG_NONE, 0, 4096);
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, new, 0);
	bench_response(b, got_old, SCSI_TASK_ABORTED);
	bench_done(b, old, 0);
	bench_free(b);
}

/*
 * A command that the target never saw moves to the connection on which a reset
 * went out meanwhile: it is sent, as its CmdSN must not be missing, and its data
 * is not, unless the reset fails.
 *
 * shows: 7143-4.2.3.4-02
 */
static void
test_a_task_that_moves_to_the_connection_of_a_reset(void **state)
{
	for (int fails = 0; fails < 2; fails++) {
		struct bench *b = new_bench(2, " ErrorRecoveryLevel=2 "
					    "DefaultTime2Wait=2 "
					    "DefaultTime2Retain=20");
		struct command *first = bench_nodata(b, LUN_2), *write;
		struct got *got_first = bench_expect(b, OP_SCSI_COMMAND), *got;
		struct got *request;

		write = bench_write(b, LUN_1, 8192);
		got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->line, 1);
		expect_burst(b, got, TAG_NONE, 0, 4096);
		unseen(b, got);
		cut(b, 1);
		submit(b, TMF_LOGICAL_UNIT_RESET);
		request = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(request->line, 0);
		assert_int_equal(request->pdu.function, TMF_LOGICAL_UNIT_RESET);
		bench_pass(b, TIME2WAIT * TIME_S);
		let_go(b, 2);
		got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->line, 0);
		bench_login(b, "");	/* connection 2 is back */
		bench_r2t(b, got, 0, 5, 4096, 4096);
		bench_expect_nothing(b);

		bench_answer_tmf(b, request, fails ? TMF_REJECTED : TMF_COMPLETE);
		if (fails) {
			expect_burst(b, got, TAG_NONE, 0, 4096);
			expect_burst(b, got, 5, 4096, 8192);
			bench_response(b, got, SCSI_GOOD);
		}
		bench_done(b, write, fails ? 0 : LUN_ECANCELED);
		bench_expect_nothing(b);
		bench_response(b, got_first, SCSI_GOOD);
		bench_done(b, first, 0);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_offered),
		cmocka_unit_test(test_no_data_after_the_request),
		cmocka_unit_test(test_data_goes_on_if_the_request_fails),
		cmocka_unit_test(test_later_commands_send_their_data),
		cmocka_unit_test(test_other_connections_are_told_by_the_target),
		cmocka_unit_test(test_a_target_reset_is_told_for_each_unit),
		cmocka_unit_test(test_unsolicited_data_of_a_new_command_is_sent),
		cmocka_unit_test(test_a_task_that_moves_to_the_connection_of_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
