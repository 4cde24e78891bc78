/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile of RFC 3722 on strings: the sequences that the test vectors for
 * stringprep (those of GNU libidn, too) are about; and what is said of a
 * character that is refused: which, where, by which table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "names/profile.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define PROHIBITED	"not allowed in a name"
#define UNASSIGNED	"no character of Unicode 3.2"
#define DIRECTIONS	"mixed directions"
#define NO_UTF8		"not well-formed UTF-8"

static const struct vector {
	const char *in;
	const char *out;	/* NULL: refused */
	const char *why;	/* part of the text */
} vectors[] = {
	{ "", "", NULL },
	{ "foo\u00ad\u034f\u1806\u180bbar\u200b\u2060baz\ufe00\ufe08\ufe0f\ufeff",
	  "foobarbaz", NULL },
	{ "CAFE", "cafe", NULL },
	{ "\u00df", "ss", NULL },
	{ "\u0130", "i\u0307", NULL },
	{ "\u0143\u0345", "\u0144\u03b9", NULL },
	{ "\u0143\u037a", NULL, "U+037A becomes U+0020, which is " PROHIBITED },
	{ "\u2121\u33c6\U0001d7bb", "telc\u2215kg\u03c3", NULL },
	{ "j\u030c\u00aa", "\u01f0a", NULL },
	{ "j\u030c\u00a0\u00aa", NULL, "U+00A0 becomes U+0020" },
	{ "\u1fb7", "\u1fb6\u03b9", NULL },
	{ "\u01f0", "\u01f0", NULL },
	{ "\u0390", "\u0390", NULL },
	{ "\u03b0", "\u03b0", NULL },
	{ "\u1e96", "\u1e96", NULL },
	{ "\u1f56", "\u1f56", NULL },
	{ " ", NULL, "U+0020 is " PROHIBITED },
	{ "\u1680", NULL, PROHIBITED },
	{ "\u2000", NULL, PROHIBITED },
	{ "\u200b", "", NULL },
	{ "\u3000", NULL, PROHIBITED },
	{ "\x10\x7f", NULL, "U+0010 is " PROHIBITED },
	{ "\xc2\x85", NULL, PROHIBITED },
	{ "\u180e", NULL, PROHIBITED },
	{ "\ufeff", "", NULL },
	{ "\U0001d175", NULL, PROHIBITED },
	{ "\uf123", NULL, PROHIBITED },
	{ "\U000f1234", NULL, PROHIBITED },
	{ "\U0010f234", NULL, PROHIBITED },
	{ "\U0008fffe", NULL, PROHIBITED },
	{ "\U0010ffff", NULL, PROHIBITED },
	{ "\xed\xbd\x82", NULL, NO_UTF8 },
	{ "\ufffd", NULL, PROHIBITED },
	{ "\u2ff5", NULL, PROHIBITED },
	{ "\u0341", "\u0301", NULL },
	{ "\u200e", NULL, PROHIBITED },
	{ "\u202a", NULL, PROHIBITED },
	{ "\U000e0001", NULL, PROHIBITED },
	{ "\U000e0042", NULL, PROHIBITED },
	{ "foo\u05bebar", NULL, DIRECTIONS },
	{ "foo\ufd50bar", NULL, DIRECTIONS },
	{ "foo\ufb38bar", NULL, DIRECTIONS },
	{ "\u06271", NULL, DIRECTIONS },
	{ "1\u0627", NULL, DIRECTIONS },
	{ "\u06271\u0628", "\u06271\u0628", NULL },
	{ "\u0627\u00aa\u0628", NULL, DIRECTIONS },
	{ "\u05d0\u05d1", "\u05d0\u05d1", NULL },
	{ "\u05d0a", NULL, DIRECTIONS },
	{ "\u05d01", NULL, DIRECTIONS },
	{ "1\u05d0", NULL, DIRECTIONS },
	{ "\u05d01\u05d1", "\u05d01\u05d1", NULL },
	{ "\ufb1d", NULL, DIRECTIONS },		/* ends in a mark */
	{ "x\u00ad\u00df\u0130\u2121j\u030c\u00aa\u03b0",
	  "xssi\u0307tel\u01f0a\u03b0", NULL },
	{ "X\u00df\u3316\u0130\u2121\u249f",	/* U+249F: "(d)" */
	  NULL, "U+249F becomes '(', which is " PROHIBITED },
	{ "x\u00df\u3316", "xss\u30ad\u30ed\u30e1\u30fc\u30c8\u30eb", NULL },
	{ "\u1100\u1161", "\uac00", NULL },
	{ "\uac00\u11a8", "\uac01", NULL },
	{ "a<\u0338", "a\u226e", NULL },	/* the "<" is no more */
};

/* shows: 3722-7-01 3722-4-01 3722-4-02 3722-4-03 3722-5-01 3454-3-01 */
static void
test_vectors(void **state)
{
	for (size_t i = 0; i < COUNT(vectors); i++)
		for (int stored = 0; stored < 2; stored++) {
			const struct vector *v = &vectors[i];
			char out[NAME_MAX_LEN + 1] = "untouched";
			struct lun_error err = { 0 };
			int r = name_profile(v->in, out, stored, &err);

			if (r != (v->out ? 0 : LUN_EINVAL))
				fail_msg("%zu: %s: %d %s", i, v->in, r,
					 err.text);
			assert_string_equal(out, v->out ? v->out : "untouched");
			if (!v->out && !strstr(err.text, v->why))
				fail_msg("%s: not: %s", err.text, v->why);
		}
}

/* shows: 3722-3-01 3722-8-01 3722-8-02 */
static void
test_unassigned_only_in_queries(void **state)
{
	static const char *const later[] = { "\u0221", "\u1e9e", "a\U000e0002" };

	for (size_t i = 0; i < COUNT(later); i++) {
		char out[NAME_MAX_LEN + 1];
		struct lun_error err;

		assert_int_equal(name_profile(later[i], out, false, &err), 0);
		assert_string_equal(out, later[i]);
		assert_int_equal(name_profile(later[i], out, true, &err),
				 LUN_EINVAL);
		assert_non_null(strstr(err.text, UNASSIGNED));
		assert_non_null(strstr(err.text, "table A.1 of RFC 3454"));
	}
}

static void
test_what_is_said(void **state)
{
	static const struct {
		const char *in, *said;
	} cases[] = {
		{ "a_b", "'_' is not allowed in a name: character 2 (U+005F), "
			 "byte 2; the list of RFC 3722 6" },
		{ "\u00fc\u202e", "U+202E is not allowed in a name: "
		  "character 2 (U+202E), byte 3; table C.8 of RFC 3454" },
		{ "\u3002", "U+3002 is not allowed in a name: character 1 "
		  "(U+3002), byte 1; the list of RFC 3722 6" },
		{ "a\uff61", "U+FF61 becomes U+3002, which is not allowed" },
		{ "ab\u2100", "U+2100 becomes '/', which is not allowed in a "
		  "name: character 3 (U+2100), byte 3; the list of RFC" },
		{ "a\x1b[2J", "U+001B is not allowed in a name: character 2 "
		  "(U+001B), byte 2; table C.2.1 of RFC 3454" },
		{ "a\u2001", "byte 2; table C.1.1 of RFC 3454" },
		{ "a\u1680", "byte 2; table C.1.2 of RFC 3454" },
		{ "a\u2028", "byte 2; table C.2.2 of RFC 3454" },
		{ "a\ue000", "byte 2; table C.3 of RFC 3454" },
		{ "a\ufdd0", "byte 2; table C.4 of RFC 3454" },
		{ "a\ufffd", "byte 2; table C.6 of RFC 3454" },
		{ "a\u2ff0", "byte 2; table C.7 of RFC 3454" },
		{ "a\U000e0041", "byte 2; table C.9 of RFC 3454" },
		{ "a\u00fc\u05d0", "U+05D0 is written from right to left, and "
		  "mixed directions are not allowed in a name: character 3 "
		  "(U+05D0), byte 4; table D.1 of RFC 3454" },
		{ "a\xc3(", "is not well-formed UTF-8: character 2, byte 2 "
		  "(0xc3)" },
		/* what is no fault of its own is not named: it is composed,
		 * or mapped to nothing, or makes more of itself */
		{ "<\u0338<", "character 3 (U+003C), byte 4" },
		{ "\u00ad\u00ad_", "character 3 (U+005F), byte 5" },
		{ "_\u00ad", "character 1 (U+005F), byte 1" },
		{ "\u3316\u00df!\u00df", "character 3 (U+0021), byte 6" },
		{ "a\u0301\u0327_", "character 4 (U+005F), byte 6" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[NAME_MAX_LEN + 1];
		struct lun_error err;

		assert_int_equal(name_profile(cases[i].in, out, false, &err),
				 LUN_EINVAL);
		if (!strstr(err.text, cases[i].said))
			fail_msg("%s: not: %s", err.text, cases[i].said);
		assert_null(strpbrk(err.text, "\x1b\n"));
		assert_null(strstr(err.text, "\u202e"));
	}
}

/* The place is right for every place. */
static void
test_every_place(void **state)
{
	for (int n = 0; n < NAME_INPUT_MAX; n += n < 300 ? 1 : 97) {
		char in[NAME_INPUT_MAX + 1], out[NAME_MAX_LEN + 1], said[64];
		struct lun_error err;

		memset(in, 'a', NAME_INPUT_MAX);
		in[NAME_INPUT_MAX] = '\0';
		in[n] = '#';
		snprintf(said, sizeof(said), "character %d (U+0023), byte %d;",
			 n + 1, n + 1);
		assert_int_equal(name_profile(in, out, false, &err),
				 LUN_EINVAL);
		if (!strstr(err.text, said))
			fail_msg("%s: not: %s", err.text, said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_unassigned_only_in_queries),
		cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
