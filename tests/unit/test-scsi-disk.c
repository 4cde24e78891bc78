/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk promises to those who read and write, promise by promise. */
#include <errno.h>

#include "scsi-world.h"

/* An aligned request of one command: the caller's own buffer, no copy. */
static void
test_fast_path(void **state)
{
	struct world w;
	struct req q;
	char buffer[8 * BS];

	world_init(&w, 1);
	world_start(&w, false);
	submit(&w, &q, LUN_READ, 3 * BS, buffer, sizeof(buffer));
	assert_int_equal(w.fake.queued, 1);
	struct command *c = list_first(&w.fake.queue, struct command, link);
	assert_ptr_equal(c->in, buffer);
	assert_int_equal(c->in_len, sizeof(buffer));
	assert_int_equal(c->attr, ATTR_SIMPLE);
	fake_run(&w.fake);
	assert_int_equal(q.done, 1);
	assert_int_equal(q.io.code, 0);
	assert_int_equal(w.fake.submitted, 1);
	world_deinit(&w);
}

/* Several commands of a large request are out at the same time, and of many
 * requests never more than the limit. */
static void
test_pipeline(void **state)
{
	enum { LARGE = 1024 * BS, MANY = 1000 };
	struct world w;
	struct req q, *many = calloc(MANY, sizeof(*many));
	char *buffer = malloc(LARGE);

	assert_non_null(buffer);
	assert_non_null(many);
	world_init(&w, 1);
	w.fake.max_transfer = 8;
	world_start(&w, false);
	submit(&w, &q, LUN_READ, 0, buffer, LARGE);
	assert_true(w.fake.queued > 4 && w.fake.queued <= 32);
	fake_run(&w.fake);
	assert_int_equal(q.io.code, 0);
	assert_int_equal(w.fake.submitted, 128);
	for (int i = 0; i < MANY; i++)
		submit(&w, &many[i], LUN_READ, 0, buffer, BS);
	assert_int_equal(w.fake.queued, 256);
	fake_run(&w.fake);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].done, 1);
	world_deinit(&w);
	free(buffer);
	free(many);
}

static void
test_ranges(void **state)
{
	static const struct {
		enum lun_op op;
		uint64_t offset;
		size_t length;
		int error;
	} rows[] = {
		{ LUN_READ, BLOCKS * BS, 0, 0 },
		{ LUN_READ, BLOCKS * BS - 1, 1, 0 },
		{ LUN_READ, BLOCKS * BS - 1, 2, EINVAL },
		{ LUN_READ, BLOCKS * BS, 1, EINVAL },
		{ LUN_READ, UINT64_MAX, 1, EINVAL },
		{ LUN_READ, 5, 0, 0 },
		{ LUN_WRITE, BLOCKS * BS - 1, 1, 0 },
		{ LUN_WRITE, BLOCKS * BS - 1, 2, ENOSPC },
		{ LUN_WRITE, UINT64_MAX - 1, 2, ENOSPC },
		{ LUN_WRITE, 5, 0, 0 },
		{ LUN_FLUSH, 0, 0, 0 },
	};
	struct world w;
	char buffer[16] = { 0 };

	world_init(&w, 1);
	world_start(&w, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(run(&w, rows[i].op, rows[i].offset, buffer,
				     rows[i].length), rows[i].error);
	world_deinit(&w);
}

/*
 * A write of whole blocks and one of a part of a block that it covers, both in
 * flight, in all orders of their commands: one after the other, never the old
 * bytes around the part.
 */
static void
test_overlapping_writes(void **state)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		struct world w;
		struct req whole, part;
		char a[3 * BS], b[10];
		bool part_first = seed & 1;

		memset(a, 'a', sizeof(a));
		memset(b, 'b', sizeof(b));
		world_init(&w, seed);
		world_start(&w, false);
		if (part_first)
			submit(&w, &part, LUN_WRITE, BS + 100, b, sizeof(b));
		submit(&w, &whole, LUN_WRITE, 0, a, sizeof(a));
		if (!part_first)
			submit(&w, &part, LUN_WRITE, BS + 100, b, sizeof(b));
		fake_run(&w.fake);
		assert_int_equal(whole.done + part.done, 2);
		if (!part_first)
			memcpy(a + BS + 100, b, sizeof(b));
		assert_memory_equal(w.fake.data, a, sizeof(a));
		world_deinit(&w);
	}
}

/* Chains of writes to parts of the same block. */
static void
test_many_parts_of_a_block(void **state)
{
	enum { N = 128 };

	for (unsigned seed = 0; seed < 20; seed++) {
		struct world w;
		struct req q[N];
		char bytes[N], expected[4 * N];

		world_init(&w, seed);
		world_start(&w, false);
		for (int i = 0; i < N; i++) {
			bytes[i] = (char)(i + 1);
			memset(expected + 4 * i, i + 1, 4);
		}
		for (int i = 0; i < 4 * N; i++)
			submit(&w, &q[i % N], LUN_WRITE,
			       (uint64_t)(i % N * 4 + i / N), &bytes[i % N], 1),
			fake_run(&w.fake);
		assert_memory_equal(w.fake.data, expected, sizeof(expected));
		memset(w.fake.data, 0, BS);
		for (int i = 0; i < N; i++)
			submit(&w, &q[i], LUN_WRITE, (uint64_t)i * 4,
			       expected + 4 * i, 4);
		fake_run(&w.fake);
		assert_memory_equal(w.fake.data, expected, sizeof(expected));
		world_deinit(&w);
	}
}

/* LUN_FUA: by the bit, by a flush behind it, or for free. */
static void
test_fua(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct world w;
		struct req q;
		char buffer[BS] = "x";

		world_init(&w, 1);
		w.fake.wce = i & 1;
		w.fake.dpo_fua = i & 2;
		world_start(&w, false);
		q = (struct req){ .io = {
			.op = LUN_WRITE, .flags = LUN_FUA, .buffer = buffer,
			.length = BS, .done = req_done, .user = &q,
		} };
		disk_submit(w.disk, &q.io);
		fake_run(&w.fake);
		assert_int_equal(q.io.code, 0);
		assert_int_equal(w.fake.durable[0], 'x');
		assert_int_equal(w.fake.opcodes[SYNCHRONIZE_CACHE_10], i == 1);
		world_deinit(&w);
	}
}

static void
test_read_only(void **state)
{
	struct world w;
	char buffer[BS] = { 0 };

	world_init(&w, 1);
	world_start(&w, true);
	assert_true(disk_info(w.disk)->read_only);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), EROFS);
	assert_int_equal(run(&w, LUN_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(w.fake.submitted, 1);
	world_deinit(&w);

	world_init(&w, 1);
	w.fake.write_protect = true;
	world_start(&w, false);
	assert_int_equal(run(&w, LUN_WRITE, 0, buffer, BS), EROFS);
	world_deinit(&w);
}

static unsigned guard_done;

static void
guard_command_done(struct command *c)
{
	guard_done++;
	assert_int_equal(c->result, LUN_EREFUSED);
}

/* Below everything: a write does not reach the nexus of a read-only unit. */
static void
test_guard(void **state)
{
	struct fake f;
	struct unit u;
	struct command c = { .done = guard_command_done };

	fake_init(&f, 1, BLOCKS, BS, 0, 0);
	assert_int_equal(unit_init(&u, &f.nexus, 0, true), 0);
	cdb_write(&c, 0, 1, false);
	guard_done = 0;
	unit_submit(&u, &c);
	unit_cancel(&u, &c);
	assert_int_equal(guard_done, 0);
	fake_run(&f);
	assert_int_equal(guard_done, 1);
	assert_int_equal(f.submitted, 0);
	unit_deinit(&u);
	fake_deinit(&f);
}

/* Cancelled after any number of steps: done once, as cancelled or complete,
 * and never half a block. */
static void
test_cancel_anywhere(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++)
		for (unsigned steps = 0; steps < 40; steps++) {
			struct world w;
			struct req q;
			char buffer[10 * BS];

			memset(buffer, 'x', sizeof(buffer));
			world_init(&w, seed);
			w.fake.max_transfer = 2;
			world_start(&w, false);
			w.fake.faults[FAULT_BUSY] = seed < 10 ? 300 : 0;
			submit(&w, &q, LUN_WRITE, 100, buffer, sizeof(buffer));
			for (unsigned i = 0; i < steps && q.done == 0; i++)
				fake_advance(&w.fake);
			if (q.done == 0)
				disk_cancel(w.disk, &q.io);
			if (q.done == 0)
				disk_cancel(w.disk, &q.io);
			fake_run(&w.fake);
			assert_int_equal(q.done, 1);
			if (q.io.code != 0)
				assert_int_equal(q.io.error, ECANCELED);
			else
				assert_memory_equal(w.fake.data + 100, buffer,
						    sizeof(buffer));
			assert_int_equal(w.fake.data[99], 0);
			world_deinit(&w);
		}
}

/* Closed after any number of steps: all is done once the commands have ended,
 * without any timer. */
static void
test_close_anywhere(void **state)
{
	enum { N = 12 };

	for (unsigned steps = 0; steps < 100; steps++) {
		struct world w;
		struct req q[N];
		char buffer[8 * BS] = { 0 };

		world_init(&w, steps);
		w.fake.max_transfer = 2;
		world_start(&w, false);
		w.fake.faults[FAULT_BUSY] = 300;
		w.fake.faults[FAULT_ATTENTION] = 50;
		for (uint64_t i = 0; i < N; i++)
			submit(&w, &q[i], i % 3 ? LUN_WRITE : LUN_READ,
			       i * 1000, buffer, sizeof(buffer));
		for (unsigned i = 0; i < steps; i++)
			fake_advance(&w.fake);
		disk_close(w.disk);
		while (w.fake.queued > 0)
			fake_step(&w.fake);
		for (int i = 0; i < N; i++)
			assert_int_equal(q[i].done, 1);
		fake_run(&w.fake);	/* a probe that was on its way */
		world_deinit(&w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_path),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_overlapping_writes),
		cmocka_unit_test(test_many_parts_of_a_block),
		cmocka_unit_test(test_fua),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_cancel_anywhere),
		cmocka_unit_test(test_close_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
