/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may tell us what to boot from (RFC 4173 8): lists that the user gives,
 * and whether servers have to be named by address.
 */
#ifndef BOOT_POLICY_H
#define BOOT_POLICY_H

#include "boot/info.h"

/*
 * May this target at this portal be used? list is what the user allows, names
 * of targets and hosts with commas between; NULL: everything. If it has names
 * of targets, the target must be one of them; if it has hosts, the host must
 * be one of those. 0; LUN_EREFUSED; or LUN_EINVAL: the list is wrong.
 */
int boot_policy_check(const char *list, bool numeric, const char *target,
		      const struct portal *portal, struct lun_error *err);

/* Is the list well-formed, and not empty? 0 or LUN_EINVAL. */
int boot_policy_valid(const char *list, struct lun_error *err);

/* Is this address of a DHCP server on a list of such? NULL: any is. */
bool boot_policy_dhcp(const char *list, const uint8_t server[4]);

#endif
