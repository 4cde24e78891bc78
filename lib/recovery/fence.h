/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A login in another portal group is another I_T nexus (RFC 7143 4.4.3): it is
 * no reinstatement, so the target may still execute what was sent in the old
 * one. Before anything is sent again, the units to which writes were under way
 * are reset: that ends the tasks of all nexuses (4.2.3.2).
 *
 * It ends what the target has received. A command that is still on its way, in a
 * connection that we have given up and the target has not, is out of reach: only
 * a login in its own group would end that connection, and that group is what
 * does not answer (or a TARGET COLD RESET, which ends those of all initiators,
 * too). So as little as possible is on its way then: io/tcp.h, tcp_close().
 */
#ifndef RECOVERY_FENCE_H
#define RECOVERY_FENCE_H

#include "session/session.h"

enum { FENCE_MAX = 256 };		/* units */

struct fence {
	struct session *session;
	const char *label;
	struct tmf tmf;
	size_t n, at;
	uint64_t luns[FENCE_MAX];	/* filled in by the user */
	/* 0: all have been reset; else *err says which was not. */
	void (*done)(struct fence *f, int code, const struct lun_error *err);
};

/* n > 0. Done comes once, from session_step() or session_free(). */
void fence_start(struct fence *f, struct session *s, const char *label,
		 lun_time now);

#endif
