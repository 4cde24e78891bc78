/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of disks live: sparse anonymous memory, or a mapped file. */
#ifndef STORE_H
#define STORE_H

#include "disk.h"

struct store;

/* path NULL: memory of size bytes. Else a file, which grows to size if that is
 * not 0. Fills bytes, size, ops, user and mapped of *config. */
int store_new(struct store **out, const char *path, uint64_t size,
	      struct disk_config *config, struct lun_error *err);
struct store *store_free(struct store *s);

#endif
