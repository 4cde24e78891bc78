/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iSCSI names: the profile of RFC 3722 character by character, the syntax of
 * the three types, and what may become a directory entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "names/name.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2001-04.com.example"

static void
utf8_put(char out[5], uint32_t c)
{
	size_t n = 0;

	if (c < 0x80) {
		out[n++] = (char)c;
	} else if (c < 0x800) {
		out[n++] = (char)(0xc0 | c >> 6);
		out[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		out[n++] = (char)(0xe0 | c >> 12);
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		out[n++] = (char)(0xf0 | c >> 18);
		out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (c & 0x3f));
	}
	out[n] = '\0';
}

/* The name whose local part is "a" + s + "b". */
static const char *
with(const char *s)
{
	static char name[1200];

	snprintf(name, sizeof(name), IQN ":a%sb", s);
	return name;
}

static const char *
with_point(uint32_t c)
{
	char utf8[5];

	utf8_put(utf8, c);
	return with(utf8);
}

static void
assert_prepares(const char *in, const char *want)
{
	char out[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	if (iscsi_name_prepare(in, out, &err) != 0)
		fail_msg("%s: %s", in, err.text);
	assert_string_equal(out, want);
	assert_int_equal(iscsi_name_check(out, strlen(out), NULL), 0);
}

/* Refused, with a text, and nothing is written. */
static void
assert_refused(const char *in)
{
	char out[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	memset(out, 'x', sizeof(out));
	if (iscsi_name_prepare(in, out, &err) != LUN_EINVAL)
		fail_msg("%s was taken", in);
	assert_int_equal(err.code, LUN_EINVAL);
	assert_true(strlen(err.text) > 10);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 'x');
	assert_int_equal(iscsi_name_prepare(in, out, NULL), LUN_EINVAL);
	assert_int_equal(iscsi_name_check(in, strlen(in), NULL), LUN_EINVAL);
}

/* shows: 7143-4.2.7.3-01 7143-4.2.7.4-01 7143-4.2.7.5-01 7143-4.2.7.6-01 */
/* shows: 3721-1.1-01 3721-1.2-01 3980-4.1-01 */
static void
test_good_names(void **state)
{
	static const struct {
		const char *in, *out;	/* NULL: the same */
	} good[] = {
		{ IQN, NULL },
		{ IQN ":storage:diskarrays-sn-a8675309", NULL },
		{ IQN ":storage.tape1.sys1.xyz", NULL },
		{ IQN ":a:b:c", NULL },
		{ IQN ":", NULL },
		{ IQN ":.-:", NULL },
		{ "iqn.2000-02.edu.example.cs:users.oaks:proto.target4", NULL },
		{ "iqn.1998-12.com", NULL },
		{ "iqn.1998-01.com:x", NULL },
		{ "iqn.2007-10.com.a-b.0:x", NULL },
		{ "IQN.2001-04.COM.Example:Disk1", IQN ":disk1" },
		{ "eui.02004567A425678D", "eui.02004567a425678d" },
		{ "eui.0000000000000000", NULL },
		{ "EUI.ffffffffffffffff", "eui.ffffffffffffffff" },
		{ "naa.52004567BA64678D", "naa.52004567ba64678d" },
		{ "naa.62004567BA64678D0123456789ABCDEF",
		  "naa.62004567ba64678d0123456789abcdef" },
	};

	for (size_t i = 0; i < COUNT(good); i++)
		assert_prepares(good[i].in,
				good[i].out ? good[i].out : good[i].in);
}

/* shows: 7143-4.2.7.3-01 7143-4.2.7.4-01 7143-4.2.7.5-01 7143-4.2.7.6-01 */
/* shows: 3721-1.1-01 3721-1.2-01 3980-4.1-01 7143-4.2.7.3-90 */
static void
test_bad_syntax(void **state)
{
	static const char *const bad[] = {
		"", "i", "iqn", "iqn.", "iscsi", "x", ".", ":", "iqn:",
		"xyz.2026-11.test:a", "iqn2001-04.com.example",
		"iqn.2001-4.com.example", "iqn.01-04.com.example",
		"iqn.2001-13.com.example", "iqn.2001-00.com.example",
		"iqn.2001-99.com.example", "iqn.2001-004.com.example",
		"iqn.20011-04.com.example", "iqn.200a-04.com.example",
		"iqn.2001-0a.com.example", "iqn.2001.04.com.example",
		"iqn.202611.x:a", "iqn.26-11.x:a", "iqn.2026-13.x:a",
		"iqn.2026-11:a", "iqn.2026-11.:a", "iqn.2026-11",
		"iqn.2026-11.",
		"iqn.2026-11.x.:a", "iqn.2026-11..x:a", "iqn.2026-11.x..y:a",
		"iqn.2026-11.x.", "iqn.2026-11.-x:a", "iqn.2026-11.x-:a",
		"iqn.2026-11.x.-:a", "iqn.-2026-11.x", "iqn.com.example:host47",
		"eui.", "eui.02004567a425678", "eui.02004567a425678d0",
		"eui.02004567a425678g", "eui.0200-4567-a425-67",
		"eui.0200456 a425678d", "eui:02004567a425678d",
		"naa.", "naa.52004567ba64678", "naa.52004567ba64678d0",
		"naa.62004567ba64678d0123456789abcde",
		"naa.62004567ba64678d0123456789abcdef0",
		"naa.62004567ba64678d0123456789abcdeg",
		"naa.0x004567ba64678d",
		" " IQN, IQN " ", "\t" IQN, IQN "\n",
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i]);

	struct lun_error err;
	char out[NAME_MAX_LEN + 1];

	assert_refused("fqn.com.acme.sn.8675309");
	iscsi_name_prepare("fqn.com.acme.sn.8675309", out, &err);
	assert_non_null(strstr(err.text, "iqn."));
}

/* The syntax of a date by all months and every digit that may be wrong. */
static void
test_every_month(void **state)
{
	char name[64];

	for (int m = 0; m < 100; m++) {
		snprintf(name, sizeof(name), "iqn.2001-%02d.com.example", m);
		if (m >= 1 && m <= 12)
			assert_prepares(name, name);
		else
			assert_refused(name);
	}
}

/* A name that is cut is a shorter name or none, never something else. */
static void
test_every_truncation(void **state)
{
	static const struct {
		const char *name;
		size_t whole_from;	/* shorter ones are refused */
	} cases[] = {
		{ IQN ":disk", sizeof("iqn.2001-04.c") - 1 },
		{ "eui.02004567a425678d", 20 },
		{ "naa.62004567ba64678d0123456789abcdef", 36 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].name);

		for (size_t n = 0; n <= len; n++) {
			/* not terminated: a byte too far is found by ASan */
			char *cut = malloc(n ? n : 1);
			bool dot = n > 0 && cases[i].name[n - 1] == '.';
			bool ok = (n >= cases[i].whole_from && !dot) ||
				  (i == 2 && n == 20);

			memcpy(cut, cases[i].name, n);
			assert_int_equal(iscsi_name_check(cut, n, NULL),
					 ok ? 0 : LUN_EINVAL);
			free(cut);
		}
	}
}

/* shows: 3722-1-02 3722-1-01 3722-6.2-01 7143-4.2.7.2-02 */
static void
test_every_ascii_character(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:";
	int passed = 0;

	for (uint32_t c = 1; c < 128; c++) {
		char name[64];

		strcpy(name, with_point(c));
		if (strchr(allowed, (int)c)) {
			assert_prepares(name, name);
			passed++;
		} else if (c >= 'A' && c <= 'Z') {
			char lower[64];

			strcpy(lower, with_point(c + 'a' - 'A'));
			assert_prepares(name, lower);
			assert_int_equal(iscsi_name_check(name, strlen(name),
							  NULL), LUN_EINVAL);
		} else {
			assert_refused(name);
		}
	}
	assert_int_equal(passed, 39);
	/* the null, which only a length can carry */
	assert_int_equal(iscsi_name_check(IQN ":a\0b", sizeof(IQN) + 3, NULL),
			 LUN_EINVAL);
}

/* shows: 3722-4-01 3722-4-02 3722-4-03 3722-5-01 7143-4.2.7.2-01 */
static void
test_map_and_normalize(void **state)
{
	static const struct {
		const char *in, *out;	/* of the part between a and b */
	} cases[] = {
		{ "\u00ad", "" }, { "\u200b", "" }, { "\ufe0f", "" },
		{ "\u1806", "" }, { "\u2060", "" }, { "\ufeff", "" },
		{ "\u00df", "ss" }, { "\u03c2", "\u03c3" },
		{ "\u0130", "i\u0307" }, { "\U00010400", "\U00010428" },
		{ "\u2121", "tel" }, { "\u00dc", "\u00fc" },
		{ "e\u0301", "\u00e9" }, { "E\u0301", "\u00e9" },
		{ "\uff21\uff11\uff1a\uff0e", "a1:." },
		{ "\u1112\u1161\u11ab", "\ud55c" },
		{ "\u0958", "\u0915\u093c" }, { "\u2026", "..." },
		{ "\uff0e", "." }, { "\u0430", "\u0430" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char in[64];

		strcpy(in, with(cases[i].in));
		assert_prepares(in, with(cases[i].out));
	}
	/* U+0340 is in table C.8, but is normalized away before */
	assert_prepares(IQN ":x\u0340b", IQN ":x\u0300b");
}

/* shows: 3722-6-01 3722-6-02 3722-6-03 3722-6-04 3722-6-06 3722-6.1-01 */
/* shows: 3722-6.2-01 3454-3-01 */
static void
test_prohibited(void **state)
{
	static const uint32_t bad[] = {
		0x20, 0xa0, 0x1680, 0x2003, 0x3000,		/* C.1 */
		0x07, 0x7f, 0x85, 0x06dd, 0x070f, 0x180e, 0x2028,
		0x2061, 0xfffc, 0x1d173,			/* C.2 */
		0xe000, 0xf0000, 0x10fffd,			/* C.3 */
		0xfdd0, 0x1fffe, 0xffff,			/* C.4 */
		0xfff9, 0xfffd, 0x2ff0, 0x200e, 0x202a, 0x206a,
		0xe0041,					/* C.6 - C.9 */
		0x3002, 0xff61, 0xff3f, 0x037e,			/* RFC 3722 */
		0x2474, 0x2100,		/* normalization brings ( and / */
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct lun_error err = { 0 };
		char out[NAME_MAX_LEN + 1], point[16];

		assert_refused(with_point(bad[i]));
		iscsi_name_prepare(with_point(bad[i]), out, &err);
		if (bad[i] > 0x7e || bad[i] <= ' ') {	/* it is named */
			snprintf(point, sizeof(point), "U+%04X", bad[i]);
			assert_non_null(strstr(err.text, point));
		}
	}
}

/* shows: 3722-6-05 */
static void
test_malformed_utf8(void **state)
{
	static const char *const bad[] = {
		"\xed\xa0\x80", "\xc0\xaf", "\xe2\x80", "\x80",
		"\xf4\x90\x80\x80", "\xff", "\xc3", "\xf0\x9f\x98",
		"\xe0\x80\xaf", "\xf8\x88\x80\x80\x80",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		char name[64];

		assert_refused(with(bad[i]));
		snprintf(name, sizeof(name), IQN ":%s", bad[i]);
		assert_refused(name);
	}
}

/* shows: 3722-7-02 */
static void
test_right_to_left(void **state)
{
	struct lun_error err;
	char out[NAME_MAX_LEN + 1];

	assert_refused("iqn.2026-11.test:\u05d0");
	assert_refused("iqn.2026-11.test:\u05d0\u05d1");
	assert_refused("iqn.2026-11.test:\u0627");
	assert_refused("\u05d0iqn.2026-11.test:\u05d0");
	iscsi_name_prepare("iqn.2026-11.test:\u05d0", out, &err);
	assert_non_null(strstr(err.text, "mixed directions"));
}

/* shows: 3722-3-01 3722-8-01 3722-8-02 */
static void
test_unassigned(void **state)
{
	static const uint32_t later[] = { 0x0221, 0x0241, 0x1e9e, 0x1f600 };

	for (size_t i = 0; i < COUNT(later); i++) {
		char name[64], out[NAME_MAX_LEN + 1] = "", point[16];
		struct lun_error err;

		strcpy(name, with_point(later[i]));
		assert_prepares(name, name);
		assert_int_equal(iscsi_name_prepare_stored(name, out, &err),
				 LUN_EINVAL);
		assert_string_equal(out, "");
		snprintf(point, sizeof(point), "U+%04X", later[i]);
		assert_non_null(strstr(err.text, point));
	}

	char out[NAME_MAX_LEN + 1];

	/* the other rules hold for stored names too */
	assert_int_equal(iscsi_name_prepare_stored(IQN ":\u05d0", out, NULL),
			 LUN_EINVAL);
	assert_int_equal(iscsi_name_prepare_stored(IQN ":_", out, NULL),
			 LUN_EINVAL);
	assert_int_equal(iscsi_name_prepare_stored(IQN ":\u00dc", out, NULL),
			 0);
	assert_string_equal(out, IQN ":\u00fc");
}

/* shows: 7143-4.2.7.2-03 7143-4.2.7.2-90 */
static void
test_length(void **state)
{
	char name[NAME_MAX_LEN + 3], longer[NAME_MAX_LEN + 8];

	assert_int_equal(NAME_MAX_LEN, 223);
	memset(name, 'a', sizeof(name));
	memcpy(name, IQN ":", strlen(IQN) + 1);
	name[NAME_MAX_LEN] = '\0';
	assert_prepares(name, name);
	snprintf(longer, sizeof(longer), "%s\u00ad", name);
	assert_prepares(longer, name);

	snprintf(longer, sizeof(longer), "%sa", name);
	assert_refused(longer);
	/* 223 bytes that stay 223, and 223 that normalization makes more of */
	memcpy(name + NAME_MAX_LEN - 3, "\u2121", 3);
	strcpy(longer, name);
	memcpy(longer + NAME_MAX_LEN - 3, "tel", 3);
	assert_prepares(name, longer);
	memcpy(name + NAME_MAX_LEN - 3, "\u2026", 3);
	strcpy(longer, name);
	memcpy(longer + NAME_MAX_LEN - 3, "...", 3);
	assert_prepares(name, longer);
	memcpy(name + NAME_MAX_LEN - 3, "\u3300", 3);
	assert_refused(name);
}

/* Far too long, and what grows eighteenfold, ends in a plain refusal. */
static void
test_growth(void **state)
{
	size_t fdfa = (NAME_INPUT_MAX - 30) / 3;
	char *name = calloc(1, 100000);

	strcpy(name, IQN ":");
	for (size_t i = 0; i < fdfa; i++)
		strcat(name, "\u3300");		/* four katakana and marks */
	assert_refused(name);
	strcpy(name, IQN ":");
	memset(name + strlen(name), 'a', 90000);
	assert_refused(name);
	/* all of the room used by what is mapped to nothing */
	strcpy(name, IQN ":a");
	while (strlen(name) + 2 <= NAME_INPUT_MAX)
		strcat(name, "\u00ad");
	assert_prepares(name, IQN ":a");
	free(name);
}

/* shows: 3454-3-02 */
static void
test_every_code_point(void **state)
{
	unsigned int passed = 0;

	for (uint32_t c = 0x80;; c++) {
		char name[64], once[NAME_MAX_LEN + 1] = "untouched";
		char twice[NAME_MAX_LEN + 1];

		if (c == 0x30000)	/* planes 3 to 13 are all alike */
			c = 0xe0000;
		if (c == 0xf0000)	/* so are 15 and 16, private */
			break;
		strcpy(name, with_point(c));
		if (iscsi_name_prepare(name, once, NULL) != 0) {
			assert_string_equal(once, "untouched");
			continue;
		}
		passed++;
		if (iscsi_name_prepare(once, twice, NULL) != 0 ||
		    strcmp(once, twice) != 0)
			fail_msg("U+%04X is not stable", c);
		/* nothing more is ever stored than is looked for */
		if (iscsi_name_prepare_stored(name, twice, NULL) == 0)
			assert_string_equal(once, twice);
	}
	assert_in_range(passed, 150000, 0x40000);
}

/* shows: 3722-9-01 3721-1.1-02 7143-4.2.7.2-05 */
static void
test_equal(void **state)
{
	static const char *const one[] = {
		IQN ":stra\u00dfe", IQN ":STRASSE", IQN ":strasse",
	};
	static const char *const different[] = {
		IQN ":a", IQN ":\u0430", IQN ":aa", IQN, IQN ":",
		IQN ".storage:tape.sys1.xyz", IQN ".storage.tape:sys1.xyz",
	};
	char a[NAME_MAX_LEN + 1], b[NAME_MAX_LEN + 1];

	for (size_t i = 0; i < COUNT(one); i++) {
		assert_int_equal(iscsi_name_prepare(one[0], a, NULL), 0);
		assert_int_equal(iscsi_name_prepare(one[i], b, NULL), 0);
		assert_true(iscsi_name_equal(a, b));
	}
	for (size_t i = 0; i < COUNT(different); i++)
		for (size_t j = 0; j < COUNT(different); j++) {
			iscsi_name_prepare(different[i], a, NULL);
			iscsi_name_prepare(different[j], b, NULL);
			assert_int_equal(iscsi_name_equal(a, b), i == j);
		}
}

static void
test_what_a_peer_may_try(void **state)
{
	static const char *const bad[] = {
		IQN ":a/b", IQN ":../../etc", IQN ":a\nTargetName=x",
		IQN ":a\033[2J", IQN ":a\u202eb", IQN ":a\\b", IQN ":a%2fb",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct lun_error err;
		char out[NAME_MAX_LEN + 1];

		assert_refused(bad[i]);
		iscsi_name_prepare(bad[i], out, &err);
		assert_null(strpbrk(err.text, "\n\033"));
		assert_null(strstr(err.text, "\u202e"));
	}
	assert_prepares("IQN.2001-04.com.Example:A", IQN ":a");
}

static void
test_safe_component(void **state)
{
	static const char *const good[] = {
		"a", "...", ".a", "a.", IQN ":a", "Oracle 1", "naa.5", "\u00fc",
		"\U0001f600", "-", "~", "lun0",
	};
	static const char *const bad[] = {
		"", ".", "..", "/", "a/b", "/a", "a/", "../x", "a\nb", "\x01",
		"\x7f", "\xc2\x85", "\u202e", "\u2028", "\xff", "\xc0\xaf",
		"\xed\xa0\x80", "a\x80", "\xe2\x80",
	};
	char name[300];

	for (size_t i = 0; i < COUNT(good); i++)
		if (!iscsi_name_safe_component(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (iscsi_name_safe_component(bad[i]))
			fail_msg("%s is taken", bad[i]);
	for (int c = 1; c < ' '; c++) {
		snprintf(name, sizeof(name), "a%c", c);
		assert_false(iscsi_name_safe_component(name));
	}
	for (size_t len = 250; len < 260; len++) {
		memset(name, 'a', len);
		name[len] = '\0';
		assert_int_equal(iscsi_name_safe_component(name), len <= 255);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_names),
		cmocka_unit_test(test_bad_syntax),
		cmocka_unit_test(test_every_month),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_ascii_character),
		cmocka_unit_test(test_map_and_normalize),
		cmocka_unit_test(test_prohibited),
		cmocka_unit_test(test_malformed_utf8),
		cmocka_unit_test(test_right_to_left),
		cmocka_unit_test(test_unassigned),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_what_a_peer_may_try),
		cmocka_unit_test(test_safe_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
