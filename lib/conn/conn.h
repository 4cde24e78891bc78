/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection of a session (RFC 7143 8.1): its receiver and sender, its
 * login, its StatSN, and the exchanges that belong to a connection and not to
 * a task: pings, text, asynchronous messages, logout.
 *
 * It is between two others and does no I/O:
 *
 *	the driver	has the socket. It is asked (through the session) to
 *			connect and close, and reports with conn_connected(),
 *			conn_rx_ack(), conn_tx_ack(), conn_lost().
 *	the session	owns the connection. It is asked at once where data
 *			belongs (conn_ops.header) and given the PDUs of tasks
 *			(conn_ops.pdu); everything else reaches it as an event
 *			that it takes later, after the step is over.
 */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include <sys/uio.h>

#include "base/env.h"
#include "base/list.h"
#include "base/timers.h"
#include "conn/window.h"
#include "login/login.h"
#include "wire/rx.h"
#include "wire/tx.h"

struct conn;

enum conn_state {			/* RFC 7143 8.1.1 */
	CONN_FREE		= 1 << 0,	/* S1 */
	CONN_XPT_WAIT		= 1 << 1,	/* S2 */
	CONN_IN_LOGIN		= 1 << 2,	/* S4 */
	CONN_LOGGED_IN		= 1 << 3,	/* S5 */
	CONN_IN_LOGOUT		= 1 << 4,	/* S6 */
	CONN_LOGOUT_REQUESTED	= 1 << 5,	/* S7 */
	CONN_CLEANUP_WAIT	= 1 << 6,	/* S8 */
};

/* What the session is told, after the step in which it happened. */
enum conn_news {
	NEWS_CONNECT		= 1 << 0,	/* wants a TCP connection */
	NEWS_LOGGED_IN		= 1 << 1,
	NEWS_REDIRECTED		= 1 << 2,	/* conn_login_result() says where to */
	NEWS_LOGIN_FAILED	= 1 << 3,	/* conn_error(), conn_login_result() */
	NEWS_LOST		= 1 << 4,	/* conn_error(): in full feature phase */
	NEWS_LOGOUT_REQUESTED	= 1 << 5,	/* async event 1: no new commands */
	NEWS_LOGGED_OUT		= 1 << 6,	/* by a Logout Response 0 */
	NEWS_CLOSE		= 1 << 7,	/* the TCP connection is to be closed */
	NEWS_REMOVED		= 1 << 8,	/* conn_removal(): of another one */
};

/* Counted by the connection; the last ones by the session, which sums up those
 * of connections that had the same CID. */
struct conn_counters {
	uint64_t commands, bytes_in, bytes_out;
	uint64_t header_digest_errors, data_digest_errors, nop_timeouts,
		 rejects, async_messages, snacks_sent;
	uint64_t recoveries, tasks_reassigned;
	uint64_t tasks_retried;		/* commands sent again, 7.2.1 */
	uint64_t task_timeouts;		/* commands that were to end here */
	uint64_t aborts, lun_resets, target_resets;
};

struct conn_timeouts {			/* lun_time each, 0: none */
	lun_time connect, login, logout, nop_interval, nop_answer, text;
};

struct conn_ops {
	/* Something is in conn_take_news() or to be sent; must not call back. */
	void (*stir)(void *user);
	/* Data-In, R2T, SCSI and TMF Response: as rx_ops.header and .pdu. The
	 * PDU's StatSN and window have been taken already. */
	int (*header)(void *user, struct conn *c, const struct pdu *pdu,
		      void **place);
	int (*pdu)(void *user, struct conn *c, const struct pdu *pdu,
		   const uint8_t *data, bool digest_ok);
	/* A Data-In with a wrong data digest, from recovery level 1 on: it is
	 * to be asked for again; what it says of status is not taken yet. */
	void (*damaged)(void *user, struct conn *c, const struct pdu *pdu);
	/* A ping came back: the target has seen all that was sent before it,
	 * which are requests with a CmdSN before this one, but for what its
	 * answer's ExpCmdSN says is missing. */
	void (*ponged)(void *user, struct conn *c, uint32_t cmd_sn,
		       uint32_t exp_cmd_sn);
	/* The command, task management or SNACK request that the target
	 * rejected (its header). */
	void (*rejected)(void *user, struct conn *c, const struct pdu *pdu,
			 uint8_t reason);
	/* Async event 0; sense is what the data segment holds. */
	void (*scsi_event)(void *user, uint64_t lun, const uint8_t *sense,
			   size_t len);
	/* Async events 2 and 3, about any connection of the session. */
	void (*drop)(void *user, const struct pdu *async);
	/* Async event 5: stop sending data for this unit on this connection. */
	void (*stop_data)(void *user, struct conn *c, uint64_t lun);
	/* There is room to send: queue the next PDU of a task with
	 * conn_send(). False: there is none. */
	bool (*fill)(void *user, struct conn *c);
};

struct conn_config {			/* borrowed for the connection's life */
	const struct lun_env *env;
	struct timers *timers;
	struct window *window;		/* the session's */
	const struct login_config *login;
	struct conn_timeouts timeouts;
	const char *label;		/* of the session, for logs */
	const char *via;		/* a proxy, for logs; NULL: none */
	const struct conn_ops *ops;
	void *user;
};

int conn_new(struct conn **out, const struct conn_config *config,
	     struct lun_error *err);
struct conn *conn_free(struct conn *c);

/* From FREE; the session forwards NEWS_CONNECT to the driver. */
void conn_connect(struct conn *c, lun_time now);

/* ------------------------------------------------- called by the driver -- */

void conn_connected(struct conn *c, lun_time now);
/* The transport ended or could not be made; legal in every state. */
void conn_lost(struct conn *c, int code, const char *text, lun_time now);

/* False while there is no TCP connection. */
bool conn_wants_rx(const struct conn *c);
int conn_rx_iov(struct conn *c, struct iovec iov[2]);
void conn_rx_ack(struct conn *c, size_t n, lun_time now);

/* Queues what tasks have to send, then as tx_iov(): 0 if there is nothing. */
int conn_tx_iov(struct conn *c, struct iovec *iov, int max, lun_time now);
void conn_tx_ack(struct conn *c, size_t n);

/* The driver's handle for the TCP connection. */
void conn_set_driver(struct conn *c, void *driver);
void *conn_driver(const struct conn *c);

/* ------------------------------------------------ called by the session -- */

/* News since the last call (enum conn_news, a mask). */
unsigned conn_take_news(struct conn *c);

enum conn_state conn_state(const struct conn *c);
const char *conn_state_name(const struct conn *c);
const struct lun_error *conn_error(const struct conn *c);
const struct login_result *conn_login_result(const struct conn *c);
const struct params *conn_params(const struct conn *c);
const struct conn_counters *conn_counters(const struct conn *c);
void conn_counters_add(struct conn_counters *sum, const struct conn_counters *c);
uint16_t conn_cid(const struct conn *c);
uint32_t conn_exp_stat_sn(const struct conn *c);
/* After NEWS_LOGOUT_REQUESTED: the Logout Request is to be sent by then. */
lun_time conn_logout_by(const struct conn *c);
/* After a logout that failed: how long the next one has to wait. -1: not said. */
lun_time conn_time2wait(const struct conn *c);

/*
 * Queues a request of a task: ExpStatSN is filled in, and so is the CmdSN: the
 * current one, which a non-immediate request uses up. Data-Out has none.
 */
int conn_send(struct conn *c, struct pdu *pdu, const struct ahs *ahs,
	      const void *data, size_t len, const void *owner);

/* The same for a request that was sent before, with the CmdSN that it had. */
int conn_send_again(struct conn *c, struct pdu *pdu, const struct ahs *ahs,
		    const void *data, size_t len, const void *owner,
		    uint32_t cmd_sn);

/* Asks for a sign of life, and with it for the StatSN that the target is at. */
void conn_probe(struct conn *c);
bool conn_is_asked(const struct conn *c);	/* it was not answered yet */

/*
 * From level 1 on. A status that came just now and is held is not acknowledged
 * until it is released (RFC 7143 7.9). One that is awaited, because the Data-In
 * that has it is asked for, is held too; false: there is no need to.
 */
void conn_hold_status(struct conn *c, uint32_t stat_sn);
bool conn_await_status(struct conn *c, uint32_t stat_sn);
void conn_release_status(struct conn *c, uint32_t stat_sn);

/* Has our MaxRecvDataSegmentLength changed since this CmdSN? (11.16.3) */
bool conn_resegments(const struct conn *c, uint32_t cmd_sn);

/* The number of the next PDU; has that one left? As tx_next() and so on. */
uint64_t conn_next_tx(const struct conn *c);
bool conn_has_left(const struct conn *c, uint64_t number);
/* Is there anything that has not left yet? */
bool conn_is_sending(const struct conn *c);

/* The owner's borrowed buffers are about to go: tx_drop() and rx_forget().
 * If that fails the connection is lost. */
void conn_release(struct conn *c, const void *owner, const void *in,
		  size_t in_len);

/* A protocol error found by the session: the connection is lost. Returns code. */
int conn_fail(struct conn *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One ping (NOP-Out that wants an answer), non-immediate, with this CmdSN: it
 * takes the place of a request that the target rejected (RFC 7143 7.3). */
int conn_plug(struct conn *c, uint32_t cmd_sn);
bool conn_plugs(const struct conn *c, uint32_t cmd_sn);	/* is one under way? */
/* One of these with this CmdSN, sent before that one, was lost. */
void conn_plug_again(struct conn *c, uint32_t cmd_sn);

/*
 * Sends a Logout Request; NEWS_LOGGED_OUT or NEWS_LOST follows. Without a full
 * feature phase the connection is closed at once.
 */
void conn_logout(struct conn *c, enum logout_reason reason, lun_time now);

/*
 * Asks the target to remove another connection, which was lost, for recovery;
 * exp_stat_sn is that connection's (RFC 7143 11.14). One at a time, in
 * LOGGED_IN; NEWS_REMOVED follows unless this one is lost, too.
 */
struct removal {
	uint8_t response;		/* enum logout_response */
	uint16_t time2wait, time2retain;
};
void conn_remove(struct conn *c, uint16_t cid, uint32_t exp_stat_sn, lun_time now);
bool conn_is_removing(const struct conn *c);	/* it was not answered yet */
const struct removal *conn_removal(const struct conn *c);

/* ------------------------------------------------------ text exchanges -- */

/*
 * One text negotiation in the full feature phase (RFC 7143 6.4, 11.10): the
 * request text, and all of the answer, joined.
 */
struct text_exchange {
	const char *request;		/* key=value\0..., borrowed */
	size_t request_len;
	size_t answer_max;		/* LUN_EPROTO beyond it */
	/* text is valid during the call; code 0 or negative with an error */
	void (*done)(struct text_exchange *x, int code,
		     const struct lun_error *err, const char *text, size_t len);
	void *user;
};

/* Begins it. One that declares a MaxRecvDataSegmentLength (and nothing before
 * it) brings it into force when it is over (RFC 7143 6.4, 13.12). LUN_EREFUSED
 * if one is under way or not in LOGGED_IN. done is called exactly once
 * otherwise, also when the connection is lost. */
int conn_text(struct conn *c, struct text_exchange *x, lun_time now);

#endif
