/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking DHCP servers for boot information, without taking part in how the
 * interface is configured:
 *
 *	with an address		INFORM -> ACKs -> the best
 *	without one		DISCOVER -> OFFERs -> the best -> REQUEST ->
 *				ACK -> RELEASE: the address is given back
 *
 * An answer with an iSCSI root path is taken at once; for the others it waits a
 * moment, whether there is a better one. Requests are repeated with growing
 * pauses (RFC 2131 4.1). With keys, only authentic answers count (RFC 3118).
 *
 * No I/O: pull() gives what is to be sent, push() takes what was received,
 * tick() is due at the deadline.
 */
#ifndef BOOT_DHCP_CLIENT_H
#define BOOT_DHCP_CLIENT_H

#include "base/clock.h"
#include "base/env.h"
#include "boot/dhcp-auth.h"
#include "boot/dhcp.h"

enum { DHCP_TRIES = 4 };		/* RFC 2131 4.4.3 */

struct dhcp_config {
	const char *name;		/* of the interface; all is borrowed */
	uint8_t mac[6];
	uint8_t address[4];		/* zeroes: it has none */
	unsigned tries;			/* of each request */
	const struct dhcp_auth *auth;	/* NULL: none */
	bool unauthentic;		/* answers are good enough, too */
	const char *servers;		/* boot_policy_dhcp() */
	uint64_t replay;		/* the time of day, say: to count from */
};

struct dhcp_client;

int dhcp_client_new(struct dhcp_client **out, const struct dhcp_config *config,
		    const struct lun_env *env, lun_time now,
		    struct lun_error *err);
struct dhcp_client *dhcp_client_free(struct dhcp_client *c);

struct dhcp_datagram {
	uint8_t mac[6];			/* it goes to */
	uint8_t from[4], to[4];
	uint8_t data[DHCP_REQUEST_MAX];
	size_t len;
};

/* What is to be sent now. False: nothing (more). */
bool dhcp_client_pull(struct dhcp_client *c, lun_time now,
		      struct dhcp_datagram *d);

/* A datagram for the client's port; mac is where the frame came from. */
void dhcp_client_push(struct dhcp_client *c, lun_time now,
		      const uint8_t mac[6], const uint8_t *data, size_t len);

void dhcp_client_tick(struct dhcp_client *c, lun_time now);
lun_time dhcp_client_deadline(const struct dhcp_client *c);

/*
 * The outcome, after all was pulled: DHCP_PENDING; 0: *b has a root path;
 * BOOT_NOTHING: servers have answered, without one, *b may have services;
 * or negative: LUN_ETIMEDOUT (nobody has answered), LUN_EINVAL (a root path
 * that is wrong), LUN_EAUTH (none that is authentic). how becomes a text of
 * who said it, of at most 200 bytes.
 */
enum { DHCP_PENDING = 2, DHCP_HOW_MAX = 200 };
int dhcp_client_result(const struct dhcp_client *c, struct boot_info *b,
		       char how[DHCP_HOW_MAX], struct lun_error *err);

#endif
