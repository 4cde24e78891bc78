/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SendTargets: the request, and answers as targets write them, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/str.h"
#include "discovery/sendtargets.h"

static size_t log_lines;

static void
count_line(void *user, enum lun_log_level level, const char *line)
{
	log_lines++;
}

static const struct lun_env env = { .log = count_line,
				    .log_level = LUN_LOG_TRACE };
static const struct portal present = { .host = "192.0.2.1", .port = 3261,
				       .tpgt = -1 };

/* "name addr:port,tag addr ...; name ..." of an answer, or the error; behind
 * the one that was asked is a "?". */
static char *
show_as(const char *text, size_t len, enum portal_rewrite rewrite)
{
	struct str s = STR_INIT(SENDTARGETS_ANSWER_MAX);
	struct targets *t;
	struct lun_error err;
	size_t n;
	int r = sendtargets_read(&t, text, len, &present, rewrite, &env, &err);

	if (r < 0) {
		str_add(&s, "%s", lun_code_name(r));
		return str_take(&s);
	}

	const struct lun_target *list = targets_list(t, &n);

	str_add(&s, "%s", "");
	for (size_t i = 0; i < n; i++) {
		str_add(&s, "%s%s", i > 0 ? "; " : "", list[i].name);
		for (size_t k = 0; k < list[i].n_portals; k++)
			str_add(&s, " %s:%u,%d%s", list[i].portals[k].address,
				list[i].portals[k].port,
				list[i].portals[k].tpgt,
				list[i].portals[k].asked ? "?" : "");
	}
	targets_free(t);
	return str_take(&s);
}

static char *
show(const char *text, size_t len)
{
	return show_as(text, len, REWRITE_NEVER);
}

#define N(name) "TargetName=" name "\0"
#define A(address) "TargetAddress=" address "\0"

struct answer {
	const char *text;
	size_t len;
	const char *want;
	size_t log_lines;
};

#define ANSWER(text, want, lines) { text, sizeof(text) - 1, want, lines }

static const struct answer answers[] = {
	/* no target at all */
	ANSWER("", "", 0),
	/* the examples of RFC 7143 C */
	ANSWER(N("iqn.1993-11.com.example:diskarray.sn.8675309"),
	       "iqn.1993-11.com.example:diskarray.sn.8675309 "
	       "192.0.2.1:3261,-1", 0),
	ANSWER(N("iqn.1993-11.com.example:diskarray.sn.8675309")
	       A("10.1.0.45:3000,1") A("10.1.1.45:3000,2")
	       N("iqn.1993-11.com.example:diskarray.sn.1234567")
	       A("10.1.0.45:3000,1") A("10.1.1.45:3000,2"),
	       "iqn.1993-11.com.example:diskarray.sn.1234567 "
	       "10.1.0.45:3000,1 10.1.1.45:3000,2; "
	       "iqn.1993-11.com.example:diskarray.sn.8675309 "
	       "10.1.0.45:3000,1 10.1.1.45:3000,2", 0),
	/* forms of addresses */
	ANSWER(N("iqn.2026-11.a:b") A("[2001:db8::1]:3260,7")
	       A("san.example.com,0") A("10.0.0.1,65535"),
	       "iqn.2026-11.a:b 2001:db8::1:3260,7 san.example.com:3260,0 "
	       "10.0.0.1:3260,65535", 0),
	/* a record without and one with addresses */
	ANSWER(N("iqn.2026-11.a:1") N("iqn.2026-11.a:2") A("10.0.0.1:1,1"),
	       "iqn.2026-11.a:1 192.0.2.1:3261,-1; "
	       "iqn.2026-11.a:2 10.0.0.1:1,1", 0),
	/* other keys are no part of it, before, within and after */
	ANSWER("X-foo=1\0" N("iqn.2026-11.a:1") "TargetAlias=10.9.9.9:1,1\0"
	       A("10.0.0.1:1,1") "X-foo=TargetName=iqn.2026-11.x:y\0",
	       "iqn.2026-11.a:1 10.0.0.1:1,1", 0),
	/* the same target and the same address twice */
	ANSWER(N("iqn.2026-11.a:1") A("10.0.0.1:1,1")
	       N("iqn.2026-11.a:0") A("10.0.0.1:1,1")
	       N("iqn.2026-11.a:1") A("10.0.0.1:1,1") A("10.0.0.2:1,1"),
	       "iqn.2026-11.a:0 10.0.0.1:1,1; "
	       "iqn.2026-11.a:1 10.0.0.1:1,1 10.0.0.2:1,1", 0),
	/* names are prepared, and then the same */
	ANSWER(N("IQN.2026-11.A:1") A("10.0.0.1:1,1")
	       N("iqn.2026-11.a:1") A("10.0.0.2:1,1"),
	       "iqn.2026-11.a:1 10.0.0.1:1,1 10.0.0.2:1,1", 0),
	/* bad names go with their addresses, which are nobody else's */
	ANSWER(N("iqn.2026-11.a:1") N("../../etc") A("10.0.0.9:1,1")
	       N("iqn.2026-11.a:2"),
	       "iqn.2026-11.a:1 192.0.2.1:3261,-1; "
	       "iqn.2026-11.a:2 192.0.2.1:3261,-1", 1),
	ANSWER(N("iqn.2026-11.a:1/2") N("") N("x") N("iqn.2026-11.a:\xff")
	       N("iqn.2026-11.a:1\n2") N("iqn.2026-11.a:1\u202e2"), "", 6),
	/* addresses without a target, bad ones, and a target with nothing else,
	 * for which the present connection must not be guessed */
	ANSWER(A("10.0.0.1:1,1") N("iqn.2026-11.a:1") A("10.0.0.2:1,1"),
	       "iqn.2026-11.a:1 10.0.0.2:1,1", 0),
	ANSWER(N("iqn.2026-11.a:1") A("10.0.0.1:99999,1") A("10.0.0.1:1")
	       A("") A("a b:1,1") A("10.0.0.2:1,1"),
	       "iqn.2026-11.a:1 10.0.0.2:1,1", 4),
	ANSWER(N("iqn.2026-11.a:1") A("10.0.0.1:99999,1"), "", 2),
	/* no address at all: the host is the one that was asked */
	ANSWER(N("iqn.2026-11.a:1") A("0.0.0.0:1,1") A("[::]:2,1")
	       A("[0::0.0.0.0],1"),
	       "iqn.2026-11.a:1 192.0.2.1:1,1 192.0.2.1:2,1 192.0.2.1:3260,1",
	       0),
	/* no text of keys and values */
	ANSWER("TargetName", "LUN_EPROTO", 0),
	ANSWER("TargetName=iqn.2026-11.a:1", "LUN_EPROTO", 0),
	ANSWER("TargetName\0", "LUN_EPROTO", 0),
	ANSWER("\0", "LUN_EPROTO", 0),
	ANSWER(N("iqn.2026-11.a:1") "=x\0", "LUN_EPROTO", 0),
};

/* shows: 7143-C-05 7143-C-06 7143-C-07 3722-6-07 nd01-4.2-01 3721-1-02 */
static void
test_answers(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer *a = &answers[i];
		char *copy = malloc(a->len + 1);	/* exact, for ASan */

		memcpy(copy, a->text, a->len);
		copy = realloc(copy, a->len > 0 ? a->len : 1);
		log_lines = 0;

		char *got = show(copy, a->len);

		assert_string_equal(got, a->want);
		assert_int_equal(log_lines, a->log_lines);
		free(got);
		free(copy);
	}
}

/* The portal that was asked, beside or instead of the addresses; once, and not
 * if it is told of anyway. */
static void
test_rewrite(void **state)
{
	static const char text[] = N("iqn.2026-11.a:1") A("10.0.0.1:1,1")
		A("10.0.0.2:1,1") N("iqn.2026-11.a:2") N("iqn.2026-11.a:3")
		A("192.0.2.1:3261,7") N("iqn.2026-11.a:4") A("x y,1")
		N("iqn.2026-11.a:1") A("10.0.0.3:1,1");
	static const char *const want[] = {
		[REWRITE_AUTO] =
		"iqn.2026-11.a:1 10.0.0.1:1,1 10.0.0.2:1,1 10.0.0.3:1,1 "
		"192.0.2.1:3261,-1?; iqn.2026-11.a:2 192.0.2.1:3261,-1; "
		"iqn.2026-11.a:3 192.0.2.1:3261,7",
		[REWRITE_ALWAYS] =
		"iqn.2026-11.a:1 192.0.2.1:3261,-1; "
		"iqn.2026-11.a:2 192.0.2.1:3261,-1; "
		"iqn.2026-11.a:3 192.0.2.1:3261,-1; "
		"iqn.2026-11.a:4 192.0.2.1:3261,-1",
		[REWRITE_NEVER] =
		"iqn.2026-11.a:1 10.0.0.1:1,1 10.0.0.2:1,1 10.0.0.3:1,1; "
		"iqn.2026-11.a:2 192.0.2.1:3261,-1; "
		"iqn.2026-11.a:3 192.0.2.1:3261,7",
	};

	for (int i = REWRITE_AUTO; i <= REWRITE_NEVER; i++) {
		char *got = show_as(text, sizeof(text) - 1,
				    (enum portal_rewrite)i);

		assert_string_equal(got, want[i]);
		free(got);
	}
}

/* Cut short anywhere, an answer is a shorter one or an error, and never has
 * names or addresses that the whole one does not have. */
static void
test_cut_anywhere(void **state)
{
	static const char text[] = N("iqn.2026-11.a:11") A("10.0.0.11:11,11")
		N("iqn.2026-11.a:22") A("10.0.0.22:22,22");

	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, text, len);

		char *got = show(copy, len);
		bool whole = len == 0 || (len < sizeof(text) &&
					  text[len - 1] == '\0');

		assert_int_equal(strcmp(got, "LUN_EPROTO") != 0, whole);
		free(got);
		free(copy);
	}
}

/* 300 targets with 4 addresses each; the joining of PDUs is below us. */
static void
test_many(void **state)
{
	struct str s = STR_INIT(SENDTARGETS_ANSWER_MAX);
	struct targets *t;
	struct lun_error err;
	size_t n;

	for (int i = 299; i >= 0; i--) {
		char line[100];
		int len = sprintf(line, "TargetName=iqn.2026-11.a:%03d", i);

		str_add_bytes(&s, line, (size_t)len + 1);
		for (int k = 0; k < 4; k++) {
			len = sprintf(line, "TargetAddress=10.0.%d.%d:3260,%d",
				      i & 255, k, k / 2);
			str_add_bytes(&s, line, (size_t)len + 1);
		}
	}
	assert_int_equal(sendtargets_read(&t, s.p, s.len, &present,
					  REWRITE_NEVER, &env, &err), 0);

	const struct lun_target *list = targets_list(t, &n);

	assert_int_equal(n, 300);
	for (int i = 0; i < 300; i++) {
		char name[40], address[40];

		sprintf(name, "iqn.2026-11.a:%03d", i);
		assert_string_equal(list[i].name, name);
		assert_int_equal(list[i].n_portals, 4);
		for (int k = 0; k < 4; k++) {
			sprintf(address, "10.0.%d.%d", i & 255, k);
			assert_string_equal(list[i].portals[k].address,
					    address);
			assert_int_equal(list[i].portals[k].tpgt, k / 2);
		}
	}
	targets_free(t);
	str_deinit(&s);
}

/* The largest answer, in the forms that would be worst for a naive list: it
 * does not take ages, nor fill the log. */
static void
test_hostile_size(void **state)
{
	static const char *const forms[] = {
		"TargetName=iqn.2026-11.a:%07x",
		"TargetName=iqn.2026-11.a:1",
		"TargetAddress=a%07x,1",
		"TargetName=%07x",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct str s = STR_INIT(1 << 21);
		char line[100];
		clock_t begin = clock();

		str_add_bytes(&s, N("iqn.2026-11.a:0"), 27);
		for (unsigned k = 0; s.len + 100 < 1 << 21; k++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			int len = sprintf(line, forms[i], k);
#pragma GCC diagnostic pop
			str_add_bytes(&s, line, (size_t)len + 1);
		}
		log_lines = 0;
		free(show(s.p, s.len));
		assert_true(log_lines < 20);
		assert_true(clock() - begin < 20 * CLOCKS_PER_SEC);
		str_deinit(&s);
	}
}

/* One target has more portals than anybody tries: it is told, once. */
static void
test_many_portals(void **state)
{
	struct str s = STR_INIT(SENDTARGETS_ANSWER_MAX);
	size_t room = 0;

	str_add_bytes(&s, N("iqn.2026-11.a:0"), 27);
	for (unsigned k = 0; k < TARGET_PORTALS_MAX + 5; k++) {
		char line[100];
		int len = sprintf(line, "TargetAddress=192.0.2.%u,1", k);

		str_add_bytes(&s, line, (size_t)len + 1);
		if (k + 1 == TARGET_PORTALS_MAX)
			room = s.len;
	}
	log_lines = 0;
	free(show(s.p, room));
	assert_int_equal(log_lines, 0);
	free(show(s.p, s.len));
	assert_int_equal(log_lines, 1);
	str_deinit(&s);
}

/* One key, its value, and a null. */
static void
test_request(void **state)
{
	static const char *const whats[] = { "All", "", "iqn.2026-11.a:b" };

	for (size_t i = 0; i < 3; i++) {
		char buf[SENDTARGETS_REQUEST_MAX], want[64];
		size_t len = sendtargets_request(buf, whats[i]);
		int n = sprintf(want, "SendTargets=%s", whats[i]);

		assert_int_equal(len, n + 1);
		assert_memory_equal(buf, want, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile_size),
		cmocka_unit_test(test_many_portals),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
