/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks: where they come from and go to, and in which order those of a
 * logical unit start (SAM-5 8.6: SIMPLE, ORDERED, HEAD OF QUEUE).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

struct task *
task_get(struct target *t)
{
	struct task *k = list_first(&t->free_tasks, struct task, in_table);
	uint8_t *buf = NULL;
	size_t size = 0;

	if (k) {
		list_del(&k->in_table);
		buf = k->buf;
		size = k->buf_size;
		memset(k, 0, sizeof(*k));
	} else {
		k = calloc(1, sizeof(*k));
		if (!k)
			return NULL;
	}
	k->buf = buf;
	k->buf_size = size;
	list_init(&k->in_table);
	list_init(&k->in_conn);
	list_init(&k->in_lu);
	list_init(&k->in_readers);
	list_init(&k->in_reading);
	list_init(&k->in_held);
	return k;
}

/* Nothing borrows from it any more. */
void
task_put(struct task *k, struct target *t)
{
	list_del(&k->in_table);
	list_del(&k->in_conn);
	list_del(&k->in_lu);
	list_del(&k->in_readers);
	list_del(&k->in_reading);
	list_del(&k->in_held);
	if (k->buf_size > TASK_BUF_KEPT) {
		free(k->buf);
		k->buf = NULL;
		k->buf_size = 0;
	}
	list_prepend(&t->free_tasks, &k->in_table);
}

int
task_reserve(struct task *k, size_t size)
{
	uint8_t *buf;

	if (size <= k->buf_size)
		return 0;
	assert(!k->place.at);
	size = (size + 4095) & ~(size_t)4095;
	buf = realloc(k->buf, size);
	if (!buf)
		return -1;
	k->buf = buf;
	k->buf_size = size;
	return 0;
}

static struct list *
bucket(const struct session *s, uint32_t itt)
{
	return (struct list *)&s->tasks[(itt ^ itt >> 16) % TASK_BUCKETS];
}

struct task *
task_find(const struct session *s, uint32_t itt)
{
	struct task *k;

	list_for_each(k, bucket(s, itt), struct task, in_table)
		if (k->cmd.initiator_task_tag == itt)
			return k;
	return NULL;
}

static bool
may_start(const struct task *k)
{
	struct task *o;

	if (tmf_holds(k))
		return false;
	if (k->cmd.attr == ATTR_HEAD_OF_QUEUE)
		return true;
	if (k->cmd.attr != ATTR_ORDERED && k->lu->ordered == 0)
		return true;
	list_for_each(o, &k->lu->tasks, struct task, in_lu) {
		if (o == k)
			return true;
		if (k->cmd.attr == ATTR_ORDERED || o->cmd.attr == ATTR_ORDERED)
			return false;
	}
	return true;
}

/* A task that starts may end at once and let others start: no recursion. */
void
task_schedule(struct tlu *lu)
{
	struct task *k;

	if (lu->scheduling)
		return;
	lu->scheduling = true;
again:
	if (lu->blocked) {
		list_for_each(k, &lu->tasks, struct task, in_lu) {
			if (k->state != TASK_WAITING || !k->conn ||
			    !may_start(k))
				continue;
			lu->blocked--;
			data_begin(k);
			goto again;
		}
	}
	lu->scheduling = false;
}

/* Into the tables of its session and connection. */
void
task_count(struct task *k)
{
	struct session *s = k->session;

	if (k->cmd.immediate)
		s->immediate++;
	else
		s->active++;
	list_append(bucket(s, k->cmd.initiator_task_tag), &k->in_table);
	list_append(&k->conn->tasks, &k->in_conn);
}

void
task_enter(struct task *k)
{
	task_count(k);
	k->lu = scsi_find_lu(k->session->node, k->cmd.lun);
	if (!k->lu) {
		data_begin(k);
		return;
	}
	list_append(&k->lu->tasks, &k->in_lu);
	if (k->cmd.attr == ATTR_ORDERED)
		k->lu->ordered++;
	if (may_start(k))
		data_begin(k);
	else
		k->lu->blocked++;
}

/*
 * The task is about to answer, or is over: it leaves all tables. Others may
 * start then, which is left to the caller: task_schedule().
 */
void
task_leave(struct task *k)
{
	struct session *s = k->session;

	assert(k->state != TASK_DONE);
	tmf_left(k);
	if (!list_empty(&k->in_lu)) {		/* not if it answers again */
		k->lu->blocked -= k->state == TASK_WAITING;
		k->lu->ordered -= k->cmd.attr == ATTR_ORDERED;
	}
	k->state = TASK_DONE;
	if (k->cmd.immediate)
		s->immediate--;
	else
		s->active--;
	session_advance(s);
	if (k->place.at)
		rx_forget(k->conn->rx, k->place.at, k->place.len);
	list_del(&k->in_table);
	list_del(&k->in_conn);
	list_del(&k->in_lu);
	list_del(&k->in_reading);
}

/* Its memory stays until the bytes that were queued for it are gone. */
void
task_drain(struct task *k)
{
	struct tconn *c = k->conn;

	if (!c) {
		task_put(k, k->session->target);
		return;
	}
	k->tx_end = c->acked + tx_queued(c->tx);
	list_append(&c->draining, &k->in_conn);
}

void
task_end(struct task *k)
{
	task_leave(k);
	if (k->tmf)
		tmf_task_gone(k);
	if (!k->session->target->faults || !fault_ends(k))
		task_drain(k);
}

/* A covered task of the issuing session: its transfer tags come first. */
void
task_abort(struct task *k, struct tmf *tmf)
{
	if (k->tmf)
		return;			/* another request waits for it */
	if (data_settled(k)) {
		task_end(k);
		return;
	}
	k->tmf = tmf;
	tmf->waits++;
}

void
task_drained(struct tconn *c)
{
	struct task *k;

	while ((k = list_first(&c->draining, struct task, in_conn)) &&
	       k->tx_end <= c->acked)
		task_put(k, c->target);
}
