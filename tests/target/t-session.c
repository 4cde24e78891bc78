/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: how they begin with the end of a login (RFC 7143 6.3.1), how they
 * are reinstated and end (6.3.5), their command window.
 */
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

/* MaxCmdSN never falls; what it promises is a slot for each command. */
void
session_advance(struct session *s)
{
	uint32_t window = s->target->options.window, max;

	if (s->active > window)
		window = s->active;
	max = s->exp_cmd_sn + window - s->active - 1;
	if (sn_after(max, s->max_cmd_sn))
		s->max_cmd_sn = max;
}

void
nexus_add_ua(struct session *s, const struct tlu *lu, uint16_t asc)
{
	struct nexus *n = &s->nexus[lu->index];

	for (unsigned i = 0; i < n->ua_count; i++)
		if (n->ua[i] == asc)
			return;
	if (n->ua_count < UA_MAX)
		n->ua[n->ua_count++] = asc;
}

/* 7.1.4.3: the others of the session may tell. */
static void
announce_loss(const struct tconn *c)
{
	const struct session *s = c->session;
	struct pdu pdu = {
		.opcode = OP_ASYNC_MESSAGE,
		.final = true,
		.async_event = ASYNC_CONNECTION_DROP,
		.parameter1 = c->cid,
		.parameter2 = (uint16_t)s->values.v[K_TIME2WAIT],
		.parameter3 = (uint16_t)s->values.v[K_TIME2RETAIN],
	};
	struct tconn *o;

	list_for_each(o, &s->conns, struct tconn, in_session)
		if (o != c && o->state == CONN_FULL) {
			kept_send(o, &pdu, NULL, 0);
			return;
		}
}

/* The connection is gone, and its tasks with it, unless they are kept. */
void
session_leave(struct tconn *c)
{
	struct session *s = c->session;
	struct task *k;

	if (!s)
		return;
	tmf_forget(s, c);
	full_forget_early(s, c);
	if (s->values.v[K_ERL] == 2 && !s->ending &&
	    c->leaving != LEFT_CLOSED) {
		lost_keep(c, c->leaving == LEFT_FOR_RECOVERY);
		if (c->leaving == LEFT_LOST)
			announce_loss(c);
	}
	while ((k = list_first(&c->tasks, struct task, in_conn)))
		task_end(k);
	kept_clear(c);
	list_del(&c->in_session);
	c->session = NULL;
	tmf_acked(s);
	for (unsigned i = 0; s->node && i < s->node->lu_count; i++)
		task_schedule(s->node->lus[i]);
	if (!list_empty(&s->conns) || s->ending)
		return;
	if (s->discovery || s->expires == 0)
		session_free(s);
	else				/* 6.3.5: session timeout */
		s->expires = time_add(c->now, TIME_S *
				(lun_time)(s->values.v[K_TIME2WAIT] +
					   s->values.v[K_TIME2RETAIN]));
}

/* Logins that were to join it have nowhere to go. */
static void
forget_joining(const struct session *s)
{
	struct tconn *c;

	list_for_each(c, &s->target->conns, struct tconn, in_target)
		if (c->login && c->login->join == s)
			c->login->join = NULL;
}

/* Ends its connections too, and all tasks: nothing of it acts any more. */
void
session_free(struct session *s)
{
	struct tconn *c;

	forget_joining(s);
	s->ending = true;		/* not freed by its last conn */
	list_for_each(c, &s->conns, struct tconn, in_session)
		conn_kill(c, "the session was ended");
	full_forget_early(s, NULL);
	tmf_forget(s, NULL);
	lost_clear(s);
	list_del(&s->in_target);
	free(s->nexus);
	free(s);
}

/* Another portal group has sessions of its own: 4.4.3, 7.4.2.1. */
struct session *
session_find(const struct tconn *c)
{
	const struct login *l = c->login;
	unsigned group = portal_group(c->target, c->portal);
	struct session *s;

	list_for_each(s, &c->target->sessions, struct session, in_target) {
		if (s->node == l->node && s->group == group &&
		    strcmp(s->initiator, l->initiator) == 0 &&
		    memcmp(s->isid, l->isid, ISID_LEN) == 0 &&
		    (s->node || strcmp(s->portal, c->portal) == 0))
			return s;
	}
	return NULL;
}

struct tconn *
session_find_cid(const struct session *s, uint16_t cid)
{
	struct tconn *c;

	list_for_each(c, &s->conns, struct tconn, in_session)
		if (c->cid == cid)
			return c;
	return NULL;
}

/* Those that are not about to be closed. */
unsigned
session_conns(const struct session *s)
{
	struct tconn *c;
	unsigned n = 0;

	list_for_each(c, &s->conns, struct tconn, in_session)
		n += c->state == CONN_FULL;
	return n;
}

static uint16_t
new_tsih(struct target *t)
{
	struct session *s;
	bool used;

	do {
		used = ++t->last_tsih == 0;
		list_for_each(s, &t->sessions, struct session, in_target)
			used |= s->tsih == t->last_tsih;
	} while (used);
	return t->last_tsih;
}

static void
tell_power_on(struct session *s, struct tlu *lu)
{
	int tells = disk_config(lu->disk)->tells;

	if (tells == TELLS_EACH || (tells == TELLS_ONE && !lu->told))
		nexus_add_ua(s, lu, 0x2900);
	lu->told = true;
}

static struct session *
session_new(const struct tconn *c)
{
	const struct login *l = c->login;
	unsigned lus = l->node ? l->node->lu_count : 0;
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->nexus = calloc(lus + 1, sizeof(*s->nexus));
	if (!s->nexus) {
		free(s);
		return NULL;
	}
	s->target = c->target;
	s->node = l->node;
	strcpy(s->portal, c->portal);
	s->group = portal_group(c->target, c->portal);
	strcpy(s->initiator, l->initiator);
	memcpy(s->isid, l->isid, ISID_LEN);
	s->tsih = new_tsih(c->target);
	s->discovery = l->discovery;
	s->exp_cmd_sn = l->cmd_sn;	/* the login is immediate: 4.2.2.1 */
	s->max_cmd_sn = l->cmd_sn - 1;
	s->expires = TIME_NEVER;
	s->next_ttt = 1;
	list_init(&s->conns);
	list_init(&s->pending);
	list_init(&s->tmfs);
	list_init(&s->lost);
	for (int i = 0; i < TASK_BUCKETS; i++)
		list_init(&s->tasks[i]);
	for (unsigned i = 0; i < lus; i++)
		tell_power_on(s, l->node->lus[i]);
	list_append(&c->target->sessions, &s->in_target);
	return s;
}

/* Old tasks and connections end here, before anything new begins: 6.3.5. */
int
session_enter(struct tconn *c)
{
	struct login *l = c->login;
	struct session *s = l->tsih ? l->join : session_find(c);
	struct tconn *old;

	if (l->tsih) {
		old = session_find_cid(s, c->cid); /* 6.3.4 */
		list_append(&s->conns, &c->in_session);
		c->session = s;
		s->expires = TIME_NEVER;
		if (old) {
			old->leaving = LEFT_FOR_RECOVERY;
			conn_kill(old, "the connection was reinstated");
		}
		lost_remove(s, c->cid, l->exp_stat_sn, c->now);
		return 0;
	}
	if (s)
		session_free(s);
	s = session_new(c);
	if (!s)
		return -1;
	s->values = l->values;
	list_append(&s->conns, &c->in_session);
	c->session = s;
	session_advance(s);
	return 0;
}
