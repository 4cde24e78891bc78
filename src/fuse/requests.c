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

int
requests_new(struct requests **out, struct lun_error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct requests *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return fail(err, LUN_ENOMEM, "requests: out of memory");
	rs->mem_size = MESSAGE_PAGES * page +
		       (MESSAGE_HEADER + page - 1) / page * page;
	rs->mem = mmap(NULL, REQUESTS_MAX * rs->mem_size,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rs->mem == MAP_FAILED) {
		rs->mem = NULL;
		requests_free(rs);
		return fail(err, LUN_ENOMEM, "requests: %s", strerror(errno));
	}
	for (size_t i = REQUESTS_MAX; i-- > 0;) {
		rs->all[i].mem = rs->mem + i * rs->mem_size;
		rs->all[i].next = rs->free;
		rs->free = &rs->all[i];
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
	if (rs->mem)
		munmap(rs->mem, REQUESTS_MAX * rs->mem_size);
	free(rs);
	return NULL;
}

struct request *
requests_get(struct requests *rs)
{
	struct request *r = rs->free;

	if (r)
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
requests_trim(struct requests *rs)
{
	for (struct request *r = rs->free; r; r = r->next)
		madvise(r->mem, rs->mem_size, MADV_DONTNEED);
}
