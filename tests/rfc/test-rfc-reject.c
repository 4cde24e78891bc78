/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rejects: RFC 7143 11.17, 7.3. */
#include "rfc/bench.h"

static void
reject_bytes(struct bench *b, uint8_t reason, const void *bytes, size_t len)
{
	struct pdu pdu = bench_pdu(b, OP_REJECT, NULL);

	pdu.reason = reason;
	bench_send(b, &pdu, bytes, len);
}

/* As a target does it: the header, and all of the data or none. */
static void
reject(struct bench *b, const struct got *got, uint8_t reason)
{
	uint8_t bytes[BHS_LEN + 20] = { 0 };

	pdu_encode(&got->pdu, bytes);
	reject_bytes(b, reason, bytes, reason & 1 ? BHS_LEN : sizeof(bytes));
}

/* It is over, its CmdSN is not; nothing identical follows.
 * shows: 7143-7.3-02 7143-7.3-03 7143-11.17.1-02 7143-11.17.1-03
 * shows: 7143-11.17.1-06 7143-11.17.3-01 */
static void
test_rejected_commands(void **state)
{
	for (int reason = 0; reason < 256; reason++) {
		struct bench *b = bench_new(NULL);

		if (reason == REJECT_NEGOTIATION_RESET) {
			bench_free(b);
			continue;
		}
		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bool busy = reason == REJECT_IMMEDIATE ||
		    reason == REJECT_LONG_OPERATION;

		*bench_exp_cmd_sn(b) = 100;	/* it does not count */
		reject(b, got, (uint8_t)reason);
		bench_done(b, cmd, busy ? 0 :
			   reason == REJECT_DATA_DIGEST ? LUN_EDIGEST : LUN_EPROTO);
		if (busy)
			assert_int_equal(cmd->status, SCSI_BUSY);
		struct got *plug = bench_expect(b, OP_NOP_OUT);
		assert_false(plug->pdu.immediate);
		assert_int_equal(plug->pdu.cmd_sn, 100);
		assert_int_equal(plug->pdu.exp_stat_sn, *bench_stat_sn(b));
		struct pdu pong = bench_pdu(b, OP_NOP_IN, plug);
		bench_send(b, &pong, NULL, 0);
		bench_expect_nothing(b);
		cmd = bench_nodata(b, 0);
		got = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got->pdu.cmd_sn, 101);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
		bench_free(b);
	}
}

/* shows: 7143-7.3-03 */
static void
test_many_at_once(void **state)
{
	enum { N = 20 };
	struct command *cmds[N];
	struct got *gots[N];
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	for (int i = 0; i < N; i++) {
		cmds[i] = bench_nodata(b, 0);
		gots[i] = bench_expect(b, OP_SCSI_COMMAND);
	}
	*bench_exp_cmd_sn(b) = 100;
	for (int i = 0; i < N; i++)
		reject(b, gots[i], REJECT_PROTOCOL);
	for (int i = 0; i < N; i++) {
		bench_done(b, cmds[i], LUN_EPROTO);
		gots[i] = bench_expect(b, OP_NOP_OUT);
		assert_int_equal(gots[i]->pdu.cmd_sn, 100 + i);
	}
	for (int i = N; i-- > 0;) {		/* in any order */
		struct pdu pong = bench_pdu(b, OP_NOP_IN, gots[i]);

		bench_send(b, &pong, NULL, 0);
	}
	bench_expect_nothing(b);
	assert_true(bench_up(b));
	bench_free(b);

	b = bench_new(NULL);		/* without an end: the connection goes */
	*bench_window(b) = 1000;
	bench_login(b, "");
	for (int i = 0; i < 100; i++)
		bench_nodata(b, 0);
	*bench_exp_cmd_sn(b) = 100;
	for (int i = 0; i < 100 && bench_up(b); i++)
		reject(b, bench_expect(b, OP_SCSI_COMMAND), REJECT_PROTOCOL);
	while (bench_next(b))
		;
	bench_expect_down(b, LUN_EPROTO, "rejected more than");
	bench_free(b);
}

/* The target took the CmdSN: nothing is to be filled in. */
static void
test_a_cmd_sn_that_counts(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	reject(b, bench_expect(b, OP_SCSI_COMMAND), REJECT_INVALID_FIELD);
	bench_done(b, cmd, LUN_EPROTO);
	bench_expect_nothing(b);
	bench_free(b);
}

/* All later commands would wait behind the gap for ever. */
static void
test_a_rejected_nop_that_fills_a_gap(void **state)
{
	for (int counts = 0; counts < 2; counts++) {
		struct bench *b = bench_new(NULL);

		bench_login(b, "");
		struct command *cmd = bench_nodata(b, 0);
		*bench_exp_cmd_sn(b) = 100;
		reject(b, bench_expect(b, OP_SCSI_COMMAND), REJECT_DATA_DIGEST);
		bench_done(b, cmd, LUN_EDIGEST);
		struct got *nop = bench_expect(b, OP_NOP_OUT);
		*bench_exp_cmd_sn(b) = 100 + (unsigned)counts;
		reject(b, nop, REJECT_SNACK);
		bench_expect_nothing(b);
		if (counts)
			assert_true(bench_up(b));
		else
			bench_expect_down(b, LUN_EPROTO, "CmdSN 100");
		bench_free(b);
	}
}

/* shows: 7143-7.3-01 7143-11.17.1-01 7143-11.17.1-02 */
static void
test_rejected_data(void **state)
{
	for (int reason = 1; reason <= 0x0c; reason++) {
		struct bench *b = bench_new(NULL);

		if (reason == REJECT_NEGOTIATION_RESET) {
			bench_free(b);
			continue;
		}
		bench_login(b, "InitialR2T=Yes ImmediateData=No");
		struct command *cmd = bench_write(b, 0, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		bench_r2t(b, got, 0, 3, 0, 4096);
		struct got *data = bench_expect(b, OP_DATA_OUT);
		reject(b, data, (uint8_t)reason);
		bench_pending(b, cmd);
		bench_expect_nothing(b);	/* nothing is sent again */
		bench_r2t(b, got, 1, 4, 0, 4096);	/* unless it is asked for */
		data = bench_expect(b, OP_DATA_OUT);
		assert_int_equal(data->pdu.target_transfer_tag, 4);
		assert_int_equal(data->pdu.data_sn, 0);
		bench_response(b, got, SCSI_BUSY);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_BUSY);
		assert_true(bench_up(b));
		bench_free(b);
	}
}

/* Immediate data was damaged: the command is over and not repeated here.
 * shows: 7143-11.17.1-01 */
static void
test_rejected_immediate_data(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_write(b, 0, 4096);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got->pdu.data_segment_length, 4096);
	reject(b, got, REJECT_DATA_DIGEST);
	bench_done(b, cmd, LUN_EDIGEST);
	bench_expect_nothing(b);
	bench_free(b);
}

/* shows: 7143-11.17.4-01 */
static void
test_what_was_rejected(void **state)
{
	struct bench *b = bench_new(NULL);
	uint8_t bhs[BHS_LEN];

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);

	struct pdu foreign = got->pdu;	/* never used */
	foreign.initiator_task_tag ^= 0x2000;
	pdu_encode(&foreign, bhs);
	reject_bytes(b, REJECT_PROTOCOL, bhs, sizeof(bhs));
	foreign.initiator_task_tag = 0xfff;
	pdu_encode(&foreign, bhs);
	reject_bytes(b, REJECT_PROTOCOL, bhs, sizeof(bhs));
	/* the tag of a command in something else */
	foreign = (struct pdu){ .opcode = OP_NOP_OUT,
		.initiator_task_tag = got->pdu.initiator_task_tag };
	pdu_encode(&foreign, bhs);
	reject_bytes(b, REJECT_PROTOCOL, bhs, sizeof(bhs));
	for (unsigned opcode = 0; opcode < 256; opcode++) {	/* not ours */
		memset(bhs, 0xff, sizeof(bhs));
		bhs[0] = (uint8_t)opcode;
		reject_bytes(b, REJECT_PROTOCOL, bhs, sizeof(bhs));
	}
	bench_pending(b, cmd);
	bench_expect_nothing(b);
	reject(b, got, REJECT_PROTOCOL);
	bench_done(b, cmd, LUN_EPROTO);
	reject(b, got, REJECT_PROTOCOL);	/* a second time: nothing */
	assert_true(bench_up(b));
	bench_free(b);

	for (size_t len = 0; len < BHS_LEN; len++) {
		b = bench_new(NULL);
		bench_login(b, "");
		cmd = bench_nodata(b, 0);
		pdu_encode(&bench_expect(b, OP_SCSI_COMMAND)->pdu, bhs);
		reject_bytes(b, REJECT_PROTOCOL, bhs, len);
		bench_done(b, cmd, LUN_EPROTO);
		bench_expect_down(b, LUN_EPROTO, "too short");
		bench_free(b);
	}
}

/* shows: 7143-11.17.1-05 */
static void
test_the_deprecated_reset_of_a_negotiation(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	struct command *cmd = bench_nodata(b, 0);
	reject(b, bench_expect(b, OP_SCSI_COMMAND), REJECT_NEGOTIATION_RESET);
	bench_done(b, cmd, LUN_ENEGOTIATE);
	bench_expect_nothing(b);
	bench_expect_down(b, LUN_ENEGOTIATE, "negotiation reset");
	bench_free(b);
}

/* A ping that is rejected says that the target lives. */
static void
test_a_rejected_ping(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = 3 * TIME_S });

	bench_login(b, "");
	for (int i = 0; i < 3; i++) {
		bench_pass(b, 4 * TIME_S);
		reject(b, bench_expect(b, OP_NOP_OUT), REJECT_IMMEDIATE);
		bench_expect_nothing(b);
	}
	assert_true(bench_up(b));
	bench_free(b);
}

static void
test_a_rejected_logout(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	reject(b, bench_expect(b, OP_LOGOUT_REQUEST), REJECT_PROTOCOL);
	bench_expect_down(b, LUN_EREFUSED, "rejected the logout");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rejected_commands),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_a_cmd_sn_that_counts),
		cmocka_unit_test(test_a_rejected_nop_that_fills_a_gap),
		cmocka_unit_test(test_rejected_data),
		cmocka_unit_test(test_rejected_immediate_data),
		cmocka_unit_test(test_what_was_rejected),
		cmocka_unit_test(test_the_deprecated_reset_of_a_negotiation),
		cmocka_unit_test(test_a_rejected_ping),
		cmocka_unit_test(test_a_rejected_logout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
