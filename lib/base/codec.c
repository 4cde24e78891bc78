/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hex and base64. A decoder counts first, so that nothing is written unless
 * the whole value fits; what is written before an error is found is no secret
 * of ours, the caller does not look at it.
 */
#include "base/codec.h"

#include <string.h>

#include "base/error.h"

static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
base64_digit(char c)
{
	const char *p = c ? strchr(base64_alphabet, c) : NULL;

	return p ? (int)(p - base64_alphabet) : -1;
}

static int
too_long(struct lun_error *err, size_t len, size_t size)
{
	return lun_fail(err, LUN_EINVAL, "a binary value of %zu bytes: "
			"at most %zu are allowed", len, size);
}

/*
 * RFC 7143 6.1: n digits are (n + 1) / 2 bytes. The constant is a base-16
 * number, so an odd first digit is the low half of the first byte.
 */
static int
hex_decode(uint8_t *buf, size_t size, size_t *len, const char *digits,
	   struct lun_error *err)
{
	size_t n = strlen(digits), bytes = (n + 1) / 2;

	if (n == 0)
		return lun_fail(err, LUN_EINVAL, "a hex-constant without digits");
	if (bytes > size)
		return too_long(err, bytes, size);
	for (size_t i = 0, place = n & 1; i < n; i++, place++) {
		int v = hex_digit(digits[i]);

		if (v < 0)
			return lun_fail(err, LUN_EINVAL, "a hex-constant with "
					"a wrong digit at position %zu", i);
		if (i == 0 || place % 2 == 0)
			buf[place / 2] = 0;
		buf[place / 2] = (uint8_t)(buf[place / 2] << 4 | v);
	}
	*len = bytes;
	return 0;
}

/* RFC 4648 4: groups of four with padding; 3.5: the pad bits are zero. */
static int
base64_decode(uint8_t *buf, size_t size, size_t *len, const char *text,
	      struct lun_error *err)
{
	size_t n = strlen(text), digits = n, out = 0;
	uint32_t acc = 0;
	unsigned int bits = 0;

	while (digits > 0 && n - digits < 2 && text[digits - 1] == '=')
		digits--;
	if (n == 0 || n % 4 != 0)
		return lun_fail(err, LUN_EINVAL, "a base64-constant of %zu "
				"characters: not a multiple of 4", n);
	if (digits * 3 / 4 > size)
		return too_long(err, digits * 3 / 4, size);
	for (size_t i = 0; i < digits; i++) {
		int v = base64_digit(text[i]);

		if (v < 0)
			return lun_fail(err, LUN_EINVAL, "a base64-constant with"
					" a wrong digit at position %zu", i);
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf[out++] = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return lun_fail(err, LUN_EINVAL, "a base64-constant whose "
				"last bits are not zero");
	*len = out;
	return 0;
}

int
binary_decode(uint8_t *buf, size_t size, size_t *len, const char *text,
	      struct lun_error *err)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return hex_decode(buf, size, len, text + 2, err);
	if (text[0] == '0' && (text[1] == 'b' || text[1] == 'B'))
		return base64_decode(buf, size, len, text + 2, err);
	return lun_fail(err, LUN_EINVAL, "neither a hex-constant nor a "
			"base64-constant");
}

char *
hex_encode(char *out, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = "0123456789abcdef"[b[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}
