/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filesystem: libfuse's low-level session on our loop.
 *
 * One thread has all of it: the tree, the answers to all that is no I/O, and
 * most often the I/O, too (intake.h). Others may take I/O off it (lanes.h).
 *
 * Nothing here notifies the kernel of changes: such calls take locks that a
 * request may hold which waits for this very thread. Names and attributes are
 * valid for a second in the kernel instead.
 */
#ifndef FUSE_FS_H
#define FUSE_FS_H

#include <sys/stat.h>

#include "fuse/intake.h"
#include "fuse/tree.h"
#include "survey.h"

#define FS_VALID_S 1.0		/* names and attributes, in the kernel */

struct lanes;

struct fs_ops {
	void (*ready)(void *user);	/* the mount answers */
	void (*gone)(void *user);	/* it was taken away */
	void (*retry)(void *user);	/* CONTROL_RETRY */
	void (*drained)(void *user);	/* after fs_stop(): nothing in flight */
	void (*lanes_ended)(void *user);	/* after lanes_close() */
};

struct fs {
	struct fuse_session *se;
	struct intake main;
	struct lun_alarm *live;		/* of live.c; NULL: not needed so far */
	unsigned sessions;		/* that are wanted with each target */
	struct lanes *lanes;		/* NULL: there is one */
	struct tree *tree;
	const struct survey *survey;	/* for status.json */
	const struct fs_ops *ops;
	void *user;
	char *mountpoint;
	bool mounted;
	bool initialised, serving;	/* INIT came; and was answered well */
	bool failed;			/* it was never served */
	unsigned minor;			/* version of the kernel's protocol */
	unsigned flushes;		/* under way, with all their parts */
	bool drained;
	atomic_bool flush_failed;	/* the last flush of a LUN, while stopping */
	pid_t detacher;			/* the process of fs_detach() */

	uid_t uid;			/* of the user who mounts */
	gid_t gid;
	struct timespec since;
};

/* LUN_EINVAL: options (of -o, or NULL) that libfuse does not know. */
int fs_new(struct fs **out, const char *source, const char *options,
	   bool read_only, struct lun_error *err);

/* Unmounts what is still mounted. Nothing may be in flight. */
struct fs *fs_free(struct fs *fs);

/* Mounts the tree, which becomes the filesystem's. */
int fs_mount(struct fs *fs, struct lun_loop *loop, const char *mountpoint,
	     struct tree *tree, const struct survey *survey,
	     const struct fs_ops *ops, void *user, struct lun_error *err);

/* Takes the mount out of sight; gone comes once nobody uses it any more. */
void fs_detach(struct fs *fs);

/* Reads no more requests; drained comes when those in flight have ended, and
 * what was written but not yet flushed is on the medium. */
void fs_stop(struct fs *fs);

/* The same, without waiting: what is in flight may fail from now on. */
void fs_abandon(struct fs *fs);

/* While it is served: n more loops and sessions, see lanes.h. */
int fs_start_lanes(struct fs *fs, size_t n, const char *pcap,
		   struct lun_error *err);

/* Has it been stopped, or was it taken away? */
bool fs_ends(const struct fs *fs);

/* Messages of the kernel so far. */
uint64_t fs_received(const struct fs *fs);

/* ----------------------------- for the operations, in the other files -- */

static inline struct fs *
fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct node *
fs_node(fuse_req_t req, fuse_ino_t ino)
{
	return tree_node(fs_of(req)->tree, ino);
}

void node_stat(const struct fs *fs, const struct node *node, struct stat *st);

extern const struct fuse_lowlevel_ops fs_operations;	/* ops.c */

#endif
