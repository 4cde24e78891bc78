/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk on a fake unit, and requests to it that count their completions. */
#ifndef SCSI_WORLD_H
#define SCSI_WORLD_H

#include "fake-unit.h"

#include "scsi/disk.h"
#include "scsi/unit.h"

enum { BS = 512, BLOCKS = 1024, PATIENCE_S = 20 };

struct world {
	struct fake fake;
	struct disk *disk;
	struct disk_options options;	/* the rest of them */
	size_t probed, changed, inventory;
	int probed_code;
};

struct req {
	struct lun_io io;
	unsigned done;
	char text[512];
};

static inline void
probed(void *user, struct disk *d, int code, const char *text, bool changed)
{
	struct world *w = user;

	w->probed++;
	w->changed += changed;
	w->probed_code = code;
}

static inline void
inventory_changed(void *user, struct disk *d)
{
	struct world *w = user;

	w->inventory++;
}

static const struct disk_ops disk_ops = { probed, inventory_changed };

/* The unit as the caller left it in w->fake after fake_init(). */
static inline void
world_start(struct world *w, bool read_only)
{
	struct disk_options options = w->options;

	options.read_only = read_only;
	options.patience = PATIENCE_S * TIME_S;
	assert_int_equal(disk_new(&w->disk, &w->fake.nexus, 0, &options,
				  &disk_ops, w), 0);
	disk_probe(w->disk);
	fake_run(&w->fake);
	assert_int_equal(w->probed, 1);
	memset(w->fake.opcodes, 0, sizeof(w->fake.opcodes));
	w->fake.submitted = w->fake.queued_max = 0;
}

static inline void
world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ 0 };
	fake_init(&w->fake, seed, BLOCKS, BS, 0, BLOCKS);
}

static inline void
world_deinit(struct world *w)
{
	assert_int_equal(disk_requests(w->disk), 0);
	disk_free(w->disk);
	fake_deinit(&w->fake);
}

static inline void
req_done(struct lun_io *io)
{
	struct req *q = io->user;

	q->done++;
	snprintf(q->text, sizeof(q->text), "%s", io->text);
}

static inline void
submit(struct world *w, struct req *q, enum lun_op op, uint64_t offset,
       void *buffer, size_t length)
{
	*q = (struct req){ .io = {
		.op = op, .offset = offset, .buffer = buffer, .length = length,
		.done = req_done, .user = q,
	} };
	disk_submit(w->disk, &q->io);
	assert_int_equal(q->done, 0);	/* never from within */
}

/* To the end: the errno. */
static inline int
run(struct world *w, enum lun_op op, uint64_t offset, void *buffer,
    size_t length)
{
	struct req q;

	submit(w, &q, op, offset, buffer, length);
	fake_run(&w->fake);
	assert_int_equal(q.done, 1);
	return q.io.error;
}

static inline void
lose_nexus(struct world *w, const char *why)
{
	disk_lost(w->disk, w->fake.timers.now, LUN_ELOST, why);
}

/* For fake.answer: fake.to_lose commands more are lost, one each millisecond. */
static inline bool
lose_some(struct fake *f, struct command *c)
{
	if (f->to_lose == 0)
		return false;
	f->to_lose--;
	f->timers.now += TIME_MS;
	c->result = LUN_ELOST;
	return true;
}

/* Time goes on; fake_run() would wait for the end of all timers. */
static inline void
pass(struct world *w, lun_time delay)
{
	struct fake *f = &w->fake;
	lun_time until = f->timers.now + delay;

	while (f->timers.now < until &&
	       (f->queued > 0 || timers_deadline(&f->timers) <= until))
		fake_advance(f);
	if (f->timers.now < until)
		f->timers.now = until;
}

#endif
