/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a TCP connection to a portal: its addresses are looked up and tried
 * in turn. How long it may take is up to the caller, who frees it.
 */
#ifndef IO_TCP_H
#define IO_TCP_H

#include "io/loop.h"
#include "names/portal.h"

struct dial;

/*
 * Called once, from the loop, never from within dial_new(): fd is the socket,
 * which is the callee's now; or it is -1, and *err says why: LUN_ERESOLVE,
 * LUN_ECONNECT, LUN_ESYS, LUN_ENOMEM. dial_free() may be called from it.
 */
typedef void dial_fn(void *user, int fd, const struct lun_error *err);

int dial_new(struct dial **out, struct lun_loop *loop,
	     const struct portal *portal, dial_fn *done, void *user);

/* In done: did the last address answer that nobody listens there? */
bool dial_was_refused(const struct dial *d);

struct dial *dial_free(struct dial *d);		/* cancels, too */

#endif
