/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Negotiation from the key table. A pair that comes is one of three things:
 *
 *	an answer	we sent the key and want to hear the outcome
 *	a proposal	we did not: we answer as a target would (6.2)
 *	a declaration	nobody answers
 *
 * `after` always holds what the key will be if nothing more comes: the value
 * in force, then what was agreed. So a proposal that is never answered is not
 * taken as agreed (6.2), and Reject and Irrelevant need no work.
 */
#include "text/negotiate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "text/value.h"

enum { SHOWN_MAX = 80 };	/* of a peer's value in an error */

/* Puts "Key=value: " before an error; the value is the peer's. */
static int
in_pair(const struct pair *pair, struct lun_error *err)
{
	struct str shown = STR_INIT(SHOWN_MAX);

	str_quote(&shown, pair->value, pair->value_len);
	int r = lun_fail_in(err, "%s=%s", pair->key, str_text(&shown));

	str_deinit(&shown);
	return r;
}

static const char *
phase_name(enum key_phase phase)
{
	return phase == IN_SECURITY ? "the SecurityNegotiation stage"
	     : phase == IN_OPERATIONAL ? "the LoginOperationalNegotiation stage"
	     : "the Full Feature Phase";
}

/* Values of our offer that depend on others. */
static void
harmonize(struct negotiation *n)
{
	struct params *p = &n->offer.values;

	for (unsigned int i = 0; i < n_keys; i++)	/* RFC 7143 7.4.1 */
		if (n->discovery && (keys[i].flags & KEY_DISCOVERY_0))
			key_set(&keys[i], p, 0);
	if (p->FirstBurstLength > p->MaxBurstLength)	/* RFC 7143 13.14 */
		p->FirstBurstLength = p->MaxBurstLength;
	/* RFC 7143 13.19 */
	if (p->ErrorRecoveryLevel > 0 && p->DataSequenceInOrder)
		p->MaxOutstandingR2T = 1;
}

void
negotiate_init(struct negotiation *n, const struct offer *offer,
	       const struct params *in_force, enum key_phase phase,
	       bool leading, bool discovery)
{
	*n = (struct negotiation){
		.offer = *offer,
		.before = *in_force,
		.after = *in_force,
		.phase = phase,
		.leading = leading,
		.discovery = discovery,
	};
	harmonize(n);
}

static bool
is_irrelevant(const struct negotiation *n, const struct key *k)
{
	return ((k->flags & KEY_NOT_DISCOVERY) && n->discovery) ||
	       ((k->flags & KEY_LEADING) && !n->leading) ||
	       (k->irrelevant && k->irrelevant(&n->offer.values));
}

int
negotiate_declare(struct negotiation *n, const char *key, const char *value,
		  struct text *out, struct lun_error *err)
{
	const struct key *k = key_find(key);

	assert(k && !key_has_member(k));
	assert(k->from_initiator & n->phase);
	assert(!n->keys[k - keys].sent);	/* RFC 7143 6.3: only once */
	n->keys[k - keys].sent = true;
	return text_add(out, key, value, err);
}

/* What a key becomes if our offer of it stays without an answer. */
static void
expect_silence(struct negotiation *n, const struct key *k)
{
	uint32_t ours = key_get(k, &n->offer.values);

	/* RFC 7143 6.2.2: a boolean that determines the result needs none */
	if ((k->rule == RULE_AND && !ours) || (k->rule == RULE_OR && ours) ||
	    k->rule == RULE_DECLARE)
		key_set(k, &n->after, ours);
}

int
negotiate_offer(struct negotiation *n, struct text *out, struct lun_error *err)
{
	char value[KEY_VALUE_MAX];

	for (unsigned int i = 0; i < n_keys; i++) {
		const struct key *k = &keys[i];

		if (!key_has_member(k) || !(k->from_initiator & n->phase) ||
		    n->keys[i].sent || n->keys[i].received ||
		    is_irrelevant(n, k))
			continue;
		if (!*key_print_offer(k, &n->offer, value))
			continue;
		int r = text_add(out, k->name, value, err);

		if (r < 0)
			return r;
		n->keys[i].sent = true;
		expect_silence(n, k);
	}
	return 0;
}

static int
answer_with(struct negotiation *n, const struct key *k, const char *value,
	    struct text *answer, struct lun_error *err)
{
	n->owed++;
	return text_add(answer, k->name, value, err);
}

/* A proposal of the target is settled by our answer: RFC 7143 6.2.2. */
static int
settle(struct negotiation *n, const struct key *k, uint32_t value,
       struct text *answer, struct lun_error *err)
{
	char text[KEY_VALUE_MAX];

	key_set(k, &n->after, value);
	return answer_with(n, k, key_print(k, value, text), answer, err);
}

/* The result of two wishes. */
static uint32_t
combine(const struct key *k, uint32_t a, uint32_t b)
{
	switch (k->rule) {
	case RULE_MIN:
		return a < b ? a : b;
	case RULE_MAX:
		return a > b ? a : b;
	case RULE_AND:
		return a && b;
	case RULE_OR:
		return a || b;
	case RULE_FIRST:
	case RULE_DECLARE:
	case RULE_AUTH:
	case RULE_OBSOLETE:
		break;
	}
	abort();
}

/* Reads a number in range or a boolean. */
static bool
read_value(const struct key *k, const char *s, uint32_t *out)
{
	uint64_t v;
	bool b;

	if (k->type == KEY_BOOL) {
		if (!value_bool(s, &b))
			return false;
		*out = b;
		return true;
	}
	if (!value_number(s, &v) || v < k->lo || v > k->hi)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Numbers and booleans. */
static int
take_simple(struct negotiation *n, const struct key *k, bool is_answer,
	    const char *s, struct text *answer, struct lun_error *err)
{
	uint32_t ours = key_get(k, &n->offer.values), theirs;

	if (!read_value(k, s, &theirs)) {
		if (k->rule != RULE_DECLARE && !is_answer)
			return answer_with(n, k, "Reject", answer, err);
		if (k->type == KEY_BOOL)
			return lun_fail(err, LUN_ENEGOTIATE, "not Yes or No");
		return lun_fail(err, LUN_ENEGOTIATE, "not a number in %u..%u",
				k->lo, k->hi);
	}
	if (k->rule == RULE_DECLARE) {
		key_set_target(k, &n->after, theirs);
		return 0;
	}
	if (!is_answer)
		return settle(n, k, combine(k, theirs, ours), answer, err);
	if (combine(k, theirs, ours) != theirs) {	/* RFC 7143 6.2.2 */
		char text[KEY_VALUE_MAX];

		return lun_fail(err, LUN_ENEGOTIATE,
				"not admissible after the offer of %s",
				key_print(k, ours, text));
	}
	key_set(k, &n->after, theirs);
	return 0;
}

/* May the word be the result? Without choices of ours it is the default. */
static bool
is_choice(const struct negotiation *n, const struct key *k, int word)
{
	const struct digest_list *list = key_choices(k, &n->offer);

	if (list->n == 0)
		return word == (int)k->def;
	for (int i = 0; i < list->n; i++)
		if (list->item[i] == word)
			return true;
	return false;
}

static int
take_list(struct negotiation *n, const struct key *k, bool is_answer,
	  const char *s, struct text *answer, struct lun_error *err)
{
	char item[VALUE_LEN_MAX + 1];

	if (is_answer) {		/* one word: RFC 7143 6.2.1 */
		int word = key_word(k, s);

		if (word < 0 || !is_choice(n, k, word))
			return lun_fail(err, LUN_ENEGOTIATE,
					"not one of those offered");
		key_set(k, &n->after, (uint32_t)word);
		return 0;
	}
	while (value_list_next(&s, item, sizeof(item))) {
		int word = key_word(k, item);	/* unknown ones are ignored */

		if (word >= 0 && is_choice(n, k, word))
			return settle(n, k, (uint32_t)word, answer, err);
	}
	return answer_with(n, k, "Reject", answer, err);
}

/* "Reject", "Irrelevant", "NotUnderstood": only as answers, RFC 7143 6.2. */
static int
take_constant(struct negotiation *n, const struct key *k,
	      enum value_constant constant, struct lun_error *err)
{
	if (!n->keys[k - keys].sent)
		return lun_fail(err, LUN_EPROTO, "it was not offered");
	if (constant == VALUE_NOT_UNDERSTOOD && !(k->flags & KEY_LATER))
		return lun_fail(err, LUN_EPROTO, "RFC 7143 has this key");
	if (!key_has_member(k))
		return NEGOTIATE_YOURS;
	if (k->rule == RULE_DECLARE)	/* ours was turned down */
		key_set(k, &n->after, key_get(k, &n->before));
	return 0;
}

static int
take_known(struct negotiation *n, const struct key *k, const struct pair *pair,
	   struct text *answer, struct lun_error *err)
{
	bool is_answer = n->keys[k - keys].sent;
	enum value_constant constant = value_constant(pair->value);

	if (n->keys[k - keys].received && !(k->flags & KEY_REPEATABLE))
		return lun_fail(err, LUN_EPROTO, "a second time");
	n->keys[k - keys].received = true;
	if (constant != VALUE_PLAIN)
		return take_constant(n, k, constant, err);
	if (!(k->from_target & n->phase))	/* RFC 7143 6.3 */
		return lun_fail(err, LUN_EPROTO,
				"not from a target in %s", phase_name(n->phase));
	if (k->type != KEY_LONG && k->type != KEY_LIST &&
	    pair->value_len > VALUE_LEN_MAX)		/* RFC 7143 6.1 */
		return lun_fail(err, LUN_EPROTO, "%zu bytes", pair->value_len);
	if (k->rule == RULE_OBSOLETE)			/* RFC 7143 13.25 */
		return answer_with(n, k, "Reject", answer, err);
	if (!key_has_member(k))
		return NEGOTIATE_YOURS;
	if (!is_answer && is_irrelevant(n, k))
		return answer_with(n, k, "Irrelevant", answer, err);
	if (k->type == KEY_LIST)
		return take_list(n, k, is_answer, pair->value, answer, err);
	return take_simple(n, k, is_answer, pair->value, answer, err);
}

int
negotiate_take(struct negotiation *n, const struct pair *pair,
	       struct text *answer, struct lun_error *err)
{
	const struct key *k = key_find(pair->key);
	struct lun_error here = { 0 };
	int r;

	if (k)
		r = take_known(n, k, pair, answer, &here);
	else if (value_constant(pair->value) != VALUE_PLAIN)
		r = lun_fail(&here, LUN_EPROTO, "it was not offered");
	else				/* not in `owed`: it has no effect */
		r = text_add(answer, pair->key, "NotUnderstood", &here);
	if (r < 0) {
		/* what authenticates is not for the log */
		r = k && k->rule == RULE_AUTH ? lun_fail_in(&here, "%s", k->name)
					      : in_pair(pair, &here);
		if (err)
			*err = here;
	}
	return r;
}

void
negotiate_answered(struct negotiation *n)
{
	n->owed = 0;
}

int
negotiate_end_stage(const struct negotiation *n, struct lun_error *err)
{
	if (n->owed)				/* RFC 7143 6.3, 6.4 */
		return lun_fail(err, LUN_EPROTO,
				"the target ends %s with %u proposals of its own",
				phase_name(n->phase), n->owed);
	return 0;
}

int
negotiate_conclude(const struct negotiation *n, struct params *out,
		   struct lun_error *err)
{
	struct params p = n->after;

	for (unsigned int i = 0; i < n_keys; i++) {	/* RFC 7143 6.2 */
		const struct key *k = &keys[i];
		char text[KEY_VALUE_MAX];

		if (k->type == KEY_LIST && n->keys[i].sent &&
		    !is_choice(n, k, (int)key_get(k, &p)))
			return lun_fail(err, LUN_ENEGOTIATE,
			    "%s: the target did not agree to %s", k->name,
			    key_print_offer(k, &n->offer, text));
	}
	/*
	 * Integrity, RFC 7143 6.2. Targets are known to enforce these on their
	 * side without saying so; doing the same keeps within both limits.
	 */
	if (p.FirstBurstLength > p.MaxBurstLength)		/* 13.14 */
		p.FirstBurstLength = p.MaxBurstLength;
	if (p.ErrorRecoveryLevel > 0 && p.DataSequenceInOrder)	/* 13.19 */
		p.MaxOutstandingR2T = 1;
	*out = p;
	return 0;
}
