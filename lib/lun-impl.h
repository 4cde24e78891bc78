/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the façade (lun-*.c) share. */
#ifndef LUN_IMPL_H
#define LUN_IMPL_H

#include "discovery/sendtargets.h"
#include "discovery/slp-config.h"
#include "io/identity.h"
#include "io/loop.h"
#include "login/auth.h"
#include "names/allow.h"
#include "names/name.h"
#include "names/portal.h"
#include "names/proxy.h"
#include "session/session.h"
#include "text/params.h"

enum outage { OUTAGE_WAIT, OUTAGE_FAIL };

enum slp_query {
	SLP_QUERY_ACCESS,		/* open to our name, or to any */
	SLP_QUERY_CREDENTIALS,		/* and to our CHAP user, or to any */
	SLP_QUERY_BOOT,			/* that we may boot from */
	SLP_QUERY_ALL,
};

enum slp_search_by {
	SLP_SEARCH_MULTICAST,
	SLP_SEARCH_BROADCAST,
	SLP_SEARCH_NONE,
};

struct slp_options {
	enum slp_query query;
	enum slp_search_by search;
	unsigned ttl, wait;		/* wait in seconds; 0: not set */
	char interfaces[128], agents[256];	/* lists; "": not set */
};

struct lun_options {
	char initiator_name[NAME_MAX_LEN + 1];
	char initiator_alias[ALIAS_MAX + 1];
	bool alias_set;			/* else it is the host name */
	struct auth_config auth;
	bool method_set;		/* else auth.method follows from the
					   credentials that there are */
	struct offer offer;
	bool first_burst_set;		/* else it follows MaxBurstLength */
	lun_time timeout;
	enum outage outage;
	lun_time outage_time;		/* OUTAGE_WAIT; TIME_NEVER: no bound */
	bool target_reset;
	bool read_only;
	bool isid_set;
	uint32_t isid;			/* B and C of RFC 7143 11.12.5 */
	struct proxy proxy;
	enum portal_rewrite portal_rewrite;
	struct slp_options slp;
	struct allow allow;		/* portals that were discovered */
	bool boot;			/* discoveries: only targets that we are to
					   boot from; for lun_boot() */
};

/* Setters of lun-slp-options.c, as those of lun-options.c. */
typedef int option_setter(struct lun_options *o, const char *value,
			  struct lun_error *err);
option_setter slp_set_query, slp_set_search, slp_set_agents,
	slp_set_interfaces, slp_set_ttl, slp_set_wait, set_discovery_allow;

/* The agents of a list that slp_set_agents() has taken. */
int slp_options_agents(struct slp_config *c, const char *list,
		       struct lun_error *err);

/*
 * A search may take as long as it takes to find directory agents, service
 * agents and attributes; each of these has its bound (RFC 2608 13:
 * CONFIG_MC_MAX).
 */
lun_time slp_options_search_time(const struct lun_options *o,
				 const struct lun_url *url);

/* For one answer. An agent that is named is a peer like others, with the timeout
 * of these, if it is less. */
lun_time slp_options_wait(const struct lun_options *o,
			  const struct lun_url *url);

/* The portal, server or agent that a URL names. */
struct portal portal_of_url(const struct lun_url *url);

/* Which of these words, the last of which is NULL, it is; -1: none. */
int option_word(const char *const words[], const char *word);

/* Who we are: what the options say, or else what identity.h has. LUN_ESYS. */
int options_name(const struct lun_options *o, const struct lun_env *env,
		 char out[NAME_MAX_LEN + 1], struct lun_error *err);
void options_alias(const struct lun_options *o, char out[ALIAS_MAX + 1]);

/* How to authenticate: CHAP unless told otherwise, if there are credentials. To
 * be wiped. */
void options_auth(const struct lun_options *o, struct auth_config *auth);

/*
 * What a session needs for its whole life and session_config borrows: the
 * options as they came out, who we are, and the configuration made of these.
 */
struct setup {
	struct lun_options options;	/* with the credentials of the URL */
	char target[NAME_MAX_LEN + 1];	/* "": everything, for a discovery */
	char label[PORTAL_TEXT_MAX];	/* of log lines */
	char meanwhile[64];		/* as in session_config */
	char via[PORTAL_TEXT_MAX + 8];	/* as in session_config */
	struct isid_lease isid;
	struct session_config config;
};

/* For a session with url's target; or for a discovery at its portal. */
int setup_init(struct setup *s, const struct lun_url *url,
	       const struct lun_options *options, bool discovery,
	       const struct lun_env *env, struct lun_error *err);
void setup_deinit(struct setup *s);	/* wipes; legal if all is zero and
					   isid.lock_fd is -1 */

#endif
