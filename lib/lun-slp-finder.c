/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lun-slp-finder.h. */
#include "lun-slp-finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "io/resolve.h"
#include "io/slp-net.h"
#include "lun-leases.h"

struct slp_finder {
	struct lun_loop *loop;
	struct slp_options options;
	struct slp_config config;
	struct slp_search search;
	char name[NAME_MAX_LEN + 1], chap_user[CHAP_NAME_MAX + 1];
	struct resolve *resolve;
	struct slp_net *net;
	struct slp *slp;

	struct job report;
	int code;
	struct lun_error err;
	slp_finder_fn *done;
	void *user;
};

/* --------------------------------------------------------------- search -- */

static void
report(struct job *j)
{
	struct slp_finder *f = container_of(j, struct slp_finder, report);

	f->done(f->user, f->code, &f->err);
}

static void
found(void *user, int code, const struct lun_error *err)
{
	struct slp_finder *f = user;

	f->code = code;
	if (code < 0)
		f->err = *err;
	loop_add_job(f->loop, &f->report);
}

static void
received(void *user, const struct portal *from, const void *p, size_t len)
{
	struct slp_finder *f = user;

	if (f->slp)
		slp_datagram(f->slp, from, p, len, f->loop->now);
}

static int
begin(struct slp_finder *f, struct lun_error *err)
{
	struct lun_loop *loop = f->loop;
	const struct slp_net_config net = {
		.interfaces = f->options.interfaces,
		.ttl = (uint8_t)(f->options.ttl ? f->options.ttl : 255),
		.broadcast = f->options.search == SLP_SEARCH_BROADCAST,
	};
	int r = slp_net_new(&f->net, loop, &net, received, f, err);

	if (r < 0)
		return r;
	if (!slp_net_has_interfaces(f->net))
		f->config.multicast = false;
	if (!f->config.multicast && f->config.n_agents == 0)
		return lun_fail(err, LUN_ENOTFOUND, "SLP: no agent is given, "
				"and there is no interface to find one on");
	r = slp_new(&f->slp, &f->config, &f->search, &slp_net_driver, f->net,
		    &loop->env, &loop->timers, found, f, err);
	if (r == 0)
		slp_start(f->slp, loop_now(loop));
	return r;
}

/* The name of the agent has these addresses: they are tried in turn. */
static void
resolved(void *user, const struct address *a, size_t n, const char *why)
{
	struct slp_finder *f = user;
	struct portal p = f->config.agents[0];
	struct lun_error err;
	int r = 0;

	if (n == 0)
		r = lun_fail(&err, LUN_ERESOLVE, "%s: %s", p.host, why);
	f->config.n_agents = 0;
	for (size_t i = 0; i < n; i++)
		if (address_host(&a[i], p.host))
			slp_config_agent(&f->config, &p, NULL);
	f->resolve = resolve_free(f->resolve);
	if (r == 0)
		r = begin(f, &err);
	if (r < 0)
		found(f, r, &err);
}

/* ---------------------------------------------------------- whom to ask -- */

/* RFC 2610 4: from those that are mandatory some may be chosen, but no others. */
static int
check_scopes(struct slp_config *c, const char *must, struct lun_error *err)
{
	struct slp_config allowed = { 0 };
	char chosen[SLP_SCOPE_LIST_MAX];

	if (slp_config_scopes(&allowed, must, NULL) < 0 ||
	    allowed.scopes.n == 0)
		return 0;
	if (c->scopes.n == 0)		/* all of them */
		c->scopes = allowed.scopes;
	for (size_t i = 0; i < c->scopes.n; i++)
		if (slp_scopes_find(&allowed.scopes,
				    SLP_TEXT(c->scopes.name[i])) < 0)
			return lun_fail(err, LUN_EREFUSED, "SLP: scope %.100s: "
				"a DHCP lease of this host allows %.100s only",
				slp_scopes_print(&c->scopes, UINT32_C(1) << i,
						 chosen), must);
	return 0;
}

static int
choose_scopes(struct slp_config *c, const char *chosen, const char *leased,
	      bool must, struct lun_error *err)
{
	if (*chosen && slp_config_scopes(c, chosen, err) < 0)
		return LUN_EINVAL;
	if (*chosen)
		return *leased && must ? check_scopes(c, leased, err) : 0;
	/* one that nobody could use leaves DEFAULT */
	if (*leased)
		slp_config_scopes(c, leased, NULL);
	return 0;
}

static int
use_leases(struct slp_finder *f, const char *scope, struct lun_error *err)
{
	struct slp_config *c = &f->config;
	struct leases l;

	leases_read(&l, BOOT_SLP, &f->loop->env);
	for (size_t i = 0; i < l.info.n_services; i++)
		slp_config_agent(c, &l.info.services[i].portal, NULL);
	if (l.info.slp_no_multicast)		/* RFC 2610 3 */
		c->multicast = false;

	int r = choose_scopes(c, scope, l.info.slp_scopes,
			      l.info.slp_scopes_must, err);

	leases_deinit(&l);
	return r;
}

static int
configure(struct slp_finder *f, const struct lun_url *url,
	  const struct lun_options *o, struct lun_error *err)
{
	struct slp_config *c = &f->config;
	const struct portal agent = portal_of_url(url);
	int r;

	slp_config_init(c);
	c->multicast = f->options.search != SLP_SEARCH_NONE && !*url->host;
	c->wait = slp_options_wait(o, url);
	if (*url->host) {
		r = choose_scopes(c, url->scope, "", false, err);
		return r < 0 ? r : slp_config_agent(c, &agent, err);
	}
	r = use_leases(f, url->scope, err);
	return r < 0 ? r : slp_options_agents(c, f->options.agents, err);
}

/* ---------------------------------------------------------------- calls -- */

static void
take_search(struct slp_finder *f, const struct slp_search *q)
{
	f->search = *q;
	snprintf(f->name, sizeof(f->name), "%s", q->name ? q->name : "");
	f->search.name = f->name;
	if (!q->chap_user)
		return;
	snprintf(f->chap_user, sizeof(f->chap_user), "%s", q->chap_user);
	f->search.chap_user = f->chap_user;
}

static int
start(struct slp_finder *f, const struct lun_url *url,
      const struct lun_options *o, struct lun_error *err)
{
	int r = configure(f, url, o, err);

	if (r < 0)
		return r;
	if (proxy_or_none(&o->proxy))
		env_log(&f->loop->env, LUN_LOG_WARNING, "SLP: agents are asked "
			"directly: datagrams do not go through the proxy");
	if (*url->host && portal_host_kind(&f->config.agents[0]) == HOST_NAME)
		return resolve_new(&f->resolve, f->loop, &f->config.agents[0],
				   resolved, f, err);
	return begin(f, err);
}

struct slp_finder *
slp_finder_free(struct slp_finder *f)
{
	if (!f)
		return NULL;
	job_deinit(&f->report);
	resolve_free(f->resolve);
	slp_free(f->slp);
	slp_net_free(f->net);
	free(f);
	return NULL;
}

int
slp_finder_new(struct slp_finder **out, struct lun_loop *loop,
	       const struct lun_url *url, const struct lun_options *options,
	       const struct slp_search *search, slp_finder_fn *done,
	       void *user, struct lun_error *err)
{
	struct slp_finder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	f->loop = loop;
	f->options = options->slp;
	f->done = done;
	f->user = user;
	job_init(&f->report, report);
	take_search(f, search);
	r = start(f, url, options, err);
	if (r < 0) {
		slp_finder_free(f);
		return r;
	}
	*out = f;
	return 0;
}

const struct slp_service *
slp_finder_services(struct slp_finder *f, size_t *n)
{
	return slp_services(f->slp, n, loop_now(f->loop));
}
