/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which portal a lost session goes to, and what must be done before it is used
 * in another portal group: RFC 7143 6.3.5, 7.15, 11.13.5. */
#include <stdio.h>

#include "rfc/bench.h"

static struct got *
login_in_group(struct bench *b, int tpgt)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);
	char keys[64];

	snprintf(keys, sizeof(keys), "AuthMethod=None TargetPortalGroupTag=%d",
		 tpgt);
	bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg, true, keys);
	return got;
}

/* The operational stage, by hand: the session need not be up after it. */
static void
finish_login(struct bench *b)
{
	bench_login_answer(b, bench_expect(b, OP_LOGIN_REQUEST),
			   STAGE_OPERATIONAL, STAGE_FULL_FEATURE, true,
			   "DefaultTime2Wait=0");
}

static void
add_portal(struct bench *b, const char *host, int tpgt)
{
	struct portal p = { .port = LUN_PORT, .tpgt = tpgt };

	snprintf(p.host, sizeof(p.host), "%s", host);
	recovery_add_portal(bench_recovery(b), &p);
}

/* Up, at 192.0.2.1 in group 1. */
static struct bench *
new_bench(void)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.recovers = true, .nop_interval = 10 * TIME_S,
	});

	bench_start(b);
	login_in_group(b, 1);
	bench_login(b, "DefaultTime2Wait=0");
	return b;
}

/* Attempt n goes to this host, which the log says, and fails. */
static void
attempt_fails(struct bench *b, unsigned n, const char *host)
{
	char line[64];

	snprintf(line, sizeof(line), "attempt %u to reconnect, to %s:3260", n,
		 host);
	assert_non_null(bench_logged(b, line));
	assert_int_equal(bench_connects(b), 1 + n);
	assert_string_equal(bench_portal(b)->host, host);
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_cut(b);
}

/*
 * The one that was used, those of its group, those of unknown group, others;
 * all at once, then there is a pause.
 * shows: 7143-7.15-01
 */
static void
test_portals_in_turn(void **state)
{
	static const char *const order[] = {
		"192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.2",
	};
	struct bench *b = new_bench();
	struct got *got;
	unsigned n = 0;

	add_portal(b, "192.0.2.2", 2);
	add_portal(b, "192.0.2.3", 1);
	add_portal(b, "192.0.2.4", -1);
	add_portal(b, "192.0.2.3", 1);
	bench_cut(b);
	for (int round = 0; round < 3; round++) {
		if (round > 0) {		/* 1 s, 2 s */
			bench_pass(b, round * TIME_S * 3 / 4 - 1);
			assert_int_equal(bench_connects(b), 1 + n);
			bench_pass(b, round * TIME_S / 2 + 1);
		}
		for (size_t i = 0; i < 4; i++) {
			bench_pass(b, 0);
			attempt_fails(b, ++n, order[i]);
		}
	}
	bench_pass(b, 5 * TIME_S);
	got = login_in_group(b, 1);
	assert_int_equal(got->pdu.tsih, 0);
	assert_int_equal(got->pdu.isid[1], 0x12);
	bench_login(b, "");
	bench_free(b);
}

/* If the portal does not answer any more, it is no use to ask it first. */
static void
test_silence_means_another_portal(void **state)
{
	struct bench *b = new_bench();

	add_portal(b, "192.0.2.2", 1);
	bench_pass(b, 15 * TIME_S);
	bench_expect(b, OP_NOP_OUT);
	attempt_fails(b, 1, "192.0.2.2");
	bench_pass(b, 2 * TIME_S);
	attempt_fails(b, 2, "192.0.2.1");
	bench_free(b);
}

/* What is elsewhere for good is sought there; but if nobody is there, where it
 * was.
 * shows: 7143-11.13.5-04 */
static void
test_moved_to_nowhere(void **state)
{
	struct bench *b = new_bench();

	bench_cut(b);
	bench_pass(b, 0);

	struct pdu pdu = bench_login_pdu(b, bench_expect(b, OP_LOGIN_REQUEST));
	static const char key[] = "TargetAddress=192.0.2.9";

	pdu.status_class = 1;
	pdu.status_detail = 2;
	bench_send(b, &pdu, key, sizeof(key));
	assert_int_equal(bench_connects(b), 3);
	assert_string_equal(bench_portal(b)->host, "192.0.2.9");
	bench_expect(b, OP_LOGIN_REQUEST);
	bench_cut(b);
	bench_pass(b, 2 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.1");
	login_in_group(b, 1);
	bench_login(b, "");
	bench_free(b);
}

/* ----------------------------------------------- another portal group -- */

/* Logged in at 192.0.2.2 in group 2, with writes out in group 1. */
static struct bench *
in_another_group(size_t unsure)
{
	struct bench *b = new_bench();

	add_portal(b, "192.0.2.2", 2);
	bench_set_unsure(b, unsure);
	bench_cut(b);
	bench_pass(b, 0);
	attempt_fails(b, 1, "192.0.2.1");
	bench_pass(b, 0);
	login_in_group(b, 2);
	finish_login(b);
	return b;
}

static void
answer_tmf(struct bench *b, uint64_t lun, uint8_t response)
{
	struct got *got = bench_expect(b, OP_TMF_REQUEST);
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, got);

	assert_int_equal(got->pdu.function, TMF_LOGICAL_UNIT_RESET);
	assert_int_equal(got->pdu.lun, lun);
	pdu.response = response;
	bench_send(b, &pdu, NULL, 0);
}

static void
test_nothing_to_be_ended(void **state)
{
	struct bench *b = in_another_group(0);

	assert_true(bench_up(b));
	bench_expect_nothing(b);
	bench_free(b);
}

/* The login there ends nothing, so the writes of the old nexus are ended by
 * resets before anything else may be sent. */
static void
test_writes_are_ended_first(void **state)
{
	struct bench *b = in_another_group(2);
	struct command *early;

	answer_tmf(b, 0, TMF_COMPLETE);
	assert_false(bench_up(b));
	early = bench_write(b, 0, 512);
	bench_pass(b, 0);
	bench_done(b, early, LUN_ELOST);
	answer_tmf(b, 1, TMF_COMPLETE);
	assert_true(bench_up(b));
	bench_expect_nothing(b);

	/* now it is this group's: back at once if it is lost */
	bench_set_unsure(b, 1);
	bench_cut(b);
	bench_pass(b, 2 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.2");
	login_in_group(b, 2);
	bench_login(b, "");
	bench_free(b);
}

/* If they cannot be ended the session is not used: the next portal's turn. */
static void
test_writes_cannot_be_ended(void **state)
{
	for (int refused = 0; refused < 2; refused++) {
		struct bench *b = in_another_group(1);

		if (refused) {
			answer_tmf(b, 0, TMF_NOT_SUPPORTED);
			struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);
			struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

			bench_send(b, &pdu, NULL, 0);
		} else {
			bench_expect(b, OP_TMF_REQUEST);
			bench_pass(b, 16 * TIME_S);
		}
		assert_false(bench_up(b));
		assert_non_null(bench_logged(b, "cannot be ended"));
		bench_pass(b, 2 * TIME_S);
		assert_int_equal(bench_connects(b), 4);
		assert_string_equal(bench_portal(b)->host, "192.0.2.1");
		bench_free(b);
	}
}

static void
test_too_many_to_be_ended(void **state)
{
	struct bench *b = in_another_group(100000);

	bench_expect(b, OP_LOGOUT_REQUEST);
	assert_false(bench_up(b));
	bench_cut(b);
	bench_pass(b, 2 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.1");
	bench_free(b);
}

/* It is lost, stopped or freed meanwhile. */
static void
test_an_end_while_writes_are_ended(void **state)
{
	struct bench *b = in_another_group(2);

	bench_expect(b, OP_TMF_REQUEST);
	bench_cut(b);
	assert_false(bench_up(b));
	bench_pass(b, 2 * TIME_S);
	assert_string_equal(bench_portal(b)->host, "192.0.2.1");
	bench_free(b);

	b = in_another_group(2);
	bench_write(b, 0, 512);
	recovery_stop(bench_recovery(b));
	bench_run(b);
	bench_pass(b, 40 * TIME_S);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);

	b = in_another_group(2);
	bench_write(b, 0, 512);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portals_in_turn),
		cmocka_unit_test(test_silence_means_another_portal),
		cmocka_unit_test(test_moved_to_nowhere),
		cmocka_unit_test(test_nothing_to_be_ended),
		cmocka_unit_test(test_writes_are_ended_first),
		cmocka_unit_test(test_writes_cannot_be_ended),
		cmocka_unit_test(test_too_many_to_be_ended),
		cmocka_unit_test(test_an_end_while_writes_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
