/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How other commands talk to a mount: through the filesystem itself, so that
 * the kernel says who may. None of it needs the target. A mount is named by any
 * path in it.
 *
 * A wish is an ioctl on the root, not an extended attribute that is set: that
 * would never arrive at a mount that is read-only.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stddef.h>
#include <sys/ioctl.h>

#include "lun.h"

#define CONTROL_RETRY	_IO('L', 1)

#define CONTROL_STATUS_FILE	".lunfs/status.json"
#define CONTROL_STATUS_XATTR	"user.lunfs.status"

/* status.json of a mount, NUL-terminated; to be freed. LUN_ENOTFOUND: no mount;
 * LUN_ESYS. */
int control_status(char **out, size_t *length, const char *path,
		   struct lun_error *err);

/* Lost sessions stop waiting and log in again now. LUN_ENOTFOUND, LUN_ESYS. */
int control_retry(const char *path, struct lun_error *err);

#endif
