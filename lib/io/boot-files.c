/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with boot information; what was read is wiped, it may be secret. */
#include "io/boot-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "boot/cmdline.h"
#include "boot/ibft.h"
#include "boot/lease.h"

enum { CMDLINE_MAX = 16 * 1024 };

/* Where these are usually, by preference. */
static const char *const cmdlines[] = { "/proc/cmdline", NULL };
static const char *const ibfts[] = {
	"/sys/firmware/acpi/tables/iBFT",	/* the LUN is exact there */
	"/sys/firmware/acpi/tables/IBFT",
	"/sys/firmware/ibft",
	NULL
};
static const char *const leases[] = {
	"/run/net-*.conf",
	"/run/NetworkManager/devices/*",
	"/run/systemd/netif/leases/*",
	"/var/lib/dhcp/dhclient*.leases",
	"/var/lib/NetworkManager/dhclient-*.lease",
	"/var/lib/dhcpcd/*.lease",
	NULL
};

struct text {
	char *p;		/* terminated */
	size_t len, size;
	int64_t written;	/* in seconds, time of day */
};

static void
text_free(struct text *t)
{
	if (t->p)
		secret_wipe(t->p, t->size);
	free(t->p);
}

/* The path in an error: it may be needed to read this as root. */
static int
cannot_read(const char *path, struct lun_error *err)
{
	return lun_fail(err, LUN_ESYS, "%s: %s%s", path, strerror(errno),
			errno == EACCES || errno == EPERM ?
			" (only root can read it)" : "");
}

static int
read_all(int fd, const char *path, struct text *t, struct lun_error *err)
{
	ssize_t n;

	do {
		n = read(fd, t->p + t->len, t->size - t->len);
		if (n < 0)
			return cannot_read(path, err);
		t->len += (size_t)n;
	} while (n > 0 && t->len < t->size);
	if (t->len == t->size)
		return lun_fail(err, LUN_EINVAL, "%s: longer than %zu bytes",
				path, t->size - 1);
	t->p[t->len] = '\0';
	return 0;
}

/* A file of at most max bytes, below the folder if that is not AT_FDCWD. */
static int
read_file(int folder, const char *path, size_t max, struct text *t,
	  struct lun_error *err)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY);

	if (fd < 0)
		return cannot_read(path, err);

	struct stat st;

	t->size = max + 1;
	t->p = malloc(t->size);
	t->written = fstat(fd, &st) == 0 ? st.st_mtime : 0;

	int r = t->p ? read_all(fd, path, t, err) :
		lun_fail(err, LUN_ENOMEM, "%s: out of memory", path);

	close(fd);
	return r;
}

/* ------------------------------------------------ one file of each kind -- */

static int
one_cmdline(struct boot_info *b, const char *path,
	    char where[BOOT_FILE_NAME_MAX], struct lun_error *err)
{
	struct text t = { 0 };
	int r = read_file(AT_FDCWD, path, CMDLINE_MAX, &t, err);

	snprintf(where, BOOT_FILE_NAME_MAX, "kernel command line, %s", path);
	if (r == 0)
		r = boot_cmdline(b, t.p, err);
	text_free(&t);
	return r;
}

static int
one_lease(struct boot_info *b, const char *path, char where[BOOT_FILE_NAME_MAX],
	  struct lun_error *err)
{
	struct text t = { 0 };
	struct lun_error why;
	const char *client = "DHCP client";
	int r = read_file(AT_FDCWD, path, LEASE_FILE_MAX, &t, err);

	if (r == 0) {
		r = boot_lease(b, t.p, t.len, time(NULL), t.written,
			       &client, &why);
		if (r < 0)
			lun_fail(err, r, "%s: %s", path, why.text);
	}
	snprintf(where, BOOT_FILE_NAME_MAX, "lease of %s, %s", client, path);
	text_free(&t);
	return r;
}

static int
read_field(void *user, const char *name, char out[IBFT_TEXT_MAX],
	   struct lun_error *err)
{
	struct text t = { 0 };
	int folder = *(int *)user;

	if (faccessat(folder, name, F_OK, 0) < 0 && errno == ENOENT)
		return 1;

	int r = read_file(folder, name, IBFT_TEXT_MAX - 1, &t, err);

	if (r == 0)
		memcpy(out, t.p, t.len + 1);
	text_free(&t);
	return r;
}

static int
ibft_directory(struct boot_info *b, const char *path, struct lun_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return cannot_read(path, err);

	int r = boot_ibft_directory(b, read_field, &fd, err);

	close(fd);
	return r;
}

static int
ibft_table(struct boot_info *b, const char *path, struct lun_error *err)
{
	struct text t = { 0 };
	int r = read_file(AT_FDCWD, path, IBFT_TABLE_MAX, &t, err);

	if (r == 0)
		r = boot_ibft_table(b, (const uint8_t *)t.p, t.len, err);
	text_free(&t);
	return r;
}

static int
one_ibft(struct boot_info *b, const char *path, char where[BOOT_FILE_NAME_MAX],
	 struct lun_error *err)
{
	struct stat st;

	snprintf(where, BOOT_FILE_NAME_MAX, "iBFT, %s", path);
	if (stat(path, &st) < 0)
		return cannot_read(path, err);
	return S_ISDIR(st.st_mode) ? ibft_directory(b, path, err) :
				     ibft_table(b, path, err);
}

/* ------------------------------------------------------------ the usual -- */

static glob_t
find(const char *const patterns[])
{
	glob_t found = { 0 };

	for (size_t i = 0; patterns[i]; i++)
		glob(patterns[i], GLOB_APPEND, NULL, &found);
	return found;
}

/* See the header. Of those that have nothing, an error says more than that there
 * was nothing. */
static int
usual(struct boot_info *b, const char *const patterns[], boot_file_fn *one,
      char where[BOOT_FILE_NAME_MAX], struct lun_error *err)
{
	glob_t found = find(patterns);
	const char *services = NULL;
	int r = BOOT_NOTHING, r1 = BOOT_NOTHING;

	for (size_t i = 0; r1 != 0 && i < found.gl_pathc; i++) {
		struct lun_error why;

		boot_info_wipe(b);	/* what another one says, or half of it */
		r1 = one(b, found.gl_pathv[i], where, &why);
		if (r1 < 0)
			r = lun_fail(err, r1, "%s", why.text);
		else if (!services && b->n_services > 0)
			services = found.gl_pathv[i];
	}
	if (r1 != 0)
		boot_info_wipe(b);
	if (r1 != 0 && services)
		r1 = r = one(b, services, where, err);
	globfree(&found);
	return r1 == 0 ? 0 : r;
}

void
boot_file_each_lease(boot_lease_fn *fn, void *user)
{
	glob_t found = find(leases);

	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct boot_info b = { 0 };
		struct lun_error why;
		char where[BOOT_FILE_NAME_MAX];
		int r = one_lease(&b, found.gl_pathv[i], where, &why);

		fn(user, &b, r, where, &why);
		boot_info_wipe(&b);
	}
	globfree(&found);
}

#define READER(kind)                                                          \
	int boot_file_##kind(struct boot_info *b, const char *path,           \
			     char where[BOOT_FILE_NAME_MAX],                  \
			     struct lun_error *err)                           \
	{                                                                     \
		return path ? one_##kind(b, path, where, err) :               \
			      usual(b, kind##s, one_##kind, where, err);      \
	}
READER(cmdline)
READER(ibft)
READER(lease)
#undef READER
