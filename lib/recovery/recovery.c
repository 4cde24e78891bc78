/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/recovery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "conn/times.h"
#include "recovery/backoff.h"
#include "recovery/fence.h"
#include "recovery/portals.h"

enum phase { IDLE, CONNECTING, FENCING, UP, WAITING, OVER };

struct recovery {
	struct nexus nexus;
	struct session_config cfg;
	struct portals portals;
	const struct session_driver *driver;
	void *driver_user;
	const struct recovery_ops *ops;
	void *user;

	enum phase phase;
	bool was_up, stopping;
	int32_t tpgt;			/* of the session that was last up */
	struct session *session;	/* the last one stays until the next */
	/* WAITING: the next attempt. CONNECTING: this one is replaced. */
	struct timer timer;
	bool by_retry;			/* the attempt under way */
	bool retry_again;		/* at once, if it fails */
	bool hurried;
	struct backoff backoff;
	int told;			/* the code of the last failure that was */
	lun_time up_at, lost_at;
	struct lun_error cause;

	struct fence fence;
	struct list refused;		/* commands that came meanwhile */
	struct timer refuse;

	uint64_t session_recoveries;
	struct session_counters before;	/* of sessions that are freed */
};

static lun_time
now_of(const struct recovery *r)
{
	return r->nexus.timers->now;
}

/* ----------------------------------------------------------- the nexus -- */

/* The session is there, but not yet for those above. */
static void
refuse(struct timer *t, lun_time now)
{
	struct recovery *r = container_of(t, struct recovery, refuse);
	struct list refused = LIST_INIT(refused);
	struct command *c;

	list_splice(&refused, &r->refused);
	while ((c = list_first(&refused, struct command, link))) {
		list_del(&c->link);
		c->done(c);
	}
}

static void
submit(struct nexus *n, struct command *c)
{
	struct recovery *r = container_of(n, struct recovery, nexus);
	struct nexus *below = session_nexus(r->session);

	if (r->phase != FENCING) {
		below->ops->submit(below, c);
		return;
	}
	c->result = LUN_ELOST;
	c->phase = 0;			/* too late to be cancelled */
	list_append(&r->refused, &c->link);
	timer_set(&r->refuse, now_of(r));
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
note_group(struct recovery *r)
{
	struct portal here = *portals_now(&r->portals);

	here.tpgt = r->tpgt;
	if (portal_equal(session_portal(r->session), &here))
		portals_add(&r->portals, &here);
}

static void
come_up(struct recovery *r)
{
	bool again = r->was_up;

	r->phase = UP;
	r->up_at = now_of(r);
	r->was_up = true;
	r->tpgt = session_login(r->session)->tpgt;
	r->by_retry = r->retry_again = false;
	note_group(r);
	if (again) {
		r->session_recoveries++;
		env_log(r->nexus.env, LUN_LOG_WARNING, "%s: the session is back "
			"after %.1f s", r->cfg.label,
			time_seconds(r->up_at - r->lost_at));
	}
	r->ops->up(r->user, again);
}

static void
fenced(struct fence *f, int code, const struct lun_error *err)
{
	struct recovery *r = container_of(f, struct recovery, fence);

	if (r->phase != FENCING)
		return;			/* its session is being freed */
	if (code == 0) {
		come_up(r);
		return;
	}
	r->cause = *err;
	session_stop(r->session, now_of(r));
}

static void
on_up(void *user)
{
	struct recovery *r = user;
	int32_t tpgt = session_login(r->session)->tpgt;
	size_t n = 0;

	timer_clear(&r->timer);
	if (r->was_up && tpgt >= 0 && r->tpgt >= 0 && tpgt != r->tpgt)
		n = r->ops->unsure(r->user, r->fence.luns, FENCE_MAX);
	if (n == 0) {
		come_up(r);
		return;
	}
	r->phase = FENCING;
	r->cause.code = 0;
	if (n > FENCE_MAX) {
		lun_fail(&r->cause, LUN_EREFUSED, "%s: %zu LUNs in another "
			 "portal group have writes to be ended: more than %d",
			 r->cfg.label, n, FENCE_MAX);
		session_stop(r->session, now_of(r));
		return;
	}
	env_log(r->nexus.env, LUN_LOG_WARNING, "%s: portal group %d instead of "
		"%d: LOGICAL UNIT RESET of %zu LUNs, to end what was sent there",
		r->cfg.label, tpgt, r->tpgt, n);
	r->fence.n = n;
	fence_start(&r->fence, r->session, r->cfg.label, now_of(r));
}

/* Which portal is next, and how long it is waited. */
static lun_time
choose_portal(struct recovery *r, bool loss)
{
	const struct portal *moved = session_moved(r->session);
	lun_time time2wait = session_time2wait(r->session);
	bool round = true;

	if (moved)
		portals_moved(&r->portals, moved);
	if (loss)
		portals_begin(&r->portals, r->tpgt);
	/* No use to knock where nobody answers. */
	if (!loss || (r->cause.code == LUN_ETIMEDOUT && r->portals.n > 1))
		round = portals_next(&r->portals) || loss;

	lun_time wait = round ?
	    backoff_next(&r->backoff, backoff_kind(r->cause.code), time2wait,
			 r->nexus.env) :
	    backoff_in_round(&r->backoff, time2wait);

	r->by_retry = r->retry_again;
	r->retry_again = false;
	if (r->by_retry)
		wait = time2wait;
	return r->hurried && wait > BACKOFF_HURRIED ?
	    BACKOFF_HURRIED : wait;
}

/* The loss, other causes, and what the back-off finds worth it. */
static enum lun_log_level
told_as(struct recovery *r, bool loss)
{
	bool news = loss || r->cause.code != r->told ||
	    backoff_is_told(r->backoff.rounds);

	r->told = r->cause.code;
	return news ? LUN_LOG_WARNING : LUN_LOG_DEBUG;
}

/* What is not plain from the number of the attempt. */
static const char *
say_why_so_late(const struct recovery *r, bool loss, lun_time wait, char *text,
		size_t size)
{
	lun_time up = r->lost_at - r->up_at;

	*text = '\0';
	if (loss && wait > 0 && up < SESSION_STABLE && r->backoff.rounds > 1)
		snprintf(text, size, ", as it was up for %.1f s only",
			 time_seconds(up));
	return text;
}

static void
wait_for_next(struct recovery *r, bool loss)
{
	char text[PORTAL_TEXT_MAX], why[80];

	if (loss) {
		r->lost_at = session_lost_at(r->session);
		r->backoff.attempts = 0;
		if (r->lost_at - r->up_at >= SESSION_STABLE)
			backoff_reset(&r->backoff);
	}
	r->phase = WAITING;

	lun_time wait = choose_portal(r, loss);

	timer_set(&r->timer, time_add(now_of(r), wait));
	/* who hurries has said how long it may take */
	bool tell = loss && r->cfg.meanwhile && !r->hurried;

	env_log(r->nexus.env, told_as(r, loss), "%s: %s: %s; attempt %u to "
		"reconnect, to %s, in %.1f s%s%s%s",
		r->cfg.label, loss ? "the session is lost" : "no session",
		r->cause.text, r->backoff.attempts,
		portal_print(portals_now(&r->portals), text),
		time_seconds(wait),
		say_why_so_late(r, loss, wait, why, sizeof(why)),
		tell ? "; meanwhile " : "", tell ? r->cfg.meanwhile : "");
}

static void
on_down(void *user, const struct lun_error *err)
{
	struct recovery *r = user;
	bool loss = r->phase == UP;

	if (r->phase != FENCING || r->cause.code == 0)
		r->cause = *err;	/* else it was stopped for that cause */
	if (r->stopping || !r->was_up) {
		r->phase = OVER;
		r->ops->down(r->user, err);
		return;
	}
	wait_for_next(r, loss);
	if (loss)
		r->ops->lost(r->user, err);
}

static void
on_scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	struct recovery *r = user;

	r->ops->scsi_event(r->user, lun, sense, len);
}

static void
on_wavers(void *user)
{
	struct recovery *r = user;

	if (r->ops->wavers)
		r->ops->wavers(r->user);
}

static const struct session_ops session_ops = {
	.up = on_up, .down = on_down, .scsi_event = on_scsi_event,
	.wavers = on_wavers,
};

/* The old session goes when the new one is there to take its place. */
static int
connect_now(struct recovery *r, struct lun_error *err)
{
	struct session *old = r->session, *s;
	int n;

	r->cfg.portal = *portals_now(&r->portals);
	r->cfg.portals = r->portals.v;
	r->cfg.n_portals = r->portals.n;
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

	if (r->stopping) {		/* in WAITING */
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
	     const struct lun_env *env, struct timers *timers,
	     const struct session_driver *driver, void *driver_user,
	     const struct recovery_ops *ops, void *user, struct lun_error *err)
{
	_cleanup_(recovery_freep) struct recovery *r = calloc(1, sizeof(*r));

	if (!r)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	r->nexus = (struct nexus){ &nexus_ops, env, timers, config->label };
	r->cfg = *config;
	r->driver = driver;
	r->driver_user = driver_user;
	r->ops = ops;
	r->user = user;
	r->tpgt = -1;
	r->fence.done = fenced;
	list_init(&r->refused);
	portals_init(&r->portals, &config->portal);
	if (timer_init(&r->timer, timers, due) < 0 ||
	    timer_init(&r->refuse, timers, refuse) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", config->label);
	*out = take(r);
	return 0;
}

struct recovery *
recovery_free(struct recovery *r)
{
	if (!r)
		return NULL;
	r->phase = OVER;
	refuse(&r->refuse, now_of(r));
	session_free(r->session);
	timer_deinit(&r->timer);
	timer_deinit(&r->refuse);
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
	timer_clear(&r->timer);
	if (r->phase == WAITING)
		timer_set(&r->timer, now_of(r));
	else if (r->phase != OVER)
		session_stop(r->session, now_of(r));
}

void
recovery_retry(struct recovery *r)
{
	bool hangs = r->phase == CONNECTING && r->was_up && !r->stopping;

	if (r->phase == UP) {
		session_retry(r->session, now_of(r));
	} else if (hangs && r->by_retry) {
		r->retry_again = true;
	} else if (hangs || r->phase == WAITING) {
		r->by_retry = true;
		timer_set(&r->timer, now_of(r));	/* we may be in its step */
	}
}

void
recovery_hurry(struct recovery *r)
{
	r->hurried = true;
	recovery_retry(r);
}

void
recovery_add_portal(struct recovery *r, const struct portal *portal)
{
	portals_add(&r->portals, portal);
	if (r->session)
		session_set_portals(r->session, r->portals.v, r->portals.n);
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
