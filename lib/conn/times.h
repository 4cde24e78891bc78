/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The times of connections, sessions and their recovery, in one table: those
 * that are ours to choose. The others come from
 *
 *	the user	the timeout, of which some are parts (below), and how long
 *			an outage may last: lun-setup.c configure()
 *	the target	Time2Wait and Time2Retain, by key, Logout Response or
 *			Async Message, 7.5; Parameter3 of an Async Message, 11.9
 *
 * Sections are those of RFC 7143.
 */
#ifndef CONN_TIMES_H
#define CONN_TIMES_H

#include "base/clock.h"

/* A back-off doubles from its _FIRST to its _LONGEST. */

/*	name			value	what is waited for		section */

/* connections: conn-timers.c, statuses.c, snack.c */
#define SNACK_ANSWER		(4 * TIME_S)	/* what a SNACK asks for; it is
						   sent again then:	7.8 */

/* sessions: legs.c, connrec.c, tell.c, task.c, tmf.c */
#define ADD_FIRST		(1 * TIME_S)	/* a further login that was
						   refused:		11.13.5 */
#define ADD_LONGEST		(64 * TIME_S)
#define LATER_FIRST		(1 * TIME_S)	/* a recovery logout or login
						   that failed: Time2Retain is
						   short:		8.2.2 */
#define LATER_LONGEST		(4 * TIME_S)
#define LATE_NEWS		(5 * TIME_S)	/* an async message of a drop that
						   was noticed before:	11.9.1 */
#define TELL_MOMENT		(100 * TIME_MS)	/* others that are lost at the
						   same time, for one log line */
#define TASK_TICK_LONGEST	(1 * TIME_S)	/* the clock of tasks: timeouts,
						   pings for lost ones:	7.1.4.2 */
#define TASK_TICK_SHORTEST	(10 * TIME_MS)
#define TMF_ANSWER_SHORTEST	(1 * TIME_S)	/* a TMF Response:	7.11 */

/* session recovery: recovery.c, backoff.c, lun-portals.c */
#define BACKOFF_FIRST		(1 * TIME_S)	/* the next round of logins, after
						   one at once:		6.3.5 */
#define BACKOFF_LONGEST		(16 * TIME_S)
#define BACKOFF_REFUSED		(60 * TIME_S)	/* ... what another attempt hardly
						   changes:		11.13.5 */
#define BACKOFF_HURRIED		(1 * TIME_S)	/* ... when its time is short */
#define SESSION_STABLE		(30 * TIME_S)	/* it was up so long: its end is
						   a new story; one that dies
						   sooner goes on with the old
						   one, so that it backs off */
#define PORTALS_ASK_AFTER	(5 * TIME_S)	/* from a loss to SendTargets,
						   if it lasts:		10.1.2 */

/* units: unit.c, disk.c */
#define RETRY_DELAY_FIRST	(10 * TIME_MS)	/* a command that was refused for
						   now: BUSY, TASK SET FULL */
#define RETRY_DELAY_LONGEST	(1 * TIME_S)
#define DISK_PROBE_AGAIN	(1 * TIME_S)	/* one that did not answer */
#define DISK_RETURN_AGAIN	(5 * TIME_S)	/* one that was replaced */

/* Discovery sessions: lun-sendtargets.c */
#define DISCOVERY_LOGOUT	(2 * TIME_S)	/* a Logout Response: who has told
						   all may forget it:	11.15 */

/* Parts of the user's timeout, which bounds connect, login, logout, text and
 * commands as a whole. */
enum {
	NOP_INTERVAL_PART	= 2,	/* silence until a ping:	7.14 */
	NOP_ANSWER_PART		= 2,	/* then, until it is lost:	7.14 */
	TMF_ANSWER_PART		= 3,	/* each step of an abort:	7.11 */
	TASK_TICK_PART		= 4,
};

#endif
