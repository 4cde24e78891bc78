/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the mounted directory holds:
 *
 *	<target>/lun<N>		of those LUNs that are ready
 *	by-id/<designator>	links to them
 *	by-alias/<alias>	links to the directories of targets
 *	.lunfs/status.json
 *
 * or, of a single-file mount, one LUN as the root itself.
 *
 * Names that came from a target are taken only if they are safe as one
 * component of a path. If two LUNs claim a designator the first one has it; a
 * second target with an alias gets "~2" after it.
 *
 * A node lives while it is in the tree, or the kernel knows it (lookups > 0), or
 * it is in use (opens > 0), or it is a LUN with writes that were not flushed: one
 * that has vanished is still to be asked for them.
 * The kernel's number of a node is its address (1: the root); what stat shows
 * is a hash of the path, so that it stays the same over mounts.
 */
#ifndef FUSE_TREE_H
#define FUSE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opts.h"
#include "survey.h"

enum { LANES_MAX = SESSIONS_MAX };	/* with the main loop */

enum node_kind {
	NODE_DIR,
	NODE_LINK,
	NODE_LUN,
	NODE_STATUS,
};

struct node {
	enum node_kind kind;
	uint64_t st_ino;
	uint64_t lookups;
	char *name;
	char *path;			/* from the root, for messages */
	struct node *parent;		/* NULL: the root, or removed */
	struct node **orphans;		/* removed: the list that it is in, */
	struct node *older, *newer;	/* and its neighbours there */

	struct node **children;		/* NODE_DIR: by name */
	size_t n_children;

	char *link;			/* NODE_LINK: where to */
	struct lun_disk *disk;		/* NODE_LUN, NULL: its target was
					   removed; of a link: its owner */

	/* NODE_LUN */
	const struct target *target;
	unsigned life;			/* of the target, when it was added */
	char *identity;			/* what a lane's disk has to be, too; NULL:
					   there was no memory, so none is */
	uint64_t lun;
	unsigned opens;
	atomic_uint losses;		/* of writes that had been done */
	/* Of the doubts (lun_io.doubt) that were taken from the lanes: the oldest
	 * one that no flush has cleared up (0: none), and how many there were. */
	int64_t doubt;
	unsigned doubts;
	struct lane_disk {		/* see lanes.h; [i] belongs to lane i */
		/* Writes that were done, and how many of them were flushed. */
		atomic_ullong written, flushed;
		atomic_llong doubt;	/* that was not taken yet */
		struct lun_disk *disk;
		unsigned found_in;	/* which state of things, of the lane */
		struct lun_disk *losses_of;	/* this one told of so many */
		uint64_t losses;
	} lanes[LANES_MAX];
};

struct tree {
	struct node *root;
	struct node *by_id, *by_alias;	/* NULL in a single-file tree */
	struct node *orphans;		/* removed, but needed still */
};

/* With disk, of that target: a single-file tree. LUN_ENOMEM. */
int tree_new(struct tree **out, const struct target *t, struct lun_disk *disk,
	     const char *label, struct lun_error *err);
struct tree *tree_free(struct tree *tree);

/* A target that is up, with its disks. */
int tree_add_target(struct tree *tree, const struct target *t,
		    struct lun_error *err);

/* Does anybody have a LUN of it open? */
bool tree_target_in_use(const struct tree *tree, const struct target *t);

/* A target that is not in use, and its disks, are no more: the kernel may know
 * their nodes still. */
void tree_remove_target(struct tree *tree, const struct target *t);

/* A disk appeared, changed or vanished. */
int tree_update_disk(struct tree *tree, const struct target *t,
		     struct lun_disk *disk, struct lun_error *err);

/* Of a LUN: were there writes since it was flushed, on any lane? */
bool node_is_dirty(const struct node *node);

struct node *tree_node(const struct tree *tree, uint64_t ino);
uint64_t tree_ino(const struct tree *tree, const struct node *node);
struct node *tree_find(const struct node *dir, const char *name);

/* The kernel forgets n lookups; the node may be gone afterwards. */
void tree_forget(struct node *node, uint64_t n);
/* One that had it in use has not any more; the same. */
void tree_close(struct node *node);

#endif
