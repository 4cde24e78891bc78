/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a session is given up, and how often it is tried to make it again, by
 * itself and when it is told to. */
#include "rfc/bench.h"

static struct bench *
new_bench(const char *keys)
{
	struct bench *b = bench_new(&(struct bench_setup){ .recovers = true });

	bench_login(b, keys);
	return b;
}

/* How many connections are made in this time, if each login fails by what. */
static unsigned
attempts_in(struct bench *b, lun_time time, void (*what)(struct bench *b))
{
	unsigned before = bench_connects(b), seen = before;
	lun_time until = bench_now(b) + time;

	while (bench_now(b) < until) {
		if (bench_connects(b) > seen) {
			seen = bench_connects(b);
			what(b);
		}
		bench_pass(b, TIME_S / 4);
	}
	return seen - before;
}

static void
cut(struct bench *b)
{
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_cut(b);
}

static void
live_briefly(struct bench *b)
{
	bench_login(b, "");
	bench_pass(b, TIME_S);
	bench_cut(b);
}

static void
refuse(struct bench *b, uint8_t status_class, uint8_t detail)
{
	struct pdu pdu = bench_login_pdu(b, bench_expect(b, OP_LOGIN_REQUEST));

	pdu.status_class = status_class;
	pdu.status_detail = detail;
	bench_send(b, &pdu, NULL, 0);
}

static void
refuse_authentication(struct bench *b)
{
	refuse(b, 2, 1);
}

static void
not_found(struct bench *b)
{
	refuse(b, 2, 3);
}

static void
out_of_resources(struct bench *b)
{
	refuse(b, 3, 2);
}

/*
 * A target that fails again and again is not hammered, one that takes every
 * login and dies after it neither; where another attempt would hardly help it
 * is made once a minute, and what is wrong is said at once.
 */
static void
test_it_fails_again_and_again(void **state)
{
	static const struct {
		void (*what)(struct bench *b);
		const char *told;
		unsigned min, max;		/* in an hour */
	} cases[] = {
		{ cut, "closed by the target", 180, 300 },
		{ live_briefly, "closed by the target", 170, 300 },
		{ out_of_resources, "0302", 180, 300 },
		{ refuse_authentication, "0201", 45, 85 },
		{ not_found, "0203", 45, 85 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = new_bench("DefaultTime2Wait=0");
		unsigned n;

		bench_cut(b);
		bench_pass(b, 0);
		cases[i].what(b);
		assert_non_null(bench_logged(b, cases[i].told));
		n = attempts_in(b, 3600 * TIME_S, cases[i].what);
		assert_in_range(n, cases[i].min, cases[i].max);
		bench_free(b);
	}
}

/* Only a session that was up for a while makes the next outage a new one. */
static void
test_patience_begins_anew(void **state)
{
	for (int stable = 0; stable < 2; stable++) {
		struct bench *b = new_bench("DefaultTime2Wait=0");

		bench_cut(b);
		attempts_in(b, 120 * TIME_S, cut);
		for (unsigned n = bench_connects(b); bench_connects(b) == n; )
			bench_pass(b, TIME_S);
		bench_login(b, "");
		bench_pass(b, stable ? 60 * TIME_S : TIME_S);
		unsigned n = bench_connects(b);
		bench_cut(b);
		bench_pass(b, 11 * TIME_S);
		assert_int_equal(bench_connects(b), n + stable);
		assert_int_equal(bench_told(b, "; attempt 1 to reconnect, to "), 2);
		assert_int_equal(bench_told(b, ", as it was up for 1.0 s only"),
				 !stable);
		bench_free(b);
	}
}

/* Each time it takes longer to answer, and then does not finish: the whole
 * login has its time, whatever comes in between. */
static void
test_slower_and_slower(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=0");

	bench_cut(b);
	for (lun_time delay = TIME_S; delay < 15 * TIME_S; delay += TIME_S) {
		struct got *got;
		unsigned n = bench_connects(b);

		while (bench_connects(b) == n)
			bench_pass(b, TIME_S / 8);
		lun_time begun = bench_now(b);
		got = bench_expect(b, OP_LOGIN_REQUEST);
		bench_pass(b, delay);
		bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg, true,
				   "AuthMethod=None TargetPortalGroupTag=1");
		if (delay <= 7 * TIME_S) {
			bench_login(b, "");
			bench_cut(b);
			continue;
		}
		bench_expect(b, OP_LOGIN_REQUEST);
		bench_pass(b, begun + 14 * TIME_S - bench_now(b));
		assert_false(bench_closed(b));
		bench_pass(b, TIME_S);
		assert_true(bench_closed(b));
		assert_non_null(bench_logged(b, "within 15 s"));
	}
	bench_free(b);
}

/* As long as the pauses grow each one is told, and then fewer and fewer; but
 * another cause always is. */
static void
test_what_is_told_of_a_long_outage(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=0");
	unsigned n;

	bench_cut(b);
	n = attempts_in(b, 3600 * TIME_S, cut);
	assert_in_range(n, 180, 300);
	assert_int_equal(bench_told(b, "; attempt "), 6 + 5);
	attempts_in(b, 60 * TIME_S, out_of_resources);
	assert_int_equal(bench_told(b, "0302"), 1);
	bench_free(b);
}

/* --------------------------------------------------------- "try it now" -- */

static void
retry(struct bench *b)
{
	recovery_retry(bench_recovery(b));
	bench_pass(b, 0);
}

/* There is no wait. */
static void
test_retry(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=3600");

	bench_cut(b);
	bench_pass(b, 10 * TIME_S);
	assert_int_equal(bench_connects(b), 1);
	retry(b);
	assert_int_equal(bench_connects(b), 2);
	cut(b);
	attempts_in(b, 600 * TIME_S, cut);
	while (bench_closed(b))
		bench_pass(b, TIME_S / 8);
	cut(b);

	unsigned n = bench_connects(b);

	bench_pass(b, TIME_S);
	assert_int_equal(bench_connects(b), n);
	retry(b);
	assert_int_equal(bench_connects(b), n + 1);
	bench_free(b);
}

/* An attempt that hangs is replaced; but who asks all the time does not keep a
 * slow target from answering, and if that fails the next attempt comes at
 * once. */
static void
test_retry_during_a_login(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=0");
	struct got *got;

	bench_cut(b);
	bench_pass(b, 0);
	bench_expect(b, OP_LOGIN_REQUEST);
	assert_int_equal(bench_connects(b), 2);
	retry(b);
	assert_int_equal(bench_connects(b), 3);
	for (int i = 0; i < 14; i++) {
		bench_pass(b, TIME_S);
		retry(b);
		assert_int_equal(bench_connects(b), 3);
	}
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, TIME_S);			/* the login's time is over */
	assert_int_equal(bench_connects(b), 4);

	got = bench_expect(b, OP_LOGIN_REQUEST);
	for (int i = 0; i < 14; i++) {
		bench_pass(b, TIME_S);
		retry(b);
	}
	assert_int_equal(bench_connects(b), 4);
	bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg, true,
			   "AuthMethod=None TargetPortalGroupTag=1");
	bench_login(b, "");
	retry(b);
	assert_int_equal(bench_connects(b), 4);
	bench_free(b);

	/* it is stopped, or comes up, before the attempt is replaced */
	for (int up = 0; up < 2; up++) {
		b = new_bench("DefaultTime2Wait=0");
		bench_cut(b);
		bench_pass(b, 0);
		got = bench_expect(b, OP_LOGIN_REQUEST);
		recovery_retry(bench_recovery(b));
		if (up) {
			bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg,
					   true, "AuthMethod=None");
			bench_login(b, "");
		} else {
			recovery_stop(bench_recovery(b));
		}
		bench_pass(b, 0);
		assert_int_equal(bench_connects(b), 2);
		if (up)
			assert_true(bench_up(b));
		else
			bench_expect_down(b, LUN_ECANCELED, "closed");
		bench_free(b);
	}
}

/* Who ends waits for a few seconds only: so the pauses are short, whatever the
 * target wants, and that is what is told. */
static void
test_hurry(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=7");
	unsigned n;

	bench_cut(b);
	attempts_in(b, 120 * TIME_S, cut);
	recovery_hurry(bench_recovery(b));
	bench_pass(b, 0);
	n = bench_connects(b);
	for (int i = 0; i < 5; i++) {
		cut(b);
		assert_non_null(bench_logged(b, "in 1.0 s"));
		bench_pass(b, TIME_S - 1);
		assert_int_equal(bench_connects(b), n);
		bench_pass(b, 1);
		assert_int_equal(bench_connects(b), ++n);
	}
	bench_login(b, "");
	bench_cut(b);
	bench_pass(b, TIME_S);
	assert_int_equal(bench_connects(b), n + 1);
	bench_free(b);
}

/*
 * No command is answered any more, although each of them is aborted: perhaps the
 * target waits for a CmdSN that it said it has. A new session helps, if anything
 * does. One that is slow only (each third is answered) is left alone.
 */
static void
test_a_session_that_answers_nothing(void **state)
{
	for (int answers = 0; answers < 2; answers++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.command_timeout = 6 * TIME_S, .ignores_pings = true });
		int n = 0;

		bench_login(b, "");
		while (bench_up(b) && n < 9) {
			struct command *cmd = bench_nodata(b, 0);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);

			if (answers && n++ % 3 == 2) {
				bench_response(b, got, SCSI_GOOD);
				bench_done(b, cmd, 0);
				continue;
			}
			n += !answers;
			bench_pending(b, cmd);
			bench_pass(b, 6 * TIME_S);
			if (bench_up(b))
				bench_answer_tmf(b, bench_expect(b, OP_TMF_REQUEST),
						 TMF_COMPLETE);
			bench_done(b, cmd, LUN_ETIMEDOUT);
		}
		assert_int_equal(n, answers ? 9 : 3);
		if (!answers)
			bench_expect_down(b, LUN_ETIMEDOUT, "no command was "
					  "answered for 18 s");
		bench_free(b);
	}
}

/* The target has thrown a command away, does not know it when it is aborted, and
 * waits for its CmdSN for ever. One that is only busy is left alone. */
static void
test_a_cmd_sn_that_nobody_sends_again(void **state)
{
	for (int busy = 0; busy < 2; busy++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.command_timeout = 6 * TIME_S, .ignores_pings = true });
		struct command *cmd, *next;
		struct got *got;

		*bench_window(b) = 1;
		bench_login(b, "");
		cmd = bench_nodata(b, 0);
		got = bench_expect(b, OP_SCSI_COMMAND);
		if (busy)
			*bench_window(b) = 0;
		else
			*bench_exp_cmd_sn(b) = got->pdu.cmd_sn;
		bench_pass(b, 6 * TIME_S);
		bench_answer_tmf(b, bench_expect(b, OP_TMF_REQUEST),
				 TMF_NO_TASK);
		bench_done(b, cmd, LUN_ETIMEDOUT);
		next = bench_nodata(b, 0);
		bench_expect_nothing(b);
		assert_true(bench_up(b));
		bench_pass(b, 8 * TIME_S);
		bench_done(b, next, busy ? LUN_ETIMEDOUT : LUN_ELOST);
		assert_int_equal(bench_up(b), busy);
		if (!busy)
			bench_expect_down(b, LUN_ELOST, "has not taken CmdSN");
		bench_free(b);
	}
}

/* The window stays closed, and nothing is under way that could open it: as when
 * one answer has told of an ExpCmdSN that was none. Pings are answered. */
static void
test_a_window_that_does_not_open(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.command_timeout = 6 * TIME_S });
	struct command *cmd;

	*bench_window(b) = 1;
	bench_login(b, "");
	cmd = bench_nodata(b, 0);
	*bench_window(b) = 0;
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, cmd, 0);
	for (int i = 0; i < 3; i++) {
		assert_true(bench_up(b));
		cmd = bench_nodata(b, 0);
		bench_pass(b, 8 * TIME_S);
		bench_done(b, cmd, LUN_ETIMEDOUT);
	}
	bench_expect_down(b, LUN_ETIMEDOUT, "no command was taken for");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_fails_again_and_again),
		cmocka_unit_test(test_patience_begins_anew),
		cmocka_unit_test(test_what_is_told_of_a_long_outage),
		cmocka_unit_test(test_slower_and_slower),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_retry_during_a_login),
		cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_a_session_that_answers_nothing),
		cmocka_unit_test(test_a_cmd_sn_that_nobody_sends_again),
		cmocka_unit_test(test_a_window_that_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
