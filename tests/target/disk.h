/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The medium of a logical unit: a run of bytes in memory. Whoever makes the
 * disk provides them (sparse anonymous memory, a mapped file, an array of a
 * simulation) with operations for what memory cannot do by itself; each may be
 * NULL.
 *
 * A thin disk keeps a bitmap of its granules: clear means unmapped, which
 * reads as zeros.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum { DISK_GRANULE = 65536 };		/* bytes; unit of thin provisioning */

struct disk_ops {
	int (*flush)(void *user);	/* all is on the medium: 0 or -1 */
	/* The range reads as zeros from now on; may give its space back. */
	void (*discard)(void *user, uint64_t offset, uint64_t len);
	/* Text that has to survive a restart, in place of what it was: 0 or
	 * -1. NULL: nothing does. */
	int (*save)(void *user, const char *text, size_t len);
	/* Thin: is there anything in this range at the start? NULL: it is as
	 * not. */
	bool (*holds)(void *user, uint64_t offset, uint64_t len);
	/* This range of bytes was written: for those who watch. */
	void (*written)(void *user, uint64_t offset, uint64_t len);
};

struct disk_config {
	uint8_t *bytes;			/* borrowed */
	uint64_t size;			/* a multiple of block_size */
	uint32_t block_size;
	bool read_only, write_cache, thin;
	bool no_fua;			/* nor DPO: not said in MODE SENSE */
	/* Which sessions are told that it was started, by 29h/00h. */
	enum { TELLS_EACH, TELLS_ONE, TELLS_NONE } tells;
	char serial[32];
	const char *saved;		/* what ops->save() kept, or NULL */
	const struct disk_ops *ops;	/* NULL: memset() does it */
	void *user;
};

struct disk;

int disk_new(struct disk **out, const struct disk_config *config,
	     struct lun_error *err);
struct disk *disk_free(struct disk *d);

const struct disk_config *disk_config(const struct disk *d);
uint64_t disk_blocks(const struct disk *d);

/* Ranges are bytes within the disk. */
const uint8_t *disk_at(const struct disk *d, uint64_t offset);
void disk_write(struct disk *d, uint64_t offset, const void *p, size_t len);
void disk_fill(struct disk *d, uint64_t offset, const uint8_t *block,
	       uint64_t blocks);
void disk_unmap(struct disk *d, uint64_t offset, uint64_t len);
int disk_flush(struct disk *d);

/* How many bytes from offset on have one state, and which. */
uint64_t disk_extent(const struct disk *d, uint64_t offset, bool *mapped);

#endif
