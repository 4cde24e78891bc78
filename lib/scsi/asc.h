/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sense data means and what is done about it: two tables. */
#ifndef SCSI_ASC_H
#define SCSI_ASC_H

#include "scsi/sense.h"

enum action {
	ACTION_DONE,		/* no trouble at all */
	ACTION_RETRY,		/* again, at once */
	ACTION_WAIT,		/* again, after a while */
	ACTION_FAIL,
};

/* What has changed in the world, whatever becomes of the command. */
enum effect {
	EFFECT_PROBE		= 1,	/* size, mode or identity: look again */
	EFFECT_INVENTORY	= 2,	/* the target's units: REPORT LUNS */
	EFFECT_LOST_WRITE	= 4,	/* an earlier write that was GOOD failed */
	EFFECT_POWER_ON		= 8,	/* a volatile cache is empty now */
	EFFECT_RESET		= 16,	/* of any kind: perhaps a power on */
};

/* The action; *effects gets the bits of the effects. */
enum action sense_action(const struct sense *s, unsigned *effects);

/* "unrecovered read error"; NULL if it isn't in the table. */
const char *asc_text(uint16_t asc);

#endif
