/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The target speaks: any PDU, and a whole login. */
#include <stdio.h>

#include "rfc/bench-impl.h"

/* -------------------------------------------------------------- sending -- */

static void
flush_target(struct bench *b, enum damage damage)
{
	struct iovec iov[16];
	uint8_t *bytes = NULL;
	size_t len = 0;
	int n;

	while ((n = tx_iov(b->l->tx, iov, 16)) > 0) {
		size_t sum = 0;

		for (int i = 0; i < n; i++) {
			bytes = realloc(bytes, len + iov[i].iov_len);
			memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
			sum += iov[i].iov_len;
		}
		tx_ack(b->l->tx, sum);
	}
	if (damage == DAMAGE_HEADER)
		bytes[BHS_LEN] ^= 0x10;
	if (damage == DAMAGE_DATA)
		bytes[len - 1] ^= 0x10;
	bench_push(b, bytes, len);
	free(bytes);
}

void
bench_send_damaged(struct bench *b, struct pdu *pdu, const void *data, size_t len,
		   enum damage damage)
{
	if (!b->l->tx)
		bench_fail(b, "no connection to send on");
	assert_int_equal(tx_add(b->l->tx, pdu, NULL, data, len, NULL), 0);
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
	bench_push(b, bytes, len);
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

void
bench_on(struct bench *b, size_t line)
{
	b->l = &b->lines[line];
}

struct pdu
bench_pdu(struct bench *b, enum opcode opcode, const struct got *got)
{
	if (got)
		bench_on(b, got->line);
	struct pdu pdu = {
		.opcode = (uint8_t)opcode, .final = true,
		.lun = got ? got->pdu.lun : 0,
		.initiator_task_tag = got ? got->pdu.initiator_task_tag : TAG_NONE,
		.target_transfer_tag = TAG_NONE,
		.stat_sn = b->l->stat_sn,
		.exp_cmd_sn = b->exp_cmd_sn,
		.max_cmd_sn = b->exp_cmd_sn + b->window - 1,
	};

	if (opcode == OP_REJECT || opcode == OP_ASYNC_MESSAGE)
		pdu.initiator_task_tag = TAG_NONE;
	if (opcode == OP_SCSI_RESPONSE || opcode == OP_TMF_RESPONSE ||
	    opcode == OP_LOGOUT_RESPONSE || opcode == OP_LOGIN_RESPONSE)
		pdu.lun = 0;
	if (uses_stat_sn(opcode, got))
		b->l->stat_sn++;
	return pdu;
}

struct pdu
bench_data_in_status(struct bench *b, const struct got *got)
{
	struct pdu pdu = bench_pdu(b, OP_DATA_IN, got);

	pdu.has_status = true;
	b->l->stat_sn++;
	return pdu;
}

uint32_t *
bench_stat_sn(struct bench *b)
{
	return &b->l->stat_sn;
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
		"iSCSIProtocolLevel",
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

	rx_set_digests(b->l->rx, header, data);
	tx_set_digests(b->l->tx, header, data);
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
	assert_int_equal(tx_add(b->l->tx, &pdu, NULL, text, len, NULL), 0);
	/* the response itself has none; what comes back after it does */
	struct iovec iov[8];
	uint8_t bytes[8192];
	size_t sum = 0;
	int n = tx_iov(b->l->tx, iov, 8);

	for (int i = 0; i < n; i++) {
		memcpy(bytes + sum, iov[i].iov_base, iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	tx_ack(b->l->tx, sum);
	target_digests(b, answer);
	bench_push(b, bytes, sum);
	if (!bench_up(b))
		bench_fail(b, "the login failed: %s", b->error.text);
}

/* --------------------------------------------------- many connections -- */

struct bench *
bench_many(unsigned connections)
{
	char keys[40];

	snprintf(keys, sizeof(keys), "MaxConnections=%u", connections);
	return bench_new(&(struct bench_setup){ .keys = keys });
}

static struct bench *
all_up(struct bench *b, unsigned connections)
{
	for (unsigned i = 0; i < connections; i++)
		bench_login(b, "");
	bench_expect_nothing(b);
	return b;
}

struct bench *
bench_many_up(unsigned connections)
{
	return all_up(bench_many(connections), connections);
}

static struct bench *
level2(unsigned connections, const char *keys, lun_time command_timeout)
{
	char all[200];

	snprintf(all, sizeof(all), "MaxConnections=%u ErrorRecoveryLevel=2 "
		 "DefaultTime2Wait=2 DefaultTime2Retain=20%s%s", connections,
		 *keys ? " " : "", keys);
	return all_up(bench_new(&(struct bench_setup){
		.keys = all, .ignores_pings = true,
		.command_timeout = command_timeout,
	}), connections);
}

struct bench *
bench_level2(unsigned connections, const char *keys)
{
	return level2(connections, keys, 0);
}

struct bench *
bench_level2_hasty(unsigned connections, lun_time command_timeout)
{
	return level2(connections, "", command_timeout);
}

struct got *
bench_login_security(struct bench *b, const char *keys)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	bench_login_answer(b, got, STAGE_SECURITY, STAGE_OPERATIONAL, true, keys);
	return got;
}
