/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a login is sent elsewhere: RFC 7143 11.13.5, 13.8. */
#include <stdio.h>

#include "rfc/bench.h"

enum { TEMPORARY = 1, PERMANENT = 2 };

static void
redirect(struct bench *b, const struct got *got, uint8_t detail, const char *keys)
{
	struct pdu pdu = bench_login_pdu(b, got);
	uint8_t text[4096];
	size_t len = bench_text(keys, text, sizeof(text));

	pdu.status_class = 1;
	pdu.status_detail = detail;
	bench_send(b, &pdu, text, len);
}

static struct got *
first_request(struct bench *b)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	assert_int_equal(got->pdu.csg, STAGE_SECURITY);
	assert_int_equal(got->pdu.tsih, 0);
	assert_int_equal(got->pdu.exp_stat_sn, 0);
	assert_int_equal(got->pdu.cmd_sn, 100);
	return got;
}

/* shows: nd01-4.2.1-01 7143-11.13.5-04 7143-11.13.5-06 7143-4.2.4-03 7143-6.3-04 7143-6.3-05
 * shows: 7143-11.12.9-01 7143-11.12.8-01 */
static void
test_all_kinds_of_addresses(void **state)
{
	static const struct {
		const char *keys, *host;
		uint16_t port;
	} rows[] = {
		{ "TargetAddress=127.0.0.1:3262", "127.0.0.1", 3262 },
		{ "TargetAddress=127.0.0.1", "127.0.0.1", 3260 },
		{ "TargetAddress=[::1]", "::1", 3260 },
		{ "TargetAddress=[::1]:3261", "::1", 3261 },
		{ "TargetAddress=disk.example", "disk.example", 3260 },
		{ "TargetAddress=disk.example:860", "disk.example", 860 },
		{ "TargetAddress=10.0.0.1 TargetAddress=10.0.0.2:1", "10.0.0.1",
		  3260 },
		/* one that is broken does no harm beside one that is not */
		{ "TargetAddress=10.0.0.1:99999 TargetAddress=10.0.0.2:1",
		  "10.0.0.2", 1 },
		{ "TargetAddress=10.0.0.1,1 TargetAddress=10.0.0.2", "10.0.0.2",
		  3260 },
		{ "X-com.example=1 TargetAddress=10.0.0.2", "10.0.0.2", 3260 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint8_t detail = TEMPORARY; detail <= PERMANENT; detail++) {
			struct bench *b = bench_new(NULL);

			bench_start(b);
			struct got *first = first_request(b);
			redirect(b, first, detail, rows[i].keys);
			assert_int_equal(bench_connects(b), 2);
			assert_string_equal(bench_portal(b)->host, rows[i].host);
			assert_int_equal(bench_portal(b)->port, rows[i].port);
			struct got *got = first_request(b);
			assert_memory_equal(got->pdu.isid, first->pdu.isid,
					    ISID_LEN);
			assert_string_equal(got_key(got, "TargetName"),
					    "iqn.2026-11.test:disk");
			assert_non_null(got_key(got, "InitiatorName"));
			bench_login_answer(b, got, 0, 1, true, "AuthMethod=None"
					   " TargetPortalGroupTag=7");
			bench_login(b, "");
			bench_nodata(b, 0);
			bench_response(b, bench_expect(b, OP_SCSI_COMMAND),
				       SCSI_GOOD);
			bench_expect_nothing(b);
			bench_free(b);
		}
}

/* shows: 7143-11.13.5-06 7143-11.13.5-07 7143-11.13.5-03 */
static void
test_no_usable_address(void **state)
{
	static const char *const keys[] = {
		"", "TargetAddress=", "TargetAddress=10.0.0.1,1",
		"TargetAddress=10.0.0.1:0", "TargetAddress=[::1",
		"TargetAddress=fe80::1%eth0", "TargetAlias=10.0.0.1",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (uint8_t detail = 1; detail < 4; detail++) {
			struct bench *b = bench_new(NULL);

			bench_start(b);
			redirect(b, first_request(b), detail, keys[i]);
			bench_expect_nothing(b);
			bench_expect_down(b, LUN_EPROTO, "01");
			bench_pass(b, 3600 * TIME_S);
			assert_int_equal(bench_connects(b), 1);
			bench_free(b);
		}
}

/* What was agreed on the way is forgotten.
 * shows: 7143-4.2.8-01 7143-11.13.5-05 */
static void
test_in_the_operational_stage(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	bench_login_answer(b, first_request(b), 0, 1, true, "AuthMethod=None");
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST), 1, 3, false,
	    "MaxBurstLength=4096 FirstBurstLength=1024 InitialR2T=No"
	    " HeaderDigest=None MaxRecvDataSegmentLength=65536");
	redirect(b, bench_expect(b, OP_LOGIN_REQUEST), TEMPORARY,
		 "TargetAddress=10.0.0.9");
	bench_login_answer(b, first_request(b), 0, 1, true, "AuthMethod=None");
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	assert_int_equal(got_key_count(got, "MaxBurstLength"), 1);
	bench_login_answer(b, got, 1, 3, true, "");
	assert_true(bench_up(b));
	const struct params *p = session_params(bench_session(b));
	assert_int_equal(p->MaxBurstLength, 262144);
	assert_int_equal(p->FirstBurstLength, 65536);
	assert_int_equal(p->TargetMaxRecvDataSegmentLength, 8192);
	assert_true(p->InitialR2T);
	assert_string_equal(session_portal(bench_session(b))->host, "10.0.0.9");
	bench_free(b);
}

/* In a circle, or for ever on: an end comes, and soon.
 * shows: 7143-11.13.5-07 nd01-B.4.4-02 */
static void
test_no_endless_journey(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	for (int i = 0; i < 5; i++) {
		char keys[64];

		assert_int_equal(bench_connects(b), i + 1);
		snprintf(keys, sizeof(keys), "TargetAddress=10.0.0.%d", i % 2);
		redirect(b, first_request(b), i & 1 ? TEMPORARY : PERMANENT, keys);
	}
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_EREFUSED,
			  "at last from 10.0.0.1:3260 to 10.0.0.0:3260");
	bench_pass(b, 3600 * TIME_S);
	assert_int_equal(bench_connects(b), 5);
	bench_free(b);
}

/* The name stays; who does not have it is the end.
 * shows: nd01-4.2.1-02 */
static void
test_the_name_is_not_there(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	redirect(b, first_request(b), TEMPORARY, "TargetAddress=10.0.0.1");
	struct got *got = first_request(b);
	assert_string_equal(got_key(got, "TargetName"), "iqn.2026-11.test:disk");
	struct pdu pdu = bench_login_pdu(b, got);
	pdu.status_class = 2;
	pdu.status_detail = 3;
	bench_send(b, &pdu, NULL, 0);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_ENOTFOUND, "0203");
	bench_pass(b, 3600 * TIME_S);
	assert_int_equal(bench_connects(b), 2);
	bench_free(b);
}

/* A status of that class which is not assigned: where it leads is not followed
 * as a success, nor is it one.
 * shows: nd01-B.4.4-03 */
static void
test_no_such_redirection(void **state)
{
	for (unsigned detail = 0; detail < 256; detail++) {
		struct bench *b = bench_new(NULL);

		if (detail == TEMPORARY || detail == PERMANENT) {
			bench_free(b);
			continue;
		}
		bench_start(b);
		redirect(b, first_request(b), (uint8_t)detail,
			 "TargetAddress=10.0.0.1");
		assert_false(bench_up(b));
		if (bench_connects(b) == 1)
			bench_expect_down(b, LUN_EPROTO, "01");
		else
			assert_string_equal(bench_portal(b)->host, "10.0.0.1");
		bench_free(b);
	}
}

/* A session that was redirected is lost: where is it sought first?
 * shows: nd01-B.4.4-01 */
static void
test_for_how_long(void **state)
{
	for (uint8_t detail = TEMPORARY; detail <= PERMANENT; detail++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.recovers = true });

		bench_start(b);
		assert_string_equal(bench_portal(b)->host, "192.0.2.1");
		redirect(b, first_request(b), detail,
			 "TargetAddress=192.0.2.9");
		assert_string_equal(bench_portal(b)->host, "192.0.2.9");
		assert_int_equal(bench_logged(b, "192.0.2.1:3260: redirected "
					      "permanently to 192.0.2.9:3260, "
					      "which should be named") != NULL,
				 detail == PERMANENT);
		bench_login_answer(b, first_request(b), 0, 1, true,
				   "AuthMethod=None TargetPortalGroupTag=7");
		bench_login(b, "DefaultTime2Wait=0");
		bench_cut(b);
		bench_pass(b, 0);
		assert_int_equal(bench_connects(b), 3);
		assert_string_equal(bench_portal(b)->host, detail == PERMANENT ?
				    "192.0.2.9" : "192.0.2.1");
		bench_free(b);
	}
}

static void
test_nobody_is_there(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	redirect(b, first_request(b), TEMPORARY, "TargetAddress=10.0.0.1");
	first_request(b);
	bench_cut(b);
	bench_expect_down(b, LUN_ELOST, "closed");
	bench_pass(b, 3600 * TIME_S);
	assert_int_equal(bench_connects(b), 2);
	bench_free(b);
}

static void
test_a_discovery_session_is_sent_on(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){ .discovery = true });

	bench_start(b);
	redirect(b, first_request(b), TEMPORARY, "TargetAddress=10.0.0.3:3333");
	assert_string_equal(bench_portal(b)->host, "10.0.0.3");
	struct got *got = first_request(b);
	assert_string_equal(got_key(got, "SessionType"), "Discovery");
	assert_null(got_key(got, "TargetName"));
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_of_addresses),
		cmocka_unit_test(test_no_usable_address),
		cmocka_unit_test(test_in_the_operational_stage),
		cmocka_unit_test(test_no_endless_journey),
		cmocka_unit_test(test_the_name_is_not_there),
		cmocka_unit_test(test_no_such_redirection),
		cmocka_unit_test(test_for_how_long),
		cmocka_unit_test(test_nobody_is_there),
		cmocka_unit_test(test_a_discovery_session_is_sent_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
