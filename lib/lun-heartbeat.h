/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening for the heartbeat of an iSNS server (RFC 4171 5.6.5.14). */
#ifndef LUN_HEARTBEAT_H
#define LUN_HEARTBEAT_H

#include "discovery/isns-pdu.h"
#include "io/loop.h"
#include "names/portal.h"

enum { HEARTBEAT_SERVERS_MAX = 1 + ISNS_BACKUPS_MAX };

struct heartbeat;

/* The active server and the backups, each once; at least one. The heartbeat may
 * be freed in it. What is no heartbeat is told in the log. */
typedef void heartbeat_fn(void *user, const struct portal *servers, size_t n);

/* Is it an address in figures that is multicast? */
bool heartbeat_is_group(const struct portal *p);

/* LUN_ESYS, LUN_ENOMEM. */
int heartbeat_new(struct heartbeat **out, struct lun_loop *loop,
		  const struct portal *group, heartbeat_fn *heard, void *user,
		  struct lun_error *err);
struct heartbeat *heartbeat_free(struct heartbeat *h);

#endif
