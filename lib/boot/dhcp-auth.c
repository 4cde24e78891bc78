/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RFC 3118. The value of option 90:
 *
 *	protocol(1) algorithm(1) method(1) replay(8), then of protocol
 *	0: the token	1: nothing, to ask for it; or secret id(4) MAC(16)
 */
#include "boot/dhcp-auth.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

enum {
	PROTOCOL_TOKEN = 0, PROTOCOL_DELAYED = 1,
	ALGORITHM_TOKEN = 0, ALGORITHM_HMAC_MD5 = 1,
	METHOD_COUNTER = 0,		/* one that only grows */
	REPLAY_AT = 3,
	HEAD_LEN = 11,
	MAC_AT = HEAD_LEN + 4, MAC_LEN = 16,
	SIGNED_LEN = MAC_AT + MAC_LEN,
};

/* ------------------------------------------------------------ the file -- */

static int
wrong_line(unsigned line, const char *what, struct lun_error *err)
{
	return lun_fail(err, LUN_EINVAL, "line %u: %s", line, what);
}

/* A text, or a number in hexadecimal or base64. */
static int
read_secret(struct dhcp_key *k, const char *s, size_t len, unsigned line,
	    struct lun_error *err)
{
	char text[2 * DHCP_KEY_MAX + 4];

	if (len == 0 || len >= sizeof(text))
		return wrong_line(line, "the secret is empty or too long", err);
	memcpy(text, s, len);
	text[len] = '\0';
	k->len = len;

	bool number = text[0] == '0' && text[1] && strchr("xXbB", text[1]);
	int r = number ? binary_decode(k->secret, DHCP_KEY_MAX, &k->len, text,
				       NULL) : 0;

	if (!number && len <= DHCP_KEY_MAX)
		memcpy(k->secret, text, len);
	secret_wipe(text, sizeof(text));
	if (r < 0 || k->len == 0 || k->len > DHCP_KEY_MAX)
		return wrong_line(line, "the secret is too long, or no number "
				  "as it begins with 0x or 0b", err);
	return 0;
}

static int
read_id(struct dhcp_key *k, const char *s, const char **colon, unsigned line,
	struct lun_error *err)
{
	char *end;

	errno = 0;

	unsigned long long id = strtoull(s, &end, 0);

	if (*s < '0' || *s > '9' || *end != ':' || errno || id > UINT32_MAX)
		return wrong_line(line, "not key=NUMBER:SECRET, with the "
				  "number of the key at the server", err);
	k->id = (uint32_t)id;
	*colon = end;
	return 0;
}

static int
read_line(struct dhcp_auth *a, const char *s, size_t len, unsigned line,
	  struct lun_error *err)
{
	bool token = len > 6 && memcmp(s, "token=", 6) == 0;
	bool key = len > 4 && memcmp(s, "key=", 4) == 0;
	struct dhcp_key *k = &a->keys[a->n];
	const char *from = s + (token ? 6 : 4), *colon = NULL;
	int r;

	if (len == 0 || *s == '#')
		return 0;
	if (!token && !key)
		return wrong_line(line, "neither token= nor key=", err);
	if (a->n > 0 && (token || a->token))
		return wrong_line(line, "a token is alone", err);
	if (a->n == DHCP_KEYS_MAX)
		return wrong_line(line, "too many keys", err);
	if (key && (r = read_id(k, from, &colon, line, err)) < 0)
		return r;
	if (key)
		from = colon + 1;
	if (from > s + len)
		return wrong_line(line, "no secret", err);
	r = read_secret(k, from, (size_t)(s + len - from), line, err);
	if (r < 0)
		return r;
	a->token = token;
	a->n++;
	return 0;
}

int
dhcp_auth_parse(struct dhcp_auth *a, const char *text, struct lun_error *err)
{
	int r = 0;

	*a = (struct dhcp_auth){ 0 };
	for (unsigned line = 1; r == 0 && *text; line++) {
		size_t len = strcspn(text, "\n");

		r = read_line(a, text, len, line, err);
		text += len + (text[len] == '\n');
	}
	if (r == 0 && a->n == 0)
		r = lun_fail(err, LUN_EINVAL, "there is no key in it");
	if (r < 0)
		dhcp_auth_wipe(a);
	return r;
}

void
dhcp_auth_wipe(struct dhcp_auth *a)
{
	secret_wipe(a, sizeof(*a));
}

/* ------------------------------------------------------------- checking -- */

/* RFC 3118 5.3: with the MAC, hops and giaddr as zeroes. */
static int
mac_of(const struct dhcp_key *key, const uint8_t *message, size_t len,
       size_t auth_at, uint8_t out[HASH_LEN_MAX])
{
	uint8_t copy[DHCP_MESSAGE_MAX];

	assert(len <= sizeof(copy) && auth_at + SIGNED_LEN <= len);
	memcpy(copy, message, len);
	copy[DHCP_HOPS_AT] = 0;
	memset(copy + DHCP_GIADDR_AT, 0, 4);
	memset(copy + auth_at + MAC_AT, 0, MAC_LEN);
	return hash_hmac(&hashes[HASH_MD5], key->secret, key->len, copy, len,
			 out);
}

static int
check_token(const struct dhcp_auth *a, const uint8_t *v, size_t len,
	    const struct dhcp_key **key, struct lun_error *err)
{
	const struct dhcp_key *k = &a->keys[0];

	if (v[1] != ALGORITHM_TOKEN || len - HEAD_LEN != k->len ||
	    !secret_equal(v + HEAD_LEN, k->secret, k->len))
		return lun_fail(err, LUN_EAUTH, "another token than ours");
	*key = k;
	return 0;
}

static int
check_mac(const struct dhcp_auth *a, const struct dhcp_message *m,
	  const uint8_t *v, size_t len, const struct dhcp_key **key,
	  struct lun_error *err)
{
	uint8_t mac[HASH_LEN_MAX];
	const struct dhcp_key *k = NULL;

	if (len != SIGNED_LEN || m->auth_at == 0 ||
	    v[1] != ALGORITHM_HMAC_MD5)
		return lun_fail(err, LUN_EAUTH, "no HMAC-MD5 (%zu bytes, "
				"algorithm %u)", len, v[1]);
	for (size_t i = 0; i < a->n; i++)
		if (a->keys[i].id == get32(v + HEAD_LEN))
			k = &a->keys[i];
	if (!k)
		return lun_fail(err, LUN_EAUTH, "key %u, which we have not",
				get32(v + HEAD_LEN));
	if (mac_of(k, m->raw, m->len, m->auth_at, mac) < 0)
		return lun_fail(err, LUN_ESYS, "no MD5 in this libcrypto");
	if (!secret_equal(mac, v + MAC_AT, MAC_LEN))
		return lun_fail(err, LUN_EAUTH, "a wrong MAC under key %u",
				k->id);
	*key = k;
	return 0;
}

int
dhcp_auth_check(const struct dhcp_auth *a, const struct dhcp_message *m,
		const struct dhcp_key **key, uint64_t *replay,
		struct lun_error *err)
{
	size_t len;
	const uint8_t *v = dhcp_get(m, OPT_AUTH, &len);
	int protocol = a->token ? PROTOCOL_TOKEN : PROTOCOL_DELAYED;
	int r;

	if (!v)
		return DHCP_UNAUTHENTIC;
	if (len < HEAD_LEN || v[0] != protocol || v[2] != METHOD_COUNTER)
		return lun_fail(err, LUN_EAUTH, "authentication of another "
				"kind (protocol %u, %zu bytes)", len ? v[0] : 0,
				len);
	if (get64(v + REPLAY_AT) <= *replay)
		return lun_fail(err, LUN_EAUTH, "a replay: counter %llu after "
				"%llu", (unsigned long long)get64(v + REPLAY_AT),
				(unsigned long long)*replay);
	r = a->token ? check_token(a, v, len, key, err) :
		       check_mac(a, m, v, len, key, err);
	if (r == 0)
		*replay = get64(v + REPLAY_AT);
	return r;
}

/* -------------------------------------------------------------- writing -- */

size_t
dhcp_auth_option(const struct dhcp_auth *a, const struct dhcp_key *key,
		 uint64_t replay, uint8_t out[DHCP_AUTH_MAX])
{
	memset(out, 0, DHCP_AUTH_MAX);
	out[0] = a->token ? PROTOCOL_TOKEN : PROTOCOL_DELAYED;
	out[1] = a->token ? ALGORITHM_TOKEN : ALGORITHM_HMAC_MD5;
	out[2] = METHOD_COUNTER;
	put64(out + REPLAY_AT, replay);
	if (a->token) {
		memcpy(out + HEAD_LEN, a->keys[0].secret, a->keys[0].len);
		return HEAD_LEN + a->keys[0].len;
	}
	if (!key)
		return HEAD_LEN;
	put32(out + HEAD_LEN, key->id);
	return SIGNED_LEN;
}

int
dhcp_auth_sign(const struct dhcp_key *key, uint8_t *message, size_t len,
	       size_t auth_at)
{
	uint8_t mac[HASH_LEN_MAX];
	int r = mac_of(key, message, len, auth_at, mac);

	if (r == 0)
		memcpy(message + auth_at + MAC_AT, mac, MAC_LEN);
	return r;
}
