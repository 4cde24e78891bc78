/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules want something of a PDU, and what becomes of it. See fault.h. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "fault-impl.h"
#include "wire/fields.h"

#define BIT(kind) (1u << (kind))

/* ------------------------------------------------------------ the rules -- */

/* xorshift64*: the seed is all that there is of chance. */
static uint64_t
draw(struct faults *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * 0x2545f4914f6cdd1du;
}

/* The command that it belongs to, or itself. One that ends is in no table. */
static const struct pdu *
command_of(const struct tconn *c, const struct pdu *pdu)
{
	const struct task *k = c->ends;
	uint32_t itt = pdu->initiator_task_tag;

	if (!c->session || pdu->opcode == OP_SCSI_COMMAND ||
	    !(pdu_fields(pdu->opcode) >> F_INITIATOR_TASK_TAG & 1))
		return pdu;
	if (!k || k->cmd.initiator_task_tag != itt)
		k = task_find(c->session, itt);
	return k ? &k->cmd : pdu;
}

static bool
command_fits(const struct fault_rule *r, const struct pdu *cmd)
{
	return (!r->read || cmd->read) && (!r->write || cmd->write) &&
	       (!r->has_lun || (cmd->lun >> 48 & 0x3fff) == r->lun);
}

static bool
has_status(const struct pdu *pdu)
{
	return pdu->opcode == OP_SCSI_RESPONSE || pdu->has_status;
}

static bool
has_part(const struct tconn *c, const struct pdu *pdu, uint32_t part)
{
	bool data = pdu->data_segment_length > 0;

	switch ((enum fault_part)part) {
	case PART_HEADER:
		return true;
	case PART_HEADER_DIGEST:
		return has_digest(c, K_HEADER_DIGEST);
	case PART_DATA:
		return data;
	case PART_DATA_DIGEST:
		return data && has_digest(c, K_DATA_DIGEST);
	}
	return false;
}

/* Can it be done at all? What is counted has happened. */
static bool
can_be(const struct fault_rule *r, const struct tconn *c, const struct pdu *pdu)
{
	uint64_t has = pdu_fields(pdu->opcode);

	switch ((int)r->kind) {
	case FAULT_SET:
		return has >> r->number[0] & 1;
	case FAULT_CORRUPT:
		return has_part(c, pdu, r->number[0]);
	case FAULT_WINDOW:
		return c->session && has >> F_MAX_CMD_SN & 1;
	case FAULT_ASYNC:
	case FAULT_REJECT:
		return c->state == CONN_FULL;
	default:
		return true;
	}
}

static bool
fits(const struct fault_rule *r, const struct tconn *c, const struct pdu *pdu)
{
	lun_time age = c->target->now - c->target->faults->began;

	if (r->opcodes && !(r->opcodes >> (pdu->opcode & 0x3f) & 1))
		return false;
	if (r->has_cid && c->cid != r->cid)
		return false;
	if (*r->portal && strcmp(r->portal, c->portal) != 0)
		return false;
	if (r->status && !has_status(pdu))
		return false;
	return command_fits(r, command_of(c, pdu)) && age >= r->from &&
	       age < r->to && can_be(r, c, pdu);
}

/* 0: there is no memory to count in. */
static uint64_t
count_here(struct tconn *c, size_t rule)
{
	struct fault_conn *f = &c->faults;

	if (rule >= f->seen_count) {
		size_t n = c->target->faults->count;
		uint64_t *seen = realloc(f->seen, n * sizeof(*seen));

		if (!seen)
			return 0;
		memset(seen + f->seen_count, 0,
		       (n - f->seen_count) * sizeof(*seen));
		f->seen = seen;
		f->seen_count = n;
	}
	return ++f->seen[rule];
}

/* The PDU fits: is it among those that are chosen? */
static bool
chosen(struct fault_rule *r, struct tconn *c, size_t index)
{
	struct faults *f = c->target->faults;
	uint64_t n = ++r->seen;

	if (r->each)
		n = count_here(c, index);
	if (n <= r->skip)
		return false;
	n -= r->skip;
	if ((r->nth && n != r->nth) || (r->every && n % r->every != 0))
		return false;
	if (r->chance < CHANCE_ALWAYS && draw(f) % CHANCE_ALWAYS >= r->chance)
		return false;
	return r->applied < r->times;
}

static void
judge(struct tconn *c, enum fault_point point, const struct pdu *pdu,
      struct verdict *v)
{
	const struct target_env *env = &c->target->env;
	struct faults *f = c->target->faults;

	v->kinds = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct fault_rule *r = &f->rules[i];

		if (!(r->points & point) || !fits(r, c, pdu) ||
		    !chosen(r, c, i))
			continue;
		r->applied++;
		v->kinds |= BIT(r->kind);
		v->by[r->kind] = r;
		if (env->fault)
			env->fault(env->user, c->user, fault_name(r->kind),
				   pdu);
	}
}

/* ----------------------------------------------------------------- lies -- */

static uint64_t
lie(const struct fault_rule *r, uint64_t truth)
{
	return r->sign ? truth + (uint64_t)r->sign * r->value : r->value;
}

static void
set_field(struct pdu *pdu, const struct fault_rule *r)
{
	const struct field *f = &fields[r->number[0]];
	uint8_t *at = (uint8_t *)pdu + f->offset;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (f->kind) {
	case FIELD_FLAG:
		*at = lie(r, *at) & 1;
		return;
	case FIELD_BITS:
		*at = (uint8_t)lie(r, *at) & (f->mask >> f->shift);
		return;
	case FIELD_16:
		memcpy(&v16, at, sizeof(v16));
		v16 = (uint16_t)lie(r, v16);
		memcpy(at, &v16, sizeof(v16));
		return;
	case FIELD_32:
		memcpy(&v32, at, sizeof(v32));
		v32 = (uint32_t)lie(r, v32);
		memcpy(at, &v32, sizeof(v32));
		return;
	case FIELD_64:
		memcpy(&v64, at, sizeof(v64));
		v64 = lie(r, v64);
		memcpy(at, &v64, sizeof(v64));
		return;
	case FIELD_BYTES:
		return;
	}
}

/* MaxCmdSN never falls, and stays where it was promised to be: 4.2.2.1. */
static void
hold_window(struct tconn *c, struct pdu *pdu, const struct fault_rule *r)
{
	struct session *s = c->session;
	uint32_t max = pdu->exp_cmd_sn + (r ? r->number[0] : 0) - 1;

	if (!s)
		return;
	if (r && sn_after(pdu->max_cmd_sn, max))
		pdu->max_cmd_sn = s->told && sn_after(s->told_max, max)
					? s->told_max : max;
	s->told = true;
	s->told_max = pdu->max_cmd_sn;
}

static void
send_async(struct tconn *c, const struct pdu *cause, const struct fault_rule *r)
{
	uint8_t data[2 + SENSE_LEN] = { 0, SENSE_LEN, 0x70 };
	bool scsi = r->number[0] == ASYNC_SCSI;
	struct pdu pdu = {
		.opcode = OP_ASYNC_MESSAGE,
		.final = true,
		.lun = scsi ? cause->lun : 0,
		.async_event = (uint8_t)r->number[0],
	};

	if (c->state != CONN_FULL)
		return;
	if (scsi) {
		data[2 + 2] = (uint8_t)r->number[1];
		data[2 + 7] = SENSE_LEN - 8;
		data[2 + 12] = (uint8_t)r->number[2];
		data[2 + 13] = (uint8_t)r->number[3];
	} else {
		pdu.parameter1 = (uint16_t)r->number[1];
		pdu.parameter2 = (uint16_t)r->number[2];
		pdu.parameter3 = (uint16_t)r->number[3];
	}
	pdu.stat_sn = c->stat_sn++;
	c->target->faults->off = true;	/* no faults of faults */
	conn_send_copy(c, &pdu, data, scsi ? sizeof(data) : 0);
	c->target->faults->off = false;
}

/* ------------------------------------------------------------------ out -- */

/* One copy goes into the stream, whatever is wrong with it. */
void
fault_emit(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
	   const struct verdict *v)
{
	uint64_t start = c->acked + tx_queued(c->tx);

	if (c->state == CONN_DEAD)
		return;
	conn_queue(c, pdu, data, len, NULL, true);
	damage_stream(c, pdu, start, v);
}

void
fault_send(struct tconn *c, const struct pdu *honest, const void *data,
	   size_t len, const struct task *owner)
{
	struct pdu copy = *honest, *pdu = &copy;
	const unsigned quiet = BIT(FAULT_SET) | BIT(FAULT_WINDOW) |
			       BIT(FAULT_ASYNC);
	struct verdict v = { 0 };
	unsigned n;

	pdu->data_segment_length = (uint32_t)len;
	if (!c->target->faults->off)
		judge(c, FAULT_OUT, pdu, &v);
	hold_window(c, pdu, v.kinds & BIT(FAULT_WINDOW) ? v.by[FAULT_WINDOW]
							: NULL);
	if (v.kinds & BIT(FAULT_SET))
		set_field(pdu, v.by[FAULT_SET]);
	if (!(v.kinds & ~quiet) && !is_stalled(c, FAULT_OUT)) {
		conn_queue(c, pdu, data, len, owner, owner == NULL);
	} else if (!(v.kinds & BIT(FAULT_DROP))) {
		n = v.kinds & BIT(FAULT_DUPLICATE)
			    ? v.by[FAULT_DUPLICATE]->number[0] : 0;
		for (unsigned i = 0; i <= n; i++)
			if (!hold_back(c, FAULT_OUT, pdu, data, len, true, &v))
				fault_emit(c, pdu, data, len, &v);
	}
	pdu_passed(c, FAULT_OUT);
	if (v.kinds & BIT(FAULT_ASYNC))
		send_async(c, pdu, v.by[FAULT_ASYNC]);
}

/* ------------------------------------------------------------------- in -- */

bool
fault_header(struct tconn *c, const struct pdu *pdu)
{
	judge(c, FAULT_IN, pdu, &c->faults.incoming);
	return c->faults.incoming.kinds || is_stalled(c, FAULT_IN);
}

static void
take(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
     bool digest_ok, const struct verdict *v)
{
	uint32_t len = pdu->data_segment_length;
	uint8_t *copy = NULL;

	if (!data || !len || !(v->kinds & BIT(FAULT_CORRUPT))) {
		conn_deliver(c, pdu, data, digest_ok);
		return;
	}
	/* where there is a digest it tells; else nobody does */
	if (c->session && c->session->values.v[K_DATA_DIGEST]) {
		digest_ok = false;
	} else if ((copy = malloc(len))) {
		memcpy(copy, data, len);
		copy[draw(c->target->faults) % len] ^= 0x10;
	}
	conn_deliver(c, pdu, copy ? copy : data, digest_ok);
	free(copy);
}

void
fault_receive(struct tconn *c, const struct pdu *received, const uint8_t *data,
	      bool digest_ok)
{
	const struct verdict v = c->faults.incoming;
	struct pdu pdu = *received;
	unsigned n;

	if (v.kinds & BIT(FAULT_CUT)) {
		conn_fail(c, "a fault has cut it");
		return;
	}
	if (v.kinds & BIT(FAULT_SET))
		set_field(&pdu, v.by[FAULT_SET]);
	if ((v.kinds & BIT(FAULT_REJECT)) && c->state == CONN_FULL) {
		full_reject(c, &pdu, (uint8_t)v.by[FAULT_REJECT]->number[0]);
	} else if (!(v.kinds & BIT(FAULT_DROP))) {
		n = v.kinds & BIT(FAULT_DUPLICATE)
			    ? v.by[FAULT_DUPLICATE]->number[0] : 0;
		for (unsigned i = 0; i <= n; i++)
			if (!hold_back(c, FAULT_IN, &pdu, data,
				       pdu.data_segment_length, digest_ok,
				       &v) &&
			    conn_listens(c))
				take(c, &pdu, data, digest_ok, &v);
	}
	pdu_passed(c, FAULT_IN);
	if (v.kinds & BIT(FAULT_ASYNC))
		send_async(c, &pdu, v.by[FAULT_ASYNC]);
}

void
fault_take_late(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
		bool digest_ok, const struct verdict *v)
{
	if (conn_listens(c))
		take(c, pdu, data, digest_ok, v);
	conn_settle(c);
}

/* ---------------------------------------------------- commands, logins -- */

void
fault_task(struct task *k)
{
	struct verdict v;

	judge(k->conn, FAULT_TASK, &k->cmd, &v);
	if ((v.kinds & BIT(FAULT_STATUS)) && !k->failed) {
		k->failed = true;
		k->status = (uint8_t)v.by[FAULT_STATUS]->number[0];
	}
	if (v.kinds & BIT(FAULT_SENSE)) {
		const uint32_t *n = v.by[FAULT_SENSE]->number;

		scsi_fail(k, (uint8_t)n[1], (uint16_t)(n[2] << 8 | n[3]));
	}
	if (v.kinds & BIT(FAULT_HOLD))
		k->hold = v.by[FAULT_HOLD]->time;
	if (v.kinds & BIT(FAULT_ZOMBIE)) {
		k->hold = v.by[FAULT_ZOMBIE]->time;
		k->zombie = true;
	}
}

const struct fault_rule *
fault_login(struct tconn *c, const struct pdu *req)
{
	static const enum fault_kind kinds[] = {
		FAULT_REFUSE, FAULT_REDIRECT, FAULT_TPGT,
	};
	struct verdict v;

	judge(c, FAULT_LOGIN, req, &v);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (v.kinds & BIT(kinds[i]))
			return v.by[kinds[i]];
	return NULL;
}

/* -------------------------------------------------------- from outside -- */

static int
need_faults(struct target *t, struct lun_error *err)
{
	struct faults *f = t->faults;
	struct session *s;

	if (f)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return lun_fail(err, LUN_ENOMEM, "fault: out of memory");
	f->random = 1;
	f->began = t->now;
	list_init(&f->parcels);
	list_init(&f->held);
	list_init(&f->zombies);
	list_for_each(s, &t->sessions, struct session, in_target) {
		s->told = true;		/* so much, at the most */
		s->told_max = s->max_cmd_sn;
	}
	t->faults = f;
	return 0;
}

int
target_add_fault(struct target *t, const char *rule, struct lun_error *err)
{
	struct fault_rule r, *rules;
	int ret = fault_rule_parse(&r, rule, err);

	if (ret != 0)
		return ret < 0 ? ret : 0;	/* a comment */
	ret = need_faults(t, err);
	if (ret < 0)
		return ret;
	rules = realloc(t->faults->rules,
			(t->faults->count + 1) * sizeof(*rules));
	if (!rules)
		return lun_fail(err, LUN_ENOMEM, "fault: out of memory");
	rules[t->faults->count++] = r;
	t->faults->rules = rules;
	return 0;
}

int
target_add_scenario(struct target *t, const char *text, struct lun_error *err)
{
	for (unsigned line = 1; *text; line++) {
		struct lun_error why = { 0 };
		size_t len = strcspn(text, "\n");
		int r = target_add_fault(t, text, &why);

		if (r < 0)
			return lun_fail(err, r, "line %u: %s", line, why.text);
		text += len + (text[len] == '\n');
	}
	return 0;
}

int
target_seed_faults(struct target *t, uint64_t seed, struct lun_error *err)
{
	int r = need_faults(t, err);

	if (r == 0)
		t->faults->random = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
	return r;
}

void
target_clear_faults(struct target *t)
{
	if (t->faults)
		for (size_t i = 0; i < t->faults->count; i++)
			t->faults->rules[i].times = 0;
}

const char *
target_fault(const struct target *t, size_t i, uint64_t *times)
{
	if (!t->faults || i >= t->faults->count)
		return NULL;
	*times = t->faults->rules[i].applied;
	return t->faults->rules[i].line;
}
