/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mount is asked for, from outside. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"

static int
no_mount(const char *mountpoint, struct lun_error *err)
{
	return fail(err, LUN_ESYS, "%s: is no mount of lunfs", mountpoint);
}

/* Opened, if it lies in some FUSE filesystem: -1 if not. */
static int
open_mount(const char *mountpoint, struct lun_error *err)
{
	int fd = open(mountpoint, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct statfs sf;

	if (fd < 0 || fstatfs(fd, &sf) < 0)
		fail(err, LUN_ESYS, "%s: %s", mountpoint, strerror(errno));
	else if (sf.f_type != FUSE_SUPER_MAGIC)
		no_mount(mountpoint, err);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -------------------------------------------------------------- status -- */

static int
out_of_memory(const char *mountpoint, struct lun_error *err)
{
	return fail(err, LUN_ENOMEM, "%s: out of memory", mountpoint);
}

/* All of a file whose length is not known. */
static int
read_all(int fd, char **out, size_t *length)
{
	size_t have = 0, space = 64 * 1024;
	char *data = malloc(space + 1);
	ssize_t n = -1;

	while (data && (n = read(fd, data + have, space - have)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		have += (size_t)n;
		if (have < space)
			continue;

		char *more = realloc(data, 2 * space + 1);
		if (!more)
			break;
		data = more;
		space *= 2;
	}
	if (n != 0) {
		free(data);
		return -1;
	}
	data[have] = '\0';
	*out = data;
	*length = have;
	return 0;
}

static int
status_of_directory(char **out, size_t *length, int root,
		    const char *mountpoint, struct lun_error *err)
{
	int fd = openat(root, CONTROL_STATUS_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return no_mount(mountpoint, err);
	if (fd < 0)
		return fail(err, LUN_ESYS, "%s: %s: %s", mountpoint,
			    CONTROL_STATUS_FILE, strerror(errno));
	int r = read_all(fd, out, length);
	if (r < 0)
		r = fail(err, LUN_ESYS, "%s: %s: %s", mountpoint,
			 CONTROL_STATUS_FILE, strerror(errno));
	close(fd);
	return r;
}

static int
status_of_file(char **out, size_t *length, int fd, const char *mountpoint,
	       struct lun_error *err)
{
	char *data = malloc(XATTR_SIZE_MAX + 1);

	if (!data)
		return out_of_memory(mountpoint, err);
	ssize_t n = fgetxattr(fd, CONTROL_STATUS_XATTR, data, XATTR_SIZE_MAX);
	if (n < 0) {
		int error = errno;

		free(data);
		return error == ENODATA || error == ENOTSUP ?
			no_mount(mountpoint, err) :
			fail(err, LUN_ESYS, "%s: %s: %s", mountpoint,
			     CONTROL_STATUS_XATTR, strerror(error));
	}
	data[n] = '\0';
	*out = data;
	*length = (size_t)n;
	return 0;
}

int
control_status(char **out, size_t *length, const char *mountpoint,
	       struct lun_error *err)
{
	int fd = open_mount(mountpoint, err);
	struct stat st;
	int r;

	if (fd < 0)
		return err->code;
	if (fstat(fd, &st) < 0)
		r = fail(err, LUN_ESYS, "%s: %s", mountpoint, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		r = status_of_directory(out, length, fd, mountpoint, err);
	else
		r = status_of_file(out, length, fd, mountpoint, err);
	close(fd);
	return r;
}

/* --------------------------------------------------------------- retry -- */

int
control_retry(const char *mountpoint, struct lun_error *err)
{
	int fd = open_mount(mountpoint, err);
	int r = 0;

	if (fd < 0)
		return err->code;
	if (ioctl(fd, CONTROL_RETRY) < 0)
		r = errno == ENOTTY || errno == ENOSYS ?
			no_mount(mountpoint, err) :
			fail(err, LUN_ESYS, "%s: %s", mountpoint,
			     strerror(errno));
	close(fd);
	return r;
}
