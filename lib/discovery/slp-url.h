/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Service URLs (RFC 2608 4.1): those of RFC 4018's templates, and of agents.
 * They come from the network: whatever is no name or address is refused.
 */
#ifndef DISCOVERY_SLP_URL_H
#define DISCOVERY_SLP_URL_H

#include "discovery/slp-text.h"
#include "names/name.h"
#include "names/portal.h"

/*
 * service:iscsi:target://host[:port]/iscsi-name[/identity] (RFC 4018 5.2). The
 * name is prepared; the identity is opaque and only has to be well-formed. 0;
 * SLP_OTHER_TYPE: it is the URL of another service; LUN_EPROTO, LUN_ENOMEM.
 */
enum { SLP_OTHER_TYPE = 1 };
int slp_target_url(struct slp_text url, char name[NAME_MAX_LEN + 1],
		   struct portal *portal, struct lun_error *err);

/*
 * The address of the URL of another service type, with a port of its own if
 * none is there, and maybe a path, which is not looked at. The same results.
 */
int slp_service_url(struct slp_text url, const char *type, uint16_t port,
		    struct portal *portal, struct lun_error *err);

#endif
