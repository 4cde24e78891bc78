/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot information that is already on the host: files of the kernel, of the
 * firmware and of DHCP clients. Their parsers are in boot/.
 */
#ifndef IO_BOOT_FILES_H
#define IO_BOOT_FILES_H

#include "boot/info.h"

enum { BOOT_FILE_NAME_MAX = 300 };

/*
 * Each reads the file that is named, or where path is NULL those that are
 * usual, the first of which that has a target counts; if none has, the first
 * that tells of discovery services. 0; BOOT_NOTHING: no target, services may be
 * there; or negative: a file that can't be read or that is wrong, but of the
 * usual ones only if no other has anything. where becomes a text of what was
 * read, "lease of NetworkManager, /run/...".
 */
typedef int boot_file_fn(struct boot_info *b, const char *path,
			 char where[BOOT_FILE_NAME_MAX], struct lun_error *err);

boot_file_fn boot_file_cmdline;		/* /proc/cmdline */
boot_file_fn boot_file_ibft;		/* an ACPI table, or a directory */
boot_file_fn boot_file_lease;		/* see boot/lease.h */

/* All the usual leases in turn: r as above, and if it is negative *why. */
typedef void boot_lease_fn(void *user, const struct boot_info *b, int r,
			   const char *where, const struct lun_error *why);
void boot_file_each_lease(boot_lease_fn *fn, void *user);

#endif
