/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All pairs: each rule with every offer of ours and every answer of the
 * target, and with every proposal of the target and every wish of ours.
 */
#include "negotiation.h"

/*
 * Every boolean, offered both ways, and every answer to it, none included.
 * The truth is written out: offered, answer, fails or the result.
 */
/* shows: 7143-6.1-08 7143-6.2-09 7143-6.2-12 7143-6.2-17 7143-6.2.2-03 */
/* shows: 7143-6.2.2-05 7143-13.10-01 7143-13.11-01 */
static void
test_bool_answers(void **state)
{
	static const char *const names[] = {
		"InitialR2T", "ImmediateData", "DataPDUInOrder",
		"DataSequenceInOrder",
	};
	static const struct {
		bool offered;
		const char *answer;
		int or_result, and_result;	/* -1: the login fails */
	} truth[] = {
		/* not answered: decided by us, or the default, Yes */
		{ true, NULL, true, true },
		{ false, NULL, true, false },
		{ true, "Yes", true, true },
		{ true, "No", -1, false },
		{ false, "Yes", true, -1 },
		{ false, "No", false, false },
		{ true, "Reject", true, true },
		{ false, "Irrelevant", true, false },
		{ true, "Irrelevant", true, true },
		{ true, "NotUnderstood", -1, -1 },
		{ false, "NotUnderstood", -1, -1 },
		{ true, "yes", -1, -1 },
		{ false, "no", -1, -1 },
		{ false, "1", -1, -1 },
		{ true, "True", -1, -1 },
		{ true, "", -1, -1 },
		{ true, "None", -1, -1 },
	};

	for (size_t k = 0; k < COUNT(names); k++) {
		const struct key *key = key_find(names[k]);

		for (size_t i = 0; i < COUNT(truth); i++) {
			int want = key->rule == RULE_OR ? truth[i].or_result
							: truth[i].and_result;

			key_set(key, &offer.values, truth[i].offered);
			start_and_offer(NORMAL);
			assert_string_equal(find(&said, names[k]),
					    truth[i].offered ? "Yes" : "No");
			int r = truth[i].answer
			    ? take_pair(names[k], truth[i].answer) : 0;

			if (want < 0) {
				assert_true(r < 0);
				continue;
			}
			assert_int_equal(r, 0);
			assert_int_equal(answers.len, 0);
			assert_int_equal(concluded(key), want);
		}
		offer_default(&offer);
	}
}

/* A boolean that the target proposes: both ways, against both of our wishes. */
/* shows: 7143-6.2-06 7143-6.2.2-04 */
static void
test_bool_proposals(void **state)
{
	static const char *const names[] = {
		"InitialR2T", "ImmediateData", "DataPDUInOrder",
		"DataSequenceInOrder",
	};

	for (size_t k = 0; k < COUNT(names); k++) {
		const struct key *key = key_find(names[k]);

		for (int i = 0; i < 4; i++) {
			bool ours = i & 1, theirs = i & 2;
			bool want = key->rule == RULE_OR ? ours || theirs
							 : ours && theirs;

			key_set(key, &offer.values, ours);
			start(NORMAL);
			assert_int_equal(take_pair(names[k],
						   theirs ? "Yes" : "No"), 0);
			expect_answer(names[k], want ? "Yes" : "No");
			assert_int_equal(concluded(key), want);
			/* and it is not offered on top of that */
			assert_int_equal(negotiate_offer(&n, &said, &err), 0);
			assert_null(find(&said, names[k]));
		}
		start(NORMAL);
		assert_int_equal(take_pair(names[k], "maybe"), 0);
		expect_answer(names[k], "Reject");
		assert_int_equal(concluded(key), true);	/* the default */
		offer_default(&offer);
	}
}

/* The numbers that are worth trying around a range and an offer. */
static int
edges(const struct key *k, uint32_t offered, int64_t out[16])
{
	const int64_t all[] = {
		-1, 0, 1, (int64_t)k->lo - 1, k->lo, (int64_t)k->lo + 1,
		(int64_t)offered - 1, offered, (int64_t)offered + 1,
		(int64_t)k->hi - 1, k->hi, (int64_t)k->hi + 1, k->def,
		(int64_t)UINT32_MAX + 1 + k->lo,
	};

	memcpy(out, all, sizeof(all));
	return (int)COUNT(all);
}

static bool
in_range(const struct key *k, int64_t v)
{
	return v >= k->lo && v <= k->hi;
}

/* May the key hold any value alone, whatever the others are? */
static bool
is_free(const struct key *k)
{
	return strcmp(k->name, "FirstBurstLength") != 0 &&
	       strcmp(k->name, "MaxBurstLength") != 0 &&
	       strcmp(k->name, "ErrorRecoveryLevel") != 0;
}

/* Each numeric key, offered at its edges, answered at all edges. */
/* shows: 7143-6.2.2-03 7143-13.2-01 7143-13.14-01 7143-13.16-01 */
/* shows: 7143-13.17-01 7143-13.20-01 7144-7.1.1-01 7143-6.2-07 */
static void
test_number_answers(void **state)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (k->type != KEY_NUMBER || k->rule == RULE_DECLARE)
			continue;
		uint32_t offers[] = { k->lo, k->lo + 1, k->def, k->hi };

		for (size_t o = 0; o < COUNT(offers); o++) {
			int64_t tries[16];
			int count = edges(k, offers[o], tries);

			key_set(k, &offer.values, offers[o]);
			if (strcmp(k->name, "FirstBurstLength") == 0)
				offer.values.MaxBurstLength = 0xffffff;
			for (int t = 0; t < count; t++) {
				int64_t v = tries[t];
				bool ok = in_range(k, v) &&
				    (k->rule == RULE_MIN ? v <= offers[o]
							 : v >= offers[o]);
				char text[24];

				start_and_offer(NORMAL);
				snprintf(text, sizeof(text), "%lld",
					 (long long)v);
				int r = take_pair(k->name, text);

				assert_int_equal(r, ok ? 0 : LUN_ENEGOTIATE);
				if (ok)
					assert_int_equal(key_get(k, &n.after),
							 v);
				if (ok && is_free(k))
					assert_int_equal(concluded(k), v);
				assert_int_equal(answers.len, 0);
			}
			/* no answer: the default, not our wish */
			start_and_offer(NORMAL);
			assert_int_equal(key_get(k, &n.after), k->def);
			assert_int_equal(take_pair(k->name, "512~1024"),
					 LUN_ENEGOTIATE);
		}
		offer_default(&offer);
	}
}

/* Each numeric key proposed by the target at all edges: 6.2.2. */
/* shows: 7143-6.2-06 7143-6.2.2-01 7143-6.2.2-02 7143-7.1.5-02 */
/* shows: 7143-13.24-01 */
static void
test_number_proposals(void **state)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (k->type != KEY_NUMBER || k->rule == RULE_DECLARE)
			continue;
		int64_t tries[16];
		uint32_t ours = key_get(k, &offer.values);
		int count = edges(k, ours, tries);

		for (int t = 0; t < count; t++) {
			int64_t v = tries[t];
			char text[24], want[24] = "Reject";

			start(NORMAL);
			snprintf(text, sizeof(text), "%lld", (long long)v);
			assert_int_equal(take_pair(k->name, text), 0);
			uint32_t result = k->def;

			if (in_range(k, v)) {
				result = (v < ours) == (k->rule == RULE_MIN)
				    ? (uint32_t)v : ours;
				snprintf(want, sizeof(want), "%u", result);
			}
			expect_answer(k->name, want);
			assert_int_equal(key_get(k, &n.after), result);
		}
	}
	start(NORMAL);
	assert_int_equal(take_pair("iSCSIProtocolLevel", "2"), 0);
	expect_answer("iSCSIProtocolLevel", "1");
}

/* Numbers are read in hex as well, and not beyond what they are. */
/* shows: 7143-6.1-09 7143-6.1-14 7143-6.2-08 */
static void
test_number_notation(void **state)
{
	static const struct {
		const char *key, *value;
		uint32_t result;		/* 0: fails */
	} cases[] = {
		{ "MaxBurstLength", "0X0001fFfF", 131071 },
		{ "FirstBurstLength", "0x2000", 8192 },
		{ "FirstBurstLength", "8192k", 0 },
		{ "FirstBurstLength", "18446744073709551617", 0 },
		{ "FirstBurstLength", "08192", 0 },
		{ "MaxBurstLength", "512~1024", 0 },
		{ "MaxBurstLength", "", 0 },
		{ "MaxBurstLength", "512,1024", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		start_and_offer(NORMAL);
		int r = take_pair(cases[i].key, cases[i].value);

		if (!cases[i].result) {
			assert_int_equal(r, LUN_ENEGOTIATE);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(key_get(key_find(cases[i].key), &n.after),
				 cases[i].result);
	}
}

/* shows: 7143-6.2.1-06 7143-6.2-12 7143-6.2-18 7143-7.12-01 */
static void
test_list_answers(void **state)
{
	static const char *const lists[] = {
		"None", "CRC32C", "None,CRC32C", "CRC32C,None",
	};
	static const char *const values[] = {
		NULL, "None", "CRC32C", "crc32c", "none", "CRC32C,None",
		"Y-com.example.x", "", "Reject", "Irrelevant", "NotUnderstood",
	};
	static const char *const names[] = { "HeaderDigest", "DataDigest" };

	for (int k = 0; k < 2; k++)
	for (size_t l = 0; l < COUNT(lists); l++)
	for (size_t v = 0; v < COUNT(values); v++) {
		const struct key *key = key_find(names[k]);
		bool has_none = strstr(lists[l], "None") != NULL;
		bool has_crc = strstr(lists[l], "CRC32C") != NULL;
		struct params p;

		assert_int_equal(offer_set(&offer, names[k], lists[l], &err),
				 0);
		start_and_offer(NORMAL);
		assert_string_equal(find(&said, names[k]), lists[l]);
		int r = values[v] ? take_pair(names[k], values[v]) : 0;

		if (v == 1 || v == 2) {		/* the plain words */
			bool ok = v == 1 ? has_none : has_crc;

			assert_int_equal(r, ok ? 0 : LUN_ENEGOTIATE);
			if (ok)
				assert_int_equal(concluded(key), v == 2);
			continue;
		}
		if (v == 0 || v == 8 || v == 9) {
			/* None stays in force: do we have that? */
			assert_int_equal(r, 0);
			assert_int_equal(negotiate_conclude(&n, &p, &err),
					 has_none ? 0 : LUN_ENEGOTIATE);
			continue;
		}
		assert_true(r < 0);
	}
}

/* shows: 7143-6.2.1-02 7143-6.2.1-03 7143-6.2.1-04 7143-6.2.1-05 */
/* shows: 7143-13.23-02 7143-6.2-06 */
static void
test_list_proposals(void **state)
{
	static const struct {
		const char *key, *ours, *theirs, *answer;
	} cases[] = {
		{ "HeaderDigest", "None,CRC32C", "Y-foo,CRC32C,None", "CRC32C" },
		{ "HeaderDigest", "None", "Y-foo,CRC32C,None", "None" },
		{ "HeaderDigest", "None,CRC32C", "None,CRC32C", "None" },
		{ "HeaderDigest", "CRC32C", "None,CRC32C", "CRC32C" },
		{ "DataDigest", "None", "CRC32C", "Reject" },
		{ "DataDigest", "CRC32C", "None", "Reject" },
		{ "DataDigest", "None,CRC32C", "Y-foo", "Reject" },
		{ "DataDigest", "None,CRC32C", "", "Reject" },
		{ "DataDigest", "None,CRC32C", ",CRC32C", "Reject" },
		{ "TaskReporting", "ResponseFence,RFC3720",
		  "FastAbort,ResponseFence,RFC3720", "ResponseFence" },
		{ "TaskReporting", "ResponseFence,RFC3720",
		  "RFC3720,ResponseFence", "RFC3720" },
		{ "TaskReporting", "ResponseFence,RFC3720", "FastAbort",
		  "Reject" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct key *k = key_find(cases[i].key);

		assert_int_equal(offer_set(&offer, cases[i].key, cases[i].ours,
					   &err), 0);
		start(NORMAL);
		assert_int_equal(take_pair(cases[i].key, cases[i].theirs), 0);
		expect_answer(cases[i].key, cases[i].answer);
		int word = key_word(k, cases[i].answer);

		assert_int_equal(key_get(k, &n.after), word < 0 ? 0 : word);
	}
	/* unanswered, what we offered is not in force */
	offer_default(&offer);
	start_and_offer(NORMAL);
	assert_int_equal(concluded(key_find("TaskReporting")), REPORT_RFC3720);
}

/* A list that we do not offer at all admits its default, and no more. */
static void
test_no_choices(void **state)
{
	offer.TaskReporting.n = 0;
	start_and_offer(NORMAL);
	assert_null(find(&said, "TaskReporting"));
	assert_int_equal(take_pair("TaskReporting",
				   "FastAbort,ResponseFence,RFC3720"), 0);
	expect_answer("TaskReporting", "RFC3720");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_bool_answers),
		TEST(test_bool_proposals),
		TEST(test_number_answers),
		TEST(test_number_proposals),
		TEST(test_number_notation),
		TEST(test_list_answers),
		TEST(test_list_proposals),
		TEST(test_no_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
