/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of addresses, and domains: see allow.h. */
#include "names/allow.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/error.h"

/* How many bits of the 128 its kind has before it begins; -1: no address. */
static int
read_address(const char *text, uint8_t out[16])
{
	int family = portal_read_host16(text, out);

	return family == AF_INET6 ? 0 : family == AF_INET ? 96 : -1;
}

static bool
read_bits(const char *text, int offset, uint8_t *bits)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v > 128u - (unsigned)offset)
		return false;
	*bits = (uint8_t)(v + (unsigned)offset);
	return true;
}

static bool
read_rule(struct allow_rule *r, char *text)
{
	char *slash = strchr(text, '/');
	struct portal p;
	int offset;

	if (slash)
		*slash = '\0';
	offset = read_address(text, r->address);
	if (offset >= 0) {
		r->bits = 128;
		return !slash || read_bits(slash + 1, offset, &r->bits);
	}
	if (*text == '.')
		text++;
	/* as a host name is written, also an international one */
	if (slash || strchr(text, ':') ||
	    portal_parse_user(&p, text, strlen(text), NULL) < 0 ||
	    strlen(p.host) >= sizeof(r->domain))
		return false;
	strcpy(r->domain, p.host);
	return true;
}

int
allow_parse(struct allow *out, const char *list, struct lun_error *err)
{
	struct allow a = { 0 };

	for (;;) {
		size_t len = strcspn(list, ",");
		char text[256];

		if (len >= sizeof(text) || a.n == ALLOW_MAX)
			return lun_fail(err, LUN_EINVAL, "more than %d entries, "
					"or a very long one", ALLOW_MAX);
		memcpy(text, list, len);
		text[len] = '\0';
		if (!read_rule(&a.rules[a.n++], text))
			return lun_fail(err, LUN_EINVAL, "%.*s: no address, "
					"ADDRESS/BITS or domain", (int)len,
					list);
		if (list[len] == '\0')
			break;
		list += len + 1;
	}
	*out = a;
	return 0;
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 ||
	       ((a[bits / 8] ^ b[bits / 8]) & (0xff00 >> rest & 0xff)) == 0;
}

static bool
is_below(const char *host, const char *domain)
{
	size_t h = portal_host_len(host), d = portal_host_len(domain);

	return h >= d && strncasecmp(host + h - d, domain, d) == 0 &&
	       (h == d || host[h - d - 1] == '.');
}

bool
allow_portal(const struct allow *a, const struct portal *p)
{
	char host[sizeof(p->host)];
	uint8_t address[16];
	bool name = portal_host_kind(p) == HOST_NAME;

	strcpy(host, p->host);
	host[strcspn(host, "%")] = '\0';
	if (!name && read_address(host, address) < 0)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct allow_rule *r = &a->rules[i];

		if (name ? *r->domain && is_below(host, r->domain) :
		    !*r->domain && same_bits(address, r->address, r->bits))
			return true;
	}
	return a->n == 0;
}
