/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/serial.h"
#include "checked.h"
#include "plant.h"
#include "wire/print.h"

static struct list sessions = LIST_INIT(sessions);
static bool checking;

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

static void
leave(struct checked *c)
{
	struct checked_session *s = c->session;

	c->session = NULL;
	if (!s || --s->conns > 0 || s->keys[KEY_ERL] == 2)
		return;			/* at level 2 it may go on: 6.3.5 */
	list_del(&s->link);
	sim_free(s);
}

void
checker_gone(struct tap *t)
{
	struct checked *c = tap_checked(t);

	/* its tasks change their connection now, and come again */
	if (c->session && c->session->keys[KEY_ERL] == 2 && !c->logging_out)
		c->session->blind = true;
	leave(c);
}

void
checker_blind(struct tap *t)
{
	struct checked *c = tap_checked(t);

	if (c->session)
		c->session->blind = true;
}

/* ------------------------------------------------------------- the tasks -- */

static struct checked_task *
task_find(struct checked_session *s, uint32_t itt)
{
	for (unsigned i = 0; i < s->n_tasks; i++)
		if (s->tasks[i].itt == itt)
			return &s->tasks[i];
	return NULL;
}

static void
task_end(struct checked_session *s, struct checked_task *k)
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

static void
task_begin(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	if (task_find(s, pdu->initiator_task_tag))		/* 11.2.1.8 */
		violated(t, pdu, "its task tag is in use");
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

static void
tasks_aborted(struct checked_session *s, const struct checked_task *by)
{
	const struct checked_task tmf = *by;	/* those behind one move up */

	for (unsigned i = s->n_tasks; i-- > 0;) {
		struct checked_task *k = &s->tasks[i];

		if (!aborts(&tmf, k))
			continue;
		if (k->tap != tmf.tap)	/* what was on its way still comes */
			s->late[s->n_late++ % ENDED_MAX] = k->itt;
		task_end(s, k);
	}
}

/* ------------------------------------------------- what the initiator sends -- */

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

static void
check_cmd_sn(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	uint32_t sn = pdu->cmd_sn;

	if (plant_strikes(PLANT_CMD_SN, 40))
		sn++;
	if (!s->many && sn != s->next_cmd_sn)			/* 4.2.2.1 */
		violated(t, pdu, "CmdSN %u is next", s->next_cmd_sn);
	if (pdu->immediate)
		return;
	if (s->many && s->used[sn % NUMBERS] == sn + UINT64_C(1))
		violated(t, pdu, "this CmdSN was used before");
	s->used[sn % NUMBERS] = sn + UINT64_C(1);
	if (!sn_before(sn, s->next_cmd_sn))	/* several: in any order */
		s->next_cmd_sn = sn + 1;
	if (sn_after(sn, s->max_cmd_sn))			/* 4.2.2.1 */
		violated(t, pdu, "MaxCmdSN is %u", s->max_cmd_sn);
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

static void
login_request(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	if (c->session)
		return;
	c->session = pdu->tsih ? session_find(pdu->tsih) : session_new();
	if (!c->session) {		/* it is not known any more */
		c->session = session_new();
		c->session->blind = true;
	}
	if (c->session->conns++ > 0) {
		c->session->many = true;
		tap_take_keys(t, c->session->keys);
		return;
	}
	c->session->next_cmd_sn = pdu->cmd_sn;
	c->session->max_cmd_sn = pdu->cmd_sn;
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
		break;
	case OP_DATA_OUT:
		k = task_find(s, pdu->initiator_task_tag);
		if (!k && was_leaving(s, pdu->initiator_task_tag))
			break;
		if (!k)
			violated(t, pdu, "there is no such task");
		if (k->tap != t)				/* 4.2.5.1 */
			violated(t, pdu, "it is of link %u",
				 tap_link(k->tap));
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

/* ------------------------------------------------------ what has arrived -- */

/* Does its StatSN count? 4.2.2.2, and the description of each PDU. */
static bool
counts(const struct pdu *pdu)
{
	switch (pdu->opcode) {
	case OP_DATA_IN:
		return pdu->has_status;
	case OP_NOP_IN:
		return pdu->initiator_task_tag != TAG_NONE;
	case OP_R2T:
		return false;
	default:
		return pdu_has_stat_sn(pdu->opcode);
	}
}

static void
check_stat_sn(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	uint32_t sn = pdu->stat_sn;

	if (pdu->opcode == OP_DATA_IN && !pdu->has_status)
		return;			/* it has none: 11.7.4 */
	if (pdu->opcode == OP_LOGIN_RESPONSE && pdu->status_class)
		return;			/* 11.13.4 */
	if (counts(pdu) && plant_strikes(PLANT_STAT_SN, 40))
		sn++;
	if (!c->has_stat_sn) {
		c->next_stat_sn = c->acked_stat_sn = sn;
		c->has_stat_sn = true;
	}
	if (sn != c->next_stat_sn)
		violated(t, pdu, "StatSN %u is next", c->next_stat_sn);
	if (counts(pdu))
		c->next_stat_sn++;
}

static void
check_window(struct tap *t, struct checked *c, const struct pdu *pdu)
{
	struct checked_session *s = c->session;

	if (!pdu_has_cmd_window(pdu->opcode))
		return;
	if (sn_before(pdu->max_cmd_sn, pdu->exp_cmd_sn - 1))	/* 4.2.2.1 */
		violated(t, pdu, "MaxCmdSN is below ExpCmdSN - 1");
	if (c->has_window && (sn_before(pdu->exp_cmd_sn, c->last_exp_cmd_sn) ||
			      sn_before(pdu->max_cmd_sn, c->last_max_cmd_sn)))
		violated(t, pdu, "ExpCmdSN was %u, MaxCmdSN %u",
			 c->last_exp_cmd_sn, c->last_max_cmd_sn);
	if (sn_after(pdu->exp_cmd_sn, s->next_cmd_sn))
		violated(t, pdu, "CmdSN %u was not sent yet", s->next_cmd_sn);
	c->has_window = true;
	c->last_exp_cmd_sn = pdu->exp_cmd_sn;
	c->last_max_cmd_sn = pdu->max_cmd_sn;
	if (sn_after(pdu->max_cmd_sn, s->max_cmd_sn))
		s->max_cmd_sn = pdu->max_cmd_sn;
}

/* NULL: it is not there any more, and that is all right. */
static struct checked_task *
task_of(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = task_find(s, pdu->initiator_task_tag);

	if (!k && is_in(s->late, s->n_late, pdu->initiator_task_tag))
		return NULL;
	if (!k)
		violated(t, pdu, "there is no such task");
	if (k->tap != t)					/* 4.2.2.3 */
		violated(t, pdu, "it is of link %u", tap_link(k->tap));
	return k;
}

/* The header of the request that was rejected: 11.17. */
static void
rejected(struct checked_session *s, const uint8_t *bhs, uint32_t len)
{
	struct checked_task *k = NULL;

	if (len >= BHS_LEN && (bhs[0] & 0x3f) != OP_DATA_OUT)
		k = task_find(s, get32(bhs + 16));
	if (k)
		task_end(s, k);
}

static void
scsi_response(struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	struct checked_task *k = task_of(t, s, pdu);
	uint32_t n = k && pdu->response == RESPONSE_COMPLETED ? k->data_ins : 0;

	if (!k)
		return;
	if (pdu->exp_data_sn != n)				/* 11.4.8 */
		violated(t, pdu, "%u Data-In PDUs came", k->data_ins);
	task_end(s, k);
}

static void
arrived(struct tap *t, struct checked *c, const struct pdu *pdu,
	const uint8_t *data)
{
	struct checked_session *s = c->session;
	struct checked_task *k;
	struct pdu copy = *pdu;

	check_stat_sn(t, c, pdu);
	check_window(t, c, pdu);
	switch (pdu->opcode) {
	case OP_DATA_IN:
		k = task_of(t, s, pdu);
		if (!k)
			break;
		copy.data_sn += plant_strikes(PLANT_DATA_SN, 40);
		check_data_in(t, k, &copy);
		if (pdu->has_status)
			task_end(s, k);
		break;
	case OP_R2T:
		k = task_of(t, s, pdu);
		if (k)
			check_r2t(t, k, pdu);
		break;
	case OP_SCSI_RESPONSE:
		scsi_response(t, s, pdu);
		break;
	case OP_TMF_RESPONSE:
		k = task_of(t, s, pdu);
		if (!k)
			break;
		if (pdu->response == TMF_COMPLETE ||
		    (k->function == TMF_ABORT_TASK &&
		     pdu->response == TMF_NO_TASK))
			tasks_aborted(s, k);
		task_end(s, task_find(s, pdu->initiator_task_tag));
		break;
	case OP_REJECT:
		rejected(s, data, pdu->data_segment_length);
		break;
	default:
		break;
	}
}

static void
learn(const struct tap *t, struct checked_session *s, const struct pdu *pdu)
{
	s->tsih = pdu->tsih;
	if (!s->many)
		memcpy(s->keys, tap_keys(t), sizeof(s->keys));
}

void
checker_pdu(struct tap *t, enum side from, const struct pdu *pdu,
	    const uint8_t *data)
{
	struct checked *c = tap_checked(t);

	if (!checking)
		return;
	if (from == INITIATOR && pdu->opcode == OP_LOGIN_REQUEST)
		login_request(t, c, pdu);
	if (c->session && pdu->opcode == OP_LOGIN_RESPONSE && pdu->tsih)
		learn(t, c->session, pdu);
	if (!c->session || c->session->blind)
		return;
	if (from == INITIATOR)
		sent(t, c, pdu);
	else
		arrived(t, c, pdu, data);
}

void
checker_begin(bool honest)
{
	struct checked_session *s;

	checking = honest;
	list_for_each(s, &sessions, struct checked_session, link)
		sim_free(s);
	list_init(&sessions);
}
