/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A logical text: "key=value" pairs, each ended by one null, RFC 7143 6.1. It
 * grows on the heap up to a limit of the caller's.
 *
 * Going out, pairs are added one by one and the whole is cut into segments;
 * all but the last are sent with the C bit. Coming in, the segments of PDUs
 * with the C bit and of the one without are joined; pairs may be cut anywhere
 * (6.1), so nothing is parsed before the last one came.
 */
#ifndef TEXT_TEXT_H
#define TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum {
	KEY_LEN_MAX = 63,		/* 6.1, standard-label */
	VALUE_LEN_MAX = 255,		/* 6.1, simple-value */
	TEXT_LIMIT_LOGIN = 65536,	/* what we take in: 6.1 asks for 64 KiB
					   with some authentication methods */
	/*
	 * What we may have to say: the answer to "A=" is "A=NotUnderstood", 16
	 * bytes for 3, and our own proposals come on top.
	 */
	TEXT_LIMIT_ANSWER = 8 * TEXT_LIMIT_LOGIN,
};

struct text {
	char *data;
	size_t len, size;
	size_t limit;
	size_t cut;			/* how much of it was cut off so far */
};

/* One pair; both strings are terminated and stand inside the text. */
struct pair {
	char key[KEY_LEN_MAX + 1];
	const char *value;
	size_t value_len;
};

void text_init(struct text *t, size_t limit);
void text_deinit(struct text *t);	/* wiped, and may be used again */

/* Makes it empty; the memory stays. */
void text_clear(struct text *t);

/* Adds a pair. The syntax of the key is asserted. 0 or LUN_ENOMEM. */
int text_add(struct text *t, const char *key, const char *value,
	     struct lun_error *err);

/* Adds a segment that came. 0 or LUN_ENOMEM: too long for the limit. */
int text_join(struct text *t, const uint8_t *segment, size_t len,
	      struct lun_error *err);

/*
 * The next segment to send, of at most max bytes: its length, 0 when all was
 * cut off. *more: others follow, so that this one needs the C bit.
 */
size_t text_cut(struct text *t, size_t max, const uint8_t **segment, bool *more);

/*
 * Walks over the pairs: TEXT_PAIR, 0 at the end, LUN_EPROTO for what is no
 * such text. *pos starts as 0. A key that does not begin with a capital
 * letter passes: it is one to be looked for in vain.
 */
enum { TEXT_PAIR = 1 };
int text_next(const struct text *t, size_t *pos, struct pair *pair,
	      struct lun_error *err);

#endif
