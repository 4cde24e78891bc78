/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench itself: a login, a read, a write with an R2T, a logout. */
#include "rfc/bench.h"

/* shows: 7143-11.2.1.2-01 */
static void
test_a_read_a_write_and_goodbye(void **state)
{
	struct bench *b = bench_new(NULL);
	struct command *cmd;
	struct got *got;

	bench_login(b, "InitialR2T=Yes ImmediateData=No");
	cmd = bench_read(b, 0, 4096);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_data_in(b, got, 0, 0, 2048, false, false);
	bench_pending(b, cmd);
	bench_data_in(b, got, 1, 2048, 2048, true, true);
	bench_done(b, cmd, 0);
	bench_check_read(b, cmd, 4096);

	cmd = bench_write(b, 0, 4096);
	got = bench_expect(b, OP_SCSI_COMMAND);
	bench_r2t(b, got, 0, 7, 0, 4096);
	struct got *data = bench_expect(b, OP_DATA_OUT);
	assert_int_equal(data->pdu.data_segment_length, 4096);
	assert_memory_equal(data->data, cmd->out, 4096);
	bench_response(b, got, SCSI_GOOD);
	bench_done(b, cmd, 0);

	session_stop(bench_session(b), bench_now(b));
	bench_run(b);
	got = bench_expect(b, OP_LOGOUT_REQUEST);
	struct pdu bye = bench_pdu(b, OP_LOGOUT_RESPONSE, got);
	bench_send(b, &bye, NULL, 0);
	bench_expect_down(b, LUN_ECANCELED, "closed");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_read_a_write_and_goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
