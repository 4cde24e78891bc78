/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static lists: files in INI form that name portals, targets and servers, each
 * with its options. What a section names becomes URLs of sources:
 *
 *	[options]			# for all sections after it
 *	timeout = 10
 *
 *	[portal]			# or [portal LABEL]
 *	address = 192.0.2.7:3261
 *
 *	[target iqn.2024-01.org.example:disks]
 *	address = 192.0.2.7, [2001:db8::7]
 *	lun = 0, 2			# without it: all
 *	credentials = secret		# beside the list
 *	MaxBurstLength = 1M
 *
 *	[isns]   address   [slp]   address, scope
 *
 * A list is as trusted as the command line, but secrets do not stand in it.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "lun.h"

/* Takes one source: its URL, which may be overwritten, and its options. */
typedef int config_source_fn(void *user, char *url,
			     const struct lun_options *options,
			     struct lun_error *err);

/*
 * Calls fn for each source of the list, with the given options and those of the
 * list. LUN_ESYS: the file cannot be read, or is wrong at "PATH:LINE:COLUMN";
 * the first error ends it.
 */
int config_read(const char *path, const struct lun_options *options,
		config_source_fn *fn, void *user, struct lun_error *err);

/* The same with a text, for which path is a name. */
int config_parse(const char *text, size_t len, const char *path,
		 const struct lun_options *options, config_source_fn *fn,
		 void *user, struct lun_error *err);

#endif
