/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Discoveries and logins of the targets, a bounded number at a time. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "log.h"
#include "sources.h"
#include "text.h"

enum {
	PARALLEL = 16,
	REFUSED_S = 900,	/* that a target which refused us is left alone */
};

static int64_t
now_s(void)
{
	return target_clock_ms() / 1000;
}

static void
turn_soon(struct survey *sv)
{
	lun_alarm_set(sv->turn, 0);
}

static void
enter(struct target *t, enum target_state state)
{
	t->all->in[t->state]--;
	t->all->in[state]++;
	t->state = state;
}

/* The next turn looks at it. */
static void
add_due(struct target *t)
{
	if (t->due)
		return;
	t->due = true;
	t->next_due = t->all->due;
	t->all->due = t;
}

static void
note(int code, const char *text, int *out_code, char *out, size_t size)
{
	*out_code = code;
	snprintf(out, size, "%s", text && *text ? text : lun_code_name(code));
}

/* --------------------------------------------------------- discovery -- */

/* For when the session is lost; not if they are known to be of no use. */
static void
add_other_portals(struct target *t)
{
	for (size_t i = 0; i < t->n_portals; i++) {
		const struct portal *p = &t->portals[i];

		if (i != t->portal && !p->asked && !t->portals[t->portal].asked)
			lun_session_add_portal(t->session, p->address, p->port,
					       p->tpgt);
	}
}

static void
source_failed(struct source *s, int code, const char *text)
{
	note(code, text, &s->code, s->error, sizeof(s->error));
}

/* RFC 4171 7.2, RFC 4018 6: those who refused us, or could not prove who they
 * are, are not asked again and again, at none of their portals. */
static bool
may_try_again(const struct target *t)
{
	return t->state == TARGET_DONE && !t->gone && t->n_portals > 0 &&
	       (t->code != LUN_EAUTH || now_s() - t->failed_at >= REFUSED_S);
}

static void
try_again(struct target *t)
{
	t->portal = 0;
	enter(t, TARGET_WAITING);
	add_due(t);
}

/* What the new list means for a target of the old or the new one. */
static void
compare(struct source *s, struct target *t)
{
	const struct survey_ops *ops = s->all->ops;
	bool gone = !t->seen && !t->shown_twice && !t->named;

	if (gone && !t->gone && ops->gone) {
		t->gone = true;
		ops->gone(s->all->user, t);
	}
	if (gone)
		return;
	t->gone = false;
	if (t->state == TARGET_UP)
		add_other_portals(t);
	else if (may_try_again(t))
		try_again(t);
}

/* A live source shows something else than before. */
static void
on_changed(struct source *s, const struct lun_target *found, size_t n)
{
	struct survey *sv = s->all;
	struct lun_error err = { 0 };

	for (size_t i = 0; i < sv->n; i++)
		if (sv->v[i]->shown_by == s)
			sv->v[i]->seen = false;
	for (size_t i = 0; i < n; i++)
		if (source_add_found(s, &found[i], &err) < 0)
			log_say(LUN_LOG_ERROR, "%s: %s", s->label, err.text);
	for (size_t i = 0; i < sv->n; i++)
		if (sv->v[i]->shown_by == s)
			compare(s, sv->v[i]);
	turn_soon(sv);
}

static void
on_discovered(void *user, int code, const char *text,
	      const struct lun_target *found, size_t n)
{
	struct source *s = user;
	struct lun_error err = { 0 };

	if (s->done) {
		if (code == 0 && !s->all->closing)
			on_changed(s, found, n);
		return;
	}
	s->done = true;
	if (code < 0)
		source_failed(s, code, text);
	else if (n == 0)
		source_failed(s, LUN_ENOTFOUND, "shows no targets");
	for (size_t i = 0; code == 0 && i < n; i++)
		if ((code = source_add_found(s, &found[i], &err)) < 0)
			source_failed(s, code, err.text);
	turn_soon(s->all);
}

static void
source_start(struct source *s)
{
	struct lun_error err = { 0 };
	int r;

	s->started = true;
	if (s->url.kind == LUN_URL_PORTAL || s->url.kind == LUN_URL_ISNS ||
	    s->url.kind == LUN_URL_SLP) {
		r = lun_discover(&s->discovery, s->all->loop, &s->url,
				 s->options, on_discovered, s, &err);
		s->busy = r == 0;
		s->all->busy += s->busy;
		s->live = r == 0 && s->all->keep &&
			  lun_discovery_watch(s->discovery);
	} else {
		r = source_add_named(s, &err);
		s->done = true;
	}
	if (r < 0) {
		s->done = true;
		source_failed(s, r, err.text);
	}
}

/* ------------------------------------------------------------- login -- */

static void
target_failed(struct target *t, int code, const char *text)
{
	t->failed_at = now_s();
	note(code, text, &t->code, t->error, sizeof(t->error));
	t->all->ops->target(t->all->user, t);
}

/* A login under way counts; so does a session that is not to be kept. */
static void
not_busy(struct target *t)
{
	t->all->busy -= t->busy;
	t->busy = false;
}

static bool
another_portal_may_do(const struct target *t, int code)
{
	bool there = code == LUN_ENOTFOUND && t->portals[t->portal].asked;

	return t->portal + 1 < t->n_portals &&
	       (code == LUN_ERESOLVE || code == LUN_ECONNECT ||
		code == LUN_ETIMEDOUT || code == LUN_ELOST || there);
}

/* What was asked serves it, and what it told of cannot be reached. */
static void
note_translation(const struct target *t)
{
	const struct portal *p = &t->portals[t->portal];
	char portal[TEXT_PORTAL_MAX];

	if (!p->asked || p->asked->translated)
		return;
	p->asked->translated = true;
	log_say(LUN_LOG_WARNING, "%s: the addresses that it tells of cannot be "
		"reached: it is used at %s, which was asked (option "
		"portal-rewrite)", t->url.target,
		text_portal(p->address, p->port, portal));
}

/* What is known of others that were shown by the same portal saves time. */
static void
prefer_asked(struct target *t)
{
	size_t last = t->n_portals - 1;
	struct portal p = t->portals[last];

	if (t->portal > 0 || !p.asked || !p.asked->translated)
		return;
	memmove(&t->portals[1], &t->portals[0], last * sizeof(p));
	t->portals[0] = p;
}

static void
on_ready(void *user, int code, const char *text)
{
	struct target *t = user;
	char portal[TEXT_PORTAL_MAX];

	add_due(t);
	turn_soon(t->all);
	if (code == 0) {
		struct portal *p = &t->portals[t->portal];

		if (p->tpgt < 0)
			p->tpgt = lun_session_info(t->session)->tpgt;
		note_translation(t);
		enter(t, TARGET_UP);
		if (t->all->keep)
			not_busy(t);
		t->all->ops->target(t->all->user, t);
		return;
	}
	enter(t, TARGET_ENDED);
	if (!another_portal_may_do(t, code)) {
		target_failed(t, code, text);
		return;
	}
	note(code, text, &t->code, t->error, sizeof(t->error));

	const struct portal *next = &t->portals[t->portal + 1];

	log_say(LUN_LOG_WARNING, "%s; next is %s", t->error,
		text_portal(next->address, next->port, portal));
}

static void
on_disk_changed(void *user, struct lun_disk *disk)
{
	struct target *t = user;
	const struct survey_ops *ops = t->all->ops;

	if (ops->disk_changed && t->state == TARGET_UP &&
	    target_wants(t, lun_disk_info(disk)->lun))
		ops->disk_changed(t->all->user, t, disk);
}

static void
on_closed(void *user)
{
	struct target *t = user;

	enter(t, TARGET_ENDED);
	add_due(t);
	turn_soon(t->all);
}

static void
target_open(struct target *t)
{
	static const struct lun_session_ops ops = {
		.ready = on_ready,
		.disk_changed = on_disk_changed,
	};
	struct lun_error err = { 0 };

	prefer_asked(t);

	const struct portal *p = &t->portals[t->portal];

	t->code = 0;
	enter(t, TARGET_OPENING);
	t->url.port = p->port;
	snprintf(t->url.host, sizeof(t->url.host), "%s", p->address);
	t->url.kind = t->n_luns == 1 ? LUN_URL_LUN : LUN_URL_TARGET;
	t->url.lun = t->n_luns == 1 ? t->luns[0] : 0;

	int r = lun_session_open(&t->session, t->all->loop, &t->url, t->options,
				 &ops, t, &err);
	if (r == 0) {
		add_other_portals(t);
		t->busy = true;
		t->all->busy++;
		return;
	}
	enter(t, TARGET_DONE);
	target_failed(t, r, err.text);
}

/* The session has ended: is there more to try? */
static void
target_ended(struct target *t)
{
	t->session = lun_session_free(t->session);
	not_busy(t);
	enter(t, TARGET_DONE);
	if (!t->all->closing && t->leaving && !t->gone) {
		try_again(t);		/* it came back meanwhile */
	} else if (!t->all->closing && another_portal_may_do(t, t->code)) {
		t->portal++;
		enter(t, TARGET_WAITING);
	}
	t->leaving = false;
}

/* -------------------------------------------------------------- turn -- */

static void
step_source(struct source *s)
{
	if (s->done && s->busy) {
		s->all->busy--;
		s->busy = false;
		if (!s->live || s->code < 0)
			s->discovery = lun_discovery_free(s->discovery);
	}
	if (!s->started && !s->all->closing && s->all->busy < PARALLEL)
		source_start(s);
}

static void
step_target(struct target *t)
{
	struct survey *sv = t->all;

	if (t->state == TARGET_OPENING && (sv->closing || t->leaving))
		enter(t, TARGET_ENDED);
	if (t->state == TARGET_UP && (sv->closing || !sv->keep || t->leaving)) {
		enter(t, TARGET_CLOSING);
		lun_session_close(t->session, on_closed);
	}
	if (t->state == TARGET_ENDED)
		target_ended(t);
	if (t->state == TARGET_WAITING && (sv->closing || t->gone))
		enter(t, TARGET_DONE);
	if (t->state == TARGET_WAITING && sv->busy < PARALLEL)
		target_open(t);
}

/* Everything was looked at; without keep, also logged out of. */
static bool
all_done(const struct survey *sv)
{
	size_t up = sv->keep ? sv->in[TARGET_UP] : 0;

	return sv->listed && sv->in[TARGET_DONE] + up == sv->n;
}

static bool
all_closed(const struct survey *sv)
{
	return sv->in[TARGET_DONE] == sv->n;
}

static int
by_rank(const void *a, const void *b)
{
	const struct target *x = *(struct target *const *)a;
	const struct target *y = *(struct target *const *)b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static void
step_sources(struct survey *sv)
{
	bool done = true;

	for (size_t i = 0; i < sv->n_sources; i++) {
		step_source(&sv->sources[i]);
		done &= sv->sources[i].done;
	}
	if (!done)
		return;
	sv->listed = true;
	if (sv->n > 1 && !sv->closing)	/* discoveries end in any order */
		qsort(sv->v, sv->n, sizeof(*sv->v), by_rank);
}

/*
 * Those that changed, and those whose turn has come; never all of them, but
 * once when closing begins: a portal may show very many.
 */
static void
step_targets(struct survey *sv)
{
	struct target *t = sv->due;

	sv->due = NULL;
	while (t) {
		struct target *next = t->next_due;

		t->due = false;
		step_target(t);
		if (t->state == TARGET_WAITING)
			add_due(t);
		t = next;
	}
	if (sv->closing && !sv->sweeping) {
		sv->sweeping = true;
		sv->looked_at = 0;
	}
	while (sv->looked_at < sv->n && (sv->closing || sv->busy < PARALLEL))
		step_target(sv->v[sv->looked_at++]);
}

static void
turn(void *user)
{
	struct survey *sv = user;

	if (!sv->listed)
		step_sources(sv);
	if (sv->listed || sv->closing)
		step_targets(sv);

	if (sv->closing && !sv->closed && all_closed(sv)) {
		sv->closed = true;
		sv->ops->closed(sv->user);
	} else if (!sv->closing && !sv->done && all_done(sv)) {
		sv->done = true;
		sv->ops->done(sv->user);
	}
}

/* ------------------------------------------------------------ public -- */

int
survey_new(struct survey **out, char **sources, size_t n,
	    const struct lun_options *options, struct lun_error *err)
{
	struct survey *sv = calloc(1, sizeof(*sv));
	int r = 0;

	if (!sv)
		return fail(err, LUN_ENOMEM, "sources: out of memory");
	/* All of them, also after a mistake: no password stays in sight. */
	for (size_t i = 0; i < n; i++) {
		struct lun_error why = { 0 };
		int bad = survey_add_source(sv, sources[i], options, &why);

		if (bad < 0 && r == 0) {
			r = bad;
			*err = why;
		}
	}
	if (r < 0) {
		survey_free(sv);
		return r;
	}
	*out = sv;
	return 0;
}

struct survey *
survey_free(struct survey *sv)
{
	if (!sv)
		return NULL;
	survey_drop_targets(sv);
	for (size_t i = 0; i < sv->n_sources; i++)
		source_deinit(&sv->sources[i]);
	sv->turn = lun_alarm_free(sv->turn);
	free(sv->v);
	free(sv->sources);
	free(sv);
	return NULL;
}

int
survey_start(struct survey *sv, struct lun_loop *loop, bool keep,
	      const struct survey_ops *ops, void *user, struct lun_error *err)
{
	sv->loop = loop;
	sv->keep = keep;
	sv->ops = ops;
	sv->user = user;
	if (lun_alarm_new(&sv->turn, loop, turn, sv) < 0)
		return fail(err, LUN_ENOMEM, "targets: out of memory");
	turn_soon(sv);
	return 0;
}

void
survey_close(struct survey *sv)
{
	sv->closing = true;
	turn_soon(sv);
}

void
survey_leave(struct target *t)
{
	t->leaving = true;
	add_due(t);
	turn_soon(t->all);
}

void
survey_renew(struct target *t)
{
	if (t->state == TARGET_DONE)
		try_again(t);
	else if (t->state != TARGET_WAITING)
		t->leaving = true;
	add_due(t);
	turn_soon(t->all);
}
