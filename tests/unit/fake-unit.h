/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A nexus with one logical unit behind it, for tests of lib/scsi: a disk whose
 * bytes are kept for a window of its blocks, a write cache that can be looked
 * behind, commands that run and complete in any order, and faults by chance.
 * A test may answer commands itself.
 */
#ifndef FAKE_UNIT_H
#define FAKE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "scsi/asc.h"
#include "scsi/cdb.h"
#include "session/command.h"

enum fault {			/* each with its chance in fake.faults, 1/1000 */
	FAULT_BUSY, FAULT_FULL, FAULT_ATTENTION, FAULT_ABORTED, FAULT_MEDIUM,
	FAULT_SHORT, FAULT_LOST, FAULT_EXECUTED_BUT_LOST,
	FAULT_COUNT,
};

struct fake {
	struct nexus nexus;
	struct lun_env env;
	struct timers timers;
	uint64_t random;
	struct list queue;		/* command.link, all that are out */
	size_t queued, queued_max;
	size_t submitted;		/* so far */
	size_t opcodes[256];		/* so far */

	/* the unit */
	uint64_t blocks;
	uint32_t block_size;
	uint32_t max_transfer;		/* blocks, VPD B0; 0: any */
	bool wce, dpo_fua, write_protect;
	const char *name;		/* an iSCSI-style name, VPD 83 */
	uint64_t window;		/* the first block whose bytes are kept */
	size_t window_len;		/* in bytes */
	uint8_t *data, *durable;	/* of the window */
	unsigned faults[FAULT_COUNT];

	/* True: c has its outcome. */
	bool (*answer)(struct fake *f, struct command *c);
	unsigned to_lose;		/* for lose_some() */
};

/* command.task */
#define FAKE_QUEUED	((void *)1)
#define FAKE_EXECUTED	((void *)2)

static inline uint32_t
fake_random(struct fake *f, uint32_t n)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(f->random >> 33) % n;
}

static inline void
fake_env_random(void *user, void *buf, size_t len)
{
	struct fake *f = user;
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)fake_random(f, 256);
}

static inline void
fake_submit(struct nexus *n, struct command *c)
{
	struct fake *f = container_of(n, struct fake, nexus);

	c->task = FAKE_QUEUED;
	list_append(&f->queue, &c->link);
	f->submitted++;
	f->opcodes[c->cdb[0]]++;
	if (++f->queued > f->queued_max)
		f->queued_max = f->queued;
}

static inline void
fake_cancel(struct nexus *n, struct command *c)
{
	if (c->task == FAKE_QUEUED) {
		c->task = FAKE_EXECUTED;
		c->result = LUN_ECANCELED;
	}
}

static inline void
fake_init(struct fake *f, uint64_t seed, uint64_t blocks, uint32_t block_size,
	  uint64_t window, size_t window_blocks)
{
	static const struct nexus_ops ops = { fake_submit, fake_cancel };

	*f = (struct fake){
		.nexus = { .ops = &ops, .env = &f->env,
			   .timers = &f->timers, .label = "fake" },
		.env = { .user = f, .random = fake_env_random },
		.random = seed, .blocks = blocks, .block_size = block_size,
		.name = "naa.6001405aabbccdd00112233445566778",
		.window = window, .window_len = window_blocks * block_size,
	};
	list_init(&f->queue);
	timers_init(&f->timers);
	f->timers.now = TIME_S;
	if (window_blocks > 0) {
		f->data = calloc(window_blocks, block_size);
		f->durable = calloc(window_blocks, block_size);
		assert_non_null(f->data);
		assert_non_null(f->durable);
	}
}

static inline void
fake_deinit(struct fake *f)
{
	assert_int_equal(f->queued, 0);
	timers_deinit(&f->timers);
	free(f->data);
	free(f->durable);
}

static inline bool
fake_sense(struct command *c, enum sense_key key, uint16_t asc)
{
	c->status = SCSI_CHECK_CONDITION;
	c->sense_len = 18;
	memset(c->sense, 0, 18);
	c->sense[0] = 0x70;
	c->sense[2] = (uint8_t)key;
	c->sense[7] = 10;
	put16(c->sense + 12, asc);
	return true;
}

/* Data for the initiator; the residual as RFC 7143 11.4.5 has it. */
static inline bool
fake_data(struct command *c, const void *p, size_t len)
{
	uint32_t n = len < c->in_len ? (uint32_t)len : c->in_len;

	if (n > 0)
		memcpy(c->in, p, n);
	c->received = n;
	if (n < c->in_len) {
		c->underflow = true;
		c->residual = c->in_len - n;
	}
	return true;
}

static inline size_t
fake_vpd(struct fake *f, uint8_t page, uint8_t buf[256])
{
	size_t len = 0;

	memset(buf, 0, 256);
	buf[1] = page;
	switch (page) {
	case 0x00:
		len = 6;
		memcpy(buf + 4, "\x00\x80\x83\xb0\xb1\xb2", 6);
		break;
	case 0x80:
		len = 8;
		memcpy(buf + 4, "  SN-42 ", 8);
		break;
	case 0x83:
		buf[4] = 0x03;
		buf[5] = 0x08;
		buf[7] = (uint8_t)strlen(f->name);
		memcpy(buf + 8, f->name, strlen(f->name));
		len = 4 + strlen(f->name);
		break;
	case 0xb0:
		len = 0x3c;
		put32(buf + 8, f->max_transfer);
		put32(buf + 12, 64);
		break;
	case 0xb1:
		len = 0x3c;
		put16(buf + 4, 1);
		break;
	case 0xb2:
		len = 4;
		buf[6] = 2;
		break;
	default:
		return 0;
	}
	buf[3] = (uint8_t)len;
	return 4 + len;
}

static inline void
fake_inquiry(struct fake *f, struct command *c)
{
	uint8_t buf[256] = { 0x00, 0x00, 0x05, 0x02, 31 };
	size_t len = 36;

	if (c->cdb[1] & 1) {
		len = fake_vpd(f, c->cdb[2], buf);
		if (len == 0) {
			fake_sense(c, KEY_ILLEGAL_REQUEST, ASC(0x24, 0));
			return;
		}
	} else {
		memcpy(buf + 8, "LUNFS   FAKE DISK       0001", 28);
	}
	fake_data(c, buf, len);
}

static inline void
fake_mode(struct fake *f, struct command *c)
{
	uint8_t buf[4 + 20] = { 23 };

	buf[2] = (uint8_t)((f->write_protect ? 0x80 : 0) |
			   (f->dpo_fua ? 0x10 : 0));
	buf[4] = 0x08;
	buf[5] = 18;
	buf[6] = f->wce ? 0x04 : 0;
	fake_data(c, buf, sizeof(buf));
}

static inline void
fake_capacity(struct fake *f, struct command *c)
{
	uint8_t buf[32] = { 0 };
	bool large = f->blocks - 1 > 0xffffffff;

	if (c->cdb[0] == READ_CAPACITY_10) {
		put32(buf, large ? 0xffffffff : (uint32_t)f->blocks - 1);
		put32(buf + 4, f->block_size);
		fake_data(c, buf, 8);
	} else {
		put64(buf, f->blocks - 1);
		put32(buf + 8, f->block_size);
		buf[13] = f->block_size < 4096 ? 3 : 0;
		buf[14] = 0x80;
		fake_data(c, buf, 32);
	}
}

static inline void
fake_move(struct fake *f, struct command *c)
{
	bool ten = c->cdb[0] == READ_10 || c->cdb[0] == WRITE_10;
	bool write = c->cdb[0] == WRITE_10 || c->cdb[0] == WRITE_16;
	uint64_t lba = ten ? get32(c->cdb + 2) : get64(c->cdb + 2);
	uint64_t n = ten ? get16(c->cdb + 7) : get32(c->cdb + 10);
	size_t len = (size_t)n * f->block_size;

	if (lba + n > f->blocks) {
		fake_sense(c, KEY_ILLEGAL_REQUEST, ASC(0x21, 0));
		return;
	}
	if (write && f->write_protect) {
		fake_sense(c, KEY_DATA_PROTECT, ASC(0x27, 0));
		return;
	}
	assert_true(f->max_transfer == 0 || n <= f->max_transfer);
	assert_true(lba >= f->window);
	size_t at = (size_t)(lba - f->window) * f->block_size;
	assert_true(at + len <= f->window_len);
	if (write) {
		assert_int_equal(c->out_len, len);
		memcpy(f->data + at, c->out, len);
		if (!f->wce || (f->dpo_fua && c->cdb[1] & 8))
			memcpy(f->durable + at, c->out, len);
	} else {
		assert_int_equal(c->in_len, len);
		fake_data(c, f->data + at, len);
	}
}

static inline void
fake_execute(struct fake *f, struct command *c)
{
	uint8_t luns[16] = { [3] = 8 };

	if (f->answer && f->answer(f, c))
		return;
	switch (c->cdb[0]) {
	case TEST_UNIT_READY:
		break;
	case INQUIRY:
		fake_inquiry(f, c);
		break;
	case MODE_SENSE_6:
		fake_mode(f, c);
		break;
	case READ_CAPACITY_10:
	case SERVICE_ACTION_IN_16:
		fake_capacity(f, c);
		break;
	case REPORT_LUNS:
		fake_data(c, luns, sizeof(luns));
		break;
	case READ_10:
	case READ_16:
	case WRITE_10:
	case WRITE_16:
		fake_move(f, c);
		break;
	case SYNCHRONIZE_CACHE_10:
	case SYNCHRONIZE_CACHE_16:
		if (f->data)
			memcpy(f->durable, f->data, f->window_len);
		break;
	default:
		fake_sense(c, KEY_ILLEGAL_REQUEST, ASC(0x20, 0));
	}
}

/* True: the command has failed by chance. */
static inline bool
fake_fault(struct fake *f, struct command *c)
{
	int fault = 0;

	while (fault < FAULT_COUNT && fake_random(f, 1000) >= f->faults[fault])
		fault++;
	switch ((enum fault)fault) {
	case FAULT_BUSY:
		c->status = SCSI_BUSY;
		return true;
	case FAULT_FULL:
		c->status = SCSI_TASK_SET_FULL;
		return true;
	case FAULT_ATTENTION:
		return fake_sense(c, KEY_UNIT_ATTENTION,
				  fake_random(f, 2) ? ASC(0x29, 0) :
						      ASC(0x2a, 9));
	case FAULT_ABORTED:
		return fake_sense(c, KEY_ABORTED_COMMAND, ASC(0x47, 0));
	case FAULT_MEDIUM:
		return fake_sense(c, KEY_MEDIUM_ERROR, ASC(0x11, 0));
	case FAULT_SHORT:
		if (c->in_len == 0 && c->out_len == 0)
			return false;
		c->underflow = true;
		c->residual = 1 + fake_random(f, 2 * f->block_size);
		return true;
	case FAULT_EXECUTED_BUT_LOST:
		fake_execute(f, c);
		c->result = LUN_ETIMEDOUT;
		return true;
	case FAULT_LOST:
		c->result = LUN_ELOST;
		return true;
	case FAULT_COUNT:
		return false;
	}
	abort();
}

/* One command, by chance, takes a step: runs, or completes. */
static inline void
fake_step(struct fake *f)
{
	struct list *l = f->queue.next;

	for (uint32_t i = fake_random(f, (uint32_t)f->queued); i > 0; i--)
		l = l->next;
	struct command *c = container_of(l, struct command, link);

	f->timers.now += fake_random(f, 100000);
	if (c->task == FAKE_QUEUED) {
		if (!fake_fault(f, c))
			fake_execute(f, c);
		c->task = FAKE_EXECUTED;
		return;
	}
	list_del(&c->link);
	f->queued--;
	c->task = NULL;
	c->done(c);
}

/* Something happens. False: nothing is going on any more. */
static inline bool
fake_advance(struct fake *f)
{
	lun_time at = timers_deadline(&f->timers);

	if (at != TIME_NEVER && (at <= f->timers.now || f->queued == 0)) {
		if (at > f->timers.now)
			f->timers.now = at;
		timers_run(&f->timers, f->timers.now);
		return true;
	}
	if (f->queued == 0)
		return false;
	fake_step(f);
	return true;
}

static inline void
fake_run(struct fake *f)
{
	for (size_t i = 0; fake_advance(f); i++)
		assert_true(i < 10000000);
}

#endif
