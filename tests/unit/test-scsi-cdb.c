/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command descriptor blocks byte by byte, and the list of harmless ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "scsi/cdb.h"

static void
expect(const struct command *c, const char *bytes, size_t len)
{
	assert_int_equal(c->cdb_len, len);
	assert_memory_equal(c->cdb, bytes, len);
	for (size_t i = len; i < CDB_LEN; i++)
		assert_int_equal(c->cdb[i], 0);
	assert_non_null(cdb_name(c->cdb));
}

#define EXPECT(c, s) expect((c), s, sizeof(s) - 1)

static void
test_bytes(void **state)
{
	struct command c;

	memset(&c, 0xff, sizeof(c));
	cdb_test_unit_ready(&c);
	EXPECT(&c, "\0\0\0\0\0\0");
	cdb_inquiry(&c, 0x1234);
	EXPECT(&c, "\x12\0\0\x12\x34\0");
	cdb_vpd(&c, 0x83, 255);
	EXPECT(&c, "\x12\x01\x83\0\xff\0");
	cdb_report_luns(&c, 0x01020304);
	EXPECT(&c, "\xa0\0\0\0\0\0\x01\x02\x03\x04\0\0");
	cdb_read_capacity_10(&c);
	EXPECT(&c, "\x25\0\0\0\0\0\0\0\0\0");
	cdb_read_capacity_16(&c, 32);
	EXPECT(&c, "\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20\0\0");
	cdb_mode_sense_6(&c, MODE_PAGE_CACHING, 192);
	EXPECT(&c, "\x1a\x08\x08\0\xc0\0");
	cdb_mode_sense_10(&c, MODE_PAGE_ALL, 0x1234);
	EXPECT(&c, "\x5a\x08\x3f\0\0\0\0\x12\x34\0");
	cdb_synchronize_cache(&c, UINT64_C(1) << 32);
	EXPECT(&c, "\x35\0\0\0\0\0\0\0\0\0");
	cdb_synchronize_cache(&c, (UINT64_C(1) << 32) + 1);
	EXPECT(&c, "\x91\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

/* The 10-byte form as long as all numbers fit in it. */
static void
test_read_write(void **state)
{
	struct command c;

	cdb_read(&c, 0x01020304, 0x0506);
	EXPECT(&c, "\x28\0\x01\x02\x03\x04\0\x05\x06\0");
	cdb_write(&c, 0x01020304, 0x0506, false);
	EXPECT(&c, "\x2a\0\x01\x02\x03\x04\0\x05\x06\0");
	cdb_write(&c, 0xfffffffe, 2, true);
	EXPECT(&c, "\x2a\x08\xff\xff\xff\xfe\0\0\x02\0");
	cdb_write(&c, 0xfffffffe, 3, true);
	EXPECT(&c, "\x8a\x08\0\0\0\0\xff\xff\xff\xfe\0\0\0\x03\0\0");
	cdb_read(&c, 5, 0x10000);
	EXPECT(&c, "\x88\0\0\0\0\0\0\0\0\x05\0\x01\0\0\0\0");
	cdb_read(&c, 0x0102030405060708, 9);
	EXPECT(&c, "\x88\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\x09\0\0");
}

/* Of all first two bytes and lengths, only these pass on a read-only unit. */
static void
test_harmless(void **state)
{
	static const struct { uint8_t opcode, len; } list[] = {
		{ 0x00, 6 }, { 0x12, 6 }, { 0x1a, 6 }, { 0x25, 10 },
		{ 0x28, 10 }, { 0x5a, 10 }, { 0x88, 16 }, { 0xa0, 12 },
	};

	for (unsigned i = 0; i < 0x10000; i++) {
		uint8_t cdb[CDB_LEN] = { (uint8_t)(i >> 8), (uint8_t)i };
		bool ok = cdb[0] == 0x9e && (cdb[1] & 0x1f) == 0x10;
		size_t len = 16;

		for (size_t k = 0; k < sizeof(list) / sizeof(*list); k++)
			if (list[k].opcode == cdb[0]) {
				ok = true;
				len = list[k].len;
			}
		for (size_t n = 0; n <= sizeof(cdb); n++)
			assert_int_equal(cdb_is_harmless(cdb, n),
					 ok && n == len);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
