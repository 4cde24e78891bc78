/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that are planted in the engine, the target or the simulation itself,
 * to see that the simulation finds them: what it does not find with certainty,
 * it does not check.
 */
#ifndef SIM_PLANT_H
#define SIM_PLANT_H

#include <stdbool.h>
#include <stdint.h>

#include "lun.h"
#include "wire/pdu.h"

enum plant {
	PLANT_NOTHING,
	PLANT_FLUSH_DROPPED,	/* the target's disk does not flush */
	PLANT_WRITE_DROPPED,	/* the target does not do a write, says GOOD */
	PLANT_ZOMBIE,		/* an old write lands once more */
	PLANT_NEW_ISID,		/* no login is a reinstatement */
	PLANT_REPLAY,		/* the engine sends once more what is done */
	PLANT_STALE_READ,	/* a read returns what was there long ago */
	PLANT_DONE_TWICE,	/* a request is done twice */
	PLANT_NEVER_DONE,	/* a request is forgotten */
	PLANT_STARVED,		/* a request is done long after all others */
	PLANT_BROKEN,		/* an allocation that failed does so for good */
	PLANT_NO_RECONNECT,	/* nothing is done after a loss */
	PLANT_CMD_SN,		/* a CmdSN is left out */
	PLANT_STAT_SN,		/* a StatSN is left out */
	PLANT_DATA_SN,		/* a DataSN is left out */
	PLANT_LEAK,		/* some memory is not freed */
	/* by the initiator, when something was lost or the target lies */
	PLANT_LOSSY_CMD_SN,	/* a CmdSN is left out */
	PLANT_LOSSY_STAT_SN,	/* what did not arrive is acknowledged */
	PLANT_LOSSY_DATA,	/* data is sent that was not asked for */
	PLANT_LOSSY_TAG,	/* a task tag is in use twice */
	/* what is known of portals */
	PLANT_OTHER_PORTAL,	/* a connection is made to another one */
	PLANT_ONE_PORTAL,	/* the engine is not told of the others */
	PLANT_NO_FENCE,		/* nothing is ended in the group that it left */
	PLANT_COUNT
};
extern const char *const plant_names[PLANT_COUNT];

void plant_begin(enum plant p);
bool plant_is(enum plant p);
/* It is this one, and this is the n-th time that it is asked, or a later one
 * of those that are multiples of n. */
bool plant_strikes(enum plant p, unsigned n);

/* PLANT_LOSSY_...: changes what the initiator has sent. */
void plant_sent(struct pdu *pdu);

/* PLANT_BROKEN: a request has failed that may, for want of memory; how a request
 * ends. */
void plant_excused(const struct lun_io *io);
void plant_outcome(struct lun_io *io);

/* PLANT_ZOMBIE: these bytes of the medium were written. */
void plant_landed(uint8_t *medium, uint64_t offset, uint64_t len);

#endif
