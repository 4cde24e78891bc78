/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection recovery that does not go well: it is tried again as long as the
 * target waits, and falls down to session recovery in the end. RFC 7143 7.1.4,
 * 7.2.2, 7.14, 8.2, 11.15.
 */
#include "rfc/erl2.h"

/* ---------------------------------------------------- logout responses -- */

static void
test_the_target_does_not_know_the_connection(void **state)
{
	struct loss l = new_loss();
	struct got *logout = bench_expect(l.b, OP_LOGOUT_REQUEST);

	answer_logout(l.b, logout, LOGOUT_NO_CID, 0, 0);
	expect_session_lost(&l, "Logout Response 1");
}

/* It has not failed: the session has, and the next one gets it. */
static void
test_a_command_that_waits_for_any_connection(void **state)
{
	struct bench *b = bench_level2_hasty(1, 5 * TIME_S);

	cut(b, 0);

	struct command *cmd = bench_nodata(b, 0);

	bench_pass(b, 6 * TIME_S);
	bench_expect_down(b, LUN_ELOST, "no connection was recovered");
	bench_done(b, cmd, LUN_ELOST);
	assert_int_equal(counters(b).unsent_timeouts, 0);
	assert_int_equal(counters(b).conns.task_timeouts, 0);
	bench_free(b);
}

/* Without tasks on it there is nothing to lose: a new one takes its place. */
static void
test_an_idle_connection_that_is_not_known_is_added_anew(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct got *got;

	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	got = bench_expect(b, OP_LOGOUT_REQUEST);
	answer_logout(b, got, LOGOUT_NO_CID, 0, 0);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

static void
test_the_target_does_not_recover_connections(void **state)
{
	struct loss l = new_loss();
	struct got *logout = bench_expect(l.b, OP_LOGOUT_REQUEST);

	answer_logout(l.b, logout, LOGOUT_NO_RECOVERY, 0, 0);
	expect_session_lost(&l, "Logout Response 2");
}

/* shows: 7143-11.15.3-01 7143-8.2.2-02 */
static void
test_a_cleanup_that_failed_is_tried_again_when_the_target_allows(void **state)
{
	struct loss l = new_loss();
	struct bench *b = l.b;
	struct got *logout = bench_expect(b, OP_LOGOUT_REQUEST);

	answer_logout(b, logout, LOGOUT_CLEANUP_FAILED, 4, 30);
	bench_pass(b, 4 * TIME_S - 1);
	bench_expect_nothing(b);
	bench_pass(b, 1);
	let_go(b, 2);
	bench_answer_tmf(b, expect_reassign(b, l.got), TMF_COMPLETE);
	assert_true(bench_up(b));
	bench_free(b);
}

/* shows: 7143-11.15.4-01 */
static void
test_the_tasks_are_gone_already(void **state)
{
	struct loss l = new_loss();
	struct got *logout = bench_expect(l.b, OP_LOGOUT_REQUEST);

	answer_logout(l.b, logout, LOGOUT_DONE, 1, 0);
	bench_expect_nothing(l.b);
	expect_session_lost(&l, "Time2Retain 0 s");
}

/* Reassignment waits as the Logout Response says. */
static void
test_tasks_move_when_the_target_allows(void **state)
{
	struct loss l = new_loss();
	struct got *logout = bench_expect(l.b, OP_LOGOUT_REQUEST);

	answer_logout(l.b, logout, LOGOUT_DONE, 3, TIME2RETAIN);
	bench_pass(l.b, 3 * TIME_S - 1);
	bench_expect_nothing(l.b);
	bench_pass(l.b, 1);
	expect_reassign(l.b, l.got);
	bench_free(l.b);
}

/* ---------------------------------------------------- TASK REASSIGN -- */

/* shows: 7143-7.2.2-05 */
static void
test_a_refused_reassignment_costs_the_session(void **state)
{
	static const uint8_t responses[] = {
		TMF_NO_TASK, TMF_NO_LUN, TMF_STILL_ALLEGIANT, TMF_NO_REASSIGN,
		TMF_NOT_SUPPORTED, TMF_NOT_AUTHORIZED, TMF_REJECTED,
		8,			/* reserved */
	};

	for (size_t i = 0; i < sizeof(responses); i++) {
		struct loss l = new_loss();

		let_go(l.b, 2);
		bench_answer_tmf(l.b, expect_reassign(l.b, l.got), responses[i]);
		expect_session_lost(&l, "TASK REASSIGN");
	}
}

static void
test_a_reassignment_that_is_rejected_costs_the_session(void **state)
{
	static const uint8_t reasons[] = {
		REJECT_SNACK, REJECT_PROTOCOL, REJECT_NOT_SUPPORTED,
		REJECT_INVALID_FIELD,
	};

	for (size_t i = 0; i < sizeof(reasons); i++) {
		struct loss l = new_loss();

		let_go(l.b, 2);
		bench_reject(l.b, expect_reassign(l.b, l.got), reasons[i]);
		expect_session_lost(&l, "TASK REASSIGN");
	}
}

/* Linux rejects it without the LUN, which is reserved there (11.5.3). */
static void
test_a_rejected_reassignment_is_tried_with_the_lun(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_nodata(b, UINT64_C(3) << 48);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *r;

	cut(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	bench_login(b, "");
	r = expect_reassign(b, got);
	assert_int_equal(r->pdu.lun, 0);
	bench_answer_tmf(b, r, TMF_REJECTED);
	r = expect_reassign(b, got);
	assert_int_equal(r->pdu.lun, UINT64_C(3) << 48);
	bench_answer_tmf(b, r, TMF_COMPLETE);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* The command's own time is over meanwhile: it is aborted where it is then. */
static void
test_a_command_is_cancelled_in_the_middle(void **state)
{
	struct loss l = new_loss();
	struct bench *b = l.b;
	struct nexus *nexus = session_nexus(bench_session(b));
	struct got *abort;

	nexus->ops->cancel(nexus, l.cmd);
	bench_run(b);
	bench_pending(b, l.cmd);
	let_go(b, 2);
	abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, l.cmd, LUN_ECANCELED);
	bench_free(b);
}

static void
test_a_command_is_cancelled_while_it_moves(void **state)
{
	struct loss l = new_loss();
	struct bench *b = l.b;
	struct nexus *nexus = session_nexus(bench_session(b));
	struct got *reassign, *abort;

	let_go(b, 2);
	reassign = expect_reassign(b, l.got);
	bench_expect(b, OP_LOGIN_REQUEST);
	nexus->ops->cancel(nexus, l.cmd);
	bench_run(b);
	bench_expect_nothing(b);	/* one at a time, 4.2.2.1 */
	bench_answer_tmf(b, reassign, TMF_COMPLETE);
	abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
	bench_answer_tmf(b, abort, TMF_COMPLETE);
	bench_done(b, l.cmd, LUN_ECANCELED);
	bench_free(b);
}

/* ------------------------------------------------ a second failure -- */

/* The one that asked for the logout is lost before it is answered. */
static void
test_the_carrier_of_the_logout_is_lost(void **state)
{
	struct loss l = new_loss();
	struct bench *b = l.b;
	struct got *got;

	bench_expect(b, OP_LOGOUT_REQUEST);
	cut(b, 0);
	assert_true(bench_up(b));
	bench_pass(b, TIME2WAIT * TIME_S);
	/* one comes back, and has the other one removed */
	got = bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	assert_int_equal(got->pdu.tsih, TSIH);
	bench_login(b, "");
	for (int i = 0; i < 4; i++) {
		got = bench_next(b);
		if (!got)
			break;
		if (got->pdu.opcode == OP_LOGOUT_REQUEST)
			answer_logout(b, got, LOGOUT_DONE, 0, TIME2RETAIN);
		else if (got->pdu.opcode == OP_TMF_REQUEST)
			bench_answer_tmf(b, got, TMF_COMPLETE);
	}
	assert_int_equal(counters(b).conns.recoveries, 2);
	assert_int_equal(counters(b).conns.tasks_reassigned, 2);
	assert_true(bench_up(b));
	bench_free(b);
}

/*
 * The logout is not answered, but its connection is well otherwise: a login with
 * the CID takes its place, long before Time2Retain is over. The answer may come
 * after that, or even meanwhile: it means nothing any more.
 */
static void
test_a_logout_without_an_answer(void **state)
{
	for (int meanwhile = 0; meanwhile < 2; meanwhile++) {
		struct loss l = new_loss();
		struct bench *b = l.b;
		struct got *logout = bench_expect(b, OP_LOGOUT_REQUEST), *got;

		bench_pass(b, 10 * TIME_S - 1);
		bench_expect_nothing(b);
		bench_pass(b, 1);
		assert_non_null(bench_logged(b, "conn 2: its removal was not "
					     "answered on conn 1 within 10 s"));
		got = bench_login_security(b, "AuthMethod=None "
					   "TargetPortalGroupTag=1");
		assert_int_equal(got->pdu.cid, 2);
		assert_int_equal(got->pdu.tsih, TSIH);
		if (meanwhile) {
			bench_on(b, 0);
			answer_logout(b, logout, LOGOUT_NO_RECOVERY, 0, 0);
			bench_on(b, 1);
		}
		bench_login(b, "");
		got = expect_reassign(b, l.got);
		bench_answer_tmf(b, got, TMF_COMPLETE);
		moved(l.got, got);
		if (!meanwhile)
			answer_logout(b, logout, LOGOUT_NO_RECOVERY, 0, 0);
		bench_response(b, l.got, SCSI_GOOD);
		bench_done(b, l.cmd, 0);
		assert_int_equal(bench_connections(b), 2);
		assert_int_equal(counters(b).conns.recoveries, 1);
		bench_free(b);
	}
}

/* Nor is the login: then the session is made again. */
static void
test_neither_a_logout_nor_a_login_is_answered(void **state)
{
	struct loss l = new_loss();

	bench_expect(l.b, OP_LOGOUT_REQUEST);
	bench_pass(l.b, 10 * TIME_S);
	bench_expect(l.b, OP_LOGIN_REQUEST);
	bench_pass(l.b, 10 * TIME_S - 1);
	assert_true(bench_up(l.b));
	bench_pass(l.b, 1);
	bench_expect_down(l.b, LUN_ETIMEDOUT, "conn 2 was not recovered within 22 s");
	bench_done(l.b, l.cmd, LUN_ETIMEDOUT);
	bench_free(l.b);
}

/* A third connection is lost while the logout of the second one is waited for
 * in vain: that is no reason not to go on with it. */
static void
test_a_logout_behind_one_without_an_answer(void **state)
{
	struct bench *b = bench_level2(3, "");
	struct got *got[3];

	for (size_t i = 0; i < 3; i++) {
		bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	bench_response(b, got[0], SCSI_GOOD);
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	assert_int_equal(bench_expect(b, OP_LOGOUT_REQUEST)->line, 0);
	cut(b, 2);
	bench_pass(b, 10 * TIME_S - 1);
	bench_expect_nothing(b);
	bench_pass(b, 1);
	bench_login(b, "");
	bench_answer_tmf(b, expect_reassign(b, got[1]), TMF_COMPLETE);
	let_go(b, 3);
	bench_answer_tmf(b, expect_reassign(b, got[2]), TMF_COMPLETE);
	assert_int_equal(counters(b).conns.recoveries, 2);
	bench_free(b);
}

/* One that does not answer pings may be lost, too. */
static void
test_the_logout_goes_where_pings_are_answered(void **state)
{
	struct bench *b = bench_level2(3, "");
	struct got *got[3], *logout;

	for (size_t i = 0; i < 3; i++) {
		bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	bench_response(b, got[2], SCSI_GOOD);
	bench_pass(b, 5 * TIME_S);	/* the others are pinged */
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	logout = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(logout->line, 2);
	cut(b, 2);			/* there is no other one */
	bench_pass(b, TIME2WAIT * TIME_S);
	assert_int_equal(bench_expect(b, OP_LOGOUT_REQUEST)->line, 0);
	bench_free(b);
}

/* It was done, but the answer was lost: that it is not known then is good. */
static void
test_the_answer_to_the_logout_is_lost(void **state)
{
	struct bench *b = bench_level2(3, "");
	struct command *cmd[3];
	struct got *got[3], *logout;

	for (size_t i = 0; i < 3; i++) {
		cmd[i] = bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	bench_response(b, got[0], SCSI_GOOD);
	bench_response(b, got[2], SCSI_GOOD);
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	logout = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(logout->line, 0);
	cut(b, 0);
	logout = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(logout->line, 2);
	assert_int_equal(logout->pdu.cid, 2);
	answer_logout(b, logout, LOGOUT_NO_CID, 0, 0);
	bench_answer_tmf(b, expect_reassign(b, got[1]), TMF_COMPLETE);
	got[1]->line = 2;
	bench_response(b, got[1], SCSI_GOOD);
	bench_done(b, cmd[1], 0);
	bench_free(b);
}

/* The one to which the task moved is lost, too: it moves on. */
static void
test_the_new_connection_is_lost_while_the_task_moves(void **state)
{
	struct bench *b = bench_level2(3, "");
	struct command *cmd[3];
	struct got *got[3], *r;

	for (size_t i = 0; i < 3; i++) {
		cmd[i] = bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, i);
	}
	bench_response(b, got[0], SCSI_GOOD);	/* line 0 is idle */
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 2);
	r = expect_reassign(b, got[1]);
	bench_expect(b, OP_LOGIN_REQUEST);
	assert_int_equal(r->line, 0);
	cut(b, 0);				/* not answered */
	bench_pass(b, TIME2WAIT * TIME_S);
	let_go(b, 1);
	r = expect_reassign(b, got[1]);
	assert_int_equal(r->line, 2);
	bench_answer_tmf(b, r, TMF_COMPLETE);
	moved(got[1], r);
	bench_response(b, got[1], SCSI_GOOD);
	bench_done(b, cmd[1], 0);
	bench_response(b, got[2], SCSI_GOOD);
	bench_done(b, cmd[2], 0);
	bench_free(b);
}

static void
login_refused_once(uint8_t status_class, uint8_t status_detail)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *login;
	struct pdu pdu;

	cut(b, 0);
	bench_pass(b, TIME2WAIT * TIME_S);
	login = bench_expect(b, OP_LOGIN_REQUEST);
	pdu = bench_login_pdu(b, login);
	pdu.status_class = status_class;
	pdu.status_detail = status_detail;
	bench_send(b, &pdu, NULL, 0);
	bench_pass(b, TIME_S);
	bench_login(b, "");
	bench_answer_tmf(b, expect_reassign(b, got), TMF_COMPLETE);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/*
 * Service unavailable; or too many connections, as Linux says of the only one
 * while it does not know that the old one is lost.
 *
 * shows: 7143-8.2.2-02
 */
static void
test_a_login_that_is_refused_for_now_is_made_again(void **state)
{
	login_refused_once(3, 1);
	login_refused_once(2, 6);
}

/*
 * The login that was refused has logged the old connection out, as Linux does
 * then; so another connection that asks for that hears that it is not known.
 */
static void
test_a_login_that_is_refused_has_logged_out(void **state)
{
	struct bench *b = bench_level2(2, "");
	struct got *got[2], *login, *logout, *r;
	struct pdu pdu;

	for (size_t i = 0; i < 2; i++) {
		bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	cut(b, 0);
	cut(b, 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	login = bench_expect(b, OP_LOGIN_REQUEST);
	assert_int_equal(login->pdu.cid, 1);
	pdu = bench_login_pdu(b, login);
	pdu.status_class = 2;
	pdu.status_detail = 6;
	bench_send(b, &pdu, NULL, 0);
	login = bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	assert_int_equal(login->pdu.cid, 2);
	bench_login(b, "");
	bench_answer_tmf(b, expect_reassign(b, got[1]), TMF_COMPLETE);
	bench_pass(b, TIME_S);
	logout = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(logout->pdu.cid, 1);
	answer_logout(b, logout, LOGOUT_NO_CID, 0, 0);
	r = expect_reassign(b, got[0]);
	assert_int_equal(r->line, login->line);
	assert_true(bench_up(b));
	bench_free(b);
}

/* One line says why and for how long it is waited, one that it is not back; then
 * it is quiet, and not hammered. */
static void
test_a_target_that_stays_away(void **state)
{
	static const int pauses[] = { 1, 2, 4, 4, 4 };
	struct bench *b = bench_level2(1, "");
	unsigned n = bench_connects(b);

	bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	cut(b, 0);
	assert_int_equal(bench_told(b, "1 task waits for its recovery, 22 s at "
				    "most"), 1);
	bench_pass(b, TIME2WAIT * TIME_S);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		assert_int_equal(bench_connects(b), ++n);
		cut(b, bench_expect(b, OP_LOGIN_REQUEST)->line);
		bench_pass(b, pauses[i] * TIME_S - 1);
		assert_int_equal(bench_connects(b), n);
		bench_pass(b, 1);
	}
	assert_int_equal(bench_told(b, "conn 1 is not back"), 1);
	assert_int_equal(bench_told(b, "conn 1 "), 2);
	bench_free(b);
}

/* Nothing is left to be recovered by then. */
static void
test_a_refusal_and_the_end_of_its_connection_at_once(void **state)
{
	for (int damage = 0; damage < 2; damage++) {
		struct loss l = new_loss();
		uint8_t bytes[2 * BHS_LEN] = { 0 };
		struct got *r;

		let_go(l.b, 2);
		r = expect_reassign(l.b, l.got);

		struct pdu pdu = bench_pdu(l.b, OP_TMF_RESPONSE, r);

		pdu.response = TMF_NO_TASK;
		pdu_encode(&pdu, bytes);
		/* no opcode of a target: costs the connection */
		bytes[BHS_LEN] = damage ? 0x3f : OP_SCSI_COMMAND;
		bench_send_raw(l.b, bytes, sizeof(bytes));
		expect_session_lost(&l, "was refused");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_target_does_not_know_the_connection),
		cmocka_unit_test(test_a_command_that_waits_for_any_connection),
		cmocka_unit_test(test_an_idle_connection_that_is_not_known_is_added_anew),
		cmocka_unit_test(test_the_target_does_not_recover_connections),
		cmocka_unit_test(test_a_cleanup_that_failed_is_tried_again_when_the_target_allows),
		cmocka_unit_test(test_the_tasks_are_gone_already),
		cmocka_unit_test(test_tasks_move_when_the_target_allows),
		cmocka_unit_test(test_a_refused_reassignment_costs_the_session),
		cmocka_unit_test(test_a_reassignment_that_is_rejected_costs_the_session),
		cmocka_unit_test(test_a_rejected_reassignment_is_tried_with_the_lun),
		cmocka_unit_test(test_a_command_is_cancelled_in_the_middle),
		cmocka_unit_test(test_a_command_is_cancelled_while_it_moves),
		cmocka_unit_test(test_the_carrier_of_the_logout_is_lost),
		cmocka_unit_test(test_a_logout_without_an_answer),
		cmocka_unit_test(test_neither_a_logout_nor_a_login_is_answered),
		cmocka_unit_test(test_a_logout_behind_one_without_an_answer),
		cmocka_unit_test(test_the_logout_goes_where_pings_are_answered),
		cmocka_unit_test(test_the_answer_to_the_logout_is_lost),
		cmocka_unit_test(test_the_new_connection_is_lost_while_the_task_moves),
		cmocka_unit_test(test_a_login_that_is_refused_for_now_is_made_again),
		cmocka_unit_test(test_a_login_that_is_refused_has_logged_out),
		cmocka_unit_test(test_a_target_that_stays_away),
		cmocka_unit_test(test_a_refusal_and_the_end_of_its_connection_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
