/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiver: a byte stream becomes PDUs. It reads nothing itself. rx_iov()
 * says where the next bytes belong, the caller puts some there, and rx_ack()
 * takes note of how many:
 *
 *	iov[0]	the rest of the payload under way, at its final place
 *		(only while a payload is being received)
 *	iov[1]	the staging buffer, which takes in the headers and whatever
 *		small PDUs follow: one readv() for many PDUs
 *
 * So a large payload is received where it belongs, and small ones are copied
 * once out of the staging buffer. How much of the staging buffer is offered
 * after a large payload is kept small, so that the next large payload is not
 * copied either.
 *
 * Phases of one PDU: the header (BHS, AHS, header digest), the payload, the tail
 * (padding, data digest); those that are empty fall through.
 *
 * The owner is asked where a payload belongs as soon as the header is known
 * to be good, and told of the PDU when all of it is there.
 */
#ifndef WIRE_RX_H
#define WIRE_RX_H

#include <sys/uio.h>

#include "wire/ahs.h"
#include "wire/pdu.h"

struct rx;

struct rx_ops {
	/*
	 * A header (its digest, if used, is right; it decoded) whose payload
	 * comes next; called also for a payload of 0 bytes. ahs is NULL unless
	 * the PDU is a SCSI Command that has some; it is valid during the call
	 * only. The owner checks the PDU against its state and may set *place
	 * to a buffer that takes pdu->data_segment_length bytes; left at NULL,
	 * the payload is kept in the receiver until the PDU is complete. A
	 * negative result stops the receiver for good and comes out of
	 * rx_ack().
	 */
	int (*header)(void *user, const struct pdu *pdu, const struct ahs *ahs,
		      void **place);
	/*
	 * The PDU is complete. data is the payload (in its place, or in the
	 * receiver and valid during the call only). digest_ok is false if the
	 * data digest did not match: the PDU is then to be treated as one that
	 * was never received (7.8). Negative results as above.
	 */
	int (*pdu)(void *user, const struct pdu *pdu, const uint8_t *data,
		   bool digest_ok);
};

/* max_data: our MaxRecvDataSegmentLength; longer PDUs are LUN_EPROTO. */
int rx_new(struct rx **out, const struct rx_ops *ops, void *user,
	   uint32_t max_data, struct lun_error *err);
struct rx *rx_free(struct rx *rx);

/* From the next PDU on; legal within ops->pdu(). LUN_ENOMEM possible. */
int rx_set_max_data(struct rx *rx, uint32_t max_data);
void rx_set_digests(struct rx *rx, bool header, bool data);

/* The buffers for the next readv(): 1 or 2, none empty. */
int rx_iov(struct rx *rx, struct iovec iov[2]);

/*
 * n > 0 bytes are there, in the order of the iovecs of the last rx_iov(). Runs
 * the callbacks. 0, or negative: LUN_EPROTO, LUN_EDIGEST (header digest), or
 * what a callback returned. After a negative result only rx_free() is legal.
 */
int rx_ack(struct rx *rx, size_t n);

/* What was wrong, after LUN_EPROTO, LUN_EDIGEST or LUN_ENOMEM of the receiver
 * itself; its code is 0 if the negative result came from a callback. */
const struct lun_error *rx_error(const struct rx *rx);

/*
 * The place given for the payload under way is about to go away (its task
 * ends): the rest of that payload is thrown away; ops->pdu() still comes, with
 * data NULL. Nothing happens if place is not the one in use.
 */
void rx_forget(struct rx *rx, const void *place, size_t len);

#endif
