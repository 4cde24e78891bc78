/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a mount is asked for, from outside. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "mounts.h"

/* The root of the mount that path lies in: -1 if there is none. */
static int
open_mount(const char *path, struct lun_error *err)
{
	char *mountpoint;

	if (mounts_find(&mountpoint, path, err) < 0)
		return -1;
	int fd = open(mountpoint, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		mounts_dead(mountpoint, errno, err);
	free(mountpoint);
	return fd;
}

/* What lies there came from elsewhere: part of a mount, bound there. */
static int
no_root(const char *path, struct lun_error *err)
{
	return fail(err, LUN_ESYS, "%s: is not the root of a mount of lunfs",
		    path);
}

/* -------------------------------------------------------------- status -- */

static int
out_of_memory(const char *path, struct lun_error *err)
{
	return fail(err, LUN_ENOMEM, "%s: out of memory", path);
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
		    const char *path, struct lun_error *err)
{
	int fd = openat(root, CONTROL_STATUS_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return no_root(path, err);
	if (fd < 0)
		return fail(err, LUN_ESYS, "%s: %s: %s", path,
			    CONTROL_STATUS_FILE, strerror(errno));
	int r = read_all(fd, out, length);
	if (r < 0)
		r = fail(err, LUN_ESYS, "%s: %s: %s", path,
			 CONTROL_STATUS_FILE, strerror(errno));
	close(fd);
	return r;
}

static int
status_of_file(char **out, size_t *length, int fd, const char *path,
	       struct lun_error *err)
{
	char *data = malloc(XATTR_SIZE_MAX + 1);

	if (!data)
		return out_of_memory(path, err);
	ssize_t n = fgetxattr(fd, CONTROL_STATUS_XATTR, data, XATTR_SIZE_MAX);
	if (n < 0) {
		int error = errno;

		free(data);
		return error == ENODATA || error == ENOTSUP ?
			no_root(path, err) :
			fail(err, LUN_ESYS, "%s: %s: %s", path,
			     CONTROL_STATUS_XATTR, strerror(error));
	}
	data[n] = '\0';
	*out = data;
	*length = (size_t)n;
	return 0;
}

int
control_status(char **out, size_t *length, const char *path,
	       struct lun_error *err)
{
	int fd = open_mount(path, err);
	struct stat st;
	int r;

	if (fd < 0)
		return err->code;
	if (fstat(fd, &st) < 0)
		r = fail(err, LUN_ESYS, "%s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		r = status_of_directory(out, length, fd, path, err);
	else
		r = status_of_file(out, length, fd, path, err);
	close(fd);
	return r;
}

/* --------------------------------------------------------------- retry -- */

int
control_retry(const char *path, struct lun_error *err)
{
	int fd = open_mount(path, err);
	int r = 0;

	if (fd < 0)
		return err->code;
	if (ioctl(fd, CONTROL_RETRY) < 0)
		r = errno == ENOTTY || errno == ENOSYS ?
			no_root(path, err) :
			fail(err, LUN_ESYS, "%s: %s", path,
			     strerror(errno));
	close(fd);
	return r;
}
