/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ErrorRecoveryLevel 2: tasks outlive their connection (RFC 7143 7.1.4.3,
 * 7.2.2, 7.5).
 *
 *	connection --- lost, or logged out for recovery ---> struct lost
 *	struct lost -- TASK REASSIGN, once it is removed --> another connection
 *	            `- Time2Wait + Time2Retain later: its tasks are terminated
 *
 * What is on its way ends with the connection: sequences of Data-Out, queued
 * Data-In, immediate commands (7.14), task management. What a task knows
 * stays: the data it has got, the data that was acknowledged, its status.
 */
#include <stdlib.h>

#include "t-priv.h"

enum { ASC_CLEARED = 0x477f };		/* by iSCSI protocol event, 11.14.5 */

static lun_time
retain_until(const struct session *s, lun_time now)
{
	return time_add(now, TIME_S * (lun_time)(s->values.v[K_TIME2WAIT] +
						 s->values.v[K_TIME2RETAIN]));
}

/* ---------------------------------------------------------------- ending -- */

static void
schedule_all(const struct session *s)
{
	for (unsigned i = 0; s->node && i < s->node->lu_count; i++)
		task_schedule(s->node->lus[i]);
}

/* The tasks that are still there are terminated: 7.6. */
static void
lost_free(struct lost *l, struct session *s)
{
	struct task *k;
	struct kept *e;

	list_del(&l->in_session);
	while ((k = list_first(&l->tasks, struct task, in_conn))) {
		if (k->lu && !s->ending)
			nexus_add_ua(s, k->lu, ASC_CLEARED);
		task_end(k);
	}
	while ((e = list_first(&l->kept, struct kept, in_conn)))
		kept_free(e);
	free(l);
	schedule_all(s);
}

static void
free_if_done(struct lost *l, struct session *s)
{
	if (l->removed && list_empty(&l->tasks) && list_empty(&l->kept))
		lost_free(l, s);
}

bool
lost_close(struct session *s, uint16_t cid)
{
	bool found = false;
	struct lost *l;

	list_for_each(l, &s->lost, struct lost, in_session)
		if (l->cid == cid) {
			found = true;
			lost_free(l, s);
		}
	return found;
}

void
lost_clear(struct session *s)
{
	struct lost *l;

	list_for_each(l, &s->lost, struct lost, in_session)
		lost_free(l, s);
}

lun_time
lost_deadline(const struct session *s)
{
	lun_time at = TIME_NEVER;
	struct lost *l;

	list_for_each(l, &s->lost, struct lost, in_session)
		if (l->expires < at)
			at = l->expires;
	return at;
}

void
lost_expired(struct session *s, lun_time now)
{
	struct lost *l;

	list_for_each(l, &s->lost, struct lost, in_session)
		if (l->expires <= now)
			lost_free(l, s);
}

/* ---------------------------------------------------------------- losing -- */

/* The task lets go of its connection; what was queued for it is copied. */
static void
let_go(struct task *k, struct tconn *c, struct lost *l)
{
	if (c->state != CONN_DEAD && tx_drop(c->tx, k) < 0)
		conn_fail(c, "out of memory");	/* sends no more of it */
	if (k->place.at)
		rx_forget(c->rx, k->place.at, k->place.len);
	k->place.at = NULL;
	list_del(&k->in_reading);
	k->bursts = 0;
	k->conn = NULL;
	k->lost = l;
}

static void
lose_tasks(struct tconn *c, struct lost *l)
{
	struct task *k;

	while ((k = list_first(&c->tasks, struct task, in_conn))) {
		if (k->cmd.immediate || k->tmf) {
			task_end(k);
			continue;
		}
		let_go(k, c, l);
		list_del(&k->in_conn);
		list_append(&l->tasks, &k->in_conn);
	}
}

static void
lose_status(struct tconn *c, struct lost *l)
{
	struct kept *e;

	list_for_each(e, &c->kept, struct kept, in_conn) {
		if (!e->task || e->task->cmd.immediate)
			continue;
		let_go(e->task, c, l);
		list_del(&e->in_conn);
		list_append(&l->kept, &e->in_conn);
		c->kept_count--;
	}
}

/* The connection goes; whoever calls lets the rest of it end. */
void
lost_keep(struct tconn *c, bool removed)
{
	struct session *s = c->session;
	struct lost *l = calloc(1, sizeof(*l));
	unsigned n = 0;

	if (!l)
		return;
	for (const struct list *e = s->lost.next; e != &s->lost; e = e->next)
		n++;
	if (n == LOST_MAX)
		lost_free(list_first(&s->lost, struct lost, in_session), s);
	l->cid = c->cid;
	l->removed = removed;
	l->exp_stat_sn = c->exp_stat_sn;
	l->stat_sn = c->stat_sn;
	l->expires = retain_until(s, c->now);
	list_init(&l->tasks);
	list_init(&l->kept);
	list_append(&s->lost, &l->in_session);
	lose_tasks(c, l);
	lose_status(c, l);
}

/*
 * Logged out for recovery, explicitly or by a login with the same CID. The
 * last status that arrived there is known now. False: no such connection.
 */
bool
lost_remove(struct session *s, uint16_t cid, uint32_t exp_stat_sn,
	    lun_time now)
{
	bool found = false;
	struct lost *l;
	struct kept *e;

	list_for_each(l, &s->lost, struct lost, in_session) {
		bool valid = sn_after(exp_stat_sn, l->exp_stat_sn) &&
			     !sn_after(exp_stat_sn, l->stat_sn);

		if (l->cid != cid)
			continue;
		found = true;
		list_for_each(e, &l->kept, struct kept, in_conn)
			if (valid && sn_before(e->pdu.stat_sn, exp_stat_sn))
				kept_free(e);
		if (!l->removed)
			l->expires = retain_until(s, now);
		l->removed = true;
		free_if_done(l, s);
	}
	return found;
}

/* -------------------------------------------------------------- resuming -- */

struct kept *
lost_find_status(const struct session *s, uint32_t itt)
{
	struct lost *l;
	struct kept *e;

	list_for_each(l, &s->lost, struct lost, in_session)
		list_for_each(e, &l->kept, struct kept, in_conn)
			if (e->pdu.initiator_task_tag == itt)
				return e;
	return NULL;
}

static bool
is_tmf(const struct session *s, uint32_t itt)
{
	struct tmf *m;

	list_for_each(m, &s->tmfs, struct tmf, in_session)
		if (m->pdu.initiator_task_tag == itt)
			return true;
	return false;
}

/* A status on a connection that is well; a SNACK may ask for it. */
static bool
is_kept(const struct session *s, uint32_t itt)
{
	struct tconn *c;
	struct kept *e;

	list_for_each(c, &s->conns, struct tconn, in_session)
		list_for_each(e, &c->kept, struct kept, in_conn)
			if (e->task && e->pdu.initiator_task_tag == itt)
				return true;
	return false;
}

enum tmf_response
lost_may_reassign(const struct session *s, uint32_t itt)
{
	const struct task *k = task_find(s, itt);
	const struct kept *e = lost_find_status(s, itt);

	if (s->values.v[K_ERL] < 2)
		return TMF_NO_REASSIGN;
	if (is_tmf(s, itt))
		return TMF_REJECTED;		/* 11.5.1 */
	if (!k && e)
		k = e->task;
	if (k)
		return k->lost && k->lost->removed ? TMF_COMPLETE
						   : TMF_STILL_ALLEGIANT;
	return is_kept(s, itt) ? TMF_STILL_ALLEGIANT : TMF_NO_TASK;
}

/* 11.5.6: what it says about Data-In; anything that cannot be is ignored. */
static void
take_ack(struct task *k, uint32_t exp_data_sn)
{
	if (exp_data_sn > k->acked_sn && exp_data_sn <= k->data_sn)
		data_ack_until(k, exp_data_sn);
}

/* Returns what it was lost with, for free_if_done() when it goes on: others may
 * start then, and who waited would be one of them. */
static struct lost *
change_connection(struct task *k, struct tconn *c)
{
	struct lost *l = k->lost;

	k->conn = c;
	k->lost = NULL;
	k->snack_tag = 0;			/* 7.2.2 */
	return l;
}

/* The status goes out under a new StatSN, after the data if that is wanted. */
void
lost_resume_status(struct tconn *c, struct kept *e, bool data_too,
		   uint32_t exp_data_sn)
{
	struct task *k = e->task;
	struct session *s = c->session;
	struct lost *l;

	e->task = NULL;
	kept_free(e);
	l = change_connection(k, c);
	k->state = TASK_DATA_IN;		/* once more */
	task_count(k);
	take_ack(k, exp_data_sn);
	if (!data_too)
		k->acked_off = k->in_len;
	data_resume(k);
	free_if_done(l, s);
}

static void
resume_task(struct task *k, uint32_t exp_data_sn)
{
	switch (k->state) {
	case TASK_WAITING:
		task_schedule(k->lu);
		return;
	case TASK_DATA_OUT:
		/* R2Ts that did not arrive are no gap for the initiator */
		if (exp_data_sn <= k->r2t_sn)
			k->r2t_sn = exp_data_sn;
		data_progress(k);
		return;
	case TASK_DATA_IN:
		take_ack(k, exp_data_sn);
		data_resume(k);
		return;
	case TASK_DONE:
		abort();
	}
}

void
lost_reassign(struct tconn *c, uint32_t itt, uint32_t exp_data_sn)
{
	struct session *s = c->session;
	struct task *k = task_find(s, itt);
	struct lost *l;

	if (!k) {
		lost_resume_status(c, lost_find_status(s, itt), true,
				   exp_data_sn);
		return;
	}
	list_del(&k->in_conn);
	list_append(&c->tasks, &k->in_conn);
	l = change_connection(k, c);
	resume_task(k, exp_data_sn);
	free_if_done(l, s);
}
