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
 * What is done for an fsync, or for nobody before the end. Each lane that has
 * written flushes that on its own session, which knows if it was lost, or is in
 * doubt: then all lanes are asked what they know, in another round. Rounds begin
 * and end in the main loop.
 */
struct flush {
	fuse_req_t req;			/* NULL: nobody's */
	struct fs *fs;
	struct node *node;
	struct opened *opened;
	struct opened nobody;
	unsigned asks;			/* about so many doubts; 0: not yet */
	atomic_uint left;		/* parts of this round */
	atomic_int error;
	atomic_bool failed;		/* not all can be known */
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
			"before", node->path);
	return error ? error : EIO;
}

static void
flush_end(struct flush *f)
{
	struct node *node = f->node;
	int error = news_of_losses(node, f->opened, f->error);

	f->fs->flushes--;
	if (f->req) {
		fuse_reply_err(f->req, error);
	} else {
		f->fs->flush_failed |= error != 0;
		for (size_t i = 0; i < LANES_MAX; i++)	/* it was the last one */
			node->lanes[i].flushed = node->lanes[i].written;
		tree_close(node);
	}
	free(f);
}

/* All have been asked, since the last doubt came up. */
static void
flush_clear_up(struct flush *f)
{
	struct node *node = f->node;
	struct lun_signs all[LANES_MAX];

	for (size_t i = 0; i < LANES_MAX; i++)
		all[i] = f->parts[i].signs;
	if (lun_signs_tell_restart(all, LANES_MAX, node->doubt)) {
		log_say(LUN_LOG_ERROR, "%s: another session was told that the "
			"target was restarted: writes that were not flushed "
			"may be lost", node->path);
		node->losses++;
	}
	node->doubt = 0;
}

static void
flush_ask(struct flush *f)
{
	size_t n = lanes_count(f->fs->lanes);

	f->asks = f->node->doubts;
	f->left = (unsigned)n + 1;
	for (unsigned i = 0; i <= n; i++) {
		f->parts[i].signs = (struct lun_signs){ 0 };
		lanes_flush(f->fs->lanes, i, &f->parts[i]);
	}
}

/* In the main loop. What is not known is told by an error, and asked next time. */
static void
flush_round_done(struct flush *f)
{
	struct node *node = f->node;

	if (node->doubt && f->asks == node->doubts && !f->failed)
		flush_clear_up(f);
	for (size_t i = 0; i < LANES_MAX; i++) {
		int64_t doubt = f->parts[i].doubt;

		f->parts[i].doubt = 0;
		if (doubt && (node->doubt == 0 || doubt < node->doubt))
			node->doubt = doubt;
		node->doubts += doubt != 0;
	}
	if (node->doubt && f->fs->lanes && !f->failed) {
		flush_ask(f);
		return;
	}
	if (node->doubt && f->fs->lanes && !f->error) {
		log_say(LUN_LOG_ERROR, "%s: flush: whether writes were lost is "
			"not known without all sessions", node->path);
		f->error = EIO;
	}
	flush_end(f);
}

static void
flush_part_done(struct flush *f, const struct intake *in)
{
	if (atomic_fetch_sub(&f->left, 1) > 1)
		return;
	if (in && in->lane == 0)
		flush_round_done(f);
	else
		lanes_flush(f->fs->lanes, 0, &f->parts[0]);
}

static void
on_flushed(struct request *r, int error)
{
	struct lane_disk *lane = &r->node->lanes[r->intake->lane];
	struct flush_part *part = r->part;
	struct flush *f = part->flush;

	note_losses(r);
	part->doubt = r->io.doubt;
	part->signs = *lun_disk_signs(r->disk);
	if (error == 0)
		lane->flushed = part->covers;
	else
		f->error = error;
	if (error && (f->asks || error == EINTR))
		f->failed = true;
	flush_part_done(f, r->intake);
}

/*
 * r is another's soon, but a thread beside this one may just be reading an
 * interrupt of the kernel's request: it has told r of it, or does so no more. Of
 * a flush in parts only the first one of the main loop was ever told.
 */
static void
no_more_interrupts(struct request *r)
{
	if (r->req)
		fuse_req_interrupt_func(r->req, NULL, NULL);
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

	no_more_interrupts(r);

	int error = error_of(r);

	if (error && error != EINTR)
		log_error(r);
	if (io->op == LUN_WRITE)
		note_write(r);
	if (io->op == LUN_FLUSH)
		on_flushed(r, error);
	else if (error)
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
start(fuse_req_t req, struct node *node, struct flush_part *part,
      const struct lun_io *io)
{
	struct request *r = intake_take(intake_current());

	r->req = req;
	r->node = node;
	r->disk = disk_of(node);
	r->part = part;
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
	struct lane_disk *lane = &part->node->lanes[in->lane];
	struct lun_disk *disk = in->lane ? lane->disk : part->node->disk;

	if (f->left == 0) {		/* for the main loop to know */
		flush_round_done(f);
		return;
	}
	part->covers = lane->written;
	if (!disk && part->covers != lane->flushed) {
		lane->flushed = part->covers;	/* an error once, not for ever */
		f->error = EIO;
	}
	if (disk)
		part->signs = *lun_disk_signs(disk);
	if (!disk || (f->asks && part->signs.away)) {
		flush_part_done(f, in);
		return;
	}
	struct request *r = intake_take_own(in);	/* there is one */

	r->req = NULL;
	r->node = part->node;
	r->disk = disk;
	r->part = part;
	r->io = (struct lun_io){
		.op = LUN_FLUSH, .done = on_done, .user = r,
	};
	lun_disk_submit(disk, &r->io);
}

void
file_flush_part_failed(struct flush_part *part)
{
	struct flush *f = part->flush;

	f->failed = true;
	if (f->left == 0) {
		flush_round_done(f);
		return;
	}
	f->error = EIO;
	flush_part_done(f, NULL);
}

/* opened: NULL for nobody. NULL: out of memory. */
static struct flush *
flush_new(struct fs *fs, struct node *node, struct opened *opened)
{
	struct flush *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fs = fs;
	f->node = node;
	f->nobody.losses = node->losses;
	f->opened = opened ? opened : &f->nobody;
	for (size_t i = 0; i < LANES_MAX; i++)
		f->parts[i] = (struct flush_part){ .flush = f, .node = node };
	return f;
}

static bool
has_written(const struct node *node, unsigned i)
{
	return node->lanes[i].written != node->lanes[i].flushed;
}

static bool
is_dirty(const struct node *node)
{
	bool dirty = false;

	for (unsigned i = 0; i < LANES_MAX; i++)
		dirty |= has_written(node, i);
	return dirty;
}

/* Its parts go to the lanes that have written; that of the main loop is left. */
static void
flush_start(struct flush *f)
{
	struct node *node = f->node;
	bool wrote[LANES_MAX] = { false };

	f->fs->flushes++;
	f->parts[0].covers = node->lanes[0].written;
	f->left = 1;
	for (unsigned i = 1; i < LANES_MAX; i++) {
		wrote[i] = has_written(node, i);
		f->left += wrote[i];
	}
	for (unsigned i = 1; i < LANES_MAX; i++)
		if (wrote[i])
			lanes_flush(f->fs->lanes, i, &f->parts[i]);
}

bool
file_flush_dirty(struct fs *fs, struct node *from)
{
	if (from->kind == NODE_LUN && is_dirty(from)) {
		struct flush *f;

		if (!fs->main.rx)
			return true;	/* there is no room: once more */
		if (!(f = flush_new(fs, from, NULL))) {
			log_say(LUN_LOG_ERROR, "%s: flush: out of memory",
				from->path);
			fs->flush_failed = true;
			return false;
		}
		from->opens++;
		flush_start(f);
		file_flush_part(&fs->main, &f->parts[0]);
		return true;
	}
	for (size_t i = 0; i < from->n_children; i++)
		if (file_flush_dirty(fs, from->children[i]))
			return true;
	return false;
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
		start(req, node, NULL, &(struct lun_io){
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
	start(req, node, NULL, &(struct lun_io){
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
	struct flush *f = flush_new(fs_of(req), node, opened_of(fi));

	if (!f) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	f->req = req;
	flush_start(f);
	start(req, node, &f->parts[0], &(struct lun_io){ .op = LUN_FLUSH });
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
