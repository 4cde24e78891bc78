/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection recovery: RFC 7143 6.3.4, 7.1.4.3, 7.2.2, 11.5.6, 11.14. */
#include "rfc/erl2.h"

/* Two connections; CID 2 is lost with commands under way on it. */
static struct bench *
new_bench(void)
{
	return bench_level2(2, "");
}

/* ---------------------------------------------------------- the logout -- */

/*
 * The recovery logout waits for Time2Wait, goes out on the other connection,
 * and has the numbers of the lost one; nothing is reassigned before its answer.
 *
 * shows: 7143-7.1.4.3-02 7143-7.1.4.3-03 7143-7.2.2-01 7143-8.2-01
 * shows: 7143-7.1.4.3-01 7143-11.5.1-08 7143-7.5-01
 */
static void
test_a_cut_connection_is_removed_and_its_tasks_move(void **state)
{
	struct bench *b = new_bench();
	struct command *cmd[10];
	struct got *got[10], *logout;

	for (size_t i = 0; i < 10; i++) {
		cmd[i] = bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, i % 2);
	}
	for (size_t i = 1; i < 5; i += 2) {	/* two of the five have ended */
		bench_response(b, got[i], SCSI_GOOD);
		bench_done(b, cmd[i], 0);
	}
	cut(b, 1);
	assert_true(bench_closed(b));
	bench_pass(b, TIME2WAIT * TIME_S - 1);
	bench_expect_nothing(b);
	bench_pass(b, 1);
	logout = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(logout->line, 0);
	assert_true(logout->pdu.immediate);
	assert_int_equal(logout->pdu.reason, LOGOUT_RECOVERY);
	assert_int_equal(logout->pdu.cid, 2);
	assert_int_equal(logout->pdu.exp_stat_sn, 0x5100 + 2 + 2);
	bench_pass(b, TIME_S);
	bench_expect_nothing(b);
	answer_logout(b, logout, LOGOUT_DONE, 0, TIME2RETAIN);
	for (size_t i = 5; i < 10; i += 2) {
		struct got *r = expect_reassign(b, got[i]);

		assert_int_equal(r->line, 0);
		assert_true(r->pdu.immediate);
		assert_int_equal(r->pdu.cmd_sn, 110);
		assert_int_equal(r->pdu.lun, 0);
		assert_int_equal(r->pdu.exp_data_sn, 0);
		if (i == 5)		/* meanwhile it comes back */
			bench_login(b, "");
		bench_answer_tmf(b, r, TMF_COMPLETE);
		moved(got[i], r);
	}
	for (size_t i = 0; i < 10; i++) {
		if (i == 1 || i == 3)
			continue;
		bench_pending(b, cmd[i]);
		bench_response(b, got[i], SCSI_GOOD);
		bench_done(b, cmd[i], 0);
	}
	assert_int_equal(counters(b).conns.recoveries, 1);
	assert_int_equal(counters(b).conns.tasks_reassigned, 3);
	assert_int_equal(counters(b).by_cid[1].recoveries, 1);
	assert_int_equal(counters(b).by_cid[1].commands, 5);
	assert_int_equal(counters(b).by_cid[0].commands, 5);
	assert_int_equal(counters(b).by_cid[0].tasks_reassigned, 3);
	assert_int_equal(counters(b).conns.tasks_retried, 0);
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

/* Commands go on where a connection lives, and what they bring is taken. */
static void
test_the_other_connection_works_on(void **state)
{
	struct bench *b = new_bench();

	cut(b, 1);
	bench_works_on(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_expect(b, OP_LOGOUT_REQUEST);
	bench_works_on(b, 0);
	bench_free(b);
}

/* ------------------------------------------------- a connection is all -- */

/* The request with which CID 1 comes back. */
static struct got *
expect_reinstatement(struct bench *b, uint32_t exp_stat_sn)
{
	struct got *got = bench_login_security(b, "AuthMethod=None "
					       "TargetPortalGroupTag=1");

	assert_int_equal(got->pdu.cid, 1);
	assert_int_equal(got->pdu.tsih, TSIH);
	assert_int_equal(got->pdu.exp_stat_sn, exp_stat_sn);
	return got;
}

/*
 * The only connection comes back with its CID, which is its logout as well;
 * commands that come meanwhile wait.
 *
 * shows: 7143-6.3.4-02 7143-8.2-01
 */
static void
test_the_only_connection_is_reinstated(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *a = bench_nodata(b, 0), *c;
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND), *got;
	struct session_conn_status st;
	struct session_outage out;

	cut(b, 0);
	assert_string_equal(session_state_name(bench_session(b)), "FAILED");
	assert_true(session_outage(bench_session(b), &out));
	assert_int_equal(out.lost_at, bench_now(b));
	assert_int_equal(out.next_at, bench_now(b) + TIME2WAIT * TIME_S);
	assert_non_null(strstr(out.cause, "closed by the target"));
	st = session_conn_status(bench_session(b), 0);
	assert_true(st.wanted);
	assert_string_equal(st.state, "CLEANUP_WAIT");
	assert_string_equal(st.portal->host, bench_portal(b)->host);
	c = bench_nodata(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S - 1);
	assert_int_equal(bench_connects(b), 1);
	bench_pass(b, 1);
	expect_reinstatement(b, 0x5002);
	bench_pending(b, c);
	bench_login(b, "");
	assert_string_equal(session_state_name(bench_session(b)), "LOGGED_IN");
	got = expect_reassign(b, on_a);
	bench_answer_tmf(b, got, TMF_COMPLETE);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.cmd_sn, 101);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, c, 0);
	assert_int_equal(counters(b).conns.recoveries, 1);
	bench_free(b);
}

/*
 * It does not answer any more: a second connection is there for the time of
 * the recovery.
 *
 * shows: 7143-4.2.1-02 7143-7.14-02
 */
static void
test_a_silent_connection_is_replaced(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=2", .nop_interval = 10 * TIME_S,
		.ignores_pings = true,
	});

	bench_login(b, "DefaultTime2Retain=20");

	struct command *a = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND), *got;

	bench_pass(b, 15 * TIME_S);		/* nor is a ping answered */
	assert_int_equal(bench_connects(b), 2);
	expect_reinstatement(b, 0x5002);
	bench_login(b, "");
	got = expect_reassign(b, on_a);
	bench_answer_tmf(b, got, TMF_COMPLETE);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);
	bench_free(b);
}

/* --------------------------------------------------- data of the tasks -- */

/* A command on line 1, with one on line 0 that keeps that one busy. */
static struct got *
on_line_1(struct bench *b, struct command **cmd, uint32_t in_len, uint32_t out_len)
{
	struct got *got;

	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	*cmd = out_len ? bench_write(b, 0, out_len) : bench_read(b, 0, in_len);
	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->line, 1);
	return got;
}

/* Line 1 is lost, let go, and its command reassigned to line 0. */
static struct got *
recover(struct bench *b, struct got *command)
{
	struct got *got;

	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	got = expect_reassign(b, command);
	bench_expect(b, OP_LOGIN_REQUEST);	/* it would come back */
	moved(command, got);
	return got;
}

/*
 * What came is acknowledged by the reassignment, the rest follows; what the
 * target sends once more is no error.
 *
 * shows: 7143-11.5.6-01 7143-11.5.6-02 7143-11.6-01
 */
static void
test_a_read_goes_on_where_it_was(void **state)
{
	struct bench *b = new_bench();
	struct command *r;
	struct got *got = on_line_1(b, &r, 4096, 0), *tmf;

	for (uint32_t i = 0; i < 5; i++)
		bench_data_in(b, got, i, i * 512, 512, false, false);
	tmf = recover(b, got);
	assert_int_equal(tmf->pdu.exp_data_sn, 5);
	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	bench_data_in(b, got, 3, 3 * 512, 512, false, false);
	bench_data_in(b, got, 4, 4 * 512, 512, false, false);
	for (uint32_t i = 5; i < 8; i++)
		bench_data_in(b, got, i, i * 512, 512, i == 7, i == 7);
	bench_done(b, r, 0);
	bench_check_read(b, r, 4096);
	bench_free(b);
}

/* shows: 7143-7.2.2-03 */
static void
test_a_read_without_data_begins_at_0(void **state)
{
	struct bench *b = new_bench();
	struct command *r;
	struct got *got = on_line_1(b, &r, 4096, 0), *tmf = recover(b, got);

	assert_int_equal(tmf->pdu.exp_data_sn, 0);
	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	bench_data_in(b, got, 0, 0, 4096, true, true);
	bench_done(b, r, 0);
	bench_check_read(b, r, 4096);
	bench_free(b);
}

/* R2Ts that were not answered come again, numbered as the target likes. */
static void
write_goes_on(uint32_t r2t_sn)
{
	struct bench *b = bench_level2(2, "ImmediateData=No InitialR2T=Yes");
	struct command *w;
	struct got *got = on_line_1(b, &w, 0, 8192), *tmf, *data;

	bench_r2t(b, got, 0, 7, 0, 4096);
	bench_expect(b, OP_DATA_OUT);
	bench_r2t(b, got, 1, 8, 4096, 4096);
	bench_expect(b, OP_DATA_OUT);		/* this one is lost */
	tmf = recover(b, got);
	assert_int_equal(tmf->pdu.exp_data_sn, 0);
	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	bench_r2t(b, got, r2t_sn, 9, 4096, 4096);
	data = bench_expect(b, OP_DATA_OUT);
	assert_int_equal(data->line, 0);
	assert_int_equal(data->pdu.target_transfer_tag, 9);
	assert_int_equal(data->pdu.buffer_offset, 4096);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, w, 0);
	bench_free(b);
}

static void
test_a_write_is_asked_for_its_data_again(void **state)
{
	for (uint32_t r2t_sn = 0; r2t_sn < 3; r2t_sn++)
		write_goes_on(r2t_sn);
}

/* shows: 7143-7.2.2-04 */
static void
test_the_status_ends_a_task_and_not_its_reassignment(void **state)
{
	struct bench *b = new_bench();
	struct command *w;
	struct got *got = on_line_1(b, &w, 0, 512), *tmf = recover(b, got);

	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	bench_pass(b, 5 * TIME_S);
	bench_pending(b, w);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, w, 0);
	bench_free(b);
}

/* ------------------------------------------------------ command retry -- */

/*
 * What the target never acknowledged it has thrown away: it is sent again as
 * it was, with all its data, so that no CmdSN is missing.
 *
 * shows: 7143-11.14-03
 */
static void
test_a_command_that_was_lost_is_sent_again(void **state)
{
	struct bench *b = new_bench();
	struct command *w;
	struct got *first = on_line_1(b, &w, 0, 4096), *again;

	unseen(b, first);
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	again = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(again->line, 0);
	assert_int_equal(again->pdu.initiator_task_tag,
			 first->pdu.initiator_task_tag);
	assert_int_equal(again->pdu.cmd_sn, first->pdu.cmd_sn);
	assert_memory_equal(again->pdu.cdb, first->pdu.cdb, CDB_LEN);
	assert_int_equal(again->pdu.data_segment_length, 4096);
	assert_memory_equal(again->data, first->data, 4096);
	bench_response(b, again, SCSI_GOOD);
	bench_done(b, w, 0);
	assert_int_equal(counters(b).conns.tasks_retried, 1);
	assert_int_equal(counters(b).conns.tasks_reassigned, 0);
	bench_free(b);
}

/*
 * A CmdSN that nothing has any more is filled by a ping.
 *
 * shows: 7143-11.14-03
 */
static void
test_the_number_of_what_is_over_is_filled(void **state)
{
	struct bench *b = new_bench();
	struct command *w;
	struct got *got = on_line_1(b, &w, 0, 512), *plug;
	struct pdu reject = bench_pdu(b, OP_REJECT, got);
	uint8_t header[BHS_LEN];

	unseen(b, got);
	reject.exp_cmd_sn = got->pdu.cmd_sn;
	reject.reason = REJECT_LONG_OPERATION;
	pdu_encode(&got->pdu, header);
	bench_send(b, &reject, header, BHS_LEN);
	bench_done(b, w, 0);
	plug = bench_expect(b, OP_NOP_OUT);
	assert_int_equal(plug->pdu.cmd_sn, got->pdu.cmd_sn);
	unseen(b, plug);
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	plug = bench_expect(b, OP_NOP_OUT);
	assert_int_equal(plug->line, 0);
	assert_false(plug->pdu.immediate);
	assert_int_equal(plug->pdu.cmd_sn, got->pdu.cmd_sn);
	bench_free(b);
}

/* ------------------------------------------------------ task management -- */

/* shows: 7143-11.5.1-05 7143-7.14-04 */
static void
test_an_abort_goes_along_with_its_task(void **state)
{
	struct bench *b = new_bench();
	struct nexus *nexus = session_nexus(bench_session(b));
	struct command *w;
	struct got *got = on_line_1(b, &w, 0, 512), *first, *again;

	nexus->ops->cancel(nexus, w);
	bench_run(b);
	first = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(first->line, 1);
	cut(b, 1);
	bench_pending(b, w);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	again = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(again->line, 0);
	assert_int_equal(again->pdu.function, TMF_ABORT_TASK);
	assert_int_equal(again->pdu.referenced_task_tag,
			 got->pdu.initiator_task_tag);
	assert_int_equal(again->pdu.ref_cmd_sn, got->pdu.cmd_sn);
	assert_int_not_equal(again->pdu.initiator_task_tag,
			     first->pdu.initiator_task_tag);
	bench_answer_tmf(b, again, TMF_COMPLETE);
	bench_done(b, w, LUN_ECANCELED);
	assert_true(bench_up(b));
	bench_free(b);
}

static unsigned told;

static void
tmf_told(struct tmf *t, int code, uint8_t response)
{
	assert_int_equal(code, 0);
	told++;
}

/* shows: 7143-7.14-04 */
static void
test_a_reset_is_made_anew_on_another_connection(void **state)
{
	struct bench *b = new_bench();
	struct tmf reset = { .function = TMF_LOGICAL_UNIT_RESET, .done = tmf_told };
	struct got *first, *again;

	told = 0;
	session_tmf(bench_session(b), &reset, bench_now(b));
	bench_run(b);
	first = bench_expect(b, OP_TMF_REQUEST);
	cut(b, first->line);
	again = bench_expect(b, OP_TMF_REQUEST);
	assert_int_not_equal(again->line, first->line);
	assert_int_equal(again->pdu.function, TMF_LOGICAL_UNIT_RESET);
	assert_int_not_equal(again->pdu.initiator_task_tag,
			     first->pdu.initiator_task_tag);
	bench_answer_tmf(b, again, TMF_COMPLETE);
	assert_int_equal(told, 1);
	bench_free(b);
}

/* While the last connection is lost another one logs in, which is none of those
 * that are to be recovered: the session goes on with it, as often as it takes. */
static void
test_the_last_connection_is_lost_while_another_one_joins(void **state)
{
	struct bench *b = bench_level2(2, "");

	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	for (size_t last = 0; last < 2; last++) {
		cut(b, last);
		bench_login(b, "");
		bench_pass(b, TIME2WAIT * TIME_S);
		let_go(b, (uint16_t)(last + 1));
	}
	bench_login(b, "");
	assert_true(bench_up(b));
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cut_connection_is_removed_and_its_tasks_move),
		cmocka_unit_test(test_the_other_connection_works_on),
		cmocka_unit_test(test_the_only_connection_is_reinstated),
		cmocka_unit_test(test_a_silent_connection_is_replaced),
		cmocka_unit_test(test_a_read_goes_on_where_it_was),
		cmocka_unit_test(test_a_read_without_data_begins_at_0),
		cmocka_unit_test(test_a_write_is_asked_for_its_data_again),
		cmocka_unit_test(test_the_status_ends_a_task_and_not_its_reassignment),
		cmocka_unit_test(test_a_command_that_was_lost_is_sent_again),
		cmocka_unit_test(test_the_number_of_what_is_over_is_filled),
		cmocka_unit_test(test_an_abort_goes_along_with_its_task),
		cmocka_unit_test(test_a_reset_is_made_anew_on_another_connection),
		cmocka_unit_test(test_the_last_connection_is_lost_while_another_one_joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
