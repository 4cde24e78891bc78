/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recovery level 1, within a command: read data that was lost or damaged is
 * asked for again. RFC 7143 7.8, 7.9, 11.7.2, 11.16. */
#include "rfc/erl1.h"

/*
 * A damaged PDU in the middle; the status is early, and is not acknowledged
 * before the data is whole.
 *
 * shows: 7143-7.8-03 7143-7.8-04 7143-7.9-01 7143-7.9-03 7143-11.16-02 7143-11.16-03
 * shows: 7143-11.16-04 7143-11.16.1-01 7143-11.16.4-01 7143-11.16.5-01
 */
static void
test_a_damaged_segment_is_sent_again(void **state)
{
	for (size_t segments = 0; segments < 2; segments++) {
		struct bench *b = erl1_bench("", "");

		bench_segments(b, segments);
		struct command *cmd = bench_read(b, 0, 3 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu[3];

		for (uint32_t i = 0; i < 3; i++)
			pdu[i] = segment(b, got, i, i == 2);
		send_segment(b, pdu[0]);
		send_segment_as(b, pdu[1], DAMAGE_DATA);
		expect_data_snack(b, got, 1, 1);
		send_segment(b, pdu[2]);
		bench_pending(b, cmd);
		assert_int_equal(acknowledged(b), pdu[2].stat_sn);
		struct command *other = bench_nodata(b, 0);
		struct got *got2 = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got2->pdu.cmd_sn, got->pdu.cmd_sn + 1);
		bench_response(b, got2, SCSI_GOOD);
		bench_done(b, other, 0);	/* that does not wait for it */
		assert_int_equal(acknowledged(b), pdu[2].stat_sn);
		send_segment(b, pdu[1]);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_GOOD);
		assert_int_equal(cmd->received, 3 * SEGMENT);
		bench_check_read(b, cmd, 3 * SEGMENT);
		assert_int_equal(acknowledged(b), pdu[2].stat_sn + 2);
		bench_expect_nothing(b);
		assert_int_equal(counters(b).conns.snacks_sent, 1);
		assert_int_equal(counters(b).conns.data_digest_errors, 1);
		bench_pass(b, 60 * TIME_S);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* Every pattern of losses among six PDUs, status in the last: whatever is
 * asked for is sent again, lost ones too. shows: 7143-7.9-01 7143-11.16-03 */
static void
test_every_pattern_of_losses(void **state)
{
	enum { N = 6 };

	for (unsigned lost = 0; lost < 1 << N; lost++)
	for (unsigned damaged = 0; damaged < 2; damaged++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, N * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu[N];
		unsigned snacks = 0;

		for (uint32_t i = 0; i < N; i++) {
			pdu[i] = segment(b, got, i, false);
			if (!(lost & 1 << i))
				send_segment(b, pdu[i]);
			else if (damaged)
				send_segment_as(b, pdu[i], DAMAGE_DATA);
		}
		struct pdu response = bench_pdu(b, OP_SCSI_RESPONSE, got);
		response.exp_data_sn = N;
		bench_send(b, &response, NULL, 0);
		for (struct got *g; (g = bench_next(b)); snacks++) {
			uint32_t n = g->pdu.run_length ? g->pdu.run_length :
			    N - g->pdu.beg_run;

			assert_int_equal(g->pdu.opcode, OP_SNACK_REQUEST);
			assert_int_equal(g->pdu.exp_stat_sn, response.stat_sn);
			assert_true(g->pdu.beg_run + n <= N);
			bench_pending(b, cmd);
			for (uint32_t i = g->pdu.beg_run; n-- > 0; i++) {
				assert_true(lost & 1 << i);
				send_segment(b, pdu[i]);
			}
		}
		assert_true(!lost == !snacks);
		bench_done(b, cmd, 0);
		bench_check_read(b, cmd, N * SEGMENT);
		assert_int_equal(acknowledged(b), response.stat_sn + 1);
		bench_free(b);
	}
}

/* The status was in it: the Data SNACK brings both, without a Status SNACK. */
static void
test_a_damaged_last_segment_with_status(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu first = segment(b, got, 0, false), last = segment(b, got, 1, true);

	send_segment(b, first);
	send_segment_as(b, last, DAMAGE_DATA);
	expect_data_snack(b, got, 1, 0);
	struct command *other = bench_nodata(b, 0);
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
	bench_done(b, other, 0);
	assert_int_equal(acknowledged(b), last.stat_sn);
	send_segment_as(b, last, DAMAGE_DATA);		/* once more */
	expect_data_snack(b, got, 1, 0);
	bench_pending(b, cmd);
	send_segment(b, last);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 2 * SEGMENT);
	assert_int_equal(acknowledged(b), last.stat_sn + 2);
	bench_expect_nothing(b);
	bench_free(b);
}

/* It vanished: the next status shows it; the target answers with the Data-In,
 * or (as LIO does) with a SCSI Response. */
static void
test_a_lost_last_segment_with_status(void **state)
{
	for (int as_response = 0; as_response < 2; as_response++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu first = segment(b, got, 0, false),
		    last = segment(b, got, 1, true);

		send_segment(b, first);
		struct command *other = bench_nodata(b, 0);
		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		bench_done(b, other, 0);
		expect_status_snack(b, last.stat_sn, 1);
		if (as_response) {
			struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

			--*bench_stat_sn(b);
			pdu.stat_sn = last.stat_sn;
			bench_send(b, &pdu, NULL, 0);
			bench_pending(b, cmd);
			expect_data_snack(b, got, 1, 0);
			assert_int_equal(acknowledged(b), last.stat_sn);
		}
		send_segment(b, last);
		bench_done(b, cmd, 0);
		bench_check_read(b, cmd, 2 * SEGMENT);
		assert_int_equal(acknowledged(b), last.stat_sn + 2);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* ExpDataSN is 0 with some targets; then the bytes tell. With a number it is
 * believed: the target sent no more. shows: 7143-7.9-01 */
static void
test_a_response_after_a_lost_tail(void **state)
{
	for (uint32_t exp = 0; exp < 2; exp++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		send_segment(b, segment(b, got, 0, false));
		struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
		pdu.exp_data_sn = exp;
		bench_send(b, &pdu, NULL, 0);
		if (exp == 0) {
			bench_pending(b, cmd);
			expect_data_snack(b, got, 1, 0);
			send_segment(b, segment(b, got, 1, false));
			bench_done(b, cmd, 0);
			bench_check_read(b, cmd, 2 * SEGMENT);
		} else {
			bench_done(b, cmd, LUN_EPROTO);
		}
		assert_int_equal(acknowledged(b), pdu.stat_sn + 1);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* More is sent again than was lost, and some of it when all is over.
 * shows: 7143-7.9-04 */
static void
test_duplicates_change_nothing(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_read(b, 0, 3 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu[3];

	for (uint32_t i = 0; i < 3; i++)
		pdu[i] = segment(b, got, i, i == 2);
	send_segment(b, pdu[1]);
	expect_data_snack(b, got, 0, 1);
	struct pdu wrong = pdu[1];
	wrong.buffer_offset = 0;		/* its bytes are not used */
	send_segment(b, wrong);
	send_segment_as(b, wrong, DAMAGE_DATA);
	send_segment(b, pdu[2]);
	send_segment(b, pdu[2]);
	bench_pending(b, cmd);
	assert_int_equal(((uint8_t *)cmd->in)[0], 0xee);
	send_segment(b, pdu[0]);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 3 * SEGMENT);
	for (uint32_t i = 0; i < 3; i++)
		send_segment(b, pdu[i]);
	struct pdu late = bench_pdu(b, OP_SCSI_RESPONSE, got);
	late.stat_sn = pdu[2].stat_sn;
	--*bench_stat_sn(b);
	bench_send(b, &late, NULL, 0);
	assert_int_equal(acknowledged(b), pdu[2].stat_sn + 1);
	bench_expect_nothing(b);
	bench_free(b);
}

/* It is asked for some times; then the task is aborted. The session lives.
 * shows: 7143-7.8-04 */
static void
test_a_segment_that_never_comes(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu last = segment(b, got, 1, true);

	send_segment(b, last);
	expect_data_snack(b, got, 0, 1);
	for (int i = 0; i < 3; i++) {
		bench_pass(b, 5 * TIME_S);
		expect_data_snack(b, got, 0, 1);
	}
	bench_pass(b, 5 * TIME_S);
	struct got *abort = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
	assert_int_equal(abort->pdu.exp_stat_sn, last.stat_sn);
	struct pdu done = bench_pdu(b, OP_TMF_RESPONSE, abort);
	done.response = TMF_NO_TASK;
	bench_send(b, &done, NULL, 0);
	bench_done(b, cmd, 0);
	assert_int_equal(cmd->status, SCSI_CHECK_CONDITION);
	assert_int_equal(cmd->sense[2], 0xb);
	assert_int_equal(acknowledged(b), last.stat_sn + 2);
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);
}

/* shows: 7143-7.8-05 7143-11.17.1-04 */
static void
test_a_rejected_snack(void **state)
{
	static const uint8_t sense[] = { 0, 18, 0x70, 0, 0xb, 0, 0, 0, 0, 10, 0, 0,
					 0, 0, 0x11, 0x13, 0, 0, 0, 0 };

	for (int status_first = 0; status_first < 3; status_first++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu last = segment(b, got, 1, status_first == 1);

		send_segment(b, last);
		struct got *snack = expect_data_snack(b, got, 0, 1);
		bench_reject(b, snack, REJECT_SNACK);
		struct pdu pdu = { 0 };
		if (status_first != 1) {
			bench_pending(b, cmd);
			bench_pass(b, 20 * TIME_S);
			bench_expect_nothing(b);
			pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
		}
		if (status_first == 0) {	/* 7.8 a.1 */
			pdu.status = SCSI_CHECK_CONDITION;
			bench_send(b, &pdu, sense, sizeof(sense));
		} else if (status_first == 2) {	/* it was under way */
			bench_send(b, &pdu, NULL, 0);
		}
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_CHECK_CONDITION);
		assert_int_equal(cmd->sense[2], 0xb);
		assert_int_equal(cmd->sense[12], status_first == 0 ? 0x11 : 0x47);
		assert_int_equal(cmd->sense[13], status_first == 0 ? 0x13 : 0x05);
		assert_int_equal(acknowledged(b), *bench_stat_sn(b));
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* shows: 7143-11.7.2-02 7143-11.7.2-03 7143-11.7.2-04 7143-11.16.4-01
 * shows: 7143-11.16.5-01 7143-11.16.6-01 7143-11.16.2-01 7143-11.16.2-02 */
static void
test_the_a_bit_is_answered_when_all_before_it_came(void **state)
{
	const uint64_t lun = (uint64_t)3 << 48;
	struct bench *b = erl1_bench("", "");
	struct command *cmd = bench_read(b, lun, 6 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu[6];

	for (uint32_t i = 0; i < 6; i++) {
		pdu[i] = segment(b, got, i, i == 5);
		pdu[i].acknowledge = i & 1;
		pdu[i].target_transfer_tag = i & 1 ? 900 + i : TAG_NONE;
	}
	send_segment(b, pdu[0]);
	bench_expect_nothing(b);
	send_segment(b, pdu[1]);
	expect_data_ack(b, 2, 901, lun);
	send_segment(b, pdu[3]);		/* 2 is missing */
	expect_data_snack(b, got, 2, 1);
	bench_expect_nothing(b);
	send_segment(b, pdu[4]);
	bench_expect_nothing(b);
	send_segment(b, pdu[2]);
	expect_data_ack(b, 4, 903, lun);
	send_segment(b, pdu[5]);		/* the status says it */
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 6 * SEGMENT);
	assert_int_equal(acknowledged(b), pdu[5].stat_sn + 1);
	bench_expect_nothing(b);
	assert_int_equal(counters(b).conns.snacks_sent, 1);
	bench_free(b);
}

/* The status of the task cannot be acknowledged, as an earlier one is missing.
 * shows: 7143-11.7.2-02 7143-11.7.2-03 */
static void
test_the_a_bit_with_a_status_behind_a_lost_one(void **state)
{
	struct bench *b = erl1_bench("", "");
	struct command *first = bench_nodata(b, 0), *cmd = bench_read(b, 0, SEGMENT);
	struct got *got1 = bench_expect(b, OP_SCSI_COMMAND);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu lost = bench_pdu(b, OP_SCSI_RESPONSE, got1);
	struct pdu pdu = segment(b, got, 0, true);

	pdu.acknowledge = true;
	pdu.target_transfer_tag = 5;
	send_segment(b, pdu);
	expect_status_snack(b, lost.stat_sn, 1);
	expect_data_ack(b, 1, 5, 0);
	bench_done(b, cmd, 0);
	bench_send(b, &lost, NULL, 0);
	bench_done(b, first, 0);
	assert_int_equal(acknowledged(b), pdu.stat_sn + 1);
	bench_expect_nothing(b);
	bench_free(b);
}

static void
test_losses_when_data_comes_in_any_order(void **state)
{
	static const uint32_t offsets[] = { 3, 0, 2, 1 };
	struct bench *b = erl1_bench("DataPDUInOrder=No DataSequenceInOrder=No", "");
	struct command *cmd = bench_read(b, 0, 4 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu[4];

	for (uint32_t i = 0; i < 4; i++) {
		pdu[i] = segment(b, got, i, i == 3);
		pdu[i].buffer_offset = offsets[i] * SEGMENT;
	}
	send_segment(b, pdu[0]);
	send_segment(b, pdu[2]);
	expect_data_snack(b, got, 1, 1);
	send_segment_as(b, pdu[3], DAMAGE_DATA);
	expect_data_snack(b, got, 3, 0);
	send_segment(b, pdu[3]);
	bench_pending(b, cmd);
	send_segment(b, pdu[1]);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 4 * SEGMENT);
	bench_expect_nothing(b);
	bench_free(b);
}

/* What cannot be is an error at this level too. */
static void
test_impossible_numbers_and_bytes(void **state)
{
	static const struct {
		const char *what;
		uint32_t data_sn, offset;
	} cases[] = {
		{ "too many PDUs", 0x7fffffff, SEGMENT },
		{ "too many PDUs", 65540, SEGMENT },
		{ "out of order", 1, 2 * SEGMENT },
		{ "the same bytes", 2, 0 },
		{ "the same bytes", 2, SEGMENT - 1 },
		{ "beyond the end", 2, 3 * SEGMENT + 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 4 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = segment(b, got, 0, false);

		send_segment(b, pdu);
		pdu.data_sn = cases[i].data_sn;
		pdu.buffer_offset = cases[i].offset;
		send_segment(b, pdu);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, cases[i].what);
		bench_free(b);
	}
}

/*
 * With sequences in order what is lost of one can be asked for until the next
 * begins. shows: 7143-13.19-01
 */
static void
test_a_loss_in_a_sequence_before_the_last(void **state)
{
	for (int ordered = 0; ordered < 2; ordered++) {
		struct bench *b = erl1_bench(ordered ? "" :
		    "DataPDUInOrder=No DataSequenceInOrder=No", "");
		struct command *cmd = bench_read(b, 0, 4 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu[4];

		for (uint32_t i = 0; i < 4; i++) {
			pdu[i] = segment(b, got, i, i == 3);
			pdu[i].final = i & 1;
		}
		send_segment_as(b, pdu[0], DAMAGE_DATA);
		expect_data_snack(b, got, 0, 1);
		send_segment(b, pdu[1]);
		send_segment(b, pdu[2]);	/* the next sequence */
		send_segment_as(b, pdu[0], DAMAGE_DATA);
		if (!ordered) {
			expect_data_snack(b, got, 0, 1);
			send_segment(b, pdu[0]);
			send_segment(b, pdu[3]);
			bench_done(b, cmd, 0);
			bench_check_read(b, cmd, 4 * SEGMENT);
			bench_free(b);
			continue;
		}
		struct got *abort = bench_expect(b, OP_TMF_REQUEST);
		assert_int_equal(abort->pdu.function, TMF_ABORT_TASK);
		send_segment(b, pdu[3]);
		struct pdu done = bench_pdu(b, OP_TMF_RESPONSE, abort);
		bench_send(b, &done, NULL, 0);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_CHECK_CONDITION);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_damaged_segment_is_sent_again),
		cmocka_unit_test(test_every_pattern_of_losses),
		cmocka_unit_test(test_a_damaged_last_segment_with_status),
		cmocka_unit_test(test_a_lost_last_segment_with_status),
		cmocka_unit_test(test_a_response_after_a_lost_tail),
		cmocka_unit_test(test_duplicates_change_nothing),
		cmocka_unit_test(test_a_segment_that_never_comes),
		cmocka_unit_test(test_a_rejected_snack),
		cmocka_unit_test(test_the_a_bit_is_answered_when_all_before_it_came),
		cmocka_unit_test(test_the_a_bit_with_a_status_behind_a_lost_one),
		cmocka_unit_test(test_losses_when_data_comes_in_any_order),
		cmocka_unit_test(test_impossible_numbers_and_bytes),
		cmocka_unit_test(test_a_loss_in_a_sequence_before_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
