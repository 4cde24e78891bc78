/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of SLP byte for byte, and cut everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "discovery/slp-msg.h"
#include "slp-answers.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define T1 "service:iscsi:target://192.0.2.3:3260/iqn.2001-04.com.example:sn.1"
#define T2 "service:iscsi:target://[2001:db8::1]/iqn.2001-04.com.example:sn.2"

/* ------------------------------------------------------------ requests -- */

/* shows: 2608-8-01 2608-8.1-01 2608-8-03 2608-8-05 */
static void
test_request(void **state)
{
	static const uint8_t unicast[] =
		"\x02\x01\x00\x00\x3d\x00\x00\x00\x00\x00\x12\x34"
		"\x00\x02" "en"
		"\x00\x00"
		"\x00\x14" "service:iscsi:target"
		"\x00\x03" "A,B"
		"\x00\x0c" "(alias=disk)"
		"\x00\x00";
	static const uint8_t multicast[] =
		"\x02\x01\x00\x00\x3e\x20\x00\x00\x00\x00\xff\xff"
		"\x00\x02" "en"
		"\x00\x13" "192.0.2.1,192.0.2.2"
		"\x00\x11" "service:iscsi:sms"
		"\x00\x00"
		"\x00\x00"
		"\x00\x00";
	static const uint8_t attributes[] =
		"\x02\x06\x00\x00\x28\x00\x00\x00\x00\x00\x00\x01"
		"\x00\x02" "en"
		"\x00\x00"
		"\x00\x05" "url:x"
		"\x00\x02" "S1"
		"\x00\x07" "a,b,c-d"
		"\x00\x00";
	struct slp_request rq = {
		.function = SLP_SRV_RQST, .xid = 0x1234, .responders = "",
		.subject = SLP_TYPE_TARGET, .scopes = "A,B",
		.what = "(alias=disk)",
	};
	uint8_t buf[200];

	assert_int_equal(slp_request_write(buf, sizeof(buf), &rq),
			 sizeof(unicast) - 1);
	assert_memory_equal(buf, unicast, sizeof(unicast) - 1);
	for (size_t size = 0; size < sizeof(unicast) - 1; size++)
		assert_int_equal(slp_request_write(buf, size, &rq), 0);

	rq = (struct slp_request){
		.function = SLP_SRV_RQST, .multicast = true, .xid = 0xffff,
		.responders = "192.0.2.1,192.0.2.2",
		.subject = SLP_TYPE_SMS, .scopes = "", .what = "",
	};
	assert_int_equal(slp_request_write(buf, sizeof(buf), &rq),
			 sizeof(multicast) - 1);
	assert_memory_equal(buf, multicast, sizeof(multicast) - 1);

	rq = (struct slp_request){
		.function = SLP_ATTR_RQST, .xid = 1, .responders = "",
		.subject = "url:x", .scopes = "S1", .what = "a,b,c-d",
	};
	assert_int_equal(slp_request_write(buf, sizeof(buf), &rq),
			 sizeof(attributes) - 1);
	assert_memory_equal(buf, attributes, sizeof(attributes) - 1);
}

/* ------------------------------------------------------------- answers -- */

static size_t
urls(const struct slp_message *m, const char *want[], size_t n)
{
	struct slp_url_entry e;
	size_t pos = 0, i = 0;

	for (; slp_next_url(m, &pos, &e); i++) {
		assert_true(i < n);
		assert_int_equal(e.url.len, strlen(want[i]));
		assert_memory_equal(e.url.p, want[i], e.url.len);
	}
	return i;
}

/* At exact size on the heap, so that a sanitizer sees a byte too far. */
static int
read_exact(struct slp_message *m, const void *p, size_t len)
{
	static uint8_t *kept;
	struct lun_error err;

	free(kept);
	kept = malloc(len ? len : 1);
	memcpy(kept, p, len);
	return slp_read(m, kept, len, &err);
}

/* shows: 2608-8.2-01 2608-9.2-01 */
static void
test_service_reply(void **state)
{
	static const char *want[] = { T1, T2, T1 };
	struct slp_message m;
	struct answer a;

	a_begin(&a, 2, 0, 77);
	a16(&a, 0);
	a16(&a, 3);
	a_url(&a, 60, T1, 0);
	a_url(&a, 65535, T2, 5);
	a_url(&a, 0, T1, 1);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	assert_int_equal(m.xid, 77);
	assert_int_equal(m.function, SLP_SRV_RPLY);
	assert_int_equal(urls(&m, want, 3), 3);

	/* cut anywhere, and the same with a length that says so */
	for (size_t len = 0; len < a.len; len++) {
		struct answer cut = a;

		assert_int_equal(read_exact(&m, a.p, len), LUN_EPROTO);
		put24(cut.p + 2, (uint32_t)len);
		assert_int_equal(read_exact(&m, cut.p, len), LUN_EPROTO);
	}
	/* more bytes than the length says: not looked at */
	struct answer more = a;

	a_text(&more, "whatever");
	assert_int_equal(read_exact(&m, more.p, more.len), 0);

	/* counts that lie */
	for (unsigned n = 0; n < 70000; n += n < 10 ? 1 : 997) {
		struct answer lie = a;

		put16(lie.p + 18, (uint16_t)n);
		assert_int_equal(read_exact(&m, lie.p, lie.len),
				 (uint16_t)n > 3 ? LUN_EPROTO : 0);
	}

	/* zero entries are no error */
	a_begin(&a, 2, 0, 1);
	a16(&a, 0);
	a16(&a, 0);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	assert_int_equal(urls(&m, NULL, 0), 0);
}

/* An answer that overflowed gives what is whole, however it is cut. */
static void
test_overflow(void **state)
{
	static const char *want[] = { T1, T2 };
	struct slp_message m;
	struct answer a;
	size_t first, last = 0;

	a_begin(&a, 2, 0x8000, 7);
	a16(&a, 0);
	a16(&a, 2);
	a_url(&a, 60, T1, 1);
	first = a.len;
	a_url(&a, 60, T2, 0);
	a_end(&a);
	for (size_t len = 16; len <= a.len; len++) {
		assert_int_equal(read_exact(&m, a.p, len), 0);
		assert_true(m.overflow);
		last = urls(&m, want, 2);
		assert_int_equal(last, len == a.len ? 2 : len >= first);
	}
	assert_int_equal(last, 2);
}

static void
test_auth_blocks_that_lie(void **state)
{
	struct slp_message m;
	struct answer a;
	size_t block;

	a_begin(&a, 7, 0, 7);
	a16(&a, 0);
	a_text(&a, "(alias=x)");
	a8(&a, 1);
	block = a.len;
	a_auth_block(&a, 20);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	for (unsigned len = 0; len < 100; len++) {
		struct answer lie = a;

		put16(lie.p + block + 2, (uint16_t)len);
		assert_int_equal(read_exact(&m, lie.p, lie.len),
				 len >= 11 && len <= 31 ? 0 : LUN_EPROTO);
	}
	for (unsigned len = 0; len < 100; len++) {	/* of the SPI */
		struct answer lie = a;

		put16(lie.p + block + 8, (uint16_t)len);
		assert_int_equal(read_exact(&m, lie.p, lie.len),
				 len <= 21 ? 0 : LUN_EPROTO);
	}
}

static bool
is(struct slp_text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.p, s, t.len) == 0;
}

/* shows: 2608-8-02 */
static void
test_other_kinds(void **state)
{
	struct slp_message m;
	struct answer a;

	a_begin(&a, 8, 0, 9);			/* DAAdvert */
	a16(&a, 0);
	a16(&a, 0x1234);
	a16(&a, 0x5678);
	a_text(&a, "service:directory-agent://192.0.2.9");
	a_text(&a, "DEFAULT,LAB");
	a_text(&a, "(x=1)");
	a_text(&a, "spi");
	a8(&a, 0);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	assert_int_equal(m.boot_time, 0x12345678);
	assert_true(is(m.url, "service:directory-agent://192.0.2.9"));
	assert_true(is(m.scopes, "DEFAULT,LAB"));
	assert_true(is(m.attributes, "(x=1)"));
	for (size_t len = 0; len < a.len; len++)
		assert_int_equal(read_exact(&m, a.p, len), LUN_EPROTO);

	a_begin(&a, 11, 0, 9);			/* SAAdvert */
	a_text(&a, "service:service-agent://192.0.2.9");
	a_text(&a, "LAB");
	a_text(&a, "");
	a8(&a, 1);
	a_auth_block(&a, 7);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	assert_true(is(m.scopes, "LAB"));
	for (size_t len = 0; len < a.len; len++)
		assert_int_equal(read_exact(&m, a.p, len), LUN_EPROTO);

	a_begin(&a, 7, 0, 9);			/* AttrRply */
	a16(&a, 0);
	a_text(&a, "(a=b)");
	a8(&a, 0);
	a_end(&a);
	assert_int_equal(read_exact(&m, a.p, a.len), 0);
	assert_true(is(m.attributes, "(a=b)"));
	for (size_t len = 0; len < a.len; len++)
		assert_int_equal(read_exact(&m, a.p, len), LUN_EPROTO);

	/* an error ends the message (RFC 2608 7) */
	for (unsigned f = 2; f <= 8; f += f == 2 ? 5 : 1) {
		a_begin(&a, f, 0, 9);
		a16(&a, 4);
		a_end(&a);
		assert_int_equal(read_exact(&m, a.p, a.len), 0);
		assert_int_equal(m.error, SLP_SCOPE_NOT_SUPPORTED);
	}
	/* what no user agent takes, and what nobody knows */
	for (unsigned f = 0; f < 256; f++) {
		bool ours = f == 2 || f == 7 || f == 8 || f == 11;

		a_begin(&a, f, 0, 9);
		a_end(&a);
		assert_int_equal(read_exact(&m, a.p, a.len),
				 ours ? LUN_EPROTO : SLP_NOT_FOR_US);
	}
}

/* shows: 2608-8-01 2608-8-05 */
static void
test_header(void **state)
{
	static const struct {
		const char *tag;
		int want;
	} tags[] = {
		{ "en", 0 }, { "EN", 0 }, { "en-US", 0 },
		{ "de", SLP_NOT_FOR_US }, { "", SLP_NOT_FOR_US },
		{ "eng", SLP_NOT_FOR_US }, { "e", SLP_NOT_FOR_US },
	};
	struct slp_message m;
	struct answer a;

	for (unsigned version = 0; version < 256; version++) {
		a_begin(&a, 2, 0, 9);
		a16(&a, 0);
		a16(&a, 0);
		a_end(&a);
		a.p[0] = (uint8_t)version;
		assert_int_equal(read_exact(&m, a.p, a.len),
				 version == 2 ? 0 : LUN_EPROTO);
	}
	for (size_t i = 0; i < N_OF(tags); i++) {
		a_begin(&a, 2, 0, 9);
		a.len -= 4;
		a_text(&a, tags[i].tag);
		a16(&a, 0);
		a16(&a, 0);
		a_end(&a);
		assert_int_equal(read_exact(&m, a.p, a.len), tags[i].want);
	}
}

/* shows: 2608-9.1-01 */
static void
test_extensions(void **state)
{
	static const struct {
		unsigned id;
		int want;
	} ids[] = {
		{ 0x0001, 0 }, { 0x3fff, 0 }, { 0x4000, SLP_NOT_FOR_US },
		{ 0x4001, SLP_NOT_FOR_US }, { 0x7fff, SLP_NOT_FOR_US },
		{ 0x8001, 0 }, { 0x9000, 0 }, { 0xffff, 0 },
	};
	static const char *want[] = { T1 };
	struct slp_message m;
	struct answer a;

	for (size_t i = 0; i < N_OF(ids); i++) {
		for (int second = 0; second < 2; second++) {
			a_begin(&a, 2, 0, 9);
			a16(&a, 0);
			a16(&a, 1);
			a_url(&a, 60, T1, 0);
			put24(a.p + 7, (uint32_t)a.len);
			if (second) {	/* behind one that is harmless */
				a16(&a, 1);
				a8(&a, 0);
				a16(&a, (unsigned)a.len + 2 + 4);
				a16(&a, 0x4142);
				a16(&a, 0x4344);
			}
			a16(&a, ids[i].id);
			a8(&a, 0);
			a16(&a, 0);
			a16(&a, 0xabcd);
			a_end(&a);
			assert_int_equal(read_exact(&m, a.p, a.len),
					 ids[i].want);
			if (ids[i].want == 0)
				assert_int_equal(urls(&m, want, 1), 1);
		}
	}
	/* offsets that lie: backwards, beyond the end, a circle */
	for (uint32_t at = 1; at < 300; at++) {
		a_begin(&a, 2, 0, 9);
		a16(&a, 0);
		a16(&a, 0);
		a16(&a, 1);
		put24(a.p + a.len, at);
		a.len += 3;
		a_end(&a);
		put24(a.p + 7, 20);
		assert_int_equal(read_exact(&m, a.p, a.len), LUN_EPROTO);
		put24(a.p + 7, at);
		read_exact(&m, a.p, a.len);
	}
}

/* RFC 3111 4.1; its example is that of the service agents. */
static void
test_groups(void **state)
{
	static const uint8_t da[16] = { 0xff, 2, [14] = 1, 0x23 };
	static const uint8_t sa[16] = { 0xff, 5, [13] = 1, 0x11, 0xd8 };
	static const uint8_t target[16] = { 0xff, 2, [13] = 1, 0x13, 0xe7 };
	uint8_t group[16];

	slp_group_ipv6(group, 2, SLP_TYPE_DA);
	assert_memory_equal(group, da, 16);
	slp_group_ipv6(group, 5, SLP_TYPE_SA);
	assert_memory_equal(group, sa, 16);
	slp_group_ipv6(group, 2, SLP_TYPE_TARGET);
	assert_memory_equal(group, target, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_service_reply),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_auth_blocks_that_lie),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
