/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an iSNS server shows now, and what it showed before. Finished lists. */
#ifndef DISCOVERY_ISNS_LISTS_H
#define DISCOVERY_ISNS_LISTS_H

#include "discovery/targets.h"

bool isns_lists_equal(const struct targets *a, const struct targets *b);

/* The list, with those targets of the old one that it has not. NULL: out of
 * memory. */
struct targets *isns_lists_join(const struct targets *list,
				const struct targets *old,
				const struct lun_env *env);

#endif
