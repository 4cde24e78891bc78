/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .lunfs/status.json: made when it is opened, so that a reader sees one moment.
 * Its length is not known before, so it is read with direct I/O and stat shows
 * 0, as in /proc.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse/lanes.h"
#include "fuse/ops.h"
#include "json.h"

struct text {
	size_t length;
	char *data;
};

char *
info_status(const struct fs *fs, size_t *length)
{
	struct json_object *sessions = json_sessions(fs->survey, 1);

	if (fs->lanes)
		lanes_sessions(fs->lanes, sessions);

	struct json_object *o = json_status(fs->survey, sessions,
					    fs->sessions);
	char *text = json_print(o, length);

	json_object_put(o);
	return text;
}

void
info_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct text *text = calloc(1, sizeof(*text));

	if (text)
		text->data = info_status(fs_of(req), &text->length);
	if (!text || !text->data) {
		free(text);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fi->fh = (uintptr_t)text;
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) < 0)
		info_release(fi);
}

void
info_read(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct text *text = (struct text *)(uintptr_t)fi->fh;
	size_t at = offset < 0 || (size_t)offset > text->length ?
		text->length : (size_t)offset;
	size_t rest = text->length - at;

	fuse_reply_buf(req, text->data + at, rest < size ? rest : size);
}

void
info_release(struct fuse_file_info *fi)
{
	struct text *text = (struct text *)(uintptr_t)fi->fh;

	free(text->data);
	free(text);
}
