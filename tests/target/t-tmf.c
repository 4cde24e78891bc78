/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task management (RFC 7143 11.5, 11.6, 4.2.3.3, 4.2.3.4).
 *
 * A request that covers several tasks starts when all commands before it have
 * been received, and is concluded when each task of the issuing session has
 * got the data of its outstanding transfer tags. Tasks of other sessions, and
 * all if TaskReporting is FastAbort, end at once; data for them is taken and
 * thrown away.
 *
 * In a session of several connections the response is fenced (4.2.2.3): it
 * goes out when all status before it has been acknowledged, and, if
 * TaskReporting says so, no later command starts until it is acknowledged
 * itself. The same holds for the first response with a unit attention that
 * tells of it, on this and on other sessions (4.2.2.3.4 a): until all status
 * before it is acknowledged no command of the nexus starts; then one does, and
 * others when its response is acknowledged.
 */
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

static void
respond(struct tmf *m, uint8_t response)
{
	struct tconn *c = m->conn;
	struct pdu rsp = {
		.opcode = OP_TMF_RESPONSE,
		.final = true,
		.response = response,
		.initiator_task_tag = m->pdu.initiator_task_tag,
	};

	list_del(&m->in_session);
	kept_send(c, &rsp, NULL, 0);
	free(m);
}

/* 11.5.1: a power-on event, which ends all connections. */
static void
cold_reset(struct target *t)
{
	struct tconn *c;

	list_for_each(c, &t->conns, struct tconn, in_target)
		if (c->session) {
			c->leaving = LEFT_CLOSED;
			conn_end(c, "target cold reset");
		}
}

static void
complete(struct tmf *m)
{
	struct target *t = m->conn->target;
	bool cold = m->pdu.function == TMF_TARGET_COLD_RESET;

	respond(m, TMF_COMPLETE);
	if (cold)
		cold_reset(t);
}

/* --------------------------------------------------------------- fence -- */

enum { RFC3720, RESPONSE_FENCE, FAST_ABORT };	/* K_TASK_REPORTING */

static bool
is_open(const struct session *s)
{
	struct tconn *c;

	list_for_each(c, &s->conns, struct tconn, in_session)
		if (c->state == CONN_FULL &&
		    sn_before(c->exp_stat_sn, c->fence_sn))
			return false;
	return true;
}

/* 4.2.2.3.3 b: pings make it quick. */
static void
close_fence(struct session *s)
{
	struct tconn *c;

	list_for_each(c, &s->conns, struct tconn, in_session) {
		c->fence_sn = c->stat_sn;
		if (c->state == CONN_FULL && c->exp_stat_sn != c->stat_sn)
			full_ping(c);
	}
}

/* 4.2.2.3.3 c, d: what follows on these nexuses waits for this response. */
static void
hold_followers(const struct tmf *m)
{
	struct session *s = m->conn->session;
	struct tlu *lu = scsi_find_lu(s->node, m->pdu.lun);
	bool all = m->pdu.function == TMF_TARGET_WARM_RESET ||
		   m->pdu.function == TMF_TARGET_COLD_RESET;

	for (unsigned i = 0; i < s->node->lu_count; i++)
		if (all || lu == s->node->lus[i]) {
			s->fences += !s->nexus[i].fence;
			s->nexus[i].fence = m->conn;
			s->nexus[i].fence_stat_sn = m->conn->stat_sn;
		}
}

static void
complete_fenced(struct tmf *m)
{
	struct tconn *c = m->conn;

	if (c->session->values.v[K_TASK_REPORTING] != RFC3720)
		hold_followers(m);
	complete(m);
	if (c->state == CONN_FULL)
		full_ping(c);
}

/* All tasks that it covers are over. */
static void
conclude(struct tmf *m)
{
	struct session *s = m->conn->session;

	if (session_conns(s) < 2) {
		complete(m);
		return;
	}
	m->fenced = true;
	close_fence(s);
	tmf_acked(s);
}

bool
tmf_holds(const struct task *k)
{
	const struct nexus *n = &k->session->nexus[k->lu->index];

	return n->fence || n->teller || (n->tells && !is_open(k->session));
}

/* Its response will have the unit attention. */
void
tmf_tells(struct task *k)
{
	struct nexus *n = &k->session->nexus[k->lu->index];

	if (!n->tells)
		return;
	n->tells = false;
	k->session->telling--;
	n->teller = k;
}

static bool
is_teller(const struct task *k)
{
	return k->lu && k->session->nexus[k->lu->index].teller == k;
}

/* Its response has this number: what follows waits for it. */
bool
tmf_told(struct task *k, uint32_t stat_sn)
{
	struct nexus *n;

	if (!is_teller(k))
		return false;
	n = &k->session->nexus[k->lu->index];
	k->session->fences += !n->fence;
	n->fence = k->conn;
	n->fence_stat_sn = stat_sn;
	return true;
}

void
tmf_left(struct task *k)
{
	if (is_teller(k))
		k->session->nexus[k->lu->index].teller = NULL;
}

static void
release_followers(struct session *s)
{
	for (unsigned i = 0; i < s->node->lu_count; i++) {
		struct nexus *n = &s->nexus[i];

		if (!n->fence || (n->fence->session == s &&
				  n->fence->state == CONN_FULL &&
				  !sn_after(n->fence->exp_stat_sn,
					    n->fence_stat_sn)))
			continue;
		n->fence = NULL;
		s->fences--;
		task_schedule(s->node->lus[i]);
	}
}

void
tmf_acked(struct session *s)
{
	struct tmf *m;

again:
	list_for_each(m, &s->tmfs, struct tmf, in_session)
		if (m->fenced && is_open(s)) {
			complete_fenced(m);
			goto again;	/* the list may be another one now */
		}
	if (s->fences)
		release_followers(s);
	for (unsigned i = 0; s->telling && i < s->node->lu_count; i++)
		if (s->nexus[i].tells && is_open(s))
			task_schedule(s->node->lus[i]);
}

/* ----------------------------------------------------------- functions -- */

static void
abort_one(struct tmf *m)
{
	struct session *s = m->conn->session;
	struct task *k = task_find(s, m->pdu.referenced_task_tag);
	struct kept *e = lost_find_status(s, m->pdu.referenced_task_tag);
	struct tlu *lu = k ? k->lu : NULL;
	uint32_t ref = m->pdu.ref_cmd_sn;

	if (e && !k) {			/* 11.5.1: its status comes first */
		lost_resume_status(m->conn, e, false, 0);
		complete(m);
		return;
	}
	if (k && k->cmd.lun == m->pdu.lun) {
		task_end(k);
		complete(m);
		if (lu)
			task_schedule(lu);
		return;
	}
	if (!k && !sn_before(ref, s->exp_cmd_sn) &&
	    !sn_after(ref, s->max_cmd_sn) && sn_before(ref, m->pdu.cmd_sn)) {
		full_plug(m->conn, ref);
		complete(m);
		full_deliver_pending(s);
		return;
	}
	respond(m, TMF_NO_TASK);
}

static bool
is_fast(const struct session *s)
{
	return s->values.v[K_TASK_REPORTING] == FAST_ABORT;
}

/* 4.2.3.4 d: initiators stop sending data for it elsewhere, too. */
static void
announce_aborts(struct tmf *m, const struct tlu *lu)
{
	struct tconn *c;
	struct pdu pdu = {
		.opcode = OP_ASYNC_MESSAGE,
		.final = true,
		.lun = lu->lun,
		.async_event = ASYNC_TASK_TERMINATION,
	};

	list_for_each(c, &m->conn->target->conns, struct tconn, in_target) {
		if (c->affected && c != m->conn && c->state == CONN_FULL &&
		    is_fast(c->session))
			kept_send(c, &pdu, NULL, 0);
		c->affected = false;
	}
}

static void
abort_lu(struct tmf *m, struct tlu *lu)
{
	struct session *s = m->conn->session;
	bool own_only = m->pdu.function == TMF_ABORT_TASK_SET;
	bool scheduling = lu->scheduling;
	struct task *k;

	lu->scheduling = true;		/* later: nothing of it starts here */
	list_for_each(k, &lu->tasks, struct task, in_lu) {
		if (k->session != s && own_only)
			continue;
		if (k->conn)
			k->conn->affected = true;
		if (k->session == s && !is_fast(s))
			task_abort(k, m);
		else
			task_end(k);
	}
	lu->scheduling = scheduling;
	announce_aborts(m, lu);
}

/* 4.2.3.3 e, 4.2.3.4 f */
static void
fence_attention(struct session *s, const struct tlu *lu)
{
	if (s->values.v[K_TASK_REPORTING] == RFC3720 || session_conns(s) < 2)
		return;
	s->telling += !s->nexus[lu->index].tells;
	s->nexus[lu->index].tells = true;
	close_fence(s);
}

/* SAM-5 5.14: who has to be told, and what. */
static void
tell(const struct tmf *m, const struct tlu *lu, uint16_t asc, bool others_only)
{
	struct session *s;

	list_for_each(s, &m->conn->target->sessions, struct session, in_target)
		if (s->node == lu->node && !s->discovery &&
		    (!others_only || s != m->conn->session)) {
			nexus_add_ua(s, lu, asc);
			fence_attention(s, lu);
		}
}

static void
abort_many(struct tmf *m, struct tlu *lu)
{
	struct tnode *node = m->conn->session->node;

	m->waits = 1;			/* until all are known */
	for (unsigned i = 0; i < node->lu_count; i++) {
		if (lu && lu != node->lus[i])
			continue;
		abort_lu(m, node->lus[i]);
		if (m->pdu.function == TMF_CLEAR_TASK_SET)
			tell(m, node->lus[i], 0x2f00, true);
		else if (m->pdu.function != TMF_ABORT_TASK_SET)
			tell(m, node->lus[i], 0x2903, false);
	}
	if (--m->waits == 0)
		conclude(m);
	for (unsigned i = 0; i < node->lu_count; i++)
		task_schedule(node->lus[i]);
}

/* 11.5.1, 7.2.2: the response comes before the allegiance is the new one. */
static void
reassign(struct tmf *m)
{
	struct tconn *c = m->conn;
	struct pdu req = m->pdu;
	enum tmf_response r = lost_may_reassign(c->session,
						req.referenced_task_tag);

	respond(m, (uint8_t)r);
	if (r == TMF_COMPLETE)
		lost_reassign(c, req.referenced_task_tag, req.exp_data_sn);
}

static void
start(struct tmf *m)
{
	struct session *s = m->conn->session;
	struct tlu *lu = scsi_find_lu(s->node, m->pdu.lun);

	m->started = true;
	switch ((enum tmf_function)m->pdu.function) {
	case TMF_ABORT_TASK:
		abort_one(m);
		return;
	case TMF_ABORT_TASK_SET:
	case TMF_CLEAR_TASK_SET:
	case TMF_LOGICAL_UNIT_RESET:
		if (lu)
			abort_many(m, lu);
		else
			respond(m, TMF_NO_LUN);
		return;
	case TMF_TARGET_WARM_RESET:
	case TMF_TARGET_COLD_RESET:
		abort_many(m, NULL);
		return;
	case TMF_TASK_REASSIGN:
		reassign(m);
		return;
	case TMF_CLEAR_ACA:
	case TMF_QUERY_TASK:
	case TMF_QUERY_TASK_SET:
	case TMF_I_T_NEXUS_RESET:
	case TMF_QUERY_ASYNC_EVENT:
		respond(m, TMF_NOT_SUPPORTED);
		return;
	}
	respond(m, TMF_NOT_SUPPORTED);
}

/* 4.2.3.3 b: if it covers many, commands that were sent before must be here. */
static bool
may_start(const struct session *s, const struct tmf *m)
{
	return m->pdu.function == TMF_ABORT_TASK ||
	       m->pdu.function == TMF_TASK_REASSIGN ||
	       !sn_before(s->exp_cmd_sn, m->pdu.cmd_sn);
}

void
tmf_advance(struct session *s)
{
	struct tmf *m;

again:
	list_for_each(m, &s->tmfs, struct tmf, in_session) {
		if (m->started || !may_start(s, m))
			continue;
		start(m);
		goto again;		/* the list may be another one now */
	}
}

void
tmf_request(struct tconn *c, const struct pdu *pdu)
{
	struct tmf *m;

	if (pdu->function == TMF_TASK_REASSIGN && !pdu->immediate) {
		full_reject(c, pdu, REJECT_PROTOCOL);	/* 11.5.1 */
		return;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		conn_end(c, "out of memory");
		return;
	}
	m->conn = c;
	m->pdu = *pdu;
	list_append(&c->session->tmfs, &m->in_session);
	tmf_advance(c->session);
}

void
tmf_task_gone(struct task *k)
{
	struct tmf *m = k->tmf;

	k->tmf = NULL;
	if (--m->waits == 0)
		conclude(m);
}

/* Requests of c, or all if it is NULL, will not be answered. */
void
tmf_forget(struct session *s, const struct tconn *c)
{
	struct tmf *m;
	struct task *k;

	list_for_each(m, &s->tmfs, struct tmf, in_session) {
		if (c && m->conn != c)
			continue;
		for (int i = 0; i < TASK_BUCKETS; i++)
			list_for_each(k, &s->tasks[i], struct task, in_table)
				if (k->tmf == m)
					k->tmf = NULL;
		list_del(&m->in_session);
		free(m);
	}
}
