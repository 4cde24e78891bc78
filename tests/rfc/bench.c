/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world around a session: a TCP connection, time, and who hears of it. */
#include "rfc/bench-impl.h"

/* ------------------------------------------------------------- the world -- */

static void
bench_random(void *user, void *buf, size_t len)
{
	struct bench *b = user;
	uint8_t *p = buf;

	while (len-- > 0) {
		b->random = b->random * 1664525u + 1013904223u;
		*p++ = (uint8_t)(b->random >> 24);
	}
}

static void
bench_log(void *user, enum lun_log_level level, const char *line)
{
	struct bench *b = user;

	if (b->n_log == LOG_MAX)
		return;
	b->log_level[b->n_log] = level;
	b->log[b->n_log++] = strdup(line);
}

static void
stir(void *user, struct session *s)
{
	struct bench *b = user;

	b->stirred = true;
}

static void
target_free(struct line *l)
{
	l->rx = rx_free(l->rx);
	l->tx = tx_free(l->tx);
}

static int
target_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	      void **place)
{
	struct bench *b = ((struct line *)user)->b;

	b->has_ahs_now = ahs != NULL;
	if (ahs)
		b->ahs_now = *ahs;
	return 0;
}

/* RFC 7143 4.2.2.1, the target's side; connections may overtake each other. */
static void
target_numbers(struct bench *b, const struct pdu *pdu)
{
	uint32_t ahead = pdu->cmd_sn - b->exp_cmd_sn;

	if (pdu->opcode == OP_DATA_OUT || pdu->opcode == OP_SNACK_REQUEST)
		return;
	if (pdu->opcode == OP_LOGIN_REQUEST && pdu->tsih == 0)
		b->exp_cmd_sn = pdu->cmd_sn;
	if (pdu->immediate || ahead >= 64)
		return;
	b->ahead |= UINT64_C(1) << ahead;
	for (; b->ahead & 1; b->ahead >>= 1)
		b->exp_cmd_sn++;
}

static int
target_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct line *l = user;
	struct bench *b = l->b;
	struct got *got;

	if (b->ignores_pings && pdu->opcode == OP_NOP_OUT && pdu->immediate)
		return 0;
	got = calloc(1, sizeof(*got));
	assert_true(b->n_got < GOT_MAX);
	assert_false(pdu_from_target(pdu->opcode));
	got->pdu = *pdu;
	got->line = (size_t)(l - b->lines);
	got->has_ahs = b->has_ahs_now;
	got->ahs = b->ahs_now;
	got->digest_ok = digest_ok;
	if (pdu->data_segment_length) {
		got->data = malloc(pdu->data_segment_length);
		memcpy(got->data, data, pdu->data_segment_length);
	}
	b->got[b->n_got++] = got;
	target_numbers(b, pdu);
	return 0;
}

static const struct rx_ops target_ops = { target_header, target_pdu };

static struct line *
line_of(struct bench *b, const struct conn *c)
{
	for (size_t i = 0; i < LINES_MAX; i++)
		if (b->lines[i].conn == c)
			return &b->lines[i];
	bench_fail(b, "no such connection");
	return NULL;
}

static void
driver_connect(void *user, struct conn *c, const struct portal *portal)
{
	struct bench *b = user;
	struct line *l = line_of(b, NULL);
	struct lun_error err;

	target_free(l);
	assert_int_equal(rx_new(&l->rx, &target_ops, l, DATA_SEGMENT_MAX, &err), 0);
	assert_int_equal(tx_new(&l->tx, &err), 0);
	l->conn = c;
	l->closed = false;
	l->connect_wanted = true;
	l->portal = *portal;
	b->l = l;
	b->connects++;
}

static void
driver_close(void *user, struct conn *c)
{
	struct line *l = line_of(user, c);

	l->conn = NULL;
	l->connect_wanted = false;
	l->closed = true;
}

static const struct session_driver driver = { stir, driver_connect, driver_close };

static void
on_up(void *user)
{
	struct bench *b = user;

	assert_false(b->up);
	b->up = true;
	b->ups++;
}

static void
on_down(void *user, const struct lun_error *err)
{
	struct bench *b = user;

	assert_false(b->down);
	b->down = true;
	b->error = *err;
}

static void
on_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	struct bench *b = user;

	b->scsi_events++;
	b->event_lun = lun;
	memset(b->event_sense, 0, sizeof(b->event_sense));
	memcpy(b->event_sense, sense,
	       len < sizeof(b->event_sense) ? len : sizeof(b->event_sense));
}

static const struct session_ops session_ops = {
	.up = on_up, .down = on_down, .scsi_event = on_scsi_event,
};

static void
on_up_again(void *user, bool again)
{
	on_up(user);
}

static void
on_lost(void *user, const struct lun_error *err)
{
	struct bench *b = user;

	assert_true(b->up);
	b->up = false;
	b->losses++;
	b->error = *err;
}

static size_t
on_unsure(void *user, uint64_t *luns, size_t max)
{
	struct bench *b = user;

	for (size_t i = 0; i < b->unsure && i < max; i++)
		luns[i] = i;
	return b->unsure;
}

static const struct recovery_ops recovery_ops = {
	.up = on_up_again, .lost = on_lost, .down = on_down,
	.scsi_event = on_scsi_event, .unsure = on_unsure,
};

static void
feed_target(struct line *l, const uint8_t *p, size_t left)
{
	while (left > 0) {
		struct iovec to[2];

		(void)rx_iov(l->rx, to);
		size_t take = left < to[0].iov_len ? left : to[0].iov_len;

		memcpy(to[0].iov_base, p, take);
		if (rx_ack(l->rx, take) < 0)
			bench_fail(l->b, "the target cannot read: %s",
				   rx_error(l->rx)->text);
		p += take;
		left -= take;
	}
}

/* What the initiator has to send, into the target. */
static bool
pull(struct line *l)
{
	struct bench *b = l->b;
	struct iovec iov[16];
	bool any = false;
	int n;

	while (l->conn && !l->connect_wanted && !b->held &&
	       (n = conn_tx_iov(l->conn, iov, 16, b->now)) > 0) {
		size_t sum = 0;

		for (int i = 0; i < n; i++) {
			feed_target(l, iov[i].iov_base, iov[i].iov_len);
			sum += iov[i].iov_len;
		}
		conn_tx_ack(l->conn, sum);
		any = true;
	}
	return any;
}

static bool
connect_line(struct line *l)
{
	if (!l->connect_wanted || l->b->slow)
		return false;
	l->connect_wanted = false;
	conn_connected(l->conn, l->b->now);
	return true;
}

void
bench_run(struct bench *b)
{
	bool any;

	do {
		any = false;
		for (size_t i = 0; i < LINES_MAX; i++)
			any |= connect_line(&b->lines[i]);
		if (b->stirred) {
			b->stirred = false;
			session_step(bench_session(b), b->now);
			any = true;
		}
		for (size_t i = 0; i < LINES_MAX; i++)
			any |= pull(&b->lines[i]);
	} while (any);
}

/* Bytes into the initiator, as long as it listens. */
void
bench_push(struct bench *b, const uint8_t *p, size_t len)
{
	size_t step = b->segments ? b->segments : SIZE_MAX;
	struct line *l = b->l;

	while (len > 0 && l->conn && conn_wants_rx(l->conn)) {
		struct iovec to[2];
		size_t n = (size_t)conn_rx_iov(l->conn, to), sum = 0;

		for (size_t i = 0; i < n && len > 0 && sum < step; i++) {
			size_t take = to[i].iov_len;

			if (take > len)
				take = len;
			if (take > step - sum)
				take = step - sum;
			memcpy(to[i].iov_base, p, take);
			p += take;
			len -= take;
			sum += take;
		}
		conn_rx_ack(l->conn, sum, b->now);
		if (b->segments)
			bench_run(b);
	}
	bench_run(b);
}

/* ---------------------------------------------------------- the session -- */

static void
set_keys(struct bench *b, const char *keys)
{
	char *copy = strdup(keys), *save = NULL;

	for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
		char *value = strchr(t, '=');
		struct lun_error err;

		*value++ = 0;
		if (offer_set(&b->offer, t, value, &err) < 0)
			bench_fail(b, "%s", err.text);
	}
	free(copy);
}

static void
set_auth(struct bench *b, const struct bench_setup *s)
{
	struct auth_config *a = &b->auth;

	a->method = (enum auth_method)s->auth;
	if (s->username)
		strncpy(a->username, s->username, CHAP_NAME_MAX);
	if (s->password) {
		a->password_len = strlen(s->password);
		memcpy(a->password, s->password, a->password_len);
	}
	if (s->username_in)
		strncpy(a->username_in, s->username_in, CHAP_NAME_MAX);
	if (s->password_in) {
		a->mutual = true;
		a->password_in_len = strlen(s->password_in);
		memcpy(a->password_in, s->password_in, a->password_in_len);
	}
}

struct bench *
bench_new(const struct bench_setup *setup)
{
	static const struct bench_setup defaults;
	const struct bench_setup *s = setup ? setup : &defaults;
	struct bench *b = calloc(1, sizeof(*b));
	struct lun_error err;

	b->env = (struct lun_env){ b, bench_random, bench_log, LUN_LOG_TRACE };
	b->random = 1;
	b->now = TIME_S;
	b->window = 32;
	b->ignores_pings = s->ignores_pings;
	for (size_t i = 0; i < LINES_MAX; i++) {
		b->lines[i].b = b;
		b->lines[i].stat_sn = (uint32_t)(0x5000 + 0x100 * i);
	}
	b->l = b->lines;
	timers_init(&b->timers);
	offer_default(&b->offer);
	if (s->keys)
		set_keys(b, s->keys);
	if (s->protocol_level)		/* not for users to set */
		b->offer.values.iSCSIProtocolLevel = s->protocol_level;
	set_auth(b, s);

	struct session_config cfg = {
		.login = {
			.initiator_name = "iqn.2026-11.test:initiator",
			.initiator_alias = s->alias,
			.target_name = s->discovery ? NULL : s->target_name ?
			    s->target_name : "iqn.2026-11.test:disk",
			.discovery = s->discovery,
			.isid = { 0x80, 0x12, 0x34, 0x56, 0, 1 },
			.cmd_sn = s->cmd_sn ? s->cmd_sn : 100,
			.expected_tpgt = -1,
			.offer = &b->offer,
			.auth = &b->auth,
		},
		.portal = { .host = "192.0.2.1", .port = LUN_PORT, .tpgt = -1 },
		.portals = s->portals, .n_portals = s->n_portals,
		.timeouts = {
			.connect = 10 * TIME_S, .login = 15 * TIME_S,
			.logout = 5 * TIME_S, .text = 20 * TIME_S,
			.nop_interval = s->nop_interval,
			.nop_answer = 5 * TIME_S,
		},
		.target_reset = s->target_reset,
		.command_timeout = s->command_timeout ? s->command_timeout :
		    30 * TIME_S,
		.recovery_time = s->recovery_time ? s->recovery_time :
		    TIME_NEVER,
		.label = "bench",
	};

	int r = s->recovers ?
	    recovery_new(&b->recovery, &cfg, &b->env, &b->timers,
			 &driver, b, &recovery_ops, b, &err) :
	    session_new(&b->s, &cfg, &b->env, &b->timers, &driver, b,
			&session_ops, b, b->now, &err);

	if (r < 0)
		bench_fail(b, "%s", err.text);
	return b;
}

void
bench_free(struct bench *b)
{
	b->s = session_free(b->s);
	b->recovery = recovery_free(b->recovery);
	while (b->orders) {
		struct order *o = b->orders;

		assert_int_equal(o->done, 1);
		b->orders = o->next;
		free(o->cmd.in);
		free((void *)(uintptr_t)o->cmd.out);
		free((void *)(uintptr_t)o->cmd.cdb_more);
		free(o);
	}
	for (size_t i = 0; i < b->n_got; i++) {
		free(b->got[i]->data);
		free(b->got[i]);
	}
	for (size_t i = 0; i < b->n_log; i++)
		free(b->log[i]);
	for (size_t i = 0; i < LINES_MAX; i++) {
		assert_null(b->lines[i].conn);
		target_free(&b->lines[i]);
	}
	timers_deinit(&b->timers);
	free(b);
}

struct recovery *
bench_recovery(struct bench *b)
{
	return b->recovery;
}

void
bench_set_unsure(struct bench *b, size_t n)
{
	b->unsure = n;
}

void
bench_slow(struct bench *b)
{
	b->slow = true;
}

void
bench_start_slow(struct bench *b)
{
	bench_slow(b);
	bench_start(b);
}

void
bench_connected(struct bench *b)
{
	b->slow = false;
	bench_run(b);
}

void
bench_start(struct bench *b)
{
	struct lun_error err;

	if (b->s)
		session_start(b->s, b->now);
	else if (recovery_start(b->recovery, &err) < 0)
		bench_fail(b, "%s", err.text);
	bench_run(b);
}

/* ------------------------------------------------------- time and trouble -- */

void
bench_pass(struct bench *b, lun_time delay)
{
	lun_time until = b->now + delay;
	lun_time due;

	while ((due = timers_deadline(&b->timers)) <= until) {
		b->now = due > b->now ? due : b->now;
		timers_run(&b->timers, b->now);
		bench_run(b);
	}
	b->now = until;
	bench_run(b);
}

void
bench_cut_unseen(struct bench *b)
{
	if (b->l->conn)
		conn_lost(b->l->conn, LUN_ELOST, "closed by the target", b->now);
}

void
bench_cut(struct bench *b)
{
	bench_cut_unseen(b);
	bench_run(b);
}

void
bench_hold(struct bench *b, bool held)
{
	b->held = held;
	bench_run(b);
}
