/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See scsi/split.h: the arithmetic of block boundaries. */
#include "scsi/split.h"

#include <assert.h>

struct limits
limits_of(uint32_t block_size, uint32_t max_transfer, uint32_t cap)
{
	uint32_t blocks = cap / block_size;

	if (max_transfer > 0 && blocks > max_transfer)
		blocks = max_transfer;
	return (struct limits){
		.block_size = block_size, .max_blocks = blocks > 0 ? blocks : 1,
	};
}

/* A read of few blocks goes through a buffer as a whole. */
static bool
fits_bounce(const struct limits *l, uint64_t blocks)
{
	return blocks == 1 || (blocks <= l->max_blocks &&
			       blocks * l->block_size <= BOUNCE_MAX);
}

struct piece_range
split_next(const struct limits *l, uint64_t offset, size_t length, size_t done,
	   bool read)
{
	uint64_t at = offset + done;
	size_t left = length - done;
	uint32_t size = l->block_size;
	struct piece_range r = {
		.lba = at / size,
		.skip = (uint32_t)(at % size),
	};

	assert(done < length);
	uint64_t whole = left / size;
	bool ragged = r.skip != 0 || left % size != 0;
	uint64_t touched = (r.skip + (uint64_t)left - 1) / size + 1;

	if (ragged && read && done == 0 && fits_bounce(l, touched)) {
		r.blocks = (uint32_t)touched;
		r.length = left;
		r.partial = true;
	} else if (r.skip != 0 || whole == 0) {
		r.blocks = 1;
		r.length = size - r.skip < left ? size - r.skip : left;
		r.partial = true;
	} else {
		r.blocks = whole < l->max_blocks ? (uint32_t)whole :
						   l->max_blocks;
		r.length = (size_t)r.blocks * size;
	}
	return r;
}
