/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iSNS client looks for targets to boot from: members of boot lists. */
#include "isns-script.h"

#define DOMAINS "DevAttrQry 32=" US " 2065= 0="

static void
domain_key(void)
{
	tlv(&t.w, 2065, NULL, 0);
	tlv(&t.w, 0, NULL, 0);
}

/* Two domains, of which the second is a boot list; what each has in the answer
 * stands in any order behind its id.
 * shows: 4171-6.11.2.9-01 */
static void
test_boot_list(void **state)
{
	begin_as("", false, true, &nowhere);
	assert_string_equal(sent(), DOMAINS);
	end();

	for (int order = 0; order < 2; order++) {
		begin_as("", false, true, &nowhere);
		answer(0);
		domain_key();
		tlv32(&t.w, 2065, 1);
		tlv_text(&t.w, 2066, "all");
		tlv_text(&t.w, 2068, US);
		tlv_text(&t.w, 2068, "iqn.2026-11.a:one");
		tlv32(&t.w, 2078, 2);
		tlv32(&t.w, 2065, 2);
		if (order == 0)
			tlv32(&t.w, 2078, 1);
		tlv32(&t.w, 2067, 7);
		tlv_text(&t.w, 2068, US);
		tlv_text(&t.w, 2068, "iqn.2026-11.a:two");
		tlv_text(&t.w, 2068, "IQN.2026-11.a:three");
		tlv_text(&t.w, 2068, "../../etc/passwd");
		if (order == 1)
			tlv32(&t.w, 2078, 0xffffffff);
		tlv32(&t.w, 2065, 3);
		tlv_text(&t.w, 2068, "iqn.2026-11.a:four");
		deliver();
		answer(0);
		tlv_text(&t.w, 32, "iqn.2026-11.a:two");
		tlv(&t.w, 0, NULL, 0);
		node("iqn.2026-11.a:two", 1);
		node_portal(2, 3260, 1);
		deliver();
		answer(0);
		tlv_text(&t.w, 32, "iqn.2026-11.a:three");
		tlv(&t.w, 0, NULL, 0);
		node("iqn.2026-11.a:three", 3);
		node_portal(3, 3260, 1);
		deliver();
		assert_int_equal(news(), ISNS_LISTED);
		assert_string_equal(t.shown.p,
				    "iqn.2026-11.a:three 10.0.0.3:3260,1; "
				    "iqn.2026-11.a:two 10.0.0.2:3260,1");
		end();
	}
}

/* Those who are not registered may not be shown any domain. */
static void
test_after_registration(void **state)
{
	static const uint32_t statuses[] = { 0, 6, 9 };

	for (size_t i = 0; i < 3; i++) {
		begin_as("", false, true, &nowhere);
		answer(statuses[i]);
		if (statuses[i] == 0)
			domain_key();
		deliver();
		assert_memory_equal(isns_out(t.c)->p + 2, "\0\1", 2);
		answer(0);
		deliver();
		assert_string_equal(sent(), DOMAINS);
		end();
	}

	begin_as("", false, true, &nowhere);	/* none for us either */
	answer(6);
	deliver();
	answer(0);
	deliver();
	answer(0);
	domain_key();
	deliver();
	answer(0);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_int_equal(t.shown.len, 0);
	end();
}

static void
test_refused(void **state)
{
	begin_as("", false, true, &nowhere);
	answer(5);
	deliver();
	assert_int_equal(news(), ISNS_FAILED);
	assert_non_null(strstr(t.err.text, "query for domains"));
	end();

	begin_as("", false, true, &nowhere);
	answer(0);
	domain_key();
	tlv32(&t.w, 2065, 1);
	tlv_text(&t.w, 2078, "not a number");
	deliver();
	assert_int_equal(news(), ISNS_FAILED);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_list),
		cmocka_unit_test(test_after_registration),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
