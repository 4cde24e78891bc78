/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * URLs and root paths. The parsers below say what is wrong with which part;
 * parse_as() puts the URL, its password blanked, before that.
 */
#include "names/url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/str.h"
#include "names/name.h"
#include "names/portal.h"
#include "names/refuse.h"
#include "names/url-parts.h"
#include "wire/lun.h"

#define SCHEME "iscsi://"
#define ROOT_PATH "iscsi:"

enum {
	SHOWN_MAX	= 400,	/* of a URL in an error */
	LUN_FIELD_MAX	= sizeof("4752-3a4f-6b7e-2f99") - 1,
};

/* ------------------------------------------------------ the password -- */

/* Where the host part ends; s stands after "iscsi://". */
static const char *
authority_end(const char *s)
{
	return s + strcspn(s, "/?");
}

/*
 * The sign between user and password: "%", or ":" as libiscsi takes it too if
 * there is no "%"; but a CHAP name is often an iSCSI name, with its own ":".
 */
static const char *
separator(struct span user)
{
	const char *sep = memchr(user.p, '%', user.len);

	if (!sep && strncasecmp(user.p, "iqn.", 4) != 0)
		sep = memchr(user.p, ':', user.len);
	return sep;
}

/*
 * A password with a "/" or "?" in it has the "@" behind what looks like the
 * host part. Such a URL is wrong, and what might be a password is not shown.
 */
static const char *
misplaced_at(const char *s, const char *end)
{
	const char *sep = separator(span_of(s, end));

	if (!sep || s[0] == '[')
		return NULL;
	/* host:port, with an "@" in the target name */
	if (*sep == ':' && strspn(sep + 1, "0123456789") ==
				(size_t)(end - sep) - 1)
		return NULL;
	return strrchr(end, '@');
}

static bool
begins(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* A scope may have an "@" in it; end is that of the host part. */
static bool
has_scopes(const char *text, const char *end)
{
	return begins(text, "slp://") &&
	       begins(*end == '/' ? end + 1 : end, "?scope=");
}

/*
 * What may not be shown; {NULL, 0} if there is nothing. A root path and the
 * URLs of other schemes have no user: all that stands before an "@" is hidden.
 */
static struct span
find_password(const char *text)
{
	const char *s = strstr(text, "://"), *end, *at;

	if (begins(text, ROOT_PATH) && !begins(text, SCHEME)) {
		at = strrchr(text, '@');
		return at ? span_of(text + strlen(ROOT_PATH), at)
			  : (struct span){ NULL, 0 };
	}
	if (!s || begins(text, "file:"))
		return (struct span){ NULL, 0 };

	bool ours = s - text >= 5 && begins(s - 5, SCHEME);

	s += strlen("://");
	end = authority_end(s);
	at = memrchr(s, '@', (size_t)(end - s));

	if (!at && !has_scopes(text, end))
		at = misplaced_at(s, end);
	if (at && !ours)
		return span_of(s, at);

	const char *sep = at ? separator(span_of(s, at)) : NULL;

	return sep ? span_of(sep + 1, at) : (struct span){ NULL, 0 };
}

/* The URL as it may be shown: "iscsi://me%***@host/...". */
static void
show(const char *url, char out[SHOWN_MAX])
{
	struct span secret = find_password(url);

	if (secret.p)
		snprintf(out, SHOWN_MAX, "%.*s***%s", (int)(secret.p - url),
			 url, secret.p + secret.len);
	else
		snprintf(out, SHOWN_MAX, "%s", url);
}

/* -------------------------------------------------------- iscsi://... -- */

static_assert(sizeof(((struct lun_url *)0)->username) == URL_USER_MAX + 1 &&
	      sizeof(((struct lun_url *)0)->password) == URL_USER_MAX + 1 &&
	      sizeof(((struct lun_url *)0)->scope) == URL_SCOPE_MAX + 1 &&
	      sizeof(((struct lun_url *)0)->target) == NAME_MAX_LEN + 1, "same");

static int
parse_user(struct lun_url *u, struct span user, struct lun_error *err)
{
	const char *end = user.p + user.len, *sep = separator(user);
	struct span name = span_of(user.p, sep ? sep : end);

	if (name.len == 0)
		return lun_fail(err, LUN_EINVAL, "user: it is empty");
	if (name.len > URL_USER_MAX)
		return lun_fail(err, LUN_EINVAL, "user: more than %d bytes",
				URL_USER_MAX);
	memcpy(u->username, name.p, name.len);
	u->username[name.len] = '\0';
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)u->username[i] < ' ' || u->username[i] == 0x7f)
			return lun_fail(err, LUN_EINVAL,
					"user: a control character");
	if (!str_is_utf8(u->username, name.len))
		return lun_fail(err, LUN_EINVAL, "user: not well-formed UTF-8");
	if (!sep)
		return 0;

	const char *problem = url_percent_decode(u->password, sizeof(u->password),
					     span_of(sep + 1, end));

	return problem ? lun_fail(err, LUN_EINVAL, "password: %s", problem) : 0;
}

static int
parse_target(struct lun_url *u, struct span in, struct lun_error *err)
{
	char name[NAME_INPUT_MAX + 1];
	const char *problem = url_percent_decode(name, sizeof(name), in);

	if (problem)
		return lun_fail(err, LUN_EINVAL, "target: %s", problem);

	struct lun_error why;
	int r = iscsi_name_prepare(name, u->target, &why);

	return r < 0 ? lun_fail(err, r, "target %s", why.text) : 0;
}

static int
parse_lun(struct lun_url *u, struct span in, struct lun_error *err)
{
	char text[LUN_FIELD_MAX + 1];
	const char *problem = url_percent_decode(text, sizeof(text), in);

	if (problem)
		return lun_fail(err, LUN_EINVAL, "LUN: %s", problem);

	struct lun_error why;
	int r = lun_parse(&u->lun, text, &why);

	return r < 0 ? lun_fail(err, r, "LUN: %s", why.text) : 0;
}

/* [/target[/lun]], where a last "/" with nothing behind it adds nothing. */
static int
parse_path(struct lun_url *u, const char *path, struct lun_error *err)
{
	const char *query = strchr(path, '?');

	if (query)
		return lun_fail(err, LUN_EINVAL, "query: options in a URL are "
				"not supported: give them as --options");
	u->kind = LUN_URL_PORTAL;
	if (!*path || !*++path)
		return 0;

	const char *end = strchrnul(path, '/');
	int r = parse_target(u, span_of(path, end), err);

	if (r < 0)
		return r;
	u->kind = LUN_URL_TARGET;
	if (!*end || !*++end)
		return 0;
	if (strchr(end, '/'))
		return lun_fail(err, LUN_EINVAL, "LUN: a '/' behind it");
	u->kind = LUN_URL_LUN;
	return parse_lun(u, span_of(end, strchr(end, '\0')), err);
}

static int
parse_iscsi(struct lun_url *u, const char *text, struct lun_error *err)
{
	const char *s = text + strlen(SCHEME), *end = authority_end(s);
	const char *at = memrchr(s, '@', (size_t)(end - s));
	int r;

	if (!at && misplaced_at(s, end))
		return lun_fail(err, LUN_EINVAL, "host: if there is a password "
				"with '/' or '?', these are written %%2F and "
				"%%3F");
	if (at) {
		r = parse_user(u, span_of(s, at), err);
		if (r < 0)
			return r;
		s = at + 1;
	}
	r = url_take_host(u, span_of(s, end), LUN_PORT, err);
	return r < 0 ? r : parse_path(u, end, err);
}

/* ------------------------------------------------ RFC 4173 root paths -- */

/* Hexadecimal always: lun_parse() would take a lone group for decimal. */
static int
parse_root_lun(struct lun_url *u, struct span in, struct lun_error *err)
{
	char text[LUN_FIELD_MAX + sizeof("-0")];

	if (in.len == 0)
		return 0;
	snprintf(text, sizeof(text), "%.*s%s", (int)in.len, in.p,
		 memchr(in.p, '-', in.len) ? "" : "-0");
	if (in.len > LUN_FIELD_MAX || lun_parse(&u->lun, text, NULL) < 0)
		return lun_fail(err, LUN_EINVAL, "LUN: \"%.*s\": it is not one "
				"to four groups of up to four hexadecimal "
				"digits, as in 4752-3a4f-6b7e-2f99",
				(int)(in.len < 2 * LUN_FIELD_MAX ? in.len :
				      2 * LUN_FIELD_MAX), in.p);
	return 0;
}

enum { F_SERVER, F_PROTOCOL, F_PORT, F_LUN, F_TARGET, FIELDS };

/* The last field may hold ":", the first one too, within brackets. */
static int
split_root_path(struct span f[FIELDS], const char *s, struct lun_error *err)
{
	for (int i = 0; i < F_TARGET; i++) {
		const char *from = s;

		if (i == F_SERVER && *s == '[') {
			s += strcspn(s, "]");
			if (*s)
				s++;
			if (*s && *s != ':')
				return lun_fail(err, LUN_EINVAL,
						"server: ':' must follow ']'");
		}
		s += strcspn(s, ":");
		if (!*s)
			return lun_fail(err, LUN_EINVAL, "it has not the five "
					"fields server:protocol:port:LUN:target"
					" of RFC 4173");
		f[i] = span_of(from, s++);
	}
	f[F_TARGET] = span_of(s, strchr(s, '\0'));
	return 0;
}

static int
parse_root_path(struct lun_url *u, const char *text, struct lun_error *err)
{
	struct span f[FIELDS];
	struct portal server;
	struct lun_error why;
	int r;

	/* Neither a server nor a name holds one: it is behind a login, which
	 * no error below may repeat. */
	if (strchr(text, '@'))
		return lun_fail(err, LUN_EINVAL, "'@' is not allowed: a root "
				"path has no login");
	r = split_root_path(f, text + strlen(ROOT_PATH), err);
	if (r < 0)
		return r;
	u->kind = f[F_SERVER].len > 0 ? LUN_URL_LUN : LUN_URL_UNLOCATED;
	if (f[F_SERVER].len > 0) {
		r = portal_parse_user(&server, f[F_SERVER].p, f[F_SERVER].len,
				      &why);
		if (r < 0)
			return lun_fail(err, r, "server %s", why.text);
		memcpy(u->host, server.host, sizeof(u->host));
	}

	/* RFC 4173 5: TCP is the only one that is approved */
	if (f[F_PROTOCOL].len > 0 &&
	    !(f[F_PROTOCOL].len == 1 && *f[F_PROTOCOL].p == '6'))
		return lun_fail(err, LUN_EINVAL, "protocol: it is not 6 (TCP); "
				"an IPv6 server stands in brackets");
	if (f[F_PORT].len > 0 &&
	    (r = portal_parse_port(&u->port, f[F_PORT].p, f[F_PORT].len,
				   &why)) < 0)
		return lun_fail(err, r, "port %s", why.text);
	r = parse_root_lun(u, f[F_LUN], err);
	if (r < 0)
		return r;

	/* It is no URL: nothing is percent-encoded. */
	r = iscsi_name_prepare(f[F_TARGET].p, u->target, &why);
	return r < 0 ? lun_fail(err, r, "target %s", why.text) : 0;
}

/* As a URL: the port that it does not name is the usual one. */
static int
parse_root_url(struct lun_url *u, const char *text, struct lun_error *err)
{
	int r = parse_root_path(u, text, err);

	if (r == 0 && u->port == 0)
		u->port = LUN_PORT;
	return r;
}

/* ------------------------------------------------------------- kinds -- */

static int
parse_unknown(struct lun_url *u, const char *text, struct lun_error *err)
{
	return lun_fail(err, LUN_EINVAL, "no iscsi://host[:port][/target"
			"[/lun]], root path iscsi:..., isns://, slp:// or "
			"file:");
}

static const struct scheme {
	const char *prefix;
	int (*parse)(struct lun_url *u, const char *text, struct lun_error *err);
} schemes[] = {
	{ SCHEME, parse_iscsi },
	{ ROOT_PATH, parse_root_url },
	{ "isns://", url_read_isns },
	{ "slp://", url_read_slp },
	{ "file:", url_read_file },
	{ "", parse_unknown },
};

static int
parse_as(const struct scheme *scheme, struct lun_url *out, const char *text,
	 struct lun_error *err)
{
	struct lun_url u = { .port = 0 };
	struct lun_error why;
	int r = scheme->parse(&u, text, &why);

	if (r == 0) {
		*out = u;
	} else {
		char shown[SHOWN_MAX];

		show(text, shown);
		names_refuse(err, r, shown, strlen(shown), "%s", why.text);
	}
	explicit_bzero(u.password, sizeof(u.password));
	return r;
}

/* ------------------------------------------------------------- calls -- */

int
lun_url_parse(struct lun_url *u, const char *text, struct lun_error *err)
{
	const struct scheme *s = schemes;

	while (!begins(text, s->prefix))
		s++;
	return parse_as(s, u, text, err);
}

int
url_parse_root_path(struct lun_url *u, const char *text, struct lun_error *err)
{
	static const struct scheme root_path = { ROOT_PATH, parse_root_path };

	if (strncmp(text, ROOT_PATH, strlen(ROOT_PATH)) != 0)
		return ROOT_PATH_FOREIGN;
	return parse_as(&root_path, u, text, err);
}

bool
url_blank_password(char *arg)
{
	struct span secret = find_password(arg);

	if (secret.p)
		memset(arg + (secret.p - arg), '*', secret.len);
	return secret.p != NULL;
}
