/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the program ceiling: ceiling.c measures, ceiling-setup.c gets
 * as far as that. Here is what they share.
 */
#ifndef CEILING_H
#define CEILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/rx.h"
#include "wire/tx.h"

enum {
	DEPTH_MAX	= 256,
	BS_MAX		= 4 << 20,
	MAX_DATA	= 1 << 20,	/* our MaxRecvDataSegmentLength */
};

struct task {
	bool busy;
	uint64_t since_ns;
};

struct ceiling {
	/* what is asked for */
	const char *host, *port, *target;
	uint64_t lun;
	bool write, random;
	bool header_digest, data_digest;
	uint32_t bs, depth;
	double seconds;

	/* the connection */
	int fd;
	struct rx *rx;
	struct tx *tx;
	struct lun_error err;
	uint32_t cmd_sn, exp_cmd_sn, max_cmd_sn, exp_stat_sn;

	/* what was negotiated */
	bool initial_r2t, immediate_data;
	uint32_t first_burst, max_send;

	/* before the measurement: answers come one by one, with their data */
	bool setup;
	bool answered;
	struct pdu answer;
	char data[LOGIN_DATA_SEGMENT_MAX + 1];
	size_t data_len;

	/* the measurement */
	uint32_t block_size, blocks;
	uint32_t next_lba;
	uint64_t random_state;
	uint32_t in_flight;
	struct task tasks[DEPTH_MAX];
	uint32_t *latency_ns;		/* of each operation */
	size_t ops, ops_max;
};

/* ceiling.c */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/* Queues a PDU; data is borrowed until it is sent. */
void queue(struct ceiling *c, struct pdu *pdu, const void *data, size_t len);

/* Sends what is queued, waits, and takes in what there is. */
void step(struct ceiling *c);

/* ceiling-setup.c */
void login(struct ceiling *c);
void read_capacity(struct ceiling *c);

#endif
