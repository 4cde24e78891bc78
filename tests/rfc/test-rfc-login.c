/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The login phase on the wire and in time: RFC 7143 4.2.4, 6.3, 8.1, 11.13. */
#include <stdio.h>

#include "rfc/bench.h"

/* Refused with a status, and random bits where stages would be. */
static void
refuse(struct bench *b, const struct got *got, uint8_t status_class,
       uint8_t status_detail)
{
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.status_class = status_class;
	pdu.status_detail = status_detail;
	pdu.final = status_detail & 1;
	pdu.csg = status_detail & 3;
	pdu.nsg = status_detail >> 1 & 3;
	bench_send(b, &pdu, NULL, 0);
}

/* It ended, sent nothing more and does not come back by itself. */
static void
expect_end(struct bench *b, int code, const char *part)
{
	bench_expect_nothing(b);
	bench_expect_down(b, code, part);
	bench_pass(b, 3600 * TIME_S);
	bench_expect_nothing(b);
	assert_int_equal(bench_connects(b), 1);
	bench_free(b);
}

/* shows: 7143-4.2.4-02 7143-8.1.2-01 */
static void
test_it_begins_with_the_connection(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start_slow(b);
	bench_pass(b, 9 * TIME_S);
	bench_expect_nothing(b);
	bench_connected(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	assert_true(got->pdu.immediate);
	bench_free(b);

	b = bench_new(NULL);		/* SYNs are dropped */
	bench_start_slow(b);
	bench_pass(b, 11 * TIME_S);
	expect_end(b, LUN_ETIMEDOUT, "TCP connection");

	b = bench_new(NULL);		/* it is refused */
	bench_start_slow(b);
	bench_cut(b);
	expect_end(b, LUN_ELOST, "closed");
}

/*
 * Key by key, half a second each, with pings due and a command submitted.
 * shows: 7143-4.2.5-01 7143-6.3-01 7143-6.3-02 7143-10.3-01 7143-11.12-01
 * shows: 7143-11.12.4-01 7143-11.12.6-01 7143-11.12.7-01 7143-11.12.8-01
 * shows: 7143-11.12.9-01 7143-6.3-04 7143-6.3-05 7143-6.3-14 7143-11.12.3-01
 */
static void
test_one_request_at_a_time(void **state)
{
	static const char *const answers[] = {
		"HeaderDigest=None", "DataDigest=None",
		"MaxRecvDataSegmentLength=65536", "MaxConnections=1",
		"InitialR2T=Yes", "ImmediateData=No", "MaxBurstLength=65536",
		"FirstBurstLength=65536", "DefaultTime2Wait=2",
		"DefaultTime2Retain=0", "MaxOutstandingR2T=1",
		"DataPDUInOrder=Yes", "DataSequenceInOrder=Yes",
		"ErrorRecoveryLevel=0", "TaskReporting=RFC3720",
		"iSCSIProtocolLevel=1", "", "", "", "",
	};
	enum { N = sizeof(answers) / sizeof(answers[0]) };
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = TIME_S / 4, .cmd_sn = 0xffffffff });

	bench_start(b);
	struct command *early = bench_nodata(b, 0);
	struct got *first = bench_expect(b, OP_LOGIN_REQUEST), *got = first;
	uint32_t exp_stat_sn = 0;
	for (int i = -1; i <= N; i++) {
		assert_int_equal(got->pdu.initiator_task_tag,
				 first->pdu.initiator_task_tag);
		assert_true(got->pdu.immediate);
		assert_int_equal(got->pdu.version_max, 0);
		assert_int_equal(got->pdu.version_min, 0);
		assert_int_equal(got->pdu.tsih, 0);
		assert_int_equal(got->pdu.cid, first->pdu.cid);
		assert_int_equal(got->pdu.cmd_sn, 0xffffffff);
		assert_int_equal(got->pdu.exp_stat_sn, exp_stat_sn);
		assert_int_equal(got->pdu.csg, i < 0 ? 0 : 1);
		assert_int_equal(got->pdu.nsg, !got->pdu.final ? 0 : i < 0 ? 1 : 3);
		assert_int_equal(got_key_count(got, "InitiatorName"), i < 0);
		assert_int_equal(got_key_count(got, "TargetName"), i < 0);
		assert_int_equal(got_key_count(got, "MaxBurstLength"), i == 0);
		bench_pass(b, TIME_S / 2);
		bench_expect_nothing(b);
		exp_stat_sn = *bench_stat_sn(b) + 1;
		if (i < 0)
			bench_login_answer(b, got, 0, 1, true,
			    "AuthMethod=None TargetPortalGroupTag=1");
		else
			bench_login_answer(b, got, 1, 3, i == N,
			    i < N ? answers[i] : "");
		if (i < N)
			got = bench_expect(b, OP_LOGIN_REQUEST);
	}
	assert_true(bench_up(b));
	bench_done(b, early, LUN_ELOST);	/* there was no session yet */
	bench_nodata(b, 0);
	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.cmd_sn, 0xffffffff);
	assert_int_equal(session_params(bench_session(b))->MaxBurstLength, 65536);
	bench_free(b);
}

/* The first Login Request, or the first of the operational stage. */
static struct got *
first_request(struct bench *b, int stage)
{
	bench_start(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	if (stage) {
		bench_login_answer(b, got, 0, 1, true, "AuthMethod=None");
		got = bench_expect(b, OP_LOGIN_REQUEST);
	}
	return got;
}

/* shows: 7143-4.2.4-04 */
static void
test_anything_else_ends_it(void **state)
{
	static const enum opcode opcodes[] = {
		OP_NOP_IN, OP_SCSI_RESPONSE, OP_TMF_RESPONSE, OP_TEXT_RESPONSE,
		OP_DATA_IN, OP_LOGOUT_RESPONSE, OP_R2T, OP_ASYNC_MESSAGE,
		OP_REJECT,
	};

	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		for (int stage = 0; stage <= 1; stage++) {
			struct bench *b = bench_new(NULL);

			struct got *got = first_request(b, stage);
			struct pdu pdu = bench_pdu(b, opcodes[i], got);
			bench_send(b, &pdu, NULL, 0);
			expect_end(b, LUN_EPROTO, "IN_LOGIN");
		}
}

/* shows: 7143-11.13.5-02 7143-11.13.5-03 7143-11.13.5-07 7143-11.13.5-08
 * shows: 7143-6.3.1-01 7143-8.1.2-02 */
static void
test_every_status_ends_it(void **state)
{
	static const struct {
		uint8_t status_class, status_detail;
		int code;
		const char *text;
	} rows[] = {
		{ 1, 0x01, LUN_EPROTO, "0101" },
		{ 1, 0x02, LUN_EPROTO, "0102" },
		{ 1, 0x77, LUN_EPROTO, "01" },
		{ 2, 0x00, LUN_EREFUSED, "0200" },
		{ 2, 0x01, LUN_EAUTH, "0201" },
		{ 2, 0x02, LUN_EREFUSED, "0202" },
		{ 2, 0x03, LUN_ENOTFOUND, "0203" },
		{ 2, 0x04, LUN_ENOTFOUND, "0204" },
		{ 2, 0x05, LUN_EREFUSED, "0205" },
		{ 2, 0x06, LUN_EREFUSED, "0206" },
		{ 2, 0x07, LUN_EREFUSED, "0207" },
		{ 2, 0x08, LUN_EREFUSED, "0208" },
		{ 2, 0x09, LUN_EREFUSED, "0209" },
		{ 2, 0x0a, LUN_EREFUSED, "020a" },
		{ 2, 0x0b, LUN_EREFUSED, "020b" },
		{ 2, 0xee, LUN_EREFUSED, "02ee" },
		{ 3, 0x00, LUN_EREFUSED, "0300" },
		{ 3, 0x01, LUN_EREFUSED, "0301" },
		{ 3, 0x02, LUN_EREFUSED, "0302" },
		{ 3, 0xaa, LUN_EREFUSED, "03aa" },
		{ 0x7f, 0x05, LUN_EREFUSED, "7f05" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int stage = 0; stage <= 1; stage++) {
			struct bench *b = bench_new(NULL);

			struct got *got = first_request(b, stage);
			refuse(b, got, rows[i].status_class,
			       rows[i].status_detail);
			expect_end(b, rows[i].code, rows[i].text);
		}
}

/* shows: 7143-8.1.2-02 */
static void
test_silence_and_loss_end_it(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, 16 * TIME_S);
	expect_end(b, LUN_ETIMEDOUT, "the login");

	b = bench_new(NULL);		/* talk without an end is no better */
	bench_start(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	bench_login_answer(b, got, 0, 1, true, "AuthMethod=None");
	for (int i = 0; i < 14; i++) {
		got = bench_expect(b, OP_LOGIN_REQUEST);
		bench_pass(b, TIME_S);
		bench_login_answer(b, got, 1, 0, false, "");
	}
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, 2 * TIME_S);
	expect_end(b, LUN_ETIMEDOUT, "the login");

	b = bench_new(NULL);
	bench_start(b);
	got = bench_expect(b, OP_LOGIN_REQUEST);
	while (!bench_closed(b)) {	/* quick and endless */
		bench_login_answer(b, got, 0, 0, false, "");
		if (!bench_closed(b))
			got = bench_expect(b, OP_LOGIN_REQUEST);
	}
	expect_end(b, LUN_EPROTO, "");

	b = bench_new(NULL);
	bench_start(b);
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_cut(b);
	expect_end(b, LUN_ELOST, "closed");
}

/* shows: 7143-4.2.4-03 */
static void
test_no_second_login_on_a_connection(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	bench_login_answer(b, got, 0, 1, true, "AuthMethod=None");
	got = bench_expect(b, OP_LOGIN_REQUEST);
	bench_login_answer(b, got, 1, 3, true, "");
	assert_true(bench_up(b));
	struct command *cmd = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_login_answer(b, got, 1, 3, true, "");	/* once more */
	bench_done(b, cmd, LUN_EPROTO);
	expect_end(b, LUN_EPROTO, "Login Response");
}

/* shows: 7143-6.3-10 7143-6.3-13 7143-11.13.2-01 7143-11.13.3-01 7143-11.13.6-01
 * shows: 7143-11.13.7-01 7143-6.3-01 */
static void
test_responses_that_are_wrong(void **state)
{
	enum { TAG, STAGE, NSG_0, NSG_1, NSG_2, TSIH, VERSION, CONTINUED, ISID, ALL };

	for (int what = TAG; what < ALL; what++) {
		struct bench *b = bench_new(NULL);

		bench_start(b);
		struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
		if (what != VERSION) {
			bench_login_answer(b, got, 0, 1, true, "AuthMethod=None");
			got = bench_expect(b, OP_LOGIN_REQUEST);
		}
		struct pdu pdu = bench_login_pdu(b, got);
		pdu.final = true;
		pdu.nsg = STAGE_FULL_FEATURE;
		pdu.tsih = 1;
		pdu.initiator_task_tag += what == TAG;
		pdu.csg = what == STAGE ? 0 : pdu.csg;
		pdu.nsg = what >= NSG_0 && what <= NSG_2 ?
		    (uint8_t)(what - NSG_0) : pdu.nsg;
		pdu.tsih = what == TSIH ? 0 : 1;
		pdu.version_min = what == VERSION;
		pdu.continued = what == CONTINUED;
		pdu.isid[5] ^= what == ISID;
		bench_send(b, &pdu, NULL, 0);
		assert_false(bench_up(b));
		expect_end(b, LUN_EPROTO, "Login Response");
	}
}

/* shows: 7143-6.3.1-04 7143-4.2.8-01 7143-6.3.1-03 */
static void
test_a_target_that_says_nothing(void **state)
{
	struct bench *b = bench_new(NULL);
	struct params defaults;

	params_default(&defaults);
	bench_start(b);
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST), 0, 1, true,
			   "TargetPortalGroupTag=1");
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST), 1, 3, true, "");
	assert_true(bench_up(b));
	const struct params *p = session_params(bench_session(b));
	assert_int_equal(p->HeaderDigest, DIGEST_NONE);
	assert_int_equal(p->MaxBurstLength, 262144);
	assert_int_equal(p->FirstBurstLength, 65536);
	assert_int_equal(p->TargetMaxRecvDataSegmentLength, 8192);
	assert_int_equal(p->MaxConnections, 1);
	assert_int_equal(p->MaxOutstandingR2T, 1);
	assert_true(p->InitialR2T && p->ImmediateData);
	assert_int_equal(p->TaskReporting, defaults.TaskReporting);
	bench_free(b);
}

/* shows: 7143-11.13.5-01 */
static void
test_the_window_of_the_final_response(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	*bench_window(b) = 100;
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST), 0, 1, true,
			   "AuthMethod=None");
	*bench_window(b) = 2;
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST), 1, 3, true, "");
	for (int i = 0; i < 5; i++)
		bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_expect_nothing(b);
	bench_free(b);
}

static void
test_closed_before_it_was_over(void **state)
{
	for (int stage = 0; stage <= 1; stage++) {
		struct bench *b = bench_new(NULL);

		if (stage == 0)
			bench_start_slow(b);
		else
			bench_start(b);
		session_stop(bench_session(b), bench_now(b));
		bench_run(b);
		if (stage == 1)
			bench_expect(b, OP_LOGIN_REQUEST);
		expect_end(b, LUN_ECANCELED, "closed");
	}
}

/* Each first request has our name, and a target's name is sent in full.
 * shows: 7143-4.2.7.1-01 7143-4.2.7.1-03 7143-4.2.7.1-04 */
static void
test_names(void **state)
{
	static const char longest[] =
		"iqn.2026-11.test:0123456789abcdef0123456789abcdef0123456789abc"
		"def0123456789abcdef0123456789abcdef0123456789abcdef0123456789a"
		"bcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678"
		"9abcdef0123456789abcdef0123456789abcd";

	assert_int_equal(strlen(longest), 223);
	for (int discovery = 0; discovery < 2; discovery++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.discovery = discovery, .target_name = longest,
		});
		struct got *got;

		bench_start(b);
		got = bench_expect(b, OP_LOGIN_REQUEST);
		assert_string_equal(got_key(got, "InitiatorName"),
				    "iqn.2026-11.test:initiator");
		if (discovery)
			assert_null(got_key(got, "TargetName"));
		else
			assert_string_equal(got_key(got, "TargetName"), longest);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_begins_with_the_connection),
		cmocka_unit_test(test_one_request_at_a_time),
		cmocka_unit_test(test_anything_else_ends_it),
		cmocka_unit_test(test_every_status_ends_it),
		cmocka_unit_test(test_silence_and_loss_end_it),
		cmocka_unit_test(test_no_second_login_on_a_connection),
		cmocka_unit_test(test_responses_that_are_wrong),
		cmocka_unit_test(test_a_target_that_says_nothing),
		cmocka_unit_test(test_the_window_of_the_final_response),
		cmocka_unit_test(test_closed_before_it_was_over),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
