/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the bench: bench.c has the initiator's world, its session and time,
 * bench-expect.c looks at what came of it, bench-login.c and bench-command.c
 * play the target.
 */
#ifndef TESTS_RFC_BENCH_IMPL_H
#define TESTS_RFC_BENCH_IMPL_H

#include "recovery/recovery.h"
#include "rfc/bench.h"
#include "wire/rx.h"
#include "wire/tx.h"

enum { GOT_MAX = 4096, LOG_MAX = 4096, LINES_MAX = 16 };

struct order {				/* a command and what became of it */
	struct command cmd;
	unsigned done;
	struct order *next;
};

struct line {				/* a TCP connection, or room for one */
	struct bench *b;
	struct conn *conn;
	bool connect_wanted, closed;
	struct portal portal;
	struct rx *rx;			/* the target's ends */
	struct tx *tx;
	uint32_t stat_sn;
};

struct bench {
	struct lun_env env;
	struct timers timers;
	lun_time now;
	uint32_t random;
	struct offer offer;
	struct auth_config auth;
	struct session *s;		/* one of these two */
	struct recovery *recovery;
	size_t unsure;
	bool stirred;

	struct line lines[LINES_MAX];
	struct line *l;			/* the one that is spoken on */
	bool slow, ignores_pings;
	unsigned connects;
	size_t segments;

	struct got *got[GOT_MAX];
	size_t n_got, next;
	struct ahs ahs_now;
	bool has_ahs_now;

	uint32_t exp_cmd_sn, window;
	uint64_t ahead;			/* bit n: ExpCmdSN + 1 + n is there */

	struct order *orders;
	bool up, down;
	unsigned ups, losses;
	struct lun_error error;
	unsigned scsi_events;
	uint64_t event_lun;
	uint8_t event_sense[SENSE_MAX];
	bool held;
	char *log[LOG_MAX];
	enum lun_log_level log_level[LOG_MAX];
	size_t n_log;
};

/* Ends the test, with the trace. */
#define bench_fail(b, ...)                                                     \
	do {                                                                   \
		for (size_t i_ = 0; i_ < (b)->n_log; i_++)                     \
			print_error("%s\n", (b)->log[i_]);                     \
		fail_msg(__VA_ARGS__);                                         \
	} while (0)

/* Bytes into the initiator, as long as it listens. */
void bench_push(struct bench *b, const uint8_t *p, size_t len);

#endif
