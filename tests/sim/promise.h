/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine promises to those who use it: which requests may fail, and
 * how long anything may take. What is not excused here is a bug.
 */
#ifndef SIM_PROMISE_H
#define SIM_PROMISE_H

#include "lun.h"
#include "plan.h"

void promise_begin(const struct plan *plan);
void promise_session(void);		/* a new one: its disks begin anew */

/* Whatever went wrong has been over for long enough. */
bool nothing_is_wrong(void);

/* The request, submitted at since, has failed: there is a reason for it. */
bool may_fail(const struct lun_io *io, lun_time since,
	      const struct lun_disk_info *disk);

/* Until when a request is done or the session closed, and until when it is there,
 * that was asked for at since; TIME_NEVER: faults may keep it up for ever. */
lun_time due_at(lun_time since);
lun_time opening_due_at(lun_time since);

#endif
