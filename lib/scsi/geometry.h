/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a probe found at a LUN; and whether two finds are the same unit. */
#ifndef SCSI_GEOMETRY_H
#define SCSI_GEOMETRY_H

#include "scsi/inquiry.h"
#include "scsi/status.h"

enum { BLOCK_SIZE_MAX = 65536 };

struct geometry {
	enum lun_disk_state state;
	char text[400];			/* why it is not ready, "" */
	struct inquiry inquiry;
	char serial[256];
	struct designators designators;

	/* READY only */
	uint64_t blocks;
	uint32_t block_size, physical_block_size;
	struct block_limits limits;
	uint16_t rotation_rate;
	bool write_protected;
	bool dpo_fua;			/* FUA is honoured */
	bool cache_known;		/* write_cache was really said */
	bool write_cache;
	bool thin;
};

void geometry_deinit(struct geometry *g);	/* zeroed is fine */

/* *to gives up what it had and takes over what *from has, which is zeroed. */
void geometry_move(struct geometry *to, struct geometry *from);

/* Does a user of the unit see a difference? */
bool geometry_equal(const struct geometry *a, const struct geometry *b);

/*
 * Is this still the logical unit that it was? 0, or LUN_EIDENTITY with a
 * sentence. Both are READY. Names decide (VPD 0x83: for each kind that both
 * have, one must be in common), else the serial number. A unit may have grown;
 * whether it may have shrunk is for the caller to say (it may if the unit itself
 * told of a new size). One without any name must have kept its size.
 */
int geometry_same_unit(const struct geometry *was, const struct geometry *now,
		       bool may_shrink, struct lun_error *err);

#endif
