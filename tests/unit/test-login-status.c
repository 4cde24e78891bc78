/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every Status-Class and Status-Detail has a text and a reaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "login/status.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* The statuses of RFC 7143 11.13.5, and a word of what must be said. */
static const struct {
	uint16_t status;
	int code;
	enum login_retry retry;
	const char *word;
} rfc[] = {
	{ 0x0101, LUN_EPROTO, RETRY_NEVER_UNCHANGED, "temporarily" },
	{ 0x0102, LUN_EPROTO, RETRY_NEVER_UNCHANGED, "permanently" },
	{ 0x0200, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "initiator" },
	{ 0x0201, LUN_EAUTH, RETRY_NEVER_UNCHANGED, "authentication" },
	{ 0x0202, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "not allowed" },
	{ 0x0203, LUN_ENOTFOUND, RETRY_NEVER_UNCHANGED, "no such target" },
	{ 0x0204, LUN_ENOTFOUND, RETRY_NEVER_UNCHANGED, "removed" },
	{ 0x0205, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "version" },
	{ 0x0206, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "too many" },
	{ 0x0207, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "parameter" },
	{ 0x0208, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "connection" },
	{ 0x0209, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "type of session" },
	{ 0x020a, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "not exist" },
	{ 0x020b, LUN_EREFUSED, RETRY_NEVER_UNCHANGED, "invalid" },
	{ 0x0300, LUN_EREFUSED, RETRY_LATER, "hardware" },
	{ 0x0301, LUN_EREFUSED, RETRY_LATER, "not in operation" },
	{ 0x0302, LUN_EREFUSED, RETRY_LATER, "resources" },
};

static void
test_the_rfcs(void **state)
{
	for (size_t i = 0; i < COUNT(rfc); i++) {
		uint8_t class = (uint8_t)(rfc[i].status >> 8);
		uint8_t detail = (uint8_t)rfc[i].status;
		const struct login_status *s = login_status_find(class, detail);
		char number[8];

		assert_int_equal(s->status_class, class);
		assert_int_equal(s->status_detail, detail);
		assert_int_equal(s->code, rfc[i].code);
		assert_int_equal(s->retry, rfc[i].retry);
		assert_non_null(strstr(s->text, rfc[i].word));
		snprintf(number, sizeof(number), "(%04x)", rfc[i].status);
		assert_non_null(strstr(s->text, number));
		assert_ptr_equal(login_status_text(class, detail), s->text);
	}
}

/* The class decides, whatever the detail. */
/* shows: 7143-11.13.5-03 5048-11.6-01 7143-11.13.5-08 7143-11.13.5-09 */
static void
test_all_numbers(void **state)
{
	for (unsigned int class = 0; class < 256; class++) {
		for (unsigned int detail = 0; detail < 256; detail++) {
			const struct login_status *s =
			    login_status_find((uint8_t)class, (uint8_t)detail);

			assert_non_null(s->text);
			assert_true(s->status_detail == -1 ||
				    s->status_detail == (int)detail);
			assert_int_equal(s->retry, class == 0 || class == 3
			    ? RETRY_LATER : RETRY_NEVER_UNCHANGED);
			if (class != 0)
				assert_true(s->code < 0);
			if (class >= 1 && class <= 3)
				assert_int_equal(s->status_class, class);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_rfcs),
		cmocka_unit_test(test_all_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
