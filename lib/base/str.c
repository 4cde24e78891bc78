/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The string builder. Invariant: p is NULL (and len 0), or len < size and
 * p[len] is the terminator; len <= limit.
 */
#include "base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STR_SIZE_MIN = 64 };

/* Makes room for add more bytes and the terminator. */
static bool
str_reserve(struct str *s, size_t add)
{
	if (s->failed)
		return false;
	if (add > s->limit - s->len) {
		s->failed = true;
		return false;
	}
	if (s->len + add < s->size)
		return true;

	size_t size = s->size ? s->size : STR_SIZE_MIN;
	while (size <= s->len + add)
		size *= 2;
	char *p = realloc(s->p, size);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->p = p;
	s->p[s->len] = '\0';
	s->size = size;
	return true;
}

void
str_deinit(struct str *s)
{
	free(s->p);
	*s = (struct str)STR_INIT(s->limit);
}

void
str_add_bytes(struct str *s, const void *p, size_t len)
{
	if (!str_reserve(s, len))
		return;
	if (len > 0)
		memcpy(s->p + s->len, p, len);
	s->len += len;
	s->p[s->len] = '\0';
}

void
str_drop(struct str *s, size_t n)
{
	assert(n <= s->len);
	if (n == 0)
		return;
	s->len -= n;
	memmove(s->p, s->p + n, s->len + 1);
}

void
str_add(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s->failed = true;
		return;
	}
	if (!str_reserve(s, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

static bool
is_harmless(uint32_t c)
{
	static const struct { uint32_t lo, hi; } bad[] = {
		{ 0x00, 0x1f }, { '\\', '\\' }, { 0x7f, 0x9f },
		{ 0x061c, 0x061c }, { 0x200e, 0x200f },	/* direction marks */
		{ 0x2028, 0x202e },	/* line separators, embeddings */
		{ 0x2066, 0x2069 },	/* isolates */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (c >= bad[i].lo && c <= bad[i].hi)
			return false;
	return true;
}

size_t
str_utf8(const void *text, size_t len, uint32_t *c)
{
	const uint8_t *p = text;
	static const struct {
		uint8_t mask, lead;
		uint32_t least;		/* no overlong forms: RFC 3629 3 */
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (size_t n = 1; n <= 4 && n <= len; n++) {
		if ((p[0] & forms[n - 1].mask) != forms[n - 1].lead)
			continue;
		uint32_t v = p[0] & (uint8_t)~forms[n - 1].mask;
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			v = v << 6 | (p[i] & 0x3f);
		}
		if (v < forms[n - 1].least || v > 0x10ffff ||
		    (v >= 0xd800 && v <= 0xdfff))
			return 0;
		*c = v;
		return n;
	}
	return 0;
}

bool
str_is_utf8(const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t n = 0;
	uint32_t c;

	for (; len > 0 && (n = str_utf8(p, len, &c)) > 0; len -= n)
		p += n;
	return len == 0;
}

bool
str_is_harmless(const void *text, size_t len)
{
	const uint8_t *p = text;

	while (len > 0) {
		uint32_t c = 0;
		size_t n = str_utf8(p, len, &c);

		if (n == 0 || !is_harmless(c))
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void
str_quote(struct str *s, const void *text, size_t len)
{
	const uint8_t *p = text;

	while (len > 0 && !s->failed) {
		uint32_t c = 0;
		size_t n = str_utf8(p, len, &c);

		if (n > 0 && is_harmless(c)) {
			str_add_bytes(s, p, n);
		} else {
			n = 1;	/* the next byte may begin a good character */
			str_add(s, "\\x%02x", p[0]);
		}
		p += n;
		len -= n;
	}
}

const char *
str_text(const struct str *s)
{
	return s->p ? s->p : "";
}

char *
str_take(struct str *s)
{
	if (!str_reserve(s, 0))		/* an empty text is a text too */
		return NULL;
	char *p = s->p;

	*s = (struct str)STR_INIT(s->limit);
	return p;
}
