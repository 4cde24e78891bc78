/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The full feature phase: numbering (RFC 7143 4.2.2), and everything that is
 * not SCSI, text or task management.
 *
 * A request that is rejected leaves its CmdSN unused (7.3): full_reject()
 * takes the step back if the rejected request is the one being delivered.
 */
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

/* A command that came before its turn, and its unsolicited data. */
struct early {
	struct list in_session;		/* a Data-Out: in that of its command */
	struct list data_out;
	struct tconn *conn;		/* NULL: plugged, 11.6.1 */
	struct pdu pdu;
	bool digest_ok;
	uint32_t data_len;		/* of all Data-Out */
	uint8_t data[];
};

uint32_t
full_new_ttt(struct session *s)
{
	return s->next_ttt++ & 0x7fffffff;
}

/* data_sn: of the next Data-In or R2T, 11.17.2. */
void
full_reject_sn(struct tconn *c, const struct pdu *bad, uint8_t reason,
	       uint32_t data_sn)
{
	uint8_t header[BHS_LEN];
	struct pdu rsp = {
		.opcode = OP_REJECT,
		.final = true,
		.reason = reason,
		.initiator_task_tag = TAG_NONE,
		.data_sn = data_sn,
	};

	if (c->session->delivering == bad) {
		c->session->exp_cmd_sn--;
		c->session->delivering = NULL;
	}
	pdu_encode(bad, header);
	kept_send(c, &rsp, header, sizeof(header));
}

void
full_reject(struct tconn *c, const struct pdu *bad, uint8_t reason)
{
	full_reject_sn(c, bad, reason, 0);
}

/* ------------------------------------------------------------- requests -- */

void
full_ping(struct tconn *c)
{
	struct pdu ping = {
		.opcode = OP_NOP_IN,
		.final = true,
		.initiator_task_tag = TAG_NONE,
		.target_transfer_tag = full_new_ttt(c->session),
		.stat_sn = c->stat_sn,		/* not advanced: 11.19 */
	};

	conn_send(c, &ping, NULL, 0, NULL);
}

static void
nop_out(struct tconn *c, const struct pdu *req, const uint8_t *data)
{
	struct pdu rsp = {
		.opcode = OP_NOP_IN,
		.final = true,
		.initiator_task_tag = req->initiator_task_tag,
		.target_transfer_tag = TAG_NONE,
	};
	size_t len = req->data_segment_length;

	if (req->initiator_task_tag == TAG_NONE)
		return;				/* it answers a ping */
	kept_send(c, &rsp, data, len < c->max_recv ? len : c->max_recv);
}

/* Immediate data, and what the command says about data to come. */
static void
first_burst(struct task *k, const uint8_t *data)
{
	const uint32_t *v = k->session->values.v;
	const struct pdu *cmd = &k->cmd;
	uint32_t edtl = cmd->expected_data_transfer_length;
	uint32_t len = cmd->data_segment_length;
	uint32_t burst = edtl < v[K_FIRST_BURST] ? edtl : v[K_FIRST_BURST];
	bool in_place = data == k->buf;

	if (cmd->write)
		data_unsolicited(k, len < burst ? len : burst, burst);
	if ((len && (!v[K_IMMEDIATE_DATA] || !cmd->write || len > burst)) ||
	    (cmd->write && !cmd->final && v[K_INITIAL_R2T])) {
		scsi_fail(k, 0x0b, 0x0c0c);	/* 11.4.7.2, unexpected */
		return;
	}
	if (!cmd->write)
		return;
	if (data_reserve(k, edtl) < 0)
		scsi_fail(k, 0x0b, 0x5500);
	else if (len && !in_place)
		memcpy(k->buf, data, len);
}

static void
scsi_command(struct tconn *c, const struct pdu *cmd, const uint8_t *data)
{
	struct task *k;

	if (cmd->immediate && c->session->immediate >= IMMEDIATE_MAX) {
		full_reject(c, cmd, REJECT_IMMEDIATE);
		return;
	}
	if (c->incoming && data == c->incoming->buf) {
		k = c->incoming;
		c->incoming = NULL;
	} else {
		k = task_get(c->target);
	}
	if (!k) {
		conn_end(c, "out of memory");
		return;
	}
	k->cmd = *cmd;
	k->came = c->now;
	k->session = c->session;
	k->conn = c;
	first_burst(k, data);
	if (c->target->faults)
		fault_task(k);
	task_enter(k);
}

static void
deliver(struct tconn *c, const struct pdu *pdu, const uint8_t *data)
{
	switch (pdu->opcode) {
	case OP_NOP_OUT:
		nop_out(c, pdu, data);
		return;
	case OP_SCSI_COMMAND:
		scsi_command(c, pdu, data);
		return;
	case OP_TMF_REQUEST:
		tmf_request(c, pdu);
		return;
	case OP_TEXT_REQUEST:
		full_text(c, pdu, data);
		return;
	case OP_LOGOUT_REQUEST:
		logout_request(c, pdu);
		return;
	default:
		abort();
	}
}

/* ------------------------------------------------------------ numbering -- */

static struct early *
find_early(const struct session *s, uint32_t cmd_sn)
{
	struct early *e;

	list_for_each(e, &s->pending, struct early, in_session)
		if (e->pdu.cmd_sn == cmd_sn)
			return e;
	return NULL;
}

static struct early *
early_new(struct tconn *c, const struct pdu *pdu, const uint8_t *data)
{
	size_t len = data ? pdu->data_segment_length : 0;
	struct early *e = calloc(1, sizeof(*e) + len);

	if (!e) {
		conn_end(c, "out of memory");
		return NULL;
	}
	e->conn = c;
	e->pdu = *pdu;
	e->digest_ok = true;
	list_init(&e->data_out);
	if (len)
		memcpy(e->data, data, len);
	return e;
}

static void
early_free(struct early *e)
{
	struct early *d;

	list_del(&e->in_session);
	while ((d = list_first(&e->data_out, struct early, in_session)))
		early_free(d);
	free(e);
}

static void
keep_early(struct tconn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct early *e;

	if (find_early(c->session, pdu->cmd_sn))
		return;			/* a duplicate within the window */
	e = early_new(c, pdu, data);
	if (e)
		list_append(&c->session->pending, &e->in_session);
}

/* Unsolicited data of a command that waits for its turn. */
bool
full_keep_early_data(struct tconn *c, const struct pdu *pdu,
		     const uint8_t *data, bool digest_ok)
{
	uint32_t max = c->session->values.v[K_FIRST_BURST];
	struct early *e, *d;

	if (pdu->target_transfer_tag != TAG_NONE)
		return false;
	list_for_each(e, &c->session->pending, struct early, in_session)
		if (e->conn == c && e->pdu.opcode == OP_SCSI_COMMAND &&
		    e->pdu.initiator_task_tag == pdu->initiator_task_tag) {
			if (pdu->data_segment_length > max - e->data_len)
				return false;
			d = early_new(c, pdu, data);
			if (!d)
				return true;
			d->digest_ok = digest_ok;
			e->data_len += pdu->data_segment_length;
			list_append(&e->data_out, &d->in_session);
			return true;
		}
	return false;
}

/* Takes the next number; the request may still turn out to be bad. */
static void
deliver_numbered(struct tconn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct session *s = c->session;

	s->exp_cmd_sn++;
	s->delivering = pdu;
	session_advance(s);
	deliver(c, pdu, data);
	s->delivering = NULL;
}

/* Its digest error, if any, has been reported when it came. */
static void
deliver_data(struct early *e)
{
	struct early *d;

	list_for_each(d, &e->data_out, struct early, in_session)
		if (e->conn->state == CONN_FULL)
			data_out(e->conn, &d->pdu,
				 d->digest_ok ? d->data : NULL, d->digest_ok);
}

void
full_deliver_pending(struct session *s)
{
	struct early *e;

	while ((e = find_early(s, s->exp_cmd_sn))) {
		list_del(&e->in_session);
		if (!e->conn) {
			s->exp_cmd_sn++;
			session_advance(s);
		} else if (e->conn->state == CONN_FULL) {
			deliver_numbered(e->conn, &e->pdu, e->data);
			deliver_data(e);
		}
		early_free(e);
	}
	tmf_advance(s);
}

/* RefCmdSN of an ABORT TASK whose command never came: 11.6.1 b. */
void
full_plug(struct tconn *c, uint32_t cmd_sn)
{
	struct early *e = find_early(c->session, cmd_sn);
	struct pdu plug = { .cmd_sn = cmd_sn };

	if (e)
		early_free(e);
	e = early_new(c, &plug, NULL);
	if (!e)
		return;
	e->conn = NULL;
	list_append(&c->session->pending, &e->in_session);
}

void
full_forget_early(struct session *s, const struct tconn *c)
{
	struct early *e;

	list_for_each(e, &s->pending, struct early, in_session) {
		if (c && e->conn != c)
			continue;
		early_free(e);
	}
}

static void
numbered(struct tconn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct session *s = c->session;
	bool in_window = !sn_before(pdu->cmd_sn, s->exp_cmd_sn) &&
			 !sn_after(pdu->cmd_sn, s->max_cmd_sn);

	if (!pdu->immediate && !in_window)
		return;				/* 4.2.2.1: silently */
	if (pdu->opcode == OP_SCSI_COMMAND &&
	    task_find(s, pdu->initiator_task_tag)) {
		full_reject(c, pdu, REJECT_TASK_IN_PROGRESS);
		return;
	}
	if (pdu->immediate) {
		deliver(c, pdu, data);
		return;
	}
	if (pdu->cmd_sn != s->exp_cmd_sn) {
		keep_early(c, pdu, data);
		return;
	}
	deliver_numbered(c, pdu, data);
	if (c->state == CONN_FULL)
		full_deliver_pending(s);
}

void
full_pdu(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	 bool digest_ok)
{
	if (!logout_of_another(c, pdu))		/* 11.14.4: it is the other's */
		kept_acked(c, pdu->exp_stat_sn);
	if (!digest_ok)
		full_reject(c, pdu, REJECT_DATA_DIGEST);	/* 7.8 */
	if (pdu->opcode == OP_DATA_OUT && !c->session->discovery) {
		data_out(c, pdu, data, digest_ok);
		return;
	}
	if (!digest_ok)
		return;
	if (c->session->discovery && pdu->opcode != OP_TEXT_REQUEST &&
	    pdu->opcode != OP_LOGOUT_REQUEST) {
		full_reject(c, pdu, REJECT_PROTOCOL);		/* 13.21 */
		return;
	}
	switch (pdu->opcode) {
	case OP_NOP_OUT:
	case OP_SCSI_COMMAND:
	case OP_TMF_REQUEST:
	case OP_TEXT_REQUEST:
	case OP_LOGOUT_REQUEST:
		numbered(c, pdu, data);
		return;
	case OP_SNACK_REQUEST:
		snack_request(c, pdu);
		return;
	case OP_LOGIN_REQUEST:
		full_reject(c, pdu, REJECT_PROTOCOL);
		return;
	default:
		full_reject(c, pdu, REJECT_NOT_SUPPORTED);
		return;
	}
}
