/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One SCSI command as it is handed to an I_T nexus and comes back, and the
 * nexus itself as those above see it: four functions, so that the SCSI layer
 * is tested without a session.
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include "base/clock.h"
#include "base/env.h"
#include "base/list.h"
#include "base/timers.h"
#include "wire/ahs.h"
#include "wire/pdu.h"

enum { SENSE_MAX = 252 };		/* SPC-4 4.5.1 */

struct command {
	/* the request; owned by the caller, untouched by the nexus */
	uint64_t lun;
	uint8_t cdb[CDB_LEN];
	uint16_t cdb_len;		/* up to CDB_LEN_MAX */
	const uint8_t *cdb_more;	/* the bytes beyond CDB_LEN, borrowed */
	uint8_t attr;			/* enum task_attribute */
	void *in;			/* data from the target */
	uint32_t in_len;
	const void *out;		/* data to the target */
	uint32_t out_len;
	lun_time timeout;		/* of this command; 0: the session's */
	lun_time waits_since;		/* what was to be done was lost before; 0:
					   it was not */
	void (*done)(struct command *c);
	void *user;

	/*
	 * The outcome, valid in done. result 0: the target answered, and what
	 * it said stands below. Negative: it did not (LUN_ELOST, _ETIMEDOUT,
	 * _EPROTO, _EDIGEST, _ECANCELED, _ENOMEM ...), and whether the command
	 * was executed is unknown.
	 */
	int result;
	uint8_t response;		/* enum iscsi_response */
	uint8_t status;			/* enum scsi_status, if COMPLETED */
	uint16_t status_qualifier;	/* 0 unless protocol level 2 */
	bool overflow, underflow;	/* O and U of the response */
	uint32_t residual;		/* valid with one of them */
	uint32_t in_residual;		/* bidirectional: the read residual */
	bool bidi_overflow, bidi_underflow;
	lun_time lost_at;		/* level 2: since when it waits, as it lost
					   its connection, or never had one; 0: it
					   does not. Also before it is done */
	uint32_t received;		/* bytes of in that came, from its start */
	uint16_t sense_len;
	uint8_t sense[SENSE_MAX];

	/* the nexus's own, while it is there */
	struct list link;
	void *task;
	lun_time deadline;
	uint8_t phase;
};

struct nexus;

struct nexus_ops {
	/* Takes the command; done comes later, exactly once, never from within
	 * this call. Waits in order while the command window is closed. */
	void (*submit)(struct nexus *n, struct command *c);
	/* done still comes once: as soon as the command can no longer touch
	 * its buffers (not sent yet: soon; sent: after ABORT TASK). */
	void (*cancel)(struct nexus *n, struct command *c);
};

struct nexus {
	const struct nexus_ops *ops;
	const struct lun_env *env;
	struct timers *timers;		/* for back-off; their now is the time */
	const char *label;		/* its name in log lines */
};

#endif
