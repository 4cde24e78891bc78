/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a login goes, when the target keeps to the rules: RFC 7143 6.3. */
#include "login-script.h"

#define TAG "TargetPortalGroupTag=1;"
#define GOOD "T01 " TAG "AuthMethod=None;"

/* shows: 7143-6.3-01 7143-6.3-04 7143-6.3-05 7143-6.3-06 */
/* shows: 7143-6.3-07 7143-6.3-12 7143-6.3-14 7143-6.3.1-02 7143-6.3.1-03 */
/* shows: 7143-6.3.1-06 7143-6.3.3-01 7143-11.12-01 7143-11.12.3-01 */
/* shows: 7143-11.12.4-01 7143-11.12.6-01 7143-11.12.7-01 7143-11.12.8-01 */
/* shows: 7143-11.12.9-01 7143-11.13.3-01 7143-11.13.5-01 7143-12-01 */
/* shows: 7143-13.4-01 7143-6.2-03 7143-6.2-04 4850-2-01 7143-C-01 */
static void
test_plain(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, GOOD },
		{ "T13 " OFFERS,
		  "T13 HeaderDigest=None;DataDigest=CRC32C;InitialR2T=No;"
		  "MaxRecvDataSegmentLength=65536;MaxBurstLength=1048576;"
		  "FirstBurstLength=65536;MaxConnections=1;ImmediateData=Yes;"
		  "DefaultTime2Wait=2;DefaultTime2Retain=10;"
		  "MaxOutstandingR2T=4;ErrorRecoveryLevel=0;"
		  "TaskReporting=NotUnderstood;"
		  "iSCSIProtocolLevel=NotUnderstood;TargetAlias=a disk;" },
	};

	assert_int_equal(RUN(steps), LOGIN_DONE);
	const struct login_result *r = login_result(script.login);

	assert_int_equal(r->tsih, SCRIPT_TSIH);
	assert_int_equal(r->tpgt, 1);
	assert_string_equal(r->target_alias, "a disk");
	assert_int_equal(r->exp_stat_sn, SCRIPT_STAT_SN + 2);
	assert_int_equal(r->exp_cmd_sn, 123);
	assert_int_equal(r->max_cmd_sn, 124);
	assert_int_equal(r->params.HeaderDigest, DIGEST_NONE);
	assert_int_equal(r->params.DataDigest, DIGEST_CRC32C);
	assert_int_equal(r->params.MaxRecvDataSegmentLength, 1 << 20);
	assert_int_equal(r->params.TargetMaxRecvDataSegmentLength, 65536);
	assert_int_equal(r->params.MaxBurstLength, 1 << 20);
	assert_int_equal(r->params.FirstBurstLength, 65536);
	assert_false(r->params.InitialR2T);
	assert_true(r->params.ImmediateData);
	assert_int_equal(r->params.DefaultTime2Wait, 2);
	assert_int_equal(r->params.DefaultTime2Retain, 10);
	assert_int_equal(r->params.MaxOutstandingR2T, 4);
	assert_int_equal(r->params.iSCSIProtocolLevel, 1);
	assert_int_equal(r->params.TaskReporting, REPORT_RFC3720);
}

/* A target that says as little as it can: the defaults are in force. */
/* shows: 7143-6.3.1-04 7143-6.2-07 7143-4.2.8-01 7143-6.2.2-05 3720-5.3.1-01 */
static void
test_silent_target(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, "T01 " }, { "T13 " OFFERS, "T13 " },
	};
	struct params want;

	assert_int_equal(RUN(steps), LOGIN_DONE);
	params_default(&want);
	want.MaxRecvDataSegmentLength = 1 << 20;	/* as we declared */
	assert_memory_equal(&login_result(script.login)->params, &want,
			    sizeof(want));
	assert_int_equal(login_result(script.login)->tpgt, -1);
}

/* The tag may come in either stage, and may be 0. */
/* shows: 7143-6.3.1-06 7143-13.9-01 */
static void
test_portal_group_tag(void **state)
{
	static const struct {
		const char *value;
		int tag;		/* -1: fails */
	} cases[] = {
		{ "0", 0 }, { "1", 1 }, { "65535", 65535 }, { "0x0001", 1 },
		{ "65536", -1 }, { "-1", -1 }, { "", -1 }, { "a", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int stage = 0; stage < 2; stage++) {
			char text[2][64] = { "T01 ", "T13 " };

			sprintf(text[stage] + 4, "TargetPortalGroupTag=%s;",
				cases[i].value);
			const struct step steps[] = { { NULL, text[0] },
						      { NULL, text[1] } };
			int r = script_run(steps, cases[i].tag < 0 && !stage
					   ? 1 : 2);

			if (cases[i].tag < 0) {
				assert_int_equal(r, LUN_ENEGOTIATE);
				continue;
			}
			assert_int_equal(r, LOGIN_DONE);
			assert_int_equal(login_result(script.login)->tpgt,
					 cases[i].tag);
		}
	}
}

/* shows: 7143-6.3.1-05 */
static void
test_expected_portal_group(void **state)
{
	static const struct step steps[] = {
		{ NULL, "T01 TargetPortalGroupTag=2;" },
	};

	script.config.expected_tpgt = 2;
	assert_int_equal(RUN(steps), LOGIN_MORE);
	script.config.expected_tpgt = 1;
	assert_int_equal(RUN(steps), LUN_ENOTFOUND);
}

/* shows: 7143-13.21-01 7143-7.4.1-01 7143-6.3-04 7143-13.22-01 3720-5.3.1-01 */
static void
test_discovery(void **state)
{
	static const struct step steps[] = {
		{ "T01 " WHO "SessionType=Discovery;AuthMethod=None;", "T01 " },
		{ "T13 " DIGESTS "MaxRecvDataSegmentLength=1048576;"
		  "DefaultTime2Wait=0;DefaultTime2Retain=20;"
		  "ErrorRecoveryLevel=0;", "T13 " },
	};

	script.config.discovery = true;
	script.config.target_name = NULL;
	script.offer.values.ErrorRecoveryLevel = 2;
	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_int_equal(login_result(script.login)->params.ErrorRecoveryLevel,
			 0);
	assert_int_equal(login_result(script.login)->params.MaxConnections, 1);
}

/* shows: 7143-13-01 7143-13-03 7143-4.4.3-03 7143-6.3.4-01 7143-6.3-05 */
/* shows: 7143-11.12.6-01 7143-4.2.8-01 7143-11.12.9-01 4850-2-01 */
static void
test_second_connection(void **state)
{
	static const struct step steps[] = {
		{ "T01 " WHO DISK "AuthMethod=None;", GOOD },
		{ "T13 " DIGESTS "MaxRecvDataSegmentLength=1048576;",
		  "T13 HeaderDigest=CRC32C;DataDigest=None;"
		  "MaxRecvDataSegmentLength=4096;" },
	};

	script.config.leading = false;
	script.config.tsih = SCRIPT_TSIH;
	script.config.initiator_alias = "said already";
	script.config.exp_stat_sn = 4711;	/* the old connection's */
	script.session.MaxBurstLength = 512;
	script.session.DataDigest = DIGEST_CRC32C;
	script.session.TargetMaxRecvDataSegmentLength = 77777;
	assert_int_equal(RUN(steps), LOGIN_DONE);
	const struct login_result *r = login_result(script.login);

	assert_int_equal(r->tsih, SCRIPT_TSIH);
	assert_int_equal(r->params.MaxBurstLength, 512);
	assert_int_equal(r->params.HeaderDigest, DIGEST_CRC32C);
	assert_int_equal(r->params.DataDigest, DIGEST_NONE);
	assert_int_equal(r->params.TargetMaxRecvDataSegmentLength, 4096);
}

/* shows: 7143-13.7-01 7143-6.1-07 7143-6.1-03 7143-6.1-15 */
static void
test_aliases(void **state)
{
	static const struct step steps[] = {
		{ "T01 " WHO "InitiatorAlias=my =h\xc3\xb6st;" DISK NORMAL
		  "AuthMethod=None;",
		  "T01 TargetAlias=Bob-s =Disk \xe2\x98\x83;" },
		{ NULL, "T13 " },
	};
	static char long_alias[VALUE_LEN_MAX + 2];

	script.config.initiator_alias = "my =h\xc3\xb6st";
	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_string_equal(login_result(script.login)->target_alias,
			    "Bob-s =Disk \xe2\x98\x83");
	memset(long_alias, 'a', VALUE_LEN_MAX + 1);
	script.config.initiator_alias = long_alias;
	assert_int_equal(login_new(&script.login, &script.config, &script_env,
				   &script.err), LUN_EINVAL);
}

/* An alias that is none, or too long, is ignored: the login goes on.
 * shows: 3721-2-03 7143-6.1-15 */
static void
test_odd_aliases(void **state)
{
	static const struct {
		size_t len;		/* of "a" */
		const char *end;
		bool taken;
	} cases[] = {
		{ 0, "", true }, { 1, "", true }, { 255, "", true },
		{ 253, "\u00fc", true }, { 254, "\u00fc", false },
		{ 256, "", false }, { 300, "", false }, { 5000, "", false },
		{ 1, "\xff", false }, { 1, "\xed\xa0\x80", false },
		{ 1, "\x1b[2J", true },	/* shown as \x1b[2J */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static char answer[6000], alias[5100];

		memset(alias, 'a', cases[i].len);
		strcpy(alias + cases[i].len, cases[i].end);
		snprintf(answer, sizeof(answer), "T01 TargetAlias=%s;", alias);

		const struct step steps[] = {
			{ NULL, answer },
			{ NULL, "T13 " },
		};

		assert_int_equal(RUN(steps), LOGIN_DONE);
		assert_string_equal(login_result(script.login)->target_alias,
				    cases[i].taken ? alias : "");
	}
}

/* T=1 is kept up while the target is not ready, in both stages. */
/* shows: 7143-6.3.3-02 7143-6.2-24 7143-6.3-11 7143-6.2-04 */
static void
test_target_takes_its_time(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, "-0 " TAG },
		{ "T01 ", "-0 AuthMethod=None;" },
		{ "T01 ", "T01 " },
		{ "T13 " OFFERS, "-1 HeaderDigest=None;" },
		{ "T13 ", "-1 DataDigest=None;" },
		{ "T13 ", "-1 InitialR2T=No;" },
		{ "T13 ", "-1 MaxConnections=1;" },
		{ "T13 ", "-1 " },
		{ "T13 ", "-1 " },
		{ "T13 ", "T13 MaxBurstLength=512;" },
	};

	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_int_equal(login_result(script.login)->params.MaxBurstLength, 512);
	assert_false(login_result(script.login)->params.InitialR2T);
}

/* Proposals of the target are answered, and T goes with the answers. */
/* shows: 7143-6.2-06 7143-6.2-10 7143-6.3-11 7143-13.25-01 7143-13.25-02 */
/* shows: 7143-13.25-03 7143-6.1-01 */
static void
test_target_proposes(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, "-0 X-com.example.a=1;" },
		{ "T01 X-com.example.a=NotUnderstood;", GOOD },
		{ "T13 " OFFERS, "-1 Foo=Bar;IFMarker=Yes;OFMarkInt=2048~8192;"
		  "initialR2T=No;" },
		{ "T13 Foo=NotUnderstood;IFMarker=Reject;OFMarkInt=Reject;"
		  "initialR2T=NotUnderstood;", "-1 OFMarker=No;" },
		{ "T13 OFMarker=Reject;", "T13 " },
	};

	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_true(login_result(script.login)->params.InitialR2T);
}

/* The target's text comes in parts, cut within keys and between them. */
/* shows: 7143-6.2-02 7143-6.1-04 7143-6.2-01 */
static void
test_parts_come(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, "C0 TargetPortalGroup" },
		{ "-0 ", "C0 Tag=1;AuthMethod=" },
		{ "-0 ", "C0 " },
		/* T was 0 in the last request, so the stage cannot end yet */
		{ "-0 ", "-0 None;" },
		{ "T01 ", "T01 " },
		{ "T13 " OFFERS, "C1 MaxBur" },
		{ "-1 ", "C1 stLength=65536" },
		{ "-1 ", "-1 ;X-a=" "1;" },
		{ "T13 X-a=NotUnderstood;", "T13 " },
	};

	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_int_equal(login_result(script.login)->tpgt, 1);
	assert_int_equal(login_result(script.login)->params.MaxBurstLength,
			 65536);
}

/*
 * 8192 bytes of keys that we do not know, and some more: all are answered,
 * and the answers go in parts of their own.
 */
/* shows: 7143-6.1-16 7143-6.2-01 7143-6.2-03 7143-6.3-03 7143-6.3.3-01 */
static void
test_much_text_both_ways(void **state)
{
	enum { KEYS = 1024 };
	static uint8_t text[KEYS * 8], segment[LOGIN_DATA_SEGMENT_MAX];
	static char got[300000], want[64];
	static const struct step plain;
	struct pdu request;
	size_t got_len = 0;
	int r = LOGIN_MORE;

	for (int i = 0; i < KEYS; i++)		/* 8 bytes each */
		sprintf((char *)text + 8 * i, "X-%04d=", i);
	assert_int_equal(sizeof(text), 8192);
	script_start();
	assert_int_equal(script_request(&request), 0);
	assert_int_equal(script_respond(&request, &plain, "T01", text, 0),
			 LOGIN_MORE);
	assert_int_equal(script_request(&request), 0);
	/* a part of the full 8192 bytes, one that is empty, and the rest */
	memcpy(segment, text, sizeof(segment));
	assert_int_equal(script_respond(&request, &plain, "C1", segment, 8192),
			 LOGIN_MORE);
	assert_int_equal(script_request(&request), 0);
	assert_string_equal(script.last_request, "-1 ");
	assert_int_equal(script_respond(&request, &plain, "-1",
	    (const uint8_t *)"MaxBurstLength=512", 19), LOGIN_MORE);

	unsigned int parts = 0;

	do {
		assert_int_equal(script_request(&request), 0);
		const char *part = script.last_request +
		    (request.final ? 4 : 3);

		assert_int_equal(request.continued, !request.final);
		if (request.continued)
			assert_int_equal(strlen(part), LOGIN_DATA_SEGMENT_MAX);
		strcpy(got + got_len, part);
		got_len += strlen(part);
		parts++;
		r = script_respond(&request, &plain,
				   request.final ? "T13" : "-1", text, 0);
	} while (r == LOGIN_MORE);
	assert_int_equal(r, LOGIN_DONE);
	assert_true(parts > 2);
	const char *p = got;

	for (int i = 0; i < KEYS; i++) {
		sprintf(want, "X-%04d=NotUnderstood;", i);
		assert_memory_equal(p, want, strlen(want));
		p += strlen(want);
	}
	assert_int_equal(*p, '\0');
	assert_int_equal(login_result(script.login)->params.MaxBurstLength,
			 512);
}

/* A byte at a time: however it is cut, it is the same text. */
/* shows: 7143-6.1-04 */
static void
test_any_segmentation(void **state)
{
	static const char text[] = "TargetAlias=ab\0MaxBurstLength=65536";
	static const struct step plain;

	for (size_t step = 1; step < sizeof(text); step++) {
		struct pdu request;
		int r;

		script_start();
		script_request(&request);
		r = script_respond(&request, &plain, "T01", NULL, 0);
		for (size_t i = 0; i < sizeof(text); i += step) {
			size_t left = sizeof(text) - i;
			size_t len = left < step ? left : step;

			assert_int_equal(r, LOGIN_MORE);
			script_request(&request);
			r = script_respond(&request, &plain,
					   len < left ? "C1" : "-1",
					   (const uint8_t *)text + i, len);
		}
		assert_int_equal(r, LOGIN_MORE);
		script_request(&request);
		assert_string_equal(script.last_request, "T13 ");
		assert_int_equal(script_respond(&request, &plain, "T13", NULL,
						0), LOGIN_DONE);
		assert_int_equal(login_result(script.login)->params
				 .MaxBurstLength, 65536);
	}
}

/* shows: 7143-12.1-01 7143-12.1-02 7143-12.1.3-01 7143-12.1.3-03 */
/* shows: 7143-6.3.2-01 7143-12-01 7143-9.2-04 7143-9.2-02 7143-6.3-08 */
/* shows: 7143-6.3-07 */
static void
test_chap(void **state)
{
	static const struct step steps[] = {
		{ CHAP_FIRST, "-0 " TAG "AuthMethod=CHAP;" },
		{ "-0 CHAP_A=8,7,6,5;", "-0 CHAP_A=5;" CHALLENGE },
		{ "T01 CHAP_N=alice;" MD5_RESPONSE, "T01 " },
		{ "T13 " OFFERS, "T13 " },
	};

	want_chap(false);
	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_int_equal(login_result(script.login)->tpgt, 1);
}

/* The initiator name is the identity when no other is configured. */
/* shows: 7143-9.2-04 */
static void
test_chap_default_name(void **state)
{
	static const struct step steps[] = {
		{ CHAP_FIRST, "-0 AuthMethod=CHAP;" },
		{ NULL, "-0 CHAP_A=5;" CHALLENGE },
		{ "T01 CHAP_N=iqn.2001-04.com.example:me;" MD5_RESPONSE, NULL },
	};

	want_chap(false);
	*script.auth.username = '\0';
	assert_int_equal(RUN(steps), LOGIN_MORE);
}

/* shows: 7143-9.2.1-01 7143-4.2.4-01 7143-12.1.3-04 */
static void
test_chap_mutual(void **state)
{
	static const struct step steps[] = {
		{ CHAP_FIRST, "-0 AuthMethod=CHAP;" },
		{ "-0 CHAP_A=8,7,6,5;", "-0 CHAP_A=5;" CHALLENGE },
		{ "T01 CHAP_N=alice;" MD5_RESPONSE
		  "CHAP_I=160;CHAP_C=0xa0a1a2a3a4a5a6a7a8a9aaabacadaeaf;",
		  "-0 CHAP_N=disk;CHAP_R=0bE2ux/w2R/4dT358zecMEYA==;" },
		{ "T01 ", "T01 " },
		{ "T13 " OFFERS, "T13 " },
	};

	want_chap(true);
	assert_int_equal(RUN(steps), LOGIN_DONE);
}

/* A second connection authenticates anew, with a challenge of its own. */
/* shows: 7143-9.2-01 */
static void
test_chap_second_connection(void **state)
{
	static const struct step steps[] = {
		{ "-0 " WHO DISK "AuthMethod=CHAP;", "-0 AuthMethod=CHAP;" },
		{ "-0 CHAP_A=8,7,6,5;", "-0 CHAP_A=5;" CHALLENGE },
		{ "T01 CHAP_N=alice;" MD5_RESPONSE, "T01 " },
		{ "T13 " DIGESTS "MaxRecvDataSegmentLength=1048576;", "T13 " },
	};

	want_chap(false);
	script.config.leading = false;
	script.config.tsih = SCRIPT_TSIH;
	assert_int_equal(RUN(steps), LOGIN_DONE);
}

/* The numbers of a login that is rejected mean nothing; StatSN may begin
 * anywhere. */
/* shows: 7143-11.12.9-01 7143-11.13.2-01 */
static void
test_stat_sn(void **state)
{
	static const struct step steps[] = {
		{ "T01 " FIRST, "T01 ", .skip_stat_sn = 0xffffffff -
		  SCRIPT_STAT_SN, .version_max = 3 },
		{ "T13 " OFFERS, "T13 " },
	};

	assert_int_equal(RUN(steps), LOGIN_DONE);
	assert_int_equal(login_result(script.login)->exp_stat_sn, 1);
}

/* Before anything came, it is as if nobody answered. */
static void
test_result_at_first(void **state)
{
	script_start();
	assert_int_equal(login_result(script.login)->retry, RETRY_LATER);
	assert_int_equal(login_result(script.login)->tpgt, -1);
}

/* The configuration is checked before a byte goes out. */
/* shows: 7143-9.2.1-06 */
static void
test_bad_config(void **state)
{
	want_chap(true);
	memcpy(script.auth.password_in, script.auth.password, 16);
	assert_int_equal(login_new(&script.login, &script.config, &script_env,
				   &script.err), LUN_EINVAL);
	assert_null(script.login);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRIPT_TEST(test_plain),
		SCRIPT_TEST(test_silent_target),
		SCRIPT_TEST(test_portal_group_tag),
		SCRIPT_TEST(test_expected_portal_group),
		SCRIPT_TEST(test_discovery),
		SCRIPT_TEST(test_second_connection),
		SCRIPT_TEST(test_aliases),
		SCRIPT_TEST(test_odd_aliases),
		SCRIPT_TEST(test_target_takes_its_time),
		SCRIPT_TEST(test_target_proposes),
		SCRIPT_TEST(test_parts_come),
		SCRIPT_TEST(test_much_text_both_ways),
		SCRIPT_TEST(test_any_segmentation),
		SCRIPT_TEST(test_chap),
		SCRIPT_TEST(test_chap_default_name),
		SCRIPT_TEST(test_chap_mutual),
		SCRIPT_TEST(test_chap_second_connection),
		SCRIPT_TEST(test_stat_sn),
		SCRIPT_TEST(test_result_at_first),
		SCRIPT_TEST(test_bad_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
