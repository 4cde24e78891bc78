/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of searches by SLP (RFC 2608 14), and of all discoveries. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lun-impl.h"

enum { WAIT_MAX = 300 };		/* seconds */

/* The place of a word on a list that ends with NULL, or -1. */
int
slp_set_query(struct lun_options *o, const char *value, struct lun_error *err)
{
	static const char *const words[] = {
		[SLP_QUERY_ACCESS] = "access",
		[SLP_QUERY_CREDENTIALS] = "credentials",
		[SLP_QUERY_BOOT] = "boot",
		[SLP_QUERY_ALL] = "all", NULL,
	};
	int i = option_word(words, value);

	if (i < 0)
		return LUN_EINVAL;
	o->slp.query = (enum slp_query)i;
	return 0;
}

int
slp_set_search(struct lun_options *o, const char *value, struct lun_error *err)
{
	static const char *const words[] = {
		[SLP_SEARCH_MULTICAST] = "multicast",
		[SLP_SEARCH_BROADCAST] = "broadcast",
		[SLP_SEARCH_NONE] = "none", NULL,
	};
	int i = option_word(words, value);

	if (i < 0)
		return LUN_EINVAL;
	o->slp.search = (enum slp_search_by)i;
	return 0;
}

int
slp_options_agents(struct slp_config *c, const char *list,
		   struct lun_error *err)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		struct portal p;
		int r = portal_parse_server(&p, list, len, LUN_SLP_PORT, err);

		if (r < 0)
			return r;
		if (portal_host_kind(&p) == HOST_NAME)
			return lun_fail(err, LUN_EINVAL, "%s: not an address "
					"in figures", p.host);
		r = slp_config_agent(c, &p, err);
		if (r < 0)
			return r;
		list += len;
		list += *list == ',';
	}
	return 0;
}

lun_time
slp_options_wait(const struct lun_options *o, const struct lun_url *url)
{
	if (o->slp.wait)
		return o->slp.wait * TIME_S;
	return *url->host && o->timeout < SLP_WAIT ? o->timeout : SLP_WAIT;
}

lun_time
slp_options_search_time(const struct lun_options *o, const struct lun_url *url)
{
	return 3 * slp_options_wait(o, url);
}

int
slp_set_agents(struct lun_options *o, const char *value, struct lun_error *err)
{
	struct slp_config c = { 0 };
	int r = slp_options_agents(&c, value, err);

	if (r < 0)
		return r;
	if (strlen(value) >= sizeof(o->slp.agents))
		return lun_fail(err, LUN_EINVAL, "%zu bytes: more than %zu",
				strlen(value), sizeof(o->slp.agents) - 1);
	strcpy(o->slp.agents, value);
	return 0;
}

int
slp_set_interfaces(struct lun_options *o, const char *value,
		   struct lun_error *err)
{
	if (!*value || strlen(value) >= sizeof(o->slp.interfaces))
		return LUN_EINVAL;
	strcpy(o->slp.interfaces, value);
	return 0;
}

static bool
number(const char *text, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || v < 1 || v > max)
		return false;
	*out = (unsigned)v;
	return true;
}

int
slp_set_ttl(struct lun_options *o, const char *value, struct lun_error *err)
{
	return number(value, 255, &o->slp.ttl) ? 0 : LUN_EINVAL;
}

int
slp_set_wait(struct lun_options *o, const char *value, struct lun_error *err)
{
	return number(value, WAIT_MAX, &o->slp.wait) ? 0 : LUN_EINVAL;
}

int
set_discovery_allow(struct lun_options *o, const char *value,
		    struct lun_error *err)
{
	return allow_parse(&o->allow, value, err);
}
