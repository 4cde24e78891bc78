/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a user names what is to be opened: the URLs that libiscsi and QEMU know,
 * RFC 4173 root paths, and the discovery sources.
 *
 *	iscsi://[user[%password]@]host[:port][/target[/lun]]
 *	iscsi:server:protocol:port:LUN:target
 *	isns://[host[:port]]
 *	slp://[host[:port]][?scope=SCOPE[,SCOPE...]]
 *	file:PATH
 *
 * A URL is split at its reserved characters first, then each part is
 * percent-decoded, once (RFC 3986 2.4). The user ends at the last "@" of the
 * host part, and the name in it at the first "%", so it cannot hold a "%" nor
 * is it decoded. Without a "%" the first ":" will do, as for libiscsi, unless
 * the name begins with "iqn.".
 *
 * No text that this module writes, errors included, has the password in it.
 * lun.h has struct lun_url, lun_url_parse() and lun_url_print().
 */
#ifndef NAMES_URL_H
#define NAMES_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum {
	URL_SCOPE_MAX	= 255,
	URL_USER_MAX	= 255,		/* a simple-value, RFC 7143 6.1 */
};

/*
 * A root path (DHCP option 17): kind LUN_URL_LUN, or LUN_URL_UNLOCATED if it
 * names no server; port 0 if it names none. 0, LUN_EINVAL, or
 * ROOT_PATH_FOREIGN: it does not begin with "iscsi:" and is not for us; *u and
 * *err are untouched then.
 */
enum { ROOT_PATH_FOREIGN = 1 };
int url_parse_root_path(struct lun_url *u, const char *text,
			struct lun_error *err);

/*
 * Overwrites the password of a URL (of another scheme than iscsi:// and
 * in a root path, all that stands before an "@") within a command line argument,
 * where it stands, so that the list of processes does not show it. True if
 * there was one.
 */
bool url_blank_password(char *arg);

#endif
