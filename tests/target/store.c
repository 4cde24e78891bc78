/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bytes of disks live. See store.h.
 *
 * A volatile cache is a private mapping of the file: what was written is seen
 * at once, and reaches the file when it is flushed, page by page as they were
 * written. A process that is killed takes the rest with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store.h"

struct store {
	int fd;				/* -1: memory */
	char *path;
	uint8_t *bytes;
	uint64_t size;
	uint8_t *dirty;			/* volatile: a bit for each page */
	char *saved;
};

enum { PAGE = 4096, SAVED_MAX = 1 << 20 };

/* ----------------------------------------------------------- operations -- */

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

static bool
file_holds(void *user, uint64_t offset, uint64_t len)
{
	struct store *s = user;
	off_t data = lseek(s->fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno != ENXIO;	/* a filesystem that cannot tell */
	return (uint64_t)data < offset + len;
}

static void
cache_written(void *user, uint64_t offset, uint64_t len)
{
	struct store *s = user;

	for (uint64_t p = offset / PAGE; len && p <= (offset + len - 1) / PAGE;
	     p++)
		s->dirty[p / 8] |= (uint8_t)(1 << p % 8);
}

static void
cache_discard(void *user, uint64_t offset, uint64_t len)
{
	struct store *s = user;

	memset(s->bytes + offset, 0, len);
	cache_written(s, offset, len);
}

static int
cache_flush(void *user)
{
	struct store *s = user;

	for (uint64_t at = 0; at < s->size; at += PAGE) {
		uint64_t p = at / PAGE, left = s->size - at;
		size_t len = left < PAGE ? left : PAGE;

		if (!(s->dirty[p / 8] >> p % 8 & 1))
			continue;
		if (pwrite(s->fd, s->bytes + at, len, (off_t)at) !=
		    (ssize_t)len)
			return -1;
		s->dirty[p / 8] &= (uint8_t)~(1 << p % 8);
	}
	return fdatasync(s->fd);
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

/* In PATH.state, which is always the old one or the new one. */
static int
file_save(void *user, const char *text, size_t len)
{
	struct store *s = user;
	char path[PATH_MAX], part[PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%.4000s.state", s->path);
	snprintf(part, sizeof(part), "%.4000s.state.new", s->path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	r = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0 ? 0 : -1;
	close(fd);
	return r == 0 ? rename(part, path) : r;
}

static const struct disk_ops memory_ops = { .discard = memory_discard };
static const struct disk_ops file_ops = {
	.flush = file_flush,
	.discard = file_discard,
	.save = file_save,
	.holds = file_holds,
};
static const struct disk_ops cache_ops = {
	.flush = cache_flush,
	.discard = cache_discard,
	.save = file_save,
	.holds = file_holds,
	.written = cache_written,
};

/* ----------------------------------------------------------------- life -- */

static int
fail(struct lun_error *err, const char *path, const char *what)
{
	return lun_fail(err, LUN_ESYS, "%s: %s: %s", path, what,
			strerror(errno));
}

static void
load_saved(struct store *s)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.4000s.state", s->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	s->saved = calloc(1, SAVED_MAX + 1);
	n = s->saved ? read(fd, s->saved, SAVED_MAX) : 0;
	if (n >= 0 && s->saved)
		s->saved[n] = 0;
	close(fd);
}

static int
open_file(struct store *s, const char *path, bool read_only,
	  struct lun_error *err)
{
	struct stat st;

	s->path = strdup(path);
	if (!s->path)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", path);
	/* without a size there is nothing to make */
	s->fd = open(path, O_CLOEXEC | (read_only ? O_RDONLY : O_RDWR) |
		     (s->size && !read_only ? O_CREAT : 0), 0600);
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
	load_saved(s);
	return 0;
}

static int
map(struct store *s, bool writable, bool cached, struct lun_error *err)
{
	int flags = s->path ? cached ? MAP_PRIVATE : MAP_SHARED
			    : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p;

	if (cached && s->path)
		s->dirty = calloc(1, s->size / PAGE / 8 + 1);
	if (cached && s->path && !s->dirty)
		return lun_fail(err, LUN_ENOMEM, "disk: out of memory");
	p = mmap(NULL, s->size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		 flags, s->fd, 0);
	if (p == MAP_FAILED)
		return fail(err, s->path ? s->path : "memory", "cannot map");
	s->bytes = p;
	return 0;
}

int
store_new(struct store **out, const char *path, uint64_t size, bool cached,
	  struct disk_config *config, struct lun_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "disk: out of memory");
	s->fd = -1;
	s->size = size;
	r = path ? open_file(s, path, config->read_only, err) : 0;
	if (r == 0)
		r = map(s, !path || !config->read_only, cached, err);
	if (r < 0) {
		store_free(s);
		return r;
	}
	config->bytes = s->bytes;
	config->size = s->size;
	config->ops = s->dirty ? &cache_ops : path ? &file_ops : &memory_ops;
	config->user = s;
	config->saved = s->saved;
	*out = s;
	return 0;
}

struct store *
store_free(struct store *s)
{
	if (!s)
		return NULL;
	if (s->bytes && s->dirty)
		cache_flush(s);
	if (s->bytes)
		munmap(s->bytes, s->size);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s->dirty);
	free(s->saved);
	free(s);
	return NULL;
}
