/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one source of boot information (a root path, a lease, a DHCP server,
 * the kernel command line, the firmware) says: the LUNs to boot from, who we
 * are to their targets, and the discovery services to ask if something is
 * missing (RFC 4173 5, 6).
 *
 * All of it is text of others: names and addresses have been checked when they
 * stand here. There are secrets in it: boot_info_wipe() when it is done with.
 * No text that this layer writes, errors included, has one of them in it.
 */
#ifndef BOOT_INFO_H
#define BOOT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"
#include "names/name.h"
#include "names/portal.h"
#include "names/url.h"

enum {
	BOOT_TARGETS_MAX	= 4,
	BOOT_SERVICES_MAX	= 8,
	BOOT_SECRET_MAX		= 255,
	BOOT_SCOPES_MAX		= 255,
	BOOT_ROOT_PATH_MAX	= 1023,	/* bytes, as long as a name that is read */
};

struct boot_target {
	struct lun_url url;	/* LUN; UNLOCATED: no server was named; port 0: no
				   port was */
	char user_in[URL_USER_MAX + 1];		/* the target to us; "": none */
	char password_in[BOOT_SECRET_MAX + 1];
};

enum boot_service_kind { BOOT_ISNS, BOOT_SLP };

struct boot_service {
	enum boot_service_kind kind;
	struct portal portal;
};

struct boot_info {
	size_t n_targets;	/* in the order in which they are to be tried */
	struct boot_target targets[BOOT_TARGETS_MAX];
	char initiator[NAME_MAX_LEN + 1];	/* "": not said */
	size_t n_services;
	struct boot_service services[BOOT_SERVICES_MAX];
	bool slp_no_multicast;	/* RFC 2610 3: only the agents above */
	char slp_scopes[BOOT_SCOPES_MAX + 1];	/* RFC 2610 4; "": not said,
						   "*": whichever there are */
	bool slp_scopes_must;	/* whatever somebody has chosen here */
};

/* There is nothing about iSCSI: not an error, *err is untouched. */
enum { BOOT_NOTHING = 1 };

/*
 * A root path becomes a target. Zeroes at its end are cut (RFC 2132 2). 0,
 * BOOT_NOTHING (empty, or it does not begin with "iscsi:"), LUN_EINVAL, or
 * LUN_ENOMEM: there are too many.
 */
int boot_add_root_path(struct boot_info *b, const void *text, size_t len,
		       struct lun_error *err);

/*
 * Gives a target its login by CHAP: ours, and the one of the target to us. ""
 * is what was not said. 0, or LUN_EINVAL: one of them is too long.
 */
enum boot_login {
	BOOT_USER, BOOT_PASSWORD, BOOT_USER_IN, BOOT_PASSWORD_IN,
	BOOT_LOGIN_FIELDS,
};
int boot_set_login(struct boot_target *t,
		   const char *const login[BOOT_LOGIN_FIELDS],
		   struct lun_error *err);

/* A service in figures; what is no address of a host, and what is there
 * already or is too much, is left out. */
void boot_add_service(struct boot_info *b, enum boot_service_kind kind,
		      const struct portal *portal);
void boot_add_service4(struct boot_info *b, enum boot_service_kind kind,
		       const uint8_t address[4], uint16_t port);

void boot_info_wipe(struct boot_info *b);

#endif
