/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of lease files share: a file as lines. */
#ifndef BOOT_LEASE_IMPL_H
#define BOOT_LEASE_IMPL_H

#include "boot/lease.h"

struct lease_file {
	const char *p, *end;
	int64_t now, written;
	struct boot_info *b;
	struct lun_error *err;
};

struct span {
	const char *p;
	size_t len;
};

struct span lease_line(struct lease_file *f);

/* What stands behind a prefix of the line; p is NULL if it does not have it. */
struct span lease_behind(struct span line, const char *prefix);

/* The statements of dhclient; as boot_lease(). */
int lease_read_dhclient(struct lease_file *f);

#endif
