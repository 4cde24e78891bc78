/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iSNS client, asked once: what it asks, in which order, and when it fails. */
#include "isns-script.h"

#define QUERY "DevAttrQry 32=" US " 32= 0= 32= 33= 34= 16= 17= 49= 50= 51="

/* ------------------------------------------------------------ asked once -- */

/* shows: 4171-5.6-01 4171-5.6.1-01 4171-5.6.5.2-01 4171-7.2-02 */
static void
test_one_query_is_enough(void **state)
{
	begin("", false, &nowhere);
	assert_string_equal(sent(), QUERY);
	end();

	begin("", false, &nowhere);
	answer(0);
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 7);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_string_equal(t.shown.p, "iqn.2026-11.a:one 10.0.0.1:3260,7");
	assert_int_equal(isns_out(t.c)->len, 0);
	assert_int_equal(news(), ISNS_NO_NEWS);
	end();
}

/* The whole exchange when a server does not answer strangers.
 * shows: 4171-2.3-01 4171-5.6.5.1-01 4171-5.6.5.1-02 4171-5.6.4-01
 * 4171-6.2.1-01 4171-6.4.2-01 4171-5.6.5.4-01 4171-4.1.3-01 */
static void
test_a_server_that_wants_to_know_us(void **state)
{
	for (uint32_t status = 6; status <= 8; status++) {
		begin("", false, &nowhere);
		answer(status);
		deliver();
		assert_string_equal(sent(), "DevAttrReg 32=" US " 0= 1= 2=2 "
				    "6=600 32=" US " 33=2 34=we");
		end();

		begin("", false, &nowhere);
		answer(status);
		deliver();
		answer(0);
		tlv_text(&t.w, 1, "isns.entity.0001");
		tlv(&t.w, 0, NULL, 0);
		tlv_text(&t.w, 1, "isns.entity.0001");
		tlv32(&t.w, 7, 1);	/* implicit ones do no harm */
		deliver();
		answer(0);
		empty_key();
		node(US, 2);
		node("iqn.2026-11.a:one", 1);
		node_portal(1, 3260, 1);
		deliver();
		assert_int_equal(news(), ISNS_NO_NEWS);
		answer(0);
		deliver();
		assert_int_equal(news(), ISNS_LISTED);
		assert_string_equal(t.shown.p,
				    "iqn.2026-11.a:one 10.0.0.1:3260,1");
		end();
	}
	/* deregistration: source, delimiter, and what we have registered */
	begin("", false, &nowhere);
	answer(6);
	deliver();
	answer(0);
	deliver();
	answer(0);
	deliver();
	assert_string_equal(sent(), "DevDereg 32=" US " 0= 32=" US);
	/* it does not come about: the list is there all the same */
	isns_disconnected(t.c);
	assert_int_equal(news(), ISNS_LISTED);
	end();
}

/* Nothing is shown: perhaps because nobody knows us. But once is enough, and a
 * node that somebody else has registered for us is left alone. */
static void
test_an_empty_list(void **state)
{
	begin("", false, &nowhere);
	answer(0);
	empty_key();
	deliver();
	assert_memory_equal(isns_out(t.c)->p + 2, "\0\1", 2);
	answer(0);
	deliver();
	answer(0);
	empty_key();
	deliver();
	answer(0);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_int_equal(t.shown.len, 0);
	end();

	begin("", false, &nowhere);
	answer(0);
	empty_key();
	node(US, 2);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_int_equal(isns_out(t.c)->len, 0);
	end();

	/* we may not register: then that was all */
	begin("", false, &nowhere);
	answer(0);
	empty_key();
	deliver();
	answer(8);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	end();
}

/* shows: 4171-5.6.5.2-02 4171-5.6.5.2-04 */
static void
test_one_target(void **state)
{
	begin("iqn.2026-11.a:one", false, &nowhere);
	assert_string_equal(sent(), "DevAttrQry 32=" US " 32=iqn.2026-11.a:one"
			    " 0= 32= 33= 34= 16= 17= 49= 50= 51=");
	end();

	begin("iqn.2026-11.a:one", false, &nowhere);
	answer(0);
	tlv_text(&t.w, 32, "iqn.2026-11.a:one");
	tlv(&t.w, 0, NULL, 0);
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 1);
	node_portal(2, 3260, 2);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_string_equal(t.shown.p, "iqn.2026-11.a:one 10.0.0.1:3260,1 "
			    "10.0.0.2:3260,2");
	end();

	/* no such target; nor after a registration */
	for (uint32_t status = 0; status <= 9; status += 9) {
		begin("iqn.2026-11.a:none", false, &nowhere);
		for (int i = 0; i < 4; i++) {
			answer(i % 2 == 0 && i < 3 ? status : 0);
			deliver();
		}
		assert_int_equal(news(), ISNS_LISTED);
		assert_int_equal(t.shown.len, 0);
		end();
	}
}

/* ------------------------------------------------------------- failures -- */

/* shows: 4171-5.4-01 */
static void
test_every_status_in_words(void **state)
{
	static const struct {
		uint32_t status;
		int code;
		const char *text;
	} cases[] = {
		{ 1, LUN_EREFUSED, "Unknown Error (1)" },
		{ 2, LUN_EREFUSED, "Message Format Error (2)" },
		{ 5, LUN_EREFUSED, "Invalid Query (5)" },
		{ 10, LUN_EPROTO, "Version Not Supported (10)" },
		{ 12, LUN_EREFUSED, "Busy (12)" },
		{ 18, LUN_EREFUSED, "Attribute Not Implemented (18)" },
		{ 23, LUN_EREFUSED, "Registration Feature Not Supported (23)" },
		{ 24, LUN_EREFUSED, "status 24" },
		{ UINT32_MAX, LUN_EREFUSED, "status 4294967295" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("", false, &nowhere);
		answer(cases[i].status);
		deliver();
		assert_int_equal(news(), ISNS_FAILED);
		assert_int_equal(t.err.code, cases[i].code);
		assert_non_null(strstr(t.err.text, cases[i].text));
		end();
	}
	/* unknown to the server, which does not want to know us either */
	begin("", false, &nowhere);
	answer(6);
	deliver();
	answer(8);
	deliver();
	assert_int_equal(news(), ISNS_FAILED);
	assert_string_equal(t.err.text, "registration: the server says: "
			    "Source Unauthorized (8)");
	end();
}

/* shows: 4171-5.1.5-01 */
static void
test_answers_to_others(void **state)
{
	uint16_t transaction;

	begin("", false, &nowhere);
	transaction = sent_transaction();
	assert_int_not_equal(transaction, 0);
	sent();
	for (uint16_t i = 1; i < 10; i++) {
		wire_begin(&t.w, 0x8002, (uint16_t)(transaction + i), SERVER);
		u32(&t.w, 0);
		empty_key();
		node("iqn.2026-11.a:wrong", 1);
		node_portal(6, 3260, 1);
		deliver();
		assert_int_equal(news(), ISNS_NO_NEWS);
	}
	wire_begin(&t.w, 0x8002, transaction, SERVER);
	u32(&t.w, 0);
	empty_key();
	node("iqn.2026-11.a:right", 1);
	node_portal(1, 3260, 1);
	deliver();
	deliver();			/* once more */
	assert_int_equal(news(), ISNS_LISTED);
	assert_string_equal(t.shown.p, "iqn.2026-11.a:right 10.0.0.1:3260,1");
	assert_int_equal(news(), ISNS_NO_NEWS);
	end();
}

static void
put_cut_attribute(void)
{
	u32(&t.w, 32);
	u32(&t.w, 400);
	u32(&t.w, 0);
}

static void
put_half_attribute(void)
{
	u32(&t.w, 32);
}

static void
put_long_type(void)
{
	tlv_text(&t.w, 32, "iqn.2026-11.a:one");
	tlv(&t.w, 33, "12345678", 8);
}

/* Errors, none of which leaves a list; each reply to each of the steps. */
static void
test_malformed_answers(void **state)
{
	static void (*const put[])(void) = {
		put_cut_attribute, put_half_attribute, put_long_type,
	};

	for (size_t i = 0; i < 3; i++) {
		begin("", false, &nowhere);
		answer(0);
		empty_key();
		put[i]();
		deliver();
		assert_int_equal(news(), ISNS_FAILED);
		assert_int_equal(t.err.code, LUN_EPROTO);
		assert_int_equal(strncmp(t.err.text, "query: ", 7), 0);
		assert_int_equal(news(), ISNS_NO_NEWS);
		end();
	}
	/* the function of another response; no status */
	for (int i = 0; i < 2; i++) {
		begin("", false, &nowhere);
		answer(0);
		if (i == 0)
			put16(t.w.p + 2, 0x8003);
		else
			t.w.len -= 4;
		deliver();
		assert_int_equal(news(), ISNS_FAILED);
		assert_int_equal(t.err.code, LUN_EPROTO);
		end();
	}
}

/* shows: 4171-5.2-01 */
static void
test_no_answer_in_time(void **state)
{
	begin("", false, &nowhere);
	answer(0);
	empty_key();
	put16(t.w.p + 6, 0x4400);	/* the last PDU never comes */
	deliver();
	pass_time(5 * TIME_S - 1);
	assert_int_equal(news(), ISNS_NO_NEWS);
	pass_time(1);
	assert_int_equal(news(), ISNS_FAILED);
	assert_int_equal(t.err.code, LUN_ETIMEDOUT);
	assert_string_equal(t.err.text, "query: no answer within 5 s");
	end();
}

/* --------------------------------------------------------- one by one -- */

static void
walk_answer(const char *name, uint32_t type)
{
	answer(0);
	tlv_text(&t.w, 32, name);
	tlv(&t.w, 0, NULL, 0);
	tlv_text(&t.w, 32, name);
	tlv32(&t.w, 33, type);
	deliver();
}

/* shows: 4171-5.6.5.3-01 4171-5.6.5.3-02 */
static void
test_a_walk(void **state)
{
	char want[200];

	begin("", false, &nowhere);
	answer(11);
	deliver();
	assert_string_equal(sent(), "DevGetNext 32=" US " 32= 0= 33=");
	end();

	begin("", false, &nowhere);
	answer(11);
	deliver();
	for (int i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "iqn.2026-11.a:%03d", i);
		walk_answer(name, i % 10 == 0 ? 1 : 2);
		snprintf(want, sizeof(want), "DevGetNext 32=" US " 32=%s 0= "
			 "33=", name);
		/* looked at, and put back */
		struct str *out = isns_out(t.c);
		size_t len = out->len;
		char *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, out->p, len);
		assert_string_equal(sent(), want);
		str_add_bytes(out, copy, len);
		free(copy);
	}
	answer(9);
	deliver();
	for (int i = 0; i < 1000; i += 10) {
		char name[64];

		snprintf(name, sizeof(name), "iqn.2026-11.a:%03d", i);
		assert_memory_equal(isns_out(t.c)->p + 2, "\0\2", 2);
		/* some vanish, some fail meanwhile */
		answer(i == 500 ? 9 : i == 510 ? 11 : 0);
		tlv_text(&t.w, 32, name);
		tlv(&t.w, 0, NULL, 0);
		node(name, 1);
		node_portal(1, 3260, 1);
		deliver();
	}
	assert_int_equal(news(), ISNS_LISTED);

	size_t n = 0;

	for (char *p = t.shown.p; (p = strstr(p, "10.0.0.1:3260,1")); p++)
		n++;
	assert_int_equal(n, 98);
	end();
}

/* The key of the walk is the server's own, that of a query a prepared name.
 * shows: 4171-5.6.2-01 */
static void
test_a_walk_to_capitals(void **state)
{
	begin("", false, &nowhere);
	answer(11);
	deliver();
	walk_answer("IQN.2026-11.A:One", 1);
	assert_string_equal(sent(), "DevGetNext 32=" US
			    " 32=IQN.2026-11.A:One 0= 33=");
	end();

	begin("", false, &nowhere);
	answer(11);
	deliver();
	walk_answer("IQN.2026-11.A:One", 1);
	answer(9);
	deliver();
	assert_string_equal(sent(), "DevAttrQry 32=" US " 32=iqn.2026-11.a:one"
			    " 0= 32= 33= 34= 16= 17= 49= 50= 51=");
	end();
}

/* Circles of every length up to 40, after beginnings of every length. */
static void
test_a_walk_in_circles(void **state)
{
	for (int begins = 0; begins < 12; begins++) {
		for (int length = 1; length < 40; length++) {
			int i = 0;

			begin("", false, &nowhere);
			answer(11);
			deliver();
			for (;; i++) {
				char name[64];
				int k = i < begins ? i :
					begins + (i - begins) % length;

				assert_true(i < 200);
				snprintf(name, sizeof(name),
					 "iqn.2026-11.a:%d", k);
				walk_answer(name, 1);
				if (news() == ISNS_FAILED)
					break;
			}
			assert_int_equal(t.err.code, LUN_EPROTO);
			assert_true(i >= begins + length);
			end();
		}
	}
}

/* A node without name, or with one that is no key. */
static void
test_a_walk_to_nowhere(void **state)
{
	char endless[1100];

	memset(endless, 'a', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		begin("", false, &nowhere);
		answer(11);
		deliver();
		walk_answer(i == 0 ? "" : endless, 1);
		assert_int_equal(news(), ISNS_FAILED);
		assert_int_equal(t.err.code, LUN_EPROTO);
		end();
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_query_is_enough),
		cmocka_unit_test(test_a_server_that_wants_to_know_us),
		cmocka_unit_test(test_an_empty_list),
		cmocka_unit_test(test_one_target),
		cmocka_unit_test(test_every_status_in_words),
		cmocka_unit_test(test_answers_to_others),
		cmocka_unit_test(test_malformed_answers),
		cmocka_unit_test(test_no_answer_in_time),
		cmocka_unit_test(test_a_walk),
		cmocka_unit_test(test_a_walk_to_capitals),
		cmocka_unit_test(test_a_walk_in_circles),
		cmocka_unit_test(test_a_walk_to_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
