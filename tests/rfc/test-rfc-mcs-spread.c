/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How commands are spread over connections: RFC 7143 4.2.2.1. */
#include "rfc/bench.h"

/* Many at once: small ones by the batch, large ones one by one. */
static void
test_commands_are_spread_in_the_order_of_their_numbers(void **state)
{
	enum { N = 320 };
	static const struct {
		uint32_t len;
		unsigned batch;		/* for each connection in turn */
	} cases[] = {
		{ 512, 64 }, { 8192, 64 }, { 16384, 4 }, { 65536, 1 },
		{ 262144, 1 },
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct bench *b = bench_many(4);
		struct command *cmd[N];
		struct got *got[N];

		*bench_window(b) = N;
		for (int i = 0; i < 4; i++)
			bench_login(b, "");
		bench_hold(b, true);
		for (unsigned i = 0; i < N; i++)
			cmd[i] = bench_read(b, (uint64_t)i << 48, cases[c].len);
		bench_hold(b, false);
		for (unsigned i = 0; i < N; i++) {
			got[i] = bench_expect(b, OP_SCSI_COMMAND);
			assert_int_equal(got[i]->pdu.cmd_sn, 100 + i);
			assert_int_equal(got[i]->pdu.lun, (uint64_t)i << 48);
			assert_int_equal(got[i]->line, i / cases[c].batch % 4);
		}
		for (int i = 0; i < N; i++) {
			bench_response(b, got[i], SCSI_BUSY);
			bench_done(b, cmd[i], 0);
		}
		bench_free(b);
	}
}

/* One at a time: each connection has its turn. */
static void
test_all_are_used_by_single_commands(void **state)
{
	struct bench *b = bench_many_up(3);

	for (size_t i = 0; i < 9; i++)
		bench_works_on(b, i % 3);
	bench_free(b);
}

/* Large batches and small ones by turns: none gets all the large ones. */
static void
test_batches_of_different_sizes_are_spread(void **state)
{
	static const unsigned sizes[] = { 3, 1 };
	struct bench *b = bench_many_up(2);
	struct command *cmd[3];
	struct got *got[3];
	unsigned on_line[2] = { 0 };

	for (unsigned i = 0; i < 16; i++) {
		bench_hold(b, true);
		for (unsigned k = 0; k < sizes[i % 2]; k++)
			cmd[k] = bench_read(b, (uint64_t)k << 48, 512);
		bench_hold(b, false);
		for (unsigned k = 0; k < sizes[i % 2]; k++) {
			got[k] = bench_expect(b, OP_SCSI_COMMAND);
			on_line[got[k]->line]++;
		}
		for (unsigned k = 0; k < sizes[i % 2]; k++) {
			bench_response(b, got[k], SCSI_BUSY);
			bench_done(b, cmd[k], 0);
		}
	}
	assert_int_equal(on_line[0], 16);
	assert_int_equal(on_line[1], 16);
	bench_free(b);
}

static void
test_the_least_loaded_takes_the_next_command(void **state)
{
	struct bench *b = bench_many_up(3);
	struct command *cmd[7];
	struct got *got[7];

	for (size_t i = 0; i < 6; i++) {
		cmd[i] = bench_nodata(b, 0);
		got[i] = bench_expect(b, OP_SCSI_COMMAND);
		assert_int_equal(got[i]->line, i % 3);
	}
	bench_response(b, got[4], SCSI_GOOD);
	bench_done(b, cmd[4], 0);
	cmd[6] = bench_nodata(b, 0);
	got[6] = bench_expect(b, OP_SCSI_COMMAND);
	assert_int_equal(got[6]->line, got[4]->line);
	for (size_t i = 0; i < 7; i++)
		if (i != 4)
			bench_response(b, got[i], SCSI_GOOD);
	bench_free(b);
}


/* As many commands as are under way there end, and bring as many new ones. */
struct batch {
	struct command *cmd[8];
	struct got *got[8];
	unsigned n;
};

static void
submit(struct bench *b, struct batch *lines, unsigned n, unsigned *sum)
{
	struct command *cmd[8];

	bench_hold(b, true);
	for (unsigned k = 0; k < n; k++)
		cmd[k] = bench_read(b, (uint64_t)k << 48, 512);
	bench_hold(b, false);
	for (unsigned k = 0; k < n; k++) {
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct batch *l = &lines[got->line];

		assert_true(l->n < 8);
		l->cmd[l->n] = cmd[k];
		l->got[l->n++] = got;
		sum[got->line]++;
	}
}

/* A batch ends as it began, and so the next one is as large: what is small does
 * not stay small. */
static void
test_a_connection_of_small_batches_catches_up(void **state)
{
	enum { ROUNDS = 600 };
	struct bench *b = bench_many_up(3);
	struct batch lines[3] = { { .n = 0 } };
	unsigned sum[3] = { 0 };

	submit(b, lines, 5, sum);
	submit(b, lines, 5, sum);
	submit(b, lines, 1, sum);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct batch *l = &lines[i % 3];
		unsigned n = l->n;

		for (; l->n > 0; l->n--) {
			bench_response(b, l->got[l->n - 1], SCSI_BUSY);
			bench_done(b, l->cmd[l->n - 1], 0);
		}
		submit(b, lines, n, sum);
	}
	for (unsigned i = 0; i < 3; i++) {
		unsigned part = (sum[0] + sum[1] + sum[2]) / 3;

		assert_in_range(sum[i], part * 3 / 4, part * 5 / 4);
	}
	for (unsigned i = 0; i < 3; i++)
		while (lines[i].n-- > 0) {
			bench_response(b, lines[i].got[lines[i].n], SCSI_BUSY);
			bench_done(b, lines[i].cmd[lines[i].n], 0);
		}
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_are_spread_in_the_order_of_their_numbers),
		cmocka_unit_test(test_all_are_used_by_single_commands),
		cmocka_unit_test(test_batches_of_different_sizes_are_spread),
		cmocka_unit_test(test_the_least_loaded_takes_the_next_command),
		cmocka_unit_test(test_a_connection_of_small_batches_catches_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
