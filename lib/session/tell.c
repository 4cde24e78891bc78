/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of connections, in the log. What happens to several of them at
 * one moment, as when a cable is pulled, has one cause, and is one line: the
 * first waits for a moment for the others, unless there can be no more of them,
 * or something else happens that is to be told behind it.
 */
#include <stdio.h>
#include <string.h>

#include "session/session-impl.h"

/* ", 3 tasks WHAT", of which there are some. */
static const char *
print_tasks(char *buf, size_t size, const char *sep, unsigned n, const char *one,
	    const char *many)
{
	*buf = '\0';
	if (n > 0)
		snprintf(buf, size, "%s%u %s", sep, n, n == 1 ? one : many);
	return buf;
}

static void
lost(struct session *s, const struct tell *t, const char *who)
{
	char tasks[64], bound[40] = "";

	print_tasks(tasks, sizeof(tasks), "; ", t->tasks,
		    "task waits for", "tasks wait for");
	if (t->tasks > 0)
		snprintf(bound, sizeof(bound), " %s recovery, %" PRId64 " s at "
			 "most", t->n > 1 ? "their" : "its", t->seconds);
	session_log(s, LUN_LOG_WARNING, "%s lost: %s%s%s", who, t->cause, tasks,
		    bound);
}

static void
recovered(struct session *s, const struct tell *t, const char *who)
{
	char moved[64], again[64];

	print_tasks(moved, sizeof(moved), ": ", t->tasks,
		    "task is reassigned", "tasks are reassigned");
	print_tasks(again, sizeof(again), *moved ? ", " : ": ", t->again,
		    "is sent again", "are sent again");
	session_log(s, LUN_LOG_WARNING, "%s recovered after %.1f s%s%s", who,
		    time_seconds(t->took), moved, again);
}

/* The same again and again is for those who want to know it. */
static void
not_back(struct session *s, const struct tell *t, const char *who)
{
	session_log(s, t->news ? LUN_LOG_INFO : LUN_LOG_DEBUG, "%s not back: %s; "
		    "%s tried again, for %" PRId64 " s at most", who, t->cause,
		    t->n > 1 ? "they are" : "it is", t->seconds);
}

void
tell_now(struct session *s)
{
	struct tell t = s->tell;
	char who[sizeof(t.first) + 8];

	s->tell.n = 0;
	timer_clear(&s->tell_timer.t);
	if (t.n > 1)
		snprintf(who, sizeof(who), "%u connections are", t.n);
	else
		snprintf(who, sizeof(who), "%s is", t.first);
	if (t.n > 0 && t.what == TELL_LOST)
		lost(s, &t, who);
	else if (t.n > 0 && t.what == TELL_RECOVERED)
		recovered(s, &t, who);
	else if (t.n > 0 && t.what == TELL_NOT_BACK)
		not_back(s, &t, who);
	else if (t.n > 0)
		session_log(s, LUN_LOG_INFO, "%s added", who);
}

/* The first of its kind says what it was, and which; then they add up. */
static struct tell *
begin(struct leg *leg, enum tell_what what)
{
	struct session *s = leg->s;
	struct tell *t = &s->tell;
	char portal[PORTAL_TEXT_MAX];

	if (t->n > 0 && t->what != what)
		tell_now(s);
	if (t->n++ > 0)
		return t;
	*t = (struct tell){ .what = what, .n = 1, .seconds = INT64_MAX };
	snprintf(t->first, sizeof(t->first), "conn %u to %s", leg->login.cid,
		 portal_print(&leg->portal, portal));
	timer_set(&s->tell_timer.t, time_add(session_now(s), TELL_MOMENT));
	return t;
}

/* Those that are to be recovered. */
static unsigned
n_lost(const struct session *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n_legs; i++)
		n += s->legs[i].lost;
	return n;
}

void
tell_lost(struct leg *leg, const char *cause, int64_t seconds)
{
	struct tell *t = begin(leg, TELL_LOST);

	if (t->n == 1)
		snprintf(t->cause, sizeof(t->cause), "%s", cause);
	t->tasks += leg->running;
	if (leg->running > 0 && seconds < t->seconds)
		t->seconds = seconds;
	if (t->n >= leg->s->n_legs)
		tell_now(leg->s);
}

void
tell_not_back(struct leg *leg, const char *cause, int64_t seconds, bool news)
{
	struct tell *t = begin(leg, TELL_NOT_BACK);

	if (t->n == 1) {
		snprintf(t->first, sizeof(t->first), "conn %u", leg->login.cid);
		snprintf(t->cause, sizeof(t->cause), "%s", cause);
	}
	t->news |= news;
	if (seconds < t->seconds)
		t->seconds = seconds;
	if (t->n >= n_lost(leg->s))
		tell_now(leg->s);
}

void
tell_recovered(struct leg *leg, lun_time took, unsigned tasks, unsigned again)
{
	struct tell *t = begin(leg, TELL_RECOVERED);

	if (took > t->took)
		t->took = took;
	t->tasks += tasks;
	t->again += again;
	if (n_lost(leg->s) == 0)
		tell_now(leg->s);
}

void
tell_added(struct leg *leg)
{
	begin(leg, TELL_ADDED);
	if (legs_n_ready(leg->s) >= leg->s->n_legs)
		tell_now(leg->s);
}

static void
due(struct timer *t, lun_time now)
{
	tell_now(container_of(t, struct session_timer, t)->s);
}

int
tell_init(struct session *s)
{
	s->tell_timer.s = s;
	return timer_init(&s->tell_timer.t, s->nexus.timers, due);
}

void
tell_deinit(struct session *s)
{
	timer_deinit(&s->tell_timer.t);
}
