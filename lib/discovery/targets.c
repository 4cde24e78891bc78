/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See targets.h. Records are gathered as they come, then sorted by name, which
 * brings the records of one target together. All of it takes n log n for n
 * records, since a target keeps TARGET_PORTALS_MAX portals at most.
 */
#include "discovery/targets.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/str.h"

enum { COMPLAINTS_MAX = 10 };		/* log lines about one list */

struct record {
	char *name;
	size_t order;			/* its place in the answer */
	size_t n_portals, size;
	struct lun_portal *portals;	/* addresses are on the heap */
	bool crowded;			/* some had no room */
};

struct targets {
	const char *peer;
	const struct lun_env *env;
	size_t n, size;
	struct record *records;
	struct lun_target *list;	/* NULL: not finished */
	size_t complaints;
	const struct portal *asked;	/* NULL: is not added */
};

static void
record_deinit(struct record *r)
{
	for (size_t i = 0; i < r->n_portals; i++)
		free((void *)r->portals[i].address);
	free(r->portals);
	free(r->name);
}

/* Adds a portal unless it is there. 0 (also if there are too many), or
 * LUN_ENOMEM. */
static int
add_portal(struct record *r, const char *host, uint16_t port, int tpgt,
	   bool asked)
{
	for (size_t i = 0; i < r->n_portals; i++) {
		const struct lun_portal *p = &r->portals[i];

		if (p->port == port && (p->tpgt == tpgt || asked) &&
		    strcmp(p->address, host) == 0)
			return 0;
	}
	if (r->n_portals == TARGET_PORTALS_MAX) {
		r->crowded = true;
		return 0;
	}

	struct lun_portal *portals = array_grow(r->portals, r->n_portals,
						&r->size, sizeof(*portals));
	char *copy = portals ? strdup(host) : NULL;

	if (portals)
		r->portals = portals;
	if (!copy)
		return LUN_ENOMEM;
	r->portals[r->n_portals++] = (struct lun_portal){ copy, port, tpgt,
							 asked };
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : x->order < y->order ? -1 : 1;
}

/* Brings the records of each target together in its first one. */
static int
merge(struct targets *t)
{
	size_t n = 0;

	if (t->n > 0)
		qsort(t->records, t->n, sizeof(*t->records), by_name);
	for (size_t i = 0; i < t->n; i++) {
		struct record *r = &t->records[i];

		if (n == 0 || strcmp(t->records[n - 1].name, r->name) != 0) {
			struct record here = *r;

			*r = t->records[n];	/* one that was emptied */
			t->records[n++] = here;
			continue;
		}
		for (size_t k = 0; k < r->n_portals; k++) {
			const struct lun_portal *p = &r->portals[k];

			if (add_portal(&t->records[n - 1], p->address, p->port,
				       p->tpgt, false) < 0)
				return LUN_ENOMEM;
		}
		t->records[n - 1].crowded |= r->crowded;
		record_deinit(r);
		*r = (struct record){ 0 };
	}
	t->n = n;
	return 0;
}

/* A target that told of no good address is not looked for elsewhere. */
static int
add_asked(struct targets *t)
{
	const struct portal *p = t->asked;

	for (size_t i = 0; p && i < t->n; i++)
		if (t->records[i].n_portals > 0 &&
		    add_portal(&t->records[i], p->host, p->port, -1, true) < 0)
			return LUN_ENOMEM;
	return 0;
}

static void
complain_of_crowd(struct targets *t, const char *name)
{
	char why[64];

	snprintf(why, sizeof(why), "portals beyond the first %d",
		 TARGET_PORTALS_MAX);
	targets_complain(t, "target", name, strlen(name), why);
}

/* The public form; targets none of whose addresses was good are left out. */
static int
make_list(struct targets *t)
{
	size_t n = 0;

	t->list = calloc(t->n + 1, sizeof(*t->list));
	if (!t->list)
		return LUN_ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		struct record *r = &t->records[i];

		if (r->n_portals == 0) {
			targets_complain(t, "target", r->name, strlen(r->name),
					 "no usable address");
			record_deinit(r);
			continue;
		}
		if (r->crowded)
			complain_of_crowd(t, r->name);
		t->records[n] = *r;
		t->list[n++] = (struct lun_target){ r->name, r->n_portals,
						    r->portals };
	}
	t->n = n;
	return 0;
}

struct targets *
targets_free(struct targets *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		record_deinit(&t->records[i]);
	free(t->records);
	free(t->list);
	free(t);
	return NULL;
}

int
targets_new(struct targets **out, const char *peer, const struct lun_env *env,
	    struct lun_error *err)
{
	struct targets *t = calloc(1, sizeof(*t));

	if (!t)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", peer);
	t->peer = peer;
	t->env = env;
	*out = t;
	return 0;
}

void
targets_complain(struct targets *t, const char *key, const char *value,
		 size_t len, const char *why)
{
	struct str s = STR_INIT(512);

	if (++t->complaints > COMPLAINTS_MAX)
		return;
	str_quote(&s, value, len < 300 ? len : 300);
	env_log(t->env, LUN_LOG_WARNING, "%s: %s=%s: left out: %s",
		t->peer, key, str_text(&s), why);
	str_deinit(&s);
}

int
targets_add(struct targets *t, const char *key, const char *name)
{
	char prepared[NAME_MAX_LEN + 1];
	struct lun_error why;
	int r = iscsi_name_prepare(name, prepared, &why);

	if (r == LUN_ENOMEM)
		return r;
	if (r == 0 && !iscsi_name_safe_component(prepared))
		r = lun_fail(&why, LUN_EINVAL, "not usable as a file name");
	if (r < 0) {
		targets_complain(t, key, name, strlen(name), why.text);
		return TARGETS_LEFT_OUT;
	}

	struct record *records = array_grow(t->records, t->n, &t->size,
					    sizeof(*records));
	char *copy = records ? strdup(prepared) : NULL;

	if (records)
		t->records = records;
	if (!copy)
		return LUN_ENOMEM;
	t->records[t->n] = (struct record){ .name = copy, .order = t->n };
	t->n++;
	return 0;
}

int
targets_add_portal(struct targets *t, const char *host, uint16_t port,
		   int tpgt)
{
	assert(t->n > 0 && !t->list);
	return add_portal(&t->records[t->n - 1], host, port, tpgt, false);
}

void
targets_asked(struct targets *t, const struct portal *asked)
{
	t->asked = asked;
}

int
targets_finish(struct targets *t, struct lun_error *err)
{
	assert(!t->list);
	if (merge(t) < 0 || add_asked(t) < 0 || make_list(t) < 0)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory", t->peer);
	if (t->complaints > COMPLAINTS_MAX)
		env_log(t->env, LUN_LOG_WARNING,
			"%s: %zu more values were left out", t->peer,
			t->complaints - COMPLAINTS_MAX);
	return 0;
}

const struct lun_target *
targets_list(const struct targets *t, size_t *n)
{
	*n = t->n;
	return t->list;
}
