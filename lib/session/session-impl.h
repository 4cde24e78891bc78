/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a session, for the files of this folder:
 *
 *	session.c	the object: what follows from news, stepping, stopping
 *	legs.c		its connections: opening, choosing, closing
 *	connrec.c	a connection that was lost, at recovery level 2
 *	cleanup.c	the target lets go of it
 *	session-states.c	the transition table of RFC 7143 8.3
 *	task.c		the table of tasks: begin, end, timeouts
 *	schedule.c	what a connection sends next
 *	datain.c	Data-In and responses
 *	snack.c		what was lost of them is asked for again (level 1)
 *	retry.c		commands that were lost are sent again (level 1)
 *	dataout.c	immediate, unsolicited and solicited data
 *	tmf.c		task management
 *	report.c	what it tells of itself
 *
 * The life of a command:
 *
 *	submit -> waiting -> (schedule: a task, a CmdSN, a leg) -> running
 *	       -> (response, failure, abort) -> ended -> done
 *
 * It is on exactly one of the lists waiting, ended, or has a task; done is
 * called from session_step() only.
 */
#ifndef SESSION_SESSION_IMPL_H
#define SESSION_SESSION_IMPL_H

#include <inttypes.h>

#include "base/error.h"
#include "conn/times.h"
#include "session/ranges.h"
#include "session/session.h"

enum {
	R2T_MAX		= 16,	/* MaxOutstandingR2T that we offer at most */
	TASKS_MAX	= 4096,	/* running at once; ITTs have 12 bits for it */
	TASK_CHUNK	= 64,	/* tasks are made so many at a time */
	LEGS_MAX	= SESSION_CONNS_MAX,
	LATE_TMFS_MAX	= 4,	/* of a connection */
	REDIRECTS_MAX	= 4,	/* in a row, before the login is given up */
};

enum session_state {		/* RFC 7143 8.3.1 */
	SESSION_FREE,		/* Q1 */
	SESSION_LOGGED_IN,	/* Q3 */
	SESSION_FAILED,		/* Q4 */
};

/* A run of data that the target may be sent: unsolicited, or for an R2T. */
struct burst {
	uint32_t target_transfer_tag;	/* TAG_NONE: unsolicited */
	uint32_t offset, end;		/* offset: the next byte to send */
	uint32_t data_sn;
};

/* What of a task was lost and is to come again: from level 1 on, snack.c. */
struct mend {
	bool active;			/* else the others are 0 */
	uint32_t seen;			/* all DataSN before it were sent */
	bool last;			/* and there are no others */
	bool tail;			/* there are others: nobody says how many */
	bool refused;			/* they will not come */
	bool anew;			/* the first again, then all: R-Data */
	struct ranges late;		/* DataSN that came behind a gap */
	unsigned asks;			/* without progress */
	lun_time due;			/* for the next */
	bool status;			/* it is here and waits for the data */
	bool holds;			/* its StatSN, in the connection */
	uint32_t stat_sn;
	bool acks;			/* a DataACK is due when ack_sn is reached */
	uint32_t ack_sn, ack_ttt;
	uint64_t ack_lun;
};

struct task {
	struct session *s;
	struct list link;		/* s->running, or s->idle */
	struct list sending;		/* leg->unsolicited or ->solicited */
	struct command *cmd;		/* NULL: idle */
	struct leg *leg;		/* its connection: allegiance, 4.2.2.3 */
	uint32_t initiator_task_tag;	/* index, and a count of reuses */
	uint32_t cmd_sn;
	lun_time deadline;

	uint32_t exp_data_sn;		/* of its Data-In and R2Ts, 4.2.2.4 */
	struct mend mend;
	uint32_t sequence_sn;		/* level 1: where the last sequence of
					   Data-In begins; it is over */
	bool sequence_over;
	uint32_t acked_sn, acked_bytes;	/* by DataACK, by a reassignment;
					   UINT32_MAX: not known */
	uint32_t snack_tag;		/* of the last R-Data; 0: none */
	unsigned ticks, retries;	/* retry.c: of the clock; of the command */
	bool in_progress;		/* so its retry was rejected: no more */
	struct ranges in;		/* which bytes came */
	struct ranges out;		/* which were given to the connection */
	uint64_t out_last;		/* in the PDU with this number at last;
					   repetitions do not count */
	struct burst bursts[R2T_MAX];	/* a ring, in the order of the R2Ts */
	unsigned first_burst, n_bursts;
	bool muted;			/* FastAbort: it sends no data, tmf.c */

	int end_code;			/* what an abort means to the caller */
	struct tmf abort;		/* its own ABORT TASK */
	bool aborting;
	bool given_up;			/* ended from another connection */
	int reset_code;			/* a reset was sent that may end it, with
					   this result; 0: none */

	/* connrec.c */
	struct tmf reassign;		/* its own TASK REASSIGN */
	bool reassigning;
	bool resumes;			/* R2Ts come with any number */
	bool damaged;			/* there are gaps in its data */
	unsigned reassigns;
};

/* A connection and what its tasks have to send on it. */
struct leg {
	struct session *s;
	struct conn *conn;		/* NULL: not in use */
	bool driven;			/* driver->connect was called for it */
	struct login_config login;
	struct portal portal;		/* where it is, or was at last */
	struct conn_counters counted;	/* by those that it had, and for it */
	struct list unsolicited;	/* tasks, in the order of their commands */
	struct list solicited;		/* tasks, taken in turns */
	bool solicited_turn;		/* fairness, schedule.c */
	unsigned running;		/* tasks allegiant to it */
	uint64_t taken;			/* commands, */
	bool behind;			/* far less than by others: legs.c */
	struct tmf *tmf;		/* the one that is sent and not answered */
	struct late_tmf {		/* given up, but may be answered yet */
		struct tmf t;		/* as it was; ITT TAG_NONE: none */
		uint32_t aborts;	/* the ITT of its task */
	} late_tmfs[LATE_TMFS_MAX];	/* a ring */
	unsigned next_late_tmf;
	bool fence;			/* a new request is to follow a retry */

	/* Level 2, connrec.c. While it is lost it has no connection, or one
	 * that logs in, and its tasks wait. */
	bool lost, cleaned, was_lost;
	unsigned removals;		/* logouts for it: explicit, implicit */
	lun_time time2wait, time2retain;	/* should it be lost */
	uint32_t exp_stat_sn;		/* of what was lost: 11.14.4 */
	lun_time lost_at, due, give_up_at;
	lun_time waits_since;		/* the first loss that one of its tasks
					   has met; TIME_NEVER: it had none */
	lun_time later;			/* back-off after what failed; 0: nothing
					   has */
	struct dropped {		/* the target has told of it, too: */
		bool told;		/* this is for the log, behind the loss */
		uint16_t time2wait, time2retain;
	} dropped;
	struct lun_error cause;		/* of the loss, or the last failure to be
					   back; it names the portal */
	struct leg *carrier;		/* has sent the logout for it */
	lun_time answer_by;		/* ... and its answer is waited for */
	bool unheard;			/* ... in vain */
};

struct session {
	struct nexus nexus;		/* what the SCSI layer sees */
	struct session_config cfg;
	const struct session_driver *driver;
	void *driver_user;
	const struct session_ops *ops;
	void *user;

	enum session_state state;
	lun_time failed_at;		/* and not continued since; 0: never */
	bool up;			/* ops->up was called */
	bool stopping;			/* session_stop() */
	bool over;			/* nothing goes on; down is due or was told */
	bool told_down;
	struct lun_error error;

	struct window window;
	struct leg legs[LEGS_MAX];	/* a leg keeps its CID for life */
	size_t n_legs;			/* so many are wanted */
	size_t next_portal;		/* for the next of them */
	struct leg *turn;		/* it takes commands, legs.c: */
	uint32_t turn_left;		/* so many bytes; 0: choose again */
	uint8_t lists_refused;		/* by the target, see login.h */
	lun_time add_wait;		/* back-off after a failed attempt */
	bool add_told;			/* that one cannot be added, and why */
	struct leg *closing;		/* sent the logout of the session */
	bool gives_up;			/* a loss is that of the session now */
	bool forgotten;			/* the target does not know it any more */
	bool reassigns_by_lun;		/* the target wants to see it */
	struct portal portal;		/* of the leading login */
	unsigned redirects;
	bool moved;			/* for good */
	lun_time time2wait;		/* as the target said when it left us; -1 */
	uint16_t tsih;
	struct login_result login;	/* of the leading connection */

	struct task **tasks;		/* by the low bits of the ITT */
	unsigned n_tasks;
	struct list idle, running;
	struct list waiting, ended;	/* commands */
	size_t n_commands;		/* submitted, not done */
	lun_time mute_since;		/* a timeout before the first command that
					   was in vain; 0: one was answered since */
	struct list tmfs, tmfs_ended;
	uint32_t next_tmf_tag;

	struct session_text {		/* session_text(): its answer, till told */
		struct text_exchange *x, inner;
		struct leg *leg;
		bool ended;
		int code;
		struct lun_error err;
		const char *text;
		size_t len;
	} text;

	struct session_timer {
		struct timer t;
		struct session *s;
	} clock, stop_timer, add_timer, rec_timer, tell_timer;
	struct tell {			/* not told yet, tell.c */
		enum tell_what {
			TELL_LOST, TELL_NOT_BACK, TELL_RECOVERED, TELL_ADDED,
		} what;
		unsigned n;		/* connections; 0: nothing */
		unsigned tasks, again;
		int64_t seconds;	/* that are waited at most */
		bool news;		/* not what was told before */
		lun_time took;
		char first[PORTAL_TEXT_MAX + 16];
		char cause[sizeof(((struct lun_error *)0)->text)];
	} tell;
	uint64_t unsent_timeouts;
	unsigned told;			/* why connections are not back, since one
					   was lost: codes, each a bit */
};

static inline lun_time
session_now(const struct session *s)
{
	return s->nexus.timers->now;
}

/* RFC 7143 7.1.5: what is lost is mended within command and connection. */
static inline bool
mends(const struct session *s)
{
	return s->login.params.ErrorRecoveryLevel > 0;
}

/* session.c */
void session_log(struct session *s, enum lun_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void session_stir(struct session *s);
/* Nothing less than the recovery of the session helps. */
void session_give_up(struct session *s, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* legs.c */
int legs_init(struct session *s);	/* 0 or LUN_ENOMEM */
void legs_deinit(struct session *s);	/* they are closed */
/* Begins a login: the leading one, or as the session has it now. */
int leg_connect(struct leg *leg, struct lun_error *err);
void leg_close(struct leg *leg, int result);	/* what it has to do ends */
void leg_drop_conn(struct leg *leg);		/* and only that */
/* Opens those that are wanted and not there, one after the other. */
void legs_add(struct session *s);
void legs_add_later(struct session *s);		/* with back-off */
bool leg_is_opening(const struct leg *leg);	/* on the way to LOGGED_IN */
bool leg_is_ready(const struct leg *leg);	/* in LOGGED_IN */
/* The first of those; the one with the fewest tasks; how many there are. */
struct leg *legs_ready(struct session *s);
struct leg *legs_least(struct session *s);
size_t legs_n_ready(const struct session *s);
/* Is no other one in the full feature phase? */
bool leg_is_last(const struct leg *leg);
/* Is it this one that takes the next command? It did. */
bool leg_takes(struct leg *leg);
void leg_took(struct leg *leg, const struct command *cmd);
/* What the target has told of losses that were known. */
void legs_tell_dropped(struct session *s);
/* Those that are to be logged out go when their tasks are over. */
void legs_log_out(struct session *s, lun_time now);
/* It did not become idle in time: what is under way ends with the logout. */
void legs_log_out_now(struct session *s, lun_time now);

/* session-states.c; a transition that RFC 7143 8.3 does not have is our bug */
enum session_event {
	SEV_LOGGED_IN, SEV_CLOSED, SEV_FAILED, SEV_CONTINUED, SEV_GIVEN_UP,
};
void session_enter(struct session *s, enum session_event event);

/* task.c */
extern const struct nexus_ops task_nexus_ops;
/* For a command that waits; NULL: it waits on. */
struct task *task_new(struct session *s, struct command *cmd, struct leg *leg);
struct task *task_find(struct session *s, uint32_t initiator_task_tag);
/* Was this the last one of its slot, and ended without a response? */
bool task_was_given_up(const struct session *s, uint32_t initiator_task_tag);
void task_idle(struct task *t);	/* unless something still needs it */
/* Its command is over with this result; the task is idle again. */
void task_end(struct task *t, int result);
void task_abort(struct task *t, int end_code);
void task_aborted(struct task *t);	/* the target has forgotten it */
void tasks_end_all(struct session *s, struct leg *leg, int result);
void command_end(struct session *s, struct command *cmd, int result);
void command_unlink(struct session *s, struct command *cmd);
void commands_end_waiting(struct session *s, int result);
int task_clock_init(struct session *s);
void task_clock_start(struct session *s);	/* there is something to watch */
void tasks_free(struct session *s);
/* A request with this CmdSN was rejected: another one takes its place. */
void task_rejected(struct session *s, struct leg *leg, const struct pdu *bad,
		   uint8_t reason);

/* connrec.c */
int connrec_init(struct session *s);	/* 0 or LUN_ENOMEM */
void connrec_deinit(struct session *s);
/* Its connection is lost. False: and with it the session (not over yet). */
bool connrec_begin(struct leg *leg);
void connrec_note(struct leg *leg, const struct lun_error *err);	/* its cause */
/* The target says how long it waits (11.9.1). */
void connrec_times(struct leg *leg, lun_time time2wait, lun_time time2retain);
void connrec_step(struct session *s, lun_time now);
lun_time connrec_gives_up_at(const struct leg *leg);
int64_t connrec_seconds_left(const struct leg *leg);	/* at most */
/* Is something under way that has this CmdSN? */
bool connrec_has_owner(const struct session *s, uint32_t cmd_sn);

/* cleanup.c */
/* What can be done now; when there is something else to do. */
lun_time connrec_clean_up(struct leg *leg, lun_time now);
void connrec_reinstated(struct leg *leg);
void connrec_login_failed(struct leg *leg);
void connrec_removed(struct leg *carrier);	/* NEWS_REMOVED */

/* schedule.c */
bool schedule_fill(void *user, struct conn *c);
/* The SCSI Command of a task; again: with the CmdSN that it has. */
void command_send(struct task *t, bool again);

/* dataout.c */
uint32_t dataout_immediate(struct task *t);
bool dataout_unsolicited(struct task *t, uint32_t immediate);
void dataout_send(struct task *t);
/* Are all the bytes that the target says it took on their way? */
bool dataout_sent(const struct task *t);
int dataout_r2t(struct task *t, const struct pdu *pdu);
void dataout_drop(struct task *t);	/* no more of what it was to send */
void dataout_stop(struct leg *leg, uint64_t lun);
void dataout_mute(struct task *t, bool muted);	/* what it has waits */
void dataout_restart(struct task *t);	/* nothing of it was sent */

/* datain.c */
int datain_header(void *user, struct conn *c, const struct pdu *pdu,
		  void **place);
/* Its task is over without its data: as if with CHECK CONDITION, 7.8. */
void datain_lost(struct task *t);
void datain_snack_rejected(struct leg *leg, const struct pdu *bad);
int datain_pdu(void *user, struct conn *c, const struct pdu *pdu,
	       const uint8_t *data, bool digest_ok);

/* snack.c */
enum { SNACK_HELD = 1, SNACK_LOST, SNACK_ANEW };
void snack_damaged(void *user, struct conn *c, const struct pdu *pdu);
/* Did this Data-In or R2T come before? */
bool snack_has(const struct task *t, uint32_t data_sn);
/* One with this number, not the next: 0, or the connection is lost. */
void snack_sequence(struct task *t, const struct pdu *pdu);	/* F bit */
int snack_check(struct task *t, const char *what, uint32_t data_sn);
/* status: the PDU, if status is in it. SNACK_ANEW: it does not count. */
int snack_came(struct task *t, uint32_t data_sn, const struct pdu *status);
void snack_acknowledge(struct task *t, const struct pdu *pdu);	/* A bit */
void snack_reassigned(struct task *t);	/* a TASK REASSIGN goes out */
/* Status came and is in the command. 0: it is over; SNACK_HELD: it waits for
 * data; SNACK_LOST: it is void, as the data is lost; negative. */
int snack_status(struct task *t, const struct pdu *pdu, bool data_missing);
/* Data came: is a status that waited for it good now? */
bool snack_done(struct task *t, bool data_missing);
int snack_rejected(struct session *s, struct leg *leg, const struct pdu *bad);
void snack_tick(struct task *t, lun_time now);
void snack_end(struct task *t);

/* retry.c */
void retry_ponged(void *user, struct conn *c, uint32_t cmd_sn,
		  uint32_t exp_cmd_sn);
/* False: it is over. */
bool retry_rejected(struct session *s, struct leg *leg, const struct pdu *bad,
		    uint8_t reason);
void retry_tick(struct session *s, lun_time now);

/* tell.c */
int tell_init(struct session *s);	/* 0 or LUN_ENOMEM */
void tell_deinit(struct session *s);
/* Its tasks wait for it, so many seconds at most. */
void tell_lost(struct leg *leg, const char *cause, int64_t seconds);
/* An attempt has failed, and others follow for so many seconds at most. */
void tell_not_back(struct leg *leg, const char *cause, int64_t seconds, bool news);
/* So many of its tasks are reassigned, and so many sent again. */
void tell_recovered(struct leg *leg, lun_time took, unsigned tasks,
		    unsigned again);
void tell_added(struct leg *leg);
void tell_now(struct session *s);	/* what is not told yet */

/* tmf.c */
/* Neither under way nor ended without having been told. */
static inline bool
tmf_is_idle(const struct tmf *t)
{
	return !t->link.next || list_empty(&t->link);
}
/* How long each is waited for. */
lun_time tmf_answer_time(const struct session *s);
int tmf_response(struct session *s, struct leg *leg, const struct pdu *pdu);
void tmf_rejected(struct leg *leg, uint32_t initiator_task_tag, uint8_t reason);
void tmfs_expire(struct session *s, lun_time now);
/* leg NULL: those that have none. */
void tmfs_end_all(struct session *s, struct leg *leg, int code);
void tmfs_orphan(struct leg *leg);	/* it is lost */
void tmfs_forget_late(struct leg *leg);
void tmf_spare(struct session *s, struct tmf *t);	/* if it is not sent yet */
void tmfs_adopt(struct session *s);	/* those that belong to no task */
void tmf_move(struct tmf *t, struct leg *to);
/* FastAbort: was one sent on this connection that may end it yet? */
bool tmf_mutes(const struct leg *leg, const struct task *task);
void tmfs_run(struct session *s);

#endif
