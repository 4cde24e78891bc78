/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hex and base64 constants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "base/codec.h"

struct decode_case {
	const char *text;
	const char *bytes;	/* NULL: refused */
	size_t len;
};

/*
 * shows: 7143-6.1-10 7143-6.1-13
 */
static void
test_decode(void **state)
{
	static const struct decode_case cases[] = {
		{ "0x123", "\x01\x23", 2 }, { "0x0001", "\x00\x01", 2 },
		{ "0xF", "\x0f", 1 }, { "0XaBcD", "\xab\xcd", 2 },
		{ "0x0", "\x00", 1 }, { "0x00000", "\x00\x00\x00", 3 },
		/* RFC 4648 10 */
		{ "0bZg==", "f", 1 }, { "0BZm8=", "fo", 2 },
		{ "0bZm9v", "foo", 3 }, { "0bZm9vYg==", "foob", 4 },
		{ "0bZm9vYmE=", "fooba", 5 }, { "0bZm9vYmFy", "foobar", 6 },
		{ "0b+/+/", "\xfb\xff\xbf", 3 },
		{ "", NULL, 0 }, { "0", NULL, 0 }, { "0x", NULL, 0 },
		{ "0b", NULL, 0 }, { "x12", NULL, 0 }, { "12", NULL, 0 },
		{ "0x12g4", NULL, 0 }, { "0x 12", NULL, 0 },
		{ "0x-1", NULL, 0 }, { " 0x12", NULL, 0 }, { "0x12 ", NULL, 0 },
		{ "0bZg", NULL, 0 }, { "0bZg=", NULL, 0 }, { "0bZ===", NULL, 0 },
		{ "0b====", NULL, 0 }, { "0bZm9v====", NULL, 0 },
		{ "0b=m9v", NULL, 0 }, { "0bZg==Zg==", NULL, 0 },
		{ "0bZm-_", NULL, 0 }, { "0bZm 9", NULL, 0 },
		{ "0bZh==", NULL, 0 }, { "0bZm9=", NULL, 0 },	/* pad bits */
		{ "1x12", NULL, 0 }, { "0c12", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[8];
		size_t len = 4711;
		struct lun_error err = { 0 };
		int r = binary_decode(buf, sizeof(buf), &len, cases[i].text,
				      &err);

		if (!cases[i].bytes) {
			assert_int_equal(r, LUN_EINVAL);
			assert_int_equal(len, 4711);
			assert_int_equal(err.code, LUN_EINVAL);
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(buf, cases[i].bytes, len);
	}
}

/* A value of exactly the size fits, one byte more does not; nothing is
 * written beyond (the sanitizer watches). */
static void
test_bounds(void **state)
{
	for (size_t n = 1; n < 100; n++) {
		uint8_t *in = malloc(n), *out = malloc(n);
		uint8_t *small = malloc(n - 1 ? n - 1 : 1);
		char hex[2 + HEX_LEN(100)] = "0x";
		char b64[2 + HEX_LEN(100)] = "0b";
		size_t len = 0;

		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)(i * 73 + n);
		hex_encode(hex + 2, in, n);
		EVP_EncodeBlock((uint8_t *)b64 + 2, in, (int)n);
		assert_int_equal(strlen(hex) - 1, HEX_LEN(n));
		assert_int_equal(binary_decode(out, n, &len, hex, NULL), 0);
		assert_int_equal(len, n);
		assert_memory_equal(out, in, n);
		memset(out, 0, n);
		assert_int_equal(binary_decode(out, n, &len, b64, NULL), 0);
		assert_int_equal(len, n);
		assert_memory_equal(out, in, n);
		assert_int_equal(binary_decode(small, n - 1, &len, hex, NULL),
				 LUN_EINVAL);
		assert_int_equal(binary_decode(small, n - 1, &len, b64, NULL),
				 LUN_EINVAL);
		free(small);
		free(out);
		free(in);
	}
}

/* Each char is a hex digit or none. */
static void
test_hex_digit(void **state)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";

	for (int c = 0; c < 256; c++) {
		const char *l = c ? strchr(lower, c) : NULL;
		const char *u = c ? strchr(upper, c) : NULL;
		int want = l ? (int)(l - lower) : u ? (int)(u - upper) : -1;

		assert_int_equal(hex_digit((char)c), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hex_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
