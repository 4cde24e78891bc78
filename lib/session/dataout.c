/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Data to the target, RFC 7143 4.2.5.2: immediate data with the command, one
 * unsolicited burst behind it, and a burst for each R2T, in the order of the
 * R2Ts of a task. A burst is cut into Data-Out PDUs straight from the
 * command's buffer.
 */
#include <assert.h>

#include "session/session-impl.h"

static const struct params *
params_of(const struct task *t)
{
	return conn_params(t->leg->conn);
}

static uint32_t
min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Bytes in one PDU of this length left: filled to words but for the last. */
static uint32_t
segment(const struct task *t, uint32_t left)
{
	uint32_t max = params_of(t)->TargetMaxRecvDataSegmentLength;

	return left <= max ? left : max & ~3u;	/* 11.7.7 */
}

static struct burst *
add_burst(struct task *t, uint32_t target_transfer_tag, uint32_t offset,
	  uint32_t end)
{
	unsigned i = (t->first_burst + t->n_bursts++) % R2T_MAX;

	assert(t->n_bursts <= R2T_MAX);
	t->bursts[i] = (struct burst){ target_transfer_tag, offset, end, 0 };
	return &t->bursts[i];
}

static bool
is_solicited(const struct burst *b)
{
	return b->target_transfer_tag != TAG_NONE;
}

/* For its first burst, if it has one. */
static void
line_up(struct task *t)
{
	if (t->n_bursts > 0 && !t->muted)
		list_append(is_solicited(&t->bursts[t->first_burst]) ?
			    &t->leg->solicited : &t->leg->unsolicited,
			    &t->sending);
}

static bool
was_sent(const struct task *t, uint32_t offset, uint32_t len)
{
	return len == 0 || (ranges_has(&t->out, offset) &&
			    ranges_end(&t->out, offset) >= offset + len);
}

/* These bytes are given to the connection, in its next PDU. */
static void
note_sent(struct task *t, uint32_t offset, uint32_t len)
{
	if (was_sent(t, offset, len))
		return;
	t->out_last = conn_next_tx(t->leg->conn);
	if (ranges_cover(&t->out, offset, offset + len) < 0)
		conn_fail(t->leg->conn, LUN_ENOMEM, "out of memory");
}

bool
dataout_sent(const struct task *t)
{
	const struct command *cmd = t->cmd;
	uint32_t taken = cmd->out_len;

	if (cmd->underflow)
		taken -= min32(cmd->residual, taken);
	return ranges_prefix(&t->out) >= taken &&
	    conn_has_left(t->leg->conn, t->out_last);
}

uint32_t
dataout_immediate(struct task *t)
{
	const struct params *p = params_of(t);

	if (!p->ImmediateData)
		return 0;

	uint32_t max = min32(p->FirstBurstLength, p->TargetMaxRecvDataSegmentLength);
	uint32_t len = t->cmd->out_len <= max ? t->cmd->out_len : max & ~3u;

	note_sent(t, 0, len);
	return len;
}

/* If any, then all of FirstBurstLength or of the data (4.2.5.2). */
bool
dataout_unsolicited(struct task *t, uint32_t immediate)
{
	const struct params *p = params_of(t);
	uint32_t end = min32(p->FirstBurstLength, t->cmd->out_len);

	if (p->InitialR2T || immediate >= end)
		return false;
	add_burst(t, TAG_NONE, immediate, end);
	line_up(t);
	return true;
}

/* Another burst follows the one that is sent: where the task stands now. */
static void
next_burst(struct task *t)
{
	t->first_burst = (t->first_burst + 1) % R2T_MAX;
	t->n_bursts--;
	list_del(&t->sending);
	line_up(t);
}

void
dataout_send(struct task *t)
{
	assert(t->n_bursts > 0);

	struct burst *b = &t->bursts[t->first_burst];
	uint32_t len = segment(t, b->end - b->offset);
	bool solicited = is_solicited(b);
	struct pdu pdu = {
		.opcode = OP_DATA_OUT, .final = b->offset + len == b->end,
		.lun = solicited ? t->cmd->lun : 0,	/* 11.7.4 */
		.initiator_task_tag = t->initiator_task_tag,
		.target_transfer_tag = b->target_transfer_tag,
		.data_sn = b->data_sn++,
		.buffer_offset = b->offset,
	};
	const uint8_t *data = (const uint8_t *)t->cmd->out + b->offset;

	note_sent(t, b->offset, len);
	b->offset += len;
	if (pdu.final)
		next_burst(t);
	conn_send(t->leg->conn, &pdu, NULL, data, len, t);
}

/* What may be wrong with an R2T: 4.2.5.3, 11.8, 11.8.4, 11.8.5 */
static const char *
r2t_wrong(const struct task *t, const struct pdu *pdu)
{
	uint64_t end = (uint64_t)pdu->buffer_offset +
	    pdu->desired_data_transfer_length;
	uint32_t outstanding = t->n_bursts;

	if (outstanding && !is_solicited(&t->bursts[t->first_burst]))
		outstanding--;
	if (t->cmd->out_len == 0)
		return "the command has no data to send";
	if (pdu->lun != t->cmd->lun)
		return "the LUN is another one";
	if (pdu->target_transfer_tag == TAG_NONE)
		return "the Target Transfer Tag is the reserved one";
	if (pdu->desired_data_transfer_length == 0)
		return "it asks for no data";
	if (pdu->desired_data_transfer_length > params_of(t)->MaxBurstLength)
		return "it asks for more than MaxBurstLength";
	if (end > t->cmd->out_len)
		return "it asks for data beyond the end";
	/* recovery R2Ts (11.8) may cross with our data */
	if ((outstanding >= params_of(t)->MaxOutstandingR2T && !mends(t->s)) ||
	    t->n_bursts == R2T_MAX)
		return "more R2Ts than MaxOutstandingR2T";
	return NULL;
}

int
dataout_r2t(struct task *t, const struct pdu *pdu)
{
	struct conn *c = t->leg->conn;
	const char *wrong;
	int r;

	if (t->resumes && t->cmd->in_len == 0)	/* 7.2.2: it goes on from here */
		t->exp_data_sn = pdu->r2t_sn;
	t->resumes = false;
	if (snack_has(t, pdu->r2t_sn))
		return 0;		/* a duplicate, 7.9 */
	if (pdu->r2t_sn != t->exp_data_sn &&
	    (r = snack_check(t, "R2T with R2TSN", pdu->r2t_sn)) < 0)
		return r;
	if ((wrong = r2t_wrong(t, pdu)))
		return conn_fail(c, LUN_EPROTO, "R2T (ITT 0x%08" PRIx32
				 ", offset %" PRIu32 ", length %" PRIu32 " of %"
				 PRIu32 "): %s", pdu->initiator_task_tag,
				 pdu->buffer_offset,
				 pdu->desired_data_transfer_length,
				 t->cmd->out_len, wrong);
	if (pdu->r2t_sn == t->exp_data_sn && !t->mend.active)
		t->exp_data_sn++;
	else if ((r = snack_came(t, pdu->r2t_sn, NULL)) < 0)
		return r;
	if (t->mend.status)
		return 0;		/* it came late: the task is over */
	add_burst(t, pdu->target_transfer_tag, pdu->buffer_offset,
		  pdu->buffer_offset + pdu->desired_data_transfer_length);
	if (t->n_bursts == 1)
		line_up(t);
	session_stir(t->s);
	return 0;
}

void
dataout_drop(struct task *t)
{
	list_del(&t->sending);
	t->n_bursts = 0;
}

/*
 * Async event 5: no more data for the R2Ts of this unit here (11.9.1). What is
 * unsolicited goes on: its command may be one that the target had not seen yet,
 * and no other data would follow.
 */
void
dataout_stop(struct leg *leg, uint64_t lun)
{
	struct task *t;

	list_for_each(t, &leg->s->running, struct task, link) {
		if (t->leg != leg || !t->cmd || t->cmd->lun != lun ||
		    t->n_bursts == 0)
			continue;
		if (!is_solicited(&t->bursts[t->first_burst])) {
			t->n_bursts = 1;
			continue;
		}
		dataout_drop(t);
	}
}

void
dataout_mute(struct task *t, bool muted)
{
	list_del(&t->sending);
	t->muted = muted;
	line_up(t);
}

/* What is queued of it leaves, and what was sent counts no more. */
void
dataout_restart(struct task *t)
{
	dataout_drop(t);
	ranges_clear(&t->out);
	conn_release(t->leg->conn, t, NULL, 0);
}
