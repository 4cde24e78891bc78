/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From ErrorRecoveryLevel 1 on: responses are kept until the initiator has
 * acknowledged them, and SNACK brings them and their data again (RFC 7143
 * 11.16).
 *
 * A connection's list of kept responses is in the order of StatSN. An entry
 * that is a SCSI status owns its task, which has left all tables; with the
 * acknowledgment the task goes to the draining list.
 */
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

enum { ACK_TIME = 2 };			/* seconds */

/* ---------------------------------------------------------------- kept -- */

/* False: nothing is kept at this level, or it cannot be. */
bool
kept_add(struct tconn *c, const struct pdu *pdu, const void *data, size_t len,
	 struct task *k)
{
	struct kept *e;

	if (!keeps_responses(c->session))
		return false;
	if (c->kept_count == KEPT_MAX) {
		conn_end(c, "thousands of responses are not acknowledged");
		return false;
	}
	e = malloc(sizeof(*e) + len);
	if (!e)
		return false;
	e->pdu = *pdu;
	e->task = k;
	e->len = len;
	if (len)
		memcpy(e->data, data, len);
	list_append(&c->kept, &e->in_conn);
	c->kept_count++;
	if (c->ack_deadline == TIME_NEVER)
		c->ack_deadline = time_add(c->now, ACK_TIME * TIME_S);
	return true;
}

/* Takes the next StatSN. */
void
kept_send(struct tconn *c, struct pdu *pdu, const void *data, size_t len)
{
	pdu->stat_sn = c->stat_sn++;
	conn_send_copy(c, pdu, data, len);
	kept_add(c, pdu, data, len, NULL);
}

void
kept_free(struct kept *e)
{
	list_del(&e->in_conn);
	if (e->task)
		task_drain(e->task);
	free(e);
}

static void
forget(struct tconn *c, struct kept *e)
{
	c->kept_count--;
	kept_free(e);
}

/* All before exp_stat_sn has arrived: 4.2.2.2. */
void
kept_acked(struct tconn *c, uint32_t exp_stat_sn)
{
	struct kept *e;

	if (!sn_after(exp_stat_sn, c->exp_stat_sn) ||
	    sn_after(exp_stat_sn, c->stat_sn))
		return;
	c->exp_stat_sn = exp_stat_sn;
	while ((e = list_first(&c->kept, struct kept, in_conn)) &&
	       sn_before(e->pdu.stat_sn, exp_stat_sn))
		forget(c, e);
	c->ack_deadline = TIME_NEVER;
	if (e)
		c->ack_deadline = time_add(c->now, ACK_TIME * TIME_S);
	tmf_acked(c->session);
}

void
kept_clear(struct tconn *c)
{
	struct kept *e;

	while ((e = list_first(&c->kept, struct kept, in_conn)))
		forget(c, e);
	c->ack_deadline = TIME_NEVER;
}

/* 7.1.4.2: a ping shows the initiator which StatSN comes next. */
void
kept_expired(struct tconn *c, lun_time now)
{
	c->ack_deadline = TIME_NEVER;
	if (c->state != CONN_FULL)
		return;
	c->ack_deadline = time_add(now, ACK_TIME * TIME_S);
	full_ping(c);
}

/* -------------------------------------------------------------- status -- */

static void
resend(struct tconn *c, struct kept *e)
{
	struct task *k = e->task;

	if (e->pdu.opcode == OP_DATA_IN) {
		data_resend(k, e->pdu.data_sn, 1);
		return;
	}
	if (k)
		e->pdu.exp_data_sn = k->data_sn;
	conn_send_copy(c, &e->pdu, e->data, e->len);
}

static void
status_snack(struct tconn *c, const struct pdu *req)
{
	uint32_t first = req->beg_run, count = req->run_length;
	uint32_t kept = 0;
	struct kept *e;

	if (first == 0 && count == 0)		/* all: 11.16.6 */
		first = c->exp_stat_sn;
	if (count == 0)
		count = c->stat_sn - first;
	if (sn_before(first, c->exp_stat_sn) || sn_after(first, c->stat_sn) ||
	    count > c->stat_sn - first) {
		full_reject(c, req, REJECT_PROTOCOL);
		return;
	}
	list_for_each(e, &c->kept, struct kept, in_conn)
		kept += e->pdu.stat_sn - first < count;
	if (kept != count) {			/* there was no memory */
		full_reject(c, req, REJECT_SNACK);
		return;
	}
	list_for_each(e, &c->kept, struct kept, in_conn)
		if (e->pdu.stat_sn - first < count)
			resend(c, e);
}

/* ---------------------------------------------------------------- data -- */

/* A command of this connection, also one that has answered: then *e. */
static struct task *
find_command(const struct tconn *c, uint32_t itt, struct kept **kept)
{
	struct task *k = task_find(c->session, itt);
	struct kept *e;

	*kept = NULL;
	if (k)
		return k->conn == c ? k : NULL;
	list_for_each(e, &c->kept, struct kept, in_conn)
		if (e->task && e->pdu.initiator_task_tag == itt) {
			*kept = e;
			return e->task;
		}
	return NULL;
}

/* 7.8 a: a command whose data cannot come again ends so, if it has not. */
static void
refuse(struct tconn *c, const struct pdu *req, struct task *k, bool answered)
{
	full_reject(c, req, REJECT_SNACK);
	if (answered)
		return;
	scsi_fail(k, 0x0b, 0x1113);		/* 11.4.7.2 */
	data_break_off(k);
}

static void
data_in_snack(struct tconn *c, const struct pdu *req, struct task *k,
	      bool answered)
{
	uint32_t first = req->beg_run, count = req->run_length;

	if (first == 0 && count == 0)
		first = k->acked_sn;
	if (first < k->acked_sn || first > k->data_sn ||
	    count > k->data_sn - first) {
		full_reject_sn(c, req, REJECT_PROTOCOL, k->data_sn);
		return;
	}
	if (count == 0)
		count = k->data_sn - first;
	if (count == 0)
		return;
	for (unsigned i = 0; i < k->runs; i++)
		if (k->run[i].segment > c->max_recv) {
			refuse(c, req, k, answered);	/* 11.16.3 */
			return;
		}
	data_resend(k, first, count);
}

/* 11.16.3: data is cut anew, and a response of its own shows the tag. */
static void
r_data_snack(struct tconn *c, const struct pdu *req, struct task *k,
	     struct kept *e)
{
	uint32_t tag = req->target_transfer_tag;

	if (req->beg_run || req->run_length || tag == 0 || tag == TAG_NONE) {
		full_reject(c, req, REJECT_INVALID_FIELD);
		return;
	}
	k->snack_tag = tag;
	data_rewind(k);
	if (!e)
		return;
	data_send_rest(k);
	e->pdu.opcode = OP_SCSI_RESPONSE;
	e->pdu.snack_tag = tag;
	resend(c, e);
}

static void
command_snack(struct tconn *c, const struct pdu *req)
{
	struct kept *e;
	struct task *k = find_command(c, req->initiator_task_tag, &e);

	if (!k)
		full_reject(c, req, REJECT_PROTOCOL);
	else if (req->snack_type == SNACK_R_DATA)
		r_data_snack(c, req, k, e);
	else if (k->is_write && !e)
		data_r2t_again(c, req, k);
	else
		data_in_snack(c, req, k, e != NULL);
}

/* ------------------------------------------------------------- DataACK -- */

static struct task *
find_asker(const struct tconn *c, uint32_t ttt)
{
	struct task *k;
	struct kept *e;

	list_for_each(k, &c->tasks, struct task, in_conn)
		if (k->ack_ttt == ttt)
			return k;
	list_for_each(e, &c->kept, struct kept, in_conn)
		if (e->task && e->task->ack_ttt == ttt)
			return e->task;
	return NULL;
}

static void
data_ack(struct tconn *c, const struct pdu *req)
{
	uint32_t ttt = req->target_transfer_tag;
	struct task *k = ttt ? find_asker(c, ttt) : NULL;

	if (!k || req->lun != k->cmd.lun || req->run_length ||
	    req->beg_run < k->acked_sn || req->beg_run > k->data_sn) {
		full_reject(c, req, REJECT_DATA_ACK);
		return;
	}
	data_ack_until(k, req->beg_run);
}

void
snack_request(struct tconn *c, const struct pdu *req)
{
	if (!keeps_responses(c->session)) {
		full_reject(c, req, REJECT_SNACK);
		return;
	}
	if (tx_pdus(c->tx) > SNACK_QUEUE_MAX) {
		conn_end(c, "more SNACKs than can be answered");
		return;
	}
	switch ((enum snack_type)req->snack_type) {
	case SNACK_STATUS:
		status_snack(c, req);
		return;
	case SNACK_DATA_ACK:
		data_ack(c, req);
		return;
	case SNACK_DATA_R2T:
	case SNACK_R_DATA:
		command_snack(c, req);
		return;
	}
	full_reject(c, req, REJECT_INVALID_FIELD);
}
