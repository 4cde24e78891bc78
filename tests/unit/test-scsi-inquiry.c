/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INQUIRY data and VPD pages, cut everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "scsi/inquiry.h"

/* In memory of exactly that size, so that a byte too far is seen. */
static uint8_t *
cut(const void *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, p, len);
	return copy;
}

static const char standard[] =
	"\x60\0\x05\0\x1f\0\0\0" "  IET   " "VIRTUAL-DISK\x01\x80  " "00 1";

static void
test_standard(void **state)
{
	for (size_t len = 0; len < sizeof(standard); len++) {
		struct inquiry q = { .version = 99 };
		uint8_t *p = cut(standard, len);

		assert_int_equal(inquiry_parse(&q, p, len), len >= 5);
		free(p);
		assert_int_equal(q.version, len >= 5 ? 5 : 99);
		if (len < 36)
			continue;
		assert_int_equal(q.qualifier, 3);
		assert_int_equal(q.type, 0);
		assert_string_equal(q.vendor, "IET");
		assert_string_equal(q.product, "VIRTUAL-DISK??");
		assert_string_equal(q.revision, "00 1");
	}
}

/* The additional length decides what is there. */
static void
test_standard_length(void **state)
{
	for (unsigned n = 0; n < 256; n++) {
		uint8_t p[36];
		struct inquiry q;

		memcpy(p, standard, sizeof(p));
		p[4] = (uint8_t)n;
		assert_true(inquiry_parse(&q, p, sizeof(p)));
		assert_string_equal(q.vendor, n >= 8 ? "IET" :
				    n == 7 ? "IE" : n == 6 ? "I" : "");
	}
}

static void
test_supported(void **state)
{
	static const uint8_t page[] = { 0, 0, 0, 4, 0x00, 0x80, 0xb2, 0xff,
					0x83 };
	struct vpd_pages pages;

	assert_true(vpd_parse_supported(&pages, page, sizeof(page)));
	assert_true(vpd_has(&pages, VPD_SUPPORTED));
	assert_true(vpd_has(&pages, VPD_SERIAL));
	assert_true(vpd_has(&pages, VPD_PROVISIONING));
	assert_false(vpd_has(&pages, VPD_IDENTIFICATION)); /* beyond the end */
	assert_false(vpd_has(&pages, VPD_BLOCK_LIMITS));
	for (size_t len = 0; len < 4; len++)
		assert_false(vpd_parse_supported(&pages, page, len));
	assert_true(vpd_parse_supported(&pages, page, 5));
	assert_false(vpd_has(&pages, VPD_SERIAL));
}

static void
test_serial(void **state)
{
	uint8_t page[4 + 1000] = { 0, 0x80, 0x03, 0xe8 };
	char serial[256] = "untouched";

	memset(page + 4, 'x', 1000);
	assert_false(vpd_parse_serial(serial, page, 3));
	assert_string_equal(serial, "untouched");
	assert_true(vpd_parse_serial(serial, page, sizeof(page)));
	assert_int_equal(strlen(serial), 255);
	assert_true(vpd_parse_serial(serial, (const uint8_t *)
				     "\0\x80\0\x06  a\nb \0", 11));
	assert_string_equal(serial, "a?b");
	page[1] = 0x83;
	assert_false(vpd_parse_serial(serial, page, sizeof(page)));
}

static const char names[] =
	"\0\x83\0\x7a"
	/* T10 vendor id, ASCII */
	"\x02\x01\0\x0f" "IET     a b/c  "
	/* EUI-64 */
	"\x01\x02\0\x08" "\x01\x23\x45\x67\x89\xab\xcd\xef"
	/* NAA */
	"\x01\x03\0\x10" "\x60\x01\x40\x5a\xbc\xde\xf0\x12"
	"\x00\x11\x22\x33\x44\x55\x66\x77"
	/* of the target port: left out */
	"\x61\x93\0\x08" "\x50\x01\x40\x5a\xbc\xde\xf0\x12"
	/* SCSI name string */
	"\x53\x08\0\x10" "iqn.x:\xc3\xa4\xc3\xb6 d\0\0\0\0"
	/* again, the same */
	"\x01\x02\0\x08" "\x01\x23\x45\x67\x89\xab\xcd\xef"
	/* relative target port: left out; binary T10 id */
	"\x01\x04\0\x04\0\0\0\x01"
	"\x01\x01\0\x02\x01\xff"
	/* empty */
	"\x01\x03\0\0";

static void
test_names(void **state)
{
	uint8_t page[sizeof(names) - 1];
	struct designators d;

	memcpy(page, names, sizeof(page));
	page[3] = (uint8_t)(sizeof(page) - 4);
	assert_int_equal(vpd_parse_identification(&d, page, sizeof(page)), 0);
	assert_int_equal(d.n, 5);
	assert_string_equal(d.text[0], "t10.IET_____a_b_c");
	assert_string_equal(d.text[1], "eui.0123456789abcdef");
	assert_string_equal(d.text[2], "naa.6001405abcdef0120011223344556677");
	assert_string_equal(d.text[3], "name.iqn.x:\xc3\xa4\xc3\xb6_d");
	assert_string_equal(d.text[4], "t10.01ff");
	designators_deinit(&d);

	for (size_t len = 0; len < sizeof(page); len++) {
		uint8_t *p = cut(page, len);
		bool ok = vpd_parse_identification(&d, p, len) == 0;

		assert_int_equal(ok, len >= 4);
		free(p);
		if (ok) {
			assert_true(d.n <= 5);
			designators_deinit(&d);
		}
	}
}

/* More names than there is room for; each length byte of all values. */
static void
test_hostile_names(void **state)
{
	uint8_t page[4 + 6 * 1000] = { 0, 0x83, 0x17, 0x70 };
	struct designators d;

	for (size_t i = 0; i < 1000; i++) {
		uint8_t *p = page + 4 + 6 * i;

		memcpy(p, "\x01\x03\0\x02", 4);
		p[4] = (uint8_t)(i >> 8);
		p[5] = (uint8_t)i;
	}
	assert_int_equal(vpd_parse_identification(&d, page, sizeof(page)), 0);
	assert_int_equal(d.n, DESIGNATORS_MAX);
	designators_deinit(&d);
	for (unsigned n = 0; n < 256; n++) {
		page[7] = (uint8_t)n;
		uint8_t *p = cut(page, 200);
		assert_int_equal(vpd_parse_identification(&d, p, 200), 0);
		free(p);
		for (size_t i = 0; i < d.n; i++)
			assert_true(strlen(d.text[i]) <= 4 + 2 * 255);
		designators_deinit(&d);
	}
}

static void
test_small_pages(void **state)
{
	uint8_t b0[64] = { 0, 0xb0, 0, 0x3c, [8] = 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t b1[64] = { 0, 0xb1, 0, 0x3c, 0x1c, 0x20 };
	uint8_t b2[8] = { 0, 0xb2, 0, 4, 0, 0, 2 };

	for (size_t len = 0; len <= 64; len++) {
		struct block_limits l;
		uint16_t rate;
		bool thin;

		assert_int_equal(vpd_parse_block_limits(&l, b0, len), len >= 4);
		if (len >= 4) {
			assert_int_equal(l.max_transfer,
					 len >= 12 ? 0x01020304 : 0);
			assert_int_equal(l.optimal_transfer,
					 len >= 16 ? 0x05060708 : 0);
		}
		assert_int_equal(vpd_parse_characteristics(&rate, b1, len),
				 len >= 6);
		if (len >= 6)
			assert_int_equal(rate, 7200);
		if (len > sizeof(b2))
			continue;
		assert_int_equal(vpd_parse_provisioning(&thin, b2, len),
				 len >= 7);
		if (len >= 7)
			assert_true(thin);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard),
		cmocka_unit_test(test_standard_length),
		cmocka_unit_test(test_supported),
		cmocka_unit_test(test_serial),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_small_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
