/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How connections join a session: RFC 7143 4.2.1, 6.3, 11.12. */
#include "rfc/bench.h"

enum { TSIH = 0x1234 };

static void
refuse(struct bench *b, uint8_t status_class, uint8_t status_detail)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.status_class = status_class;
	pdu.status_detail = status_detail;
	bench_send(b, &pdu, NULL, 0);
}

static void
test_further_logins_join_the_session(void **state)
{
	struct bench *b = bench_many(3);

	bench_login(b, "");
	for (uint16_t cid = 2; cid <= 3; cid++) {
		struct got *got = bench_login_security(b, "AuthMethod=None "
					       "TargetPortalGroupTag=1");

		assert_int_equal(got->pdu.cid, cid);
		assert_int_equal(got->pdu.tsih, TSIH);
		assert_int_equal(got->pdu.isid[5], 1);
		assert_int_equal(got->pdu.cmd_sn, 100);
		assert_int_equal(got->pdu.exp_stat_sn, 0);
		assert_non_null(got_key(got, "InitiatorName"));
		assert_non_null(got_key(got, "TargetName"));
		assert_null(got_key(got, "SessionType"));
		bench_login(b, "");	/* answers what comes next */
	}
	bench_expect_nothing(b);
	assert_int_equal(bench_connections(b), 3);
	assert_int_equal(bench_connects(b), 3);
	bench_free(b);
}

/* The keys of a further login are those of a connection: RFC 7143 13 "LO". */
static void
test_leading_keys_are_not_sent_again(void **state)
{
	static const char *const leading[] = {
		"MaxConnections", "InitialR2T", "ImmediateData",
		"MaxBurstLength", "FirstBurstLength", "DefaultTime2Wait",
		"DefaultTime2Retain", "MaxOutstandingR2T", "DataPDUInOrder",
		"DataSequenceInOrder", "ErrorRecoveryLevel", "TaskReporting",
		"SessionType", "iSCSIProtocolLevel",
	};
	struct bench *b = bench_many(2);

	bench_login(b, "");
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");

	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	assert_int_equal(got->pdu.csg, STAGE_OPERATIONAL);
	assert_non_null(got_key(got, "MaxRecvDataSegmentLength"));
	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++)
		assert_null(got_key(got, leading[i]));
	bench_free(b);
}

/* shows: 7143-6.3.3-04 */
static void
test_none_is_opened_before_the_leading_login_is_over(void **state)
{
	struct bench *b = bench_many(4);

	bench_start(b);
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	bench_login_answer(b, got, STAGE_SECURITY, STAGE_OPERATIONAL, true,
			   "AuthMethod=None TargetPortalGroupTag=1");
	got = bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, 10 * TIME_S);
	bench_expect_nothing(b);
	assert_int_equal(bench_connects(b), 1);
	bench_login_answer(b, got, STAGE_OPERATIONAL, STAGE_FULL_FEATURE, true,
			   "MaxConnections=4");
	assert_int_equal(bench_connects(b), 2);
	bench_free(b);
}

/* shows: 7143-11.12.8-02 */
static void
test_a_further_login_has_the_current_cmdsn(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");

	struct got *first = bench_expect(b, OP_LOGIN_REQUEST);
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);

	assert_int_equal(first->pdu.cmd_sn, 100);
	assert_int_equal(on_a->pdu.cmd_sn, 100);
	assert_int_equal(on_c->pdu.cmd_sn, 101);
	bench_login_answer(b, first, STAGE_SECURITY, STAGE_OPERATIONAL, true,
			   "AuthMethod=None TargetPortalGroupTag=1");

	struct got *second = bench_expect(b, OP_LOGIN_REQUEST);

	assert_int_equal(second->pdu.cmd_sn, 102);
	bench_login_answer(b, second, STAGE_OPERATIONAL, STAGE_FULL_FEATURE,
			   true, "");

	struct command *d = bench_nodata(b, 0);
	struct got *on_d = bench_expect(b, OP_SCSI_COMMAND);

	assert_int_equal(on_d->pdu.cmd_sn, 102);	/* it used up none */
	assert_int_equal(on_d->line, 1);
	bench_response(b, on_a, SCSI_GOOD);
	bench_response(b, on_c, SCSI_GOOD);
	bench_response(b, on_d, SCSI_GOOD);
	bench_done(b, a, 0);
	bench_done(b, c, 0);
	bench_done(b, d, 0);
	bench_free(b);
}

static void
test_no_more_than_the_target_grants(void **state)
{
	struct bench *b = bench_many(4);

	bench_login(b, "MaxConnections=2");
	bench_login(b, "");
	bench_pass(b, 200 * TIME_S);
	bench_expect_nothing(b);
	assert_int_equal(bench_connects(b), 2);
	assert_non_null(bench_logged(b, "the target grants 2"));
	bench_free(b);
}

/* shows: 7143-4.2.1-01 */
static void
test_one_connection_is_enough(void **state)
{
	struct bench *b = bench_many(4);

	bench_login(b, "MaxConnections=1 InitialR2T=Yes ImmediateData=No");
	bench_pass(b, 200 * TIME_S);

	struct command *read = bench_read(b, 0, 4096);
	bench_data_in(b, bench_expect(b, OP_SCSI_COMMAND), 0, 0, 4096, true,
		      true);
	bench_done(b, read, 0);
	bench_check_read(b, read, 4096);

	struct command *write = bench_write(b, 0, 4096);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_r2t(b, got, 0, 7, 0, 4096);
	assert_int_equal(bench_expect(b, OP_DATA_OUT)->pdu.data_segment_length,
			 4096);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, write, 0);

	struct command *gone = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	session_nexus(bench_session(b))->ops->cancel(
	    session_nexus(bench_session(b)), gone);
	bench_run(b);
	bench_answer_tmf(b, bench_expect(b, OP_TMF_REQUEST), TMF_COMPLETE);
	bench_done(b, gone, LUN_ECANCELED);

	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	struct pdu bye = bench_pdu(b, OP_LOGOUT_RESPONSE,
				   bench_expect(b, OP_LOGOUT_REQUEST));
	bench_send(b, &bye, NULL, 0);
	bench_expect_down(b, LUN_ECANCELED, "");
	assert_int_equal(bench_connects(b), 1);
	bench_free(b);
}

/* It goes on with those that it has, says so once, and tries again. */
static void
test_a_refused_connection_is_tried_again(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");
	refuse(b, 2, 6);
	assert_non_null(bench_logged(b, "going on with 1 of 2"));
	assert_true(bench_up(b));
	bench_works_on(b, 0);
	bench_pass(b, 999 * TIME_MS);
	bench_expect_nothing(b);
	bench_pass(b, TIME_MS);
	refuse(b, 2, 6);
	bench_pass(b, 1999 * TIME_MS);
	bench_expect_nothing(b);
	bench_pass(b, TIME_MS);
	bench_login(b, "");
	assert_non_null(bench_logged(b, "is added"));
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

static void
test_a_connection_that_is_not_answered_is_tried_again(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");
	(void)bench_expect(b, OP_LOGIN_REQUEST);
	bench_pass(b, 14 * TIME_S);
	bench_works_on(b, 0);
	bench_pass(b, 2 * TIME_S);	/* the login's time is over: 15 s */
	assert_non_null(bench_logged(b, "was not answered within 15 s"));
	bench_pass(b, 1 * TIME_S);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_free(b);
}

/* shows: 7143-C-08 */
static void
test_another_portal_group_is_not_joined(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=2");
	assert_non_null(bench_logged(b, "portal group 2"));
	assert_true(bench_up(b));
	assert_int_equal(bench_connections(b), 1);
	bench_works_on(b, 0);
	bench_free(b);
}

static void
test_another_tsih_is_not_joined(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");
	bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");

	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.final = true;
	pdu.nsg = STAGE_FULL_FEATURE;
	pdu.tsih = TSIH + 1;
	bench_send(b, &pdu, NULL, 0);
	assert_non_null(bench_logged(b, "TSIH"));
	assert_true(bench_up(b));
	assert_int_equal(bench_connections(b), 1);
	bench_works_on(b, 0);
	bench_free(b);
}

/* Evenly. shows: 7143-C-08 */
static void
test_connections_go_to_portals_of_one_group(void **state)
{
	static const struct portal portals[] = {
		{ .host = "192.0.2.2", .port = LUN_PORT, .tpgt = 2 },
		{ .host = "192.0.2.3", .port = LUN_PORT, .tpgt = 1 },
		{ .host = "192.0.2.4", .port = LUN_PORT, .tpgt = 2 },
	};
	static const char *const hosts[] = {
		"192.0.2.1", "192.0.2.3", "192.0.2.1", "192.0.2.3",
	};
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=4", .portals = portals, .n_portals = 3,
	});

	for (size_t i = 0; i < 4; i++) {
		if (i == 0)
			bench_start(b);
		assert_string_equal(bench_portal(b)->host, hosts[i]);
		bench_login(b, "");
	}
	assert_int_equal(bench_connections(b), 4);
	for (size_t i = 0; i < 4; i++) {
		struct session_conn_status st =
			session_conn_status(bench_session(b), i);

		assert_string_equal(st.portal->host, hosts[i]);
	}
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_further_logins_join_the_session),
		cmocka_unit_test(test_leading_keys_are_not_sent_again),
		cmocka_unit_test(test_none_is_opened_before_the_leading_login_is_over),
		cmocka_unit_test(test_a_further_login_has_the_current_cmdsn),
		cmocka_unit_test(test_no_more_than_the_target_grants),
		cmocka_unit_test(test_one_connection_is_enough),
		cmocka_unit_test(test_a_refused_connection_is_tried_again),
		cmocka_unit_test(test_a_connection_that_is_not_answered_is_tried_again),
		cmocka_unit_test(test_another_portal_group_is_not_joined),
		cmocka_unit_test(test_another_tsih_is_not_joined),
		cmocka_unit_test(test_connections_go_to_portals_of_one_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
