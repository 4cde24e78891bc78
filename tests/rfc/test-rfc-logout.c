/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logouts: RFC 7143 11.14, 11.15, 8.1.2. */
#include "rfc/bench.h"

static void
stop(struct bench *b)
{
	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
}

static void
answer(struct bench *b, const struct got *got, uint8_t response)
{
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	pdu.response = response;
	pdu.time2wait = 600;
	bench_send(b, &pdu, NULL, 0);
}

/* shows: 7143-11.14.2-01 7143-4.2.6-01 7143-11.14-02 7143-8.1.2-05 */
static void
test_goodbye(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, cmd, 0);
	stop(b);
	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
	assert_int_equal(got->pdu.reason, LOGOUT_SESSION);
	assert_true(got->pdu.final && got->pdu.immediate);
	assert_int_equal(got->pdu.cid, 0);
	assert_int_equal(got->pdu.total_ahs_length, 0);
	assert_int_equal(got->pdu.data_segment_length, 0);
	assert_int_equal(got->pdu.cmd_sn, 101);
	assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
	assert_false(bench_closed(b));		/* not before the response */
	bench_pass(b, TIME_S);
	assert_false(bench_closed(b));
	answer(b, got, LOGOUT_DONE);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);
}

/* The session itself never uses the others, but a connection can.
 * shows: 7143-11.14.1-01 7143-11.14.3-01 7143-6.3.5-03 */
static void
test_all_reasons(void **state)
{
	for (int reason = LOGOUT_SESSION; reason <= LOGOUT_RECOVERY; reason++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		conn_logout(bench_conn(b), (enum logout_reason)reason,
			    bench_now(b));
		bench_run(b);
		struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
		assert_int_equal(got->pdu.reason, reason);
		assert_int_equal(got->pdu.cid, reason == LOGOUT_SESSION ? 0 : 1);
		answer(b, got, LOGOUT_DONE);
		bench_expect_down(b, LUN_ELOST, "");
		assert_string_equal(session_state_name(bench_session(b)), "FREE");
		bench_free(b);
	}
}

/* shows: 7143-11.14-01 */
static void
test_nothing_follows_a_logout(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = TIME_S, .command_timeout = 2 * TIME_S });

	bench_login(b, "");
	struct command *cmd = bench_write(b, 0, 1 << 20);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	while (bench_next(b))		/* unsolicited data */
		;
	/* its abort is due with the logout, which then comes first */
	struct command *none = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	stop(b);
	conn_logout(bench_conn(b), LOGOUT_SESSION, bench_now(b));
	bench_run(b);
	struct got *bye = bench_expect(b, OP_LOGOUT_REQUEST);
	bench_r2t(b, got, 0, 1, 262144, 4096);
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);
	nop.target_transfer_tag = 5;
	bench_send(b, &nop, NULL, 0);
	struct pdu async = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);
	async.async_event = ASYNC_NEGOTIATE;
	async.parameter3 = 3;
	bench_send(b, &async, NULL, 0);
	struct command *late = bench_nodata(b, 0);
	session_nexus(bench_session(b))->ops->cancel(
	    session_nexus(bench_session(b)), none);
	bench_pass(b, TIME_S + TIME_S / 2);
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_BUSY);	/* what ends by itself, does */
	bench_done(b, cmd, 0);
	answer(b, bye, LOGOUT_DONE);
	bench_done(b, none, LUN_ELOST);
	bench_done(b, late, LUN_ECANCELED);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);
}

static void
count_text(struct text_exchange *x, int code, const struct lun_error *err,
	   const char *text, size_t len)
{
	*(int *)x->user = code;
}

/* shows: 7143-11.14-01 */
static void
test_no_text_follows_a_logout(void **state)
{
	int code = 1;
	struct text_exchange x = {
		.request = "SendTargets=All", .request_len = 16,
		.answer_max = 4096, .done = count_text, .user = &code,
	};
	struct bench *b = bench_new(&(struct bench_setup){ .discovery = true });

	bench_login(b, "");
	assert_int_equal(session_text(bench_session(b), &x, bench_now(b)), 0);
	bench_run(b);
	struct got *got = bench_expect(b, OP_TEXT_REQUEST);
	stop(b);
	bench_expect_nothing(b);		/* it waits for the answer */
	conn_logout(bench_conn(b), LOGOUT_SESSION, bench_now(b));
	bench_run(b);
	struct got *bye = bench_expect(b, OP_LOGOUT_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_TEXT_RESPONSE, got);
	pdu.final = false;
	pdu.target_transfer_tag = 7;
	bench_send(b, &pdu, "TargetName=iqn.2026-11.test:a", 30);
	bench_expect_nothing(b);
	assert_int_equal(code, LUN_ECANCELED);
	answer(b, bye, LOGOUT_DONE);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);
}

/* shows: 7143-11.15.1-01 7143-8.1.2-05 7143-11.14.5-01 7143-11-04 */
static void
test_a_logout_that_fails(void **state)
{
	static const struct {
		uint8_t response;
		int code;
		const char *text;
	} rows[] = {
		{ LOGOUT_NO_CID, LUN_EREFUSED, "CID not found" },
		{ LOGOUT_NO_RECOVERY, LUN_EREFUSED, "recovery" },
		{ LOGOUT_CLEANUP_FAILED, LUN_EREFUSED, "cleanup" },
		{ 9, LUN_EPROTO, "reserved value 9" },
		{ 255, LUN_EPROTO, "reserved" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		stop(b);
		answer(b, bench_expect(b, OP_LOGOUT_REQUEST), rows[i].response);
		bench_expect_nothing(b);
		bench_expect_down(b, rows[i].code, rows[i].text);
		bench_free(b);
	}
}

/* shows: 7143-8.1.2-05 7143-11.14.5-01 */
static void
test_silence_and_loss(void **state)
{
	for (int cut = 0; cut <= 1; cut++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		bench_expect(b, OP_SCSI_COMMAND);
		stop(b);
		bench_pending(b, cmd);		/* it may still end */
		bench_expect_nothing(b);
		bench_pass(b, 30 * TIME_S);	/* the command timeout */
		bench_expect(b, OP_LOGOUT_REQUEST);
		if (cut)
			bench_cut(b);
		else
			bench_pass(b, 6 * TIME_S);
		bench_expect_down(b, cut ? LUN_ELOST : LUN_ETIMEDOUT,
				  cut ? "closed" : "logout");
		bench_done(b, cmd, cut ? LUN_ELOST : LUN_ETIMEDOUT);
		bench_free(b);
	}
}

static void
test_a_response_to_nothing(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, NULL);
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "LOGGED_IN");
	bench_free(b);

	b = bench_new(NULL);		/* to another request */
	bench_login(b, "");
	stop(b);
	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
	pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);
	pdu.initiator_task_tag++;
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "unknown request");
	bench_free(b);
}

/* The answer on one connection ends all: those that are up, and one that is
 * being added, as far as it has come.
 * shows: 7143-8.1.2-03 */
static void
test_the_others_go_too(void **state)
{
	enum { UP, SILENT, IN_MID_LOGIN, ALL };

	for (int third = 0; third < ALL; third++) {
		struct bench *b = bench_many(3);

		bench_login(b, "");
		bench_login(b, "");
		if (third == UP)
			bench_login(b, "");
		else if (third == SILENT)
			bench_expect(b, OP_LOGIN_REQUEST);
		else if (third == IN_MID_LOGIN)
			bench_login_security(b, "AuthMethod=None "
					     "TargetPortalGroupTag=1");
		while (bench_next(b))
			;
		stop(b);

		struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);

		assert_int_equal(got->pdu.reason, LOGOUT_SESSION);
		answer(b, got, LOGOUT_DONE);
		bench_expect_nothing(b);
		bench_expect_down(b, LUN_ECANCELED, "closed");
		assert_int_equal(bench_connections(b), 0);
		bench_pass(b, 60 * TIME_S);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* After a stop what was submitted before it still ends well. */
static void
test_stop_waits_for_what_is_under_way(void **state)
{
	struct bench *b = bench_new(NULL);

	*bench_window(b) = 1;
	bench_login(b, "");
	struct command *one = bench_nodata(b, 0), *two = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	stop(b);
	struct command *late = bench_nodata(b, 0);
	bench_done(b, late, LUN_ECANCELED);
	bench_expect_nothing(b);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, one, 0);
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, two, 0);
	answer(b, bench_expect(b, OP_LOGOUT_REQUEST), LOGOUT_DONE);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_all_reasons),
		cmocka_unit_test(test_nothing_follows_a_logout),
		cmocka_unit_test(test_no_text_follows_a_logout),
		cmocka_unit_test(test_a_logout_that_fails),
		cmocka_unit_test(test_silence_and_loss),
		cmocka_unit_test(test_a_response_to_nothing),
		cmocka_unit_test(test_the_others_go_too),
		cmocka_unit_test(test_stop_waits_for_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
