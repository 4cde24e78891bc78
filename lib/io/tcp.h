/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a TCP connection to a portal: its addresses are looked up and tried
 * in turn. Through a proxy it is the addresses of the proxy, which then looks
 * up the portal's. How long it may take is up to the caller, who frees it.
 */
#ifndef IO_TCP_H
#define IO_TCP_H

#include "io/loop.h"
#include "names/proxy.h"

struct dial;

/*
 * Called once, from the loop, never from within dial_new(): fd is the socket,
 * which is the callee's now; or it is -1, and *err says why: LUN_ERESOLVE,
 * LUN_ECONNECT, LUN_ESYS, LUN_ENOMEM; of a proxy also LUN_EAUTH, LUN_EPROTO,
 * LUN_EINVAL. dial_free() may be called from it.
 */
typedef void dial_fn(void *user, int fd, const struct lun_error *err);

/* proxy is borrowed; NULL: none. LUN_ENOMEM. */
int dial_new(struct dial **out, struct lun_loop *loop,
	     const struct portal *portal, const struct proxy *proxy,
	     dial_fn *done, void *user);

/* In done: was the last answer that nobody listens at the portal? */
bool dial_was_refused(const struct dial *d);

struct dial *dial_free(struct dial *d);		/* cancels, too */

/*
 * What of it the peer does not have yet never reaches it. After close() alone the
 * kernel would go on sending it for minutes, though nobody here knows of it any
 * more: if the path that was dead comes back, a target that has not noticed
 * executes writes that were made again elsewhere long ago.
 */
void tcp_close(int fd);

#endif
