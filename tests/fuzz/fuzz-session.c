/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that is logged in, and a target that may send anything. An input is
 * circumstances and then events: commands, cancels, time, and PDUs, which are
 * mostly what a right target would send next, now and then with a field, or
 * header bytes, changed.
 *
 * What must hold: a command completes once, from session_step() or
 * session_free(), and its buffers are never touched after that (they are of
 * exact size and freed in done); a GOOD read has all of its bytes, in place;
 * Data-Out holds the bytes of its buffer; all PDUs of the initiator decode; no
 * request follows one for a logout; it becomes quiet after each event.
 */
#include "fuzz.h"
#include "session-world.h"

/* ---------------------------------------------------------------- target -- */

static void
flush(struct world *w, struct input *in, unsigned damage)
{
	struct iovec iov[8];
	int n;

	while ((n = tx_iov(w->tx, iov, 8)) > 0) {
		size_t len = 0, at = 0;

		for (int i = 0; i < n; i++)
			len += iov[i].iov_len;
		uint8_t *bytes = must(malloc(len));
		for (int i = 0; i < n; at += iov[i++].iov_len)
			memcpy(bytes + at, iov[i].iov_base, iov[i].iov_len);
		tx_ack(w->tx, len);
		for (; damage > 0; damage--) {
			bytes[input8(in) % len] = input8(in);
			w->raw = true;
		}
		push(w, bytes, len);
		free(bytes);
	}
}

static struct pdu
start(struct world *w, enum opcode opcode, const struct pdu *request)
{
	bool counts = opcode != OP_DATA_IN && opcode != OP_R2T;
	struct pdu pdu = {
		.opcode = (uint8_t)opcode, .final = true,
		.initiator_task_tag = request ? request->initiator_task_tag :
		    TAG_NONE,
		.target_transfer_tag = TAG_NONE,
		.stat_sn = w->stat_sn,
		.exp_cmd_sn = w->exp_cmd_sn,
		.max_cmd_sn = w->exp_cmd_sn + w->window - 1,
	};

	if (opcode == OP_NOP_IN && !request)
		counts = false;
	if (opcode == OP_REJECT || opcode == OP_ASYNC_MESSAGE)
		pdu.initiator_task_tag = TAG_NONE;
	w->stat_sn += counts;
	return pdu;
}

static void
send_pdu(struct world *w, struct input *in, struct pdu *pdu, const void *data,
	 size_t len, unsigned damage)
{
	if (!w->conn || !w->tx)
		return;
	if (tx_add_copy(w->tx, pdu, data, len) < 0)
		abort();
	flush(w, in, damage);
}

/* The order that a SCSI Command belongs to: they are numbered in their order. */
static struct order *
order_of(struct world *w, const struct pdu *request)
{
	for (unsigned i = 0; request && i < w->n_orders; i++) {
		struct order *o = &w->orders[i];

		if (!o->done && o->cmd.task && request->opcode == OP_SCSI_COMMAND &&
		    request->expected_data_transfer_length ==
		    (o->cmd.out_len ? o->cmd.out_len : o->cmd.in_len) &&
		    request->lun == o->cmd.lun)
			return o;
	}
	return NULL;
}

/* The next Data-In that is due, about; returns its length. */
static size_t
make_data_in(struct world *w, struct input *in, struct order *o, struct pdu *pdu)
{
	uint8_t flags = input8(in);
	uint32_t left = o && o->cmd.in_len > o->sent ? o->cmd.in_len - o->sent : 0;
	uint32_t len = flags & 1 ? left : input8(in) * 4u;

	len = len < left ? len : left;
	if (flags & 0x80)		/* a bit too much */
		len += input8(in) & 7;
	pdu->buffer_offset = o ? o->sent : 0;
	pdu->data_sn = o ? o->data_sn : 0;
	pdu->final = flags & 2 || len == left;
	pdu->has_status = flags & 4 && pdu->final;
	if (pdu->has_status)
		w->stat_sn++;
	if (flags & 8 && pdu->has_status) {
		pdu->underflow = true;
		pdu->residual_count = left - (len < left ? len : left);
	}
	if (o) {
		o->sent += len;
		o->data_sn++;
	}
	return len;
}

static size_t
make_r2t(struct input *in, struct order *o, struct pdu *pdu,
	 const struct pdu *request)
{
	uint32_t left = o && o->cmd.out_len > o->asked ? o->cmd.out_len - o->asked : 0;
	uint32_t len = input8(in) * 16u;

	pdu->lun = request ? request->lun : 0;
	pdu->target_transfer_tag = input8(in);
	pdu->buffer_offset = o ? o->asked : 0;
	pdu->r2t_sn = o ? o->r2t_sn++ : 0;
	len = len && len < left ? len : left;
	pdu->desired_data_transfer_length = len;
	if (o)
		o->asked += len;
	return 0;
}

static size_t
make_response(struct input *in, struct order *o, struct pdu *pdu, uint8_t *data)
{
	static const uint8_t statuses[8] = { 0, 0, 0, 2, 8, 0x28, 0x40, 0 };
	uint8_t flags = input8(in);

	pdu->status = statuses[flags & 7];
	pdu->response = (flags & 0x78) == 0x78;
	pdu->underflow = flags & 0x80;
	if (o && pdu->underflow)
		pdu->residual_count = o->cmd.in_len > o->sent ?
		    o->cmd.in_len - o->sent : input8(in);
	pdu->exp_data_sn = o ? o->data_sn + o->r2t_sn : 0;
	if (pdu->status != SCSI_CHECK_CONDITION)
		return 0;
	data[0] = 0;
	data[1] = input8(in);
	return 2 + input8(in);
}

static const enum opcode opcodes[16] = {
	OP_DATA_IN, OP_DATA_IN, OP_DATA_IN, OP_SCSI_RESPONSE, OP_SCSI_RESPONSE,
	OP_R2T, OP_R2T, OP_NOP_IN, OP_TMF_RESPONSE, OP_TMF_RESPONSE,
	OP_TEXT_RESPONSE, OP_LOGOUT_RESPONSE, OP_ASYNC_MESSAGE, OP_REJECT,
	OP_LOGIN_RESPONSE, OP_NOP_IN,
};

static const uint8_t answers_to[64] = {	/* what fits a request */
	[OP_NOP_OUT] = OP_NOP_IN, [OP_TMF_REQUEST] = OP_TMF_RESPONSE,
	[OP_TEXT_REQUEST] = OP_TEXT_RESPONSE,
	[OP_LOGOUT_REQUEST] = OP_LOGOUT_RESPONSE,
};

/* One field is something else. */
static void
spoil(struct input *in, struct pdu *pdu)
{
	uint32_t v = input32(in);

	switch (input8(in) % 12) {
	case 0: pdu->stat_sn += v; break;
	case 1: pdu->exp_cmd_sn += v; break;
	case 2: pdu->max_cmd_sn += v; break;
	case 3: pdu->initiator_task_tag = v; break;
	case 4: pdu->target_transfer_tag = v; break;
	case 5: pdu->buffer_offset += v & 1 ? v : (v >> 8 & 0xff); break;
	case 6: pdu->data_sn += v >> 24; break;
	case 7: pdu->r2t_sn += v >> 24; break;
	case 8: pdu->residual_count = v; pdu->overflow = v & 1; break;
	case 9: pdu->desired_data_transfer_length = v; break;
	case 10: pdu->final = !pdu->final; break;
	default: pdu->lun = v; pdu->status = (uint8_t)v; break;
	}
}

static void
target_sends(struct world *w, struct input *in)
{
	static uint8_t data[65536];
	uint8_t what = input8(in), which = input8(in);
	unsigned n = w->n_requests < REQUESTS ? w->n_requests : REQUESTS;
	const struct pdu *request = n == 0 || which & 0x80 ? NULL :
	    &w->requests[(w->n_requests - 1 - which % n) % REQUESTS];
	enum opcode opcode = opcodes[what & 15];

	if (request && answers_to[request->opcode] && !(what & 0x10))
		opcode = answers_to[request->opcode];

	struct pdu pdu = start(w, opcode, request);
	struct order *o = order_of(w, request);
	size_t len = 0;

	switch ((unsigned)opcode) {
	case OP_DATA_IN:
		len = make_data_in(w, in, o, &pdu);
		break;
	case OP_R2T:
		len = make_r2t(in, o, &pdu, request);
		break;
	case OP_SCSI_RESPONSE:
		len = make_response(in, o, &pdu, data);
		break;
	case OP_ASYNC_MESSAGE:
		pdu.async_event = input8(in);
		pdu.lun = (uint64_t)(which & 3) << 48;
		pdu.parameter1 = pdu.parameter3 = which & 7;
		len = input8(in);
		break;
	case OP_REJECT:
		pdu.reason = input8(in) & 15;
		if (request)
			pdu_encode(request, data);
		len = request ? BHS_LEN : input8(in);
		break;
	case OP_TEXT_RESPONSE:
		pdu.final = input8(in) & 1;
		pdu.continued = !pdu.final && input8(in) & 1;
		pdu.target_transfer_tag = pdu.final ? TAG_NONE : 7;
		memcpy(data, "TargetName=iqn.2001-04.com.example:a", 37);
		len = input8(in) & 1 ? 37 : input8(in);
		break;
	default:
		pdu.response = what & 0x80 ? input8(in) & 3 : 0;
		if (opcode == OP_NOP_IN && !request)
			pdu.target_transfer_tag = which;
		if (opcode == OP_NOP_IN)
			len = input8(in) & 7;
		break;
	}
	if ((what & 0x60) == 0x60)
		spoil(in, &pdu);
	if (opcode == OP_DATA_IN)
		for (size_t i = 0; i < len; i++)
			data[i] = pattern(pdu.buffer_offset + (uint32_t)i);
	send_pdu(w, in, &pdu, data, len, which == 0x7f ? 1 + (what >> 5) : 0);
}

/* ----------------------------------------------------------------- login -- */

static void
login(struct world *w, struct input *in)
{
	static const char security[] = "AuthMethod=None\0TargetPortalGroupTag=1";
	static const char *const keys[][2] = {
		{ "HeaderDigest=None", "HeaderDigest=CRC32C" },
		{ "DataDigest=None", "DataDigest=CRC32C" },
		{ "InitialR2T=No", "InitialR2T=Yes" },
		{ "ImmediateData=Yes", "ImmediateData=No" },
		{ "DataPDUInOrder=Yes", "DataPDUInOrder=No" },
		{ "DataSequenceInOrder=Yes", "DataSequenceInOrder=No" },
		{ "MaxBurstLength=8192", "MaxBurstLength=512" },
		{ "FirstBurstLength=4096", "FirstBurstLength=512" },
	};
	char text[1024];
	size_t len = 0;

	session_start(w->s, w->now);
	run(w);
	for (int i = 0; i < 8; i++) {
		const char *key = keys[i][w->cases >> i & 1];

		memcpy(text + len, key, strlen(key) + 1);
		len += strlen(key) + 1;
	}
	len += 1 + (size_t)sprintf(text + len, "MaxOutstandingR2T=%u",
				   1 + (w->cases >> 8 & 3));
	len += 1 + (size_t)sprintf(text + len, "MaxRecvDataSegmentLength=%u",
				   w->cases >> 10 & 1 ? 514 : SEGMENT_MAX);
	if (w->cases >> 11 & 1)
		len += 1 + (size_t)sprintf(text + len, "TaskReporting=FastAbort");
	for (int stage = 0; stage <= 1; stage++) {
		const struct pdu *request = &w->requests[stage];
		struct pdu pdu = start(w, OP_LOGIN_RESPONSE, request);

		memcpy(pdu.isid, request->isid, ISID_LEN);
		pdu.csg = (uint8_t)stage;
		pdu.nsg = stage ? STAGE_FULL_FEATURE : STAGE_OPERATIONAL;
		pdu.tsih = (uint16_t)stage;
		if (stage == 0) {
			send_pdu(w, in, &pdu, security, sizeof(security), 0);
			continue;
		}
		if (tx_add_copy(w->tx, &pdu, text, len) < 0)
			abort();
		rx_set_digests(w->rx, w->cases & 1, w->cases >> 1 & 1);
		flush(w, in, 0);
		tx_set_digests(w->tx, w->cases & 1, w->cases >> 1 & 1);
	}
	assert(!w->down && session_login(w->s)->tsih == 1);
}

static void
world_new(struct world *w, struct input *in)
{
	static struct lun_error err;

	w->env = (struct lun_env){ .random = world_random };
	w->now = TIME_S;
	w->stat_sn = 0xfffffff0;
	w->budget = SIZE_MAX;
	w->cases = input8(in);
	w->cases |= (unsigned)input8(in) << 8;
	w->window = 1 + (w->cases >> 13);
	w->window *= w->window;
	w->segments = w->cases >> 12 & 1 ? 1 + input8(in) : 0;
	timers_init(&w->timers);
	offer_default(&w->offer);
	w->offer.values.MaxRecvDataSegmentLength = SEGMENT_MAX;
	w->offer.values.DataPDUInOrder = !(w->cases >> 4 & 1);
	w->offer.values.DataSequenceInOrder = !(w->cases >> 5 & 1);

	struct session_config cfg = {
		.login = {
			.initiator_name = "iqn.2001-04.com.example:me",
			.target_name = "iqn.2001-04.com.example:disk",
			.isid = { 0x80 }, .cmd_sn = 0xfffffffd,
			.expected_tpgt = -1,
			.offer = &w->offer, .auth = &w->auth,
		},
		.portal = { .host = "192.0.2.1", .port = LUN_PORT, .tpgt = -1 },
		.timeouts = {
			.connect = 10 * TIME_S, .login = 15 * TIME_S,
			.logout = 5 * TIME_S, .text = 5 * TIME_S,
			.nop_interval = 5 * TIME_S, .nop_answer = 5 * TIME_S,
		},
		.command_timeout = 10 * TIME_S, .recovery_time = 30 * TIME_S,
		.label = "fuzz",
	};

	if (session_new(&w->s, &cfg, &w->env, &w->timers, &driver, w,
			&session_ops, w, w->now, &err) < 0)
		abort();
}

static void
pass(struct world *w, lun_time delay)
{
	lun_time until = w->now + delay, due;
	unsigned rounds = 0;

	while ((due = timers_deadline(&w->timers)) <= until) {
		assert(++rounds < QUIET_AFTER);
		w->now = due > w->now ? due : w->now;
		timers_run(&w->timers, w->now);
		run(w);
	}
	w->now = until;
}

static void
event(struct world *w, struct input *in)
{
	uint8_t what = input8(in);

	switch (what & 15) {
	default:
		target_sends(w, in);
		break;
	case 1: case 2: case 3: case 4:
		submit(w, in);
		break;
	case 5:
		cancel(w, in);
		break;
	case 6:
		pass(w, (what >> 4) * (TIME_S / 2));
		break;
	case 7:
		ask(w, in);
		break;
	case 8:				/* how much is fetched of what is sent */
		w->budget = what & 0x80 ? SIZE_MAX : (size_t)input8(in) << (what >> 4);
		break;
	case 9:
		if (what == 0xf9)
			session_stop(w->s, w->now);
		if (what == 0xe9 && w->conn)
			conn_lost(w->conn, LUN_ELOST, "cut", w->now);
		break;
	}
	run(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world *w = must(calloc(1, sizeof(*w)));

	world_new(w, &in);
	login(w, &in);
	for (int i = 0; in.left > 0 && i < EVENTS_MAX; i++)
		event(w, &in);
	w->stepping = true;
	w->s = session_free(w->s);
	assert(!w->conn && !w->text_under_way && !w->tmf_under_way);
	for (unsigned i = 0; i < w->n_orders; i++)
		assert(w->orders[i].done == 1);
	rx_free(w->rx);
	tx_free(w->tx);
	timers_deinit(&w->timers);
	free(w);
	return 0;
}
