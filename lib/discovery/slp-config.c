/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scopes and agents of a user agent of SLP: see slp-config.h. */
#include "discovery/slp-config.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "discovery/slp-msg.h"

int
slp_scopes_find(const struct slp_scopes *s, struct slp_text name)
{
	for (size_t i = 0; i < s->n; i++)
		if (slp_text_is(name, s->name[i]))
			return (int)i;
	return -1;
}

int
slp_scopes_add(struct slp_scopes *s, struct slp_text name)
{
	char plain[SLP_SCOPE_MAX];
	int i = slp_scopes_find(s, name);

	if (i >= 0)
		return i;
	if (s->n == SLP_SCOPES_MAX ||
	    !slp_unescape(plain, sizeof(plain), name) || !*plain)
		return -1;
	memcpy(s->name[s->n], plain, sizeof(plain));
	return (int)s->n++;
}

char *
slp_scopes_print(const struct slp_scopes *s, uint32_t which,
		 char buf[SLP_SCOPE_LIST_MAX])
{
	struct str list = STR_INIT(SLP_SCOPE_LIST_MAX - 1);

	for (size_t i = 0; i < s->n; i++) {
		if (!(which & UINT32_C(1) << i))
			continue;
		if (list.len > 0)
			str_add(&list, ",");
		slp_add_scope(&list, s->name[i]);
	}
	snprintf(buf, SLP_SCOPE_LIST_MAX, "%s", str_text(&list));
	str_deinit(&list);
	return buf;
}

void
slp_config_init(struct slp_config *c)
{
	*c = (struct slp_config){ .multicast = true, .wait = SLP_WAIT };
	slp_scopes_add(&c->scopes, SLP_TEXT("DEFAULT"));
}

static int
read_scopes(struct slp_scopes *out, struct slp_text list)
{
	struct slp_scopes s = { 0 };
	struct slp_text name;
	size_t pos = 0;

	while (slp_list_next(list, &pos, &name))
		if (slp_scopes_add(&s, name) < 0)
			return -1;
	*out = s;
	return 0;
}

int
slp_config_scopes(struct slp_config *c, const char *list, struct lun_error *err)
{
	struct slp_text text = SLP_TEXT(list);

	if (slp_text_is(text, "*"))
		text.len = 0;

	if (!*list || read_scopes(&c->scopes, text) < 0)
		return lun_fail(err, LUN_EINVAL, "scope %.100s: not 1 to %d "
				"names of less than %d bytes, with commas "
				"between them", list, SLP_SCOPES_MAX,
				SLP_SCOPE_MAX);
	return 0;
}

static bool
has_agent(const struct slp_config *c, const struct portal *agent)
{
	for (size_t i = 0; i < c->n_agents; i++)
		if (portal_equal(&c->agents[i], agent))
			return true;
	return false;
}

int
slp_config_agent(struct slp_config *c, const struct portal *agent,
		 struct lun_error *err)
{
	if (has_agent(c, agent))
		return 0;
	if (c->n_agents == SLP_GIVEN_MAX)
		return lun_fail(err, LUN_EINVAL, "more than %d SLP agents",
				SLP_GIVEN_MAX);
	c->agents[c->n_agents++] = *agent;
	return 0;
}
