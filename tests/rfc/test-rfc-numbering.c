/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command and status numbering: RFC 7143 4.2.2.1, 4.2.2.2. */
#include "rfc/bench.h"

static void
submit_reads(struct bench *b, struct command **cmds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		cmds[i] = bench_read(b, 0, 512);
}

static void
ping(struct bench *b, uint32_t exp_cmd_sn, uint32_t max_cmd_sn)
{
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

	nop.exp_cmd_sn = exp_cmd_sn;
	nop.max_cmd_sn = max_cmd_sn;
	bench_send(b, &nop, NULL, 0);
}

/* shows: 7143-4.2.2.1-01 7143-4.2.2.1-04 7143-4.2.2.1-07 7143-11.12.8-01 */
static void
test_cmd_sn_counts_across_the_wrap(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){ .cmd_sn = 0xfffffffd });
	struct got *got[10];

	bench_login(b, "");
	for (uint32_t i = 0; i < 10; i++) {
		bench_read(b, 0, 512);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->pdu.cmd_sn, 0xfffffffd + i);
	}
	for (uint32_t i = 0; i < 10; i++)
		bench_data_in(b, got[i], 0, 0, 512, true, true);
	bench_free(b);
}

/* shows: 7143-4.2.2.1-02 7143-4.2.2.1-03 7143-4.2.2.1-06 */
static void
test_immediate_requests_use_no_number(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	bench_read(b, 0, 512);
	uint32_t cmd_sn = bench_expect(b, OP_SCSI_COMMAND)->pdu.cmd_sn;

	for (int i = 0; i < 5; i++) {
		struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);

		nop.target_transfer_tag = 0x77;
		bench_send(b, &nop, NULL, 0);
		struct got *got = bench_expect(b, OP_NOP_OUT);
		assert_true(got->pdu.immediate);
		assert_int_equal(got->pdu.cmd_sn, cmd_sn + 1);
	}
	bench_read(b, 0, 512);
	assert_int_equal(bench_expect(b, OP_SCSI_COMMAND)->pdu.cmd_sn, cmd_sn + 1);
	bench_free(b);
}

/* shows: 7143-4.2.2.1-10 7143-4.2.2.1-11 7143-4.2.2.1-07 */
static void
test_a_closed_window_holds_commands_back(void **state)
{
	struct bench *b = bench_new(NULL);
	struct command *cmds[5];

	bench_login(b, "");
	ping(b, 100, 131);
	*bench_window(b) = 2;
	for (int i = 0; i < 32; i++)
		bench_nodata(b, 0);
	for (int i = 0; i < 32; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	submit_reads(b, cmds, 5);
	bench_expect_nothing(b);	/* MaxCmdSN is 131, and 132 waits */

	ping(b, 132, 131);		/* closed completely */
	bench_expect_nothing(b);
	struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);
	nop.exp_cmd_sn = 132;
	nop.max_cmd_sn = 131;
	nop.target_transfer_tag = 1;
	bench_send(b, &nop, NULL, 0);	/* immediate requests pass */
	bench_expect(b, OP_NOP_OUT);
	bench_expect_nothing(b);

	ping(b, 132, 133);		/* two more */
	assert_int_equal(bench_expect(b, OP_SCSI_COMMAND)->pdu.cmd_sn, 132);
	assert_int_equal(bench_expect(b, OP_SCSI_COMMAND)->pdu.cmd_sn, 133);
	bench_expect_nothing(b);
	ping(b, 134, 140);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bench_expect(b, OP_SCSI_COMMAND)->pdu.cmd_sn,
				 134 + i);
	bench_free(b);
}

/* shows: 7143-4.2.2.1-11 7143-4.2.2.1-17 */
static void
test_an_abort_passes_a_closed_window_and_only_one_at_a_time(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.command_timeout = 10 * TIME_S });
	struct command *first, *second;

	bench_login(b, "");
	first = bench_nodata(b, 0);
	second = bench_nodata(b, 0);
	struct got *got1 = bench_expect(b, OP_SCSI_COMMAND);
	struct got *got2 = bench_expect(b, OP_SCSI_COMMAND);
	ping(b, 102, 101);
	bench_pass(b, 12 * TIME_S);

	struct got *tmf = bench_expect(b, OP_TMF_REQUEST);
	assert_true(tmf->pdu.immediate);
	assert_int_equal(tmf->pdu.referenced_task_tag, got1->pdu.initiator_task_tag);
	bench_expect_nothing(b);
	struct pdu done = bench_pdu(b, OP_TMF_RESPONSE, tmf);
	bench_send(b, &done, NULL, 0);
	bench_done(b, first, LUN_ETIMEDOUT);
	tmf = bench_expect(b, OP_TMF_REQUEST);
	assert_int_equal(tmf->pdu.referenced_task_tag, got2->pdu.initiator_task_tag);
	done = bench_pdu(b, OP_TMF_RESPONSE, tmf);
	bench_send(b, &done, NULL, 0);
	bench_done(b, second, LUN_ETIMEDOUT);
	bench_free(b);
}

/* shows: 7143-4.2.2.1-09 */
static void
test_the_window_grows_across_the_wrap(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){ .cmd_sn = 0xfffffff0 });

	*bench_window(b) = 15;		/* up to 0xfffffffe */
	bench_login(b, "");
	for (int i = 0; i < 20; i++)
		bench_nodata(b, 0);
	for (int i = 0; i < 15; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_expect_nothing(b);
	ping(b, 0xffffffff, 3);		/* five more */
	for (int i = 0; i < 5; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_expect_nothing(b);
	bench_free(b);
}

/* shows: 7143-4.2.2.1-12 7143-4.2.2.1-13 7143-4.2.2.1-14 1982-3.2-01 */
static void
test_out_of_date_windows_are_ignored(void **state)
{
	static const struct {
		uint32_t exp_cmd_sn, max_cmd_sn;
		uint32_t window_exp, window_max;	/* then in force */
	} cases[] = {
		{ 150, 140, 110, 119 },		/* MaxCmdSN < ExpCmdSN - 1 */
		{ 105, 109, 110, 119 },		/* both are old */
		{ 105, 119, 110, 119 },
		{ 110, 115, 110, 119 },		/* would shrink */
		{ 112, 115, 112, 119 },		/* ExpCmdSN alone is news */
		{ 105, 125, 110, 125 },		/* MaxCmdSN alone is */
		{ 110, 119 + 0x80000000u, 110, 119 },	/* neither before nor after */
		{ 110, 109, 110, 119 },
		{ 112, 125, 112, 125 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct window w;

		window_start(&w, 115, 110, 119);
		window_update(&w, cases[i].exp_cmd_sn, cases[i].max_cmd_sn);
		assert_int_equal(w.exp_cmd_sn, cases[i].window_exp);
		assert_int_equal(w.max_cmd_sn, cases[i].window_max);
	}

	/* and on the wire: MaxCmdSN 131 stays after 110 */
	struct bench *b = bench_new(NULL);

	bench_login(b, "");
	ping(b, 100, 110);
	ping(b, 200, 150);
	for (int i = 0; i < 40; i++)
		bench_nodata(b, 0);
	for (uint32_t i = 0; i < 32; i++)
		bench_expect(b, OP_SCSI_COMMAND);
	bench_expect_nothing(b);
	bench_free(b);
}

/* One PDU of this kind with the given window, in answer to the task. */
static void
send_kind(struct bench *b, enum opcode opcode, const struct got *task,
	  const struct got *write, uint32_t exp_cmd_sn, uint32_t max_cmd_sn)
{
	uint8_t header[BHS_LEN] = { OP_DATA_OUT };
	struct pdu pdu;

	switch ((int)opcode) {
	case OP_DATA_IN:
		pdu = bench_pdu(b, opcode, task);
		pdu.final = false;
		break;
	case OP_R2T:
		pdu = bench_pdu(b, opcode, write);
		pdu.target_transfer_tag = 5;
		pdu.desired_data_transfer_length = 512;
		break;
	case OP_ASYNC_MESSAGE:
		pdu = bench_pdu(b, opcode, NULL);
		pdu.async_event = ASYNC_VENDOR;
		break;
	case OP_REJECT:
		pdu = bench_pdu(b, opcode, NULL);
		pdu.reason = REJECT_DATA_DIGEST;
		break;
	default:
		pdu = bench_pdu(b, opcode, NULL);
		break;
	}
	pdu.exp_cmd_sn = exp_cmd_sn;
	pdu.max_cmd_sn = max_cmd_sn;
	bench_send(b, &pdu, header, opcode == OP_REJECT ? BHS_LEN : 0);
}

/* shows: 7143-4.2.2.1-15 7143-11.7.3-01 7143-11.8.3-01 7143-11.17.3-01 */
static void
test_every_pdu_moves_the_window(void **state)
{
	static const enum opcode kinds[] = {
		OP_NOP_IN, OP_DATA_IN, OP_R2T, OP_ASYNC_MESSAGE, OP_REJECT,
	};
	struct bench *b = bench_new(NULL);
	uint32_t next = 102;

	*bench_window(b) = 2;
	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	bench_read(b, 0, 512);
	bench_write(b, 0, 512);
	struct got *task = bench_expect(b, OP_SCSI_COMMAND);
	struct got *write = bench_expect(b, OP_SCSI_COMMAND);

	for (int i = 0; i < 10; i++)
		bench_nodata(b, 0);
	bench_expect_nothing(b);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		send_kind(b, kinds[i], task, write, next, next);
		struct got *got = bench_next(b);
		if (got && got->pdu.opcode == OP_DATA_OUT)
			got = bench_next(b);
		assert_non_null(got);
		assert_int_equal(got->pdu.opcode, OP_SCSI_COMMAND);
		assert_int_equal(got->pdu.cmd_sn, next++);
		struct got *more = bench_next(b);
		if (more)
			assert_int_equal(more->pdu.opcode, OP_DATA_OUT);
		bench_expect_nothing(b);
	}
	bench_free(b);
}

/* shows: 7143-4.2.2.1-08 7143-4.2.2.1-18 */
static void
test_status_may_acknowledge_its_own_command(void **state)
{
	struct bench *b = bench_new(NULL);
	struct command *cmd;

	bench_login(b, "");
	cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);
	cmd = bench_read(b, 0, 512);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 512, true, true);
	bench_done(b, cmd, 0);
	bench_free(b);
}

/* shows: 7143-4.2.2.2-01 7143-4.2.2.2-02 7143-4.2.2.2-03 7143-11.12.9-01 */
static void
test_any_stat_sn_is_a_start_and_is_acknowledged(void **state)
{
	static const uint32_t starts[] = { 0, 0x7fffffff, 0x80000000, 0xfffffffe,
					   0xffffffff };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct bench *b = bench_new(NULL);

		*bench_stat_sn(b) = starts[i];
		bench_login(b, "");
		for (int n = 0; n < 5; n++) {
			struct command *cmd = bench_nodata(b, 0);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);

			assert_int_equal(got->pdu.exp_stat_sn, *bench_stat_sn(b));
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);
		}
		bench_free(b);
	}
}

/* shows: 7143-4.2.2.2-04 7143-4.2.2.2-05 7143-7.9-02 */
static void
test_a_stat_sn_gap_ends_the_connection(void **state)
{
	static const uint32_t gaps[] = { 1, 1000000, 0x7fffffff, 0x80000000,
					 0x80000001, 0xffffffff };

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		struct bench *b = bench_new(NULL);
		struct command *cmd;

		bench_login(b, "");
		cmd = bench_nodata(b, 0);
		*bench_stat_sn(b) += gaps[i];
		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		bench_done(b, cmd, LUN_EPROTO);	/* no success out of it */
		bench_expect_down(b, LUN_EPROTO, "StatSN");
		bench_free(b);
	}
}

/* shows: 7143-11.2.1.8-01 7143-11.2.1.8-02 */
static void
test_tags_are_unique_while_in_use(void **state)
{
	enum { ROUNDS = 40, WIDTH = 32 };
	struct bench *b = bench_new(&(struct bench_setup){
		.nop_interval = TIME_S });

	bench_login(b, "");
	for (int round = 0; round < ROUNDS; round++) {
		struct got *got[WIDTH];

		for (int i = 0; i < WIDTH; i++) {
			bench_nodata(b, 0);
			got[i] = bench_expect(b, OP_SCSI_COMMAND);
			assert_true(got[i]->pdu.initiator_task_tag != TAG_NONE);
			for (int k = 0; k < i; k++)
				assert_true(got[i]->pdu.initiator_task_tag !=
					    got[k]->pdu.initiator_task_tag);
		}
		bench_pass(b, 2 * TIME_S);
		struct got *nop = bench_expect(b, OP_NOP_OUT);
		for (int i = 0; i < WIDTH; i++)
			assert_true(nop->pdu.initiator_task_tag !=
				    got[i]->pdu.initiator_task_tag);
		struct pdu pong = bench_pdu(b, OP_NOP_IN, nop);
		bench_send(b, &pong, NULL, 0);
		for (int i = 0; i < WIDTH; i++)
			bench_response(b, got[i], SCSI_GOOD);
	}
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cmd_sn_counts_across_the_wrap),
		cmocka_unit_test(test_immediate_requests_use_no_number),
		cmocka_unit_test(test_a_closed_window_holds_commands_back),
		cmocka_unit_test(test_an_abort_passes_a_closed_window_and_only_one_at_a_time),
		cmocka_unit_test(test_the_window_grows_across_the_wrap),
		cmocka_unit_test(test_out_of_date_windows_are_ignored),
		cmocka_unit_test(test_every_pdu_moves_the_window),
		cmocka_unit_test(test_status_may_acknowledge_its_own_command),
		cmocka_unit_test(test_any_stat_sn_is_a_start_and_is_acknowledged),
		cmocka_unit_test(test_a_stat_sn_gap_ends_the_connection),
		cmocka_unit_test(test_tags_are_unique_while_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
