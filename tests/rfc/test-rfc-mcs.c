/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session of several connections does: RFC 7143 4.2.2, 4.2.5.1, 7.1.4.4. */
#include "rfc/bench.h"

enum { TSIH = 0x1234 };

/* ------------------------------------------------------------- commands -- */

/* shows: 7143-4.2.5.1-01 */
static void
test_data_goes_with_its_command(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=2 ImmediateData=No InitialR2T=No "
			"FirstBurstLength=4096",
	});

	bench_login(b, "");
	bench_login(b, "");

	struct command *w[2];
	struct got *got[2];

	for (size_t i = 0; i < 2; i++) {
		w[i] = bench_write(b, 0, 8192);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, i);
		assert_int_equal(bench_expect(b, OP_DATA_OUT)->line, i);
	}
	for (size_t i = 2; i-- > 0;) {	/* in the other order */
		bench_r2t(b, got[i], 0, 77, 4096, 4096);

		struct got *data = bench_expect(b, OP_DATA_OUT);

		assert_int_equal(data->line, i);
		assert_int_equal(data->pdu.initiator_task_tag,
				 got[i]->pdu.initiator_task_tag);
	}
	for (size_t i = 0; i < 2; i++) {
		bench_response(b, got[i], SCSI_GOOD);
		bench_done(b, w[i], 0);
	}
	bench_free(b);
}

static void
test_each_connection_counts_its_own_status(void **state)
{
	struct bench *b = bench_many_up(2);

	for (size_t i = 0; i < 5; i++)
		bench_works_on(b, i % 2);

	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);

	/* from 0x5000 + 0x100 * line on; a login has two responses */
	assert_int_equal(on_a->line, 1);
	assert_int_equal(on_a->pdu.exp_stat_sn, 0x5102 + 2);
	assert_int_equal(on_c->line, 0);
	assert_int_equal(on_c->pdu.exp_stat_sn, 0x5002 + 3);
	bench_response(b, on_c, SCSI_GOOD);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);
	bench_done(b, c, 0);
	bench_free(b);
}

/* The response of another connection's command is no response here. */
static void
test_a_response_on_the_wrong_connection_is_an_error(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *a = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	got->line = 1;
	bench_response(b, got, SCSI_GOOD);
	bench_expect_down(b, LUN_EPROTO, "unknown task");
	bench_done(b, a, LUN_EPROTO);
	bench_free(b);
}

/* ------------------------------------------------------ task management -- */

/* shows: 7143-11.5.1-04 */
static void
test_an_abort_goes_to_the_connection_of_its_task(void **state)
{
	struct bench *b = bench_many_up(2);
	struct nexus *nexus = session_nexus(bench_session(b));
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);

	nexus->ops->cancel(nexus, c);
	bench_run(b);

	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, abort);

	assert_int_equal(on_c->line, 1);
	assert_int_equal(abort->line, 1);
	assert_int_equal(abort->pdu.referenced_task_tag,
			 on_c->pdu.initiator_task_tag);
	bench_send(b, &pdu, NULL, 0);
	bench_done(b, c, LUN_ECANCELED);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);
	bench_free(b);
}

static struct {
	unsigned n;
	int code;
	uint8_t response;
} told;

static void
tmf_told(struct tmf *t, int code, uint8_t response)
{
	told.n++;
	told.code = code;
	told.response = response;
}

/*
 * The response of a reset ends the unit's tasks on all connections. What the
 * target had sent on another one meanwhile comes after it, and is discarded.
 *
 * shows: 7143-4.2.3.2-01 7143-4.2.3.3-05 7143-11.5.1-02
 */
static void
test_a_reset_ends_tasks_of_all_connections(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *a = bench_nodata(b, 0), *c = bench_read(b, 0, 512);
	struct command *other = bench_nodata(b, (uint64_t)1 << 48);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_other = bench_expect(b, OP_SCSI_COMMAND);
	struct tmf reset = {
		.function = TMF_LOGICAL_UNIT_RESET, .done = tmf_told,
	};

	assert_int_not_equal(on_a->line, on_c->line);
	told.n = 0;
	session_tmf(bench_session(b), &reset, bench_now(b));
	bench_run(b);

	struct got *got = bench_expect(b, OP_TMF_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, got);

	bench_pending(b, a);
	bench_send(b, &pdu, NULL, 0);
	assert_int_equal(told.n, 1);
	bench_done(b, a, LUN_ECANCELED);
	bench_done(b, c, LUN_ECANCELED);
	bench_pending(b, other);
	assert_int_not_equal(on_c->line, got->line);
	bench_data_in(b, on_c, 0, 0, 512, true, true);	/* overtaken */
	bench_check_untouched(b, c);
	assert_true(bench_up(b));
	bench_response(b, on_other, SCSI_GOOD);
	bench_done(b, other, 0);
	bench_free(b);
}

/* -------------------------------------------------------- loss, removal -- */

/* The reset that is to end a command goes over another connection than the
 * command, whose own is lost meanwhile. */
static void
test_a_connection_is_lost_while_another_has_its_reset(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *got[2];

	got[0] = bench_expect(b, OP_SCSI_COMMAND);
	got[1] = bench_expect(b, OP_SCSI_COMMAND);
	size_t line = got[1]->line;
	assert_int_not_equal(line, 0);
	bench_response(b, got[0], SCSI_GOOD);
	bench_done(b, a, 0);
	bench_pass(b, 32 * TIME_S);
	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
	assert_int_equal(abort->line, line);
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, abort);
	pdu.response = TMF_NOT_SUPPORTED;
	bench_send(b, &pdu, NULL, 0);
	struct got *reset = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(reset->pdu.function, TMF_LOGICAL_UNIT_RESET);
	assert_int_not_equal(reset->line, line);
	bench_on(b, line);
	bench_cut(b);
	bench_done(b, c, LUN_ELOST);
	bench_free(b);
}

/* shows: 7143-7.1.4.4-01 7143-7.14-02 */
static void
test_at_level_0_a_lost_connection_costs_the_session(void **state)
{
	struct bench *b = bench_many_up(3);
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);

	bench_on(b, 1);
	bench_cut(b);
	bench_expect_down(b, LUN_ELOST, "closed by the target");
	bench_done(b, a, LUN_ELOST);
	bench_done(b, c, LUN_ELOST);
	bench_free(b);
}

/* shows: 7143-7.7-01 7143-7.7-05 */
static void
test_a_format_error_on_one_ends_all(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *w = bench_write(b, 0, 512 * 1024);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_r2t(b, got, 0, 1, 65536, 0);
	bench_expect_down(b, LUN_EPROTO, "it asks for no data");
	bench_done(b, w, LUN_EPROTO);
	bench_free(b);
}

/* shows: 7143-7.1.4.4-02 7143-6.3.5-02 */
static void
test_session_recovery_makes_all_connections_again(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=2", .recovers = true,
	});

	bench_login(b, "");
	bench_login(b, "");

	struct command *a = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	bench_on(b, 1);
	bench_cut(b);
	bench_done(b, a, LUN_ELOST);
	assert_int_equal(bench_connections(b), 0);
	bench_pass(b, 10 * TIME_S);

	got = bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	assert_int_equal(got->pdu.tsih, 0);
	assert_int_equal(got->pdu.cid, 1);
	bench_login(b, "");
	got = bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	assert_int_equal(got->pdu.tsih, TSIH);
	assert_int_equal(got->pdu.cid, 2);
	bench_login(b, "");

	struct command *c = bench_nodata(b, 0);

	got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.cmd_sn, 100);		/* a new numbering */
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, c, 0);
	bench_free(b);
}

static void
ask_for_logout(struct bench *b, size_t line, uint16_t seconds)
{
	bench_on(b, line);

	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = ASYNC_LOGOUT;
	pdu.parameter3 = seconds;
	bench_send(b, &pdu, NULL, 0);
}

/* It goes when its tasks are over, the session lives, and it comes back. */
static void
test_a_connection_is_removed_and_added(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);

	ask_for_logout(b, 0, 20);
	bench_expect_nothing(b);
	bench_works_on(b, 1);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);

	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	assert_int_equal(got->line, 0);
	assert_int_equal(got->pdu.reason, LOGOUT_CONNECTION);
	assert_int_equal(got->pdu.cid, 1);
	bench_send(b, &pdu, NULL, 0);
	assert_true(bench_closed(b));
	assert_int_equal(bench_connections(b), 1);
	bench_response(b, on_c, SCSI_GOOD);
	bench_done(b, c, 0);
	bench_pass(b, TIME_S);
	got = bench_login_security(b, "AuthMethod=None TargetPortalGroupTag=1");
	assert_int_equal(got->pdu.cid, 1);
	assert_int_equal(got->pdu.tsih, TSIH);
	bench_login(b, "");
	assert_int_equal(bench_connections(b), 2);
	bench_pass(b, 60 * TIME_S);	/* nothing is left of its deadline */
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);
}

/* shows: 7143-6.3.5-03 */
static void
test_the_last_connections_go_with_the_session(void **state)
{
	struct bench *b = bench_many_up(2);
	struct command *a = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);

	bench_pass(b, TIME_S);
	ask_for_logout(b, 0, 20);
	ask_for_logout(b, 1, 20);
	bench_expect_nothing(b);
	bench_response(b, on_a, SCSI_GOOD);
	bench_done(b, a, 0);

	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	assert_int_equal(got->pdu.reason, LOGOUT_SESSION);
	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_ELOST, "asked for a logout");
	bench_free(b);
}

static void
test_one_logout_closes_all(void **state)
{
	struct bench *b = bench_many_up(3);
	struct command *a = bench_nodata(b, 0), *c = bench_nodata(b, 0);
	struct got *on_a = bench_expect(b, OP_SCSI_COMMAND);
	struct got *on_c = bench_expect(b, OP_SCSI_COMMAND);

	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	bench_response(b, on_a, SCSI_GOOD);
	bench_expect_nothing(b);
	bench_response(b, on_c, SCSI_GOOD);
	bench_done(b, a, 0);
	bench_done(b, c, 0);

	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);

	assert_int_equal(got->pdu.reason, LOGOUT_SESSION);
	bench_on(b, 2);			/* it closes that one before */
	bench_cut(b);
	assert_true(bench_up(b));

	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	bench_send(b, &pdu, NULL, 0);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_expect_nothing(b);
	bench_free(b);
}

/* ---------------------------------------------- events about any of them -- */

static void
drop(struct bench *b, enum async_event event, uint16_t cid)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = (uint8_t)event;
	pdu.parameter1 = cid;
	pdu.parameter2 = 7;
	pdu.parameter3 = 20;
	bench_send(b, &pdu, NULL, 0);
}

static void
test_the_target_drops_another_connection(void **state)
{
	struct bench *b = bench_many_up(2);

	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2);
	bench_expect_down(b, LUN_ELOST, "drops this connection (async event 2, "
			  "Time2Wait 7 s, Time2Retain 20 s)");
	assert_int_equal(session_time2wait(bench_session(b)), 7 * TIME_S);
	bench_free(b);
}

/* Of a connection that the session does not have any more nothing follows. */
static void
test_the_target_drops_a_connection_that_is_not_there(void **state)
{
	struct bench *b = bench_many(2);

	bench_login(b, "");
	(void)bench_expect(b, OP_LOGIN_REQUEST);
	bench_on(b, 0);
	drop(b, ASYNC_CONNECTION_DROP, 2);	/* that one logs in */
	drop(b, ASYNC_CONNECTION_DROP, 9);
	assert_true(bench_up(b));
	assert_int_equal(bench_connections(b), 2);
	bench_works_on(b, 0);
	bench_free(b);
}

static void
test_the_target_drops_all(void **state)
{
	struct bench *b = bench_many_up(3);

	bench_on(b, 1);
	drop(b, ASYNC_SESSION_DROP, 0);
	bench_expect_down(b, LUN_ELOST, "drops all connections");
	bench_free(b);
}

/* ----------------------------------------------------------------- text -- */

static void
text_told(struct text_exchange *x, int code, const struct lun_error *err,
	  const char *text, size_t len)
{
	told.n++;
	told.code = code;
}

static void
test_text_goes_on_any_connection(void **state)
{
	struct bench *b = bench_many_up(2);
	struct text_exchange x = {
		.request = "SendTargets=", .request_len = 13,
		.answer_max = 1000, .done = text_told,
	};

	ask_for_logout(b, 0, 20);
	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);

	told.n = 0;
	assert_int_equal(session_text(bench_session(b), &x, bench_now(b)), 0);
	bench_run(b);
	got = bench_expect(b, OP_TEXT_REQUEST);
	assert_int_equal(got->line, 1);

	struct pdu pdu = bench_pdu(b, OP_TEXT_RESPONSE, got);

	bench_send(b, &pdu, NULL, 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.code, 0);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_goes_with_its_command),
		cmocka_unit_test(test_each_connection_counts_its_own_status),
		cmocka_unit_test(test_a_response_on_the_wrong_connection_is_an_error),
		cmocka_unit_test(test_an_abort_goes_to_the_connection_of_its_task),
		cmocka_unit_test(test_a_reset_ends_tasks_of_all_connections),
		cmocka_unit_test(test_a_connection_is_lost_while_another_has_its_reset),
		cmocka_unit_test(test_at_level_0_a_lost_connection_costs_the_session),
		cmocka_unit_test(test_a_format_error_on_one_ends_all),
		cmocka_unit_test(test_session_recovery_makes_all_connections_again),
		cmocka_unit_test(test_a_connection_is_removed_and_added),
		cmocka_unit_test(test_the_last_connections_go_with_the_session),
		cmocka_unit_test(test_one_logout_closes_all),
		cmocka_unit_test(test_the_target_drops_another_connection),
		cmocka_unit_test(test_the_target_drops_a_connection_that_is_not_there),
		cmocka_unit_test(test_the_target_drops_all),
		cmocka_unit_test(test_text_goes_on_any_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
