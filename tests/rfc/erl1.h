/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of recovery level 1 have in common. */
#ifndef TESTS_RFC_ERL1_H
#define TESTS_RFC_ERL1_H

#include <stdio.h>

#include "conn/times.h"
#include "rfc/bench.h"

enum { SEGMENT = 1000 };

static inline struct bench *
erl1_bench(const char *keys, const char *answer)
{
	char all[400];

	snprintf(all, sizeof(all), "ErrorRecoveryLevel=1 DataDigest=CRC32C,None %s",
		 keys);
	struct bench *b = bench_new(&(struct bench_setup){ .keys = all });

	snprintf(all, sizeof(all), "DataDigest=CRC32C %s", answer);
	bench_login(b, all);
	assert_int_equal(session_params(bench_session(b))->ErrorRecoveryLevel, 1);
	return b;
}

/* The DataSN-th segment of a read, to be sent, lost, damaged, sent again. */
static inline struct pdu
segment(struct bench *b, const struct got *got, uint32_t data_sn, bool status)
{
	struct pdu pdu = status ? bench_data_in_status(b, got) :
	    bench_pdu(b, OP_DATA_IN, got);

	pdu.data_sn = data_sn;
	pdu.final = status;
	pdu.buffer_offset = data_sn * SEGMENT;
	return pdu;
}

static inline void
send_segment_as(struct bench *b, struct pdu pdu, enum damage damage)
{
	uint8_t data[SEGMENT];

	for (uint32_t i = 0; i < SEGMENT; i++)
		data[i] = damage == DAMAGE_NONE ?
		    bench_pattern(pdu.buffer_offset + i) : 0x55;
	bench_send_damaged(b, &pdu, data, SEGMENT, damage);
}

static inline void
send_segment(struct bench *b, struct pdu pdu)
{
	send_segment_as(b, pdu, DAMAGE_NONE);
}

/* A Data SNACK for this task and run. */
static inline struct got *
expect_data_snack(struct bench *b, const struct got *task, uint32_t beg,
		  uint32_t run)
{
	struct got *got = bench_expect(b, OP_SNACK_REQUEST);

	assert_int_equal(got->pdu.snack_type, SNACK_DATA_R2T);
	assert_int_equal(got->pdu.initiator_task_tag, task->pdu.initiator_task_tag);
	assert_int_equal(got->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(got->pdu.beg_run, beg);
	assert_int_equal(got->pdu.run_length, run);
	assert_int_equal(got->pdu.cmd_sn, 0);
	assert_true(got->pdu.final && !got->pdu.immediate);
	return got;
}

static inline struct got *
expect_status_snack(struct bench *b, uint32_t beg, uint32_t run)
{
	struct got *got = bench_expect(b, OP_SNACK_REQUEST);

	assert_int_equal(got->pdu.snack_type, SNACK_STATUS);
	assert_int_equal(got->pdu.initiator_task_tag, TAG_NONE);
	assert_int_equal(got->pdu.target_transfer_tag, TAG_NONE);
	assert_int_equal(got->pdu.beg_run, beg);
	assert_int_equal(got->pdu.run_length, run);
	return got;
}

static inline void
expect_data_ack(struct bench *b, uint32_t beg, uint32_t ttt, uint64_t lun)
{
	struct got *got = bench_expect(b, OP_SNACK_REQUEST);

	assert_int_equal(got->pdu.snack_type, SNACK_DATA_ACK);
	assert_int_equal(got->pdu.initiator_task_tag, TAG_NONE);
	assert_int_equal(got->pdu.target_transfer_tag, ttt);
	assert_true(got->pdu.lun == lun);
	assert_int_equal(got->pdu.beg_run, beg);
	assert_int_equal(got->pdu.run_length, 0);
}

/* What the initiator acknowledges: it answers a ping of the target's. */
static inline uint32_t
acknowledged(struct bench *b)
{
	struct pdu ping = bench_pdu(b, OP_NOP_IN, NULL);

	ping.target_transfer_tag = 77;
	ping.stat_sn = 0x5000;		/* old: it shows no loss */
	bench_send(b, &ping, NULL, 0);
	return bench_expect(b, OP_NOP_OUT)->pdu.exp_stat_sn;
}

static inline struct session_counters
counters(struct bench *b)
{
	return session_counters(bench_session(b));
}

#endif
