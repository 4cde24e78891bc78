/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flushes: what is done for an fsync, or for nobody before the end. Each lane
 * that has written flushes that on its own session, which knows if it was lost,
 * or is in doubt: then all lanes are asked what they know, in another round, and
 * again for a while if one of them does not know yet. Rounds begin and end in the
 * main loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse/lanes.h"
#include "fuse/ops.h"
#include "log.h"

enum { ASKS_MANY = 50 };		/* 5 s for a lane to be back */

struct flush {
	fuse_req_t req;			/* NULL: nobody's */
	struct fs *fs;
	struct node *node;
	struct opened *opened;
	struct opened nobody;
	unsigned asks;			/* rounds of them, and the last one */
	unsigned about;			/* about so many doubts; 0: none */
	atomic_uint left;		/* parts of this round */
	atomic_int error;
	atomic_bool failed;		/* not all can be known */
	atomic_bool interrupted;
	struct flush_part parts[LANES_MAX];
};

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

/* The units have done what they were told; but is all there that they were
 * told? It is told once, so not by an EINTR, after which one asks again. */
static int
news_of_losses(struct node *node, struct opened *opened, int error)
{
	unsigned losses = node->losses;

	if (atomic_exchange(&opened->losses, losses) == losses)
		return error;
	if (error && error != EINTR)
		return error;
	log_say(LUN_LOG_ERROR, "%s: flush: writes may have been lost before",
		node->path);
	return EIO;
}

static void
flush_end(struct flush *f)
{
	struct node *node = f->node;
	int error = news_of_losses(node, f->opened, f->error);

	f->fs->flushes--;
	if (f->req) {
		fuse_req_interrupt_func(f->req, NULL, NULL);
		fuse_reply_err(f->req, error);
	} else {
		f->fs->flush_failed |= error != 0;
		for (size_t i = 0; i < LANES_MAX; i++)	/* it was the last one */
			node->lanes[i].flushed = f->parts[i].covers;
		tree_close(node);
	}
	free(f);
}

/*
 * All have been asked, since the last doubt came up. False: one may be told yet.
 * The session that a restarted target tells may be the first one that it lets in,
 * and the last one to hear of that. One that stays away was hardly told, and what
 * it has not heard counts as told (disk-cache.c): after a while, the attempt that is
 * under way is the last one that is waited for.
 */
static bool
flush_clear_up(struct flush *f)
{
	struct node *node = f->node;
	struct lun_signs all[LANES_MAX];
	bool waits = false;

	for (size_t i = 0; i < LANES_MAX; i++) {
		struct flush_part *part = &f->parts[i];

		all[i] = part->signs;
		part->tried |= f->asks >= ASKS_MANY && !all[i].coming;
		waits |= all[i].away && !part->tried;
	}
	if (lun_signs_tell_restart(all, LANES_MAX, node->doubt)) {
		log_say(LUN_LOG_ERROR, "%s: another session was told that the "
			"target was restarted: writes that were not flushed "
			"may be lost", node->path);
		node->losses++;
	} else if (waits) {
		return false;
	}
	node->doubt = 0;
	return true;
}

static void
flush_ask(struct flush *f)
{
	size_t n = lanes_count(f->fs->lanes);

	f->asks++;
	f->about = f->node->doubts;
	f->left = (unsigned)n + 1;
	for (unsigned i = 0; i <= n; i++) {
		f->parts[i].signs = (struct lun_signs){ 0 };
		lanes_flush(f->fs->lanes, i, &f->parts[i]);
	}
}

/* What another part has found is not hidden by a signal. */
static void
flush_failed(struct flush *f, int error)
{
	int none = 0;

	if (error != EINTR) {
		f->error = error;
		return;
	}
	atomic_compare_exchange_strong(&f->error, &none, EINTR);
	f->failed = true;
}

/* Also those that another flush has left, whose end is still to come. */
static void
take_doubts(struct node *node)
{
	for (size_t i = 0; i < LANES_MAX; i++) {
		int64_t doubt = atomic_exchange(&node->lanes[i].doubt, 0);

		if (doubt && (node->doubt == 0 || doubt < node->doubt))
			node->doubt = doubt;
		node->doubts += doubt != 0;
	}
}

/* In the main loop. What is not known is told by an error, and asked next time. */
static void
flush_round_done(struct flush *f)
{
	struct node *node = f->node;

	take_doubts(node);
	if (f->interrupted && f->asks >= ASKS_MANY)
		flush_failed(f, EINTR);
	if (node->doubt && f->about == node->doubts && !f->failed &&
	    !flush_clear_up(f)) {
		f->about = 0;
		lanes_flush_later(f->fs->lanes, &f->parts[0]);
		return;
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

/* All that it leaves is known before the flush counts for others. A doubt that
 * was not taken yet is older. */
static void
on_flushed(struct lun_io *io)
{
	struct request *r = io->user;
	int error = file_error(r);
	struct lane_disk *lane = &r->node->lanes[r->intake->lane];
	struct flush_part *part = r->part;
	long long none = 0;

	note_losses(r);
	if (io->doubt)
		atomic_compare_exchange_strong(&lane->doubt, &none, io->doubt);
	if (error == 0)
		lane->flushed = part->covers;
	else
		flush_failed(part->flush, error);
	flush_part_done(part->flush, r->intake);
	intake_put(r);
}

static void
on_interrupt(fuse_req_t req, void *data)
{
	struct flush *f = data;

	f->interrupted = true;
}

bool
flush_is_interrupted(const struct flush_part *part)
{
	return part->flush->interrupted;
}

static void
flush_submit(struct request *r, struct flush_part *part, struct lun_disk *disk)
{
	r->node = part->node;
	r->disk = disk;
	r->part = part;
	r->io = (struct lun_io){
		.op = LUN_FLUSH, .done = on_flushed, .user = r,
	};
	lun_disk_submit(disk, &r->io);
}

/* Its unit has vanished, and nothing with it. */
static bool
is_clean_end(const struct flush *f, const struct lun_disk *disk)
{
	return !f->req && lun_disk_info(disk)->state == LUN_DISK_GONE &&
	       !lun_disk_signs(disk).dirty;
}

void
flush_part_failed(struct flush_part *part)
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

void
flush_part_start(struct intake *in, struct flush_part *part)
{
	struct flush *f = part->flush;
	struct lane_disk *lane = &part->node->lanes[in->lane];
	struct lun_disk *disk = in->lane ? lane->disk : part->node->disk;

	if (in->lane == 0 && in->fs->drained) {	/* its disks go, or are gone */
		flush_part_failed(part);
	} else if (f->left == 0) {	/* for the main loop to know */
		flush_round_done(f);
	} else if (f->asks) {
		part->signs = disk ? lun_disk_signs(disk) :
				     (struct lun_signs){ .away = true };
		flush_part_done(f, in);
	} else if (disk && is_clean_end(f, disk)) {
		flush_part_done(f, in);
	} else if (disk) {
		part->covers = lane->written;
		flush_submit(intake_take_own(in), part, disk);	/* there is one */
	} else {			/* nobody can flush it any more */
		part->node->losses++;
		part->covers = lane->written;
		lane->flushed = part->covers;
		flush_part_done(f, in);
	}
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

/* Its parts go to the lanes that have written; that of the main loop is left. */
static void
flush_start(struct flush *f)
{
	struct node *node = f->node;
	bool wrote[LANES_MAX] = { false };

	f->fs->flushes++;
	f->left = 1;
	for (unsigned i = 0; i < LANES_MAX; i++) {
		f->parts[i].covers = node->lanes[i].written;
		wrote[i] = i > 0 && f->parts[i].covers != node->lanes[i].flushed;
		f->left += wrote[i];
	}
	for (unsigned i = 1; i < LANES_MAX; i++)
		if (wrote[i])
			lanes_flush(f->fs->lanes, i, &f->parts[i]);
}

/* True: one is under way (it may have ended at once), or there is no room for it
 * just now. */
static bool
flush_within(struct fs *fs, struct node *from)
{
	if (node_is_dirty(from)) {
		unsigned others = fs->flushes;
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
		flush_part_start(&fs->main, &f->parts[0]);
		return fs->flushes > others;
	}
	for (size_t i = 0; i < from->n_children; i++)
		if (flush_within(fs, from->children[i]))
			return true;
	return false;
}

bool
flush_dirty(struct fs *fs, struct node *dir, const struct target *t)
{
	struct node *older;

	if (dir && flush_within(fs, dir))
		return true;
	for (struct node *n = fs->tree->orphans; n; n = older) {
		older = n->older;	/* a flush may be all that it waits for */
		if ((!t || n->target == t) && flush_within(fs, n))
			return true;
	}
	return false;
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
	flush_submit(intake_take(&fs_of(req)->main), &f->parts[0], node->disk);
	fuse_req_interrupt_func(req, on_interrupt, f);
}
