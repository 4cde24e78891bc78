/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DHCP messages (RFC 2131 2): reading those of servers, writing ours.
 *
 *	op htype hlen hops xid secs flags ciaddr yiaddr siaddr giaddr chaddr
 *	sname(64) file(128) cookie options...
 *
 * Options are read from the options field, then from file and sname as far as
 * option 52 says that there are some; what has several instances is joined in
 * that order (RFC 2131 4.1).
 */
#ifndef BOOT_DHCP_H
#define BOOT_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/info.h"

enum {
	DHCP_MESSAGE_MAX	= 4096,	/* bytes that are read */
	DHCP_REQUEST_MAX	= 576,	/* bytes that are written, RFC 2131 2 */
	DHCP_HEADER_LEN		= 240,	/* with the cookie */
	DHCP_HOPS_AT		= 3,
	DHCP_GIADDR_AT		= 24,
	DHCP_CHADDR_AT		= 28,
	DHCP_SERVER_PORT	= 67,
	DHCP_CLIENT_PORT	= 68,
};

enum dhcp_type {		/* RFC 2132 9.6 */
	DHCP_NO_TYPE,		/* BOOTP */
	DHCP_DISCOVER, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK,
	DHCP_NAK, DHCP_RELEASE, DHCP_INFORM,
};

enum dhcp_option {
	OPT_PAD			= 0,
	OPT_ROOT_PATH		= 17,	/* RFC 2132 3.19 */
	OPT_REQUESTED_ADDRESS	= 50,
	OPT_LEASE_TIME		= 51,	/* RFC 2132 9.2 */
	OPT_OVERLOAD		= 52,
	OPT_TYPE		= 53,
	OPT_SERVER_ID		= 54,
	OPT_PARAMETERS		= 55,
	OPT_MAX_SIZE		= 57,
	OPT_CLIENT_ID		= 61,
	OPT_SLP_AGENTS		= 78,	/* RFC 2610 3 */
	OPT_SLP_SCOPES		= 79,	/* RFC 2610 4 */
	OPT_ISNS		= 83,	/* RFC 4174 2 */
	OPT_AUTH		= 90,	/* RFC 3118 2 */
	OPT_END			= 255,
};

struct dhcp_message {
	const uint8_t *raw;		/* as it came */
	size_t len;
	enum dhcp_type type;
	uint32_t xid;
	uint8_t yiaddr[4];
	uint8_t server[4];		/* option 54; zeroes if there is none */
	size_t auth_at;			/* of option 90 in raw; 0: not there once */
	/* what the options say, joined: each has a length and a place in data */
	uint16_t option_len[256], option_at[256];
	bool has_option[256];
	uint8_t data[DHCP_MESSAGE_MAX];
};

/* Does it look like a reply of BOOTP or DHCP? */
bool dhcp_is_message(const void *p, size_t len);

/* A reply of a server. 0 or LUN_EPROTO. raw stays the caller's. */
int dhcp_parse(struct dhcp_message *m, const uint8_t *raw, size_t len,
	       struct lun_error *err);

/* The value of an option; NULL: it is not there. */
const uint8_t *dhcp_get(const struct dhcp_message *m, enum dhcp_option option,
			size_t *len);

/*
 * What a message says about booting: the root path, SLP directory agents and
 * scopes, iSNS servers. 0, BOOT_NOTHING (no iSCSI root path: the others may be
 * there), LUN_EINVAL.
 */
int dhcp_boot_info(const struct dhcp_message *m, struct boot_info *b,
		   struct lun_error *err);

/* What one of the options 78, 79 and 83 says, the value of which this is; what
 * makes no sense, and other options, are left out. */
void dhcp_take_service(struct boot_info *b, enum dhcp_option option,
		       const uint8_t *v, size_t len);

/* What we write. Addresses that are all zero are left out, but for ciaddr. */
struct dhcp_request {
	enum dhcp_type type;
	uint32_t xid;
	uint16_t secs;
	uint8_t mac[6];
	uint8_t ciaddr[4], requested[4], server[4];
	const uint8_t *auth;		/* the value of option 90 */
	size_t auth_len;		/* 0: none */
};

/* Returns the length; *auth_at is where the value of option 90 is. */
size_t dhcp_write(uint8_t out[DHCP_REQUEST_MAX], const struct dhcp_request *q,
		  size_t *auth_at);

#endif
