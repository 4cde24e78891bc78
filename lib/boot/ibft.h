/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The iSCSI Boot Firmware Table: what the firmware of a host that booted by
 * iSCSI knows about it. Either the table itself, as ACPI has it, or what the
 * kernel makes of it, a directory with a text for each field:
 *
 *	header, 48 bytes	"iBFT", length, revision, checksum ...
 *	control			where the others are
 *	initiator		name, iSNS and SLP servers
 *	NIC 0, NIC 1		not looked at
 *	target 0, target 1	address, port, LUN, name, CHAP
 *
 * Targets that firmware booted from come first.
 */
#ifndef BOOT_IBFT_H
#define BOOT_IBFT_H

#include <sys/types.h>

#include "boot/info.h"

enum { IBFT_TABLE_MAX = 64 * 1024, IBFT_TEXT_MAX = 1024 };

/* A table of len bytes. 0, BOOT_NOTHING (no target in it), LUN_EINVAL. */
int boot_ibft_table(struct boot_info *b, const uint8_t *table, size_t len,
		    struct lun_error *err);

/*
 * The directory: read() gives the text of a file in it ("target0/ip-addr"),
 * terminated, of less than IBFT_TEXT_MAX bytes. 0; 1: no such file; or
 * negative, with *err filled. Results as above.
 */
typedef int ibft_read_fn(void *user, const char *name, char *text,
			 struct lun_error *err);
int boot_ibft_directory(struct boot_info *b, ibft_read_fn *read, void *user,
			struct lun_error *err);

#endif
