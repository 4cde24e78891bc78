/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests on a connection: RFC 7143 7.8, 11.2.3, 13.1. The vectors of CRC32C
 * are in unit/test-wire-digest.c. */
#include "rfc/bench.h"

static const char *const combinations[] = {
	"HeaderDigest=None DataDigest=None",
	"HeaderDigest=CRC32C DataDigest=None",
	"HeaderDigest=None DataDigest=CRC32C",
	"HeaderDigest=CRC32C DataDigest=CRC32C",
};

static struct bench *
new_bench(const char *answer)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "HeaderDigest=CRC32C,None DataDigest=CRC32C,None" });

	bench_login(b, answer);
	return b;
}

/*
 * Commands with an AHS and odd lengths, data both ways, empty PDUs between
 * them, whole and byte by byte: the target of the bench checks what comes.
 *
 * shows: 7143-13.1-01 7143-13.1-02 7143-11.2.3-01 7143-11.2.3-02 7143-11.12-02
 * shows: 7143-11.1-01 7143-11.1-03
 */
static void
test_all_four_combinations(void **state)
{
	uint8_t cdb[32] = { 0x7f, 1, 2, 3 };

	for (size_t i = 0; i < 4; i++)
	for (size_t segments = 0; segments < 2; segments++) {
		struct bench *b = new_bench(combinations[i]);

		bench_segments(b, segments);
		for (uint32_t len = 1; len < 10; len++) {
			struct command *cmd = bench_command(b, 0, cdb, 32, 0, len);
			struct got *got = bench_expect(b, OP_SCSI_COMMAND);

			assert_int_equal(got->pdu.data_segment_length, len);
			assert_true(got->digest_ok);
			assert_memory_equal(got->data, cmd->out, len);
			bench_response(b, got, SCSI_GOOD);
			bench_done(b, cmd, 0);

			cmd = bench_read(b, 0, len);
			got = bench_expect(b, OP_SCSI_COMMAND);
			bench_data_in(b, got, 0, 0, len, true, true);
			bench_done(b, cmd, 0);
			bench_check_read(b, cmd, len);

			struct pdu nop = bench_pdu(b, OP_NOP_IN, NULL);
			nop.target_transfer_tag = 1;
			bench_send(b, &nop, NULL, 0);
			bench_expect(b, OP_NOP_OUT);
		}
		bench_free(b);
	}
}

/* shows: 7143-7.8-01 7143-7.8-02 7143-13.1-02 */
static void
test_a_wrong_header_digest_ends_the_connection(void **state)
{
	struct bench *b = new_bench(combinations[3]);
	struct command *cmd = bench_nodata(b, 0);
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE,
				   bench_expect(b, OP_SCSI_COMMAND));

	bench_send_damaged(b, &pdu, NULL, 0, DAMAGE_HEADER);
	bench_done(b, cmd, LUN_EDIGEST);
	bench_expect_down(b, LUN_EDIGEST, "header digest");
	assert_int_equal(session_counters(bench_session(b)).conns.header_digest_errors, 1);
	bench_free(b);
}

/* A wrong length under a wrong digest leads nowhere: what stands there is not
 * taken for a PDU. shows: 7143-7.8-02 */
static void
test_the_length_in_a_damaged_header_is_not_trusted(void **state)
{
	struct bench *b = new_bench(combinations[1]);
	struct command *cmd = bench_nodata(b, 0);
	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
	uint8_t bytes[2 * (BHS_LEN + DIGEST_LEN)] = { 0 };
	struct pdu good = bench_pdu(b, OP_SCSI_RESPONSE, got);

	pdu_encode(&good, bytes);
	bytes[7] = 4;			/* DataSegmentLength, digest 0: wrong */
	pdu_encode(&good, bytes + BHS_LEN + DIGEST_LEN);
	bench_send_raw(b, bytes, sizeof(bytes));
	bench_done(b, cmd, LUN_EDIGEST);
	bench_expect_down(b, LUN_EDIGEST, "header digest");
	bench_free(b);
}

/*
 * At level 0 whatever was damaged costs the session, and nothing of the PDU
 * has an effect.
 * shows: 7143-7.8-03 7143-7.8-04 7143-7.8-06 7143-7.8-07
 */
static void
test_a_wrong_data_digest_discards_the_whole_pdu(void **state)
{
	static const enum opcode kinds[] = { OP_DATA_IN, OP_SCSI_RESPONSE,
					     OP_ASYNC_MESSAGE, OP_NOP_IN, OP_REJECT };
	static const uint8_t sense[] = { 0, 18, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0,
					 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct bench *b = new_bench(combinations[2]);
		struct command *cmd = bench_read(b, 0, 64);
		struct got *got = bench_expect(b, OP_SCSI_COMMAND);
		struct pdu pdu = kinds[i] == OP_DATA_IN ?
		    bench_data_in_status(b, got) :
		    bench_pdu(b, kinds[i], kinds[i] == OP_NOP_IN ? NULL : got);

		if (kinds[i] == OP_SCSI_RESPONSE)
			pdu.status = SCSI_CHECK_CONDITION;
		if (kinds[i] == OP_ASYNC_MESSAGE)
			pdu.async_event = ASYNC_LOGOUT;
		if (kinds[i] == OP_REJECT)
			pdu.reason = REJECT_PROTOCOL;
		bench_send_damaged(b, &pdu, sense, sizeof(sense), DAMAGE_DATA);
		bench_done(b, cmd, LUN_EDIGEST);	/* no success, no sense */
		bench_expect_down(b, LUN_EDIGEST, "data digest");
		bench_expect_nothing(b);		/* no logout for the event */
		assert_int_equal(session_counters(bench_session(b)).conns.data_digest_errors, 1);
		assert_int_equal(session_counters(bench_session(b)).conns.async_messages, 0);
		bench_free(b);
	}
}

/* shows: 7143-13.1-02 */
static void
test_a_pdu_without_its_digest(void **state)
{
	struct bench *b = new_bench(combinations[1]);
	struct command *cmd = bench_nodata(b, 0);
	struct pdu good = bench_pdu(b, OP_SCSI_RESPONSE,
				    bench_expect(b, OP_SCSI_COMMAND));
	struct pdu next = bench_pdu(b, OP_NOP_IN, NULL);
	uint8_t bytes[2 * BHS_LEN];

	pdu_encode(&good, bytes);
	pdu_encode(&next, bytes + BHS_LEN);
	bench_send_raw(b, bytes, sizeof(bytes));
	bench_done(b, cmd, LUN_EDIGEST);
	bench_expect_down(b, LUN_EDIGEST, "header digest");
	bench_free(b);
}

/* Left unanswered: no digests. shows: 7143-13.1-06 */
static void
test_without_an_agreement_there_are_none(void **state)
{
	struct bench *b = bench_new(NULL);
	struct got *got;

	bench_start(b);
	got = bench_expect(b, OP_LOGIN_REQUEST);
	while (got->pdu.csg == STAGE_SECURITY) {
		bench_login_answer(b, got, STAGE_SECURITY, STAGE_OPERATIONAL, true,
				   "AuthMethod=None TargetPortalGroupTag=1");
		got = bench_expect(b, OP_LOGIN_REQUEST);
	}
	/* everything is answered but the digests */
	bench_login_answer(b, got, STAGE_OPERATIONAL, STAGE_FULL_FEATURE, true,
			   "MaxConnections=1 InitialR2T=Yes ImmediateData=Yes "
			   "MaxBurstLength=262144 FirstBurstLength=65536 "
			   "DefaultTime2Wait=2 DefaultTime2Retain=0 "
			   "MaxOutstandingR2T=1 DataPDUInOrder=Yes "
			   "DataSequenceInOrder=Yes ErrorRecoveryLevel=0 "
			   "TaskReporting=RFC3720 iSCSIProtocolLevel=1");
	if (bench_up(b)) {
		struct command *cmd = bench_write(b, 0, 512);

		got = bench_expect(b, OP_SCSI_COMMAND);
		bench_response(b, got, SCSI_GOOD);
		bench_done(b, cmd, 0);
		assert_int_equal(session_params(bench_session(b))->HeaderDigest, DIGEST_NONE);
		assert_int_equal(session_params(bench_session(b))->DataDigest, DIGEST_NONE);
	} else {
		bench_expect_down(b, LUN_ENEGOTIATE, "Digest");
	}
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_four_combinations),
		cmocka_unit_test(test_a_wrong_header_digest_ends_the_connection),
		cmocka_unit_test(test_the_length_in_a_damaged_header_is_not_trusted),
		cmocka_unit_test(test_a_wrong_data_digest_discards_the_whole_pdu),
		cmocka_unit_test(test_a_pdu_without_its_digest),
		cmocka_unit_test(test_without_an_agreement_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
