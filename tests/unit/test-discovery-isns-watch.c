/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iSNS client that watches: registration, notices of the server, its end. */
#include "isns-script.h"

static const struct isns_portal somewhere = {
	.address = { [10] = 0xff, 0xff, 10, 0, 0, 9 }, .port = 4000,
};

#define SELF "DevAttrQry 32=" US " 32=" US " 0= 1= 32="
#define NODE " 2=2 6=600 32=" US " 33=2 34=we"
#define PORTAL " 16=10.0.0.9 17=4000"
#define ESI " 19=60 20=4000"
#define SCN " 23=4000"

/* What is the next request? It stays where it is. */
static char *
next_request(void)
{
	struct str *out = isns_out(t.c);
	size_t len = out->len;
	char *copy = malloc(len), *text;

	assert_non_null(copy);
	memcpy(copy, out->p, len);
	text = sent();
	assert_int_equal(out->len, 0);
	str_add_bytes(out, copy, len);
	free(copy);
	return text;
}

static void
answer_with_one(void)
{
	answer(0);
	empty_key();
	node("iqn.2026-11.a:one", 1);
	node_portal(1, 3260, 1);
	deliver();
	assert_int_equal(news(), ISNS_LISTED);
	assert_string_equal(t.shown.p, "iqn.2026-11.a:one 10.0.0.1:3260,1");
}

/* From the beginning to the rest, at a server that registers us for a period. */
static void
begin_rest(uint32_t period)
{
	begin("", true, &somewhere);
	answer(0);
	tlv_text(&t.w, 32, US);
	tlv(&t.w, 0, NULL, 0);
	deliver();
	answer(0);
	tlv_text(&t.w, 1, "entity");
	tlv(&t.w, 0, NULL, 0);
	tlv_text(&t.w, 1, "entity");
	tlv32(&t.w, 6, period);
	tlv_address(&t.w, 16, 10, 0, 0, 9);
	deliver();
	answer(0);
	deliver();
	answer_with_one();
	assert_int_equal(isns_out(t.c)->len, 0);
}

/* shows: 4171-5.6.5.5-01 4171-5.6.5.5-02 4171-5.6.4-01 4171-2.3-01 */
static void
test_registration(void **state)
{
	begin("", true, &somewhere);
	assert_string_equal(next_request(), SELF);
	answer(0);
	deliver();
	assert_string_equal(next_request(), "DevAttrReg 32=" US " 0= 1=" NODE
			    PORTAL ESI SCN);
	answer(0);
	deliver();
	/* removed, added, updated; targets and self; no management */
	assert_string_equal(next_request(), "SCNReg 32=" US " 32=" US
			    " 0= 35=92");
	answer(0);
	deliver();
	answer_with_one();
	/* orderly end */
	isns_leave(t.c);
	assert_string_equal(sent(), "DevDereg 32=" US " 0=" PORTAL " 32=" US);
	end();

	/* a server that does not know us says so by a status, too */
	for (uint32_t status = 6; status <= 9; status++) {
		begin("", true, &somewhere);
		answer(status);
		deliver();
		assert_int_equal(strncmp(next_request(), "DevAttrReg", 10), 0);
		end();
	}
}

/* Our node is there, registered by somebody else: it gets a portal more, and
 * stays when we leave.
 * shows: 4171-5.6.5.1-03 4171-5.6.5.1-01 */
static void
test_a_node_of_others(void **state)
{
	begin("", true, &somewhere);
	answer(0);
	tlv_text(&t.w, 32, US);
	tlv(&t.w, 0, NULL, 0);
	tlv_text(&t.w, 1, "entity");
	tlv_text(&t.w, 32, US);
	deliver();
	assert_string_equal(next_request(), "DevAttrReg 32=" US " 1=entity 0= "
			    "1=entity" PORTAL ESI SCN);
	answer(0);
	deliver();
	isns_leave(t.c);
	sent();				/* SCNReg */
	assert_string_equal(sent(), "DevDereg 32=" US " 0=" PORTAL);
	end();
}

/* shows: 4171-6.3.4-01 */
static void
test_refusals(void **state)
{
	/* no ESI there: without */
	begin("", true, &somewhere);
	answer(9);
	deliver();
	answer(21);
	deliver();
	assert_string_equal(next_request(), "DevAttrReg 32=" US " 0= 1=" NODE
			    PORTAL SCN);
	/* not at all: the list is had all the same */
	answer(8);
	deliver();
	answer_with_one();
	assert_non_null(strstr(t.log, "Source Unauthorized (8): changes are "
			       "seen late"));
	isns_leave(t.c);
	assert_int_equal(isns_out(t.c)->len, 0);
	end();

	/* no notices */
	begin("", true, &somewhere);
	answer(9);
	deliver();
	answer(0);
	deliver();
	answer(17);
	deliver();
	answer_with_one();
	assert_non_null(strstr(t.log, "SCN Registration Rejected (17)"));
	end();
}

/* shows: 4171-5.7.5.1-01 4171-6.2.6-01 */
static void
test_the_registration_is_kept_alive(void **state)
{
	begin_rest(60);
	for (int i = 0; i < 5; i++) {
		pass_time(20 * TIME_S - 1);
		assert_int_equal(isns_out(t.c)->len, 0);
		pass_time(1);
		assert_string_equal(next_request(), SELF);
		answer(0);
		tlv_text(&t.w, 32, US);
		tlv(&t.w, 0, NULL, 0);
		tlv_text(&t.w, 1, "entity");
		tlv_text(&t.w, 32, US);
		deliver();
		answer_with_one();
	}
	end();
}

/* The server has lost what it knew: a new connection, a new registration.
 * shows: 4171-6.3.4-01 */
static void
test_forgotten(void **state)
{
	begin_rest(60);
	pass_time(20 * TIME_S);
	answer(0);
	tlv_text(&t.w, 32, US);
	tlv(&t.w, 0, NULL, 0);
	deliver();
	assert_int_equal(news(), ISNS_FAILED);
	assert_int_equal(t.err.code, LUN_ELOST);
	isns_connected(t.c, &somewhere, t.now);
	answer(9);
	deliver();
	/* ESIs did not come: perhaps they can't, and that was why */
	assert_string_equal(next_request(), "DevAttrReg 32=" US " 0= 1=" NODE
			    PORTAL SCN);
	end();
}

/* ------------------------------------------------------------- notices -- */

static struct str reply = STR_INIT(100000);

/* What the client answers to t.w, from a connection of the server's. */
static int
notice(void)
{
	size_t len = wire_len(&t.w);
	const struct isns_message m = {
		.function = get16(t.w.p + 2), .transaction = get16(t.w.p + 8),
		.payload = t.w.p + HEADER, .len = len - HEADER,
	};

	str_deinit(&reply);
	return isns_answer(t.c, &m, &reply, t.now, &t.err);
}

static void
put_scn(const char *to, uint16_t transaction)
{
	wire_begin(&t.w, ISNS_SCN, transaction, 0x8c00);
	tlv_text(&t.w, 32, to);
	tlv(&t.w, 4, "12345678", 8);
	tlv32(&t.w, 35, 0x08);
	tlv_text(&t.w, 32, "iqn.2026-11.a:new");
	tlv_text(&t.w, 32, "iqn.2026-11.a:new2");
	tlv32(&t.w, 35, 0x10);
	tlv_text(&t.w, 32, "iqn.2026-11.a:old");
	tlv32(&t.w, 35, 0x24);		/* a management SCN */
	tlv_text(&t.w, 32, "iqn.2026-11.a:\x1b[2J");
	tlv32(&t.w, 2065, 1);
}

/* shows: 4171-5.6.5.8-01 4171-5.7.5.8-01 4171-5.6.5.5-02 4171-5.1.4-01 */
static void
test_scn(void **state)
{
	static const uint8_t head[] = { 0, 1, 0x80, 8, 0, 32, 0x8c, 0, 0x12,
		0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 20 };

	begin_rest(600);
	put_scn(US, 0x1234);
	assert_int_equal(notice(), 0);
	assert_int_equal(reply.len, 12 + 4 + 8 + 20);
	assert_memory_equal(reply.p, head, sizeof(head));
	assert_string_equal(reply.p + sizeof(head), US);
	/* each change with its own bitmap; nothing that moves the cursor */
	assert_non_null(strstr(t.log, "0x08 of iqn.2026-11.a:new2\n"));
	assert_non_null(strstr(t.log, "0x10 of iqn.2026-11.a:old\n"));
	assert_non_null(strstr(t.log, "0x24 of iqn.2026-11.a:\\x1b[2J\n"));

	/* delivered twice, looked at once */
	assert_int_equal(notice(), 0);
	assert_int_equal(isns_out(t.c)->len, 0);
	pass_time(TIME_S);
	answer_with_one();
	pass_time(TIME_S);
	assert_int_equal(isns_out(t.c)->len, 0);
	end();
}

/* Changes that never pause are looked at all the same. */
static void
test_scn_without_end(void **state)
{
	begin_rest(600);
	put_scn(US, 1);
	for (int i = 0; i < 20 && isns_out(t.c)->len == 0; i++) {
		assert_int_equal(notice(), 0);
		pass_time(TIME_S / 20);
	}
	answer_with_one();
	end();
}

/* While a query is under way: what it shows may be older. */
static void
test_scn_within_a_query(void **state)
{
	begin_rest(600);
	put_scn(US, 1);
	notice();
	pass_time(TIME_S);
	notice();
	answer_with_one();
	pass_time(TIME_S);
	answer_with_one();
	pass_time(TIME_S);
	assert_int_equal(isns_out(t.c)->len, 0);
	end();
}

/* On our own connection, too. */
static void
test_notices_among_answers(void **state)
{
	begin_rest(600);
	put_scn(US, 0x1234);
	deliver();
	assert_string_equal(sent(), "SCNRsp status=0 32=" US);
	wire_begin(&t.w, ISNS_ESI, 0, 0x8c00);
	tlv_text(&t.w, 1, "entity");
	deliver();
	assert_string_equal(sent(), "ESIRsp status=0 1=entity");
	end();
}

/* shows: 4171-5.6.5.13-01 */
static void
test_esi(void **state)
{
	static struct wire copy;

	begin_rest(600);
	wire_begin(&t.w, ISNS_ESI, 0, 0x8c00);
	tlv(&t.w, 4, "12345678", 8);
	tlv_text(&t.w, 1, "entity");
	tlv_address(&t.w, 16, 10, 0, 0, 9);
	tlv32(&t.w, 17, 4000);
	copy = t.w;
	assert_int_equal(notice(), 0);
	assert_int_equal(reply.len, copy.len + 4);
	assert_memory_equal(reply.p + 2, "\x80\x0d", 2);
	assert_memory_equal(reply.p + 6, "\x8c\0\0\0\0\0\0\0\0\0", 10);
	assert_memory_equal(reply.p + 16, copy.p + HEADER, copy.len - HEADER);
	end();
}

static void
test_notices_that_make_no_sense(void **state)
{
	static const uint16_t functions[] = { 0, 1, 2, 7, 9, 14, 0x0100 };

	begin_rest(600);
	/* not for us */
	put_scn("iqn.2026-11.test:others", 1);
	assert_int_equal(notice(), 0);
	assert_int_equal(get32(reply.p + HEADER), 9);
	pass_time(TIME_S);
	assert_int_equal(isns_out(t.c)->len, 0);
	/* cut */
	for (int i = 0; i < 2; i++) {
		wire_begin(&t.w, i ? ISNS_ESI : ISNS_SCN, 1, 0x8c00);
		u32(&t.w, 32);
		u32(&t.w, 100);
		assert_int_equal(notice(), LUN_EPROTO);
		assert_int_equal(reply.len, 0);
	}
	/* no notices at all */
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		wire_begin(&t.w, functions[i], 1, 0x8c00);
		assert_int_equal(notice(), LUN_EPROTO);
	}
	/* too large to be sent back */
	wire_begin(&t.w, ISNS_ESI, 1, 0x8c00);
	for (int i = 0; i < 1100; i++)
		tlv(&t.w, 99999, "12345678", 8);
	assert_int_equal(notice(), LUN_EPROTO);
	str_deinit(&reply);
	end();
}

/* A server that asks without end and reads nothing. */
static void
test_too_many_notices(void **state)
{
	begin_rest(600);
	for (int i = 0; i < 10000 && news() == ISNS_NO_NEWS; i++) {
		wire_begin(&t.w, ISNS_ESI, 0, 0x8c00);
		tlv_text(&t.w, 1, "entity");
		deliver();
		assert_true(isns_out(t.c)->len <= 70000);
	}
	assert_int_equal(t.err.code, LUN_EPROTO);
	end();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registration),
		cmocka_unit_test(test_a_node_of_others),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_the_registration_is_kept_alive),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_scn),
		cmocka_unit_test(test_scn_without_end),
		cmocka_unit_test(test_scn_within_a_query),
		cmocka_unit_test(test_notices_among_answers),
		cmocka_unit_test(test_esi),
		cmocka_unit_test(test_notices_that_make_no_sense),
		cmocka_unit_test(test_too_many_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
