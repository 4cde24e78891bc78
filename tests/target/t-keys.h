/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operational keys as a responder sees them (RFC 7143 13): one table of
 * rules, and the values that hold for a session or connection.
 */
#ifndef T_KEYS_H
#define T_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum tkey {
	K_HEADER_DIGEST, K_DATA_DIGEST, K_MAX_RECV, K_MAX_CONNECTIONS,
	K_INITIAL_R2T, K_IMMEDIATE_DATA, K_MAX_BURST, K_FIRST_BURST,
	K_TIME2WAIT, K_TIME2RETAIN, K_MAX_R2T, K_PDU_IN_ORDER, K_SEQ_IN_ORDER,
	K_ERL, K_TASK_REPORTING, K_PROTOCOL_LEVEL,
	K_COUNT
};

/*
 * Numbers and booleans as they are; of a list the index in the table's names.
 * MaxRecvDataSegmentLength is what the peer takes.
 */
struct tvalues {
	uint32_t v[K_COUNT];
};

/* What the target wants: a number, a boolean, or a set of bits for a list. */
struct twants {
	uint32_t v[K_COUNT];
	bool asked_for[K_COUNT];	/* by the user, so it is proposed */
};

void tvalues_default(struct tvalues *v);
void twants_default(struct twants *w);
int twants_set(struct twants *w, const char *name, const char *value,
	       struct lun_error *err);

/* The key of this name, or K_COUNT. */
enum tkey tkey_find(const char *name);
const char *tkey_name(enum tkey k);

/* Only in the leading login of a session ("LO"). */
bool tkey_leading_only(enum tkey k);

enum { TKEY_TEXT = 320 };

/* What the target proposes for k, as text. */
void tkey_propose(enum tkey k, const struct twants *w, char out[TKEY_TEXT]);

/*
 * The initiator offered value: *v gets the result and out the answer, which
 * may be "" (declared keys have none) or "Reject". Negative if the value
 * breaks the protocol.
 */
int tkey_answer(enum tkey k, const struct twants *w, const char *value,
		bool discovery, struct tvalues *v, char out[TKEY_TEXT]);

/* The initiator answered what the target proposed. Negative if it may not. */
int tkey_answered(enum tkey k, const struct twants *w, const char *value,
		  struct tvalues *v);

/* A number of RFC 7143 6.1, decimal or hex. */
bool text_number(const char *s, uint32_t lo, uint32_t hi, uint32_t *out);

#endif
