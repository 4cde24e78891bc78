/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CHAP exchange. Nothing here tells how near a wrong response came, and
 * no error repeats a challenge or a response.
 */
#include "login/chap.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/error.h"
#include "text/value.h"

/* Strongest first: the order of our offer when the user has no wish. */
const struct chap_algorithm chap_algorithms[CHAP_ALGORITHMS_MAX] = {
	{ 8, HASH_SHA3_256, "sha3-256" },
	{ CHAP_SHA256, HASH_SHA256, "sha256" },
	{ 6, HASH_SHA1, "sha1" },
	{ CHAP_MD5, HASH_MD5, "md5" },
};

static const char *const key_names[CHAP_KEYS] = {
	"CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R",
};

#define BIT(key) (1u << (key))

const struct chap_algorithm *
chap_algorithm_find(uint64_t number)
{
	for (int i = 0; i < CHAP_ALGORITHMS_MAX; i++)
		if (chap_algorithms[i].number == number)
			return &chap_algorithms[i];
	return NULL;
}

static void
offer_add(struct chap *c, uint8_t number)
{
	if (!memchr(c->offered, number, c->n_offered))
		c->offered[c->n_offered++] = number;
}

void
chap_init(struct chap *c, const struct auth_config *auth, const char *name,
	  bool one_only)
{
	*c = (struct chap){ .auth = auth, .name = name };
	for (int i = 0; i < auth->n_algorithms && !one_only; i++)
		offer_add(c, auth->algorithms[i]);
	for (int i = 0; i < CHAP_ALGORITHMS_MAX && !one_only; i++)
		if (auth->n_algorithms == 0)
			offer_add(c, chap_algorithms[i].number);
	offer_add(c, CHAP_MD5);		/* always: RFC 7143 12.1.3 */
}

int
chap_begin(struct chap *c, struct negotiation *n, struct text *out,
	   struct lun_error *err)
{
	char list[4 * CHAP_ALGORITHMS_MAX];
	size_t len = 0;

	assert(c->step == CHAP_START);
	for (int i = 0; i < c->n_offered; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%u",
					i ? "," : "", c->offered[i]);
	c->step = CHAP_ALGORITHM;
	return negotiate_declare(n, key_names[KEY_A], list, out, err);
}

/* The algorithm has to be one of ours, and a single one. */
static int
take_algorithm(struct chap *c, const char *value, struct lun_error *err)
{
	uint64_t number;

	if (value_constant(value) == VALUE_REJECT) {
		c->list_refused = true;
		return lun_fail(err, LUN_EAUTH, "CHAP: "
				"the target takes none of our algorithms");
	}
	if (!value_number(value, &number) || number > UINT8_MAX ||
	    !memchr(c->offered, (int)number, c->n_offered))
		return lun_fail(err, LUN_EAUTH, "CHAP_A: "
				"the target chose what was not offered");
	c->algorithm = chap_algorithm_find(number);
	assert(c->algorithm);
	return 0;
}

static int
take_binary(const char *name, const char *value, uint8_t buf[CHAP_BINARY_MAX],
	    size_t *len, struct lun_error *err)
{
	if (binary_decode(buf, CHAP_BINARY_MAX, len, value, NULL) < 0 ||
	    *len == 0)
		return lun_fail(err, LUN_EAUTH,
				"%s: not a binary value of 1 to %d bytes", name,
				CHAP_BINARY_MAX);
	return 0;
}

int
chap_take(struct chap *c, const struct pair *pair, struct lun_error *err)
{
	static const unsigned int expected[] = {	/* RFC 7143 9.2 */
		[CHAP_START]		= 0,
		[CHAP_ALGORITHM]	= BIT(KEY_A) | BIT(KEY_I) | BIT(KEY_C),
		[CHAP_RESULT]		= BIT(KEY_N) | BIT(KEY_R),
		[CHAP_DONE]		= 0,
	};
	const char *value = pair->value;
	uint64_t number;
	int key = 0;

	while (strcmp(key_names[key], pair->key) != 0)
		key++;
	if (!(expected[c->step] & BIT(key)) ||
	    (c->step == CHAP_RESULT && !c->auth->mutual))
		return lun_fail(err, LUN_EAUTH, "%s: not in this step of CHAP",
				pair->key);
	c->came |= BIT(key);
	switch ((enum chap_key)key) {
	case KEY_A:
		return take_algorithm(c, value, err);
	case KEY_I:
		if (!value_number(value, &number) || number > UINT8_MAX)
			return lun_fail(err, LUN_EAUTH, "CHAP_I: not in 0..255");
		c->id = (uint8_t)number;
		return 0;
	case KEY_C:
		return take_binary(pair->key, value, c->challenge,
				   &c->challenge_len, err);
	case KEY_N:
		snprintf(c->peer_name, sizeof(c->peer_name), "%s", value);
		return 0;
	case KEY_R:
		return take_binary(pair->key, value, c->response,
				   &c->response_len, err);
	case CHAP_KEYS:
		break;
	}
	return 0;
}

/* RFC 1994 4.1: the hash of identifier, secret and challenge. */
static int
respond(const struct chap *c, uint8_t id, const uint8_t *secret,
	size_t secret_len, const uint8_t *challenge, size_t challenge_len,
	uint8_t out[HASH_LEN_MAX], struct lun_error *err)
{
	const struct iovec parts[] = {
		{ &id, 1 },
		{ (void *)secret, secret_len },
		{ (void *)challenge, challenge_len },
	};

	if (hash_parts(&hashes[c->algorithm->hash], parts, 3, out) < 0)
		return lun_fail(err, LUN_EAUTH, "CHAP: no %s on this system",
				c->algorithm->name);
	return 0;
}

static int
say_binary(struct negotiation *n, enum chap_key key, const uint8_t *p,
	   size_t len, struct text *out, struct lun_error *err)
{
	char hex[2 + HEX_LEN(HASH_LEN_MAX)] = "0x";

	assert(len <= HASH_LEN_MAX);
	hex_encode(hex + 2, p, len);
	return negotiate_declare(n, key_names[key], hex, out, err);
}

/* A challenge that is nobody else's: RFC 7143 9.2.1. */
static int
say_challenge(struct chap *c, const struct lun_env *env, struct negotiation *n,
	      struct text *out, struct lun_error *err)
{
	char id[4];
	int r;

	env->random(env->user, &c->our_id, 1);
	env->random(env->user, c->our_challenge, CHAP_CHALLENGE_LEN);
	if (c->challenge_len == CHAP_CHALLENGE_LEN &&
	    memcmp(c->challenge, c->our_challenge, CHAP_CHALLENGE_LEN) == 0)
		return lun_fail(err, LUN_EAUTH,
				"CHAP_C: the target knew our challenge");
	snprintf(id, sizeof(id), "%u", c->our_id);
	if ((r = negotiate_declare(n, key_names[KEY_I], id, out, err)) < 0)
		return r;
	return say_binary(n, KEY_C, c->our_challenge, CHAP_CHALLENGE_LEN, out,
			  err);
}

static int
answer_challenge(struct chap *c, const struct lun_env *env,
		 struct negotiation *n, struct text *out, struct lun_error *err)
{
	uint8_t response[HASH_LEN_MAX];
	int r;

	if ((r = negotiate_declare(n, key_names[KEY_N], c->name, out, err)) < 0)
		return r;
	r = respond(c, c->id, c->auth->password, c->auth->password_len,
		    c->challenge, c->challenge_len, response, err);
	if (r == 0)
		r = say_binary(n, KEY_R, response,
			       hashes[c->algorithm->hash].len, out, err);
	secret_wipe(response, sizeof(response));
	if (r == 0 && c->auth->mutual)
		r = say_challenge(c, env, n, out, err);
	return r;
}

/* Did the target prove who it is? RFC 7143 9.2.1, 12.1.3. */
static int
check_target(struct chap *c, struct lun_error *err)
{
	const struct auth_config *a = c->auth;
	size_t len = hashes[c->algorithm->hash].len;
	uint8_t right[HASH_LEN_MAX], ours[HASH_LEN_MAX];
	int r;

	if (c->response_len != len)
		return lun_fail(err, LUN_EAUTH,
				"CHAP_R: %zu bytes, the target's %s has %zu",
				c->response_len, c->algorithm->name, len);
	if ((r = respond(c, c->our_id, a->password_in, a->password_in_len,
			 c->our_challenge, CHAP_CHALLENGE_LEN, right, err)) < 0)
		return r;
	if ((r = respond(c, c->our_id, a->password, a->password_len,
			 c->our_challenge, CHAP_CHALLENGE_LEN, ours, err)) == 0) {
		if (secret_equal(c->response, ours, len))
			r = lun_fail(err, LUN_EAUTH, "CHAP: "
			    "the target answered with our own secret");
		else if (!secret_equal(c->response, right, len))
			r = lun_fail(err, LUN_EAUTH, "CHAP: "
			    "the target could not authenticate itself");
		else if (*a->username_in &&
			 strcmp(a->username_in, c->peer_name) != 0)
			r = lun_fail(err, LUN_EAUTH, "CHAP: "
			    "the target is not who it was expected to be");
	}
	secret_wipe(right, sizeof(right));
	secret_wipe(ours, sizeof(ours));
	return r;
}

/* All keys of the step have to be there. */
static int
need(const struct chap *c, unsigned int wanted, struct lun_error *err)
{
	for (int key = 0; key < CHAP_KEYS; key++)
		if (wanted & ~c->came & BIT(key))
			return lun_fail(err, LUN_EAUTH,
					"CHAP: the target did not send %s",
					key_names[key]);
	return 0;
}

int
chap_step(struct chap *c, const struct lun_env *env, struct negotiation *n,
	  struct text *out, struct lun_error *err)
{
	int r = 0;

	switch (c->step) {
	case CHAP_START:
	case CHAP_DONE:
		return 0;
	case CHAP_ALGORITHM:
		r = need(c, BIT(KEY_A) | BIT(KEY_I) | BIT(KEY_C), err);
		if (r == 0)
			r = answer_challenge(c, env, n, out, err);
		break;
	case CHAP_RESULT:
		if (c->auth->mutual &&
		    (r = need(c, BIT(KEY_N) | BIT(KEY_R), err)) == 0)
			r = check_target(c, err);
		break;
	}
	if (r < 0)
		return r;
	c->step = c->step == CHAP_ALGORITHM ? CHAP_RESULT : CHAP_DONE;
	c->came = 0;
	return 0;
}

bool
chap_try_one(const struct chap *c)
{
	return c->n_offered > 1 &&
	       (c->step == CHAP_ALGORITHM ||
		(c->step == CHAP_RESULT &&
		 c->algorithm->number == CHAP_SHA256));
}

void
chap_wipe(struct chap *c)
{
	secret_wipe(c, sizeof(*c));
}
