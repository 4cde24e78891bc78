/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sessions of a lane: one that cannot be made is tried again, as one that
 * is lost, and its targets come and go as those of the main loop do. All of it
 * runs in the thread of the lane.
 */
#include <stdlib.h>
#include <string.h>

#include "fuse/lane.h"
#include "log.h"
#include "sources.h"
#include "text.h"

/* ----------------------------------------------------------- try again -- */

static void
wake_for(struct lane *l)
{
	int64_t first = 0, now = target_clock_ms();

	for (size_t i = 0; i < l->survey->n; i++) {
		const struct target *t = l->survey->v[i];

		if (t->again_ms != 0 && (first == 0 || t->again_ms < first))
			first = t->again_ms;
	}
	if (first != 0)
		lun_alarm_set(l->again, first > now ?
			      (unsigned)(first - now) : 0);
}

void
lane_on_again(void *user)
{
	struct lane *l = user;
	int64_t now = target_clock_ms();

	for (size_t i = 0; i < l->survey->n; i++) {
		struct target *t = l->survey->v[i];

		if (t->again_ms == 0 || t->again_ms > now)
			continue;
		t->again_ms = 0;
		if (t->state == TARGET_DONE && !t->gone &&
		    !l->survey->closing)
			survey_renew(t);
	}
	wake_for(l);
}

static void
try_later(struct lane *l, struct target *t)
{
	int64_t wait = lun_backoff_ms(&t->backoff, l->loop, t->code);
	bool news = lun_backoff_is_told(&t->backoff);
	char url[LUN_URL_TEXT_MAX];

	t->again_ms = target_clock_ms() + wait;
	wake_for(l);
	log_say(news ? LUN_LOG_WARNING : LUN_LOG_DEBUG, "session %u: %s: %s; "
		"attempt %u in %.1f s; meanwhile the other sessions do its work",
		l->intake.lane + 1, target_url(t, url), t->error,
		t->backoff.failures + 1, (double)wait / 1000);
}

void
lane_retry(struct lane *l)
{
	survey_retry(l->survey);
	survey_retry_failed(l->survey);
}

/* ------------------------------------------------------- of the survey -- */

static void
on_target(void *user, struct target *t)
{
	struct lane *l = user;
	char url[LUN_URL_TEXT_MAX];

	if (t->code < 0) {
		try_later(l, t);
		return;
	}
	if (t->backoff.failures > 0)
		log_say(LUN_LOG_WARNING, "session %u: %s: is there now",
			l->intake.lane + 1, target_url(t, url));
	t->backoff = (struct lun_backoff){ 0 };
	t->again_ms = 0;
	l->now++;
	if (l->survey->done)
		lane_serve(l);
}

static void
on_sessions(void *user)
{
	struct lane *l = user;

	if (l->survey->in[TARGET_UP] > 0)
		lane_serve(l);
}

static void
on_disk_changed(void *user, struct target *t, struct lun_disk *disk)
{
	struct lane *l = user;

	l->now++;
}

const struct survey_ops lane_survey_ops = {
	.target = on_target,
	.done = on_sessions,
	.closed = lane_on_closed,
	.disk_changed = on_disk_changed,
};

/* -------------------------------------------------------- come and go -- */

struct coming *
lane_next_coming(struct lane *l)
{
	struct coming *c;

	pthread_mutex_lock(&l->all->lock);
	c = l->coming;
	if (c)
		l->coming = c->next;
	if (!l->coming)
		l->coming_end = &l->coming;
	pthread_mutex_unlock(&l->all->lock);
	return c;
}

void
lane_take_targets(struct lane *l)
{
	struct coming *c;

	while ((c = lane_next_coming(l))) {
		if (survey_adopt(l->survey, c->one) < 0)
			log_say(LUN_LOG_ERROR, "session %u: out of memory: goes "
				"on without a target", l->intake.lane + 1);
		free(c);
	}
	l->now++;
}

void
lane_leave_targets(struct lane *l)
{
	for (size_t i = 0; i < l->survey->n; i++) {
		struct target *t = l->survey->v[i];
		struct target *main = t->user;

		if (t->gone || t->life == main->life)
			continue;
		t->gone = true;
		survey_leave(t);
	}
	l->now++;
}

/* --------------------------------------------------------------- disks -- */

/* The LUN of this number may be another unit since the lane logged in, or be
 * one that the main loop does not know of yet. */
static bool
is_unit(const struct node *node, const struct lun_disk *disk)
{
	char *identity = disk_identity(disk);
	bool same = identity && node->identity &&
		    strcmp(identity, node->identity) == 0;

	free(identity);
	return same;
}

/* Of a target that has left and come back, the session may still be that of
 * before, with another place. */
static bool
is_target(const struct node *node, const struct target *t)
{
	return t->user == node->target && t->life == node->life &&
	       t->state == TARGET_UP && !t->leaving && !t->all->closing;
}

struct lun_disk *
lane_find_disk(const struct lane *l, const struct node *node)
{
	struct lun_disk *disk;

	for (size_t i = 0; i < l->survey->n; i++) {
		struct target *t = l->survey->v[i];
		size_t at = 0;

		while (is_target(node, t) && (disk = target_disk(t, &at)))
			if (lun_disk_info(disk)->lun == node->lun)
				return is_unit(node, disk) ? disk : NULL;
	}
	return NULL;
}
