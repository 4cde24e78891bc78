/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of a command: the result of the nexus, the iSCSI response, the
 * SCSI status, sense data and residuals, turned into one outcome.
 */
#ifndef SCSI_STATUS_H
#define SCSI_STATUS_H

#include "scsi/asc.h"
#include "session/command.h"

struct outcome {
	enum action action;
	unsigned effects;	/* enum effect */
	bool full;		/* WAIT since the task set is full */
	bool lost;		/* FAIL without an answer: what the target did is
				   unknown, and another attempt may succeed */
	uint32_t moved;		/* bytes that went over, in the one direction */
	bool has_sense;
	struct sense sense;
	/* what it is if it is not tried again; 0 with ACTION_DONE */
	int code;		/* enum lun_code */
	int error;		/* errno */
};

/* The command has ended. It is not bidirectional. */
void outcome_of(struct outcome *o, const struct command *c);

/*
 * The same for a command that moves blocks: GOOD with any other length than
 * was asked for is a failure.
 */
void outcome_of_blocks(struct outcome *o, const struct command *c);

/* Is this code trouble of the nexus, which passes; not of our own, such as
 * LUN_ENOMEM? */
bool outcome_is_loss(int code);

enum { OUTCOME_TEXT_MAX = 200 };

/* "READ(10): MEDIUM ERROR 11/00, unrecovered read error, block 77" */
char *outcome_text(char buf[OUTCOME_TEXT_MAX], const struct command *c);

#endif
