/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of task management have in common. */
#ifndef TESTS_RFC_TMF_H
#define TESTS_RFC_TMF_H

#include "rfc/bench.h"

#define LUN_1 UINT64_C(0x0001000000000000)
#define LUN_2 UINT64_C(0x0002000000000000)

struct asked {
	struct tmf t;
	unsigned done;
	int code;
	uint8_t response;
};

static inline void
answered(struct tmf *t, int code, uint8_t response)
{
	struct asked *a = t->user;

	a->done++;
	a->code = code;
	a->response = response;
}

static inline struct got *
expect_tmf(struct bench *b, uint8_t function)
{
	struct got *got = bench_expect(b, OP_TMF_REQUEST);

	assert_int_equal(got->pdu.function, function);
	return got;
}

/* The request is there. */
static inline struct got *
ask(struct bench *b, struct asked *a, uint8_t function, uint64_t lun)
{
	*a = (struct asked){
		.t = { .function = function, .lun = lun, .done = answered,
		       .user = a },
	};
	session_tmf(bench_session(b), &a->t, bench_now(b));
	bench_run(b);
	return bench_expect(b, OP_TMF_REQUEST);
}

#endif
