/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recovery level 1 when our MaxRecvDataSegmentLength changes: RFC 7143 11.16.3,
 * 11.4.4, 6.4. */
#include "rfc/erl1.h"

static void
told(struct text_exchange *x, int code, const struct lun_error *err,
     const char *text, size_t len)
{
	*(int *)x->user = code;
}

static void
declare(struct bench *b, const char *text)
{
	int code = -1;
	struct text_exchange x = {
		.request = text, .request_len = strlen(text) + 1,
		.answer_max = 1000, .done = told, .user = &code,
	};

	assert_int_equal(session_text(bench_session(b), &x, bench_now(b)), 0);
	bench_run(b);
	struct pdu pdu = bench_pdu(b, OP_TEXT_RESPONSE,
				   bench_expect(b, OP_TEXT_REQUEST));
	bench_send(b, &pdu, NULL, 0);
	assert_int_equal(code, 0);
}

static struct got *
expect_r_data(struct bench *b, const struct got *task, uint32_t not_tag)
{
	struct got *got = bench_expect(b, OP_SNACK_REQUEST);

	assert_int_equal(got->pdu.snack_type, SNACK_R_DATA);
	assert_int_equal(got->pdu.initiator_task_tag, task->pdu.initiator_task_tag);
	assert_int_not_equal(got->pdu.target_transfer_tag, 0);
	assert_int_not_equal(got->pdu.target_transfer_tag, TAG_NONE);
	assert_int_not_equal(got->pdu.target_transfer_tag, not_tag);
	assert_int_equal(got->pdu.beg_run, 0);
	assert_int_equal(got->pdu.run_length, 0);
	return got;
}

/* A piece of n bytes, in the new segmentation. */
static void
send_piece(struct bench *b, const struct got *got, uint32_t data_sn,
	   uint32_t offset, uint32_t n)
{
	bench_data_in(b, got, data_sn, offset, n, false, false);
}

/*
 * Our MaxRecvDataSegmentLength changes while a read is under way, and data is
 * lost: all of it comes again, in other segments, and only the status with the
 * tag counts; what was under way does not.
 *
 * shows: 7143-11.16.3-01 7143-11.4.4-01 7143-11.16-01 7143-11.16.4-01
 * shows: 7143-11.16.5-01 7143-11.16.6-01 7143-11.16.1-01 7143-11.16.2-01
 */
static void
test_other_segments_after_a_change_of_their_length(void **state)
{
	for (int acked = 0; acked < 2; acked++)
	for (int status_first = 0; status_first < 2; status_first++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 4 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu[4];

		for (uint32_t i = 0; i < 4; i++)
			pdu[i] = segment(b, got, i, false);
		pdu[0].acknowledge = acked;
		pdu[0].target_transfer_tag = acked ? 5 : TAG_NONE;
		send_segment(b, pdu[0]);
		if (acked)
			expect_data_ack(b, 1, 5, 0);
		declare(b, "MaxRecvDataSegmentLength=512");
		struct pdu status = bench_pdu(b, OP_SCSI_RESPONSE, got);
		status.exp_data_sn = 4;
		if (status_first) {
			bench_send(b, &status, NULL, 0);
		} else {
			bench_data_in(b, got, 2, 2 * SEGMENT, 512, false, false);
		}
		struct got *snack = expect_r_data(b, got, 0);
		uint32_t tag = snack->pdu.target_transfer_tag;
		/* under way still */
		bench_data_in(b, got, 3, 3 * SEGMENT, 512, false, false);
		if (!status_first)
			bench_send(b, &status, NULL, 0);
		bench_pending(b, cmd);
		assert_int_equal(acknowledged(b), status.stat_sn);
		/* again from the beginning, or from what was acknowledged */
		uint32_t sn = (uint32_t)acked, at = acked ? SEGMENT : 0;

		send_piece(b, got, sn++, at, 500);
		send_piece(b, got, sn + 1, at + 1000, 500);	/* one is lost */
		snack = expect_r_data(b, got, tag);
		tag = snack->pdu.target_transfer_tag;
		for (sn = (uint32_t)acked; at < 4 * SEGMENT; at += 500)
			send_piece(b, got, sn++, at, 500);
		bench_pending(b, cmd);
		bench_send(b, &status, NULL, 0);	/* without the tag */
		bench_pending(b, cmd);
		assert_int_equal(acknowledged(b), status.stat_sn);
		status.snack_tag = tag;
		status.exp_data_sn = sn;
		bench_send(b, &status, NULL, 0);
		bench_done(b, cmd, 0);
		assert_int_equal(cmd->status, SCSI_GOOD);
		bench_check_read(b, cmd, 4 * SEGMENT);
		assert_int_equal(acknowledged(b), status.stat_sn + 1);
		/* commands that begin now are recovered as usual */
		cmd = bench_read(b, 0, 1000);
		got = bench_expect(b, OP_SCSI_COMMAND);
		send_piece(b, got, 1, 500, 500);
		expect_data_snack(b, got, 0, 1);
		send_piece(b, got, 0, 0, 500);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
		bench_expect_nothing(b);
		bench_free(b);
	}
}

/*
 * Two PDUs were asked for when the length changes, and are lost again: one
 * request is for all data, whether some of it was acknowledged or not.
 *
 * shows: 7143-11.16.3-01
 */
static void
test_what_was_asked_for_before_is_asked_for_anew(void **state)
{
	for (int acked = 0; acked < 2; acked++) {
		struct bench *b = erl1_bench("", "");
		struct command *cmd = bench_read(b, 0, 6 * SEGMENT);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu;

		for (uint32_t i = 0; i < 6; i += i ? 2 : 1) {	/* not 2, 4 */
			pdu = segment(b, got, i, false);
			pdu.acknowledge = i == 0 && acked;
			pdu.target_transfer_tag = pdu.acknowledge ? 5 : TAG_NONE;
			send_segment(b, pdu);
			if (pdu.acknowledge)
				expect_data_ack(b, 1, 5, 0);
			if (i > 1)
				expect_data_snack(b, got, i - 1, 1);
		}
		declare(b, "MaxRecvDataSegmentLength=512");
		bench_pass(b, SNACK_ANSWER + TIME_S);
		struct got *snack = expect_r_data(b, got, 0);
		bench_expect_nothing(b);

		uint32_t sn = (uint32_t)acked, at = acked ? SEGMENT : 0;

		for (; at < 6 * SEGMENT; at += 500)
			send_piece(b, got, sn++, at, 500);
		struct pdu status = bench_pdu(b, OP_SCSI_RESPONSE, got);
		status.exp_data_sn = sn;
		status.snack_tag = snack->pdu.target_transfer_tag;
		bench_send(b, &status, NULL, 0);
		bench_done(b, cmd, 0);
		bench_check_read(b, cmd, 6 * SEGMENT);
		bench_free(b);
	}
}

/*
 * All data came again, but for the status, when the connection is lost: the one
 * that takes its place knows of no tag.
 *
 * shows: 7143-7.2.2-06
 */
static void
test_the_tag_is_forgotten_with_the_connection(void **state)
{
	struct bench *b = bench_level2(1, "");
	struct command *cmd = bench_read(b, 0, 2 * SEGMENT);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND), *tmf;
	struct pdu pdu;

	send_piece(b, got, 0, 0, SEGMENT);
	declare(b, "MaxRecvDataSegmentLength=512");
	send_piece(b, got, 2, SEGMENT + 500, 500);	/* one is lost */
	expect_r_data(b, got, 0);
	for (uint32_t i = 0; i < 4; i++)
		send_piece(b, got, i, i * 500, 500);
	bench_cut(b);
	bench_pending(b, cmd);
	bench_pass(b, 2 * TIME_S);
	bench_login(b, "");
	tmf = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(tmf->pdu.function, TMF_TASK_REASSIGN);
	assert_int_equal(tmf->pdu.exp_data_sn, 4);
	pdu = bench_pdu(b, OP_TMF_RESPONSE, tmf);
	bench_send(b, &pdu, NULL, 0);
	pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);
	pdu.exp_data_sn = 4;
	bench_send(b, &pdu, NULL, 0);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 2 * SEGMENT);
	bench_free(b);
}

/* A TASK REASSIGN has acknowledged the first half of a read. */
static struct command *
reassigned_read(struct bench *b, struct got **got)
{
	struct command *cmd = bench_read(b, 0, 4 * SEGMENT);

	*got = bench_expect(b, OP_SCSI_COMMAND);
	for (uint32_t i = 0; i < 2; i++)
		send_piece(b, *got, i, i * SEGMENT, SEGMENT);
	bench_cut(b);
	bench_pass(b, 2 * TIME_S);
	bench_login(b, "");

	struct got *tmf = bench_expect(b, OP_TMF_REQUEST);

	assert_int_equal(tmf->pdu.function, TMF_TASK_REASSIGN);
	assert_int_equal(tmf->pdu.exp_data_sn, 2);
	bench_answer_tmf(b, tmf, TMF_COMPLETE);
	return cmd;
}

/*
 * What is lost of the rest comes again, as it was or in other segments, and none
 * of the first half is asked for. shows: 7143-7.2.2-02
 */
static void
test_what_a_reassignment_acknowledged_is_not_asked_for(void **state)
{
	for (int anew = 0; anew < 2; anew++) {
		struct bench *b = bench_level2(1, "");
		struct got *got;
		struct command *cmd = reassigned_read(b, &got);
		uint32_t n = anew ? 500 : SEGMENT, end = 2 + 2 * SEGMENT / n;

		if (anew)
			declare(b, "MaxRecvDataSegmentLength=512");
		send_piece(b, got, 3, 3 * SEGMENT, n);	/* one is lost */
		struct got *snack = anew ? expect_r_data(b, got, 0) :
		    expect_data_snack(b, got, 2, 1);
		for (uint32_t sn = 2; sn < (anew ? end : 3); sn++)
			send_piece(b, got, sn, 2 * SEGMENT + (sn - 2) * n, n);
		bench_expect_nothing(b);
		struct pdu status = bench_pdu(b, OP_SCSI_RESPONSE, got);
		status.exp_data_sn = end;
		status.snack_tag = anew ? snack->pdu.target_transfer_tag : 0;
		bench_send(b, &status, NULL, 0);
		bench_done(b, cmd, 0);
		bench_check_read(b, cmd, 4 * SEGMENT);
		bench_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_segments_after_a_change_of_their_length),
		cmocka_unit_test(test_what_was_asked_for_before_is_asked_for_anew),
		cmocka_unit_test(test_the_tag_is_forgotten_with_the_connection),
		cmocka_unit_test(test_what_a_reassignment_acknowledged_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
