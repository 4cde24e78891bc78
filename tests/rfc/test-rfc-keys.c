/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What negotiated values do to the transfers, and format errors: RFC 7143 13, 7.7. */
#include <stdio.h>

#include "rfc/bench.h"

/* shows: 7143-11.3.6-01 */
static void
test_immediate_data_is_bounded_three_times(void **state)
{
	static const struct {
		uint32_t segment, first, len, immediate;
	} rows[] = {
		{ 1024, 65536, 100000, 1024 },
		{ 65536, 512, 100000, 512 },
		{ 65536, 65536, 100, 100 },
		{ 512, 512, 512, 512 },
		{ 1024, 65536, 1023, 1023 },
		{ 16777215, 262144, 262145, 262144 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int initial_r2t = 0; initial_r2t <= 1; initial_r2t++) {
			struct bench *b = bench_new(NULL);
			char text[200];

			snprintf(text, sizeof(text), "ImmediateData=Yes "
				 "InitialR2T=%s MaxRecvDataSegmentLength=%u "
				 "FirstBurstLength=%u MaxBurstLength=1048576",
				 initial_r2t ? "Yes" : "No", rows[i].segment,
				 rows[i].first);
			bench_login(b, text);
			bench_write(b, 0, rows[i].len);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);
			assert_int_equal(got->pdu.data_segment_length,
					 rows[i].immediate);
			bench_free(b);
		}
}

/* It bounds sequences, not commands.
 * shows: 7143-13.13-01 */
static void
test_max_burst_length(void **state)
{
	enum { LEN = 65536, BURST = 512 };
	struct bench *b = bench_new(NULL);
	uint32_t n = 0;

	bench_login(b, "InitialR2T=Yes ImmediateData=No MaxBurstLength=512 "
		    "FirstBurstLength=512");
	struct command *cmd = bench_write(b, 0, LEN);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.expected_data_transfer_length, LEN);
	for (uint32_t at = 0; at < LEN; at += BURST, n++) {
		bench_r2t(b, got, n, n, at, BURST);
		struct got *data = bench_expect(b, OP_DATA_OUT);
		assert_int_equal(data->pdu.data_segment_length, BURST);
		assert_true(data->pdu.final);
	}
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);

	cmd = bench_read(b, 0, LEN);
	got = bench_expect(b, OP_SCSI_COMMAND);
	for (uint32_t at = n = 0; at < LEN; at += BURST, n++)
		bench_data_in(b, got, n, at, BURST, true, at + BURST == LEN);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, LEN);

	cmd = bench_write(b, 0, LEN);	/* one byte too many at once */
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_r2t(b, got, 0, 1, 0, BURST + 1);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_down(b, LUN_EPROTO, "MaxBurstLength");
	bench_free(b);
}

/* A LUN that none can be is given back as it came, and does no harm: see
 * 7143-7.7-02 in tests/conformance/exclusions.tsv. */
static void
test_a_ping_for_no_unit(void **state)
{
	static const uint64_t luns[] = { UINT64_MAX, 0xff00000000000000,
		0x00ff00ff00ff00ff, 0xc100000000000001, 1 };
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (size_t i = 0; i < sizeof(luns) / sizeof(luns[0]); i++) {
		struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

		nop.target_transfer_tag = 5;
		nop.lun = luns[i];
		bench_send(b, &nop, NULL, 0);
		assert_true(bench_expect(b, OP_NOP_OUT)->pdu.lun == luns[i]);
	}
	assert_true(bench_up(b));
	bench_free(b);
}

/* All that is open ends, at once, and the connection too; no PDU is sent.
 * shows: 7143-7.7-01 7143-7.7-05 7143-6.3.4-03 7143-7.15-02 */
static void
test_format_errors(void **state)
{
	enum { R2T_0, R2T_WRITELESS, S_WITHOUT_F, OFFSET, O_AND_U_IN, O_AND_U,
	       BIDI_O_AND_U, NO_SENSE, BOTH_TAGS, AHS, OPCODE, ALL };

	for (int what = 0; what < ALL; what++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "InitialR2T=Yes ImmediateData=No");
		struct command *in = bench_read(b, 0, 512),
		    *out = bench_write(b, 0, 512);
		struct got *got_in = bench_expect(b, OP_SCSI_COMMAND);
		struct got *got_out = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = bench_pdu(b, OP_NOP_IN, NULL);
		uint8_t bytes[BHS_LEN + 4] = { 0 };

		switch (what) {
		case R2T_0:
			bench_r2t(b, got_out, 0, 1, 0, 0);
			break;
		case R2T_WRITELESS:
			bench_r2t(b, got_in, 0, 1, 0, 512);
			break;
		case S_WITHOUT_F:
			bench_data_in(b, got_in, 0, 0, 512, false, true);
			break;
		case OFFSET:
			bench_data_in(b, got_in, 0, 1, 512, true, true);
			break;
		case O_AND_U_IN:
			pdu = bench_data_in_status(b, got_in);
			pdu.overflow = pdu.underflow = true;
			bench_send(b, &pdu, NULL, 0);
			break;
		case O_AND_U:
		case BIDI_O_AND_U:
		case NO_SENSE:
			pdu = bench_pdu(b, OP_SCSI_RESPONSE, got_out);
			pdu.overflow = pdu.underflow = what == O_AND_U;
			pdu.bidi_overflow = pdu.bidi_underflow =
			    what == BIDI_O_AND_U;
			pdu.status = what == NO_SENSE ? SCSI_CHECK_CONDITION : 0;
			bench_send(b, &pdu, NULL, 0);
			break;
		case BOTH_TAGS:
			pdu.initiator_task_tag = pdu.target_transfer_tag = 1;
			bench_send(b, &pdu, NULL, 0);
			break;
		case AHS:
			pdu_encode(&pdu, bytes);
			bytes[4] = 1;
			bench_send_raw(b, bytes, sizeof(bytes));
			break;
		default:
			bytes[0] = 0x3a;
			bench_send_raw(b, bytes, BHS_LEN);
			break;
		}
		bench_expect_nothing(b);
		bench_done(b, in, LUN_EPROTO);
		bench_done(b, out, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, "");
		bench_free(b);
	}
}

/* shows: 7143-7.1.4.3-01 7143-7.15-02 7143-8.3.4-01 7143-6.3.4-03 */
static void
test_the_connection_is_lost(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	*bench_window(b) = 2;
	struct command *cmds[4];
	for (int i = 0; i < 4; i++)
		cmds[i] = bench_read(b, 0, 512);
	bench_cut(b);
	assert_true(bench_closed(b));
	for (int i = 0; i < 4; i++)
		bench_done(b, cmds[i], LUN_ELOST);
	struct command *late = bench_nodata(b, 0);
	bench_done(b, late, LUN_ELOST);
	bench_expect_down(b, LUN_ELOST, "closed");
	assert_string_equal(session_state_name(bench_session(b)), "FREE");
	bench_free(b);
}

/* What software the target is of is nobody's business, also in the trace. Each
 * other key is there. */
static void
test_what_the_target_runs_is_not_logged(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "X#NodeArchitecture=Weak/7.1 MaxBurstLength=65536");
	assert_non_null(bench_logged(b, "< MaxBurstLength=65536"));
	assert_non_null(bench_logged(b, "< X#NodeArchitecture=..."));
	assert_null(bench_logged(b, "Weak"));
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_immediate_data_is_bounded_three_times),
		cmocka_unit_test(test_max_burst_length),
		cmocka_unit_test(test_a_ping_for_no_unit),
		cmocka_unit_test(test_format_errors),
		cmocka_unit_test(test_the_connection_is_lost),
		cmocka_unit_test(test_what_the_target_runs_is_not_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
