/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Percent-encoding and the host of a URL. */
#include "names/url-parts.h"

#include <assert.h>
#include <string.h>

#include "base/codec.h"
#include "base/error.h"

enum { HOST_FIELD_MAX = 4 * 256 };	/* before A-labels are made of it */

const char *
url_percent_decode(char *out, size_t size, struct span in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '%') {
			int hi = i + 2 < in.len ? hex_digit(in.p[i + 1]) : -1;
			int lo = i + 2 < in.len ? hex_digit(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return "a '%' without two hexadecimal digits "
				       "(a '%' itself is written %25)";
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0')
			return "a null";
		if (n + 1 >= size)
			return "too long";
		out[n++] = c;
	}
	out[n] = '\0';
	return NULL;
}

static size_t
count_any(const char *s, size_t len, const char *set)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] && strchr(set, s[i]);
	return n;
}

/*
 * The host is split from the port before it is decoded (RFC 3986 2.4): escapes
 * may not make what splits. Between brackets "%" begins a zone, which RFC 6874
 * writes "%25".
 */
static const char *
decode_host(char out[HOST_FIELD_MAX], struct span in)
{
	static const char splits[] = ":,[]";

	if (in.len == 0 || in.p[0] != '[') {
		const char *problem = url_percent_decode(out, HOST_FIELD_MAX, in);

		if (!problem && count_any(out, strlen(out), splits) >
				    count_any(in.p, in.len, splits))
			problem = "a reserved character as escape";
		return problem;
	}

	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		if (n + 1 >= HOST_FIELD_MAX)
			return "too long";
		out[n++] = in.p[i];
		if (in.len - i >= 3 && memcmp(in.p + i, "%25", 3) == 0)
			i += 2;
	}
	out[n] = '\0';
	return NULL;
}

int
url_read_host(struct portal *p, struct span in, uint16_t port,
	      struct lun_error *err)
{
	char host[HOST_FIELD_MAX];
	const char *problem = decode_host(host, in);

	if (problem)
		return lun_fail(err, LUN_EINVAL, "host: %s", problem);

	struct lun_error why;
	int r = portal_parse_server(p, host, strlen(host), port, &why);

	return r < 0 ? lun_fail(err, r, "host %s", why.text) : 0;
}

int
url_take_host(struct lun_url *u, struct span in, uint16_t port,
	      struct lun_error *err)
{
	struct portal p;
	int r = url_read_host(&p, in, port, err);

	if (r < 0)
		return r;
	static_assert(sizeof(u->host) == sizeof(p.host), "same");
	memcpy(u->host, p.host, sizeof(u->host));
	u->port = p.port;
	return 0;
}
