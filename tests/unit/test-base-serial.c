/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial number arithmetic, RFC 1982. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/serial.h"

/* The property for any base: half of all numbers are after it.
 * shows: 1982-3.2-01 */
static void
test_order(void **state)
{
	static const uint32_t bases[] = {
		0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe,
		0xffffffff, 0x12345678,
	};
	static const uint32_t distances[] = {
		1, 2, 0xff, 0x10000, 0x7ffffffe, 0x7fffffff,
	};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		uint32_t a = bases[i];

		assert_false(sn_before(a, a));
		assert_false(sn_after(a, a));
		/* RFC 1982 3.2: at a distance of 2^31 there is no order */
		assert_false(sn_before(a, a + 0x80000000));
		assert_false(sn_after(a, a + 0x80000000));
		for (size_t k = 0; k < 6; k++) {
			uint32_t b = a + distances[k];

			assert_true(sn_before(a, b));
			assert_true(sn_after(b, a));
			assert_false(sn_before(b, a));
			assert_false(sn_after(a, b));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
