/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources, and the list of targets that they merge into. */
#include "sources.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fail.h"
#include "log.h"
#include "text.h"

/* *array grown by one element of this size; the new one is zeroed. */
static void *
grow(void *array, size_t n, size_t size)
{
	char *more = reallocarray(array, n + 1, size);

	if (more)
		memset(more + n * size, 0, size);
	return more;
}

/* ----------------------------------------------------------- sources -- */

/* Who the URL says we are goes before what the options say. */
static int
take_user(struct source *s, struct lun_error *err)
{
	int r = 0;

	if (s->url.username[0])
		r = lun_options_set(s->options, "username", s->url.username,
				    err);
	if (r == 0 && s->url.password[0])
		r = lun_options_set(s->options, "password", s->url.password,
				    err);
	explicit_bzero(s->url.password, sizeof(s->url.password));
	return r;
}

/* The same warning once, not for each source. */
static int
check_options(struct source *s, struct lun_error *err)
{
	static char last[200];
	const char *warning = NULL;
	int r = lun_options_check(s->options, &warning, err);

	if (r == 0 && warning && strncmp(warning, last, sizeof(last) - 1)) {
		snprintf(last, sizeof(last), "%s", warning);
		log_say(LUN_LOG_WARNING, "%s", warning);
	}
	return r;
}

static int
check_kind(struct source *s, struct lun_error *err)
{
	if (s->url.kind == LUN_URL_UNLOCATED)
		return fail(err, LUN_EINVAL, "%s: names no server", s->label);
	return 0;
}

static int
source_parse(struct source *s, char *text, const struct lun_options *options,
	     struct lun_error *err)
{
	char label[LUN_URL_TEXT_MAX];
	int r = lun_url_parse(&s->url, text, err);
	bool blanked = lun_url_blank_password(text);

	if (r < 0)
		return r;
	s->label = strdup(lun_url_print(&s->url, label));
	s->options = lun_options_clone(options);
	if (!s->label || !s->options) {
		explicit_bzero(s->url.password, sizeof(s->url.password));
		return fail(err, LUN_ENOMEM, "%s: out of memory", text);
	}
	if (blanked)
		log_say(LUN_LOG_WARNING, "%s: a password on the command line "
			"can be seen by others: use --credentials", s->label);
	if ((r = take_user(s, err)) < 0 || (r = check_kind(s, err)) < 0)
		return r;
	return s->url.kind == LUN_URL_FILE ? 0 : check_options(s, err);
}

void
source_deinit(struct source *s)
{
	free(s->label);
	s->options = lun_options_free(s->options);
	s->discovery = lun_discovery_free(s->discovery);
}

static int
add_listed(void *user, char *url, const struct lun_options *options,
	   struct lun_error *err)
{
	return survey_add_source(user, url, options, err);
}

int
survey_add_source(struct survey *sv, char *text,
		  const struct lun_options *options, struct lun_error *err)
{
	struct source *more = grow(sv->sources, sv->n_sources, sizeof(*more));

	if (!more)
		return fail(err, LUN_ENOMEM, "sources: out of memory");
	sv->sources = more;

	struct source *s = &more[sv->n_sources++];
	int r = source_parse(s, text, options, err);

	s->all = sv;
	if (r < 0 || s->url.kind != LUN_URL_FILE)
		return r;

	/* A list stands for what is in it. */
	const char *path = s->url.path;

	source_deinit(s);
	sv->n_sources--;
	return config_read(path, options, add_listed, sv, err);
}

/* ----------------------------------------------------------- targets -- */

static void
drop_portals(struct target *t)
{
	while (t->n_portals > 0)
		free(t->portals[--t->n_portals].address);
	t->portal = 0;
}

static struct target *
target_free(struct target *t)
{
	if (!t)
		return NULL;
	t->session = lun_session_free(t->session);
	t->options = lun_options_free(t->options);
	drop_portals(t);
	free(t->portals);
	free(t->luns);
	free(t);
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return strcmp(x->url.target, y->url.target);
}

static struct target *
target_by_name(const struct survey *sv, const char *name)
{
	struct target key = { 0 };

	snprintf(key.url.target, sizeof(key.url.target), "%s", name);
	struct target **found = tfind(&key, &sv->by_name, by_name);
	return found ? *found : NULL;
}

/* It was made last. */
static struct target *
target_remove(struct target *t)
{
	struct survey *sv = t->all;

	tdelete(t, &sv->by_name, by_name);
	sv->in[t->state]--;
	sv->n--;
	return target_free(t);
}

void
survey_drop_targets(struct survey *sv)
{
	while (sv->n > 0)
		target_remove(sv->v[sv->n - 1]);
}

/* RFC 3721 3, RFC 7143 4.2.7.1: see survey.h. Among equals, as they are given. */
static uint64_t
place_of(const struct source *s)
{
	static const uint8_t order[] = {
		[LUN_URL_TARGET] = 0,
		[LUN_URL_LUN] = 0,
		[LUN_URL_FILE] = 0,
		[LUN_URL_PORTAL] = 1,
		[LUN_URL_ISNS] = 2,
		[LUN_URL_SLP] = 3,
	};

	return (uint64_t)order[s->url.kind] << 32 | (s - s->all->sources);
}

/* Puts one that is known more precisely where it belongs now: behind those of
 * the same place. */
static void
put_in_place(struct target *t, size_t from)
{
	struct portal p = t->portals[from];
	size_t to = 0;

	memmove(&t->portals[from], &t->portals[from + 1],
		(t->n_portals - 1 - from) * sizeof(p));
	while (to < t->n_portals - 1 && t->portals[to].place <= p.place)
		to++;
	memmove(&t->portals[to + 1], &t->portals[to],
		(t->n_portals - 1 - to) * sizeof(p));
	t->portals[to] = p;
}

/* Two sources, or one twice, say something of the same portal. */
static void
merge_portal(struct target *t, size_t i, const struct portal *news)
{
	struct portal *p = &t->portals[i];

	if (news->tpgt >= 0 && (p->tpgt < 0 || news->place <= p->place))
		p->tpgt = news->tpgt;
	if (!news->asked)
		p->asked = NULL;
	if (news->place < p->place) {
		p->place = news->place;
		put_in_place(t, i);
	}
}

static int
append_portal(struct target *t, const struct portal *p)
{
	struct portal *more = grow(t->portals, t->n_portals, sizeof(*more));
	if (!more)
		return LUN_ENOMEM;
	t->portals = more;
	more += t->n_portals;
	*more = *p;
	more->address = strdup(p->address);
	if (!more->address)
		return LUN_ENOMEM;
	t->n_portals++;
	put_in_place(t, t->n_portals - 1);
	return 0;
}

/* p is copied. The one that is in use stays that, wherever it stands then. */
static int
add_portal(struct target *t, const struct portal *p)
{
	bool begun = t->portal < t->n_portals &&
		     (t->state != TARGET_WAITING || t->portal > 0);
	const char *used = begun ? t->portals[t->portal].address : NULL;
	size_t i = 0;
	int r = 0;

	while (i < t->n_portals && (t->portals[i].port != p->port ||
				    strcmp(t->portals[i].address, p->address)))
		i++;
	if (i < t->n_portals)
		merge_portal(t, i, p);
	else
		r = append_portal(t, p);
	for (i = 0; used && i < t->n_portals; i++)
		if (t->portals[i].address == used)
			t->portal = i;
	return r;
}

/* A new entry. NULL: out of memory. */
static struct target *
target_new(struct survey *sv, const char *name, uint64_t rank,
	   const struct lun_options *options)
{
	struct target **more = grow(sv->v, sv->n, sizeof(*more));
	struct target *t;

	if (!more)
		return NULL;
	sv->v = more;
	t = calloc(1, sizeof(*t));
	if (!t || !(t->options = lun_options_clone(options)))
		return target_free(t);
	t->all = sv;
	t->rank = rank;
	t->url.kind = LUN_URL_TARGET;
	snprintf(t->url.target, sizeof(t->url.target), "%s", name);
	if (!tsearch(t, &sv->by_name, by_name))
		return target_free(t);
	sv->v[sv->n++] = t;
	sv->in[t->state]++;
	return t;
}

/* The entry of this name, made if there is none. NULL: out of memory. */
static struct target *
target_entry(struct source *s, const char *name)
{
	struct survey *sv = s->all;
	struct target *t = target_by_name(sv, name);
	uint64_t rank = (uint64_t)(s - sv->sources) << 32 | sv->n;

	if (!t) {
		t = target_new(sv, name, rank, s->options);
		if (t)
			t->place = place_of(s);
		return t;
	}
	t->rank = rank < t->rank ? rank : t->rank;
	if (place_of(s) >= t->place)
		return t;

	struct lun_options *better = lun_options_clone(s->options);

	if (!better)
		return NULL;
	lun_options_free(t->options);
	t->options = better;
	t->place = place_of(s);
	return t;
}

/* One LUN more is wanted, of a target of which not all are. */
static int
add_lun(struct target *t, uint64_t lun)
{
	for (size_t i = 0; i < t->n_luns; i++)
		if (t->luns[i] == lun)
			return 0;
	uint64_t *more = grow(t->luns, t->n_luns, sizeof(*more));
	if (!more)
		return LUN_ENOMEM;
	t->luns = more;
	t->luns[t->n_luns++] = lun;
	return 0;
}

/* An entry without a portal, which was made just now, is none. */
static int
out_of_memory(struct source *s, struct target *t, struct lun_error *err)
{
	if (t && t->n_portals == 0 && t->state == TARGET_WAITING)
		target_remove(t);
	return fail(err, LUN_ENOMEM, "targets: out of memory");
}

int
source_add_named(struct source *s, struct lun_error *err)
{
	size_t before = s->all->n;
	struct target *t = target_entry(s, s->url.target);
	const struct portal portal = { s->url.host, s->url.port, -1,
				       place_of(s), NULL };

	if (!t || add_portal(t, &portal) < 0)
		return out_of_memory(s, t, err);
	t->named = true;
	if (s->url.kind == LUN_URL_TARGET)
		t->n_luns = 0;		/* all of them */
	else if ((s->all->n > before || t->n_luns > 0) &&
		 add_lun(t, s->url.lun) < 0)
		return out_of_memory(s, t, err);
	return 0;
}

/* One that is shown again and has no session may have moved. */
static void
note_shown(struct source *s, struct target *t)
{
	if (!t->shown_by)
		t->shown_by = s;
	t->shown_twice |= t->shown_by != s;
	t->seen = true;
	if (t->state == TARGET_DONE && !t->shown_twice && !t->named)
		drop_portals(t);
}

static bool
is_where_it_was_asked(const struct source *s, const struct lun_portal *p)
{
	return p->port == s->url.port && strcmp(p->address, s->url.host) == 0;
}

static int
add_found(struct source *s, struct target *t, const struct lun_portal *p)
{
	const struct portal portal = {
		(char *)p->address, p->port, p->tpgt,
		p->asked ? UINT64_MAX : place_of(s), p->asked ? s : NULL,
	};

	return add_portal(t, &portal);
}

int
source_add_found(struct source *s, const struct lun_target *found,
		 struct lun_error *err)
{
	if (!lun_name_is_safe(found->name) ||
	    strlen(found->name) >= sizeof(s->url.target))
		return 0;
	struct target *t = target_entry(s, found->name);
	if (!t)
		return out_of_memory(s, t, err);
	note_shown(s, t);
	t->n_luns = 0;
	/* The portal that answered is the one that surely can be reached. */
	for (int same = 1; same >= 0; same--)
		for (size_t i = 0; i < found->n_portals; i++)
			if (is_where_it_was_asked(s, &found->portals[i]) ==
			    same && add_found(s, t, &found->portals[i]) < 0)
				return out_of_memory(s, t, err);
	return 0;
}

static int
target_copy(struct survey *sv, struct target *from)
{
	struct target *t = target_new(sv, from->url.target, from->rank,
				      from->options);
	int r = t ? 0 : LUN_ENOMEM;

	for (size_t i = from->portal; r == 0 && i < from->n_portals; i++)
		r = add_portal(t, &from->portals[i]);
	for (size_t i = 0; r == 0 && i < from->n_luns; i++)
		r = add_lun(t, from->luns[i]);
	if (r == 0) {
		t->user = from;
		t->life = from->life;
	}
	return r;
}

/* Of targets that are up; of one of them, or all (one: NULL). */
static int
copy(struct survey **out, const struct survey *from, struct target *one,
     struct lun_error *err)
{
	struct survey *sv = calloc(1, sizeof(*sv));
	int r = sv ? 0 : LUN_ENOMEM;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		if (from->v[i]->state == TARGET_UP &&
		    (!one || from->v[i] == one))
			r = target_copy(sv, from->v[i]);
	if (r < 0) {
		survey_free(sv);
		return fail(err, LUN_ENOMEM, "sessions: out of memory");
	}
	sv->listed = true;
	*out = sv;
	return 0;
}

int
survey_copy(struct survey **out, const struct survey *from,
	    struct lun_error *err)
{
	return copy(out, from, NULL, err);
}

int
survey_copy_one(struct survey **out, struct target *t, struct lun_error *err)
{
	return copy(out, t->all, t, err);
}

/* They become those of t, and those of t the other's. */
static void
exchange(struct target *t, struct target *other)
{
	struct target was = {
		.options = t->options, .n_portals = t->n_portals,
		.portals = t->portals, .n_luns = t->n_luns, .luns = t->luns,
	};

	t->options = other->options;
	t->n_portals = other->n_portals;
	t->portals = other->portals;
	t->portal = 0;
	t->n_luns = other->n_luns;
	t->luns = other->luns;
	other->options = was.options;
	other->n_portals = was.n_portals;
	other->portals = was.portals;
	other->n_luns = was.n_luns;
	other->luns = was.luns;
}

int
survey_adopt(struct survey *sv, struct survey *one)
{
	struct target *t = NULL, *from = one->n > 0 ? one->v[0] : NULL;

	if (from)
		t = target_by_name(sv, from->url.target);
	if (from && !t)
		t = target_new(sv, from->url.target, from->rank, from->options);
	if (t) {
		exchange(t, from);
		t->user = from->user;
		t->life = from->life;
		t->gone = false;
		survey_renew(t);
	}
	survey_free(one);
	return t || !from ? 0 : LUN_ENOMEM;
}
