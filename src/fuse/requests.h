/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests in flight and their memory. Each has room for the largest message
 * that the kernel sends. A message is read into the memory of a free request,
 * which then carries it: the data of a write goes to the socket from where it
 * was received, the data of a read comes from the socket to where it is
 * replied from (page-aligned). Nothing is copied.
 *
 * All memory is one mapping, so pages that were never used cost nothing; the
 * request that came back last is taken first. When there is none left nobody
 * reads /dev/fuse, and the kernel queues.
 */
#ifndef FUSE_REQUESTS_H
#define FUSE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lun.h"
#include "fuse/fuse.h"

enum { REQUESTS_MAX = 160 };	/* more than max_background, see fs.c */

struct request {
	struct lun_io io;
	fuse_req_t req;
	struct fs *fs;
	struct node *node;
	char *mem;
	bool in_flight;
	unsigned interrupted;	/* ticks since; 0: nobody wants it to end */
	struct request *next;	/* free ones */
};

struct requests {
	struct request all[REQUESTS_MAX];
	struct request *free;
	unsigned in_flight;
	size_t mem_size;	/* of each */
	char *mem;
};

int requests_new(struct requests **out, struct lun_error *err);
struct requests *requests_free(struct requests *rs);

/* NULL: all are taken. */
struct request *requests_get(struct requests *rs);
void requests_put(struct requests *rs, struct request *r);

/* Gives the pages of free ones back to the system. */
void requests_trim(struct requests *rs);

#endif
