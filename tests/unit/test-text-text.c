/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logical texts: whatever they are cut into, the same pairs come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text/text.h"

static const struct {
	const char *key, *value;
} pairs[] = {
	{ "InitiatorName", "iqn.2001-04.com.example:a" },
	{ "TargetAlias", "a=b=c" },
	{ "CHAP_C", "0bEjRWeJCrze8SNFZ4kKvN7w==" },
	{ "InitiatorAlias", "" },
	{ "X#NodeArchitecture", "Some/1, other\xc3\xa9" },
	{ "A", "=" },
};
enum { N_PAIRS = sizeof(pairs) / sizeof(*pairs) };

static void
build(struct text *t)
{
	text_init(t, 4096);
	for (int i = 0; i < N_PAIRS; i++)
		assert_int_equal(text_add(t, pairs[i].key, pairs[i].value, NULL),
				 0);
}

static void
expect_pairs(const struct text *t)
{
	struct pair pair;
	size_t pos = 0;

	for (int i = 0; i < N_PAIRS; i++) {
		assert_int_equal(text_next(t, &pos, &pair, NULL), TEXT_PAIR);
		assert_string_equal(pair.key, pairs[i].key);
		assert_string_equal(pair.value, pairs[i].value);
		assert_int_equal(pair.value_len, strlen(pairs[i].value));
	}
	assert_int_equal(text_next(t, &pos, &pair, NULL), 0);
	assert_int_equal(text_next(t, &pos, &pair, NULL), 0);
}

/* Each pair, the last one too, is its bytes and exactly one null. */
/* shows: 7143-6.1-02 */
static void
test_written_form(void **state)
{
	static const char wire[] = "MaxBurstLength=512\0X-a.b=1,2\0Empty=";
	struct text t;
	const uint8_t *segment;
	bool more;

	text_init(&t, sizeof(wire));
	assert_int_equal(text_add(&t, "MaxBurstLength", "512", NULL), 0);
	assert_int_equal(text_add(&t, "X-a.b", "1,2", NULL), 0);
	assert_int_equal(text_add(&t, "Empty", "", NULL), 0);
	assert_int_equal(text_cut(&t, 8192, &segment, &more), sizeof(wire));
	assert_memory_equal(segment, wire, sizeof(wire));
	assert_false(more);
	assert_int_equal(text_cut(&t, 8192, &segment, &more), 0);
	assert_false(more);
	/* the limit is met exactly, and not passed */
	assert_int_equal(text_add(&t, "A", "", NULL), LUN_ENOMEM);
	assert_int_equal(t.len, sizeof(wire));
	text_deinit(&t);
}

/* However it is cut to be sent, it comes out the same when it is joined. */
/* shows: 7143-6.1-03 7143-6.1-04 */
static void
test_any_segmentation(void **state)
{
	struct text out, in;

	build(&out);
	text_init(&in, out.len);
	for (size_t step = 1; step <= out.len; step++) {
		const uint8_t *segment;
		bool more = true;
		size_t sent = 0;

		out.cut = 0;
		text_clear(&in);
		while (more) {
			size_t len = text_cut(&out, step, &segment, &more);

			assert_true(len > 0 && len <= step);
			assert_int_equal(text_join(&in, segment, len, NULL), 0);
			sent += len;
		}
		assert_int_equal(sent, out.len);
		expect_pairs(&in);
	}
	text_deinit(&out);
	text_deinit(&in);
}

/* Cut in two at every byte: the first part alone gives no pair that is cut. */
static void
test_every_truncation(void **state)
{
	struct text whole, part;

	build(&whole);
	text_init(&part, whole.len);
	for (size_t len = 0; len < whole.len; len++) {
		struct pair pair;
		size_t pos = 0;
		int r, n = 0;

		text_clear(&part);
		assert_int_equal(text_join(&part, (uint8_t *)whole.data, len,
					   NULL), 0);
		while ((r = text_next(&part, &pos, &pair, NULL)) == TEXT_PAIR)
			assert_string_equal(pair.value, pairs[n++].value);
		assert_int_equal(r, pos == len ? 0 : LUN_EPROTO);
		assert_true(pos == len || part.data[len - 1] != '\0');
	}
	text_deinit(&whole);
	text_deinit(&part);
}

#define K63 "K23456789012345678901234567890123456789012345678901234567890123"

/* What is no text ends there; keys are standard-labels. */
/* shows: 7143-6.1-05 */
static void
test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int n;			/* good pairs before the end */
		int r;			/* what ends it */
	} cases[] = {
#define CASE(s, n, r) { s, sizeof(s) - 1, n, r }
		CASE("", 0, 0),
		CASE("A=1\0", 1, 0),
		CASE("A=1", 0, LUN_EPROTO),		/* no null */
		CASE("\0", 0, LUN_EPROTO),		/* nothing but one */
		CASE("A=1\0\0", 1, LUN_EPROTO),		/* two of them */
		CASE("A=1\0\0B=1\0", 1, LUN_EPROTO),
		CASE("A\0", 0, LUN_EPROTO),		/* no = */
		CASE("=1\0", 0, LUN_EPROTO),		/* no key */
		CASE("A=1\0B", 1, LUN_EPROTO),
		CASE("A B=1\0", 0, LUN_EPROTO),
		CASE(" A=1\0", 0, LUN_EPROTO),
		CASE("A,B=1\0", 0, LUN_EPROTO),
		CASE("A\xc3\xa9=1\0", 0, LUN_EPROTO),
		CASE("X#=1\0", 1, 0),
		CASE("Y#a=1\0", 0, LUN_EPROTO),
		CASE("A#=1\0", 0, LUN_EPROTO),
		CASE("Az09.-+@_=1\0", 1, 0),
		CASE("initialR2T=Yes\0", 1, 0),		/* nobody's key */
		CASE(K63 "=1\0", 1, 0),
		CASE(K63 "4=1\0", 0, LUN_EPROTO),
#undef CASE
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text t;
		struct pair pair;
		size_t pos = 0;
		int n = 0, r;

		text_init(&t, 4096);
		assert_int_equal(text_join(&t, (const uint8_t *)cases[i].bytes,
					   cases[i].len, NULL), 0);
		while ((r = text_next(&t, &pos, &pair, NULL)) == TEXT_PAIR)
			n++;
		assert_int_equal(n, cases[i].n);
		assert_int_equal(r, cases[i].r);
		text_deinit(&t);
	}
	assert_int_equal(strlen(K63), KEY_LEN_MAX);
}

/* 64 KiB can be taken in, and not a byte more. */
/* shows: 7143-6.1-17 */
static void
test_limit(void **state)
{
	static uint8_t big[TEXT_LIMIT_LOGIN + 1] = "KRB_AP_REP=";
	struct text t;
	struct pair pair;
	size_t pos = 0;

	memset(big + 11, 'x', sizeof(big) - 11);
	big[TEXT_LIMIT_LOGIN - 1] = '\0';
	text_init(&t, TEXT_LIMIT_LOGIN);
	assert_int_equal(text_join(&t, big, sizeof(big), NULL), LUN_ENOMEM);
	assert_int_equal(t.len, 0);
	for (size_t i = 0; i < TEXT_LIMIT_LOGIN; i += 4096)
		assert_int_equal(text_join(&t, big + i, 4096, NULL), 0);
	assert_int_equal(text_join(&t, big, 1, NULL), LUN_ENOMEM);
	assert_int_equal(text_next(&t, &pos, &pair, NULL), TEXT_PAIR);
	assert_string_equal(pair.key, "KRB_AP_REP");
	assert_int_equal(pair.value_len, TEXT_LIMIT_LOGIN - 12);
	text_deinit(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_form),
		cmocka_unit_test(test_any_segmentation),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
