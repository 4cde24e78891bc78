/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A range of bytes as pieces, each for one command. Most are whole blocks that
 * move straight between the unit and the caller's buffer. The blocks at the
 * edges of an unaligned range go through a buffer of their own, one block
 * each; a short unaligned read does so as a whole, which saves commands.
 *
 *	offset      |<---------- length ---------->|
 *	blocks  |-------|-------|-------|-------|-------|
 *	pieces  | edge  |  whole blocks, <= max | edge  |
 */
#ifndef SCSI_SPLIT_H
#define SCSI_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOUNCE_MAX = 64 * 1024 };	/* of an unaligned read in one piece */

struct limits {
	uint32_t block_size;
	uint32_t max_blocks;		/* in one command; at least 1 */
};

struct piece_range {
	uint64_t lba;
	uint32_t blocks;
	uint32_t skip;			/* bytes of the first block before it */
	size_t length;			/* bytes of the range */
	bool partial;			/* not all of the bytes of the blocks */
};

/* max_transfer: what the unit takes, in blocks, 0: any; cap: our own, bytes. */
struct limits limits_of(uint32_t block_size, uint32_t max_transfer,
			uint32_t cap);

/*
 * The piece of [offset, offset + length) that begins at offset + done. Pieces
 * are taken in order, done grows by the length of each.
 */
struct piece_range split_next(const struct limits *l, uint64_t offset,
			      size_t length, size_t done, bool read);

#endif
