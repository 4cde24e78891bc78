/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP messages: options wherever they may stand, every cut, what they say
 * about booting; requests; and UDP in packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "boot/dhcp.h"
#include "boot/lease.h"
#include "boot/udp4.h"
#include "dhcp-reply.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2001-04.com.example:disk1"
#define PATH "iscsi:192.0.2.1:6:3260:1:" IQN
#define URL "iscsi://192.0.2.1/" IQN "/1"
#define SERVER "\xc0\x00\x02\x01"
#define YIADDR "\xc0\x00\x02\x64"

enum { NAME_LEN = 223 };

/* From a copy of exact size, which m then points to; to be freed. */
static uint8_t *
parse(struct dhcp_message *m, const struct reply *r, size_t len, int *result,
      struct lun_error *err)
{
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, r->b, len);
	*result = dhcp_parse(m, exact, len, err);
	return exact;
}

/* The URL of its root path, "nothing", or the error. */
static const char *
root_path(const struct reply *r, char out[LUN_URL_TEXT_MAX])
{
	struct boot_info b = { 0 };
	struct dhcp_message m;
	struct lun_error err = { 0 };
	int result;
	uint8_t *exact = parse(&m, r, r->len, &result, &err);

	if (result == 0)
		result = dhcp_boot_info(&m, &b, &err);
	if (result == 0)
		lun_url_print(&b.targets[0].url, out);
	else
		snprintf(out, LUN_URL_TEXT_MAX, "%s", result == BOOT_NOTHING ?
			 "nothing" : err.text);
	free(exact);
	return out;
}

static void
plain(struct reply *r)
{
	reply_head(r, 0x12345678, YIADDR);
	reply_type(r, DHCP_ACK, SERVER);
	reply_put(r, 17, PATH, strlen(PATH));
	reply_end(r);
}

/* shows: 4173-5-17 2131-4.1-03 */
static void
test_plain(void **state)
{
	struct reply r;
	struct dhcp_message m;
	struct lun_error err;
	char out[LUN_URL_TEXT_MAX];
	int result;

	plain(&r);
	assert_string_equal(root_path(&r, out), URL);

	uint8_t *exact = parse(&m, &r, r.len, &result, &err);

	assert_int_equal(result, 0);
	assert_int_equal(m.type, DHCP_ACK);
	assert_int_equal(m.xid, 0x12345678);
	assert_memory_equal(m.server, SERVER, 4);
	assert_memory_equal(m.yiaddr, YIADDR, 4);
	free(exact);

	/* as dhcpcd keeps it */
	struct boot_info b = { 0 };
	const char *kind;

	assert_int_equal(boot_lease(&b, (char *)r.b, r.len, 0, 0, &kind, &err), 0);
	assert_string_equal(kind, "dhcpcd");
	assert_string_equal(lun_url_print(&b.targets[0].url, out), URL);
}

/* dhcpcd keeps leases of networks that are far away now: their time is counted
 * from when the file was written. */
static void
test_old_lease(void **state)
{
	static const struct {
		const char *time;	/* of the lease, 4 bytes; NULL: not said */
		int64_t age;
		bool good;
	} cases[] = {
		{ "\0\0\0\144", 100, true }, { "\0\0\0\144", 101, false },
		{ "\0\0\0\144", -5, true }, { "\377\377\377\377", 1LL << 40, true },
		{ NULL, 1LL << 40, true }, { "\377\377\377\376", 1LL << 40, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_info b = { 0 };
		struct lun_error err;
		struct reply r;

		reply_head(&r, 1, YIADDR);
		reply_put(&r, 17, PATH, strlen(PATH));
		if (cases[i].time)
			reply_put(&r, 51, cases[i].time, 4);
		reply_end(&r);
		assert_int_equal(boot_lease(&b, (char *)r.b, r.len,
					    1790000000 + cases[i].age,
					    1790000000, NULL, &err),
				 cases[i].good ? 0 : BOOT_NOTHING);
		assert_int_equal(b.n_targets, cases[i].good);
	}
}

/* shows: 2132-2-01 */
static void
test_zeroes_at_the_end(void **state)
{
	char path[sizeof(PATH) + 3] = PATH, out[LUN_URL_TEXT_MAX];
	struct reply r;

	for (size_t zeroes = 0; zeroes <= 3; zeroes++) {
		reply_head(&r, 1, YIADDR);
		reply_put(&r, 17, path, strlen(PATH) + zeroes);
		reply_end(&r);
		assert_string_equal(root_path(&r, out), URL);
	}
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 17, path, 0);
	reply_end(&r);
	assert_string_equal(root_path(&r, out), "nothing");
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 17, "\0\0", 2);
	assert_string_equal(root_path(&r, out), "nothing");
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 17, "iscsi:\0::::" IQN, 11 + strlen(IQN));
	assert_non_null(strstr(root_path(&r, out), "null"));
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 17, "/export/root", 12);
	assert_string_equal(root_path(&r, out), "nothing");
}

/* A root path of 298 bytes, which one option cannot hold. */
static size_t
long_path(char path[400])
{
	int n = sprintf(path, "iscsi:%s::::iqn.2001-04.com.example:",
			"a-host-name-of-some-length.storage.example.com");

	memset(path + n, 'x', NAME_LEN);
	path[n - 24 + NAME_LEN] = '\0';
	return strlen(path);
}

/* However it is split, and whatever is between the parts. */
/* shows: 2131-4.1-02 */
static void
test_split(void **state)
{
	char path[400], url[LUN_URL_TEXT_MAX], out[LUN_URL_TEXT_MAX];
	size_t len = long_path(path);
	struct lun_url u;
	struct reply r;

	assert_true(len > 255 && len < 400);
	assert_int_equal(url_parse_root_path(&u, path, NULL), 0);
	lun_url_print(&u, url);
	for (size_t cut = len - 255; cut <= 255; cut++) {
		reply_head(&r, 1, YIADDR);
		reply_put(&r, 17, path, cut);
		r.b[r.len++] = 0;
		reply_type(&r, DHCP_ACK, SERVER);
		reply_put(&r, 17, path + cut, len - cut);
		reply_end(&r);
		assert_string_equal(root_path(&r, out), url);
	}
	/* three parts, one in each field */
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 17, path, 200);
	reply_put(&r, 52, "\3", 1);
	reply_end(&r);
	r.b[108] = 17;
	r.b[109] = 60;
	memcpy(r.b + 110, path + 200, 60);
	r.b[170] = 255;
	r.b[44] = 17;
	r.b[45] = (uint8_t)(len - 260);
	memcpy(r.b + 46, path + 260, len - 260);
	r.b[46 + len - 260] = 255;
	assert_string_equal(root_path(&r, out), url);
}

/* In a field at this place, if the overload says so (RFC 2132 9.3). */
/* shows: 2131-4.1-02 */
static void
test_overload(void **state)
{
	static const struct {
		size_t at;
		const char *overload, *shown;
	} cases[] = {
		{ 108, "\1", URL }, { 108, "\3", URL }, { 108, "\2", "nothing" },
		{ 108, NULL, "nothing" }, { 44, "\2", URL }, { 44, "\3", URL },
		{ 44, "\1", "nothing" }, { 44, "\4", "nothing" },
	};
	char out[LUN_URL_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		static const char path[] = PATH;
		struct reply r;

		assert_true(strlen(path) < 62);
		reply_head(&r, 1, YIADDR);
		if (cases[i].overload)
			reply_put(&r, 52, cases[i].overload, 1);
		reply_end(&r);
		r.b[cases[i].at] = 17;
		r.b[cases[i].at + 1] = (uint8_t)strlen(path);
		memcpy(r.b + cases[i].at + 2, path, strlen(path));
		/* an overload within a field is none: it would be read again */
		assert_string_equal(root_path(&r, out), cases[i].shown);
	}

	struct reply r;

	/* behind the end is nothing */
	reply_head(&r, 1, YIADDR);
	reply_end(&r);
	reply_put(&r, 17, PATH, strlen(PATH));
	assert_string_equal(root_path(&r, out), "nothing");
	/* padding is */
	reply_head(&r, 1, YIADDR);
	memset(r.b + r.len, 0, 50);
	r.len += 50;
	reply_put(&r, 17, PATH, strlen(PATH));
	assert_string_equal(root_path(&r, out), URL);
	/* an option that goes beyond its field */
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 52, "\2", 1);
	reply_end(&r);
	r.b[44] = 17;
	r.b[45] = 63;
	assert_non_null(strstr(root_path(&r, out), "longer"));
}

/* shows: 2131-4.1-03 */
static void
test_every_cut(void **state)
{
	struct reply r;
	struct dhcp_message m;
	struct lun_error err;
	int result;

	plain(&r);
	for (size_t n = 0; n < r.len; n++) {
		free(parse(&m, &r, n, &result, &err));
		if (n < 240)
			assert_int_equal(result, LUN_EPROTO);
		else
			assert_true(result == 0 || result == LUN_EPROTO);
	}
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = { { 0, 1 }, { 0, 0 }, { 236, 0 }, { 239, 0 },
		    { 242, 0 }, { 242, 9 }, { 241, 2 }, { 244, 5 } };

	for (size_t i = 0; i < COUNT(bad); i++) {
		plain(&r);
		r.b[bad[i].at] = bad[i].value;
		free(parse(&m, &r, r.len, &result, &err));
		assert_int_equal(result, LUN_EPROTO);
	}
	memset(&r, 0, sizeof(r));
	reply_head(&r, 1, YIADDR);
	free(parse(&m, &r, DHCP_MESSAGE_MAX, &result, &err));
	assert_int_equal(result, 0);
}

/* The neighbours: SLP agents and scopes, iSNS servers (RFC 4174).
 * shows: 2610-3-01 2610-4-01 */
static void
test_services(void **state)
{
	static const uint8_t isns[] = { 0, 1, 0, 1, 0, 1, 0, 0, 0, 0,
					192, 0, 2, 20, 192, 0, 2, 21 };
	static const uint8_t beating[] = { 0, 1, 0, 1, 0, 3, 0, 0, 0, 0,
					   192, 0, 2, 9, 192, 0, 2, 20,
					   0, 0, 0, 0 };
	static const uint8_t agents[] = { 1, 192, 0, 2, 30, 192, 0, 2, 30,
					  255, 255, 255, 255 };
	struct boot_info b = { 0 };
	struct dhcp_message m;
	struct lun_error err;
	struct reply r;
	int result;

	reply_head(&r, 1, YIADDR);
	reply_put(&r, 83, isns, sizeof(isns));
	reply_put(&r, 78, agents, sizeof(agents));
	reply_put(&r, 79, "\1STORAGE,lab", 12);
	reply_end(&r);
	uint8_t *exact = parse(&m, &r, r.len, &result, &err);

	assert_int_equal(dhcp_boot_info(&m, &b, &err), BOOT_NOTHING);
	free(exact);
	assert_int_equal(b.n_services, 3);
	assert_int_equal(b.services[0].kind, BOOT_ISNS);
	assert_string_equal(b.services[0].portal.host, "192.0.2.20");
	assert_int_equal(b.services[0].portal.port, 3205);
	assert_string_equal(b.services[1].portal.host, "192.0.2.21");
	assert_int_equal(b.services[2].kind, BOOT_SLP);
	assert_string_equal(b.services[2].portal.host, "192.0.2.30");
	assert_int_equal(b.services[2].portal.port, 427);
	assert_true(b.slp_no_multicast);
	assert_string_equal(b.slp_scopes, "STORAGE,lab");

	memset(&b, 0, sizeof(b));
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 78, "\0\1\2\3\4", 5);
	reply_put(&r, 79, "\0", 1);
	reply_end(&r);
	exact = parse(&m, &r, r.len, &result, &err);
	assert_int_equal(dhcp_boot_info(&m, &b, &err), BOOT_NOTHING);
	free(exact);
	assert_int_equal(b.n_services, 1);
	assert_false(b.slp_no_multicast);
	assert_string_equal(b.slp_scopes, "*");

	memset(&b, 0, sizeof(b));
	reply_head(&r, 1, YIADDR);
	reply_put(&r, 83, beating, sizeof(beating));
	reply_put(&r, 78, agents, 4);		/* no whole address */
	reply_put(&r, 79, "\1a\n", 3);
	reply_end(&r);
	exact = parse(&m, &r, r.len, &result, &err);
	assert_int_equal(dhcp_boot_info(&m, &b, &err), BOOT_NOTHING);
	free(exact);
	assert_int_equal(b.n_services, 1);
	assert_string_equal(b.services[0].portal.host, "192.0.2.20");
	assert_false(b.slp_no_multicast);
	assert_string_equal(b.slp_scopes, "");
}

/* The value of an option of a request, or NULL. */
static const uint8_t *
option(const uint8_t *p, size_t len, uint8_t code, size_t *n)
{
	for (size_t at = 240; at < len && p[at] != 255; at += 2 + p[at + 1])
		if (p[at] == code) {
			*n = p[at + 1];
			return p + at + 2;
		}
	return NULL;
}

/* shows: 2131-3.5-01 2131-4.4.3-01 */
static void
test_requests(void **state)
{
	struct dhcp_request q = { .type = DHCP_INFORM, .xid = 0xabcdef01,
				  .ciaddr = { 192, 0, 2, 50 } };
	uint8_t out[DHCP_REQUEST_MAX];
	size_t n, auth_at;

	memcpy(q.mac, our_mac, 6);

	size_t len = dhcp_write(out, &q, &auth_at);

	assert_true(len >= 300 && len <= sizeof(out));
	assert_int_equal(out[0], 1);
	assert_int_equal(get32(out + 4), 0xabcdef01);
	assert_memory_equal(out + 12, "\xc0\0\2\x32", 4);
	assert_memory_equal(out + 28, our_mac, 6);
	assert_int_equal(*option(out, len, 53, &n), DHCP_INFORM);

	const uint8_t *list = option(out, len, 55, &n);

	assert_non_null(list);
	assert_non_null(memchr(list, 17, n));
	assert_non_null(memchr(list, 78, n));
	assert_non_null(memchr(list, 79, n));
	assert_non_null(memchr(list, 83, n));
	assert_null(memchr(list, 51, n));	/* no lease time */
	assert_null(option(out, len, 51, &n));
	assert_null(option(out, len, 50, &n));
	assert_null(option(out, len, 90, &n));

	const uint8_t *id = option(out, len, 61, &n);

	assert_int_equal(n, 7);
	assert_int_equal(id[0], 1);
	assert_memory_equal(id + 1, our_mac, 6);

	q.type = DHCP_RELEASE;
	memcpy(q.server, SERVER, 4);
	len = dhcp_write(out, &q, &auth_at);
	assert_null(option(out, len, 55, &n));
	assert_memory_equal(option(out, len, 54, &n), SERVER, 4);
}

/* What is written is read; one bit that is wrong is seen; every cut. */
static void
test_packets(void **state)
{
	static const uint8_t data[] = "some text of odd length";
	struct udp4 u = { { 192, 0, 2, 1 }, { 255, 255, 255, 255 }, 67, 68,
			  data, sizeof(data) - 1 }, v;
	uint8_t packet[UDP4_HEADERS_LEN + sizeof(data) + 10] = { 0 };
	size_t len = udp4_write(packet, &u);

	assert_int_equal(len, UDP4_HEADERS_LEN + sizeof(data) - 1);
	assert_true(udp4_parse(&v, packet, len + 10, false));	/* padded */
	assert_true(udp4_parse(&v, packet, len, false));
	assert_memory_equal(v.from, u.from, 4);
	assert_memory_equal(v.to, u.to, 4);
	assert_int_equal(v.from_port, 67);
	assert_int_equal(v.to_port, 68);
	assert_int_equal(v.len, u.len);
	assert_memory_equal(v.data, data, v.len);

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, packet, n);
		assert_false(udp4_parse(&v, exact, n, true));
		free(exact);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 != 26 && bit / 8 != 27)	/* a sum of 0 is none */
			assert_false(udp4_parse(&v, packet, len, false));
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	put16(packet + 6, 0x2000);			/* a fragment */
	assert_false(udp4_parse(&v, packet, len, true));
	put16(packet + 6, 0x4000);			/* not to be fragmented */
	assert_true(udp4_parse(&v, packet, len, true));
	assert_false(udp4_parse(&v, packet, len, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_old_lease),
		cmocka_unit_test(test_zeroes_at_the_end),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
