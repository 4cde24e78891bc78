/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "medium.h"

#include <string.h>

#include "disk.h"
#include "oracle.h"
#include "plant.h"

enum { BLOCKS_MAX = DISK_MAX / 512 };

static struct medium {
	uint32_t block_size, blocks;
	uint8_t cache[DISK_MAX], durable[DISK_MAX];
	bool dirty[BLOCKS_MAX];
	bool any_dirty;
} medium;

uint8_t *
medium_bytes(void)
{
	return medium.cache;
}

static void
written(void *user, uint64_t offset, uint64_t len)
{
	uint64_t first = offset / medium.block_size;
	uint64_t end = (offset + len + medium.block_size - 1) / medium.block_size;

	if (plant_strikes(PLANT_WRITE_DROPPED, 20)) {
		oracle_undo(medium.cache, offset, len);
		return;
	}
	oracle_landed(medium.cache, offset, len);
	plant_landed(medium.cache, offset, len);
	memset(medium.dirty + first, true, end - first);
	medium.any_dirty = true;
}

static int
flush(void *user)
{
	uint32_t bs = medium.block_size;

	if (!medium.any_dirty || plant_is(PLANT_FLUSH_DROPPED))
		return 0;
	for (uint32_t i = 0; i < medium.blocks; i++) {
		if (!medium.dirty[i])
			continue;
		medium.dirty[i] = false;
		memcpy(medium.durable + i * bs, medium.cache + i * bs, bs);
		oracle_flushed(i * bs, bs);
	}
	medium.any_dirty = false;
	return 0;
}

static const struct disk_ops ops = { .flush = flush, .written = written };

const struct disk_ops *
medium_ops(void)
{
	return &ops;
}

void
medium_crash(void)
{
	uint32_t bs = medium.block_size, lost = 0;

	for (uint32_t i = 0; i < medium.blocks; i++) {
		if (!medium.dirty[i])
			continue;
		medium.dirty[i] = false;
		if (draw(FROM_TARGET, 2)) {
			memcpy(medium.cache + i * bs, medium.durable + i * bs,
			       bs);
			lost++;
		} else {
			memcpy(medium.durable + i * bs, medium.cache + i * bs,
			       bs);
		}
		oracle_crashed(medium.cache, i * bs, bs);
	}
	medium.any_dirty = false;
	say("target: %u blocks that were not flushed are lost", lost);
}

void
medium_begin(const struct plan *plan)
{
	uint32_t size = plan->blocks * plan->block_size;

	medium.block_size = plan->block_size;
	medium.blocks = plan->blocks;
	memset(medium.dirty, false, sizeof(medium.dirty));
	medium.any_dirty = false;
	oracle_begin(medium.cache, size);
	memcpy(medium.durable, medium.cache, size);
}

