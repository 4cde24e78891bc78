/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests in flight and their memory. Each has room for the largest message
 * that the kernel sends. A message is read into the memory of a free request,
 * which then carries it: the data of a write goes to the socket from where it
 * was received, the data of a read comes from the socket to where it is
 * replied from (page-aligned). Nothing is copied.
 *
 * Memory comes in blocks, each one mapping, so pages that were never used cost
 * nothing; the request that came back last is taken first. One block is enough
 * as long as I/O flows. While the target is away each thread that asks for
 * something waits with a request, and the kernel hands messages out in order:
 * to get at those that need no I/O (stat, status.json, unmounting, interrupts)
 * all before them have to be taken in. So there may be many more. When even
 * those are taken, or there is no memory, nobody reads /dev/fuse, and the
 * kernel queues.
 */
#ifndef FUSE_REQUESTS_H
#define FUSE_REQUESTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lun.h"
#include "fuse/fuse.h"

enum {
	BLOCK_REQUESTS = 160,		/* more than max_background, see fs.c */
	BLOCKS_MAX = 100,
};

struct request {
	struct lun_io io;
	fuse_req_t req;
	struct intake *intake;
	struct node *node;
	struct lun_disk *disk;
	struct flush_part *part;	/* of a flush: this one's */
	char *mem;
	/* Both are also looked at by the thread that reads an interrupt. */
	atomic_bool in_flight;
	atomic_uint interrupted; /* ticks since; 0: nobody wants it to end */
	struct request *next;	/* free ones */
};

struct requests_block {
	char *mem;
	struct request all[BLOCK_REQUESTS];
};

struct requests {
	struct requests_block *blocks[BLOCKS_MAX];
	size_t n_blocks;
	struct request *free;
	unsigned in_flight;
	size_t mem_size;	/* of each request */
};

int requests_new(struct requests **out, struct lun_error *err);
struct requests *requests_free(struct requests *rs);

/* Calls fn for all that are in flight. */
void requests_each(struct requests *rs,
		   void (*fn)(struct request *r, void *user), void *user);

/* NULL: all are taken, and there is no memory for more. */
struct request *requests_get(struct requests *rs);
void requests_put(struct requests *rs, struct request *r);

/* Gives the pages of free ones back to the system. */
void requests_trim(struct requests *rs);

#endif
