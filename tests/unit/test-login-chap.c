/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHAP against values that another implementation computed (Python's hashlib;
 * the sums over all lengths are SHA-256 of the responses one after another).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "base/codec.h"
#include "login/chap.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define SECRET		"a secret of 16 b"
#define SECRET_IN	"the target's own"
#define CHALLENGE	"0x0102030405060708090a0b0c0d0e0f10"
#define ALL		"8,7,6,5"

static struct auth_config auth;
static struct chap chap;
static struct negotiation n;
static struct text said;
static struct lun_error err;
static uint8_t next_random;

/* Predictable: 0xa0, 0xa1, ... */
static void
fake_random(void *user, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = next_random++;
}

static const struct lun_env env = { .random = fake_random };

static void
set_secrets(bool mutual)
{
	auth = (struct auth_config){
		.method = AUTH_CHAP, .mutual = mutual,
		.password_len = strlen(SECRET),
		.password_in_len = strlen(SECRET_IN),
	};
	memcpy(auth.password, SECRET, auth.password_len);
	memcpy(auth.password_in, SECRET_IN, auth.password_in_len);
}

static void
begin(void)
{
	struct offer offer;
	struct params params;

	offer_default(&offer);
	params_default(&params);
	negotiate_init(&n, &offer, &params, IN_SECURITY, true, false);
	text_deinit(&said);
	text_init(&said, 65536);
	next_random = 0xa0;
	chap_init(&chap, &auth, "alice", false);
	assert_int_equal(chap_begin(&chap, &n, &said, &err), 0);
}

static int
take_pair(const char *key, const char *value)
{
	struct pair pair = { .value = value, .value_len = strlen(value) };

	strcpy(pair.key, key);
	return chap_take(&chap, &pair, &err);
}

static int
step(void)
{
	text_clear(&said);
	return chap_step(&chap, &env, &n, &said, &err);
}

/* The text said, its nulls as semicolons. */
static const char *
said_text(void)
{
	static char s[4096];

	assert_true(said.len < sizeof(s));
	for (size_t i = 0; i < said.len; i++)
		s[i] = said.data[i] ? said.data[i] : ';';
	s[said.len] = '\0';
	return s;
}

/* Up to where the target has answered CHAP_A. */
static int
challenge(const char *a, const char *i, const char *c)
{
	int r;

	begin();
	if ((r = take_pair("CHAP_A", a)) < 0 || (r = take_pair("CHAP_I", i)) < 0 ||
	    (r = take_pair("CHAP_C", c)) < 0)
		return r;
	return step();
}

static const struct {
	const char *number;
	const char *one_way, *of_target, *reflected;
} vectors[] = {
	{ "5", "4af9c731c5a9ff5fb0b716fc6c93886e",
	  "6f5468198f47847b5a19ca8e4cd9ccb3",
	  "fc4f89576401f26ed99a02e9a7297908" },
	{ "6", "312889a45f9faff0aa72d4a16b037c2b41aaa879",
	  "3df2830dac19b4f79fb5889a3f8e55bf9bdd5be4",
	  "ed667fd830f85672c45cabc3a4a03b7ca5fc587f" },
	{ "7",
	  "5f07bda0710f6ec9c4407817c8a9a967"
	  "32f2f03c5477d9c477fa568ade5c3c94",
	  "66fb030b911f3c862d04e8cf5933e8e8"
	  "8f70bbcbc6c36f4f0651e6a797918581",
	  "8f5f0481fbb428b41463172ecfa09a4b"
	  "75ebf069a0898fad001dca3c1ea9747a" },
	{ "8",
	  "2c2485ff326ac4e3ff6f0d3922c5eb0c"
	  "45bb1c914b173707736ae6f82e1939f8",
	  "268cd9fb318136ef760f143cbcfdc339"
	  "40358b943ceff43a323110cd07786125",
	  "d601a98a8fb52c84c2639707bcc88bba"
	  "e461467ba2b81f348ee75b8176065c08" },
};

/* shows: 7143-12.1.3-01 7143-12.1.3-03 7143-12.1.3-04 7143-9.2.1-01 */
/* shows: 7143-6.1-12 */
static void
test_one_way(void **state)
{
	set_secrets(false);
	for (size_t i = 0; i < COUNT(vectors); i++) {
		char want[128];

		begin();
		assert_string_equal(said_text(), "CHAP_A=" ALL ";");
		assert_int_equal(challenge(vectors[i].number, "7", CHALLENGE),
				 0);
		snprintf(want, sizeof(want), "CHAP_N=alice;CHAP_R=0x%s;",
			 vectors[i].one_way);
		assert_string_equal(said_text(), want);
		assert_int_equal(chap.step, CHAP_RESULT);
		assert_int_equal(step(), 0);
		assert_int_equal(said.len, 0);
		assert_int_equal(chap.step, CHAP_DONE);
		/* nothing may come after it, nor a proof that nobody wants */
		assert_int_equal(take_pair("CHAP_N", "x"), LUN_EAUTH);
		assert_int_equal(challenge(vectors[i].number, "7", CHALLENGE),
				 0);
		assert_int_equal(take_pair("CHAP_R", CHALLENGE), LUN_EAUTH);
	}
}

/* shows: 7143-9.2.1-01 7143-12.1.3-04 7143-12.1.3-05 7143-9.2.1-07 */
/* shows: 7143-6.1-12 7143-9.2.1-09 */
static void
test_mutual(void **state)
{
	set_secrets(true);
	for (size_t i = 0; i < COUNT(vectors); i++) {
		char want[256], proof[80];

		assert_int_equal(challenge(vectors[i].number, "7", CHALLENGE),
				 0);
		snprintf(want, sizeof(want), "CHAP_N=alice;CHAP_R=0x%s;"
			 "CHAP_I=160;CHAP_C=0xa1a2a3a4a5a6a7a8a9aaabacadaeafb0;",
			 vectors[i].one_way);
		assert_string_equal(said_text(), want);
		snprintf(proof, sizeof(proof), "0x%s", vectors[i].of_target);
		assert_int_equal(take_pair("CHAP_N", "disk"), 0);
		assert_int_equal(take_pair("CHAP_R", proof), 0);
		assert_int_equal(step(), 0);
		assert_int_equal(chap.step, CHAP_DONE);
		assert_int_equal(said.len, 0);

		/* every single bit of it wrong */
		for (size_t bit = 0; bit < 4 * strlen(vectors[i].of_target);
		     bit++) {
			uint8_t raw[HASH_LEN_MAX];
			size_t len;

			challenge(vectors[i].number, "7", CHALLENGE);
			assert_int_equal(binary_decode(raw, sizeof(raw), &len,
						       proof, NULL), 0);
			raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
			char bad[80] = "0x";

			hex_encode(bad + 2, raw, len);
			assert_int_equal(take_pair("CHAP_N", "disk"), 0);
			assert_int_equal(take_pair("CHAP_R", bad), 0);
			assert_int_equal(step(), LUN_EAUTH);
		}

		/* the answer that we would give ourselves */
		challenge(vectors[i].number, "7", CHALLENGE);
		snprintf(proof, sizeof(proof), "0x%s", vectors[i].reflected);
		assert_int_equal(take_pair("CHAP_N", "disk"), 0);
		assert_int_equal(take_pair("CHAP_R", proof), 0);
		assert_int_equal(step(), LUN_EAUTH);
		assert_non_null(strstr(err.text, "our own secret"));
	}
}

/* Both directions with one secret: its right answer is the wrong one. */
/* shows: 7143-9.2.1-07 */
static void
test_same_secret_fails(void **state)
{
	char proof[80];

	set_secrets(true);
	memcpy(auth.password_in, SECRET, sizeof(SECRET));
	challenge("5", "7", CHALLENGE);
	snprintf(proof, sizeof(proof), "0x%s", vectors[0].reflected);
	assert_int_equal(take_pair("CHAP_N", "disk"), 0);
	assert_int_equal(take_pair("CHAP_R", proof), 0);
	assert_int_equal(step(), LUN_EAUTH);
}

/* What of the target's proof can be missing or out of shape. */
/* shows: 7143-12.1.3-05 7143-12.1.3-07 1994-4.1-02 7143-9.2-05 */
static void
test_mutual_shapes(void **state)
{
	static const struct {
		const char *expected, *name, *response;
		int r;
	} cases[] = {
		{ "", "disk", "0x6f5468198f47847b5a19ca8e4cd9ccb3", 0 },
		{ "", "disk", "0X6F5468198F47847B5A19CA8E4CD9CCB3", 0 },
		{ "", "disk", "0bb1RoGY9HhHtaGcqOTNnMsw==", 0 },
		{ "", "disk", "0Bb1RoGY9HhHtaGcqOTNnMsw==", 0 },
		{ "disk", "disk", "0bb1RoGY9HhHtaGcqOTNnMsw==", 0 },
		{ "disk", "other", "0bb1RoGY9HhHtaGcqOTNnMsw==", LUN_EAUTH },
		{ "disk", "dis", "0bb1RoGY9HhHtaGcqOTNnMsw==", LUN_EAUTH },
		{ "", NULL, NULL, LUN_EAUTH },
		{ "", "disk", NULL, LUN_EAUTH },
		{ "", NULL, "0x6f5468198f47847b5a19ca8e4cd9ccb3", LUN_EAUTH },
		/* a byte less, a byte more */
		{ "", "disk", "0x6f5468198f47847b5a19ca8e4cd9cc", LUN_EAUTH },
		{ "", "disk", "0x6f5468198f47847b5a19ca8e4cd9ccb300",
		  LUN_EAUTH },
		/* right for another identifier than ours */
		{ "", "disk", "0xcaf2f4d2cf4b6074ca4990af04684afe", LUN_EAUTH },
		{ "", "disk", "", LUN_EAUTH },
		{ "", "disk", "147", LUN_EAUTH },
		{ "", "disk", "0x", LUN_EAUTH },
		{ "", "disk", "Reject", LUN_EAUTH },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = 0;

		set_secrets(true);
		strcpy(auth.username_in, cases[i].expected);
		assert_int_equal(challenge("5", "7", CHALLENGE), 0);
		if (cases[i].name)
			r = take_pair("CHAP_N", cases[i].name);
		if (r == 0 && cases[i].response)
			r = take_pair("CHAP_R", cases[i].response);
		if (r == 0)
			r = step();
		assert_int_equal(r, cases[i].r);
	}
}

/* The first answer of the target in all its shapes. */
/* shows: 7143-9.2-03 7143-12.1.3-02 7143-12.1.3-07 7143-12.1.3-08 */
/* shows: 7143-6.1-10 7143-6.1-12 7143-6.1-13 */
static void
test_challenge_shapes(void **state)
{
	static const struct {
		const char *a, *i, *c;
		const char *response;		/* NULL: it fails */
	} cases[] = {
		{ "5", "7", CHALLENGE, "4af9c731c5a9ff5fb0b716fc6c93886e" },
		{ "0x5", "0x07", CHALLENGE, "4af9c731c5a9ff5fb0b716fc6c93886e" },
		{ "5", "0", CHALLENGE, "b1f57b4ca82ae2e4bb73ea4dc5705fd6" },
		{ "5", "255", CHALLENGE, "a252a17095e5219a8f9587b9ec5bea69" },
		{ "5", "0xff", CHALLENGE, "a252a17095e5219a8f9587b9ec5bea69" },
		{ "5", "7", "0x123", "2669838988b892ccf692b9adcdb17197" },
		{ "5", "7", "0x0001", "009a1b4c6f1c2a65e157e9badb98b2e0" },
		{ "5", "7", "0bAAECAwQFBgcICQoLDA0ODw==",
		  "0520b5e2e87038d030b5c9751ee1b8eb" },
		{ "5", "7", "0BAAECAwQFBgcICQoLDA0ODxA=",
		  "e808bfbac7fc9f5e6c83b13d34aa4d9c" },
		{ "5", "7", "0bAAECAwQFBgcICQoLDA0ODxAR",
		  "df44c90fc55da7eb89a9d29d1d62eb02" },
		{ "9", "7", CHALLENGE, NULL },
		{ "5,7", "7", CHALLENGE, NULL },
		{ "", "7", CHALLENGE, NULL },
		{ "MD5", "7", CHALLENGE, NULL },
		{ "261", "7", CHALLENGE, NULL },	/* 5, modulo 256 */
		{ "Reject", "7", CHALLENGE, NULL },
		{ "5", "256", CHALLENGE, NULL },
		{ "5", "abc", CHALLENGE, NULL },
		{ "5", "-1", CHALLENGE, NULL },
		{ "5", "", CHALLENGE, NULL },
		{ "5", "7", "xyz", NULL },
		{ "5", "7", "", NULL },
		{ "5", "7", "0x", NULL },
		{ "5", "7", "0b", NULL },
		{ "5", "7", "0xzz", NULL },
		{ "5", "7", "0b!", NULL },
		{ "5", "7", "12345", NULL },	/* decimal has no length */
	};

	set_secrets(false);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = challenge(cases[i].a, cases[i].i, cases[i].c);
		char want[80];

		if (!cases[i].response) {
			assert_int_equal(r, LUN_EAUTH);
			assert_null(strstr(said_text(), "CHAP_R"));
			continue;
		}
		assert_int_equal(r, 0);
		snprintf(want, sizeof(want), "CHAP_N=alice;CHAP_R=0x%s;",
			 cases[i].response);
		assert_string_equal(said_text(), want);
	}
}

/* Exactly CHAP_A, CHAP_I, CHAP_C: all other sets of keys end it. */
/* shows: 7143-9.2-03 7143-12.1.3-03 */
static void
test_every_set_of_keys(void **state)
{
	static const struct {
		const char *key, *value;
	} all[] = {
		{ "CHAP_A", "5" }, { "CHAP_I", "7" }, { "CHAP_C", CHALLENGE },
		{ "CHAP_N", "disk" }, { "CHAP_R", CHALLENGE },
	};

	for (int mutual = 0; mutual < 2; mutual++) {
		for (unsigned int set = 0; set < 32; set++) {
			int r = 0;

			set_secrets(mutual);
			begin();
			for (int i = 0; r == 0 && i < 5; i++)
				if (set & 1u << i)
					r = take_pair(all[i].key, all[i].value);
			if (r == 0)
				r = step();
			assert_int_equal(r, set == 7 ? 0 : LUN_EAUTH);
			if (set != 7)
				assert_null(strstr(said_text(), "CHAP_R"));
		}
	}
}

/* SHA-256 of all responses, for each hash: of test_all_lengths(). */
static const char *const sums[][2] = {		/* challenges, secrets */
	{ "5404fa04a46a7a1c01d157562955b325"
	  "894fe1afd3bc7ffe871d7421eb9439b5",
	  "e7783ffb54abf017dd8361dc3f3befa8"
	  "40699601c7b59b2decff83b338bfc206" },
	{ "675fdf2be6902b98aa714b6d6b89cda9"
	  "874867b61528c34aa8549d322c5e2a98",
	  "b36debc0bb23bb1cfa82068a5923d11c"
	  "94d7b1d2b89d0e8bafe662e1959d8828" },
	{ "156f9d0ec27b5ded2867dbe8541a60c3"
	  "8757b1eda4b93cc931a3953e0ecb9ce3",
	  "3753b32ff0c1fe46e0f25ef5982de49c"
	  "924944c0546b2add101c7f085898328a" },
	{ "d4fc3368e290ea4a5cb035fe39800149"
	  "07e99562ec452233e74bed953e8e2c3f",
	  "3a81ae7eb5f8beb39b5e6f35d5f79304"
	  "4c5fdf63caf3f1229cfbaab91ad5c4e1" },
};

/* All lengths of a challenge, and all lengths of a secret, with any bytes. */
/* shows: 7143-12.1.3-06 7143-9.2.1-02 7143-12.1.3-03 */
static void
test_all_lengths(void **state)
{
	static uint8_t sum[1024 * HASH_LEN_MAX], bytes[1024];
	static char text[2 + HEX_LEN(1025)] = "0x";

	for (size_t v = 0; v < COUNT(vectors); v++) {
		for (int secrets = 0; secrets < 2; secrets++) {
			size_t sum_len = 0, max = secrets ? 255 : 1024;

			for (size_t len = 1; len <= max; len++) {
				unsigned int mul = secrets ? 5 : 7;
				char id[4];
				size_t one;

				for (size_t i = 0; i < len; i++)
					bytes[i] = (uint8_t)(i * mul + len);
				set_secrets(false);
				if (secrets) {
					memcpy(auth.password, bytes, len);
					auth.password_len = len;
				} else {
					hex_encode(text + 2, bytes, len);
				}
				snprintf(id, sizeof(id), "%u",
					 (unsigned int)len & 255);
				assert_int_equal(challenge(vectors[v].number, id,
				    secrets ? CHALLENGE : text), 0);
				assert_int_equal(binary_decode(sum + sum_len,
				    HASH_LEN_MAX, &one,
				    said.data + strlen("CHAP_N=alice;CHAP_R="),
				    NULL), 0);
				sum_len += one;
			}
			uint8_t digest[HASH_LEN_MAX];
			const struct iovec part = { sum, sum_len };
			char hex[HEX_LEN(HASH_LEN_MAX)];

			hash_parts(&hashes[HASH_SHA256], &part, 1, digest);
			assert_string_equal(hex_encode(hex, digest, 32),
					    sums[v][secrets]);
		}
	}
	/* one byte more is too long, in either encoding */
	set_secrets(false);
	static uint8_t long_bytes[1025];
	static char base64[2 + HEX_LEN(1025)] = "0b";

	hex_encode(text + 2, long_bytes, 1025);
	assert_int_equal(challenge("5", "7", text), LUN_EAUTH);
	EVP_EncodeBlock((uint8_t *)base64 + 2, long_bytes, 1025);
	assert_int_equal(challenge("5", "7", base64), LUN_EAUTH);
	EVP_EncodeBlock((uint8_t *)base64 + 2, long_bytes, 1024);
	assert_int_equal(challenge("5", "7", base64), 0);
}

/* A target that sends the challenge that we are going to make. */
/* shows: 7143-9.2.1-09 */
static void
test_challenge_is_not_reused(void **state)
{
	set_secrets(true);
	assert_int_equal(challenge("5", "7",
				   "0xa1a2a3a4a5a6a7a8a9aaabacadaeafb0"),
			 LUN_EAUTH);
	assert_int_equal(challenge("5", "7",
				   "0xa1a2a3a4a5a6a7a8a9aaabacadaeaf"), 0);
	set_secrets(false);
	assert_int_equal(challenge("5", "7",
				   "0xa1a2a3a4a5a6a7a8a9aaabacadaeafb0"), 0);
}

/* Each login asks the source of randomness for a challenge of its own. */
/* shows: 1994-4.1-01 */
static void
test_challenge_is_fresh(void **state)
{
	char first[512];

	set_secrets(true);
	assert_int_equal(challenge("5", "7", CHALLENGE), 0);
	assert_int_equal(next_random, (0xa0 + 1 + CHAP_CHALLENGE_LEN) & 255);
	strcpy(first, said_text());
	begin();
	next_random = 0x17;
	take_pair("CHAP_A", "5");
	take_pair("CHAP_I", "7");
	take_pair("CHAP_C", CHALLENGE);
	assert_int_equal(step(), 0);
	assert_string_not_equal(first, said_text());
	assert_true(CHAP_CHALLENGE_LEN >= 16);
}

/* Our list, as configured, always has MD5 in it; nothing else is taken. */
/* shows: 7143-12.1.3-01 7143-12.1.3-02 7143-6.2.1-01 */
static void
test_algorithm_lists(void **state)
{
	static const struct {
		const char *configured, *offered, *others;
	} cases[] = {
		{ "sha256", "7,5", "86" },
		{ "md5", "5", "678" },
		{ "MD5,SHA1", "5,6", "78" },
		{ "sha1,md5,sha3-256,sha256", "6,5,8,7", "" },
		{ "sha3-256", "8,5", "67" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char want[32];

		set_secrets(false);
		assert_int_equal(auth_set_algorithms(&auth, cases[i].configured,
						     &err), 0);
		begin();
		snprintf(want, sizeof(want), "CHAP_A=%s;", cases[i].offered);
		assert_string_equal(said_text(), want);
		for (const char *c = cases[i].others; *c; c++) {
			char a[] = { *c, 0 };

			assert_int_equal(challenge(a, "7", CHALLENGE),
					 LUN_EAUTH);
			assert_false(chap.list_refused);
		}
	}
	chap_init(&chap, &auth, "alice", true);
	assert_int_equal(chap.n_offered, 1);
	assert_int_equal(chap.offered[0], CHAP_MD5);
}

static void
test_wiped(void **state)
{
	static const struct chap no_chap;

	set_secrets(true);
	assert_int_equal(challenge("5", "7", CHALLENGE), 0);
	chap_wipe(&chap);
	assert_memory_equal(&chap, &no_chap, sizeof(chap));
}

static int
teardown(void **state)
{
	text_deinit(&said);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_mutual),
		cmocka_unit_test(test_same_secret_fails),
		cmocka_unit_test(test_mutual_shapes),
		cmocka_unit_test(test_challenge_shapes),
		cmocka_unit_test(test_every_set_of_keys),
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_challenge_is_not_reused),
		cmocka_unit_test(test_challenge_is_fresh),
		cmocka_unit_test(test_algorithm_lists),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
