/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The states of a session, RFC 7143 8.3.1 and 8.3.4, initiator's side. */
#include <stdlib.h>

#include "session/session-impl.h"

static const struct {
	enum session_state from;
	enum session_event event;
	enum session_state to;
} transitions[] = {
	{ SESSION_FREE, SEV_LOGGED_IN, SESSION_LOGGED_IN },	/* N1 */
	{ SESSION_LOGGED_IN, SEV_CLOSED, SESSION_FREE },	/* N3 */
	{ SESSION_LOGGED_IN, SEV_FAILED, SESSION_FAILED },	/* N5 */
	{ SESSION_FAILED, SEV_CONTINUED, SESSION_LOGGED_IN },	/* N4 */
	{ SESSION_FAILED, SEV_GIVEN_UP, SESSION_FREE },		/* N6 */
};

void
session_enter(struct session *s, enum session_event event)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		if (transitions[i].from != s->state ||
		    transitions[i].event != event)
			continue;
		s->state = transitions[i].to;
		if (event == SEV_FAILED)
			s->failed_at = session_now(s);
		else if (event == SEV_CONTINUED)
			s->failed_at = 0;
		session_log(s, LUN_LOG_DEBUG, "session %s", session_state_name(s));
		if (s->ops->wavers)
			s->ops->wavers(s->user);
		return;
	}
	abort();
}

const char *
session_state_name(const struct session *s)
{
	switch (s->state) {
	case SESSION_FREE:
		return "FREE";
	case SESSION_LOGGED_IN:
		return "LOGGED_IN";
	case SESSION_FAILED:
		return "FAILED";
	}
	abort();
}
