/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/backoff.h"

#include "conn/times.h"

enum {
	IN_EARNEST = 3,
	ALL_TOLD = 6,			/* until the pauses grow no more */
};

enum backoff_kind
backoff_kind(int code)
{
	return code == LUN_EAUTH || code == LUN_ENOTFOUND ||
	    code == LUN_ENEGOTIATE ? BACKOFF_RARELY : BACKOFF_NORMAL;
}

/* A quarter less to a quarter more. */
static lun_time
jitter(lun_time t, const struct lun_env *env)
{
	return t - t / 4 + (t / 2) / 1024 * (env_random32(env) % 1024);
}

lun_time
backoff_next(struct backoff *b, enum backoff_kind kind, lun_time time2wait,
	     const struct lun_env *env)
{
	lun_time wait = BACKOFF_REFUSED;

	b->refusals = kind == BACKOFF_RARELY ? b->refusals + 1 : 0;
	if (b->refusals < IN_EARNEST) {
		/* The first is made at once: most often the target is there. */
		unsigned doublings = b->rounds < 6 ? b->rounds : 6;

		wait = doublings == 0 ? 0 : BACKOFF_FIRST << (doublings - 1);
		if (wait > BACKOFF_LONGEST)
			wait = BACKOFF_LONGEST;
	}
	b->attempts++;
	b->rounds++;
	wait = jitter(wait, env);
	return wait > time2wait ? wait : time2wait;
}

lun_time
backoff_in_round(struct backoff *b, lun_time time2wait)
{
	b->attempts++;
	return time2wait;
}

void
backoff_reset(struct backoff *b)
{
	*b = (struct backoff){ 0 };
}

bool
backoff_is_told(unsigned n)
{
	return n <= ALL_TOLD || (n & (n - 1)) == 0;
}
