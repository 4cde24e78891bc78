/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of faults share: a session, rules, and pings. */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

#include "drive.h"

struct world {
	struct drive *d;
	struct link *l;
	uint32_t itt;
};

static inline struct world
begin(const char *text)
{
	struct world w = { .itt = 100 };

	w.d = drive_new(NULL);
	w.l = link_new(w.d, 0, 0, text);
	return w;
}

static inline void
fault(struct world *w, const char *rule)
{
	struct lun_error err = { 0 };

	if (target_add_fault(drive_target(w->d), rule, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void
end(struct world *w)
{
	drive_free(w->d);
}

/* A ping that wants an answer; its tag is the number of the ping. */
static inline void
ping(struct link *l, uint32_t itt)
{
	struct pdu pdu = {
		.opcode = OP_NOP_OUT, .immediate = true, .final = true,
		.initiator_task_tag = itt, .target_transfer_tag = TAG_NONE,
	};

	link_send(l, &pdu, NULL, 0);
}

static inline const struct got *
pong(struct link *l, uint32_t itt)
{
	const struct got *g = link_expect(l, OP_NOP_IN);

	assert_int_equal(g->pdu.initiator_task_tag, itt);
	return g;
}

#endif
