/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See checker.h: the data of tasks, in both directions. */
#include <string.h>

#include "base/list.h"
#include "checked.h"

static uint32_t
at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* RFC 7143 11.7, 13.12: what one PDU may hold. */
static void
check_length(struct tap *t, enum side to, const struct pdu *pdu)
{
	uint32_t most = tap_key(t, to, KEY_MAX_RECV);

	if (pdu->data_segment_length > most)
		violated(t, pdu, "MaxRecvDataSegmentLength is %u", most);
}

static void
check_unsolicited(struct tap *t, struct checked_task *k, const struct pdu *pdu)
{
	uint32_t end = pdu->buffer_offset + pdu->data_segment_length;
	uint32_t most = at_most(tap_key(t, TARGET, KEY_FIRST_BURST), k->edtl);

	if (tap_key(t, TARGET, KEY_INITIAL_R2T))
		violated(t, pdu, "InitialR2T is Yes");		/* 13.10 */
	if (k->out_final)
		violated(t, pdu, "the first burst is over");	/* 11.7.1 */
	if (pdu->data_sn != k->out_data_sn++)			/* 11.7.5 */
		violated(t, pdu, "DataSN %u is next", k->out_data_sn - 1);
	if (pdu->buffer_offset != k->out_next)			/* 13.18 */
		violated(t, pdu, "offset %u is next", k->out_next);
	if (end > most)						/* 13.14 */
		violated(t, pdu, "the first burst ends at %u", most);
	k->out_next = end;
	k->out_final = pdu->final;
}

static unsigned
outstanding(const struct checked_task *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_r2ts; i++)
		n += !k->r2ts[i].stale;
	return n;
}

static void
drop_r2t(struct checked_task *k, unsigned i)
{
	memmove(&k->r2ts[i], &k->r2ts[i + 1],
		(--k->n_r2ts - i) * sizeof(*k->r2ts));
}

static void
check_solicited(struct tap *t, struct checked_task *k, const struct pdu *pdu)
{
	uint32_t end = pdu->buffer_offset + pdu->data_segment_length, i = 0;
	struct checked_r2t *r;

	while (i < k->n_r2ts && k->r2ts[i].ttt != pdu->target_transfer_tag)
		i++;
	if (i == k->n_r2ts && k->r2ts_dropped)
		return;
	if (i == k->n_r2ts)
		violated(t, pdu, "no R2T asked for it");	/* 11.7.4 */
	r = &k->r2ts[i];
	if (pdu->data_sn != r->data_sn++)			/* 11.7.5 */
		violated(t, pdu, "DataSN %u is next", r->data_sn - 1);
	if (pdu->buffer_offset != r->next || end > r->end)	/* 13.18 */
		violated(t, pdu, "%u to %u is next", r->next, r->end);
	r->next = end;
	if (pdu->final != (end == r->end))			/* 11.7.1 */
		violated(t, pdu, "F, and the R2T ends at %u", r->end);
	if (pdu->final)
		drop_r2t(k, i);
}

void
check_data_out(struct tap *t, struct checked_task *k, const struct pdu *pdu)
{
	check_length(t, TARGET, pdu);
	if (pdu->target_transfer_tag == TAG_NONE)
		check_unsolicited(t, k, pdu);
	else
		check_solicited(t, k, pdu);
}

void
check_data_in(struct tap *t, struct checked_task *k, const struct pdu *pdu)
{
	uint32_t end = pdu->buffer_offset + pdu->data_segment_length;

	check_length(t, INITIATOR, pdu);
	if (!k->read)
		violated(t, pdu, "the command does not read");
	if (pdu->data_sn != k->data_ins++)			/* 11.7.5 */
		violated(t, pdu, "DataSN %u is next", k->data_ins - 1);
	if (pdu->data_segment_length && pdu->buffer_offset != k->data_in_next)
		violated(t, pdu, "offset %u is next", k->data_in_next);
	if (end > k->edtl)
		violated(t, pdu, "it is beyond the end, %u", k->edtl);
	k->data_in_next = end;
}

/*
 * Those that are not outstanding any more, since the target waited too long for
 * them (13.17, 7.1.4.1). That cannot be seen, but another one shows it: for the
 * same data; or for what follows, as the data came for an older one.
 */
static void
expire_r2ts(struct checked_task *k, uint32_t offset, uint32_t length,
	    uint32_t most)
{
	for (unsigned i = 0; i < k->n_r2ts; i++)
		if (k->r2ts[i].end > offset &&
		    k->r2ts[i].next < offset + length)
			k->r2ts[i].stale = true;
	for (unsigned i = 0; i < k->n_r2ts && outstanding(k) >= most; i++)
		k->r2ts[i].stale = true;
}

static void
add_r2t(struct checked_task *k, const struct pdu *pdu)
{
	if (k->n_r2ts == R2TS_MAX) {
		k->r2ts_dropped = true;
		drop_r2t(k, 0);
	}
	k->r2ts[k->n_r2ts++] = (struct checked_r2t){
		.ttt = pdu->target_transfer_tag, .next = pdu->buffer_offset,
		.end = pdu->buffer_offset + pdu->desired_data_transfer_length,
	};
}

void
note_r2t(struct checked_task *k, const struct pdu *pdu)
{
	for (unsigned i = 0; i < k->n_r2ts; i++)
		if (k->r2ts[i].ttt == pdu->target_transfer_tag)
			return;			/* again */
	add_r2t(k, pdu);
}

void
check_r2t(struct tap *t, struct checked_task *k, const struct pdu *pdu)
{
	uint32_t length = pdu->desired_data_transfer_length;
	uint32_t most = tap_key(t, TARGET, KEY_MAX_R2T);

	if (!k->write)
		violated(t, pdu, "the command does not write");
	if (pdu->r2t_sn != k->r2t_sn++)				/* 11.8.3 */
		violated(t, pdu, "R2TSN %u is next", k->r2t_sn - 1);
	if (pdu->target_transfer_tag == TAG_NONE)		/* 11.8.5 */
		violated(t, pdu, "it has no tag");
	if (length == 0 || length > tap_key(t, TARGET, KEY_MAX_BURST))
		violated(t, pdu, "MaxBurstLength is %u",	/* 11.8.4 */
			 tap_key(t, TARGET, KEY_MAX_BURST));
	if (pdu->buffer_offset > k->edtl ||
	    length > k->edtl - pdu->buffer_offset)
		violated(t, pdu, "it is beyond the end, %u", k->edtl);
	if (tap_key(t, TARGET, KEY_ERL))
		expire_r2ts(k, pdu->buffer_offset, length, most);
	if (outstanding(k) >= most)				/* 13.17 */
		violated(t, pdu, "MaxOutstandingR2T is %u", most);
	add_r2t(k, pdu);
}
