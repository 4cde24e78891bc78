/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PDUs of tasks that come from the target: each is checked against its task
 * before a byte of it is accepted. What does not fit is a protocol error, which
 * costs the connection, and completes nothing (RFC 7143 4.2.5.3).
 */
#include "base/bytes.h"
#include "session/session-impl.h"

static struct task *
task_of(struct leg *leg, const struct pdu *pdu)
{
	struct task *t = task_find(leg->s, pdu->initiator_task_tag);

	return t && t->leg == leg ? t : NULL;
}

/*
 * What nobody asked for: an error, but for two that are late: what a SNACK
 * asked for twice, or beyond what was lost; and what was under way here when
 * the response of a task management function, on another connection, ended its
 * task (4.2.3.3, 11.5.1).
 */
static int
unknown(struct leg *leg, const struct pdu *pdu)
{
	if (conn_counters(leg->conn)->snacks_sent > 0 ||
	    task_was_given_up(leg->s, pdu->initiator_task_tag))
		return 0;
	return conn_fail(leg->conn, LUN_EPROTO, "%s for an unknown task "
			 "(ITT 0x%08" PRIx32 ")", pdu_name(pdu->opcode),
			 pdu->initiator_task_tag);
}

/* RFC 7143 11.4.1: O and U exclude each other, and so do o and u. */
static bool
contradictory(const struct pdu *pdu)
{
	return (pdu->overflow && pdu->underflow) ||
	    (pdu->bidi_overflow && pdu->bidi_underflow);
}

/* ------------------------------------------------------------- Data-In -- */

static const char *
datain_wrong(const struct task *t, const struct pdu *pdu)
{
	const struct params *p = conn_params(t->leg->conn);
	const struct command *cmd = t->cmd;
	uint64_t end = (uint64_t)pdu->buffer_offset + pdu->data_segment_length;

	if (cmd->in_len == 0)
		return "the command reads nothing";
	if (end > cmd->in_len)
		return "it goes beyond the end of the buffer";
	if (p->DataPDUInOrder && p->DataSequenceInOrder &&
	    pdu->data_sn == t->exp_data_sn &&	/* else later, by ranges_add() */
	    pdu->buffer_offset != ranges_prefix(&t->in))
		return "the offset is out of order";
	if (pdu->has_status && !pdu->final)		/* 11.7.3 */
		return "status without F";
	if (pdu->has_status && contradictory(pdu))
		return "both overflow and underflow";
	if (pdu->has_status && cmd->out_len)
		return "status of a bidirectional command";
	if (pdu->has_status && pdu->status != SCSI_GOOD &&
	    pdu->status != SCSI_CONDITION_MET &&
	    pdu->status != SCSI_INTERMEDIATE &&
	    pdu->status != SCSI_INTERMEDIATE_MET)
		return "a status that needs a SCSI Response";
	return NULL;
}

int
datain_header(void *user, struct conn *c, const struct pdu *pdu, void **place)
{
	struct leg *leg = user;
	const char *wrong;
	int r;

	if (pdu->opcode == OP_TMF_RESPONSE)
		return 0;

	struct task *t = task_of(leg, pdu);

	if (!t)
		return unknown(leg, pdu);
	if (pdu->opcode != OP_DATA_IN || !t->cmd || snack_has(t, pdu->data_sn))
		return 0;
	if (pdu->data_sn != t->exp_data_sn &&
	    (r = snack_check(t, "Data-In with DataSN", pdu->data_sn)) < 0)
		return r;
	if ((wrong = datain_wrong(t, pdu)))
		return conn_fail(c, LUN_EPROTO, "Data-In (ITT 0x%08" PRIx32
				 ", offset %" PRIu32 ", length %" PRIu32 " of %"
				 PRIu32 "): %s", pdu->initiator_task_tag,
				 pdu->buffer_offset, pdu->data_segment_length,
				 t->cmd->in_len, wrong);
	*place = (uint8_t *)t->cmd->in + pdu->buffer_offset;
	return 0;
}

/* ------------------------------------------------------------ the end --- */

static void
take_residuals(struct command *cmd, const struct pdu *pdu)
{
	cmd->overflow = pdu->overflow;
	cmd->underflow = pdu->underflow;
	cmd->residual = pdu->residual_count;
	cmd->bidi_overflow = pdu->bidi_overflow;
	cmd->bidi_underflow = pdu->bidi_underflow;
	cmd->in_residual = pdu->bidi_residual_count;
}

/* The residual count says how much was to come (4.2.5.2). */
static bool
data_missing(const struct task *t)
{
	const struct command *cmd = t->cmd;
	bool bidi = cmd->in_len && cmd->out_len;
	bool under = bidi ? cmd->bidi_underflow : cmd->underflow;
	uint32_t residual = !under ? 0 : bidi ? cmd->in_residual : cmd->residual;

	return cmd->status == SCSI_GOOD && residual <= cmd->in_len &&
	    ranges_prefix(&t->in) < cmd->in_len - residual;
}

/* If less of it came a good status does not make that a success. */
static const char *
result_wrong(const struct task *t)
{
	const struct command *cmd = t->cmd;
	bool bidi = cmd->in_len && cmd->out_len;
	uint32_t total = cmd->out_len ? cmd->out_len : cmd->in_len;
	bool under = bidi ? cmd->bidi_underflow : cmd->underflow;
	uint32_t missing = bidi ? cmd->in_residual : cmd->residual;

	if (cmd->underflow && cmd->residual > total)
		return "a residual count above the expected length";
	if (cmd->status == SCSI_GOOD && !dataout_sent(t))
		return "GOOD for data that was never asked for, or not taken";
	if (cmd->in_len == 0 || cmd->status == SCSI_CHECK_CONDITION)
		return NULL;
	if (under && missing > cmd->in_len)
		return "a residual count above the expected length";
	return data_missing(t) ? "data is missing" : NULL;
}

/* The status in the command ends it. */
static void
conclude(struct task *t)
{
	struct command *cmd = t->cmd;
	const char *wrong;

	t->s->mute_since = 0;
	cmd->received = ranges_prefix(&t->in);
	if (cmd->response == RESPONSE_COMPLETED && (wrong = result_wrong(t))) {
		session_log(t->s, LUN_LOG_WARNING, "status 0x%02x (ITT 0x%08"
			    PRIx32 ", %" PRIu32 " of %" PRIu32 " bytes came, "
			    "residual %" PRIu32 "): %s", cmd->status,
			    t->initiator_task_tag, cmd->received, cmd->in_len,
			    cmd->residual, wrong);
		task_end(t, LUN_EPROTO);
		return;
	}
	task_end(t, 0);
}

/* As if with CHECK CONDITION and "Protocol Service CRC error": 7.8, 11.4.7.2 */
void
datain_lost(struct task *t)
{
	static const uint8_t sense[18] = {
		0x70, 0, 0x0b, [7] = 10, [12] = 0x47, 0x05,
	};
	struct command *cmd = t->cmd;

	cmd->status = SCSI_CHECK_CONDITION;
	memcpy(cmd->sense, sense, sizeof(sense));
	cmd->sense_len = sizeof(sense);
	cmd->response = RESPONSE_COMPLETED;
	cmd->status_qualifier = 0;
	cmd->overflow = cmd->underflow = false;
	cmd->bidi_overflow = cmd->bidi_underflow = false;
	conclude(t);
}

void
datain_snack_rejected(struct leg *leg, const struct pdu *bad)
{
	if (snack_rejected(leg->s, leg, bad) == SNACK_LOST)
		datain_lost(task_find(leg->s, bad->initiator_task_tag));
}

static int
take_status(struct task *t, const struct pdu *pdu)
{
	struct command *cmd = t->cmd;
	int r = 0;

	cmd->response = pdu->opcode == OP_DATA_IN ? RESPONSE_COMPLETED : pdu->response;
	cmd->status = pdu->status;
	take_residuals(cmd, pdu);
	if (mends(t->s) && cmd->response == RESPONSE_COMPLETED)
		r = snack_status(t, pdu, data_missing(t));
	if (r == 0)
		conclude(t);
	else if (r == SNACK_LOST)
		datain_lost(t);
	return r < 0 ? r : 0;
}

static int
on_data_in(struct task *t, const struct pdu *pdu)
{
	int r;

	if (!t->cmd || snack_has(t, pdu->data_sn))
		return 0;
	r = ranges_add(&t->in, pdu->buffer_offset,
		       pdu->buffer_offset + pdu->data_segment_length);
	if (r < 0)
		return conn_fail(t->leg->conn, r, "Data-In (ITT 0x%08" PRIx32
				 ", offset %" PRIu32 ", length %" PRIu32
				 "): the same bytes came twice",
				 pdu->initiator_task_tag, pdu->buffer_offset,
				 pdu->data_segment_length);
	if (mends(t->s))
		snack_sequence(t, pdu);
	if (pdu->data_sn == t->exp_data_sn && !t->mend.active)
		t->exp_data_sn++;
	else if ((r = snack_came(t, pdu->data_sn,
				 pdu->has_status ? pdu : NULL)) != 0)
		return r < 0 ? r : 0;
	if (pdu->acknowledge && mends(t->s))
		snack_acknowledge(t, pdu);
	if (pdu->has_status) {
		t->cmd->sense_len = 0;
		t->cmd->status_qualifier = 0;
		return take_status(t, pdu);
	}
	if (t->mend.active && snack_done(t, data_missing(t)))
		conclude(t);
	return 0;
}

/* --------------------------------------------------------- SCSI Response -- */

/* 11.4.7: two bytes of SenseLength, then the sense data. */
static void
take_sense(struct command *cmd, const struct pdu *pdu, const uint8_t *data)
{
	size_t len = pdu->data_segment_length, sense_len;

	cmd->sense_len = 0;
	if (len < 2)
		return;
	sense_len = get16(data);
	if (sense_len > len - 2)
		sense_len = len - 2;
	if (sense_len > SENSE_MAX)
		sense_len = SENSE_MAX;
	memcpy(cmd->sense, data + 2, sense_len);
	cmd->sense_len = (uint16_t)sense_len;
}

static int
on_scsi_response(struct task *t, const struct pdu *pdu, const uint8_t *data)
{
	struct conn *c = t->leg->conn;
	struct command *cmd = t->cmd;

	if (!cmd)
		return 0;
	if (contradictory(pdu))				/* 7.7 */
		return conn_fail(c, LUN_EPROTO, "SCSI Response with both "
				 "overflow and underflow (ITT 0x%08" PRIx32 ")",
				 pdu->initiator_task_tag);
	if (pdu->response == RESPONSE_COMPLETED &&
	    pdu->status == SCSI_CHECK_CONDITION && pdu->data_segment_length == 0)
		return conn_fail(c, LUN_EPROTO, "CHECK CONDITION without sense "
				 "data (ITT 0x%08" PRIx32 ")",	/* 7.7 */
				 pdu->initiator_task_tag);
	if (pdu->response == RESPONSE_COMPLETED && !mends(t->s) &&
	    sn_after(pdu->exp_data_sn, t->exp_data_sn))
		return conn_fail(c, LUN_EPROTO, "SCSI Response with ExpDataSN %"
				 PRIu32 ", but %" PRIu32 " came: PDUs were lost",
				 pdu->exp_data_sn, t->exp_data_sn);
	take_sense(cmd, pdu, data);
	cmd->status_qualifier = conn_params(c)->iSCSIProtocolLevel >= 2 ?
	    pdu->status_qualifier : 0;			/* RFC 7144 5.2.1 */
	return take_status(t, pdu);
}

int
datain_pdu(void *user, struct conn *c, const struct pdu *pdu,
	   const uint8_t *data, bool digest_ok)
{
	struct leg *leg = user;

	if (pdu->opcode == OP_TMF_RESPONSE)
		return tmf_response(leg->s, leg, pdu);

	struct task *t = task_of(leg, pdu);

	if (!t)
		return unknown(leg, pdu);
	if (pdu->opcode == OP_DATA_IN)
		return on_data_in(t, pdu);
	if (pdu->opcode == OP_R2T)
		return t->cmd ? dataout_r2t(t, pdu) : 0;
	return on_scsi_response(t, pdu, data);
}
