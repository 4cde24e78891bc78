/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text that grows on the heap up to a limit. Trouble (the limit, no memory)
 * is remembered and stops it from growing further, so that many additions need
 * one check at the end:
 *
 *	struct str s = STR_INIT(4096);
 *	str_add(&s, "%s=", key);
 *	str_quote(&s, value, len);
 *	if (!(text = str_take(&s)))
 *		return LUN_ENOMEM;
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	char *p;		/* NULL or terminated */
	size_t len;		/* without the terminator */
	size_t size;		/* allocated */
	size_t limit;		/* the largest len */
	bool failed;		/* something is missing from the end */
};

#define STR_INIT(limit_) { .limit = (limit_) }

void str_deinit(struct str *s);		/* may be used again: it is empty */

void str_add(struct str *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void str_add_bytes(struct str *s, const void *p, size_t len);

/* Takes the first n bytes away. */
void str_drop(struct str *s, size_t n);

/*
 * Adds a text of the peer so that it can be shown: what is not UTF-8, control
 * characters, characters that turn the direction of writing, and the
 * backslash itself become \xNN. An addition that does not fit is cut between
 * characters.
 */
void str_quote(struct str *s, const void *p, size_t len);

/* The length of the UTF-8 character at p and its code point; 0: there is none
 * (RFC 3629). */
size_t str_utf8(const void *p, size_t len, uint32_t *c);

bool str_is_utf8(const void *p, size_t len);

/* Is it a text of which str_quote() would change nothing? */
bool str_is_harmless(const void *p, size_t len);

/* What is there ("" if nothing), until the next addition. */
const char *str_text(const struct str *s);

/* Hands the text over, to be free()d; s is empty then. NULL if it failed. */
char *str_take(struct str *s);

#endif
