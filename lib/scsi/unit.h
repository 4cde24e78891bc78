/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way from lib/scsi to a logical unit: the only code here that gives
 * commands to a nexus, and so the place where a read-only unit is protected
 * from all that stands above. And when a command is sent again.
 */
#ifndef SCSI_UNIT_H
#define SCSI_UNIT_H

#include "scsi/asc.h"
#include "session/command.h"

struct unit {
	struct nexus *nexus;
	uint64_t lun;
	bool read_only;
	struct list refused;		/* commands, until timer reports them */
	struct timer timer;
};

int unit_init(struct unit *u, struct nexus *nexus, uint64_t lun,
	      bool read_only);			/* 0 or LUN_ENOMEM */
void unit_deinit(struct unit *u);		/* no command may be out */

/*
 * As the nexus's submit and cancel. A command that might change a read-only
 * unit does not reach the nexus and ends with LUN_EREFUSED.
 */
void unit_submit(struct unit *u, struct command *c);
void unit_cancel(struct unit *u, struct command *c);

/* The trouble of one command so far; zeroed at its start. */
struct retry {
	unsigned n;
	lun_time paused;
};

/*
 * When a command with the outcome ACTION_RETRY or ACTION_WAIT is to be sent
 * again: now or later; TIME_NEVER: patience is used up. What counts are the
 * pauses in between: each attempt has a bound of its own, and the time that a
 * recovery takes (at level 2, say) is not the unit's.
 */
lun_time retry_at(struct retry *r, const struct nexus *nexus,
		  enum action action, lun_time patience);

#endif
