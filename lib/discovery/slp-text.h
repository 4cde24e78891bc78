/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The texts within SLP messages (RFC 2608 5, 6.4, 8.1): escapes, lists of
 * strings, lists of attributes, and the predicates of searches.
 *
 * A text of a message is a span of it: not terminated, and whatever bytes its
 * sender liked.
 */
#ifndef DISCOVERY_SLP_TEXT_H
#define DISCOVERY_SLP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

struct slp_text {
	const char *p;
	size_t len;
};

#define SLP_TEXT(s) ((struct slp_text){ (s), strlen(s) })

/*
 * Adds a value of a predicate, or the name of a scope, its reserved characters
 * escaped; others must not be. Both take all bytes but null.
 */
void slp_add_value(struct str *out, const char *value);
void slp_add_scope(struct str *out, const char *scope);

/*
 * Takes the escapes out; what comes is terminated, and has no null within.
 * False if it does not fit in size, has a bad escape, or is an opaque value
 * ("\FF..."), which is no text.
 */
bool slp_unescape(char *out, size_t size, struct slp_text in);

/* Is in, escaped as it is, this text? Without regard to the case of ASCII, and
 * to how much white space there is (RFC 2608 6.4). */
bool slp_text_is(struct slp_text in, const char *text);

/*
 * The next element of a list that commas separate; *pos is 0 at first. False at
 * the end. The list "" has no elements.
 */
bool slp_list_next(struct slp_text list, size_t *pos, struct slp_text *element);

/*
 * The next attribute: a tag, and its values as a list; a keyword has none,
 * values.p is NULL then. 1; 0 at the end; LUN_EPROTO, which is the end, too.
 */
struct slp_attr {
	struct slp_text tag, values;
};
int slp_attr_next(struct slp_text list, size_t *pos, struct slp_attr *attr);

/* The first value of an attribute, its escapes taken out. False if it is not
 * there (before the list goes wrong), or no text that fits. */
bool slp_attr_text(struct slp_text list, const char *tag, char *out,
		   size_t size);

/* The same as an integer of 0 to max. */
bool slp_attr_number(struct slp_text list, const char *tag, long max,
		     long *out);

/* Has an attribute this value, among others? -1: there is no such attribute. */
int slp_attr_has(struct slp_text list, const char *tag, const char *value);

/* ---------------------------------------------------------- predicates -- */

/* The searches of RFC 4018 5.2, as LDAPv3 filters. */
void slp_add_equal(struct str *out, const char *tag, const char *value);

/* Targets that are open to this initiator, or to any; and to this user of CHAP,
 * if it is not NULL: queries 4 and 6, written as they are meant. */
void slp_add_access(struct str *out, const char *name, const char *chap_user);

#endif
