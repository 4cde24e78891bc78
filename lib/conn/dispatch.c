/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Target PDUs: where their data belongs, the numbers that they carry, and who
 * handles them. A PDU whose data digest is wrong counts as never received:
 * not even its numbers are looked at (RFC 7143 7.8).
 */
#include "conn/conn-impl.h"
#include "wire/print.h"

static int
on_task_pdu(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	return c->cfg.ops->pdu(c->cfg.user, c, pdu, data, true);
}

/* RFC 7143 11.2.1.2: what a target sends, and when. */
static const struct incoming {
	unsigned states;		/* in which it is legal */
	bool of_task;			/* the session knows where data belongs */
	int (*handle)(struct conn *c, const struct pdu *pdu, const uint8_t *data);
} incoming[64] = {
	[OP_LOGIN_RESPONSE]	= { CONN_IN_LOGIN, false, login_phase_pdu },
	[OP_NOP_IN]		= { CONN_FULL_FEATURE, false, on_nop_in },
	[OP_SCSI_RESPONSE]	= { CONN_FULL_FEATURE, true, on_task_pdu },
	[OP_TMF_RESPONSE]	= { CONN_FULL_FEATURE, true, on_task_pdu },
	[OP_TEXT_RESPONSE]	= { CONN_FULL_FEATURE, false, on_text_response },
	[OP_DATA_IN]		= { CONN_FULL_FEATURE, true, on_task_pdu },
	[OP_LOGOUT_RESPONSE]	= { CONN_FULL_FEATURE, false, on_logout_response },
	[OP_R2T]		= { CONN_FULL_FEATURE, true, on_task_pdu },
	[OP_ASYNC_MESSAGE]	= { CONN_FULL_FEATURE, false, on_async },
	[OP_REJECT]		= { CONN_FULL_FEATURE, false, on_reject },
};

static int
got_header(void *user, const struct pdu *pdu, const struct ahs *ahs, void **place)
{
	struct conn *c = user;
	const struct incoming *in = &incoming[pdu->opcode & 0x3f];

	if (env_logs(c->cfg.env, LUN_LOG_TRACE)) {
		char line[400];

		conn_log(c, LUN_LOG_TRACE, "< %s",
			 pdu_print(pdu, line, sizeof(line)));
	}
	if (!(in->states & c->state))
		return conn_fail(c, LUN_EPROTO, "%s in state %s",
				 pdu_name(pdu->opcode), conn_state_name(c));
	if (in->of_task)
		return c->cfg.ops->header(c->cfg.user, c, pdu, place);
	return 0;
}

/* Does this PDU use up a StatSN? RFC 7143 4.2.2.2, 11.7.3, 11.19.2 */
static bool
has_status(const struct pdu *pdu)
{
	switch (pdu->opcode) {
	case OP_SCSI_RESPONSE:
	case OP_TMF_RESPONSE:
	case OP_TEXT_RESPONSE:
	case OP_LOGOUT_RESPONSE:
	case OP_ASYNC_MESSAGE:
	case OP_REJECT:
		return true;
	case OP_DATA_IN:
		return pdu->has_status;
	case OP_NOP_IN:
		return pdu->initiator_task_tag != TAG_NONE;
	default:
		return false;		/* R2T: the next one to come, 11.8.3 */
	}
}

/*
 * TCP loses nothing, so a gap or a repetition is a loss of status that only
 * recovery can mend: at level 0 that of the session (7.9, 4.2.2.2). 0,
 * STATUS_AGAIN, or negative.
 */
static int
take_stat_sn(struct conn *c, const struct pdu *pdu)
{
	bool counts = has_status(pdu);

	if (!counts && pdu->opcode != OP_NOP_IN)
		return 0;
	if (counts && pdu->stat_sn == c->exp_stat_sn && c->statuses.ahead == 0) {
		c->exp_stat_sn++;
		return 0;
	}
	if (conn_mends(c))
		return counts ? statuses_take(c, pdu->stat_sn) :
		    statuses_next(c, pdu->stat_sn);
	if (!counts && !sn_after(pdu->stat_sn, c->exp_stat_sn))	/* 11.19.2 */
		return 0;
	return conn_fail(c, LUN_EPROTO, "%s with StatSN %" PRIu32
			 ", expected %" PRIu32 ": responses were lost",
			 pdu_name(pdu->opcode), pdu->stat_sn, c->exp_stat_sn);
}

/*
 * From level 1 on only the PDU is lost. A Data-In is asked for by its number.
 * Of others not even the header is used (7.8): a ping shows what is missing.
 */
static int
mend(struct conn *c, const struct pdu *pdu)
{
	conn_log(c, LUN_LOG_INFO, "%s (ITT 0x%08" PRIx32 ", %" PRIu32 " bytes): "
		 "wrong data digest, dropped", pdu_name(pdu->opcode),
		 pdu->initiator_task_tag, pdu->data_segment_length);
	if (pdu->opcode == OP_DATA_IN)
		c->cfg.ops->damaged(c->cfg.user, c, pdu);
	else if (has_status(pdu) && c->ping_tag == TAG_NONE)
		conn_probe(c);
	return c->stopped ? c->error.code : 0;
}

static int
data_digest_error(struct conn *c, const struct pdu *pdu)
{
	c->counters.data_digest_errors++;
	if (c->state & CONN_FULL_FEATURE && conn_mends(c))
		return mend(c, pdu);
	return conn_fail(c, LUN_EDIGEST, "%s (ITT 0x%08" PRIx32 ", %" PRIu32
			 " bytes): wrong data digest", pdu_name(pdu->opcode),
			 pdu->initiator_task_tag, pdu->data_segment_length);
}

static int
got_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct conn *c = user;
	struct pdu rest;

	if (!digest_ok)
		return data_digest_error(c, pdu);
	if (c->state & CONN_FULL_FEATURE) {
		int r = take_stat_sn(c, pdu);

		if (r < 0)
			return r;
		window_update(c->cfg.window, pdu->exp_cmd_sn, pdu->max_cmd_sn);
		if (r == STATUS_AGAIN && pdu->opcode != OP_DATA_IN)
			return 0;
		if (r == STATUS_AGAIN) {	/* its data may be new */
			rest = *pdu;
			rest.has_status = false;
			pdu = &rest;
		}
	}
	return incoming[pdu->opcode & 0x3f].handle(c, pdu, data);
}

const struct rx_ops dispatch_ops = {
	.header = got_header,
	.pdu = got_pdu,
};
