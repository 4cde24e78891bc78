/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that end many tasks without FastAbort: RFC 7143 4.2.3.3. */
#include "rfc/tmf.h"

/* Standard semantics: R2Ts and pings are answered until the response.
 * shows: 7143-4.2.3.3-01 7143-4.2.3.3-02 7143-4.2.3.3-03 */
static void
test_transfers_go_on_until_the_response(void **state)
{
	static const uint8_t functions[] = { TMF_ABORT_TASK_SET,
		TMF_CLEAR_TASK_SET, TMF_LOGICAL_UNIT_RESET, TMF_TARGET_WARM_RESET };
	static const char *const reporting[] = { "TaskReporting=RFC3720",
		"TaskReporting=ResponseFence", "TaskReporting=NotUnderstood" };

	for (size_t i = 0; i < 12; i++) {
		struct bench *b = bench_new(&(struct bench_setup){
			.keys = "InitialR2T=Yes ImmediateData=No" });
		struct asked a;

		bench_login(b, reporting[i % 3]);
		struct command *cmd = bench_write(b, LUN_1, 4096);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct got *tmf = ask(b, &a, functions[i / 3], LUN_1);
		struct pdu ping = bench_pdu(b, OP_NOP_IN, NULL);
		ping.target_transfer_tag = 9;
		bench_hold(b, true);
		bench_r2t(b, got, 0, 5, 0, 4096);
		bench_send(b, &ping, NULL, 0);
		bench_hold(b, false);
		for (int n = 0; n < 2; n++) {	/* in either order */
			struct got *out = bench_next(b);

			assert_non_null(out);
			if (out->pdu.opcode == OP_NOP_OUT) {
				assert_int_equal(out->pdu.target_transfer_tag, 9);
				continue;
			}
			assert_int_equal(out->pdu.opcode, OP_DATA_OUT);
			assert_int_equal(out->pdu.target_transfer_tag, 5);
			assert_int_equal(out->pdu.data_segment_length, 4096);
			assert_true(out->pdu.final);
		}
		if (i & 1) {
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_answer_tmf(b, tmf, TMF_COMPLETE);
		bench_done(b, cmd, i & 1 ? 0 : LUN_ECANCELED);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

static void
told(struct text_exchange *x, int code, const struct lun_error *err,
     const char *text, size_t len)
{
	*(int *)x->user = code;
}

/* The other tags of the target: those of a text that goes on, and of Data-In
 * that is to be acknowledged. shows: 7143-4.2.3.3-02 */
static void
test_text_and_data_are_answered_until_the_response(void **state)
{
	int code = -1;
	struct text_exchange x = {
		.request = "SendTargets=", .request_len = 13,
		.answer_max = 1000, .done = told, .user = &code,
	};
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "ErrorRecoveryLevel=1" });
	struct asked a;

	bench_login(b, "");
	struct command *cmd = bench_read(b, LUN_1, 1024);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(session_text(bench_session(b), &x, bench_now(b)), 0);
	bench_run(b);
	struct got *text = bench_expect(b, OP_TEXT_REQUEST);
	struct got *tmf = ask(b, &a, TMF_ABORT_TASK_SET, LUN_1);

	uint8_t data[512] = { 0 };
	struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);
	pdu.final = pdu.acknowledge = true;
	pdu.target_transfer_tag = 9;
	pdu.lun = LUN_1;
	bench_send(b, &pdu, data, sizeof(data));
	struct got *ack = bench_expect(b, OP_SNACK_REQUEST);
	assert_int_equal(ack->pdu.snack_type, SNACK_DATA_ACK);
	assert_int_equal(ack->pdu.target_transfer_tag, 9);

	pdu = bench_pdu(b, OP_TEXT_RESPONSE, text);
	pdu.final = false;
	pdu.target_transfer_tag = 7;
	bench_send(b, &pdu, "", 0);
	text = bench_expect(b, OP_TEXT_REQUEST);
	assert_int_equal(text->pdu.target_transfer_tag, 7);
	pdu = bench_pdu(b, OP_TEXT_RESPONSE, text);
	bench_send(b, &pdu, NULL, 0);
	assert_int_equal(code, 0);

	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	bench_done(b, cmd, LUN_ECANCELED);
	bench_expect_nothing(b);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfers_go_on_until_the_response),
		cmocka_unit_test(test_text_and_data_are_answered_until_the_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
