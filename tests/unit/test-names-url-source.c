/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URLs of the sources of discovery: iSNS, SLP, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "names/url.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define URL_ISNS	LUN_URL_ISNS
#define URL_SLP		LUN_URL_SLP

/* Refused with a text that has "part" in it. */
static void
assert_refused(const char *text, const char *part)
{
	struct lun_error err = { 0 };
	struct lun_url u;

	if (lun_url_parse(&u, text, &err) != LUN_EINVAL)
		fail_msg("%s was taken", text);
	if (!strstr(err.text, part))
		fail_msg("%s: not \"%s\" in: %s", text, part, err.text);
}

static void
parse(struct lun_url *u, const char *text)
{
	struct lun_error err;

	if (lun_url_parse(u, text, &err) != 0)
		fail_msg("%s: %s", text, err.text);
}

/* iSNS and SLP servers have the ports and the scope of their RFCs. */
static void
test_sources(void **state)
{
	static const struct {
		const char *text;
		enum lun_url_kind kind;
		const char *host;
		uint16_t port;
		const char *scope, *printed;
	} cases[] = {
		{ "isns://h", URL_ISNS, "h", 3205, "", "isns://h" },
		{ "ISNS://h:7/", URL_ISNS, "h", 7, "", "isns://h:7" },
		{ "isns://[fe80::1%25eth0]", URL_ISNS, "fe80::1%eth0", 3205, "",
		  "isns://[fe80::1%25eth0]" },
		{ "isns://gr%C3%B6%c3%9fe.example", URL_ISNS,
		  "xn--gre-6ka8i.example", 3205, "",
		  "isns://xn--gre-6ka8i.example" },
		{ "isns://", URL_ISNS, "", 3205, "", "isns://" },
		{ "isns:///", URL_ISNS, "", 3205, "", "isns://" },
		{ "slp://", URL_SLP, "", 427, "", "slp://" },
		{ "slp:///", URL_SLP, "", 427, "", "slp://" },
		{ "slp://h", URL_SLP, "h", 427, "", "slp://h" },
		{ "slp://?scope=DEFAULT", URL_SLP, "", 427, "DEFAULT",
		  "slp://?scope=DEFAULT" },
		{ "slp://[::1]:1427?scope=S", URL_SLP, "::1", 1427, "S",
		  "slp://[::1]:1427?scope=S" },
		{ "slp:///?scope=one,two words", URL_SLP, "", 427,
		  "one,two words", "slp://?scope=one,two words" },
		/* an escaped comma is one within a scope */
		{ "slp://?scope=a%2Cb,c", URL_SLP, "", 427, "a\\2cb,c",
		  "slp://?scope=a%2cb,c" },
		{ "slp://?scope=(%28\\%5c!<=>~;*+%0a", URL_SLP, "", 427,
		  "\\28\\28\\5c\\5c\\21\\3c\\3d\\3e\\7e\\3b\\2a\\2b\\0a",
		  "slp://?scope=%28%28%5c%5c%21%3c%3d%3e%7e%3b%2a%2b%0a" },
		{ "slp://?scope=%C3%BC%25%26#", URL_SLP, "", 427,
		  "\u00fc%&#", "slp://?scope=\u00fc%25%26%23" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[LUN_URL_TEXT_MAX], again[LUN_URL_TEXT_MAX];
		struct lun_url u, v;

		parse(&u, cases[i].text);
		assert_int_equal(u.kind, cases[i].kind);
		assert_string_equal(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_string_equal(u.scope, cases[i].scope);
		assert_string_equal(lun_url_print(&u, text), cases[i].printed);
		parse(&v, text);
		assert_string_equal(v.scope, cases[i].scope);
		assert_string_equal(lun_url_print(&v, again), text);
	}
}

static void
test_bad_sources(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "isns:", "isns://" }, { "isns://:3205", "host" },
		{ "isns:///x", "path" }, { "isns://h:0", "port" },
		{ "isns://me@h", "host" }, { "isns://h/x", "path" },
		{ "isns://h#x", "path" }, { "isns://h?x", "query" },
		{ "isns://::1", "brackets" }, { "isns://h%00", "host" },
		{ "slp:", "slp://" }, { "slp://h:x", "port" },
		{ "slp://:427", "host" }, { "slp://h/x", "path" },
		{ "slp://h?x", "query" }, { "slp://h?", "query" },
		{ "slp://h?scope=", "scope: an empty" },
		{ "slp://h?scope=,a", "scope: an empty" },
		{ "slp://h?scope=a,", "scope: an empty" },
		{ "slp://h?scope=a,,b", "scope: an empty" },
		{ "slp://h?scope=a&b=c", "scope: '&'" },
		{ "slp://h?scope=%", "scope: a '%'" },
		{ "slp://h?scope=%4", "scope: a '%'" },
		{ "slp://h?scope=%zz", "scope: a '%'" },
		{ "slp://h?scope=%00", "scope: a null" },
		{ "slp://h?scope=%ff", "scope: not well-formed UTF-8" },
		{ "file:", "path" },
	};
	char text[600] = "slp://h?scope=";

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i].text, bad[i].part);

	memset(text + strlen(text), 'a', 253);
	struct lun_url u;
	parse(&u, text);
	assert_int_equal(strlen(u.scope), 253);
	strcat(text, "aaa");
	assert_refused(text, "scope: too long");
}

/* A path is not decoded, and is within the text. */
static void
test_file(void **state)
{
	static const char *const paths[] = {
		"/etc/luns", "a b", "%41", "~/x?y#z", "me%s3cret@h",
	};
	char text[LUN_URL_TEXT_MAX];
	struct lun_url u;

	for (size_t i = 0; i < COUNT(paths); i++) {
		char whole[64];

		snprintf(whole, sizeof(whole), "file:%s", paths[i]);
		parse(&u, whole);
		assert_int_equal(u.kind, LUN_URL_FILE);
		assert_ptr_equal(u.path, whole + 5);
		assert_string_equal(lun_url_print(&u, text), whole);
	}

	/* never longer than the space for it */
	char *path = calloc(1, 20000);

	memset(strcpy(path, "file:") + 5, 'a', 19000);
	parse(&u, path);
	assert_int_equal(strlen(lun_url_print(&u, text)), LUN_URL_TEXT_MAX - 1);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bad_sources),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
