/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk makes of what its unit says: attentions, errors, other units. */
#include <errno.h>

#include "scsi-world.h"

static enum sense_key answer_key;
static uint16_t answer_asc;
static uint8_t answer_opcode;		/* only this one */
static unsigned answer_times;

static bool
answer_sense(struct fake *f, struct command *c)
{
	if (answer_times == 0 || c->cdb[0] != answer_opcode)
		return false;
	answer_times--;
	return fake_sense(c, answer_key, answer_asc);
}

static void
answer(struct world *w, uint8_t opcode, unsigned times, enum sense_key key,
       uint16_t asc)
{
	answer_opcode = opcode;
	answer_times = times;
	answer_key = key;
	answer_asc = asc;
	w->fake.answer = answer_sense;
}

/* The command comes again, and nothing else is sent. */
/* shows: 7143-11.14.5-02 */
static void
test_cleared_by_protocol_event(void **state)
{
	struct world w;
	char buffer[BS] = "x";

	world_init(&w, 1);
	world_start(&w, false);
	answer(&w, WRITE_10, 1, KEY_UNIT_ATTENTION, ASC(0x47, 0x7f));
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	assert_int_equal(w.fake.submitted, 2);
	assert_int_equal(w.fake.data[0], 'x');
	world_deinit(&w);
}

/* The sense data of the response is all that is needed. */
/* shows: 7143-10.2-01 */
static void
test_autosense(void **state)
{
	enum { REQUEST_SENSE = 0x03 };
	struct world w;
	struct req q;
	char buffer[BS];

	world_init(&w, 1);
	world_start(&w, false);
	answer(&w, READ_10, 1, KEY_MEDIUM_ERROR, ASC(0x11, 0));
	submit(&w, &q, LUN_READ, 5 * BS, buffer, BS);
	fake_run(&w.fake);
	assert_int_equal(q.io.error, EIO);
	assert_int_equal(q.io.code, LUN_EREFUSED);
	assert_string_equal(q.text, "block 5 + 1: READ(10): MEDIUM ERROR"
			    " 11/00, unrecovered read error");
	assert_int_equal(w.fake.opcodes[REQUEST_SENSE], 0);
	assert_int_equal(w.fake.submitted, 1);
	world_deinit(&w);
}

/* BUSY for ever: the request ends when patience does. */
static void
test_busy_is_bounded(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_init(&w, 1);
	world_start(&w, false);
	lun_time start = w.fake.timers.now;
	w.fake.faults[FAULT_BUSY] = 1000;
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), EBUSY);
	assert_true(w.fake.timers.now - start > (PATIENCE_S - 2) * TIME_S);
	assert_true(w.fake.timers.now - start < (PATIENCE_S + 1) * TIME_S);
	assert_true(w.fake.submitted < 100);
	w.fake.faults[FAULT_BUSY] = 0;
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	world_deinit(&w);
}

/* Each attempt takes longer than patience: its connection was recovered. */
static bool
answer_late(struct fake *f, struct command *c)
{
	if (answer_times == 0 || c->cdb[0] != answer_opcode)
		return false;
	answer_times--;
	f->timers.now += 2 * PATIENCE_S * TIME_S;
	c->status = SCSI_BUSY;
	return true;
}

/* The time of a recovery is no time of being busy. */
static void
test_busy_around_recoveries(void **state)
{
	struct world w;
	char buffer[BS];

	world_init(&w, 1);
	world_start(&w, false);
	answer_opcode = READ_10;
	answer_times = 4;
	w.fake.answer = answer_late;
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	assert_int_equal(answer_times, 0);
	assert_int_equal(w.fake.submitted, 5);
	world_deinit(&w);
}

/* A target that was restarted has all of its time to become ready. */
static void
test_patience_begins_anew_after_an_outage(void **state)
{
	enum { TIMES = 26 };		/* pauses of more than half of it */
	struct world w;
	struct req q;
	char buffer[BS] = "x";

	world_init(&w, 1);
	w.options.outage = TIME_NEVER;
	world_start(&w, false);
	answer(&w, WRITE_10, TIMES, KEY_NOT_READY, ASC(0x04, 0x01));
	submit(&w, &q, LUN_WRITE, 0, buffer, BS);
	while (answer_times > 0)
		assert_true(fake_advance(&w.fake));
	w.fake.faults[FAULT_LOST] = 1000;	/* when it is sent again */
	while (!disk_is_lost(w.disk))
		assert_true(fake_advance(&w.fake));
	lose_nexus(&w, "lost");
	fake_run(&w.fake);

	w.fake.timers.now += 2 * PATIENCE_S * TIME_S;
	w.fake.faults[FAULT_LOST] = 0;
	answer(&w, WRITE_10, TIMES, KEY_NOT_READY, ASC(0x04, 0x01));
	disk_probe(w.disk);
	fake_run(&w.fake);
	assert_int_equal(answer_times, 0);
	assert_int_equal(q.done, 1);
	assert_int_equal(q.io.error, 0);
	world_deinit(&w);
}

/* Attentions without end are no endless loop either. */
static void
test_attentions_are_bounded(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_init(&w, 1);
	world_start(&w, false);
	answer(&w, READ_10, UINT32_MAX, KEY_UNIT_ATTENTION, ASC(0x29, 0));
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), EIO);
	assert_true(w.fake.submitted < 100);
	world_deinit(&w);
}

static void
test_capacity_changed(void **state)
{
	static const uint64_t sizes[] = { BLOCKS + 10, BLOCKS - 10 };

	for (size_t i = 0; i < 2; i++) {
		struct world w;
		char buffer[BS] = { 0 };

		world_init(&w, 1);
		world_start(&w, false);
		w.fake.blocks = sizes[i];
		answer(&w, READ_10, 1, KEY_UNIT_ATTENTION, ASC(0x2a, 9));
		assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
		assert_int_equal(w.probed, 2);
		assert_int_equal(w.changed, 2);
		assert_int_equal(disk_info(w.disk)->size, sizes[i] * BS);
		assert_int_equal(disk_info(w.disk)->state, LUN_DISK_READY);
		world_deinit(&w);
	}
}

/* The unit says that it may be another one, and is: what is sent again waits
 * for the probe and is given up then, and so is all that comes later. */
static void
test_another_unit(void **state)
{
	for (uint64_t offset = 0; offset < 2; offset++) {
		struct world w;
		struct req q;
		char buffer[BS] = "x";

		world_init(&w, 1);
		world_start(&w, false);
		w.fake.name = "naa.6001405000000000000000000000000f";
		answer(&w, offset ? READ_10 : WRITE_10, 1, KEY_UNIT_ATTENTION,
		       ASC(0x28, 0));
		submit(&w, &q, LUN_WRITE, offset, buffer, BS);
		fake_run(&w.fake);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.code, LUN_EIDENTITY);
		assert_int_equal(q.io.error, ESTALE);
		assert_non_null(strstr(q.text, "another logical unit"));
		for (size_t i = 0; i < w.fake.window_len; i++)
			assert_int_equal(w.fake.data[i], 0);
		size_t submitted = w.fake.submitted;
		assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), ESTALE);
		assert_int_equal(w.fake.submitted, submitted);
		world_deinit(&w);
	}
}

static bool
answer_far_reads(struct fake *f, struct command *c)
{
	if (answer_times == 0 || c->cdb[0] != READ_10 || get32(c->cdb + 2) < 99)
		return false;
	answer_times--;
	return fake_sense(c, KEY_UNIT_ATTENTION, ASC(0x28, 0));
}

/* The same while a block is between its read and its write: once the news is
 * here, no write goes out. */
static void
test_another_unit_meanwhile(void **state)
{
	for (unsigned seed = 0; seed < 50; seed++) {
		struct world w;
		struct req part, read;
		char a[10] = "a", b[BS];

		world_init(&w, seed);
		world_start(&w, false);
		w.fake.name = "naa.6001405000000000000000000000000f";
		w.fake.answer = answer_far_reads;
		answer_times = 1;
		submit(&w, &read, LUN_READ, 100 * BS, b, BS);
		submit(&w, &part, LUN_WRITE, 7, a, sizeof(a));
		while (w.fake.opcodes[INQUIRY] == 0)
			assert_true(fake_advance(&w.fake));
		size_t writes = w.fake.opcodes[WRITE_10];
		fake_run(&w.fake);
		assert_int_equal(w.fake.opcodes[WRITE_10], writes);
		assert_int_equal(read.io.code, LUN_EIDENTITY);
		assert_int_equal(part.done, 1);
		assert_int_equal(part.io.code, writes ? 0 : LUN_EIDENTITY);
		world_deinit(&w);
	}
}

/* What the unit is now can't be found out: fail, until the owner looks again
 * when the nexus is back. */
static void
test_probe_without_answer(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS] = "x";

	world_init(&w, 1);
	world_start(&w, false);
	answer(&w, WRITE_10, 1, KEY_UNIT_ATTENTION, ASC(0x28, 0));
	submit(&w, &q, LUN_WRITE, 0, buffer, BS);
	while (w.fake.opcodes[INQUIRY] == 0)
		assert_true(fake_advance(&w.fake));
	w.fake.faults[FAULT_LOST] = 1000;
	pass(&w, TIME_S / 2);
	assert_int_equal(q.done, 1);
	assert_int_equal(q.io.code, LUN_ELOST);
	assert_int_equal(w.fake.data[0], 0);
	lose_nexus(&w, "lost");
	w.fake.faults[FAULT_LOST] = 0;
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), EIO);
	disk_probe(w.disk);
	fake_run(&w.fake);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), 0);
	assert_int_equal(w.fake.data[0], 'x');
	assert_int_equal(w.probed, 3);
	world_deinit(&w);
}

static void
test_inventory_changed(void **state)
{
	struct world w;
	char buffer[BS];

	world_init(&w, 1);
	world_start(&w, false);
	answer(&w, READ_10, 1, KEY_UNIT_ATTENTION, ASC(0x3f, 0x0e));
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	assert_int_equal(w.inventory, 1);
	assert_int_equal(w.probed, 1);
	world_deinit(&w);
}

static bool
answer_deferred(struct fake *f, struct command *c)
{
	if (answer_times == 0)
		return false;
	answer_times--;
	fake_sense(c, KEY_MEDIUM_ERROR, ASC(0x0c, 0x02));
	c->sense[0] = 0x71;
	return true;
}

/* A write that had been done failed later: a flush must say so, once. Also if
 * it is the flush itself that hears of it. */
static void
test_lost_write(void **state)
{
	for (int by_flush = 0; by_flush < 2; by_flush++) {
		struct world w;
		char buffer[BS] = { 0 };

		world_init(&w, 1);
		w.fake.wce = true;
		world_start(&w, false);
		w.fake.answer = answer_deferred;
		answer_times = 1;
		if (!by_flush)
			assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
		assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), EIO);
		assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
		world_deinit(&w);
	}
}

/* No SYNCHRONIZE CACHE: all is well only if there is no write cache. */
static void
test_no_synchronize_cache(void **state)
{
	for (int wce = 0; wce < 2; wce++) {
		struct world w;

		world_init(&w, 1);
		w.fake.wce = wce;
		world_start(&w, false);
		answer(&w, SYNCHRONIZE_CACHE_10, UINT32_MAX,
		       KEY_ILLEGAL_REQUEST, ASC(0x20, 0));
		for (int i = 0; i < 3; i++)
			assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0),
					 wce ? EOPNOTSUPP : 0);
		/* and the unit without is not asked again */
		assert_int_equal(w.fake.submitted, wce ? 3 : 1);
		world_deinit(&w);
	}
}

static void
test_not_ready(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_init(&w, 1);
	answer(&w, TEST_UNIT_READY, UINT32_MAX, KEY_NOT_READY, ASC(0x3a, 0));
	world_start(&w, false);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_NOT_READY);
	assert_non_null(strstr(disk_info(w.disk)->text, "medium not present"));
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), ENOMEDIUM);
	w.fake.answer = NULL;
	w.fake.timers.now += 2 * TIME_S;
	/* it is looked for again, so that the next one finds it */
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), ENOMEDIUM);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	world_deinit(&w);
}

static void
test_gone(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS] = { 0 };

	world_init(&w, 1);
	world_start(&w, false);
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	disk_gone(w.disk, "the target has taken it away");
	assert_int_equal(q.done, 0);
	fake_run(&w.fake);
	assert_int_equal(q.done, 1);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), ESTALE);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
	world_deinit(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cleared_by_protocol_event),
		cmocka_unit_test(test_autosense),
		cmocka_unit_test(test_busy_is_bounded),
		cmocka_unit_test(test_busy_around_recoveries),
		cmocka_unit_test(test_patience_begins_anew_after_an_outage),
		cmocka_unit_test(test_attentions_are_bounded),
		cmocka_unit_test(test_capacity_changed),
		cmocka_unit_test(test_another_unit),
		cmocka_unit_test(test_another_unit_meanwhile),
		cmocka_unit_test(test_probe_without_answer),
		cmocka_unit_test(test_inventory_changed),
		cmocka_unit_test(test_lost_write),
		cmocka_unit_test(test_no_synchronize_cache),
		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
