/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network portals: host, TCP port, portal group tag, as targets write them in
 * TargetAddress (RFC 7143 13.8) and as people write them.
 *
 * The host is a DNS name in ASCII (A-labels), a dotted IPv4 address of exactly
 * four numbers, or an IPv6 address without brackets, maybe with "%zone".
 * Anything else is a host name (RFC 3721 1), 1.2.3 and 256.1.1.1 too, which
 * getaddrinfo() would take for addresses: see portal_host_kind().
 */
#ifndef NAMES_PORTAL_H
#define NAMES_PORTAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

struct portal {
	char host[256];
	uint16_t port;
	int32_t tpgt;		/* portal group tag, -1: unknown */
};

enum portal_host_kind {
	HOST_NAME,		/* ask the DNS, and nothing but the DNS */
	HOST_IPV4,
	HOST_IPV6,
};

enum { PORTAL_TEXT_MAX = 256 + sizeof("[]:65535,65535") };

/*
 * domainname[:port][,tag] from a target: len bytes, not terminated. Without
 * port it is 3260, without tag -1: whether a tag must be there (SendTargets)
 * or must not (redirect) is the caller's to check. 0 or LUN_EPROTO.
 */
int portal_parse_address(struct portal *p, const char *text, size_t len,
			 struct lun_error *err);

/*
 * host[:port] from a user: host names may be international, IPv6 addresses
 * (in brackets) may have a zone. 0 or LUN_EINVAL.
 */
int portal_parse_user(struct portal *p, const char *text, size_t len,
		      struct lun_error *err);

/* The same two, of a server of another kind, whose usual port is this. */
int portal_parse_server_address(struct portal *p, const char *text, size_t len,
				uint16_t port, struct lun_error *err);
int portal_parse_server(struct portal *p, const char *text, size_t len,
			uint16_t port, struct lun_error *err);

/*
 * An address of 16 bytes as protocols have it: IPv4 is mapped, or stored without
 * FF FF (as ::1.2.3.4); but "::" and "::1" are of IPv6. Returns buf.
 */
enum { PORTAL_HOST16_MAX = 46 };
char *portal_print_host16(const uint8_t address[16],
			  char buf[PORTAL_HOST16_MAX]);

/* The reverse: the 4 bytes of an IPv4 address, mapped; and either kind from
 * figures without a zone: AF_INET, AF_INET6, or 0: it is none. */
void portal_map_ipv4(uint8_t out[16], const void *ipv4);
int portal_read_host16(const char *text, uint8_t out[16]);

/* Without a final dot, which is the root. */
size_t portal_host_len(const char *host);

/* The port alone: 1 to 65535 in decimal. 0 or LUN_EINVAL. */
int portal_parse_port(uint16_t *port, const char *text, size_t len,
		      struct lun_error *err);

/* What the host of a portal that was parsed is. */
enum portal_host_kind portal_host_kind(const struct portal *p);

/* 0.0.0.0 or ::, where one can listen, but not connect to. */
bool portal_is_unspecified(const struct portal *p);

/* "host:port", with brackets around IPv6. Returns buf. */
char *portal_print(const struct portal *p, char buf[PORTAL_TEXT_MAX]);

/*
 * Same host and port: addresses by value, names without regard to case and to
 * a final dot. The tag is no part of the address.
 */
bool portal_equal(const struct portal *a, const struct portal *b);

#endif
