/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iSCSI target for tests, written from the target side of RFC 7143. It
 * shares lib/wire and lib/base with the engine and nothing else: what one of them
 * misunderstands, the other one shows.
 *
 *	target -- has --> portals
 *	   |----- has --> nodes (a target name each) -- have --> logical units
 *	   |----- has --> sessions -- have --> connections, tasks
 *	   `----- has --> connections that have not logged in yet
 *
 * This is the core: no I/O, no clock, no randomness. Bytes, the time and
 * random numbers are handed in; a front end (main.c) or a simulation owns the
 * sockets. One thread for each target.
 *
 * What one connection receives may give others something to do (a session
 * reinstatement ends the connections of the old session). So after every call
 * that takes a connection or the time, target_ready() is to be asked until it
 * returns NULL, and each connection that it returned to be served: send what
 * tconn_tx_iov() has, and close it if tconn_finished().
 */
#ifndef TARGET_H
#define TARGET_H

#include <sys/uio.h>

#include "base/clock.h"
#include "disk.h"
#include "lun.h"
#include "wire/pdu.h"

/* Seen from outside where the core is a shared library (meson.build). */
#pragma GCC visibility push(default)

struct target;
struct tnode;
struct tconn;

struct target_env {
	void *user;
	void (*random)(void *user, void *buf, size_t len);
	/* Every PDU that passes; may be NULL. */
	void (*trace)(void *user, const void *conn_user, const struct pdu *pdu);
	/* A fault of this kind meets a PDU; may be NULL. */
	void (*fault)(void *user, const void *conn_user, const char *kind,
		      const struct pdu *pdu);
};

/* Set at any time before the first connection; strings are borrowed. */
struct target_options {
	unsigned window;		/* commands that may be under way */
	unsigned tpgt;			/* portal group tag */
	const char *alias;		/* NULL: none */
	const char *chap_user, *chap_secret;		/* NULL: no CHAP */
	const char *mutual_user, *mutual_secret;
	const char *chap_algorithms;	/* "5,6,7,8": allowed ones */
	bool separate_status;		/* no status in Data-In */
	const char *redirect;		/* address that every login is sent to */
	bool redirect_forever;
	bool no_discovery;		/* those sessions are refused: 0202 */
	const char *answer;		/* to SendTargets, whatever it is; or NULL */
	size_t answer_len;
	unsigned nop_seconds;		/* ping connections this often; 0: no */
	unsigned login_seconds;		/* a login may take this long */
};

int target_new(struct target **out, const struct target_env *env, lun_time now,
	       struct lun_error *err);
struct target *target_free(struct target *t);	/* no connection is left */
struct target_options *target_options(struct target *t);

/* What this target wants a key of RFC 7143 13 to be: a limit, a boolean, or
 * the list of values that it takes. Proposed by the target if the initiator
 * does not. */
int target_set_key(struct target *t, const char *name, const char *value,
		   struct lun_error *err);

/* address: as SendTargets shows it, "ADDR:PORT", IPv6 in brackets. group: its
 * portal group tag; -1: that of the options. Each group has sessions of its own;
 * to persistent reservations they are the same nexus. */
int target_add_portal(struct target *t, const char *address, int group,
		      struct lun_error *err);

/* SendTargets tells of these instead of the portals; borrowed. */
int target_announce(struct target *t, const char *address,
		    struct lun_error *err);

int target_add_node(struct target *t, struct tnode **out, const char *name,
		    struct lun_error *err);
int tnode_add_disk(struct tnode *node, uint64_t lun,
		   const struct disk_config *config, struct lun_error *err);

/*
 * Faults: rules of fault-rule.h as text ("drop,on=r2t,nth=3"), numbered from 0
 * in the order in which they are added, at any time. A scenario has one on each
 * line. Chance comes from the seed alone. Cleared faults do nothing more, but
 * what they hold back still comes.
 */
int target_add_fault(struct target *t, const char *rule, struct lun_error *err);
int target_add_scenario(struct target *t, const char *text,
			struct lun_error *err);
int target_seed_faults(struct target *t, uint64_t seed, struct lun_error *err);
void target_clear_faults(struct target *t);
/* The text of a rule, and how often it was applied; NULL at the end. */
const char *target_fault(const struct target *t, size_t i, uint64_t *times);

/* A TCP connection was accepted. portal: as in target_add_portal(). */
int tconn_new(struct tconn **out, struct target *t, const char *portal,
	      void *user, lun_time now, struct lun_error *err);
struct tconn *tconn_free(struct tconn *c, lun_time now);
void *tconn_user(const struct tconn *c);

/*
 * Receive: where bytes belong (0: nothing is wanted any more), and how many
 * are there. A negative result of the ack, or 0 of the iov, means: read no
 * more, send the rest, close.
 */
int tconn_rx_iov(struct tconn *c, struct iovec iov[2]);
int tconn_rx_ack(struct tconn *c, size_t n, lun_time now);

int tconn_tx_iov(struct tconn *c, struct iovec *iov, int max);
void tconn_tx_ack(struct tconn *c, size_t n, lun_time now);

/* The connection is to be closed now. */
bool tconn_finished(const struct tconn *c);
/* Why, for a log; "" if the peer did nothing wrong. */
const char *tconn_reason(const struct tconn *c);

/* Within disk_ops.written(): whose command it is. False: nobody's any more. */
struct target_writer {
	unsigned group;			/* the portal group of its session */
	const void *conn_user;
	lun_time came;
};
bool target_writer(const struct target *t, struct target_writer *w);

struct tconn *target_ready(struct target *t);
lun_time target_deadline(const struct target *t);
void target_run(struct target *t, lun_time now);

#pragma GCC visibility pop

#endif
