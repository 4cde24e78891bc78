/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Level 2: the target lets go of a connection that is lost (RFC 7143 6.3.4,
 * 7.2, 11.14), each way after the one before it:
 *
 *	a logout on another connection, "remove for recovery"
 *	a login with its CID, if no other one lives, or that logout is not
 *	answered: it may have been lost with something else, and its target be
 *	well otherwise
 *	the session is made again, when the time for all of it is over
 */
#include "login/status.h"
#include "session/session-impl.h"

/* The target has let go of the connection. */
static void
cleaned(struct leg *leg, lun_time time2wait, lun_time time2retain)
{
	leg->cleaned = true;
	leg->due = time_add(session_now(leg->s), time2wait);
	leg->give_up_at = time_add(leg->due, time2retain);
}

void
connrec_reinstated(struct leg *leg)
{
	cleaned(leg, 0, leg->time2retain);
}

static void
try_later(struct leg *leg, lun_time time2wait)
{
	lun_time wait = leg->later ? leg->later : LATER_FIRST;

	leg->due = time_add(session_now(leg->s),
			    time2wait > wait ? time2wait : wait);
	leg->later = 2 * wait < LATER_LONGEST ? 2 * wait : LATER_LONGEST;
}

/* RFC 7143 11.15.1, 11.15.3, 11.15.4 */
static void
on_response(struct leg *leg, const struct removal *r)
{
	struct session *s = leg->s;
	lun_time wait = r->time2wait * TIME_S, retain = r->time2retain * TIME_S;
	/* 0 means that the tasks are gone; but there are targets that say 0 for
	 * both times and mean nothing by it: TASK REASSIGN tells. */
	bool gone = retain == 0 && wait > 0;

	/* one that was done may not have been answered, or not like that */
	if (r->response == LOGOUT_NO_CID && leg->removals == 1)
		gone = true;

	if (r->response == LOGOUT_NO_RECOVERY || (gone && leg->running > 0)) {
		session_give_up(s, LUN_ELOST, "conn %u cannot be recovered "
				"(Logout Response %u, Time2Wait %u s, Time2Retain "
				"%u s)", leg->login.cid, r->response,
				r->time2wait, r->time2retain);
	} else if (r->response == LOGOUT_CLEANUP_FAILED) {
		try_later(leg, wait);
		session_log(s, LUN_LOG_INFO, "conn %u is not cleaned up (Logout "
			    "Response 3): the target is asked again in %" PRId64
			    " s", leg->login.cid,
			    (leg->due - session_now(s)) / TIME_S);
		if (gone)
			leg->give_up_at = leg->due;
	} else {
		cleaned(leg, wait, retain > 0 ? retain : leg->time2retain);
	}
}

void
connrec_removed(struct leg *carrier)
{
	struct session *s = carrier->s;

	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if (leg->carrier != carrier)
			continue;
		leg->carrier = NULL;
		on_response(leg, conn_removal(carrier->conn));
		return;
	}
}

void
connrec_login_failed(struct leg *leg)
{
	struct session *s = leg->s;
	const struct login_result *l = conn_login_result(leg->conn);
	/* one too many: until the target knows that the old one is lost */
	bool refused = l->status_class == LOGIN_CLASS_INITIATOR &&
	    l->status_detail != TOO_MANY_CONNECTIONS;
	struct lun_error err = *conn_error(leg->conn);
	unsigned why = 1u << -err.code;
	/* another portal group: to ask again changes nothing */
	bool elsewhere = err.code == LUN_ENOTFOUND && !legs_ready(s);

	s->forgotten |= refused && l->status_detail == NO_SUCH_SESSION;
	connrec_note(leg, &err);
	leg_drop_conn(leg);
	if (refused || elsewhere) {
		session_give_up(s, LUN_ELOST, "%s", err.text);
		return;
	}
	tell_not_back(leg, leg->cause.text, connrec_seconds_left(leg),
		      !(s->told & why));
	s->told |= why;
	try_later(leg, 0);
}

/* ------------------------------------------------------------ the ways -- */

static bool
any_opening(const struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (leg_is_opening(&s->legs[i]))
			return true;
	return false;
}

/* Of one Logout Request at a time on a connection: 4.2.2.1. One that owes an
 * answer to a ping may be lost, too: it is the last choice. */
static struct leg *
free_carrier(struct session *s)
{
	struct leg *last = NULL;

	for (size_t i = 0; i < s->n_legs; i++) {
		struct leg *leg = &s->legs[i];

		if (!leg_is_ready(leg) || conn_is_removing(leg->conn))
			continue;
		if (!conn_is_asked(leg->conn))
			return leg;
		last = leg;
	}
	return last;
}

/* Another one that is lost has asked: then there will be a free one. */
static bool
any_asking(const struct session *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (s->legs[i].carrier)
			return true;
	return false;
}

static void
stop_waiting(struct leg *leg)
{
	session_log(leg->s, LUN_LOG_WARNING, "conn %u: its removal was not answered "
		    "on conn %u within %" PRId64 " s: a new login takes its place",
		    leg->login.cid, leg->carrier->login.cid,
		    tmf_answer_time(leg->s) / TIME_S);
	leg->carrier = NULL;
	leg->unheard = true;
}

lun_time
connrec_clean_up(struct leg *leg, lun_time now)
{
	struct session *s = leg->s;
	struct leg *carrier;
	struct lun_error err;

	if (leg->carrier && now < leg->answer_by)
		return leg->answer_by;
	if (leg->carrier)
		stop_waiting(leg);
	carrier = leg->unheard ? NULL : free_carrier(s);
	if (carrier) {
		leg->carrier = carrier;
		leg->removals++;
		leg->answer_by = time_add(now, tmf_answer_time(s));
		conn_remove(carrier->conn, leg->login.cid, leg->exp_stat_sn, now);
		return leg->answer_by;
	}
	if (!any_asking(s) && !any_opening(s)) {
		leg->removals++;	/* also if it fails, perhaps: 6.3.4 */
		if (leg_connect(leg, &err) < 0)
			try_later(leg, 0);
	}
	return leg->due;
}
