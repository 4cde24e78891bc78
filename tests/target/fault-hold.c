/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What faults hold back: PDUs on their way in or out, commands that have their
 * data but must not execute yet, and commands that were ended while they were
 * held and execute all the same. Three lists, each by when its first is due.
 */
#include <stdlib.h>
#include <string.h>

#include "fault-impl.h"

struct parcel {				/* a PDU, copied */
	struct list in_parcels;
	struct tconn *conn;
	enum fault_point way;		/* FAULT_IN or FAULT_OUT */
	lun_time due;
	unsigned after;			/* so many others */
	bool stalled;
	struct pdu pdu;
	bool digest_ok;
	struct verdict verdict;
	size_t len;
	uint8_t data[];
};

/* ----------------------------------------------------------------- PDUs -- */

static int
way_index(enum fault_point way)
{
	return way == FAULT_OUT;
}

bool
is_stalled(const struct tconn *c, enum fault_point way)
{
	int i = way_index(way);

	return c->faults.waiting[i] || c->target->now < c->faults.stalled[i];
}

static void
insert_parcel(struct faults *f, struct parcel *p)
{
	struct list *pos = f->parcels.prev;

	while (pos != &f->parcels &&
	       container_of(pos, struct parcel, in_parcels)->due > p->due)
		pos = pos->prev;
	list_add_before(pos->next, &p->in_parcels);
}

/* Behind what its connection has in this direction. */
static void
join_stalled(struct parcel *p, const struct verdict *v)
{
	lun_time *until = &p->conn->faults.stalled[way_index(p->way)];

	if (v->kinds & 1u << FAULT_STALL) {
		lun_time t = time_add(p->conn->target->now,
				      v->by[FAULT_STALL]->time);

		if (t > *until)
			*until = t;
	}
	p->due = *until;
	p->stalled = true;
	p->conn->faults.waiting[way_index(p->way)]++;
}

bool
hold_back(struct tconn *c, enum fault_point way, const struct pdu *pdu,
	  const void *data, size_t len, bool digest_ok, const struct verdict *v)
{
	unsigned kinds = v->kinds;
	struct parcel *p;

	if (!(kinds & (1u << FAULT_DELAY | 1u << FAULT_STALL |
		       1u << FAULT_REORDER)) && !is_stalled(c, way))
		return false;
	if (!data)
		len = 0;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return false;
	*p = (struct parcel){
		.conn = c, .way = way, .pdu = *pdu, .digest_ok = digest_ok,
		.verdict = *v, .len = len, .due = c->target->now,
	};
	if (len)
		memcpy(p->data, data, len);
	if (kinds & 1u << FAULT_DELAY)
		p->due = time_add(p->due, v->by[FAULT_DELAY]->time);
	if (kinds & 1u << FAULT_REORDER) {
		p->after = v->by[FAULT_REORDER]->number[0] + 1; /* itself */
		p->due = time_add(p->due, TIME_S);
	}
	if ((kinds & 1u << FAULT_STALL) || is_stalled(c, way))
		join_stalled(p, v);
	insert_parcel(c->target->faults, p);
	return true;
}

static void
parcel_free(struct parcel *p)
{
	list_del(&p->in_parcels);
	if (p->stalled)
		p->conn->faults.waiting[way_index(p->way)]--;
	free(p);
}

/* Its turn has come. The parcel is out of the list first: what it brings about
 * may end its connection. */
static void
parcel_go(struct parcel *p)
{
	struct tconn *c = p->conn;

	list_del(&p->in_parcels);
	c->now = c->target->now;
	if (p->way == FAULT_OUT)
		fault_emit(c, &p->pdu, p->data, p->len, &p->verdict);
	else
		fault_take_late(c, &p->pdu, p->len ? p->data : NULL,
				p->digest_ok, &p->verdict);
	parcel_free(p);
}

void
pdu_passed(struct tconn *c, enum fault_point way)
{
	struct faults *f = c->target->faults;
	struct parcel *p;

	list_for_each(p, &f->parcels, struct parcel, in_parcels) {
		if (!p->after || p->way != way ||
		    p->conn->session != c->session || --p->after)
			continue;
		list_del(&p->in_parcels);
		p->due = c->target->now;
		insert_parcel(f, p);
	}
}

void
hold_forget(struct tconn *c)
{
	struct parcel *p;

	list_for_each(p, &c->target->faults->parcels, struct parcel, in_parcels)
		if (p->conn == c)
			parcel_free(p);
}

/* ---------------------------------------------------------------- tasks -- */

static void
insert_task(struct list *tasks, struct task *k)
{
	struct list *pos = tasks->prev;

	while (pos != tasks &&
	       container_of(pos, struct task, in_held)->due > k->due)
		pos = pos->prev;
	list_add_before(pos->next, &k->in_held);
}

bool
fault_holds(struct task *k)
{
	struct target *t = k->session->target;

	if (!list_empty(&k->in_held))
		return true;
	if (!k->hold)
		return false;
	k->due = time_add(t->now, k->hold);
	k->hold = 0;
	insert_task(&t->faults->held, k);
	return true;
}

bool
fault_ends(struct task *k)
{
	if (list_empty(&k->in_held))
		return false;
	list_del(&k->in_held);
	if (!k->zombie)
		return false;
	insert_task(&k->session->target->faults->zombies, k);
	k->conn = NULL;
	return true;
}

/* ----------------------------------------------------------------- time -- */

static lun_time
first_due(const struct list *tasks)
{
	return list_empty(tasks) ? TIME_NEVER :
		container_of(tasks->next, struct task, in_held)->due;
}

static lun_time
min_time(lun_time a, lun_time b)
{
	return a < b ? a : b;
}

lun_time
faults_deadline(const struct faults *f)
{
	lun_time at = list_empty(&f->parcels) ? TIME_NEVER :
		container_of(f->parcels.next, struct parcel, in_parcels)->due;

	return min_time(at, min_time(first_due(&f->held),
				     first_due(&f->zombies)));
}

/* What goes on now may hold back more, which is for the next time. */
void
faults_run(struct target *t)
{
	struct faults *f = t->faults;
	struct task *k;

	while (!list_empty(&f->parcels)) {
		struct parcel *p = container_of(f->parcels.next, struct parcel,
						in_parcels);

		if (p->due > t->now)
			break;
		parcel_go(p);
	}
	while (first_due(&f->zombies) <= t->now) {
		k = list_first(&f->zombies, struct task, in_held);
		scsi_execute(k);
		task_put(k, t);
	}
	while (first_due(&f->held) <= t->now) {
		k = list_first(&f->held, struct task, in_held);
		list_del(&k->in_held);
		if (!k->conn)
			continue;	/* lost; executes when it is not */
		k->conn->now = t->now;
		data_progress(k);
	}
}

struct faults *
faults_free(struct faults *f)
{
	struct task *k;

	if (!f)
		return NULL;
	list_for_each(k, &f->zombies, struct task, in_held) {
		free(k->buf);
		free(k);
	}
	free(f->rules);
	free(f);
	return NULL;
}
