/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "conn/conn-impl.h"
#include "wire/print.h"

/*
 * How many bytes may be queued ahead of the socket. Small, so that what is
 * urgent (answers to R2Ts, task management) does not wait behind much; large
 * enough for one writev() to fill a socket buffer.
 */
enum { TX_AHEAD = 256 * 1024, TX_AHEAD_PDUS = 64, TX_PDUS_MAX = 4096 };

static void
conn_freep(struct conn **c)
{
	conn_free(*c);
}

int
conn_new(struct conn **out, const struct conn_config *config,
	 struct lun_error *err)
{
	_cleanup_(conn_freep) struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return lun_fail(err, LUN_ENOMEM, "%s: connection: out of memory",
				config->label);
	c->cfg = *config;
	c->state = CONN_FREE;
	c->ping_tag = c->logout_tag = c->removal_tag = TAG_NONE;
	c->time2wait = -1;
	text_init(&c->text.in, 0);
	text_init(&c->text.out, TEXT_LIMIT_ANSWER);
	if (conn_timers_init(c) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: connection: out of memory",
				config->label);
	*out = take(c);
	return 0;
}

struct conn *
conn_free(struct conn *c)
{
	if (!c)
		return NULL;
	if (c->text.x) {
		struct lun_error err;

		lun_fail(&err, LUN_ECANCELED, "the connection was closed");
		textreq_end(c, LUN_ECANCELED, &err);
	}
	text_deinit(&c->text.in);
	text_deinit(&c->text.out);
	conn_timers_deinit(c);
	login_free(c->login);
	rx_free(c->rx);
	tx_free(c->tx);
	free(c);
	return NULL;
}

/* ------------------------------------------------------------- reports -- */

void
conn_log(struct conn *c, enum lun_log_level level, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	if (!env_logs(c->cfg.env, level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	env_log(c->cfg.env, level, "%s: conn %u: %s", c->cfg.label,
		c->cfg.login->cid, line);
}

void
conn_tell(struct conn *c, unsigned news)
{
	c->news |= news;
	c->cfg.ops->stir(c->cfg.user);
}

unsigned
conn_take_news(struct conn *c)
{
	unsigned news = c->news;

	c->news = 0;
	return news;
}

/* The first failure is the cause; what follows from it is not recorded. */
static int
fail_with(struct conn *c, int code, const char *text)
{
	if (c->stopped)
		return code;
	lun_fail(&c->error, code, "%s", text);
	if (c->text.x)
		textreq_end(c, code, &c->error);
	conn_enter(c, EV_FAILED);
	return code;
}

int
conn_fail(struct conn *c, int code, const char *fmt, ...)
{
	char text[sizeof(c->error.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_with(c, code, text);
}

enum conn_state
conn_state(const struct conn *c)
{
	return c->state;
}

const struct lun_error *
conn_error(const struct conn *c)
{
	return &c->error;
}

const struct login_result *
conn_login_result(const struct conn *c)
{
	return &c->result;
}

const struct params *
conn_params(const struct conn *c)
{
	return &c->params;
}

const struct conn_counters *
conn_counters(const struct conn *c)
{
	return &c->counters;
}

void
conn_counters_add(struct conn_counters *sum, const struct conn_counters *c)
{
	sum->commands += c->commands;
	sum->bytes_in += c->bytes_in;
	sum->bytes_out += c->bytes_out;
	sum->header_digest_errors += c->header_digest_errors;
	sum->data_digest_errors += c->data_digest_errors;
	sum->nop_timeouts += c->nop_timeouts;
	sum->rejects += c->rejects;
	sum->async_messages += c->async_messages;
	sum->snacks_sent += c->snacks_sent;
	sum->recoveries += c->recoveries;
	sum->tasks_reassigned += c->tasks_reassigned;
	sum->tasks_retried += c->tasks_retried;
	sum->task_timeouts += c->task_timeouts;
	sum->aborts += c->aborts;
	sum->lun_resets += c->lun_resets;
	sum->target_resets += c->target_resets;
}

uint16_t
conn_cid(const struct conn *c)
{
	return c->cfg.login->cid;
}

uint32_t
conn_exp_stat_sn(const struct conn *c)
{
	return c->exp_stat_sn;
}

lun_time
conn_logout_by(const struct conn *c)
{
	return c->logout_by;
}

lun_time
conn_time2wait(const struct conn *c)
{
	return c->time2wait;
}

const struct removal *
conn_removal(const struct conn *c)
{
	return &c->removal;
}

void
conn_set_driver(struct conn *c, void *driver)
{
	c->driver = driver;
}

void *
conn_driver(const struct conn *c)
{
	return c->driver;
}

/* ---------------------------------------------------------- the driver -- */

void
conn_connect(struct conn *c, lun_time now)
{
	c->now = now;
	conn_enter(c, EV_CONNECT);
}

void
conn_connected(struct conn *c, lun_time now)
{
	c->now = now;
	if (c->state != CONN_XPT_WAIT)
		return;			/* it gave up in this very step */
	conn_enter(c, EV_CONNECTED);
	if (rx_new(&c->rx, &dispatch_ops, c, LOGIN_DATA_SEGMENT_MAX,
		   &c->error) < 0 || tx_new(&c->tx, &c->error) < 0) {
		conn_fail(c, LUN_ENOMEM, "out of memory");
		return;
	}
	login_phase_start(c);
}

/* There are targets that hang up without a word if they want another method. */
void
conn_lost(struct conn *c, int code, const char *text, lun_time now)
{
	char line[sizeof(c->error.text)];

	c->now = now;
	if (c->state == CONN_IN_LOGIN && c->login &&
	    login_is_authenticating(c->login)) {
		snprintf(line, sizeof(line), "%s, when it was asked for "
			 "AuthMethod=%s", text,
			 c->cfg.login->auth->method == AUTH_CHAP ? "CHAP" :
								   "None");
		text = line;
	}
	fail_with(c, code, text);
}

bool
conn_wants_rx(const struct conn *c)
{
	return c->rx && !c->stopped;
}

int
conn_rx_iov(struct conn *c, struct iovec iov[2])
{
	assert(conn_wants_rx(c));
	return rx_iov(c->rx, iov);
}

void
conn_rx_ack(struct conn *c, size_t n, lun_time now)
{
	assert(conn_wants_rx(c));
	c->now = c->heard = now;
	c->counters.bytes_in += n;

	int r = rx_ack(c->rx, n);

	if (r == 0 || c->stopped)
		return;
	const struct lun_error *e = rx_error(c->rx);

	if (r == LUN_EDIGEST)
		c->counters.header_digest_errors++;
	if (e->code && c->state == CONN_IN_LOGIN)
		conn_fail(c, r, "what answers there does not speak iSCSI (%s)",
			  e->text);
	else
		fail_with(c, r, e->code ? e->text : "a PDU could not be handled");
}

int
conn_tx_iov(struct conn *c, struct iovec *iov, int max, lun_time now)
{
	c->now = now;
	if (!c->tx || c->stopped)
		return 0;
	if (c->state & (CONN_LOGGED_IN | CONN_LOGOUT_REQUESTED))
		while (tx_queued(c->tx) < TX_AHEAD &&
		       tx_pdus(c->tx) < TX_AHEAD_PDUS && !c->stopped &&
		       c->cfg.ops->fill(c->cfg.user, c))
			;
	if (c->stopped)
		return 0;
	return tx_iov(c->tx, iov, max);
}

void
conn_tx_ack(struct conn *c, size_t n)
{
	if (c->stopped)
		return;
	c->counters.bytes_out += n;
	tx_ack(c->tx, n);
}

/* ------------------------------------------------------------- sending -- */

/*
 * The tags of what the connection itself asks are out of the way of those of
 * tasks: bit 31 is set, the CID makes them unique in the session, and with a
 * CID below 0x7fff none of them is TAG_NONE.
 */
uint32_t
conn_new_tag(struct conn *c)
{
	assert(c->cfg.login->cid < 0x7fff);
	return 0x80000000u | (uint32_t)c->cfg.login->cid << 16 | c->next_tag++;
}

/* RFC 7143 4.2.2.1, 4.2.2.2: the numbers that every request carries. */
static void
number(struct conn *c, struct pdu *pdu)
{
	if (pdu->opcode != OP_LOGOUT_REQUEST || pdu->reason != LOGOUT_RECOVERY)
		pdu->exp_stat_sn = c->exp_stat_sn;
	if (pdu->opcode == OP_SNACK_REQUEST && pdu->snack_type != SNACK_DATA_ACK)
		c->counters.snacks_sent++;
	if (pdu->opcode == OP_DATA_OUT || pdu->opcode == OP_SNACK_REQUEST)
		return;
	pdu->cmd_sn = c->cfg.window->cmd_sn;
	if (!pdu->immediate)
		c->cfg.window->cmd_sn++;
}

/* RFC 7143 11.14: no request follows that for a logout. */
static bool
may_send(const struct conn *c)
{
	return !c->stopped && c->state != CONN_IN_LOGOUT;
}

static int
sent(struct conn *c, const struct pdu *pdu, int r)
{
	if (r < 0)
		return conn_fail(c, r, "out of memory for a PDU to send");
	/* Only answers can pile up so: what tasks send is drawn when there is
	 * room. A target that asks and does not listen is not to fill memory. */
	if (tx_pdus(c->tx) > TX_PDUS_MAX)
		return conn_fail(c, LUN_EPROTO, "the target does not take our "
				 "answers: %d PDUs wait to be sent", TX_PDUS_MAX);
	if (env_logs(c->cfg.env, LUN_LOG_TRACE)) {
		char line[400];

		conn_log(c, LUN_LOG_TRACE, "> %s",
			 pdu_print(pdu, line, sizeof(line)));
	}
	return 0;
}

int
conn_send(struct conn *c, struct pdu *pdu, const struct ahs *ahs,
	  const void *data, size_t len, const void *owner)
{
	if (!may_send(c))
		return LUN_ELOST;
	number(c, pdu);
	if (pdu->opcode == OP_SCSI_COMMAND)
		c->counters.commands++;
	return sent(c, pdu, tx_add(c->tx, pdu, ahs, data, len, owner));
}

int
conn_send_again(struct conn *c, struct pdu *pdu, const struct ahs *ahs,
		const void *data, size_t len, const void *owner, uint32_t cmd_sn)
{
	struct window *w = c->cfg.window;
	uint32_t saved = w->cmd_sn;

	w->cmd_sn = cmd_sn;
	int r = conn_send(c, pdu, ahs, data, len, owner);
	w->cmd_sn = saved;
	c->cfg.ops->stir(c->cfg.user);
	return r;
}

int
conn_send_copy(struct conn *c, struct pdu *pdu, const void *data, size_t len)
{
	if (!may_send(c))
		return LUN_ELOST;
	if (pdu->opcode != OP_LOGIN_REQUEST)
		number(c, pdu);
	c->cfg.ops->stir(c->cfg.user);
	return sent(c, pdu, tx_add_copy(c->tx, pdu, data, len));
}

bool
conn_resegments(const struct conn *c, uint32_t cmd_sn)
{
	return c->resegments && sn_before(cmd_sn, c->resegment_sn);
}

bool
conn_is_sending(const struct conn *c)
{
	return c->tx && tx_queued(c->tx) > 0;
}

uint64_t
conn_next_tx(const struct conn *c)
{
	return tx_next(c->tx);
}

bool
conn_has_left(const struct conn *c, uint64_t number)
{
	return !c->tx || c->stopped || tx_has_left(c->tx, number);
}

void
conn_release(struct conn *c, const void *owner, const void *in, size_t in_len)
{
	/* nothing is read or sent any more; or yet, while tasks of the lost
	 * connection that this one stands for wait for it (level 2) */
	if (!c->tx || c->stopped)
		return;
	if (in)
		rx_forget(c->rx, in, in_len);
	if (tx_borrows(c->tx, owner) && tx_drop(c->tx, owner) < 0)
		conn_fail(c, LUN_ENOMEM, "out of memory for a PDU half sent");
}
