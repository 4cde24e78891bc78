/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults: layers of misbehaviour around an honest target. They sit where every
 * PDU passes (t-priv.h: conn_send() and received()), and do what the rules of
 * fault-rule.h say; the core behind them believes that all is well. They know
 * nothing of SCSI: what becomes of a command they only order, the core does it.
 *
 *	received --> faults --> honest target --> faults --> sent
 *	                 `--- what is held back ----'
 *
 * No I/O, clock or randomness: the time is that of the target's calls, chance
 * comes from a seed, and what is held back has its part in target_deadline()
 * and target_run(). So the same rules work in a simulation. How to use them
 * from outside of the core: target_add_fault() and what follows it in target.h.
 *
 * What a connection sends may also be damaged after its digests have been made:
 * by masks over the stream of bytes, and a place at which the stream ends.
 *
 * Whoever breaks a rule of the RFC for a target, breaks it here.
 */
#ifndef FAULT_H
#define FAULT_H

#include <sys/uio.h>

#include "base/list.h"
#include "fault-rule.h"
#include "wire/pdu.h"

struct faults;
struct target;
struct tconn;
struct task;

struct verdict {			/* which rules want something of a PDU */
	unsigned kinds;			/* a bit for each */
	const struct fault_rule *by[FAULT_KINDS];
};

struct fault_conn {			/* of a connection */
	struct list patches;		/* damage to the stream, in its order */
	uint64_t ends;			/* the stream, after so many bytes */
	lun_time stalled[2];		/* until then: [0] in, [1] out */
	unsigned waiting[2];		/* are stalled */
	struct verdict incoming;	/* on the PDU that is being received */
	uint64_t *seen;			/* of each rule, on this connection */
	size_t seen_count;
};

struct faults *faults_free(struct faults *f);

/* A connection begins and ends; its faults are NULL-safe at any time. */
void fault_conn_init(struct tconn *c);
void fault_conn_deinit(struct tconn *c);

/* The seam. These are called only if the target has faults. */
void fault_send(struct tconn *c, const struct pdu *pdu, const void *data,
		size_t len, const struct task *owner);
/* True: the payload is needed outside of its place. */
bool fault_header(struct tconn *c, const struct pdu *pdu);
void fault_receive(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
		   bool digest_ok);
int fault_tx_iov(struct tconn *c, struct iovec *iov, int count);
void fault_tx_ack(struct tconn *c);

/* A command begins, in order: it may fail now, or be held later. */
void fault_task(struct task *k);
/* Its data is there. True: it has to wait, and its data_progress() is called
 * again in time. */
bool fault_holds(struct task *k);
/* The task was ended while it was held. True: it goes on as a zombie, and its
 * memory with it. */
bool fault_ends(struct task *k);

/* A login to a target. NULL, or the rule: FAULT_REFUSE, _REDIRECT or _TPGT. */
const struct fault_rule *fault_login(struct tconn *c, const struct pdu *req);

lun_time faults_deadline(const struct faults *f);
void faults_run(struct target *t);

#endif
