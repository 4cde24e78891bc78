/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of targets that a discovery gathers from what its peer says, in any
 * order and with repetitions: see lun_discover_fn. Whatever is no legal name or
 * address is left out with a log line, of which there are a few for each list.
 */
#ifndef DISCOVERY_TARGETS_H
#define DISCOVERY_TARGETS_H

#include "base/env.h"
#include "names/name.h"
#include "names/portal.h"

enum { TARGET_PORTALS_MAX = 64 };

struct targets;

/* Begins a list. peer is the object of log lines and errors ("SendTargets"),
 * a constant. LUN_ENOMEM. */
int targets_new(struct targets **out, const char *peer,
		const struct lun_env *env, struct lun_error *err);
struct targets *targets_free(struct targets *t);

/* A target of this name, which is prepared first; key is what the peer calls
 * the value. 0, TARGETS_LEFT_OUT (told in the log), or LUN_ENOMEM. */
enum { TARGETS_LEFT_OUT = 1 };
int targets_add(struct targets *t, const char *key, const char *name);

/* A portal of the target that was added last; tpgt is -1 if it is not known.
 * Those that it has already change nothing; those beyond TARGET_PORTALS_MAX are
 * left out, which is told once. 0 or LUN_ENOMEM. */
int targets_add_portal(struct targets *t, const char *host, uint16_t port,
		       int tpgt);

/* Tells in the log that a value of the peer's is left out, unless that was said
 * of many. */
void targets_complain(struct targets *t, const char *key, const char *value,
		      size_t len, const char *why);

/* The portal that was asked (borrowed): each target gets it as its last one,
 * marked so, unless it has it. */
void targets_asked(struct targets *t, const struct portal *asked);

/* The list is complete: targets stand in the order of their names, each once,
 * with all its portals; those without any are left out. LUN_ENOMEM. */
int targets_finish(struct targets *t, struct lun_error *err);
const struct lun_target *targets_list(const struct targets *t, size_t *n);

#endif
