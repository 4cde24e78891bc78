/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SCSI Command and SCSI Response: RFC 7143 11.2.2, 11.3, 11.4. */
#include "rfc/bench.h"

/* shows: 7143-11.2.1.7-01 7143-11.3.1-02 7143-11.3.1-03 7143-11.3.4-01
 * shows: 7143-10.6-01 7143-11.2.1.6-01 7143-11.2.1.5-01 */
static void
test_fields_of_a_command(void **state)
{
	static const uint64_t luns[] = {
		0, 0x0001000000000000, 0x4100000000000000, 0xc101000000000000,
		0xd2000000000001ff, 0xfffffffffffffffe,
	};
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(luns) / sizeof(luns[0]); i++) {
		struct command *cmd = bench_nodata(b, luns[i]);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		assert_true(got->pdu.lun == luns[i]);
		assert_false(got->pdu.immediate);
		assert_true(got->pdu.final);
		assert_false(got->pdu.read || got->pdu.write);
		assert_int_equal(got->pdu.expected_data_transfer_length, 0);
		assert_int_equal(got->pdu.attr, ATTR_SIMPLE);
		assert_int_equal(got->pdu.pri, 0);
		assert_int_equal(got->pdu.total_ahs_length, 0);
		assert_int_equal(got->pdu.data_segment_length, 0);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
	}
	bench_free(b);
}

/* shows: 7143-11.2.2.2-01 7143-11.2.2.3-01 7143-11.2.2.3-02 7143-11.3.4-02 */
static void
test_cdbs_of_every_length(void **state)
{
	uint8_t cdb[CDB_LEN_MAX];
	struct bench *b = bench_new(NULL);

	for (size_t i = 0; i < sizeof(cdb); i++)
		cdb[i] = (uint8_t)(i + 1);
	bench_login(b, "");
	for (size_t len = 6; len <= sizeof(cdb); len++) {
		struct command *cmd = bench_command(b, 0, cdb, len, 0, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		size_t more = len > CDB_LEN ? len - CDB_LEN : 0;

		assert_memory_equal(got->pdu.cdb, cdb, len < CDB_LEN ? len : CDB_LEN);
		assert_int_equal(got->has_ahs, more > 0);
		assert_int_equal(got->pdu.total_ahs_length, more ? (more + 4 + 3) / 4 : 0);
		if (more) {
			assert_int_equal(got->ahs.extended_cdb_len, more);
			assert_memory_equal(got->ahs.extended_cdb, cdb + CDB_LEN, more);
		}
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
	}
	bench_free(b);
}

/* shows: 7143-11.3.1-04 */
static void
test_task_attributes(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (uint8_t attr = ATTR_UNTAGGED; attr <= ATTR_ACA; attr++) {
		struct command *cmd = bench_nodata_attr(b, 0, attr);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		assert_int_equal(got->pdu.attr, attr);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
	}
	bench_free(b);
}

/* shows: 7143-11.4.2-01 */
static void
test_every_scsi_status_is_handed_up(void **state)
{
	static const uint8_t statuses[] = {
		SCSI_GOOD, SCSI_CONDITION_MET, SCSI_BUSY, SCSI_INTERMEDIATE,
		SCSI_INTERMEDIATE_MET, SCSI_RESERVATION_CONFLICT,
		SCSI_TASK_SET_FULL, SCSI_ACA_ACTIVE, SCSI_TASK_ABORTED,
	};
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(statuses); i++) {
		struct command *cmd = bench_nodata(b, 0);

		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), statuses[i]);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->response, RESPONSE_COMPLETED);
		assert_int_equal(cmd->status, statuses[i]);
		assert_int_equal(cmd->sense_len, 0);
	}
	assert_true(bench_up(b));
	bench_expect_nothing(b);
	bench_free(b);
}

/* shows: 7143-11.4.3-01 */
static void
test_a_response_that_is_no_completion_has_no_status(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_read(b, 0, 512);
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE,
				   bench_expect(b, OP_SCSI_COMMAND));
	pdu.response = RESPONSE_TARGET_FAILURE;
	pdu.underflow = true;
	pdu.residual_count = 512;
	bench_send(b, &pdu, NULL, 0);
	bench_done(b, cmd, 0);
	assert_int_equal(cmd->response, RESPONSE_TARGET_FAILURE);
	bench_free(b);
}

/* shows: 7143-11.4.3-02 */
static void
test_commands_without_response_are_no_success(void **state)
{
	struct bench *b = bench_new(NULL);
	struct command *read, *write, *waiting;

	*bench_window(b) = 2;
	bench_login(b, "");
	read = bench_read(b, 0, 512);
	write = bench_write(b, 0, 512);
	waiting = bench_write(b, 0, 512);
	bench_cut(b);
	bench_done(b, read, LUN_ELOST);
	bench_done(b, write, LUN_ELOST);
	bench_done(b, waiting, LUN_ELOST);
	bench_expect_down(b, LUN_ELOST, "closed by the target");
	/* and those that come later */
	struct command *late = bench_read(b, 0, 512);
	bench_done(b, late, LUN_ELOST);
	bench_free(b);
}

static void
respond(struct bench *b, struct got *got, bool overflow, bool underflow,
	uint32_t residual)
{
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

	pdu.overflow = overflow;
	pdu.underflow = underflow;
	pdu.residual_count = residual;
	bench_send(b, &pdu, NULL, 0);
}

/*
 * shows: 7143-11.4.1-01 7143-11.4.1-02 7143-11.4.1-03 7143-11.4.5.1-01
 * shows: 7143-4.2.5.2-08
 */
static void
test_residuals(void **state)
{
	static const struct {
		uint32_t sent;
		bool overflow, underflow;
		uint32_t residual;
		int result;
	} cases[] = {
		{ 4096, false, false, 0, 0 },
		{ 4096, false, false, 0xffffffff, 0 },	/* ignored */
		{ 96, false, true, 4000, 0 },
		{ 0, false, true, 4096, 0 },
		{ 4096, false, true, 4000, 0 },		/* the target decides */
		{ 0, false, true, 4097, LUN_EPROTO },
		{ 0, false, true, 0xffffffff, LUN_EPROTO },
		{ 4096, true, false, 1024, 0 },
		{ 4096, true, false, 0xffffffff, 0 },
		{ 4096, true, true, 0, LUN_EPROTO },
		{ 96, false, true, 3999, LUN_EPROTO },	/* a byte is missing */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_read(b, 0, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);

		bench_data_in(b, got, 0, 0, cases[i].sent, true, false);
		respond(b, got, cases[i].overflow, cases[i].underflow,
			cases[i].residual);
		if (bench_up(b) || cases[i].result == 0) {
			bench_done(b, cmd, cases[i].result);
			assert_int_equal(cmd->overflow, cases[i].overflow);
			assert_int_equal(cmd->underflow, cases[i].underflow);
			assert_int_equal(cmd->residual, cases[i].residual);
		} else {
			bench_done(b, cmd, LUN_EPROTO);
		}
		bench_free(b);
	}
}

/* Sense as it stands in the segment, and never beyond it; autosense.
 * shows: 7143-11.4.7-01 7143-10.2-01 */
static void
test_sense_data_in_every_length(void **state)
{
	struct bench *b = bench_new(NULL);
	uint8_t data[400];

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (uint32_t segment = 1; segment <= sizeof(data); segment += 7)
		for (unsigned claimed = 0; claimed < 300; claimed += 18) {
			struct command *cmd = bench_nodata(b, 0);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);
			struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
			size_t want = segment < 2 ? 0 : segment - 2;

			if (want > claimed)
				want = claimed;
			if (want > SENSE_MAX)
				want = SENSE_MAX;
			data[0] = (uint8_t)(claimed >> 8);
			data[1] = (uint8_t)claimed;
			pdu.status = SCSI_CHECK_CONDITION;
			bench_send(b, &pdu, data, segment);
			bench_done(b, cmd, 0);
			assert_int_equal(cmd->sense_len, want);
			assert_memory_equal(cmd->sense, data + 2, want);
			bench_expect_nothing(b);	/* no REQUEST SENSE */
		}
	bench_free(b);
}

/* shows: 7143-7.7-04 */
static void
test_check_condition_without_sense(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_CHECK_CONDITION);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "without sense");
	bench_free(b);
}

/* shows: 7144-5.2.1-01 7144-5.2.2-01 7144-5.1.1-01 7144-4.1-01 */
static void
test_protocol_level_2_only_where_negotiated(void **state)
{
	static const uint8_t sense[] = { 0, 18, 0x70, 0, 1, 0, 0, 0, 0, 10, 0, 0,
					 0, 0, 0x5d, 0, 0, 0, 0, 0 };

	for (unsigned level = 1; level <= 2; level++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.protocol_level = level });

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->pdu.pri, 0);
		struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
		pdu.status = SCSI_BUSY;
		pdu.status_qualifier = 0x4005;
		bench_send(b, &pdu, NULL, 0);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status_qualifier, level == 2 ? 0x4005 : 0);

		cmd = bench_nodata(b, 0);
		pdu = bench_pdu(b, OP_SCSI_RESPONSE, bench_expect(b, OP_SCSI_COMMAND));
		bench_send(b, &pdu, sense, sizeof(sense));	/* with GOOD */
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_GOOD);
		assert_int_equal(cmd->sense_len, 18);
		bench_free(b);
	}
}

/* shows: 7143-4.2.5.3-02 7143-4.2.5.3-03 */
static void
test_a_response_for_nobody(void **state)
{
	static const enum opcode kinds[] = { OP_SCSI_RESPONSE, OP_TMF_RESPONSE,
					     OP_TEXT_RESPONSE, OP_NOP_IN };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = bench_pdu(b, kinds[i], got);

		if (kinds[i] == OP_SCSI_RESPONSE)
			pdu.initiator_task_tag++;
		bench_send(b, &pdu, NULL, 0);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, "unknown");
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_a_command),
		cmocka_unit_test(test_cdbs_of_every_length),
		cmocka_unit_test(test_task_attributes),
		cmocka_unit_test(test_every_scsi_status_is_handed_up),
		cmocka_unit_test(test_a_response_that_is_no_completion_has_no_status),
		cmocka_unit_test(test_commands_without_response_are_no_success),
		cmocka_unit_test(test_residuals),
		cmocka_unit_test(test_sense_data_in_every_length),
		cmocka_unit_test(test_check_condition_without_sense),
		cmocka_unit_test(test_protocol_level_2_only_where_negotiated),
		cmocka_unit_test(test_a_response_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
