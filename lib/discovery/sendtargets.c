/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See sendtargets.h. Records are gathered as they come, then sorted by name,
 * which brings the records of one target together. All of it takes n log n for
 * n bytes of text, since a target keeps TARGET_PORTALS_MAX portals at most.
 */
#include "discovery/sendtargets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "text/text.h"

enum { COMPLAINTS_MAX = 10 };		/* log lines about one answer */

struct record {
	char *name;
	size_t order;			/* its place in the answer */
	bool had_address;		/* also one that was no good */
	size_t n_portals, size;
	struct lun_portal *portals;	/* addresses are on the heap */
};

struct targets {
	const struct lun_env *env;
	size_t n, size;
	struct record *records;
	struct lun_target *list;
	size_t complaints;
};

size_t
sendtargets_request(char buf[SENDTARGETS_REQUEST_MAX], const char *what)
{
	int n = snprintf(buf, SENDTARGETS_REQUEST_MAX, "SendTargets=%s", what);

	assert(n > 0 && n < SENDTARGETS_REQUEST_MAX);
	return (size_t)n + 1;
}

/* Makes room for one more element of an array. */
static int
grow(void *array, size_t n, size_t *size, size_t element)
{
	void **p = array;

	if (n < *size)
		return 0;

	size_t more = *size > 0 ? 2 * *size : 4;
	void *new = reallocarray(*p, more, element);

	if (!new)
		return LUN_ENOMEM;
	*p = new;
	*size = more;
	return 0;
}

/* A log line about a value of the peer, unless there were many. */
static void
complain(struct targets *t, const char *key, const char *value, size_t len,
	 const char *why)
{
	struct str s = STR_INIT(512);

	if (++t->complaints > COMPLAINTS_MAX)
		return;
	str_quote(&s, value, len < 300 ? len : 300);
	env_log(t->env, LUN_LOG_WARNING, "SendTargets: %s=%s: left out: %s",
		key, str_text(&s), why);
	str_deinit(&s);
}

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
add_portal(struct record *r, const char *host, uint16_t port, uint16_t tpgt)
{
	for (size_t i = 0; i < r->n_portals; i++) {
		const struct lun_portal *p = &r->portals[i];

		if (p->port == port && p->tpgt == tpgt &&
		    strcmp(p->address, host) == 0)
			return 0;
	}
	if (r->n_portals == TARGET_PORTALS_MAX)
		return 0;
	if (grow(&r->portals, r->n_portals, &r->size, sizeof(*r->portals)) < 0)
		return LUN_ENOMEM;

	char *copy = strdup(host);

	if (!copy)
		return LUN_ENOMEM;
	r->portals[r->n_portals++] = (struct lun_portal){ copy, port, tpgt };
	return 0;
}

/* A record begins. *current becomes NULL if its name is not acceptable. */
static int
begin_record(struct targets *t, const struct pair *pair,
	     struct record **current)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error why;
	int r = iscsi_name_prepare(pair->value, name, &why);

	*current = NULL;
	if (r == LUN_ENOMEM)
		return r;
	if (r == 0 && !iscsi_name_safe_component(name))
		r = lun_fail(&why, LUN_EINVAL, "not usable as a file name");
	if (r < 0) {
		complain(t, pair->key, pair->value, pair->value_len, why.text);
		return 0;
	}
	if (grow(&t->records, t->n, &t->size, sizeof(*t->records)) < 0)
		return LUN_ENOMEM;

	char *copy = strdup(name);

	if (!copy)
		return LUN_ENOMEM;
	t->records[t->n] = (struct record){ .name = copy, .order = t->n };
	*current = &t->records[t->n++];
	return 0;
}

/* RFC 7143 C: domainname[:port],portal-group-tag */
static int
add_address(struct targets *t, const struct pair *pair, struct record *r)
{
	struct portal p;
	struct lun_error why;

	r->had_address = true;
	if (portal_parse_address(&p, pair->value, pair->value_len, &why) < 0) {
		complain(t, pair->key, pair->value, pair->value_len, why.text);
		return 0;
	}
	if (p.tpgt < 0) {
		complain(t, pair->key, pair->value, pair->value_len,
			 "no portal group tag");
		return 0;
	}
	return add_portal(r, p.host, p.port, (uint16_t)p.tpgt);
}

static int
read_records(struct targets *t, const struct text *text,
	     const struct portal *present, struct lun_error *err)
{
	struct record *current = NULL;
	struct pair pair;
	size_t pos = 0;
	int r;

	while ((r = text_next(text, &pos, &pair, err)) == TEXT_PAIR) {
		if (strcmp(pair.key, "TargetName") == 0)
			r = begin_record(t, &pair, &current);
		else if (strcmp(pair.key, "TargetAddress") == 0 && current)
			r = add_address(t, &pair, current);
		if (r < 0)
			return lun_fail(err, r, "SendTargets: out of memory");
	}
	if (r < 0)
		return lun_fail_in(err, "SendTargets");

	/* "the IP address and TCP port for this target are the same as those
	 * used on the current connection" (RFC 7143 C, examples) */
	for (size_t i = 0; i < t->n; i++)
		if (!t->records[i].had_address &&
		    add_portal(&t->records[i], present->host, present->port,
			       (uint16_t)(present->tpgt < 0 ? 0 :
					  present->tpgt)) < 0)
			return lun_fail(err, LUN_ENOMEM,
					"SendTargets: out of memory");
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
				       p->tpgt) < 0)
				return LUN_ENOMEM;
		}
		record_deinit(r);
		*r = (struct record){ 0 };
	}
	t->n = n;
	return 0;
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
			complain(t, "TargetName", r->name, strlen(r->name),
				 "no usable address");
			record_deinit(r);
			continue;
		}
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

static void
targets_freep(struct targets **t)
{
	targets_free(*t);
}

int
targets_new(struct targets **out, const char *text, size_t len,
	    const struct portal *present, const struct lun_env *env,
	    struct lun_error *err)
{
	/* only read */
	const struct text whole = { .data = (char *)text, .len = len };
	_cleanup_(targets_freep) struct targets *t = calloc(1, sizeof(*t));

	if (!t)
		return lun_fail(err, LUN_ENOMEM, "SendTargets: out of memory");
	t->env = env;

	int r = read_records(t, &whole, present, err);

	if (r < 0)
		return r;
	if (merge(t) < 0 || make_list(t) < 0)
		return lun_fail(err, LUN_ENOMEM, "SendTargets: out of memory");
	if (t->complaints > COMPLAINTS_MAX)
		env_log(env, LUN_LOG_WARNING,
			"SendTargets: %zu more values were left out",
			t->complaints - COMPLAINTS_MAX);
	*out = take(t);
	return 0;
}

const struct lun_target *
targets_list(const struct targets *t, size_t *n)
{
	*n = t->n;
	return t->list;
}
