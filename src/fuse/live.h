/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets that come and go while they are mounted: those of live sources. One
 * that is gone is removed once nobody has a LUN of it open; what was written to
 * it is flushed before, so that nothing is lost whichever ends first, the use
 * of a file or the target.
 */
#ifndef FUSE_LIVE_H
#define FUSE_LIVE_H

#include "fuse/fs.h"

/* The session of a target is up, or there is none. */
void live_appeared(struct fs *fs, struct target *t);

/* No source shows it any more. */
void live_gone(struct fs *fs, struct target *t);

#endif
