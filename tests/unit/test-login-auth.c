/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which configurations of authentication are sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "login/auth.h"

#define SECRET		"a secret of 16 b"
#define SECRET_IN	"the target's own"

static struct auth_config auth;
static struct lun_error err;

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

/* shows: 7143-9.2.1-06 7143-9.2.1-05 */
static void
test_auth_check(void **state)
{
	const char *warning = "untouched";

	set_secrets(true);
	assert_int_equal(auth_check(&auth, &warning, &err), 0);
	assert_null(warning);

	memcpy(auth.password_in, SECRET, sizeof(SECRET));
	warning = "untouched";
	assert_int_equal(auth_check(&auth, &warning, &err), LUN_EINVAL);
	assert_string_equal(warning, "untouched");

	set_secrets(true);
	auth.password_in_len = 11;
	assert_int_equal(auth_check(&auth, &warning, &err), 0);
	assert_non_null(warning);

	for (size_t len = 0; len <= CHAP_SECRET_MAX + 1; len++) {
		set_secrets(false);
		auth.password_len = len;
		int r = auth_check(&auth, &warning, &err);

		assert_int_equal(r, len >= 1 && len <= CHAP_SECRET_MAX
				 ? 0 : LUN_EINVAL);
		if (r == 0)
			assert_int_equal(warning != NULL, len < 12);
	}
	set_secrets(true);
	auth.password_in_len = 0;
	assert_int_equal(auth_check(&auth, &warning, &err), LUN_EINVAL);
	set_secrets(false);
	auth.n_algorithms = 1;
	auth.algorithms[0] = 9;
	assert_int_equal(auth_check(&auth, &warning, &err), LUN_EINVAL);
	auth.n_algorithms = CHAP_ALGORITHMS_MAX + 1;
	assert_int_equal(auth_check(&auth, &warning, &err), LUN_EINVAL);
	set_secrets(true);
	auth.method = AUTH_NONE;
	assert_int_equal(auth_check(&auth, &warning, &err), LUN_EINVAL);
	auth.mutual = false;
	assert_int_equal(auth_check(&auth, &warning, &err), 0);
	assert_null(warning);
}

static void
test_algorithm_names(void **state)
{
	set_secrets(false);
	assert_int_equal(auth_set_algorithms(&auth, "SHA3-256,md5,sha256,sha1",
					     &err), 0);
	assert_int_equal(auth.n_algorithms, 4);
	assert_memory_equal(auth.algorithms, "\x08\x05\x07\x06", 4);
	assert_int_equal(auth_set_algorithms(&auth, "sha512", &err), LUN_EINVAL);
	assert_int_equal(auth_set_algorithms(&auth, "", &err), LUN_EINVAL);
	assert_int_equal(auth_set_algorithms(&auth, "md5,md5", &err),
			 LUN_EINVAL);
	assert_int_equal(auth_set_algorithms(&auth, "md5,", &err), LUN_EINVAL);
	/* what was there stays */
	assert_int_equal(auth.n_algorithms, 4);
}

static void
test_wiped(void **state)
{
	static const struct auth_config nothing;

	set_secrets(true);
	auth_wipe(&auth);
	assert_memory_equal(&auth, &nothing, sizeof(auth));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth_check),
		cmocka_unit_test(test_algorithm_names),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
