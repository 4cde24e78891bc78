/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard INQUIRY data (SPC-4 6.4.2), VPD pages (SPC-4 7.8, SBC-3 6.5). */
#include "scsi/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/codec.h"

enum {
	INQUIRY_LEN_MIN		= 36,
	VPD_HEADER_LEN		= 4,
	DESIGNATOR_HEADER_LEN	= 4,
	DESIGNATOR_TEXT_MAX	= 8 + 2 * 255 + 1,
};

/* Text of the peer: trimmed at both ends, and one '?' for each byte that is
 * not printable ASCII. out has room for len chars and the terminator. */
static void
printable(char *out, const uint8_t *p, size_t len)
{
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0'))
		len--;
	while (len > 0 && (*p == ' ' || *p == '\0'))
		p++, len--;
	for (size_t i = 0; i < len; i++)
		*out++ = p[i] >= ' ' && p[i] <= '~' ? (char)p[i] : '?';
	*out = '\0';
}

bool
inquiry_parse(struct inquiry *q, const uint8_t *p, size_t len)
{
	uint8_t full[INQUIRY_LEN_MIN] = { 0 };

	if (len < 5)
		return false;
	if (len > 5 + (size_t)p[4])
		len = 5 + (size_t)p[4];
	if (len > sizeof(full))
		len = sizeof(full);
	memcpy(full, p, len);
	*q = (struct inquiry){
		.qualifier = full[0] >> 5,
		.type = full[0] & 0x1f,
		.version = full[2],
	};
	printable(q->vendor, full + 8, 8);
	printable(q->product, full + 16, 16);
	printable(q->revision, full + 32, 4);
	return true;
}

size_t
vpd_full_len(const uint8_t *p, size_t len)
{
	return len < VPD_HEADER_LEN ? 0 : VPD_HEADER_LEN + (size_t)get16(p + 2);
}

/* Is it that page? *len becomes what is there of it, with the header. */
static bool
vpd_check(enum vpd_page page, const uint8_t *p, size_t *len)
{
	size_t full = vpd_full_len(p, *len);

	if (full == 0 || p[1] != page)
		return false;
	if (*len > full)
		*len = full;
	return true;
}

bool
vpd_parse_supported(struct vpd_pages *pages, const uint8_t *p, size_t len)
{
	if (!vpd_check(VPD_SUPPORTED, p, &len))
		return false;
	*pages = (struct vpd_pages){ 0 };
	for (size_t i = VPD_HEADER_LEN; i < len; i++)
		pages->bits[p[i] / 8] |= (uint8_t)(1 << p[i] % 8);
	return true;
}

bool
vpd_has(const struct vpd_pages *pages, enum vpd_page page)
{
	return pages->bits[page / 8] >> page % 8 & 1;
}

bool
vpd_parse_serial(char serial[256], const uint8_t *p, size_t len)
{
	if (!vpd_check(VPD_SERIAL, p, &len))
		return false;
	len -= VPD_HEADER_LEN;
	printable(serial, p + VPD_HEADER_LEN, len < 255 ? len : 255);
	return true;
}

/* Is every byte text, zeros at the end left out? *len becomes the rest. */
static bool
is_text(const uint8_t *p, size_t *len, bool utf8)
{
	while (*len > 0 && (p[*len - 1] == '\0' || p[*len - 1] == ' '))
		--*len;
	for (size_t i = 0; i < *len; i++)
		if (p[i] < ' ' || p[i] == 0x7f || (p[i] > 0x7f && !utf8))
			return false;
	return *len > 0;
}

enum form {
	FORM_HEX,
	FORM_TEXT,
	FORM_UTF8,
};

static const struct kind {		/* SPC-4 7.8.6.1, DESIGNATOR TYPE */
	uint8_t type;
	const char *prefix;
	enum form form;
} kinds[] = {
	{ 1, "t10.",	FORM_TEXT },
	{ 2, "eui.",	FORM_HEX },
	{ 3, "naa.",	FORM_HEX },
	{ 8, "name.",	FORM_UTF8 },
};

/* What is not text comes out in hex, so that nothing of it is lost. */
static void
designator_text(char text[DESIGNATOR_TEXT_MAX], const struct kind *k,
		const uint8_t *p, size_t len)
{
	size_t text_len = len;
	char *out = stpcpy(text, k->prefix);

	if (k->form == FORM_HEX || !is_text(p, &text_len, k->form == FORM_UTF8)) {
		hex_encode(out, p, len);
		return;
	}
	for (size_t i = 0; i < text_len; i++)
		*out++ = p[i] == ' ' || p[i] == '/' ? '_' : (char)p[i];
	*out = '\0';
}

static bool
designators_add(struct designators *d, const char *text)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->text[i], text) == 0)
			return true;
	if (d->n == DESIGNATORS_MAX)
		return true;		/* enough to know it by */
	if (!(d->text[d->n] = strdup(text)))
		return false;
	d->n++;
	return true;
}

/* One designation descriptor that is wholly there. */
static bool
designator_parse(struct designators *d, const uint8_t *p)
{
	char text[DESIGNATOR_TEXT_MAX];
	unsigned association = p[1] >> 4 & 3, type = p[1] & 0xf;

	if (association != 0 || p[3] == 0)	/* of a port or the target */
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].type != type)
			continue;
		designator_text(text, &kinds[i], p + DESIGNATOR_HEADER_LEN,
				p[3]);
		return designators_add(d, text);
	}
	return true;
}

int
vpd_parse_identification(struct designators *d, const uint8_t *p, size_t len)
{
	struct designators out = { 0 };

	if (!vpd_check(VPD_IDENTIFICATION, p, &len))
		return LUN_EPROTO;
	for (size_t at = VPD_HEADER_LEN; at + DESIGNATOR_HEADER_LEN <= len;) {
		size_t d_len = DESIGNATOR_HEADER_LEN + (size_t)p[at + 3];

		if (d_len > len - at)
			break;
		if (!designator_parse(&out, p + at)) {
			designators_deinit(&out);
			return LUN_ENOMEM;
		}
		at += d_len;
	}
	*d = out;
	return 0;
}

void
designators_deinit(struct designators *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->text[i]);
	d->n = 0;
}

bool
vpd_parse_block_limits(struct block_limits *l, const uint8_t *p, size_t len)
{
	if (!vpd_check(VPD_BLOCK_LIMITS, p, &len))
		return false;
	*l = (struct block_limits){
		.max_transfer = len >= 12 ? get32(p + 8) : 0,
		.optimal_transfer = len >= 16 ? get32(p + 12) : 0,
	};
	return true;
}

bool
vpd_parse_characteristics(uint16_t *rotation_rate, const uint8_t *p, size_t len)
{
	if (!vpd_check(VPD_CHARACTERISTICS, p, &len) || len < 6)
		return false;
	*rotation_rate = get16(p + 4);
	return true;
}

bool
vpd_parse_provisioning(bool *thin, const uint8_t *p, size_t len)
{
	enum { PROVISIONING_THIN = 2 };		/* byte 6, bits 0-2 */

	if (!vpd_check(VPD_PROVISIONING, p, &len) || len < 7)
		return false;
	*thin = (p[6] & 7) == PROVISIONING_THIN;
	return true;
}
