/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the next attempt to log in is made. The portals of a target are tried
 * one after the other, without a pause; that is a round, and has one attempt
 * if there is one portal. The pause before a round doubles from one second to
 * a quarter of a minute, with jitter, so that the clients of a target that comes
 * back do not all come at once; and never before the target allows (Time2Wait,
 * RFC 7143 13.15). What another attempt would hardly change (no such target,
 * wrong secret) is tried rarely, once the target has said it three times: one
 * that is starting may listen before it knows its targets and users.
 */
#ifndef RECOVERY_BACKOFF_H
#define RECOVERY_BACKOFF_H

#include "base/clock.h"
#include "base/env.h"

struct backoff {
	unsigned attempts;		/* since it was lost: set to 0 then */
	unsigned rounds;		/* since the session was last stable */
	unsigned refusals;		/* of the kind BACKOFF_RARELY, in a row */
};

enum backoff_kind { BACKOFF_NORMAL, BACKOFF_RARELY };

/* By the code of the failure. */
enum backoff_kind backoff_kind(int code);

/* How long to wait before the next round, which is counted. */
lun_time backoff_next(struct backoff *b, enum backoff_kind kind,
		      lun_time time2wait, const struct lun_env *env);

/* The same before another attempt of the round. */
lun_time backoff_in_round(struct backoff *b, lun_time time2wait);

void backoff_reset(struct backoff *b);

/* Is the n-th failure in a row to be told? As long as the pauses grow, and then
 * fewer and fewer, as they say that nothing has changed. */
bool backoff_is_told(unsigned n);

#endif
