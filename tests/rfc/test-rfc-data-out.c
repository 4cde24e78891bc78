/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data to the target: RFC 7143 4.2.5.2, 11.7, 11.8, 13.10, 13.11, 13.14. */
#include <stdio.h>

#include "rfc/bench.h"

/* The data of one sequence, from the next PDU on: checks what holds for every
 * Data-Out, and that it ends at end. */
static void
expect_sequence(struct bench *b, const struct got *cmd, uint32_t ttt,
		uint32_t offset, uint32_t end, uint32_t max)
{
	uint32_t data_sn = 0;
	bool final = false;

	while (offset < end) {
		struct got *got = bench_expect(b, OP_DATA_OUT);
		const struct pdu *p = &got->pdu;

		assert_int_equal(p->initiator_task_tag, cmd->pdu.initiator_task_tag);
		assert_int_equal(p->target_transfer_tag, ttt);
		assert_true(p->lun == (ttt == TAG_NONE ? 0 : cmd->pdu.lun));
		assert_int_equal(p->data_sn, data_sn++);
		assert_int_equal(p->buffer_offset, offset);
		assert_true(p->data_segment_length > 0);
		assert_true(p->data_segment_length <= max);
		for (uint32_t i = 0; i < p->data_segment_length; i++)
			assert_int_equal(got->data[i], bench_pattern(offset + i));
		offset += p->data_segment_length;
		assert_true(offset <= end);
		final = p->final;
		assert_int_equal(final, offset == end);
		if (!final)
			assert_int_equal(p->data_segment_length % 4, 0);
	}
	assert_true(final);
}

static uint32_t
min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * All combinations of InitialR2T and ImmediateData, write lengths around every
 * limit, segments that are no multiple of four: what is unsolicited, and that
 * the rest waits for R2Ts.
 *
 * shows: 7143-4.2.5.2-01 7143-4.2.5.2-02 7143-4.2.5.2-03 7143-4.2.5.2-04
 * shows: 7143-4.2.5.2-05 7143-13.11-02 7143-13.11-03 7143-13.11-04
 * shows: 7143-11.7.1-01 7143-11.7.1-03 7143-11.7.4-01 7143-11.7.4-02
 * shows: 7143-11.7.6-01 7143-11.7.6-04 7143-4.2.2.4-02 7143-11.3.1-01
 * shows: 7143-11.3.1-03 7143-11.3.4-01 7143-11.3.4-03 7143-11.7.7-02
 * shows: 7143-11.7.7-03 7143-13.10-01 7143-13.11-01 7143-13.14-01
 * shows: 7143-11.8-01 7143-11.8-02 7143-13.12-01
 */
static void
test_unsolicited_data_and_r2ts(void **state)
{
	static const uint32_t lengths[] = {
		1, 511, 512, 513, 1021, 1024, 2047, 2048, 2049, 4095, 4096, 4097,
		9000,
	};
	static const uint32_t segments[] = { 512, 1021, 8192 };
	enum { FIRST = 2048, BURST = 4096 };

	for (int mode = 0; mode < 4; mode++)
	for (size_t s = 0; s < sizeof(segments) / sizeof(segments[0]); s++) {
		bool initial_r2t = mode & 1, immediate_data = mode & 2;
		char keys[256];
		struct bench *b = bench_new(NULL);

		snprintf(keys, sizeof(keys), "InitialR2T=%s ImmediateData=%s "
			 "FirstBurstLength=%d MaxBurstLength=%d "
			 "MaxRecvDataSegmentLength=%u",
			 initial_r2t ? "Yes" : "No", immediate_data ? "Yes" : "No",
			 FIRST, BURST, segments[s]);
		bench_login(b, keys);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			uint32_t len = lengths[i], seg = segments[s];
			struct command *cmd = bench_write(b, 0x0003000000000000, len);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);
			uint32_t imm = got->pdu.data_segment_length;
			uint32_t end = imm;

			assert_true(got->pdu.write && !got->pdu.read);
			assert_int_equal(got->pdu.expected_data_transfer_length, len);
			if (!immediate_data)
				assert_int_equal(imm, 0);
			assert_true(imm <= min32(FIRST, seg));
			if (imm)
				assert_memory_equal(got->data, cmd->out, imm);
			if (initial_r2t || imm == min32(FIRST, len)) {
				assert_true(got->pdu.final);
			} else {
				assert_false(got->pdu.final);
				end = min32(FIRST, len);
				expect_sequence(b, got, TAG_NONE, imm, end, seg);
			}
			bench_expect_nothing(b);
			for (uint32_t r2t = 0; end < len; r2t++) {
				uint32_t n = min32(BURST, len - end);

				bench_r2t(b, got, r2t, 0x900 + r2t, end, n);
				expect_sequence(b, got, 0x900 + r2t, end, end + n, seg);
				bench_expect_nothing(b);
				end += n;
			}
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* shows: 7143-4.2.5.2-09 */
static void
test_unsolicited_sequences_keep_the_order_of_commands(void **state)
{
	struct bench *b = bench_new(NULL);
	struct got *cmds[4];
	unsigned n = 0, at = 0;
	struct got *got;

	*bench_window(b) = 1;
	bench_login(b, "InitialR2T=No ImmediateData=No FirstBurstLength=4096 "
		    "MaxRecvDataSegmentLength=512");
	for (int i = 0; i < 4; i++)
		bench_write(b, 0, 4096);
	/* the window opens for all at once */
	*bench_window(b) = 8;
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);
	bench_send(b, &nop, NULL, 0);
	uint32_t offset = 0;
	while ((got = bench_next(b))) {
		if (got->pdu.opcode == OP_SCSI_COMMAND) {
			cmds[n++] = got;
			continue;
		}
		assert_int_equal(got->pdu.opcode, OP_DATA_OUT);
		assert_true(at < n);
		assert_int_equal(got->pdu.initiator_task_tag,
				 cmds[at]->pdu.initiator_task_tag);
		assert_int_equal(got->pdu.buffer_offset, offset);
		offset += got->pdu.data_segment_length;
		if (got->pdu.final) {
			at++;
			offset = 0;
		}
	}
	assert_int_equal(n, 4);
	assert_int_equal(at, 4);
	bench_free(b);
}

/* shows: 7143-11.8-03 7143-11.8-04 7143-11.8.5-02 7143-13.17-01 7143-4.2.5.2-06 */
static void
test_outstanding_r2ts_are_fulfilled_in_their_order(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxOutstandingR2T=4" });

	bench_login(b, "InitialR2T=Yes ImmediateData=No MaxBurstLength=1024 "
		    "MaxRecvDataSegmentLength=512");
	/* a PDU with several R2Ts at once: not one by one */
	bench_write(b, 0, 4096);
	struct got *cmd = bench_expect(b, OP_SCSI_COMMAND);
	static const uint32_t offsets[] = { 1024, 0, 3072, 2048 };
	for (uint32_t i = 0; i < 4; i++)
		bench_r2t(b, cmd, i, 0x42, offsets[i], 1024);	/* the same tag */
	for (uint32_t i = 0; i < 4; i++)
		expect_sequence(b, cmd, 0x42, offsets[i], offsets[i] + 1024, 512);
	bench_response(b, cmd, SCSI_GOOD);
	bench_free(b);
}

/* A recovery R2T asks again for what was sent. shows: 7143-11.8-05 */
static void
test_an_r2t_for_the_same_range_is_honoured_again(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No "
		    "MaxRecvDataSegmentLength=512");
	bench_write(b, 0, 2048);
	struct got *cmd = bench_expect(b, OP_SCSI_COMMAND);
	bench_r2t(b, cmd, 0, 1, 0, 2048);
	expect_sequence(b, cmd, 1, 0, 2048, 512);
	bench_r2t(b, cmd, 1, 2, 512, 1024);
	expect_sequence(b, cmd, 2, 512, 1536, 512);
	bench_response(b, cmd, SCSI_GOOD);
	bench_free(b);
}

/* A duplicate is discarded. shows: 7143-7.9-04 7143-4.2.2.4-03 */
static void
test_a_duplicate_r2t_is_discarded(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	struct command *w = bench_write(b, 0, 1024);
	struct got *cmd = bench_expect(b, OP_SCSI_COMMAND);
	bench_r2t(b, cmd, 0, 1, 0, 512);
	expect_sequence(b, cmd, 1, 0, 512, 8192);
	bench_r2t(b, cmd, 0, 1, 0, 512);
	bench_expect_nothing(b);
	bench_r2t(b, cmd, 1, 1, 512, 512);
	expect_sequence(b, cmd, 1, 512, 1024, 8192);
	bench_response(b, cmd, SCSI_GOOD);
	bench_done(b, w, 0);
	/* and a read has two Data-In with one DataSN */
	struct command *r = bench_read(b, 0, 1024);
	cmd = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, cmd, 0, 0, 512, false, false);
	bench_data_in(b, cmd, 0, 0, 512, false, false);
	bench_data_in(b, cmd, 1, 512, 512, true, true);
	bench_done(b, r, 0);
	bench_check_read(b, r, 1024);
	bench_free(b);
}

/*
 * shows: 7143-4.2.5.2-07 7143-4.2.5.3-01 7143-4.2.5.3-02 7143-11.8.4-01
 * shows: 7143-11.8.5-01 7143-4.2.2.4-03 7143-7.9-01 7143-13.17-01
 */
static void
test_impossible_r2ts_end_the_connection(void **state)
{
	static const struct {
		const char *what;
		uint64_t lun;
		uint32_t r2t_sn, ttt, offset, len;
		unsigned count;
	} cases[] = {
		{ "LUN", 0x0001000000000000, 0, 1, 0, 512, 1 },
		{ "no data", 0, 0, 1, 0, 0, 1 },
		{ "MaxBurstLength", 0, 0, 1, 0, 4097, 1 },
		{ "beyond the end", 0, 0, 1, 8000, 512, 1 },
		{ "beyond the end", 0, 0, 1, 0xfffffe00, 512, 1 },
		{ "beyond the end", 0, 0, 1, 8192, 1, 1 },
		{ "reserved", 0, 0, TAG_NONE, 0, 512, 1 },
		{ "R2TSN", 0, 1, 1, 0, 512, 1 },
		{ "R2TSN", 0, 0xffffff00, 1, 0, 512, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "InitialR2T=Yes ImmediateData=No MaxBurstLength=4096");
		struct command *cmd = bench_write(b, 0, 8192);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu r2t = bench_pdu(b, OP_R2T, got);
		r2t.lun = cases[i].lun;
		r2t.r2t_sn = cases[i].r2t_sn;
		r2t.target_transfer_tag = cases[i].ttt;
		r2t.buffer_offset = cases[i].offset;
		r2t.desired_data_transfer_length = cases[i].len;
		bench_send(b, &r2t, NULL, 0);
		bench_expect_nothing(b);
		if (cases[i].count) {
			bench_done(b, cmd, LUN_EPROTO);
			bench_expect_down(b, LUN_EPROTO, cases[i].what);
		} else {
			bench_pending(b, cmd);	/* old: a duplicate */
		}
		bench_free(b);
	}
}

/* shows: 7143-4.2.5.3-02 7143-4.2.5.3-03 */
static void
test_an_r2t_for_a_read_or_for_nobody(void **state)
{
	for (int unknown = 0; unknown < 2; unknown++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_read(b, 0, 512);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		got->pdu.initiator_task_tag += (uint32_t)unknown;
		bench_r2t(b, got, 0, 1, 0, 512);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, unknown ? "unknown task" :
				  "no data to send");
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* More at once than was negotiated. shows: 7143-13.17-01 */
static void
test_too_many_r2ts(void **state)
{
	struct bench *b = bench_new(NULL);
	uint8_t bytes[2 * BHS_LEN];

	bench_login(b, "InitialR2T=Yes ImmediateData=No MaxOutstandingR2T=1");
	struct command *cmd = bench_write(b, 0, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	for (uint32_t i = 0; i < 2; i++) {
		struct pdu r2t = bench_pdu(b, OP_R2T, got);

		r2t.r2t_sn = i;
		r2t.target_transfer_tag = i;
		r2t.buffer_offset = i * 4096;
		r2t.desired_data_transfer_length = 4096;
		pdu_encode(&r2t, bytes + i * BHS_LEN);
	}
	bench_send_raw(b, bytes, sizeof(bytes));	/* in one segment */
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "MaxOutstandingR2T");
	bench_free(b);
}

/* Fair both ways: neither new commands nor the answers to R2Ts starve. */
/* shows: 5048-3.2-01 */
static void
test_solicited_data_and_commands_take_turns(void **state)
{
	struct bench *b = bench_new(NULL);
	unsigned data = 0, reads = 0, data_before_last_read = 0;
	struct got *got;

	*bench_window(b) = 1;
	bench_login(b, "InitialR2T=Yes ImmediateData=No "
		    "MaxRecvDataSegmentLength=512");
	bench_write(b, 0, 16384);
	struct got *cmd = bench_expect(b, OP_SCSI_COMMAND);
	*bench_window(b) = 0;
	for (int i = 0; i < 16; i++)
		bench_read(b, 0, 512);
	*bench_window(b) = 32;
	bench_r2t(b, cmd, 0, 1, 0, 16384);	/* opens the window too */
	while ((got = bench_next(b))) {
		if (got->pdu.opcode == OP_DATA_OUT)
			data++;
		else if (++reads == 16)
			data_before_last_read = data;
	}
	assert_int_equal(data, 32);
	assert_int_equal(reads, 16);
	assert_in_range(data_before_last_read, 14, 18);
	bench_free(b);
}

/* A GOOD for bytes that the target never asked for is no success; one that counts
 * them as not transferred says so itself. */
static void
test_good_for_data_that_was_never_taken(void **state)
{
	static const struct {
		uint32_t asked, residual;
		int result;
	} cases[] = {
		{ 0, 0, LUN_EPROTO }, { 512, 0, LUN_EPROTO },
		{ 4095, 0, LUN_EPROTO }, { 4096, 0, 0 },
		{ 512, 3584, 0 }, { 512, 3583, LUN_EPROTO }, { 0, 4096, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "InitialR2T=Yes ImmediateData=No");
		struct command *cmd = bench_write(b, 0, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		if (cases[i].asked)
			bench_r2t(b, got, 0, 1, 0, cases[i].asked);
		struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
		pdu.underflow = cases[i].residual > 0;
		pdu.residual_count = cases[i].residual;
		bench_send(b, &pdu, NULL, 0);
		bench_done(b, cmd, cases[i].result);
		bench_free(b);
	}

	/* the same bytes eight times are not all of them */
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 4096);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	for (uint32_t i = 0; i < 8; i++)
		bench_r2t(b, got, i, 1, i % 2 * 256, 512);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, LUN_EPROTO);
	bench_free(b);
}

/*
 * A target that asks again for what is under way (a recovery R2T, when the line
 * is slow) may have it all, and say so, while the repetition waits to be sent.
 * That does not hold for bytes that had not left before.
 */
static void
test_good_while_a_repetition_waits(void **state)
{
	static const struct { uint32_t first; int result; } cases[] = {
		{ 4096, 0 }, { 2048, LUN_EPROTO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "ErrorRecoveryLevel=1" });
		struct iovec iov;

		bench_login(b, "ErrorRecoveryLevel=1 InitialR2T=Yes "
			    "ImmediateData=No");
		struct command *cmd = bench_write(b, 0, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_r2t(b, got, 0, 1, 0, cases[i].first);
		bench_expect(b, OP_DATA_OUT);
		bench_hold(b, true);
		bench_r2t(b, got, 1, 2, 0, 4096);
		assert_int_equal(conn_tx_iov(bench_conn(b), &iov, 1,
					     bench_now(b)), 1);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, cases[i].result);
		bench_hold(b, false);
		bench_run(b);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* The response comes before all data was taken: the buffer is given back. */
static void
test_an_early_error_status_ends_a_write(void **state)
{
	static const uint8_t sense[] = { 0, 18, 0x70, 0, 7, 0, 0, 0, 0, 10, 0, 0,
					 0, 0, 0x27, 0, 0, 0, 0, 0 };
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_write(b, 0, 65536);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu bad = bench_pdu(b, OP_SCSI_RESPONSE, got);
	bad.status = SCSI_CHECK_CONDITION;
	bad.underflow = true;
	bad.residual_count = 65536;
	bench_send(b, &bad, sense, sizeof(sense));
	bench_done(b, cmd, 0);
	assert_int_equal(cmd->status, SCSI_CHECK_CONDITION);
	assert_int_equal(cmd->sense_len, 18);
	bench_expect_nothing(b);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsolicited_data_and_r2ts),
		cmocka_unit_test(test_unsolicited_sequences_keep_the_order_of_commands),
		cmocka_unit_test(test_outstanding_r2ts_are_fulfilled_in_their_order),
		cmocka_unit_test(test_an_r2t_for_the_same_range_is_honoured_again),
		cmocka_unit_test(test_a_duplicate_r2t_is_discarded),
		cmocka_unit_test(test_impossible_r2ts_end_the_connection),
		cmocka_unit_test(test_an_r2t_for_a_read_or_for_nobody),
		cmocka_unit_test(test_too_many_r2ts),
		cmocka_unit_test(test_solicited_data_and_commands_take_turns),
		cmocka_unit_test(test_good_for_data_that_was_never_taken),
		cmocka_unit_test(test_good_while_a_repetition_waits),
		cmocka_unit_test(test_an_early_error_status_ends_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
