/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See identity.h. The format of our ISIDs is "random" (T is 10b): B and C are
 * 24 bits that depend on host and user, D is a number that tells sessions with
 * the same target apart: the lowest that is free (RFC 7143 11.12.5).
 *
 * Free is what is not locked: every D of every (initiator, target) is a byte of
 * one file, which stays empty. Locks on open file descriptions end with the
 * process, are kept across fork(), and exclude sessions of one process, too.
 *
 * Where that file is does not depend on the environment: all processes of a
 * user have to see the same locks. Those that cannot (a /tmp of their own, the
 * file was deleted) have other values of B and C, which come from it, too.
 */
#include "io/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "io/kept-name.h"

#define NAME_PREFIX	"iqn.2026-11.io.github.lunfs:"
#define APPLICATION	"lunfs initiator 8f1d0c5e"	/* ours alone */

enum {
	ISID_T_RANDOM	= 0x80,		/* RFC 7143 11.12.5 */
	SLOTS		= 1024,		/* values of D that are tried */
	NAME_HASH_LEN	= 12,
};

/* The machine id, or the host name where there is none. */
static size_t
machine_id(char *buf, size_t size)
{
	static const char *const paths[] = { "/etc/machine-id",
					     "/var/lib/dbus/machine-id" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, buf, size);

		if (fd >= 0)
			close(fd);
		if (n >= 32)		/* else it is not set up yet */
			return 32;
	}
	if (gethostname(buf, size) < 0)
		return 0;
	return strnlen(buf, size);
}

/* locks: the lock file, or NULL. */
static int
host_hash(uint8_t out[HASH_LEN_MAX], const struct stat *locks)
{
	uint64_t file[2] = { locks ? locks->st_dev : 0,
			     locks ? locks->st_ino : 0 };
	char id[64];
	size_t len = machine_id(id, sizeof(id));
	uid_t uid = getuid();
	struct iovec parts[] = {
		{ APPLICATION, sizeof(APPLICATION) },
		{ &uid, sizeof(uid) },
		{ id, len },
		{ file, sizeof(file) },
	};

	return hash_parts(&hashes[HASH_SHA256], parts, locks ? 4 : 3, out);
}

static int
make_name(char out[NAME_MAX_LEN + 1], struct lun_error *err)
{
	uint8_t hash[HASH_LEN_MAX];
	char hex[HEX_LEN(NAME_HASH_LEN)];
	int r = host_hash(hash, NULL);

	if (r < 0)
		return lun_fail(err, r, "initiator name: no SHA-256");
	snprintf(out, NAME_MAX_LEN + 1, NAME_PREFIX "%s",
		 hex_encode(hex, hash, NAME_HASH_LEN));
	return 0;
}

int
identity_name(char out[NAME_MAX_LEN + 1], const struct lun_env *env,
	      struct lun_error *err)
{
	char made[NAME_MAX_LEN + 1];
	int r = make_name(made, err);

	if (r < 0)
		return r;
	r = kept_name(out, made, env, err);
	if (r == NAME_NOT_KEPT)
		strcpy(out, made);
	return r < 0 ? r : 0;
}

void
identity_alias(char out[ALIAS_MAX + 1])
{
	char name[ALIAS_MAX + 1] = "";

	if (gethostname(name, ALIAS_MAX) < 0 ||
	    !str_is_harmless(name, strlen(name)))
		name[0] = '\0';
	memcpy(out, name, sizeof(name));
}

/* The lock file of this user; -1 if there can be none. */
static int
open_locks(struct stat *st)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/lunfs-isid-%u", geteuid());
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		  0600);
	/* /tmp belongs to everybody: not one that somebody else has put there,
	 * who could hold all the locks */
	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) ||
			st->st_uid != geteuid())) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Locks the first free of the bytes from start on; its number or -1. */
static int
lock_slot(int fd, off_t start)
{
	for (int i = 0; i < SLOTS; i++) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = start + i,
			.l_len = 1,
		};

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return i;
		if (errno != EAGAIN && errno != EACCES)
			break;
	}
	return -1;
}

/* Where the slots of a pair begin: far from those of other pairs. */
static int
pair_start(off_t *start, const char *initiator, const char *target)
{
	uint8_t hash[HASH_LEN_MAX];
	struct iovec parts[] = {
		{ (void *)initiator, strlen(initiator) + 1 },
		{ (void *)target, strlen(target) },
	};
	int r = hash_parts(&hashes[HASH_SHA256], parts, 2, hash);

	if (r < 0)
		return r;
	/* 62 bits, a multiple of 2^16 */
	*start = (off_t)((get64(hash) >> 2) & ~UINT64_C(0xffff));
	return 0;
}

void
isid_take(struct isid_lease *lease, const char *initiator, const char *target,
	  const uint32_t *bc, const struct lun_env *env)
{
	uint8_t hash[HASH_LEN_MAX];
	uint32_t random = env_random32(env);
	uint32_t high = bc ? *bc : random >> 8;
	struct stat locks;
	int slot = -1;
	off_t start;

	lease->lock_fd = open_locks(&locks);
	if (!bc && host_hash(hash, lease->lock_fd < 0 ? NULL : &locks) == 0)
		high = get24(hash + NAME_HASH_LEN);	/* not in the name */
	if (lease->lock_fd >= 0 && pair_start(&start, initiator, target) == 0)
		slot = lock_slot(lease->lock_fd, start);
	if (slot < 0)
		isid_release(lease);

	lease->isid[0] = ISID_T_RANDOM;
	put24(lease->isid + 1, high);
	put16(lease->isid + 4, slot < 0 ? (uint16_t)random : (uint16_t)slot);
}

void
isid_release(struct isid_lease *lease)
{
	if (lease->lock_fd >= 0)
		close(lease->lock_fd);
	lease->lock_fd = -1;
}
