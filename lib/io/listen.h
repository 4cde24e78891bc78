/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A TCP port where others may connect to us, for short exchanges: an iSNS
 * server that tells of a change. It keeps LISTEN_CONNECTIONS of them, the last
 * that came, and as many bytes of each as its owner leaves unread.
 */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "io/loop.h"
#include "io/resolve.h"

enum { LISTEN_CONNECTIONS = 8 };

struct listen;
struct caller;				/* who has connected */

struct listen_ops {
	/* Room for what belongs to a caller; zeroed, size bytes of it. */
	size_t size;
	/* Bytes came in. False: the connection is to be closed. */
	bool (*received)(void *user, struct caller *c, const uint8_t *data,
			 size_t len);
	/* The connection ends: deinitialise what belongs to it. */
	void (*ended)(void *user, struct caller *c);
};

/* local is where; with port 0 the kernel chooses one. LUN_ESYS, LUN_ENOMEM. */
int listen_new(struct listen **out, struct lun_loop *loop,
	       const struct address *local, const struct listen_ops *ops,
	       void *user, struct lun_error *err);
struct listen *listen_free(struct listen *l);

/* Where it listens. */
struct address listen_address(const struct listen *l);

/* What belongs to the caller. */
void *caller_own(struct caller *c);

/* Sends, from within received. What a caller does not take at once is too
 * much for such an exchange: false. */
bool caller_send(struct caller *c, const void *data, size_t len);

#endif
