/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of RFC 7143 6.1 and the reserved constants of 6.2. */
#include "text/value.h"

#include <string.h>

#include "base/codec.h"

const char *const value_constants[] = {		/* RFC 7143 6.2 */
	[VALUE_REJECT]		= "Reject",
	[VALUE_IRRELEVANT]	= "Irrelevant",
	[VALUE_NOT_UNDERSTOOD]	= "NotUnderstood",
};

enum value_constant
value_constant(const char *s)
{
	for (int i = VALUE_REJECT; i <= VALUE_NOT_UNDERSTOOD; i++)
		if (strcmp(s, value_constants[i]) == 0)
			return (enum value_constant)i;
	return VALUE_PLAIN;
}

/* Digits of a base up to the end of s: at least one, and no overflow. */
static bool
digits(const char *s, unsigned int base, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		int d = hex_digit(*s);

		if (d < 0 || (unsigned int)d >= base)
			return false;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (unsigned int)d, &v))
			return false;
	}
	*out = v;
	return true;
}

bool
value_number(const char *s, uint64_t *out)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return digits(s + 2, 16, out);
	if (s[0] == '0' && s[1])	/* a decimal begins with 1 to 9 */
		return false;
	return digits(s, 10, out);
}

bool
value_size(const char *s, uint64_t *out)
{
	static const struct {
		char suffix;
		unsigned int shift;
	} units[] = { { 'k', 10 }, { 'K', 10 }, { 'M', 20 }, { 'G', 30 } };
	char number[21];		/* 2^64 has 20 digits */
	size_t len = strlen(s);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (len < 2 || s[len - 1] != units[i].suffix)
			continue;
		if (len > sizeof(number))
			return false;
		memcpy(number, s, len - 1);
		number[len - 1] = '\0';
		uint64_t v;

		if (!value_number(number, &v) || v > UINT64_MAX >> units[i].shift)
			return false;
		*out = v << units[i].shift;
		return true;
	}
	return value_number(s, out);
}

bool
value_bool(const char *s, bool *out)
{
	bool yes = strcmp(s, "Yes") == 0;

	if (!yes && strcmp(s, "No") != 0)
		return false;
	*out = yes;
	return true;
}

bool
value_list_next(const char **s, char *item, size_t size)
{
	item[0] = '\0';
	if (!*s)
		return false;
	size_t len = strcspn(*s, ",");
	const char *rest = (*s)[len] ? *s + len + 1 : NULL;

	if (len == 0 || len >= size) {
		*s = NULL;
		return true;
	}
	memcpy(item, *s, len);
	item[len] = '\0';
	*s = rest;
	return true;
}
