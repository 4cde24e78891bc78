/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Portals as targets and users write them, printed and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "names/portal.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define LABEL "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME_253 LABEL "." LABEL "." LABEL ".b23456789012345678901234567890" \
	"1234567890123456789012345678901"

typedef int parse_fn(struct portal *p, const char *text, size_t len,
		     struct lun_error *err);

/* Parses text from memory that ends where it ends. */
static int
parse_cut(parse_fn *parse, struct portal *p, const char *text, size_t len,
	  struct lun_error *err)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, text, len);

	int r = parse(p, copy, len, err);

	free(copy);
	return r;
}

static void
assert_refused(parse_fn *parse, const char *text, size_t len)
{
	struct portal p, before;
	struct lun_error err = { 0 };
	int code = parse == portal_parse_address ? LUN_EPROTO : LUN_EINVAL;

	memset(&p, 'x', sizeof(p));
	before = p;
	if (parse_cut(parse, &p, text, len, &err) != code)
		fail_msg("%.*s was taken", (int)len, text);
	assert_int_equal(err.code, code);
	assert_true(strlen(err.text) > 10);
	assert_null(strpbrk(err.text, "\n\033"));
	assert_memory_equal(&p, &before, sizeof(p));
	assert_int_equal(parse(&p, text, len, NULL), code);
}

static void
assert_portal(parse_fn *parse, const char *text, const char *host,
	      uint16_t port, int32_t tpgt)
{
	struct portal p;
	struct lun_error err;

	if (parse_cut(parse, &p, text, strlen(text), &err) != 0)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(p.host, host);
	assert_int_equal(p.port, port);
	assert_int_equal(p.tpgt, tpgt);
}

static const struct good {
	const char *text, *host;
	uint16_t port;
	int32_t tpgt;
	enum portal_host_kind kind;
} good[] = {
	{ "10.0.0.1:5003,1", "10.0.0.1", 5003, 1, HOST_IPV4 },
	{ "[1080:0:0:0:8:800:200C:417A],65", "1080:0:0:0:8:800:200C:417A", 3260,
	  65, HOST_IPV6 },
	{ "[1080::8:800:200C:417A]:5003,1", "1080::8:800:200C:417A", 5003, 1,
	  HOST_IPV6 },
	{ "computingcenter.example.com,23", "computingcenter.example.com", 3260,
	  23, HOST_NAME },
	{ "a.example.com,23", "a.example.com", 3260, 23, HOST_NAME },
	{ "192.0.2.2", "192.0.2.2", 3260, -1, HOST_IPV4 },
	{ "192.0.2.23:5003", "192.0.2.23", 5003, -1, HOST_IPV4 },
	{ "127.0.0.1:860", "127.0.0.1", 860, -1, HOST_IPV4 },
	{ "[::1]", "::1", 3260, -1, HOST_IPV6 },
	{ "[::1]:3261", "::1", 3261, -1, HOST_IPV6 },
	{ "[::]", "::", 3260, -1, HOST_IPV6 },
	{ "[::192.0.2.5]", "::192.0.2.5", 3260, -1, HOST_IPV6 },
	{ "[::ffff:192.0.2.5]:3261", "::ffff:192.0.2.5", 3261, -1, HOST_IPV6 },
	{ "[FEDC:BA98:7654:3210:FEDC:BA98:7654:3210]",
	  "FEDC:BA98:7654:3210:FEDC:BA98:7654:3210", 3260, -1, HOST_IPV6 },
	{ "mydisks.example.com", "mydisks.example.com", 3260, -1, HOST_NAME },
	{ "moredisks.example.com:5003", "moredisks.example.com", 5003, -1,
	  HOST_NAME },
	{ "h", "h", 3260, -1, HOST_NAME },
	{ "h:1,0", "h", 1, 0, HOST_NAME },
	{ "h:65535,65535", "h", 65535, 65535, HOST_NAME },
	{ "h.", "h.", 3260, -1, HOST_NAME },
	{ "my_host-1.Example.", "my_host-1.Example.", 3260, -1, HOST_NAME },
	/* no short forms of IPv4, RFC 3721 1 */
	{ "256.1.1.1", "256.1.1.1", 3260, -1, HOST_NAME },
	{ "1.2.3", "1.2.3", 3260, -1, HOST_NAME },
	{ "1.2.3.4.5", "1.2.3.4.5", 3260, -1, HOST_NAME },
	{ "127.0.0.01", "127.0.0.01", 3260, -1, HOST_NAME },
	{ "0x7f000001", "0x7f000001", 3260, -1, HOST_NAME },
	{ "1", "1", 3260, -1, HOST_NAME },
	{ LABEL, LABEL, 3260, -1, HOST_NAME },
	{ NAME_253, NAME_253, 3260, -1, HOST_NAME },
	{ NAME_253 ".", NAME_253 ".", 3260, -1, HOST_NAME },
};

/* shows: 7143-13.8-01 7143-15-01 3721-1-03 3721-1-04 3986-3.2.2-01 */
static void
test_good(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		const struct good *g = &good[i];
		struct portal p;

		assert_portal(portal_parse_address, g->text, g->host, g->port,
			      g->tpgt);
		portal_parse_address(&p, g->text, strlen(g->text), NULL);
		assert_int_equal(portal_host_kind(&p), g->kind);
		if (g->tpgt < 0)	/* users write the same, without tag */
			assert_portal(portal_parse_user, g->text, g->host,
				      g->port, -1);
		else
			assert_refused(portal_parse_user, g->text,
				       strlen(g->text));
	}
}

/* Numbers of targets are binary-values. RFC 7143 13.9, 6.1 */
static void
test_binary_values(void **state)
{
	assert_portal(portal_parse_address, "h:0x0CBC,0x1", "h", 3260, 1);
	assert_portal(portal_parse_address, "h:0Xcbd,0X00ff", "h", 3261, 255);
	assert_portal(portal_parse_address, "h,0x0000000000000007", "h", 3260,
		      7);
	assert_portal(portal_parse_address, "h,0bAAE=", "h", 3260, 1);
	assert_portal(portal_parse_address, "h,00001", "h", 3260, 1);
	assert_refused(portal_parse_user, "h:0x0CBC", 8);
}

/* shows: 3986-3.2.2-01 */
static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", ":", ":3260", ",", ",1", "h:", "h:,1", "h,", "h:1,",
		"h:0", "h:0,1", "h:65536", "h:99999", "h:100000", "h:-1",
		"h:+1", "h: 1", "h:1 ", "h:1x", "h:x", "h:1:2", "h,1:2",
		"h,1,2",
		"h,65536", "h,-1", "h,x", "h,1 ",
		"h:0x", "h:0x10000", "h:0xg", "h:0x00000000000000001",
		"h:0b", "h:0b=", "h,0bAQAA",
		"h:0x11111111111111111111111111111",
		" h", "h ", "a b", "a/b", "a@b", "a%b", "a?b", "a#b", "a\nb",
		"a\033b", "a\\b", "a\x7f", "\xff", "\xc3", "\xe2\x80",
		".", "..", ".h", "h..", "a..b", "-h", "h-", "a.-b", "a-.b",
		LABEL "4", NAME_253 "2", "a." NAME_253,
		"[", "]", "[]", "[]:1", "[::1", "::1]", "::1", "::1:3260",
		"[1::2::3]", "[:::]", "[::1]x", "[::1]3260", "[::1]:",
		"[::1]:0", "[::1].", "[[::1]]", "[::g]", "[1:2:3:4:5:6:7]",
		"[1:2:3:4:5:6:7:8:9]", "[12345::1]", "[127.0.0.1]", "[h]",
		"[::1%]", "[::1%25/]", "[::1%a b]", "[::1%1234567890123456]",
		"[v1.fe80::a]", "[::256.0.0.1]",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(portal_parse_address, bad[i], strlen(bad[i]));
		assert_refused(portal_parse_user, bad[i], strlen(bad[i]));
	}
	assert_refused(portal_parse_address, "h\0x", 3);
	assert_refused(portal_parse_user, "h\0x", 3);
	assert_refused(portal_parse_user, "\xc3\xbc\0x", 4);
	assert_refused(portal_parse_address, "[::1\0x]", 7);
	assert_refused(portal_parse_address, "h:1\0", 4);
	assert_refused(portal_parse_user, "[::1%e\0x]", 9);
}

/* A cut portal is refused or is one whose parts are beginnings of the whole. */
static void
test_every_truncation(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t n = 0; n < strlen(good[i].text); n++) {
			struct portal p;
			char text[PORTAL_TEXT_MAX];
			int r = parse_cut(portal_parse_address, &p,
					  good[i].text, n, NULL);

			if (r != 0) {
				assert_int_equal(r, LUN_EPROTO);
				continue;
			}
			assert_int_equal(strncmp(p.host, good[i].host,
						 strlen(p.host)), 0);
			assert_true(p.port > 0);

			struct portal again;

			portal_print(&p, text);
			assert_int_equal(portal_parse_address(&again, text,
					 strlen(text), NULL), 0);
			assert_true(portal_equal(&p, &again));
		}
}

/* Every byte in each place: no more is taken than the grammar allows. */
static void
test_every_byte(void **state)
{
	for (int c = 0; c < 256; c++) {
		char text[] = "a?b";
		struct portal p;

		text[1] = (char)c;

		int r = portal_parse_address(&p, text, 3, NULL);
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || (c && strchr("-_.", c));

		assert_int_equal(r, ok ? 0 : LUN_EPROTO);
	}
}

static void
test_zone(void **state)
{
	struct portal p;
	char text[PORTAL_TEXT_MAX];

	assert_portal(portal_parse_user, "[fe80::1%eth0]:3261", "fe80::1%eth0",
		      3261, -1);
	assert_portal(portal_parse_user, "[fe80::1%2]", "fe80::1%2", 3260, -1);
	assert_portal(portal_parse_user, "[fe80::1%br-lan.7_a~]",
		      "fe80::1%br-lan.7_a~", 3260, -1);
	/* from a target an interface of ours means nothing */
	assert_refused(portal_parse_address, "[fe80::1%eth0]:3261", 19);

	portal_parse_user(&p, "[fe80::1%eth0]", 14, NULL);
	assert_int_equal(portal_host_kind(&p), HOST_IPV6);
	assert_string_equal(portal_print(&p, text), "[fe80::1%eth0]:3260");
}

/* shows: 3986-3.2.2-02 */
static void
test_international(void **state)
{
	static const char *const bad[] = {
		"\u00fc b.example", "\u00fc/.example", "\u202e\u00fc",
		"\u00fc..example", "-\u00fc.example", "\u00fc\uff1a80",
		"\u00fc\nx", "\u2026", "\u00ad", "xn--\u00fc", "\xc3\xbc\xff",
	};
	char longer[2000] = "\u00fc";

	assert_portal(portal_parse_user, "gr\u00f6\u00dfe.example",
		      "xn--gre-6ka8i.example", 3260, -1);
	assert_portal(portal_parse_user, "GR\u00d6\u00dfE.Example:860",
		      "xn--gre-6ka8i.example", 860, -1);
	assert_portal(portal_parse_user, "gro\u0308\u00dfe.example",
		      "xn--gre-6ka8i.example", 3260, -1);
	assert_portal(portal_parse_user, "\u4f8b\u3048.\u30c6\u30b9\u30c8",
		      "xn--r8jz45g.xn--zckzah", 3260, -1);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(portal_parse_user, bad[i], strlen(bad[i]));
	memset(longer + 2, 'a', sizeof(longer) - 3);
	assert_refused(portal_parse_user, longer, strlen(longer));
	assert_refused(portal_parse_user, longer, 100);
	/* on the wire a name is in ASCII */
	assert_refused(portal_parse_address, "gr\u00f6\u00dfe.example", 15);
}

/* shows: 4173-5-07 */
static void
test_port_alone(void **state)
{
	static const char *const bad[] = {
		"", "0", "65536", "0x10", "-1", "+1", "1 ", " 1", "x", "000001",
	};
	uint16_t port = 7;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(portal_parse_port(&port, bad[i],
				 strlen(bad[i]), NULL), LUN_EINVAL);
	assert_int_equal(port, 7);
	assert_int_equal(portal_parse_port(&port, "5003", 4, NULL), 0);
	assert_int_equal(port, 5003);

	char text[8];

	for (unsigned int i = 1; i <= 65535; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(portal_parse_port(&port, text, strlen(text),
						   NULL), 0);
		assert_int_equal(port, i);
	}
}

static void
test_print(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "h", "h:3260" },
		{ "h,0", "h:3260" },
		{ "10.0.0.1:5003,1", "10.0.0.1:5003" },
		{ "[::1],65535", "[::1]:3260" },
		{ NAME_253 ".:65535,65535", NAME_253 ".:65535" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct portal p;
		char text[PORTAL_TEXT_MAX];

		assert_int_equal(portal_parse_address(&p, cases[i].in,
				 strlen(cases[i].in), NULL), 0);
		assert_string_equal(portal_print(&p, text), cases[i].out);
	}
}

/* shows: 3986-3.2.2-03 */
static void
test_equal(void **state)
{
	/* those with the same letter are the same portal */
	static const struct {
		char same;
		const char *text;
	} cases[] = {
		{ 'a', "disk.example" }, { 'a', "DISK.example:3260" },
		{ 'a', "disk.example.,7" },
		{ 'b', "disk.example:860" }, { 'c', "disk.exampl" },
		{ 'd', "disk.examplee" }, { 'e', "disk" },
		{ 'f', "[::1]" }, { 'f', "[0:0:0:0:0:0:0:1]:3260,1" },
		{ 'f', "[::0.0.0.1]" }, { 'g', "[::1]:3261" },
		{ 'h', "[1080::8:800:200C:417A]" },
		{ 'h', "[1080:0:0:0:8:800:200c:417a],65" },
		{ 'i', "127.0.0.1" }, { 'i', "127.0.0.1:3260,9" },
		{ 'j', "[::ffff:127.0.0.1]" }, { 'k', "127.0.0.2" },
	};
	struct portal a, b;

	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t j = 0; j < COUNT(cases); j++) {
			portal_parse_address(&a, cases[i].text,
					     strlen(cases[i].text), NULL);
			portal_parse_address(&b, cases[j].text,
					     strlen(cases[j].text), NULL);
			assert_int_equal(portal_equal(&a, &b),
					 cases[i].same == cases[j].same);
		}

	portal_parse_user(&a, "[fe80::1%eth0]", 14, NULL);
	portal_parse_user(&b, "[fe80::1%eth1]", 14, NULL);
	assert_true(portal_equal(&a, &a));
	assert_false(portal_equal(&a, &b));
	portal_parse_user(&b, "[FE80:0::1%eth0]", 16, NULL);
	assert_true(portal_equal(&a, &b));
	portal_parse_user(&b, "[fe80::1]", 9, NULL);
	assert_false(portal_equal(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_binary_values),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_international),
		cmocka_unit_test(test_port_alone),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
