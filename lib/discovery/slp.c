/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user agent of SLP: see slp.h. One step at a time: next() starts one,
 * which may be several exchanges, and comes again when all of them have ended.
 *
 * "open" are the scopes for which nobody has answered yet, as bits. It only
 * loses bits, and every agent is asked once, so that the search comes to an end.
 */
#include "discovery/slp.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "discovery/slp-url.h"

enum {
	AGENTS_MAX	= 256,
	PARALLEL	= 8,		/* questions about attributes */
	ASKED_MAX	= 4096,		/* of them, all in all */
	COMPLAINTS_MAX	= 10,		/* log lines about answers */
	FILTER_MAX	= 4096,
};

struct agent {
	struct portal at;
	uint32_t serves;		/* of our scopes; given ones: all */
	bool given;
	bool asked;			/* or of no use */
	bool silent;			/* about attributes */
};

struct slp {
	const struct slp_config *config;
	const char *type;		/* of the services */
	char *filter;
	struct slp_wire wire;
	slp_done_fn *done;
	void *user;

	struct slp_scopes scopes;
	bool learning;			/* the scopes are not known yet */
	bool looked_for_agents, looked_for_scopes, asked_everybody;
	uint16_t agents_xid;		/* of the question for agents; 0: none */
	uint32_t open;
	size_t n_agents;
	struct agent agents[AGENTS_MAX];

	struct slp_found found;
	bool sorted;
	size_t next_ask;		/* those before it were asked about */

	bool answered;			/* somebody did */
	struct lun_error err;		/* of the last one who did not */
	size_t complaints;
};

static void next(struct slp *s, lun_time now);

static void
complain(struct slp *s, const struct portal *from, struct slp_text what,
	 const char *why)
{
	char name[PORTAL_TEXT_MAX];
	struct str text = STR_INIT(300);

	if (++s->complaints > COMPLAINTS_MAX)
		return;
	str_quote(&text, what.p, what.len);
	env_log(s->wire.env, LUN_LOG_WARNING,
		"SLP agent %s: %s: left out: %s", portal_print(from, name),
		str_text(&text), why);
	str_deinit(&text);
}

/* -------------------------------------------------------------- agents -- */

static struct agent *
agent_at(struct slp *s, const struct portal *at)
{
	for (size_t i = 0; i < s->n_agents; i++)
		if (portal_equal(&s->agents[i].at, at))
			return &s->agents[i];
	return NULL;
}

/* NULL: there are too many. */
static struct agent *
add_agent(struct slp *s, const struct portal *at)
{
	struct agent *a = agent_at(s, at);

	if (a || s->n_agents == AGENTS_MAX)
		return a;
	a = &s->agents[s->n_agents++];
	*a = (struct agent){ .at = *at };
	return a;
}

/* Our scopes that stand on a list; all of the list become ours if there are
 * none yet. */
static uint32_t
scopes_on(struct slp *s, struct slp_text list)
{
	struct slp_text name;
	uint32_t bits = 0;
	size_t pos = 0;

	while (slp_list_next(list, &pos, &name)) {
		int i = s->learning ? slp_scopes_add(&s->scopes, name)
				    : slp_scopes_find(&s->scopes, name);

		if (i >= 0)
			bits |= UINT32_C(1) << i;
	}
	return bits;
}

static uint32_t
all_scopes(const struct slp *s)
{
	return (UINT32_C(1) << s->scopes.n) - 1;
}

/* The scopes that the directory agents serve which may still be asked. */
static uint32_t
served(const struct slp *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < s->n_agents; i++)
		if (!s->agents[i].asked)
			bits |= s->agents[i].serves;
	return bits;
}

/* RFC 2608 8.5: where it is, in figures; who writes a name is where he is. */
static void
advertised_address(const struct slp_message *m, const struct portal *from,
		   struct portal *at)
{
	if (slp_service_url(m->url, SLP_TYPE_DA, LUN_SLP_PORT, at, NULL) != 0 ||
	    portal_host_kind(at) == HOST_NAME)
		*at = *from;
}

static void
take_da_advert(struct slp *s, const struct slp_message *m,
	       const struct portal *from)
{
	struct portal at;
	struct agent *a;
	char name[PORTAL_TEXT_MAX];

	advertised_address(m, from, &at);

	uint32_t serves = scopes_on(s, m->scopes);

	if (serves == 0 && m->boot_time != 0)
		return;
	a = add_agent(s, &at);
	if (!a)
		return;
	a->serves = serves;
	if (m->boot_time == 0)		/* RFC 2608 12.1: it is going down */
		a->asked = true;
	env_log(s->wire.env, LUN_LOG_DEBUG, "SLP: directory agent %s%s",
		portal_print(&at, name), a->asked ? ", not to be used" : "");
}

static bool
on_da_advert(struct slp_exchange *x, const struct slp_message *m,
	     const struct portal *from)
{
	struct slp *s = x->user;

	take_da_advert(s, m, from);
	return !s->learning && !(s->open & ~served(s));
}

static bool
on_sa_advert(struct slp_exchange *x, const struct slp_message *m,
	     const struct portal *from)
{
	scopes_on(x->user, m->scopes);
	return false;
}

/* ------------------------------------------------------------ services -- */

static void
take_services(struct slp *s, const struct slp_message *m,
	      const struct portal *from)
{
	const struct agent *a = add_agent(s, from);
	struct slp_url_entry e;
	size_t pos = 0;

	s->answered = true;
	while (a && slp_next_url(m, &pos, &e)) {
		struct lun_error why;

		if (slp_found_add(&s->found, &e, (size_t)(a - s->agents),
				  s->wire.timers->now, &why) != 0)
			complain(s, from, e.url, why.text);
	}
}

/* One known name: the first who has it will do (RFC 2608 6.3). */
static bool
on_services(struct slp_exchange *x, const struct slp_message *m,
	    const struct portal *from)
{
	struct slp *s = x->user;

	take_services(s, m, from);
	return *s->found.only && s->found.n > 0;
}

static bool
on_attributes(struct slp_exchange *x, const struct slp_message *m,
	      const struct portal *from)
{
	struct slp *s = x->user;

	slp_found_attributes(&s->found, &s->found.v[x->ref], m->attributes);
	return true;
}

/* --------------------------------------------------------------- steps -- */

static void
step_ended(struct slp *s)
{
	if (list_empty(&s->wire.exchanges))
		next(s, s->wire.timers->now);
}

/* A question to all; what became of it shows elsewhere. */
static void
on_end(struct slp_exchange *x, int code, const struct lun_error *err)
{
	step_ended(x->user);
}

/* One to an agent: ref are the scopes. What he does not answer is still open. */
static void
on_agent_end(struct slp_exchange *x, int code, const struct lun_error *err)
{
	struct slp *s = x->user;

	if (code == 0)
		s->open &= ~(uint32_t)x->ref;
	else if (x->refused == SLP_SCOPE_NOT_SUPPORTED)
		lun_fail(&s->err, code, "%s: scope %s", err->text, x->scopes);
	else
		s->err = *err;
	if (code < 0)
		env_log(s->wire.env, LUN_LOG_INFO, "%s", s->err.text);
	step_ended(s);
}

static void
on_attributes_end(struct slp_exchange *x, int code, const struct lun_error *err)
{
	struct slp *s = x->user;

	/* RFC 2608 7: service agents need not know attributes. Whoever did not
	 * answer once shall not cost us the same time again. */
	if (code < 0 && (code != LUN_EREFUSED ||
			 x->refused == SLP_MSG_NOT_SUPPORTED))
		s->agents[s->found.v[x->ref].agent].silent = true;
	next(s, s->wire.timers->now);
}

static const struct slp_exchange_ops
	to_find_agents = { .answer = on_da_advert, .end = on_end },
	to_find_scopes = { .answer = on_sa_advert, .end = on_end },
	to_find_services = { .answer = on_services, .end = on_end },
	to_ask_agent = { .answer = on_services, .end = on_agent_end },
	to_ask_attributes = { .answer = on_attributes,
			      .end = on_attributes_end };

/* False: that can't be asked, and no exchange has begun. */
static bool
ask(struct slp *s, struct slp_question *q, lun_time now)
{
	q->user = s;
	return slp_ask(&s->wire, q, now, &s->err) == 0;
}

static bool
ask_agent(struct slp *s, lun_time now)
{
	char scopes[SLP_SCOPE_LIST_MAX];

	for (size_t i = 0; i < s->n_agents; i++) {
		struct agent *a = &s->agents[i];
		uint32_t which = (a->given ? s->open : a->serves & s->open);

		if (a->asked || which == 0)
			continue;
		a->asked = true;
		if (ask(s, &(struct slp_question){
				.agent = &a->at,
				.function = SLP_SRV_RQST,
				.subject = s->type,
				.scopes = slp_scopes_print(&s->scopes, which,
							   scopes),
				.what = s->filter,
				.ops = &to_ask_agent,
				.ref = which,
			}, now))
			return true;
	}
	return false;
}

/* RFC 2608 11.2: an empty list of scopes asks for all agents, to learn theirs. */
static bool
ask_everybody(struct slp *s, const char *type, const char *filter,
	      uint32_t which, const struct slp_exchange_ops *ops, lun_time now)
{
	char scopes[SLP_SCOPE_LIST_MAX];

	if (!s->config->multicast ||
	    !ask(s, &(struct slp_question){
			.function = SLP_SRV_RQST,
			.subject = type,
			.scopes = slp_scopes_print(&s->scopes, which, scopes),
			.what = filter,
			.ops = ops,
		}, now))
		return false;
	if (ops == &to_find_agents)
		s->agents_xid = s->wire.last_xid;
	return true;
}

/* Given agents are asked for their scopes by unicast, all at once. */
static bool
ask_given_for_scopes(struct slp *s, lun_time now)
{
	bool any = false;

	for (size_t i = 0; i < s->n_agents; i++)
		if (s->agents[i].given)
			any |= ask(s, &(struct slp_question){
				.agent = &s->agents[i].at,
				.function = SLP_SRV_RQST,
				.subject = SLP_TYPE_DA,
				.scopes = "", .what = "",
				.ops = &to_find_agents,
			}, now);
	return any;
}

/* While there are no scopes. True: something is under way. */
static bool
learn_scopes(struct slp *s, lun_time now)
{
	if (!s->looked_for_agents) {
		s->looked_for_agents = true;
		if (ask_given_for_scopes(s, now) ||
		    ask_everybody(s, SLP_TYPE_DA, "", 0, &to_find_agents, now))
			return true;
	}
	if (s->scopes.n == 0 && !s->looked_for_scopes) {
		s->looked_for_scopes = true;
		if (ask_everybody(s, SLP_TYPE_SA, "", 0, &to_find_scopes, now))
			return true;
	}
	s->learning = false;
	s->open = all_scopes(s);
	return false;
}

/* RFC 2608 6: those who are given, who can be found, and everybody at last. */
static bool
find_services(struct slp *s, lun_time now)
{
	if (ask_agent(s, now))
		return true;
	if (!s->looked_for_agents) {
		s->looked_for_agents = true;
		if (ask_everybody(s, SLP_TYPE_DA, "", all_scopes(s),
				  &to_find_agents, now))
			return true;
	}
	if (s->open && !s->asked_everybody) {
		s->asked_everybody = true;
		if (ask_everybody(s, s->type, s->filter, s->open,
				  &to_find_services, now))
			return true;
	}
	return false;
}

/* Some at a time. True: some are under way. */
static bool
ask_attributes(struct slp *s, lun_time now)
{
	struct slp_found *f = &s->found;
	char scopes[SLP_SCOPE_LIST_MAX];
	size_t under_way = 0;

	for (const struct list *l = s->wire.exchanges.next;
	     l != &s->wire.exchanges; l = l->next)
		under_way++;
	slp_scopes_print(&s->scopes, all_scopes(s), scopes);
	for (; under_way < PARALLEL && s->next_ask < f->n &&
	       s->next_ask < ASKED_MAX; s->next_ask++) {
		const struct slp_service *v = &f->v[s->next_ask];
		const struct agent *a = &s->agents[v->agent];

		under_way += !a->silent &&
			ask(s, &(struct slp_question){
				.agent = &a->at,
				.function = SLP_ATTR_RQST,
				.subject = v->url,
				.scopes = scopes,
				.what = slp_found_tags(f),
				.ops = &to_ask_attributes,
				.ref = s->next_ask,
			}, now);
	}
	return under_way > 0;
}

static void
end(struct slp *s)
{
	char scopes[SLP_SCOPE_LIST_MAX];

	if (!s->answered && s->err.code == 0 && s->scopes.n == 0)
		lun_fail(&s->err, LUN_ENOTFOUND,
			 "SLP: no agent has told its scopes");
	else if (!s->answered && s->err.code == 0)
		lun_fail(&s->err, LUN_ENOTFOUND,
			 "SLP: no agent has answered for scope %.200s",
			 slp_scopes_print(&s->scopes, all_scopes(s), scopes));
	s->done(s->user, s->answered ? 0 : s->err.code, &s->err);
}

static void
next(struct slp *s, lun_time now)
{
	if (s->learning && learn_scopes(s, now))
		return;
	if (!s->sorted && s->open && find_services(s, now))
		return;
	if (!s->sorted)
		slp_found_sort(&s->found);
	s->sorted = true;
	if (!ask_attributes(s, now))
		end(s);
}

/* -------------------------------------------------------------- public -- */

static char *
filter_of(const struct slp_search *q)
{
	struct str f = STR_INIT(FILTER_MAX);

	str_add(&f, "%s", "");
	switch (q->what) {		/* RFC 4018 5.2, 5.3 */
	case SLP_OPEN_TARGETS:
		slp_add_access(&f, q->name, q->chap_user);
		break;
	case SLP_NAMED_TARGET:
		slp_add_equal(&f, "iscsi-name", q->name);
		break;
	case SLP_BOOT_TARGETS:
		slp_add_equal(&f, "boot-list", q->name);
		break;
	case SLP_ALL_TARGETS:
		break;
	case SLP_ISNS_SERVERS:
		slp_add_equal(&f, "protocols", "isns");
		break;
	}
	return str_take(&f);
}

struct slp *
slp_free(struct slp *s)
{
	if (!s)
		return NULL;
	slp_wire_deinit(&s->wire);
	slp_found_deinit(&s->found);
	free(s->filter);
	free(s);
	return NULL;
}

int
slp_new(struct slp **out, const struct slp_config *config,
	const struct slp_search *search, const struct slp_driver *driver,
	void *driver_user, const struct lun_env *env, struct timers *timers,
	slp_done_fn *done, void *user, struct lun_error *err)
{
	struct slp *s = calloc(1, sizeof(*s));

	if (!s || !(s->filter = filter_of(search))) {
		free(s);
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	}
	s->config = config;
	s->type = search->what == SLP_ISNS_SERVERS ? SLP_TYPE_SMS
						   : SLP_TYPE_TARGET;
	s->found.what = search->what;
	if (search->what == SLP_NAMED_TARGET)
		strncpy(s->found.only, search->name,
			sizeof(s->found.only) - 1);
	s->wire = (struct slp_wire){ driver, driver_user, env, timers,
				     config->wait,
				     LIST_INIT(s->wire.exchanges) };
	s->done = done;
	s->user = user;
	s->scopes = config->scopes;
	s->learning = s->scopes.n == 0;
	s->open = all_scopes(s);
	for (size_t i = 0; i < config->n_agents; i++)
		add_agent(s, &config->agents[i])->given = true;
	*out = s;
	return 0;
}

void
slp_start(struct slp *s, lun_time now)
{
	next(s, now);
}

void
slp_datagram(struct slp *s, const struct portal *from, const void *p,
	     size_t len, lun_time now)
{
	struct slp_message m;
	struct lun_error why;
	char name[PORTAL_TEXT_MAX];
	int r = slp_read(&m, p, len, &why);

	if (r < 0)
		env_log(s->wire.env, LUN_LOG_DEBUG, "SLP agent %s: %s",
			portal_print(from, name), why.text);
	if (r != 0 || slp_wire_take(&s->wire, &m, p, len, from, now))
		return;
	/* Those who were a little late are there if the first one fails. */
	if (m.function == SLP_DA_ADVERT && m.error == 0 && m.xid != 0 &&
	    m.xid == s->agents_xid)
		take_da_advert(s, &m, from);
}

const struct slp_service *
slp_services(struct slp *s, size_t *n, lun_time now)
{
	slp_found_finish(&s->found, now);
	*n = s->found.n;
	return s->found.v;
}
