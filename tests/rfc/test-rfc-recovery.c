/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session recovery: RFC 7143 6.3.5, 7.1.4.4, and how long it waits (13.15). */
#include "rfc/bench.h"

static struct bench *
new_bench(const char *keys)
{
	struct bench *b = bench_new(&(struct bench_setup){ .recovers = true });

	bench_login(b, keys);
	return b;
}

/* As bench_login(), with two answers; the first request is the result. */
static struct got *
login(struct bench *b)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg, true,
			   "AuthMethod=None TargetPortalGroupTag=1");
	bench_login(b, "");
	return got;
}

/*
 * The command under way ends with the cause, and what is submitted meanwhile
 * too; the new session is the old one reinstated, and works.
 * shows: 7143-6.3.5-01
 */
static void
test_reinstatement(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){ .recovers = true });
	struct got *first, *again;
	struct recovery_status st;

	bench_start(b);
	first = login(b);

	struct command *old = bench_read(b, 0, 512);

	bench_expect(b, OP_SCSI_COMMAND);
	bench_cut(b);
	bench_done(b, old, LUN_ELOST);
	assert_false(bench_up(b));
	bench_done(b, bench_nodata(b, 0), LUN_ELOST);
	bench_pass(b, 0);			/* the target allows it at once */
	assert_int_equal(bench_connects(b), 2);

	again = login(b);
	assert_int_equal(first->pdu.tsih, 0);
	assert_int_equal(again->pdu.tsih, 0);
	assert_memory_equal(again->pdu.isid, first->pdu.isid, ISID_LEN);
	assert_string_equal(got_key(again, "InitiatorName"),
			    got_key(first, "InitiatorName"));
	assert_string_equal(got_key(again, "TargetName"),
			    got_key(first, "TargetName"));
	assert_string_equal(got_key(again, "SessionType"), "Normal");

	struct command *cmd = bench_nodata(b, 0);

	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_expect_nothing(b);
	/* what its connection counts is not forgotten with it */
	recovery_status(bench_recovery(b), &st);
	assert_int_equal(st.counters.by_cid[0].commands, 2);
	assert_int_equal(st.counters.conns.commands, 2);
	bench_free(b);
}

/* Whatever the target wants to be left alone for, it is.
 * shows: 7143-13.15-01 7143-7.5.1-01 7143-7.5-01 */
static void
test_time2wait(void **state)
{
	static const struct {
		const char *answer;
		lun_time wait;
	} cases[] = {
		{ "DefaultTime2Wait=0", 0 },
		{ "DefaultTime2Wait=1", 1 * TIME_S },
		{ "DefaultTime2Wait=3 DefaultTime2Retain=10", 3 * TIME_S },
		{ "DefaultTime2Wait=3 DefaultTime2Retain=0", 3 * TIME_S },
		{ "DefaultTime2Wait=5", 5 * TIME_S },
		{ "DefaultTime2Wait=3600", 3600 * TIME_S },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = new_bench(cases[i].answer);

		bench_cut(b);
		if (cases[i].wait > 0)
			bench_pass(b, cases[i].wait - 1);
		assert_int_equal(bench_connects(b), 1);
		bench_pass(b, cases[i].wait > 0);
		assert_int_equal(bench_connects(b), 2);
		bench_login(b, "");
		bench_free(b);
	}
}

static void
cut(struct bench *b)
{
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_cut(b);
}

static void
answer_logout(struct bench *b, uint8_t response, uint16_t time2wait)
{
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE,
				   bench_expect(b, OP_LOGOUT_REQUEST));

	pdu.response = response;
	pdu.time2wait = time2wait;
	bench_send(b, &pdu, NULL, 0);
}

static void
send_event(struct bench *b, uint8_t event, uint16_t p1, uint16_t p2, uint16_t p3)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = event;
	pdu.parameter1 = p1;
	pdu.parameter2 = p2;
	pdu.parameter3 = p3;
	bench_send(b, &pdu, NULL, 0);
}

/* The next attempt comes after exactly this time. */
static void
expect_attempt_after(struct bench *b, lun_time wait)
{
	unsigned n = bench_connects(b);

	if (wait > 0)
		bench_pass(b, wait - 1);
	assert_int_equal(bench_connects(b), n);
	bench_pass(b, wait > 0);
	assert_int_equal(bench_connects(b), n + 1);
}

/*
 * What the target says when it drops us counts instead of what was agreed,
 * whether it is more or less; the commands are over.
 * shows: 7143-7.5.2-01 7143-11.9.1-04 7143-11.9.1-05
 */
static void
test_time2wait_of_a_drop(void **state)
{
	static const uint16_t waits[] = { 0, 1, 2, 6, 65535 };

	for (size_t i = 0; i < 2 * sizeof(waits) / sizeof(waits[0]); i++) {
		struct bench *b = new_bench("DefaultTime2Wait=2");
		struct command *cmd = bench_write(b, 0, 512);

		bench_expect(b, OP_SCSI_COMMAND);
		send_event(b, i & 1 ? ASYNC_SESSION_DROP : ASYNC_CONNECTION_DROP,
			   i & 1 ? 0 : 1, waits[i / 2], 0);
		assert_true(bench_closed(b));
		bench_done(b, cmd, LUN_ELOST);
		expect_attempt_after(b, waits[i / 2] * TIME_S);
		bench_login(b, "");
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/*
 * That of a Logout Response concerns a reassignment, which there is not here;
 * but if the logout failed, the next one, and the new login implies one.
 * shows: 7143-11.15.3-01
 */
static void
test_time2wait_of_a_logout(void **state)
{
	static const struct {
		uint8_t response;
		lun_time wait;
	} cases[] = {
		{ LOGOUT_DONE, 3 * TIME_S },
		{ LOGOUT_NO_CID, 3 * TIME_S },
		{ LOGOUT_NO_RECOVERY, 600 * TIME_S },
		{ LOGOUT_CLEANUP_FAILED, 600 * TIME_S },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = new_bench("DefaultTime2Wait=3");

		send_event(b, ASYNC_LOGOUT, 0, 0, 5);
		answer_logout(b, cases[i].response, 600);
		assert_true(bench_closed(b));
		expect_attempt_after(b, cases[i].wait);
		bench_login(b, "");
		bench_free(b);
	}
}

/* -------------------------------------------------- whatever goes wrong -- */

static void
fail_by_cut(struct bench *b)
{
	bench_cut(b);
}

static void
fail_by_silence(struct bench *b)
{
	bench_pass(b, 15 * TIME_S);
	bench_expect(b, OP_NOP_OUT);
}

static void
fail_by_protocol(struct bench *b)
{
	struct pdu pdu = bench_pdu(b, OP_LOGIN_RESPONSE, NULL);

	bench_send(b, &pdu, NULL, 0);
}

static void
fail_by_header_digest(struct bench *b)
{
	struct pdu pdu = bench_pdu(b, OP_NOP_IN, NULL);

	bench_send_damaged(b, &pdu, NULL, 0, DAMAGE_HEADER);
}

static void
fail_by_logout(struct bench *b)
{
	send_event(b, ASYNC_LOGOUT, 0, 0, 0);
	answer_logout(b, LOGOUT_DONE, 0);
}

/*
 * Each failure of a connection at level 0 leads to a session that is made
 * again; also if we would have liked another level.
 * shows: 7143-7.14-02 7143-7.1.5-03 7143-7.14-01
 */
static void
test_each_failure_is_recovered_from(void **state)
{
	static void (*const failures[])(struct bench *b) = {
		fail_by_cut, fail_by_silence, fail_by_protocol,
		fail_by_header_digest, fail_by_logout,
	};

	for (size_t i = 0; i < 2 * sizeof(failures) / sizeof(failures[0]); i++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.recovers = true, .nop_interval = 10 * TIME_S,
			.keys = i & 1 ?
			    "HeaderDigest=CRC32C ErrorRecoveryLevel=2" :
			    "HeaderDigest=CRC32C",
		});
		struct got *got;

		bench_login(b, "HeaderDigest=CRC32C ErrorRecoveryLevel=0");
		assert_int_equal(session_params(bench_session(b))
				 ->ErrorRecoveryLevel, 0);
		failures[i / 2](b);
		assert_int_equal(bench_losses(b), 1);
		bench_pass(b, 2 * TIME_S);
		got = login(b);
		assert_int_equal(got->pdu.tsih, 0);
		assert_int_equal(bench_connects(b), 2);
		assert_int_equal(bench_ups(b), 2);
		bench_free(b);
	}
}

/*
 * Those above hear once that the nexus is lost: when the session is, whatever
 * becomes of it; and when it is closed. And once that it is made again.
 * shows: 7143-6.3.5.1-01
 */
static void
test_each_loss_is_told_once(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.recovers = true, .nop_interval = 10 * TIME_S,
	});

	bench_login(b, "DefaultTime2Wait=0");
	for (unsigned n = 1; n < 4; n++) {
		if (n & 1)
			bench_cut(b);
		else			/* it times out */
			fail_by_silence(b);
		assert_int_equal(bench_losses(b), n);
		for (int i = 0; i < 5; i++) {
			while (bench_closed(b))
				bench_pass(b, TIME_S / 8);
			cut(b);
		}
		while (bench_closed(b))
			bench_pass(b, TIME_S / 8);
		assert_int_equal(bench_losses(b), n);
		assert_int_equal(bench_ups(b), n);
		bench_login(b, "DefaultTime2Wait=0");
		assert_int_equal(bench_ups(b), n + 1);
	}
	recovery_stop(bench_recovery(b));
	bench_run(b);
	answer_logout(b, LOGOUT_DONE, 0);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_pass(b, 3600 * TIME_S);
	assert_int_equal(bench_losses(b), 3);
	assert_int_equal(bench_ups(b), 4);
	bench_free(b);
}

/*
 * What came on the old connection is nothing to the new one.
 * shows: 7143-4.2.6-02
 */
static void
test_the_old_connection_is_forgotten(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=0");
	uint8_t half[BHS_LEN / 2] = { 0x21, 0x80 };
	struct command *old = bench_nodata(b, 0), *cmd;
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_send_raw(b, half, sizeof(half));
	bench_pending(b, old);
	bench_cut(b);
	bench_done(b, old, LUN_ELOST);
	assert_true(bench_closed(b));
	bench_pass(b, 0);
	bench_login(b, "");
	cmd = bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_pending(b, cmd);
	bench_response(b, got, SCSI_BUSY);
	bench_done(b, cmd, 0);
	assert_int_equal(cmd->status, SCSI_BUSY);

	/* and what follows a failure in the same bytes is not looked at */
	cmd = bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);

	uint8_t both[2 * BHS_LEN] = { 0x3f };
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

	pdu_encode(&pdu, both + BHS_LEN);
	bench_send_raw(b, both, sizeof(both));
	bench_done(b, cmd, LUN_EPROTO);
	bench_free(b);
}

/* ------------------------------------------------- trouble on the way -- */

static void
redirect(struct bench *b, const char *address)
{
	struct pdu pdu = bench_login_pdu(b, bench_expect(b, OP_LOGIN_REQUEST));

	pdu.status_class = 1;
	pdu.status_detail = 1;
	bench_send(b, &pdu, address, strlen(address) + 1);
}

/* A login is sent elsewhere: that is where the session is reinstated; when it
 * is lost again, the way begins where it did. */
static void
test_redirected_on_the_way(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){ .recovers = true });
	struct got *first, *again;

	bench_start(b);
	first = login(b);
	bench_cut(b);
	bench_pass(b, 2 * TIME_S);
	redirect(b, "TargetAddress=192.0.2.7");
	assert_string_equal(bench_portal(b)->host, "192.0.2.7");
	again = login(b);
	assert_int_equal(again->pdu.tsih, 0);
	assert_memory_equal(again->pdu.isid, first->pdu.isid, ISID_LEN);

	bench_cut(b);
	bench_pass(b, 4 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.1");
	redirect(b, "TargetAddress=192.0.2.8");
	cut(b);
	bench_pass(b, 8 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.1");
	redirect(b, "TargetAddress=192.0.2.8");
	login(b);
	bench_free(b);
}

/*
 * The recovery fails too, at each point at which it can, and is made again.
 * The old session's commands were over before, and what came on its connection
 * meets none of the new one.
 * shows: 7143-7.1.4.4-02 7143-6.3.5-02
 */
static void
test_a_second_failure(void **state)
{
	for (int point = 0; point < 5; point++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.recovers = true,
		});
		struct command *old;
		struct got *got;

		bench_start(b);
		login(b);
		old = bench_read(b, 0, 512);
		bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(bench_connects(b), 1);
		bench_cut(b);
		assert_true(bench_closed(b));
		bench_done(b, old, LUN_ELOST);
		bench_pass(b, 2 * TIME_S);
		assert_int_equal(bench_connects(b), 2);

		switch (point) {
		case 0:				/* at once */
			bench_expect(b, OP_LOGIN_REQUEST);
			break;
		case 1:				/* in mid-login */
			got = bench_expect(b, OP_LOGIN_REQUEST);
			bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg,
					   true, "AuthMethod=None");
			bench_expect(b, OP_LOGIN_REQUEST);
			break;
		case 2:				/* as soon as it is up */
			login(b);
			break;
		case 3:				/* with a command out */
			login(b);
			old = bench_read(b, 0, 512);
			bench_expect(b, OP_SCSI_COMMAND);
			break;
		case 4:				/* it says nothing */
			bench_expect(b, OP_LOGIN_REQUEST);
			bench_pass(b, 13 * TIME_S);
			break;
		}
		bench_cut(b);
		bench_done(b, old, LUN_ELOST);
		bench_pass(b, 4 * TIME_S);
		assert_int_equal(bench_connects(b), 3);
		got = login(b);
		assert_int_equal(got->pdu.tsih, 0);

		struct command *cmd = bench_nodata(b, 0);

		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		bench_done(b, cmd, 0);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reinstatement),
		cmocka_unit_test(test_time2wait),
		cmocka_unit_test(test_time2wait_of_a_drop),
		cmocka_unit_test(test_time2wait_of_a_logout),
		cmocka_unit_test(test_each_failure_is_recovered_from),
		cmocka_unit_test(test_each_loss_is_told_once),
		cmocka_unit_test(test_the_old_connection_is_forgotten),
		cmocka_unit_test(test_redirected_on_the_way),
		cmocka_unit_test(test_a_second_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
