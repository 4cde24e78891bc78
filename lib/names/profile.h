/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The iSCSI profile of stringprep, RFC 3722, for any string. What is asked of
 * an iSCSI name beyond that is names/name.h.
 */
#ifndef NAMES_PROFILE_H
#define NAMES_PROFILE_H

#include <stdbool.h>

#include "names/name.h"

/*
 * Prepares a string: as one that is stored, or as a query, in which code points
 * that Unicode 3.2 did not have pass unchanged (RFC 3722 8, RFC 3454 7). 0, or
 * LUN_EINVAL, and the text names the character, its place, and the table that
 * forbids it; LUN_ENOMEM. out is untouched then.
 */
int name_profile(const char *in, char out[NAME_MAX_LEN + 1], bool stored,
		 struct lun_error *err);

#endif
