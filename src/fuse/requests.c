/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight and their memory. */
#include "fuse/requests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"

/* libfuse reads with 256 pages of payload and a header of 4096 bytes. */
enum { MESSAGE_PAGES = 256, MESSAGE_HEADER = 4096 };

static bool
add_block(struct requests *rs)
{
	struct requests_block *b = calloc(1, sizeof(*b));

	if (!b)
		return false;
	b->mem = mmap(NULL, BLOCK_REQUESTS * rs->mem_size,
		      PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->mem == MAP_FAILED) {
		free(b);
		return false;
	}
	for (size_t i = BLOCK_REQUESTS; i-- > 0;) {
		b->all[i].mem = b->mem + i * rs->mem_size;
		b->all[i].next = rs->free;
		rs->free = &b->all[i];
	}
	rs->blocks[rs->n_blocks++] = b;
	return true;
}

int
requests_new(struct requests **out, struct lun_error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct requests *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return fail(err, LUN_ENOMEM, "requests: out of memory");
	rs->mem_size = MESSAGE_PAGES * page +
		       (MESSAGE_HEADER + page - 1) / page * page;
	if (!add_block(rs)) {
		requests_free(rs);
		return fail(err, LUN_ENOMEM, "requests: %s", strerror(errno));
	}
	*out = rs;
	return 0;
}

struct requests *
requests_free(struct requests *rs)
{
	if (!rs)
		return NULL;
	assert(rs->in_flight == 0);
	for (size_t i = 0; i < rs->n_blocks; i++) {
		munmap(rs->blocks[i]->mem, BLOCK_REQUESTS * rs->mem_size);
		free(rs->blocks[i]);
	}
	free(rs);
	return NULL;
}

struct request *
requests_get(struct requests *rs)
{
	if (!rs->free && (rs->n_blocks == BLOCKS_MAX || !add_block(rs)))
		return NULL;

	struct request *r = rs->free;

	rs->free = r->next;
	return r;
}

void
requests_put(struct requests *rs, struct request *r)
{
	assert(!r->in_flight);
	r->next = rs->free;
	rs->free = r;
}

void
requests_each(struct requests *rs,
	      void (*fn)(struct request *r, void *user), void *user)
{
	for (size_t i = 0; i < rs->n_blocks; i++)
		for (size_t k = 0; k < BLOCK_REQUESTS; k++)
			if (rs->blocks[i]->all[k].in_flight)
				fn(&rs->blocks[i]->all[k], user);
}

void
requests_trim(struct requests *rs)
{
	for (struct request *r = rs->free; r; r = r->next)
		madvise(r->mem, rs->mem_size, MADV_DONTNEED);
}
