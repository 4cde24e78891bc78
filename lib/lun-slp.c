/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A discovery by SLP (RFC 4018): what is asked for, and the list that is made of
 * what the search finds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lun-discovery.h"
#include "lun-impl.h"
#include "lun-slp-finder.h"

struct slp_discovery {
	struct lun_discovery d;		/* the first */
	struct allow allow;
	struct slp_finder *finder;
};

/* ------------------------------------------------------------- the list -- */

static int
add_service(struct slp_discovery *s, const struct slp_service *v)
{
	struct targets *t = s->d.targets;
	const struct portal *p = &v->portal;
	int r;

	if (!allow_portal(&s->allow, p)) {
		targets_complain(t, v->name, p->host, strlen(p->host),
				 "discovery-allow does not have it");
		return 0;
	}
	r = targets_add(t, "iscsi-name", v->name);
	return r == 0 ? targets_add_portal(t, p->host, p->port, p->tpgt) :
	       r > 0 ? 0 : r;
}

static void
make_list(struct slp_discovery *s)
{
	struct lun_discovery *d = &s->d;
	size_t n;
	const struct slp_service *v = slp_finder_services(s->finder, &n);
	int r = targets_new(&d->targets, "SLP", &d->loop->env, &d->err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_service(s, &v[i]);
	if (r == 0)
		r = targets_finish(d->targets, &d->err);
	if (r < 0) {
		lun_fail(&d->err, r, "SLP: out of memory");
		d->targets = targets_free(d->targets);
	}
}

static void
found(void *user, int code, const struct lun_error *err)
{
	struct slp_discovery *s = user;

	if (code == 0)
		make_list(s);
	else
		s->d.err = *err;
	discovery_report(&s->d);
}

static void
slp_discovery_free(struct lun_discovery *d)
{
	struct slp_discovery *s = container_of(d, struct slp_discovery, d);

	slp_finder_free(s->finder);
	free(s);
}

/* ---------------------------------------------------------------- begin -- */

/* What to ask: RFC 4018 5.2. */
static int
choose_query(struct slp_search *q, char name[NAME_MAX_LEN + 1],
	     const struct lun_url *url, const struct lun_options *o,
	     const struct lun_env *env, struct lun_error *err)
{
	static const enum slp_what kinds[] = {
		[SLP_QUERY_ACCESS] = SLP_OPEN_TARGETS,
		[SLP_QUERY_CREDENTIALS] = SLP_OPEN_TARGETS,
		[SLP_QUERY_BOOT] = SLP_BOOT_TARGETS,
		[SLP_QUERY_ALL] = SLP_ALL_TARGETS,
	};

	*q = (struct slp_search){
		.what = o->boot ? SLP_BOOT_TARGETS : kinds[o->slp.query],
		.name = name,
	};
	if (*url->target) {
		q->what = SLP_NAMED_TARGET;
		memcpy(name, url->target, NAME_MAX_LEN + 1);
		return 0;
	}
	if (o->slp.query == SLP_QUERY_CREDENTIALS && *o->auth.username)
		q->chap_user = o->auth.username;
	return options_name(o, env, name, err);
}

int
slp_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     struct lun_error *err)
{
	struct slp_discovery *s = calloc(1, sizeof(*s));
	struct slp_search query;
	char name[NAME_MAX_LEN + 1];

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	discovery_init(&s->d, loop, slp_discovery_free);
	s->allow = options->allow;

	int r = choose_query(&query, name, url, options, &loop->env, err);

	if (r == 0)
		r = slp_finder_new(&s->finder, loop, url, options, &query,
				   found, s, err);
	if (r < 0) {
		lun_discovery_free(&s->d);
		return r;
	}
	*out = &s->d;
	return 0;
}
