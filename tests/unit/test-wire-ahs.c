/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Additional header segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/ahs.h"
#include "wire/pdu.h"

/*
 * Each length of a CDB, with and without the other segment.
 * shows: 7143-11.2.2.2-01 7143-11.2.2.3-01 7143-11.2.2.4-01
 */
static void
test_round_trip(void **state)
{
	for (unsigned int i = 0; i <= 2 * (CDB_LEN_MAX - 16) + 1; i++) {
		struct ahs ahs = { .extended_cdb_len = (uint16_t)(i / 2) };
		struct ahs back;
		uint8_t buf[AHS_ENCODED_MAX];

		for (size_t k = 0; k < i / 2; k++)
			ahs.extended_cdb[k] = (uint8_t)(k + 1);
		if (i % 2) {
			ahs.has_bidi_read_length = true;
			ahs.bidi_read_length = 0x01020304;
		}
		memset(buf, 0xee, sizeof(buf));
		size_t n = ahs_encode(&ahs, buf), cdb_part = 0;
		if (i / 2 > 0) {
			size_t cdb_len = 16 + i / 2;

			cdb_part = 4 + (i / 2 + 3) / 4 * 4;
			assert_int_equal(buf[0] << 8 | buf[1], cdb_len - 15);
			assert_int_equal(buf[2], 1);
			assert_int_equal(buf[3], 0);
			assert_memory_equal(buf + 4, ahs.extended_cdb, i / 2);
			for (size_t k = 4 + i / 2; k < cdb_part; k++)
				assert_int_equal(buf[k], 0);
		}
		if (i % 2)
			assert_memory_equal(buf + cdb_part,
					    "\0\5\2\0\1\2\3\4", 8);
		assert_int_equal(n, cdb_part + (i % 2 ? 8 : 0));

		memset(&back, 0xee, sizeof(back));
		assert_int_equal(ahs_decode(&back, buf, n, NULL), 0);
		assert_int_equal(back.extended_cdb_len, i / 2);
		assert_memory_equal(back.extended_cdb, ahs.extended_cdb,
				    sizeof(ahs.extended_cdb));
		assert_int_equal(back.has_bidi_read_length, i % 2);
		assert_int_equal(back.bidi_read_length, ahs.bidi_read_length);

		/* cut anywhere within a segment: refused */
		for (size_t cut = 1; cut < n; cut++)
			if (cut != cdb_part)
				assert_int_equal(ahs_decode(&back, buf, cut,
							    NULL), LUN_EPROTO);
	}
}

static void
test_cases(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int result;
	} cases[] = {
		{ "\0\0\1\0", 4, LUN_EPROTO },		/* AHSLength 0 */
		{ "\0\1\1\0", 4, LUN_EPROTO },		/* a CDB of 16 bytes */
		{ "\0\1\2\0", 4, LUN_EPROTO },
		{ "\0\4\2\0\1\2\3\0", 8, LUN_EPROTO },	/* bidi of 3 bytes */
		{ "\0\5\2\0\1\2\3\4\0\5\2\0\1\2\3\4", 16, LUN_EPROTO },
		{ "\0\2\1\0\1\0\0\0\0\2\1\0\1\0\0\0", 16, LUN_EPROTO },
		{ "\0\5\2\0\1\2\3\4\0\5\1\0\1\2\3\4", 16, 0 },
		{ "\0\5\2\xff\1\2\3\4", 8, 0 },		/* reserved byte */
		{ "\0\5\xc2\0\1\2\3\4", 8, 0 },		/* reserved bits */
		{ "\0\1\77\0\0\5\2\0\1\2\3\4", 12, 0 },	/* unknown type */
		{ "\0\1\0\0\0\5\2\0\1\2\3\4", 12, 0 },
		{ "\xff\xff\77\0\0\0\0\0", 8, LUN_EPROTO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lun_error err = { 0 };
		struct ahs ahs = { .extended_cdb_len = 77 };
		uint8_t *exact = malloc(cases[i].len);

		memcpy(exact, cases[i].bytes, cases[i].len);
		assert_int_equal(ahs_decode(&ahs, exact, cases[i].len, &err),
				 cases[i].result);
		assert_int_equal(err.code, cases[i].result);
		if (cases[i].result < 0)
			assert_int_equal(ahs.extended_cdb_len, 77);
		else
			assert_int_equal(ahs.bidi_read_length, 0x01020304);
		free(exact);
	}
}

/* An extended CDB longer than any CDB, in the room that a PDU has for it. */
static void
test_too_long(void **state)
{
	for (unsigned int len = CDB_LEN_MAX - 16; len <= AHS_LEN_MAX - 4; len++) {
		uint8_t buf[AHS_LEN_MAX] = {
			(uint8_t)((len + 1) >> 8), (uint8_t)(len + 1), 1,
		};
		struct ahs ahs;

		assert_int_equal(ahs_decode(&ahs, buf, 4 + (len + 3) / 4 * 4,
					    NULL),
				 len == CDB_LEN_MAX - 16 ? 0 : LUN_EPROTO);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
