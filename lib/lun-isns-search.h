/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding an iSNS server that the URL does not name:
 *
 *	isns://GROUP	a multicast group, in which servers have their heartbeat
 *	isns://		the DHCP leases of this host (RFC 4174); if none of them
 *			tells of a server, SLP (RFC 4018 5.3)
 *
 * What was found, and how, is told in the log.
 */
#ifndef LUN_ISNS_SEARCH_H
#define LUN_ISNS_SEARCH_H

#include "lun-impl.h"

enum { ISNS_SERVERS_MAX = 17 };		/* one, and 16 backups */

struct isns_search;

/*
 * Called once, from the loop: servers are to be tried in turn; or n is 0 and err
 * says where was looked. The search may be freed in it.
 */
typedef void isns_search_fn(void *user, const struct portal *servers, size_t n,
			    const struct lun_error *err);

/* Is there something to search for? */
bool isns_search_wanted(const struct portal *server);

int isns_search_new(struct isns_search **out, struct lun_loop *loop,
		    const struct portal *group,
		    const struct lun_options *options, isns_search_fn *found,
		    void *user, struct lun_error *err);
struct isns_search *isns_search_free(struct isns_search *s);

#endif
