/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of hashes over libcrypto's EVP. */
#include "base/hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lun.h"

static const void *
md5(void)
{
	return EVP_md5();
}

static const void *
sha1(void)
{
	return EVP_sha1();
}

static const void *
sha256(void)
{
	return EVP_sha256();
}

static const void *
sha3_256(void)
{
	return EVP_sha3_256();
}

const struct hash hashes[HASH_COUNT] = {
	[HASH_MD5]	= { "MD5",	16,	md5 },
	[HASH_SHA1]	= { "SHA-1",	20,	sha1 },
	[HASH_SHA256]	= { "SHA-256",	32,	sha256 },
	[HASH_SHA3_256]	= { "SHA3-256",	32,	sha3_256 },
};

int
hash_parts(const struct hash *h, const struct iovec *parts, int n,
	   uint8_t out[HASH_LEN_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t result[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!ctx)
		return LUN_ENOMEM;
	bool ok = EVP_DigestInit_ex(ctx, h->evp(), NULL);
	for (int i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].iov_base, parts[i].iov_len);
	ok = ok && EVP_DigestFinal_ex(ctx, result, &len);
	EVP_MD_CTX_free(ctx);		/* it wipes its state */
	if (!ok)
		return LUN_ESYS;

	assert(len == h->len);
	for (size_t i = 0; i < h->len; i++)
		out[i] = result[i];
	secret_wipe(result, sizeof(result));
	return 0;
}

int
hash_hmac(const struct hash *h, const void *key, size_t key_len,
	  const void *data, size_t len, uint8_t out[HASH_LEN_MAX])
{
	uint8_t result[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	assert(key_len <= INT32_MAX);
	if (!HMAC(h->evp(), key, (int)key_len, data, len, result, &n))
		return LUN_ESYS;
	assert(n == h->len);
	for (size_t i = 0; i < h->len; i++)
		out[i] = result[i];
	secret_wipe(result, sizeof(result));
	return 0;
}

void
secret_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
