/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logical unit numbers as people write them. */
#include "wire/lun.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"

enum {
	DECIMAL_DIGITS_MAX = 5,
	PERIPHERAL_MAX = 0xff,		/* SAM-5 4.7.7.2, bus 0 */
	FLAT_MAX = 0x3fff,		/* SAM-5 4.7.7.3 */
};

static uint64_t
from_number(unsigned int n)
{
	uint64_t first = n <= PERIPHERAL_MAX ? n : 0x4000 | n;

	return first << 48;
}

char *
lun_print(uint64_t lun, char buf[LUN_TEXT_MAX])
{
	unsigned int n = (unsigned int)(lun >> 48) & FLAT_MAX;

	if (from_number(n) == lun)
		snprintf(buf, LUN_TEXT_MAX, "%u", n);
	else
		snprintf(buf, LUN_TEXT_MAX,
			 "%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64,
			 lun >> 48, lun >> 32 & 0xffff, lun >> 16 & 0xffff,
			 lun & 0xffff);
	return buf;
}

static int
wrong(const char *text, struct lun_error *err)
{
	return lun_fail(err, LUN_EINVAL, "\"%.40s\" is not a logical unit "
			"number: 0 to %u, or hex groups as in "
			"4752-3a4f-6b7e-2f99", text, FLAT_MAX);
}

/* RFC 4173 5: trailing groups may be missing, and leading zeros of each. */
static int
parse_groups(uint64_t *lun, const char *text, struct lun_error *err)
{
	const char *p = text;
	uint64_t v = 0;

	for (unsigned int group = 0; group < 4; group++) {
		uint64_t part = 0;
		unsigned int digits = 0;

		for (; hex_digit(*p) >= 0; p++, digits++) {
			if (digits == 4)
				return wrong(text, err);
			part = part << 4 | (uint64_t)hex_digit(*p);
		}
		if (digits == 0)
			return wrong(text, err);
		v |= part << (48 - 16 * group);
		if (*p == '\0') {
			*lun = v;
			return 0;
		}
		if (*p++ != '-')
			return wrong(text, err);
	}
	return wrong(text, err);
}

int
lun_parse(uint64_t *lun, const char *text, struct lun_error *err)
{
	size_t len = strlen(text);

	if (len == 0 || len > DECIMAL_DIGITS_MAX ||
	    strspn(text, "0123456789") != len)
		return parse_groups(lun, text, err);

	unsigned int n = 0;
	for (const char *p = text; *p; p++)
		n = 10 * n + (unsigned int)(*p - '0');
	if (n > FLAT_MAX)
		return wrong(text, err);
	*lun = from_number(n);
	return 0;
}

bool
lun_is_well_known(uint64_t lun)
{
	/* SAM-5 4.7.7.5.1: extended addressing, 1 byte, method 1 */
	return lun >> 56 == 0xc1;
}
