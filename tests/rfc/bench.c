/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "rfc/bench.h"
#include "wire/rx.h"
#include "wire/tx.h"

enum { GOT_MAX = 4096, LOG_MAX = 4096 };

struct order {				/* a command and what became of it */
	struct command cmd;
	unsigned done;
	struct order *next;
};

struct bench {
	struct lun_env env;
	struct timers timers;
	lun_time now;
	uint32_t random;
	struct offer offer;
	struct auth_config auth;
	struct session *s;
	bool stirred;

	/* the TCP connection */
	struct conn *conn;
	bool connect_wanted, slow, closed;
	unsigned connects;
	struct portal portal;
	struct rx *rx;			/* the target's ends */
	struct tx *tx;
	size_t segments;

	struct got *got[GOT_MAX];
	size_t n_got, next;
	struct ahs ahs_now;
	bool has_ahs_now;

	uint32_t stat_sn, exp_cmd_sn, window;

	struct order *orders;
	bool up, down;
	struct lun_error error;
	unsigned scsi_events;
	uint64_t event_lun;
	uint8_t event_sense[SENSE_MAX];
	bool held;
	char *log[LOG_MAX];
	size_t n_log;
};

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

	if (b->n_log < LOG_MAX)
		b->log[b->n_log++] = strdup(line);
}

#define bench_fail(b, ...)                                                     \
	do {                                                                   \
		for (size_t i_ = 0; i_ < (b)->n_log; i_++)                     \
			print_error("%s\n", (b)->log[i_]);                     \
		fail_msg(__VA_ARGS__);                                         \
	} while (0)

static void
stir(void *user, struct session *s)
{
	struct bench *b = user;

	b->stirred = true;
}

static void
target_free(struct bench *b)
{
	b->rx = rx_free(b->rx);
	b->tx = tx_free(b->tx);
}

static int
target_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	      void **place)
{
	struct bench *b = user;

	b->has_ahs_now = ahs != NULL;
	if (ahs)
		b->ahs_now = *ahs;
	return 0;
}

/* RFC 7143 4.2.2.1, the target's side, for what comes in order. */
static void
target_numbers(struct bench *b, const struct pdu *pdu)
{
	if (pdu->opcode == OP_DATA_OUT || pdu->opcode == OP_SNACK_REQUEST)
		return;
	if (pdu->opcode == OP_LOGIN_REQUEST)
		b->exp_cmd_sn = pdu->cmd_sn;
	else if (!pdu->immediate && pdu->cmd_sn == b->exp_cmd_sn)
		b->exp_cmd_sn++;
}

static int
target_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct bench *b = user;
	struct got *got = calloc(1, sizeof(*got));

	assert_true(b->n_got < GOT_MAX);
	assert_false(pdu_from_target(pdu->opcode));
	got->pdu = *pdu;
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

static void
driver_connect(void *user, struct conn *c, const struct portal *portal)
{
	struct bench *b = user;
	struct lun_error err;

	assert_null(b->conn);
	target_free(b);
	assert_int_equal(rx_new(&b->rx, &target_ops, b, DATA_SEGMENT_MAX, &err), 0);
	assert_int_equal(tx_new(&b->tx, &err), 0);
	b->conn = c;
	b->closed = false;
	b->connect_wanted = true;
	b->portal = *portal;
	b->connects++;
}

static void
driver_close(void *user, struct conn *c)
{
	struct bench *b = user;

	assert_ptr_equal(b->conn, c);
	b->conn = NULL;
	b->connect_wanted = false;
	b->closed = true;
}

static const struct session_driver driver = { stir, driver_connect, driver_close };

static void
on_up(void *user)
{
	struct bench *b = user;

	assert_false(b->up);
	b->up = true;
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

static const struct session_ops session_ops = { on_up, on_down, on_scsi_event };

/* What the initiator has to send, into the target. */
static bool
pull(struct bench *b)
{
	struct iovec iov[16];
	bool any = false;
	int n;

	while (b->conn && !b->connect_wanted && !b->held &&
	       (n = conn_tx_iov(b->conn, iov, 16, b->now)) > 0) {
		size_t sum = 0;

		for (int i = 0; i < n; i++) {
			const uint8_t *p = iov[i].iov_base;
			size_t left = iov[i].iov_len;

			while (left > 0) {
				struct iovec to[2];

				(void)rx_iov(b->rx, to);
				size_t take = left < to[0].iov_len ? left : to[0].iov_len;

				memcpy(to[0].iov_base, p, take);
				if (rx_ack(b->rx, take) < 0)
					bench_fail(b, "the target cannot read: %s",
						   rx_error(b->rx)->text);
				p += take;
				left -= take;
			}
			sum += iov[i].iov_len;
		}
		conn_tx_ack(b->conn, sum);
		any = true;
	}
	return any;
}

void
bench_run(struct bench *b)
{
	bool any;

	do {
		any = false;
		if (b->connect_wanted && !b->slow && b->conn) {
			b->connect_wanted = false;
			conn_connected(b->conn, b->now);
			any = true;
		}
		if (b->stirred) {
			b->stirred = false;
			session_step(b->s, b->now);
			any = true;
		}
		any |= pull(b);
	} while (any);
}

/* Bytes into the initiator, as long as it listens. */
static void
push(struct bench *b, const uint8_t *p, size_t len)
{
	size_t step = b->segments ? b->segments : SIZE_MAX;

	while (len > 0 && b->conn && conn_wants_rx(b->conn)) {
		struct iovec to[2];
		size_t n = (size_t)conn_rx_iov(b->conn, to), sum = 0;

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
		conn_rx_ack(b->conn, sum, b->now);
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
	b->stat_sn = 0x5000;
	b->window = 32;
	timers_init(&b->timers);
	offer_default(&b->offer);
	if (s->keys)
		set_keys(b, s->keys);
	if (s->protocol_level)		/* not for users to set */
		b->offer.values.iSCSIProtocolLevel = s->protocol_level;
	if (s->fast_abort) {		/* nor this */
		b->offer.TaskReporting.n = 1;
		b->offer.TaskReporting.item[0] = REPORT_FAST_ABORT;
	}
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
		.timeouts = {
			.connect = 10 * TIME_S, .login = 15 * TIME_S,
			.logout = 5 * TIME_S, .text = 20 * TIME_S,
			.nop_interval = s->nop_interval,
			.nop_answer = 5 * TIME_S,
		},
		.command_timeout = s->command_timeout ? s->command_timeout :
		    30 * TIME_S,
		.label = "bench",
	};

	if (session_new(&b->s, &cfg, &b->env, &b->timers, &driver, b,
			&session_ops, b, b->now, &err) < 0)
		bench_fail(b, "%s", err.text);
	return b;
}

void
bench_free(struct bench *b)
{
	b->s = session_free(b->s);
	assert_null(b->conn);
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
	target_free(b);
	timers_deinit(&b->timers);
	free(b);
}

void
bench_start_slow(struct bench *b)
{
	b->slow = true;
	session_start(b->s, b->now);
	bench_run(b);
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
	session_start(b->s, b->now);
	bench_run(b);
}

/* --------------------------------------------------------- expectations -- */

struct got *
bench_next(struct bench *b)
{
	return b->next < b->n_got ? b->got[b->next++] : NULL;
}

struct got *
bench_expect(struct bench *b, enum opcode opcode)
{
	struct got *got = bench_next(b);

	if (!got)
		bench_fail(b, "expected a %s, but nothing came", pdu_name((uint8_t)opcode));
	if (got->pdu.opcode != opcode)
		bench_fail(b, "expected a %s, but a %s came",
			   pdu_name((uint8_t)opcode), pdu_name(got->pdu.opcode));
	return got;
}

void
bench_expect_nothing(struct bench *b)
{
	struct got *got = bench_next(b);

	if (got)
		bench_fail(b, "expected nothing, but a %s came",
			   pdu_name(got->pdu.opcode));
}

static const char *
find_key(const struct got *got, const char *key, int *count)
{
	const char *p = (const char *)got->data, *found = NULL;
	const char *end = p ? p + got->pdu.data_segment_length : p;
	size_t n = strlen(key);

	*count = 0;
	for (; p < end; p += strnlen(p, (size_t)(end - p)) + 1)
		if ((size_t)(end - p) > n && !memcmp(p, key, n) && p[n] == '=') {
			found = found ? found : p + n + 1;
			++*count;
		}
	return found;
}

const char *
got_key(const struct got *got, const char *key)
{
	int count;

	return find_key(got, key, &count);
}

int
got_key_count(const struct got *got, const char *key)
{
	int count;

	find_key(got, key, &count);
	return count;
}

void
bench_done(struct bench *b, struct command *cmd, int result)
{
	struct order *o = container_of(cmd, struct order, cmd);

	if (o->done != 1)
		bench_fail(b, "the command completed %u times", o->done);
	if (cmd->result != result)
		bench_fail(b, "the result is %d, not %d", cmd->result, result);
}

void
bench_pending(struct bench *b, struct command *cmd)
{
	struct order *o = container_of(cmd, struct order, cmd);

	if (o->done)
		bench_fail(b, "the command completed: result %d", cmd->result);
}

void
bench_check_read(struct bench *b, struct command *cmd, uint32_t len)
{
	const uint8_t *p = cmd->in;

	for (uint32_t i = 0; i < len; i++)
		if (p[i] != bench_pattern(i))
			bench_fail(b, "byte %u is 0x%02x, not 0x%02x", i, p[i],
				   bench_pattern(i));
}

void
bench_check_untouched(struct bench *b, struct command *cmd)
{
	const uint8_t *p = cmd->in;

	for (uint32_t i = 0; i < cmd->in_len; i++)
		if (p[i] != 0xee)
			bench_fail(b, "byte %u was written: 0x%02x", i, p[i]);
}

void
bench_expect_down(struct bench *b, int code, const char *part)
{
	if (!b->down)
		bench_fail(b, "the session did not end");
	if (b->error.code != code || !strstr(b->error.text, part))
		bench_fail(b, "it ended with %d, \"%s\"; expected %d, \"%s\"",
			   b->error.code, b->error.text, code, part);
	if (!b->closed)
		bench_fail(b, "it ended, but its connection is open");
}

bool
bench_closed(struct bench *b)
{
	return b->closed;
}

bool
bench_up(struct bench *b)
{
	return b->up && !b->down;
}

/* -------------------------------------------------------------- sending -- */

static void
flush_target(struct bench *b, enum damage damage)
{
	struct iovec iov[16];
	uint8_t *bytes = NULL;
	size_t len = 0;
	int n;

	while ((n = tx_iov(b->tx, iov, 16)) > 0) {
		size_t sum = 0;

		for (int i = 0; i < n; i++) {
			bytes = realloc(bytes, len + iov[i].iov_len);
			memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
			sum += iov[i].iov_len;
		}
		tx_ack(b->tx, sum);
	}
	if (damage == DAMAGE_HEADER)
		bytes[BHS_LEN] ^= 0x10;
	if (damage == DAMAGE_DATA)
		bytes[len - 1] ^= 0x10;
	push(b, bytes, len);
	free(bytes);
}

void
bench_send_damaged(struct bench *b, struct pdu *pdu, const void *data, size_t len,
		   enum damage damage)
{
	if (!b->tx)
		bench_fail(b, "no connection to send on");
	assert_int_equal(tx_add(b->tx, pdu, NULL, data, len, NULL), 0);
	flush_target(b, damage);
}

void
bench_send(struct bench *b, struct pdu *pdu, const void *data, size_t len)
{
	bench_send_damaged(b, pdu, data, len, DAMAGE_NONE);
}

void
bench_send_raw(struct bench *b, const void *bytes, size_t len)
{
	push(b, bytes, len);
}

void
bench_segments(struct bench *b, size_t n)
{
	b->segments = n;
}

static bool
uses_stat_sn(enum opcode opcode, const struct got *got)
{
	return opcode != OP_DATA_IN && opcode != OP_R2T &&
	    !(opcode == OP_NOP_IN && !got);
}

struct pdu
bench_pdu(struct bench *b, enum opcode opcode, const struct got *got)
{
	struct pdu pdu = {
		.opcode = (uint8_t)opcode, .final = true,
		.lun = got ? got->pdu.lun : 0,
		.initiator_task_tag = got ? got->pdu.initiator_task_tag : TAG_NONE,
		.target_transfer_tag = TAG_NONE,
		.stat_sn = b->stat_sn,
		.exp_cmd_sn = b->exp_cmd_sn,
		.max_cmd_sn = b->exp_cmd_sn + b->window - 1,
	};

	if (opcode == OP_REJECT || opcode == OP_ASYNC_MESSAGE)
		pdu.initiator_task_tag = TAG_NONE;
	if (opcode == OP_SCSI_RESPONSE || opcode == OP_TMF_RESPONSE ||
	    opcode == OP_LOGOUT_RESPONSE || opcode == OP_LOGIN_RESPONSE)
		pdu.lun = 0;
	if (uses_stat_sn(opcode, got))
		b->stat_sn++;
	return pdu;
}

struct pdu
bench_data_in_status(struct bench *b, const struct got *got)
{
	struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);

	pdu.has_status = true;
	b->stat_sn++;
	return pdu;
}

uint32_t *
bench_stat_sn(struct bench *b)
{
	return &b->stat_sn;
}

uint32_t *
bench_exp_cmd_sn(struct bench *b)
{
	return &b->exp_cmd_sn;
}

uint32_t *
bench_window(struct bench *b)
{
	return &b->window;
}

/* ---------------------------------------------------------------- login -- */

size_t
bench_text(const char *keys, uint8_t *buf, size_t size)
{
	size_t len = 0;

	while (*keys) {
		size_t n = strcspn(keys, " ");

		assert_true(len + n + 1 <= size);
		memcpy(buf + len, keys, n);
		buf[len + n] = 0;
		len += n + 1;
		keys += n + strspn(keys + n, " ");
	}
	return len;
}

struct pdu
bench_login_pdu(struct bench *b, const struct got *got)
{
	struct pdu pdu = bench_pdu(b, OP_LOGIN_RESPONSE, got);

	pdu.final = false;
	pdu.csg = got->pdu.csg;
	memcpy(pdu.isid, got->pdu.isid, ISID_LEN);
	pdu.tsih = got->pdu.tsih;
	return pdu;
}

void
bench_login_answer(struct bench *b, const struct got *got, int csg, int nsg,
		   bool transit, const char *keys)
{
	uint8_t text[65536];
	size_t len = bench_text(keys, text, sizeof(text));
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.final = transit;
	pdu.csg = (uint8_t)csg;
	pdu.nsg = transit ? (uint8_t)nsg : 0;
	if (transit && nsg == STAGE_FULL_FEATURE)
		pdu.tsih = 0x1234;
	bench_send(b, &pdu, text, len);
}

/* The answers of an easy-going target: each offer is taken, unless keys says
 * otherwise; booleans and numbers are echoed. */
static void
operational_answer(const struct got *got, const char *keys, char *out, size_t size)
{
	static const char *const offers[] = {
		"HeaderDigest", "DataDigest", "MaxConnections", "InitialR2T",
		"ImmediateData", "MaxBurstLength", "FirstBurstLength",
		"DefaultTime2Wait", "DefaultTime2Retain", "MaxOutstandingR2T",
		"DataPDUInOrder", "DataSequenceInOrder", "ErrorRecoveryLevel",
		"TaskReporting", "iSCSIProtocolLevel",
	};
	size_t len = (size_t)snprintf(out, size, "%s", keys);

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		const char *value = got_key(got, offers[i]);
		char name[64];

		snprintf(name, sizeof(name), "%s=", offers[i]);
		if (!value || strstr(keys, name))
			continue;
		len += (size_t)snprintf(out + len, size - len, " %s%.*s", name,
					(int)strcspn(value, ","), value);
	}
}

/* Digests that the target granted are used from here on, by it too. */
static void
target_digests(struct bench *b, const char *answer)
{
	bool header = strstr(answer, "HeaderDigest=CRC32C") != NULL;
	bool data = strstr(answer, "DataDigest=CRC32C") != NULL;

	rx_set_digests(b->rx, header, data);
	tx_set_digests(b->tx, header, data);
}

void
bench_login(struct bench *b, const char *keys)
{
	char answer[2048];
	struct got *got;

	if (b->connects == 0)
		bench_start(b);
	got = bench_expect(b, OP_LOGIN_REQUEST);
	if (got->pdu.csg == STAGE_SECURITY) {
		bench_login_answer(b, got, STAGE_SECURITY, got->pdu.nsg, true,
				   "AuthMethod=None TargetPortalGroupTag=1");
		got = bench_expect(b, OP_LOGIN_REQUEST);
	}

	uint8_t text[4096];
	operational_answer(got, keys, answer, sizeof(answer));
	size_t len = bench_text(answer + strspn(answer, " "), text, sizeof(text));
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.final = true;
	pdu.nsg = STAGE_FULL_FEATURE;
	pdu.tsih = 0x1234;
	assert_int_equal(tx_add(b->tx, &pdu, NULL, text, len, NULL), 0);
	/* the response itself has none; what comes back after it does */
	struct iovec iov[8];
	uint8_t bytes[8192];
	size_t sum = 0;
	int n = tx_iov(b->tx, iov, 8);

	for (int i = 0; i < n; i++) {
		memcpy(bytes + sum, iov[i].iov_base, iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	tx_ack(b->tx, sum);
	target_digests(b, answer);
	push(b, bytes, sum);
	if (!bench_up(b))
		bench_fail(b, "the login failed: %s", b->error.text);
}

/* ------------------------------------------------------------- commands -- */

uint8_t
bench_pattern(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + 3);
}

static void
command_done(struct command *cmd)
{
	struct order *o = container_of(cmd, struct order, cmd);

	o->done++;
}

static struct command *
new_command(struct bench *b, uint64_t lun, const uint8_t *cdb, size_t cdb_len,
	    uint32_t in_len, uint32_t out_len)
{
	struct order *o = calloc(1, sizeof(*o));
	struct command *cmd = &o->cmd;

	cmd->lun = lun;
	cmd->cdb_len = (uint16_t)cdb_len;
	memcpy(cmd->cdb, cdb, cdb_len < CDB_LEN ? cdb_len : CDB_LEN);
	if (cdb_len > CDB_LEN) {
		uint8_t *more = malloc(cdb_len - CDB_LEN);

		memcpy(more, cdb + CDB_LEN, cdb_len - CDB_LEN);
		cmd->cdb_more = more;
	}
	cmd->attr = ATTR_SIMPLE;
	if (in_len) {
		cmd->in = malloc(in_len);
		memset(cmd->in, 0xee, in_len);
		cmd->in_len = in_len;
	}
	if (out_len) {
		uint8_t *out = malloc(out_len);

		for (uint32_t i = 0; i < out_len; i++)
			out[i] = bench_pattern(i);
		cmd->out = out;
		cmd->out_len = out_len;
	}
	cmd->done = command_done;
	o->next = b->orders;
	b->orders = o;
	return cmd;
}

static struct command *
submit(struct bench *b, struct command *cmd)
{
	session_nexus(b->s)->ops->submit(session_nexus(b->s), cmd);
	bench_run(b);
	return cmd;
}

struct command *
bench_command(struct bench *b, uint64_t lun, const uint8_t *cdb, size_t cdb_len,
	      uint32_t in_len, uint32_t out_len)
{
	return submit(b, new_command(b, lun, cdb, cdb_len, in_len, out_len));
}

struct command *
bench_nodata_attr(struct bench *b, uint64_t lun, uint8_t attr)
{
	static const uint8_t cdb[6] = { 0 };
	struct command *cmd = new_command(b, lun, cdb, sizeof(cdb), 0, 0);

	cmd->attr = attr;
	return submit(b, cmd);
}

struct command *
bench_read(struct bench *b, uint64_t lun, uint32_t len)
{
	static const uint8_t cdb[10] = { 0x28 };

	return bench_command(b, lun, cdb, sizeof(cdb), len, 0);
}

struct command *
bench_write(struct bench *b, uint64_t lun, uint32_t len)
{
	static const uint8_t cdb[10] = { 0x2a };

	return bench_command(b, lun, cdb, sizeof(cdb), 0, len);
}

struct command *
bench_nodata(struct bench *b, uint64_t lun)
{
	return bench_nodata_attr(b, lun, ATTR_SIMPLE);
}

void
bench_data_in(struct bench *b, const struct got *got, uint32_t data_sn,
	      uint32_t offset, uint32_t len, bool final, bool status)
{
	struct pdu pdu = status ? bench_data_in_status(b, got) :
	    bench_pdu(b, OP_DATA_IN, got);
	uint8_t *data = malloc(len + 1);

	for (uint32_t i = 0; i < len; i++)
		data[i] = bench_pattern(offset + i);
	pdu.final = final;
	pdu.data_sn = data_sn;
	pdu.buffer_offset = offset;
	bench_send(b, &pdu, data, len);
	free(data);
}

void
bench_r2t(struct bench *b, const struct got *got, uint32_t r2t_sn, uint32_t ttt,
	  uint32_t offset, uint32_t len)
{
	struct pdu pdu = bench_pdu(b, OP_R2T, got);

	pdu.r2t_sn = r2t_sn;
	pdu.target_transfer_tag = ttt;
	pdu.buffer_offset = offset;
	pdu.desired_data_transfer_length = len;
	bench_send(b, &pdu, NULL, 0);
}

void
bench_response(struct bench *b, const struct got *got, uint8_t status)
{
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

	pdu.status = status;
	bench_send(b, &pdu, NULL, 0);
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
bench_cut(struct bench *b)
{
	if (b->conn)
		conn_lost(b->conn, LUN_ELOST, "closed by the target", b->now);
	bench_run(b);
}

unsigned
bench_connects(struct bench *b)
{
	return b->connects;
}

const struct portal *
bench_portal(struct bench *b)
{
	return &b->portal;
}

struct session *
bench_session(struct bench *b)
{
	return b->s;
}

struct conn *
bench_conn(struct bench *b)
{
	return b->conn;
}

lun_time
bench_now(struct bench *b)
{
	return b->now;
}

const char *
bench_logged(struct bench *b, const char *part)
{
	for (size_t i = b->n_log; i-- > 0;)
		if (strstr(b->log[i], part))
			return b->log[i];
	return NULL;
}

unsigned
bench_scsi_events(struct bench *b)
{
	return b->scsi_events;
}

uint64_t
bench_event_lun(struct bench *b)
{
	return b->event_lun;
}

const uint8_t *
bench_event_sense(struct bench *b)
{
	return b->event_sense;
}

void
bench_hold(struct bench *b, bool held)
{
	b->held = held;
	bench_run(b);
}
