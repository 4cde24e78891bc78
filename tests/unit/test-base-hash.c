/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes against published vectors; the handling of secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/codec.h"
#include "base/hash.h"

/* RFC 1321 A.5, FIPS 180-4 and 202 examples. */
static const struct {
	enum hash_id id;
	const char *in, *hex;
} vectors[] = {
	{ HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ HASH_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb924"
			   "27ae41e4649b934ca495991b7852b855" },
	{ HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223"
			      "b00361a396177a9cb410ff61f20015ad" },
	{ HASH_SHA3_256, "", "a7ffc6f8bf1ed76651c14756a061d662"
			     "f580ff4de43b49fa82d80a4b80f8434a" },
	{ HASH_SHA3_256, "abc", "3a985da74fe225b2045c172d6bd390bd"
				"855f086e3e9d525b46bfe24511431532" },
};

/* The same result however the input is cut into two parts. */
static void
test_vectors(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct hash *h = &hashes[vectors[i].id];
		size_t len = strlen(vectors[i].in);

		for (size_t cut = 0; cut <= len; cut++) {
			char in[32], hex[HEX_LEN(HASH_LEN_MAX)];
			uint8_t out[HASH_LEN_MAX + 1];
			struct iovec parts[] = { { in, cut },
						 { in + cut, len - cut } };

			memcpy(in, vectors[i].in, len);
			memset(out, 0x5a, sizeof(out));
			assert_int_equal(hash_parts(h, parts, 2, out), 0);
			assert_string_equal(hex_encode(hex, out, h->len),
					    vectors[i].hex);
			assert_int_equal(out[h->len], 0x5a);
		}
	}
}

static void
test_table(void **state)
{
	for (int i = 0; i < HASH_COUNT; i++) {
		assert_non_null(hashes[i].name);
		assert_in_range(hashes[i].len, 1, HASH_LEN_MAX);
	}
	assert_string_equal(hashes[HASH_SHA3_256].name, "SHA3-256");
}

static void
test_secrets(void **state)
{
	uint8_t a[32], b[32], zero[32] = { 0 };

	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (uint8_t)(i + 1);
	assert_true(secret_equal(a, b, sizeof(a)));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(secret_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	secret_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
