/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which portals may be contacted: addresses, ranges, domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "names/allow.h"

static const struct {
	const char *list, *host;
	bool want;
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.6", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.1", true },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "fe80::/10", "fe80::1%eth0", true },
	{ "example.com", "example.com", true },
	{ "example.com", "a.EXAMPLE.com.", true },
	{ "example.com", "badexample.com", false },
	{ "example.com", "com", false },
	{ ".example.com", "a.example.com", true },
	{ "example.com", "192.0.2.1", false },
	{ "192.0.2.0/24", "a.example.com", false },
	{ "192.0.2.1,example.com,::1", "::1", true },
	{ "192.0.2.1,example.com,::1", "x.example.com", true },
};

static const char *const bad[] = {
	"", ",", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/x",
	"192.0.2.0/-1", "example.com/8", "example.com:80", "a b", "[::1]",
	"1,,2",
	"1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
	"1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
	"1.1.1.1",
};

static void
test_rules(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct portal p = { .port = 3260, .tpgt = -1 };
		struct allow a;

		strcpy(p.host, cases[i].host);
		assert_int_equal(allow_parse(&a, cases[i].list, NULL), 0);
		assert_int_equal(allow_portal(&a, &p), cases[i].want);
	}
}

static void
test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct allow a = { .n = 77 };

		assert_int_equal(allow_parse(&a, bad[i], NULL), LUN_EINVAL);
		assert_int_equal(a.n, 77);
	}
}

static void
test_nothing_said(void **state)
{
	static const struct allow all = { 0 };
	struct portal p = { "a.example", 3260, -1 };

	assert_true(allow_portal(&all, &p));
	strcpy(p.host, "192.0.2.1");
	assert_true(allow_portal(&all, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nothing_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
