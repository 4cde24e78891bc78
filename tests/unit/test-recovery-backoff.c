/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the next login is tried, whatever the jitter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "recovery/backoff.h"

static uint8_t byte;			/* all that is drawn is made of it */

static void
draw(void *user, void *buf, size_t len)
{
	memset(buf, byte, len);
}

static const struct lun_env env = { .random = draw };

static void
expect_about(lun_time wait, lun_time want)
{
	assert_in_range(wait, want * 3 / 4, want * 5 / 4);
}

static void
attempts_double_up_to_a_bound(void **state)
{
	static const int seconds[] = { 0, 1, 2, 4, 8, 16, 16, 16, 16 };

	for (unsigned b = 0; b < 256; b++) {
		struct backoff backoff = { 0 };

		byte = (uint8_t)b;
		for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
			expect_about(backoff_next(&backoff, BACKOFF_NORMAL, 0,
						  &env), seconds[i] * TIME_S);
		assert_int_equal(backoff.attempts, 9);
		backoff_reset(&backoff);
		assert_int_equal(backoff_next(&backoff, BACKOFF_NORMAL, 0,
					      &env), 0);
	}
}

/* Clients that have lost the same target do not come back all at a time. */
static void
pauses_differ(void **state)
{
	lun_time waits[2];

	for (unsigned i = 0; i < 2; i++) {
		struct backoff b = { .rounds = 5 };

		byte = i ? 0xff : 0;
		waits[i] = backoff_next(&b, BACKOFF_NORMAL, 0, &env);
	}
	assert_true(waits[0] < 16 * TIME_S * 7 / 8);
	assert_true(waits[1] > 16 * TIME_S * 9 / 8);
}

/* tgtd listens before it is told of its targets: that cost a minute. */
static void
a_target_that_starts_is_not_taken_at_its_word(void **state)
{
	struct backoff b = { 0 };

	byte = 0x80;
	for (int round = 0; round < 2; round++) {
		assert_in_range(backoff_next(&b, BACKOFF_RARELY, 0, &env), 0,
				20 * TIME_S);
		assert_in_range(backoff_next(&b, BACKOFF_RARELY, 0, &env), 0,
				20 * TIME_S);
		expect_about(backoff_next(&b, BACKOFF_RARELY, 0, &env),
			     60 * TIME_S);
		expect_about(backoff_next(&b, BACKOFF_RARELY, 0, &env),
			     60 * TIME_S);
		assert_in_range(backoff_next(&b, BACKOFF_NORMAL, 0, &env), 0,
				20 * TIME_S);
	}
}

static void
time2wait_is_kept(void **state)
{
	struct backoff b = { 0 };

	byte = 0;
	assert_int_equal(backoff_next(&b, BACKOFF_NORMAL, 7 * TIME_S, &env),
			 7 * TIME_S);
	assert_int_equal(backoff_next(&b, BACKOFF_NORMAL, 3600 * TIME_S, &env),
			 3600 * TIME_S);
}

static void
kinds(void **state)
{
	for (int code = LUN_EIDENTITY; code < 0; code++)
		assert_int_equal(backoff_kind(code),
				 code == LUN_EAUTH || code == LUN_ENOTFOUND ||
				 code == LUN_ENEGOTIATE ? BACKOFF_RARELY :
							  BACKOFF_NORMAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_double_up_to_a_bound),
		cmocka_unit_test(pauses_differ),
		cmocka_unit_test(a_target_that_starts_is_not_taken_at_its_word),
		cmocka_unit_test(time2wait_is_kept),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
