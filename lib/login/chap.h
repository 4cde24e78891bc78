/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CHAP as RFC 7143 12.1.3 and 9.2.1 use it, the initiator's side:
 *
 *	START		-> CHAP_A
 *	ALGORITHM	<- CHAP_A CHAP_I CHAP_C
 *			-> CHAP_N CHAP_R [CHAP_I CHAP_C]
 *	RESULT		<- [CHAP_N CHAP_R]
 *	DONE
 *
 * Each response of the target has exactly the keys of its step (9.2).
 */
#ifndef LOGIN_CHAP_H
#define LOGIN_CHAP_H

#include "base/env.h"
#include "base/hash.h"
#include "login/auth.h"
#include "text/negotiate.h"

enum {
	CHAP_BINARY_MAX = 1024,		/* of CHAP_C and CHAP_R, 12.1.3 */
	CHAP_CHALLENGE_LEN = 16,	/* of ours: 128 random bits */
	CHAP_MD5 = 5,			/* which must always be offered */
	CHAP_SHA256 = 7,		/* to some targets this is SHA-1 */
};

struct chap_algorithm {
	uint8_t number;			/* CHAP_A, as registered with IANA */
	enum hash_id hash;
	const char *name;		/* as users write it */
};

extern const struct chap_algorithm chap_algorithms[CHAP_ALGORITHMS_MAX];

const struct chap_algorithm *chap_algorithm_find(uint64_t number);

enum chap_step { CHAP_START, CHAP_ALGORITHM, CHAP_RESULT, CHAP_DONE };

enum chap_key { KEY_A, KEY_I, KEY_C, KEY_N, KEY_R, CHAP_KEYS };

struct chap {
	const struct auth_config *auth;		/* borrowed */
	const char *name;			/* our CHAP_N, borrowed */
	enum chap_step step;
	uint8_t n_offered, offered[CHAP_ALGORITHMS_MAX];
	bool list_refused;		/* the target said CHAP_A=Reject */

	unsigned int came;		/* keys in this step, bits */
	const struct chap_algorithm *algorithm;
	uint8_t id;
	uint8_t challenge[CHAP_BINARY_MAX];
	size_t challenge_len;

	uint8_t our_id;
	uint8_t our_challenge[CHAP_CHALLENGE_LEN];
	char peer_name[CHAP_NAME_MAX + 1];
	uint8_t response[CHAP_BINARY_MAX];
	size_t response_len;
};

/* name: for CHAP_N. one_only: offer a single algorithm, the one of RFC 1994. */
void chap_init(struct chap *c, const struct auth_config *auth, const char *name,
	       bool one_only);

/* The method was chosen: says CHAP_A. */
int chap_begin(struct chap *c, struct negotiation *n, struct text *out,
	       struct lun_error *err);

/* A key that came. Values are checked here, their sum in chap_step(). */
int chap_take(struct chap *c, const struct pair *pair, struct lun_error *err);

/* A whole response of the target came: checks it, writes the next keys. */
int chap_step(struct chap *c, const struct lun_env *env, struct negotiation *n,
	      struct text *out, struct lun_error *err);

/*
 * The target failed it at this point: is it worth a login that offers one
 * algorithm alone, the one that all know? Some targets choke on a list; others
 * choose SHA-256 and compute SHA-1, whose number that was to them before IANA
 * gave it away.
 */
bool chap_try_one(const struct chap *c);

void chap_wipe(struct chap *c);

#endif
