/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap on a connection, at the initiator's end: bytes become PDUs again, by
 * lib/wire, and go to the checker. It reads along in the login what is agreed
 * upon.
 */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "network.h"
#include "wire/pdu.h"

enum { KEY_FIRST_BURST, KEY_MAX_BURST, KEY_MAX_R2T, KEY_MAX_RECV, KEY_INITIAL_R2T,
       KEY_IMMEDIATE_DATA, KEY_HEADER_DIGEST, KEY_DATA_DIGEST, KEY_ERL,
       KEY_FAST_ABORT, KEY_GROUP, TAP_KEYS };

struct tap;

struct tap *tap_new(unsigned link, unsigned portal, unsigned group);
struct tap *tap_free(struct tap *t);

/* These bytes passed; for what arrives: before the initiator sees them. */
void tap_bytes(struct tap *t, enum side from, const void *p, size_t n);

bool tap_has_digests(const struct tap *t);	/* both, from now on */
unsigned tap_link(const struct tap *t);
unsigned tap_portal(const struct tap *t);	/* that it is to */
/* What the last one who spoke of it said: who answers decides. Of
 * MaxRecvDataSegmentLength: what this side said. Booleans are 0 and 1, and so
 * are the digests, and TaskReporting: is it FastAbort? Of
 * TargetPortalGroupTag: that of the portal, until the target has said one. */
uint32_t tap_key(const struct tap *t, enum side of, int key);

/* A connection that joins a session takes over what its first one agreed on. */
void tap_take_keys(struct tap *t, const uint32_t keys[TAP_KEYS]);
const uint32_t *tap_keys(const struct tap *t);

/* For the checker: what it keeps of the connection. */
struct checked {
	struct checked_session *session;	/* NULL: not logged in yet */
	uint32_t next_stat_sn, acked_stat_sn;
	bool has_stat_sn, logging_out;
	uint32_t last_exp_cmd_sn, last_max_cmd_sn;
	bool has_window;
};
struct checked *tap_checked(struct tap *t);

#endif
