/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What peers send is harmless on a terminal; numbers and URLs for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void
test_printable(void **state)
{
	static const struct {
		const char *in, *printable, *utf8;
	} cases[] = {
		{ "", "", "" },
		{ "plain text", "plain text", "plain text" },
		{ "\x1b[31mred", "\\x1b[31mred", "\x1b[31mred" },
		{ "a\nb\x7f", "a\\x0ab\\x7f", "a\nb\x7f" },
		{ "\xc3\xa4", "\xc3\xa4", "\xc3\xa4" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xe2\x82\xac \xf0\x9f\x98\x80",
		  "\xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc2\x9bm", "\\xc2\\x9bm", "\xc2\x9bm" },	/* C1 CSI */
		{ "\xe2\x80\xae" "evil", "\\xe2\\x80\\xae" "evil",
		  "\xe2\x80\xae" "evil" },			/* RLO */
		{ "\xd8\x9c", "\\xd8\\x9c", "\xd8\x9c" },	/* ALM */
		{ "\xff", "\\xff", "\\xff" },
		{ "\x80x", "\\x80x", "\\x80x" },
		{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },	/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
		  "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", "\\xe2\\x82", "\\xe2\\x82" },	/* cut */
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_printable(cases[i].in, out, sizeof(out));
		assert_string_equal(out, cases[i].printable);
		text_utf8(cases[i].in, out, sizeof(out));
		assert_string_equal(out, cases[i].utf8);
	}
}

/* However small the space: never past it, and no character in parts. */
static void
test_printable_cut(void **state)
{
	static const char in[] = "a\x1b\xe2\x82\xac\xff";
	static const char whole[] = "a\\x1b\xe2\x82\xac\\xff";
	char out[sizeof(whole) + 1];

	for (size_t size = 1; size <= sizeof(whole); size++) {
		memset(out, '#', sizeof(out));
		text_printable(in, out, size);
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], '#');
		assert_memory_equal(out, whole, strlen(out));
		size_t len = strlen(out);
		assert_true(len == 0 || len == 1 || len == 5 || len == 8 ||
			    len == 12);
	}
}

/* A string of JSON has no raw controls. */
static void
test_json(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" }, { "a/b\xc3\xa4", "a/b\xc3\xa4" },
		{ "\"\\", "\\\"\\\\" }, { "\n\x1b", "\\u000a\\u001b" },
		{ "\x7f", "\\u007f" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
		  "\\u0080\\u009b\\u009f\xc2\xa0" },
		{ "\xd8\x9c", "\\u061c" },
		{ "\xe2\x80\x8e\xe2\x80\x8f", "\\u200e\\u200f" },
		{ "\xe2\x80\xaa\xe2\x80\xae", "\\u202a\\u202e" },
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[64] = "", want[64];
		FILE *f = fmemopen(out, sizeof(out), "w");

		text_print_json(f, cases[i].in);
		fclose(f);
		snprintf(want, sizeof(want), "\"%s\"", cases[i].out);
		assert_string_equal(out, want);
	}
}

static void
test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" }, { 1, "1 B" }, { 1023, "1023 B" },
		{ 1024, "1.0 KiB" }, { 1536, "1.5 KiB" },
		{ (1 << 20) - 1, "1.0 MiB" }, { 1 << 20, "1.0 MiB" },
		{ (uint64_t)10 << 30, "10.0 GiB" },
		{ (uint64_t)1 << 40, "1.0 TiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char out[TEXT_SIZE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_size(cases[i].bytes, out),
				    cases[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_printable_cut),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
