/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ErrorRecoveryLevel 1, what the target receives: data that got lost or
 * damaged is asked for again (RFC 7143 7.8, 7.9, 11.8).
 */
#include "drive.h"

static const char *const level1[] = {
	"ErrorRecoveryLevel=1", "MaxConnections=2", NULL,
};

enum { PDU = 4096, LEN = 4 * PDU, BLOCKS = LEN / BLOCK, LBA = 64 };

#define KEYS "ErrorRecoveryLevel=1\nMaxConnections=2\nDataDigest=CRC32C\n" \
	     "MaxBurstLength=16384\nFirstBurstLength=8192\n" \
	     "MaxOutstandingR2T=1\n"
#define LEVEL0 "ErrorRecoveryLevel=0\nMaxConnections=2\n" \
	       "DataDigest=CRC32C\nMaxBurstLength=16384\n" \
	       "FirstBurstLength=8192\nInitialR2T=No\n"

struct world {
	struct drive *d;
	struct link *l;
	uint8_t data[LEN];
};

static struct world
begin(const char *keys)
{
	struct world w;

	w.d = drive_new(level1);
	w.l = link_new(w.d, 0, 0, keys);
	for (size_t i = 0; i < LEN; i++)
		w.data[i] = (uint8_t)(i * 13 + i / 256);
	return w;
}

static void
send_piece(struct world *w, uint32_t ttt, uint32_t data_sn, uint32_t offset,
	   bool final)
{
	link_data_out(w->l, 10, ttt, data_sn, offset, w->data + offset, PDU,
		      final);
}

static void
send_damaged(struct world *w, uint32_t ttt, uint32_t data_sn, uint32_t offset,
	     bool final)
{
	struct pdu pdu = {
		.opcode = OP_DATA_OUT, .final = final, .initiator_task_tag = 10,
		.target_transfer_tag = ttt, .data_sn = data_sn,
		.buffer_offset = offset,
	};
	uint8_t other[PDU];

	memset(other, 0xee, sizeof(other));
	link_send_corrupt(w->l, &pdu, other, sizeof(other));
}

static void
end(struct world *w)
{
	link_expect_status(w->l, 10, SCSI_GOOD);
	link_expect_nothing(w->l);
	assert_memory_equal(drive_disk(w->d) + LBA * BLOCK, w->data, LEN);
	drive_free(w->d);
}

static uint32_t
expect_r2t(struct world *w, uint32_t r2t_sn, uint32_t offset, uint32_t len)
{
	return link_expect_r2t(w->l, 10, r2t_sn, offset, len)
		->pdu.target_transfer_tag;
}

static void
test_damaged_data_is_asked_for_again(void **state)
{
	for (uint32_t bad = 0; bad < 4; bad++) {
		struct world w = begin(KEYS);
		uint32_t ttt;

		link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
		ttt = expect_r2t(&w, 0, 0, LEN);
		for (uint32_t sn = 0; sn < 4; sn++) {
			if (sn != bad) {
				send_piece(&w, ttt, sn, sn * PDU, sn == 3);
				continue;
			}
			send_damaged(&w, ttt, sn, sn * PDU, sn == 3);
			link_expect_reject(w.l, REJECT_DATA_DIGEST);
		}
		ttt = expect_r2t(&w, 1, bad * PDU, PDU);
		link_expect_nothing(w.l);
		send_piece(&w, ttt, 0, bad * PDU, true);
		end(&w);
	}
}

static void
test_lost_data_before_the_last_pdu_is_asked_for_again(void **state)
{
	for (uint32_t lost = 0; lost < 3; lost++) {
		struct world w = begin(KEYS);
		uint32_t ttt;

		link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
		ttt = expect_r2t(&w, 0, 0, LEN);
		for (uint32_t sn = 0; sn < 4; sn++)
			if (sn != lost)
				send_piece(&w, ttt, sn, sn * PDU, sn == 3);
		ttt = expect_r2t(&w, 1, lost * PDU, PDU);
		send_piece(&w, ttt, 0, lost * PDU, true);
		end(&w);
	}
}

/* Nothing tells that the end of a burst is lost but time; and only after a
 * sign of life is it lost. */
static void
test_lost_last_pdu_is_asked_for_after_a_while(void **state)
{
	struct world w = begin(KEYS);
	uint32_t ttt;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	ttt = expect_r2t(&w, 0, 0, LEN);
	for (uint32_t sn = 0; sn < 3; sn++)
		send_piece(&w, ttt, sn, sn * PDU, false);
	for (int i = 0; i < 60; i++)
		drive_run(w.d, TIME_S);
	link_expect(w.l, OP_NOP_IN);		/* one, not 60 */
	link_expect_nothing(w.l);
	link_ping(w.l);
	drive_run(w.d, TIME_S);
	ttt = expect_r2t(&w, 1, 3 * PDU, PDU);
	link_expect_nothing(w.l);
	send_piece(&w, ttt, 0, 3 * PDU, true);
	end(&w);
}

/* Both R2Ts are good then, and the data may come twice. */
static void
test_lost_r2t_comes_again_on_a_snack(void **state)
{
	struct world w = begin(KEYS);
	uint32_t first, second;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	first = expect_r2t(&w, 0, 0, LEN);
	drive_run(w.d, TIME_S);
	link_skip(w.l);
	link_ping(w.l);
	drive_run(w.d, TIME_S);
	second = expect_r2t(&w, 1, 0, LEN);
	link_expect_nothing(w.l);
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 1);
	assert_int_equal(expect_r2t(&w, 0, 0, LEN), first);
	link_expect_nothing(w.l);
	for (uint32_t sn = 0; sn < 4; sn++)
		send_piece(&w, first, sn, sn * PDU, sn == 3);
	/* damaged now, when the good ones are there already */
	send_damaged(&w, second, 0, 0, false);
	link_expect_reject(w.l, REJECT_DATA_DIGEST);
	for (uint32_t sn = 1; sn < 4; sn++)
		send_piece(&w, second, sn, sn * PDU, sn == 3);
	end(&w);
}

/* 11.8: an R2T is one for recovery or it is not. */
static void
test_recovery_r2t_asks_for_nothing_new(void **state)
{
	struct world w = begin(KEYS);
	uint8_t more[LEN];
	uint32_t ttt;

	memset(more, 1, sizeof(more));
	link_write(w.l, 10, LBA, 2 * BLOCKS, NULL, 0, true);
	ttt = expect_r2t(&w, 0, 0, LEN);
	for (uint32_t sn = 0; sn < 3; sn++)
		send_piece(&w, ttt, sn, sn * PDU, false);
	send_damaged(&w, ttt, 3, 3 * PDU, true);
	link_expect_reject(w.l, REJECT_DATA_DIGEST);
	ttt = expect_r2t(&w, 1, 3 * PDU, PDU);
	send_piece(&w, ttt, 0, 3 * PDU, true);
	ttt = expect_r2t(&w, 2, LEN, LEN);
	link_data_out(w.l, 10, ttt, 0, LEN, more, LEN, true);
	end(&w);
}

static void
test_r2t_that_was_never_sent_or_was_answered_is_refused(void **state)
{
	static const struct { uint32_t first, count; } bad[] = {
		{ 0, 1 },		/* answered */
		{ 1, 2 }, { 2, 1 }, { 3, 0 }, { 0, 0xffffffff },
	};
	struct world w = begin(KEYS);
	uint8_t more[LEN];
	uint32_t ttt;

	memset(more, 1, sizeof(more));
	link_write(w.l, 10, LBA, 2 * BLOCKS, NULL, 0, true);
	ttt = expect_r2t(&w, 0, 0, LEN);
	for (uint32_t sn = 0; sn < 4; sn++)
		send_piece(&w, ttt, sn, sn * PDU, sn == 3);
	ttt = expect_r2t(&w, 1, LEN, LEN);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, bad[i].first,
			   bad[i].count);
		const struct got *g = link_expect(w.l, OP_REJECT);
		assert_int_equal(g->pdu.reason, REJECT_PROTOCOL);
		assert_int_equal(g->pdu.data_sn, 2);
		link_expect_nothing(w.l);
	}
	link_snack(w.l, SNACK_DATA_R2T, 10, TAG_NONE, 0, 0);
	assert_int_equal(expect_r2t(&w, 1, LEN, LEN), ttt);
	link_data_out(w.l, 10, ttt, 0, LEN, more, LEN, true);
	end(&w);
}

/* --------------------------------------------------------- unsolicited -- */

static void
test_damaged_unsolicited_data_is_asked_for_again(void **state)
{
	struct world w = begin(KEYS "InitialR2T=No");
	uint32_t ttt;

	link_write(w.l, 10, LBA, BLOCKS, w.data, PDU, false);
	ttt = expect_r2t(&w, 0, 2 * PDU, 2 * PDU);
	send_damaged(&w, TAG_NONE, 0, PDU, true);
	link_expect_reject(w.l, REJECT_DATA_DIGEST);
	link_expect_nothing(w.l);		/* one R2T at a time */
	send_piece(&w, ttt, 0, 2 * PDU, false);
	send_piece(&w, ttt, 1, 3 * PDU, true);
	ttt = expect_r2t(&w, 1, PDU, PDU);
	send_piece(&w, ttt, 0, PDU, true);
	end(&w);
}

static void
test_lost_unsolicited_data_is_asked_for_after_a_while(void **state)
{
	struct world w = begin(KEYS "InitialR2T=No");
	uint32_t ttt;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, false);
	ttt = expect_r2t(&w, 0, 2 * PDU, 2 * PDU);
	send_piece(&w, ttt, 0, 2 * PDU, false);
	send_piece(&w, ttt, 1, 3 * PDU, true);
	drive_run(w.d, TIME_S);
	link_expect(w.l, OP_NOP_IN);
	link_ping(w.l);
	drive_run(w.d, TIME_S);
	ttt = expect_r2t(&w, 1, 0, 2 * PDU);
	send_piece(&w, ttt, 0, 0, false);
	send_piece(&w, ttt, 1, PDU, true);
	end(&w);
}

/* 7.8: the command itself is discarded, and its number with it. */
static void
test_damaged_immediate_data_leaves_the_command_unseen(void **state)
{
	struct world w = begin(KEYS);
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .write = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = 9,
		.expected_data_transfer_length = PDU, .cdb = { 0x2a },
	};
	uint32_t cmd_sn = drive_cmd_sn(w.d);
	const struct got *g;

	pdu.cdb[8] = PDU / BLOCK;
	link_send_corrupt(w.l, &pdu, w.data, PDU);
	g = link_expect(w.l, OP_REJECT);
	assert_int_equal(g->pdu.reason, REJECT_DATA_DIGEST);
	assert_int_equal(g->pdu.exp_cmd_sn, cmd_sn);
	link_send(w.l, &pdu, w.data, PDU);	/* again, with its number */
	g = link_expect_status(w.l, 9, SCSI_GOOD);
	assert_int_equal(g->pdu.exp_cmd_sn, cmd_sn + 1);
	link_send(w.l, &pdu, w.data, PDU);	/* once too often: 7.2.1 */
	link_expect_nothing(w.l);
	drive_free(w.d);
}

/* On two connections commands overtake each other, and their data with them. */
static void
test_unsolicited_data_before_the_turn_of_its_command(void **state)
{
	struct world w = begin(LEVEL0);
	struct link *other = link_new(w.d, 1, link_tsih(w.l),
				      "DataDigest=CRC32C");
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .write = true, .attr = ATTR_SIMPLE,
		.initiator_task_tag = 10, .cdb = { 0x2a },
		.expected_data_transfer_length = 2 * PDU,
	};
	uint32_t cmd_sn = drive_cmd_sn(w.d);
	struct pdu before = {
		.opcode = OP_SCSI_COMMAND, .final = true, .attr = ATTR_SIMPLE,
		.initiator_task_tag = 11, .cmd_sn = cmd_sn,
	};

	pdu.cdb[5] = LBA;
	pdu.cdb[8] = 2 * PDU / BLOCK;
	pdu.cmd_sn = cmd_sn + 1;
	link_send(w.l, &pdu, NULL, 0);
	send_piece(&w, TAG_NONE, 0, 0, false);
	send_piece(&w, TAG_NONE, 1, PDU, true);
	link_expect_nothing(w.l);
	link_send(other, &before, NULL, 0);
	link_expect_status(other, 11, SCSI_GOOD);
	link_expect_status(w.l, 10, SCSI_GOOD);
	assert_memory_equal(drive_disk(w.d) + LBA * BLOCK, w.data, 2 * PDU);
	drive_free(w.d);
}

static void
test_level_0_fails_a_command_with_damaged_data(void **state)
{
	struct world w = begin(LEVEL0);
	uint32_t ttt;
	const struct got *g;

	link_write(w.l, 10, LBA, BLOCKS, NULL, 0, true);
	ttt = expect_r2t(&w, 0, 0, LEN);
	send_damaged(&w, ttt, 0, 0, false);
	link_expect_reject(w.l, REJECT_DATA_DIGEST);
	for (uint32_t sn = 1; sn < 3; sn++)
		send_piece(&w, ttt, sn, sn * PDU, false);
	link_expect_nothing(w.l);		/* 7.8 b: after all data */
	send_piece(&w, ttt, 3, 3 * PDU, true);
	g = link_expect_status(w.l, 10, SCSI_CHECK_CONDITION);
	assert_int_equal(get16(g->data + 2 + 12), 0x4705);
	drive_free(w.d);
}

/* Of the first burst nobody has said anything, or not enough: 13.14. */
static void
test_first_burst_is_within_max_burst(void **state)
{
	static const char *const small[] = { "MaxBurstLength=4096", NULL };
	static const char *const texts[] = {
		"InitialR2T=No\nMaxBurstLength=65536\nFirstBurstLength=65536",
		"InitialR2T=No\nMaxBurstLength=4096\nMaxConnections=1\n"
		"ErrorRecoveryLevel=0",
	};

	for (size_t i = 0; i < 2; i++) {
		struct world w = { .d = drive_new(i == 0 ? small : level1) };

		w.l = link_new(w.d, 0, 0, texts[i]);
		link_write(w.l, 10, LBA, BLOCKS, NULL, 0, false);
		send_piece(&w, TAG_NONE, 0, 0, true);
		expect_r2t(&w, 0, PDU, PDU);
		drive_free(w.d);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_data_is_asked_for_again),
		cmocka_unit_test(test_lost_data_before_the_last_pdu_is_asked_for_again),
		cmocka_unit_test(test_lost_last_pdu_is_asked_for_after_a_while),
		cmocka_unit_test(test_lost_r2t_comes_again_on_a_snack),
		cmocka_unit_test(test_recovery_r2t_asks_for_nothing_new),
		cmocka_unit_test(test_r2t_that_was_never_sent_or_was_answered_is_refused),
		cmocka_unit_test(test_damaged_unsolicited_data_is_asked_for_again),
		cmocka_unit_test(test_lost_unsolicited_data_is_asked_for_after_a_while),
		cmocka_unit_test(test_damaged_immediate_data_leaves_the_command_unseen),
		cmocka_unit_test(test_unsolicited_data_before_the_turn_of_its_command),
		cmocka_unit_test(test_level_0_fails_a_command_with_damaged_data),
		cmocka_unit_test(test_first_burst_is_within_max_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
