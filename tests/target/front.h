/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket front end of a target: listeners, connections, an epoll loop. */
#ifndef FRONT_H
#define FRONT_H

#include "target.h"

struct front;

int front_new(struct front **out, struct target *t, bool verbose,
	      struct lun_error *err);
struct front *front_free(struct front *f);

/* ADDR:PORT, [ADDR]:PORT or PORT; prints "listening ADDR:PORT" on stdout and
 * adds the portal to the target. */
int front_listen(struct front *f, const char *where, struct lun_error *err);

/* Until SIGTERM or SIGINT: 0, or LUN_ESYS. */
int front_run(struct front *f, struct lun_error *err);

lun_time front_now(void);

/* For struct target_env. */
void front_random(void *user, void *buf, size_t len);
void front_trace(void *user, const void *conn_user, const struct pdu *pdu);
void front_fault(void *user, const void *conn_user, const char *kind,
		 const struct pdu *pdu);

#endif
