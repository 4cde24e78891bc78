/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 3118: delayed authentication and tokens, with MACs made by libcrypto from
 * the text of the RFC.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "dhcp-world.h"

/* Authenticates what is in w->r, from the RFC's text; 5 is a key's number. */
static void
authenticate(struct world *w, uint32_t id, const char *secret, uint64_t replay)
{
	uint8_t v[31] = { 1, 1, 0 };
	size_t at = w->r.len + 2;
	unsigned n;

	put64(v + 3, replay);
	put32(v + 11, id);
	reply_put(&w->r, 90, v, sizeof(v));
	w->r.b[w->r.len] = 255;
	HMAC(EVP_md5(), secret, (int)strlen(secret), w->r.b, w->r.len + 1,
	     w->r.b + at + 15, &n);
	/* what relays change is none of it */
	w->r.b[3] = 7;
	memcpy(w->r.b + 24, TWO, 4);
}

/* The MAC of what was sent is right, and its counter has grown. */
static void
check_signature(struct world *w, const char *secret, uint64_t *replay)
{
	uint8_t copy[DHCP_REQUEST_MAX], mac[16];
	size_t len;
	unsigned n;
	const uint8_t *v = sent_option(w, 90, &len);

	assert_non_null(v);
	assert_int_equal(len, 31);
	assert_memory_equal(v, "\1\1\0", 3);
	assert_true(get64(v + 3) > *replay);
	*replay = get64(v + 3);
	assert_int_equal(get32(v + 11), 5);
	memcpy(copy, w->d.data, w->d.len);
	memset(copy + (v - w->d.data) + 15, 0, 16);
	HMAC(EVP_md5(), secret, (int)strlen(secret), copy, w->d.len, mac, &n);
	assert_memory_equal(v + 15, mac, 16);
}

/* shows: 3118-5.5.1-01 3118-5.3-01 3118-2-01 */
static void
test_delayed(void **state)
{
	struct world w;
	size_t n;
	uint64_t replay = 1000;

	start(&w, false, "# keys\nkey=4:other\nkey=0x5:s3cret\n");
	go(&w);
	assert_int_equal(sent(&w), DHCP_DISCOVER);
	assert_memory_equal(sent_option(&w, 90, &n), "\1\1\0", 3);
	assert_int_equal(n, 11);
	assert_non_null(sent_option(&w, 61, &n));
	assert_true(get64(sent_option(&w, 90, &n) + 3) > replay);
	replay = get64(sent_option(&w, 90, &n) + 3);

	answer(&w, DHCP_OFFER, ONE, PATH);
	authenticate(&w, 5, "s3cret", 17);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_REQUEST);
	check_signature(&w, "s3cret", &replay);
	answer(&w, DHCP_ACK, ONE, PATH);
	authenticate(&w, 5, "s3cret", 18);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_RELEASE);
	check_signature(&w, "s3cret", &replay);
	ends(&w, 0, "authentic by key 5");
	assert_null(strstr(logged, "s3cret"));

	/* ACKs of INFORM are taken as OFFERs are (5.5.5) */
	start(&w, true, "key=5:0x733363726574");
	go(&w);
	assert_int_equal(sent(&w), DHCP_INFORM);
	assert_int_equal(*sent_option(&w, 90, &n), 1);
	answer(&w, DHCP_ACK, ONE, PATH);
	authenticate(&w, 5, "s3cret", 1);
	deliver(&w);
	ends(&w, 0, "authentic by key 5");
}

/* One changed bit of an authentic message, each in turn. */
/* shows: 3118-5.3-01 */
static void
test_every_bit(void **state)
{
	char how[DHCP_HOW_MAX];
	struct lun_error err;
	struct world w;

	start(&w, true, "key=5:s3cret");
	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, PATH);
	authenticate(&w, 5, "s3cret", 1);
	w.r.b[w.r.len] = 255;

	size_t len = w.r.len + 1;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		size_t at = bit / 8;
		uint8_t *copy = malloc(len);

		if (at == 3 || (at >= 24 && at < 28)) {	/* not in the MAC */
			free(copy);
			continue;
		}
		memcpy(copy, w.r.b, len);
		copy[at] ^= (uint8_t)(1 << bit % 8);
		dhcp_client_push(w.c, w.now, server_mac, copy, len);
		free(copy);
		if (result(&w, how, &err) != DHCP_PENDING)
			fail_msg("byte %zu, bit %zu: taken", at, bit % 8);
	}
	deliver(&w);
	ends(&w, 0, "authentic");
}

/* shows: 3118-2-01 3118-5.5.1-02 */
static void
test_declined(void **state)
{
	static const struct {
		uint32_t id;
		const char *secret;
		uint64_t replay;
		const char *why;
	} bad[] = {
		{ 5, "other", 30, "a wrong MAC" },
		{ 6, "s3cret", 30, "which we have not" },
		{ 5, "s3cret", 20, "a replay: counter 20 after 20" },
		{ 5, "s3cret", 19, "a replay" },
		{ 0, NULL, 0, "not authenticated" },
	};
	struct world w;

	start(&w, true, "key=5:s3cret");
	w.config.tries = 1;
	go(&w);
	sent(&w);
	answer(&w, DHCP_ACK, ONE, NULL);	/* authentic, of no use */
	authenticate(&w, 5, "s3cret", 20);
	deliver(&w);
	for (size_t i = 0; i < COUNT(bad); i++) {
		logged[0] = '\0';
		answer(&w, DHCP_ACK, ONE, PATH);
		if (bad[i].secret)
			authenticate(&w, bad[i].id, bad[i].secret,
				     bad[i].replay);
		deliver(&w);
		if (!strstr(logged, bad[i].why))
			fail_msg("%s: not in: %s", bad[i].why, logged);
	}
	wait_for(&w);
	ends(&w, BOOT_NOTHING, "authentic by key 5");

	go(&w);					/* nothing authentic at all */
	sent(&w);
	answer(&w, DHCP_ACK, ONE, PATH);
	deliver(&w);
	wait_for(&w);
	ends(&w, LUN_EAUTH, "none of 1 answers is authentic");
}

/* shows: 3118-5.5.1-02 */
static void
test_accepted_nevertheless(void **state)
{
	struct world w;
	size_t n;

	start(&w, false, "key=5:s3cret");
	w.config.unauthentic = true;
	go(&w);
	sent(&w);
	answer(&w, DHCP_OFFER, TWO, PATH);	/* wrong is not "none" */
	authenticate(&w, 5, "other", 1);
	deliver(&w);
	assert_int_equal(sent(&w), 0);
	answer(&w, DHCP_OFFER, ONE, PATH);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_REQUEST);
	assert_null(sent_option(&w, 90, &n));
	assert_non_null(strstr(logged, "NOT AUTHENTIC"));
	answer(&w, DHCP_ACK, ONE, PATH);
	deliver(&w);
	assert_int_equal(sent(&w), DHCP_RELEASE);
	ends(&w, 0, "NOT AUTHENTIC");
}

/* RFC 3118 5.5.1: an ACK that is not authentic leads back to the beginning. */
/* shows: 3118-5.5.1-01 */
static void
test_ack_not_authentic(void **state)
{
	struct world w;

	for (int unauthentic = 0; unauthentic <= 1; unauthentic++) {
		start(&w, false, "key=5:s3cret\nkey=6:six");
		w.config.tries = 2;
		w.config.unauthentic = unauthentic;
		go(&w);
		for (uint64_t i = 0; i < 2; i++) {
			assert_int_equal(sent(&w), DHCP_DISCOVER);
			answer(&w, DHCP_OFFER, ONE, PATH);
			authenticate(&w, 5, "s3cret", 10 + i);
			deliver(&w);
			assert_int_equal(sent(&w), DHCP_REQUEST);
			answer(&w, DHCP_ACK, ONE, PATH);
			if (i == 1)		/* another key than the OFFER's */
				authenticate(&w, 6, "six", 20);
			deliver(&w);
		}
		ends(&w, LUN_EREFUSED, "the ACK is not authentic");
	}
}

/* shows: 3118-4-01 */
static void
test_token(void **state)
{
	uint8_t v[11 + 5] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 };
	struct world w;
	size_t n;

	start(&w, true, "token=token\n");
	go(&w);
	sent(&w);
	assert_int_equal(*sent_option(&w, 90, &n), 0);
	assert_int_equal(n, 16);
	assert_memory_equal(sent_option(&w, 90, &n) + 11, "token", 5);

	answer(&w, DHCP_ACK, ONE, PATH);
	memcpy(v + 11, "tokeX", 5);
	reply_put(&w.r, 90, v, sizeof(v));
	deliver(&w);
	answer(&w, DHCP_ACK, ONE, PATH);
	reply_put(&w.r, 90, v, sizeof(v) - 1);
	deliver(&w);
	assert_non_null(strstr(logged, "another token"));
	answer(&w, DHCP_ACK, ONE, PATH);
	memcpy(v + 11, "token", 5);
	reply_put(&w.r, 90, v, sizeof(v));
	deliver(&w);
	ends(&w, 0, "with our token");
}

static void
test_key_files(void **state)
{
	static const struct {
		const char *text, *part;	/* NULL: taken */
	} cases[] = {
		{ "key=1:a", NULL }, { "#\n\nkey=1:a\nkey=0xffffffff:b\n", NULL },
		{ "key=1:0bAQID", NULL }, { "token=x y", NULL },
		{ "key=1:0", NULL },
		{ "", "no key" }, { "#", "no key" },
		{ "key=1:a\ntoken=x", "line 2" }, { "token=x\nkey=1:a", "line 2" },
		{ "key=4294967296:a", "line 1" }, { "key=-1:a", "line 1" },
		{ "key=1", "line 1" }, { "key=:a", "line 1" },
		{ "key=1:", "line 1" }, { "key=1:\nkey=2:a", "line 1" },
		{ "key=1\nkey=2:a", "line 1" },
		{ "key=1:0xs3cret", "line 1" }, { "key = 1:s3cret", "line 1" },
		{ "password=s3cret", "line 1" }, { "token=", "line 1" },
	};
	char text[2000];
	struct lun_error err;
	struct dhcp_auth a;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int r = dhcp_auth_parse(&a, cases[i].text, &err);

		if (cases[i].part ? r != LUN_EINVAL ||
		    !strstr(err.text, cases[i].part) : r != 0)
			fail_msg("%s: %d", cases[i].text, r);
		if (r < 0)
			assert_null(strstr(err.text, "s3cret"));
	}
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "key=1:", 6);
	assert_int_equal(dhcp_auth_parse(&a, text, &err), LUN_EINVAL);
	text[6 + DHCP_KEY_MAX] = '\0';
	assert_int_equal(dhcp_auth_parse(&a, text, &err), 0);

	text[0] = '\0';
	for (int i = 0; i < DHCP_KEYS_MAX; i++)
		sprintf(text + strlen(text), "key=%d:a\n", i);
	assert_int_equal(dhcp_auth_parse(&a, text, &err), 0);
	strcat(text, "key=99:a");
	assert_int_equal(dhcp_auth_parse(&a, text, &err), LUN_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delayed),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_declined),
		cmocka_unit_test(test_accepted_nevertheless),
		cmocka_unit_test(test_ack_not_authentic),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_key_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
