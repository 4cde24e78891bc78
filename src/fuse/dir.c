/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: lookup and forget, links, directories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/ops.h"

void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct fs *fs = fs_of(req);
	const struct node *dir = fs_node(req, parent);
	struct node *node = dir->kind == NODE_DIR ? tree_find(dir, name) : NULL;
	struct fuse_entry_param e = { 0 };

	if (!node) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e.ino = tree_ino(fs->tree, node);
	e.attr_timeout = e.entry_timeout = FS_VALID_S;
	node_stat(fs, node, &e.attr);
	node->lookups++;
	if (fuse_reply_entry(req, &e) < 0)	/* the kernel never saw it */
		tree_forget(node, 1);
}

void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	tree_forget(fs_node(req, ino), n);
	fuse_reply_none(req);
}

void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		tree_forget(fs_node(req, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

void
op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	const struct node *node = fs_node(req, ino);

	if (node->kind == NODE_LINK)
		fuse_reply_readlink(req, node->link);
	else
		fuse_reply_err(req, EINVAL);
}

/* -------------------------------------------------------- directories -- */

/*
 * What a directory held when it was opened, as entries for the kernel. The
 * offset of an entry is its place in there, so a reader gets each name once,
 * whatever comes and goes meanwhile.
 */
struct listing {
	size_t length;
	size_t space;
	char *data;
};

static bool
listing_add(fuse_req_t req, struct listing *l, const char *name,
	    const struct stat *st)
{
	size_t need = fuse_add_direntry(req, NULL, 0, name, NULL, 0);

	if (l->length + need > l->space) {
		size_t space = 2 * (l->space + need);
		char *more = realloc(l->data, space);

		if (!more)
			return false;
		l->data = more;
		l->space = space;
	}
	fuse_add_direntry(req, l->data + l->length, need, name, st,
			  (off_t)(l->length + need));
	l->length += need;
	return true;
}

void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fs_of(req);
	const struct node *dir = fs_node(req, ino);
	struct listing *l = calloc(1, sizeof(*l));
	struct stat st;

	node_stat(fs, dir, &st);
	bool ok = l && listing_add(req, l, ".", &st);
	if (dir->parent)
		node_stat(fs, dir->parent, &st);
	ok = ok && listing_add(req, l, "..", &st);
	for (size_t i = 0; ok && i < dir->n_children; i++) {
		node_stat(fs, dir->children[i], &st);
		ok = listing_add(req, l, dir->children[i]->name, &st);
	}
	fi->fh = (uintptr_t)l;
	if (ok && fuse_reply_open(req, fi) == 0)
		return;
	if (!ok)
		fuse_reply_err(req, ENOMEM);
	free(l ? l->data : NULL);
	free(l);
}

void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	   struct fuse_file_info *fi)
{
	const struct listing *l = (struct listing *)(uintptr_t)fi->fh;
	size_t at = offset < 0 || (size_t)offset > l->length ? l->length :
		    (size_t)offset;
	size_t rest = l->length - at;

	/* An entry that is cut is asked for again. */
	fuse_reply_buf(req, l->data + at, rest < size ? rest : size);
}

void
op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct listing *l = (struct listing *)(uintptr_t)fi->fh;

	free(l->data);
	free(l);
	fuse_reply_err(req, 0);
}
