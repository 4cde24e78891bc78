/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logical unit numbers as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/lun.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t lun;
	} cases[] = {
		{ "0", 0, 0 }, { "1", 0, 0x0001000000000000 },
		{ "255", 0, 0x00ff000000000000 },
		{ "256", 0, 0x4100000000000000 },
		{ "16383", 0, 0x7fff000000000000 },
		{ "00007", 0, 0x0007000000000000 },
		{ "16384", LUN_EINVAL, 0 }, { "99999", LUN_EINVAL, 0 },
		{ "4752-3a4f-6b7e-2f99", 0, 0x47523a4f6b7e2f99 },
		{ "4752-3A4F-6b7e-2F99", 0, 0x47523a4f6b7e2f99 },
		{ "6734-9-156f-127", 0, 0x67340009156f0127 },
		{ "4186-9", 0, 0x4186000900000000 },
		{ "c101", 0, 0xc101000000000000 },
		{ "a", 0, 0x000a000000000000 },
		{ "1-0", 0, 0x0001000000000000 },
		{ "10-0", 0, 0x0010000000000000 },
		{ "", LUN_EINVAL, 0 }, { "-", LUN_EINVAL, 0 },
		{ "-1", LUN_EINVAL, 0 }, { "1-", LUN_EINVAL, 0 },
		{ "1--2", LUN_EINVAL, 0 }, { "1-2-3-4-5", LUN_EINVAL, 0 },
		{ "1-2-3-4-", LUN_EINVAL, 0 }, { "12345-1", LUN_EINVAL, 0 },
		{ "000000", LUN_EINVAL, 0 }, { "g", LUN_EINVAL, 0 },
		{ " 1", LUN_EINVAL, 0 }, { "1 ", LUN_EINVAL, 0 },
		{ "0x1", LUN_EINVAL, 0 }, { "+1", LUN_EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lun_error err = { 0 };
		uint64_t lun = 4711;

		assert_int_equal(lun_parse(&lun, cases[i].text, &err),
				 cases[i].result);
		assert_int_equal(err.code, cases[i].result);
		assert_true(lun == (cases[i].result < 0 ? 4711 : cases[i].lun));
		if (cases[i].result < 0)
			assert_non_null(strstr(err.text, cases[i].text));
	}
}

static void
check_there_and_back(uint64_t lun)
{
	char text[LUN_TEXT_MAX];
	uint64_t back = ~lun;

	assert_int_equal(lun_parse(&back, lun_print(lun, text), NULL), 0);
	assert_true(back == lun);
}

/* All values of the first level, alone and with something behind. */
static void
test_print_and_parse(void **state)
{
	char text[LUN_TEXT_MAX];

	for (uint64_t first = 0; first <= 0xffff; first++) {
		check_there_and_back(first << 48);
		check_there_and_back(first << 48 | 1);
		check_there_and_back(first << 48 | first << 32);
		check_there_and_back(first);
	}
	for (unsigned int n = 0; n <= 16383; n++) {
		char want[16];
		uint64_t lun;

		snprintf(want, sizeof(want), "%u", n);
		assert_int_equal(lun_parse(&lun, want, NULL), 0);
		assert_string_equal(lun_print(lun, text), want);
	}
	/* flat space with a number that peripheral addressing prints */
	assert_string_equal(lun_print(0x4001000000000000, text),
			    "4001-0000-0000-0000");
	assert_string_equal(lun_print(0xd2000001abcdef01, text),
			    "d200-0001-abcd-ef01");
	assert_string_equal(lun_print(UINT64_MAX, text), "ffff-ffff-ffff-ffff");
}

static void
test_well_known(void **state)
{
	for (uint64_t first = 0; first <= 0xff; first++)
		assert_int_equal(lun_is_well_known(first << 56 | UINT64_C(1) << 48),
				 first == 0xc1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_print_and_parse),
		cmocka_unit_test(test_well_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
