/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of lun_boot() share: lun-boot.c has the sources and the order
 * of the stages, lun-boot-services.c the discovery service stage. Each step is
 * a job of its own: nothing of a discovery is on the stack when it is freed.
 */
#ifndef LUN_BOOT_H
#define LUN_BOOT_H

#include "base/str.h"
#include "boot/info.h"
#include "io/boot-files.h"
#include "io/dhcp.h"
#include "lun-impl.h"

enum {
	CANDIDATES_MAX	= 32,
	SERVICES_MAX	= 16,
	FAILURES_MAX	= 300,
	LATER		= 1,		/* of reading a source */
};

struct lun_boot {
	struct lun_loop *loop;
	enum lun_boot_source source;
	char *value, *allow, *dhcp_keys, *dhcp_servers;
	bool numeric;
	struct lun_options *options;
	lun_boot_fn *done;
	void *user;

	struct dhcp_options dhcp_options;
	struct dhcp *dhcp;			/* NULL: not under way */

	struct boot_info info;
	char where[BOOT_FILE_NAME_MAX];		/* it is from */
	size_t target;				/* that is looked at */

	struct lun_url services[SERVICES_MAX];
	size_t n_services, service;
	bool services_given;			/* by the user */
	struct lun_discovery *discovery;	/* NULL: none under way */
	struct timer patience;			/* for it */
	bool answered;
	struct str failures;			/* of services */

	struct job step;
	void (*next)(struct lun_boot *b);
	struct lun_boot_result result;
	struct lun_boot_candidate *candidates;	/* CANDIDATES_MAX of them */
	struct lun_error err;
};

/* Goes on with this in a step of its own. */
void boot_go(struct lun_boot *b, void (*next)(struct lun_boot *b));

/* The target that is looked at. NULL: any that can be booted from. */
const struct boot_target *boot_current_target(const struct lun_boot *b);

/* The LUN of the current target at this portal, if it may be used; service is
 * who knows the portal, NULL: the source itself. */
void boot_add_candidate(struct lun_boot *b, const char *name, const char *host,
			uint16_t port, const char *service);

/* Asks services in turn for the current target, then goes on with the next. */
void boot_ask_services(struct lun_boot *b);
void boot_next_target(struct lun_boot *b);

/* For service_silent(), a timer's. */
void boot_service_silent(struct timer *timer, lun_time now);

#endif
