/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CHAP between the engine and a target: RFC 7143 6.3.2, 9.2, 12.1. */
#include <stdio.h>

#include "base/codec.h"
#include "base/hash.h"
#include "login/chap.h"
#include "rfc/bench.h"

#define SECRET		"a secret of 16 b"
#define TARGET_SECRET	"the target's own"
#define CHALLENGE	"0x0102030405060708090a0b0c0d0e0f10"

static struct bench *
chap_bench(bool mutual)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.auth = AUTH_CHAP, .username = "alice", .password = SECRET,
		.username_in = mutual ? "disk" : NULL,
		.password_in = mutual ? TARGET_SECRET : NULL,
	});

	bench_start(b);
	return b;
}

/* The CHAP_R of a challenge that is given as text. */
static char *
response(unsigned algorithm, unsigned id, const char *secret,
	 const char *challenge, char *out)
{
	uint8_t id_byte = (uint8_t)id, bytes[1024], digest[HASH_LEN_MAX];
	size_t len;

	assert_int_equal(binary_decode(bytes, sizeof(bytes), &len, challenge,
				       NULL), 0);
	const struct hash *h = &hashes[chap_algorithm_find(algorithm)->hash];
	const struct iovec parts[] = {
		{ &id_byte, 1 },
		{ (void *)(uintptr_t)secret, strlen(secret) },
		{ bytes, len },
	};
	assert_int_equal(hash_parts(h, parts, 3, digest), 0);
	strcpy(out, "0x");
	hex_encode(out + 2, digest, h->len);
	return out;
}

/* The first exchange; returns the request with CHAP_A. */
static struct got *
begin(struct bench *b)
{
	struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

	assert_int_equal(got->pdu.csg, STAGE_SECURITY);
	assert_string_equal(got_key(got, "InitiatorName"),
			    "iqn.2026-11.test:initiator");
	assert_string_equal(got_key(got, "AuthMethod"), "CHAP");
	assert_null(got_key(got, "CHAP_A"));
	bench_login_answer(b, got, 0, 0, false,
			   "AuthMethod=CHAP TargetPortalGroupTag=1");
	return bench_expect(b, OP_LOGIN_REQUEST);
}

/* The challenge, and the initiator's answer to it. */
static struct got *
challenge(struct bench *b, const struct got *got, unsigned algorithm)
{
	char said[200];

	snprintf(said, sizeof(said), "CHAP_A=%u CHAP_I=77 CHAP_C=%s", algorithm,
		 CHALLENGE);
	bench_login_answer(b, got, 0, 0, false, said);
	return bench_expect(b, OP_LOGIN_REQUEST);
}

static void
check_response(const struct got *got, unsigned algorithm)
{
	char right[2 * HASH_LEN_MAX + 3];

	assert_string_equal(got_key(got, "CHAP_N"), "alice");
	assert_string_equal(got_key(got, "CHAP_R"),
			    response(algorithm, 77, SECRET, CHALLENGE, right));
}

static void
refuse(struct bench *b, const struct got *got, uint8_t detail)
{
	struct pdu pdu = bench_login_pdu(b, got);

	pdu.status_class = 2;
	pdu.status_detail = detail;
	bench_send(b, &pdu, NULL, 0);
}

/* It is over, for good, after so many connections. */
static void
expect_end(struct bench *b, int code, const char *part, unsigned connects)
{
	bench_expect_nothing(b);
	bench_expect_down(b, code, part);
	bench_pass(b, 3600 * TIME_S);
	assert_int_equal(bench_connects(b), connects);
	assert_null(bench_logged(b, SECRET));
	assert_null(bench_logged(b, TARGET_SECRET));
	bench_free(b);
}

/* shows: 7143-12.1.3-01 7143-12.1.3-03 7143-12.1.3-04 7143-9.2.1-01
 * shows: 7143-9.2-04 7143-6.3-07 7143-6.3-08 7143-6.3.2-01 */
static void
test_one_way(void **state)
{
	for (int i = 0; i < CHAP_ALGORITHMS_MAX; i++) {
		unsigned number = chap_algorithms[i].number;
		struct bench *b = chap_bench(false);
		struct got *got = begin(b);

		assert_string_equal(got_key(got, "CHAP_A"), "8,7,6,5");
		assert_false(got->pdu.final);
		got = challenge(b, got, number);
		check_response(got, number);
		assert_null(got_key(got, "CHAP_C"));
		assert_true(got->pdu.final);
		bench_login_answer(b, got, 0, 1, true, "");
		bench_login(b, "");
		bench_nodata(b, 0);
		bench_response(b, bench_expect(b, OP_SCSI_COMMAND), SCSI_GOOD);
		assert_int_equal(bench_connects(b), 1);
		assert_null(bench_logged(b, SECRET));
		bench_free(b);
	}
}

enum proof { RIGHT, WRONG, REFLECTED, SHORT, OTHER_NAME, NOTHING, NO_NAME };

/* The target's side of mutual CHAP, right or wrong. */
static void
prove(struct bench *b, const struct got *got, enum proof proof)
{
	char r[2 * HASH_LEN_MAX + 3], said[300];
	unsigned id = (unsigned)atoi(got_key(got, "CHAP_I"));
	const char *secret = proof == WRONG ? "somebody else's!" :
	    proof == REFLECTED ? SECRET : TARGET_SECRET;

	response(8, id, secret, got_key(got, "CHAP_C"), r);
	if (proof == SHORT)
		r[strlen(r) - 2] = 0;
	snprintf(said, sizeof(said), "%s%s%s",
		 proof == NO_NAME || proof == NOTHING ? "" :
		 proof == OTHER_NAME ? "CHAP_N=mallory " : "CHAP_N=disk ",
		 proof == NOTHING ? "" : "CHAP_R=", proof == NOTHING ? "" : r);
	bench_login_answer(b, got, 0, 1, true, said);
}

/* shows: 7143-12.1.3-05 7143-9.2.1-01 7143-4.2.4-01 7143-9.2.1-07 */
static void
test_mutual(void **state)
{
	for (enum proof proof = RIGHT; proof <= NO_NAME; proof++) {
		struct bench *b = chap_bench(true);
		struct got *got = challenge(b, begin(b), 8);

		check_response(got, 8);
		assert_non_null(got_key(got, "CHAP_C"));
		prove(b, got, proof);
		if (proof != RIGHT) {
			expect_end(b, LUN_EAUTH, "CHAP", 1);
			continue;
		}
		bench_login(b, "");
		assert_null(bench_logged(b, TARGET_SECRET));
		bench_free(b);
	}
}

/* All connections of a session prove who they are, and it is the same one.
 * shows: 7143-9.2-06 */
static void
test_each_connection_of_a_session(void **state)
{
	struct bench *b = bench_new(&(struct bench_setup){
		.keys = "MaxConnections=3", .auth = AUTH_CHAP,
		.username = "alice", .password = SECRET,
	});

	bench_start(b);
	for (size_t i = 0; i < 3; i++) {
		struct got *got = challenge(b, begin(b), 8);

		check_response(got, 8);
		bench_login_answer(b, got, 0, 1, true, "");
		bench_login(b, "");
	}
	bench_expect_nothing(b);
	assert_int_equal(bench_connections(b), 3);
	bench_free(b);
}

/* Each connection has a challenge of its own.
 * shows: 7143-11.13.5-05 7143-9.2-01 7143-4.2.4-03 */
static void
test_redirected_after_it(void **state)
{
	static const uint8_t address[] = "TargetAddress=10.0.0.1";
	struct bench *b = chap_bench(true);
	struct got *first = challenge(b, begin(b), 8);

	prove(b, first, RIGHT);
	struct pdu pdu = bench_login_pdu(b, bench_expect(b, OP_LOGIN_REQUEST));
	pdu.status_class = 1;
	pdu.status_detail = 1;
	bench_send(b, &pdu, address, sizeof(address));
	assert_int_equal(bench_connects(b), 2);
	struct got *got = challenge(b, begin(b), 8);
	check_response(got, 8);
	assert_string_not_equal(got_key(got, "CHAP_C"), got_key(first, "CHAP_C"));
	prove(b, got, RIGHT);
	bench_login(b, "");
	bench_free(b);
}

/* shows: 7143-6.3.2-01 7143-6.3.2-02 7143-9.2-02 7143-12.1-04 */
static void
test_no_way_around_it(void **state)
{
	static const char *const answers[] = {
		"AuthMethod=None", "AuthMethod=Reject", "AuthMethod=SRP",
		"AuthMethod=NotUnderstood", "AuthMethod=CHAP,None", "",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		for (int transit = 0; transit <= 1; transit++) {
			struct bench *b = chap_bench(false);
			struct got *got = bench_expect(b, OP_LOGIN_REQUEST);

			assert_false(got->pdu.final);
			if (!*answers[i] && !transit) {	/* may still come */
				bench_free(b);
				continue;
			}
			bench_login_answer(b, got, 0, 1, transit, answers[i]);
			assert_false(bench_up(b));
			bench_expect_nothing(b);
			assert_true(bench_closed(b));
			assert_int_equal(bench_connects(b), 1);
			bench_free(b);
		}
}

/* A target that chokes on the list gets a new login with MD5 alone.
 * shows: 7143-12.1.3-01 7143-12.1.3-02 7143-4.2.4-03 7143-11.13.5-08 */
static void
test_the_list_is_refused(void **state)
{
	enum { SAID_REJECT, SAID_0200, SAID_0201, MEANT_SHA1, KINDS };

	for (int kind = 0; kind < KINDS; kind++)
		for (int works = 0; works <= 1; works++) {
			struct bench *b = chap_bench(false);
			struct got *got = begin(b);

			if (kind == SAID_REJECT)
				bench_login_answer(b, got, 0, 0, false,
						   "CHAP_A=Reject");
			else if (kind == MEANT_SHA1)
				refuse(b, challenge(b, got, CHAP_SHA256), 1);
			else
				refuse(b, got, kind == SAID_0200 ? 0 : 1);
			assert_int_equal(bench_connects(b), 2);
			assert_string_equal(bench_portal(b)->host, "192.0.2.1");
			got = begin(b);
			assert_string_equal(got_key(got, "CHAP_A"), "5");
			got = challenge(b, got, CHAP_MD5);
			check_response(got, CHAP_MD5);
			if (works) {
				bench_login_answer(b, got, 0, 1, true, "");
				bench_login(b, "");
				bench_free(b);
			} else {
				refuse(b, got, 1);
				expect_end(b, LUN_EAUTH, "0201", 2);
			}
		}
}

/* Where it is not the list there is no second try. */
static void
test_a_wrong_password_is_said_once(void **state)
{
	static const unsigned algorithms[] = { 8, 6, 5 };

	for (size_t i = 0; i < 3; i++) {
		struct bench *b = chap_bench(false);

		refuse(b, challenge(b, begin(b), algorithms[i]), 1);
		expect_end(b, LUN_EAUTH, "0201", 1);
	}
	struct bench *b = chap_bench(false);
	refuse(b, bench_expect(b, OP_LOGIN_REQUEST), 1);
	expect_end(b, LUN_EAUTH, "0201", 1);
	b = chap_bench(false);		/* an algorithm that was not offered */
	bench_login_answer(b, begin(b), 0, 0, false,
			   "CHAP_A=9 CHAP_I=1 CHAP_C=" CHALLENGE);
	bench_expect_down(b, LUN_EAUTH, "CHAP_A");
	bench_free(b);
}

/* shows: 7143-6.3.1-02 */
static void
test_security_was_wanted(void **state)
{
	struct bench *b = bench_new(NULL);

	bench_start(b);
	refuse(b, bench_expect(b, OP_LOGIN_REQUEST), 1);
	expect_end(b, LUN_EAUTH, "authentication failed", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_mutual),
		cmocka_unit_test(test_each_connection_of_a_session),
		cmocka_unit_test(test_redirected_after_it),
		cmocka_unit_test(test_no_way_around_it),
		cmocka_unit_test(test_the_list_is_refused),
		cmocka_unit_test(test_a_wrong_password_is_said_once),
		cmocka_unit_test(test_security_was_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
