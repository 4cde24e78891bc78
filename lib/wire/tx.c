/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sender. A ring of items, one for each PDU; an item is up to three
 * stretches of bytes: head (BHS, AHS, header digest), data, tail (padding,
 * data digest). Invariants (tx_check()): size is 0 or a power of two; sent is
 * less than the length of the first item, and 0 if there is none; queued is
 * the sum of the lengths less sent.
 *
 * An item owns copy, which is NULL or what data points at.
 */
#include "wire/tx.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/digest.h"

enum { RING_SIZE_MIN = 16 };

struct item {
	const uint8_t *data;
	uint8_t *copy;
	const void *owner;
	uint64_t number;
	uint32_t data_len;
	uint16_t head_len;
	uint8_t tail_len;
	uint8_t opcode;
	uint8_t tail[3 + DIGEST_LEN];
	uint8_t head[BHS_LEN + AHS_ENCODED_MAX + DIGEST_LEN];
};

struct tx {
	bool header_digest, data_digest;
	struct item *ring;
	size_t size, first, count;
	size_t sent;			/* bytes of the first item */
	size_t queued;
	uint64_t last;			/* the number of the last one queued */
};

static struct item *
item_at(const struct tx *tx, size_t i)
{
	return &tx->ring[(tx->first + i) & (tx->size - 1)];
}

static size_t
item_len(const struct item *it)
{
	return it->head_len + it->data_len + it->tail_len;
}

static void
tx_check(const struct tx *tx)
{
	assert(tx->count <= tx->size && (tx->size & (tx->size - 1)) == 0);
	assert(tx->sent == 0 ||
	       (tx->count > 0 && tx->sent < item_len(item_at(tx, 0))));
	assert((tx->count == 0) == (tx->queued == 0));
}

int
tx_new(struct tx **out, struct lun_error *err)
{
	struct tx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return lun_fail(err, LUN_ENOMEM, "sender: out of memory");
	*out = tx;
	return 0;
}

struct tx *
tx_free(struct tx *tx)
{
	if (!tx)
		return NULL;
	for (size_t i = 0; i < tx->count; i++)
		free(item_at(tx, i)->copy);
	free(tx->ring);
	free(tx);
	return NULL;
}

void
tx_set_digests(struct tx *tx, bool header, bool data)
{
	tx->header_digest = header;
	tx->data_digest = data;
}

/* Makes room for one more item. */
static int
ring_reserve(struct tx *tx)
{
	if (tx->count < tx->size)
		return 0;

	size_t size = tx->size ? 2 * tx->size : RING_SIZE_MIN;
	struct item *ring = calloc(size, sizeof(*ring));
	if (!ring)
		return LUN_ENOMEM;
	for (size_t i = 0; i < tx->count; i++)
		ring[i] = *item_at(tx, i);
	free(tx->ring);
	tx->ring = ring;
	tx->size = size;
	tx->first = 0;
	return 0;
}

static void
fill_head(const struct tx *tx, struct item *it, struct pdu *pdu,
	  const struct ahs *ahs)
{
	size_t len = BHS_LEN;

	if (ahs)
		len += ahs_encode(ahs, it->head + BHS_LEN);
	pdu->total_ahs_length = (uint8_t)((len - BHS_LEN) / 4);
	assert(len == BHS_LEN || pdu_may_have_ahs(pdu->opcode));
	pdu_encode(pdu, it->head);
	if (tx->header_digest) {
		digest_put(digest_update(DIGEST_SEED, it->head, len),
			   it->head + len);
		len += DIGEST_LEN;
	}
	it->head_len = (uint16_t)len;
}

/* RFC 7143 11.1: padding is 0; 11.2.3: without data there is no digest. */
static void
fill_tail(const struct tx *tx, struct item *it)
{
	size_t pad = pad4(it->data_len);

	memset(it->tail, 0, pad);
	it->tail_len = (uint8_t)pad;
	if (tx->data_digest && it->data_len > 0) {
		uint32_t crc = digest_update(DIGEST_SEED, it->data,
					     it->data_len);

		digest_put(digest_update(crc, it->tail, pad), it->tail + pad);
		it->tail_len += DIGEST_LEN;
	}
}

int
tx_add(struct tx *tx, struct pdu *pdu, const struct ahs *ahs, const void *data,
       size_t len, const void *owner)
{
	tx_check(tx);
	assert(len <= DATA_SEGMENT_MAX);
	assert(len == 0 || pdu_may_have_data(pdu->opcode));
	if (ring_reserve(tx) < 0)
		return LUN_ENOMEM;

	struct item *it = item_at(tx, tx->count);
	it->opcode = pdu->opcode;
	it->owner = owner;
	it->number = ++tx->last;
	it->data = data;
	it->copy = NULL;
	it->data_len = (uint32_t)len;
	pdu->data_segment_length = (uint32_t)len;
	fill_head(tx, it, pdu, ahs);
	fill_tail(tx, it);
	tx->count++;
	tx->queued += item_len(it);
	return 0;
}

int
tx_add_copy(struct tx *tx, struct pdu *pdu, const void *data, size_t len)
{
	uint8_t *copy = NULL;

	if (len > 0) {
		if (!(copy = malloc(len)))
			return LUN_ENOMEM;
		memcpy(copy, data, len);
	}
	if (tx_add(tx, pdu, NULL, copy, len, NULL) < 0) {
		free(copy);
		return LUN_ENOMEM;
	}
	item_at(tx, tx->count - 1)->copy = copy;
	return 0;
}

size_t
tx_queued(const struct tx *tx)
{
	return tx->queued;
}

size_t
tx_pdus(const struct tx *tx)
{
	return tx->count;
}

uint64_t
tx_next(const struct tx *tx)
{
	return tx->last + 1;
}

bool
tx_has_left(const struct tx *tx, uint64_t number)
{
	return tx->count == 0 || number < item_at(tx, 0)->number;
}

static bool
item_borrows(const struct item *it)
{
	return it->data_len > 0 && !it->copy;
}

bool
tx_borrows(const struct tx *tx, const void *owner)
{
	assert(owner);
	for (size_t i = 0; i < tx->count; i++) {
		const struct item *it = item_at(tx, i);

		if (it->owner == owner && item_borrows(it))
			return true;
	}
	return false;
}

/* One iovec for what remains of a stretch when *skip bytes are left out. */
static int
add_iov(struct iovec *iov, const uint8_t *p, size_t len, size_t *skip)
{
	if (*skip >= len) {
		*skip -= len;
		return 0;
	}
	*iov = (struct iovec){
		(void *)(uintptr_t)(p + *skip), len - *skip,
	};
	*skip = 0;
	return 1;
}

int
tx_iov(struct tx *tx, struct iovec *iov, int max)
{
	size_t skip = tx->sent;
	int n = 0;

	tx_check(tx);
	for (size_t i = 0; i < tx->count; i++) {
		struct item *it = item_at(tx, i);

		if (n < max)
			n += add_iov(&iov[n], it->head, it->head_len, &skip);
		if (n < max)
			n += add_iov(&iov[n], it->data, it->data_len, &skip);
		if (n < max)
			n += add_iov(&iov[n], it->tail, it->tail_len, &skip);
		if (n == max)
			break;
	}
	return n;
}

void
tx_ack(struct tx *tx, size_t n)
{
	assert(n <= tx->queued);
	tx->queued -= n;
	tx->sent += n;
	while (tx->count > 0) {
		struct item *it = item_at(tx, 0);
		size_t len = item_len(it);

		if (tx->sent < len)
			break;
		tx->sent -= len;
		free(it->copy);
		tx->first = (tx->first + 1) & (tx->size - 1);
		tx->count--;
	}
	tx_check(tx);
}

int
tx_drop(struct tx *tx, const void *owner)
{
	size_t kept = 0;
	int r = 0;

	assert(owner);
	for (size_t i = 0; i < tx->count; i++) {
		struct item *it = item_at(tx, i);
		bool started = i == 0 && tx->sent > 0;

		if (it->owner == owner) {
			if (it->opcode == OP_DATA_OUT && !started) {
				tx->queued -= item_len(it);
				free(it->copy);
				continue;
			}
			if (item_borrows(it)) {
				it->copy = malloc(it->data_len);
				if (it->copy)
					memcpy(it->copy, it->data,
					       it->data_len);
				else
					r = LUN_ENOMEM;
				it->data = it->copy;
			}
			it->owner = NULL;
		}
		if (kept != i)
			*item_at(tx, kept) = *it;
		kept++;
	}
	tx->count = kept;
	tx_check(tx);
	return r;
}
