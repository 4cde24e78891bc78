/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See kernel.h. */
#include "fuse/kernel.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse/fs.h"

enum { READ_AHEAD_KB = 1024 };

/* -------------------------------------------------------------- INIT -- */

/* libfuse hands over a header and its answer; that to INIT is the first. */
static ssize_t
write_message(int fd, struct iovec *iov, int count, void *user)
{
	const struct fs *fs = user;

	if (!fs->serving && count == 2 &&
	    iov[1].iov_len >= offsetof(struct fuse_init_out, max_background)) {
		struct fuse_init_out *out = iov[1].iov_base;

		out->flags |= FUSE_HANDLE_KILLPRIV_V2;
	}
	return writev(fd, iov, count);
}

static ssize_t
read_message(int fd, void *buf, size_t size, void *user)
{
	return read(fd, buf, size);
}

int
kernel_answer_init(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {
		.writev = write_message,
		.read = read_message,
	};

	return fuse_session_custom_io(se, &io, fuse_session_fd(se));
}

/* -------------------------------------------------------- read-ahead -- */

void
kernel_read_ahead(const char *mountpoint)
{
	struct statx st;
	char path[64];

	/* A plain stat() would be a request to ourselves. */
	if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
		 st.stx_dev_major, st.stx_dev_minor);

	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	dprintf(fd, "%d", READ_AHEAD_KB);
	close(fd);
}
