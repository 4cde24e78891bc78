/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The medium of a logical unit. See disk.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk.h"

struct disk {
	struct disk_config config;
	uint8_t *map;			/* thin: a bit for each granule */
};

static void
set_mapped(struct disk *d, uint64_t granule, bool mapped)
{
	uint8_t bit = (uint8_t)(1 << (granule & 7));

	if (mapped)
		d->map[granule / 8] |= bit;
	else
		d->map[granule / 8] &= (uint8_t)~bit;
}

static void
find_mapped(struct disk *d)
{
	const struct disk_config *c = &d->config;

	for (uint64_t at = 0; at < c->size; at += DISK_GRANULE) {
		uint64_t left = c->size - at;
		uint64_t len = left < DISK_GRANULE ? left : DISK_GRANULE;

		set_mapped(d, at / DISK_GRANULE,
			   c->ops->holds(c->user, at, len));
	}
}

int
disk_new(struct disk **out, const struct disk_config *config,
	 struct lun_error *err)
{
	uint64_t granules = config->size / DISK_GRANULE + 1;
	struct disk *d;

	if (config->size == 0 || config->size % config->block_size != 0)
		return lun_fail(err, LUN_EINVAL,
				"disk of %llu bytes: not blocks of %u",
				(unsigned long long)config->size,
				config->block_size);
	d = calloc(1, sizeof(*d));
	if (d && config->thin)
		d->map = calloc(1, granules / 8 + 1);
	if (!d || (config->thin && !d->map)) {
		disk_free(d);
		return lun_fail(err, LUN_ENOMEM, "disk: out of memory");
	}
	d->config = *config;
	if (d->map && d->config.ops && d->config.ops->holds)
		find_mapped(d);
	*out = d;
	return 0;
}

struct disk *
disk_free(struct disk *d)
{
	if (d)
		free(d->map);
	free(d);
	return NULL;
}

const struct disk_config *
disk_config(const struct disk *d)
{
	return &d->config;
}

uint64_t
disk_blocks(const struct disk *d)
{
	return d->config.size / d->config.block_size;
}

const uint8_t *
disk_at(const struct disk *d, uint64_t offset)
{
	assert(offset <= d->config.size);
	return d->config.bytes + offset;
}

static void
written(struct disk *d, uint64_t offset, uint64_t len)
{
	if (d->config.ops && d->config.ops->written)
		d->config.ops->written(d->config.user, offset, len);
	if (!d->map || len == 0)
		return;
	for (uint64_t g = offset / DISK_GRANULE;
	     g <= (offset + len - 1) / DISK_GRANULE; g++)
		set_mapped(d, g, true);
}

void
disk_write(struct disk *d, uint64_t offset, const void *p, size_t len)
{
	assert(len <= d->config.size && offset <= d->config.size - len);
	memcpy(d->config.bytes + offset, p, len);
	written(d, offset, len);
}

void
disk_fill(struct disk *d, uint64_t offset, const uint8_t *block,
	  uint64_t blocks)
{
	uint32_t bs = d->config.block_size;

	assert(offset <= d->config.size);
	assert(blocks <= (d->config.size - offset) / bs);
	for (uint64_t i = 0; i < blocks; i++)
		memcpy(d->config.bytes + offset + i * bs, block, bs);
	written(d, offset, blocks * bs);
}

/* Only whole granules lose their space; what is beside them is zeroed. */
void
disk_unmap(struct disk *d, uint64_t offset, uint64_t len)
{
	assert(len <= d->config.size && offset <= d->config.size - len);
	if (d->config.ops && d->config.ops->discard)
		d->config.ops->discard(d->config.user, offset, len);
	else
		memset(d->config.bytes + offset, 0, len);
	if (!d->map)
		return;
	for (uint64_t g = (offset + DISK_GRANULE - 1) / DISK_GRANULE;
	     (g + 1) * DISK_GRANULE <= offset + len ||
	     (g * DISK_GRANULE < offset + len &&
	      offset + len == d->config.size); g++)
		set_mapped(d, g, false);
}

int
disk_flush(struct disk *d)
{
	if (d->config.ops && d->config.ops->flush)
		return d->config.ops->flush(d->config.user);
	return 0;
}

static bool
is_mapped(const struct disk *d, uint64_t granule)
{
	return !d->map || (d->map[granule / 8] >> (granule & 7) & 1);
}

uint64_t
disk_extent(const struct disk *d, uint64_t offset, bool *mapped)
{
	uint64_t g = offset / DISK_GRANULE, end;
	bool state = is_mapped(d, g);

	assert(offset < d->config.size);
	*mapped = state;
	if (!d->map)
		return d->config.size - offset;
	do
		end = ++g * DISK_GRANULE;
	while (end < d->config.size && is_mapped(d, g) == state);
	return (end < d->config.size ? end : d->config.size) - offset;
}
