/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other portals of a session's target, as the target itself tells them: a
 * SendTargets on the Normal session (RFC 7143 C), when it has been up for a
 * moment, so that one that is opened for a look costs nothing more.
 *
 * The list is used only if the portal that we are connected to is in it. Where
 * it is not, addresses are translated on the way (a tunnel, a proxy): the
 * target's are not ours then, and to go around what the user has put there
 * would not be what he wants.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "lun-session.h"

#define ASK_AFTER	(1 * TIME_S)

static const struct lun_target *
find(const struct targets *list, const char *name)
{
	size_t n;
	const struct lun_target *t = targets_list(list, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(t[i].name, name) == 0)
			return &t[i];
	return NULL;
}

/* 0.0.0.0 and :: are no addresses to connect to, but some targets say so. */
static bool
to_portal(struct portal *to, const struct lun_portal *from)
{
	*to = (struct portal){ .port = from->port, .tpgt = from->tpgt };
	snprintf(to->host, sizeof(to->host), "%s", from->address);
	return strcmp(to->host, "0.0.0.0") != 0 && strcmp(to->host, "::") != 0;
}

static void
take_portals(struct lun_session *s, const struct lun_target *t)
{
	struct portal portal;
	bool here = false;

	for (size_t i = 0; i < t->n_portals && !here; i++)
		here = to_portal(&portal, &t->portals[i]) &&
		    pump_is_at(s->pump, &portal);
	if (!here) {
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s: the target does not "
			"know the address that it is reached at: its %zu portals "
			"are not used", s->setup.label, t->n_portals);
		return;
	}
	for (size_t i = 0; i < t->n_portals; i++)
		if (to_portal(&portal, &t->portals[i]) &&
		    !pump_is_at(s->pump, &portal))
			recovery_add_portal(s->recovery, &portal);
}

static void
answered(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
	struct lun_session *s = x->user;
	struct session *session = recovery_session(s->recovery);
	struct portal present = *session_portal(session);
	struct targets *list = NULL;
	struct lun_error why = { 0 };
	const struct lun_target *t;

	present.tpgt = session_login(session)->tpgt;
	if (code < 0)
		why = *err;
	else
		code = targets_new(&list, text, len, &present, &s->loop->env,
				   &why);
	/* Lost with the session: perhaps because of it. No more of it. */
	s->asking = code == LUN_ELOST;
	if (code < 0)
		env_log(&s->loop->env, LUN_LOG_DEBUG, "%s: SendTargets: %s",
			s->setup.label, why.text);
	else if ((t = find(list, s->setup.target)))
		take_portals(s, t);
	targets_free(list);
}

static void
ask(struct timer *t, lun_time now)
{
	struct lun_session *s = container_of(t, struct lun_session, ask);

	if (s->phase != READY || s->lost || s->asking)
		return;
	s->question = (struct text_exchange){
		.request = s->question_text,
		.request_len = sendtargets_request(s->question_text, ""),
		.answer_max = SENDTARGETS_ANSWER_MAX,
		.done = answered,
		.user = s,
	};
	s->asking = session_text(recovery_session(s->recovery), &s->question,
				 now) == 0;
}

void
portals_ask_soon(struct lun_session *s)
{
	timer_set(&s->ask, time_add(loop_now(s->loop), ASK_AFTER));
}

int
portals_ask_init(struct lun_session *s)
{
	return timer_init(&s->ask, &s->loop->timers, ask);
}
