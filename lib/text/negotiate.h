/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The negotiation of keys, RFC 7143 6.2: of a Login Phase, or of a sequence of
 * Text Requests in the Full Feature Phase (6.4). It knows what was sent and
 * what came, key by key, and works from the key table alone. Nothing that it
 * learns has effect before negotiate_conclude() says that all is agreed.
 *
 *	negotiate_init()
 *	negotiate_declare(), negotiate_offer()	-> the text to send
 *	for each pair that came: negotiate_take()	-> answers to send
 *	negotiate_end_stage(), negotiate_conclude()
 */
#ifndef TEXT_NEGOTIATE_H
#define TEXT_NEGOTIATE_H

#include "text/keys.h"
#include "text/params.h"
#include "text/text.h"

struct negotiation {
	struct offer offer;		/* ours, its parts in harmony */
	struct params before;		/* in force until it is concluded */
	struct params after;		/* as far as agreed */
	enum key_phase phase;		/* the caller sets it at a new stage */
	bool discovery, leading;
	unsigned int owed;		/* answers not yet sent */
	struct {
		bool sent;		/* we proposed or declared it */
		bool received;
	} keys[KEYS_MAX];		/* as in the key table */
};

/*
 * Copies both. Keys of use LO are left out if it is not the leading connection,
 * those irrelevant to discovery in a Discovery session.
 */
void negotiate_init(struct negotiation *n, const struct offer *offer,
		    const struct params *in_force, enum key_phase phase,
		    bool leading, bool discovery);

/* Adds a key without member (a name, an authentication key) to the text. */
int negotiate_declare(struct negotiation *n, const char *key, const char *value,
		      struct text *out, struct lun_error *err);

/* Adds all that we propose in this phase and have not proposed before. */
int negotiate_offer(struct negotiation *n, struct text *out,
		    struct lun_error *err);

/*
 * A pair that came; what it demands as an answer is added to *answer.
 *	0		it is dealt with
 *	NEGOTIATE_YOURS	it is allowed here, and is not in params: names,
 *			addresses, authentication (Reject of them too)
 *	LUN_EPROTO	it may not stand here: the phase, a duplicate, an
 *			answer to what was not offered
 *	LUN_ENEGOTIATE	its value is not admissible
 */
enum { NEGOTIATE_YOURS = 1 };
int negotiate_take(struct negotiation *n, const struct pair *pair,
		   struct text *answer, struct lun_error *err);

/* All answers of negotiate_take() are on their way. */
void negotiate_answered(struct negotiation *n);

/* The target ends the stage: it may not owe us the chance to answer. */
int negotiate_end_stage(const struct negotiation *n, struct lun_error *err);

/*
 * It is over: *out becomes what is in force now. LUN_ENEGOTIATE, and *out is
 * untouched, if a result is one that we did not offer.
 */
int negotiate_conclude(const struct negotiation *n, struct params *out,
		       struct lun_error *err);

#endif
