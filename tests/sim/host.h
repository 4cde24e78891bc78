/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine that the target runs on: it takes connections at all portals, moves
 * bytes between them and the target, crashes and starts again. Its disk is
 * medium.h.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "plan.h"

struct link;

#define TARGET_NAME "iqn.2026-01.net.lunfs:sim"

void host_begin(const struct plan *plan);
void host_end(void);

enum host_answer { HOST_ACCEPTS, HOST_REFUSES, HOST_IS_SILENT };
enum host_answer host_accept(struct link *l);

lun_time host_deadline(void);
void host_run(void);			/* its clock: what is due */
bool host_serve(void);			/* what others made it send; any? */

lun_time host_up_at(void);		/* now, or when it is back */

/* From now on, or not any more, it has the faults of the plan. */
void host_misbehave(bool does);

/* It loses all it knows and what its disk has in its cache; back at this
 * time. silent: till then it does not even refuse connections. */
void host_crash(lun_time back_at, bool silent);

#endif
