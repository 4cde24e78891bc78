/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "recovery/backoff.h"

/*
 * A session that lived so long was stable: its end is a new story. One that
 * dies sooner continues the old one, so that a target that takes every login
 * and then fails is not hammered.
 */
#define STABLE (30 * TIME_S)

enum phase { IDLE, CONNECTING, UP, WAITING, OVER };

struct recovery {
	struct nexus nexus;
	struct session_config cfg;
	struct portal *portals;		/* the first is cfg's */
	size_t n_portals, portal;
	const struct session_driver *driver;
	void *driver_user;
	const struct recovery_ops *ops;
	void *user;

	enum phase phase;
	bool was_up, stopping;
	struct session *session;	/* the last one stays until the next */
	struct timer timer;		/* WAITING: the next attempt */
	struct backoff backoff;
	lun_time up_at, lost_at;
	struct lun_error cause;

	uint64_t session_recoveries;
	struct session_counters before;	/* of sessions that are freed */
};

static lun_time
now_of(const struct recovery *r)
{
	return r->nexus.timers->now;
}

/* ----------------------------------------------------------- the nexus -- */

static void
submit(struct nexus *n, struct command *c)
{
	struct recovery *r = container_of(n, struct recovery, nexus);
	struct nexus *below = session_nexus(r->session);

	below->ops->submit(below, c);
}

static void
cancel(struct nexus *n, struct command *c)
{
	struct recovery *r = container_of(n, struct recovery, nexus);
	struct nexus *below = session_nexus(r->session);

	below->ops->cancel(below, c);
}

static const struct nexus_ops nexus_ops = { submit, cancel };

/* ------------------------------------------------------ its sessions -- */

static void
on_up(void *user)
{
	struct recovery *r = user;
	bool again = r->was_up;

	r->phase = UP;
	r->up_at = now_of(r);
	r->was_up = true;
	if (again) {
		r->session_recoveries++;
		env_log(r->nexus.env, LUN_LOG_WARNING, "%s: the session is back "
			"after %" PRId64 ".%" PRId64 " s", r->cfg.label,
			(r->up_at - r->lost_at) / TIME_S,
			(r->up_at - r->lost_at) % TIME_S / (100 * TIME_MS));
	}
	r->ops->up(r->user, again);
}

/* Which portal is next: another one if this one did not answer. */
static void
choose_portal(struct recovery *r, int code)
{
	const struct portal *moved = session_moved(r->session);

	if (moved)
		r->portals[r->portal] = *moved;
	else if (r->phase == CONNECTING || code == LUN_ETIMEDOUT)
		r->portal = (r->portal + 1) % r->n_portals;
}

static void
on_down(void *user, const struct lun_error *err)
{
	struct recovery *r = user;
	bool loss = r->phase == UP;
	char text[PORTAL_TEXT_MAX];

	r->cause = *err;
	if (r->stopping || !r->was_up) {
		r->phase = OVER;
		r->ops->down(r->user, err);
		return;
	}
	if (loss)
		r->lost_at = now_of(r);
	if (loss && now_of(r) - r->up_at >= STABLE)
		backoff_reset(&r->backoff);
	choose_portal(r, err->code);
	r->phase = WAITING;

	lun_time wait = backoff_next(&r->backoff, backoff_kind(err->code),
				     session_time2wait(r->session), r->nexus.env);

	timer_set(&r->timer, time_add(now_of(r), wait));
	env_log(r->nexus.env, LUN_LOG_WARNING, "%s: %s: %s; attempt %u to "
		"reconnect, to %s, in %" PRId64 ".%" PRId64 " s", r->cfg.label,
		loss ? "the session is lost" : "no session", err->text,
		r->backoff.attempts, portal_print(&r->portals[r->portal], text),
		wait / TIME_S, wait % TIME_S / (100 * TIME_MS));
	if (loss)
		r->ops->lost(r->user, err);
}

static void
on_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	struct recovery *r = user;

	r->ops->scsi_event(r->user, lun, sense, len);
}

static const struct session_ops session_ops = {
	.up = on_up, .down = on_down, .scsi_event = on_scsi_event,
};

/* The old session goes when the new one is there to take its place. */
static int
connect_now(struct recovery *r, struct lun_error *err)
{
	struct session *old = r->session, *s;
	int n;

	r->cfg.portal = r->portals[r->portal];
	n = session_new(&s, &r->cfg, r->nexus.env, r->nexus.timers, r->driver,
			r->driver_user, &session_ops, r, now_of(r), err);
	if (n < 0)
		return n;
	r->session = s;			/* what old ends may come back here */
	r->phase = CONNECTING;
	if (old)
		session_counters_add(&r->before, old);
	session_free(old);
	session_start(s, now_of(r));
	return 0;
}

static void
due(struct timer *t, lun_time now)
{
	struct recovery *r = container_of(t, struct recovery, timer);
	struct lun_error err;

	if (r->stopping) {
		lun_fail(&err, LUN_ECANCELED, "%s: closed", r->cfg.label);
		r->phase = OVER;
		r->ops->down(r->user, &err);
		return;
	}
	if (connect_now(r, &err) < 0)	/* no memory now; later, perhaps */
		timer_set(t, time_add(now, TIME_S));
}

/* ----------------------------------------------------------- the object -- */

static void
recovery_freep(struct recovery **r)
{
	recovery_free(*r);
}

int
recovery_new(struct recovery **out, const struct session_config *config,
	     const struct portal *portals, size_t n_portals,
	     const struct lun_env *env, struct timers *timers,
	     const struct session_driver *driver, void *driver_user,
	     const struct recovery_ops *ops, void *user, struct lun_error *err)
{
	_cleanup_(recovery_freep) struct recovery *r = calloc(1, sizeof(*r));

	if (!r)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	r->nexus = (struct nexus){ &nexus_ops, env, timers };
	r->cfg = *config;
	r->driver = driver;
	r->driver_user = driver_user;
	r->ops = ops;
	r->user = user;
	r->n_portals = 1 + n_portals;
	r->portals = calloc(r->n_portals, sizeof(*r->portals));
	if (!r->portals || timer_init(&r->timer, timers, due) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	r->portals[0] = config->portal;
	if (n_portals)
		memcpy(&r->portals[1], portals, n_portals * sizeof(*portals));
	*out = take(r);
	return 0;
}

struct recovery *
recovery_free(struct recovery *r)
{
	if (!r)
		return NULL;
	r->phase = OVER;
	session_free(r->session);
	timer_deinit(&r->timer);
	free(r->portals);
	free(r);
	return NULL;
}

int
recovery_start(struct recovery *r, struct lun_error *err)
{
	assert(r->phase == IDLE);
	return connect_now(r, err);
}

void
recovery_stop(struct recovery *r)
{
	r->stopping = true;
	if (r->phase == WAITING)
		timer_set(&r->timer, now_of(r));
	else if (r->phase != OVER)
		session_stop(r->session, now_of(r));
}

void
recovery_retry(struct recovery *r)
{
	struct lun_error err;

	if (r->phase == WAITING)
		timer_set(&r->timer, now_of(r));
	else if (r->phase == CONNECTING && r->was_up && !r->stopping)
		connect_now(r, &err);	/* the attempt under way may hang */
}

struct nexus *
recovery_nexus(struct recovery *r)
{
	return &r->nexus;
}

struct session *
recovery_session(struct recovery *r)
{
	return r->session;
}

void
recovery_status(const struct recovery *r, struct recovery_status *st)
{
	*st = (struct recovery_status){
		.attempts = r->phase == UP ? 0 : r->backoff.attempts,
		.lost_at = r->lost_at,
		.next_at = r->phase == WAITING ? r->timer.at : TIME_NEVER,
		.cause = r->cause.text,
		.session_recoveries = r->session_recoveries,
		.counters = r->before,
	};
	if (r->session)
		session_counters_add(&st->counters, r->session);
}
