/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of SCSI commands to the initiator (RFC 7143 11.7) in sequences, and the
 * status at the end.
 *
 * Which bytes a Data-In carries follows from its DataSN alone, so that it can
 * be sent again: a sequence ends at each multiple of MaxBurstLength, and no
 * PDU is longer than its run says. A new run begins when the initiator changes
 * its MaxRecvDataSegmentLength within a command.
 */
#include <string.h>

#include "t-priv.h"

/* -------------------------------------------------------------- status -- */

/* Residuals, 11.4.5: what the command moves against what was expected. */
static void
set_residual(const struct task *k, struct pdu *rsp)
{
	uint32_t edtl = k->cmd.expected_data_transfer_length;
	bool expects = k->is_write ? k->cmd.write : k->cmd.read;
	uint32_t want = expects ? edtl : 0;
	uint32_t has = k->failed ? 0 : k->wanted;

	if (k->failed || k->wanted == 0)
		want = edtl;
	rsp->overflow = has > want;
	rsp->underflow = has < want;
	rsp->residual_count = has > want ? has - want : want - has;
}

/* It has answered. What the initiator may ask for again stays. */
static void
retire(struct task *k, const struct pdu *rsp, const void *data, size_t len)
{
	struct tlu *lu = k->lu;

	if (!kept_add(k->conn, rsp, data, len, k))
		task_drain(k);
	if (lu)
		task_schedule(lu);
}

static void
send_status(struct task *k)
{
	struct tconn *c = k->conn;
	uint8_t data[2 + SENSE_LEN];
	size_t len = k->status == SCSI_CHECK_CONDITION ? sizeof(data) : 0;
	bool fenced;
	struct pdu rsp = {
		.opcode = OP_SCSI_RESPONSE,
		.final = true,
		.response = RESPONSE_COMPLETED,
		.status = k->status,
		.initiator_task_tag = k->cmd.initiator_task_tag,
		.snack_tag = k->snack_tag,
		.exp_data_sn = k->data_sn,
		.stat_sn = c->stat_sn++,
	};

	set_residual(k, &rsp);
	put16(data, SENSE_LEN);
	memcpy(data + 2, k->sense, SENSE_LEN);
	fenced = tmf_told(k, rsp.stat_sn);
	task_leave(k);		/* its slot is free with this response */
	c->ends = k;
	conn_send_copy(c, &rsp, data, len);
	c->ends = NULL;
	if (fenced)
		full_ping(c);
	retire(k, &rsp, data, len);
}

/* ---------------------------------------------------------------- data -- */

/* How much a PDU of this run carries that begins at offset. */
static uint32_t
cut(const struct task *k, const struct run *run, uint32_t offset)
{
	uint32_t max_burst = k->session->values.v[K_MAX_BURST];
	uint32_t len = k->in_len - offset;
	uint32_t burst = max_burst - offset % max_burst;

	if (len > burst)
		len = burst;
	return len < run->segment ? len : run->segment;
}

static const struct run *
run_of(const struct task *k, uint32_t data_sn)
{
	const struct run *run = &k->run[k->runs - 1];

	while (run->data_sn > data_sn && run > k->run)
		run--;
	return run;
}

/* Where the data of a PDU begins that was sent. */
uint32_t
data_offset(const struct task *k, uint32_t data_sn)
{
	const struct run *run = run_of(k, data_sn);
	uint32_t offset = run->offset;

	for (uint32_t sn = run->data_sn; sn < data_sn; sn++)
		offset += cut(k, run, offset);
	return offset;
}

/* 11.7.2: at the end of a burst, unless status asks for the same anyway. */
static void
ask_for_ack(struct task *k, struct pdu *pdu)
{
	if (k->ack_ttt == 0)
		k->ack_ttt = full_new_ttt(k->session);
	pdu->acknowledge = true;
	pdu->target_transfer_tag = k->ack_ttt;
	pdu->lun = k->cmd.lun;
}

static struct pdu
make_data_in(struct task *k, uint32_t data_sn, uint32_t offset, uint32_t len)
{
	struct session *s = k->session;
	struct pdu pdu = {
		.opcode = OP_DATA_IN,
		.initiator_task_tag = k->cmd.initiator_task_tag,
		.target_transfer_tag = TAG_NONE,
		.data_sn = data_sn,
		.buffer_offset = offset,
		.final = offset + len == k->in_len ||
			 (offset + len) % s->values.v[K_MAX_BURST] == 0,
	};

	if (offset + len == k->in_len && k->collapsed) {	/* 11.7.3 */
		pdu.has_status = true;
		pdu.status = k->status;
		pdu.stat_sn = k->stat_sn;
		set_residual(k, &pdu);
	} else if (pdu.final && keeps_responses(s)) {
		ask_for_ack(k, &pdu);
	}
	return pdu;
}

/* False: the initiator changes its limit too often within a command. */
static bool
have_run(struct task *k)
{
	uint32_t segment = k->conn->max_recv;

	if (k->runs > 0 && k->run[k->runs - 1].segment == segment)
		return true;
	if (k->runs == RUNS_MAX) {
		conn_end(k->conn, "MaxRecvDataSegmentLength changes too often");
		return false;
	}
	k->run[k->runs++] = (struct run){ k->data_sn, k->in_off, segment };
	return true;
}

/* With the last PDU of a command that went well comes its status. */
static bool
may_collapse(const struct task *k)
{
	return k->status == SCSI_GOOD && k->snack_tag == 0 &&
	       !k->conn->target->options.separate_status;
}

static void
data_in(struct task *k)
{
	struct tconn *c = k->conn;
	struct pdu pdu;
	uint32_t len;
	bool last;

	if (!have_run(k))
		return;
	len = cut(k, &k->run[k->runs - 1], k->in_off);
	last = k->in_off + len == k->in_len;
	if (last && may_collapse(k)) {
		k->collapsed = true;
		k->stat_sn = c->stat_sn++;
		task_leave(k);
		c->ends = k;
	}
	pdu = make_data_in(k, k->data_sn++, k->in_off, len);
	conn_send(c, &pdu, k->in + k->in_off, len, k);
	c->ends = NULL;
	k->in_off += len;
	if (k->collapsed) {
		retire(k, &pdu, NULL, 0);
	} else if (last) {
		list_del(&k->in_reading);
		send_status(k);
	}
}

void
data_pump(struct tconn *c)
{
	struct task *k;

	while (c->state == CONN_FULL && tx_queued(c->tx) < TX_HIGH &&
	       (k = list_first(&c->reading, struct task, in_reading)))
		data_in(k);
}

static void
begin(struct task *k)
{
	if (k->in_off == k->in_len) {
		send_status(k);
		return;
	}
	k->state = TASK_DATA_IN;
	list_append(&k->conn->reading, &k->in_reading);
	conn_wake(k->conn);
}

void
data_answer(struct task *k)
{
	uint32_t edtl = k->cmd.expected_data_transfer_length;

	if (k->failed || !k->cmd.read || k->is_write)
		k->in_len = 0;
	if (k->in_len > edtl)
		k->in_len = edtl;
	begin(k);
}

void
data_break_off(struct task *k)
{
	list_del(&k->in_reading);
	send_status(k);
}

/* --------------------------------------------------------------- again -- */

/* Exactly as they were: 11.16. */
void
data_resend(struct task *k, uint32_t data_sn, uint32_t count)
{
	uint32_t offset = data_offset(k, data_sn);

	for (; count > 0; count--, data_sn++) {
		uint32_t len = cut(k, run_of(k, data_sn), offset);
		struct pdu pdu = make_data_in(k, data_sn, offset, len);

		conn_send(k->conn, &pdu, k->in + offset, len, k);
		offset += len;
	}
}

/* What was not acknowledged is cut anew: 11.16.3, 11.5.6. */
void
data_rewind(struct task *k)
{
	k->in_off = k->acked_off;
	k->data_sn = k->acked_sn;
	k->run[0] = (struct run){ k->data_sn, k->in_off, k->conn->max_recv };
	k->runs = 1;
	k->collapsed = false;
}

/* All before this one has arrived, and is not needed any more. */
void
data_ack_until(struct task *k, uint32_t data_sn)
{
	k->acked_off = data_offset(k, data_sn);
	k->acked_sn = data_sn;
}

void
data_resume(struct task *k)
{
	data_rewind(k);
	begin(k);
}

/* All that is left, at once; its status is known already. */
void
data_send_rest(struct task *k)
{
	while (k->in_off < k->in_len && have_run(k)) {
		uint32_t len = cut(k, &k->run[k->runs - 1], k->in_off);
		struct pdu pdu = make_data_in(k, k->data_sn++, k->in_off, len);

		conn_send(k->conn, &pdu, k->in + k->in_off, len, k);
		k->in_off += len;
	}
}
