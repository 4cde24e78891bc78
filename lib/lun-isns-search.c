/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lun-isns-search.h. */
#include "lun-isns-search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lun-heartbeat.h"
#include "lun-leases.h"
#include "lun-slp-finder.h"

struct isns_search {
	struct lun_loop *loop;
	struct portal group;
	struct allow allow;
	struct heartbeat *heartbeat;	/* NULL: the others are asked */
	struct timer timer;		/* for the heartbeat */
	struct leases leases;
	struct slp_finder *finder;	/* NULL: the leases will do */
	struct job report;		/* what is known at once */

	size_t n;
	struct portal servers[ISNS_SERVERS_MAX];
	struct lun_error err;
	isns_search_fn *found;
	void *user;
};

static void
report(struct job *j)
{
	struct isns_search *s = container_of(j, struct isns_search, report);

	s->found(s->user, s->servers, s->n, &s->err);
}

static void
add_server(struct isns_search *s, const struct portal *p)
{
	if (s->n < ISNS_SERVERS_MAX)
		s->servers[s->n++] = *p;
}

/* ------------------------------------------------------------ heartbeat -- */

/* The first one is enough. It says where to ask, but it is no reason to trust
 * whoever is there: the group is listened to because the user has named it. */
static void
heard(void *user, const struct portal *servers, size_t n)
{
	struct isns_search *s = user;

	for (size_t i = 0; i < n; i++)
		add_server(s, &servers[i]);
	s->heartbeat = heartbeat_free(s->heartbeat);
	timer_clear(&s->timer);
	loop_add_job(s->loop, &s->report);
}

static void
silent(struct timer *t, lun_time now)
{
	struct isns_search *s = container_of(t, struct isns_search, timer);
	char name[PORTAL_TEXT_MAX];

	lun_fail(&s->err, LUN_ETIMEDOUT, "%s: no heartbeat in time",
		 portal_print(&s->group, name));
	s->heartbeat = heartbeat_free(s->heartbeat);
	loop_add_job(s->loop, &s->report);
}

/* -------------------------------------------------------- leases and SLP -- */

static void
found_by_slp(void *user, int code, const struct lun_error *err)
{
	struct isns_search *s = user;
	const char *why = "SLP: it knows of none";
	const struct slp_service *v = NULL;
	char name[PORTAL_TEXT_MAX];
	size_t n = 0;

	if (code == 0)
		v = slp_finder_services(s->finder, &n);
	else
		why = err->text;
	for (size_t i = 0; i < n; i++) {
		portal_print(&v[i].portal, name);
		if (!allow_portal(&s->allow, &v[i].portal)) {
			why = "SLP: discovery-allow has none of those that it "
			      "knows";
			env_log(&s->loop->env, LUN_LOG_WARNING, "iSNS server "
				"%s: left out: discovery-allow does not have "
				"it", name);
			continue;
		}
		env_log(&s->loop->env, LUN_LOG_INFO, "iSNS server %s: found by "
			"SLP", name);
		add_server(s, &v[i].portal);
	}
	if (s->n == 0)
		lun_fail(&s->err, LUN_ENOTFOUND, "iSNS: no server is named, and "
			 "none was found: DHCP option 83 (leases: %s); %s",
			 str_text(&s->leases.looked_at), why);
	s->found(s->user, s->servers, s->n, &s->err);
}

static int
look_around(struct isns_search *s, const struct lun_options *options,
	    struct lun_error *err)
{
	static const struct lun_url whoever = { .kind = LUN_URL_SLP };
	const struct slp_search query = { .what = SLP_ISNS_SERVERS };
	struct lun_error why;
	int r;

	leases_read(&s->leases, BOOT_ISNS, &s->loop->env);
	for (size_t i = 0; i < s->leases.info.n_services; i++)
		add_server(s, &s->leases.info.services[i].portal);
	if (s->n > 0) {
		loop_add_job(s->loop, &s->report);
		return 0;
	}
	r = slp_finder_new(&s->finder, s->loop, &whoever, options, &query,
			   found_by_slp, s, &why);
	return r == 0 ? 0 :
		lun_fail(err, r, "iSNS: no server is named, and none was found: "
			 "DHCP option 83 (leases: %s); %s",
			 str_text(&s->leases.looked_at), why.text);
}

/* ---------------------------------------------------------------- calls -- */

bool
isns_search_wanted(const struct portal *server)
{
	return !*server->host || heartbeat_is_group(server);
}

struct isns_search *
isns_search_free(struct isns_search *s)
{
	if (!s)
		return NULL;
	job_deinit(&s->report);
	timer_deinit(&s->timer);
	heartbeat_free(s->heartbeat);
	slp_finder_free(s->finder);
	leases_deinit(&s->leases);
	free(s);
	return NULL;
}

static int
start(struct isns_search *s, const struct lun_options *options,
      struct lun_error *err)
{
	if (timer_init(&s->timer, &s->loop->timers, silent) < 0)
		return lun_fail(err, LUN_ENOMEM, "iSNS: out of memory");
	if (!*s->group.host)
		return look_around(s, options, err);
	timer_set(&s->timer, time_add(loop_now(s->loop), options->timeout));
	return heartbeat_new(&s->heartbeat, s->loop, &s->group, heard, s, err);
}

int
isns_search_new(struct isns_search **out, struct lun_loop *loop,
		const struct portal *group, const struct lun_options *options,
		isns_search_fn *found, void *user, struct lun_error *err)
{
	struct isns_search *s = calloc(1, sizeof(*s));
	int r;

	static_assert((int)ISNS_SERVERS_MAX >= (int)HEARTBEAT_SERVERS_MAX,
		      "all that a heartbeat names");
	if (!s)
		return lun_fail(err, LUN_ENOMEM, "iSNS: out of memory");
	s->loop = loop;
	s->group = *group;
	s->allow = options->allow;
	s->found = found;
	s->user = user;
	job_init(&s->report, report);
	r = start(s, options, err);
	if (r < 0) {
		isns_search_free(s);
		return r;
	}
	*out = s;
	return 0;
}
