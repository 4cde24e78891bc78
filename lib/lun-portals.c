/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other portals of a session's target, as the target itself tells them, for
 * when the one that we are connected to is lost. A Discovery session asks, when
 * the session has been up for a while (one that is opened for a look costs
 * nothing more), and again if that came to nothing while all connections were
 * lost and recovered (level 2). RFC 7143 C has SendTargets on Normal sessions
 * too, but tgtd drops the connection then: that is tried only where Discovery
 * sessions are refused, and once, so that at worst it costs one recovery.
 *
 * The list is used only if the portal that we are connected to is in it. Where
 * it is not, addresses are translated on the way (a tunnel, a proxy): the
 * target's are not ours then, and to go around what the user has put there
 * would not be what he wants.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "conn/times.h"
#include "lun-session.h"

/* False: it is not the target that told of this one. */
static bool
to_portal(struct portal *to, const struct lun_portal *from)
{
	*to = (struct portal){ .port = from->port, .tpgt = from->tpgt };
	snprintf(to->host, sizeof(to->host), "%s", from->address);
	return !from->asked;
}

/* Are they used? */
static bool
take_portals(struct lun_session *s, const struct lun_target *t)
{
	const struct portal *ours = session_portal(recovery_session(s->recovery));
	struct portal portal;
	bool here = false;
	size_t told = 0;

	for (size_t i = 0; i < t->n_portals; i++) {
		if (!to_portal(&portal, &t->portals[i]))
			continue;
		told++;
		/* all connections may be lost for the time being */
		here |= pump_is_at(s->pump, &portal) ||
		    portal_equal(&portal, ours);
	}
	if (!here) {
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s: the target does not "
			"know the address that it is reached at: its %zu portals "
			"are not used", s->setup.label, told);
		return false;
	}
	for (size_t i = 0; i < t->n_portals; i++)
		if (to_portal(&portal, &t->portals[i]) &&
		    !pump_is_at(s->pump, &portal))
			recovery_add_portal(s->recovery, &portal);
	return true;
}

static void
answered_itself(struct text_exchange *x, int code, const struct lun_error *err,
		const char *text, size_t len)
{
	struct lun_session *s = x->user;
	const struct portal *here = session_portal(recovery_session(s->recovery));
	struct targets *found = NULL;
	struct lun_error why = { 0 };
	size_t n = 0;

	if (code < 0)
		why = *err;
	else if (sendtargets_read(&found, text, len, here, REWRITE_NEVER,
				  &s->loop->env, &why) == 0)
		targets_list(found, &n);
	if (why.code < 0)
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s: the session does not "
			"tell of portals: %s", s->setup.label, why.text);
	if (n == 1 && strcmp(targets_list(found, &n)->name,
			     s->setup.target) == 0)
		take_portals(s, targets_list(found, &n));
	targets_free(found);
}

/* RFC 7143 C: without value, of the target of the session. */
static void
ask_itself(struct lun_session *s)
{
	s->asked_itself = true;
	s->itself = (struct text_exchange){
		.request = s->question,
		.request_len = sendtargets_request(s->question, ""),
		.answer_max = SENDTARGETS_ANSWER_MAX,
		.done = answered_itself,
		.user = s,
	};
	session_text(recovery_session(s->recovery), &s->itself,
		     loop_now(s->loop));
}

static void
answered(void *user, int code, const char *text, const struct lun_target *t,
	 size_t n)
{
	struct lun_session *s = user;
	struct session_outage outage;
	bool taken = false;

	if (code < 0)
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s: the portals of the "
			"target are not known: %s", s->setup.label, text);
	for (size_t i = 0; i < n; i++)
		if (strcmp(t[i].name, s->setup.target) == 0)
			taken |= take_portals(s, &t[i]);
	s->asking = lun_discovery_free(s->asking);
	if (s->phase != READY || s->lost || taken)
		return;
	if (session_outage(recovery_session(s->recovery), &outage))
		portals_ask_soon(s);
	else if ((code == LUN_EREFUSED || code == LUN_EAUTH) && !s->asked_itself)
		ask_itself(s);
}

static void
ask(struct timer *t, lun_time now)
{
	struct lun_session *s = container_of(t, struct lun_session, ask);
	const struct portal *here = session_portal(recovery_session(s->recovery));
	struct lun_url url = { .kind = LUN_URL_TARGET, .port = here->port };
	struct lun_error err;

	if (s->phase != READY || s->lost || s->asking)
		return;
	static_assert(sizeof(url.host) == sizeof(here->host), "same");
	memcpy(url.host, here->host, sizeof(url.host));
	memcpy(url.target, s->setup.target, sizeof(url.target));
	if (lun_discover(&s->asking, s->loop, &url, &s->setup.options, answered,
			 s, &err) < 0)
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s", err.text);
}

void
portals_ask_soon(struct lun_session *s)
{
	timer_set(&s->ask, time_add(loop_now(s->loop), PORTALS_ASK_AFTER));
}

int
portals_ask_init(struct lun_session *s)
{
	return timer_init(&s->ask, &s->loop->timers, ask);
}

void
portals_ask_no_more(struct lun_session *s)
{
	timer_clear(&s->ask);
	s->asking = lun_discovery_free(s->asking);
}

void
portals_ask_deinit(struct lun_session *s)
{
	portals_ask_no_more(s);
	timer_deinit(&s->ask);
}
