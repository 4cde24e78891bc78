/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a search by SLP has found: URLs of targets or servers as they come, and
 * what their attributes say (RFC 4018 5.2, 5.3). A URL that was told several
 * times is there once; none is kept beyond its lifetime.
 */
#ifndef DISCOVERY_SLP_FOUND_H
#define DISCOVERY_SLP_FOUND_H

#include "base/clock.h"
#include "discovery/slp-msg.h"
#include "names/name.h"
#include "names/portal.h"

enum { SLP_FOUND_MAX = 20000 };

enum slp_what {
	SLP_OPEN_TARGETS,	/* to this identity, or to any: query 4, 6 */
	SLP_NAMED_TARGET,	/* query 1 */
	SLP_BOOT_TARGETS,	/* of the initiator of this name: query 7 */
	SLP_ALL_TARGETS,	/* query 8 */
	SLP_ISNS_SERVERS,	/* RFC 4018 5.3 */
};

struct slp_service {
	char name[NAME_MAX_LEN + 1];	/* prepared; "" of a server */
	struct portal portal;		/* tpgt -1: not known */
	char *url;
	size_t agent;			/* that told of it: the caller's */
	lun_time expires;
	long priority;			/* of a server: the lowest is the first */
	bool unusable;			/* not over TCP */
};

struct slp_found {
	enum slp_what what;
	char only[NAME_MAX_LEN + 1];	/* the target that is wanted; "": all */
	size_t n, size;
	struct slp_service *v;
};

void slp_found_deinit(struct slp_found *f);

/*
 * Adds what a URL entry names. 0, or why it is left out: LUN_EPROTO, LUN_ENOMEM
 * (also if there are SLP_FOUND_MAX).
 */
int slp_found_add(struct slp_found *f, const struct slp_url_entry *e,
		  size_t agent, lun_time now, struct lun_error *why);

/* Brings them into the order of their URLs, each once. */
void slp_found_sort(struct slp_found *f);

/* The tags that are worth asking for. */
const char *slp_found_tags(const struct slp_found *f);

/* Takes what the attributes of a service say. */
void slp_found_attributes(const struct slp_found *f, struct slp_service *s,
			  struct slp_text attributes);

/* The search is over: drops those that are of no use, or have expired, and puts
 * the primary server first. */
void slp_found_finish(struct slp_found *f, lun_time now);

#endif
