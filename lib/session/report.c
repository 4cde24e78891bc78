/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session tells of itself. */
#include "session/session-impl.h"

size_t
session_load(const struct session *s)
{
	return s->n_commands;
}

bool
session_window_is_full(const struct session *s)
{
	return !list_empty(&s->waiting) && !window_open(&s->window);
}

const struct login_result *
session_login(const struct session *s)
{
	return &s->login;
}

struct conn *
session_conn(const struct session *s, size_t i)
{
	for (size_t n = 0; n < LEGS_MAX; n++)
		if (s->legs[n].conn && i-- == 0)
			return s->legs[n].conn;
	return NULL;
}

const struct params *
session_params(const struct session *s)
{
	const struct conn *c;

	for (size_t i = 0; (c = session_conn(s, i)); i++)
		if (conn_state(c) == CONN_LOGGED_IN)
			return conn_params(c);
	return &s->login.params;
}

const struct portal *
session_portal(const struct session *s)
{
	return &s->portal;
}

bool
session_is_forgotten(const struct session *s)
{
	return s->forgotten;
}

const struct portal *
session_moved(const struct session *s)
{
	return s->moved ? &s->portal : NULL;
}

lun_time
session_time2wait(const struct session *s)
{
	if (s->time2wait >= 0)			/* 7.5.2: instead of the default */
		return s->time2wait;
	return s->up ? s->login.params.DefaultTime2Wait * TIME_S : 0;
}

/* 8.1.1; without a connection 8.2.1, if it is to be cleaned up. */
static const char *
leg_state_name(const struct leg *leg)
{
	if (leg->conn)
		return conn_state_name(leg->conn);
	if (!leg->lost)
		return "FREE";
	return leg->carrier ? "IN_CLEANUP" : "CLEANUP_WAIT";
}

struct session_conn_status
session_conn_status(const struct session *s, size_t i)
{
	const struct leg *leg = &s->legs[i];

	return (struct session_conn_status){
		.cid = leg->login.cid,
		.wanted = leg->conn || i < s->n_legs,
		.state = leg_state_name(leg),
		.portal = &leg->portal,
	};
}

bool
session_outage(const struct session *s, struct session_outage *out)
{
	const struct leg *last = NULL;
	bool busy = false;

	for (size_t i = 0; i < s->n_legs; i++) {
		const struct leg *leg = &s->legs[i];

		busy |= leg->conn || leg->carrier;
		if (leg->lost && (!last || leg->lost_at > last->lost_at))
			last = leg;
	}
	if (s->state != SESSION_FAILED || !last)
		return false;
	*out = (struct session_outage){
		.cause = last->cause.text,
		.lost_at = last->lost_at,
		.next_at = busy ? TIME_NEVER : last->due,
		.gives_up_at = connrec_gives_up_at(last),
	};
	return true;
}

lun_time
session_lost_at(const struct session *s)
{
	return s->failed_at ? s->failed_at : session_now(s);
}

struct session_counters
session_counters(const struct session *s)
{
	struct session_counters sum = { 0 };

	session_counters_add(&sum, s);
	return sum;
}

void
session_counters_add(struct session_counters *sum, const struct session *s)
{
	sum->unsent_timeouts += s->unsent_timeouts;
	for (size_t i = 0; i < LEGS_MAX; i++) {
		const struct leg *leg = &s->legs[i];
		struct conn_counters here = leg->counted;

		if (leg->conn)
			conn_counters_add(&here, conn_counters(leg->conn));
		conn_counters_add(&sum->conns, &here);
		conn_counters_add(&sum->by_cid[i], &here);
	}
}
