/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run is: drawn from its seed (swarm.c), and what the command line or
 * the shrinker takes away from it.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdio.h>

#include "world.h"

enum { OPS_MAX = 400, SETTINGS_MAX = 24, DISK_MAX = 256 << 10, RULE_LEN = 64,
       PORTALS = 3 };

enum fault {
	FAULT_CUT, FAULT_HALF_OPEN, FAULT_HALF_OPEN_TARGET, FAULT_SILENT_CUT,
	FAULT_CUT_AT_BYTE, FAULT_DELAY, FAULT_PARTITION, FAULT_SLOW,
	FAULT_FREEZE, FAULT_CRASH, FAULT_ALLOC, FAULT_SEND, FAULT_CORRUPT,
	/* what the target does all the time, at some rate (target/fault.h) */
	RULE_DROP, RULE_DELAY, RULE_STALL, RULE_REORDER, RULE_DUPLICATE,
	RULE_CORRUPT, RULE_CUT, RULE_ASYNC, RULE_REJECT, RULE_STATUS, RULE_SENSE,
	RULE_HOLD, RULE_REFUSE, RULE_WINDOW,
	/* any of these, where recovery itself is hit */
	RULE_TRICK_1, RULE_TRICK_2, RULE_TRICK_3,
	RULE_NTH_TASK,			/* the n-th command, or each n-th one */
	/* no fault, but what makes some harder to mend: the engine declares
	 * another MaxRecvDataSegmentLength (RFC 7143 11.16.3) */
	FAULT_REDECLARE,
	/* of one portal: its connections are cut; it refuses all for a while;
	 * nothing passes there for a while; logins are sent from it to others */
	FAULT_PORTAL_CUT, FAULT_PORTAL_SHUT, FAULT_PORTAL_HOLE, RULE_REDIRECT,
	FAULT_COUNT, FIRST_RULE = RULE_DROP, TRICKS_MAX = 3,
};
extern const char *const fault_names[FAULT_COUNT];

struct setting {
	char name[32], value[32];
};

struct plan {
	/* the unit */
	uint32_t block_size, blocks;
	bool write_cache, no_fua, silent;	/* silent: of its restarts */

	/* the application */
	unsigned ops, depth;
	uint32_t size_max;		/* bytes of a request */
	unsigned writes, flushes, fua, cancels, unaligned, bursts; /* per mille */
	unsigned retries;		/* "lunfs retry", per mille of requests */
	unsigned leaves;		/* closes and opens again, the same */
	lun_time think_max;
	bool whole_target;		/* the URL names no LUN */

	/* the engine, the target; by the names that they have there */
	struct setting engine[SETTINGS_MAX], target[SETTINGS_MAX];
	unsigned n_engine, n_target;
	lun_time timeout, outage;	/* outage: TIME_NEVER, 0: fail */
	unsigned window, nop_seconds;
	bool separate_status;

	/* the portals of the target (portals.h) */
	unsigned portals, group[PORTALS], url_portal;
	enum { TOLD_BY_TARGET, TOLD_AT_ONCE, TOLD_WITHOUT_GROUP, TOLD_COUNT }
		told;			/* how the engine knows of the others */
	bool redirect_forever;

	/* the network */
	lun_time latency, jitter;
	uint64_t bandwidth;		/* bytes a second */
	uint32_t segment, buffer;	/* bytes */
	bool short_sends;

	/* faults: how often, on the average; 0: never */
	lun_time every[FAULT_COUNT];
	lun_time faults_last;		/* then it is quiet */
	char rules[FAULT_COUNT][RULE_LEN];	/* "": none */
	bool digests;			/* all PDUs after the login have them */
	bool early;			/* they do not wait for the session */
	unsigned faults_max;
};

/* Taken away, by the command line or the shrinker. */
struct limits {
	unsigned ops, faults_max;
	uint64_t without;		/* bits of enum fault */
	bool plain_network, plain_keys, one_portal;
};
#define NO_LIMITS ((struct limits){ .ops = OPS_MAX, .faults_max = UINT32_MAX })

/* rules.c: does the target keep to the RFC, for those who see the wire? */
void rules_draw(struct plan *p);
void rules_draw_tricks(struct plan *p);
void rules_draw_nth(struct plan *p);
bool rules_are_honest(const struct plan *p);

void plan_draw(struct plan *p, const struct limits *limits);
/* A disk so small that each write is soon written over, so that one that lands late
 * is seen; no faults yet. ops to twice as many requests. */
void plan_draw_overwriting(struct plan *p, enum stream stream, unsigned ops);
const char *outage_name(const struct plan *p);	/* as the option has it */
void plan_say(const struct plan *p);

#endif
