/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What users name a LUN by: URLs and root paths; and where passwords stay. */
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
#define IQN "iqn.2001-04.com.example:disk1"
#define LUN1 0x0001000000000000u

#define URL_PORTAL	LUN_URL_PORTAL
#define URL_TARGET	LUN_URL_TARGET
#define URL_LUN		LUN_URL_LUN
#define URL_UNLOCATED	LUN_URL_UNLOCATED

static int
parse_cut(struct lun_url *u, const char *text, size_t len,
	  struct lun_error *err)
{
	char *copy = malloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';

	int r = lun_url_parse(u, copy, err);

	free(copy);
	return r;
}

/* Refused with a text that has "part" in it; nothing is written. */
static void
assert_refused(const char *text, const char *part)
{
	struct lun_url u, before;
	struct lun_error err = { 0 };

	memset(&u, 'x', sizeof(u));
	before = u;
	if (lun_url_parse(&u, text, &err) != LUN_EINVAL)
		fail_msg("%s was taken", text);
	if (!strstr(err.text, part))
		fail_msg("%s: not \"%s\" in: %s", text, part, err.text);
	assert_int_equal(err.code, LUN_EINVAL);
	assert_null(strpbrk(err.text, "\n\033"));
	assert_memory_equal(&u, &before, sizeof(u));
	assert_int_equal(lun_url_parse(&u, text, NULL), LUN_EINVAL);
}

static void
parse(struct lun_url *u, const char *text)
{
	struct lun_error err;

	if (lun_url_parse(u, text, &err) != 0)
		fail_msg("%s: %s", text, err.text);
}

static const struct good {
	const char *text;
	enum lun_url_kind kind;
	const char *host;
	uint16_t port;
	const char *target;
	uint64_t lun;
	const char *user, *password;	/* NULL: none */
	const char *printed;
} good[] = {
	{ "iscsi://h", URL_PORTAL, "h", 3260, "", 0, "", NULL,
	  "iscsi://h" },
	{ "iscsi://h/", URL_PORTAL, "h", 3260, "", 0, "", NULL,
	  "iscsi://h" },
	{ "ISCSI://h:860", URL_PORTAL, "h", 860, "", 0, "", NULL,
	  "iscsi://h:860" },
	{ "iscsi://10.0.0.1:5003/" IQN, URL_TARGET, "10.0.0.1", 5003, IQN, 0,
	  "", NULL, "iscsi://10.0.0.1:5003/" IQN },
	{ "iscsi://h/" IQN "/", URL_TARGET, "h", 3260, IQN, 0, "", NULL,
	  "iscsi://h/" IQN },
	{ "iscsi://h/" IQN "/0", URL_LUN, "h", 3260, IQN, 0, "", NULL,
	  "iscsi://h/" IQN "/0" },
	{ "iscsi://h/" IQN "/1", URL_LUN, "h", 3260, IQN, LUN1, "", NULL,
	  "iscsi://h/" IQN "/1" },
	{ "iscsi://h/" IQN "/10", URL_LUN, "h", 3260, IQN, 10 * LUN1, "", NULL,
	  "iscsi://h/" IQN "/10" },
	{ "iscsi://h/" IQN "/4752-3A4F-6b7e-2F99", URL_LUN, "h", 3260, IQN,
	  0x47523a4f6b7e2f99, "", NULL,
	  "iscsi://h/" IQN "/4752-3a4f-6b7e-2f99" },
	{ "iscsi://[::1]:3261/" IQN "/1", URL_LUN, "::1", 3261, IQN, LUN1, "",
	  NULL, "iscsi://[::1]:3261/" IQN "/1" },
	{ "iscsi://[1080::8:800:200C:417A]", URL_PORTAL,
	  "1080::8:800:200C:417A", 3260, "", 0, "", NULL,
	  "iscsi://[1080::8:800:200C:417A]" },
	{ "iscsi://[fe80::1%25eth0]/", URL_PORTAL, "fe80::1%eth0", 3260, "", 0,
	  "", NULL, "iscsi://[fe80::1%25eth0]" },
	{ "iscsi://[fe80::1%eth0]:1", URL_PORTAL, "fe80::1%eth0", 1, "", 0, "",
	  NULL, "iscsi://[fe80::1%25eth0]:1" },
	{ "iscsi://gr\u00f6\u00dfe.example", URL_PORTAL,
	  "xn--gre-6ka8i.example", 3260, "", 0, "", NULL,
	  "iscsi://xn--gre-6ka8i.example" },
	{ "iscsi://gr%C3%B6%c3%9fe.example:7", URL_PORTAL,
	  "xn--gre-6ka8i.example", 7, "", 0, "", NULL,
	  "iscsi://xn--gre-6ka8i.example:7" },
	{ "iscsi://h/iqn.2001-04.com.example%3Adisk1/1", URL_LUN, "h", 3260,
	  IQN, LUN1, "", NULL, "iscsi://h/" IQN "/1" },
	{ "iscsi://h/%69QN.2001%2d04.com.Example%3aDisk1", URL_TARGET, "h",
	  3260, IQN, 0, "", NULL, "iscsi://h/" IQN },
	{ "iscsi://h/iqn.2001-04.com.example:\u00fc", URL_TARGET, "h", 3260,
	  "iqn.2001-04.com.example:\u00fc", 0, "", NULL,
	  "iscsi://h/iqn.2001-04.com.example:\u00fc" },
	{ "iscsi://h/iqn.2001-04.com.example:%C3%BC/1", URL_LUN, "h", 3260,
	  "iqn.2001-04.com.example:\u00fc", LUN1, "", NULL,
	  "iscsi://h/iqn.2001-04.com.example:\u00fc/1" },
	{ "iscsi://h/eui.02004567A425678D/1", URL_LUN, "h", 3260,
	  "eui.02004567a425678d", LUN1, "", NULL,
	  "iscsi://h/eui.02004567a425678d/1" },
	/* users */
	{ "iscsi://me@h", URL_PORTAL, "h", 3260, "", 0, "me", NULL,
	  "iscsi://h" },
	{ "iscsi://me@h:1/" IQN "/1", URL_LUN, "h", 1, IQN, LUN1, "me", NULL,
	  "iscsi://h:1/" IQN "/1" },
	{ "iscsi://me%s3cret@[::1]:1/" IQN "/1", URL_LUN, "::1", 1, IQN, LUN1,
	  "me", "s3cret", "iscsi://[::1]:1/" IQN "/1" },
	{ "iscsi://me%@h", URL_PORTAL, "h", 3260, "", 0, "me", "",
	  "iscsi://h" },
	{ "iscsi://me%a%2Fb%3Fc%25d%40e@h", URL_PORTAL, "h", 3260, "", 0, "me",
	  "a/b?c%d@e", "iscsi://h" },
	{ "iscsi://me%a:b@c#d@h", URL_PORTAL, "h", 3260, "", 0, "me",
	  "a:b@c#d", "iscsi://h" },
	{ "iscsi://me:s3cret@h/" IQN, URL_TARGET, "h", 3260, IQN, 0, "me",
	  "s3cret", "iscsi://h/" IQN },
	{ "iscsi://" IQN "@h:1/" IQN "/1", URL_LUN, "h", 1, IQN, LUN1, IQN,
	  NULL, "iscsi://h:1/" IQN "/1" },
	{ "iscsi://" IQN "%s3cret@h", URL_PORTAL, "h", 3260, "", 0, IQN,
	  "s3cret", "iscsi://h" },
	{ "iscsi://a:b%s3cret@h", URL_PORTAL, "h", 3260, "", 0, "a:b",
	  "s3cret", "iscsi://h" },
	{ "iscsi://DOM\\me@h", URL_PORTAL, "h", 3260, "", 0, "DOM\\me", NULL,
	  "iscsi://h" },
	{ "iscsi://me@home@h", URL_PORTAL, "h", 3260, "", 0, "me@home", NULL,
	  "iscsi://h" },
	{ "iscsi://j\u00fcrgen@h", URL_PORTAL, "h", 3260, "", 0, "j\u00fcrgen",
	  NULL, "iscsi://h" },
	/* root paths */
	{ "iscsi:192.0.2.1:6:3260:0:" IQN, URL_LUN, "192.0.2.1", 3260, IQN, 0,
	  "", NULL, "iscsi://192.0.2.1/" IQN "/0" },
	{ "iscsi:[2001:db8::1]::3260:4186-9:" IQN, URL_LUN, "2001:db8::1", 3260,
	  IQN, 0x4186000900000000, "", NULL,
	  "iscsi://[2001:db8::1]/" IQN "/4186-0009-0000-0000" },
	{ "iscsi:[::1]:6:860::" IQN, URL_LUN, "::1", 860, IQN, 0, "", NULL,
	  "iscsi://[::1]:860/" IQN "/0" },
	{ "iscsi:h::::" IQN, URL_LUN, "h", 3260, IQN, 0, "", NULL,
	  "iscsi://h/" IQN "/0" },
	{ "iscsi:h:::10:" IQN, URL_LUN, "h", 3260, IQN, 16 * LUN1, "", NULL,
	  "iscsi://h/" IQN "/16" },
	{ "iscsi:::::iqn.2000-02.edu.example.cs:users.oaks:proto.target4",
	  URL_UNLOCATED, "", 3260,
	  "iqn.2000-02.edu.example.cs:users.oaks:proto.target4", 0, "", NULL,
	  "iscsi::::0-0-0-0:"
	  "iqn.2000-02.edu.example.cs:users.oaks:proto.target4" },
	{ "iscsi:::::eui.02004567a425678d", URL_UNLOCATED, "", 3260,
	  "eui.02004567a425678d", 0, "", NULL,
	  "iscsi::::0-0-0-0:eui.02004567a425678d" },
	{ "iscsi::::4752-3A4F-6b7e-2F99:" IQN, URL_UNLOCATED, "", 3260, IQN,
	  0x47523a4f6b7e2f99, "", NULL, "iscsi::::4752-3a4f-6b7e-2f99:" IQN },
	{ "iscsi:\u00fc.example::::iqn.2001-04.com.example:\u00fc", URL_LUN,
	  "xn--tda.example", 3260, "iqn.2001-04.com.example:\u00fc", 0, "",
	  NULL,
	  "iscsi://xn--tda.example/iqn.2001-04.com.example:\u00fc/0" },
};

static void
assert_same(const struct lun_url *u, const struct good *g)
{
	assert_int_equal(u->kind, g->kind);
	assert_string_equal(u->host, g->host);
	assert_int_equal(u->port, g->port);
	assert_string_equal(u->target, g->target);
	assert_true(u->lun == g->lun);
}

/* shows: 3986-2.1-01 3986-3.2.2-02 7143-15-01 */
static void
test_good(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct good *g = &good[i];
		char text[LUN_URL_TEXT_MAX], again[LUN_URL_TEXT_MAX];
		struct lun_url u, v;

		parse(&u, g->text);
		assert_same(&u, g);
		assert_string_equal(u.username, g->user);
		assert_string_equal(u.password, g->password ? g->password : "");
		assert_string_equal(lun_url_print(&u, text), g->printed);

		parse(&v, text);	/* it names the same */
		assert_same(&v, g);
		assert_string_equal(v.username, "");
		assert_string_equal(v.password, "");
		assert_string_equal(lun_url_print(&v, again), text);
	}
}

/* shows: 3986-2.1-01 3986-3.2.2-01 */
static void
test_bad_urls(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "", "iscsi://" }, { "h", "iscsi://" },
		{ "/export/root", "iscsi://" }, { "http://h", "iscsi://" },
		{ "iscsi", "iscsi://" }, { "iscsi/", "iscsi://" },
		{ " iscsi://h", "iscsi://" }, { IQN, "iscsi://" },
		{ "iscsi://", "host" }, { "iscsi:///", "host" },
		{ "iscsi:///" IQN, "host" }, { "iscsi://:3260", "host" },
		{ "iscsi://h:", "port" }, { "iscsi://h:0", "port" },
		{ "iscsi://h:65536/" IQN, "port" }, { "iscsi://h:x", "port" },
		{ "iscsi://h:3260,1", "host" }, { "iscsi://h b", "host" },
		{ "iscsi://::1/", "brackets" },
		{ "iscsi://::1:3260/" IQN, "brackets" },
		{ "iscsi://[::1/" IQN, "']'" }, { "iscsi://[::1]x/", "']'" },
		{ "iscsi://[1::2::3]/", "IPv6" }, { "iscsi://[h]/", "IPv6" },
		{ "iscsi://h%3A80", "host" }, { "iscsi://h%2fx", "host" },
		{ "iscsi://h%5B", "host" }, { "iscsi://h%", "host" },
		{ "iscsi://h%zz", "host" }, { "iscsi://h%4", "host" },
		{ "iscsi://h%00", "host" }, { "iscsi://h%40x", "host" },
		{ "iscsi://h%ff", "host" },
		{ "iscsi://@h", "user" }, { "iscsi://%x@h", "user" },
		{ "iscsi://:x@h", "user" }, { "iscsi://a\nb@h", "user" },
		{ "iscsi://a\x7f@h", "user" }, { "iscsi://\xff@h", "user" },
		{ "iscsi://me@", "host" }, { "iscsi://me@/" IQN, "host" },
		{ "iscsi://me%%@h", "password" },
		{ "iscsi://me%a%@h", "password" },
		{ "iscsi://me%%zz@h", "password" },
		{ "iscsi://me%%4@h", "password" },
		{ "iscsi://me%%00@h", "password" },
		{ "iscsi://h/x", "target" }, { "iscsi://h//1", "target" },
		{ "iscsi://h/" IQN "_", "target" },
		{ "iscsi://h/" IQN "%", "target" },
		{ "iscsi://h/" IQN "%4", "target" },
		{ "iscsi://h/" IQN "%zz", "target" },
		{ "iscsi://h/" IQN "%00", "target" },
		{ "iscsi://h/" IQN "%2F1", "target" },
		{ "iscsi://h/" IQN "%253A", "target" },
		{ "iscsi://h/" IQN "%20", "target" },
		{ "iscsi://h/" IQN "%0a", "target" },
		{ "iscsi://h/" IQN "%c3", "target" },
		{ "iscsi://h/" IQN "#x", "target" },
		{ "iscsi://h/fqn.com.acme", "target" },
		{ "iscsi://h/" IQN "/x", "LUN" },
		{ "iscsi://h/" IQN "/-1", "LUN" },
		{ "iscsi://h/" IQN "/16384", "LUN" },
		{ "iscsi://h/" IQN "/1/", "LUN" },
		{ "iscsi://h/" IQN "//", "LUN" },
		{ "iscsi://h/" IQN "/1/2", "LUN" },
		{ "iscsi://h/" IQN "/1-2-3-4-5", "LUN" },
		{ "iscsi://h/" IQN "/00000000000000000000000000", "LUN" },
		{ "iscsi://h/" IQN "/1%", "LUN" },
		{ "iscsi://h?x", "query" }, { "iscsi://h/?x", "query" },
		{ "iscsi://h/" IQN "?transport=iser", "query" },
		{ "iscsi://h/" IQN "/1?", "query" },
		{ "iscsi://h/" IQN "/1?header_digest=crc32c", "query" },
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i].text, bad[i].part);
}

/* An "@" in the target name is of the target name. */
static void
test_at_in_target(void **state)
{
	static const char *const urls[] = {
		"iscsi://h/iqn.2001-04.com.example:a@b",
		"iscsi://h:3260/iqn.2001-04.com.example:a@b/1",
		"iscsi://me@h:3260/iqn.2001-04.com.example:a@b/1",
		"iscsi://[::1]:3260/iqn.2001-04.com.example:a@b/1",
		"iscsi://h/iqn.2001-04.com.example:a%40b/1",
	};

	for (size_t i = 0; i < COUNT(urls); i++) {
		char arg[128];

		assert_refused(urls[i], "target \"iqn.2001-04.com.example:a@b\""
			       ": '@' is not allowed");
		assert_refused(urls[i], urls[i]);	/* is shown whole */
		strcpy(arg, urls[i]);
		url_blank_password(arg);
		assert_string_equal(arg, urls[i]);
	}
}

/* shows: 4173-5-01 4173-5-03 4173-5-04 4173-5-05 4173-5-06 4173-5-07 */
/* shows: 4173-5-12 4173-5-14 */
static void
test_bad_root_paths(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
		{ "iscsi:", "five" }, { "iscsi:h", "five" },
		{ "iscsi:" IQN, "five" }, { "iscsi:h:6:3260:0", "five" },
		{ "iscsi:h:6:3260:0:", "target" }, { "iscsi:::::", "target" },
		{ "iscsi:h::::x", "target" },
		{ "iscsi:h::::" IQN " x", "target" },
		{ "iscsi:h::::iqn.2001-04.com.example%3Aa", "target" },
		{ "iscsi:h::::iqn.2001-04.com.example:\xff", "target" },
		{ "iscsi:h:17:3260:0:" IQN, "protocol" },
		{ "iscsi:h:06x:3260:0:" IQN, "protocol" },
		{ "iscsi:h:06:3260:0:" IQN, "protocol" },
		{ "iscsi:h:tcp:3260:0:" IQN, "protocol" },
		{ "iscsi:2001:db8::1:6:3260:0:" IQN, "brackets" },
		{ "iscsi:h:6:0:0:" IQN, "port" },
		{ "iscsi:h:6:65536:0:" IQN, "port" },
		{ "iscsi:h:6:0x10:0:" IQN, "port" },
		{ "iscsi:h:6:-1:0:" IQN, "port" },
		{ "iscsi:h:::1--2:" IQN, "LUN" },
		{ "iscsi:h:::1-:" IQN, "LUN" },
		{ "iscsi:h:::-1:" IQN, "LUN" }, { "iscsi:h:::-:" IQN, "LUN" },
		{ "iscsi:h:::00001:" IQN, "LUN" },
		{ "iscsi:h:::1-2-3-4-5:" IQN, "LUN" },
		{ "iscsi:h:::0x1:" IQN, "LUN" },
		{ "iscsi:h:::g:" IQN, "LUN: \"g\": it is not one to four" },
		{ "iscsi:h::: 1:" IQN, "LUN" },
		{ "iscsi:h:::1111-1111-1111-11111:" IQN, "LUN" },
		{ "iscsi:h:::00000000000000000000:" IQN, "LUN" },
		{ "iscsi:[::1:6:3260:0:" IQN, "server" },
		{ "iscsi:[::1]x:6:3260:0:" IQN, "server" },
		{ "iscsi:[::1", "five" }, { "iscsi:[h]::::" IQN, "server" },
		{ "iscsi:\xc0\x0c::::" IQN, "server" },
		{ "iscsi:h,1::::" IQN, "server" },
		{ "iscsi:me@h::::" IQN, "'@' is not allowed" },
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i].text, bad[i].part);
}

/* shows: 4173-5-01 4173-5-02 4173-5-03 4173-5-08 4173-5-09 4173-5-10 */
/* shows: 4173-5-11 */
static void
test_root_path(void **state)
{
	static const char *const foreign[] = {
		"", "/export/root", "iscsi", "ISCSI:h::::x", "nfs:h:/x",
	};
	static const struct {
		const char *field;
		uint64_t lun;
	} luns[] = {
		{ "", 0 }, { "0", 0 }, { "1", LUN1 }, { "10", 16 * LUN1 },
		{ "00ff", 255 * LUN1 }, { "99", 0x99 * LUN1 },
		{ "4752-3A4F-6b7e-2F99", 0x47523a4f6b7e2f99 },
		{ "6734-9-156f-127", 0x67340009156f0127 },
		{ "6734-0009-156f-0127", 0x67340009156f0127 },
		{ "4186-9", 0x4186000900000000 },
		{ "4186-0009-0000-0000", 0x4186000900000000 },
		{ "0-0-0-1", 1 }, { "c101", 0xc101000000000000 },
	};
	struct lun_url u, before;
	struct lun_error err = { 7, "as it was" };

	memset(&u, 'x', sizeof(u));
	before = u;
	for (size_t i = 0; i < COUNT(foreign); i++)
		assert_int_equal(url_parse_root_path(&u, foreign[i], &err),
				 ROOT_PATH_FOREIGN);
	assert_memory_equal(&u, &before, sizeof(u));
	assert_int_equal(err.code, 7);
	assert_string_equal(err.text, "as it was");

	for (size_t i = 0; i < COUNT(luns); i++) {
		char text[128];

		snprintf(text, sizeof(text), "iscsi:h:::%s:" IQN,
			 luns[i].field);
		assert_int_equal(url_parse_root_path(&u, text, &err), 0);
		assert_int_equal(u.kind, URL_LUN);
		assert_int_equal(u.port, 0);		/* it names none */
		assert_true(u.lun == luns[i].lun);
		assert_string_equal(u.target, IQN);
	}
	/* a URL is no root path */
	assert_int_equal(url_parse_root_path(&u, "iscsi://h/" IQN, &err),
			 LUN_EINVAL);
}

/* Wherever a URL is cut, what is left is refused or names less. */
static void
test_every_truncation(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t n = 0; n < strlen(good[i].text); n++) {
			struct lun_error err;
			struct lun_url u;
			char text[LUN_URL_TEXT_MAX];
			int r = parse_cut(&u, good[i].text, n, &err);

			if (r != 0) {
				assert_int_equal(r, LUN_EINVAL);
				/* without "@" it is no password */
				if (memchr(good[i].text, '@', n))
					assert_null(strstr(err.text, "s3cret"));
				continue;
			}
			assert_true(u.kind <= good[i].kind);
			lun_url_print(&u, text);
			parse(&u, text);
		}
}

static void
test_password_is_never_shown(void **state)
{
	static const struct {
		const char *url, *blanked;
	} cases[] = {
		{ "iscsi://me%s3cret@h", "iscsi://me%******@h" },
		{ "iscsi://me%s3cret@h:0/x", "iscsi://me%******@h:0/x" },
		{ "iscsi://me:s3cret@h/" IQN "/z",
		  "iscsi://me:******@h/" IQN "/z" },
		{ "iscsi://me%s3cret%zz@h", "iscsi://me%*********@h" },
		{ "iscsi://me%s3cret@", "iscsi://me%******@" },
		{ "iscsi://%s3cret@h/", "iscsi://%******@h/" },
		{ "iscsi://me%s3cret/s3cret@h/" IQN,
		  "iscsi://me%*************@h/" IQN },
		{ "iscsi://me%s3cret?s3cret@h", "iscsi://me%*************@h" },
		{ "iscsi://me:s3cret/s3cret@h", "iscsi://me:*************@h" },
		{ "iscsi://me%s3cret@s3cret@h/x",
		  "iscsi://me%*************@h/x" },
		{ "iscsi://me%s3cret@h?x=1", "iscsi://me%******@h?x=1" },
		{ "ISCSI://me%s3cret@[::1]:3260/x",
		  "ISCSI://me%******@[::1]:3260/x" },
		{ "--from=iscsi://me%s3cret@h", "--from=iscsi://me%******@h" },
		{ "iscsi://" IQN "%s3cret@h/x", "iscsi://" IQN "%******@h/x" },
		{ "iscsi://me%@h", "iscsi://me%@h" },
		{ "iscsi://me@h/" IQN, "iscsi://me@h/" IQN },
		{ "iscsi://" IQN "@h", "iscsi://" IQN "@h" },
		{ "iscsi://gr%C3%B6.example/" IQN,
		  "iscsi://gr%C3%B6.example/" IQN },
		{ "iscsi://", "iscsi://" }, { "", "" }, { "-v", "-v" },
		{ "file:me%s@h", "file:me%s@h" },
		{ "file:/a://b:c@h", "file:/a://b:c@h" },
		{ "isns://me:s3cret@h", "isns://*********@h" },
		{ "slp://u:s3cret@h?scope=x", "slp://********@h?scope=x" },
		{ "slp://u:s3cret?x@h", "slp://**********@h" },
		{ "slp://h:427?scope=a@b", "slp://h:427?scope=a@b" },
		{ "slp://h/?scope=a@b", "slp://h/?scope=a@b" },
		{ "slp://gr%C3%B6.example?scope=a@b",
		  "slp://gr%C3%B6.example?scope=a@b" },
		{ "slp://[::1]:x/?scope=a@b", "slp://[::1]:x/?scope=a@b" },
		{ "http://me:s3cret@h", "http://*********@h" },
		{ "socks4://me:s3cret@h", "socks4://*********@h" },
		{ "iscsi:me:s3cret@h", "iscsi:*********@h" },
		{ "iscsi:me:6:1:0:s3cret://@h::::" IQN,
		  "iscsi:******************@h::::" IQN },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char arg[128], text[LUN_URL_TEXT_MAX];
		struct lun_error err = { 0 };
		struct lun_url u;

		strcpy(arg, cases[i].url);
		url_blank_password(arg);
		assert_string_equal(arg, cases[i].blanked);

		if (cases[i].url[0] == '-')
			continue;
		if (lun_url_parse(&u, cases[i].url, &err) != 0)
			assert_null(strstr(err.text, "s3cret"));
		else
			assert_null(strstr(lun_url_print(&u, text), "s3cret"));
	}
}

/* The reason is there however long the text before it is. */
static void
test_long(void **state)
{
	char text[8192], name[2048];
	struct lun_error err;
	struct lun_url u;

	memset(name, 'a', sizeof(name));
	name[300] = '\0';
	snprintf(text, sizeof(text), "iscsi://h/iqn.2001-04.com.example:%s/1",
		 name);
	assert_int_equal(lun_url_parse(&u, text, &err), LUN_EINVAL);
	assert_non_null(strstr(err.text, "223"));
	name[300] = 'a';
	name[2000] = '\0';
	snprintf(text, sizeof(text), "iscsi://h/iqn.2001-04.com.example:%s/1",
		 name);
	assert_refused(text, "target: too long");
	snprintf(text, sizeof(text), "iscsi://%s", name);
	assert_refused(text, "host: too long");
	snprintf(text, sizeof(text), "iscsi://[%s]", name);
	assert_refused(text, "host: too long");
	snprintf(text, sizeof(text), "iscsi://%s@h", name);
	assert_refused(text, "user: more than 255");
	snprintf(text, sizeof(text), "iscsi://me%%%s@h", name);
	assert_refused(text, "password: too long");

	name[255] = '\0';
	snprintf(text, sizeof(text), "iscsi://%s%%%s@h", name, name);
	parse(&u, text);
	assert_string_equal(u.username, name);
	assert_string_equal(u.password, name);
}

/* The largest URL fits, all of its scope escaped. */
static void
test_largest(void **state)
{
	struct lun_url u = { .kind = LUN_URL_SLP, .port = 65535 };
	char text[LUN_URL_TEXT_MAX];

	memset(u.host, 'f', sizeof(u.host) - 1);
	memcpy(u.host, ":%", 2);
	memset(u.scope, '&', sizeof(u.scope) - 1);
	assert_int_equal(strlen(lun_url_print(&u, text)),
			 strlen("slp://[]:65535?scope=") +
			 sizeof(u.host) + 1 + 3 * (sizeof(u.scope) - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_at_in_target),
		cmocka_unit_test(test_bad_root_paths),
		cmocka_unit_test(test_root_path),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_password_is_never_shown),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
