/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of the mounted directory. */
#include "fuse/tree.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "log.h"

enum { ROOT_INO = 1, PATH_MAX_LEN = 600 };

/* -------------------------------------------------------------- nodes -- */

/* FNV-1a; 0 and 1 are left to others. */
static uint64_t
hash(const char *path)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3;
	return h < 2 ? h + 2 : h;
}

static struct node *
node_free(struct node *node)
{
	if (!node)
		return NULL;
	for (size_t i = 0; i < node->n_children; i++)
		node_free(node->children[i]);
	free(node->children);
	free(node->name);
	free(node->path);
	free(node->link);
	free(node->identity);
	free(node);
	return NULL;
}

static struct node *
node_new(enum node_kind kind, const char *path, const char *name)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->st_ino = *path ? hash(path) : ROOT_INO;
	node->path = strdup(path);
	node->name = strdup(name);
	return node->path && node->name ? node : node_free(node);
}

/* The place of name among the children; *found if it is there. */
static size_t
place(const struct node *dir, const char *name, bool *found)
{
	size_t lo = 0, hi = dir->n_children;

	*found = false;
	while (lo < hi && !*found) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(name, dir->children[mid]->name);

		if (order > 0)
			lo = mid + 1;
		else
			hi = mid;
		if (order == 0) {
			lo = mid;
			*found = true;
		}
	}
	return lo;
}

/* A new child; NULL: out of memory. The name must not be there yet. */
static struct node *
node_add(struct node *dir, enum node_kind kind, const char *name)
{
	char path[PATH_MAX_LEN];
	bool found;
	size_t at = place(dir, name, &found);

	assert(!found);
	snprintf(path, sizeof(path), "%s%s%s", dir->path,
		 *dir->path ? "/" : "", name);
	struct node **more = reallocarray(dir->children, dir->n_children + 1,
					  sizeof(*more));
	if (!more)
		return NULL;
	dir->children = more;
	struct node *node = node_new(kind, path, name);
	if (!node)
		return NULL;
	memmove(more + at + 1, more + at,
		(dir->n_children - at) * sizeof(*more));
	more[at] = node;
	dir->n_children++;
	node->parent = dir;
	return node;
}

/* The kernel need not forget it before the end (an abort, a lazy unmount). */
static void
orphan_add(struct node **orphans, struct node *node)
{
	node->orphans = orphans;
	node->older = *orphans;
	if (node->older)
		node->older->newer = node;
	*orphans = node;
}

static struct node *
orphan_free(struct node *node)
{
	if (node->newer)
		node->newer->older = node->older;
	else
		*node->orphans = node->older;
	if (node->older)
		node->older->newer = node->newer;
	return node_free(node);
}

bool
node_is_dirty(const struct node *node)
{
	bool dirty = false;

	for (unsigned i = 0; i < LANES_MAX; i++)
		dirty |= node->lanes[i].written != node->lanes[i].flushed;
	return dirty;
}

static bool
is_needed(const struct node *node)
{
	return node->lookups > 0 || node->opens > 0 || node_is_dirty(node);
}

/* Takes a file or link out; it lives on while it is needed. */
static void
node_remove(struct tree *tree, struct node *node)
{
	struct node *dir = node->parent;
	bool found;
	size_t at = place(dir, node->name, &found);

	assert(found && node->n_children == 0);
	dir->n_children--;
	memmove(dir->children + at, dir->children + at + 1,
		(dir->n_children - at) * sizeof(*dir->children));
	node->parent = NULL;
	if (is_needed(node))
		orphan_add(&tree->orphans, node);
	else
		node_free(node);
}

/* -------------------------------------------------------------- links -- */

static int
link_add(struct tree *tree, struct node *dir, const char *name,
	 const char *to, struct lun_disk *disk)
{
	struct node *node = node_add(dir, NODE_LINK, name);

	if (!node)
		return LUN_ENOMEM;
	node->disk = disk;
	if (asprintf(&node->link, "../%s", to) < 0) {
		node->link = NULL;
		node_remove(tree, node);
		return LUN_ENOMEM;
	}
	return 0;
}

static void
links_remove(struct tree *tree, const struct lun_disk *disk)
{
	for (size_t i = tree->by_id->n_children; i-- > 0;)
		if (tree->by_id->children[i]->disk == disk)
			node_remove(tree, tree->by_id->children[i]);
}

static int
links_add(struct tree *tree, const struct node *lun)
{
	const struct lun_disk_info *info = lun_disk_info(lun->disk);

	for (size_t i = 0; i < info->n_designators; i++) {
		const char *id = info->designators[i];

		if (!lun_name_is_safe(id))
			continue;
		struct node *other = tree_find(tree->by_id, id);
		if (other && other->disk != lun->disk)
			log_say(LUN_LOG_INFO, "by-id/%s: is %s already, not %s",
				id, other->link, lun->path);
		if (!other && link_add(tree, tree->by_id, id, lun->path,
				       lun->disk) < 0)
			return LUN_ENOMEM;
	}
	return 0;
}

static int
alias_add(struct tree *tree, const char *alias, const char *target)
{
	char name[256];

	if (strlen(alias) > 240 || !lun_name_is_safe(alias))
		return 0;
	snprintf(name, sizeof(name), "%s", alias);
	for (unsigned i = 2; tree_find(tree->by_alias, name); i++)
		snprintf(name, sizeof(name), "%s~%u", alias, i);
	return link_add(tree, tree->by_alias, name, target, NULL);
}

/* ------------------------------------------------------------ targets -- */

static int
out_of_memory(struct lun_error *err)
{
	return fail(err, LUN_ENOMEM, "directory: out of memory");
}

static void
lun_set(struct node *node, const struct target *t, struct lun_disk *disk)
{
	node->target = t;
	node->lun = lun_disk_info(disk)->lun;
	node->life = t->life;
	node->identity = disk_identity(disk);
	node->disk = disk;
}

int
tree_update_disk(struct tree *tree, const struct target *t,
		 struct lun_disk *disk, struct lun_error *err)
{
	const struct lun_disk_info *info = lun_disk_info(disk);
	struct node *dir = tree->by_id ? tree_find(tree->root, t->url.target) :
					 NULL;
	char name[LUN_NAME_MAX + 3] = "lun";

	if (!dir)		/* a single file; a name that is not safe */
		return 0;
	lun_name(info->lun, name + 3);
	struct node *node = tree_find(dir, name);
	bool gone = info->state == LUN_DISK_GONE ||
		    info->state == LUN_DISK_UNSUPPORTED;

	/* What was there under this number may be another unit now. */
	if (node && (gone || node->disk != disk) &&
	    (node->disk == disk || !gone)) {
		links_remove(tree, node->disk);
		node_remove(tree, node);
		node = NULL;
	}
	if (info->state != LUN_DISK_READY)
		return 0;
	if (node) {
		links_remove(tree, disk);
	} else {
		if (!(node = node_add(dir, NODE_LUN, name)))
			return out_of_memory(err);
		lun_set(node, t, disk);
	}
	return links_add(tree, node) < 0 ? out_of_memory(err) : 0;
}

int
tree_add_target(struct tree *tree, const struct target *t,
		struct lun_error *err)
{
	struct lun_disk *disk;
	int r = 0;

	if (!lun_name_is_safe(t->url.target))
		return 0;
	if (!tree_find(tree->root, t->url.target) &&
	    !node_add(tree->root, NODE_DIR, t->url.target))
		return out_of_memory(err);
	if (alias_add(tree, lun_session_info(t->session)->target_alias,
		      t->url.target) < 0)
		return out_of_memory(err);
	for (size_t i = 0; r == 0 && (disk = target_disk(t, &i));)
		r = tree_update_disk(tree, t, disk, err);
	return r;
}

static bool
is_open(const struct node *node, const struct target *t)
{
	return node->kind == NODE_LUN && node->target == t && node->opens > 0;
}

bool
tree_target_in_use(const struct tree *tree, const struct target *t)
{
	const struct node *dir = tree_find(tree->root, t->url.target);
	bool open = false;

	for (size_t i = 0; dir && i < dir->n_children; i++)
		open |= is_open(dir->children[i], t);
	for (const struct node *n = tree->orphans; n; n = n->older)
		open |= is_open(n, t);
	return open;
}

void
tree_remove_target(struct tree *tree, const struct target *t)
{
	struct node *dir = tree_find(tree->root, t->url.target);
	struct node *aliases = tree->by_alias;

	while (dir && dir->n_children > 0) {
		struct node *lun = dir->children[dir->n_children - 1];

		links_remove(tree, lun->disk);
		node_remove(tree, lun);
	}
	if (dir)
		node_remove(tree, dir);
	for (size_t i = aliases->n_children; i-- > 0;)
		if (strcmp(aliases->children[i]->link + strlen("../"),
			   t->url.target) == 0)
			node_remove(tree, aliases->children[i]);
	for (struct node *n = tree->orphans; n; n = n->older)
		if (n->kind == NODE_LUN && n->target == t) {
			n->target = NULL;
			n->disk = NULL;
		}
}

/* ------------------------------------------------------------- public -- */

int
tree_new(struct tree **out, const struct target *t, struct lun_disk *disk,
	 const char *label, struct lun_error *err)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	struct node *info = NULL;

	if (!tree)
		return out_of_memory(err);
	tree->root = node_new(disk ? NODE_LUN : NODE_DIR, "", "");
	if (tree->root && disk) {
		lun_set(tree->root, t, disk);
		free(tree->root->path);
		tree->root->path = strdup(label);
	} else if (tree->root) {
		tree->by_id = node_add(tree->root, NODE_DIR, "by-id");
		tree->by_alias = node_add(tree->root, NODE_DIR, "by-alias");
		info = node_add(tree->root, NODE_DIR, ".lunfs");
	}
	bool complete = tree->root && (disk ? tree->root->path != NULL :
		tree->by_id && tree->by_alias && info &&
		node_add(info, NODE_STATUS, "status.json"));
	if (!complete) {
		tree_free(tree);
		return out_of_memory(err);
	}
	*out = tree;
	return 0;
}

struct tree *
tree_free(struct tree *tree)
{
	if (tree) {
		node_free(tree->root);
		while (tree->orphans)
			orphan_free(tree->orphans);
		free(tree);
	}
	return NULL;
}

struct node *
tree_node(const struct tree *tree, uint64_t ino)
{
	return ino == ROOT_INO ? tree->root : (struct node *)(uintptr_t)ino;
}

uint64_t
tree_ino(const struct tree *tree, const struct node *node)
{
	return node == tree->root ? ROOT_INO : (uintptr_t)node;
}

struct node *
tree_find(const struct node *dir, const char *name)
{
	bool found;
	size_t at = place(dir, name, &found);

	return found ? dir->children[at] : NULL;
}

void
tree_forget(struct node *node, uint64_t n)
{
	if (!node->parent && node->st_ino == ROOT_INO)
		return;
	node->lookups -= n < node->lookups ? n : node->lookups;
	if (node->orphans && !is_needed(node))
		orphan_free(node);
}

void
tree_close(struct node *node)
{
	assert(node->opens > 0);
	node->opens--;
	if (node->orphans && !is_needed(node))
		orphan_free(node);
}
