/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage to what a connection sends, after its PDUs have become bytes and
 * their digests have been made. A patch is a mask over some bytes of the
 * stream; the sender's own memory is never touched.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fault-impl.h"
#include "wire/digest.h"

struct patch {
	struct list in_conn;
	uint64_t at;			/* byte of the stream */
	size_t len;
	uint8_t mask[BHS_LEN + DIGEST_LEN];
	uint8_t bytes[BHS_LEN + DIGEST_LEN];	/* that go out instead */
};

static struct patch *
add_patch(struct tconn *c, uint64_t at, size_t len)
{
	struct patch *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->at = at;
	p->len = len;
	list_append(&c->faults.patches, &p->in_conn);
	return p;
}

bool
has_digest(const struct tconn *c, enum tkey key)
{
	return c->state != CONN_LOGIN && c->session &&
	       c->session->values.v[key];
}

static void
header_digest(const uint8_t header[BHS_LEN], uint8_t out[DIGEST_LEN])
{
	digest_put(digest_update(DIGEST_SEED, header, BHS_LEN), out);
}

/* The header as it is, and as it is to be; its digest covers the lie. */
static void
lie_about_header(struct tconn *c, const struct pdu *pdu, uint64_t start,
		 const struct verdict *v)
{
	bool digest = has_digest(c, K_HEADER_DIGEST);
	uint8_t truth[BHS_LEN + DIGEST_LEN], lie[BHS_LEN + DIGEST_LEN];
	const struct fault_rule *r;
	struct patch *p;

	if (!(v->kinds & (1u << FAULT_BYTE | 1u << FAULT_LENGTH)))
		return;
	p = add_patch(c, start, BHS_LEN + (digest ? DIGEST_LEN : 0));
	if (!p)
		return;
	pdu_encode(pdu, truth);
	memcpy(lie, truth, BHS_LEN);
	if (v->kinds & 1u << FAULT_LENGTH) {
		r = v->by[FAULT_LENGTH];
		put24(lie + 5, (uint32_t)(r->sign ? get24(lie + 5) +
			(uint64_t)r->sign * r->value : r->value) & 0xffffff);
	}
	if (v->kinds & 1u << FAULT_BYTE) {
		r = v->by[FAULT_BYTE];
		lie[r->number[0]] = (uint8_t)r->value;
	}
	header_digest(truth, truth + BHS_LEN);
	header_digest(lie, lie + BHS_LEN);
	for (size_t i = 0; i < p->len; i++)
		p->mask[i] = truth[i] ^ lie[i];
}

/* One bit; what has no such part stays whole. */
static void
corrupt(struct tconn *c, const struct pdu *pdu, uint64_t start, uint64_t end,
	const struct fault_rule *r)
{
	uint32_t len = pdu->data_segment_length;
	bool digest = has_digest(c, K_HEADER_DIGEST);
	uint64_t data = start + BHS_LEN + (digest ? DIGEST_LEN : 0);
	uint64_t at = 0;
	struct patch *p;

	switch ((enum fault_part)r->number[0]) {
	case PART_HEADER:
		at = start + 40;	/* a number, not a length */
		break;
	case PART_HEADER_DIGEST:
		at = digest ? start + BHS_LEN : 0;
		break;
	case PART_DATA:
		at = len ? data + len / 2 : 0;
		break;
	case PART_DATA_DIGEST:
		at = len && has_digest(c, K_DATA_DIGEST) ? end - 1 : 0;
		break;
	}
	p = at ? add_patch(c, at, 1) : NULL;
	if (p)
		p->mask[0] = 0x10;
}

void
damage_stream(struct tconn *c, const struct pdu *pdu, uint64_t start,
	      const struct verdict *v)
{
	uint64_t end = c->acked + tx_queued(c->tx);

	lie_about_header(c, pdu, start, v);
	if (v->kinds & 1u << FAULT_CORRUPT)
		corrupt(c, pdu, start, end, v->by[FAULT_CORRUPT]);
	if (v->kinds & 1u << FAULT_CUT) {
		uint64_t at = start + v->by[FAULT_CUT]->number[0];

		at = at < end ? at : end;
		if (at < c->faults.ends)
			c->faults.ends = at;
	}
}

/* How many of the iovecs hold the first len bytes; the last one is cut. */
static int
cut_iov(struct iovec *iov, int count, uint64_t len)
{
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len >= len) {
			iov[i].iov_len = len;
			return len ? i + 1 : i;
		}
		len -= iov[i].iov_len;
	}
	return count;
}

/* Up to the next damage as it is; at it, what goes out instead. */
int
fault_tx_iov(struct tconn *c, struct iovec *iov, int count)
{
	struct patch *p = list_first(&c->faults.patches, struct patch, in_conn);

	if (c->acked >= c->faults.ends) {
		conn_kill(c, "a fault has cut it");
		return 0;
	}
	count = cut_iov(iov, count, c->faults.ends - c->acked);
	if (!p || count == 0)
		return count;
	if (c->acked < p->at)
		return cut_iov(iov, count, p->at - c->acked);

	size_t off = c->acked - p->at, n = p->len - off;
	const uint8_t *from = iov[0].iov_base;

	if (n > iov[0].iov_len)
		n = iov[0].iov_len;
	for (size_t i = 0; i < n; i++)
		p->bytes[i] = from[i] ^ p->mask[off + i];
	iov[0] = (struct iovec){ p->bytes, n };
	return 1;
}

void
fault_tx_ack(struct tconn *c)
{
	struct patch *p;

	while ((p = list_first(&c->faults.patches, struct patch, in_conn)) &&
	       p->at + p->len <= c->acked) {
		list_del(&p->in_conn);
		free(p);
	}
}

void
fault_conn_init(struct tconn *c)
{
	list_init(&c->faults.patches);
	c->faults.ends = UINT64_MAX;
}

void
fault_conn_deinit(struct tconn *c)
{
	struct patch *p;

	if (c->target->faults)
		hold_forget(c);
	list_for_each(p, &c->faults.patches, struct patch, in_conn)
		free(p);
	free(c->faults.seen);
}
