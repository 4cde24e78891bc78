/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key table against the paragraphs of RFC 7143 13, written down a second
 * time; and what users do with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "text/keys.h"
#include "text/text.h"
#include "text/value.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* "Use", "Scope", "Irrelevant when", range, default, result function. */
static const struct {
	const char *name;
	const char *use, *scope;
	bool irrelevant;
	uint32_t lo, hi, def;
	enum key_rule rule;
} rfc[] = {
	{ "HeaderDigest", "IO", "CO", false, 0, 1, 0, RULE_FIRST },
	{ "DataDigest", "IO", "CO", false, 0, 1, 0, RULE_FIRST },
	{ "MaxConnections", "LO", "SW", true, 1, 65535, 1, RULE_MIN },
	{ "InitialR2T", "LO", "SW", true, 0, 1, 1, RULE_OR },
	{ "ImmediateData", "LO", "SW", true, 0, 1, 1, RULE_AND },
	{ "MaxRecvDataSegmentLength", "ALL", "CO", false, 512, 16777215, 8192,
	  RULE_DECLARE },
	{ "MaxBurstLength", "LO", "SW", true, 512, 16777215, 262144, RULE_MIN },
	{ "FirstBurstLength", "LO", "SW", true, 512, 16777215, 65536, RULE_MIN },
	{ "DefaultTime2Wait", "LO", "SW", false, 0, 3600, 2, RULE_MAX },
	{ "DefaultTime2Retain", "LO", "SW", false, 0, 3600, 20, RULE_MIN },
	{ "MaxOutstandingR2T", "LO", "SW", true, 1, 65535, 1, RULE_MIN },
	{ "DataPDUInOrder", "LO", "SW", true, 0, 1, 1, RULE_OR },
	{ "DataSequenceInOrder", "LO", "SW", true, 0, 1, 1, RULE_OR },
	{ "ErrorRecoveryLevel", "LO", "SW", false, 0, 2, 0, RULE_MIN },
	{ "TaskReporting", "LO", "SW", true, 0, 2, 0, RULE_FIRST },
	{ "iSCSIProtocolLevel", "LO", "SW", true, 0, 31, 1, RULE_MIN },
};

static void
test_table_is_the_rfc(void **state)
{
	unsigned int members = 0;
	struct params p;

	params_default(&p);
	assert_int_equal(p.TargetMaxRecvDataSegmentLength, 8192);
	for (size_t i = 0; i < COUNT(rfc); i++) {
		const struct key *k = key_find(rfc[i].name);
		uint8_t phases = IN_OPERATIONAL;

		assert_non_null(k);
		if (strcmp(rfc[i].use, "ALL") == 0)
			phases |= IN_FULL_FEATURE;
		assert_int_equal(k->from_initiator, phases);
		assert_int_equal(k->from_target, phases);
		assert_int_equal(!!(k->flags & KEY_LEADING),
				 strcmp(rfc[i].use, "LO") == 0);
		assert_int_equal(!!(k->flags & KEY_SESSION),
				 strcmp(rfc[i].scope, "SW") == 0);
		assert_int_equal(!!(k->flags & KEY_NOT_DISCOVERY),
				 rfc[i].irrelevant);
		assert_int_equal(k->lo, rfc[i].lo);
		assert_int_equal(k->hi, rfc[i].hi);
		assert_int_equal(k->def, rfc[i].def);
		assert_int_equal(k->rule, rfc[i].rule);
		assert_int_equal(key_get(k, &p), rfc[i].def);
	}
	for (unsigned int i = 0; i < n_keys; i++)
		members += key_has_member(&keys[i]);
	assert_int_equal(members, COUNT(rfc));
}

/* Keys without member: who may send them when. */
static void
test_other_keys(void **state)
{
	static const struct {
		const char *name;
		uint8_t initiator, target;
	} rows[] = {
		{ "AuthMethod", IN_SECURITY, IN_SECURITY },
		{ "CHAP_A", IN_SECURITY, IN_SECURITY },
		{ "CHAP_I", IN_SECURITY, IN_SECURITY },
		{ "CHAP_C", IN_SECURITY, IN_SECURITY },
		{ "CHAP_N", IN_SECURITY, IN_SECURITY },
		{ "CHAP_R", IN_SECURITY, IN_SECURITY },
		{ "InitiatorName", ANY_STAGE, 0 },
		{ "InitiatorAlias", ALWAYS, 0 },
		{ "TargetName", ANY_STAGE, IN_FULL_FEATURE },
		{ "TargetAlias", 0, ALWAYS },
		{ "TargetAddress", 0, ALWAYS },
		{ "TargetPortalGroupTag", 0, ANY_STAGE },
		{ "SessionType", ANY_STAGE, 0 },
		{ "SendTargets", IN_FULL_FEATURE, 0 },
		{ "X#NodeArchitecture", 0, IN_OPERATIONAL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct key *k = key_find(rows[i].name);

		assert_non_null(k);
		assert_int_equal(k->from_initiator, rows[i].initiator);
		assert_int_equal(k->from_target, rows[i].target);
	}
	assert_non_null(key_find("IFMarker"));
	assert_non_null(key_find("OFMarkInt"));
	assert_null(key_find("SPKM_REQ"));	/* obsolete, not ours */
}

/* Names differ, are standard-labels, and are found as they are spelled. */
/* shows: 7143-6.2-20 7143-6.2-21 */
static void
test_names(void **state)
{
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		/* this one, of RFC 7144, is no standard-label */
		assert_true((*k->name >= 'A' && *k->name <= 'Z') ||
			    strcmp(k->name, "iSCSIProtocolLevel") == 0);
		assert_in_range(strlen(k->name), 1, KEY_LEN_MAX);
		assert_ptr_equal(key_find(k->name), k);
		assert_non_null(k->section);
		/* no private key is sent, and no X# */
		if (k->name[0] == 'X')
			assert_int_equal(k->from_initiator, 0);
	}
	assert_null(key_find("maxburstlength"));
	assert_null(key_find("initialR2T"));
	assert_null(key_find("MaxBurst"));
	assert_null(key_find(""));
}

static void
test_members(void **state)
{
	struct params p;

	params_default(&p);
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!key_has_member(k))
			continue;
		struct params before = p;
		uint32_t other = key_get(k, &p) == k->hi ? k->lo : k->hi;

		key_set(k, &p, other);
		assert_int_equal(key_get(k, &p), other);
		key_set(k, &p, k->def);
		assert_memory_equal(&before, &p, sizeof(p));
	}
}

/* The values of a connection start anew, those of its session stay. */
static void
test_new_connection(void **state)
{
	struct params p;

	params_default(&p);
	p.HeaderDigest = p.DataDigest = DIGEST_CRC32C;
	p.MaxRecvDataSegmentLength = 65536;
	p.TargetMaxRecvDataSegmentLength = 512;
	p.MaxBurstLength = 4096;
	p.ErrorRecoveryLevel = 2;
	params_new_connection(&p);
	assert_int_equal(p.HeaderDigest, DIGEST_NONE);
	assert_int_equal(p.DataDigest, DIGEST_NONE);
	assert_int_equal(p.MaxRecvDataSegmentLength, 8192);
	assert_int_equal(p.TargetMaxRecvDataSegmentLength, 8192);
	assert_int_equal(p.MaxBurstLength, 4096);
	assert_int_equal(p.ErrorRecoveryLevel, 2);
}

/* The offer that nobody configured is a legal one, of text-values. */
/* shows: 7143-13.24-01 7143-6.1-06 */
static void
test_offer_default(void **state)
{
	static const char characters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    ".-+@_/[]:";
	struct offer o;
	char text[KEY_VALUE_MAX];

	offer_default(&o);
	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!key_has_member(k))
			continue;
		assert_in_range(key_get(k, &o.values), k->lo, k->hi);
		key_print_offer(k, &o, text);
		assert_int_equal(value_constant(text), VALUE_PLAIN);
		if (k->type != KEY_LIST)
			assert_int_equal(strspn(text, characters),
					 strlen(text));
	}
	assert_string_equal(key_print_offer(key_find("HeaderDigest"), &o, text),
			    "None,CRC32C");
	assert_string_equal(key_print_offer(key_find("DataDigest"), &o, text),
			    "None,CRC32C");
	assert_string_equal(key_print_offer(key_find("TaskReporting"), &o, text),
			    "FastAbort,ResponseFence,RFC3720");
	assert_string_equal(key_print_offer(key_find("iSCSIProtocolLevel"), &o,
					    text), "1");
	assert_true(o.values.FirstBurstLength <= o.values.MaxBurstLength);
}

/* shows: 7143-6.1-11 7143-6.2.1-01 7143-13.23-01 */
static void
test_offer_set(void **state)
{
	static const struct {
		const char *key, *value;
		const char *offered;		/* NULL: refused */
	} cases[] = {
		{ "MaxBurstLength", "1M", "1048576" },
		{ "MaxBurstLength", "0x200", "512" },
		{ "MaxBurstLength", "512", "512" },
		{ "MaxBurstLength", "511", NULL },
		{ "MaxBurstLength", "16777215", "16777215" },
		{ "MaxBurstLength", "16M", NULL },
		{ "MaxBurstLength", "", NULL },
		{ "MaxBurstLength", "1 M", NULL },
		{ "MaxRecvDataSegmentLength", "256k", "262144" },
		{ "MaxConnections", "0", NULL },
		{ "MaxConnections", "65535", "65535" },
		{ "ErrorRecoveryLevel", "2", "2" },
		{ "ErrorRecoveryLevel", "3", NULL },
		{ "DefaultTime2Wait", "3600", "3600" },
		{ "DefaultTime2Wait", "3601", NULL },
		{ "InitialR2T", "Yes", "Yes" },
		{ "InitialR2T", "no", "No" },
		{ "InitialR2T", "1", NULL },
		{ "HeaderDigest", "CRC32C,None", "CRC32C,None" },
		{ "HeaderDigest", "None,CRC32C", "None,CRC32C" },
		{ "HeaderDigest", "crc32c", "CRC32C" },
		{ "HeaderDigest", "None,None", NULL },
		{ "HeaderDigest", "", NULL },
		{ "HeaderDigest", "CRC32C,", NULL },
		{ "HeaderDigest", "Y-com.example.x,CRC32C", NULL },
		{ "TaskReporting", "RFC3720,ResponseFence",
		  "RFC3720,ResponseFence" },
		{ "TaskReporting", "ResponseFence", NULL },
		{ "TaskReporting", "RFC3720", NULL },
		{ "TaskReporting", "FastAbort,ResponseFence", NULL },
		{ "TaskReporting", "RFC3720,fastabort,responsefence",
		  "RFC3720,FastAbort,ResponseFence" },
		{ "InitiatorName", "iqn.2001-04.com.example:a", NULL },
		{ "AuthMethod", "None", NULL },
		{ "iSCSIProtocolLevel", "2", NULL },
		{ "X#NodeArchitecture", "Me", NULL },
		{ "IFMarker", "Yes", NULL },
		{ "maxburstlength", "512", NULL },
		{ "Foo", "512", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct offer o, before;
		struct lun_error err = { 0 };
		char text[KEY_VALUE_MAX];

		offer_default(&o);
		before = o;
		int r = offer_set(&o, cases[i].key, cases[i].value, &err);

		if (!cases[i].offered) {
			assert_int_equal(r, LUN_EINVAL);
			assert_non_null(strstr(err.text, cases[i].key));
			assert_memory_equal(&o, &before, sizeof(o));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(key_print_offer(key_find(cases[i].key), &o,
						    text), cases[i].offered);
	}
}

static void
collect(void *user, const char *key, const char *text, uint32_t number)
{
	char line[96];

	if (text)
		snprintf(line, sizeof(line), "%s=%s;", key, text);
	else
		snprintf(line, sizeof(line), "%s=%u;", key, number);
	strcat(user, line);
}

static void
test_params_each(void **state)
{
	struct params p;
	char got[2048] = "";

	params_default(&p);
	params_each(&p, collect, got);
	assert_string_equal(got,
	    "HeaderDigest=None;DataDigest=None;MaxRecvDataSegmentLength=8192;"
	    "TargetMaxRecvDataSegmentLength=8192;MaxConnections=1;"
	    "InitialR2T=Yes;ImmediateData=Yes;MaxBurstLength=262144;"
	    "FirstBurstLength=65536;DefaultTime2Wait=2;DefaultTime2Retain=20;"
	    "MaxOutstandingR2T=1;DataPDUInOrder=Yes;DataSequenceInOrder=Yes;"
	    "ErrorRecoveryLevel=0;TaskReporting=RFC3720;iSCSIProtocolLevel=1;");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_the_rfc),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_new_connection),
		cmocka_unit_test(test_offer_default),
		cmocka_unit_test(test_offer_set),
		cmocka_unit_test(test_params_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
