/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mounts of lunfs there are: asked of the kernel, not of the mounts. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include "lun.h"

/*
 * The mountpoint of the mount of lunfs that path, which has to exist, lies in.
 * To be freed. LUN_ENOTFOUND: there it is none of lunfs; LUN_ESYS: also if the
 * program of the mount has ended, with what to do.
 */
int mounts_find(char **out, const char *path, struct lun_error *err);

/*
 * LUN_ESYS: there is a mount of lunfs on mountpoint already, which is what path
 * names. The kernel would let root mount there again, which hides the first one,
 * and unmounting would take away the second one only. fusermount refuses it to
 * others, but says no more than "permission denied".
 */
int mounts_none_of_us(const char *mountpoint, const char *path,
		      struct lun_error *err);

/* Is this errno, of something at path, a mount without program? Then err says
 * what to do. */
int mounts_dead(const char *path, int error, struct lun_error *err);

#endif
