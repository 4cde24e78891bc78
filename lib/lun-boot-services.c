/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The discovery service stage (RFC 4173 6), and the candidates that come of it.
 * A service that fails, stays silent, or knows nothing, is told in the log, and
 * the next one is asked.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "boot/policy.h"
#include "lun-boot.h"
#include "lun-discovery.h"

/* --------------------------------------------------------- candidates -- */

const struct boot_target *
boot_current_target(const struct lun_boot *b)
{
	return b->target < b->info.n_targets ? &b->info.targets[b->target] :
					       NULL;
}

void
boot_add_candidate(struct lun_boot *b, const char *name, const char *host,
		   uint16_t port, const char *service)
{
	const struct boot_target *t = boot_current_target(b);
	struct lun_boot_candidate *c = &b->candidates[b->result.n];

	for (size_t i = 0; i < b->result.n; i++)
		if (b->candidates[i].url.port == port &&
		    strcmp(b->candidates[i].url.host, host) == 0 &&
		    strcmp(b->candidates[i].url.target, name) == 0)
			return;
	if (b->result.n == CANDIDATES_MAX)
		return;
	*c = (struct lun_boot_candidate){ .how = "" };
	if (t) {
		c->url = t->url;
		memcpy(c->username_in, t->user_in, sizeof(t->user_in));
		memcpy(c->password_in, t->password_in,
		       sizeof(t->password_in));
	}
	c->url.kind = LUN_URL_LUN;
	c->url.port = port;
	snprintf(c->url.host, sizeof(c->url.host), "%s", host);
	snprintf(c->url.target, sizeof(c->url.target), "%s", name);
	snprintf(c->how, sizeof(c->how), "%s%s%s", b->where,
		 service ? "; found by " : "", service ? service : "");

	const struct portal p = portal_of_url(&c->url);

	if (boot_policy_check(b->allow, b->numeric, name, &p, &b->err) < 0) {
		env_log(&b->loop->env, LUN_LOG_WARNING, "%s", b->err.text);
		secret_wipe(c, sizeof(*c));
		return;
	}
	b->result.n++;
}

/* ----------------------------------------------- discovery service stage -- */

static void next_service(struct lun_boot *b);

static const char *
service_name(const struct lun_url *s, char out[300])
{
	static const char *const kinds[] = {
		[LUN_URL_PORTAL] = "SendTargets of ",
		[LUN_URL_ISNS] = "iSNS at ", [LUN_URL_SLP] = "SLP of ",
	};
	static const char *const whoever[] = {
		[LUN_URL_ISNS] = "iSNS", [LUN_URL_SLP] = "SLP",
	};
	const struct portal p = portal_of_url(s);
	char name[PORTAL_TEXT_MAX];

	if (s->host[0] == '\0')
		snprintf(out, 300, "%s", whoever[s->kind]);
	else
		snprintf(out, 300, "%s%s", kinds[s->kind],
			 portal_print(&p, name));
	return out;
}

static void
service_failed(struct lun_boot *b, const char *why)
{
	char name[300];

	service_name(&b->services[b->service], name);
	env_log(&b->loop->env, LUN_LOG_INFO, "boot: %s: %s", name, why);
	if (b->failures.len > 0)
		str_add(&b->failures, "; ");
	str_add(&b->failures, "%s: %s", name, why);
}

/*
 * Where the service knows the target. If the root path has another port than
 * it, both may be right (RFC 4173 6): first the service's.
 */
static void
add_portals(struct lun_boot *b, const struct lun_target *found,
	    const char *service)
{
	const struct boot_target *t = boot_current_target(b);
	uint16_t port = t ? t->url.port : 0;

	for (size_t i = 0; i < found->n_portals; i++)
		boot_add_candidate(b, found->name, found->portals[i].address,
			      found->portals[i].port, service);
	for (size_t i = 0; port && i < found->n_portals; i++)
		boot_add_candidate(b, found->name, found->portals[i].address,
			      port, service);
}

static void
service_answered(void *user, int code, const char *text,
		 const struct lun_target *targets, size_t n)
{
	struct lun_boot *b = user;
	const struct boot_target *t = boot_current_target(b);
	const struct lun_url *s = &b->services[b->service];
	size_t before = b->result.n;
	char name[300];

	service_name(s, name);
	for (size_t i = 0; code == 0 && i < n; i++)
		if (!t || iscsi_name_equal(targets[i].name, t->url.target))
			add_portals(b, &targets[i], name);
	b->answered = b->result.n > before;
	if (!b->answered && b->err.code == 0)
		service_failed(b, code < 0 ? text : "knows of none");
	boot_go(b, next_service);
}

void
boot_service_silent(struct timer *timer, lun_time now)
{
	struct lun_boot *b = container_of(timer, struct lun_boot, patience);

	service_failed(b, "no answer in time");
	boot_go(b, next_service);
}

static void
ask_service(struct lun_boot *b)
{
	const struct boot_target *t = boot_current_target(b);
	struct lun_url url = b->services[b->service];
	struct lun_error why;

	if (t)
		memcpy(url.target, t->url.target, sizeof(url.target));
	if (t && url.kind == LUN_URL_PORTAL)
		url.kind = LUN_URL_TARGET;
	b->options->boot = !t;
	if (lun_discover(&b->discovery, b->loop, &url, b->options,
			 service_answered, b, &why) < 0) {
		service_failed(b, why.text);
		boot_go(b, next_service);
		return;
	}
	timer_set(&b->patience, time_add(loop_now(b->loop),
			b->options->timeout + discovery_search_time(&url,
							b->options)));
}

/* The one that was asked is done with; b->service is it, if there was one. */
static void
next_service(struct lun_boot *b)
{
	timer_clear(&b->patience);
	b->discovery = lun_discovery_free(b->discovery);
	b->service++;
	if (b->answered || b->service >= b->n_services)
		boot_go(b, boot_next_target);
	else
		ask_service(b);
}

static void
add_service(struct lun_boot *b, const struct boot_service *s)
{
	struct lun_url *u;

	if (b->n_services == SERVICES_MAX)
		return;
	u = &b->services[b->n_services++];
	*u = (struct lun_url){
		.kind = s->kind == BOOT_ISNS ? LUN_URL_ISNS : LUN_URL_SLP,
		.port = s->portal.port,
	};
	memcpy(u->host, s->portal.host, sizeof(u->host));
	if (s->kind == BOOT_SLP)
		snprintf(u->scope, sizeof(u->scope), "%s", b->info.slp_scopes);
}

/*
 * Those that the source told of: iSNS first (RFC 7143 4.2.7), then SLP, at last
 * by multicast unless that is forbidden.
 */
static void
choose_services(struct lun_boot *b)
{
	static const struct boot_service multicast = {
		BOOT_SLP, { .port = LUN_SLP_PORT }
	};
	static const enum boot_service_kind order[] = { BOOT_ISNS, BOOT_SLP };

	if (b->services_given)
		return;
	b->n_services = 0;
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < b->info.n_services; i++)
			if (b->info.services[i].kind == order[k])
				add_service(b, &b->info.services[i]);
	if (!b->info.slp_no_multicast)
		add_service(b, &multicast);
}

void
boot_ask_services(struct lun_boot *b)
{
	choose_services(b);
	b->answered = false;
	b->service = SIZE_MAX;		/* none yet */
	next_service(b);
}

