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
	bench_free(b);
}

/* Whatever the target wants to be left alone for, it is.
 * shows: 7143-13.15-01 */
static void
test_time2wait(void **state)
{
	static const struct {
		const char *answer;
		lun_time wait;
	} cases[] = {
		{ "DefaultTime2Wait=0", 0 },
		{ "DefaultTime2Wait=1", 1 * TIME_S },
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

/* ------------------------------------------------------------- patience -- */

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

/* --------------------------------------------------------- "try it now" -- */

static void
retry(struct bench *b)
{
	recovery_retry(bench_recovery(b));
	bench_run(b);
}

/* There is no wait but the target's. */
static void
test_retry(void **state)
{
	struct bench *b = new_bench("DefaultTime2Wait=3");

	bench_cut(b);
	retry(b);
	bench_pass(b, 3 * TIME_S - 1);
	assert_int_equal(bench_connects(b), 1);
	bench_pass(b, 1);
	assert_int_equal(bench_connects(b), 2);
	attempts_in(b, 600 * TIME_S, cut);
	while (bench_closed(b))
		bench_pass(b, TIME_S / 8);
	cut(b);

	unsigned n = bench_connects(b);

	bench_pass(b, TIME_S);
	assert_int_equal(bench_connects(b), n);
	retry(b);
	bench_pass(b, 0);
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reinstatement),
		cmocka_unit_test(test_time2wait),
		cmocka_unit_test(test_it_fails_again_and_again),
		cmocka_unit_test(test_patience_begins_anew),
		cmocka_unit_test(test_slower_and_slower),
		cmocka_unit_test(test_redirected_on_the_way),
		cmocka_unit_test(test_a_second_failure),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_retry_during_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
