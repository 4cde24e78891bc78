/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHAP from the authenticator's side (RFC 7143 12.1.3, RFC 1994), one-way and
 * mutual. The digest of a response: H(identifier, secret, challenge).
 */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t-priv.h"

static const struct algorithm {		/* IANA: PPP Authentication */
	unsigned number;
	const char *digest;
	size_t len;
} algorithms[] = {
	{ 5, "MD5", 16 },
	{ 6, "SHA1", 20 },
	{ 7, "SHA256", 32 },
	{ 8, "SHA3-256", 32 },
};

enum { BINARY_MAX = 1024 };		/* 12.1.3 */

/* The keys of the request under way; collected, then judged together. */
enum { A, I, C, N, R, FIELDS };
static const char *const field_names[FIELDS] =
	{ "CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R" };

bool
chap_is_key(const char *key)
{
	return strncmp(key, "CHAP_", 5) == 0 || strcmp(key, "AuthMethod") == 0;
}

static const struct algorithm *
algorithm_find(unsigned number)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

static bool
list_has(const char *list, const char *word, size_t len)
{
	for (const char *s = list;; s++) {
		size_t n = strcspn(s, ",");

		if (n == len && memcmp(s, word, len) == 0)
			return true;
		s += n;
		if (!*s)
			return false;
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (isxdigit((unsigned char)c))
		return tolower((unsigned char)c) - 'a' + 10;
	return -1;
}

static int
decode_hex(const char *s, uint8_t *out)
{
	size_t digits = strlen(s), n = 0;
	unsigned v = 0;

	if (digits == 0 || digits > 2 * BINARY_MAX)
		return -1;
	/* an odd number of digits: the first byte has only one */
	for (size_t i = 0; i < digits; i++) {
		int d = hex_digit(s[i]);

		if (d < 0)
			return -1;
		v = v << 4 | (unsigned)d;
		if ((digits - i) % 2 == 1)
			out[n++] = (uint8_t)v;
	}
	return (int)n;
}

static int
decode_base64(const char *s, uint8_t *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strcspn(s, "="), n = 0;
	unsigned v = 0;

	if (len == 0 || len % 4 == 1 || strlen(s) > 2 * BINARY_MAX ||
	    strspn(s + len, "=") != strlen(s + len) || strlen(s + len) > 2)
		return -1;
	for (size_t i = 0; i < len; i++) {
		const char *p = strchr(set, s[i]);

		if (!p)
			return -1;
		v = v << 6 | (unsigned)(p - set);
		if (i % 4)
			out[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}
	return (int)n;
}

/* out: 2 * BINARY_MAX bytes. The length, or negative. */
static int
decode_binary(const char *s, uint8_t *out)
{
	int n;

	if (s[0] != '0')
		return -1;
	if (s[1] == 'x' || s[1] == 'X')
		n = decode_hex(s + 2, out);
	else if (s[1] == 'b' || s[1] == 'B')
		n = decode_base64(s + 2, out);
	else
		return -1;
	return n > BINARY_MAX ? -1 : n;
}

static int
pair_binary(struct text *out, const char *key, const uint8_t *p, size_t len)
{
	char hex[2 + 2 * 64 + 1] = "0x";

	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 + 2 * i, "%02x", p[i]);
	return text_pair(out, key, hex);
}

static int
chap_digest(const struct algorithm *a, uint8_t id, const char *secret,
	    const uint8_t *challenge, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
	EVP_MD *md = EVP_MD_fetch(NULL, a->digest, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = md && ctx && EVP_DigestInit_ex(ctx, md, NULL) &&
		 EVP_DigestUpdate(ctx, &id, 1) &&
		 EVP_DigestUpdate(ctx, secret, strlen(secret)) &&
		 EVP_DigestUpdate(ctx, challenge, len) &&
		 EVP_DigestFinal_ex(ctx, out, NULL);

	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return ok ? 0 : -1;
}

/* AuthMethod=list: the first that is supported and allowed, 6.3.2. */
int
chap_choose(struct tconn *c, const char *methods, struct text *out)
{
	struct login *l = c->login;
	const char *chosen = c->target->options.chap_user ? "CHAP" : "None";

	if (l->chap.state != CHAP_NONE || l->authenticated ||
	    !list_has(methods, chosen, strlen(chosen)))
		return -1;
	if (*chosen == 'C')
		l->chap.state = CHAP_CHOSEN;
	else
		l->authenticated = true;
	return text_pair(out, "AuthMethod", chosen);
}

int
chap_key(struct tconn *c, const char *key, const char *value)
{
	for (int f = 0; f < FIELDS; f++) {
		if (strcmp(key, field_names[f]) != 0)
			continue;
		if (c->login->chap_field[f])
			return -1;
		c->login->chap_field[f] = strdup(value);
		return c->login->chap_field[f] ? 0 : -1;
	}
	return -1;
}

/* CHAP_A came: choose, and challenge. */
static int
chap_challenge(struct tconn *c, const char *list, struct text *out)
{
	const struct target_options *o = &c->target->options;
	struct tchap *chap = &c->login->chap;
	char number[8];

	for (const char *s = list;; s++) {
		size_t len = strcspn(s, ",");

		if (len < sizeof(number)) {
			snprintf(number, sizeof(number), "%.*s", (int)len, s);
			if (list_has(o->chap_algorithms, number, len) &&
			    text_number(number, 0, 255, &chap->algorithm) &&
			    algorithm_find(chap->algorithm))
				break;
		}
		s += len;
		if (!*s)
			return -1;
	}
	c->target->env.random(c->target->env.user, &chap->id, 1);
	c->target->env.random(c->target->env.user, chap->challenge,
			      sizeof(chap->challenge));
	chap->state = CHAP_CHALLENGED;
	snprintf(number, sizeof(number), "%u", chap->algorithm);
	if (text_pair(out, "CHAP_A", number) < 0)
		return -1;
	snprintf(number, sizeof(number), "%u", chap->id);
	if (text_pair(out, "CHAP_I", number) < 0)
		return -1;
	return pair_binary(out, "CHAP_C", chap->challenge,
			   sizeof(chap->challenge));
}

static int
chap_verify(struct tconn *c, const char *name, const char *response)
{
	const struct target_options *o = &c->target->options;
	struct tchap *chap = &c->login->chap;
	const struct algorithm *a = algorithm_find(chap->algorithm);
	uint8_t theirs[2 * BINARY_MAX], ours[EVP_MAX_MD_SIZE];

	if (strcmp(name, o->chap_user) != 0 ||
	    decode_binary(response, theirs) != (int)a->len ||
	    chap_digest(a, chap->id, o->chap_secret, chap->challenge,
			sizeof(chap->challenge), ours) < 0)
		return -1;
	return CRYPTO_memcmp(theirs, ours, a->len) == 0 ? 0 : -1;
}

/* The initiator wants the target to prove itself too. */
static int
chap_prove(struct tconn *c, const char *id, const char *challenge,
	   struct text *out)
{
	const struct target_options *o = &c->target->options;
	struct tchap *chap = &c->login->chap;
	const struct algorithm *a = algorithm_find(chap->algorithm);
	uint8_t theirs[2 * BINARY_MAX], ours[EVP_MAX_MD_SIZE];
	int len = decode_binary(challenge, theirs);
	uint32_t n;

	if (!o->mutual_user || len <= 0 || !text_number(id, 0, 255, &n))
		return -1;
	/* a challenge that comes back is a reflection: RFC 7143 9.2.1 */
	if ((size_t)len == sizeof(chap->challenge) &&
	    memcmp(theirs, chap->challenge, (size_t)len) == 0)
		return -1;
	if (chap_digest(a, (uint8_t)n, o->mutual_secret, theirs, (size_t)len,
			ours) < 0 ||
	    text_pair(out, "CHAP_N", o->mutual_user) < 0)
		return -1;
	return pair_binary(out, "CHAP_R", ours, a->len);
}

static int
chap_judge(struct tconn *c, char **f, struct text *out)
{
	struct tchap *chap = &c->login->chap;

	switch (chap->state) {
	case CHAP_NONE:
	case CHAP_DONE:
		return f[A] || f[I] || f[C] || f[N] || f[R] ? -1 : 0;
	case CHAP_CHOSEN:
		if (f[I] || f[C] || f[N] || f[R])
			return -1;
		return f[A] ? chap_challenge(c, f[A], out) : 0;
	case CHAP_CHALLENGED:
		if (!f[N] && !f[R] && !f[A] && !f[I] && !f[C])
			return 0;
		if (!f[N] || !f[R] || f[A] || !f[I] != !f[C] ||
		    chap_verify(c, f[N], f[R]) < 0)
			return -1;
		if (f[I] && chap_prove(c, f[I], f[C], out) < 0)
			return -1;
		chap->state = CHAP_DONE;
		c->login->authenticated = true;
		return 0;
	}
	abort();
}

int
chap_step(struct tconn *c, struct text *out)
{
	int r = chap_judge(c, c->login->chap_field, out);

	for (int f = 0; f < FIELDS; f++) {
		free(c->login->chap_field[f]);
		c->login->chap_field[f] = NULL;
	}
	return r;
}
