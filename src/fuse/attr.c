/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes. Nothing can be changed: a size stays what the LUN's capacity is
 * (truncating on open never gets here: with FUSE_CAP_ATOMIC_O_TRUNC it is a
 * flag of open, which is ignored there).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "control.h"
#include "fuse/ops.h"
#include "text.h"

void
node_stat(const struct fs *fs, const struct node *node, struct stat *st)
{
	const struct lun_disk_info *info;

	*st = (struct stat){
		.st_ino = node->st_ino,
		.st_nlink = 1,
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_blksize = 4096,
		.st_atim = fs->since,
		.st_mtim = fs->since,
		.st_ctim = fs->since,
	};
	switch (node->kind) {
	case NODE_DIR:
		st->st_mode = S_IFDIR | 0555;
		st->st_nlink = 2;
		break;
	case NODE_LINK:
		st->st_mode = S_IFLNK | 0777;
		st->st_size = (off_t)strlen(node->link);
		break;
	case NODE_LUN:
		st->st_mode = S_IFREG;
		if (!node->disk)
			break;
		info = lun_disk_info(node->disk);
		st->st_mode = S_IFREG | (info->read_only ? 0400 : 0600);
		st->st_size = (off_t)info->size;
		st->st_blocks = (blkcnt_t)(info->size / 512);
		if (info->physical_block_size > 4096)
			st->st_blksize = (blksize_t)info->physical_block_size;
		break;
	case NODE_STATUS:
		st->st_mode = S_IFREG | 0400;
		break;
	}
}

void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	node_stat(fs_of(req), fs_node(req, ino), &st);
	fuse_reply_attr(req, &st, FS_VALID_S);
}

void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
	   struct fuse_file_info *fi)
{
	const struct node *node = fs_node(req, ino);
	const int owner = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID |
			  FUSE_SET_ATTR_GID;
	struct stat st;

	node_stat(fs_of(req), node, &st);
	if (to_set & owner)
		fuse_reply_err(req, EPERM);
	else if ((to_set & FUSE_SET_ATTR_SIZE) && attr->st_size != st.st_size)
		fuse_reply_err(req, EINVAL);
	else
		fuse_reply_attr(req, &st, FS_VALID_S);
}

/* ------------------------------------------------------------- xattrs -- */

/* Copies of values, harmless on a terminal; NULL: out of memory. */
static char *
printable(const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *out = malloc(size);

	return out ? text_printable(text, out, size) : NULL;
}

static char *
value_vendor(const struct fs *fs, const struct lun_disk_info *info)
{
	return printable(info->vendor);
}

static char *
value_product(const struct fs *fs, const struct lun_disk_info *info)
{
	return printable(info->product);
}

static char *
value_revision(const struct fs *fs, const struct lun_disk_info *info)
{
	return printable(info->revision);
}

static char *
value_serial(const struct fs *fs, const struct lun_disk_info *info)
{
	return printable(info->serial);
}

/* One a line. */
static char *
value_designators(const struct fs *fs, const struct lun_disk_info *info)
{
	size_t length = 1;

	for (size_t i = 0; i < info->n_designators; i++)
		length += 4 * strlen(info->designators[i]) + 1;
	char *out = malloc(length);
	char *to = out;
	if (!out)
		return NULL;
	*to = '\0';
	for (size_t i = 0; i < info->n_designators; i++) {
		if (i > 0)
			*to++ = '\n';
		text_printable(info->designators[i], to,
			       length - (size_t)(to - out));
		to += strlen(to);
	}
	return out;
}

static char *
value_status(const struct fs *fs, const struct lun_disk_info *info)
{
	size_t length;

	return info_status(fs, &length);
}

static const struct {
	const char *name;
	char *(*value)(const struct fs *fs, const struct lun_disk_info *info);
	bool single_file_only;
} xattrs[] = {
	{ "user.lunfs.vendor",		value_vendor },
	{ "user.lunfs.product",		value_product },
	{ "user.lunfs.revision",	value_revision },
	{ "user.lunfs.serial",		value_serial },
	{ "user.lunfs.designators",	value_designators },
	{ CONTROL_STATUS_XATTR,	value_status, true },
};
enum { N_XATTRS = sizeof(xattrs) / sizeof(xattrs[0]) };

static bool
xattr_applies(const struct fs *fs, const struct node *node, size_t i)
{
	return node->kind == NODE_LUN && node->disk &&
	       (!xattrs[i].single_file_only || node == fs->tree->root);
}

/* The protocol of both calls: with size 0 the length is asked for. */
static void
reply_xattr(fuse_req_t req, const char *data, size_t length, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, length);
	else if (size < length)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, length);
}

void
op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	const struct fs *fs = fs_of(req);
	const struct node *node = fs_node(req, ino);

	for (size_t i = 0; i < N_XATTRS; i++) {
		if (!xattr_applies(fs, node, i) ||
		    strcmp(xattrs[i].name, name) != 0)
			continue;
		char *value = xattrs[i].value(fs, lun_disk_info(node->disk));
		if (value)
			reply_xattr(req, value, strlen(value), size);
		else
			fuse_reply_err(req, ENOMEM);
		free(value);
		return;
	}
	fuse_reply_err(req, ENODATA);
}

void
op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	const struct fs *fs = fs_of(req);
	const struct node *node = fs_node(req, ino);
	char names[N_XATTRS * 32];
	size_t length = 0;

	for (size_t i = 0; i < N_XATTRS; i++)
		if (xattr_applies(fs, node, i)) {
			memcpy(names + length, xattrs[i].name,
			       strlen(xattrs[i].name) + 1);
			length += strlen(xattrs[i].name) + 1;
		}
	reply_xattr(req, names, length, size);
}

/* ------------------------------------------------------------- statfs -- */

/* Its files are given: there is no space that could be used up. So df(1) leaves
 * it out, and nobody who watches disks takes it for a full one. */
void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs sv = {
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_namemax = 255,
	};

	fuse_reply_statfs(req, &sv);
}
