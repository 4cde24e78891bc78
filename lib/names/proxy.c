/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names/proxy.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "names/url-parts.h"

static const char *const schemes[] = { "socks5://", "socks5h://" };

/* What stands behind the scheme; NULL: there is none of ours. */
static const char *
behind_scheme(const char *text)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
			return text + strlen(schemes[i]);
	return NULL;
}

/* One of user and password, which are 1 to 255 bytes each (RFC 1929 2). */
static int
read_field(char out[PROXY_USER_MAX + 1], const char *what, struct span in,
	   struct lun_error *err)
{
	const char *problem = url_percent_decode(out, PROXY_USER_MAX + 1, in);

	if (!problem && out[0] == '\0')
		problem = "it is empty";
	return !problem ? 0 :
	    lun_fail(err, LUN_EINVAL, "%s: %s", what, problem);
}

static int
read_user(struct proxy *p, const char *s, const char *at,
	  struct lun_error *err)
{
	const char *colon = memchr(s, ':', (size_t)(at - s));

	if (!colon)
		return lun_fail(err, LUN_EINVAL, "user: it has no password "
				"(user:password@)");

	int r = read_field(p->user, "user", span_of(s, colon), err);

	return r < 0 ? r :
	    read_field(p->password, "password", span_of(colon + 1, at), err);
}

int
proxy_parse(struct proxy *p, const char *text, struct lun_error *err)
{
	const char *s = behind_scheme(text);
	struct proxy out = { .portal.tpgt = -1 };
	int r = 0;

	if (!s)
		return lun_fail(err, LUN_EINVAL, "it is not "
				"socks5://[user:password@]host[:port]");

	const char *at = strrchr(s, '@');

	if (at)
		r = read_user(&out, s, at, err);

	struct span host = span_of(at ? at + 1 : s, strchr(s, '\0'));

	if (host.len > 0 && host.p[host.len - 1] == '/')
		host.len--;
	if (r == 0)
		r = url_read_host(&out.portal, host, PROXY_PORT, err);
	if (r == 0)
		*p = out;
	explicit_bzero(out.password, sizeof(out.password));
	return r;
}

bool
proxy_blank_password(char *arg)
{
	const char *s = behind_scheme(arg);
	const char *at = s ? strrchr(s, '@') : NULL;
	const char *colon = at ? memchr(s, ':', (size_t)(at - s)) : NULL;

	if (!colon)
		return false;
	memset(arg + (colon + 1 - arg), '*', (size_t)(at - colon) - 1);
	return true;
}
