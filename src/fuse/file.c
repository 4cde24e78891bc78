/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of a LUN: open, read, write, release; fsync: flush.c. A LUN file
 * is a block device in all but type: what lies beyond its end can be neither read
 * (a short read) nor written (the part that fits is, then ENOSPC).
 *
 * The first that opens a LUN finds nothing in the page cache, as with a block
 * device: another host may have written meanwhile. Those that open it while it
 * is open share the cache.
 *
 * A request that its user no longer waits for: a signal is no wish to lose I/O
 * (many programs get signals all the time), so it is ended only if it still
 * does not complete in a second or two. See on_tick() in intake.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse/ops.h"
#include "log.h"

enum { ERRORS_A_SECOND = 10 };		/* in the log */

/* ---------------------------------------------------------------- I/O -- */

const char *
file_request_text(const struct request *r, char text[REQUEST_TEXT_MAX])
{
	static const char *const names[] = {
		[LUN_READ] = "read", [LUN_WRITE] = "write",
		[LUN_FLUSH] = "flush",
	};
	const struct lun_io *io = &r->io;
	char where[80] = "";

	if (io->op != LUN_FLUSH)
		snprintf(where, sizeof(where), " of %zu bytes at %llu",
			 io->length, (unsigned long long)io->offset);
	snprintf(text, REQUEST_TEXT_MAX, "%s: %s%s", r->node->path, names[io->op],
		 where);
	return text;
}

static void
log_error(const struct request *r)
{
	unsigned logged = r->intake->errors_logged++;
	char text[REQUEST_TEXT_MAX];

	if (logged >= ERRORS_A_SECOND)
		return;
	log_say(LUN_LOG_ERROR, "%s: %s%s", file_request_text(r, text), r->io.text,
		logged + 1 == ERRORS_A_SECOND ?
		" (more of these are not shown)" : "");
}

/* Cancelled by the end of the mount is not by its user. */
static int
error_of(const struct request *r)
{
	const struct lun_io *io = &r->io;

	if (io->code == 0)
		return 0;
	if (io->code == LUN_ECANCELED)
		return r->interrupted ? EINTR : EIO;
	return io->error ? io->error : EIO;
}

int
file_error(const struct request *r)
{
	int error = error_of(r);

	if (error && error != EINTR)
		log_error(r);
	return error;
}

/* Before anybody is told of a write: a flush that comes then is to cover it. */
static void
note_write(struct request *r)
{
	struct lane_disk *lane = &r->node->lanes[r->intake->lane];

	/* not ++, which would be a locked instruction: one thread counts */
	atomic_store_explicit(&lane->written,
		atomic_load_explicit(&lane->written, memory_order_relaxed) + 1,
		memory_order_release);
}

static void
on_done(struct lun_io *io)
{
	struct request *r = io->user;

	/* r is another's soon, but a thread beside this one may just be reading
	 * an interrupt: it has told r of it, or does so no more. */
	fuse_req_interrupt_func(r->req, NULL, NULL);

	int error = file_error(r);

	if (io->op == LUN_WRITE)
		note_write(r);
	if (error)
		fuse_reply_err(r->req, error);
	else if (io->op == LUN_READ)
		fuse_reply_buf(r->req, r->mem, io->length);
	else
		fuse_reply_write(r->req, io->length);
	intake_put(r);
}

static void
on_interrupt(fuse_req_t req, void *data)
{
	struct request *r = data;

	if (r->in_flight && r->interrupted == 0)
		r->interrupted = 1;
}

/* The disk of the session that belongs to this thread. */
static struct lun_disk *
disk_of(const struct node *node)
{
	unsigned lane = intake_current()->lane;

	return lane == 0 ? node->disk : node->lanes[lane].disk;
}

static void
start(fuse_req_t req, struct node *node, const struct lun_io *io)
{
	struct request *r = intake_take(intake_current());

	r->req = req;
	r->node = node;
	r->disk = disk_of(node);
	r->part = NULL;
	r->io = *io;
	r->io.done = on_done;
	r->io.user = r;
	if (io->op == LUN_READ)
		r->io.buffer = r->mem;
	lun_disk_submit(r->disk, &r->io);
	fuse_req_interrupt_func(req, on_interrupt, r);
}

/* How much of size bytes at offset lies before the end. */
static size_t
clip(const struct node *node, uint64_t offset, size_t size)
{
	uint64_t end = lun_disk_info(disk_of(node))->size;

	if (offset >= end)
		return 0;
	return end - offset < size ? (size_t)(end - offset) : size;
}

void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);
	size_t max = intake_current()->requests->mem_size;

	if (node->kind == NODE_STATUS) {
		info_read(req, size, offset, fi);
		return;
	}
	size_t length = clip(node, (uint64_t)offset, size < max ? size : max);
	if (length == 0)
		fuse_reply_buf(req, NULL, 0);
	else
		start(req, node, &(struct lun_io){
			.op = LUN_READ,
			.offset = (uint64_t)offset,
			.length = length,
		});
}

void
op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	 off_t offset, struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);

	if (node->kind != NODE_LUN) {
		fuse_reply_err(req, EBADF);
		return;
	}
	size_t length = clip(node, (uint64_t)offset, size);
	if (length == 0 && size > 0) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	/* data lies in the memory of the request that start() takes */
	start(req, node, &(struct lun_io){
		.op = LUN_WRITE,
		.flags = fi->flags & O_DSYNC ? LUN_FUA : 0,
		.offset = (uint64_t)offset,
		.length = length,
		.buffer = (void *)(uintptr_t)data,
	});
}

/* ------------------------------------------------------ open, release -- */

/*
 * libfuse 3.14 does not know all flags of an answer to open, so it is made
 * here. O_DIRECT is direct I/O in FUSE's sense, too: only so the kernel lets
 * writes run in parallel. Kernels before 6.6 (7.39) would not keep the page
 * cache of other openers right then.
 */
static void
reply_open(fuse_req_t req, const struct node *node, struct opened *opened,
	   int flags)
{
	struct fuse_open_out out = { .fh = (uintptr_t)opened };
	bool direct = (flags & O_DIRECT) && fs_of(req)->minor >= 39;

	if (direct)
		out.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
	else if (node->opens > 1)
		out.open_flags = FOPEN_KEEP_CACHE;
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct opened *opened;

	if (node->kind == NODE_STATUS && writes) {
		fuse_reply_err(req, EACCES);
	} else if (node->kind == NODE_STATUS) {
		info_open(req, fi);
	} else if (!node->disk) {
		fuse_reply_err(req, ESTALE);
	} else if (writes && lun_disk_info(node->disk)->read_only) {
		fuse_reply_err(req, EROFS);
	} else if (!(opened = calloc(1, sizeof(*opened)))) {
		fuse_reply_err(req, ENOMEM);
	} else {
		opened->losses = node->losses;
		node->opens++;
		reply_open(req, node, opened, fi->flags);
	}
}

void
op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);

	if (node->kind == NODE_STATUS) {
		info_release(fi);
	} else {
		free(opened_of(fi));
		tree_close(node);
	}
	fuse_reply_err(req, 0);
}
