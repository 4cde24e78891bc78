/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the faults:
 *
 *	fault.c		the rules, and what they do to a PDU
 *	fault-hold.c	what is held back: PDUs, commands, zombies
 *	fault-stream.c	damage to the bytes of a connection
 */
#ifndef FAULT_IMPL_H
#define FAULT_IMPL_H

#include "t-priv.h"

struct faults {
	struct fault_rule *rules;
	size_t count;
	uint64_t random;
	lun_time began;
	bool off;			/* for what a fault itself sends */
	struct list parcels;		/* PDUs held back, by when they are due */
	struct list held, zombies;	/* tasks, by when they are due */
};

/* fault.c */
void fault_emit(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
		const struct verdict *v);
void fault_take_late(struct tconn *c, const struct pdu *pdu,
		     const uint8_t *data, bool digest_ok,
		     const struct verdict *v);

/* fault-hold.c */
bool is_stalled(const struct tconn *c, enum fault_point way);
/* False: it is not to be held back, or there is no memory. */
bool hold_back(struct tconn *c, enum fault_point way, const struct pdu *pdu,
	       const void *data, size_t len, bool digest_ok,
	       const struct verdict *v);
/* For those that wait for others to pass. */
void pdu_passed(struct tconn *c, enum fault_point way);
void hold_forget(struct tconn *c);

/* fault-stream.c */
bool has_digest(const struct tconn *c, enum tkey key);
/* The PDU that was queued last begins at start. */
void damage_stream(struct tconn *c, const struct pdu *pdu, uint64_t start,
		   const struct verdict *v);

#endif
