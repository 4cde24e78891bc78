/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC32C against the vectors of RFC 7143 A.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/digest.h"

static void
check(const uint8_t *p, size_t len, const char *want)
{
	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t crc = digest_update(DIGEST_SEED, p, cut);
		uint8_t out[4];

		crc = digest_update(crc, p + cut, len - cut);
		digest_put(crc, out);
		assert_memory_equal(out, want, 4);
		assert_true(digest_matches(crc, out));
		for (unsigned int bit = 0; bit < 32; bit++) {
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(digest_matches(crc, out));
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/*
 * shows: 7143-13.1-03
 */
static void
test_vectors(void **state)
{
	static const uint8_t read10[48] = {
		0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18,
		[32] = 0x28, [40] = 0x02,
	};
	uint8_t zeros[32] = { 0 }, ones[32], up[32], down[32];

	for (unsigned int i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	check(zeros, 32, "\xaa\x36\x91\x8a");
	check(ones, 32, "\x43\xab\xa8\x62");
	check(up, 32, "\x4e\x79\xdd\x46");
	check(down, 32, "\x5c\xdb\x3f\x11");
	check(read10, 48, "\x56\x3a\x96\xd9");
}

/* ISA-L has other code for long inputs: against the definition, bit by bit. */
static void
test_long(void **state)
{
	enum { LEN = 100003 };
	uint8_t *p = malloc(LEN);
	uint32_t crc = DIGEST_SEED;

	for (size_t i = 0; i < LEN; i++)
		p[i] = (uint8_t)(i * i >> 3);
	for (size_t i = 0; i < LEN; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	assert_int_equal(digest_update(DIGEST_SEED, p, LEN), crc);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
