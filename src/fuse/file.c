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

#include "fuse/lanes.h"
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

/*
 * An fsync of a mount with lanes: what each of them has written is flushed on
 * its own session, which knows if it was lost; the last one answers.
 */
struct flush {
	fuse_req_t req;
	struct node *node;
	struct opened *opened;
	atomic_uint left;
	atomic_int error;
	struct flush_part parts[LANES_MAX];
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

/* The units have done what they were told; but is all there that they were
 * told? */
static int
news_of_losses(struct node *node, struct opened *opened, int error)
{
	unsigned losses = node->losses;

	if (atomic_exchange(&opened->losses, losses) == losses)
		return error;
	if (error == 0)
		log_say(LUN_LOG_ERROR, "%s: flush: writes may have been lost "
			"before (another one who had it open was told, too)",
			node->path);
	return error ? error : EIO;
}

static void
flush_part_done(struct flush *f, int error)
{
	if (error)
		f->error = error;
	if (atomic_fetch_sub(&f->left, 1) > 1)
		return;
	fuse_reply_err(f->req, news_of_losses(f->node, f->opened, f->error));
	free(f);
}

static void
on_flushed(struct request *r)
{
	int error = error_of(r);

	note_losses(r);
	if (error)
		r->node->lanes[r->intake->lane].written = true;
	if (!r->flush) {
		fuse_reply_err(r->req, news_of_losses(r->node, r->opened,
						      error));
		return;
	}
	flush_part_done(r->flush, error);
}

/*
 * r is another's soon, but a thread beside this one may just be reading an
 * interrupt of the kernel's request: it has told r of it, or does so no more. Of
 * an fsync in parts only that of lane 0 was ever told.
 */
static void
no_more_interrupts(struct request *r)
{
	if (!r->flush || r->intake->lane == 0)
		fuse_req_interrupt_func(r->req, NULL, NULL);
}

static void
on_done(struct lun_io *io)
{
	struct request *r = io->user;

	no_more_interrupts(r);

	int error = error_of(r);

	if (error && error != EINTR)
		log_error(r);
	if (error && io->op != LUN_READ)
		r->node->dirty = true;
	if (io->op == LUN_FLUSH)
		on_flushed(r);
	else if (error)
		fuse_reply_err(r->req, error);
	else if (io->op == LUN_READ)
		fuse_reply_buf(r->req, r->mem, io->length);
	else
		fuse_reply_write(r->req, io->length);
	intake_put(r);
}

/* The last flush, before the mount ends or a target is removed: it is nobody's
 * request, but keeps the LUN in use. */
static void
on_last_flush(struct lun_io *io)
{
	struct request *r = io->user;

	r->node->opens--;
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
		struct request *r = intake_take_own(&fs->main);

		if (!r)
			return true;	/* there is no room: once more */
		from->dirty = false;
		from->opens++;
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
      struct flush *flush, const struct lun_io *io)
{
	struct request *r = intake_take(intake_current());

	r->req = req;
	r->node = node;
	r->disk = disk_of(node);
	r->opened = opened;
	r->flush = flush;
	r->io = *io;
	r->io.done = on_done;
	r->io.user = r;
	if (io->op == LUN_READ)
		r->io.buffer = r->mem;
	lun_disk_submit(r->disk, &r->io);
	fuse_req_interrupt_func(req, on_interrupt, r);
}

void
file_flush_part(struct intake *in, struct flush_part *part)
{
	struct flush *f = part->flush;
	struct request *r = intake_take_own(in);	/* there is one */

	r->req = f->req;
	r->node = f->node;
	r->disk = f->node->lanes[in->lane].disk;
	r->flush = f;
	r->io = (struct lun_io){
		.op = LUN_FLUSH, .done = on_done, .user = r,
	};
	lun_disk_submit(r->disk, &r->io);
}

void
file_flush_part_failed(struct flush_part *part)
{
	flush_part_done(part->flush, EIO);
}

/* Its other parts go to the lanes that have written. NULL: out of memory. */
static struct flush *
flush_new(fuse_req_t req, struct node *node, struct opened *opened)
{
	struct fs *fs = fs_of(req);
	struct flush *f = calloc(1, sizeof(*f));
	bool written[LANES_MAX] = { false };

	if (!f)
		return NULL;
	f->req = req;
	f->node = node;
	f->opened = opened;
	f->left = 1;
	for (unsigned i = 1; i < LANES_MAX; i++) {
		written[i] = atomic_exchange(&node->lanes[i].written, false);
		f->left += written[i];
	}
	for (unsigned i = 1; i < LANES_MAX; i++) {
		f->parts[i].flush = f;
		if (written[i])
			lanes_flush(fs->lanes, i, &f->parts[i]);
	}
	return f;
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
		start(req, node, opened_of(fi), NULL, &(struct lun_io){
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
	node->lanes[intake_current()->lane].written = true;
	start(req, node, opened_of(fi), NULL, &(struct lun_io){
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
	struct flush *f = NULL;
	if (fs_of(req)->lanes && !(f = flush_new(req, node, opened_of(fi)))) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	node->dirty = false;		/* again if it fails, or by new writes */
	start(req, node, opened_of(fi), f,
	      &(struct lun_io){ .op = LUN_FLUSH });
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
		assert(node->opens > 0);
		node->opens--;
		free(opened_of(fi));
	}
	fuse_reply_err(req, 0);
}
