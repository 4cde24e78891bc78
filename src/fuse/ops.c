/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of operations, the wishes of other commands, and what is always
 * refused: nobody makes, removes or renames anything here. (What stands in no row, the kernel answers
 * itself after it was told so once.)
 */
#include <errno.h>

#include "control.h"
#include "fuse/ops.h"

static void
refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	     dev_t rdev)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_symlink(fuse_req_t req, const char *link, fuse_ino_t parent,
	       const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	      fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent,
	    const char *new_name)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		const char *value, size_t size, int flags)
{
	fuse_reply_err(req, EPERM);
}

static void
refuse_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fuse_reply_err(req, EPERM);
}

/* The wishes of control.h; of them there is one. */
static void
op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
	 struct fuse_file_info *fi, unsigned flags, const void *in,
	 size_t in_size, size_t out_size)
{
	struct fs *fs = fs_of(req);

	if (ino != FUSE_ROOT_ID || cmd != CONTROL_RETRY) {
		fuse_reply_err(req, ENOTTY);
	} else if (fuse_req_ctx(req)->uid != fs->uid) {
		fuse_reply_err(req, EPERM);
	} else {
		fs->ops->retry(fs->user);
		fuse_reply_ioctl(req, 0, NULL, 0);
	}
}

const struct fuse_lowlevel_ops fs_operations = {
	.init		= op_init,
	.lookup		= op_lookup,
	.forget		= op_forget,
	.forget_multi	= op_forget_multi,
	.getattr	= op_getattr,
	.setattr	= op_setattr,
	.readlink	= op_readlink,
	.mknod		= refuse_mknod,
	.mkdir		= refuse_mkdir,
	.unlink		= refuse_unlink,
	.rmdir		= refuse_unlink,
	.symlink	= refuse_symlink,
	.rename		= refuse_rename,
	.link		= refuse_link,
	.open		= op_open,
	.read		= op_read,
	.write		= op_write,
	.fsync		= op_fsync,
	.release	= op_release,
	.opendir	= op_opendir,
	.readdir	= op_readdir,
	.releasedir	= op_releasedir,
	.statfs		= op_statfs,
	.getxattr	= op_getxattr,
	.listxattr	= op_listxattr,
	.ioctl		= op_ioctl,
	.setxattr	= refuse_setxattr,
	.removexattr	= refuse_removexattr,
};
