/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware's table, whole, cut and changed; and the kernel's directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/ibft.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2001-04.com.example:disk1"
#define IQN2 "iqn.2001-04.com.example:disk2"
#define ME "iqn.2001-04.com.example:me"

enum {
	CONTROL = 48, INITIATOR = 72, TARGET0 = 152, TARGET1 = 208,
	HEAP = 272, TABLE_MAX = 1024,
};

struct table {
	uint8_t b[TABLE_MAX];
	size_t len;
};

static void
le16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
mapped(uint8_t *p, const char *address)
{
	unsigned a[4];

	sscanf(address, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]);
	memset(p, 0, 16);
	p[10] = p[11] = 0xff;
	for (int i = 0; i < 4; i++)
		p[12 + i] = (uint8_t)a[i];
}

static void
string(struct table *t, size_t at, const char *s)
{
	le16(t->b + at, strlen(s));
	le16(t->b + at + 2, t->len);
	memcpy(t->b + t->len, s, strlen(s) + 1);
	t->len += strlen(s) + 1;
}

static void
head(struct table *t, size_t at, uint8_t id, size_t len, uint8_t index,
     uint8_t flags)
{
	t->b[at] = id;
	t->b[at + 1] = 1;
	le16(t->b + at + 2, len);
	t->b[at + 4] = index;
	t->b[at + 5] = flags;
}

/* Length and checksum, so that what else is wrong is what is found. */
static void
seal(struct table *t)
{
	uint8_t sum = 0;

	le16(t->b + 4, t->len);
	t->b[9] = 0;
	for (size_t i = 0; i < t->len; i++)
		sum = (uint8_t)(sum + t->b[i]);
	t->b[9] = (uint8_t)-sum;
}

static void
target(struct table *t, size_t at, uint8_t index, uint8_t flags,
       const char *address, uint8_t lun, const char *name)
{
	head(t, at, 4, 54, index, flags);
	mapped(t->b + at + 6, address);
	le16(t->b + at + 22, 3260);
	t->b[at + 24 + 1] = lun;
	string(t, at + 34, name);
}

/* Firmware booted from the second target; the first one has mutual CHAP. */
static void
build(struct table *t)
{
	memset(t, 0, sizeof(*t));
	t->len = HEAP;
	memcpy(t->b, "iBFT", 4);
	t->b[8] = 1;
	head(t, CONTROL, 1, 18, 0, 0);
	le16(t->b + CONTROL + 8, INITIATOR);
	le16(t->b + CONTROL + 12, TARGET0);
	le16(t->b + CONTROL + 16, TARGET1);
	head(t, INITIATOR, 2, 74, 0, 3);
	mapped(t->b + INITIATOR + 6, "192.0.2.7");
	mapped(t->b + INITIATOR + 22, "192.0.2.8");
	string(t, INITIATOR + 70, ME);
	target(t, TARGET0, 0, 1, "192.0.2.1", 1, IQN);
	t->b[TARGET0 + 32] = 2;
	string(t, TARGET0 + 38, "me");
	string(t, TARGET0 + 42, "s3cret");
	string(t, TARGET0 + 46, "you");
	string(t, TARGET0 + 50, "s3cret2");
	target(t, TARGET1, 1, 3, "192.0.2.2", 0, IQN2);
	seal(t);
}

static int
parse(const struct table *t, size_t len, struct boot_info *b,
      struct lun_error *err)
{
	uint8_t *exact = malloc(len ? len : 1);

	memset(b, 0, sizeof(*b));
	memset(err, 0, sizeof(*err));
	memcpy(exact, t->b, len);

	int r = boot_ibft_table(b, exact, len, err);

	free(exact);
	return r;
}

static void
assert_url(const struct boot_target *t, const char *expected)
{
	char text[LUN_URL_TEXT_MAX];

	assert_string_equal(lun_url_print(&t->url, text), expected);
}

/* shows: 4173-5-19 */
static void
test_table(void **state)
{
	struct table t;
	struct boot_info b;
	struct lun_error err;

	build(&t);
	assert_int_equal(parse(&t, t.len, &b, &err), 0);
	assert_int_equal(b.n_targets, 2);
	assert_url(&b.targets[0], "iscsi://192.0.2.2/" IQN2 "/0");
	assert_url(&b.targets[1], "iscsi://192.0.2.1/" IQN "/1");
	assert_string_equal(b.targets[1].url.username, "me");
	assert_string_equal(b.targets[0].url.password, "");
	assert_string_equal(b.targets[1].url.password, "s3cret");
	assert_string_equal(b.targets[1].user_in, "you");
	assert_string_equal(b.targets[1].password_in, "s3cret2");
	assert_string_equal(b.initiator, ME);
	assert_int_equal(b.n_services, 2);
	assert_int_equal(b.services[0].kind, BOOT_ISNS);
	assert_string_equal(b.services[0].portal.host, "192.0.2.7");
	assert_int_equal(b.services[1].kind, BOOT_SLP);
	assert_string_equal(b.services[1].portal.host, "192.0.2.8");

	/* bytes behind the table are none of it */
	t.len += 7;
	assert_int_equal(parse(&t, t.len, &b, &err), 0);

	boot_info_wipe(&b);
	for (size_t i = 0; i < sizeof(b); i++)
		assert_int_equal(((uint8_t *)&b)[i], 0);
}

/* What is not valid is not there; without any there is nothing. */
static void
test_flags(void **state)
{
	struct table t;
	struct boot_info b;
	struct lun_error err;

	build(&t);
	t.b[TARGET1 + 5] = 0;
	t.b[TARGET0 + 32] = 1;
	seal(&t);
	assert_int_equal(parse(&t, t.len, &b, &err), 0);
	assert_int_equal(b.n_targets, 1);
	assert_url(&b.targets[0], "iscsi://192.0.2.1/" IQN "/1");
	assert_string_equal(b.targets[0].url.username, "me");
	assert_string_equal(b.targets[0].user_in, "");

	t.b[TARGET0 + 32] = 0;
	memset(t.b + TARGET0 + 6, 0, 16 + 2);		/* no address */
	seal(&t);
	assert_int_equal(parse(&t, t.len, &b, &err), 0);
	assert_int_equal(b.targets[0].url.kind, LUN_URL_UNLOCATED);
	assert_int_equal(b.targets[0].url.port, 0);
	assert_string_equal(b.targets[0].url.username, "");

	t.b[TARGET0 + 5] = 0;
	seal(&t);
	assert_int_equal(parse(&t, t.len, &b, &err), BOOT_NOTHING);
	le16(t.b + CONTROL + 12, 0);
	le16(t.b + CONTROL + 16, 0);
	le16(t.b + CONTROL + 8, 0);
	seal(&t);
	assert_int_equal(parse(&t, t.len, &b, &err), BOOT_NOTHING);
}

/* Cut anywhere: refused, also when length and sum are made to fit. */
static void
test_every_cut(void **state)
{
	struct table t;
	struct boot_info b;
	struct lun_error err;

	build(&t);

	size_t whole = t.len;

	for (size_t n = 0; n < whole; n++) {
		assert_int_equal(parse(&t, n, &b, &err), LUN_EINVAL);
		assert_true(err.text[0] != '\0');
	}
	for (size_t n = CONTROL; n < whole - 1; n++) {
		build(&t);
		t.len = n;
		seal(&t);
		assert_int_equal(parse(&t, n, &b, &err), LUN_EINVAL);
	}
}

/* Any byte may be anything: no crash, and no secret in an error. */
static void
test_every_byte(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct table t;
	struct boot_info b;
	struct lun_error err;

	build(&t);

	size_t whole = t.len;

	for (size_t i = 10; i < whole; i++)
		for (size_t v = 0; v < COUNT(values); v++) {
			build(&t);
			t.b[i] = values[v];
			seal(&t);
			if (parse(&t, whole, &b, &err) < 0) {
				assert_true(err.text[0] != '\0');
				assert_null(strstr(err.text, "s3cret"));
			}
		}
	build(&t);
	t.b[9]++;
	assert_int_equal(parse(&t, whole, &b, &err), LUN_EINVAL);
	assert_non_null(strstr(err.text, "add up"));
	build(&t);
	t.b[8] = 2;
	seal(&t);
	assert_int_equal(parse(&t, whole, &b, &err), LUN_EINVAL);
	assert_non_null(strstr(err.text, "revision"));
}

/* ------------------------------------------------------- the directory -- */

struct entry {
	const char *name, *text;
};

static int
read_entry(void *user, const char *name, char *text, struct lun_error *err)
{
	for (const struct entry *e = user; e->name; e++)
		if (strcmp(e->name, name) == 0) {
			strcpy(text, e->text);
			return 0;
		}
	return 1;
}

/* shows: 4173-5-19 */
static void
test_directory(void **state)
{
	struct entry entries[] = {
		{ "target0/target-name", IQN "\n" },
		{ "target0/flags", "3\n" }, { "target0/ip-addr", "192.0.2.1\n" },
		{ "target0/port", "3261\n" }, { "target0/lun", "01000000\n" },
		{ "target0/chap-name", "me\n" },
		{ "target0/chap-secret", "s3cret\n" },
		{ "target1/target-name", IQN2 "\n" },
		{ "target1/flags", "1\n" },
		{ "target1/ip-addr", "2001:0db8:0000:0000:0000:0000:0000:0001\n" },
		{ "target1/port", "3260\n" }, { "target1/lun", "00000000\n" },
		{ "initiator/initiator-name", ME "\n" },
		{ "initiator/isns-server", "0.0.0.0\n" },
		{ "initiator/slp-server", "192.0.2.8\n" },
		{ NULL, NULL },
	};
	struct boot_info b = { 0 };
	struct lun_error err;

	assert_int_equal(boot_ibft_directory(&b, read_entry, entries, &err), 0);
	assert_int_equal(b.n_targets, 2);
	assert_url(&b.targets[0], "iscsi://192.0.2.1:3261/" IQN "/1");
	assert_string_equal(b.targets[0].url.username, "me");
	assert_string_equal(b.targets[0].url.password, "s3cret");
	assert_url(&b.targets[1], "iscsi://[2001:db8::1]/" IQN2 "/0");
	assert_string_equal(b.initiator, ME);
	assert_int_equal(b.n_services, 1);
	assert_string_equal(b.services[0].portal.host, "192.0.2.8");

	struct entry none[] = { { NULL, NULL } };

	assert_int_equal(boot_ibft_directory(&b, read_entry, none, &err),
			 BOOT_NOTHING);

	static const struct {
		size_t entry;
		const char *text;
	} bad[] = {
		{ 0, "x" }, { 1, "x" }, { 1, "256" }, { 2, "1.2.3" },
		{ 3, "65536" }, { 3, "-1" }, { 4, "0" }, { 4, "" },
		{ 4, "0100000g" }, { 12, "x" }, { 13, "x" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *was = entries[bad[i].entry].text;

		entries[bad[i].entry].text = bad[i].text;
		memset(&b, 0, sizeof(b));
		if (boot_ibft_directory(&b, read_entry, entries, &err) !=
		    LUN_EINVAL)
			fail_msg("%s = %s was taken",
				 entries[bad[i].entry].name, bad[i].text);
		entries[bad[i].entry].text = was;
	}
}

/* Zeroes at the end are part of an address; nothing but zeroes is none. */
static void
test_directory_servers(void **state)
{
	static const char *const servers[][2] = {
		{ "2001:dbff::", "2001:dbff::" }, { "::", NULL },
		{ "::ffff:0.0.0.0", NULL }, { "0.0.0.0", NULL },
		{ "192.0.2.0", "192.0.2.0" },
	};

	for (size_t i = 0; i < COUNT(servers); i++) {
		struct entry entries[] = {
			{ "initiator/slp-server", servers[i][0] },
			{ NULL, NULL },
		};
		struct boot_info b = { 0 };
		struct lun_error err;

		assert_int_equal(boot_ibft_directory(&b, read_entry, entries,
						     &err), BOOT_NOTHING);
		assert_int_equal(b.n_services, servers[i][1] != NULL);
		if (servers[i][1])
			assert_string_equal(b.services[0].portal.host,
					    servers[i][1]);
	}
}

/* The kernel prints bytes without padding: what is not clear is refused. */
static void
test_directory_luns(void **state)
{
	static const struct {
		const char *text;
		uint64_t lun;		/* 0xbad: refused */
	} luns[] = {
		{ "00000000", 0 }, { "01000000", 0x0001000000000000 },
		{ "10000000", 0x0100000000000000 },
		{ "0f000000", 0x000f000000000000 },
		{ "0ff000000", 0xbad },		/* ff, or f f0 */
		{ "010000000", 0x0010000000000000 },
		{ "4012000000", 0xbad }, { "11223344556677ff",
		  0x11223344556677ff }, { "0111000000", 0x0011100000000000 },
	};

	for (size_t i = 0; i < COUNT(luns); i++) {
		struct entry entries[] = {
			{ "target0/target-name", IQN }, { "target0/flags", "1" },
			{ "target0/lun", luns[i].text }, { NULL, NULL },
		};
		struct boot_info b = { 0 };
		struct lun_error err;
		int r = boot_ibft_directory(&b, read_entry, entries, &err);

		if (luns[i].lun == 0xbad ? r != LUN_EINVAL :
		    r != 0 || b.targets[0].url.lun != luns[i].lun)
			fail_msg("%s: %d %llx", luns[i].text, r,
				 (unsigned long long)b.targets[0].url.lun);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_directory_servers),
		cmocka_unit_test(test_directory_luns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
