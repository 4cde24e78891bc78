/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule of misbehaviour: what is done, and to which PDUs. One line of text,
 * as lunfs-target --help explains it:
 *
 *	KIND[=VALUE][,WORD...]		delay=200ms,on=scsi-response,chance=5%
 *	KIND[=VALUE] [WORD...]		the same in a scenario file
 *
 * A PDU fits a rule if all of its words about PDUs are true of it. The PDUs
 * that fit are counted from 1, and skip, nth, every, chance and times choose
 * among them, in this order. This is the parser alone; fault.h acts.
 */
#ifndef FAULT_RULE_H
#define FAULT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "lun.h"

enum fault_kind {
	/* what happens to a PDU on its way */
	FAULT_DROP, FAULT_DELAY, FAULT_STALL, FAULT_REORDER, FAULT_DUPLICATE,
	FAULT_CORRUPT, FAULT_SET, FAULT_BYTE, FAULT_LENGTH, FAULT_CUT,
	/* what the target says because of it */
	FAULT_WINDOW, FAULT_ASYNC, FAULT_REJECT,
	/* what becomes of a command */
	FAULT_STATUS, FAULT_SENSE, FAULT_HOLD, FAULT_ZOMBIE,
	/* and of a login */
	FAULT_REFUSE, FAULT_REDIRECT, FAULT_TPGT,
	FAULT_KINDS
};

enum fault_point {			/* where a rule is looked at */
	FAULT_IN	= 1,		/* a PDU was received */
	FAULT_OUT	= 2,		/* a PDU is to be sent */
	FAULT_TASK	= 4,		/* a SCSI command begins, in order */
	FAULT_LOGIN	= 8,		/* we know who logs in to what */
};

enum fault_part {			/* of FAULT_CORRUPT */
	PART_HEADER, PART_HEADER_DIGEST, PART_DATA, PART_DATA_DIGEST,
};

enum {
	FAULT_TEXT_MAX = 80,
	FAULT_LINE_MAX = 200,
	CHANCE_ALWAYS = 1000000,
};

struct fault_rule {
	enum fault_kind kind;
	lun_time time;			/* how long; TIME_NEVER: for ever */
	uint32_t number[4];		/* what, by kind */
	uint64_t value;			/* FAULT_SET, _BYTE, _LENGTH */
	int sign;			/* of value: 0: as it is; +1, -1 */
	char text[FAULT_TEXT_MAX];	/* FAULT_REDIRECT: where to */

	unsigned points;		/* enum fault_point */
	uint64_t opcodes;		/* a bit for each; 0: any */
	bool read, write, status;	/* has the flag */
	bool has_lun, has_cid;
	unsigned lun;
	uint16_t cid;
	char portal[FAULT_TEXT_MAX];	/* "": any */
	lun_time from, to;		/* since the target began */

	bool each;			/* counted anew on each connection */
	uint64_t skip, nth, every;	/* 0: not said */
	uint64_t times;			/* UINT64_MAX: always */
	uint32_t chance;		/* of CHANCE_ALWAYS */

	uint64_t seen, applied;
	char line[FAULT_LINE_MAX];	/* as it was written */
};

/* LUN_EINVAL says which word is wrong. Words are separated by commas or blanks;
 * from # on all is a comment. 1: there is nothing else. */
int fault_rule_parse(struct fault_rule *out, const char *text,
		     struct lun_error *err);

const char *fault_name(enum fault_kind kind);
/* "drop", "=TIME", "it gets lost": for a page of help. */
void fault_help(enum fault_kind kind, const char **name, const char **value,
		const char **what);

#endif
