/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a user names a SOCKS proxy: socks5://[user:password@]host[:port]. That it
 * is the proxy that resolves names can be said too (socks5h), as for curl: ours
 * always does. User and password are percent-decoded; the first ":" is between
 * them, the last "@" behind them.
 *
 * No text that this module writes, errors included, has the password in it.
 */
#ifndef NAMES_PROXY_H
#define NAMES_PROXY_H

#include "names/portal.h"

enum {
	PROXY_PORT = 1080,		/* RFC 1928 3 */
	PROXY_USER_MAX = 255,		/* RFC 1929 2, as the password's */
};

struct proxy {
	struct portal portal;			/* its host is "": no proxy */
	char user[PROXY_USER_MAX + 1];		/* "": none */
	char password[PROXY_USER_MAX + 1];	/* to be wiped */
};

/* NULL if it is none. */
static inline const struct proxy *
proxy_or_none(const struct proxy *p)
{
	return p->portal.host[0] ? p : NULL;
}

/* 0 or LUN_EINVAL. */
int proxy_parse(struct proxy *p, const char *text, struct lun_error *err);

/* As url_blank_password(). */
bool proxy_blank_password(char *arg);

#endif
