/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values are read as a whole and strictly, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "text/value.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Decimal and hex alike, below 2^64, without anything around. */
/* shows: 7143-6.1-09 7143-6.1-14 */
static void
test_number(void **state)
{
	static const struct {
		const char *s;
		bool ok;
		uint64_t v;
	} cases[] = {
		{ "0", true, 0 },
		{ "1", true, 1 },
		{ "9", true, 9 },
		{ "8192", true, 8192 },
		{ "0x2000", true, 8192 },
		{ "0X0001fFfF", true, 131071 },
		{ "0x0", true, 0 },
		{ "0xabcdef", true, 0xabcdef },
		{ "0XABCDEF", true, 0xabcdef },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "0xffffffffffffffff", true, UINT64_MAX },
		{ "0x00000000ffffffffffffffff", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "18446744073709551617", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "x1", false, 0 },
		{ "00", false, 0 },
		{ "01", false, 0 },
		{ "8192k", false, 0 },
		{ "8192 ", false, 0 },
		{ " 8192", false, 0 },
		{ "+1", false, 0 },
		{ "-1", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "0xfg", false, 0 },
		{ "0x-1", false, 0 },
		{ "0b1", false, 0 },
		{ "a", false, 0 },
		{ "512~1024", false, 0 },
		{ "1,2", false, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t v = 77;

		assert_int_equal(value_number(cases[i].s, &v), cases[i].ok);
		assert_true(v == (cases[i].ok ? cases[i].v : 77));
	}
}

/* Every power of two, its neighbours, in both notations. */
static void
test_number_round_trip(void **state)
{
	for (int bit = 0; bit < 64; bit++) {
		for (int d = -1; d <= 1; d++) {
			uint64_t want = ((uint64_t)1 << bit) + (uint64_t)d, got;
			char text[32];

			snprintf(text, sizeof(text), "%llu",
				 (unsigned long long)want);
			assert_true(value_number(text, &got) && got == want);
			snprintf(text, sizeof(text), "0x%llx",
				 (unsigned long long)want);
			assert_true(value_number(text, &got) && got == want);
		}
	}
}

static void
test_size(void **state)
{
	static const struct {
		const char *s;
		bool ok;
		uint64_t v;
	} cases[] = {
		{ "1k", true, 1024 }, { "1K", true, 1024 },
		{ "1M", true, 1 << 20 }, { "2G", true, 2ull << 30 },
		{ "0k", true, 0 }, { "512", true, 512 },
		{ "17179869183G", true, 17179869183ull << 30 },
		{ "17179869184G", false, 0 }, { "k", false, 0 },
		{ "1kk", false, 0 }, { "1 k", false, 0 }, { "01k", false, 0 },
		{ "1m", false, 0 }, { "1T", false, 0 },
		{ "000000000000000000000000000000001k", false, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t v = 0;

		assert_int_equal(value_size(cases[i].s, &v), cases[i].ok);
		assert_true(v == cases[i].v);
	}
}

/* shows: 7143-6.1-08 */
static void
test_bool(void **state)
{
	static const char *const wrong[] = {
		"", "yes", "no", "YES", "NO", "Y", "N", "1", "0", "True",
		"False", "Yes ", " Yes", "Yess", "Yes,No", "None", "Reject",
	};
	bool v;

	assert_true(value_bool("Yes", &v) && v);
	assert_true(value_bool("No", &v) && !v);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(value_bool(wrong[i], &v));
}

static void
test_list(void **state)
{
	static const struct {
		const char *s, *items;		/* items with blanks between */
	} cases[] = {
		{ "None", "None " },
		{ "CRC32C,None", "CRC32C None " },
		{ "a,b,c", "a b c " },
		{ "", "! " },
		{ ",", "! " },
		{ "a,", "a ! " },
		{ "a,,b", "a ! " },
		{ ",a", "! " },
		{ "1234567,a", "1234567 a " },
		{ "12345678,a", "! " },		/* too long for the buffer */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *s = cases[i].s;
		char item[8], got[64] = "";

		while (value_list_next(&s, item, sizeof(item))) {
			strcat(got, *item ? item : "!");
			strcat(got, " ");
		}
		assert_string_equal(got, cases[i].items);
	}
}

static void
test_constant(void **state)
{
	assert_int_equal(value_constant("Reject"), VALUE_REJECT);
	assert_int_equal(value_constant("Irrelevant"), VALUE_IRRELEVANT);
	assert_int_equal(value_constant("NotUnderstood"), VALUE_NOT_UNDERSTOOD);
	assert_int_equal(value_constant("reject"), VALUE_PLAIN);
	assert_int_equal(value_constant("Reject "), VALUE_PLAIN);
	assert_int_equal(value_constant("None"), VALUE_PLAIN);
	assert_int_equal(value_constant(""), VALUE_PLAIN);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_number_round_trip),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
