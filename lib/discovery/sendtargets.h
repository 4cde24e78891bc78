/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SendTargets (RFC 7143 appendix C): the request's text, and the answer's text
 * as a list of targets. No I/O; the exchange is conn_text()'s.
 */
#ifndef DISCOVERY_SENDTARGETS_H
#define DISCOVERY_SENDTARGETS_H

#include "base/env.h"
#include "names/name.h"
#include "names/portal.h"

enum {
	SENDTARGETS_REQUEST_MAX = sizeof("SendTargets=") + NAME_MAX_LEN,
	SENDTARGETS_ANSWER_MAX = 16 << 20,	/* bytes of text */
	TARGET_PORTALS_MAX = 64,
};

/*
 * The text: "SendTargets=" with "All" (on Discovery sessions only), a target's
 * name, or "" (the target of a Normal session). The length, with the null.
 */
size_t sendtargets_request(char buf[SENDTARGETS_REQUEST_MAX],
			   const char *what);

struct targets;

/*
 * Reads a whole answer. present is where it came from, as the portal of those
 * targets that have no address. Targets come out in the order of their names,
 * each once; what is no legal name or address is left out with a log line.
 * 0, LUN_EPROTO if it is no text of keys and values, LUN_ENOMEM.
 */
int targets_new(struct targets **out, const char *text, size_t len,
		const struct portal *present, const struct lun_env *env,
		struct lun_error *err);
struct targets *targets_free(struct targets *t);
const struct lun_target *targets_list(const struct targets *t, size_t *n);

#endif
