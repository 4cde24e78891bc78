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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reinstatement),
		cmocka_unit_test(test_time2wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
