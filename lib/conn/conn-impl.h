/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a connection, for the files of this folder:
 *
 *	conn.c		the object; what driver and session call
 *	states.c	the transition table of RFC 7143 8.1
 *	login-phase.c	from the TCP connection to the full feature phase
 *	dispatch.c	target PDUs -> handlers; StatSN and command window
 *	statuses.c	StatSN when responses were lost
 *	exchanges.c	pings, logout, asynchronous messages, rejects
 *	textreq.c	text negotiations
 *	conn-timers.c	all deadlines
 */
#ifndef CONN_CONN_IMPL_H
#define CONN_CONN_IMPL_H

#include <inttypes.h>

#include "base/error.h"
#include "conn/conn.h"
#include "conn/times.h"
#include "text/negotiate.h"
#include "text/text.h"

enum {
	PLUGS_MAX = 64,		/* rejected requests whose place is being filled */
	AHEAD_MAX = 16384,	/* responses that wait for one that was lost */
};

enum conn_event {
	EV_CONNECT,		/* a transport connect request is made */
	EV_CONNECTED,
	EV_LOGGED_IN,
	EV_LOGOUT,		/* a Logout Request is sent */
	EV_LOGOUT_REQUESTED,	/* async event 1 */
	EV_LOGGED_OUT,		/* a Logout Response 0 came */
	EV_FAILED,		/* transport, protocol, timeout, refusal */
};

struct conn {
	struct conn_config cfg;
	void *driver;

	/* where we are */
	enum conn_state state;
	unsigned news;			/* not yet taken */
	struct lun_error error;		/* the first that happened */
	bool stopped;			/* rx and tx may not be used any more */

	/* the stream */
	struct rx *rx;
	struct tx *tx;
	uint32_t exp_stat_sn;		/* of the next status to come */
	struct statuses {		/* from level 1 on; statuses.c */
		uint32_t ahead;		/* 0: no response was lost */
		unsigned asks;
		uint64_t came[AHEAD_MAX / 64], held[AHEAD_MAX / 64];
	} statuses;
	uint16_t next_tag;		/* for the ITTs of our own requests */
	bool resegments;		/* our MaxRecvDataSegmentLength changed, */
	uint32_t resegment_sn;		/* at this CmdSN */
	struct conn_counters counters;

	/* the login, and what came of it */
	struct login *login;
	struct login_result result;
	bool cut_out, cut_in;		/* the last text ended within a key */
	struct params params;

	/* pings of ours: at most one that asks whether the target lives */
	uint32_t ping_tag;		/* TAG_NONE: none under way */
	uint32_t ping_cmd_sn;		/* what was sent before it has one before */
	struct plug {			/* the like, for conn_plug() */
		uint32_t tag, cmd_sn;
	} plugs[PLUGS_MAX];
	unsigned n_plugs;

	/* logout */
	uint32_t logout_tag;
	lun_time logout_by;		/* as async event 1 asked for */
	lun_time time2wait;		/* of a logout that failed, or -1 */
	uint32_t removal_tag;		/* of that for another connection */
	struct removal removal;

	/* text, textreq.c */
	struct {
		struct text_exchange *x;	/* NULL: none under way */
		struct text_exchange own;	/* for async event 4 */
		bool negotiates;		/* x is own: answer proposals */
		struct negotiation nego;
		uint32_t tag;
		bool unfinished;		/* our last request had C=1 */
		unsigned parts;			/* of the answer so far */
		struct text out, in;
	} text;

	/* deadlines, conn-timers.c */
	struct conn_timer {
		struct timer t;
		struct conn *c;
	} phase_timer, nop_timer, text_timer, statuses_timer;
	lun_time now;			/* of the step under way */
	lun_time heard;			/* when something came last */
	lun_time asked;			/* of the pings since, the first one */
};

enum { CONN_FULL_FEATURE = CONN_LOGGED_IN | CONN_IN_LOGOUT | CONN_LOGOUT_REQUESTED };

/* states.c: takes the transition and tells the session; an event that the
 * table does not have in this state is our bug. */
void conn_enter(struct conn *c, enum conn_event event);

/* conn.c */
void conn_log(struct conn *c, enum lun_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conn_tell(struct conn *c, unsigned news);
uint32_t conn_new_tag(struct conn *c);
/* As conn_send(), with a copy of the data. */
int conn_send_copy(struct conn *c, struct pdu *pdu, const void *data, size_t len);

/* login-phase.c */
int login_phase_start(struct conn *c);
int login_phase_pdu(struct conn *c, const struct pdu *pdu, const uint8_t *data);

/* dispatch.c */
extern const struct rx_ops dispatch_ops;

/*
 * statuses.c: a PDU with this StatSN came, which is not the next one, or not
 * the only one that is out of place. 0, STATUS_AGAIN (its status was taken
 * before), or negative: the connection is lost.
 */
enum { STATUS_AGAIN = 1 };
int statuses_take(struct conn *c, uint32_t stat_sn);
/* The target says that this is the next one that it will use. */
int statuses_next(struct conn *c, uint32_t stat_sn);
void statuses_due(struct conn *c);	/* what was asked for did not come */

/* exchanges.c: PDUs that came */
int on_nop_in(struct conn *c, const struct pdu *pdu, const uint8_t *data);
int on_async(struct conn *c, const struct pdu *pdu, const uint8_t *data);
int on_reject(struct conn *c, const struct pdu *pdu, const uint8_t *data);
int on_logout_response(struct conn *c, const struct pdu *pdu, const uint8_t *data);
int conn_ping(struct conn *c);

/* textreq.c */
int on_text_response(struct conn *c, const struct pdu *pdu, const uint8_t *data);
int textreq_begin(struct conn *c, struct text_exchange *x);
void textreq_negotiate(struct conn *c);		/* for async event 4 */
void textreq_end(struct conn *c, int code, const struct lun_error *err);

/* conn-timers.c: facts */
int conn_timers_init(struct conn *c);
void conn_timers_deinit(struct conn *c);
void conn_timers_entered(struct conn *c);	/* a new state */
void conn_timers_pinged(struct conn *c);	/* it is about to be sent */
void conn_timers_ponged(struct conn *c);	/* our ping was answered */
void conn_timers_text(struct conn *c, bool under_way);
void conn_timers_statuses(struct conn *c, bool missing);

/* RFC 7143 7.1.5: what was lost is recovered within the connection. */
static inline bool
conn_mends(const struct conn *c)
{
	return c->params.ErrorRecoveryLevel > 0;
}

#endif
