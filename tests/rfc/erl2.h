/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the target does when a connection is recovered. */
#ifndef TESTS_RFC_ERL2_H
#define TESTS_RFC_ERL2_H

#include "rfc/bench.h"

enum { TSIH = 0x1234, TIME2WAIT = 2, TIME2RETAIN = 20 };

static inline void
cut(struct bench *b, size_t line)
{
	bench_on(b, line);
	bench_cut(b);
}

/* It did not get the request, or not the ones that follow it. */
static inline void
unseen(struct bench *b, const struct got *got)
{
	*bench_exp_cmd_sn(b) = got->pdu.cmd_sn;
}

static inline void
answer_logout(struct bench *b, const struct got *got, uint8_t response,
	      uint16_t time2wait, uint16_t time2retain)
{
	struct pdu pdu = bench_pdu(b, OP_LOGOUT_RESPONSE, got);

	pdu.response = response;
	pdu.time2wait = time2wait;
	pdu.time2retain = time2retain;
	bench_send(b, &pdu, NULL, 0);
}

/* The recovery logout of this CID comes, and is answered by "done". */
static inline void
let_go(struct bench *b, uint16_t cid)
{
	struct got *got = bench_expect(b, OP_LOGOUT_REQUEST);

	assert_int_equal(got->pdu.reason, LOGOUT_RECOVERY);
	assert_int_equal(got->pdu.cid, cid);
	answer_logout(b, got, LOGOUT_DONE, 0, TIME2RETAIN);
}

/* The TASK REASSIGN of this command. */
static inline struct got *
expect_reassign(struct bench *b, const struct got *command)
{
	struct got *got = bench_expect(b, OP_TMF_REQUEST);

	assert_int_equal(got->pdu.function, TMF_TASK_REASSIGN);
	assert_int_equal(got->pdu.referenced_task_tag,
			 command->pdu.initiator_task_tag);
	return got;
}

/* From here on the target speaks of the command on the line of that request. */
static inline void
moved(struct got *command, const struct got *to)
{
	command->line = to->line;
}

static inline void
drop(struct bench *b, enum async_event event, uint16_t cid, uint16_t time2wait,
     uint16_t time2retain)
{
	struct pdu pdu = bench_pdu(b, OP_ASYNC_MESSAGE, NULL);

	pdu.async_event = (uint8_t)event;
	pdu.parameter1 = cid;
	pdu.parameter2 = time2wait;
	pdu.parameter3 = time2retain;
	bench_send(b, &pdu, NULL, 0);
}

struct loss {
	struct bench *b;
	struct command *cmd;
	struct got *got;		/* on line 1, which is lost */
};

static inline struct loss
new_loss(void)
{
	struct loss l = { .b = bench_level2(2, "") };

	bench_nodata(l.b, 0);
	bench_expect(l.b, OP_SCSI_COMMAND);
	l.cmd = bench_nodata(l.b, 0);
	l.got = bench_expect(l.b, OP_SCSI_COMMAND);
	assert_int_equal(l.got->line, 1);
	cut(l.b, 1);
	bench_pass(l.b, TIME2WAIT * TIME_S);
	return l;
}

static inline void
expect_session_lost(struct loss *l, const char *part)
{
	bench_expect_down(l->b, LUN_ELOST, part);
	bench_done(l->b, l->cmd, LUN_ELOST);
	bench_free(l->b);
}

static inline struct session_counters
counters(struct bench *b)
{
	return session_counters(bench_session(b));
}

#endif
