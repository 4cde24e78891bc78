/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a session as an application sees it; see lun-session.h for the
 * phases. What the application is told comes from the job report(), when no
 * code of the session is on the stack.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "lun-session.h"
#include "recovery/backoff.h"
#include "wire/lun.h"

#define DRAIN_POLL	(5 * TIME_MS)

/* ---------------------------------------------------- what is reported -- */

/* Each returns false if the application has freed the session. */

static bool
tell_ready(struct lun_session *s)
{
	bool freed = false;

	s->ready_told = true;
	s->freed = &freed;
	s->ops->ready(s->user, s->err.code, s->err.text);
	if (!freed)
		s->freed = NULL;
	return !freed;
}

static bool
tell_changes(struct lun_session *s)
{
	struct lun_disk *d;
	bool freed = false;

	s->freed = &freed;
	while ((d = list_first(&s->changed, struct lun_disk, changed))) {
		list_del(&d->changed);
		if (s->ops->disk_changed)
			s->ops->disk_changed(s->user, d);
		if (freed)
			return false;
	}
	s->freed = NULL;
	return true;
}

/* What changed before ready is no change for the application. */
static void
forget_changes(struct lun_session *s)
{
	struct lun_disk *d;

	list_for_each(d, &s->changed, struct lun_disk, changed)
		list_del(&d->changed);
}

static void
count_lost(struct lun_session *s)
{
	bool lost = s->phase == READY && lun_session_is_lost(s);

	s->loop->n_lost += (size_t)lost - s->counted;
	s->counted = lost;
}

static void
enter(struct lun_session *s, enum phase phase)
{
	s->phase = phase;
	count_lost(s);
}

static void
become_ready(struct lun_session *s)
{
	enter(s, READY);
	portals_ask_soon(s);
}

static void
report(struct job *j)
{
	struct lun_session *s = container_of(j, struct lun_session, report);

	if (!s->ready_told && s->phase == LOOKING && !disks_looking(s))
		become_ready(s);
	if (!s->ready_told && (s->phase == READY || s->phase == OVER)) {
		forget_changes(s);
		if (!tell_ready(s))
			return;
	}
	if (s->ready_told && !tell_changes(s))
		return;
	if (s->phase == OVER && s->closed) {
		void (*closed)(void *user) = s->closed;

		s->closed = NULL;
		closed(s->user);
	}
}

/* ------------------------------------------------- events of the session -- */

static void
up(void *user, bool again)
{
	struct lun_session *s = user;

	if (s->phase == READY) {
		disks_back(s);
		count_lost(s);
		portals_ask_soon(s);
	} else if (s->phase == OPENING) {
		enter(s, LOOKING);
		disks_look(s);
	}
}

/* While the first look goes on a loss is the end: nobody relies on it yet. */
static void
lost(void *user, const struct lun_error *err)
{
	struct lun_session *s = user;

	if (s->phase == LOOKING) {
		s->err = *err;
		recovery_stop(s->recovery);
	} else {
		disks_lost(s, err);
		count_lost(s);
	}
}

/* A URL that names a LUN that is not there is an error, not an empty list. */
static void
check_lun(struct lun_session *s)
{
	char name[LUN_TEXT_MAX];

	if (s->err.code == 0 && s->one_lun &&
	    disk_info(s->disks[0]->disk)->state == LUN_DISK_GONE)
		lun_fail(&s->err, LUN_ENOTFOUND, "%s: there is no LUN %s",
			 s->setup.label, lun_print(s->url_lun, name));
}

void
session_looked(struct lun_session *s)
{
	check_lun(s);
	loop_add_job(s->loop, &s->report);
}

static void
down(void *user, const struct lun_error *err)
{
	struct lun_session *s = user;

	/* Why the session is gone says more than what failed since. */
	if (s->phase != LOOKING || s->err.code == 0)
		s->err = *err;
	if (s->phase < DRAINING)
		disks_gone(s, err->text);
	timer_clear(&s->drain);
	enter(s, OVER);
	loop_add_job(s->loop, &s->report);
}

static void
wavers(void *user)
{
	count_lost(user);
}

static void
scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	disks_event(user, lun, sense, len);
}

static size_t
unsure(void *user, uint64_t *luns, size_t max)
{
	return disks_unsure(user, luns, max);
}

static const struct recovery_ops recovery_ops = {
	.up = up, .lost = lost, .down = down, .scsi_event = scsi_event,
	.unsure = unsure, .wavers = wavers,
};

/* ------------------------------------------------------------- closing -- */

/*
 * The logout has to wait for requests that the session does not know of yet,
 * or not at the moment: pieces that are still to come, back-off. If it is lost,
 * or the unit is, there is nothing to wait for.
 */
static void
drain(struct timer *t, lun_time now)
{
	struct lun_session *s = container_of(t, struct lun_session, drain);

	if (!s->lost && disks_busy(s) && now < s->drain_deadline) {
		timer_set(t, time_add(now, DRAIN_POLL));
		return;
	}
	enter(s, STOPPING);
	disks_close(s);
	recovery_stop(s->recovery);
}

void
lun_session_close(struct lun_session *s, void (*closed)(void *user))
{
	lun_time now = loop_now(s->loop);

	assert(!s->closed && s->phase != DRAINING && s->phase != STOPPING);
	s->closed = closed;
	if (s->phase == OVER) {
		loop_add_job(s->loop, &s->report);
		return;
	}
	enter(s, DRAINING);
	portals_ask_no_more(s);
	s->drain_deadline = time_add(now, s->setup.options.timeout);
	timer_set(&s->drain, now);
}

struct lun_session *
lun_session_free(struct lun_session *s)
{
	if (!s)
		return NULL;
	assert(!s->pump || !pump_is_stepping(s->pump));
	if (s->freed)
		*s->freed = true;
	/* From here on nothing is sent, and what is out ends. */
	if (s->recovery)
		disks_close(s);
	enter(s, OVER);
	s->recovery = recovery_free(s->recovery);
	disks_deinit(s);
	pump_free(s->pump);
	job_deinit(&s->report);
	timer_deinit(&s->drain);
	portals_ask_deinit(s);
	setup_deinit(&s->setup);
	free(s);
	return NULL;
}

/* ------------------------------------------------------------- opening -- */

static void
session_freep(struct lun_session **s)
{
	lun_session_free(*s);
}

static int
init(struct lun_session *s, const struct lun_url *url,
     const struct lun_options *options, struct lun_error *err)
{
	int r = setup_init(&s->setup, url, options, false, &s->loop->env, err);

	if (r < 0)
		return r;
	r = pump_new(&s->pump, s->loop,
		     proxy_or_none(&s->setup.options.proxy), err);
	if (r < 0)
		return r;
	loop_now(s->loop);
	r = recovery_new(&s->recovery, &s->setup.config, &s->loop->env,
			 &s->loop->timers, &pump_driver, s->pump, &recovery_ops,
			 s, err);
	if (r < 0)
		return r;
	if (timer_init(&s->drain, &s->loop->timers, drain) < 0 ||
	    portals_ask_init(s) < 0 || disks_init(s) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory",
				s->setup.label);
	return 0;
}

int
lun_session_open(struct lun_session **out, struct lun_loop *loop,
		 const struct lun_url *url, const struct lun_options *options,
		 const struct lun_session_ops *ops, void *user,
		 struct lun_error *err)
{
	if (url->kind != LUN_URL_TARGET && url->kind != LUN_URL_LUN)
		return lun_fail(err, LUN_EINVAL, "session: the URL does not "
				"name a target");

	_cleanup_(session_freep) struct lun_session *s = calloc(1, sizeof(*s));

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "session: out of memory");
	s->loop = loop;
	s->setup.isid.lock_fd = -1;
	s->ops = ops;
	s->user = user;
	s->one_lun = url->kind == LUN_URL_LUN;
	s->url_lun = url->lun;
	list_init(&s->to_probe);
	list_init(&s->changed);
	list_init(&s->retired);
	job_init(&s->report, report);

	int r = init(s, url, options, err);

	if (r < 0)
		return r;
	r = recovery_start(s->recovery, err);
	if (r < 0)
		return r;
	*out = take(s);
	return 0;
}

int
lun_session_add_portal(struct lun_session *s, const char *address,
		       uint16_t port, int tpgt)
{
	struct portal portal = { .port = port, .tpgt = tpgt };

	if (strlen(address) >= sizeof(portal.host))
		return LUN_EINVAL;
	strcpy(portal.host, address);
	recovery_add_portal(s->recovery, &portal);
	return 0;
}

void
lun_session_retry(struct lun_session *s)
{
	loop_now(s->loop);
	recovery_retry(s->recovery);
}

void
lun_session_hurry(struct lun_session *s)
{
	loop_now(s->loop);
	recovery_hurry(s->recovery);
}

int64_t
lun_backoff_ms(struct lun_backoff *b, struct lun_loop *loop, int code)
{
	/* one was made already, without a pause */
	struct backoff inner = {
		.rounds = b->failures + 1, .refusals = b->refusals,
	};
	lun_time wait = backoff_next(&inner, backoff_kind(code), 0, &loop->env);

	b->failures++;
	b->refusals = inner.refusals;
	return wait / TIME_MS;
}

bool
lun_backoff_is_told(const struct lun_backoff *b)
{
	return backoff_is_told(b->failures);
}
