/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volatile write cache that is lost: no flush may succeed as if all was there. */
#include <errno.h>

#include "scsi-world.h"

static uint16_t attention;		/* the next command is told; 0: nothing */

static bool
answer_attention(struct fake *f, struct command *c)
{
	uint16_t asc = attention;

	if (asc == 0 || c->cdb[0] == INQUIRY)
		return false;
	attention = 0;
	return fake_sense(c, KEY_UNIT_ATTENTION, asc);
}

static void
world_cached(struct world *w, bool wce)
{
	world_init(w, 1);
	w->fake.wce = wce;
	world_start(w, false);
	attention = 0;
	w->fake.answer = answer_attention;
}

/* The nexus is lost and back; the unit says this then. */
static void
lose(struct world *w, bool nobody_listened, uint16_t asc)
{
	lose_nexus(w, "lost");
	if (nobody_listened)
		disk_maybe_restarted(w->disk, w->fake.timers.now);
	attention = asc;
	disk_probe(w->disk);
	fake_run(&w->fake);
	assert_false(disk_is_lost(w->disk));
}

static const struct loss {
	const char *what;
	bool wce, flushed, reconnected, nobody_listened;
	uint16_t asc;
	int error;			/* of the next flush */
} losses[] = {
	{ "power on", true, false, false, false, ASC(0x29, 0x01), EIO },
	{ "internal reset", true, false, false, false, ASC(0x29, 0x04), EIO },
	{ "power on, flushed", true, true, false, false, ASC(0x29, 0x01), 0 },
	{ "power on, no cache", false, false, false, false, ASC(0x29, 0x01), 0 },
	{ "some reset", true, false, false, false, ASC(0x29, 0x00), 0 },
	{ "unit reset", true, false, false, false, ASC(0x29, 0x03), 0 },
	{ "reconnect", true, false, true, false, 0, 0 },
	{ "reconnect, as with tgt", true, false, true, false,
	  ASC(0x29, 0x00), 0 },
	{ "nexus loss", true, false, true, false, ASC(0x29, 0x07), 0 },
	{ "power on meanwhile", true, false, true, false, ASC(0x29, 0x01), EIO },
	{ "restart", true, false, true, true, ASC(0x29, 0x00), EIO },
	{ "restart, flushed", true, true, true, true, ASC(0x29, 0x00), 0 },
	{ "restart, no cache", false, false, true, true, ASC(0x29, 0x00), 0 },
	{ "nobody listened for a while", true, false, true, true, 0, 0 },
	{ "the same, and nexus loss", true, false, true, true,
	  ASC(0x29, 0x07), 0 },
};

static void
lose_as(const struct loss *l)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, l->wce);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	if (l->flushed)
		assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	if (l->reconnected) {
		lose(&w, l->nobody_listened, l->asc);
	} else {
		attention = l->asc;
		assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	}
	assert_int_equal(disk_info(w.disk)->lost_writes, l->error != 0);
	int error = run(&w, LUN_FLUSH, 0, NULL, 0);
	if (error != l->error)
		fail_msg("%s: flush: errno %d", l->what, error);
	/* Once; and what is written afterwards is another story. */
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	world_deinit(&w);
}

static void
test_losses(void **state)
{
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		lose_as(&losses[i]);
}

/* What vanishes takes along what it has not flushed. */
static void
test_gone(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	for (int cached = 0; cached <= 1; cached++) {
		for (int flushed = 0; flushed <= 1; flushed++) {
			world_cached(&w, cached);
			assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
			if (flushed)
				assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
			disk_gone(w.disk, "it was taken away");
			assert_int_equal(disk_signs(w.disk)->dirty,
					 cached && !flushed);
			assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), ESTALE);
			assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), ESTALE);
			assert_int_equal(disk_signs(w.disk)->dirty,
					 cached && !flushed);
			world_deinit(&w);
		}
	}
}

/* A loss that no flush has told of goes with it, too. */
static void
test_gone_after_a_loss(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, true);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	attention = ASC(0x29, 0x01);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	disk_gone(w.disk, "it was taken away");
	assert_false(disk_is_dirty(w.disk));
	assert_true(disk_signs(w.disk)->dirty);
	world_deinit(&w);
}

/* A restart is a sign for the attention that comes with it, not for later. */
static void
test_old_restart(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, true);
	lose(&w, true, ASC(0x29, 0x00));
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	lose(&w, false, ASC(0x29, 0x00));
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	world_deinit(&w);
}

/* A flush that was out when the cache was lost, and is sent again. */
static void
test_flush_across_power_on(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, true);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	attention = ASC(0x29, 0x01);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), EIO);
	assert_int_equal(w.fake.opcodes[SYNCHRONIZE_CACHE_10], 2);
	world_deinit(&w);
}

static struct lun_io
flush(struct world *w)
{
	struct req q;

	submit(w, &q, LUN_FLUSH, 0, NULL, 0);
	fake_run(&w->fake);
	return q.io;
}

/* FUA without DPOFUA is a write and a flush. */
static void
submit_fua(struct world *w, struct req *q, uint64_t offset, void *buffer,
	   size_t length)
{
	*q = (struct req){ .io = {
		.op = LUN_WRITE, .flags = LUN_FUA, .offset = offset,
		.buffer = buffer, .length = length, .done = req_done, .user = q,
	} };
	disk_submit(w->disk, &q->io);
}

/* The loss may come between. The next flush is about other writes. */
static uint8_t told_at;			/* this operation code */

static bool
answer_there(struct fake *f, struct command *c)
{
	if (c->cdb[0] != told_at || !answer_attention(f, c))
		return false;
	memcpy(f->data, f->durable, f->window_len);
	return true;
}

static void
fua_across_power_on(bool dpo_fua, bool others, uint8_t opcode)
{
	bool between = opcode == SYNCHRONIZE_CACHE_10;
	int error = !dpo_fua && (between || others) ? EIO : 0;
	struct world w;
	struct req q;
	char buffer[BS];

	world_init(&w, 1);
	w.fake.wce = true;
	w.fake.dpo_fua = dpo_fua;
	world_start(&w, false);
	memset(buffer, 'x', BS);
	if (others)
		assert_int_equal(run(&w, LUN_WRITE, BS, buffer, BS), 0);
	w.fake.answer = answer_there;
	told_at = opcode;
	attention = ASC(0x29, 0x01);
	submit_fua(&w, &q, 0, buffer, BS);
	fake_run(&w.fake);
	assert_int_equal(q.io.error, error);
	if (error == 0)
		assert_memory_equal(w.fake.durable, buffer, BS);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), others ? EIO : 0);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	world_deinit(&w);
}

static void
test_fua_across_power_on(void **state)
{
	for (int i = 0; i < 8; i++)
		fua_across_power_on(i & 1, i & 2, i & 4 ? WRITE_10 :
				    SYNCHRONIZE_CACHE_10);
}

/* The unit is restarted; asc: 0 if it tells somebody else. */
static void
restart(struct world *w, uint16_t asc)
{
	struct fake *f = &w->fake;
	struct command *c;

	memcpy(f->data, f->durable, f->window_len);
	list_for_each(c, &f->queue, struct command, link) {
		c->task = FAKE_EXECUTED;
		c->result = LUN_ELOST;
	}
	lose_nexus(w, "restarted");
	while (f->queued > 0)
		fake_step(f);
	attention = asc;
	disk_probe(w->disk);
}

/* True: it was done before. */
static bool
fua_across_restarts(unsigned steps, unsigned more, uint16_t asc)
{
	enum { BEFORE = 100, LENGTH = 10 * BS };
	struct world w;
	struct req q;
	char buffer[LENGTH], around[BEFORE];
	bool done;

	memset(buffer, 'x', sizeof(buffer));
	memset(around, 'o', sizeof(around));
	world_init(&w, steps + 1);
	w.fake.wce = true;
	w.fake.max_transfer = 4;
	w.options.outage = TIME_NEVER;
	memset(w.fake.data, 'o', w.fake.window_len);
	memset(w.fake.durable, 'o', w.fake.window_len);
	world_start(&w, false);
	w.fake.answer = answer_attention;
	attention = 0;
	submit_fua(&w, &q, BEFORE, buffer, LENGTH);
	while (steps-- > 0 && q.done == 0)
		fake_advance(&w.fake);
	done = q.done > 0;
	restart(&w, asc);
	while (more-- > 0 && q.done == 0)
		fake_advance(&w.fake);
	if (q.done == 0)
		restart(&w, asc);
	fake_run(&w.fake);
	assert_int_equal(q.done, 1);
	assert_int_equal(q.io.error, 0);
	assert_memory_equal(w.fake.durable, around, BEFORE);
	assert_memory_equal(w.fake.durable + BEFORE, buffer, LENGTH);
	assert_memory_equal(w.fake.durable + BEFORE + LENGTH, around, BEFORE);
	struct lun_io io = flush(&w);
	assert_int_equal(io.error, 0);
	assert_int_equal(io.doubt, 0);
	world_deinit(&w);
	return done;
}

/* Whenever that is, once or twice, what is done is on the medium, and leaves no
 * doubt. */
static void
test_fua_across_restarts(void **state)
{
	static const uint16_t told[] = { 0, ASC(0x29, 0x01) };

	for (unsigned i = 0; i < 2 * 60; i++)
		for (unsigned steps = 0;
		     !fua_across_restarts(steps, i / 2, told[i % 2]); steps++)
			assert_true(steps < 1000);
}

/* A flush says since when there is a doubt, once: of what was written before the
 * nexus was lost, and not of what was flushed or has come since. */
static void
test_doubt(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, true);
	pass(&w, TIME_S);
	lose(&w, false, 0);
	assert_int_equal(flush(&w).doubt, 0);

	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	pass(&w, TIME_S);
	lun_time last = w.fake.timers.now;
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	pass(&w, TIME_S);
	lose(&w, false, 0);
	pass(&w, TIME_S);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	lose(&w, false, 0);
	assert_int_equal(flush(&w).doubt, last);
	assert_int_equal(flush(&w).doubt, 0);

	/* Nothing is older than the nexus that it was written in. */
	lose(&w, false, 0);
	lun_time back = w.fake.timers.now;
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	assert_int_equal(flush(&w).doubt, 0);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	lose(&w, false, 0);
	assert_true(flush(&w).doubt >= back);

	/* It knows itself. */
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	lose(&w, true, ASC(0x29, 0x00));
	struct lun_io io = flush(&w);
	assert_int_equal(io.error, EIO);
	assert_int_equal(io.doubt, 0);
	assert_int_equal(flush(&w).doubt, 0);
	world_deinit(&w);
}

/* A restart is told by the signs of all, and only by those of that time. */
static void
test_signs(void **state)
{
	static const struct {
		struct lun_signs all[2];
		bool restart;
	} rows[] = {
		{ { { 0 }, { 0 } }, false },
		{ { { .power_on_at = 9 }, { 0 } }, false },
		{ { { 0 }, { .power_on_at = 10 } }, true },
		{ { { .reset_at = 11 }, { 0 } }, false },
		{ { { .absent_at = 11 }, { 0 } }, false },
		{ { { .absent_at = 11 }, { .reset_at = 12 } }, true },
		{ { { .reset_at = 11 }, { .absent_at = 10 } }, true },
		{ { { .absent_at = 11 }, { .reset_at = 9 } }, false },
		{ { { .absent_at = 9 }, { .reset_at = 12 } }, false },
		{ { { .reset_at = 12 }, { .absent_at = 12, .reset_at = 1 } }, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(lun_signs_tell_restart(rows[i].all, 2, 10),
				 rows[i].restart);
	}
}

/* What one that has written nothing sees is a sign, too. */
static void
test_signs_of_one_without_writes(void **state)
{
	struct world w;

	world_cached(&w, true);
	pass(&w, TIME_S);
	lun_time since = w.fake.timers.now;
	assert_false(lun_signs_tell_restart(disk_signs(w.disk), 1, since));
	lose_nexus(&w, "lost");
	assert_true(disk_signs(w.disk)->away);
	assert_false(disk_signs(w.disk)->coming);
	disk_maybe_restarted(w.disk, since);
	attention = ASC(0x29, 0x00);
	disk_probe(w.disk);
	assert_true(disk_signs(w.disk)->away);
	assert_true(disk_signs(w.disk)->coming);
	fake_run(&w.fake);
	assert_false(disk_signs(w.disk)->away);
	assert_false(disk_signs(w.disk)->coming);
	assert_true(lun_signs_tell_restart(disk_signs(w.disk), 1, since));
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	world_deinit(&w);
}

static bool
answer_ready_lost(struct fake *f, struct command *c)
{
	if (c->cdb[0] != TEST_UNIT_READY)
		return false;
	c->result = LUN_ELOST;
	return true;
}

/* What it says first is told once, and gets lost: with the nexus, or alone. */
static void
lose_what_is_told(bool nobody_listened, bool alone)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_cached(&w, true);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	lun_time since = w.fake.timers.now;
	lose_nexus(&w, "lost");
	if (nobody_listened)
		disk_maybe_restarted(w.disk, since);
	w.fake.answer = answer_ready_lost;
	disk_probe(w.disk);
	pass(&w, TIME_MS);
	w.fake.answer = NULL;
	assert_true(disk_is_lost(w.disk));
	if (!alone)
		lose_nexus(&w, "lost again");
	disk_probe(w.disk);
	fake_run(&w.fake);
	assert_false(disk_is_lost(w.disk));
	assert_int_equal(lun_signs_tell_restart(disk_signs(w.disk), 1, since),
			 nobody_listened);
	assert_true(disk_signs(w.disk)->reset_at >= since);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0),
			 nobody_listened ? EIO : 0);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	world_deinit(&w);
}

static void
test_what_is_told_is_lost(void **state)
{
	for (int i = 0; i < 4; i++)
		lose_what_is_told(i & 1, i & 2);
}

/* A unit that does not answer was not asked what there is to tell. */
static void
test_silence_is_no_sign(void **state)
{
	struct world w;

	world_cached(&w, true);
	lose(&w, true, 0);
	w.fake.answer = answer_ready_lost;
	disk_probe(w.disk);
	pass(&w, TIME_MS);
	lose_nexus(&w, "lost");
	w.fake.answer = NULL;
	disk_probe(w.disk);
	fake_run(&w.fake);
	assert_int_equal(disk_signs(w.disk)->reset_at, 0);
	world_deinit(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_gone_after_a_loss),
		cmocka_unit_test(test_old_restart),
		cmocka_unit_test(test_flush_across_power_on),
		cmocka_unit_test(test_fua_across_power_on),
		cmocka_unit_test(test_fua_across_restarts),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_signs_of_one_without_writes),
		cmocka_unit_test(test_what_is_told_is_lost),
		cmocka_unit_test(test_silence_is_no_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
