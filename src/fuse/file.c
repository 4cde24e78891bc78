/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of a LUN: open, read, write, fsync, release. A LUN file is a
 * block device in all but type: what lies beyond its end can be neither read
 * (a short read) nor written (the part that fits is, then ENOSPC).
 *
 * The first that opens a LUN finds nothing in the page cache, as with a block
 * device: another host may have written meanwhile. Those that open it while it
 * is open share the cache.
 *
 * A request that its user no longer waits for: a signal is no wish to lose I/O
 * (many programs get signals all the time), so it is ended only if it still
 * does not complete in a second or two. See on_tick() in fs.c.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuse/ops.h"
#include "log.h"

enum { ERRORS_A_SECOND = 10 };		/* in the log */

/*
 * A LUN that somebody has opened. A loss of writes is told to everybody once,
 * by fsync, as Linux does for its own cache: node.losses, as far as this one
 * knows.
 */
struct opened {
	atomic_uint losses;
};

/* ---------------------------------------------------------------- I/O -- */

static void
log_error(const struct request *r)
{
	static const char *const names[] = {
		[LUN_READ] = "read", [LUN_WRITE] = "write",
		[LUN_FLUSH] = "flush",
	};
	const struct lun_io *io = &r->io;
	char where[80] = "";

	unsigned logged = r->intake->errors_logged++;

	if (logged >= ERRORS_A_SECOND)
		return;
	if (io->op != LUN_FLUSH)
		snprintf(where, sizeof(where), " of %zu bytes at %llu",
			 io->length, (unsigned long long)io->offset);
	log_say(LUN_LOG_ERROR, "%s: %s%s: %s%s", r->node->path, names[io->op],
		where, io->text, logged + 1 == ERRORS_A_SECOND ?
		" (more of these are not shown)" : "");
}

/* What the disk of this lane knows becomes known to all. */
static void
note_losses(struct request *r)
{
	struct lane_disk *lane = &r->node->lanes[r->intake->lane];
	uint64_t lost = lun_disk_info(r->disk)->lost_writes;

	if (lane->losses_of != r->disk)
		lane->losses = 0;
	lane->losses_of = r->disk;
	if (lost > lane->losses)
		r->node->losses++;
	lane->losses = lost;
}

/* The unit has done what it was told; but is all there that it was told? */
static int
flush_result(struct request *r)
{
	note_losses(r);

	unsigned losses = r->node->losses;
	bool news = atomic_exchange(&r->opened->losses, losses) != losses;

	if (news && r->io.code == 0)
		log_say(LUN_LOG_ERROR, "%s: flush: writes may have been lost "
			"before (another one who had it open was told, too)",
			r->node->path);
	return news ? EIO : 0;
}

static void
on_done(struct lun_io *io)
{
	struct request *r = io->user;

	if (io->code != 0 && io->code == LUN_ECANCELED && r->interrupted) {
		fuse_reply_err(r->req, EINTR);
	} else if (io->code != 0) {
		log_error(r);
		if (io->op != LUN_READ)
			r->node->dirty = true;
		if (io->op == LUN_FLUSH)
			flush_result(r);
		/* Cancelled by the end of the mount: not by its user. */
		fuse_reply_err(r->req, io->code == LUN_ECANCELED ||
				       !io->error ? EIO : io->error);
	} else switch (io->op) {
	case LUN_READ:
		fuse_reply_buf(r->req, r->mem, io->length);
		break;
	case LUN_WRITE:
		fuse_reply_write(r->req, io->length);
		break;
	case LUN_FLUSH:
		fuse_reply_err(r->req, flush_result(r));
		break;
	}
	intake_put(r);
}

/* The last flush, before the mount ends: it is nobody's request. */
static void
on_last_flush(struct lun_io *io)
{
	struct request *r = io->user;

	if (io->code != 0) {
		log_error(r);
		r->intake->fs->flush_failed = true;
	}
	intake_put(r);
}

bool
file_flush_dirty(struct fs *fs, struct node *from)
{
	if (from->kind == NODE_LUN && from->dirty) {
		struct request *r = intake_take(&fs->main);

		from->dirty = false;
		r->node = from;
		r->disk = from->disk;
		r->io = (struct lun_io){
			.op = LUN_FLUSH, .done = on_last_flush, .user = r,
		};
		lun_disk_submit(from->disk, &r->io);
		return true;
	}
	for (size_t i = 0; i < from->n_children; i++)
		if (file_flush_dirty(fs, from->children[i]))
			return true;
	return false;
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
start(fuse_req_t req, struct node *node, struct opened *opened,
      const struct lun_io *io)
{
	struct request *r = intake_take(intake_current());

	r->req = req;
	r->node = node;
	r->disk = disk_of(node);
	r->opened = opened;
	r->io = *io;
	r->io.done = on_done;
	r->io.user = r;
	if (io->op == LUN_READ)
		r->io.buffer = r->mem;
	lun_disk_submit(r->disk, &r->io);
	fuse_req_interrupt_func(req, on_interrupt, r);
}

static struct opened *
opened_of(const struct fuse_file_info *fi)
{
	return (struct opened *)(uintptr_t)fi->fh;
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
		start(req, node, opened_of(fi), &(struct lun_io){
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
	node->dirty = true;
	start(req, node, opened_of(fi), &(struct lun_io){
		.op = LUN_WRITE,
		.flags = fi->flags & O_DSYNC ? LUN_FUA : 0,
		.offset = (uint64_t)offset,
		.length = length,
		.buffer = (void *)(uintptr_t)data,
	});
}

void
op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
	 struct fuse_file_info *fi)
{
	struct node *node = fs_node(req, ino);

	if (node->kind != NODE_LUN) {
		fuse_reply_err(req, 0);
		return;
	}
	node->dirty = false;		/* again if it fails, or by new writes */
	start(req, node, opened_of(fi), &(struct lun_io){ .op = LUN_FLUSH });
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
		assert(node->opens > 0);
		node->opens--;
		free(opened_of(fi));
	}
	fuse_reply_err(req, 0);
}
