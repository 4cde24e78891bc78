/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds of values of RFC 7143 6.1, read strictly: the whole string or
 * nothing. Binary values are in base/codec.h.
 */
#ifndef TEXT_VALUE_H
#define TEXT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A numerical-value, decimal or hex, below 2^64. False: it is none. */
bool value_number(const char *s, uint64_t *out);

/* The same as people write it, also with k, M or G after decimal digits. */
bool value_size(const char *s, uint64_t *out);

/* "Yes" or "No", nothing else. */
bool value_bool(const char *s, bool *out);

/*
 * Walks over a list-of-values. *s is the rest, NULL at the end and after what
 * is no list (an empty item, one too long): item is "" then. False at the end.
 */
bool value_list_next(const char **s, char *item, size_t size);

/* "Reject", "Irrelevant", "NotUnderstood": the answers that are no values. */
enum value_constant {
	VALUE_PLAIN, VALUE_REJECT, VALUE_IRRELEVANT, VALUE_NOT_UNDERSTOOD,
};
enum value_constant value_constant(const char *s);

extern const char *const value_constants[];	/* by enum value_constant */

#endif
