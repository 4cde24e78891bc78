/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SendTargets (RFC 7143 appendix C): the request's text, and the answer's text
 * as a list of targets. No I/O; the exchange is conn_text()'s.
 */
#ifndef DISCOVERY_SENDTARGETS_H
#define DISCOVERY_SENDTARGETS_H

#include "discovery/targets.h"

enum {
	SENDTARGETS_REQUEST_MAX = sizeof("SendTargets=") + NAME_MAX_LEN,
	SENDTARGETS_ANSWER_MAX = 16 << 20,	/* bytes of text */
};

/*
 * The text: "SendTargets=" with "All" (on Discovery sessions only), a target's
 * name, or "" (the target of a Normal session). The length, with the null.
 */
size_t sendtargets_request(char buf[SENDTARGETS_REQUEST_MAX],
			   const char *what);

/* What becomes of the addresses, if something may translate them on the way. */
enum portal_rewrite {
	REWRITE_AUTO,		/* present is a further one: targets_asked() */
	REWRITE_ALWAYS,		/* present stands for all of them */
	REWRITE_NEVER,
};

/*
 * Reads a whole answer. present is where it came from: as the portal of those
 * targets that have no address, and as the host of addresses that name none
 * (0.0.0.0). 0, LUN_EPROTO if it is no text of keys and
 * values, LUN_ENOMEM.
 */
int sendtargets_read(struct targets **out, const char *text, size_t len,
		     const struct portal *present, enum portal_rewrite rewrite,
		     const struct lun_env *env, struct lun_error *err);

#endif
