/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A session: the I_T nexus between us and a target (RFC 7143 4.4). It owns its
 * connections, the command numbering, and the table of tasks.
 *
 * The driver does its I/O and calls, in any order and number:
 *
 *	conn_connected, conn_rx_ack, conn_tx_ack, conn_lost	facts
 *	timers_run						the clock
 *	session_step		once before it sleeps, if stirred: events are
 *				handled, completions called; then it sends what
 *				conn_tx_iov() has
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "conn/conn.h"
#include "session/command.h"

struct session;

struct session_driver {
	/* session_step() is wanted before the driver sleeps. Cheap, idempotent,
	 * must not call back. */
	void (*stir)(void *user, struct session *s);
	/* Make a TCP connection; conn_connected() or conn_lost() follow. Called
	 * from session_step() only, as close is. */
	void (*connect)(void *user, struct conn *c, const struct portal *portal);
	/* Close it now and forget c. Exactly once for each that connect was
	 * called for, also if that failed or the driver itself said conn_lost(). */
	void (*close)(void *user, struct conn *c);
};

/* Called from session_step() only. They may submit and stop; only down() may
 * be followed at once by session_free(), after it has returned. */
struct session_ops {
	/* The first login is done: commands may be submitted. */
	void (*up)(void *user);
	/* It could not be made, or ended. All commands have been completed.
	 * Comes once; nothing comes after it. */
	void (*down)(void *user, const struct lun_error *err);
	/* Unit attention or the like, told by an asynchronous message; sense
	 * is valid during the call, which comes while the PDU is handled. */
	void (*scsi_event)(void *user, uint64_t lun, const uint8_t *sense,
			   size_t len);
	/* session_outage() may say something else than before. NULL is fine. */
	void (*wavers)(void *user);
};

struct session_config {			/* copied by session_new() */
	struct login_config login;	/* its pointers are borrowed for life */
	struct portal portal;
	/* Others of the target, for more connections: those with the tag of the
	 * portal group that serves the session are used. Borrowed for life. */
	const struct portal *portals;
	size_t n_portals;
	struct conn_timeouts timeouts;
	lun_time command_timeout;
	/* Level 2: so long a command may be without a connection, from its first
	 * loss on (or its waits_since); when it has none then, the session is
	 * given up. */
	lun_time recovery_time;
	bool target_reset;		/* it may be, if nothing else helps */
	const char *label;		/* borrowed for life; in all log lines */
	const char *via;		/* as in conn_config; borrowed for life */
	/* Borrowed for life: what becomes of I/O while it is lost, for people.
	 * NULL: not said. */
	const char *meanwhile;
};

int session_new(struct session **out, const struct session_config *config,
		const struct lun_env *env, struct timers *timers,
		const struct session_driver *driver, void *driver_user,
		const struct session_ops *ops, void *user, lun_time now,
		struct lun_error *err);

/* Completes what is outstanding with LUN_ECANCELED (done is called from here),
 * closes its connections through the driver. NULL is fine. */
struct session *session_free(struct session *s);

/* More is known than there was in the configuration. Borrowed as it was. */
void session_set_portals(struct session *s, const struct portal *portals,
			 size_t n_portals);

/* Begins the login. */
void session_start(struct session *s, lun_time now);

/* Waits for outstanding tasks (bounded by the command timeout), logs out; then
 * down() with LUN_ECANCELED. */
void session_stop(struct session *s, lun_time now);

/* It has lost connections, and waits before it does something about it: now. */
void session_retry(struct session *s, lun_time now);

/* How many commands were completed. */
size_t session_step(struct session *s, lun_time now);

/* How many commands were submitted and are not completed. */
size_t session_load(const struct session *s);
/* And do some wait for the target to open its window? */
bool session_window_is_full(const struct session *s);

/* The commands' way in. */
struct nexus *session_nexus(struct session *s);

/* One text exchange on any connection; see conn_text(). */
int session_text(struct session *s, struct text_exchange *x, lun_time now);

/* Task management (aborts of single commands are made by cancelling them); done exactly once, from session_step().
 * response is enum tmf_response, valid if code is 0. */
struct tmf {
	uint8_t function;		/* enum tmf_function */
	uint64_t lun;
	void (*done)(struct tmf *t, int code, uint8_t response);
	void *user;
	int ends_with;			/* result of the commands that it ends;
					   0: LUN_ECANCELED */
	bool may_fail;			/* no answer is told like any other; else
					   it costs the connection */

	/* the session's own */
	struct list link;
	uint32_t initiator_task_tag;
	void *leg, *task;		/* the task of an ABORT TASK */
	uint32_t cmd_sn;		/* its place among the commands */
	lun_time deadline;
	int code;
	uint8_t response;
	bool counted;			/* by the first connection that had it */
};
void session_tmf(struct session *s, struct tmf *t, lun_time now);

/* For reports. */
const char *session_state_name(const struct session *s);	/* RFC 7143 8.3 */
/* The connection with CID i + 1, whether it is there or not. */
struct session_conn_status {
	uint16_t cid;
	bool wanted;			/* else there is none, at least now */
	const char *state;		/* 8.1; of a lost one 8.2 */
	const struct portal *portal;	/* where it is, or was; host "": nowhere */
};
struct session_conn_status session_conn_status(const struct session *s,
					       size_t i);
/* Is it FAILED, and recovers by itself, as level 2 has it? */
struct session_outage {
	const char *cause;
	lun_time lost_at, next_at;	/* TIME_NEVER: it is under way */
	lun_time gives_up_at;		/* on it: then the session is lost */
};
bool session_outage(const struct session *s, struct session_outage *out);
/* It is down: since when was it of no use? */
lun_time session_lost_at(const struct session *s);
const struct login_result *session_login(const struct session *s);
const struct params *session_params(const struct session *s);
struct conn *session_conn(const struct session *s, size_t i);	/* NULL: no more */
const struct portal *session_portal(const struct session *s);
/* At level 2 it was to go on, in time, and the target did not know it any more. */
bool session_is_forgotten(const struct session *s);
/* After a permanent redirection: where it went. Else NULL. */
const struct portal *session_moved(const struct session *s);
/* A new login to the target may not come before this has passed (11.9.1,
 * 11.15.3, 13.15). */
lun_time session_time2wait(const struct session *s);
enum { SESSION_CONNS_MAX = 16 };
struct session_counters {
	uint64_t unsent_timeouts;	/* of commands that no connection had */
	struct conn_counters conns;	/* the sum of all that were, too */
	/* The same by CID, of which 1 is the first. */
	struct conn_counters by_cid[SESSION_CONNS_MAX];
};
struct session_counters session_counters(const struct session *s);
void session_counters_add(struct session_counters *sum, const struct session *s);

#endif
