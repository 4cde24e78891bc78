/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was lost of a task's Data-In and R2Ts is asked for again, from recovery
 * level 1 on: RFC 7143 7.8, 7.9, 11.16. As long as nothing is lost, nothing
 * here runs.
 *
 *	0 .. exp_data_sn .. seen
 *	     |              those beyond it are not known of
 *	     some came (mend.late), the others are missing and were asked for
 *
 * The task is over when its status is here and nothing is missing. A status
 * that is early waits in the command, and is not acknowledged (7.9). What is
 * not sent again, or again and again damaged, ends with an abort of the task,
 * and the command then fails, to be made again by those above.
 */
#include "session/session-impl.h"

enum {
	ASKS_MAX	= 3,		/* without any progress */
	RUNS_MAX	= 16,		/* at a time; the rest later */
	SN_AHEAD_MAX	= 65536,	/* of one task */
};

static bool
incomplete(const struct task *t)
{
	return t->mend.active && (t->mend.tail || t->mend.anew ||
				  t->exp_data_sn != t->mend.seen);
}

bool
snack_has(const struct task *t, uint32_t data_sn)
{
	return sn_before(data_sn, t->exp_data_sn) ||	/* 7.9 */
	    (t->mend.active && ranges_has(&t->mend.late, data_sn)) ||
	    (t->mend.anew && data_sn != t->exp_data_sn);
}

int
snack_check(struct task *t, const char *what, uint32_t data_sn)
{
	if (!mends(t->s))
		return conn_fail(t->leg->conn, LUN_EPROTO, "%s %" PRIu32
				 ", expected %" PRIu32 ": PDUs were lost", what,
				 data_sn, t->exp_data_sn);
	if (data_sn - t->exp_data_sn > SN_AHEAD_MAX)
		return conn_fail(t->leg->conn, LUN_EPROTO, "%s %" PRIu32
				 ", expected %" PRIu32 ": too many PDUs were lost",
				 what, data_sn, t->exp_data_sn);
	return 0;
}

static void
begin(struct task *t)
{
	if (t->mend.active)
		return;
	t->mend = (struct mend){ .active = true, .seen = t->exp_data_sn };
}

/* Before anything is sent: that would acknowledge it. */
static void
hold(struct task *t, uint32_t stat_sn)
{
	begin(t);
	conn_hold_status(t->leg->conn, stat_sn);
	t->mend.holds = true;
	t->mend.stat_sn = stat_sn;
}

void
snack_end(struct task *t)
{
	struct mend *m = &t->mend;

	ranges_clear(&m->late);
	if (m->holds && t->leg->conn)
		conn_release_status(t->leg->conn, m->stat_sn);
	*m = (struct mend){ 0 };
}

/* ------------------------------------------------------------ requests -- */

static void
send(struct task *t, struct pdu *pdu)
{
	pdu->opcode = OP_SNACK_REQUEST;
	pdu->final = true;
	conn_send(t->leg->conn, pdu, NULL, NULL, 0, NULL);
	session_stir(t->s);
}

/* 13.19: sequences in order are sent again only as long as none follows. */
static bool
too_late(const struct task *t, uint32_t data_sn)
{
	return conn_params(t->leg->conn)->DataSequenceInOrder &&
	    sn_before(data_sn, t->sequence_sn);
}

static void
give_up(struct task *t, uint32_t data_sn, const char *why)
{
	session_log(t->s, LUN_LOG_WARNING, "conn %u: ITT 0x%08" PRIx32
		    ": DataSN %" PRIu32 " is lost: %s: ABORT TASK",
		    conn_cid(t->leg->conn), t->initiator_task_tag, data_sn, why);
	task_abort(t, LUN_EDIGEST);
}

/* Our MaxRecvDataSegmentLength is another one than when it was sent. */
static bool
comes_anew(const struct task *t)
{
	return t->cmd->in_len > 0 &&
	    conn_resegments(t->leg->conn, t->cmd_sn);
}

/*
 * All that was not acknowledged is thrown away, and comes again in other
 * segments, and so does the status, with the tag of this request (11.16.3,
 * 11.4.4). What is under way does not count: it begins with the first of the
 * new ones.
 */
static void
ask_anew(struct task *t)
{
	struct mend *m = &t->mend;
	struct pdu pdu = {
		.snack_type = SNACK_R_DATA,
		.initiator_task_tag = t->initiator_task_tag,
	};

	if (t->acked_bytes == UINT32_MAX || t->cmd->out_len > 0) {
		give_up(t, t->exp_data_sn, "it would come in other segments");
		return;
	}
	ranges_clear(&m->late);
	m->status = m->tail = m->last = m->acks = false;
	m->anew = true;
	m->seen = t->exp_data_sn = t->sequence_sn = t->acked_sn;
	t->sequence_over = false;
	ranges_clear(&t->in);
	ranges_add(&t->in, 0, t->acked_bytes);	/* one: needs no memory */
	if (++t->snack_tag == TAG_NONE)		/* 11.16.5 */
		t->snack_tag = 1;
	pdu.target_transfer_tag = t->snack_tag;
	m->due = time_add(session_now(t->s), SNACK_ANSWER);
	session_log(t->s, LUN_LOG_INFO, "conn %u: ITT 0x%08" PRIx32 ": data was "
		    "lost, and its segments are others now: R-Data SNACK",
		    conn_cid(t->leg->conn), t->initiator_task_tag);
	send(t, &pdu);
}

/*
 * These, please. What ends with the last PDU of the task is asked for without
 * a count: some targets are one off there.
 */
static void
ask(struct task *t, uint32_t beg, uint32_t end)
{
	struct mend *m = &t->mend;
	bool to_the_end = beg == end || (m->last && end == m->seen);
	struct pdu pdu = {
		.snack_type = SNACK_DATA_R2T,
		.initiator_task_tag = t->initiator_task_tag,	/* 11.16.4 */
		.target_transfer_tag = TAG_NONE,		/* 11.16.5 */
		.beg_run = beg, .run_length = to_the_end ? 0 : end - beg,
	};

	if (t->aborting)
		return;
	if (comes_anew(t)) {
		ask_anew(t);
		return;
	}
	if (too_late(t, beg)) {
		give_up(t, beg, "another sequence follows already");
		return;
	}
	m->due = time_add(session_now(t->s), SNACK_ANSWER);
	session_log(t->s, LUN_LOG_INFO, "conn %u: ITT 0x%08" PRIx32 ": DataSN %"
		    PRIu32 "%s lost (%" PRIu32 " came, %" PRIu32 " bytes): "
		    "Data SNACK, run length %" PRIu32,
		    conn_cid(t->leg->conn), t->initiator_task_tag, beg,
		    pdu.run_length == 1 ? " was" : " and later were",
		    t->exp_data_sn, ranges_prefix(&t->in), pdu.run_length);
	send(t, &pdu);
}

static void
ask_for_all(struct task *t)
{
	struct mend *m = &t->mend;
	uint32_t beg = t->exp_data_sn, end;

	if (comes_anew(t)) {
		ask_anew(t);
		return;
	}
	for (unsigned n = 0; beg != m->seen && n < RUNS_MAX; n++) {
		end = ranges_gap_end(&m->late, beg, m->seen);
		ask(t, beg, end);
		if (end == m->seen)
			return;
		beg = ranges_end(&m->late, end);
	}
	if (m->tail)
		ask(t, t->exp_data_sn, t->exp_data_sn);
}

/* It has been told that all before this DataSN came. */
static void
note_acknowledged(struct task *t, uint32_t data_sn)
{
	const struct params *p = conn_params(t->leg->conn);

	t->acked_sn = data_sn;
	t->acked_bytes = t->exp_data_sn == data_sn && p->DataPDUInOrder &&
	    p->DataSequenceInOrder ? ranges_prefix(&t->in) : UINT32_MAX;
}

/* 11.5.6, 7.2.2: ExpDataSN says so, but for 0. */
void
snack_reassigned(struct task *t)
{
	if (t->cmd->in_len > 0 && t->exp_data_sn != 0)
		note_acknowledged(t, t->exp_data_sn);
}

/* 11.16.2, 11.7.2: all before this DataSN came. */
static void
acknowledge(struct task *t, uint32_t data_sn, uint32_t ttt, uint64_t lun)
{
	struct pdu pdu = {
		.snack_type = SNACK_DATA_ACK, .lun = lun,
		.initiator_task_tag = TAG_NONE,
		.target_transfer_tag = ttt,
		.beg_run = data_sn,
	};

	note_acknowledged(t, data_sn);
	send(t, &pdu);
}

/* Is this the status that is acknowledged next, and is that enough? 11.7.2 */
static bool
acknowledged_at_once(const struct task *t, uint32_t stat_sn)
{
	return !sn_after(stat_sn, conn_exp_stat_sn(t->leg->conn));
}

static void
acknowledge_late(struct task *t)
{
	struct mend *m = &t->mend;

	if (!m->acks || sn_before(t->exp_data_sn, m->ack_sn))
		return;
	m->acks = false;
	if (!m->holds || !acknowledged_at_once(t, m->stat_sn))
		acknowledge(t, m->ack_sn, m->ack_ttt, m->ack_lun);
}

void
snack_acknowledge(struct task *t, const struct pdu *pdu)
{
	struct mend *m = &t->mend;

	if (pdu->target_transfer_tag == TAG_NONE)	/* 11.7.4: cannot be */
		return;
	if (sn_before(t->exp_data_sn, pdu->data_sn + 1)) {	/* holes */
		m->acks = true;
		m->ack_sn = pdu->data_sn + 1;
		m->ack_ttt = pdu->target_transfer_tag;
		m->ack_lun = pdu->lun;
	} else if (!pdu->has_status || !acknowledged_at_once(t, pdu->stat_sn)) {
		acknowledge(t, pdu->data_sn + 1, pdu->target_transfer_tag,
			    pdu->lun);
	}
}

/* --------------------------------------------------------- what happens -- */

void
snack_sequence(struct task *t, const struct pdu *pdu)
{
	uint32_t seen = t->mend.active ? t->mend.seen : t->exp_data_sn;

	if (sn_before(pdu->data_sn, seen))
		return;			/* it came again */
	if (t->sequence_over)
		t->sequence_sn = seen;
	t->sequence_over = pdu->final;
}

/* The target has sent all before this one. */
static void
extend(struct task *t, uint32_t end)
{
	uint32_t seen = t->mend.seen;

	if (!sn_after(end, seen))
		return;
	t->mend.seen = end;
	ask(t, seen, end);
}

int
snack_came(struct task *t, uint32_t data_sn, const struct pdu *status)
{
	struct mend *m = &t->mend;

	begin(t);
	if (status)
		hold(t, status->stat_sn);
	m->anew = false;
	extend(t, data_sn);
	if (m->anew)
		return SNACK_ANEW;
	if (m->seen == data_sn)
		m->seen++;
	if (data_sn != t->exp_data_sn) {
		int r = ranges_add(&m->late, data_sn, data_sn + 1);

		return r < 0 ? conn_fail(t->leg->conn, r, "out of memory") : 0;
	}
	t->exp_data_sn++;
	if (ranges_has(&m->late, t->exp_data_sn))
		t->exp_data_sn = ranges_end(&m->late, t->exp_data_sn);
	m->asks = 0;
	m->due = time_add(session_now(t->s), SNACK_ANSWER);
	acknowledge_late(t);
	if (!incomplete(t) && !m->status && !m->holds)
		snack_end(t);
	return 0;
}

void
snack_damaged(void *user, struct conn *c, const struct pdu *pdu)
{
	struct leg *leg = user;
	struct task *t = task_find(leg->s, pdu->initiator_task_tag);
	uint32_t data_sn = pdu->data_sn;

	if (!t || t->leg != leg || !t->cmd || snack_has(t, data_sn) ||
	    snack_check(t, "Data-In with DataSN", data_sn) < 0)
		return;
	begin(t);
	snack_sequence(t, pdu);
	t->mend.last |= pdu->has_status;
	if (pdu->has_status && conn_await_status(c, pdu->stat_sn)) {
		t->mend.holds = true;
		t->mend.stat_sn = pdu->stat_sn;
	}
	if (sn_before(data_sn, t->mend.seen))
		ask(t, data_sn, data_sn + 1);	/* and once again */
	else
		extend(t, data_sn + 1);
}

/* Data without a number: the target does not say how many it sent. */
static void
ask_for_tail(struct task *t)
{
	t->mend.tail = true;
	ask(t, t->exp_data_sn, t->exp_data_sn);
}

int
snack_status(struct task *t, const struct pdu *pdu, bool data_missing)
{
	struct mend *m = &t->mend;
	bool counted = pdu->opcode == OP_SCSI_RESPONSE;
	bool more = counted && sn_after(pdu->exp_data_sn, t->exp_data_sn);
	int r;

	if (t->snack_tag != 0 && (!counted || pdu->snack_tag != t->snack_tag)) {
		hold(t, pdu->stat_sn);	/* 11.4.4: another one comes */
		return SNACK_HELD;
	}
	if (!data_missing)
		m->tail = m->anew = false;
	bool tail = counted && pdu->exp_data_sn == 0 && data_missing &&
	    !incomplete(t);

	if (t->cmd->in_len == 0)	/* lost R2Ts do not matter any more */
		return 0;
	if (m->refused)
		return t->cmd->status == SCSI_GOOD ? SNACK_LOST : 0;
	if (more && (r = snack_check(t, "SCSI Response with ExpDataSN",
				     pdu->exp_data_sn)) < 0)
		return r;
	if (!more && !tail && !incomplete(t))
		return 0;
	hold(t, pdu->stat_sn);
	m->status = m->last = true;
	if (more)
		extend(t, pdu->exp_data_sn);
	if (tail)
		ask_for_tail(t);
	return SNACK_HELD;
}

bool
snack_done(struct task *t, bool data_missing)
{
	if (!data_missing)
		t->mend.tail = false;
	return t->mend.status && !incomplete(t);
}

int
snack_rejected(struct session *s, struct leg *leg, const struct pdu *bad)
{
	struct task *t = task_find(s, bad->initiator_task_tag);

	if (bad->snack_type == SNACK_DATA_ACK || !t || t->leg != leg ||
	    !t->cmd || t->cmd->in_len == 0 || !incomplete(t))
		return 0;
	if (t->mend.status)
		return SNACK_LOST;	/* 7.8 a.2 */
	t->mend.refused = true;		/* 7.8 a.1: a status comes */
	if (t->mend.holds)
		give_up(t, t->exp_data_sn, "the target does not send it again");
	return 0;
}

void
snack_tick(struct task *t, lun_time now)
{
	struct mend *m = &t->mend;

	/* 7.1.4.1: R2Ts are left to the target */
	if (!incomplete(t) || t->aborting || m->refused || now < m->due ||
	    t->cmd->in_len == 0)
		return;
	if (m->asks++ == ASKS_MAX) {
		give_up(t, t->exp_data_sn, "it is not sent again");
		return;
	}
	ask_for_all(t);
}
