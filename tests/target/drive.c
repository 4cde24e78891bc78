/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initiator that a test plays. See drive.h. After everything that may make
 * the target act, the bytes that it wants to send are taken from all links,
 * become PDUs and wait in a queue of the link.
 */
#include "drive.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "wire/rx.h"
#include "wire/tx.h"

enum { QUEUE_MAX = 512, MAX_DATA = 1 << 20, STREAM_MAX = 2 << 20 };

struct link {
	struct drive *drive;
	struct tconn *conn;
	struct rx *rx;
	struct tx *tx;
	uint16_t tsih;
	uint32_t exp_stat_sn;
	bool hold, stalled;
	size_t first;			/* link_split() */
	lun_time pause;
	struct got queue[QUEUE_MAX];
	unsigned head, tail;
	struct got taken;		/* what link_expect() returned last */
};

struct drive {
	struct target *target;
	lun_time now;
	uint8_t disk[DRIVE_DISK];
	uint8_t isid;			/* its last byte */
	const char *portal;
	uint32_t cmd_sn;
	uint8_t last_random;
	struct link *links[LINKS_MAX];
	unsigned link_count;
};

static void
not_so_random(void *user, void *buf, size_t len)
{
	struct drive *d = user;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = ++d->last_random;
}

uint8_t
drive_byte(size_t i)
{
	return (uint8_t)(i * 7 + i / 512 * 3 + i / 65536);
}

struct drive *
drive_new(const char *const keys[])
{
	struct drive *d = calloc(1, sizeof(*d));
	struct target_env env = { .user = d, .random = not_so_random };
	struct disk_config disk = {
		.size = DRIVE_DISK, .block_size = BLOCK, .write_cache = true,
		.serial = "DRIVE",
	};
	struct lun_error err;
	struct tnode *node;

	assert_non_null(d);
	d->now = TIME_S;
	d->cmd_sn = 100;
	d->isid = 5;
	disk.bytes = d->disk;
	for (size_t i = 0; i < sizeof(d->disk); i++)
		d->disk[i] = drive_byte(i);
	assert_int_equal(target_new(&d->target, &env, d->now, &err), 0);
	assert_int_equal(target_add_portal(d->target, DRIVE_PORTAL, -1, &err),
			 0);
	d->portal = DRIVE_PORTAL;
	assert_int_equal(target_add_node(d->target, &node,
					 "iqn.2026-01.net.lunfs:disk", &err),
			 0);
	assert_int_equal(tnode_add_disk(node, 0, &disk, &err), 0);
	for (; keys && *keys; keys++) {
		char name[64];
		size_t len = strcspn(*keys, "=");

		assert_true(len < sizeof(name));
		memcpy(name, *keys, len);
		name[len] = 0;
		assert_int_equal(target_set_key(d->target, name,
						*keys + len + 1, &err), 0);
	}
	return d;
}

struct target *
drive_target(struct drive *d)
{
	return d->target;
}

uint8_t *
drive_disk(struct drive *d)
{
	return d->disk;
}

void
drive_other(struct drive *d)
{
	d->isid++;
}

void
drive_portal(struct drive *d, const char *address)
{
	d->portal = address;
}

uint32_t
drive_cmd_sn(struct drive *d)
{
	return d->cmd_sn;
}

/* --------------------------------------------------------------- bytes -- */

static int
got_header(void *user, const struct pdu *pdu, const struct ahs *ahs,
	   void **place)
{
	return 0;
}

static int
got_pdu(void *user, const struct pdu *pdu, const uint8_t *data, bool digest_ok)
{
	struct link *l = user;
	struct got *g = &l->queue[l->tail++ % QUEUE_MAX];
	size_t len = pdu->data_segment_length;

	assert_true(l->tail - l->head <= QUEUE_MAX);
	assert_true(pdu_from_target(pdu->opcode));
	g->pdu = *pdu;
	g->digest_ok = digest_ok;
	g->data = malloc(len + 1);
	assert_non_null(g->data);
	memcpy(g->data, data, len);
	return 0;
}

static void
take_bytes(struct link *l)
{
	struct iovec out[16], in[2];
	int n;

	while (l->conn && !l->stalled && (n = tconn_tx_iov(l->conn, out, 16)) > 0) {
		const uint8_t *p = out[0].iov_base;
		size_t left = out[0].iov_len;

		while (left > 0) {
			int m = rx_iov(l->rx, in);
			size_t len = in[0].iov_len < left ? in[0].iov_len
							  : left;

			assert_true(m > 0);
			memcpy(in[0].iov_base, p, len);
			if (rx_ack(l->rx, len) < 0) {	/* no PDU */
				l->conn = tconn_free(l->conn,
						     l->drive->now);
				return;
			}
			p += len;
			left -= len;
		}
		tconn_tx_ack(l->conn, out[0].iov_len, l->drive->now);
	}
	if (l->conn && tconn_finished(l->conn))
		l->conn = tconn_free(l->conn, l->drive->now);
}

/* What one of them received may concern others. */
static void
serve(struct drive *d)
{
	struct tconn *c;

	do {
		for (unsigned i = 0; i < d->link_count; i++)
			take_bytes(d->links[i]);
		c = target_ready(d->target);
	} while (c);
}

void
drive_run(struct drive *d, lun_time delay)
{
	d->now += delay;
	target_run(d->target, d->now);
	serve(d);
}

static void
put_bytes(struct link *l, const uint8_t *p, size_t len)
{
	while (len > 0 && l->conn) {
		struct iovec iov[2];
		size_t n;

		if (tconn_rx_iov(l->conn, iov) == 0)
			break;			/* it listens no more */
		n = iov[0].iov_len < len ? iov[0].iov_len : len;
		memcpy(iov[0].iov_base, p, n);
		p += n;
		len -= n;
		if (tconn_rx_ack(l->conn, n, l->drive->now) < 0)
			break;
	}
	serve(l->drive);
}

static void
send_pdu(struct link *l, struct pdu *pdu, const void *data, size_t len,
	 bool corrupt)
{
	static uint8_t stream[STREAM_MAX];
	struct iovec iov[8];
	size_t n = 0;
	int count;

	assert_int_equal(tx_add(l->tx, pdu, NULL, data, len, NULL), 0);
	count = tx_iov(l->tx, iov, 8);
	for (int i = 0; i < count; i++) {
		assert_true(n + iov[i].iov_len <= sizeof(stream));
		memcpy(stream + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	tx_ack(l->tx, n);
	if (corrupt && n > 0)
		stream[n - 1] ^= 0x40;

	size_t first = l->first < n ? l->first : n;

	put_bytes(l, stream, first);
	if (first > 0)
		drive_run(l->drive, l->pause);
	l->first = 0;
	put_bytes(l, stream + first, n - first);
}

void
link_split(struct link *l, size_t first, lun_time pause)
{
	l->first = first;
	l->pause = pause;
}

/* --------------------------------------------------------------- links -- */

struct drive *
drive_free(struct drive *d)
{
	for (unsigned i = 0; i < d->link_count; i++) {
		struct link *l = d->links[i];

		l->conn = tconn_free(l->conn, d->now);
		while (l->head != l->tail)
			free(l->queue[l->head++ % QUEUE_MAX].data);
		free(l->taken.data);
		rx_free(l->rx);
		tx_free(l->tx);
		free(l);
	}
	target_free(d->target);
	free(d);
	return NULL;
}

void
link_cut(struct link *l)
{
	l->conn = tconn_free(l->conn, l->drive->now);
	serve(l->drive);
}

bool
link_is_dead(struct link *l)
{
	return !l->conn;
}

uint16_t
link_tsih(const struct link *l)
{
	return l->tsih;
}

uint32_t
link_exp_stat_sn(const struct link *l)
{
	return l->exp_stat_sn;
}

void
link_hold_acks(struct link *l, uint32_t exp_stat_sn)
{
	l->hold = true;
	l->exp_stat_sn = exp_stat_sn;
}

void
link_stall(struct link *l, bool stalled)
{
	l->stalled = stalled;
	serve(l->drive);
}

static size_t
login_text(char *out, size_t size, const char *text)
{
	int n = snprintf(out, size,
			 "InitiatorName=" INITIATOR "\n"
			 "TargetName=iqn.2026-01.net.lunfs:disk\n"
			 "SessionType=Normal\n%s\n", text);

	assert_true(n > 0 && (size_t)n < size);
	for (char *p = out; *p; p++)
		if (*p == '\n')
			*p = 0;
	return (size_t)n;
}

unsigned
link_try(struct drive *d, struct link **out, uint16_t cid, uint16_t tsih,
	 const char *text, uint32_t exp_stat_sn)
{
	static const struct rx_ops ops = { got_header, got_pdu };
	struct link *l = calloc(1, sizeof(*l));
	bool digest = strstr(text, "DataDigest=CRC32C");
	bool header = strstr(text, "HeaderDigest=CRC32C");
	const struct got *g;
	struct pdu pdu = {
		.opcode = OP_LOGIN_REQUEST, .immediate = true, .final = true,
		.csg = STAGE_OPERATIONAL, .nsg = STAGE_FULL_FEATURE,
		.isid = { 0x80, 1, 2, 3, 4, d->isid }, .tsih = tsih,
		.cid = cid,
		.initiator_task_tag = 1, .cmd_sn = d->cmd_sn,
		.exp_stat_sn = exp_stat_sn,
	};
	char pairs[1024];
	size_t len = login_text(pairs, sizeof(pairs), text);
	struct lun_error err;

	assert_non_null(l);
	assert_true(d->link_count < LINKS_MAX);
	l->drive = d;
	d->links[d->link_count++] = l;
	assert_int_equal(rx_new(&l->rx, &ops, l, MAX_DATA, &err), 0);
	assert_int_equal(tx_new(&l->tx, &err), 0);
	assert_int_equal(tconn_new(&l->conn, d->target, d->portal, l,
				   d->now, &err), 0);
	send_pdu(l, &pdu, pairs, len, false);
	g = link_expect(l, OP_LOGIN_RESPONSE);
	if (g->pdu.status_class)
		return (unsigned)(g->pdu.status_class << 8 |
				  g->pdu.status_detail);
	assert_true(g->pdu.final);
	l->tsih = g->pdu.tsih;
	tx_set_digests(l->tx, header, digest);
	rx_set_digests(l->rx, header, digest);
	*out = l;
	return 0;
}

struct link *
link_new(struct drive *d, uint16_t cid, uint16_t tsih, const char *text)
{
	struct link *l = NULL;

	assert_int_equal(link_try(d, &l, cid, tsih, text, 0), 0);
	if (tsih == 0) {
		struct pdu ready = {
			.opcode = OP_SCSI_COMMAND, .final = true,
			.attr = ATTR_SIMPLE, .initiator_task_tag = 0xfff0,
		};

		link_send(l, &ready, NULL, 0);	/* TEST UNIT READY */
		link_expect_status(l, 0xfff0, SCSI_CHECK_CONDITION);
		link_ping(l);
	}
	return l;
}

static void
number(struct link *l, struct pdu *pdu)
{
	pdu->exp_stat_sn = pdu->exp_stat_sn ? pdu->exp_stat_sn
					    : l->exp_stat_sn;
	if (pdu->opcode == OP_DATA_OUT || pdu->opcode == OP_SNACK_REQUEST ||
	    pdu->cmd_sn)
		return;
	pdu->cmd_sn = l->drive->cmd_sn;
	if (!pdu->immediate)
		l->drive->cmd_sn++;
}

void
link_send(struct link *l, struct pdu *pdu, const void *data, size_t len)
{
	number(l, pdu);
	send_pdu(l, pdu, data, len, false);
}

void
link_send_corrupt(struct link *l, struct pdu *pdu, const void *data,
		  size_t len)
{
	number(l, pdu);
	send_pdu(l, pdu, data, len, true);
}

/* -------------------------------------------------------- expectations -- */

static bool
takes_stat_sn(const struct pdu *pdu)
{
	switch (pdu->opcode) {
	case OP_R2T:
		return false;
	case OP_DATA_IN:
		return pdu->has_status;
	case OP_NOP_IN:
		return pdu->initiator_task_tag != TAG_NONE;
	default:
		return true;
	}
}

const struct got *
link_expect_any(struct link *l, enum opcode opcode)
{
	if (l->head == l->tail)
		fail_msg("nothing came, expected a %s", pdu_name((uint8_t)opcode));
	free(l->taken.data);
	l->taken = l->queue[l->head++ % QUEUE_MAX];
	if (l->taken.pdu.opcode != opcode)
		fail_msg("%s came, expected a %s",
			 pdu_name(l->taken.pdu.opcode), pdu_name((uint8_t)opcode));
	if (!l->hold && takes_stat_sn(&l->taken.pdu))
		l->exp_stat_sn = l->taken.pdu.stat_sn + 1;
	return &l->taken;
}

const struct got *
link_take(struct link *l)
{
	if (l->head == l->tail)
		return NULL;
	free(l->taken.data);
	l->taken = l->queue[l->head++ % QUEUE_MAX];
	assert_true(l->taken.digest_ok);
	if (!l->hold && takes_stat_sn(&l->taken.pdu))
		l->exp_stat_sn = l->taken.pdu.stat_sn + 1;
	return &l->taken;
}

const struct got *
link_expect(struct link *l, enum opcode opcode)
{
	const struct got *g = link_take(l);

	if (!g)
		fail_msg("nothing came, expected a %s", pdu_name((uint8_t)opcode));
	if (g->pdu.opcode != opcode)
		fail_msg("%s came, expected a %s", pdu_name(g->pdu.opcode),
			 pdu_name((uint8_t)opcode));
	return g;
}

void
link_expect_nothing(struct link *l)
{
	if (l->head != l->tail)
		fail_msg("%s came, expected nothing",
			 pdu_name(l->queue[l->head % QUEUE_MAX].pdu.opcode));
}

void
link_skip(struct link *l)
{
	while (link_take(l))
		;
}

const struct got *
link_expect_data(struct link *l, uint32_t itt, uint32_t data_sn,
		 uint32_t offset, uint32_t len, uint32_t disk_offset)
{
	const struct got *g = link_expect(l, OP_DATA_IN);

	assert_int_equal(g->pdu.initiator_task_tag, itt);
	assert_int_equal(g->pdu.data_sn, data_sn);
	assert_int_equal(g->pdu.buffer_offset, offset);
	assert_int_equal(g->pdu.data_segment_length, len);
	for (uint32_t i = 0; i < len; i++)
		if (g->data[i] != drive_byte(disk_offset + offset + i))
			fail_msg("byte %u of Data-In %u is wrong", i, data_sn);
	return g;
}

const struct got *
link_expect_status(struct link *l, uint32_t itt, enum scsi_status status)
{
	const struct got *g = link_expect(l, OP_SCSI_RESPONSE);

	assert_int_equal(g->pdu.initiator_task_tag, itt);
	assert_int_equal(g->pdu.response, RESPONSE_COMPLETED);
	assert_int_equal(g->pdu.status, status);
	return g;
}

const struct got *
link_expect_r2t(struct link *l, uint32_t itt, uint32_t r2t_sn,
		uint32_t offset, uint32_t len)
{
	const struct got *g = link_expect(l, OP_R2T);

	assert_int_equal(g->pdu.initiator_task_tag, itt);
	assert_int_equal(g->pdu.r2t_sn, r2t_sn);
	assert_int_equal(g->pdu.buffer_offset, offset);
	assert_int_equal(g->pdu.desired_data_transfer_length, len);
	return g;
}

void
link_expect_reject(struct link *l, enum reject_reason reason)
{
	assert_int_equal(link_expect(l, OP_REJECT)->pdu.reason, reason);
}
