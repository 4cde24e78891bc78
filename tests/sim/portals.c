/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portals.h"

#include <string.h>

#include "lun.h"
#include "names/portal.h"

enum { GROUP = 1, OTHER_GROUP = 3 };	/* 2: as a rule lies (rules.c) */

static const char *const hosts[PORTALS] = { "10.0.0.1", "10.0.0.2", "10.0.0.3" };
static const char *const addresses[PORTALS] = {
	"10.0.0.1:3260", "10.0.0.2:3260", "10.0.0.3:3260",
};

const char *
portal_host(unsigned i)
{
	return hosts[i];
}

const char *
portal_address(unsigned i)
{
	return addresses[i];
}

unsigned
portal_find(const struct plan *p, const struct portal *portal)
{
	unsigned i = 0;

	while (i < p->portals && strcmp(portal->host, hosts[i]) != 0)
		i++;
	if (i == p->portals || portal->port != LUN_PORT)
		broken("a connection to %s, port %u", portal->host, portal->port);
	return i;
}

static uint32_t
pick(uint32_t n)
{
	return draw(FROM_PORTALS, n);
}

static bool
has_faults(const struct plan *p)
{
	for (int f = 0; f < FAULT_COUNT; f++)
		if (p->every[f] || p->rules[f][0])
			return true;
	return false;
}

/* Some or all logins are sent to one of them, perhaps from itself. */
static void
draw_redirect(struct plan *p)
{
	unsigned to = pick(p->portals), from = pick(p->portals);
	uint32_t percent = 2 + pick(80);
	bool some = pick(2);

	p->redirect_forever = pick(2);
	snprintf(p->rules[RULE_REDIRECT], RULE_LEN, "redirect=%s%s%s,chance=%u%%",
		 addresses[to], some ? ",portal=" : "",
		 some ? addresses[from] : "", percent);
}

static void
draw_faults(struct plan *p)
{
	static const enum fault kinds[] = {
		FAULT_PORTAL_CUT, FAULT_PORTAL_SHUT, FAULT_PORTAL_HOLE,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		lun_time every = draw_time(FROM_PORTALS, p->faults_last / 30,
					   p->faults_last * 2);

		p->every[kinds[i]] = pick(2) ? every : 0;
	}
	if (pick(4) == 0)
		draw_redirect(p);
}

/*
 * The session goes to another group, and what was held where it was may land
 * later, which is seen. It was up for so long before that it goes there at once.
 */
static void
draw_flight(struct plan *p)
{
	p->portals = 2;
	p->url_portal = pick(2);
	p->group[0] = GROUP;
	p->group[1] = OTHER_GROUP;
	plan_draw_overwriting(p, FROM_PORTALS, 200);
	p->retries = p->leaves = 0;
	p->bursts = 200;
	p->think_max = 3 * TIME_S;
	p->faults_last = 300 * TIME_S;
	p->every[FAULT_PORTAL_SHUT] = (20 + pick(20)) * TIME_S;
	snprintf(p->rules[RULE_HOLD], RULE_LEN, "hold=%us,chance=%u%%",
		 2 + pick(8), 10 + pick(40));
}

void
portals_draw(struct plan *p, const struct limits *limits)
{
	p->portals = limits->one_portal ? 1 : 1 + pick(PORTALS);
	for (unsigned i = 0; i < p->portals; i++)
		p->group[i] = GROUP;
	if (p->portals == 1)
		return;
	if (pick(3) == 0)
		p->group[pick(p->portals)] = OTHER_GROUP;
	p->url_portal = pick(p->portals);
	p->told = pick(TOLD_COUNT);
	if (!has_faults(p))
		return;
	draw_faults(p);
	if (pick(12) == 0)
		draw_flight(p);
}

void
portals_say(const struct plan *p)
{
	static const char *const told[TOLD_COUNT] = {
		[TOLD_BY_TARGET] = "by the target",
		[TOLD_AT_ONCE] = "at once",
		[TOLD_WITHOUT_GROUP] = "at once, without groups",
	};

	for (unsigned i = 0; p->portals > 1 && i < p->portals; i++)
		say("plan: portal %s, group %u%s", addresses[i], p->group[i],
		    i == p->url_portal ? ", which the URL names" : "");
	if (p->portals > 1)
		say("plan: portals are told %s; redirections are for %s",
		    told[p->told], p->redirect_forever ? "ever" : "now");
}

static unsigned
n_of_group(const struct plan *p, unsigned group)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->portals; i++)
		n += p->group[i] == group;
	return n;
}

int
portals_group(const struct plan *p, const struct lun_session_info *s)
{
	for (size_t i = 0; i < s->n_connections; i++)
		for (unsigned k = 0; k < p->portals; k++)
			if (strcmp(s->connections[i].state, "LOGGED_IN") == 0 &&
			    strcmp(s->connections[i].portal, addresses[k]) == 0)
				return (int)p->group[k];
	return -1;
}

void
portals_check(const struct plan *p, const struct lun_session_info *s)
{
	unsigned portals = n_of_group(p, (unsigned)s->tpgt), conns = 0, n = 0;
	bool used[PORTALS] = { false };

	if (p->told != TOLD_AT_ONCE)
		return;
	for (size_t i = 0; i < s->n_connections; i++) {
		const struct lun_connection_info *c = &s->connections[i];

		if (strcmp(c->state, "LOGGED_IN") != 0)
			continue;
		conns++;
		for (unsigned k = 0; k < p->portals; k++)
			used[k] |= strcmp(c->portal, addresses[k]) == 0;
	}
	for (unsigned i = 0; i < p->portals; i++)
		n += used[i];
	if (n < portals && n < conns)
		broken("%u connections are to %u of %u portals", conns, n,
		       portals);
}
