/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See checker.h: what has arrived at the initiator. */
#include "base/bytes.h"
#include "base/serial.h"
#include "checked.h"
#include "plant.h"

/* Does its StatSN count? 4.2.2.2, and the description of each PDU. */
static bool
counts(const struct pdu *pdu)
{
	switch (pdu->opcode) {
	case OP_DATA_IN:
		return pdu->has_status;
	case OP_NOP_IN:
		return pdu->initiator_task_tag != TAG_NONE;
	case OP_R2T:
		return false;
	default:
		return pdu_has_stat_sn(pdu->opcode);
	}
}

/* Of those that have a StatSN: is it of any meaning? */
static bool
says_stat_sn(const struct pdu *pdu)
{
	if (pdu->opcode == OP_DATA_IN)
		return pdu->has_status;			/* 11.7.4 */
	return pdu->opcode != OP_LOGIN_RESPONSE || !pdu->status_class; /* 11.13.4 */
}

static void
check_stat_sn(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	uint32_t sn = pdu->stat_sn;

	if (!says_stat_sn(pdu))
		return;
	if (counts(pdu) && plant_strikes(PLANT_STAT_SN, 40))
		sn++;
	if (!c->has_stat_sn) {
		c->next_stat_sn = c->acked_stat_sn = sn;
		c->has_stat_sn = true;
	}
	if (sn != c->next_stat_sn)
		violated(t, pdu, "StatSN %u is next", c->next_stat_sn);
	if (counts(pdu))
		c->next_stat_sn++;
}

static void
check_window(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	struct checked_session *s = c->session;

	if (!pdu_has_cmd_window(pdu->opcode))
		return;
	if (sn_before(pdu->max_cmd_sn, pdu->exp_cmd_sn - 1))	/* 4.2.2.1 */
		violated(t, pdu, "MaxCmdSN is below ExpCmdSN - 1");
	if (c->has_window && (sn_before(pdu->exp_cmd_sn, c->last_exp_cmd_sn) ||
			      sn_before(pdu->max_cmd_sn, c->last_max_cmd_sn)))
		violated(t, pdu, "ExpCmdSN was %u, MaxCmdSN %u",
			 c->last_exp_cmd_sn, c->last_max_cmd_sn);
	if (sn_after(pdu->exp_cmd_sn, s->next_cmd_sn))
		violated(t, pdu, "CmdSN %u was not sent yet", s->next_cmd_sn);
	c->has_window = true;
	c->last_exp_cmd_sn = pdu->exp_cmd_sn;
	c->last_max_cmd_sn = pdu->max_cmd_sn;
	if (sn_after(pdu->max_cmd_sn, s->max_cmd_sn))
		s->max_cmd_sn = pdu->max_cmd_sn;
}

/* NULL: it is not there any more, and that is all right. */
static struct checked_task *
task_of(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = checked_find(s, pdu->initiator_task_tag);

	if (!k && checked_is_late(s, pdu->initiator_task_tag))
		return NULL;
	if (!k)
		violated(t, pdu, "there is no such task");
	if (k->tap != t)					/* 4.2.2.3 */
		violated(t, pdu, "it is of link %u", tap_link(k->tap));
	return k;
}

/* It is sent again (7.2.1, 11.17.1). A target that says another StatSN with it is
 * asked for the one that was missed, and the initiator hears of the same Reject
 * twice: the second time it is no answer to the copy that is under way. */
static bool
makes_a_retry(const struct checked_session *s, const struct pdu *pdu,
	      uint8_t rejected)
{
	return s->lossy && s->keys[KEY_ERL] > 0 &&
	    pdu->reason == REJECT_DATA_DIGEST && rejected == OP_SCSI_COMMAND;
}

/* The header of what was rejected: 11.17. A request ends; data that is refused
 * and a question after what was lost do not end their task. */
static void
rejected(struct checked_session *s, const struct pdu *pdu, const uint8_t *bhs)
{
	struct checked_task *k = NULL;
	uint8_t opcode;

	if (pdu->data_segment_length < BHS_LEN)
		return;
	opcode = bhs[0] & 0x3f;
	if (opcode != OP_DATA_OUT && opcode != OP_SNACK_REQUEST &&
	    !makes_a_retry(s, pdu, opcode))
		k = checked_find(s, get32(bhs + 16));
	if (k)
		checked_end(s, k);
}

static void
scsi_response(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = task_of(t, s, pdu);
	uint32_t n = k && pdu->response == RESPONSE_COMPLETED ? k->data_ins : 0;

	if (!k)
		return;
	if (pdu->exp_data_sn != n)				/* 11.4.8 */
		violated(t, pdu, "%u Data-In PDUs came", k->data_ins);
	checked_end(s, k);
}

void
check_arrived(struct tap *t, struct checked *c, const struct pdu *pdu,
	      const uint8_t *data)
{
	struct checked_session *s = c->session;
	struct checked_task *k;
	struct pdu copy = *pdu;

	check_stat_sn(t, c, pdu);
	check_window(t, c, pdu);
	switch (pdu->opcode) {
	case OP_DATA_IN:
		k = task_of(t, s, pdu);
		if (!k)
			break;
		copy.data_sn += plant_strikes(PLANT_DATA_SN, 40);
		check_data_in(t, k, &copy);
		if (pdu->has_status)
			checked_end(s, k);
		break;
	case OP_R2T:
		k = task_of(t, s, pdu);
		if (k)
			check_r2t(t, k, pdu);
		break;
	case OP_SCSI_RESPONSE:
		scsi_response(t, s, pdu);
		break;
	case OP_TMF_RESPONSE:
		k = task_of(t, s, pdu);
		if (!k)
			break;
		if (pdu->response == TMF_COMPLETE ||
		    (k->function == TMF_ABORT_TASK &&
		     pdu->response == TMF_NO_TASK))
			checked_abort(s, k);
		checked_end(s, checked_find(s, pdu->initiator_task_tag));
		break;
	case OP_REJECT:
		rejected(s, pdu, data);
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------- after a loss -- */

static void
note_stat_sn(struct checked *c, const struct pdu *pdu)
{
	uint32_t next = pdu->stat_sn + counts(pdu);

	if (!pdu_has_stat_sn(pdu->opcode) || !says_stat_sn(pdu))
		return;
	if (!c->has_stat_sn) {
		c->has_stat_sn = true;
		c->next_stat_sn = next;
		c->acked_stat_sn = pdu->stat_sn;
	}
	if (sn_after(next, c->next_stat_sn))
		c->next_stat_sn = next;
}

static void
note_window(struct checked_session *s, const struct pdu *pdu)
{
	if (pdu_has_cmd_window(pdu->opcode) &&
	    !sn_before(pdu->max_cmd_sn, pdu->exp_cmd_sn - 1) &&
	    sn_after(pdu->max_cmd_sn, s->max_cmd_sn))
		s->max_cmd_sn = pdu->max_cmd_sn;
}

static void
note_tmf_response(struct checked_session *s, struct checked_task *k,
		  const struct pdu *pdu)
{
	uint32_t itt = k->itt;

	if (pdu->response == TMF_COMPLETE)
		checked_abort(s, k);
	checked_end(s, checked_find(s, itt));
}

void
note_arrived(struct tap *t, struct checked *c, const struct pdu *pdu,
	     const uint8_t *data)
{
	struct checked_session *s = c->session;
	struct checked_task *k = checked_find(s, pdu->initiator_task_tag);

	note_stat_sn(c, pdu);
	note_window(s, pdu);
	if (pdu->opcode == OP_REJECT)
		rejected(s, pdu, data);
	if (!k || k->tap != t)
		return;
	switch (pdu->opcode) {
	case OP_DATA_IN:
		if (pdu->has_status)
			checked_end(s, k);
		break;
	case OP_R2T:
		note_r2t(k, pdu);
		break;
	case OP_SCSI_RESPONSE:
		checked_end(s, k);
		break;
	case OP_TMF_RESPONSE:
		note_tmf_response(s, k, pdu);
		break;
	default:
		break;
	}
}
