/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world around the session of fuzz-session.c: its driver, its commands, and
 * what must hold of them.
 */
#ifndef SESSION_WORLD_H
#define SESSION_WORLD_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../random.h"
#include "session/session.h"

enum { ORDERS_MAX = 48, REQUESTS = 16, EVENTS_MAX = 3000, QUIET_AFTER = 100000,
       SEGMENT_MAX = 65536 };

struct order {
	struct command cmd;
	unsigned done;
	uint32_t sent, data_sn;		/* Data-In */
	uint32_t asked, r2t_sn;		/* R2Ts */
};

struct world {
	struct lun_env env;
	struct timers timers;
	lun_time now;
	struct offer offer;
	struct auth_config auth;
	struct session *s;
	bool stirred, stepping, down, raw, said_goodbye;

	struct conn *conn;
	bool connecting;
	size_t segments, budget;
	struct rx *rx;
	struct tx *tx;
	uint32_t stat_sn, exp_cmd_sn, window;
	unsigned cases;			/* how the target answers, bits */

	struct pdu requests[REQUESTS];	/* the last ones, a ring */
	unsigned n_requests;
	struct order orders[ORDERS_MAX];
	unsigned n_orders;
	struct text_exchange text;
	bool text_under_way;
	struct tmf tmf;
	bool tmf_under_way;
};

static uint8_t
pattern(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + 3);
}

/* ------------------------------------------------------------- the world -- */

static void
world_random(void *user, void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

static void
stir(void *user, struct session *s)
{
	((struct world *)user)->stirred = true;
}

static int
target_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	      void **place)
{
	return 0;
}

static void
check_data_out(struct world *w, const struct pdu *pdu, const uint8_t *data)
{
	uint64_t end = (uint64_t)pdu->buffer_offset + pdu->data_segment_length;

	assert(pdu->data_segment_length > 0);
	for (uint32_t i = 0; i < pdu->data_segment_length; i++)
		assert(data[i] == pattern(pdu->buffer_offset + i));
	assert(end <= UINT32_MAX);
}

static int
target_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct world *w = user;

	assert(digest_ok);
	assert(!pdu_from_target(pdu->opcode));
	assert(!w->said_goodbye);		/* RFC 7143 11.14 */
	w->said_goodbye = pdu->opcode == OP_LOGOUT_REQUEST;
	if (pdu->opcode == OP_DATA_OUT) {
		check_data_out(w, pdu, data);
		return 0;
	}
	if (pdu->opcode == OP_LOGIN_REQUEST)
		w->exp_cmd_sn = pdu->cmd_sn;
	else if (!pdu->immediate && pdu->cmd_sn == w->exp_cmd_sn)
		w->exp_cmd_sn++;
	w->requests[w->n_requests++ % REQUESTS] = *pdu;
	return 0;
}

static const struct rx_ops target_ops = { target_header, target_pdu };

static void
driver_connect(void *user, struct conn *c, const struct portal *portal)
{
	struct world *w = user;

	assert(!w->conn);
	rx_free(w->rx);
	tx_free(w->tx);
	if (rx_new(&w->rx, &target_ops, w, SEGMENT_MAX, NULL) < 0 ||
	    tx_new(&w->tx, NULL) < 0)
		abort();
	w->conn = c;
	w->connecting = true;
}

static void
driver_close(void *user, struct conn *c)
{
	struct world *w = user;

	assert(w->conn == c);
	w->conn = NULL;
}

static const struct session_driver driver = { stir, driver_connect, driver_close };

static void
on_up(void *user)
{
}

static void
on_down(void *user, const struct lun_error *err)
{
	struct world *w = user;

	assert(!w->down && err->code < 0 && *err->text);
	for (unsigned i = 0; i < w->n_orders; i++)
		assert(w->orders[i].done == 1);
	w->down = true;
}

static void
on_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)	/* all of it can be read */
		sum += sense[i];
	assert(sum <= 255 * len);
}

static const struct session_ops session_ops = {
	.up = on_up, .down = on_down, .scsi_event = on_scsi_event,
};

/* What the initiator has to send, as far as the budget goes. */
static bool
pull(struct world *w)
{
	struct iovec iov[16];
	bool any = false;
	int n;

	while (w->conn && !w->connecting && w->budget > 0 &&
	       (n = conn_tx_iov(w->conn, iov, 16, w->now)) > 0) {
		size_t sum = 0;

		for (int i = 0; i < n && w->budget > 0; i++) {
			const uint8_t *p = iov[i].iov_base;
			size_t left = iov[i].iov_len;

			while (left > 0 && w->budget > 0) {
				struct iovec to[2];

				rx_iov(w->rx, to);
				size_t take = left < to[0].iov_len ? left :
				    to[0].iov_len;

				take = take < w->budget ? take : w->budget;
				memcpy(to[0].iov_base, p, take);
				if (rx_ack(w->rx, take) < 0)
					abort();
				p += take;
				left -= take;
				sum += take;
				w->budget -= take;
			}
		}
		conn_tx_ack(w->conn, sum);
		any = true;
	}
	return any;
}

static void
run(struct world *w)
{
	bool any;
	unsigned rounds = 0;

	do {
		any = false;
		assert(++rounds < QUIET_AFTER);
		if (w->connecting && w->conn) {
			w->connecting = false;
			conn_connected(w->conn, w->now);
			any = true;
		}
		if (w->stirred) {
			w->stirred = false;
			w->stepping = true;
			session_step(w->s, w->now);
			w->stepping = false;
			any = true;
		}
		any |= pull(w);
	} while (any);
}

static void
push(struct world *w, const uint8_t *p, size_t len)
{
	size_t step = w->segments ? w->segments : SIZE_MAX;

	while (len > 0 && w->conn && conn_wants_rx(w->conn)) {
		struct iovec to[2];
		int n = conn_rx_iov(w->conn, to);
		size_t sum = 0;

		for (int i = 0; i < n && len > 0 && sum < step; i++) {
			size_t take = to[i].iov_len < len ? to[i].iov_len : len;

			if (take > step - sum)
				take = step - sum;
			memcpy(to[i].iov_base, p, take);
			p += take;
			len -= take;
			sum += take;
		}
		conn_rx_ack(w->conn, sum, w->now);
	}
	run(w);
}

/* -------------------------------------------------------------- commands -- */

/* A GOOD read has what was asked for, but for a declared underflow. */
static void
check_read(const struct world *w, const struct command *cmd)
{
	uint32_t missing = cmd->out_len ?
	    cmd->bidi_underflow ? cmd->in_residual : 0 :
	    cmd->underflow ? cmd->residual : 0;

	assert(missing <= cmd->in_len);
	assert(cmd->received <= cmd->in_len);
	assert(cmd->received >= cmd->in_len - missing);
	for (uint32_t i = 0; !w->raw && i < cmd->received; i++)
		assert(((uint8_t *)cmd->in)[i] == pattern(i));
}

static void
command_done(struct command *cmd)
{
	struct world *w = cmd->user;
	struct order *o = container_of(cmd, struct order, cmd);

	assert(w->stepping);
	assert(o->done++ == 0);
	assert(cmd->result <= 0);
	assert(cmd->sense_len <= SENSE_MAX);
	if (cmd->result == 0 && cmd->response == RESPONSE_COMPLETED &&
	    cmd->status == SCSI_GOOD && cmd->in_len)
		check_read(w, cmd);
	free(cmd->in);
	free((void *)(uintptr_t)cmd->out);
	free((void *)(uintptr_t)cmd->cdb_more);
	cmd->in = NULL;
	cmd->out = cmd->cdb_more = NULL;
}

static void *
must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void
submit(struct world *w, struct input *in)
{
	if (w->n_orders == ORDERS_MAX)
		return;

	struct order *o = &w->orders[w->n_orders++];
	struct command *cmd = &o->cmd;
	uint8_t kind = input8(in), lun = input8(in);
	uint32_t len = (uint32_t)input8(in) << (kind >> 4 & 7);

	cmd->lun = (uint64_t)(lun & 3) << 48;
	cmd->attr = lun >> 2 & 3;
	cmd->cdb_len = kind & 8 ? 33 : 10;
	if (cmd->cdb_len > CDB_LEN)
		cmd->cdb_more = memset(must(malloc(33 - CDB_LEN)), 1, 33 - CDB_LEN);
	cmd->timeout = kind & 4 ? 0 : 3 * TIME_S;
	if (kind & 1 && len) {
		cmd->in = must(malloc(len));
		cmd->in_len = len;
		for (uint32_t i = 0; i < len; i++)
			((uint8_t *)cmd->in)[i] = (uint8_t)~pattern(i);
	}
	if (kind & 2 && len) {
		uint8_t *out = must(malloc(len));

		for (uint32_t i = 0; i < len; i++)
			out[i] = pattern(i);
		cmd->out = out;
		cmd->out_len = len;
	}
	cmd->done = command_done;
	cmd->user = w;
	session_nexus(w->s)->ops->submit(session_nexus(w->s), cmd);
	assert(!o->done);
}

static void
cancel(struct world *w, struct input *in)
{
	if (w->n_orders == 0)
		return;

	struct order *o = &w->orders[input8(in) % w->n_orders];
	unsigned before = o->done;

	if (!o->done)
		session_nexus(w->s)->ops->cancel(session_nexus(w->s), &o->cmd);
	assert(o->done == before);
}

static void
text_done(struct text_exchange *x, int code, const struct lun_error *err,
	  const char *text, size_t len)
{
	struct world *w = x->user;

	assert(w->text_under_way);
	assert(code < 0 || len <= x->answer_max);
	w->text_under_way = false;
}

static void
tmf_done(struct tmf *t, int code, uint8_t response)
{
	struct world *w = t->user;

	assert(w->tmf_under_way);
	w->tmf_under_way = false;
}

static void
ask(struct world *w, struct input *in)
{
	uint8_t what = input8(in);

	if (what & 1 && !w->text_under_way) {
		w->text = (struct text_exchange){
			.request = "SendTargets=", .request_len = 13,
			.answer_max = 300, .done = text_done, .user = w,
		};
		w->text_under_way = true;
		if (session_text(w->s, &w->text, w->now) < 0)
			w->text_under_way = false;
	}
	if (what & 2 && !w->tmf_under_way) {
		w->tmf = (struct tmf){
			.function = (uint8_t)(TMF_ABORT_TASK_SET + (what >> 2) % 6),
			.lun = (uint64_t)(what >> 6) << 48,
			.done = tmf_done, .user = w,
		};
		w->tmf_under_way = true;
		session_tmf(w->s, &w->tmf, w->now);
	}
}

#endif
