/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in messages of SLP: escapes, lists, predicates, URLs; and the
 * configuration of a user agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "discovery/slp-config.h"
#include "discovery/slp-msg.h"
#include "discovery/slp-url.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct slp_text
text(const char *s)
{
	return SLP_TEXT(s);
}

/* --------------------------------------------------------------- texts -- */

/* shows: 2608-8.1-03 4018-5.2-03 4018-5.2-04 4018-5.2-05 4018-5.2-06 */
static void
test_predicates(void **state)
{
	static const struct {
		const char *chap_user, *want;
	} cases[] = {
		{ NULL, "(|(auth-name=iqn.2026-11.a:me)(auth-name=any))" },
		{ "a(b)*c", "(&(|(auth-name=iqn.2026-11.a:me)(auth-name=any))"
		  "(|(auth-cred=chap/a\\28b\\29\\2ac)(auth-cred=any)))" },
		{ "x/y:z", "(&(|(auth-name=iqn.2026-11.a:me)(auth-name=any))"
		  "(|(auth-cred=chap/x/y:z)(auth-cred=any)))" },
	};
	struct str s = STR_INIT(1000);

	for (size_t i = 0; i < N_OF(cases); i++) {
		slp_add_access(&s, "iqn.2026-11.a:me", cases[i].chap_user);
		assert_string_equal(str_text(&s), cases[i].want);
		str_deinit(&s);
	}
	slp_add_equal(&s, "iscsi-name", "iqn.2026-11.a:1");
	slp_add_equal(&s, "x", "(),\\!<=>~*\n\x7f /:.");
	assert_string_equal(str_text(&s), "(iscsi-name=iqn.2026-11.a:1)(x=\\28"
			    "\\29\\2c\\5c\\21\\3c\\3d\\3e\\7e\\2a\\0a\\7f /:."
			    ")");
	str_deinit(&s);
	slp_add_scope(&s, "a,b;c*d+e f/");
	assert_string_equal(str_text(&s), "a\\2cb\\3bc\\2ad\\2be f/");
	str_deinit(&s);
}

/* shows: 2608-6.4-02 */
static void
test_texts(void **state)
{
	static const struct {
		const char *in, *text;
		bool want;
	} cases[] = {
		{ "DEFAULT", "default", true },
		{ "  Some String  ", "SOME \t\r\n  STRING", true },
		{ "SomeString", "some string", false },
		{ "a\\2cb", "a,b", true },
		{ "a\\2Cb", "A,B", true },
		{ "a\\2", "a\\2", false },
		{ "a\\zz", "a\\zz", false },
		{ "\\ff\\41", "\xff\x41", false },
		{ "a\\00", "a", false },
		{ "", "", true },
		{ "a", "ab", false },
		{ "ab", "a", false },
		{ "\xc3\x84", "\xc3\x84", true },
	};
	char out[8];

	for (size_t i = 0; i < N_OF(cases); i++)
		assert_int_equal(slp_text_is(text(cases[i].in), cases[i].text),
				 cases[i].want);
	assert_true(slp_unescape(out, sizeof(out), text("\\5c\\2a1234\\35")));
	assert_string_equal(out, "\\*12345");
	assert_false(slp_unescape(out, sizeof(out), text("12345678")));
	assert_false(slp_unescape(out, 0, text("")));
}

static void
test_lists(void **state)
{
	static const struct {
		const char *in, *want;		/* in brackets */
	} cases[] = {
		{ "", "" }, { "a", "[a]" }, { "a,b", "[a][b]" },
		{ ",", "[][]" }, { "a,,b,", "[a][][b][]" },
		{ "a\\2cb,c", "[a\\2cb][c]" },
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct slp_text one;
		char got[100] = "";
		size_t pos = 0;

		while (slp_list_next(text(cases[i].in), &pos, &one))
			sprintf(strchr(got, 0), "[%.*s]", (int)one.len, one.p);
		assert_string_equal(got, cases[i].want);
	}
}

/* shows: 2608-10.3-01 */
static void
test_attributes(void **state)
{
	static const char good[] = "(portal-group=1),bootable,(Alias=My \\28"
		"big\\29 disk),(transports=sctp,TCP),(auth-name=any,iqn.x),"
		"(blob=\\ff\\00\\01),(empty=),x-unknown,(n=-1),(m=70000)";
	static const char *const bad[] = {
		"(a=b", "(a)", "(=b)", "()", ",", "(a=b)x", "(a=b),", "(a=b),,c",
		"(", "=",
	};
	struct slp_attr a;
	char out[100];
	long n;

	assert_true(slp_attr_text(text(good), "alias", out, sizeof(out)));
	assert_string_equal(out, "My (big) disk");
	assert_true(slp_attr_number(text(good), "portal-group", 65535, &n));
	assert_int_equal(n, 1);
	assert_false(slp_attr_number(text(good), "n", 65535, &n));
	assert_false(slp_attr_number(text(good), "m", 65535, &n));
	assert_false(slp_attr_number(text(good), "alias", 65535, &n));
	assert_false(slp_attr_number(text(good), "bootable", 65535, &n));
	assert_int_equal(slp_attr_has(text(good), "transports", "tcp"), 1);
	assert_int_equal(slp_attr_has(text(good), "transports", "udp"), 0);
	assert_int_equal(slp_attr_has(text(good), "bootable", "x"), 0);
	assert_int_equal(slp_attr_has(text(good), "nothing", "x"), -1);
	assert_false(slp_attr_text(text(good), "blob", out, sizeof(out)));

	size_t pos = 0, count = 0;

	while (slp_attr_next(text(good), &pos, &a) == 1)
		count++;
	assert_int_equal(count, 10);
	for (size_t i = 0; i < N_OF(bad); i++) {
		int r;

		pos = 0;
		for (count = 0; (r = slp_attr_next(text(bad[i]), &pos, &a)) == 1;
		     count++)
			assert_true(count < 10);
		assert_int_equal(r, strcmp(bad[i], "=") == 0 ? 0 : LUN_EPROTO);
	}
}

/* ---------------------------------------------------------------- URLs -- */

struct url_case {
	const char *url;
	int r;
	const char *want;		/* "name address" */
};

static const struct url_case target_urls[] = {
	{ "service:iscsi:target://192.0.2.3:3260/"
	  "iqn.2001-04.com.example:sn.45678", 0,
	  "iqn.2001-04.com.example:sn.45678 192.0.2.3:3260" },
	{ "service:iscsi:target://[::1]:3261/iqn.2001-04.com.example:1", 0,
	  "iqn.2001-04.com.example:1 [::1]:3261" },
	{ "service:iscsi:target://[2001:db8::1]/iqn.2001-04.com.example:1", 0,
	  "iqn.2001-04.com.example:1 [2001:db8::1]:3260" },
	{ "service:iscsi:target://disks.example/iqn.2001-04.com.example:1", 0,
	  "iqn.2001-04.com.example:1 disks.example:3260" },
	{ "service:iscsi:target://disks.example/iqn.2001-04.com.example:1/me",
	  0, "iqn.2001-04.com.example:1 disks.example:3260" },
	{ "SERVICE:iSCSI:Target://disks.example/IQN.2001-04.com.Example:A", 0,
	  "iqn.2001-04.com.example:a disks.example:3260" },
	{ "service:iscsi:target://a.example/iqn.2001-04.com.example:"
	  "gr\\c3\\b6\\c3\\9fe", 0,
	  "iqn.2001-04.com.example:gr\xc3\xb6sse a.example:3260" },
	{ "service:iscsi:target://a.example/eui.0123456789ABCDEF", 0,
	  "eui.0123456789abcdef a.example:3260" },
	/* other services */
	{ "service:iscsi:sms://192.0.2.1:3205", SLP_OTHER_TYPE },
	{ "service:iscsi:target.acme://a/iqn.2001-04.com.example:1",
	  SLP_OTHER_TYPE },
	{ "http://a.example/", SLP_OTHER_TYPE },
	{ "", SLP_OTHER_TYPE },
	{ "service:iscsi:target:/", SLP_OTHER_TYPE },
	/* what is wrong */
	{ "service:iscsi:target://", LUN_EPROTO },
	{ "service:iscsi:target://a.example", LUN_EPROTO },
	{ "service:iscsi:target://a.example/", LUN_EPROTO },
	{ "service:iscsi:target:///iqn.2001-04.com.example:1", LUN_EPROTO },
	{ "service:iscsi:target://a:0/iqn.2001-04.com.example:1", LUN_EPROTO },
	{ "service:iscsi:target://a:99999/iqn.2001-04.com.example:1",
	  LUN_EPROTO },
	{ "service:iscsi:target://a:1,2/iqn.2001-04.com.example:1",
	  LUN_EPROTO },
	{ "service:iscsi:target://::1/iqn.2001-04.com.example:1", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:\\c3", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:\\zz", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:\\0", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:\\00", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:a\\2fb",
	  LUN_EPROTO },
	{ "service:iscsi:target://a/../../etc/passwd", LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:1/x/y",
	  LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:1/\\q",
	  LUN_EPROTO },
	{ "service:iscsi:target://a/iqn.2001-04.com.example:a\nb", LUN_EPROTO },
	{ "service:iscsi:target://a b/iqn.2001-04.com.example:1", LUN_EPROTO },
	{ "service:iscsi:target://[fe80::1%eth0]/iqn.2001-04.com.example:1",
	  LUN_EPROTO },
};

/* shows: 4018-5.2-01 4018-5.2-02 2608-6.4-02 */
static void
test_target_urls(void **state)
{
	for (size_t i = 0; i < N_OF(target_urls); i++) {
		const struct url_case *c = &target_urls[i];
		char name[NAME_MAX_LEN + 1], at[PORTAL_TEXT_MAX], got[600];
		struct portal p;
		struct lun_error err = { 0 };

		assert_int_equal(slp_target_url(text(c->url), name, &p, &err),
				 c->r);
		if (c->r != 0)
			continue;
		snprintf(got, sizeof(got), "%s %s", name,
			 portal_print(&p, at));
		assert_string_equal(got, c->want);
		assert_int_equal(p.tpgt, -1);
	}
	/* a null ends nothing */
	static const char null[] =
		"service:iscsi:target://a/iqn.2001-04.com.example:1\0/etc";
	char name[NAME_MAX_LEN + 1];
	struct portal p;

	assert_int_equal(slp_target_url((struct slp_text){ null,
					sizeof(null) - 1 }, name, &p, NULL),
			 LUN_EPROTO);
}

static void
test_service_urls(void **state)
{
	static const struct {
		const char *url;
		int r;
		const char *want;
	} cases[] = {
		{ "service:iscsi:sms://192.0.2.1", 0, "192.0.2.1:3205" },
		{ "service:iscsi:sms://192.0.2.1:99/x/y", 0, "192.0.2.1:99" },
		{ "service:iscsi:sms://[2001:db8::1]", 0,
		  "[2001:db8::1]:3205" },
		{ "service:iscsi:target://a/b", SLP_OTHER_TYPE },
		{ "service:iscsi:sms://", LUN_EPROTO },
		{ "service:iscsi:sms://[::1", LUN_EPROTO },
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		char at[PORTAL_TEXT_MAX];
		struct portal p;

		assert_int_equal(slp_service_url(text(cases[i].url),
						 SLP_TYPE_SMS, LUN_ISNS_PORT, &p,
						 NULL), cases[i].r);
		if (cases[i].r == 0)
			assert_string_equal(portal_print(&p, at),
					    cases[i].want);
	}
}

/* ------------------------------------------------------- configuration -- */

static char *
agents(const struct slp_config *c, char buf[400])
{
	*buf = '\0';
	for (size_t i = 0; i < c->n_agents; i++) {
		char at[PORTAL_TEXT_MAX];

		sprintf(strchr(buf, 0), " %s", portal_print(&c->agents[i], at));
	}
	return buf;
}

static char *
scopes(const struct slp_config *c, char buf[SLP_SCOPE_LIST_MAX])
{
	return slp_scopes_print(&c->scopes, UINT32_MAX, buf);
}

/* shows: 2608-6-02 */
static void
test_configuration(void **state)
{
	struct portal given = { "192.0.2.2", LUN_SLP_PORT, -1 };
	struct slp_config c;
	char buf[SLP_SCOPE_LIST_MAX];

	slp_config_init(&c);
	assert_string_equal(scopes(&c, buf), "DEFAULT");
	assert_true(c.multicast);
	assert_int_equal(slp_config_agent(&c, &given, NULL), 0);
	assert_int_equal(slp_config_agent(&c, &given, NULL), 0);
	assert_int_equal(c.n_agents, 1);

	assert_string_equal(agents(&c, buf), " 192.0.2.2:427");

	assert_int_equal(slp_config_scopes(&c, "a\\2cb,C", NULL), 0);
	assert_string_equal(scopes(&c, buf), "a\\2cb,C");
	assert_int_equal(slp_config_scopes(&c, "", NULL), LUN_EINVAL);
	assert_int_equal(slp_config_scopes(&c, "a,,b", NULL), LUN_EINVAL);
	assert_int_equal(slp_config_scopes(&c, "*", NULL), 0);
	assert_int_equal(c.scopes.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predicates),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_target_urls),
		cmocka_unit_test(test_service_urls),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
