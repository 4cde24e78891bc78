/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of SCSI commands to the target (RFC 7143 11.7, 11.8): unsolicited and
 * solicited Data-Out.
 *
 * A command with an error still takes the data that was promised to come
 * before it answers (11.17.1); this data goes nowhere.
 */
#include <assert.h>
#include <string.h>

#include "t-priv.h"

/* One Data-Out seen from its sequence. */
struct sequence {
	struct task *task;
	struct r2t *r2t;		/* NULL: unsolicited */
};

static uint32_t
edtl(const struct task *k)
{
	return k->cmd.expected_data_transfer_length;
}

bool
data_settled(const struct task *k)
{
	return !k->unsolicited && k->r2ts == 0;
}

/* ------------------------------------------------------------ data out -- */

static void
send_r2t(struct task *k)
{
	struct tconn *c = k->conn;
	const uint32_t *v = c->session->values.v;
	struct r2t *r = &k->r2t[k->r2ts++];
	uint32_t left = k->out_len - k->next_r2t;
	struct pdu pdu = {
		.opcode = OP_R2T,
		.final = true,
		.lun = k->cmd.lun,
		.initiator_task_tag = k->cmd.initiator_task_tag,
		.target_transfer_tag = full_new_ttt(c->session),
		.stat_sn = c->stat_sn,		/* not advanced: 11.8.3 */
		.r2t_sn = k->r2t_sn++,
		.buffer_offset = k->next_r2t,
	};

	*r = (struct r2t){
		.ttt = pdu.target_transfer_tag,
		.offset = k->next_r2t,
		.len = left < v[K_MAX_BURST] ? left : v[K_MAX_BURST],
	};
	pdu.desired_data_transfer_length = r->len;
	k->next_r2t += r->len;
	conn_send(c, &pdu, NULL, 0, NULL);
}

void
data_progress(struct task *k)
{
	struct tlu *lu = k->lu;
	uint32_t max = k->session->values.v[K_MAX_R2T];

	if (k->state == TASK_DATA_OUT && !k->failed && !k->tmf)
		while (k->r2ts < max && k->r2ts < R2T_MAX &&
		       k->next_r2t < k->out_len)
			send_r2t(k);
	if (!data_settled(k))
		return;
	if (k->tmf) {			/* aborted; it waited for this */
		task_end(k);
		if (lu)
			task_schedule(lu);
		return;
	}
	if (k->state != TASK_DATA_OUT)
		return;
	if (!k->failed)
		scsi_execute(k);
	data_answer(k);
}

void
data_begin(struct task *k)
{
	uint32_t expected = k->cmd.write ? edtl(k) : 0;

	k->state = TASK_DATA_OUT;
	if (!k->failed)
		scsi_start(k);
	if (!k->failed && k->is_write) {
		k->out_len = k->wanted < expected ? k->wanted : expected;
		if (task_reserve(k, k->out_len) < 0)
			scsi_fail(k, 0x0b, 0x5500);
	}
	k->next_r2t = k->unsolicited ? k->unsolicited_end
				     : k->first_burst_got;
	data_progress(k);
}

static bool
find_sequence(const struct tconn *c, const struct pdu *pdu,
	      struct sequence *seq)
{
	struct task *k = task_find(c->session, pdu->initiator_task_tag);

	if (!k || k->conn != c)
		return false;
	seq->task = k;
	seq->r2t = NULL;
	if (pdu->target_transfer_tag == TAG_NONE)
		return k->unsolicited;
	for (unsigned i = 0; i < k->r2ts; i++)
		if (k->r2t[i].ttt == pdu->target_transfer_tag) {
			seq->r2t = &k->r2t[i];
			return true;
		}
	return false;
}

/* Within the sequence, and in order if that was agreed on: 13.18. */
static bool
range_fits(const struct sequence *seq, const struct pdu *pdu)
{
	const struct task *k = seq->task;
	bool in_order = k->session->values.v[K_PDU_IN_ORDER];
	uint32_t start, end, next, len = pdu->data_segment_length;

	if (seq->r2t) {
		start = seq->r2t->offset;
		end = start + seq->r2t->len;
		next = start + seq->r2t->got;
	} else {
		start = k->cmd.data_segment_length;
		end = k->unsolicited_end;
		next = k->first_burst_got;
	}
	if (in_order && pdu->buffer_offset != next)
		return false;
	return pdu->buffer_offset >= start && pdu->buffer_offset <= end &&
	       len <= end - pdu->buffer_offset;
}

/* Where the payload of a PDU belongs whose header has just come. */
void *
data_out_place(struct tconn *c, const struct pdu *pdu)
{
	uint32_t len = pdu->data_segment_length;
	struct sequence seq;
	struct task *k;

	if (len == 0)
		return NULL;
	if (pdu->opcode == OP_SCSI_COMMAND) {
		uint32_t size = pdu->expected_data_transfer_length;

		if (!pdu->write || len > size || c->incoming)
			return NULL;
		k = task_get(c->target);
		if (!k)
			return NULL;
		if (size > TRANSFER_MAX && len <= TRANSFER_MAX)
			size = TRANSFER_MAX;
		if (task_reserve(k, size) < 0) {
			task_put(k, c->target);
			return NULL;
		}
		c->incoming = k;
		return k->buf;
	}
	if (pdu->opcode != OP_DATA_OUT || !find_sequence(c, pdu, &seq) ||
	    !range_fits(&seq, pdu))
		return NULL;
	k = seq.task;
	if (k->failed || (uint64_t)pdu->buffer_offset + len > k->buf_size)
		return NULL;
	k->place.at = k->buf + pdu->buffer_offset;
	k->place.len = len;
	return k->buf + pdu->buffer_offset;
}

static void
close_r2t(struct task *k, struct r2t *r)
{
	*r = k->r2t[--k->r2ts];
}

/* Counts a PDU of the sequence; the sequence ends with F. */
static void
account(struct sequence *seq, const struct pdu *pdu)
{
	struct task *k = seq->task;
	struct r2t *r = seq->r2t;
	uint32_t len = pdu->data_segment_length;
	bool complete;

	if (r) {
		r->data_sn++;
		r->got += len;
		complete = r->got == r->len;
		if (pdu->final)
			close_r2t(k, r);
	} else {
		k->unsolicited_sn++;
		k->first_burst_got += len;
		complete = k->first_burst_got == k->unsolicited_end;
		if (pdu->final)
			k->unsolicited = false;
	}
	if (pdu->final && !complete && !k->tmf)
		scsi_fail(k, 0x0b, 0x0c0d);	/* 11.4.7.2, wrong amount */
}

void
data_out(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	 bool digest_ok)
{
	struct sequence seq;
	struct task *k;
	uint32_t sn, len = pdu->data_segment_length;

	if (!digest_ok)
		full_reject(c, pdu, REJECT_DATA_DIGEST);
	if (!find_sequence(c, pdu, &seq)) {
		/* data under way to a task that was aborted is no error */
		bool known = task_find(c->session, pdu->initiator_task_tag);

		if (digest_ok && (known || pdu->target_transfer_tag >=
						   c->session->next_ttt))
			full_reject(c, pdu, REJECT_INVALID_FIELD);
		return;
	}
	k = seq.task;
	k->place.at = NULL;
	sn = seq.r2t ? seq.r2t->data_sn : k->unsolicited_sn;
	if (!range_fits(&seq, pdu)) {
		full_reject(c, pdu, REJECT_INVALID_FIELD);
		scsi_fail(k, 0x0b, 0x0c0d);
	} else if (!digest_ok || pdu->data_sn != sn) {
		scsi_fail(k, 0x0b, 0x4705);	/* 7.8 b, 7.9 */
	} else if (!k->failed && data && data != k->buf + pdu->buffer_offset) {
		assert((uint64_t)pdu->buffer_offset + len <= k->buf_size);
		memcpy(k->buf + pdu->buffer_offset, data, len);
	}
	account(&seq, pdu);
	data_progress(k);
}
