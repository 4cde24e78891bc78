/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs of the sources of discovery: iSNS and SLP servers, static lists. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "names/url-parts.h"

#define ISNS	"isns://"
#define SLP	"slp://"
#define FILE_	"file:"
#define SCOPE	"scope="

/* Where the host part ends; behind it a lone "/" adds nothing. */
static int
split_authority(struct span *host, const char **query, const char *s,
		struct lun_error *err)
{
	const char *end = s + strcspn(s, "/?#");

	*host = span_of(s, end);
	if (memchr(s, '@', host->len))
		return lun_fail(err, LUN_EINVAL, "host: '@' is not allowed: "
				"such a URL has no user");
	if (*end == '/')
		end++;
	if (*end && *end != '?')
		return lun_fail(err, LUN_EINVAL, "path: such a URL has none");
	*query = *end ? end + 1 : NULL;
	return 0;
}

int
url_read_isns(struct lun_url *u, const char *text, struct lun_error *err)
{
	struct span host;
	const char *query;
	int r = split_authority(&host, &query, text + strlen(ISNS), err);

	if (r < 0)
		return r;
	if (query)
		return lun_fail(err, LUN_EINVAL, "query: an isns:// URL has "
				"none");
	u->kind = LUN_URL_ISNS;
	u->port = LUN_ISNS_PORT;
	if (host.len == 0)
		return 0;
	return url_take_host(u, host, LUN_ISNS_PORT, err);
}

/* -------------------------------------------------------------- scopes -- */

/* RFC 2608 6.4.1, but for the "," between scopes */
static bool
is_reserved(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f || strchr("()\\!<=>~;*+", c);
}

/* The next character of a scope: an escaped "," is one within it. */
static void
put_scope_char(char *out, size_t *n, char c, bool escaped)
{
	if (is_reserved(c) || (c == ',' && escaped))
		*n += (size_t)sprintf(out + *n, "\\%02x", (unsigned char)c);
	else
		out[(*n)++] = c;
	out[*n] = '\0';
}

/* NULL, or what is wrong. Escapes of URLs are made into those of SLP. */
static const char *
read_scopes(char out[URL_SCOPE_MAX + 1], const char *in)
{
	size_t n = 0;

	for (; *in; in++) {
		char one[2] = { *in, '\0' };
		bool escaped = *in == '%';

		if (n + sizeof("\\2c") - 1 > URL_SCOPE_MAX)
			return "too long";
		if (*in == '&')
			return "'&': nothing follows it (it is written %26)";
		if (escaped) {
			const char *problem = url_percent_decode(
				one, sizeof(one), (struct span){
					in, strnlen(in, 3) });

			if (problem)
				return problem;
			in += 2;
		}
		if (*one == ',' && !escaped && (n == 0 || out[n - 1] == ','))
			return "an empty one";
		put_scope_char(out, &n, *one, escaped);
	}
	if (n == 0 || out[n - 1] == ',')
		return "an empty one";
	return str_is_utf8(out, n) ? NULL : "not well-formed UTF-8";
}

int
url_read_slp(struct lun_url *u, const char *text, struct lun_error *err)
{
	struct span host;
	const char *query = NULL, *problem = NULL;
	int r = split_authority(&host, &query, text + strlen(SLP), err);

	if (r < 0)
		return r;
	u->kind = LUN_URL_SLP;
	u->port = LUN_SLP_PORT;
	if (query && strncmp(query, SCOPE, strlen(SCOPE)) != 0)
		return lun_fail(err, LUN_EINVAL, "query: it is no ?" SCOPE
				"SCOPE[,SCOPE...]");
	if (query)
		problem = read_scopes(u->scope, query + strlen(SCOPE));
	if (problem)
		return lun_fail(err, LUN_EINVAL, "scope: %s", problem);
	if (host.len == 0)
		return 0;
	return url_take_host(u, host, LUN_SLP_PORT, err);
}

/* --------------------------------------------------------------- files -- */

/* A path as people type it: nothing in it is encoded. */
int
url_read_file(struct lun_url *u, const char *text, struct lun_error *err)
{
	const char *path = text + strlen(FILE_);

	if (!*path)
		return lun_fail(err, LUN_EINVAL, "path: it is empty");
	u->kind = LUN_URL_FILE;
	u->path = path;
	return 0;
}
