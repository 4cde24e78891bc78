/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text format of RFC 7143 6.1. What comes from the peer is bounded by the
 * limit before it is copied, and a pair is handed on only if its key fits a
 * standard-label and its null is there.
 */
#include "text/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

enum { TEXT_FIRST_SIZE = 1024 };

void
text_init(struct text *t, size_t limit)
{
	*t = (struct text){ .limit = limit };
}

void
text_deinit(struct text *t)
{
	if (t->data)
		secret_wipe(t->data, t->size);
	free(t->data);
	text_init(t, t->limit);
}

void
text_clear(struct text *t)
{
	t->len = 0;
	t->cut = 0;
}

/* Room for len bytes more. */
static int
text_grow(struct text *t, size_t len, struct lun_error *err)
{
	if (len > t->limit - t->len)
		return lun_fail(err, LUN_ENOMEM,
				"text of more than %zu bytes", t->limit);
	size_t size = t->size ? t->size : TEXT_FIRST_SIZE;

	while (size < t->len + len)
		size *= 2;
	if (size == t->size)
		return 0;
	char *data = realloc(t->data, size);

	if (!data)
		return lun_fail(err, LUN_ENOMEM, "text: out of memory");
	t->data = data;
	t->size = size;
	return 0;
}

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr(".-+@_", c));
}

/*
 * The characters and the length of a standard-label, 6.1. "X#" of RFC 4850 is
 * taken too, and so is a small letter in front: one RFC 7144 key has it, and
 * other such keys are to be answered, as not understood.
 */
static bool
label_chars_ok(const char *key, size_t len)
{
	if (len == 0 || len > KEY_LEN_MAX)
		return false;
	size_t i = len >= 2 && memcmp(key, "X#", 2) == 0 ? 2 : 0;

	for (; i < len; i++)
		if (!is_label_char(key[i]))
			return false;
	return true;
}

int
text_join(struct text *t, const uint8_t *segment, size_t len,
	  struct lun_error *err)
{
	if (len == 0)
		return 0;
	int r = text_grow(t, len, err);

	if (r < 0)
		return r;
	memcpy(t->data + t->len, segment, len);
	t->len += len;
	return 0;
}

int
text_add(struct text *t, const char *key, const char *value,
	 struct lun_error *err)
{
	size_t key_len = strlen(key), value_len = strlen(value);

	assert(label_chars_ok(key, key_len));
	int r = text_grow(t, key_len + 1 + value_len + 1, err);

	if (r < 0)
		return r;
	char *p = t->data + t->len;

	memcpy(p, key, key_len);
	p[key_len] = '=';
	memcpy(p + key_len + 1, value, value_len + 1);	/* with its null */
	t->len += key_len + 1 + value_len + 1;
	return 0;
}

size_t
text_cut(struct text *t, size_t max, const uint8_t **segment, bool *more)
{
	size_t left = t->len - t->cut;
	size_t len = left < max ? left : max;

	*segment = len ? (const uint8_t *)t->data + t->cut : NULL;
	*more = len < left;
	t->cut += len;
	return len;
}

int
text_next(const struct text *t, size_t *pos, struct pair *pair,
	  struct lun_error *err)
{
	assert(*pos <= t->len);
	if (*pos == t->len)
		return 0;
	const char *p = t->data + *pos;
	const char *end = memchr(p, '\0', t->len - *pos);

	if (!end)
		return lun_fail(err, LUN_EPROTO,
				"text at byte %zu: no null at its end", *pos);
	const char *eq = memchr(p, '=', (size_t)(end - p));	/* the first */

	if (!eq)
		return lun_fail(err, LUN_EPROTO,
				"text at byte %zu: no key=value", *pos);
	size_t key_len = (size_t)(eq - p);

	if (!label_chars_ok(p, key_len))
		return lun_fail(err, LUN_EPROTO,
				"text at byte %zu: not a key", *pos);
	memcpy(pair->key, p, key_len);
	pair->key[key_len] = '\0';
	pair->value = eq + 1;
	pair->value_len = (size_t)(end - pair->value);
	*pos += (size_t)(end - p) + 1;
	return TEXT_PAIR;
}
