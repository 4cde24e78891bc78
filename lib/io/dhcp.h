/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DHCP stage on an interface: boot/dhcp-client.h over a packet socket, which
 * works without an address, beside a DHCP client of the system, and behind a
 * firewall of this host; it needs CAP_NET_RAW.
 */
#ifndef IO_DHCP_H
#define IO_DHCP_H

#include "boot/dhcp-client.h"
#include "io/loop.h"

struct dhcp_options {
	const char *interface;
	unsigned tries;			/* 0: DHCP_TRIES */
	const char *keys;		/* text of dhcp_auth_parse(), or NULL */
	bool unauthentic;
	const char *servers;		/* that may answer; NULL: any */
};

/*
 * Called once, from the loop: the result as of dhcp_client_result(); it is
 * BOOT_NOTHING, too, if there can't be a root path, as the interface has
 * addresses of IPv6 only (how says so). dhcp_free() may be called from it.
 */
typedef void dhcp_fn(void *user, int code, const struct boot_info *info,
		     const char *how, const struct lun_error *err);

struct dhcp;

/* Everything is copied. LUN_EINVAL (an option, or the interface), LUN_ESYS. */
int dhcp_new(struct dhcp **out, struct lun_loop *loop,
	     const struct dhcp_options *options, dhcp_fn *done, void *user,
	     struct lun_error *err);
struct dhcp *dhcp_free(struct dhcp *d);		/* cancels, too */

#endif
