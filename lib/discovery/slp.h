/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A user agent of SLP (RFC 2608) that looks for iSCSI services (RFC 4018): one
 * search, in the time of its caller and without I/O.
 *
 *	agents that are given -> directory agents, found by multicast -> service
 *	agents, by multicast -> the attributes of what was found
 *
 * Each step is for the scopes that nobody has answered for before. Without any
 * scopes (slp-config.h) those of the agents are found out first.
 *
 * What agents say is hostile: URLs that are no URLs of the service that was
 * asked for, and names that are no names, are left out with a log line.
 * Attributes say how to reach a target, never who we are or what may be done
 * (RFC 4018 6.1).
 */
#ifndef DISCOVERY_SLP_H
#define DISCOVERY_SLP_H

#include "base/env.h"
#include "base/timers.h"
#include "discovery/slp-config.h"
#include "discovery/slp-exchange.h"
#include "discovery/slp-found.h"

/* A search; texts need to live during slp_new() only. */
struct slp_search {
	enum slp_what what;
	const char *name;		/* prepared, of target or initiator */
	const char *chap_user;		/* SLP_OPEN_TARGETS; NULL: to any */
};

struct slp;

/*
 * done comes once, from slp_start() too: it must not free the agent. code is
 * 0, also if there is nothing; or negative if no agent answered at all.
 */
typedef void slp_done_fn(void *user, int code, const struct lun_error *err);

/* config, driver, env and timers are borrowed for its life. */
int slp_new(struct slp **out, const struct slp_config *config,
	    const struct slp_search *search, const struct slp_driver *driver,
	    void *driver_user, const struct lun_env *env,
	    struct timers *timers, slp_done_fn *done, void *user,
	    struct lun_error *err);
struct slp *slp_free(struct slp *s);

void slp_start(struct slp *s, lun_time now);

/* A datagram has come. */
void slp_datagram(struct slp *s, const struct portal *from, const void *p,
		  size_t len, lun_time now);

/*
 * What was found, after done: targets in the order of their URLs, servers with
 * the primary one first. What has outlived its lifetime now is not there.
 */
const struct slp_service *slp_services(struct slp *s, size_t *n, lun_time now);

#endif
