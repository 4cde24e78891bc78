/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a user agent of SLP is configured: scopes, directory agents, and whether
 * it may ask everybody (RFC 2608 6).
 */
#ifndef DISCOVERY_SLP_CONFIG_H
#define DISCOVERY_SLP_CONFIG_H

#include <stdint.h>

#include "base/clock.h"
#include "discovery/slp-text.h"
#include "names/portal.h"

enum {
	SLP_SCOPES_MAX	= 16,
	SLP_SCOPE_MAX	= 128,		/* bytes of a name, with its null */
	SLP_GIVEN_MAX	= 32,		/* agents that are configured */
	SLP_SCOPE_LIST_MAX = SLP_SCOPES_MAX * 3 * SLP_SCOPE_MAX,
};

#define SLP_WAIT	(15 * TIME_S)	/* CONFIG_MC_MAX, CONFIG_RETRY_MAX: 13 */

/* Names without escapes, each once. None: those that the agents have ("user
 * selectable", 11.2). */
struct slp_scopes {
	size_t n;
	char name[SLP_SCOPES_MAX][SLP_SCOPE_MAX];
};

struct slp_config {
	struct slp_scopes scopes;
	size_t n_agents;
	struct portal agents[SLP_GIVEN_MAX];	/* the preferred one first */
	bool multicast;			/* to find agents, and without any */
	lun_time wait;			/* for answers to one question */
};

/* What RFC 2608 says without any configuration. */
void slp_config_init(struct slp_config *c);

/* A list with escapes as in messages, or "*", escaped or not, for those that the
 * agents have. LUN_EINVAL. */
int slp_config_scopes(struct slp_config *c, const char *list,
		      struct lun_error *err);

/* One more agent, asked after those before. LUN_EINVAL: there are too many. */
int slp_config_agent(struct slp_config *c, const struct portal *agent,
		     struct lun_error *err);

/* Adds a scope unless it is there or there are too many. Its place, or -1. */
int slp_scopes_add(struct slp_scopes *s, struct slp_text name);
int slp_scopes_find(const struct slp_scopes *s, struct slp_text name);

/* The list of those of which the bit is set, escaped. Returns buf. */
char *slp_scopes_print(const struct slp_scopes *s, uint32_t which,
		       char buf[SLP_SCOPE_LIST_MAX]);

#endif
