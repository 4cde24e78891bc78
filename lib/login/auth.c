/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user wants of authentication: is it sound? */
#include "login/auth.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/hash.h"
#include "login/chap.h"
#include "text/value.h"

enum { SECRET_GOOD_LEN = 96 / 8 };	/* RFC 7143 9.2.1 */

static const struct chap_algorithm *
find_by_name(const char *name)
{
	for (int i = 0; i < CHAP_ALGORITHMS_MAX; i++)
		if (strcasecmp(chap_algorithms[i].name, name) == 0)
			return &chap_algorithms[i];
	return NULL;
}

int
auth_set_algorithms(struct auth_config *a, const char *list,
		    struct lun_error *err)
{
	uint8_t numbers[CHAP_ALGORITHMS_MAX];
	uint8_t n = 0;
	char item[16];

	for (const char *s = list; value_list_next(&s, item, sizeof(item));) {
		const struct chap_algorithm *algorithm = find_by_name(item);

		if (!algorithm || memchr(numbers, algorithm->number, n))
			return lun_fail(err, LUN_EINVAL, "CHAP algorithms %s: "
			    "not a list of sha3-256, sha256, sha1 and md5",
			    list);
		numbers[n++] = algorithm->number;
	}
	memcpy(a->algorithms, numbers, n);
	a->n_algorithms = n;
	return 0;
}

static int
check_secret(const char *whose, size_t len, const char **warning,
	     struct lun_error *err)
{
	if (len == 0)
		return lun_fail(err, LUN_EINVAL, "CHAP: no %s secret", whose);
	if (len > CHAP_SECRET_MAX)
		return lun_fail(err, LUN_EINVAL,
				"CHAP: the %s secret has %zu bytes, more than %d",
				whose, len, CHAP_SECRET_MAX);
	if (len < SECRET_GOOD_LEN)
		*warning = "a CHAP secret of less than 12 bytes is easily "
			   "guessed by who sees the login";
	return 0;
}

static int
check_algorithms(const struct auth_config *a, struct lun_error *err)
{
	if (a->n_algorithms > CHAP_ALGORITHMS_MAX)
		return lun_fail(err, LUN_EINVAL, "CHAP: %u algorithms",
				a->n_algorithms);
	for (int i = 0; i < a->n_algorithms; i++)
		if (!chap_algorithm_find(a->algorithms[i]))
			return lun_fail(err, LUN_EINVAL,
					"CHAP: no algorithm %u",
					a->algorithms[i]);
	return 0;
}

int
auth_check(const struct auth_config *a, const char **warning,
	   struct lun_error *err)
{
	const char *w = NULL;
	int r;

	if (a->method == AUTH_NONE) {
		if (a->mutual)
			return lun_fail(err, LUN_EINVAL, "mutual CHAP needs "
			    "a username and password of our own too");
		*warning = NULL;
		return 0;
	}
	if ((r = check_secret("initiator's", a->password_len, &w, err)) < 0)
		return r;
	if (a->mutual) {
		r = check_secret("target's", a->password_in_len, &w, err);
		if (r < 0)
			return r;
		/* RFC 7143 9.2.1 */
		if (a->password_len == a->password_in_len &&
		    secret_equal(a->password, a->password_in, a->password_len))
			return lun_fail(err, LUN_EINVAL, "CHAP: the secrets of "
			    "initiator and target must differ");
	}
	if ((r = check_algorithms(a, err)) < 0)
		return r;
	*warning = w;
	return 0;
}

void
auth_wipe(struct auth_config *a)
{
	secret_wipe(a, sizeof(*a));
}
