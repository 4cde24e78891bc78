/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of disks live: sparse anonymous memory, or a mapped file. */
#ifndef STORE_H
#define STORE_H

#include "disk.h"

struct store;

/*
 * path NULL: memory of size bytes. Else a file, which grows to size if that is
 * not 0; what has to survive beside the data is in PATH.state. cached: what is
 * written reaches the file when it is flushed, and not if the process is killed
 * before. Fills bytes, size, ops, user and saved of *config.
 */
int store_new(struct store **out, const char *path, uint64_t size, bool cached,
	      struct disk_config *config, struct lun_error *err);
struct store *store_free(struct store *s);

#endif
