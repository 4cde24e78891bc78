/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An iSNS client (RFC 4171): what is asked of a server and in which order, on
 * a connection that somebody else makes and, when it is lost, makes again. No
 * I/O.
 *
 * Asked once, it leaves no trace at the server, if it can: a query is
 * answered to those who are not registered, too, where a discovery domain
 * names them. Only if that shows nothing, or the server wants to know us, we
 * are registered for as long as it takes.
 *
 *	query [ register, query ] [ get next..., query each ] [ deregister ]
 *
 * To boot, the domains are asked for first, then each member of those that are
 * boot lists (RFC 4171 6.11.2.9).
 *
 * Watching, we are registered, with a portal where the server tells us of
 * changes, and deregistered at the end:
 *
 *	self, register, register for SCNs, query [ get next... ] ... rest
 *
 * From the rest a change that the server tells leads to another query, and so
 * does a while without one, which keeps the registration alive, too.
 *
 * What comes of it is asked for with isns_news() when changed was called,
 * which is from within any of the other calls, and from timers.
 */
#ifndef DISCOVERY_ISNS_H
#define DISCOVERY_ISNS_H

#include "base/timers.h"
#include "discovery/isns-pdu.h"
#include "discovery/targets.h"

enum { ISNS_NODES_MAX = 65536 };	/* walked through one by one */

struct isns_config {
	const char *source;		/* our initiator name */
	const char *alias;		/* "": none */
	const char *target;		/* only this one is wanted; "": all */
	bool watch;			/* tells of changes, too */
	bool boot;			/* only targets to boot from: members of
					   domains with a boot list; not to be
					   watched */
	lun_time timeout;		/* of each request */
	struct timers *timers;
	const struct lun_env *env;
	void (*changed)(void *user);
	void *user;
};

/* Where the server may reach us: SCNs and ESIs come to a TCP port. */
struct isns_portal {
	uint8_t address[ISNS_ADDRESS_LEN];
	uint16_t port;			/* 0: nowhere */
};

struct isns;

/* What config points to is copied, timers and env are not. LUN_ENOMEM. */
int isns_new(struct isns **out, const struct isns_config *config,
	     struct lun_error *err);
struct isns *isns_free(struct isns *c);

/* Before there is a connection: as with config.watch. */
void isns_watch(struct isns *c);

/* A connection is there, or is no more. */
void isns_connected(struct isns *c, const struct isns_portal *portal,
		    lun_time now);
void isns_disconnected(struct isns *c);

/* Bytes that came in on it. */
void isns_receive(struct isns *c, const uint8_t *data, size_t len,
		  lun_time now);

/* What is to be sent on it: the caller takes from the front. */
struct str *isns_out(struct isns *c);

/*
 * A message of the server on a connection that it made itself, or a datagram:
 * the answer to an SCN or ESI is added to out. LUN_EPROTO: it is neither.
 */
int isns_answer(struct isns *c, const struct isns_message *m, struct str *out,
		lun_time now, struct lun_error *err);

enum isns_news {
	ISNS_NO_NEWS,
	ISNS_LISTED,			/* *list is the caller's, and complete */
	ISNS_FAILED,			/* *err; disconnect */
};
enum isns_news isns_news(struct isns *c, struct targets **list,
			 struct lun_error *err);

/* Something may have changed: asks again, watching. */
void isns_look_again(struct isns *c, lun_time now);

/* Takes back the registration, if there is one: that is sent in any case,
 * whatever is under way; there is no waiting for the answer. */
void isns_leave(struct isns *c);

#endif
