/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the DHCP leases that this host holds already say about discovery: iSNS
 * servers (RFC 4174), agents and scopes of SLP (RFC 2610). Nothing is asked on
 * the network. Which lease said what is told in the log.
 */
#ifndef LUN_LEASES_H
#define LUN_LEASES_H

#include "base/env.h"
#include "base/str.h"
#include "boot/info.h"

struct leases {
	enum boot_service_kind kind;
	const struct lun_env *env;
	struct boot_info info;		/* services of this kind, and scopes, of
					   all leases */
	struct str looked_at;		/* for errors: what was read */
};

void leases_read(struct leases *l, enum boot_service_kind kind,
		 const struct lun_env *env);
void leases_deinit(struct leases *l);

#endif
