/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver of one session (session/session.h): makes and closes the TCP
 * connections that it wants, pumps bytes between sockets and connections, and
 * sees to it that the session steps before the loop sleeps.
 */
#ifndef IO_PUMP_H
#define IO_PUMP_H

#include "io/loop.h"
#include "names/proxy.h"
#include "session/session.h"

struct pump;

extern const struct session_driver pump_driver;	/* its user is the pump */

/* proxy is borrowed; NULL: none. */
int pump_new(struct pump **out, struct lun_loop *loop,
	     const struct proxy *proxy, struct lun_error *err);

/* The session must be gone before, and with it its connections. */
struct pump *pump_free(struct pump *p);

/* True while the session steps: it must not be freed then. */
bool pump_is_stepping(const struct pump *p);

/*
 * Watches from now on whether nobody listens at this portal: whatever is tried
 * counts, and with ask it is asked a few times in the first second, too.
 */
void pump_watch(struct pump *p, const struct portal *portal, bool ask);
void pump_unwatch(struct pump *p);
lun_time pump_refused_at(const struct pump *p);	/* the last time; 0: never */

/* Is this the portal of a connection, or, unless it is the proxy's, the address
 * of its peer? */
bool pump_is_at(const struct pump *p, const struct portal *portal);

#endif
