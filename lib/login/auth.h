/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Authentication as the user wants it (RFC 7143 12). */
#ifndef LOGIN_AUTH_H
#define LOGIN_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum { CHAP_NAME_MAX = 255, CHAP_SECRET_MAX = 255, CHAP_ALGORITHMS_MAX = 4 };

enum auth_method { AUTH_NONE, AUTH_CHAP };

/*
 * The method is what the user wants, and all that is offered: with AUTH_CHAP
 * "None" is never in the list (6.3.2, 9.2.1). A username_in asks the target to
 * authenticate itself (mutual CHAP).
 */
struct auth_config {
	enum auth_method method;
	char username[CHAP_NAME_MAX + 1];
	uint8_t password[CHAP_SECRET_MAX];
	size_t password_len;
	bool mutual;
	char username_in[CHAP_NAME_MAX + 1];	/* "": any CHAP_N will do */
	uint8_t password_in[CHAP_SECRET_MAX];
	size_t password_in_len;
	uint8_t n_algorithms;			/* 0: all, strongest first */
	uint8_t algorithms[CHAP_ALGORITHMS_MAX];	/* CHAP_A numbers */
};

/* "sha256,md5" (names as IANA's, case ignored; sha3-256, sha256, sha1, md5). */
int auth_set_algorithms(struct auth_config *a, const char *list,
			struct lun_error *err);

/*
 * Is this a configuration that may be used? Secrets for both directions must
 * differ (9.2.1), mutual needs a first direction, lengths are bounded. A
 * secret below 96 bits is allowed but *warning gets a sentence (9.2.1).
 */
int auth_check(const struct auth_config *a, const char **warning,
	       struct lun_error *err);

void auth_wipe(struct auth_config *a);

#endif
