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

/*
 * What is written right now (medium.h): is it by a command that was on its way,
 * out of reach of the session that is in this portal group? It is of another
 * group, a nexus of its own, so no login here has ended it (RFC 7143 6.3.5); the
 * connection that it came by is one that the initiator has left and the target
 * has not; and
 *
 *	either	it came when a session of this group had reset the unit, which
 *		ends the tasks that the target has (4.2.3.2)
 *	or	it is of an earlier session of the application, and this one
 *		cannot know that there was another group
 */
bool host_writes_late(int group);

/* From now on, or not any more, it has the faults of the plan. */
void host_misbehave(bool does);

/* It loses all it knows and what its disk has in its cache; back at this
 * time. silent: till then it does not even refuse connections. */
void host_crash(lun_time back_at, bool silent);

#endif
