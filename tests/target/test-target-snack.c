/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ErrorRecoveryLevel 1, what the target sends: lost data and lost status come
 * again on request (RFC 7143 11.16), and only that.
 */
#include "drive.h"

static const char *const level1[] = { "ErrorRecoveryLevel=1", NULL };

/* 8 PDUs in 2 bursts */
enum { PDU = 4096, BURST = 16384, LEN = 2 * BURST, BLOCKS = LEN / BLOCK };

#define KEYS "ErrorRecoveryLevel=1\nMaxRecvDataSegmentLength=4096\n" \
	     "MaxBurstLength=16384\nFirstBurstLength=4096"

struct world {
	struct drive *d;
	struct link *l;
};

static struct world
begin(const char *keys)
{
	struct world w;

	w.d = drive_new(level1);
	w.l = link_new(w.d, 0, 0, keys);
	return w;
}

/* All Data-In of a read of LEN bytes from block 0. */
static void
expect_all(struct link *l, uint32_t itt)
{
	for (uint32_t sn = 0; sn < LEN / PDU; sn++) {
		const struct got *g = link_expect_data(l, itt, sn, sn * PDU,
						       PDU, 0);

		assert_int_equal(g->pdu.final, sn % 4 == 3);
		assert_int_equal(g->pdu.has_status, sn == 7);
	}
}

static void
test_lost_data_in_comes_again_exactly(void **state)
{
	struct world w = begin(KEYS);
	uint32_t stat_sn = link_exp_stat_sn(w.l);

	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	link_expect_nothing(w.l);
	link_hold_acks(w.l, stat_sn);
	for (uint32_t first = 0; first < 8; first++)
		for (uint32_t n = 1; n <= 8 - first; n++) {
			link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, first, n);
			for (uint32_t sn = first; sn < first + n; sn++)
				link_expect_data(w.l, 10, sn, sn * PDU, PDU, 0);
			link_expect_nothing(w.l);
		}
	/* the last one brings the status under its old number */
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 7, 1);
	const struct got *g = link_expect(w.l, OP_DATA_IN);
	assert_true(g->pdu.final && g->pdu.has_status);
	assert_int_equal(g->pdu.stat_sn, stat_sn);
	drive_free(w.d);
}

static void
test_run_length_0_brings_all_the_rest(void **state)
{
	struct world w = begin(KEYS);

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 5, 0);
	for (uint32_t sn = 5; sn < 8; sn++)
		link_expect_data(w.l, 10, sn, sn * PDU, PDU, 0);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 0);
	expect_all(w.l, 10);
	link_expect_nothing(w.l);
	drive_free(w.d);
}

/* What a read has returned does not change when it is sent again. */
static void
test_data_sent_again_is_older_than_a_later_write(void **state)
{
	struct world w = begin(KEYS);
	uint8_t other[BLOCK * 8];

	memset(other, 0x5a, sizeof(other));
	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	link_write(w.l, 11, 0, 8, other, sizeof(other), true);
	link_expect_status(w.l, 11, SCSI_GOOD);
	assert_memory_equal(drive_disk(w.d), other, sizeof(other));
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 0);
	expect_all(w.l, 10);
	drive_free(w.d);
}

static void
test_data_that_was_never_sent_is_refused(void **state)
{
	static const struct { uint32_t first, count; } bad[] = {
		{ 0, 9 }, { 8, 1 }, { 9, 0 }, { 7, 0xffffffff },
		{ 0xffffffff, 2 },
	};
	struct world w = begin(KEYS);
	uint32_t stat_sn;

	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	stat_sn = link_exp_stat_sn(w.l);
	link_hold_acks(w.l, stat_sn - 1);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, bad[i].first,
			   bad[i].count);
		const struct got *g = link_expect(w.l, OP_REJECT);
		assert_int_equal(g->pdu.reason, REJECT_PROTOCOL);
		assert_int_equal(g->pdu.data_sn, 8);	/* 11.17.2 */
		assert_int_equal(g->pdu.stat_sn, stat_sn++);
		link_expect_nothing(w.l);
	}
	link_snack(w.l, SNACK_DATA_R2T, 77, TAG_NONE, 0, 1);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	drive_free(w.d);
}

static void
test_data_is_gone_when_its_status_is_acknowledged(void **state)
{
	struct world w = begin(KEYS);

	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	link_ping(w.l);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 1);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	drive_free(w.d);
}

/* ------------------------------------------------------------- DataACK -- */

static void
test_acknowledged_data_does_not_come_again(void **state)
{
	struct world w = begin(KEYS);
	uint32_t ttt;

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	for (uint32_t sn = 0; sn < 4; sn++) {
		const struct got *g = link_expect(w.l, OP_DATA_IN);

		assert_int_equal(g->pdu.acknowledge, sn == 3);
		ttt = g->pdu.target_transfer_tag;
		assert_int_equal(ttt == TAG_NONE, sn != 3);
	}
	link_skip(w.l);
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt, 4, 0);
	link_expect_nothing(w.l);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 3, 1);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 0);
	for (uint32_t sn = 4; sn < 8; sn++)
		link_expect_data(w.l, 10, sn, sn * PDU, PDU, 0);
	link_expect_nothing(w.l);
	/* back, beyond the end, of nobody, with a length */
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt, 3, 0);
	link_expect_reject(w.l, REJECT_DATA_ACK);
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt, 9, 0);
	link_expect_reject(w.l, REJECT_DATA_ACK);
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt + 1, 4, 0);
	link_expect_reject(w.l, REJECT_DATA_ACK);
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt, 4, 1);
	link_expect_reject(w.l, REJECT_DATA_ACK);
	drive_free(w.d);
}

static void
test_level_0_asks_for_no_acknowledgment(void **state)
{
	struct world w = begin("ErrorRecoveryLevel=0\nMaxRecvDataSegmentLength=4096\n"
			       "MaxBurstLength=16384\nFirstBurstLength=4096");

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	for (int i = 0; i < 8; i++)
		assert_false(link_expect(w.l, OP_DATA_IN)->pdu.acknowledge);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 1);
	link_expect_reject(w.l, REJECT_SNACK);
	drive_free(w.d);
}

/* -------------------------------------------------------------- status -- */

/* One response of each kind, each of which gets lost. */
static void
test_lost_responses_come_again_under_their_numbers(void **state)
{
	static const enum opcode kinds[] = {
		OP_SCSI_RESPONSE, OP_NOP_IN, OP_TMF_RESPONSE, OP_TEXT_RESPONSE,
		OP_REJECT, OP_DATA_IN,
	};
	enum { KINDS = sizeof(kinds) / sizeof(*kinds) };
	struct world w = begin(KEYS);
	uint32_t first = link_exp_stat_sn(w.l);
	struct pdu sense = {
		.opcode = OP_SCSI_COMMAND, .final = true, .attr = ATTR_SIMPLE,
		.initiator_task_tag = 20, .cdb = { 0xff },
	};
	struct pdu nop = {
		.opcode = OP_NOP_OUT, .final = true, .immediate = true,
		.initiator_task_tag = 21, .target_transfer_tag = TAG_NONE,
	};
	struct pdu text = {
		.opcode = OP_TEXT_REQUEST, .final = true,
		.initiator_task_tag = 22, .target_transfer_tag = TAG_NONE,
	};
	struct pdu before[KINDS];

	link_hold_acks(w.l, first);
	link_send(w.l, &sense, NULL, 0);
	link_send(w.l, &nop, "hello", 5);
	link_tmf(w.l, 23, TMF_ABORT_TASK, 99, 0);
	link_send(w.l, &text, "SendTargets=", 13);
	link_snack(w.l, SNACK_DATA_R2T, 99, TAG_NONE, 0, 1);
	link_read(w.l, 24, 0, 1);
	for (int i = 0; i < KINDS; i++) {
		before[i] = link_expect(w.l, kinds[i])->pdu;
		assert_int_equal(before[i].stat_sn, first + (uint32_t)i);
	}
	for (uint32_t i = 0; i < KINDS; i++)
		for (uint32_t n = 0; n <= KINDS - i; n++) {
			uint32_t end = n ? i + n : KINDS;

			link_snack(w.l, SNACK_STATUS, TAG_NONE, TAG_NONE,
				   first + i, n);
			for (uint32_t j = i; j < end; j++) {
				struct pdu again =
					link_expect(w.l, kinds[j])->pdu;

				/* these are the current ones */
				again.exp_cmd_sn = before[j].exp_cmd_sn;
				again.max_cmd_sn = before[j].max_cmd_sn;
				assert_memory_equal(&again, &before[j],
						    sizeof(again));
			}
			link_expect_nothing(w.l);
		}
	link_snack(w.l, SNACK_STATUS, TAG_NONE, TAG_NONE, 0, 0);
	for (int i = 0; i < KINDS; i++)
		link_expect(w.l, kinds[i]);
	link_expect_nothing(w.l);
	drive_free(w.d);
}

static void
test_status_that_was_acknowledged_is_refused(void **state)
{
	struct world w = begin(KEYS);
	uint32_t first = link_exp_stat_sn(w.l);

	link_read(w.l, 10, 0, 1);
	link_skip(w.l);
	link_ping(w.l);
	link_snack(w.l, SNACK_STATUS, TAG_NONE, TAG_NONE, first, 1);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	/* and so is one that was never sent */
	link_snack(w.l, SNACK_STATUS, TAG_NONE, TAG_NONE,
		   link_exp_stat_sn(w.l), 1);
	link_expect_reject(w.l, REJECT_PROTOCOL);
	drive_free(w.d);
}

/* 7.1.4.2: the last response before a silence may be the one that is lost. */
static void
test_silence_after_a_response_is_broken_by_a_ping(void **state)
{
	struct world w = begin(KEYS);
	const struct got *g;

	link_read(w.l, 10, 0, 1);
	link_skip(w.l);
	drive_run(w.d, 3 * TIME_S);
	g = link_expect(w.l, OP_NOP_IN);
	assert_int_equal(g->pdu.initiator_task_tag, TAG_NONE);
	assert_int_not_equal(g->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(g->pdu.stat_sn, link_exp_stat_sn(w.l));
	link_ping(w.l);				/* which acknowledges it */
	drive_run(w.d, 30 * TIME_S);
	link_expect_nothing(w.l);
	drive_free(w.d);
}

/* -------------------------------------------------------- R-Data SNACK -- */

static void
redeclare(struct link *l, const char *text, size_t len)
{
	struct pdu pdu = {
		.opcode = OP_TEXT_REQUEST, .final = true, .immediate = true,
		.initiator_task_tag = 60, .target_transfer_tag = TAG_NONE,
	};

	link_send(l, &pdu, text, len);
	link_expect(l, OP_TEXT_RESPONSE);
}

static void
test_smaller_segments_after_an_r_data_snack(void **state)
{
	struct world w = begin(KEYS);
	uint32_t stat_sn = link_exp_stat_sn(w.l);
	const struct got *g;

	link_hold_acks(w.l, stat_sn);
	link_read(w.l, 10, 0, BLOCKS);
	expect_all(w.l, 10);
	redeclare(w.l, "MaxRecvDataSegmentLength=2048", 30);
	/* exactly as it was does not fit any more */
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 2, 1);
	link_expect_reject(w.l, REJECT_SNACK);
	link_snack(w.l, SNACK_R_DATA, 10, 0xcafe, 0, 0);
	for (uint32_t sn = 0; sn < LEN / 2048; sn++) {
		g = link_expect_data(w.l, 10, sn, sn * 2048, 2048, 0);
		assert_false(g->pdu.has_status);
	}
	g = link_expect_status(w.l, 10, SCSI_GOOD);
	assert_int_equal(g->pdu.stat_sn, stat_sn);
	assert_int_equal(g->pdu.snack_tag, 0xcafe);
	assert_int_equal(g->pdu.exp_data_sn, 16);
	link_expect_nothing(w.l);
	/* a status that gets lost again is the one with the tag */
	link_snack(w.l, SNACK_STATUS, TAG_NONE, TAG_NONE, stat_sn, 1);
	g = link_expect_status(w.l, 10, SCSI_GOOD);
	assert_int_equal(g->pdu.snack_tag, 0xcafe);
	drive_free(w.d);
}

static void
test_r_data_snack_begins_after_what_is_acknowledged(void **state)
{
	struct world w = begin(KEYS);
	uint32_t ttt = 0;

	link_hold_acks(w.l, link_exp_stat_sn(w.l));
	link_read(w.l, 10, 0, BLOCKS);
	for (uint32_t sn = 0; sn < 8; sn++) {
		const struct got *g = link_expect(w.l, OP_DATA_IN);

		if (g->pdu.acknowledge)
			ttt = g->pdu.target_transfer_tag;
	}
	link_snack(w.l, SNACK_DATA_ACK, TAG_NONE, ttt, 4, 0);
	redeclare(w.l, "MaxRecvDataSegmentLength=8192", 30);
	link_snack(w.l, SNACK_R_DATA, 10, 1, 0, 0);
	link_expect_data(w.l, 10, 4, BURST, 8192, 0);
	link_expect_data(w.l, 10, 5, BURST + 8192, 8192, 0);
	link_expect_status(w.l, 10, SCSI_GOOD);
	link_expect_nothing(w.l);
	/* tags that say nothing, and a run */
	link_snack(w.l, SNACK_R_DATA, 10, 0, 0, 0);
	link_expect_reject(w.l, REJECT_INVALID_FIELD);
	link_snack(w.l, SNACK_R_DATA, 10, TAG_NONE, 0, 0);
	link_expect_reject(w.l, REJECT_INVALID_FIELD);
	link_snack(w.l, SNACK_R_DATA, 10, 2, 1, 0);
	link_expect_reject(w.l, REJECT_INVALID_FIELD);
	drive_free(w.d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_data_in_comes_again_exactly),
		cmocka_unit_test(test_run_length_0_brings_all_the_rest),
		cmocka_unit_test(test_data_sent_again_is_older_than_a_later_write),
		cmocka_unit_test(test_data_that_was_never_sent_is_refused),
		cmocka_unit_test(test_data_is_gone_when_its_status_is_acknowledged),
		cmocka_unit_test(test_acknowledged_data_does_not_come_again),
		cmocka_unit_test(test_level_0_asks_for_no_acknowledgment),
		cmocka_unit_test(test_lost_responses_come_again_under_their_numbers),
		cmocka_unit_test(test_status_that_was_acknowledged_is_refused),
		cmocka_unit_test(test_silence_after_a_response_is_broken_by_a_ping),
		cmocka_unit_test(test_smaller_segments_after_an_r_data_snack),
		cmocka_unit_test(test_r_data_snack_begins_after_what_is_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
