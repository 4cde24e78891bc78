/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of negotiation beside the results, and who breaks them: 6.2. */
#include "negotiation.h"

/* What each declares is for the other: 13.12. */
/* shows: 7143-13.12-01 7143-13.12-02 7143-6.2-17 */
static void
test_declarations(void **state)
{
	static const struct {
		const char *value;
		uint32_t result;		/* 0: fails */
	} cases[] = {
		{ "512", 512 }, { "16777215", 16777215 }, { "8192", 8192 },
		{ "0x1000", 4096 }, { "0", 0 }, { "511", 0 },
		{ "16777216", 0 }, { "", 0 }, { "-1", 0 }, { "4294967808", 0 },
	};
	struct params p;

	for (size_t i = 0; i < COUNT(cases); i++) {
		start_and_offer(NORMAL);
		int r = take_pair("MaxRecvDataSegmentLength", cases[i].value);

		if (!cases[i].result) {
			assert_int_equal(r, LUN_ENEGOTIATE);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
		assert_int_equal(p.TargetMaxRecvDataSegmentLength,
				 cases[i].result);
		assert_int_equal(p.MaxRecvDataSegmentLength,
				 offer.values.MaxRecvDataSegmentLength);
		assert_int_equal(answers.len, 0);
	}
	/* the target says nothing */
	start_and_offer(NORMAL);
	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	assert_int_equal(p.TargetMaxRecvDataSegmentLength, 8192);
	/* or turns ours down */
	start_and_offer(NORMAL);
	assert_int_equal(take_pair("MaxRecvDataSegmentLength", "Reject"), 0);
	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	assert_int_equal(p.MaxRecvDataSegmentLength, 8192);
}

/* Every key that we send, turned down with each of the constants. */
/* shows: 7143-6.2-11 7143-6.2-12 7143-6.2-13 7143-6.2-17 */
static void
test_constants_for_all(void **state)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];
		struct params p, defaults;

		if (!key_has_member(k))
			continue;
		params_default(&defaults);
		start_and_offer(NORMAL);
		assert_int_equal(take_pair(k->name, "NotUnderstood"),
				 k->flags & KEY_LATER ? 0 : LUN_EPROTO);
		assert_int_equal(answers.len, 0);
		if (k->flags & KEY_LATER)
			assert_int_equal(concluded(k), k->def);
		start_and_offer(NORMAL);
		assert_int_equal(take_pair(k->name, "Reject"), 0);
		assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
		if (k->rule != RULE_AND && k->rule != RULE_OR)
			assert_int_equal(key_get(k, &p), k->def);
		/* once only */
		assert_int_equal(take_pair(k->name, "Reject"), LUN_EPROTO);
		start_and_offer(NORMAL);
		assert_int_equal(take_pair(k->name, "Irrelevant"), 0);
		assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	}
}

/* The constants are no proposals: 6.2. */
/* shows: 7143-6.2-15 */
static void
test_constants_proposed(void **state)
{
	static const char *const constants[] = {
		"Reject", "Irrelevant", "NotUnderstood",
	};
	static const char *const names[] = {
		"MaxConnections", "HeaderDigest", "InitialR2T", "TargetAlias",
		"MaxRecvDataSegmentLength", "IFMarker", "Foo", "X-com.example",
	};

	for (size_t k = 0; k < COUNT(names); k++) {
		for (size_t c = 0; c < COUNT(constants); c++) {
			start(NORMAL);
			assert_int_equal(take_pair(names[k], constants[c]),
					 LUN_EPROTO);
			assert_int_equal(answers.len, 0);
		}
	}
}

/* Each key twice, in all combinations of how it began. */
/* shows: 7143-6.3-15 7143-6.2-16 */
static void
test_duplicates(void **state)
{
	static const struct {
		const char *key, *first, *second;
		int r;
	} cases[] = {
		{ "MaxRecvDataSegmentLength", "8192", "16384", LUN_EPROTO },
		{ "MaxRecvDataSegmentLength", "8192", "8192", LUN_EPROTO },
		{ "MaxBurstLength", "8192", "4096", LUN_EPROTO },
		{ "MaxBurstLength", "Reject", "4096", LUN_EPROTO },
		{ "ImmediateData", "Yes", "No", LUN_EPROTO },
		{ "HeaderDigest", "None", "None", LUN_EPROTO },
		{ "TargetAlias", "a", "a", LUN_EPROTO },
		{ "TargetPortalGroupTag", "1", "1", LUN_EPROTO },
		{ "X#NodeArchitecture", "a", "a", LUN_EPROTO },
		{ "TargetAddress", "10.0.0.1", "10.0.0.2", NEGOTIATE_YOURS },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int offered = 0; offered < 2; offered++) {
			start(NORMAL);
			if (offered)
				negotiate_offer(&n, &said, &err);
			else if (strcmp(cases[i].first, "Reject") == 0)
				continue;
			assert_true(take_pair(cases[i].key, cases[i].first) >=
				    0);
			assert_int_equal(take_pair(cases[i].key,
						   cases[i].second),
					 cases[i].r);
		}
	}
	/* and nothing of ours goes twice */
	start_and_offer(NORMAL);
	text_clear(&said);
	assert_int_equal(take_pair("MaxBurstLength", "Reject"), 0);
	assert_int_equal(negotiate_offer(&n, &said, &err), 0);
	assert_int_equal(said.len, 0);
}

#define K63 "K23456789012345678901234567890123456789012345678901234567890123"

/* shows: 7143-6.2-10 7143-6.1-01 7143-6.1-05 */
static void
test_unknown_keys(void **state)
{
	static const char *const names[] = {
		"X-com.example.foo", "Foo", "initialR2T", "maxburstlength",
		"Initialr2T", "X#Other", "SPKM_REQ", "SRP_U", "KRB_AP_REQ",
		K63,
	};

	start_and_offer(NORMAL);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(take_pair(names[i], "No"), 0);
		expect_answer(names[i], "NotUnderstood");
	}
	/* they do not keep the stage from ending */
	assert_int_equal(negotiate_end_stage(&n, &err), 0);
	assert_int_equal(concluded(key_find("InitialR2T")), true);
}

/* All keys of the RFC that a target may send are understood. */
/* shows: 7143-6.2-19 7143-13.25-01 7143-13.25-02 7143-13.25-03 */
/* shows: 3720-A.3-01 7143-13.26.2-01 */
static void
test_all_keys_understood(void **state)
{
	static const struct {
		const char *key, *value, *answer;
	} cases[] = {
		{ "HeaderDigest", "None", "None" },
		{ "DataDigest", "CRC32C,None", "CRC32C" },
		{ "MaxConnections", "8", "1" },
		{ "InitialR2T", "No", "No" },
		{ "ImmediateData", "Yes", "Yes" },
		{ "MaxRecvDataSegmentLength", "65536", NULL },
		{ "MaxBurstLength", "65536", "65536" },
		{ "FirstBurstLength", "65536", "65536" },
		{ "DefaultTime2Wait", "5", "5" },
		{ "DefaultTime2Retain", "5", "5" },
		{ "MaxOutstandingR2T", "8", "8" },
		{ "DataPDUInOrder", "Yes", "Yes" },
		{ "DataSequenceInOrder", "Yes", "Yes" },
		{ "ErrorRecoveryLevel", "2", "0" },
		{ "TaskReporting", "RFC3720,ResponseFence", "RFC3720" },
		{ "iSCSIProtocolLevel", "2", "1" },
		{ "X#NodeArchitecture", "Example/1,b", NULL },
		{ "X#NodeArchitecture", "", NULL },
		{ "TargetAlias", "Bob-s Disk", NULL },
		{ "TargetAddress", "10.0.0.1", NULL },
		{ "TargetPortalGroupTag", "1", NULL },
		{ "IFMarker", "Yes", "Reject" },
		{ "OFMarker", "Yes", "Reject" },
		{ "IFMarker", "No", "Reject" },
		{ "OFMarker", "No", "Reject" },
		{ "IFMarkInt", "2048~8192", "Reject" },
		{ "OFMarkInt", "2048~8192", "Reject" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		start(NORMAL);
		assert_true(take_pair(cases[i].key, cases[i].value) >= 0);
		expect_answer(cases[i].key, cases[i].answer);
	}
}

/* Keys that a target may not send, here or at all: 6.3. */
/* shows: 7143-6.3-08 7143-6.3-09 7143-12-01 7143-15-02 */
static void
test_wrong_place(void **state)
{
	static const struct {
		enum key_phase phase;
		const char *key, *value;
	} cases[] = {
		{ IN_SECURITY, "MaxBurstLength", "65536" },
		{ IN_SECURITY, "HeaderDigest", "None" },
		{ IN_SECURITY, "MaxRecvDataSegmentLength", "8192" },
		{ IN_SECURITY, "TaskReporting", "RFC3720" },
		{ IN_SECURITY, "X#NodeArchitecture", "a" },
		{ IN_SECURITY, "TargetName", "iqn.2001-04.com.example:a" },
		{ IN_OPERATIONAL, "AuthMethod", "None" },
		{ IN_OPERATIONAL, "CHAP_A", "5" },
		{ IN_OPERATIONAL, "InitiatorName", "iqn.2001-04.com.a:b" },
		{ IN_OPERATIONAL, "SessionType", "Normal" },
		{ IN_OPERATIONAL, "SendTargets", "All" },
		{ IN_OPERATIONAL, "InitiatorAlias", "me" },
		{ IN_FULL_FEATURE, "AuthMethod", "CHAP" },
		{ IN_FULL_FEATURE, "CHAP_N", "me" },
		{ IN_FULL_FEATURE, "HeaderDigest", "None" },
		{ IN_FULL_FEATURE, "MaxConnections", "2" },
		{ IN_FULL_FEATURE, "ErrorRecoveryLevel", "2" },
		{ IN_FULL_FEATURE, "TargetPortalGroupTag", "1" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		start(NORMAL);
		n.phase = cases[i].phase;
		assert_int_equal(take_pair(cases[i].key, cases[i].value),
				 LUN_EPROTO);
		assert_int_equal(answers.len, 0);
		assert_non_null(strstr(err.text, cases[i].key));
	}
}

/* In the SecurityNegotiation stage nothing of the table is offered. */
/* shows: 7143-12-01 */
static void
test_security_stage_offers_nothing(void **state)
{
	start(NORMAL);
	n.phase = IN_SECURITY;
	assert_int_equal(negotiate_offer(&n, &said, &err), 0);
	assert_int_equal(said.len, 0);
}

/* shows: 7143-13-01 */
static void
test_second_connection(void **state)
{
	start_and_offer(SECOND);
	assert_non_null(find(&said, "HeaderDigest"));
	assert_non_null(find(&said, "DataDigest"));
	assert_non_null(find(&said, "MaxRecvDataSegmentLength"));
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!(k->flags & KEY_LEADING))
			continue;
		assert_null(find(&said, k->name));
		if (!key_has_member(k))
			continue;
		/* and a target that begins with them moves nothing */
		assert_int_equal(take_pair(k->name,
		    k->type == KEY_BOOL ? "No" :
		    k->type == KEY_LIST ? "ResponseFence" : "512"), 0);
		expect_answer(k->name, "Irrelevant");
		assert_int_equal(concluded(k), k->def);
	}
}

/* shows: 7143-7.4.1-01 7143-13.21-02 7144-7.1.1-01 7143-6.2-09 7143-13.22-01 */
static void
test_discovery(void **state)
{
	offer.values.ErrorRecoveryLevel = 2;
	start_and_offer(DISCOVERY);
	assert_string_equal(find(&said, "ErrorRecoveryLevel"), "0");
	assert_null(find(&said, "X-"));
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!(k->flags & KEY_NOT_DISCOVERY))
			continue;
		assert_null(find(&said, k->name));
		assert_int_equal(take_pair(k->name, "4"), 0);
		expect_answer(k->name, "Irrelevant");
		assert_int_equal(concluded(k), k->def);
	}
	start(DISCOVERY);
	assert_int_equal(take_pair("ErrorRecoveryLevel", "2"), 0);
	expect_answer("ErrorRecoveryLevel", "0");
	assert_int_equal(concluded(key_find("ErrorRecoveryLevel")), 0);
}

/* In a Text Request only what may change then, and nothing of use LO or IO. */
/* shows: 7143-13-01 7143-13-02 7143-6.2-22 7143-6.4-06 7143-7.12-02 */
static void
test_full_feature(void **state)
{
	static const char all[] = "MaxRecvDataSegmentLength=1048576";
	struct params p;

	start_and_offer(FULL_FEATURE);
	assert_int_equal(said.len, sizeof(all));
	assert_memory_equal(said.data, all, sizeof(all));
	assert_int_equal(n.before.MaxRecvDataSegmentLength, 8192);
	assert_int_equal(take_pair("MaxRecvDataSegmentLength", "4096"), 0);
	assert_int_equal(n.before.TargetMaxRecvDataSegmentLength, 8192);
	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	assert_int_equal(p.MaxRecvDataSegmentLength, 1 << 20);
	assert_int_equal(p.TargetMaxRecvDataSegmentLength, 4096);
}

/* Our offers agree with each other, and so do the results. */
/* shows: 7143-13.14-02 7143-13.20-02 7143-6.2-23 */
static void
test_integrity(void **state)
{
	struct params p;

	offer.values.FirstBurstLength = 1 << 20;
	offer.values.MaxBurstLength = 256 << 10;
	start_and_offer(NORMAL);
	assert_string_equal(find(&said, "FirstBurstLength"), "262144");

	start_and_offer(NORMAL);
	assert_int_equal(take_pair("FirstBurstLength", "262144"), 0);
	assert_int_equal(take_pair("MaxBurstLength", "512"), 0);
	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	assert_int_equal(p.MaxBurstLength, 512);
	assert_int_equal(p.FirstBurstLength, 512);

	for (uint32_t level = 0; level <= 2; level++) {
		for (int in_order = 0; in_order < 2; in_order++) {
			offer.values.ErrorRecoveryLevel = level;
			offer.values.DataSequenceInOrder = in_order;
			start_and_offer(NORMAL);
			assert_string_equal(find(&said, "MaxOutstandingR2T"),
			    level && in_order ? "1" : "16");
		}
	}
	/* the target makes it so by its own answers */
	offer.values.ErrorRecoveryLevel = 1;
	offer.values.DataSequenceInOrder = false;
	start_and_offer(NORMAL);
	assert_int_equal(take_pair("ErrorRecoveryLevel", "1"), 0);
	assert_int_equal(take_pair("DataSequenceInOrder", "Yes"), 0);
	assert_int_equal(take_pair("MaxOutstandingR2T", "16"), 0);
	assert_int_equal(negotiate_conclude(&n, &p, &err), 0);
	assert_int_equal(p.MaxOutstandingR2T, 1);
}

/* Without unsolicited data its limit is nothing to talk about: 13.14. */
static void
test_first_burst_irrelevant(void **state)
{
	for (int i = 0; i < 4; i++) {
		bool relevant = !(i & 1) || (i & 2);

		offer.values.InitialR2T = i & 1;
		offer.values.ImmediateData = i & 2;
		start_and_offer(NORMAL);
		assert_int_equal(find(&said, "FirstBurstLength") != NULL,
				 relevant);
		if (relevant)
			continue;
		assert_int_equal(take_pair("FirstBurstLength", "512"), 0);
		expect_answer("FirstBurstLength", "Irrelevant");
	}
}

/* Values have effect at the end and all together, or not at all. */
/* shows: 7143-6.2-22 7143-11.11.1-03 7143-11.13.6-02 */
static void
test_atomic(void **state)
{
	struct params p = { .MaxBurstLength = 77 }, before = p;

	/* a failure leaves what was in force */
	assert_int_equal(offer_set(&offer, "HeaderDigest", "CRC32C", &err), 0);
	start_and_offer(NORMAL);
	assert_int_equal(take_pair("MaxBurstLength", "512"), 0);
	assert_int_equal(n.before.MaxBurstLength, 262144);
	assert_int_equal(negotiate_conclude(&n, &p, &err), LUN_ENEGOTIATE);
	assert_memory_equal(&p, &before, sizeof(p));

	/* a stage cannot end over our head */
	start(NORMAL);
	assert_int_equal(take_pair("MaxBurstLength", "512"), 0);
	assert_int_equal(negotiate_end_stage(&n, &err), LUN_EPROTO);
	negotiate_answered(&n);
	assert_int_equal(negotiate_end_stage(&n, &err), 0);
	assert_int_equal(concluded(key_find("MaxBurstLength")), 512);
}

/* A simple value has 255 bytes at most: 6.1. */
/* shows: 7143-6.1-15 */
static void
test_value_length(void **state)
{
	char value[5001];

	memset(value, '1', sizeof(value));
	value[255] = '\0';
	start(NORMAL);
	assert_int_equal(take_pair("TargetPortalGroupTag", value),
			 NEGOTIATE_YOURS);
	value[255] = '1';
	value[256] = '\0';
	start(NORMAL);
	assert_int_equal(take_pair("TargetPortalGroupTag", value), LUN_EPROTO);
	assert_int_equal(take_pair("TargetAlias", value), NEGOTIATE_YOURS);
	value[256] = '1';
	value[5000] = '\0';
	start(NORMAL);
	assert_int_equal(take_pair("TargetPortalGroupTag", value), LUN_EPROTO);
	assert_int_equal(take_pair("HeaderDigest", value), 0);
	expect_answer("HeaderDigest", "Reject");
	assert_int_equal(take_pair("X-com.example", value), 0);
	expect_answer("X-com.example", "NotUnderstood");
}

/* Whatever is offered, it is a value, and none of the constants. */
/* shows: 7143-6.2-14 7143-6.2-26 7143-6.2-08 7143-6.1-11 */
static void
test_offers_are_values(void **state)
{
	static const char *const digests[] = { "None", "CRC32C",
					       "CRC32C,None", "None,CRC32C" };

	for (size_t d = 0; d < COUNT(digests); d++) {
		for (int mode = NORMAL; mode <= FULL_FEATURE; mode++) {
			struct pair pair;
			size_t pos = 0;

			offer_set(&offer, "HeaderDigest", digests[d], &err);
			start_and_offer((enum mode)mode);
			while (text_next(&said, &pos, &pair, NULL)) {
				assert_null(strstr(pair.value, "Reject"));
				assert_null(strstr(pair.value, "Irrelevant"));
				assert_null(strstr(pair.value, "NotUnder"));
				assert_null(strchr(pair.value, '~'));
				const struct key *k = key_find(pair.key);

				if (k->type == KEY_NUMBER)
					assert_int_equal(strspn(pair.value,
					    "0123456789"), pair.value_len);
				if (k->type == KEY_NUMBER &&
				    pair.value_len > 1)
					assert_int_not_equal(pair.value[0], '0');
				if (k->type == KEY_BOOL)
					assert_true(
					    strcmp(pair.value, "Yes") == 0 ||
					    strcmp(pair.value, "No") == 0);
			}
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_declarations),
		TEST(test_constants_for_all),
		TEST(test_constants_proposed),
		TEST(test_duplicates),
		TEST(test_unknown_keys),
		TEST(test_all_keys_understood),
		TEST(test_wrong_place),
		TEST(test_security_stage_offers_nothing),
		TEST(test_second_connection),
		TEST(test_discovery),
		TEST(test_full_feature),
		TEST(test_integrity),
		TEST(test_first_burst_irrelevant),
		TEST(test_atomic),
		TEST(test_value_length),
		TEST(test_offers_are_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
