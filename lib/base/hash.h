/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hashes that we need, over libcrypto, and the handling of secrets. What
 * an algorithm is called in a protocol (CHAP_A, say) is not known here.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { HASH_LEN_MAX = 32 };

struct hash {
	const char *name;
	size_t len;
	const void *(*evp)(void);	/* the EVP_MD */
};

enum hash_id { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA3_256, HASH_COUNT };

extern const struct hash hashes[HASH_COUNT];

/*
 * The hash of the n parts one after another; h->len bytes of out are written.
 * 0, LUN_ENOMEM, or LUN_ESYS: this libcrypto has the algorithm turned off.
 */
int hash_parts(const struct hash *h, const struct iovec *parts, int n,
	       uint8_t out[HASH_LEN_MAX]);

/* The same, keyed: HMAC (RFC 2104). */
int hash_hmac(const struct hash *h, const void *key, size_t key_len,
	      const void *data, size_t len, uint8_t out[HASH_LEN_MAX]);

/* Overwrites in a way that the compiler does not remove. */
void secret_wipe(void *p, size_t len);

/* Compares in a time that does not depend on the contents. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
