/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One question to one agent, or to all of them, until it is answered: RFC 2608
 * 6.1 to 6.3, in the time of its caller, without I/O.
 *
 *	unicast		datagram, again and again -- overflow --> TCP
 *	multicast	datagram with those who answered, until no new one does;
 *			who overflows is asked by an exchange of its own
 *
 * Exchanges belong to their wire, and are gone when their end has been told.
 */
#ifndef DISCOVERY_SLP_EXCHANGE_H
#define DISCOVERY_SLP_EXCHANGE_H

#include "base/env.h"
#include "base/list.h"
#include "base/timers.h"
#include "discovery/slp-msg.h"
#include "names/portal.h"

struct slp_exchange;

/* What has sockets. */
struct slp_driver {
	/* A datagram to an agent; or to the groups of a service type, if agent
	 * is NULL. */
	void (*send)(void *user, const struct portal *agent, const char *type,
		     const void *p, size_t len);
	/*
	 * A connection to x->agent, over which x->request goes; what comes is
	 * given to slp_exchange_take(), and its end to slp_exchange_broken(),
	 * but not from within this call. x->connection is the driver's.
	 */
	void (*dial)(void *user, struct slp_exchange *x);
	void (*hang_up)(void *user, struct slp_exchange *x);
};

struct slp_exchange_ops {
	/* An answer without error. True: no others are needed. */
	bool (*answer)(struct slp_exchange *x, const struct slp_message *m,
		       const struct portal *from);
	/*
	 * No more of them: 0; LUN_ETIMEDOUT, LUN_ECONNECT, LUN_ELOST, LUN_EPROTO:
	 * a single agent did not answer; LUN_EREFUSED: x->refused is what it
	 * said (enum slp_error). x is freed afterwards.
	 */
	void (*end)(struct slp_exchange *x, int code,
		    const struct lun_error *err);
};

/* All exchanges of a user agent. */
struct slp_wire {
	const struct slp_driver *driver;
	void *driver_user;
	const struct lun_env *env;
	struct timers *timers;
	lun_time wait;			/* SLP_WAIT */
	struct list exchanges;
	uint16_t last_xid;		/* of the last question */
};

/* What is to be asked; texts are copied. */
struct slp_question {
	const struct portal *agent;	/* NULL: everybody */
	enum slp_function function;	/* of the request */
	const char *subject, *scopes, *what;	/* as in slp_request */
	const struct slp_exchange_ops *ops;
	void *user;
	size_t ref;
};

struct slp_exchange {
	struct list link;
	struct slp_wire *wire;
	const struct slp_exchange_ops *ops;
	void *user;			/* of the question */
	size_t ref;			/* of the question */
	bool multicast;
	struct portal agent;		/* if it is not */
	enum slp_function expected;	/* what an answer is */
	uint16_t xid;
	char *subject, *scopes, *what;
	uint16_t refused;		/* the last error of the agent */
	struct lun_error err;
	uint8_t *request;
	size_t request_len;

	struct timer timer;
	lun_time interval, deadline;

	struct str responders;		/* multicast: who answered */
	size_t fresh;			/* of these, since it was sent */

	bool tcp;			/* it is asked over TCP */
	void *connection;		/* the driver's; NULL: none */
	struct str in;			/* of the answer there */
	uint8_t *cut;			/* what there was before; NULL: nothing */
	size_t cut_len;
};

/* Asks. LUN_ENOMEM, or LUN_EINVAL: the question is too long. */
int slp_ask(struct slp_wire *w, const struct slp_question *q, lun_time now,
	    struct lun_error *err);

/* Gives a message that came as a datagram to its exchange. False: to none. */
bool slp_wire_take(struct slp_wire *w, const struct slp_message *m,
		   const void *datagram, size_t len,
		   const struct portal *from, lun_time now);

/* Bytes of the connection of x, and its end. x may be gone afterwards. */
void slp_exchange_take(struct slp_exchange *x, const void *p, size_t len,
		       lun_time now);
void slp_exchange_broken(struct slp_exchange *x, const struct lun_error *err,
			 lun_time now);

/* Ends all of them; nobody is told. */
void slp_wire_deinit(struct slp_wire *w);

#endif
