/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where connection recovery ends: time that is over, drops that the target
 * announces, what only session recovery helps against. RFC 7143 7.5, 7.7, 7.14,
 * 8.2.2, 8.3.4, 11.9.1.
 */
#include "rfc/erl2.h"

static void
test_the_session_is_not_there_any_more(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu;

	cut(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	got = bench_expect(b, OP_LOGIN_REQUEST);
	pdu = bench_login_pdu(b, got);
	pdu.status_class = 2;
	pdu.status_detail = 0x0a;
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_ELOST, "session");
	bench_done(b, cmd, LUN_ELOST);
	bench_free(b);
}

/* The only portal is of another group than that of the session, as it says now: to
 * ask it again until the time is over would change nothing. */
static void
test_its_portal_is_of_another_group(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_nodata(b, 0);

	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=2");
	bench_expect_down(b, LUN_ELOST, "portal group 2");
	bench_done(b, cmd, LUN_ELOST);
	bench_free(b);
}

/* shows: 7143-8.3.4-01 7143-8.2.2-01 */
static void
test_the_time_is_over(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_nodata(b, 0), *late;

	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 0);
	late = bench_nodata(b, 0);
	bench_expect_nothing(b);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_expect(b, OP_LOGIN_REQUEST);	/* is not answered */
	bench_pass(b, TIME2RETAIN * TIME_S - 1);
	bench_pending(b, cmd);
	bench_pending(b, late);
	bench_pass(b, 1);
	bench_expect_down(b, LUN_ETIMEDOUT, "conn 1 was not recovered within 22 s: "
			  "192.0.2.1:3260: the login was not answered within 15 s");
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_done(b, late, LUN_ETIMEDOUT);
	bench_free(b);
}

/* It ends while the new connection is not even there. */
static void
test_the_time_is_over_while_it_connects(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *r = bench_read(b, 0, 512);

	bench_expect(b, OP_SCSI_COMMAND);
	bench_slow(b);
	cut(b, 0);
	bench_pass(b, (TIME2WAIT + TIME2RETAIN) * TIME_S);
	bench_expect_down(b, LUN_ETIMEDOUT, "conn 1 was not recovered");
	bench_done(b, r, LUN_ETIMEDOUT);
	bench_free(b);
}

static struct bench *
impatient(lun_time recovery_time)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=2 DefaultTime2Wait=2 "
			"DefaultTime2Retain=20",
		.ignores_pings = true, .recovery_time = recovery_time,
	});

	bench_login(b, "");
	return b;
}

/* Those who wait do not wait as long as the target would. */
static void
test_nobody_waits_that_long(void **state)
{
	struct bench *b = impatient(7 * TIME_S);
	struct command *cmd = bench_nodata(b, 0);

	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 0);
	assert_non_null(bench_logged(b, "1 task waits for its recovery, 7 s at "
				     "most"));
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_expect(b, OP_LOGIN_REQUEST);	/* is not answered */
	bench_pass(b, 5 * TIME_S - 1);
	bench_pending(b, cmd);
	bench_pass(b, 1);
	bench_expect_down(b, LUN_ETIMEDOUT, "conn 1 was not recovered within 7 s: "
			  "192.0.2.1:3260: closed by the target");
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_free(b);
}

/*
 * Each connection is recovered and lost again. To a command that is sent again
 * each time, and never answered, that is one loss; if each is answered, there
 * are many, of two seconds.
 */
static void
test_a_connection_that_is_lost_again_and_again(void **state)
{
	for (int answered = 0; answered < 2; answered++) {
		struct bench *b = impatient(7 * TIME_S);
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		lun_time lost_at = bench_now(b);
		int n = 0;

		while (bench_up(b) && n < 10) {
			unseen(b, got);
			cut(b, 0);
			bench_pending(b, cmd);
			bench_pass(b, TIME2WAIT * TIME_S);
			if (!bench_up(b))
				break;
			bench_login(b, "");
			got = bench_expect(b, OP_SCSI_COMMAND);
			n++;
			if (!answered)
				continue;
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
			cmd = bench_nodata(b, 0);
			got = bench_expect(b, OP_SCSI_COMMAND);
		}
		assert_int_equal(n, answered ? 10 : 3);
		if (!answered) {
			assert_int_equal(cmd->lost_at, lost_at);
			bench_expect_down(b, LUN_ELOST, "again and again for 7 s");
			bench_done(b, cmd, LUN_ELOST);
		}
		bench_free(b);
	}
}

/* What a command was for has waited before, for another session: this one is
 * given up when its time is over, whether it was sent here or not. */
static void
test_a_command_that_has_waited_before(void **state)
{
	for (int sent = 0; sent < 2; sent++) {
		struct bench *b = impatient(20 * TIME_S);
		struct command *cmd;
		lun_time lost_at;

		bench_pass(b, 20 * TIME_S);
		if (!sent)
			cut(b, 0);
		cmd = bench_nodata(b, 0);
		lost_at = bench_now(b);
		cmd->waits_since = lost_at - 10 * TIME_S;
		if (sent)
			cut(b, 0);
		bench_pass(b, 9 * TIME_S);
		bench_pending(b, cmd);
		bench_pass(b, 2 * TIME_S);
		bench_expect_down(b, LUN_ELOST, sent ? "again and again for 20 s" :
				  "no connection was recovered within 20 s: "
				  "192.0.2.1:3260: closed by the target");
		bench_done(b, cmd, LUN_ELOST);
		assert_int_equal(cmd->lost_at, sent ? cmd->waits_since : lost_at);
		bench_free(b);
	}
}

/* It is to be closed when its task is over, or after a timeout: and that is so
 * while the target would still wait for a connection. */
static void
test_closing_does_not_wait_for_a_connection(void **state)
{
	struct bench *b = bench_level2_hasty(1, 6 * TIME_S);
	struct command *cmd = bench_nodata(b, 0);

	bench_expect(b, OP_SCSI_COMMAND);
	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	cut(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_expect(b, OP_LOGIN_REQUEST);	/* is not answered */
	bench_pass(b, 4 * TIME_S - 1);
	bench_pending(b, cmd);
	bench_pass(b, 1);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_done(b, cmd, LUN_ECANCELED);
	bench_free(b);
}

/*
 * After Time2Retain it is a new session, and nothing is reassigned.
 *
 * shows: 7143-7.5-02
 */
static void
test_after_time2retain_the_session_is_made_again(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=2 DefaultTime2Wait=2 "
			"DefaultTime2Retain=5",
		.recovers = true, .ignores_pings = true,
	});
	struct command *cmd;
	struct got *got;
	struct recovery_status st;
	lun_time lost_at;

	bench_login(b, "");
	cmd = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	lost_at = bench_now(b);
	cut(b, 0);
	for (int i = 0; i < 3; i++) {	/* it takes no connection */
		bench_pass(b, i == 1 ? TIME_S : 2 * TIME_S);
		got = bench_expect(b, OP_LOGIN_REQUEST);
		assert_int_equal(got->pdu.tsih, TSIH);
		bench_cut(b);
	}
	bench_pending(b, cmd);
	bench_pass(b, 2 * TIME_S);
	while (got && got->pdu.tsih != 0)
		got = bench_next(b);
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_pass(b, 2 * TIME_S);
	if (!got)
		got = bench_expect(b, OP_LOGIN_REQUEST);
	assert_int_equal(got->pdu.tsih, 0);
	recovery_status(bench_recovery(b), &st);
	assert_int_equal(st.lost_at, lost_at);	/* not when it was given up */
	bench_free(b);
}

/* shows: 7143-7.14-03 */
static void
test_the_target_drops_all_in_the_middle(void **state)
{
	struct loss l = new_loss();

	bench_expect(l.b, OP_LOGOUT_REQUEST);
	bench_on(l.b, 0);
	drop(l.b, ASYNC_SESSION_DROP, 0, 0, 20);
	expect_session_lost(&l, "drops all connections");
}

/*
 * It says how long it waits, and that is what counts, for this connection.
 *
 * shows: 7143-7.5.2-01
 */
static void
test_the_target_drops_a_connection(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct got *got;

	bench_nodata(b, 0);
	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 5, 20);
	bench_pass(b, 5 * TIME_S - 1);
	bench_works_on(b, 0);
	bench_expect_nothing(b);
	bench_pass(b, 1);
	let_go(b, 2);
	expect_reassign(b, got);
	bench_free(b);
}

/* A command of another connection keeps its own time, and so does its abort.
 * shows: 7143-7.5.2-02 */
static void
test_a_long_wait_is_no_wait_for_the_others(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct command *slow = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *abort;

	assert_int_equal(got->line, 0);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 60, 20);
	bench_pass(b, 29 * TIME_S);
	bench_expect_nothing(b);
	bench_pass(b, 2 * TIME_S);
	abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->line, 0);
	assert_int_equal(abort->pdu.referenced_task_tag,
			 got->pdu.initiator_task_tag);
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, slow, LUN_ETIMEDOUT);
	bench_pass(b, 28 * TIME_S);
	bench_expect_nothing(b);
	bench_pass(b, 2 * TIME_S);
	let_go(b, 2);
	assert_true(bench_up(b));
	bench_free(b);
}

/* It was lost before; the time that is left is what the target says now. */
static void
test_the_target_tells_of_a_loss_later(void **state)
{
	struct bench *b = bench_level2(2, "");

	bench_nodata(b, 0);
	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 1);
	bench_pass(b, TIME_S);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 6, 20);
	assert_true(bench_logged_behind(b, "conn 2: the target drops it",
					"conn 2 to 192.0.2.1:3260 is lost"));
	bench_pass(b, 5 * TIME_S - 1);
	bench_expect_nothing(b);
	bench_pass(b, 1);
	let_go(b, 2);
	bench_free(b);
}

/* What the target tells of the old connection does not mean the new one. */
static void
test_the_target_tells_of_a_loss_that_is_over(void **state)
{
	struct bench *b = bench_level2(2, "");

	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	bench_login(b, "");
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 0, 20);
	assert_int_equal(bench_connections(b), 2);
	bench_pass(b, 5 * TIME_S);
	bench_works_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 0, 20);
	assert_int_equal(bench_connections(b), 1);
	bench_free(b);
}

/* At once, when others may still be lost, too. */
static void
test_the_target_tells_of_a_loss_at_once(void **state)
{
	struct bench *b = bench_level2(3, "");

	cut(b, 1);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 0, 20);
	assert_true(bench_logged_behind(b, "conn 2: the target drops it",
					"conn 2 to 192.0.2.1:3260 is lost"));
	bench_free(b);
}

/* Both in one glance: that the target tells of it is told, too. */
static void
test_the_target_tells_of_a_loss_that_is_just_found(void **state)
{
	struct bench *b = bench_level2(2, "");

	bench_on(b, 1);
	bench_cut_unseen(b);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 0, 20);
	assert_int_equal(bench_told(b, "conn 2: the target drops it (async event 2"),
			 1);
	assert_true(bench_logged_behind(b, "conn 2: the target drops it",
					"conn 2 to 192.0.2.1:3260 is lost"));
	let_go(b, 2);			/* with this Time2Wait */
	bench_free(b);
}

/* Tasks for which the target does not wait are lost. shows: 7143-11.9.1-04 */
static void
test_the_target_drops_a_connection_and_its_tasks(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct command *cmd[2] = { bench_nodata(b, 0), bench_nodata(b, 0) };

	bench_expect(b, OP_SCSI_COMMAND);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2, 0, 0);
	bench_expect_nothing(b);	/* no TASK REASSIGN */
	bench_expect_down(b, LUN_ELOST, "Time2Retain 0 s");
	for (int i = 0; i < 2; i++)
		bench_done(b, cmd[i], LUN_ELOST);
	bench_free(b);
}

/* shows: 7143-7.7-01 */
static void
test_a_format_error_costs_the_session_at_level_2_too(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct command *w = bench_write(b, 0, 512 * 1024);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_r2t(b, got, 0, 1, 65536, 0);
	bench_expect_down(b, LUN_EPROTO, "it asks for no data");
	bench_done(b, w, LUN_EPROTO);
	bench_free(b);
}

/* shows: 7143-7.1.5-03 */
static void
test_a_target_at_level_0_is_served_at_level_0(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=2",
	});
	struct command *cmd;

	bench_login(b, "ErrorRecoveryLevel=0");
	cmd = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_cut(b);
	bench_expect_down(b, LUN_ELOST, "closed by the target");
	bench_done(b, cmd, LUN_ELOST);
	bench_free(b);
}

/* What is lost at one moment, or comes back, is one line. */
static void
test_the_log_folds_what_happens_at_one_moment(void **state)
{
	struct bench *b = bench_level2(3, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	assert_int_equal(bench_told(b, ": 2 connections are added"), 1);
	for (size_t line = 0; line < 3; line++)
		cut(b, line);
	assert_int_equal(bench_told(b, ": 3 connections are lost: "), 1);
	assert_int_equal(bench_told(b, "; 1 task waits for their recovery, 22 s "
				    "at most"), 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_login(b, "");
	bench_answer_tmf(b, expect_reassign(b, got), TMF_COMPLETE);
	bench_response(b, got, SCSI_GOOD);
	let_go(b, 2);
	let_go(b, 3);
	bench_done(b, cmd, 0);
	assert_int_equal(bench_told(b, ": 3 connections are recovered after 2.0 "
				    "s: 1 task is reassigned"), 1);
	bench_login(b, "");
	bench_login(b, "");
	assert_int_equal(bench_told(b, ": 2 connections are added"), 2);
	assert_int_equal(bench_told(b, " lost"), 1);
	assert_int_equal(bench_told(b, " recovered"), 1);
	assert_int_equal(bench_told(b, " added"), 2);
	bench_free(b);
}

/* So are attempts to be back; of these the first is told to everybody. */
static void
test_the_log_folds_attempts_of_one_moment(void **state)
{
	struct bench *b = bench_level2(3, "");

	for (size_t line = 0; line < 3; line++)
		cut(b, line);
	for (unsigned round = 0; round < 3; round++) {
		bench_pass(b, round == 0 ? TIME2WAIT * TIME_S : TIME_S << (round - 1));
		for (int i = 0; i < 3; i++)
			cut(b, bench_expect(b, OP_LOGIN_REQUEST)->line);
		assert_int_equal(bench_said(b, " back: "), round + 1);
		assert_int_equal(bench_said(b, ": 3 connections are not back: "
					    "192.0.2.1:3260: closed"), round + 1);
		assert_int_equal(bench_told(b, " back: "), 1);
	}
	assert_int_equal(bench_told(b, "; they are tried again, for 20 s at most"),
			 1);
	bench_free(b);
}

/* And what happens to one is said of that one: of its tasks if it has some. */
static void
test_the_log_names_a_connection_that_is_lost_alone(void **state)
{
	struct bench *b = bench_level2(3, "");

	cut(b, 1);
	assert_int_equal(bench_told(b, " lost"), 0);	/* others may follow */
	bench_pass(b, TIME2WAIT * TIME_S);
	assert_int_equal(bench_told(b, ": conn 2 to "), 1);
	assert_int_equal(bench_told(b, " lost: "), 1);
	assert_int_equal(bench_told(b, " wait"), 0);
	let_go(b, 2);
	assert_int_equal(bench_told(b, " is recovered after 2.0 s"), 1);
	assert_int_equal(bench_told(b, " task"), 0);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 9, 0, 20);
	assert_int_equal(bench_told(b, ": ignored: the target drops conn 9 "), 1);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_session_is_not_there_any_more),
		cmocka_unit_test(test_its_portal_is_of_another_group),
		cmocka_unit_test(test_the_time_is_over),
		cmocka_unit_test(test_the_time_is_over_while_it_connects),
		cmocka_unit_test(test_nobody_waits_that_long),
		cmocka_unit_test(test_a_connection_that_is_lost_again_and_again),
		cmocka_unit_test(test_a_command_that_has_waited_before),
		cmocka_unit_test(test_closing_does_not_wait_for_a_connection),
		cmocka_unit_test(test_after_time2retain_the_session_is_made_again),
		cmocka_unit_test(test_the_target_drops_all_in_the_middle),
		cmocka_unit_test(test_the_target_drops_a_connection),
		cmocka_unit_test(test_the_target_tells_of_a_loss_later),
		cmocka_unit_test(test_the_target_tells_of_a_loss_at_once),
		cmocka_unit_test(test_the_target_tells_of_a_loss_that_is_over),
		cmocka_unit_test(test_the_target_tells_of_a_loss_that_is_just_found),
		cmocka_unit_test(test_a_long_wait_is_no_wait_for_the_others),
		cmocka_unit_test(test_the_target_drops_a_connection_and_its_tasks),
		cmocka_unit_test(test_a_format_error_costs_the_session_at_level_2_too),
		cmocka_unit_test(test_a_target_at_level_0_is_served_at_level_0),
		cmocka_unit_test(test_the_log_folds_what_happens_at_one_moment),
		cmocka_unit_test(test_the_log_folds_attempts_of_one_moment),
		cmocka_unit_test(
			test_the_log_names_a_connection_that_is_lost_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
