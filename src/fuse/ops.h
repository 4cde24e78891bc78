/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the filesystem, by file. */
#ifndef FUSE_OPS_H
#define FUSE_OPS_H

#include "fuse/fs.h"

/* fs.c */
void op_init(void *fs, struct fuse_conn_info *);

/* attr.c */
void op_getattr(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void op_setattr(fuse_req_t, fuse_ino_t, struct stat *, int,
		struct fuse_file_info *);
void op_getxattr(fuse_req_t, fuse_ino_t, const char *name, size_t size);
void op_listxattr(fuse_req_t, fuse_ino_t, size_t size);
void op_statfs(fuse_req_t, fuse_ino_t);

/* dir.c */
void op_lookup(fuse_req_t, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t, fuse_ino_t, uint64_t n);
void op_forget_multi(fuse_req_t, size_t count, struct fuse_forget_data *);
void op_readlink(fuse_req_t, fuse_ino_t);
void op_opendir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void op_readdir(fuse_req_t, fuse_ino_t, size_t, off_t,
		struct fuse_file_info *);
void op_releasedir(fuse_req_t, fuse_ino_t, struct fuse_file_info *);

/* file.c */
void op_open(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
void op_read(fuse_req_t, fuse_ino_t, size_t, off_t, struct fuse_file_info *);
void op_write(fuse_req_t, fuse_ino_t, const char *, size_t, off_t,
	      struct fuse_file_info *);
void op_release(fuse_req_t, fuse_ino_t, struct fuse_file_info *);
/*
 * A LUN that somebody has opened. A loss of writes is told to everybody once,
 * by fsync, as Linux does for its own cache: node.losses, as far as this one
 * knows.
 */
struct opened {
	atomic_uint losses;
};

static inline struct opened *
opened_of(const struct fuse_file_info *fi)
{
	return (struct opened *)(uintptr_t)fi->fh;
}

/* "PATH: read of 4096 bytes at 0". */
enum { REQUEST_TEXT_MAX = 700 };
const char *file_request_text(const struct request *, char text[REQUEST_TEXT_MAX]);
/* The errno of its end, which is told in the log; 0: none. */
int file_error(const struct request *);

/* flush.c */
void op_fsync(fuse_req_t, fuse_ino_t, int datasync, struct fuse_file_info *);
/* Starts the flush of one LUN that needs it, if there is one: in dir (NULL: in
 * none), or one that has vanished, of t (NULL: of any target). Also true if there
 * is no room for it just now. */
bool flush_dirty(struct fs *, struct node *dir, const struct target *t);

/*
 * The part of a flush that is a lane's, and done in its thread; its intake has
 * room. The main loop has one, too, and all parts that are done come to it.
 */
struct flush_part {
	struct flush_part *next;	/* the lane's own */
	struct flush *flush;
	struct node *node;
	uint64_t covers;		/* writes of the lane */
	struct lun_signs signs;		/* that its session has seen */
	bool tried;			/* long enough to be back */
};
void flush_part_start(struct intake *in, struct flush_part *part);
void flush_part_failed(struct flush_part *part);	/* its sessions are gone */
/* Does nobody wait for it any more? */
bool flush_is_interrupted(const struct flush_part *part);

/* info.c: files that are made when they are opened */
void info_open(fuse_req_t, struct fuse_file_info *);
void info_read(fuse_req_t, size_t, off_t, struct fuse_file_info *);
void info_release(struct fuse_file_info *);
/* status.json; to be freed. NULL: out of memory. */
char *info_status(const struct fs *, size_t *length);

#endif
