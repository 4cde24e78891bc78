/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pings both ways: RFC 7143 11.18, 11.19, 7.7. */
#include "rfc/bench.h"

/* shows: 7143-11.18-01 7143-11.18.1-01 7143-11.18.1-02 7143-11.18.2-01
 * shows: 7143-4.2.2.1-06 */
static void
test_the_targets_pings_are_answered(void **state)
{
	static const uint32_t tags[] = { 0, 1, 0x12345678, 0xfffffffe };
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

		nop.target_transfer_tag = tags[i];
		nop.lun = 0x0005000000000000;
		bench_send(b, &nop, NULL, 0);
		struct got *got = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(got->pdu.target_transfer_tag, tags[i]);
		assert_int_equal(got->pdu.initiator_task_tag, TAG_NONE);
		assert_true(got->pdu.immediate);
		assert_true(got->pdu.final);
		assert_true(got->pdu.lun == 0x0005000000000000);
		assert_int_equal(got->pdu.data_segment_length, 0);
		assert_int_equal(got->pdu.cmd_sn, 100);
	}
	bench_free(b);
}

/* shows: 7143-11.18-02 7143-11.19.2-01 7143-11.19-01 */
static void
test_other_nop_ins_are_not_answered(void **state)
{
	static const uint8_t data[17] = { 1 };
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (int i = 0; i < 3; i++) {	/* they use up no StatSN */
		struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

		bench_send(b, &nop, data, i * 8u);	/* data is off the stream */
		bench_expect_nothing(b);
	}
	struct command *cmd = bench_nodata(b, 0);
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* shows: 7143-11.19.2-01 */
static void
test_a_nop_in_shows_lost_responses(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);
	nop.stat_sn++;
	bench_send(b, &nop, NULL, 0);
	bench_expect_down(b, LUN_EPROTO, "StatSN");
	bench_free(b);
}

/* shows: 7143-11.18.2-02 7143-11.18.3-01 7143-11.18.1-01 7143-11.19.2-02 */
static void
test_our_pings_and_their_echo(void **state)
{
	uint8_t echo[4096] = { 7 };
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = 3 * TIME_S });

	bench_login(b, "");
	for (uint32_t len = 0; len < sizeof(echo); len += 1023) {
		bench_pass(b, 4 * TIME_S);
		struct got *got = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(got->pdu.target_transfer_tag, TAG_NONE);
		assert_true(got->pdu.initiator_task_tag != TAG_NONE);
		assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
		struct pdu nop = bench_pdu(b, OP_NOP_IN, got);
		bench_send(b, &nop, echo, len);
		bench_expect_nothing(b);
	}
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	bench_free(b);
}

static void
test_a_missed_ping_ends_the_connection(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = 3 * TIME_S });

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_pass(b, 4 * TIME_S);
	bench_expect(b, OP_NOP_OUT);
	bench_pending(b, cmd);
	bench_pass(b, 6 * TIME_S);
	bench_expect_nothing(b);
	bench_done(b, cmd, LUN_ETIMEDOUT);
	bench_expect_down(b, LUN_ETIMEDOUT, "ping");
	bench_free(b);
}

/* Traffic is as good as an answer: no ping is sent while there is some. */
static void
test_no_pings_under_load(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = 3 * TIME_S });

	bench_login(b, "");
	for (int i = 0; i < 20; i++) {
		bench_pass(b, 2 * TIME_S);
		bench_nodata(b, 0);
		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	}
	bench_expect_nothing(b);
	bench_free(b);
}

/* A target that asks and does not listen is not to fill our memory. */
static void
test_a_flood_of_pings_is_bounded(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	bench_hold(b, true);
	for (int i = 0; i < 10000 && !bench_closed(b); i++) {
		struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

		nop.target_transfer_tag = 1;
		bench_send(b, &nop, NULL, 0);
	}
	bench_hold(b, false);
	bench_expect_down(b, LUN_EPROTO, "does not take our answers");
	bench_free(b);
}

/* shows: 7143-7.7-03 */
static void
test_both_tags_valid(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = 3 * TIME_S });

	bench_login(b, "");
	bench_pass(b, 4 * TIME_S);
	struct pdu nop = bench_pdu(b, OP_NOP_IN, bench_expect(b, OP_NOP_OUT));
	nop.target_transfer_tag = 5;
	bench_send(b, &nop, NULL, 0);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_EPROTO, "both tags");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_targets_pings_are_answered),
		cmocka_unit_test(test_other_nop_ins_are_not_answered),
		cmocka_unit_test(test_a_nop_in_shows_lost_responses),
		cmocka_unit_test(test_our_pings_and_their_echo),
		cmocka_unit_test(test_a_missed_ping_ends_the_connection),
		cmocka_unit_test(test_no_pings_under_load),
		cmocka_unit_test(test_both_tags_valid),
		cmocka_unit_test(test_a_flood_of_pings_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
