/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two formats of sense data. */
#include "scsi/sense.h"

#include "base/bytes.h"

enum {
	CODE_MASK		= 0x7f,
	CODE_FIXED		= 0x70,		/* + 1: deferred */
	CODE_DESCRIPTOR		= 0x72,		/* + 1: deferred */
	KEY_MASK		= 0x0f,
	HEADER_LEN		= 8,		/* before what byte 7 counts */
	DESCRIPTOR_INFORMATION	= 0x00,
	INFORMATION_LEN		= 12,
	VALID			= 0x80,
};

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* SPC-4 4.5.3 */
static bool
parse_fixed(struct sense *s, const uint8_t *p, size_t len)
{
	if (len < 3)
		return false;
	if (len > HEADER_LEN - 1)
		len = min_size(len, HEADER_LEN + (size_t)p[7]);
	s->key = p[2] & KEY_MASK;
	if (len >= 7 && p[0] & VALID) {
		s->has_information = true;
		s->information = get32(p + 3);
	}
	if (len >= 13)
		s->asc = ASC(p[12], len >= 14 ? p[13] : 0);
	return true;
}

/* SPC-4 4.5.2 */
static bool
parse_descriptors(struct sense *s, const uint8_t *p, size_t len)
{
	if (len < 2)
		return false;
	s->key = p[1] & KEY_MASK;
	if (len >= 3)
		s->asc = ASC(p[2], len >= 4 ? p[3] : 0);
	if (len < HEADER_LEN)
		return true;
	len = min_size(len, HEADER_LEN + (size_t)p[7]);
	for (size_t at = HEADER_LEN; at + 2 <= len;) {
		const uint8_t *d = p + at;
		size_t d_len = 2 + (size_t)d[1];

		if (d_len > len - at)
			break;
		if (d[0] == DESCRIPTOR_INFORMATION &&
		    d_len == INFORMATION_LEN && d[2] & VALID) {
			s->has_information = true;
			s->information = get64(d + 4);
		}
		at += d_len;
	}
	return true;
}

bool
sense_parse(struct sense *s, const uint8_t *p, size_t len)
{
	struct sense out = { 0 };
	bool ok = false;

	if (len == 0)
		return false;

	unsigned code = p[0] & CODE_MASK;

	out.deferred = code & 1;
	if ((code & ~1u) == CODE_FIXED)
		ok = parse_fixed(&out, p, len);
	else if ((code & ~1u) == CODE_DESCRIPTOR)
		ok = parse_descriptors(&out, p, len);
	if (ok)
		*s = out;
	return ok;
}

const char *
sense_key_name(enum sense_key key)
{
	static const char *const names[KEY_COUNT] = {
		"NO SENSE", "RECOVERED ERROR", "NOT READY", "MEDIUM ERROR",
		"HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION",
		"DATA PROTECT", "BLANK CHECK", "VENDOR SPECIFIC",
		"COPY ABORTED", "ABORTED COMMAND", "RESERVED (0xc)",
		"VOLUME OVERFLOW", "MISCOMPARE", "COMPLETED",
	};

	return names[key];
}
