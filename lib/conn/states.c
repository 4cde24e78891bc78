/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The states of a connection, RFC 7143 8.1.3, initiator's side:
 *
 *	FREE -T1-> XPT_WAIT -T4-> IN_LOGIN -T5-> LOGGED_IN -T9-> IN_LOGOUT -T13-> FREE
 *	             |T2             |T7            |T11   \T15        |T17
 *	             v               v              v       v          v
 *	            FREE            FREE    LOGOUT_REQUESTED -T16-> CLEANUP_WAIT
 *
 * A row's news go to the session. T8, T13, T18 in the sense of "the session was
 * closed on another connection" are taken by the session, which frees its
 * connections then; so does it with those in CLEANUP_WAIT, whose tasks it ends.
 */
#include <stdlib.h>

#include "conn/conn-impl.h"

static const struct transition {
	unsigned from;			/* enum conn_state, a mask */
	enum conn_event event;
	enum conn_state to;
	unsigned news;
} transitions[] = {
	/* T1 */
	{ CONN_FREE, EV_CONNECT, CONN_XPT_WAIT, NEWS_CONNECT },
	/* T2 */
	{ CONN_XPT_WAIT, EV_FAILED, CONN_FREE, NEWS_LOGIN_FAILED | NEWS_CLOSE },
	/* T4 */
	{ CONN_XPT_WAIT, EV_CONNECTED, CONN_IN_LOGIN, 0 },
	/* T5 */
	{ CONN_IN_LOGIN, EV_LOGGED_IN, CONN_LOGGED_IN, NEWS_LOGGED_IN },
	/* T7 */
	{ CONN_IN_LOGIN, EV_FAILED, CONN_FREE, NEWS_LOGIN_FAILED | NEWS_CLOSE },
	/* T9, T10 */
	{ CONN_LOGGED_IN | CONN_LOGOUT_REQUESTED, EV_LOGOUT, CONN_IN_LOGOUT, 0 },
	/* T11 */
	{ CONN_LOGGED_IN, EV_LOGOUT_REQUESTED, CONN_LOGOUT_REQUESTED,
	  NEWS_LOGOUT_REQUESTED },
	/* T12 */
	{ CONN_LOGOUT_REQUESTED, EV_LOGOUT_REQUESTED, CONN_LOGOUT_REQUESTED, 0 },
	/* T14 */
	{ CONN_IN_LOGOUT, EV_LOGOUT_REQUESTED, CONN_IN_LOGOUT, 0 },
	/* T13 */
	{ CONN_IN_LOGOUT, EV_LOGGED_OUT, CONN_FREE, NEWS_LOGGED_OUT | NEWS_CLOSE },
	/* T15, T16, T17 */
	{ CONN_FULL_FEATURE, EV_FAILED, CONN_CLEANUP_WAIT, NEWS_LOST | NEWS_CLOSE },
};

static const struct transition *
find(enum conn_state from, enum conn_event event)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		if (transitions[i].event == event && transitions[i].from & from)
			return &transitions[i];
	abort();			/* our bug: nobody raises it here */
}

void
conn_enter(struct conn *c, enum conn_event event)
{
	const struct transition *t = find(c->state, event);

	c->state = t->to;
	if (t->news & NEWS_CLOSE)
		c->stopped = true;
	conn_log(c, LUN_LOG_DEBUG, "%s", conn_state_name(c));
	conn_timers_entered(c);
	conn_tell(c, t->news);
}

const char *
conn_state_name(const struct conn *c)
{
	switch (c->state) {
	case CONN_FREE:
		return "FREE";
	case CONN_XPT_WAIT:
		return "XPT_WAIT";
	case CONN_IN_LOGIN:
		return "IN_LOGIN";
	case CONN_LOGGED_IN:
		return "LOGGED_IN";
	case CONN_IN_LOGOUT:
		return "IN_LOGOUT";
	case CONN_LOGOUT_REQUESTED:
		return "LOGOUT_REQUESTED";
	case CONN_CLEANUP_WAIT:
		return "CLEANUP_WAIT";
	}
	abort();
}
