/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key table: everything that RFC 7143 12 and 13 (and 7144 7.1.1) say about
 * a key stands in its row, and nowhere else. Negotiation, the user's options
 * and the display of what is in force all walk over it.
 */
#ifndef TEXT_KEYS_H
#define TEXT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/params.h"

/* When a key may be sent; a phase is one of the first three. */
enum key_phase {
	IN_SECURITY	= 1,
	IN_OPERATIONAL	= 2,
	IN_FULL_FEATURE	= 4,
	ANY_STAGE	= IN_SECURITY | IN_OPERATIONAL,		/* of a login */
	ALWAYS		= ANY_STAGE | IN_FULL_FEATURE,
};

/* What the value is. */
enum key_type {
	KEY_NUMBER,		/* a uint32_t of params */
	KEY_BOOL,		/* a bool of params */
	KEY_LIST,		/* a list of words; a uint8_t of params */
	KEY_TEXT,		/* a simple value, no member */
	KEY_LONG,		/* longer than a simple value, no member */
};

/* How the result comes about ("result function"). */
enum key_rule {
	RULE_MIN,		/* not above what was offered */
	RULE_MAX,		/* not below */
	RULE_AND,		/* No if either says No */
	RULE_OR,		/* Yes if either says Yes */
	RULE_FIRST,		/* the first of the list that the acceptor takes */
	RULE_DECLARE,		/* each says its own; no answer */
	RULE_AUTH,		/* by the authentication method */
	RULE_OBSOLETE,		/* 13.25: Reject it */
};

enum key_flag {
	KEY_LEADING	= 1,	/* "LO": on the leading connection only */
	KEY_SESSION	= 2,	/* "SW": of the session, not of the connection */
	KEY_REPEATABLE	= 4,
	KEY_LATER	= 8,	/* younger than RFC 3720, so that its targets
				   may answer NotUnderstood: 6.2 */
	KEY_NOT_DISCOVERY = 16,	/* irrelevant when SessionType=Discovery */
	KEY_DISCOVERY_0	= 32,	/* 0 when SessionType=Discovery: 7.4.1 */
	KEY_USER	= 64,	/* a user may set what we offer */
	KEY_EMPTY_OK	= 128,
};

enum { KEY_NO_MEMBER = 0xffff };

struct key {
	const char *name;
	enum key_type type;
	enum key_rule rule;
	uint8_t from_initiator, from_target;	/* phases in which each sends it */
	uint8_t flags;
	uint32_t lo, hi, def;		/* of lists: hi is the last word we know */
	uint16_t at;			/* its member in struct params */
	uint16_t target_at;		/* for what the target declares */
	uint16_t list_at;		/* the choices, in struct offer */
	const char *const *words;	/* of a list; by its enum, NULL at the end */
	bool (*irrelevant)(const struct params *);	/* by other values */
	const char *section;		/* of RFC 7143, or "7144 ..." */
};

extern const struct key keys[];
extern const unsigned int n_keys;

enum { KEYS_MAX = 48 };		/* n_keys is asserted to be no more */

/* NULL: there is no such key. Case matters (6.1). */
const struct key *key_find(const char *name);

static inline bool
key_has_member(const struct key *k)
{
	return k->at != KEY_NO_MEMBER;
}

/* The member of a key that has one; booleans and words as numbers. */
uint32_t key_get(const struct key *k, const struct params *p);
void key_set(const struct key *k, struct params *p, uint32_t value);
void key_set_target(const struct key *k, struct params *p, uint32_t value);

/*
 * What a connection starts with (4.2.8): the defaults for what is its own; the
 * values of its session stay.
 */
void params_new_connection(struct params *p);

/* The choices of a list key in an offer. */
const struct digest_list *key_choices(const struct key *k,
				      const struct offer *o);

/* The number of a word; -1: it is none that we know. */
int key_word(const struct key *k, const char *word);

enum { KEY_VALUE_MAX = 128 };

/* A value of the member's type as text, as it is sent. Returns buf. */
char *key_print(const struct key *k, uint32_t value, char buf[KEY_VALUE_MAX]);

/* Our offer of a key as text; "" if there is none (an empty list). */
char *key_print_offer(const struct key *k, const struct offer *o,
		      char buf[KEY_VALUE_MAX]);

#endif
