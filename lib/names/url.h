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
 */
#ifndef NAMES_URL_H
#define NAMES_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"
#include "names/name.h"
#include "names/portal.h"

enum {
	URL_SCOPE_MAX	= 255,
	URL_USER_MAX = 255,	/* a simple-value, RFC 7143 6.1 */
	/* everything percent-encoded */
	URL_TEXT_MAX = 3 * (URL_USER_MAX + NAME_MAX_LEN + PORTAL_TEXT_MAX) + 64,
};

enum url_kind {
	URL_PORTAL,		/* portal */
	URL_TARGET,		/* portal, target */
	URL_LUN,		/* portal, target, lun */
	URL_UNLOCATED,		/* target, lun: a root path without server */
	URL_ISNS,		/* portal: the server, without host any */
	URL_SLP,		/* scope; portal: an agent, without host all */
	URL_FILE,		/* path */
};

struct url {
	enum url_kind kind;
	struct portal portal;
	char target[NAME_MAX_LEN + 1];		/* prepared */
	uint64_t lun;
	char user[URL_USER_MAX + 1];		/* "" if none */
	char password[URL_USER_MAX + 1];	/* "" if none; wipe after use */
	bool has_port;		/* root path: it was said, not only the usual one */
	/* A scope-list as on the wire, with the escapes of RFC 2608 6.4.1; ""
	 * if none was named. */
	char scope[URL_SCOPE_MAX + 1];
	const char *path;	/* points into the text that was parsed */
};

/* Any of the forms above. 0 or LUN_EINVAL with the part that is wrong. */
int url_parse(struct url *u, const char *text, struct lun_error *err);

/*
 * A root path (DHCP option 17): kind URL_LUN, or URL_UNLOCATED if it names no
 * server. 0, LUN_EINVAL, or ROOT_PATH_FOREIGN: it does not begin with "iscsi:"
 * and is not for us; *u and *err are untouched then.
 */
enum { ROOT_PATH_FOREIGN = 1 };
int url_parse_root_path(struct url *u, const char *text, struct lun_error *err);

/*
 * The URL in one normal form that parses back to the same, password aside: it
 * is never printed. Bytes that are not ASCII are percent-encoded. Returns buf.
 * A path is cut to the space that there is.
 */
char *url_print(const struct url *u, char buf[URL_TEXT_MAX]);

/*
 * Overwrites the password of a URL (of another scheme than iscsi:// and
 * in a root path, all that stands before an "@") within a command line argument,
 * where it stands, so that the list of processes does not show it. True if
 * there was one.
 */
bool url_blank_password(char *arg);

/* Overwrites the password in u. */
void url_wipe(struct url *u);

#endif
