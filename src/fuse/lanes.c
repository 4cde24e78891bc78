/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main thread's side of lanes; see lanes.h and lane.h. */
#include "fuse/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "fuse/ops.h"
#include "json.h"
#include "log.h"
#include "sources.h"
#include "text.h"

enum {
	STATUS_MS = 500,	/* a lane answers at once, if it is not starved */
	LATER_MS = 100,
};

static void
wish(struct lane *l, enum wish w)
{
	atomic_fetch_or(&l->wishes, w);
	lun_loop_wake(l->loop);
}

static void
wish_all(struct lanes *l, enum wish w)
{
	for (size_t i = 0; i < l->n; i++)
		wish(&l->v[i], w);
}

size_t
lanes_count(const struct lanes *l)
{
	return l->n;
}

/* A lane that has ended does nothing any more: it looks once after it has. */
void
lanes_flush(struct lanes *l, unsigned i, struct flush_part *part)
{
	struct lane *lane = i > 0 ? &l->v[i - 1] : NULL;
	struct flush_part **list = lane ? &lane->parts : &l->parts;

	pthread_mutex_lock(&l->lock);
	bool ended = lane && atomic_load(&lane->phase) == ENDED;
	if (!ended) {
		part->next = *list;
		*list = part;
	}
	pthread_mutex_unlock(&l->lock);
	if (ended)
		flush_part_failed(part);
	else if (lane)
		wish(lane, WISH_FLUSH);
	else
		lun_loop_wake(l->fs->main.loop);
}

void
lanes_flush_later(struct lanes *l, struct flush_part *part)
{
	if (!l->later)
		lun_alarm_set(l->look, LATER_MS);
	part->next = l->later;
	l->later = part;
}

/* What is due goes the way of all parts. */
static void
on_look(void *user)
{
	struct lanes *l = user;
	struct flush_part *part;

	while ((part = l->later)) {
		l->later = part->next;
		lanes_flush(l, 0, part);
	}
}

struct flush_part *
lanes_next_part(struct lanes *l, struct flush_part **list)
{
	pthread_mutex_lock(&l->lock);
	struct flush_part *part = *list;
	if (part)
		*list = part->next;
	pthread_mutex_unlock(&l->lock);
	return part;
}

void
lanes_stop(struct lanes *l)
{
	wish_all(l, WISH_STOP);
}

void
lanes_close(struct lanes *l)
{
	wish_all(l, WISH_CLOSE);
}

void
lanes_retry(struct lanes *l)
{
	wish_all(l, WISH_RETRY);
}

static int
add(struct lane *lane, struct target *t, struct lun_error *err)
{
	struct coming *c = calloc(1, sizeof(*c));
	int r = c ? survey_copy_one(&c->one, t, err) :
		    fail(err, LUN_ENOMEM, "sessions: out of memory");

	if (r < 0) {
		free(c);
		return r;
	}
	pthread_mutex_lock(&lane->all->lock);
	*lane->coming_end = c;
	lane->coming_end = &c->next;
	pthread_mutex_unlock(&lane->all->lock);
	wish(lane, WISH_ADD);
	return 0;
}

void
lanes_add(struct lanes *l, struct target *t)
{
	struct lun_error err = { 0 };
	char url[LUN_URL_TEXT_MAX];

	for (size_t i = 0; i < l->n; i++)
		if (add(&l->v[i], t, &err) < 0)
			log_say(LUN_LOG_WARNING, "session %zu: %s: %s: goes on "
				"without it", i + 2, target_url(t, url),
				err.text);
}

void
lanes_hurry(struct lanes *l)
{
	wish_all(l, WISH_HURRY);
}

void
lanes_leave(struct lanes *l)
{
	wish_all(l, WISH_LEAVE);
}

static bool
all_are(const struct lanes *l, enum phase phase)
{
	for (size_t i = 0; i < l->n; i++)
		if (atomic_load(&l->v[i].phase) < (int)phase)
			return false;
	return true;
}

bool
lanes_drained(const struct lanes *l)
{
	return all_are(l, DRAINED);
}

uint64_t
lanes_received(const struct lanes *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += intake_received(&l->v[i].intake);
	return sum;
}

static struct mail *
first_mail(struct lanes *l)
{
	pthread_mutex_lock(&l->lock);
	struct mail *m = l->mail;
	pthread_mutex_unlock(&l->lock);
	return m;
}

/* Not after the end, when no disk is left to read from: nobody answers then. */
static void
take_mail(struct lanes *l)
{
	struct mail *m;

	while (!l->fs->drained && (m = first_mail(l))) {
		l->mail_waits = !intake_give(&l->fs->main, m->message, m->size);
		if (l->mail_waits)
			return;
		pthread_mutex_lock(&l->lock);
		l->mail = m->next;
		if (!l->mail)
			l->mail_end = &l->mail;
		pthread_mutex_unlock(&l->lock);
		free(m);
	}
}

static void
take_parts(struct lanes *l)
{
	struct flush_part *part;

	while (l->fs->main.rx && (part = lanes_next_part(l, &l->parts)))
		flush_part_start(&l->fs->main, part);
}

void
lanes_go_on(struct lanes *l)
{
	take_parts(l);
	if (l->mail_waits)
		take_mail(l);
}

/* What a lane handed over comes before what it says of itself. */
static void
on_news(void *user)
{
	struct lanes *l = user;
	bool drained = all_are(l, DRAINED), ended = all_are(l, ENDED);

	take_mail(l);
	take_parts(l);
	l->fs->main.ops->answered(&l->fs->main);
	if (drained && !l->told_drained) {
		l->told_drained = true;
		l->ops->drained(l->user);
	}
	if (ended && !l->told_ended) {
		l->told_ended = true;
		l->ops->ended(l->user);
	}
}

bool
lanes_others(struct lanes *l, const struct intake *in)
{
	bool up = in != &l->fs->main && atomic_load(&l->fs->main.up);

	for (size_t i = 0; i < l->room && !up; i++)
		up = in != &l->v[i].intake && atomic_load(&l->v[i].intake.up);
	return up;
}

/* It is up, and needs no help. */
static bool
keeps_up(const struct intake *in)
{
	return atomic_load_explicit(&in->up, memory_order_relaxed) &&
	    !atomic_load_explicit(&in->strained, memory_order_relaxed);
}

bool
lanes_needed(struct lanes *l, const struct intake *in)
{
	bool needed = !keeps_up(&l->fs->main);

	for (unsigned i = 0; i + 1 < in->lane && needed; i++)
		needed = !keeps_up(&l->v[i].intake);
	return needed;
}

void
lanes_call(struct lanes *l)
{
	for (unsigned i = 0; i < l->room; i++) {
		if (!atomic_load(&l->v[i].intake.aside))
			continue;
		if (lanes_needed(l, &l->v[i].intake))
			wish(&l->v[i], WISH_JOIN);
		return;
	}
}

void
lanes_sessions(struct lanes *l, struct json_object *list)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += STATUS_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].shown = atomic_load(&l->v[i].phase) == ENDED;
	pthread_mutex_unlock(&l->lock);
	wish_all(l, WISH_STATUS);

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n; i++) {
		struct lane *lane = &l->v[i];
		int r = 0;

		while (!lane->shown && r == 0)
			r = pthread_cond_timedwait(&l->status, &l->lock, &until);
		for (size_t k = 0; lane->sessions &&
		     k < json_object_array_length(lane->sessions); k++)
			json_append(list, json_object_get(
				json_object_array_get_idx(lane->sessions, k)));
		json_object_put(lane->sessions);
		lane->sessions = NULL;
	}
	pthread_mutex_unlock(&l->lock);
}

/* ----------------------------------------------------- making and ending -- */

static void
lane_deinit(struct lane *l)
{
	struct coming *c;

	if (l->has_thread)
		pthread_join(l->thread, NULL);
	intake_stop(&l->intake);
	l->survey = survey_free(l->survey);
	intake_deinit(&l->intake);
	while ((c = lane_next_coming(l))) {
		survey_free(c->one);
		free(c);
	}
	l->drain = lun_alarm_free(l->drain);
	l->again = lun_alarm_free(l->again);
	l->loop = lun_loop_free(l->loop);
	json_object_put(l->sessions);
}

struct lanes *
lanes_free(struct lanes *l)
{
	struct flush_part *part;

	if (!l)
		return NULL;
	wish_all(l, WISH_DROP);
	for (size_t i = 0; i < l->n; i++)
		lane_deinit(&l->v[i]);
	lun_loop_on_wake(l->fs->main.loop, NULL, NULL);
	on_look(l);
	l->look = lun_alarm_free(l->look);
	while ((part = lanes_next_part(l, &l->parts)))
		flush_part_failed(part);
	while (l->mail) {
		struct mail *m = l->mail;

		l->mail = m->next;
		free(m);
	}
	pthread_cond_destroy(&l->status);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

static int
set_pcap(struct lane *l, const char *pcap, struct lun_error *err)
{
	char *path;

	if (!pcap)
		return 0;
	if (asprintf(&path, "%s.%u", pcap, l->intake.lane) < 0)
		return fail(err, LUN_ENOMEM, "%s: out of memory", pcap);

	int r = lun_loop_set_pcap(l->loop, path, err);

	free(path);
	return r;
}

static int
lane_start(struct lane *l, const struct survey *survey, const char *pcap,
	   struct lun_error *err)
{
	int r;

	if ((r = lun_loop_new(&l->loop, err)) < 0 ||
	    (r = set_pcap(l, pcap, err)) < 0 ||
	    (r = intake_init(&l->intake, err)) < 0 ||
	    (r = survey_copy(&l->survey, survey, err)) < 0 ||
	    (r = survey_start(l->survey, l->loop, true, &lane_survey_ops, l,
			      err)) < 0)
		return r;
	l->intake.loop = l->loop;
	lun_loop_set_log(l->loop, log_level(), lane_log, l);
	lun_loop_on_wake(l->loop, lane_on_wishes, l);
	if (lun_alarm_new(&l->drain, l->loop, lane_on_drain, l) < 0 ||
	    lun_alarm_new(&l->again, l->loop, lane_on_again, l) < 0)
		return fail(err, LUN_ENOMEM, "sessions: out of memory");
	r = pthread_create(&l->thread, NULL, lane_run, l);
	if (r != 0)
		return fail(err, LUN_ESYS, "sessions: thread: %s", strerror(r));
	l->has_thread = true;
	return 0;
}

int
lanes_start(struct lanes **out, size_t n, struct fs *fs,
	    const struct survey *survey, const char *pcap,
	    const struct lanes_ops *ops, void *user, struct lun_error *err)
{
	struct lanes *l = calloc(1, sizeof(*l) + n * sizeof(l->v[0]));
	int r = 0;

	assert(n > 0 && n < LANES_MAX);
	if (!l)
		return fail(err, LUN_ENOMEM, "sessions: out of memory");
	l->room = n;
	l->fs = fs;
	l->ops = ops;
	l->user = user;
	l->mail_end = &l->mail;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->status, NULL);
	lun_loop_on_wake(fs->main.loop, on_news, l);
	if (lun_alarm_new(&l->look, fs->main.loop, on_look, l) < 0)
		r = fail(err, LUN_ENOMEM, "sessions: out of memory");
	for (size_t i = 0; i < n; i++) {	/* they look at each other */
		struct lane *lane = &l->v[i];

		lane->all = l;
		lane->now = 1;
		lane->coming_end = &lane->coming;
		lane->intake = (struct intake){
			.fs = fs, .se = fs->se, .ops = &lane_intake_ops,
			.lane = (unsigned)i + 1, .user = lane,
		};
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = lane_start(&l->v[i], survey, pcap, err);
		l->n += r == 0;
		if (r < 0)
			lane_deinit(&l->v[i]);
	}
	if (r < 0 && l->n == 0) {
		lanes_free(l);
		return r;
	}
	if (r < 0)
		log_say(LUN_LOG_WARNING, "%s: goes on with %zu sessions",
			err->text, l->n + 1);
	*out = l;
	return 0;
}
