/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The targets and portals in the response to a DevAttrQry (RFC 4171 5.6.5.2).
 * Each node comes with the portals that it can be reached by, and the portal
 * groups that join them:
 *
 *	name  type  alias  { address  port  { group's address  port  tag } }...
 *
 * Any of these may be missing, and others be between them; servers also put
 * the groups behind all portals.
 */
#ifndef DISCOVERY_ISNS_NODES_H
#define DISCOVERY_ISNS_NODES_H

#include "discovery/isns-pdu.h"
#include "discovery/targets.h"

struct isns_found {
	size_t targets;
	bool self;			/* source is among them */
};

/*
 * Adds the targets that m has from pos on to t. 0, LUN_EPROTO (t may have some
 * of them), LUN_ENOMEM.
 */
int isns_nodes_read(struct targets *t, const struct isns_message *m,
		    size_t pos, const char *source, struct isns_found *found,
		    struct lun_error *err);

/* The operating attributes of a query for all that isns_nodes_read() reads. */
void isns_nodes_ask(struct str *out);

#endif
