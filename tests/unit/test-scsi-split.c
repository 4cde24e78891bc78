/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of a range: every small one, completely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scsi/split.h"

/* The pieces are the range, in order and without a gap, within the limits. */
static void
check(const struct limits *l, uint64_t offset, size_t length, bool read)
{
	size_t done = 0, pieces = 0;

	while (done < length) {
		struct piece_range r = split_next(l, offset, length, done,
						  read);
		uint64_t bytes = (uint64_t)r.blocks * l->block_size;

		assert_true(r.length > 0 && r.length <= length - done);
		assert_true(r.blocks >= 1 && r.blocks <= l->max_blocks);
		assert_true(r.lba * l->block_size + r.skip == offset + done);
		assert_true(r.skip < l->block_size);
		assert_true(r.skip + r.length <= bytes);
		/* no block that is not touched */
		assert_true(r.skip + r.length > bytes - l->block_size);
		assert_int_equal(r.partial, r.length != bytes);
		if (r.partial && !read)
			assert_int_equal(r.blocks, 1);
		if (r.partial)
			assert_true(r.blocks == 1 || bytes <= BOUNCE_MAX);
		done += r.length;
		pieces++;
	}
	/* at most an edge at each end more than it takes at all */
	size_t least = length / ((size_t)l->max_blocks * l->block_size);
	assert_true(pieces <= least + 3);
}

static void
test_all_small(void **state)
{
	for (uint32_t size = 1; size <= 5; size++)
		for (uint32_t max = 1; max <= 4; max++) {
			struct limits l = { size, max };

			for (uint64_t offset = 0; offset < 2 * size; offset++)
				for (size_t len = 1; len < 7 * size; len++) {
					check(&l, offset, len, false);
					check(&l, offset, len, true);
				}
		}
}

static void
test_large(void **state)
{
	static const uint32_t sizes[] = { 512, 520, 4096, 8192, 65536 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct limits l = limits_of(sizes[i], 0, 1 << 20);
		uint64_t far = (UINT64_C(1) << 42) / sizes[i] * sizes[i];

		for (int d = -2; d <= 2; d++)
			for (int e = -2; e <= 2; e++) {
				check(&l, far + d, 65536 + e, true);
				check(&l, far + d, 3000000 + e, true);
				check(&l, far + d, 3000000 + e, false);
			}
	}
}

static void
test_limits(void **state)
{
	assert_int_equal(limits_of(512, 0, 1 << 20).max_blocks, 2048);
	assert_int_equal(limits_of(512, 100, 1 << 20).max_blocks, 100);
	assert_int_equal(limits_of(512, 0xffffffff, 1 << 20).max_blocks, 2048);
	assert_int_equal(limits_of(65536, 0, 4096).max_blocks, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_small),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
