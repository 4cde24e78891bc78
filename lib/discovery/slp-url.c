/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Service URLs: see slp-url.h. */
#include "discovery/slp-url.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "discovery/slp-msg.h"
#include "names/refuse.h"

#define refuse(url, ...)						      \
	names_refuse(err, LUN_EPROTO, (url).p, (url).len, __VA_ARGS__)

/* Cuts "TYPE://" off; types have no case (RFC 2608 6.4). */
static bool
cut_type(struct slp_text *url, const char *type)
{
	size_t len = strlen(type);

	if (url->len < len + 3 || strncasecmp(url->p, type, len) != 0 ||
	    memcmp(url->p + len, "://", 3) != 0)
		return false;
	url->p += len + 3;
	url->len -= len + 3;
	return true;
}

/* Cuts off what stands before the first "/"; the "/" goes, too. True if there
 * was one. */
static bool
cut_at_slash(struct slp_text *rest, struct slp_text *part)
{
	const char *slash = rest->len > 0 ? memchr(rest->p, '/', rest->len)
					  : NULL;

	*part = *rest;
	if (!slash) {
		rest->len = 0;
		return false;
	}
	part->len = (size_t)(slash - rest->p);
	rest->p = slash + 1;
	rest->len -= part->len + 1;
	return true;
}

/* host[:port]: the grammar of TargetAddress without its tag. */
static int
read_address(struct slp_text in, uint16_t port, struct portal *portal,
	     struct lun_error *err)
{
	struct portal p;
	int r = portal_parse_server_address(&p, in.p, in.len, port, err);

	if (r < 0)
		return r;
	if (p.tpgt >= 0)
		return refuse(in, "a portal group within the address");
	*portal = p;
	return 0;
}

/* RFC 4018 5.2: letters, digits, ":", "-", "." and escapes. What else is there
 * is seen when the name is prepared. */
static int
read_name(struct slp_text in, char name[NAME_MAX_LEN + 1],
	  struct lun_error *err)
{
	char plain[NAME_INPUT_MAX + 1];

	if (!slp_unescape(plain, sizeof(plain), in))
		return refuse(in, "a bad escape in the name, or more than %d "
			      "bytes", NAME_INPUT_MAX);
	return iscsi_name_prepare(plain, name, err);
}

int
slp_target_url(struct slp_text url, char name[NAME_MAX_LEN + 1],
	       struct portal *portal, struct lun_error *err)
{
	struct slp_text rest = url, address, target;
	char identity[NAME_INPUT_MAX + 1], prepared[NAME_MAX_LEN + 1];
	struct lun_error why;
	struct portal p;

	if (!cut_type(&rest, SLP_TYPE_TARGET))
		return SLP_OTHER_TYPE;
	if (!cut_at_slash(&rest, &address))
		return refuse(url, "no target name behind the address");
	if (cut_at_slash(&rest, &target) &&
	    (memchr(rest.p, '/', rest.len) ||
	     !slp_unescape(identity, sizeof(identity), rest)))
		return refuse(url, "the identity behind the name is not well-"
			      "formed");

	int r = read_address(address, LUN_PORT, &p, err);

	if (r < 0)
		return r;
	r = read_name(target, prepared, &why);
	if (r < 0)
		return lun_fail(err, r == LUN_ENOMEM ? r : LUN_EPROTO, "%s",
				why.text);
	memcpy(name, prepared, sizeof(prepared));
	*portal = p;
	return 0;
}

int
slp_service_url(struct slp_text url, const char *type, uint16_t port,
		struct portal *portal, struct lun_error *err)
{
	struct slp_text rest = url, address;

	if (!cut_type(&rest, type))
		return SLP_OTHER_TYPE;
	cut_at_slash(&rest, &address);
	return read_address(address, port, portal, err);
}
