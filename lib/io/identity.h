/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who we are to targets, from what the host knows about itself: an initiator
 * name that stays the same, and ISIDs that are reused as far as that is safe
 * (RFC 7143 10.1.1: "conservative reuse").
 */
#ifndef IO_IDENTITY_H
#define IO_IDENTITY_H

#include "base/env.h"
#include "names/name.h"
#include "wire/pdu.h"

/*
 * The name that is kept in the configuration directory (kept-name.h). The first
 * one is "iqn.2026-11.io.github.lunfs:" and a hash of the machine id and the
 * user id: different for each user, since one user's sessions must not reinstate
 * another's; it does not give the machine id away. Where nothing can be kept it
 * is that one, too, which stays the same as long as the machine id does.
 */
int identity_name(char out[NAME_MAX_LEN + 1], const struct lun_env *env,
		  struct lun_error *err);

/* The alias of this node: the host name. "" if it has none to show. */
enum { ALIAS_MAX = 255 };	/* RFC 7143 6.1: a text-value */
void identity_alias(char out[ALIAS_MAX + 1]);

/*
 * The ISID of a session of initiator with target ("" for discovery). It is in
 * use by nobody else of this user on this host until isid_release(): a session
 * with the same name, ISID and portal group would end ours (RFC 7143 6.3.5).
 * *bc, if not NULL, is what the user wants in the fields B and C.
 */
struct isid_lease {
	uint8_t isid[ISID_LEN];
	int lock_fd;			/* -1: none could be had */
};
void isid_take(struct isid_lease *lease, const char *initiator,
	       const char *target, const uint32_t *bc,
	       const struct lun_env *env);
void isid_release(struct isid_lease *lease);

#endif
