/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Binary values as text, RFC 7143 6.1: hex-constants ("0x12ab") and
 * base64-constants ("0bEqs=").
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "lun.h"

/* How many chars hex_encode() writes for len bytes. */
#define HEX_LEN(len) (2 * (len) + 1)

/*
 * Reads a constant with its prefix; *len becomes the length that the constant
 * implies. 0, or LUN_EINVAL: it is no such constant, or is longer than size
 * bytes. The text of the error does not repeat the value, which may be secret.
 */
int binary_decode(uint8_t *buf, size_t size, size_t *len, const char *text,
		  struct lun_error *err);

/* Writes lower-case digits, two for each byte, without prefix; returns out. */
char *hex_encode(char *out, const void *p, size_t len);

/* The value of a hex digit, or -1. */
int hex_digit(char c);

#endif
