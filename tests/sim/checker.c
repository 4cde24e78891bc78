/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/serial.h"
#include "checked.h"
#include "plan.h"
#include "plant.h"
#include "wire/print.h"

static struct list sessions = LIST_INIT(sessions);
static bool lies;			/* the target */
static uint32_t groups[PORTALS];	/* each one's, and what was said of it */

void
violated(const struct tap *t, const struct pdu *pdu, const char *fmt, ...)
{
	char text[200], line[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	broken("link %u: %s: %s", tap_link(t), text,
	       pdu_print(pdu, line, sizeof(line)));
}

/* ---------------------------------------------------------- the sessions -- */

static struct checked_session *
session_new(void)
{
	struct checked_session *s = sim_alloc(sizeof(*s));

	memset(s, 0, offsetof(struct checked_session, tasks));
	s->n_tasks = s->n_ended = s->n_late = 0;
	s->lossy = lies;
	memset(s->used, 0, sizeof(s->used));
	list_prepend(&sessions, &s->link);	/* a TSIH may come again */
	return s;
}

static struct checked_session *
session_find(uint16_t tsih)
{
	struct checked_session *s;

	list_for_each(s, &sessions, struct checked_session, link)
		if (s->tsih == tsih)
			return s;
	return NULL;
}

/*
 * The tasks of a connection that was lost belong to none until they are sent
 * or reassigned to another one; what was asked for there is void (7.2.2).
 * Others end with it: immediate requests (7.14), and all if it was closed.
 */
static void
tasks_orphan(struct checked_session *s, const struct tap *t, bool closed)
{
	for (unsigned i = s->n_tasks; i-- > 0;) {
		struct checked_task *k = &s->tasks[i];

		if (k->tap != t)
			continue;
		k->tap = NULL;
		k->n_r2ts = 0;
		k->out_final = true;
		if (closed || k->opcode != OP_SCSI_COMMAND)
			*k = s->tasks[--s->n_tasks];
	}
}

void
checker_gone(struct tap *t)
{
	struct checked *c = tap_checked(t);
	struct checked_session *s = c->session;

	if (!s)
		return;
	c->session = NULL;
	if (s->keys[KEY_ERL] != 2)
		tasks_orphan(s, t, true);
	else
		tasks_orphan(s, t, c->logging_out);
	if (s->keys[KEY_ERL] == 2 && !c->logging_out)
		s->lossy = s->many = true;	/* numbers come again: 7.2 */
	if (--s->conns > 0 || s->keys[KEY_ERL] == 2)
		return;			/* at level 2 it may go on: 6.3.5 */
	list_del(&s->link);
	sim_free(s);
}

void
checker_lossy(struct tap *t)
{
	struct checked *c = tap_checked(t);

	if (c->session)
		c->session->lossy = true;
}

/* ------------------------------------------------------------- the tasks -- */

struct checked_task *
checked_find(struct checked_session *s, uint32_t itt)
{
	for (unsigned i = 0; i < s->n_tasks; i++)
		if (s->tasks[i].itt == itt)
			return &s->tasks[i];
	return NULL;
}

void
checked_end(struct checked_session *s, struct checked_task *k)
{
	if (k->write)
		s->ended[s->n_ended++ % ENDED_MAX] = k->itt;
	*k = s->tasks[--s->n_tasks];
}

static bool
is_in(const uint32_t *tags, unsigned n, uint32_t itt)
{
	for (unsigned i = 0; i < ENDED_MAX && i < n; i++)
		if (tags[i] == itt)
			return true;
	return false;
}

bool
checked_is_late(const struct checked_session *s, uint32_t itt)
{
	return is_in(s->late, s->n_late, itt);
}

/* A Data-Out PDU of which a part has left when its task ends is sent to its
 * end: one for each task. */
static bool
was_leaving(struct checked_session *s, uint32_t itt)
{
	if (!is_in(s->ended, s->n_ended, itt))
		return false;
	for (unsigned i = 0; i < ENDED_MAX; i++)
		if (s->ended[i] == itt)
			s->ended[i] = TAG_NONE;
	return true;
}

/* A command that was lost, or that its connection was lost with: 7.2.1 */
static bool
is_retry(const struct tap *t, const struct checked_session *s,
	 const struct checked_task *k, const struct pdu *pdu)
{
	return s->lossy && s->keys[KEY_ERL] > 0 && (!k->tap || k->tap == t) &&
	    k->opcode == pdu->opcode && k->lun == pdu->lun &&
	    k->cmd_sn == pdu->cmd_sn && k->immediate == pdu->immediate &&
	    k->edtl == pdu->expected_data_transfer_length;
}

/* What the target has asked for on this connection, for the first of them, may
 * have come while the retry waited to be sent: it is answered. */
static void
keep_r2ts(struct checked_task *k, const struct checked_task *first)
{
	if (first->tap != k->tap)
		return;
	k->n_r2ts = first->n_r2ts;
	memcpy(k->r2ts, first->r2ts, sizeof(k->r2ts));
}

static void
task_begin(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = checked_find(s, pdu->initiator_task_tag);
	struct checked_task first = { 0 };

	if (k && !is_retry(t, s, k, pdu))			/* 11.2.1.8 */
		violated(t, pdu, "its task tag is in use");
	if (k) {
		first = *k;
		*k = s->tasks[--s->n_tasks];
	}
	if (s->n_tasks == TASKS_MAX)
		violated(t, pdu, "there are too many tasks");
	s->tasks[s->n_tasks++] = (struct checked_task){
		.itt = pdu->initiator_task_tag, .cmd_sn = pdu->cmd_sn,
		.lun = pdu->lun,
		.edtl = pdu->expected_data_transfer_length, .tap = t,
		.opcode = pdu->opcode, .function = pdu->function,
		.referenced = pdu->referenced_task_tag,
		.immediate = pdu->immediate,
		.read = pdu->read, .write = pdu->write,
		.out_next = pdu->data_segment_length,
		.out_final = pdu->final,
	};
	keep_r2ts(&s->tasks[s->n_tasks - 1], &first);
}

/* Does a task management function end this task? 11.5.1 */
static bool
aborts(const struct checked_task *tmf, const struct checked_task *k)
{
	if (tmf->function == TMF_ABORT_TASK)
		return k->itt == tmf->referenced;
	return k->opcode == OP_SCSI_COMMAND && k->lun == tmf->lun &&
	    sn_before(k->cmd_sn, tmf->cmd_sn);
}

void
checked_abort(struct checked_session *s, const struct checked_task *by)
{
	const struct checked_task tmf = *by;	/* those behind one move up */

	for (unsigned i = s->n_tasks; i-- > 0;) {
		struct checked_task *k = &s->tasks[i];

		if (!aborts(&tmf, k))
			continue;
		if (k->tap != tmf.tap)	/* what was on its way still comes */
			s->late[s->n_late++ % ENDED_MAX] = k->itt;
		checked_end(s, k);
	}
}

/* ------------------------------------------------- what the initiator sends -- */

/* Its allegiance is that to this connection from now on: 7.2.2 */
static void
check_reassign(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = checked_find(s, pdu->referenced_task_tag);

	if (!k)
		return;			/* its response arrived meanwhile */
	if (k->tap && k->tap != t)
		violated(t, pdu, "it is of link %u", tap_link(k->tap));
	k->tap = t;
}

static void
check_acknowledged(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	if (!c->has_stat_sn)
		return;
	if (pdu->opcode == OP_LOGOUT_REQUEST && pdu->reason == LOGOUT_RECOVERY)
		return;			/* that of another one: 11.14 */
	if (sn_after(pdu->exp_stat_sn, c->next_stat_sn))	/* 4.2.2.2 */
		violated(t, pdu, "StatSN %u is next", c->next_stat_sn);
	if (sn_before(pdu->exp_stat_sn, c->acked_stat_sn))
		violated(t, pdu, "ExpStatSN was %u before", c->acked_stat_sn);
	c->acked_stat_sn = pdu->exp_stat_sn;
}

/* A number that was used: by the same request (7.2.1); or by one that is void,
 * whose place a NOP-Out takes (7.11, 11.14). */
static bool
may_repeat(const struct checked_session *s, const struct pdu *pdu)
{
	const struct used *u = &s->used[pdu->cmd_sn % NUMBERS];

	return s->lossy && !pdu->immediate &&
	    u->next == pdu->cmd_sn + UINT64_C(1) &&
	    (u->itt == pdu->initiator_task_tag || pdu->opcode == OP_NOP_OUT);
}

static void
check_cmd_sn(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	uint32_t sn = pdu->cmd_sn;
	struct used *u = &s->used[sn % NUMBERS];
	bool again = may_repeat(s, pdu);

	if (plant_strikes(PLANT_CMD_SN, 40))
		sn++;
	if (!s->many && !again && sn != s->next_cmd_sn)		/* 4.2.2.1 */
		violated(t, pdu, "CmdSN %u is next", s->next_cmd_sn);
	if (pdu->immediate)
		return;
	if (!again && u->next == sn + UINT64_C(1))
		violated(t, pdu, "this CmdSN was used before");
	*u = (struct used){ sn + UINT64_C(1), pdu->initiator_task_tag };
	if (!sn_before(sn, s->next_cmd_sn))	/* several: in any order */
		s->next_cmd_sn = sn + 1;
	if (sn_after(sn, s->max_cmd_sn))			/* 4.2.2.1 */
		violated(t, pdu, "MaxCmdSN is %u", s->max_cmd_sn);
}

/* Nothing more for what a function is to end, once it was sent here: 4.2.3.4 a.
 * ABORT TASK is none of these functions. */
static void
check_fast_abort(struct tap *t, struct checked_session *s,
		 const struct checked_task *k, const struct pdu *pdu)
{
	for (unsigned i = 0; s->keys[KEY_FAST_ABORT] && i < s->n_tasks; i++) {
		const struct checked_task *tmf = &s->tasks[i];

		if (tmf->tap == t && tmf->function == TMF_LOGICAL_UNIT_RESET &&
		    aborts(tmf, k))
			violated(t, pdu, "its abort was sent");
	}
}

static void
check_immediate_data(struct tap *t, const struct pdu *pdu)
{
	if (pdu->data_segment_length == 0)
		return;
	if (!tap_key(t, TARGET, KEY_IMMEDIATE_DATA))		/* 13.11 */
		violated(t, pdu, "ImmediateData is No");
	if (pdu->data_segment_length > tap_key(t, TARGET, KEY_FIRST_BURST) ||
	    pdu->data_segment_length > tap_key(t, TARGET, KEY_MAX_RECV))
		violated(t, pdu, "too much immediate data");	/* 13.14 */
}

/*
 * A target that lies may say of portals of two groups that they are in one, and
 * the initiator cannot know better. One bit for each tag; all tags are small.
 */
static uint32_t
told_group(const struct tap *t)
{
	return UINT32_C(1) << tap_key(t, TARGET, KEY_GROUP);
}

static void
login_request(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	struct checked_session *s = pdu->tsih ? session_find(pdu->tsih) : NULL;

	if (c->session)
		return;
	groups[tap_portal(t)] |= told_group(t);		/* nothing yet: its own */
	if (s) {
		if (!(groups[tap_portal(t)] & s->group))	/* 4.4.3 */
			violated(t, pdu, "its session is of another portal group");
		s->many |= s->conns > 0;
		tap_take_keys(t, s->keys);
	} else {
		s = session_new();
		s->unknown = pdu->tsih;	/* it is not known any more */
		s->next_cmd_sn = s->max_cmd_sn = pdu->cmd_sn;
	}
	s->conns++;
	c->session = s;
}

static void
sent(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	struct checked_session *s = c->session;
	struct checked_task *k;

	if (c->logging_out)					/* 11.14 */
		violated(t, pdu, "after a Logout Request");
	check_acknowledged(t, c, pdu);
	switch (pdu->opcode) {
	case OP_SCSI_COMMAND:
		check_immediate_data(t, pdu);
		/* fall through */
	case OP_TMF_REQUEST:
		check_cmd_sn(t, s, pdu);
		task_begin(t, s, pdu);
		if (pdu->opcode == OP_TMF_REQUEST &&
		    pdu->function == TMF_TASK_REASSIGN)
			check_reassign(t, s, pdu);
		break;
	case OP_DATA_OUT:
		k = checked_find(s, pdu->initiator_task_tag);
		if (!k && was_leaving(s, pdu->initiator_task_tag))
			break;
		if (!k)
			violated(t, pdu, "there is no such task");
		if (k->tap != t)				/* 4.2.5.1 */
			violated(t, pdu, "it is of link %u",
				 k->tap ? tap_link(k->tap) : 0);
		check_fast_abort(t, s, k, pdu);
		check_data_out(t, k, pdu);
		break;
	case OP_NOP_OUT:
	case OP_TEXT_REQUEST:
		check_cmd_sn(t, s, pdu);
		break;
	case OP_LOGOUT_REQUEST:
		check_cmd_sn(t, s, pdu);
		c->logging_out = pdu->reason != LOGOUT_RECOVERY;
		break;
	default:
		break;
	}
}

static void
learn(const struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	groups[tap_portal(t)] |= told_group(t);
	if (!pdu->tsih)
		return;
	if (!s->tsih)			/* it began here */
		s->group = told_group(t);
	s->tsih = pdu->tsih;
	if (!s->many)
		memcpy(s->keys, tap_keys(t), sizeof(s->keys));
}

void
checker_pdu(struct tap *t, enum side from, const struct pdu *pdu,
	    const uint8_t *data)
{
	struct checked *c = tap_checked(t);
	struct pdu copy = *pdu;

	if (from == INITIATOR && pdu->opcode == OP_LOGIN_REQUEST)
		login_request(t, c, pdu);
	if (c->session && pdu->opcode == OP_LOGIN_RESPONSE)
		learn(t, c->session, pdu);
	if (!c->session || c->session->unknown)
		return;
	if (pdu->opcode == OP_LOGIN_RESPONSE && pdu->status_class)
		return;			/* it may be another session's */
	if (from == INITIATOR && c->session->lossy)
		plant_sent(&copy);
	if (from == INITIATOR)
		sent(t, c, &copy);
	else if (c->session->lossy)
		note_arrived(t, c, pdu, data);
	else
		check_arrived(t, c, pdu, data);
}

void
checker_begin(bool honest)
{
	struct checked_session *s;

	lies = !honest;
	memset(groups, 0, sizeof(groups));
	list_for_each(s, &sessions, struct checked_session, link)
		sim_free(s);
	list_init(&sessions);
}
