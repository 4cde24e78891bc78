/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network portals. One grammar, host[:port][,tag], read in two ways: what a
 * target sends is plain ASCII and may have a tag and binary-values as numbers
 * (RFC 7143 13.8, 13.9), what a user types may be international and scoped.
 */
#include "names/portal.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/error.h"
#include "names/refuse.h"

enum {
	DNS_NAME_MAX	= 253,	/* RFC 1035 2.3.4, as text */
	DNS_LABEL_MAX	= 63,
	ZONE_MAX	= 15,	/* an interface name of Linux */
	NUMBER_TEXT_MAX	= 18,	/* "0x" and 64 bits */
};

/* What is being read, for the error and for what differs. */
struct source {
	const char *text;
	size_t len;
	int code;		/* LUN_EPROTO: from a target */
	struct lun_error *err;
};

#define refuse(src, ...)                                                      \
	names_refuse((src)->err, (src)->code, (src)->text, (src)->len,        \
		     __VA_ARGS__)

static bool
from_target(const struct source *src)
{
	return src->code == LUN_EPROTO;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* The unreserved characters of RFC 3986, as RFC 6874 has it for zones. */
static bool
is_zone_char(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* --------------------------------------------------------- numbers -- */

static bool
decimal16(uint16_t *out, const char *s, size_t len)
{
	uint32_t v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s[i] - '0');
	}
	if (v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

/* A 16-bit binary-value: decimal, hex or base64. RFC 7143 13.9, 6.1 */
static bool
binary16(uint16_t *out, const char *s, size_t len)
{
	char text[NUMBER_TEXT_MAX + 1];
	uint8_t bytes[8];
	uint64_t v = 0;

	if (len < 2 || s[0] != '0' || !strchr("xXbB", s[1]))
		return decimal16(out, s, len);
	if (len > NUMBER_TEXT_MAX)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (binary_decode(bytes, sizeof(bytes), &len, text, NULL) < 0)
		return false;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	if (v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

static int
read_number(uint16_t *out, const char *s, size_t len, const char *what,
	    uint16_t least, const struct source *src)
{
	bool ok = from_target(src) ? binary16(out, s, len)
				   : decimal16(out, s, len);

	if (!ok || *out < least)
		return refuse(src, "the %s is not a number from %u to 65535",
			      what, least);
	return 0;
}

/* ----------------------------------------------------------- hosts -- */

static int
read_ipv6(char host[256], const char *s, size_t len, const struct source *src)
{
	struct in6_addr addr;
	const char *zone = memchr(s, '%', len);
	size_t addr_len = zone ? (size_t)(zone - s) : len;
	char text[INET6_ADDRSTRLEN];

	if (addr_len >= sizeof(text) || memchr(s, '\0', addr_len))
		return refuse(src, "no IPv6 address between the brackets");
	memcpy(text, s, addr_len);
	text[addr_len] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return refuse(src, "no IPv6 address between the brackets");

	if (zone) {	/* it means nothing beyond one host */
		size_t zone_len = len - addr_len - 1;

		if (from_target(src))
			return refuse(src, "an IPv6 address with a zone");
		if (zone_len == 0 || zone_len > ZONE_MAX)
			return refuse(src, "the IPv6 zone is not an interface");
		for (size_t i = 1; i <= zone_len; i++)
			if (!is_zone_char(zone[i]))
				return refuse(src, "the IPv6 zone is not an "
						   "interface");
	}
	memcpy(host, s, len);
	host[len] = '\0';
	return 0;
}

/*
 * Letters, digits, "-", and "_" as it occurs; the dotted numbers of IPv4 are of
 * this form too.
 */
static int
check_name(const char *s, size_t len, const struct source *src)
{
	if (len > 0 && s[len - 1] == '.')	/* the root, written out */
		len--;
	if (len == 0)
		return refuse(src, "the host is missing");
	if (len > DNS_NAME_MAX)
		return refuse(src, "the host name has more than %d bytes",
			      DNS_NAME_MAX);

	size_t label = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i == len || s[i] == '.') {
			if (label == 0 || label > DNS_LABEL_MAX)
				return refuse(src, "a label of the host name "
					      "has not 1 to %d bytes",
					      DNS_LABEL_MAX);
			if (s[i - label] == '-' || s[i - 1] == '-')
				return refuse(src, "a label of the host name "
					      "begins or ends with '-'");
			label = 0;
			continue;
		}
		if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_')
			return refuse(src, "a character that is not allowed "
					   "in a host name");
		label++;
	}
	return 0;
}

/* An international name: to A-labels, which are checked like all others. */
static int
read_idn(char host[256], const char *s, size_t len, const struct source *src)
{
	char in[4 * DNS_NAME_MAX + 1];
	char *out;

	if (len >= sizeof(in))
		return refuse(src, "the host name is too long");
	memcpy(in, s, len);
	in[len] = '\0';

	int rc = idn2_to_ascii_8z(in, &out,
				  IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (rc == IDN2_MALLOC)
		return lun_fail(src->err, LUN_ENOMEM, "host: out of memory");
	if (rc != IDN2_OK)
		return refuse(src, "the host name: %s", idn2_strerror(rc));

	int r = check_name(out, strlen(out), src);

	if (r == 0)
		strcpy(host, out);
	idn2_free(out);
	return r;
}

static int
read_name(char host[256], const char *s, size_t len, const struct source *src)
{
	bool ascii = true;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0')
			return refuse(src, "a null in the host name");
		ascii &= !((unsigned char)s[i] & 0x80);
	}
	if (!ascii && !from_target(src))
		return read_idn(host, s, len, src);

	int r = check_name(s, len, src);

	if (r < 0)
		return r;
	memcpy(host, s, len);
	host[len] = '\0';
	return 0;
}

/* ----------------------------------------------------- the grammar -- */

/* Reads the host; *used is how many bytes it took, brackets included. */
static int
read_host(char host[256], size_t *used, const struct source *src)
{
	const char *s = src->text;
	size_t len = 0;

	if (src->len > 0 && s[0] == '[') {
		const char *end = memchr(s, ']', src->len);

		if (!end)
			return refuse(src, "a '[' without ']'");
		*used = (size_t)(end - s) + 1;
		return read_ipv6(host, s + 1, *used - 2, src);
	}
	while (len < src->len && s[len] != ':' && s[len] != ',')
		len++;
	*used = len;
	if (len < src->len && memchr(s + len + 1, ':', src->len - len - 1))
		return refuse(src, "more than one ':': an IPv6 address stands "
				   "in brackets");
	return read_name(host, s, len, src);
}

static int
read_portal(struct portal *out, uint16_t port, const struct source *src)
{
	struct portal p = { .port = port, .tpgt = -1 };
	const char *end = src->text + src->len;
	size_t used = 0;
	int r = read_host(p.host, &used, src);

	if (r < 0)
		return r;

	const char *s = src->text + used;
	const char *comma = s < end ? memchr(s, ',', (size_t)(end - s)) : NULL;

	if (comma && !from_target(src))
		return refuse(src, "',' after the host");
	if (comma) {
		uint16_t tag;

		r = read_number(&tag, comma + 1, (size_t)(end - comma) - 1,
				"portal group tag", 0, src);
		if (r < 0)
			return r;
		p.tpgt = tag;
		end = comma;
	}
	if (s < end) {
		if (*s != ':')
			return refuse(src, "only :port may follow the ']'");
		r = read_number(&p.port, s + 1, (size_t)(end - s) - 1, "port",
				1, src);
		if (r < 0)
			return r;
	}
	*out = p;
	return 0;
}

/* ----------------------------------------------------------- calls -- */

int
portal_parse_address(struct portal *p, const char *text, size_t len,
		     struct lun_error *err)
{
	return portal_parse_server_address(p, text, len, LUN_PORT, err);
}

int
portal_parse_user(struct portal *p, const char *text, size_t len,
		  struct lun_error *err)
{
	return portal_parse_server(p, text, len, LUN_PORT, err);
}

int
portal_parse_server(struct portal *p, const char *text, size_t len,
		    uint16_t port, struct lun_error *err)
{
	struct source src = { text, len, LUN_EINVAL, err };

	return read_portal(p, port, &src);
}

int
portal_parse_server_address(struct portal *p, const char *text, size_t len,
			    uint16_t port, struct lun_error *err)
{
	struct source src = { text, len, LUN_EPROTO, err };

	return read_portal(p, port, &src);
}

int
portal_parse_port(uint16_t *port, const char *text, size_t len,
		  struct lun_error *err)
{
	struct source src = { text, len, LUN_EINVAL, err };
	uint16_t v;
	int r = read_number(&v, text, len, "port", 1, &src);

	if (r == 0)
		*port = v;
	return r;
}

enum portal_host_kind
portal_host_kind(const struct portal *p)
{
	struct in_addr addr;

	if (strchr(p->host, ':'))
		return HOST_IPV6;
	/* four numbers of 0 to 255, no fewer and no octal: RFC 3721 1 */
	return inet_pton(AF_INET, p->host, &addr) == 1 ? HOST_IPV4 : HOST_NAME;
}

bool
portal_is_unspecified(const struct portal *p)
{
	struct in6_addr v6;
	struct in_addr v4;

	return (inet_pton(AF_INET, p->host, &v4) == 1 &&
		v4.s_addr == INADDR_ANY) ||
	       (inet_pton(AF_INET6, p->host, &v6) == 1 &&
		IN6_IS_ADDR_UNSPECIFIED(&v6));
}

char *
portal_print(const struct portal *p, char buf[PORTAL_TEXT_MAX])
{
	bool v6 = portal_host_kind(p) == HOST_IPV6;

	snprintf(buf, PORTAL_TEXT_MAX, "%s%s%s:%u", v6 ? "[" : "", p->host,
		 v6 ? "]" : "", p->port);
	return buf;
}

char *
portal_print_host16(const uint8_t address[16], char buf[PORTAL_HOST16_MAX])
{
	static const uint8_t zeroes[12];
	struct in6_addr a;
	bool mapped, compatible;

	memcpy(&a, address, sizeof(a));
	mapped = IN6_IS_ADDR_V4MAPPED(&a);
	/* Open-iSNS stores IPv4 like this; of 0.x.x.x there is none. */
	compatible = memcmp(address, zeroes, sizeof(zeroes)) == 0 &&
		     address[12] != 0;
	if (mapped || compatible)
		inet_ntop(AF_INET, address + 12, buf, PORTAL_HOST16_MAX);
	else
		inet_ntop(AF_INET6, address, buf, PORTAL_HOST16_MAX);
	return buf;
}

void
portal_map_ipv4(uint8_t out[16], const void *ipv4)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(out, prefix, sizeof(prefix));
	memcpy(out + sizeof(prefix), ipv4, 4);
}

int
portal_read_host16(const char *text, uint8_t out[16])
{
	struct in_addr ipv4;

	if (inet_pton(AF_INET6, text, out) == 1)
		return AF_INET6;
	if (inet_pton(AF_INET, text, &ipv4) != 1)
		return 0;
	portal_map_ipv4(out, &ipv4);
	return AF_INET;
}

/* Addresses by value; their zones are told apart by their text. */
static bool
ipv6_equal(const char *a, const char *b)
{
	const char *texts[2] = { a, b }, *zones[2];
	struct in6_addr addrs[2];

	for (int i = 0; i < 2; i++) {
		char text[INET6_ADDRSTRLEN] = "";
		size_t len = strcspn(texts[i], "%");

		zones[i] = texts[i] + len;
		if (len >= sizeof(text))
			return false;
		memcpy(text, texts[i], len);
		if (inet_pton(AF_INET6, text, &addrs[i]) != 1)
			return false;
	}
	return memcmp(&addrs[0], &addrs[1], sizeof(addrs[0])) == 0 &&
	       strcmp(zones[0], zones[1]) == 0;
}

size_t
portal_host_len(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && s[len - 1] == '.' ? len - 1 : len;
}

bool
portal_equal(const struct portal *a, const struct portal *b)
{
	enum portal_host_kind kind = portal_host_kind(a);

	if (a->port != b->port || portal_host_kind(b) != kind)
		return false;
	if (kind == HOST_IPV6)
		return ipv6_equal(a->host, b->host);

	size_t len = portal_host_len(a->host);

	return portal_host_len(b->host) == len &&
	       strncasecmp(a->host, b->host, len) == 0;
}
