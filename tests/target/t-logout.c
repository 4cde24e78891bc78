/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logout (RFC 7143 11.14, 11.15): what is named ends, then the response says
 * so. At level 2 a connection may end so that its tasks go on elsewhere. */
#include "t-priv.h"

static void
respond(struct tconn *c, const struct pdu *req, enum logout_response response)
{
	struct pdu rsp = {
		.opcode = OP_LOGOUT_RESPONSE,
		.final = true,
		.initiator_task_tag = req->initiator_task_tag,
		.response = (uint8_t)response,
		.time2wait = (uint16_t)c->session->values.v[K_TIME2WAIT],
		.time2retain = (uint16_t)c->session->values.v[K_TIME2RETAIN],
	};

	kept_send(c, &rsp, NULL, 0);
}

static void
end_tasks(struct tconn *c)
{
	struct task *k;

	while ((k = list_first(&c->tasks, struct task, in_conn)))
		task_end(k);
}

bool
logout_of_another(const struct tconn *c, const struct pdu *pdu)
{
	return pdu->opcode == OP_LOGOUT_REQUEST &&
	       pdu->reason != LOGOUT_SESSION && pdu->cid != c->cid;
}

/* It may be gone already, as far as its transport goes. */
static bool
end_another(struct tconn *c, const struct pdu *req)
{
	struct session *s = c->session;
	struct tconn *o = session_find_cid(s, req->cid);
	bool recovery = req->reason == LOGOUT_RECOVERY, was_lost;

	if (o) {
		o->leaving = recovery ? LEFT_FOR_RECOVERY : LEFT_CLOSED;
		conn_kill(o, "logged out");
	}
	was_lost = recovery ? lost_remove(s, req->cid, req->exp_stat_sn, c->now)
			    : lost_close(s, req->cid);
	return o || was_lost;
}

/* 6.3.5: closure of the session, or of what may still be recovered. */
static bool
ends_session(const struct session *s, const struct pdu *req)
{
	if (req->reason == LOGOUT_SESSION)
		return true;
	return req->reason == LOGOUT_CONNECTION &&
	       s->conns.next == s->conns.prev && list_empty(&s->lost);
}

static void
end_this(struct tconn *c, const struct pdu *req)
{
	struct session *s = c->session;
	struct tconn *o;

	if (req->reason == LOGOUT_SESSION)
		list_for_each(o, &s->conns, struct tconn, in_session)
			if (o != c) {
				o->leaving = LEFT_CLOSED;
				conn_kill(o, "the session was closed");
			}
	if (req->reason == LOGOUT_RECOVERY)
		lost_keep(c, true);
	else
		end_tasks(c);
	c->leaving = LEFT_CLOSED;
	respond(c, req, LOGOUT_DONE);
	if (ends_session(s, req))
		s->expires = 0;
	conn_end(c, "logged out");
}

void
logout_request(struct tconn *c, const struct pdu *req)
{
	if (req->reason > LOGOUT_RECOVERY)
		full_reject(c, req, REJECT_INVALID_FIELD);
	else if (req->reason == LOGOUT_RECOVERY &&
		 c->session->values.v[K_ERL] < 2)
		respond(c, req, LOGOUT_NO_RECOVERY);
	else if (logout_of_another(c, req))
		respond(c, req, end_another(c, req) ? LOGOUT_DONE
						    : LOGOUT_NO_CID);
	else
		end_this(c, req);
}
