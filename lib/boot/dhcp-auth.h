/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authentication of DHCP messages (RFC 3118): a configuration token (protocol
 * 0), or delayed authentication (protocol 1), HMAC-MD5 under one of several
 * keys, each of which has a number that server and client know it by.
 */
#ifndef BOOT_DHCP_AUTH_H
#define BOOT_DHCP_AUTH_H

#include "boot/dhcp.h"

enum {
	DHCP_KEYS_MAX	= 16,
	DHCP_KEY_MAX	= 128,		/* bytes */
	DHCP_AUTH_MAX	= 11 + DHCP_KEY_MAX,
};

struct dhcp_key {
	uint32_t id;
	uint8_t secret[DHCP_KEY_MAX];
	size_t len;
};

/* Either a token (keys[0], the id of which means nothing) or keys. */
struct dhcp_auth {
	bool token;
	size_t n;
	struct dhcp_key keys[DHCP_KEYS_MAX];
};

/*
 * The lines of a file: "token=TEXT", or "key=ID:SECRET" for each key, where a
 * SECRET that begins with 0x or 0b is a number in hexadecimal or base64; "#"
 * begins a comment. 0, or LUN_EINVAL with the line, but not what is in it.
 */
int dhcp_auth_parse(struct dhcp_auth *a, const char *text,
		    struct lun_error *err);
void dhcp_auth_wipe(struct dhcp_auth *a);

/*
 * Is it authentic? 0, *key is its key then, and *replay the counter, which has
 * to be greater than it was; DHCP_UNAUTHENTIC: it does not even say so; or
 * LUN_EAUTH (LUN_ESYS): it is to be discarded.
 */
enum { DHCP_UNAUTHENTIC = 1 };
int dhcp_auth_check(const struct dhcp_auth *a, const struct dhcp_message *m,
		    const struct dhcp_key **key, uint64_t *replay,
		    struct lun_error *err);

/*
 * The value of option 90: key NULL asks for authentication; else there is a
 * place for the MAC, which dhcp_auth_sign() fills. Returns its length.
 */
size_t dhcp_auth_option(const struct dhcp_auth *a, const struct dhcp_key *key,
			uint64_t replay, uint8_t out[DHCP_AUTH_MAX]);

/* auth_at as dhcp_write() has told it. 0 or LUN_ESYS. */
int dhcp_auth_sign(const struct dhcp_key *key, uint8_t *message, size_t len,
		   size_t auth_at);

#endif
