/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes the place of lib/io: the loop without a clock and without epoll, the
 * pump between connections and the links of network.h, and an identity. All
 * the rest of liblun is what the programs use.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "plan.h"

struct lun_loop;

void engine_begin(const struct plan *plan);
void engine_end(void);
struct lun_loop *engine_loop(void);

lun_time engine_deadline(void);
void engine_run(void);			/* timers, then what is to be done */
bool engine_settle(void);		/* jobs and flushes; any? */

/* The n-th of the next sends fails, as if the socket had. */
void engine_fail_send(unsigned n);

/* Of a session that is lost: when the target last refused it; 0: it has not. */
lun_time engine_refused_at(void);

/* Declares this MaxRecvDataSegmentLength on one of its connections, unless
 * there is none, or it still waits for the answer to the last one. */
void engine_redeclare(uint32_t length);

#endif
