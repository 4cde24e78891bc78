/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sender: PDUs become a byte stream, in the order of tx_add(). Headers
 * (encoded at once) are kept here, in a ring that grows to the largest number
 * of PDUs that were ever queued and is then reused; payloads stay where they
 * are and are borrowed until the last byte is acked. Many PDUs leave in one
 * writev().
 */
#ifndef WIRE_TX_H
#define WIRE_TX_H

#include <sys/uio.h>

#include "wire/ahs.h"
#include "wire/pdu.h"

struct tx;

int tx_new(struct tx **out, struct lun_error *err);
struct tx *tx_free(struct tx *tx);

/* From the next tx_add() on. */
void tx_set_digests(struct tx *tx, bool header, bool data);

/*
 * Queues a PDU. data_segment_length and total_ahs_length of *pdu are set from
 * len and ahs (which may be NULL). data is borrowed until all of the PDU has
 * been acked, or tx_drop()ped; owner names whose PDU it is (may be NULL).
 * 0 or LUN_ENOMEM, in which case nothing was queued.
 */
int tx_add(struct tx *tx, struct pdu *pdu, const struct ahs *ahs,
	   const void *data, size_t len, const void *owner);

/* As tx_add(), with a copy of data (small things: login text, pings). */
int tx_add_copy(struct tx *tx, struct pdu *pdu, const void *data, size_t len);

size_t tx_queued(const struct tx *tx);	/* bytes not yet acked */
size_t tx_pdus(const struct tx *tx);	/* PDUs not completely acked */

/* PDUs are numbered from 1: the next one to be queued; has this one left, or
 * been dropped? */
uint64_t tx_next(const struct tx *tx);
bool tx_has_left(const struct tx *tx, uint64_t number);

/* True if a PDU of owner that is not completely acked borrows data. */
bool tx_borrows(const struct tx *tx, const void *owner);

/* Fills at most max iovecs with what is to be sent next; how many. They hold
 * until the next call of anything else here. */
int tx_iov(struct tx *tx, struct iovec *iov, int max);
void tx_ack(struct tx *tx, size_t n);	/* n bytes of these were sent */

/*
 * The owner is about to go away. Its PDUs of which no byte was sent and whose
 * opcode is Data-Out leave the queue. Other PDUs, and one that is partly sent,
 * stay (a SCSI Command has a CmdSN that must not be missing from the stream):
 * they get a private copy of what they borrow. 0 or LUN_ENOMEM: then the
 * connection has to be dropped, as its stream cannot be continued.
 */
int tx_drop(struct tx *tx, const void *owner);

#endif
