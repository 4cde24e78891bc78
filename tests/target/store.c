/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of disks live. See store.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store.h"

struct store {
	int fd;				/* -1: memory */
	uint8_t *bytes;
	uint64_t size;
};

enum { PAGE = 4096 };

static int
file_flush(void *user)
{
	struct store *s = user;

	return fdatasync(s->fd);
}

static void
file_discard(void *user, uint64_t offset, uint64_t len)
{
	struct store *s = user;

	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)offset, (off_t)len) < 0)
		memset(s->bytes + offset, 0, len);
}

/* Whole pages go back to the system, and come again as zeros. */
static void
memory_discard(void *user, uint64_t offset, uint64_t len)
{
	struct store *s = user;
	uint64_t end = offset + len;
	uint64_t first = (offset + PAGE - 1) / PAGE * PAGE;
	uint64_t last = end / PAGE * PAGE;

	if (first >= last) {
		memset(s->bytes + offset, 0, len);
		return;
	}
	memset(s->bytes + offset, 0, first - offset);
	memset(s->bytes + last, 0, end - last);
	if (madvise(s->bytes + first, last - first, MADV_DONTNEED) < 0)
		memset(s->bytes + first, 0, last - first);
}

static const struct disk_ops file_ops = { file_flush, file_discard };
static const struct disk_ops memory_ops = { NULL, memory_discard };

static int
fail(struct lun_error *err, const char *path, const char *what)
{
	return lun_fail(err, LUN_ESYS, "%s: %s: %s", path, what,
			strerror(errno));
}

static int
open_file(struct store *s, const char *path, bool read_only,
	  struct lun_error *err)
{
	struct stat st;

	s->fd = open(path, read_only ? O_RDONLY | O_CLOEXEC
				     : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return fail(err, path, "cannot open");
	if (s->size > (uint64_t)st.st_size &&
	    ftruncate(s->fd, (off_t)s->size) < 0)
		return fail(err, path, "cannot grow");
	if (s->size == 0)
		s->size = (uint64_t)st.st_size;
	if (s->size == 0)
		return lun_fail(err, LUN_EINVAL, "%s: empty, and no size=",
				path);
	return 0;
}

int
store_new(struct store **out, const char *path, uint64_t size,
	  struct disk_config *config, struct lun_error *err)
{
	bool writable = !path || !config->read_only;
	struct store *s = calloc(1, sizeof(*s));
	void *p;
	int r;

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "disk: out of memory");
	s->fd = -1;
	s->size = size;
	r = path ? open_file(s, path, config->read_only, err) : 0;
	if (r < 0) {
		store_free(s);
		return r;
	}
	p = mmap(NULL, s->size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		 path ? MAP_SHARED
		      : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 s->fd, 0);
	if (p == MAP_FAILED) {
		r = fail(err, path ? path : "memory", "cannot map");
		store_free(s);
		return r;
	}
	s->bytes = p;
	config->bytes = p;
	config->size = s->size;
	config->ops = path ? &file_ops : &memory_ops;
	config->user = s;
	config->mapped = path != NULL;
	*out = s;
	return 0;
}

struct store *
store_free(struct store *s)
{
	if (!s)
		return NULL;
	if (s->bytes)
		munmap(s->bytes, s->size);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}
