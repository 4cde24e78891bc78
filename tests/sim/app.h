/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The application: opens a session, reads, writes, flushes and cancels, and
 * when the faults are over looks at all of the disk and closes it. It may tell
 * the engine of the target's other portals, as programs do that have found them.
 * It knows how long a request may take and whether it may fail.
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "plan.h"

void app_begin(const struct plan *plan);
void app_end(void);

lun_time app_deadline(void);
void app_run(void);
bool app_is_ready(void);		/* it was once */
bool app_is_over(void);
bool app_is_busy(void);			/* there is still something to submit */

void app_check(void);			/* is everything in time? */

#endif
