/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiver. Invariants (rx_check()):
 *
 *	- stage[start..end) are bytes that are received and not yet consumed.
 *	  rx_ack() consumes all it can, so that what stays is a part of a
 *	  header or of a tail, never payload.
 *	- RX_HEADER: BHS, AHS and header digest are waited for as a whole and
 *	  are read where they lie in the stage.
 *	- RX_PAYLOAD: left > 0 bytes are to come to dst.
 *	- RX_TAIL: padding and data digest, again as a whole.
 *
 * Memory: the stage, and a scratch of the size of our MaxRecvDataSegmentLength
 * for payloads without a place; nothing is allocated for a PDU.
 */
#include "wire/rx.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "wire/digest.h"

enum {
	STAGE_SIZE	= 64 * 1024,
	/* From this size on it pays not to copy payloads, ... */
	LARGE_PAYLOAD	= 16 * 1024,
	/* ... so that after one only this much is read beyond what is known. */
	SHORT_STRETCH	= 4 * 1024,
	HEADER_LEN_MAX	= BHS_LEN + AHS_LEN_MAX + DIGEST_LEN,
};

_Static_assert((int)HEADER_LEN_MAX <= (int)SHORT_STRETCH,
	       "the stage can always take in a whole header");

enum phase { RX_HEADER, RX_PAYLOAD, RX_TAIL };

struct rx {
	const struct rx_ops *ops;
	void *user;
	struct lun_error err;
	bool dead;			/* a result was negative */

	/* what holds for the next PDU */
	uint32_t max_data;
	bool header_digest, next_data_digest;
	uint8_t *next_scratch;		/* NULL: scratch is large enough */
	size_t next_scratch_size;

	/* the PDU under way */
	enum phase phase;
	struct pdu pdu;
	bool data_digest;
	bool forgotten;			/* its place went away */
	uint8_t *place;			/* of the whole payload; or scratch */
	uint8_t *dst;
	size_t left;
	uint32_t crc;

	bool large;			/* the last payload was */
	size_t offered;			/* bytes of payload that rx_iov() asked for */
	uint8_t *scratch;
	size_t scratch_size;
	size_t start, end;
	uint8_t stage[STAGE_SIZE];
};

static void
rx_check(const struct rx *rx)
{
	assert(!rx->dead);
	assert(rx->start <= rx->end && rx->end <= STAGE_SIZE);
	assert((rx->phase == RX_PAYLOAD) == (rx->left > 0));
	assert(rx->phase != RX_PAYLOAD || rx->start == rx->end);
	assert(rx->end - rx->start < HEADER_LEN_MAX);
}

int
rx_new(struct rx **out, const struct rx_ops *ops, void *user,
       uint32_t max_data, struct lun_error *err)
{
	struct rx *rx = malloc(sizeof(*rx));

	if (rx) {
		/* the stage needs no zeroes */
		memset(rx, 0, offsetof(struct rx, stage));
		rx->ops = ops;
		rx->user = user;
	}
	if (!rx || rx_set_max_data(rx, max_data) < 0) {
		rx_free(rx);
		return lun_fail(err, LUN_ENOMEM, "receiver: out of memory");
	}
	*out = rx;
	return 0;
}

struct rx *
rx_free(struct rx *rx)
{
	if (rx) {
		free(rx->next_scratch);
		free(rx->scratch);
		free(rx);
	}
	return NULL;
}

/*
 * The scratch may be in use, also as the data of the ops->pdu() that calls us.
 * A larger one is got ready here, where it may fail, and is taken into use
 * with the next header.
 */
int
rx_set_max_data(struct rx *rx, uint32_t max_data)
{
	assert(max_data <= DATA_SEGMENT_MAX);
	if (max_data > rx->scratch_size && max_data > rx->next_scratch_size) {
		uint8_t *scratch = malloc(max_data);

		if (!scratch)
			return LUN_ENOMEM;
		free(rx->next_scratch);
		rx->next_scratch = scratch;
		rx->next_scratch_size = max_data;
	}
	rx->max_data = max_data;
	return 0;
}

void
rx_set_digests(struct rx *rx, bool header, bool data)
{
	rx->header_digest = header;
	rx->next_data_digest = data;
}

const struct lun_error *
rx_error(const struct rx *rx)
{
	return &rx->err;
}

/* The length of what RX_HEADER waits for; BHS_LEN while that is not known. */
static size_t
header_len(const struct rx *rx)
{
	if (rx->end - rx->start < BHS_LEN)
		return BHS_LEN;
	/*
	 * Without a header digest a PDU that may have no AHS is judged at once:
	 * it may be no PDU at all, and nothing more may come. With one, the AHS
	 * length may be wrong; that shows when it has come, and it is never far
	 * away.
	 */
	if (!rx->header_digest &&
	    !pdu_may_have_ahs(rx->stage[rx->start] & 0x3f))
		return BHS_LEN;
	return BHS_LEN + rx->stage[rx->start + 4] * 4u +
	       (rx->header_digest ? DIGEST_LEN : 0);
}

static size_t
tail_len(const struct rx *rx)
{
	size_t len = rx->pdu.data_segment_length;

	return len == 0 ? 0 : /* RFC 7143 11.2.3: no data, no digest */
	       pad4(len) + (rx->data_digest ? DIGEST_LEN : 0);
}

/* RFC 7143 7.7: PDUs that are not built as they must be are format errors. */
static int
check_lengths(struct rx *rx)
{
	const struct pdu *pdu = &rx->pdu;

	if (pdu->total_ahs_length > 0 && !pdu_may_have_ahs(pdu->opcode))
		return lun_fail(&rx->err, LUN_EPROTO, "%s with TotalAHSLength "
				"%u", pdu_name(pdu->opcode),
				pdu->total_ahs_length);
	if (pdu->data_segment_length > 0 && !pdu_may_have_data(pdu->opcode))
		return lun_fail(&rx->err, LUN_EPROTO, "%s with "
				"DataSegmentLength %u", pdu_name(pdu->opcode),
				pdu->data_segment_length);
	if (pdu->data_segment_length > rx->max_data)
		return lun_fail(&rx->err, LUN_EPROTO, "%s with "
				"DataSegmentLength %u, our limit is %u",
				pdu_name(pdu->opcode),
				pdu->data_segment_length, rx->max_data);
	return 0;
}

static int
decode_header(struct rx *rx, const uint8_t *p, size_t len, struct ahs *ahs)
{
	if (rx->header_digest) {
		len -= DIGEST_LEN;
		/* 7.8: where the next PDU begins is not known any more */
		if (!digest_matches(digest_update(DIGEST_SEED, p, len),
				    p + len))
			return lun_fail(&rx->err, LUN_EDIGEST,
					"header digest error");
	}

	int r = pdu_decode(&rx->pdu, p, &rx->err);
	if (r == 0)
		r = check_lengths(rx);
	if (r == 0 && len > BHS_LEN)
		r = ahs_decode(ahs, p + BHS_LEN, len - BHS_LEN, &rx->err);
	return r;
}

/* The header is complete in the stage. */
static int
got_header(struct rx *rx, size_t len)
{
	const uint8_t *p = rx->stage + rx->start;
	void *place = NULL;
	struct ahs ahs;

	int r = decode_header(rx, p, len, &ahs);
	if (r < 0)
		return r;
	rx->start += len;
	if (rx->next_scratch) {
		free(rx->scratch);
		rx->scratch = take(rx->next_scratch);
		rx->scratch_size = rx->next_scratch_size;
	}
	rx->data_digest = rx->next_data_digest;
	r = rx->ops->header(rx->user, &rx->pdu,
			    rx->pdu.total_ahs_length > 0 ? &ahs : NULL, &place);
	if (r < 0)
		return r;

	rx->forgotten = false;
	rx->place = place ? place : rx->scratch;
	rx->dst = rx->place;
	rx->left = rx->pdu.data_segment_length;
	rx->crc = DIGEST_SEED;
	rx->phase = rx->left > 0 ? RX_PAYLOAD : RX_TAIL;
	return 0;
}

/* n bytes of payload are at dst. */
static void
got_payload(struct rx *rx, size_t n)
{
	if (rx->data_digest)
		rx->crc = digest_update(rx->crc, rx->dst, n);
	rx->dst += n;
	rx->left -= n;
	if (rx->left == 0)
		rx->phase = RX_TAIL;
}

/* Padding and data digest are complete in the stage, and so is the PDU. */
static int
got_tail(struct rx *rx, size_t len)
{
	const uint8_t *p = rx->stage + rx->start;
	const uint8_t *data = rx->forgotten ? NULL : rx->place;
	bool digest_ok = true;

	if (len > 0 && rx->data_digest) {
		size_t pad = len - DIGEST_LEN;	/* 13.1: it is covered too */

		digest_ok = digest_matches(digest_update(rx->crc, p, pad),
					   p + pad);
	}
	if (rx->pdu.data_segment_length > 0)
		rx->large = rx->pdu.data_segment_length >= LARGE_PAYLOAD;
	rx->start += len;
	rx->place = NULL;
	rx->phase = RX_HEADER;
	return rx->ops->pdu(rx->user, &rx->pdu, data, digest_ok);
}

/* Consumes a piece of the stage: 1, or 0 if more has to come. */
static int
rx_step(struct rx *rx)
{
	size_t have = rx->end - rx->start, want;
	int r = 0;

	switch (rx->phase) {
	case RX_HEADER:
		want = header_len(rx);
		if (have < BHS_LEN || have < want)
			return 0;
		r = got_header(rx, want);
		break;
	case RX_PAYLOAD:
		if (have == 0)
			return 0;
		want = have < rx->left ? have : rx->left;
		memcpy(rx->dst, rx->stage + rx->start, want);
		rx->start += want;
		got_payload(rx, want);
		break;
	case RX_TAIL:
		want = tail_len(rx);
		if (have < want)
			return 0;
		r = got_tail(rx, want);
		break;
	}
	return r < 0 ? r : 1;
}

int
rx_iov(struct rx *rx, struct iovec iov[2])
{
	size_t kept = rx->end - rx->start, stretch = STAGE_SIZE - kept;
	int n = 0;

	rx_check(rx);
	if (rx->start > 0) {	/* little is left: a part of a header */
		memmove(rx->stage, rx->stage + rx->start, kept);
		rx->start = 0;
		rx->end = kept;
	}
	rx->offered = rx->left;
	if (rx->left > 0)
		iov[n++] = (struct iovec){ rx->dst, rx->left };
	if (rx->phase == RX_HEADER ? rx->large :
	    rx->pdu.data_segment_length >= LARGE_PAYLOAD)
		stretch = SHORT_STRETCH;
	iov[n++] = (struct iovec){ rx->stage + rx->end, stretch };
	return n;
}

int
rx_ack(struct rx *rx, size_t n)
{
	size_t direct = n < rx->offered ? n : rx->offered;
	int r;

	rx_check(rx);
	assert(n > 0 && rx->offered == rx->left);
	assert(n - direct <= STAGE_SIZE - rx->end);
	rx->offered = 0;
	rx->end += n - direct;
	if (direct > 0)
		got_payload(rx, direct);
	do
		r = rx_step(rx);
	while (r > 0);
	if (r < 0)
		rx->dead = true;
	else
		rx_check(rx);
	return r;
}

void
rx_forget(struct rx *rx, const void *place, size_t len)
{
	uintptr_t p = (uintptr_t)rx->place;

	if (rx->phase == RX_HEADER || rx->forgotten ||
	    p < (uintptr_t)place || p - (uintptr_t)place >= len)
		return;
	/* The rest is received, for the digest, but elsewhere. */
	rx->dst = rx->scratch + (rx->dst - rx->place);
	rx->place = rx->scratch;
	rx->forgotten = true;
}
