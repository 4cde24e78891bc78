/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static lists: which sources they name; and where the mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TARGET	"iqn.2026-11.test.lunfs:x"

/* What a list named: lines "URL NAME", NAME our name by its options. */
struct found {
	char text[4096];
	size_t n, fail_at;		/* 0: never */
};

static int
note(void *user, char *url, const struct lun_options *options,
     struct lun_error *err)
{
	struct found *f = user;
	size_t have = strlen(f->text);
	struct lun_url parsed;
	char name[224];
	int r = lun_url_parse(&parsed, url, err);

	if (r < 0)
		return r;
	if (++f->n == f->fail_at) {
		snprintf(err->text, sizeof(err->text), "will not");
		return LUN_EINVAL;
	}
	assert_int_equal(lun_initiator_name(options, name, err), 0);
	snprintf(f->text + have, sizeof(f->text) - have, "%s %s\n", url,
		 strchr(name, ':'));
	return 0;
}

static struct lun_options *
given(void)
{
	struct lun_options *o;

	assert_int_equal(lun_options_new(&o, NULL), 0);
	assert_int_equal(lun_options_set(o, "initiator-name",
					 "iqn.2026-11.test:given", NULL), 0);
	return o;
}

static int
parse(struct found *f, const char *text, size_t len, struct lun_error *err)
{
	struct lun_options *o = given();
	int r = config_parse(text, len, "dir/list", o, note, f, err);

	lun_options_free(o);
	return r;
}

static void
test_good(void **state)
{
	static const struct {
		const char *text, *found;
	} cases[] = {
		{ "[portal]\naddress=h\n", "iscsi://h :given\n" },
		{ "[portal a label]\naddress = 192.0.2.1:7\n",
		  "iscsi://192.0.2.1:7 :given\n" },
		{ "[portal]\naddress: h, i:1,[::1] , [::1]:2\nport = 5\n",
		  "iscsi://h:5 :given\niscsi://i:1 :given\n"
		  "iscsi://[::1]:5 :given\niscsi://[::1]:2 :given\n" },
		{ "[portal]\naddress=[fe80::1%eth0]\naddress=h\n",
		  "iscsi://[fe80::1%eth0] :given\niscsi://h :given\n" },
		{ "[portal]\naddress=gr\u00f6\u00dfe.example\n",
		  "iscsi://gr\u00f6\u00dfe.example :given\n" },
		{ "[target " TARGET "]\naddress=h\n",
		  "iscsi://h/" TARGET " :given\n" },
		{ "[ target  IQN.2026-11.Test.Lunfs:X ] # mine\naddress=h\n"
		  "lun = 0, 4752-3a4f-6b7e-2f99\n",
		  "iscsi://h/" TARGET "/0 :given\n"
		  "iscsi://h/" TARGET "/4752-3a4f-6b7e-2f99 :given\n" },
		{ "[target iqn.2026-11.test:\u00fc]\naddress=h",
		  "iscsi://h/iqn.2026-11.test:%C3%BC :given\n" },
		{ "[isns]\naddress=h\n[slp]\n[slp]\naddress=h\nscope=a,b%2cc\n",
		  "isns://h :given\nslp:// :given\n"
		  "slp://h?scope=a,b%2cc :given\n" },
		{ "[isns]\n[isns]\n", "isns:// :given\nisns:// :given\n" },
		/* options: those after, those of one, and the given ones */
		{ "[portal]\naddress=a\n"
		  "[options]\ninitiator-name=iqn.2026-11.test:all\n"
		  "[portal]\naddress=b\n"
		  "[portal]\naddress=c\ninitiator-name=iqn.2026-11.test:one\n"
		  "[portal]\naddress=d\nMaxBurstLength=1M\nread-only=yes\n",
		  "iscsi://a :given\niscsi://b :all\niscsi://c :one\n"
		  "iscsi://d :all\n" },
		/* comments, space, line ends */
		{ "\xef\xbb\xbf# a\n; b\n\r\n  [portal]\r\n\taddress = h ; c\r\n",
		  "iscsi://h :given\n" },
		{ "\xef\xbb\xbf[portal]\naddress=h", "iscsi://h :given\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct found f = { 0 };
		struct lun_error err = { 0 };

		if (parse(&f, cases[i].text, strlen(cases[i].text), &err) != 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(f.text, cases[i].found);
	}
}

static void
test_the_longest_name(void **state)
{
	char text[400], name[224] = "iqn.2026-11.test:";
	struct found f = { 0 };
	struct lun_error err = { 0 };

	memset(name + strlen(name), 'x', 223 - strlen(name));
	snprintf(text, sizeof(text), "[target %s]\naddress = h", name);
	assert_int_equal(parse(&f, text, strlen(text), &err), 0);
	assert_non_null(strstr(f.text, name + 30));
}

static const struct {
	const char *text, *where, *why;
} mistakes[] = {
	{ "", "dir/list: ", "names no portal" },
	{ "# nothing\n[options]\ntimeout=5\n", "dir/list: ",
	  "names no portal" },
	{ "address=h\n", "dir/list:1:1: ", "\"address\" stands in no" },
	{ "\n\n [", "dir/list:3:2: ", "']'" },
	{ "[portal] x\n", "dir/list:1:10: ", "text after" },
	{ "[]\n", "dir/list:1:2: ", "no section of this kind" },
	{ "[ discs]\n", "dir/list:1:3: ", "no section of this kind" },
	{ "[portal]\n  address\n", "dir/list:2:1: ", "neither" },
	{ "[portal]\n= x\n", "dir/list:2:1: ", "no such option" },
	{ "[portal]\n[portal]\naddress=h\n", "dir/list:1:1: ",
	  "has no address" },
	{ "[target]\naddress=h\n", "dir/list:1:8: ",
	  "a name begins with" },
	{ "[target iqn.2026-11.test:a_b]\naddress=h\n",
	  "dir/list:1:9: ", "'_' is not allowed in a name" },
	{ "[target iqn.2026-11.test:a\x1b[2J]\n", "dir/list:1:9: ",
	  "U+001B" },
	{ "[portal]\naddress = h, ,i\n", "dir/list:2:14: ",
	  "is no host" },
	{ "[portal]\naddress =\n", "dir/list:2:10: ", "is no host" },
	{ "[portal]\naddress = h/" TARGET "\n", "dir/list:2:11: ",
	  "is no host" },
	{ "[portal]\naddress = me%s3cret@h\n", "dir/list:2:11: ",
	  "is no host" },
	{ "[portal]\naddress = a,b,c,d,e,f,g,h,i\n",
	  "dir/list:2:27: ", "more than 8" },
	{ "[portal]\naddress = ::1\n", "dir/list:2:11: ", "brackets" },
	{ "[portal]\naddress = h\nport = 3260x\n", "dir/list:3:8: ",
	  "is no port" },
	{ "[portal]\naddress = h, h:0\n", "dir/list:2:14: ", "port" },
	{ "[portal]\naddress = h\nport = 70000\n", "dir/list:3:8: ",
	  "\"70000\": is no port: a number from 1 to 65535" },
	{ "[portal]\naddress = h\nport = 0\n", "dir/list:3:8: ",
	  "\"0\": is no port" },
	{ "[portal]\naddress = h\nlun = 0\n", "dir/list:3:1: ",
	  "no such option" },
	{ "[target " TARGET "]\naddress=h\nlun = 0,x\n",
	  "dir/list:3:9: ", "is no LUN" },
	{ "[target " TARGET "]\naddress=h\nlun = 0,16384\n",
	  "dir/list:3:9: LUN: ", "" },
	{ "[portal]\n\ttime-out = 5\n", "dir/list:2:2: ",
	  "no such option" },
	{ "[portal]\n\ttimeout =   0\n", "dir/list:2:14: ",
	  "must be 1 to 3600" },
	{ "[portal]\n\u00fc\u00fc = x\n", "dir/list:2:1: ",
	  "no such option" },
	{ "[options]\npassword = s3cret\n", "dir/list:2:12: ",
	  "a secret does not stand here" },
	{ "[portal]\npassword-in = s3cret\n", "dir/list:2:15: ",
	  "a secret does not stand here" },
	{ "[options]\nproxy = socks5://me:s3cret@h\n", "dir/list:2:9: ",
	  "a secret does not stand here" },
	{ "[portal]\nproxy = socks4://me:s3cret@h\n", "dir/list:2:9: ",
	  "a secret does not stand here" },
	{ "[portal]\nproxy = h\n", "dir/list:2:9: ", "socks5://" },
	{ "[portal]\nread-only = no\n", "dir/list:2:13: ",
	  "must be yes" },
	{ "[portal]\ncredentials = absent\n", "dir/list:2:15: ",
	  "dir/absent: No such file" },
	{ "[portal]\ncredentials = /absent\n", "dir/list:2:15: ",
	  "/absent: No such file" },
	{ "[slp]\nscope = a&b\n", "dir/list:2:9: ", "scope" },
	{ "[slp]\nscope =\n", "dir/list:2:8: ", "no scopes" },
};

static void
test_mistakes(void **state)
{
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct found f = { 0 };
		struct lun_error err = { 0 };

		if (parse(&f, mistakes[i].text, strlen(mistakes[i].text), &err) !=
		    LUN_ESYS)
			fail_msg("%s: was taken", mistakes[i].text);
		if (strncmp(err.text, mistakes[i].where, strlen(mistakes[i].where)) ||
		    !strstr(err.text, mistakes[i].why))
			fail_msg("%s: not: %s%s", err.text, mistakes[i].where,
				 mistakes[i].why);
		assert_null(strstr(err.text, "s3cret\n"));
		assert_null(strpbrk(err.text, "\x1b\n"));
	}
}

static void
test_bytes(void **state)
{
	static const char nul[] = "[portal]\naddress = h\0i\n";
	struct found f = { 0 };
	struct lun_error err = { 0 };
	char *text = malloc(3000);

	assert_int_equal(parse(&f, nul, sizeof(nul) - 1, &err), LUN_ESYS);
	assert_string_equal(err.text, "dir/list:2:12: a NUL byte");

	/* 1000 bytes in a line, and one more */
	for (int more = 0; more < 2; more++) {
		size_t n = (size_t)sprintf(text, "[portal]\naddress=h\n#");

		memset(text + n, 'x', 999 + (size_t)more);
		strcpy(text + n + 999 + more, "\n");
		f = (struct found){ 0 };
		assert_int_equal(parse(&f, text, strlen(text), &err),
				 more ? LUN_ESYS : 0);
	}
	assert_string_equal(err.text, "dir/list:3:1: longer than 1000 bytes");
	free(text);
}

/* The first refusal ends it, and is shown with the section it is about. */
static void
test_refused_by_the_taker(void **state)
{
	static const char text[] = "[portal]\naddress=a\n\n[portal]\naddress=b\n"
				   "[portal]\naddress=c\n[]\n";
	struct found f = { .fail_at = 2 };
	struct lun_error err = { 0 };

	assert_int_equal(parse(&f, text, strlen(text), &err), LUN_ESYS);
	assert_string_equal(err.text, "dir/list:4:1: will not");
	assert_int_equal(f.n, 2);
}

/* However it is cut: a list, or a mistake with a place. */
static void
test_every_truncation(void **state)
{
	static const char text[] = "[options]\ntimeout = 5\n"
		"[target " TARGET "]\naddress = h, [::1]:7\nlun = 0, 1\n";

	for (size_t n = 0; n <= strlen(text); n++) {
		char *cut = malloc(n ? n : 1);	/* a byte too far is found */
		struct found f = { 0 };
		struct lun_error err = { 0 };

		memcpy(cut, text, n);
		if (parse(&f, cut, n, &err) != 0)
			assert_int_equal(strncmp(err.text, "dir/list:", 9), 0);
		free(cut);
	}
}

static void
test_files(void **state)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "/absent/list", "No such file" }, { "/tmp", "is no file" },
		{ "/dev/zero", "is no file" }, { "", "No such file" },
	};
	struct lun_options *o = given();

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct found f = { 0 };
		struct lun_error err = { 0 };

		assert_int_equal(config_read(cases[i].path, o, note, &f, &err),
				 LUN_ESYS);
		assert_non_null(strstr(err.text, cases[i].why));
	}
	lun_options_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_the_longest_name),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refused_by_the_taker),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
