/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error record, log lines, and texts that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/env.h"
#include "base/error.h"
#include "base/str.h"

static void
test_fail(void **state)
{
	struct lun_error err = { 0 };

	assert_int_equal(lun_fail(&err, LUN_EPROTO, "StatSN %u", 7),
			 LUN_EPROTO);
	assert_int_equal(err.code, LUN_EPROTO);
	assert_string_equal(err.text, "StatSN 7");
	assert_int_equal(lun_fail_in(&err, "conn %d", 3), LUN_EPROTO);
	assert_string_equal(err.text, "conn 3: StatSN 7");
	/* its own text as an argument; line ends */
	assert_int_equal(lun_fail(&err, LUN_ESYS, "a\n%s\r", err.text),
			 LUN_ESYS);
	assert_string_equal(err.text, "a conn 3: StatSN 7 ");
	assert_int_equal(lun_fail(NULL, LUN_ENOMEM, "x"), LUN_ENOMEM);
}

/* Whatever is too long is cut and terminated. */
static void
test_fail_long(void **state)
{
	struct lun_error err = { 0 };
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[999] = '\0';
	lun_fail(&err, LUN_EPROTO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	lun_fail_in(&err, "prefix");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "prefix: xxx", 11);
	lun_fail_in(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.code, LUN_EPROTO);
}

static void
test_code_names(void **state)
{
	assert_string_equal(lun_code_name(LUN_OK), "LUN_OK");
	assert_string_equal(lun_code_name(LUN_EIDENTITY), "LUN_EIDENTITY");
	assert_string_equal(lun_code_name(1), "unknown error");
	for (int c = LUN_EIDENTITY; c <= 0; c++) {
		assert_memory_equal(lun_code_name(c), "LUN_", 4);
		for (int d = LUN_EIDENTITY; d < c; d++)
			assert_string_not_equal(lun_code_name(c),
						lun_code_name(d));
	}
	assert_string_equal(lun_code_name(LUN_EIDENTITY - 1), "unknown error");
}

static char last_line[2000];

static void
keep_line(void *user, enum lun_log_level level, const char *line)
{
	assert_int_equal(level, *(enum lun_log_level *)user);
	strcpy(last_line, line);
}

static void
count_up(void *user, void *buf, size_t len)
{
	assert_int_equal(len, 4);
	memcpy(buf, "\1\1\1\1", 4);
}

static void
test_env(void **state)
{
	enum lun_log_level level;
	struct lun_env env = { .user = &level, .random = count_up,
			       .log = keep_line };

	for (int limit = LUN_LOG_ERROR; limit <= LUN_LOG_TRACE; limit++) {
		for (int l = LUN_LOG_ERROR; l <= LUN_LOG_TRACE; l++) {
			env.log_level = (enum lun_log_level)limit;
			level = (enum lun_log_level)l;
			last_line[0] = '\0';
			env_log(&env, level, "disk%d:\nup", 0);
			assert_string_equal(last_line, l <= limit ?
					    "disk0: up" : "");
			assert_int_equal(env_logs(&env, level), l <= limit);
		}
	}
	env.log = NULL;
	env_log(&env, LUN_LOG_ERROR, "nobody hears that");
	assert_int_equal(env_random32(&env), 0x01010101);
}

static void
test_str(void **state)
{
	struct str s = STR_INIT(10);

	assert_string_equal(str_text(&s), "");
	str_add(&s, "%d", 12);
	str_add_bytes(&s, "345678", 6);
	assert_string_equal(str_text(&s), "12345678");
	str_add(&s, "%s", "90");
	assert_false(s.failed);
	assert_string_equal(str_text(&s), "1234567890");
	str_add(&s, "x");
	assert_true(s.failed);
	str_add(&s, "%s", "");
	assert_string_equal(str_text(&s), "1234567890");
	assert_null(str_take(&s));
	str_deinit(&s);

	char *text = str_take(&s);		/* usable again, and empty */
	assert_string_equal(text, "");
	free(text);
	str_add(&s, "again");
	text = str_take(&s);
	assert_string_equal(text, "again");
	assert_string_equal(str_text(&s), "");
	free(text);

	struct str large = STR_INIT(100000);
	for (unsigned int i = 0; i < 10000; i++)
		str_add(&large, "%09u\n", i);
	assert_int_equal(large.len, 100000);
	assert_false(large.failed);
	assert_memory_equal(str_text(&large) + 99990, "000009999\n", 10);
	str_deinit(&large);
}

static void
test_quote(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" }, { "iqn.2001-04.com.example", "iqn.2001-04.com.example" },
		{ "a b", "a b" }, { "a\nb\x1b[31m", "a\\x0ab\\x1b[31m" },
		{ "\x7f", "\\x7f" }, { "a\\b", "a\\x5cb" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe6\x97\xa5\xf0\x9f\x92\xbe", "\xe6\x97\xa5\xf0\x9f\x92\xbe" },
		{ "\xc3", "\\xc3" }, { "\xc3(", "\\xc3(" },	/* cut */
		{ "\x80", "\\x80" }, { "\xff\xfe", "\\xff\\xfe" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },	/* > 10ffff */
		{ "\xc2\x9b", "\\xc2\\x9b" },			/* C1: CSI */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },	/* right-to-left */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT(100);

		/* of exact size: the sanitizer sees a byte too far */
		size_t len = strlen(cases[i].in);
		char *in = malloc(len + 1);
		memcpy(in, cases[i].in, len);
		char *exact = realloc(in, len ? len : 1);
		str_quote(&s, exact, len);
		assert_string_equal(str_text(&s), cases[i].out);
		str_deinit(&s);
		free(exact);
	}

	/* whatever comes in, what comes out can be shown */
	for (unsigned int v = 0; v < 0x10000; v++) {
		char in[2] = { (char)(v >> 8), (char)v };
		struct str s = STR_INIT(100);

		str_quote(&s, in, 2);
		for (const char *p = str_text(&s); *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		str_deinit(&s);
	}

	struct str s = STR_INIT(5);
	str_quote(&s, "ab\n\n", 4);		/* cut between characters */
	assert_string_equal(str_text(&s), "ab");
	assert_true(s.failed);
	str_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_fail_long),
		cmocka_unit_test(test_code_names),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
