/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data from the target, and status with it: RFC 7143 11.7, 4.2.2.4, 7.9. */
#include "rfc/bench.h"

/* Cut in every way, whole and byte by byte.
 * shows: 7143-4.2.2.4-01 7143-11.7-01 7143-11.7.1-02 7143-4.2.5.2-10
 * shows: 7143-11.7.7-01 7143-11.7.2-01 */
static void
test_a_read_in_sequences_with_status(void **state)
{
	for (size_t segments = 0; segments < 2; segments++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		bench_segments(b, segments);
		struct command *cmd = bench_read(b, 0, 3001);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		assert_true(got->pdu.read && !got->pdu.write && got->pdu.final);
		assert_int_equal(got->pdu.expected_data_transfer_length, 3001);
		bench_data_in(b, got, 0, 0, 1000, true, false);
		bench_data_in(b, got, 1, 1000, 0, false, false);	/* empty */
		bench_data_in(b, got, 2, 1000, 1000, true, false);
		bench_pending(b, cmd);
		/* the A bit says nothing at level 0 */
		struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);
		uint8_t data[1000];
		for (uint32_t i = 0; i < 1000; i++)
			data[i] = bench_pattern(2000 + i);
		pdu.data_sn = 3;
		pdu.buffer_offset = 2000;
		pdu.acknowledge = true;
		bench_send(b, &pdu, data, sizeof(data));
		bench_data_in(b, got, 4, 3000, 1, true, true);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_GOOD);
		assert_int_equal(cmd->received, 3001);
		bench_check_read(b, cmd, 3001);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/* shows: 7143-11.7.6-03 7143-13.18-01 */
static void
test_any_order_when_it_was_agreed(void **state)
{
	static const uint32_t orders[][4] = {
		{ 3, 2, 1, 0 }, { 1, 0, 3, 2 }, { 2, 0, 3, 1 }, { 0, 3, 1, 2 },
	};

	for (size_t o = 0; o < 4; o++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "DataPDUInOrder=No DataSequenceInOrder=No" });

		bench_login(b, "");
		struct command *cmd = bench_read(b, 0, 4000);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		for (uint32_t i = 0; i < 4; i++)
			bench_data_in(b, got, i, orders[o][i] * 1000, 1000,
				      true, i == 3);
		bench_done(b, cmd, 0);
		bench_check_read(b, cmd, 4000);
		bench_free(b);
	}
}

/* A hole stays, whatever the status says: no success out of it. */
static void
test_out_of_order_data_with_a_hole_is_no_success(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "DataPDUInOrder=No DataSequenceInOrder=No" });

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 3000);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 2000, 1000, true, false);
	bench_data_in(b, got, 1, 0, 1000, true, true);
	bench_done(b, cmd, LUN_EPROTO);
	bench_free(b);
}

static void
test_missing_data_is_no_success(void **state)
{
	for (int with_response = 0; with_response < 2; with_response++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_read(b, 0, 1024);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_data_in(b, got, 0, 0, 512, true, !with_response);
		if (with_response)
			bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, LUN_EPROTO);
		assert_true(bench_up(b));
		bench_free(b);
	}
}

/*
 * shows: 7143-11.7.6-02 7143-11.7.3-03 7143-11.7.3-04 7143-4.2.5.3-02
 * shows: 7143-7.9-01 7143-4.2.2.4-01
 */
static void
test_impossible_data_ends_the_connection(void **state)
{
	static const struct {
		const char *what;
		uint32_t data_sn, offset, len;
		bool final, has_status;
		uint8_t status;
	} cases[] = {
		{ "DataSN", 1, 0, 512, true, false, 0 },
		{ "DataSN", 0x7fffffff, 0, 512, true, false, 0 },
		{ "beyond the end", 0, 512, 513, true, false, 0 },
		{ "beyond the end", 0, 1025, 1, true, false, 0 },
		{ "beyond the end", 0, 0xffffffff, 512, true, false, 0 },
		{ "beyond the end", 0, 0, 4096, true, false, 0 },
		{ "out of order", 0, 512, 512, true, false, 0 },
		{ "status without F", 0, 0, 512, false, true, 0 },
		{ "status that needs", 0, 0, 512, true, true, SCSI_CHECK_CONDITION },
		{ "status that needs", 0, 0, 512, true, true, SCSI_BUSY },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint8_t data[4096];
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_read(b, 0, 1024);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);

		pdu.data_sn = cases[i].data_sn;
		pdu.buffer_offset = cases[i].offset;
		pdu.final = cases[i].final;
		pdu.has_status = cases[i].has_status;
		pdu.status = cases[i].status;
		bench_send(b, &pdu, data, cases[i].len);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, cases[i].what);
		assert_int_equal(((uint8_t *)cmd->in)[0], 0xee);
		bench_free(b);
	}
}

/* shows: 7143-11.7.1-04 */
static void
test_a_segment_longer_than_we_declared(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxRecvDataSegmentLength=4096" });
	uint8_t *data = calloc(1, 8192);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 8192);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);
	bench_send(b, &pdu, data, 4100);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "4100");
	free(data);
	bench_free(b);
}

/* shows: 7143-4.2.5.3-02 7143-4.2.5.3-03 */
static void
test_data_for_a_write_or_for_nobody(void **state)
{
	for (int unknown = 0; unknown < 2; unknown++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_write(b, 0, 512);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		got->pdu.initiator_task_tag ^= (uint32_t)unknown;
		bench_data_in(b, got, 0, 0, 512, true, false);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO,
				  unknown ? "unknown task" : "reads nothing");
		bench_free(b);
	}
}

/* After a Data-In with status no response belongs to the task, nor to the next
 * one that uses its place. shows: 3720-10.7.3-01 7143-4.2.5.3-03 */
static void
test_a_late_response_completes_nothing(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *first = bench_read(b, 0, 512);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 512, true, true);
	bench_done(b, first, 0);
	struct command *second = bench_read(b, 0, 512);
	bench_expect(b, OP_SCSI_COMMAND);
	bench_response(b, got, SCSI_GOOD);	/* for the first */
	bench_done(b, second, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "unknown task");
	bench_free(b);
}

/* With S=0 they mean nothing. shows: 7143-11.7.3-01 7143-11.7.3-02 */
static void
test_status_fields_count_only_with_status(void **state)
{
	struct bench *b = bench_new(NULL);
	uint8_t data[512] = { 0 };

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 1024);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);
	pdu.status = SCSI_CHECK_CONDITION;
	pdu.residual_count = 99;
	pdu.underflow = true;
	pdu.stat_sn = 0x12345678;
	bench_send(b, &pdu, data, sizeof(data));
	bench_pending(b, cmd);

	pdu = bench_data_in_status(b, got);	/* the residual of a short read */
	pdu.data_sn = 1;
	pdu.buffer_offset = 512;
	pdu.underflow = true;
	pdu.residual_count = 256;
	bench_send(b, &pdu, data, 256);
	bench_done(b, cmd, 0);
	assert_true(cmd->underflow);
	assert_int_equal(cmd->residual, 256);
	assert_int_equal(cmd->received, 768);
	bench_free(b);
}

/* Data-In and R2T of a bidirectional task count together.
 * shows: 7143-4.2.2.4-04 7143-11.3.4-02 7143-11.2.2.4-01 7143-11.4.1-04 */
static void
test_a_bidirectional_command(void **state)
{
	static const uint8_t cdb[10] = { 0x53 };	/* XDWRITEREAD(10) */
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_command(b, 0, cdb, sizeof(cdb), 1024, 2048);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	assert_true(got->pdu.read && got->pdu.write);
	assert_int_equal(got->pdu.expected_data_transfer_length, 2048);
	assert_int_equal(got->pdu.total_ahs_length, 2);
	assert_true(got->has_ahs && got->ahs.has_bidi_read_length);
	assert_int_equal(got->ahs.bidi_read_length, 1024);

	bench_r2t(b, got, 0, 1, 0, 1024);
	bench_expect(b, OP_DATA_OUT);
	bench_data_in(b, got, 1, 0, 500, true, false);
	bench_r2t(b, got, 2, 2, 1024, 1024);
	bench_expect(b, OP_DATA_OUT);
	bench_data_in(b, got, 3, 500, 504, true, false);
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
	pdu.exp_data_sn = 4;
	pdu.underflow = true;
	pdu.residual_count = 10;
	pdu.bidi_underflow = true;
	pdu.bidi_residual_count = 20;
	bench_send(b, &pdu, NULL, 0);
	bench_done(b, cmd, 0);
	assert_true(cmd->underflow && cmd->bidi_underflow);
	assert_int_equal(cmd->residual, 10);
	assert_int_equal(cmd->in_residual, 20);
	bench_check_read(b, cmd, 1004);
	bench_free(b);
}

/* shows: 7143-11.7.3-04 */
static void
test_status_in_data_of_a_bidirectional_command(void **state)
{
	static const uint8_t cdb[10] = { 0x53 };
	struct bench *b = bench_new(NULL);

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	struct command *cmd = bench_command(b, 0, cdb, sizeof(cdb), 512, 512);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 512, true, true);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "bidirectional");
	bench_free(b);
}

/* shows: 7143-7.9-01 7143-11.4.8-01 */
static void
test_exp_data_sn_shows_lost_data(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 1024);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 512, true, false);
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
	pdu.exp_data_sn = 2;
	bench_send(b, &pdu, NULL, 0);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "ExpDataSN");
	bench_free(b);
}

/* Data of reads and R2Ts of writes in any order, on each connection.
 * shows: 7143-4.2.5.1-03 */
static void
test_transfers_are_interleaved(void **state)
{
	enum { READS = 3, WRITES = 2, N = READS + WRITES, PART = 1024, PARTS = 4 };
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=2 ImmediateData=No InitialR2T=Yes",
	});
	struct command *cmd[N];
	struct got *got[N];

	bench_login(b, "");
	bench_login(b, "");
	for (unsigned i = 0; i < N; i++) {
		cmd[i] = i < READS ? bench_read(b, 0, PARTS * PART) :
		    bench_write(b, 0, PARTS * PART);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	for (uint32_t part = 0; part < PARTS; part++)
		for (unsigned k = 0; k < N; k++) {
			unsigned i = part & 1 ? N - 1 - k : k;

			if (i < READS) {
				bench_data_in(b, got[i], part, part * PART, PART,
					      false, false);
				continue;
			}
			bench_r2t(b, got[i], part, 10 + i, part * PART, PART);
			struct got *data = bench_expect(b, OP_DATA_OUT);
			assert_int_equal(data->line, got[i]->line);
			assert_int_equal(data->pdu.target_transfer_tag, 10 + i);
			assert_int_equal(data->pdu.buffer_offset, part * PART);
			assert_int_equal(data->pdu.data_segment_length, PART);
			for (uint32_t n = 0; n < PART; n++)
				assert_int_equal(data->data[n],
						 bench_pattern(part * PART + n));
		}
	for (unsigned i = N; i-- > 0;) {
		bench_pending(b, cmd[i]);
		bench_response(b, got[i], SCSI_GOOD);
		bench_done(b, cmd[i], 0);
		if (i < READS)
			bench_check_read(b, cmd[i], PARTS * PART);
	}
	bench_expect_nothing(b);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_read_in_sequences_with_status),
		cmocka_unit_test(test_any_order_when_it_was_agreed),
		cmocka_unit_test(test_out_of_order_data_with_a_hole_is_no_success),
		cmocka_unit_test(test_missing_data_is_no_success),
		cmocka_unit_test(test_impossible_data_ends_the_connection),
		cmocka_unit_test(test_a_segment_longer_than_we_declared),
		cmocka_unit_test(test_data_for_a_write_or_for_nobody),
		cmocka_unit_test(test_a_late_response_completes_nothing),
		cmocka_unit_test(test_status_fields_count_only_with_status),
		cmocka_unit_test(test_a_bidirectional_command),
		cmocka_unit_test(test_status_in_data_of_a_bidirectional_command),
		cmocka_unit_test(test_exp_data_sn_shows_lost_data),
		cmocka_unit_test(test_transfers_are_interleaved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
