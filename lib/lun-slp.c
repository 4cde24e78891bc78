/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A discovery by SLP (RFC 4018).
 *
 *	the addresses of the agent's name -> discovery/slp.h -> the list -> done
 *
 * The agent of the URL is the only one that is asked, if there is one: then
 * nothing is multicast. Else it is those of the options, whom we find, and
 * everybody, in this order (RFC 2608 6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "discovery/slp.h"
#include "io/resolve.h"
#include "io/slp-net.h"
#include "lun-discovery.h"
#include "lun-impl.h"

struct slp_discovery {
	struct lun_discovery d;		/* the first */
	struct slp_options options;
	struct allow allow;
	struct slp_config config;
	char name[NAME_MAX_LEN + 1];	/* ours, or the target's */
	char chap_user[CHAP_NAME_MAX + 1];
	struct slp_search search;
	struct resolve *resolve;
	struct slp_net *net;
	struct slp *slp;
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

static int
make_list(struct slp_discovery *s)
{
	struct lun_discovery *d = &s->d;
	size_t n;
	const struct slp_service *v = slp_services(s->slp, &n,
						    loop_now(d->loop));
	int r = targets_new(&d->targets, "SLP", &d->loop->env, &d->err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_service(s, &v[i]);
	if (r == 0)
		r = targets_finish(d->targets, &d->err);
	if (r < 0) {
		lun_fail(&d->err, r, "SLP: out of memory");
		d->targets = targets_free(d->targets);
	}
	return r;
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

/* --------------------------------------------------------------- search -- */

static void
received(void *user, const struct portal *from, const void *p, size_t len)
{
	struct slp_discovery *s = user;

	if (s->slp)
		slp_datagram(s->slp, from, p, len, s->d.loop->now);
}

static int
search(struct slp_discovery *s, struct lun_error *err)
{
	struct lun_loop *loop = s->d.loop;
	const struct slp_net_config net = {
		.interfaces = s->options.interfaces,
		.ttl = (uint8_t)(s->options.ttl ? s->options.ttl : 255),
		.broadcast = s->options.search == SLP_SEARCH_BROADCAST,
	};
	int r = slp_net_new(&s->net, loop, &net, received, s, err);

	if (r < 0)
		return r;
	if (!slp_net_has_interfaces(s->net))
		s->config.multicast = false;
	if (!s->config.multicast && s->config.n_agents == 0)
		return lun_fail(err, LUN_ENOTFOUND, "SLP: no agent is given, "
				"and there is no interface to find one on");
	r = slp_new(&s->slp, &s->config, &s->search, &slp_net_driver, s->net,
		    &loop->env, &loop->timers, found, s, err);
	if (r == 0)
		slp_start(s->slp, loop_now(loop));
	return r;
}

/* The name of the agent has these addresses: they are tried in turn. */
static void
resolved(void *user, const struct address *a, size_t n, const char *why)
{
	struct slp_discovery *s = user;
	struct portal *agent = &s->config.agents[0];
	struct portal p = *agent;
	int r = 0;

	if (n == 0)
		r = lun_fail(&s->d.err, LUN_ERESOLVE, "%s: %s", p.host, why);
	s->config.n_agents = 0;
	for (size_t i = 0; i < n; i++)
		if (address_host(&a[i], p.host))
			slp_config_agent(&s->config, &p, NULL);
	s->resolve = resolve_free(s->resolve);
	if (r == 0)
		r = search(s, &s->d.err);
	if (r < 0)
		discovery_report(&s->d);
}

static void
slp_discovery_free(struct lun_discovery *d)
{
	struct slp_discovery *s = container_of(d, struct slp_discovery, d);

	resolve_free(s->resolve);
	slp_free(s->slp);
	slp_net_free(s->net);
	free(s);
}

/* ---------------------------------------------------------------- begin -- */

/* Whom to ask, and for which scopes. */
static int
configure(struct slp_discovery *s, const struct lun_url *url,
	  struct lun_error *err)
{
	struct slp_config *c = &s->config;
	const struct portal agent = portal_of_url(url);

	slp_config_init(c);
	c->multicast = s->options.search != SLP_SEARCH_NONE;
	if (s->options.wait)
		c->wait = s->options.wait * TIME_S;
	if (*url->scope && slp_config_scopes(c, url->scope, err) < 0)
		return err->code;
	if (!*url->host)
		return slp_options_agents(c, s->options.agents, err);
	c->multicast = false;
	return slp_config_agent(c, &agent, err);
}

/* What to ask: RFC 4018 5.2. */
static int
choose_query(struct slp_discovery *s, const struct lun_url *url,
	     const struct lun_options *o, struct lun_error *err)
{
	static const enum slp_what kinds[] = {
		[SLP_QUERY_ACCESS] = SLP_OPEN_TARGETS,
		[SLP_QUERY_CREDENTIALS] = SLP_OPEN_TARGETS,
		[SLP_QUERY_BOOT] = SLP_BOOT_TARGETS,
		[SLP_QUERY_ALL] = SLP_ALL_TARGETS,
	};

	s->search.what = o->boot ? SLP_BOOT_TARGETS : kinds[s->options.query];
	s->search.name = s->search.who.name = s->name;
	if (*url->target) {
		s->search.what = SLP_NAMED_TARGET;
		memcpy(s->name, url->target, sizeof(s->name));
		return 0;
	}
	memcpy(s->name, o->initiator_name, sizeof(s->name));
	if (s->options.query == SLP_QUERY_CREDENTIALS && *o->auth.username) {
		memcpy(s->chap_user, o->auth.username, sizeof(s->chap_user));
		s->search.who.chap_user = s->chap_user;
	}
	return *s->name ? 0 : identity_name(s->name, &s->d.loop->env, err);
}

static int
start(struct slp_discovery *s, const struct lun_url *url,
      const struct lun_options *options, struct lun_error *err)
{
	int r = configure(s, url, err);

	if (r == 0)
		r = choose_query(s, url, options, err);
	if (r < 0)
		return r;
	if (s->config.n_agents == 1 &&
	    portal_host_kind(&s->config.agents[0]) == HOST_NAME)
		return resolve_new(&s->resolve, s->d.loop,
				   &s->config.agents[0], resolved, s, err);
	return search(s, err);
}

int
slp_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     struct lun_error *err)
{
	struct slp_discovery *s = calloc(1, sizeof(*s));

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	discovery_init(&s->d, loop, slp_discovery_free);
	s->options = options->slp;
	s->allow = options->allow;

	int r = start(s, url, options, err);

	if (r < 0) {
		lun_discovery_free(&s->d);
		return r;
	}
	*out = &s->d;
	return 0;
}
