/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of SCSI commands to the target (RFC 7143 11.7, 11.8).
 *
 * A task knows which bytes it has got (spans) and which are on their way
 * (bursts: the unsolicited data, and one for each R2T). What is neither is
 * asked for, lowest offset first. That is all there is to recovery from
 * ErrorRecoveryLevel 1 on: a PDU with a wrong digest or a gap in DataSN leaves
 * bytes that are not on their way any more (7.8 a, 7.9), and so does a burst
 * that takes too long. Such a stale burst keeps its tag: if its R2T was lost, a
 * SNACK may ask for it, and its data is as good as any other.
 *
 * A command with an error still takes the data that was promised to come
 * before it answers (11.17.1); this data goes nowhere.
 */
#include <assert.h>
#include <string.h>

#include "t-priv.h"

/* Data is late if none came for so long, or if it is asked for since ... */
enum { QUIET_TIME = 1, LATE_TIME = 5 };	/* seconds */

static unsigned
count_bursts(const struct task *k, bool unsolicited_too)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->bursts; i++)
		n += !k->burst[i].stale &&
		     (unsolicited_too || k->burst[i].ttt != TAG_NONE);
	return n;
}

bool
data_settled(const struct task *k)
{
	return count_bursts(k, true) == 0;
}

/* --------------------------------------------------------------- spans -- */

/* These bytes are here. False: there are too many pieces to tell. */
static bool
note(struct task *k, uint32_t start, uint32_t end)
{
	struct span *g = k->span;
	unsigned i = 0, j;

	while (i < k->spans && g[i].end < start)
		i++;
	for (j = i; j < k->spans && g[j].start <= end; j++) {
		start = g[j].start < start ? g[j].start : start;
		end = g[j].end > end ? g[j].end : end;
	}
	if (i == j && k->spans == SPANS_MAX)
		return false;
	memmove(&g[i + 1], &g[j], (k->spans - j) * sizeof(*g));
	k->spans = k->spans + 1 - (j - i);
	g[i] = (struct span){ start, end };
	return true;
}

static bool
has_some_of(const struct task *k, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < k->spans; i++)
		if (k->span[i].start < end && start < k->span[i].end)
			return true;
	return false;
}

/* What is still to come of a burst. */
static struct span
rest_of(const struct task *k, const struct burst *b)
{
	bool in_order = k->session->values.v[K_PDU_IN_ORDER];

	if (b->stale)
		return (struct span){ 0, 0 };
	return (struct span){ in_order ? b->next : b->offset,
			      b->offset + b->len };
}

/* Over what begins at or before pos; else the end comes nearer. */
static bool
skip(struct span s, uint32_t *pos, uint32_t *end)
{
	if (s.start <= *pos && *pos < s.end) {
		*pos = s.end;
		return true;
	}
	if (s.start > *pos && s.start < *end)
		*end = s.start;
	return false;
}

/* The first bytes that are neither here nor on their way. */
static bool
find_missing(const struct task *k, struct span *missing)
{
	uint32_t pos = 0, end;
	bool moved;

	do {
		moved = false;
		end = k->out_len;
		for (unsigned i = 0; i < k->spans; i++)
			moved |= skip(k->span[i], &pos, &end);
		for (unsigned i = 0; i < k->bursts; i++)
			moved |= skip(rest_of(k, &k->burst[i]), &pos, &end);
	} while (moved);
	*missing = (struct span){ pos, end };
	return pos < k->out_len;
}

/* -------------------------------------------------------------- bursts -- */

static void
drop_burst(struct task *k, unsigned i)
{
	memmove(&k->burst[i], &k->burst[i + 1],
		(--k->bursts - i) * sizeof(*k->burst));
}

static struct burst *
add_burst(struct task *k, uint32_t ttt, uint32_t offset, uint32_t len)
{
	struct tconn *c = k->conn;
	struct burst *b;

	if (k->bursts == BURSTS_MAX) {		/* the oldest that is stale */
		unsigned i = 0;

		while (!k->burst[i].stale)
			i++;
		drop_burst(k, i);
	}
	b = &k->burst[k->bursts++];
	*b = (struct burst){
		.ttt = ttt, .offset = offset, .len = len, .next = offset,
		.since = c->now,
	};
	if (c->data_deadline == TIME_NEVER && keeps_responses(k->session))
		c->data_deadline = time_add(c->now, QUIET_TIME * TIME_S);
	return b;
}

void
data_unsolicited(struct task *k, uint32_t immediate, uint32_t end)
{
	if (immediate)
		note(k, 0, immediate);
	if (k->cmd.final)
		return;
	add_burst(k, TAG_NONE, immediate, end - immediate);
	k->asked = end;
}

static void
send_r2t(struct task *k, const struct burst *b)
{
	struct tconn *c = k->conn;
	struct pdu pdu = {
		.opcode = OP_R2T,
		.final = true,
		.lun = k->cmd.lun,
		.initiator_task_tag = k->cmd.initiator_task_tag,
		.target_transfer_tag = b->ttt,
		.stat_sn = c->stat_sn,		/* not advanced: 11.8.3 */
		.r2t_sn = b->r2t_sn,
		.buffer_offset = b->offset,
		.desired_data_transfer_length = b->len,
	};

	conn_send(c, &pdu, NULL, 0, NULL);
}

/* A recovery R2T asks for nothing that was not asked for before: 11.8. */
static void
ask(struct task *k)
{
	const uint32_t *v = k->session->values.v;
	unsigned max = v[K_MAX_R2T] < R2T_MAX ? v[K_MAX_R2T] : R2T_MAX;
	struct span missing;

	while (count_bursts(k, false) < max && find_missing(k, &missing)) {
		uint32_t end = missing.end, len;
		struct burst *b;

		if (missing.start < k->asked && k->asked < end)
			end = k->asked;
		len = end - missing.start;
		if (len > v[K_MAX_BURST])
			len = v[K_MAX_BURST];
		if (missing.start + len > k->asked)
			k->asked = missing.start + len;
		b = add_burst(k, full_new_ttt(k->session), missing.start, len);
		b->r2t_sn = k->r2t_sn++;
		send_r2t(k, b);
	}
}

/* Those that are asked for by a SNACK, as they were: 11.16. */
void
data_r2t_again(struct tconn *c, const struct pdu *req, struct task *k)
{
	uint32_t first = req->beg_run, count = req->run_length;
	bool some = count == 0;

	if (first > k->r2t_sn || count > k->r2t_sn - first) {
		full_reject_sn(c, req, REJECT_PROTOCOL, k->r2t_sn);
		return;
	}
	for (unsigned i = 0; i < k->bursts; i++) {
		struct burst *b = &k->burst[i];

		if (b->ttt == TAG_NONE || b->r2t_sn < first ||
		    (count && b->r2t_sn - first >= count))
			continue;
		some = true;
		b->since = c->now;
		send_r2t(k, b);
	}
	if (!some)				/* they were answered */
		full_reject_sn(c, req, REJECT_PROTOCOL, k->r2t_sn);
}

/* ---------------------------------------------------------------- task -- */

void
data_progress(struct task *k)
{
	struct tlu *lu = k->lu;

	if (k->state == TASK_DATA_OUT && !k->failed && !k->tmf)
		ask(k);
	if (!data_settled(k))
		return;
	if (k->tmf) {			/* aborted; it waited for this */
		task_end(k);
		if (lu)
			task_schedule(lu);
		return;
	}
	if (k->state != TASK_DATA_OUT)
		return;
	if (!k->failed && k->session->target->faults && fault_holds(k))
		return;
	if (!k->failed)
		scsi_execute(k);
	data_answer(k);
}

void
data_begin(struct task *k)
{
	uint32_t edtl = k->cmd.expected_data_transfer_length;
	uint32_t expected = k->cmd.write ? edtl : 0;

	k->state = TASK_DATA_OUT;
	if (!k->failed)
		scsi_start(k);
	if (!k->failed && k->is_write) {
		k->out_len = k->wanted < expected ? k->wanted : expected;
		if (task_reserve(k, k->out_len) < 0)
			scsi_fail(k, 0x0b, 0x5500);
	}
	data_progress(k);
}

/* ------------------------------------------------------------ arriving -- */

/* What a Data-Out belongs to, as far as it is still wanted. */
static struct burst *
find_burst(const struct tconn *c, const struct pdu *pdu, struct task **task)
{
	struct task *k = task_find(c->session, pdu->initiator_task_tag);

	*task = k;
	if (!k || k->conn != c)
		return NULL;
	for (unsigned i = 0; i < k->bursts; i++)
		if (k->burst[i].ttt == pdu->target_transfer_tag)
			return &k->burst[i];
	return NULL;
}

static bool
within(const struct burst *b, const struct pdu *pdu)
{
	uint32_t end = b->offset + b->len;

	return pdu->buffer_offset >= b->offset && pdu->buffer_offset <= end &&
	       pdu->data_segment_length <= end - pdu->buffer_offset;
}

/* In its place, and in order if that was agreed on: 13.18. */
static bool
fits(const struct task *k, const struct burst *b, const struct pdu *pdu)
{
	if (!within(b, pdu))
		return false;
	if (!k->session->values.v[K_PDU_IN_ORDER])
		return true;
	if (keeps_responses(k->session) && sn_after(pdu->data_sn, b->data_sn))
		return pdu->buffer_offset >= b->next;	/* after a loss */
	return pdu->buffer_offset == b->next;
}

/* All that a command may bring, before the first of it is received in place: it
 * may start while more comes, and must not move then. */
int
data_reserve(struct task *k, uint32_t size)
{
	enum { MOST = 2 * TRANSFER_MAX };	/* of COMPARE AND WRITE */

	return task_reserve(k, size < MOST ? size : MOST);
}

static void *
place_of_command(struct tconn *c, const struct pdu *pdu)
{
	uint32_t len = pdu->data_segment_length;
	uint32_t size = pdu->expected_data_transfer_length;
	struct task *k;

	if (!pdu->write || len > size || c->incoming)
		return NULL;
	k = task_get(c->target);
	if (!k)
		return NULL;
	if (data_reserve(k, size) < 0) {
		task_put(k, c->target);
		return NULL;
	}
	c->incoming = k;
	return k->buf;
}

/* Where the payload of a PDU belongs whose header has just come. */
void *
data_out_place(struct tconn *c, const struct pdu *pdu)
{
	uint32_t len = pdu->data_segment_length;
	uint32_t offset = pdu->buffer_offset;
	const struct burst *b;
	struct task *k;

	if (len == 0)
		return NULL;
	if (pdu->opcode == OP_SCSI_COMMAND)
		return place_of_command(c, pdu);
	if (pdu->opcode != OP_DATA_OUT)
		return NULL;
	b = find_burst(c, pdu, &k);
	if (!b || k->failed || !fits(k, b, pdu) ||
	    (uint64_t)offset + len > k->buf_size ||
	    has_some_of(k, offset, offset + len)) /* it may be damaged */
		return NULL;
	k->place.at = k->buf + offset;
	k->place.len = len;
	return k->buf + offset;
}

/* Data that nobody waits for. Of a task that was aborted it is no error. */
static void
unexpected(struct tconn *c, const struct pdu *pdu, bool known)
{
	struct session *s = c->session;
	uint32_t ttt = pdu->target_transfer_tag;

	if (ttt == TAG_NONE ? known
			    : ttt >= s->next_ttt ||
			      (known && !keeps_responses(s)))
		full_reject(c, pdu, REJECT_INVALID_FIELD);
}

/* The sequence ends with F, and then all of it has to have come: 11.4.7.2. */
static void
advance(struct task *k, struct burst *b, const struct pdu *pdu)
{
	b->data_sn = pdu->data_sn + 1;
	b->next = pdu->buffer_offset + pdu->data_segment_length;
	b->got += pdu->data_segment_length;
	b->since = k->conn->now;
	if (!pdu->final)
		return;
	if (!b->lossy && b->got != b->len && !k->tmf)
		scsi_fail(k, 0x0b, 0x0c0d);
	drop_burst(k, (unsigned)(b - k->burst));
}

static void
take(struct task *k, const struct pdu *pdu, const uint8_t *data)
{
	uint32_t offset = pdu->buffer_offset, len = pdu->data_segment_length;

	if (k->failed || !data || len == 0)
		return;
	assert((uint64_t)offset + len <= k->buf_size);
	if (data != k->buf + offset)
		memcpy(k->buf + offset, data, len);
	if (!note(k, offset, offset + len) && !keeps_responses(k->session))
		scsi_fail(k, 0x0b, 0x5500);	/* else: asked for again */
}

void
data_out(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	 bool digest_ok)
{
	struct task *k;
	struct burst *b = find_burst(c, pdu, &k);
	bool recovers = keeps_responses(c->session);

	if (!b) {
		if (!full_keep_early_data(c, pdu, data, digest_ok) && digest_ok)
			unexpected(c, pdu, k != NULL);
		return;
	}
	c->data_heard = c->now;
	k->place.at = NULL;
	if (recovers && sn_before(pdu->data_sn, b->data_sn))
		return;				/* it has come before */
	if (!fits(k, b, pdu)) {
		full_reject(c, pdu, REJECT_INVALID_FIELD);
		scsi_fail(k, 0x0b, 0x0c0d);
	}
	if (pdu->data_sn != b->data_sn || !digest_ok) {
		b->lossy = true;
		if (!recovers)
			scsi_fail(k, 0x0b, 0x4705);	/* 7.8 b, 7.9 */
	}
	if (digest_ok)
		take(k, pdu, data);
	advance(k, b, pdu);
	data_progress(k);
}

/* ------------------------------------------------------------- timeout -- */

static bool
is_due(const struct burst *b, lun_time now)
{
	return !b->stale && now - b->since >= QUIET_TIME * TIME_S;
}

/* 7.1.4.1 b. Nothing is lost while the initiator itself is not heard of. */
static bool
is_late(const struct tconn *c, const struct burst *b, lun_time now)
{
	return is_due(b, now) && c->heard > b->since &&
	       (now - c->data_heard >= QUIET_TIME * TIME_S ||
		now - b->since >= LATE_TIME * TIME_S);
}

static bool
forget_late(struct task *k, lun_time now)
{
	bool some = false;

	for (unsigned i = 0; i < k->bursts; i++) {
		struct burst *b = &k->burst[i];

		if (!is_late(k->conn, b, now))
			continue;
		b->stale = some = true;
	}
	return some;
}

static bool
is_silent(const struct task *k, lun_time now)
{
	for (unsigned i = 0; i < k->bursts; i++)
		if (is_due(&k->burst[i], now) &&
		    k->conn->heard <= k->burst[i].since)
			return true;
	return false;
}

void
data_expired(struct tconn *c, lun_time now)
{
	bool waits = false, silent = false;
	struct task *k;

	c->data_deadline = TIME_NEVER;
again:
	list_for_each(k, &c->tasks, struct task, in_conn)
		if (forget_late(k, now)) {
			data_progress(k);
			goto again;		/* the list may be another one */
		}
	list_for_each(k, &c->tasks, struct task, in_conn) {
		waits |= !data_settled(k);
		silent |= is_silent(k, now);
	}
	if (!waits || c->state != CONN_FULL)
		return;
	c->data_deadline = time_add(now, QUIET_TIME * TIME_S);
	if (silent && !c->asked) {
		c->asked = true;
		full_ping(c);
	}
}
