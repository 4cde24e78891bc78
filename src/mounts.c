/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mounts.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "fail.h"

#define MOUNTS	"/proc/self/mounts"
#define TYPE	"fuse.lunfs"		/* "subtype=lunfs", see fs.c */

static bool
lies_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')	/* of "/" */
		n--;
	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* Where path, which is absolute and has no links, is mounted; of what lies on
 * top of each other the last. The line is the caller's, and NULL is memory. */
static bool
covering(FILE *list, const char *path, struct mntent *found,
	 char line[2][4096])
{
	struct mntent m;
	size_t longest = 0;
	int at = 0;

	while (getmntent_r(list, &m, line[at], sizeof(line[at]))) {
		size_t n = strlen(m.mnt_dir);

		if (n < longest || !lies_in(path, m.mnt_dir))
			continue;
		*found = m;
		longest = n;
		at = !at;
	}
	return longest > 0;
}

static int
find(char **out, const char *real, const char *path, struct lun_error *err)
{
	FILE *list = setmntent(MOUNTS, "re");
	struct mntent m;
	char lines[2][4096];
	int r = 0;

	if (!list)
		return fail(err, LUN_ESYS, "%s: %s", MOUNTS, strerror(errno));
	if (!covering(list, real, &m, lines) || strcmp(m.mnt_type, TYPE) != 0)
		r = fail(err, LUN_ENOTFOUND, "%s: is no mount of lunfs", path);
	else if (!(*out = strdup(m.mnt_dir)))
		r = fail(err, LUN_ENOMEM, "%s: out of memory", path);
	endmntent(list);
	return r;
}

int
mounts_dead(const char *path, int error, struct lun_error *err)
{
	struct lun_error ignored;
	char *mountpoint = NULL;

	if (error != ENOTCONN)
		return fail(err, LUN_ESYS, "%s: %s", path, strerror(error));
	/* The way to it can't be resolved any more: perhaps it has no links. */
	find(&mountpoint, path, path, &ignored);
	fail(err, LUN_ESYS, "%s: is a dead mount, its program has ended: "
	     "unmount it with fusermount3 -u %s", path,
	     mountpoint ? mountpoint : path);
	free(mountpoint);
	return LUN_ESYS;
}

int
mounts_find(char **out, const char *path, struct lun_error *err)
{
	char *real = realpath(path, NULL);

	if (!real)
		return mounts_dead(path, errno, err);
	int r = find(out, real, path, err);
	free(real);
	return r;
}

int
mounts_none_of_us(const char *mountpoint, const char *path,
		  struct lun_error *err)
{
	struct lun_error none;
	char *there = NULL;
	bool taken = mounts_find(&there, path, &none) == 0 &&
		     strcmp(there, mountpoint) == 0;
	struct statfs st;

	free(there);
	if (!taken)
		return 0;
	/* What the kernel still knows of a dead mount lets the way to it be
	 * resolved for a second; this is always asked of the program. */
	if (statfs(path, &st) < 0)
		return mounts_dead(path, errno, err);
	return fail(err, LUN_ESYS, "%s: lunfs is mounted there already: "
		    "unmount it first (fusermount3 -u)", path);
}
