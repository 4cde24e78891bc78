/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logins that a target refuses, redirects or spoils: RFC 7143 6.3, 11.13. */
#include "login-script.h"

/* Runs a table in which the last step fails with the code. */
struct spoiled {
	int r;
	struct step steps[5];
};

static void
run_spoiled(const struct spoiled *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t steps = 0;

		while (steps < 5 && cases[i].steps[steps].response)
			steps++;
		int r = script_run(cases[i].steps, steps);

		if (r != cases[i].r)
			print_error("case %zu: %d, expected %d: %s\n", i, r,
				    cases[i].r, script.err.text);
		assert_int_equal(r, cases[i].r);
		assert_int_equal(script.err.code, r);
		assert_true(*script.err.text);
		assert_int_equal(login_result(script.login)->retry,
				 RETRY_NEVER_UNCHANGED);
	}
}

#define SPOILED(cases) run_spoiled(cases, COUNT(cases))
#define OK0 { NULL, "T01 " }

/* Fields of responses that are not as they must be. */
/* shows: 7143-4.2.4-04 7143-6.3-01 7143-6.3-10 7143-6.3-13 7143-11.13.2-01 */
/* shows: 7143-11.13.3-01 7143-11.13.6-01 7143-11.13.7-01 7143-6.3-03 */
static void
test_fields(void **state)
{
	static const struct spoiled cases[] = {
		/* other PDUs */
		{ LUN_EPROTO, { { NULL, "T01 ", .opcode = OP_NOP_IN } } },
		{ LUN_EPROTO, { { NULL, "T01 ", .opcode = OP_TEXT_RESPONSE } } },
		{ LUN_EPROTO, { { NULL, "T01 ", .opcode = OP_REJECT } } },
		{ LUN_EPROTO, { { NULL, "T01 ", .opcode = OP_ASYNC_MESSAGE } } },
		{ LUN_EPROTO, { { NULL, "T01 ", .opcode = 0x2a } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 ", .opcode = OP_NOP_IN } } },
		/* addressed to another */
		{ LUN_EPROTO, { { NULL, "T01 ", .wrong_tag = true } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 ", .wrong_tag = true } } },
		{ LUN_EPROTO, { { NULL, "T01 ", .wrong_isid = true } } },
		/* versions */
		{ LUN_EPROTO, { { NULL, "T01 ", .version_active = 1 } } },
		/* stages */
		{ LUN_EPROTO, { { NULL, "-1 " } } },
		{ LUN_EPROTO, { { NULL, "-3 " } } },
		{ LUN_EPROTO, { { NULL, "T00 " } } },
		{ LUN_EPROTO, { { NULL, "T02 " } } },
		{ LUN_EPROTO, { { NULL, "T03 " } } },
		{ LUN_EPROTO, { { NULL, "T13 " } } },
		{ LUN_EPROTO, { OK0, { NULL, "T03 " } } },
		{ LUN_EPROTO, { OK0, { NULL, "T01 " } } },
		{ LUN_EPROTO, { OK0, { NULL, "T10 " } } },
		{ LUN_EPROTO, { OK0, { NULL, "T11 " } } },
		{ LUN_EPROTO, { OK0, { NULL, "T12 " } } },
		/* T and C */
		{ LUN_EPROTO, { { NULL, "B01 TargetPort" } } },
		{ LUN_EPROTO, { OK0, { NULL, "B13 MaxBurst" } } },
		{ LUN_EPROTO, { { NULL, "C0 Target" },
				{ NULL, "T01 Alias=a;" } } },
		/* no TSIH in the end */
		{ LUN_EPROTO, { OK0, { NULL, "T13 ", .tsih = -1 } } },
	};

	SPOILED(cases);
}

/* T=1 in answer to T=0, in the middle of CHAP. */
/* shows: 7143-11.13.6-01 7143-12.1-05 7143-12.1-04 */
static void
test_unasked_transit(void **state)
{
	static const struct spoiled cases[] = {
		{ LUN_EPROTO, { { NULL, "T01 " } } },
		{ LUN_EPROTO, { { NULL, "T13 " } } },
		{ LUN_EPROTO, { { NULL, "T03 " } } },
		{ LUN_EPROTO, { { NULL, "T01 AuthMethod=CHAP;" } } },
		{ LUN_EPROTO, { { NULL, "T01 AuthMethod=None;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;" },
				{ NULL, "T01 " } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;" },
				{ NULL, "T01 CHAP_A=5;" CHALLENGE } } },
	};

	want_chap(false);
	SPOILED(cases);
	want_chap(true);
	SPOILED(cases);
}

/* Wanted authentication is not negotiated away. */
/* shows: 7143-12.1-04 7143-12.1-05 7143-6.3.2-02 7143-6.2.1-06 7143-9.2-03 */
/* shows: 7143-9.2-07 7143-9.2-08 7143-15-02 7143-12.1.3-02 */
static void
test_authentication_stays(void **state)
{
	static const struct spoiled cases[] = {
		{ LUN_EAUTH, { { NULL, "-0 " } } },
		{ LUN_EAUTH, { { NULL, "-0 TargetPortalGroupTag=1;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=None;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=Reject;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=Irrelevant;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=NotUnderstood;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP,None;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=SPKM1;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=chap;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;AuthMethod=CHAP;" } } },
		/* steps before their time */
		{ LUN_EAUTH, { { NULL, "-0 CHAP_A=5;" CHALLENGE } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;CHAP_A=5;" CHALLENGE } } },
		{ LUN_EAUTH, { { NULL, "-0 CHAP_A=5;AuthMethod=CHAP;" } } },
		/* incomplete, overfull, repeated, wrong */
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" }, { NULL, "-0 " } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" },
			       { NULL, "-0 CHAP_A=5;CHAP_I=7;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" },
			       { NULL, "-0 CHAP_A=9;" CHALLENGE } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" },
			       { NULL, "-0 CHAP_A=5,7;" CHALLENGE } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" },
			       { NULL, "-0 CHAP_A=5;" CHALLENGE "CHAP_R=0x00;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;" },
				{ NULL, "-0 CHAP_A=5;CHAP_A=5;" CHALLENGE } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;" },
				{ NULL, "-0 CHAP_A=5;" CHALLENGE "AuthMethod=None;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=CHAP;" },
				{ NULL, "-0 CHAP_A=5;" CHALLENGE "AuthMethod=CHAP;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" },
			       { NULL, "-0 CHAP_A=5;" CHALLENGE },
			       { NULL, "T01 CHAP_N=disk;" } } },
	};

	want_chap(false);
	SPOILED(cases);
}

/* Not a word of the target's proof may be missing: 12.1.3. */
/* shows: 7143-12.1.3-05 7143-9.2.1-07 7143-6.3.2-03 7143-9.2.1-01 */
static void
test_target_must_prove_itself(void **state)
{
#define UP_TO_PROOF { NULL, "-0 AuthMethod=CHAP;" },                          \
		    { NULL, "-0 CHAP_A=5;" CHALLENGE }
	static const struct spoiled cases[] = {
		{ LUN_EAUTH, { UP_TO_PROOF, { NULL, "T01 " } } },
		{ LUN_EAUTH, { UP_TO_PROOF, { NULL, "-0 " } } },
		{ LUN_EAUTH, { UP_TO_PROOF, { NULL, "T01 CHAP_N=disk;" } } },
		{ LUN_EAUTH, { UP_TO_PROOF, { NULL, "T01 CHAP_N=disk;"
			"CHAP_R=0x136bb1ff0d91ff8753df9f3379c30461;" } } },
		/* with our secret instead of its own */
		{ LUN_EAUTH, { UP_TO_PROOF, { NULL, "T01 CHAP_N=disk;"
			"CHAP_R=0x20517659b313e2647435e22926e49b67;" } } },
	};

	want_chap(true);
	SPOILED(cases);
}

/* Who wants no authentication is not drawn into one. */
static void
test_unwanted_authentication(void **state)
{
	static const struct spoiled cases[] = {
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=CHAP;" } } },
		{ LUN_EAUTH, { { NULL, "-0 AuthMethod=Reject;" } } },
		{ LUN_EPROTO, { { NULL, "-0 CHAP_A=Reject;" } } },
		{ LUN_EAUTH, { { NULL, "-0 CHAP_A=5;" CHALLENGE } } },
		{ LUN_EAUTH, { { NULL, "T01 AuthMethod=None;CHAP_N=a;" } } },
	};

	SPOILED(cases);
}

/* Keys: twice, in the wrong stage, inadmissible; texts that are none. */
/* shows: 7143-6.3-09 7143-6.3-15 7143-7.12-01 7143-6.2-12 7143-6.2.2-03 */
/* shows: 7143-6.2.1-06 7143-6.2-15 7143-13.12-02 7143-6.2-18 7143-11.13.6-02 */
/* shows: 7143-12-01 7143-6.2-02 7143-6.1-08 7143-6.1-15 7143-6.3-08 */
static void
test_keys(void **state)
{
	static const struct spoiled cases[] = {
		/* stages */
		{ LUN_EPROTO, { { NULL, "T01 MaxBurstLength=65536;" } } },
		{ LUN_EPROTO, { { NULL, "T01 TargetName=iqn.2001-04.com.a:b;" } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 AuthMethod=None;" } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 InitiatorName=iqn.a;" } } },
		/* twice: in one response, in two, in two stages */
		{ LUN_EPROTO, { OK0, { NULL, "T13 MaxRecvDataSegmentLength=8192;"
				       "MaxRecvDataSegmentLength=16384;" } } },
		{ LUN_EPROTO, { OK0, { NULL, "-1 MaxRecvDataSegmentLength=8192;" },
				{ NULL, "T13 MaxRecvDataSegmentLength=16384;" } } },
		{ LUN_EPROTO, { { NULL, "T01 TargetAlias=a;" },
				{ NULL, "T13 TargetAlias=a;" } } },
		{ LUN_EPROTO, { { NULL, "T01 TargetPortalGroupTag=1;" },
				{ NULL, "T13 TargetPortalGroupTag=1;" } } },
		{ LUN_EPROTO, { { NULL, "-0 AuthMethod=None;" },
				{ NULL, "T01 AuthMethod=None;" } } },
		/* values */
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 MaxConnections=4;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 ImmediateData=YES;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 InitialR2T=no;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL,
			"T13 MaxRecvDataSegmentLength=100;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 HeaderDigest=CRC32;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 iSCSIProtocolLevel=2;" } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 HeaderDigest=NotUnderstood;" } } },
		{ LUN_EPROTO, { OK0, { NULL, "T13 Foo=Reject;" } } },
		/* it wants answers, and gives no chance */
		{ LUN_EPROTO, { OK0, { NULL, "T13 IFMarker=Yes;" } } },
		/* no text */
		{ LUN_EPROTO, { { NULL, "T01 TargetAlias=a" } } },
		{ LUN_EPROTO, { { NULL, "T01 ;" } } },
		{ LUN_EPROTO, { { NULL, "T01 TargetAlias=a;;" } } },
		{ LUN_EPROTO, { { NULL, "T01 TargetAlias;" } } },
		{ LUN_EPROTO, { { NULL, "T01 Target Alias=a;" } } },
		{ LUN_EPROTO, { { NULL, "C0 TargetAlias=a" }, { NULL, "-0 " } } },
	};

	SPOILED(cases);
}

/* A digest that is demanded and not given. */
/* shows: 7143-6.2-18 */
static void
test_demanded_digest(void **state)
{
	static const struct spoiled cases[] = {
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 HeaderDigest=Reject;" } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 " } } },
		{ LUN_ENEGOTIATE, { OK0, { NULL, "T13 HeaderDigest=None;" } } },
	};

	assert_int_equal(offer_set(&script.offer, "HeaderDigest", "CRC32C",
				   NULL), 0);
	SPOILED(cases);
}

/* In the sessions of others: the TSIH is theirs. */
/* shows: 7143-4.4.3-03 */
static void
test_other_tsih(void **state)
{
	static const struct spoiled cases[] = {
		{ LUN_EPROTO, { OK0, { NULL, "T13 ", .tsih = 5 } } },
	};

	script.config.leading = false;
	script.config.tsih = SCRIPT_TSIH;
	SPOILED(cases);
}

/* Data in answer to a text of ours that is not complete. */
/* shows: 7143-6.2-03 */
static void
test_data_too_early(void **state)
{
	static const struct step plain;
	static uint8_t text[8 * 1024];
	static const char *const wrong[] = { "-1", "C1" };

	for (int i = 0; i < 1024; i++)
		sprintf((char *)text + 8 * i, "X-%04d=", i);
	for (int i = 0; i < 2; i++) {
		struct pdu request;

		script_start();
		script_request(&request);
		script_respond(&request, &plain, "T01", NULL, 0);
		script_request(&request);
		assert_int_equal(script_respond(&request, &plain, "-1", text,
						sizeof(text)), LOGIN_MORE);
		script_request(&request);
		assert_true(request.continued);
		assert_int_equal(script_respond(&request, &plain, wrong[i],
		    (const uint8_t *)"A=", i ? 0 : 3), LUN_EPROTO);
	}
}

/* shows: 7143-6.3-03 */
static void
test_large_segment(void **state)
{
	static const struct step plain;
	static uint8_t text[8193];
	struct pdu request;

	script_start();
	script_request(&request);
	assert_int_equal(script_respond(&request, &plain, "C0", text, 8193),
			 LUN_EPROTO);
}

/* A target that never comes to an end, in each way there is. */
/* shows: 7143-6.2-25 7143-6.2-24 */
static void
test_endless(void **state)
{
	static const struct step plain;
	static uint8_t text[8192];
	static const struct {
		const char *flags;
		size_t len;
	} cases[] = {
		{ "-0", 0 },		/* nothing to say, and T=0 */
		{ "C0", 0 },		/* C=1 for ever */
		{ "C0", 1 },
		{ "C0", 8192 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct pdu request;
		unsigned int n = 0;
		int r;

		script_start();
		do {
			r = script_request(&request);
			if (r == 0)
				r = script_respond(&request, &plain,
				    cases[i].flags, text, cases[i].len);
			assert_true(n++ < 1000);
		} while (r == LOGIN_MORE);
		assert_true(r == LUN_EPROTO || r == LUN_ENOMEM);
		assert_true(n > 6);
		script.login = login_free(script.login);
	}
}

/* shows: 7143-6.3.1-01 7143-11.13.5-03 7143-11.13.5-08 */
/* shows: 7143-11.13.5-09 5048-11.6-01 7143-6.3.1-02 */
/* shows: 7143-11.13.5-01 */
static void
test_every_status(void **state)
{
	static const char *const flags[] = {
		"T01 ", "-0 ", "B32 garbage", "T30 ", "C1 ",
	};

	for (unsigned int status = 0x0100; status <= 0xffff; status += 0x11) {
		for (size_t f = 0; f < COUNT(flags); f++) {
			struct step steps[] = { { NULL, flags[f] } };
			unsigned int class = status >> 8;

			steps[0].status = (uint16_t)status;
			steps[0].version_active = 9;
			steps[0].wrong_isid = true;
			int r = RUN(steps);
			const struct login_result *result =
			    login_result(script.login);

			assert_true(r < 0);
			assert_int_equal(result->status_class, class);
			assert_int_equal(result->status_detail, status & 255);
			assert_int_equal(result->exp_stat_sn, 0);
			assert_int_equal(result->retry, class == 3
			    ? RETRY_LATER : RETRY_NEVER_UNCHANGED);
		}
	}
	static const struct step auth[] = { { NULL, "-0 ", .status = 0x0201 } };

	assert_int_equal(RUN(auth), LUN_EAUTH);
	assert_string_equal(script.err.text,
			    "login: authentication failed (0201): no "
			    "credentials were offered");
	static const struct step odd[] = { { NULL, "-0 ", .status = 0x02ee } };

	assert_int_equal(RUN(odd), LUN_EREFUSED);
	assert_non_null(strstr(script.err.text, "02ee"));
}

/* shows: 7143-11.13.5-04 7143-11.13.5-06 7143-11.13.5-07 7143-11.13.5-03 */
/* shows: 3720-5.3.1-01 */
static void
test_redirect(void **state)
{
	static const struct {
		uint16_t status;
		const char *text;
		int n;				/* usable addresses */
		bool permanent;
		const char *host;		/* the first */
		uint16_t port;
	} cases[] = {
		{ 0x0101, "-0 TargetAddress=[::1];", 1, false, "::1", 3260 },
		{ 0x0101, "-0 TargetAddress=[::1]:3261;", 1, false, "::1", 3261 },
		{ 0x0102, "-0 TargetAddress=127.0.0.1:3262;", 1, true,
		  "127.0.0.1", 3262 },
		{ 0x0102, "-0 TargetAddress=disk.example.com;", 1, true,
		  "disk.example.com", 3260 },
		{ 0x0177, "-0 TargetAddress=127.0.0.1;", 1, false,
		  "127.0.0.1", 3260 },
		{ 0x0101, "B32 TargetAddress=10.0.0.1:860;TargetAddress=10.0.0.2;",
		  2, false, "10.0.0.1", 860 },
		{ 0x0101, "-0 X-a=b;TargetAddress=10.0.0.2;TargetAlias=x;"
		  "TargetPortalGroupTag=1;", 1, false, "10.0.0.2", 3260 },
		/* a tag has no place here; another address has */
		{ 0x0101, "-0 TargetAddress=10.0.0.1,1;TargetAddress=10.0.0.2;",
		  1, false, "10.0.0.2", 3260 },
		{ 0x0101, "-0 " "TargetAddress=10.0.0.1;TargetAddress=10.0.0.2;"
		  "TargetAddress=10.0.0.3;TargetAddress=10.0.0.4;"
		  "TargetAddress=10.0.0.5;TargetAddress=10.0.0.6;"
		  "TargetAddress=10.0.0.7;TargetAddress=10.0.0.8;"
		  "TargetAddress=10.0.0.9;", REDIRECT_PORTALS_MAX, false,
		  "10.0.0.1", 3260 },
		{ 0x0101, "-0 ", 0, false, NULL, 0 },
		{ 0x0101, "-0 TargetAddress=;", 0, false, NULL, 0 },
		{ 0x0101, "-0 TargetAddress=[::1;", 0, false, NULL, 0 },
		{ 0x0101, "-0 TargetAddress=10.0.0.1:99999;", 0, false, NULL, 0 },
		{ 0x0102, "-0 TargetAddress=10.0.0.1,1;", 0, false, NULL, 0 },
		{ 0x0101, "-0 TargetAddress=10.0.0.1", 0, false, NULL, 0 },
		{ 0x0101, "-0 Reject;", 0, false, NULL, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct step steps[] = {
			{ NULL, cases[i].text, .status = cases[i].status },
		};
		int r = RUN(steps);
		const struct login_result *result = login_result(script.login);

		if (cases[i].n == 0) {
			assert_int_equal(r, LUN_EPROTO);
			assert_int_equal(result->retry, RETRY_NEVER_UNCHANGED);
			continue;
		}
		assert_int_equal(r, LOGIN_REDIRECT);
		assert_int_equal(result->n_portals, cases[i].n);
		assert_int_equal(result->permanent, cases[i].permanent);
		assert_string_equal(result->portals[0].host, cases[i].host);
		assert_int_equal(result->portals[0].port, cases[i].port);
		assert_int_equal(result->portals[0].tpgt, -1);
	}
}

/* In the middle of anything, and after CHAP, a redirection is one. */
/* shows: 7143-11.13.5-05 7143-11.13.5-04 */
static void
test_redirect_anywhere(void **state)
{
	static const struct step steps[] = {
		{ NULL, "-0 AuthMethod=CHAP;" },
		{ NULL, "-0 CHAP_A=5;" CHALLENGE },
		{ NULL, "T01 " },
		{ NULL, "C1 MaxBur" },
		{ NULL, "-1 TargetAddress=10.0.0.1;", .status = 0x0101 },
	};
	const struct step moved = { NULL, "-0 TargetAddress=10.0.0.1;",
				    .status = 0x0101 };

	want_chap(false);
	assert_int_equal(RUN(steps), LOGIN_REDIRECT);
	for (size_t n = 0; n < 4; n++) {
		script_start();
		for (size_t i = 0; i < n; i++)
			assert_int_equal(script_step(&steps[i]), LOGIN_MORE);
		assert_int_equal(script_step(&moved), LOGIN_REDIRECT);
	}
}

/* A target that takes one algorithm, but no list of them. */
static void
test_list_refused(void **state)
{
	static const struct {
		const char *text;
		uint16_t status;
		bool again;
	} cases[] = {
		{ "-0 CHAP_A=Reject;", 0, true },
		{ "-0 ", 0x0200, true },
		{ "-0 ", 0x0201, true },
		{ "-0 ", 0x0202, false },
		{ "-0 ", 0x0302, false },
		{ "-0 CHAP_A=9;" CHALLENGE, 0, false },
		{ "-0 ", 0, false },
	};

	want_chap(false);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct step steps[] = {
			{ NULL, "-0 AuthMethod=CHAP;" },
			{ "-0 CHAP_A=8,7,6,5;", cases[i].text,
			  .status = cases[i].status },
		};

		script.config.lists_refused = 0;
		assert_true(RUN(steps) < 0);
		const struct login_result *result = login_result(script.login);

		assert_int_equal(result->retry == RETRY_AT_ONCE, cases[i].again);
		assert_int_equal(result->lists_refused, cases[i].again);
		if (!cases[i].again)
			continue;
		/* again, with one; after that there is no more to try */
		const struct step one[] = {
			{ NULL, "-0 AuthMethod=CHAP;" },
			{ "-0 CHAP_A=5;", cases[i].text,
			  .status = cases[i].status },
		};

		script.config.lists_refused = result->lists_refused;
		assert_int_equal(RUN(one), cases[i].status == 0x0200
				 ? LUN_EREFUSED : LUN_EAUTH);
		assert_int_equal(login_result(script.login)->retry,
				 RETRY_NEVER_UNCHANGED);
		assert_int_equal(login_result(script.login)->lists_refused, 1);
	}
}

/*
 * A response was wrong: no reason to offer less, unless the target may have
 * meant SHA-1 by the number 7, as tgt does.
 */
static void
test_sha256_misunderstood(void **state)
{
	static const struct {
		const char *challenge;
		uint16_t status;
		bool again;
	} cases[] = {
		{ "-0 CHAP_A=7;" CHALLENGE, 0x0200, true },
		{ "-0 CHAP_A=7;" CHALLENGE, 0x0201, true },
		{ "-0 CHAP_A=7;" CHALLENGE, 0x0202, false },
		{ "-0 CHAP_A=5;" CHALLENGE, 0x0201, false },
		{ "-0 CHAP_A=6;" CHALLENGE, 0x0201, false },
		{ "-0 CHAP_A=8;" CHALLENGE, 0x0200, false },
	};

	want_chap(false);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct step steps[] = {
			{ NULL, "-0 AuthMethod=CHAP;" },
			{ NULL, cases[i].challenge },
			{ NULL, "-0 ", .status = cases[i].status },
		};

		assert_true(RUN(steps) < 0);
		assert_int_equal(login_result(script.login)->retry,
				 cases[i].again ? RETRY_AT_ONCE
						: RETRY_NEVER_UNCHANGED);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		SCRIPT_TEST(test_fields),
		SCRIPT_TEST(test_unasked_transit),
		SCRIPT_TEST(test_authentication_stays),
		SCRIPT_TEST(test_target_must_prove_itself),
		SCRIPT_TEST(test_unwanted_authentication),
		SCRIPT_TEST(test_keys),
		SCRIPT_TEST(test_demanded_digest),
		SCRIPT_TEST(test_other_tsih),
		SCRIPT_TEST(test_data_too_early),
		SCRIPT_TEST(test_large_segment),
		SCRIPT_TEST(test_endless),
		SCRIPT_TEST(test_every_status),
		SCRIPT_TEST(test_redirect),
		SCRIPT_TEST(test_redirect_anywhere),
		SCRIPT_TEST(test_list_refused),
		SCRIPT_TEST(test_sha256_misunderstood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
