/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options: each value that is taken, and each that is refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lun-impl.h"

static struct lun_options *
new(void)
{
	struct lun_options *o;
	struct lun_error err;

	assert_int_equal(lun_options_new(&o, &err), 0);
	return o;
}

static void
set(struct lun_options *o, const char *name, const char *value)
{
	struct lun_error err = { 0 };

	if (lun_options_set(o, name, value, &err) < 0)
		fail_msg("%s=%s: %s", name, value, err.text);
}

static int
check(struct lun_options *o, const char **warning)
{
	struct lun_error err;

	*warning = NULL;
	return lun_options_check(o, warning, &err);
}

static void
test_taken(void **state)
{
	static const char *const cases[][2] = {
		{ "initiator-name", "iqn.2026-11.test:me" },
		{ "initiator-name", "IQN.2026-11.Test:Me" },
		{ "initiator-name", "eui.02004567a425678d" },
		{ "initiator-name", "naa.52004567ba64678d" },
		{ "initiator-alias", "" }, { "initiator-alias", "Web Server 4" },
		{ "auth", "none" }, { "auth", "chap" }, { "auth", "CHAP" },
		{ "chap-algorithms", "sha256,md5" },
		{ "chap-algorithms", "md5" },
		{ "username", "u" }, { "password", "p" },
		{ "username-in", "u" }, { "password-in", "p" },
		{ "header-digest", "none" }, { "header-digest", "crc32c" },
		{ "data-digest", "crc32c,none" },
		{ "data-digest", "CRC32C,None" },
		{ "connections", "1" }, { "connections", "16" },
		{ "erl", "2" },
		{ "timeout", "1" }, { "timeout", "3600" },
		{ "outage", "wait" }, { "outage", "wait:60" },
		{ "outage", "fail" }, { "target-reset", "yes" },
		{ "read-only", "yes" }, { "read-only", "no" },
		{ "isid", "0" }, { "isid", "0xffffff" },
		{ "proxy", "socks5://me:word@[::1]:1" }, { "proxy", "none" },
		{ "portal-rewrite", "auto" }, { "portal-rewrite", "never" },
		{ "MaxBurstLength", "1M" }, { "InitialR2T", "Yes" },
		{ "HeaderDigest", "CRC32C" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lun_options *o = new();

		set(o, cases[i][0], cases[i][1]);
		lun_options_free(o);
	}
}

/* The error names the option and the value; nothing changes. Recovery levels
 * that are not implemented cannot be asked for by any means.
 * shows: 7143-7.1.5-01 */
static void
test_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "no-such", "1" }, { "", "" }, { "NoSuchKey", "1" },
		{ "initiator-name", "" }, { "initiator-name", "me" },
		{ "initiator-name", "iqn.bad" },
		{ "initiator-name", "iqn.2026-11.test:\u0221" },
		{ "initiator-alias", "a\nb" },
		{ "initiator-alias", "a\u202eb" },
		{ "initiator-alias", "\xff" },
		{ "auth", "" }, { "auth", "krb5" },
		{ "chap-algorithms", "" }, { "chap-algorithms", "md4" },
		{ "chap-algorithms", "md5,md5" },
		{ "username", "" }, { "username-in", "" },
		{ "header-digest", "" }, { "header-digest", "crc32" },
		{ "data-digest", "crc32c,crc32c" },
		{ "connections", "0" }, { "connections", "17" },
		{ "connections", "-1" }, { "connections", "1x" },
		{ "erl", "3" }, { "erl", "" },
		{ "timeout", "0" }, { "timeout", "3601" },
		{ "timeout", "99999999999999999999" },
		{ "outage", "" }, { "outage", "wait:" },
		{ "target-reset", "" }, { "outage", "wait:0" }, { "outage", "wait:x" },
		{ "read-only", "" }, { "read-only", "maybe" },
		{ "isid", "0x1000000" }, { "isid", "" },
		{ "proxy", "" }, { "proxy", "http://a" },
		{ "portal-rewrite", "" }, { "portal-rewrite", "Auto" },
		{ "proxy", "socks5://me:word@" },
		{ "MaxBurstLength", "511" }, { "InitiatorName", "iqn.x" },
		{ "AuthMethod", "None" }, { "SendTargets", "All" },
		{ "ErrorRecoveryLevel", "3" },
	};
	struct lun_options *before = new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lun_options *o = new();
		struct lun_error err = { 0 };
		int r = lun_options_set(o, cases[i][0], cases[i][1], &err);

		if (r != LUN_EINVAL)
			fail_msg("%s=%s was taken", cases[i][0], cases[i][1]);
		assert_int_equal(err.code, LUN_EINVAL);
		assert_true(strlen(err.text) > strlen(cases[i][0]));
		assert_memory_equal(o, before, sizeof(*o));
		lun_options_free(o);
	}
	lun_options_free(before);
}

/* A secret that is refused is not repeated. */
static void
test_secret_not_shown(void **state)
{
	static const char *const names[] = { "password", "password-in" };
	char value[300];

	memset(value, 'S', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		struct lun_options *o = new();
		struct lun_error err;

		assert_int_equal(lun_options_set(o, names[i], value, &err),
				 LUN_EINVAL);
		assert_null(strstr(err.text, "SS"));
		lun_options_free(o);
	}
}

/* Values arrive where the engine looks for them. */
static void
test_meaning(void **state)
{
	struct lun_options *o = new();

	assert_int_equal(o->timeout, 30 * TIME_S);
	assert_int_equal(o->outage, OUTAGE_WAIT);
	assert_true(o->outage_time == TIME_NEVER);
	assert_int_equal(o->offer.values.ErrorRecoveryLevel, 0);
	assert_int_equal(o->offer.values.MaxConnections, 1);

	set(o, "initiator-name", "IQN.2026-11.Test:Me");
	assert_string_equal(o->initiator_name, "iqn.2026-11.test:me");
	set(o, "header-digest", "crc32c,none");
	assert_int_equal(o->offer.HeaderDigest.n, 2);
	assert_int_equal(o->offer.HeaderDigest.item[0], DIGEST_CRC32C);
	set(o, "data-digest", "none");
	assert_int_equal(o->offer.DataDigest.n, 1);
	set(o, "connections", "4");
	assert_int_equal(o->offer.values.MaxConnections, 4);
	set(o, "timeout", "5");
	assert_int_equal(o->timeout, 5 * TIME_S);
	set(o, "outage", "wait:7");
	assert_int_equal(o->outage_time, 7 * TIME_S);
	set(o, "outage", "fail");
	assert_int_equal(o->outage, OUTAGE_FAIL);
	set(o, "read-only", "yes");
	assert_true(o->read_only);
	set(o, "isid", "0x123456");
	assert_int_equal(o->isid, 0x123456);
	set(o, "MaxBurstLength", "1M");
	assert_int_equal(o->offer.values.MaxBurstLength, 1 << 20);

	struct lun_options *copy = lun_options_clone(o);

	assert_memory_equal(copy, o, sizeof(*o));
	lun_options_free(copy);
	lun_options_free(o);
}

/* Everything that is there or not, of the credentials and the method: which
 * combinations fit together, and what is offered then. A target is never
 * asked for less than the user wants. */
static void
test_auth(void **state)
{
	for (unsigned m = 0; m < 3 * 16; m++) {
		struct lun_options *o = new();
		struct auth_config a;
		unsigned method = m / 16;	/* not given, none, chap */
		bool user = m & 1, pass = m & 2, user_in = m & 4,
		     pass_in = m & 8;
		bool chap = method == 2 || (method == 0 && (user || pass));
		bool mutual = user_in || pass_in;
		bool fits = chap ? user && pass && (!mutual || pass_in) :
			!mutual;
		const char *warning;

		if (method > 0)
			set(o, "auth", method == 1 ? "none" : "chap");
		if (user)
			set(o, "username", "me");
		if (pass)
			set(o, "password", "0123456789abc");
		if (user_in)
			set(o, "username-in", "you");
		if (pass_in)
			set(o, "password-in", "cba9876543210");
		assert_int_equal(check(o, &warning), fits ? 0 : LUN_EINVAL);
		options_auth(o, &a);
		assert_int_equal(a.method, chap ? AUTH_CHAP : AUTH_NONE);
		assert_int_equal(a.mutual, mutual);
		if (fits)
			assert_int_equal(warning != NULL, !chap && user);
		lun_options_free(o);
	}
}

/* Short secrets are warned of; equal ones in both directions are refused. */
static void
test_secrets(void **state)
{
	struct lun_options *o = new();
	const char *warning;

	set(o, "username", "me");
	set(o, "password", "short");
	assert_int_equal(check(o, &warning), 0);
	assert_non_null(warning);
	set(o, "password", "long enough for 96 bits");
	assert_int_equal(check(o, &warning), 0);
	assert_null(warning);
	set(o, "password-in", "long enough for 96 bits");
	assert_int_equal(check(o, &warning), LUN_EINVAL);
	lun_options_free(o);
}

/* FirstBurstLength follows MaxBurstLength unless the user set it (13.14). */
static void
test_bursts(void **state)
{
	struct lun_options *o = new();
	const char *warning;

	set(o, "MaxBurstLength", "4k");
	assert_int_equal(check(o, &warning), 0);
	set(o, "FirstBurstLength", "4k");
	assert_int_equal(check(o, &warning), 0);
	set(o, "FirstBurstLength", "8k");
	assert_int_equal(check(o, &warning), LUN_EINVAL);
	lun_options_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_secret_not_shown),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
