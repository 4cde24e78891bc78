/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login phase (RFC 7143 6.3, 11.12, 11.13): stages, names, sessions.
 *
 * A request whose text is complete is answered as a whole: its keys are
 * looked at first, then the names say where the login belongs, then
 * authentication goes a step on, then the stage may end. The session comes
 * into being with the final response and not earlier, so that only an
 * initiator that has proved who it is can end an old session.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

enum status {				/* 11.13.5: class << 8 | detail */
	ST_OK			= 0x0000,
	ST_MOVED_TEMPORARILY	= 0x0101,
	ST_MOVED_PERMANENTLY	= 0x0102,
	ST_INITIATOR_ERROR	= 0x0200,
	ST_AUTHENTICATION	= 0x0201,
	ST_FORBIDDEN		= 0x0202,
	ST_NOT_FOUND		= 0x0203,
	ST_VERSION		= 0x0205,
	ST_TOO_MANY		= 0x0206,
	ST_MISSING		= 0x0207,
	ST_NO_SESSION		= 0x020a,
	ST_INVALID_REQUEST	= 0x020b,
	ST_RESOURCES		= 0x0302,
};

static void
respond(struct tconn *c, const struct pdu *req, struct pdu *rsp,
	const void *text, size_t len)
{
	struct login *l = c->login;

	rsp->opcode = OP_LOGIN_RESPONSE;
	rsp->csg = l->csg;
	memcpy(rsp->isid, req->isid, ISID_LEN);
	rsp->initiator_task_tag = req->initiator_task_tag;
	if (rsp->status_class == 0)
		rsp->stat_sn = c->stat_sn++;
	if (!c->session) {
		const struct session *s = l->join;

		rsp->exp_cmd_sn = s ? s->exp_cmd_sn : l->cmd_sn;
		rsp->max_cmd_sn = s ? s->max_cmd_sn
				    : l->cmd_sn + c->target->options.window - 1;
	}
	conn_send_copy(c, rsp, text, len);
}

static void
login_fail(struct tconn *c, const struct pdu *req, enum status status,
	   const char *why)
{
	struct pdu rsp = {
		.tsih = req->tsih,
		.status_class = (uint8_t)(status >> 8),
		.status_detail = (uint8_t)status,
	};

	c->login->csg = 0;		/* reserved in a reject: 6.3.1 */
	respond(c, req, &rsp, NULL, 0);
	conn_end(c, why);
}

static void
login_redirect(struct tconn *c, const struct pdu *req, const char *address)
{
	const struct target_options *o = &c->target->options;
	struct pdu rsp = {
		.tsih = req->tsih,
		.status_class = 1,
		.status_detail = o->redirect_forever
					? (uint8_t)ST_MOVED_PERMANENTLY
					: (uint8_t)ST_MOVED_TEMPORARILY,
	};

	text_reset(&c->out);
	if (text_pair(&c->out, "TargetAddress", address) < 0) {
		conn_end(c, "out of memory");
		return;
	}
	c->login->csg = 0;
	respond(c, req, &rsp, c->out.buf, c->out.len);
	conn_end(c, "redirected");
}

/* True: that was its end. */
static bool
misbehaves(struct tconn *c, const struct pdu *req)
{
	const struct fault_rule *r = fault_login(c, req);

	if (!r)
		return false;
	if (r->kind == FAULT_TPGT) {
		c->login->tpgt = r->number[0];
		return false;
	}
	if (r->kind == FAULT_REDIRECT)
		login_redirect(c, req, r->text);
	else
		login_fail(c, req, r->number[0] << 8 | r->number[1],
			   "a fault has refused it");
	return true;
}

/* ---------------------------------------------------------------- keys -- */

static int
set_name(char name[NAME_LEN], const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= NAME_LEN)
		return -1;
	memcpy(name, value, len + 1);
	return 0;
}

static int
session_type(struct login *l, const char *value)
{
	if (strcmp(value, "Discovery") != 0 && strcmp(value, "Normal") != 0)
		return -1;
	l->discovery = value[0] == 'D';
	return 0;
}

/* Keys that the initiator declares in any stage, each at most once. */
static int
declared_key(struct login *l, const char *key, const char *value)
{
	static const char *const names[] = {
		"InitiatorName", "TargetName", "SessionType", "InitiatorAlias",
		"X#NodeArchitecture",
	};
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], key) == 0)
			break;
	if (i == sizeof(names) / sizeof(*names))
		return 1;
	if (l->seen_names >> i & 1)
		return -1;			/* 6.3 */
	l->seen_names |= 1u << i;
	switch (i) {
	case 0:
		return set_name(l->initiator, value);
	case 1:
		return set_name(l->target, value);
	case 2:
		return session_type(l, value);
	default:
		return 0;
	}
}

static bool
is_obsolete(const char *key)
{
	return strcmp(key, "IFMarker") == 0 || strcmp(key, "OFMarker") == 0 ||
	       strcmp(key, "IFMarkInt") == 0 || strcmp(key, "OFMarkInt") == 0;
}

static bool
is_targets(const char *key)
{
	return strcmp(key, "TargetAlias") == 0 ||
	       strcmp(key, "TargetAddress") == 0 ||
	       strcmp(key, "TargetPortalGroupTag") == 0 ||
	       strcmp(key, "SendTargets") == 0;
}

static int
operational_key(struct tconn *c, enum tkey k, const char *value)
{
	struct login *l = c->login;
	char answer[TKEY_TEXT];

	if (l->csg != STAGE_OPERATIONAL || (l->tsih && tkey_leading_only(k)))
		return -1;
	if (l->seen[k])
		return -1;			/* 6.3: no renegotiation */
	l->seen[k] = true;
	if (l->proposed[k])
		return tkey_answered(k, &c->target->wants, value, &l->values);
	if (tkey_answer(k, &c->target->wants, value, l->discovery, &l->values,
			answer) < 0)
		return -1;
	return *answer ? text_pair(&c->out, tkey_name(k), answer) : 0;
}

static int
login_key(void *user, const char *key, const char *value)
{
	struct tconn *c = user;
	enum tkey k = tkey_find(key);
	int r;

	if (k != K_COUNT)
		return operational_key(c, k, value);
	r = declared_key(c->login, key, value);
	if (r <= 0)
		return r;
	if (is_targets(key))
		return -1;
	if (chap_is_key(key)) {
		if (c->login->csg != STAGE_SECURITY)
			return -1;
		r = strcmp(key, "AuthMethod") == 0
			    ? chap_choose(c, value, &c->out)
			    : chap_key(c, key, value);
		c->login->auth_failed = r < 0;
		return r;
	}
	if (strcmp(value, "NotUnderstood") == 0)
		return 0;
	return text_pair(&c->out, key, is_obsolete(key) ? "Reject" /* 13.25 */
							: "NotUnderstood");
}

/* --------------------------------------------------------------- names -- */

/* A login with a TSIH belongs to a session that exists: 6.3.1. */
static enum status
join_session(struct tconn *c)
{
	struct login *l = c->login;
	struct session *s = session_find(c);
	uint32_t max;

	if (!s || s->tsih != l->tsih)
		return ST_NO_SESSION;
	max = s->values.v[K_MAX_CONNECTIONS];
	/* 6.3.4: a second one to clean up after the only one */
	if (max == 1 && s->values.v[K_ERL] == 2)
		max = 2;
	if (!session_find_cid(s, c->cid) && session_conns(s) >= max)
		return ST_TOO_MANY;
	l->join = s;
	for (enum tkey k = 0; k < K_COUNT; k++)
		if (tkey_leading_only(k))
			l->values.v[k] = s->values.v[k];
	return ST_OK;
}

/* The first request with complete text says who wants what. */
static enum status
identify(struct tconn *c)
{
	struct login *l = c->login;

	if (!*l->initiator)
		return ST_MISSING;
	if (!*l->target && !l->discovery)
		return ST_MISSING;		/* 13.4 */
	if (l->discovery && c->target->options.no_discovery)
		return ST_FORBIDDEN;
	if (*l->target) {
		l->node = target_find(c->target, l->target);
		if (!l->node)
			return ST_NOT_FOUND;
	}
	return l->tsih ? join_session(c) : ST_OK;
}

/* -------------------------------------------------------------- finish -- */

/* Integrity, 6.2: checked when all values are known. */
static bool
values_fit(struct login *l)
{
	uint32_t *v = l->values.v;

	if (v[K_INITIAL_R2T] && !v[K_IMMEDIATE_DATA])
		return true;
	if (v[K_FIRST_BURST] > v[K_MAX_BURST] && !l->seen[K_FIRST_BURST])
		v[K_FIRST_BURST] = v[K_MAX_BURST];	/* a default */
	return v[K_FIRST_BURST] <= v[K_MAX_BURST];
}

/* Full feature phase from the next PDU on; the response still goes plain. */
static void
finish(struct tconn *c, const struct pdu *req, struct pdu *rsp,
       const char *text, size_t len)
{
	const uint32_t *v = c->login->values.v;
	bool header = v[K_HEADER_DIGEST], data = v[K_DATA_DIGEST];

	if (c->login->tsih && !c->login->join) {
		login_fail(c, req, ST_NO_SESSION, "the session has ended");
		return;
	}
	if (session_enter(c) < 0) {
		login_fail(c, req, ST_RESOURCES, "out of memory");
		return;
	}
	c->max_recv = v[K_MAX_RECV];
	rsp->tsih = c->session->tsih;
	respond(c, req, rsp, text, len);
	tx_set_digests(c->tx, header, data);
	rx_set_digests(c->rx, header, data);
	if (rx_set_max_data(c->rx, c->target->wants.v[K_MAX_RECV]) < 0) {
		conn_end(c, "out of memory");
		return;
	}
	c->state = CONN_FULL;
	c->exp_stat_sn = c->fence_sn = c->stat_sn;
	c->deadline = TIME_NEVER;
	if (c->target->options.nop_seconds)
		c->deadline = c->now + c->target->options.nop_seconds * TIME_S;
}

/* -------------------------------------------------------------- stages -- */

/* The answer, or the next piece of it; T with the last one only. */
static void
send_answer(struct tconn *c, const struct pdu *req, bool transit)
{
	struct login *l = c->login;
	size_t left = c->out.len - c->out.sent;
	bool more = left > LOGIN_DATA_SEGMENT_MAX;
	size_t len = more ? LOGIN_DATA_SEGMENT_MAX : left;
	const char *text = len ? c->out.buf + c->out.sent : NULL;
	struct pdu rsp = { .tsih = req->tsih, .continued = more };

	c->out.sent += len;
	l->transit_pending = more && transit;
	if (!more && transit && req->final) {
		rsp.final = true;
		rsp.nsg = l->nsg;
		if (l->nsg == STAGE_FULL_FEATURE) {
			finish(c, req, &rsp, text, len);
			return;
		}
	}
	respond(c, req, &rsp, text, len);
	if (rsp.final)
		l->csg = l->nsg;
}

/* Asks for what the user of this target wants and the initiator left open. */
static int
propose(struct tconn *c, bool *proposed)
{
	struct login *l = c->login;
	char value[TKEY_TEXT];

	for (enum tkey k = 0; k < K_COUNT; k++) {
		if (!c->target->wants.asked_for[k] || l->seen[k] ||
		    l->proposed[k] || k == K_MAX_RECV || l->discovery ||
		    (l->tsih && tkey_leading_only(k)))
			continue;
		tkey_propose(k, &c->target->wants, value);
		l->proposed[k] = true;
		*proposed = true;
		if (text_pair(&c->out, tkey_name(k), value) < 0)
			return -1;
	}
	return 0;
}

/* What the target declares: 6.3.1, 13.6, 13.12. */
static int
declare(struct tconn *c)
{
	const struct target_options *o = &c->target->options;
	struct login *l = c->login;
	char number[16];

	if (!l->tpgt_sent) {
		snprintf(number, sizeof(number), "%u", l->tpgt);
		if (text_pair(&c->out, "TargetPortalGroupTag", number) < 0)
			return -1;
		if (o->alias && !l->discovery &&
		    text_pair(&c->out, "TargetAlias", o->alias) < 0)
			return -1;
		l->tpgt_sent = true;
	}
	if (l->csg == STAGE_OPERATIONAL && !l->limits_sent) {
		snprintf(number, sizeof(number), "%u",
			 c->target->wants.v[K_MAX_RECV]);
		if (text_pair(&c->out, tkey_name(K_MAX_RECV), number) < 0)
			return -1;
		l->limits_sent = true;
	}
	return 0;
}

static void
answer(struct tconn *c, const struct pdu *req)
{
	struct login *l = c->login;
	bool proposed = false, wants_auth = c->target->options.chap_user;

	if (!l->authenticated && wants_auth &&
	    (l->csg == STAGE_OPERATIONAL ||
	     (l->chap.state == CHAP_NONE && req->final))) {
		login_fail(c, req, ST_AUTHENTICATION, "no authentication");
		return;
	}
	l->nsg = req->nsg;
	if (declare(c) < 0 ||
	    (l->csg == STAGE_OPERATIONAL && req->final &&
	     propose(c, &proposed) < 0)) {
		login_fail(c, req, ST_RESOURCES, "out of memory");
		return;
	}
	if (!values_fit(l)) {
		login_fail(c, req, ST_INITIATOR_ERROR,
			   "FirstBurstLength is above MaxBurstLength");
		return;
	}
	send_answer(c, req, !proposed && (l->authenticated || !wants_auth));
}

static void
text_complete(struct tconn *c, const struct pdu *req)
{
	struct login *l = c->login;
	enum status status;
	int r;

	text_reset(&c->out);
	r = text_each(&c->in, c, login_key);
	text_reset(&c->in);
	if (r < 0) {
		login_fail(c, req, l->auth_failed ? ST_AUTHENTICATION
						  : ST_INITIATOR_ERROR,
			   "a key or value is wrong");
		return;
	}
	if (!l->identified) {
		l->identified = true;
		status = identify(c);
		if (status != ST_OK) {
			login_fail(c, req, status, "the names do not fit");
			return;
		}
		if (c->target->options.redirect && !l->discovery) {
			login_redirect(c, req, c->target->options.redirect);
			return;
		}
		if (c->target->faults && !l->discovery && misbehaves(c, req))
			return;
	}
	if (chap_step(c, &c->out) < 0) {
		login_fail(c, req, ST_AUTHENTICATION, "authentication failed");
		return;
	}
	answer(c, req);
}

static enum status
login_start(struct tconn *c, const struct pdu *req)
{
	struct login *l = c->login;

	c->target->env.random(c->target->env.user, &c->stat_sn,
			      sizeof(c->stat_sn));
	if (req->version_min > 0)
		return ST_VERSION;
	l->started = true;
	l->csg = req->csg;
	l->itt = req->initiator_task_tag;
	l->tsih = req->tsih;
	l->tpgt = portal_group(c->target, c->portal);
	l->cmd_sn = req->cmd_sn;
	l->exp_stat_sn = req->exp_stat_sn;
	memcpy(l->isid, req->isid, ISID_LEN);
	c->cid = req->cid;
	tvalues_default(&l->values);
	return ST_OK;
}

/* What has to be the same in all requests of a login, and what is never
 * right (11.12). */
static bool
request_fits(const struct tconn *c, const struct pdu *req)
{
	const struct login *l = c->login;

	if (req->csg != l->csg || req->initiator_task_tag != l->itt ||
	    req->tsih != l->tsih || req->cid != c->cid ||
	    memcmp(req->isid, l->isid, ISID_LEN) != 0 ||
	    req->csg > STAGE_OPERATIONAL)
		return false;
	if (req->final && (req->continued || req->nsg <= req->csg ||
			   (req->nsg != STAGE_OPERATIONAL &&
			    req->nsg != STAGE_FULL_FEATURE)))
		return false;
	return true;
}

void
login_pdu(struct tconn *c, const struct pdu *req, const uint8_t *data)
{
	struct login *l = c->login;
	enum status status = ST_OK;

	if (req->opcode != OP_LOGIN_REQUEST) {
		if (!l->started)
			conn_end(c, "the first PDU is not a Login Request");
		else
			login_fail(c, req, ST_INVALID_REQUEST,
				   "not a Login Request");
		return;
	}
	if (!l->started)
		status = login_start(c, req);
	if (status == ST_OK &&
	    (!request_fits(c, req) || ++l->requests > LOGIN_REQUESTS_MAX))
		status = ST_INITIATOR_ERROR;
	if (status != ST_OK) {
		login_fail(c, req, status, "a field of the request is wrong");
		return;
	}
	if (c->out.sent < c->out.len) {		/* it asks for the rest */
		if (req->data_segment_length)
			login_fail(c, req, ST_INITIATOR_ERROR,
				   "text within an answer");
		else
			send_answer(c, req, l->transit_pending);
		return;
	}
	if (c->in.len + req->data_segment_length > TEXT_IN_MAX ||
	    text_append(&c->in, data, req->data_segment_length) < 0) {
		login_fail(c, req, ST_RESOURCES, "too much text");
		return;
	}
	if (req->continued) {			/* 6.2: an empty response */
		struct pdu rsp = { .tsih = req->tsih };

		respond(c, req, &rsp, NULL, 0);
		return;
	}
	text_complete(c, req);
}
