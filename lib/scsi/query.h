/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command that asks something of a unit and is sent again on unit
 * attentions, BUSY and the like until it has an answer or patience ends.
 *
 *	idle -- query_start() --> running -- done() --> idle
 */
#ifndef SCSI_QUERY_H
#define SCSI_QUERY_H

#include "scsi/status.h"
#include "scsi/unit.h"

struct query {
	struct command command;		/* cdb, in, in_len: by the caller */
	struct unit *unit;
	struct timer timer;
	struct retry retry;
	lun_time patience;
	bool running, cancelled;
	unsigned effects;		/* of all attempts since query_init() */
	struct outcome outcome;		/* of the last one: DONE or FAIL */
	void (*done)(struct query *q);
	void *user;
};

int query_init(struct query *q, struct unit *unit, lun_time patience,
	       void (*done)(struct query *q), void *user); /* 0, LUN_ENOMEM */
/* No command is out: idle, between two attempts, or zeroed. done comes no more. */
void query_deinit(struct query *q);

/* done comes later, exactly once. */
void query_start(struct query *q);
/* done comes soon, mostly with LUN_ECANCELED. Idle: nothing happens. */
void query_cancel(struct query *q);

#endif
