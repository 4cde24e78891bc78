/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel can do for us that libfuse has no word for (yet). */
#ifndef FUSE_KERNEL_H
#define FUSE_KERNEL_H

#include "fuse/fuse.h"

/*
 * After fuse_session_mount(), before the first message. The answer to INIT
 * promises to clear set-user-ID bits on writes, of which no file here has any:
 * without that promise (libfuse makes it from 3.17 on) the kernel asks for
 * security.capability before each buffered write, a second request for each.
 * 0, or a negative errno.
 */
int kernel_answer_init(struct fuse_session *se);

/*
 * After INIT was answered: lets the kernel read ahead as far as one request
 * can take, as block devices do; it is 128 KiB else. Only root may ask for it,
 * so that it is no failure if it can't be had.
 */
void kernel_read_ahead(const char *mountpoint);

#endif
