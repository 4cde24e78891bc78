/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ceiling of FUSE: a filesystem of one file, which answers reads from
 * memory and swallows writes, on one thread. It is mounted on a file, with
 * the choices that lunfs makes. For tests/bench/compare.
 *
 * usage: memfs BYTES MOUNTPOINT		(in the foreground)
 */
#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_MAX = 1 << 20,
	BACKGROUND_MAX = 128,
	LIFETIME_S = 3600,		/* of attributes: they never change */
};

static uint64_t file_size;
static bool parallel;			/* the kernel knows 7.39 */
static char memory[READ_MAX];

static void
op_init(void *user, struct fuse_conn_info *conn)
{
	parallel = conn->proto_minor >= 39;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = {
		.st_ino = ino, .st_mode = S_IFREG | 0600, .st_nlink = 1,
		.st_uid = getuid(), .st_gid = getgid(),
		.st_size = (off_t)file_size,
	};

	fuse_reply_attr(req, &st, LIFETIME_S);
}

/* Whoever opens with O_TRUNC or sets times gets what there is. */
static void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int which,
	   struct fuse_file_info *fi)
{
	op_getattr(req, ino, fi);
}

/* libfuse 3.14 does not know all flags of this answer. */
static void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse_open_out out = { 0 };

	if (parallel && (fi->flags & O_DIRECT))
		out.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

static void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	uint64_t at = (uint64_t)offset;
	uint64_t rest = at < file_size ? file_size - at : 0;

	if (size > sizeof(memory))
		size = sizeof(memory);
	fuse_reply_buf(req, memory, size < rest ? size : (size_t)rest);
}

static void
op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	 off_t offset, struct fuse_file_info *fi)
{
	fuse_reply_write(req, size);
}

static void
op_done(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void
op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
	 struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.init = op_init,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_done,
	.release = op_done,
	.fsync = op_fsync,
};

int
main(int argc, char **argv)
{
	char name[] = "memfs";
	char *args_v[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, args_v);

	if (argc != 3 || (file_size = strtoull(argv[1], NULL, 0)) == 0) {
		fprintf(stderr, "usage: memfs BYTES MOUNTPOINT\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (char)(i * 31);

	struct fuse_session *se = fuse_session_new(&args, &operations,
						   sizeof(operations), NULL);
	if (!se || fuse_set_signal_handlers(se) < 0 ||
	    fuse_session_mount(se, argv[2]) < 0)
		return 1;
	int r = fuse_session_loop(se);
	fuse_session_unmount(se);
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	return r < 0;
}
