/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's objects, and the two places that every PDU passes:
 * conn_send() on its way out and received() on its way in. See target.h.
 *
 * A connection that fails within a call of its own is only marked (CONN_DEAD);
 * it leaves its session at the end of that call, so that nobody down the stack
 * finds it gone. Other connections leave at once.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "t-priv.h"

/* ---------------------------------------------------------- connections -- */

void
conn_wake(struct tconn *c)
{
	if (list_empty(&c->in_ready))
		list_append(&c->target->ready, &c->in_ready);
}

static void
set_reason(struct tconn *c, const char *why)
{
	if (!*c->reason)
		snprintf(c->reason, sizeof(c->reason), "%s", why);
}

/* No further input; closed when all that is queued has been sent. */
void
conn_end(struct tconn *c, const char *why)
{
	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_ENDING;
	c->deadline = time_add(c->now, TIME_S *
				       c->target->options.login_seconds);
	set_reason(c, why);
	conn_wake(c);
}

void
conn_fail(struct tconn *c, const char *why)
{
	c->state = CONN_DEAD;
	set_reason(c, why);
	conn_wake(c);
}

void
conn_kill(struct tconn *c, const char *why)
{
	conn_fail(c, why);
	session_leave(c);
}

/* Every PDU that the target sends passes here. */
static void
sending(struct tconn *c, struct pdu *pdu, size_t len)
{
	if (c->session) {
		pdu->exp_cmd_sn = c->session->exp_cmd_sn;
		pdu->max_cmd_sn = c->session->max_cmd_sn;
	}
	pdu->data_segment_length = (uint32_t)len;
	if (c->target->env.trace)
		c->target->env.trace(c->target->env.user, c->user, pdu);
}

/* Behind the faults: into the stream. */
void
conn_queue(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
	   const struct task *owner, bool copy)
{
	int r = copy ? tx_add_copy(c->tx, pdu, data, len)
		     : tx_add(c->tx, pdu, NULL, data, len, owner);

	if (r < 0)
		conn_fail(c, "out of memory");
	conn_wake(c);
}

void
conn_send(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
	  const struct task *owner)
{
	if (c->state == CONN_DEAD)
		return;
	sending(c, pdu, len);
	if (c->target->faults)
		fault_send(c, pdu, data, len, owner);
	else
		conn_queue(c, pdu, data, len, owner, false);
}

void
conn_send_copy(struct tconn *c, struct pdu *pdu, const void *data, size_t len)
{
	if (c->state == CONN_DEAD)
		return;
	sending(c, pdu, len);
	if (c->target->faults)
		fault_send(c, pdu, data, len, NULL);
	else
		conn_queue(c, pdu, data, len, NULL, true);
}

/* A header is here: where does its payload belong? */
static int
header_received(void *user, const struct pdu *pdu, const struct ahs *ahs,
		void **place)
{
	struct tconn *c = user;

	if (c->target->faults && fault_header(c, pdu))
		return 0;
	if (c->state == CONN_FULL && !c->session->discovery)
		*place = data_out_place(c, pdu);
	return 0;
}

bool
conn_listens(const struct tconn *c)
{
	return c->state == CONN_LOGIN || c->state == CONN_FULL;
}

/* Behind the faults: to those whom it concerns. */
void
conn_deliver(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	     bool digest_ok)
{
	if (c->state == CONN_LOGIN)
		login_pdu(c, pdu, data);
	else
		full_pdu(c, pdu, data, digest_ok);
}

/* Every PDU that the target receives passes here. */
static int
received(void *user, const struct pdu *pdu, const uint8_t *data,
	 bool digest_ok)
{
	struct tconn *c = user;

	if (c->target->env.trace)
		c->target->env.trace(c->target->env.user, c->user, pdu);
	if (c->target->faults)
		fault_receive(c, pdu, data, digest_ok);
	else
		conn_deliver(c, pdu, data, digest_ok);
	if (c->incoming) {		/* nobody wanted it */
		task_put(c->incoming, c->target);
		c->incoming = NULL;
	}
	return conn_listens(c) ? 0 : LUN_ECANCELED;
}

static void
login_free(struct login *l)
{
	for (size_t i = 0; l && i < sizeof(l->chap_field) /
				    sizeof(*l->chap_field); i++)
		free(l->chap_field[i]);
	free(l);
}

/* After a call in which it may have failed, or has logged in. */
void
conn_settle(struct tconn *c)
{
	if (c->state == CONN_DEAD)
		session_leave(c);
	if (c->login && c->state == CONN_FULL) {
		login_free(c->login);
		c->login = NULL;
	}
}

int
tconn_new(struct tconn **out, struct target *t, const char *portal,
	  void *user, lun_time now, struct lun_error *err)
{
	static const struct rx_ops ops = { header_received, received };
	struct tconn *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return lun_fail(err, LUN_ENOMEM, "connection: out of memory");
	c->target = t;
	c->user = user;
	c->now = t->now = now;
	c->max_recv = LOGIN_DATA_SEGMENT_MAX;
	c->text_ttt = TAG_NONE;
	c->deadline = now + t->options.login_seconds * TIME_S;
	snprintf(c->portal, sizeof(c->portal), "%s", portal);
	list_init(&c->in_target);
	list_init(&c->in_session);
	list_init(&c->in_ready);
	list_init(&c->tasks);
	list_init(&c->reading);
	list_init(&c->draining);
	fault_conn_init(c);
	list_init(&c->kept);
	c->ack_deadline = c->data_deadline = TIME_NEVER;
	c->login = calloc(1, sizeof(*c->login));
	r = c->login ? 0 : lun_fail(err, LUN_ENOMEM, "login: out of memory");
	if (r == 0)
		r = rx_new(&c->rx, &ops, c, LOGIN_DATA_SEGMENT_MAX, err);
	if (r == 0)
		r = tx_new(&c->tx, err);
	if (r < 0) {
		tconn_free(c, now);
		return r;
	}
	list_append(&t->conns, &c->in_target);
	*out = c;
	return 0;
}

struct tconn *
tconn_free(struct tconn *c, lun_time now)
{
	struct task *k;

	if (!c)
		return NULL;
	c->now = c->target->now = now;
	c->state = CONN_DEAD;
	session_leave(c);
	list_del(&c->in_target);
	list_del(&c->in_ready);
	fault_conn_deinit(c);
	c->tx = tx_free(c->tx);
	c->rx = rx_free(c->rx);
	while ((k = list_first(&c->draining, struct task, in_conn)))
		task_put(k, c->target);
	if (c->incoming)
		task_put(c->incoming, c->target);
	login_free(c->login);
	free(c->in.buf);
	free(c->out.buf);
	free(c);
	return NULL;
}

void *
tconn_user(const struct tconn *c)
{
	return c->user;
}

int
tconn_rx_iov(struct tconn *c, struct iovec iov[2])
{
	if (!conn_listens(c))
		return 0;
	return rx_iov(c->rx, iov);
}

/* 7.7: nothing of the session is to be trusted. */
static void
format_error(struct tconn *c)
{
	struct tconn *o;

	c->leaving = LEFT_CLOSED;
	if (!c->session)
		return;
	list_for_each(o, &c->session->conns, struct tconn, in_session)
		if (o != c) {
			o->leaving = LEFT_CLOSED;
			conn_kill(o, "a format error in its session");
		}
}

int
tconn_rx_ack(struct tconn *c, size_t n, lun_time now)
{
	int r;

	c->now = c->heard = c->target->now = now;
	c->pinged = c->asked = false;
	if (c->state == CONN_FULL && c->target->options.nop_seconds)
		c->deadline = now + c->target->options.nop_seconds * TIME_S;
	r = rx_ack(c->rx, n);
	if (r < 0 && c->state != CONN_ENDING && c->state != CONN_DEAD) {
		/* a format or header digest error ends it: 7.7, 7.8 */
		const struct lun_error *err = rx_error(c->rx);

		conn_fail(c, err->code ? err->text : "broken");
		if (err->code == LUN_EPROTO)
			format_error(c);
	}
	conn_settle(c);
	return r;
}

int
tconn_tx_iov(struct tconn *c, struct iovec *iov, int max)
{
	int count;

	data_pump(c);
	if (c->state == CONN_DEAD)
		return 0;
	count = tx_iov(c->tx, iov, max);
	return c->target->faults ? fault_tx_iov(c, iov, count) : count;
}

void
tconn_tx_ack(struct tconn *c, size_t n, lun_time now)
{
	c->now = c->target->now = now;
	tx_ack(c->tx, n);
	c->acked += n;
	if (c->target->faults)
		fault_tx_ack(c);
	task_drained(c);
}

bool
tconn_finished(const struct tconn *c)
{
	return c->state == CONN_DEAD ||
	       (c->state == CONN_ENDING && tx_queued(c->tx) == 0);
}

const char *
tconn_reason(const struct tconn *c)
{
	return c->reason;
}

/* --------------------------------------------------------------- target -- */

int
target_new(struct target **out, const struct target_env *env, lun_time now,
	   struct lun_error *err)
{
	struct target *t = calloc(1, sizeof(*t));

	if (!t)
		return lun_fail(err, LUN_ENOMEM, "target: out of memory");
	t->env = *env;
	t->now = now;
	t->options.window = 128;
	t->options.tpgt = 1;
	t->options.chap_algorithms = "5,6,7,8";
	t->options.login_seconds = 15;
	twants_default(&t->wants);
	list_init(&t->nodes);
	list_init(&t->sessions);
	list_init(&t->conns);
	list_init(&t->ready);
	list_init(&t->free_tasks);
	*out = t;
	return 0;
}

struct target *
target_free(struct target *t)
{
	struct session *s;
	struct tnode *node;
	struct task *k;

	if (!t)
		return NULL;
	assert(list_empty(&t->conns));
	list_for_each(s, &t->sessions, struct session, in_target)
		session_free(s);
	list_for_each(node, &t->nodes, struct tnode, in_target) {
		for (unsigned i = 0; i < node->lu_count; i++) {
			reserve_deinit(node->lus[i]);
			disk_free(node->lus[i]->disk);
			free(node->lus[i]);
		}
		free(node->lus);
		free(node);
	}
	t->faults = faults_free(t->faults);
	list_for_each(k, &t->free_tasks, struct task, in_table) {
		free(k->buf);
		free(k);
	}
	free(t);
	return NULL;
}

struct target_options *
target_options(struct target *t)
{
	return &t->options;
}

int
target_set_key(struct target *t, const char *name, const char *value,
	       struct lun_error *err)
{
	return twants_set(&t->wants, name, value, err);
}

struct tnode *
target_find(struct target *t, const char *name)
{
	struct tnode *node;

	list_for_each(node, &t->nodes, struct tnode, in_target)
		if (strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

int
target_add_node(struct target *t, struct tnode **out, const char *name,
		struct lun_error *err)
{
	struct tnode *node;

	if (!*name || strlen(name) >= NAME_LEN || target_find(t, name))
		return lun_fail(err, LUN_EINVAL,
				"target name \"%s\": too long, or used", name);
	node = calloc(1, sizeof(*node));
	if (!node)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", name);
	node->target = t;
	strcpy(node->name, name);
	list_append(&t->nodes, &node->in_target);
	*out = node;
	return 0;
}

/* Locally assigned (NAA 3) and the same at each start: FNV-1a of who it is. */
static uint64_t
make_naa(const struct tnode *node, uint64_t lun, const char *serial)
{
	uint64_t h = 0xcbf29ce484222325u;
	char id[NAME_LEN + 64];

	snprintf(id, sizeof(id), "%s,%llx,%s", node->name,
		 (unsigned long long)lun, serial);
	for (const char *s = id; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	return UINT64_C(3) << 60 | h >> 4;
}

/* At its place in the order. The indexes of all follow, which is why this must
 * not be done once there are sessions. */
static int
insert_lu(struct tnode *node, struct tlu *lu)
{
	unsigned i = node->lu_count;
	struct tlu **lus = realloc(node->lus, (i + 1) * sizeof(struct tlu *));

	if (!lus)
		return LUN_ENOMEM;
	for (; i > 0 && lus[i - 1]->lun > lu->lun; i--) {
		lus[i] = lus[i - 1];
		lus[i]->index = i;
	}
	lus[i] = lu;
	lu->index = i;
	node->lus = lus;
	node->lu_count++;
	return 0;
}

int
tnode_add_disk(struct tnode *node, uint64_t lun,
	       const struct disk_config *config, struct lun_error *err)
{
	struct tlu *lu;
	int r;

	if (node->lu_count == LUN_COUNT_MAX || scsi_find_lu(node, lun))
		return lun_fail(err, LUN_EINVAL,
				"%s: too many logical units, or twice the same",
				node->name);
	lu = calloc(1, sizeof(*lu));
	if (!lu)
		return lun_fail(err, LUN_ENOMEM, "LUN: out of memory");
	lu->lun = lun;
	lu->node = node;
	r = disk_new(&lu->disk, config, err);
	if (r == 0 && insert_lu(node, lu) < 0)
		r = lun_fail(err, LUN_ENOMEM, "LUN: out of memory");
	if (r < 0) {
		disk_free(lu->disk);
		free(lu);
		return r;
	}
	reserve_init(lu);
	lu->block_size = config->block_size;
	lu->blocks = disk_blocks(lu->disk);
	lu->naa = make_naa(node, lun, config->serial);
	list_init(&lu->tasks);
	list_init(&lu->readers);
	return 0;
}

bool
target_writer(const struct target *t, struct target_writer *w)
{
	const struct task *k = t->executing;

	if (!k || !k->conn)
		return false;
	*w = (struct target_writer){
		k->session->group, k->conn->user, k->came,
	};
	return true;
}

struct tconn *
target_ready(struct target *t)
{
	struct tconn *c = list_first(&t->ready, struct tconn, in_ready);

	if (c)
		list_del(&c->in_ready);
	return c;
}

lun_time
target_deadline(const struct target *t)
{
	lun_time at = TIME_NEVER;
	struct session *s;
	struct tconn *c;

	list_for_each(c, &t->conns, struct tconn, in_target) {
		if (c->deadline < at)
			at = c->deadline;
		if (c->ack_deadline < at)
			at = c->ack_deadline;
		if (c->data_deadline < at)
			at = c->data_deadline;
	}
	list_for_each(s, &t->sessions, struct session, in_target) {
		if (list_empty(&s->conns) && s->expires < at)
			at = s->expires;
		if (lost_deadline(s) < at)
			at = lost_deadline(s);
	}
	if (t->faults) {
		lun_time due = faults_deadline(t->faults);

		at = due < at ? due : at;
	}
	return at;
}

static void
conn_expired(struct tconn *c, lun_time now)
{
	if (c->state != CONN_FULL || c->pinged) {
		c->deadline = TIME_NEVER;
		conn_kill(c, c->pinged ? "a ping was not answered"
				       : "it took too long");
		return;
	}
	c->deadline = now + c->target->options.nop_seconds * TIME_S;
	if (c->session->discovery)
		return;				/* 7.4.3 */
	c->pinged = true;
	full_ping(c);
}

void
target_run(struct target *t, lun_time now)
{
	struct session *s;
	struct tconn *c;

	t->now = now;
	list_for_each(c, &t->conns, struct tconn, in_target) {
		c->now = now;
		if (c->deadline <= now && c->state != CONN_DEAD)
			conn_expired(c, now);
		if (c->ack_deadline <= now)
			kept_expired(c, now);
		if (c->data_deadline <= now)
			data_expired(c, now);
	}
	list_for_each(s, &t->sessions, struct session, in_target) {
		lost_expired(s, now);
		if (list_empty(&s->conns) && s->expires <= now)
			session_free(s);
	}
	if (t->faults)
		faults_run(t);
}
