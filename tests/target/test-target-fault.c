/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The faults of the target, seen from an initiator: damage, lies, cuts, what
 * the target says without a reason, what it does to commands and logins.
 */
#include "fault-world.h"

/* --------------------------------------------------------------- damage -- */

/* How many bits differ from the disk's. */
static int
wrong_bits(const struct got *g)
{
	int bits = 0;

	for (uint32_t i = 0; i < g->pdu.data_segment_length; i++)
		bits += __builtin_popcount(g->data[i] ^ drive_byte(i));
	return bits;
}

static void
test_damage_that_a_digest_shows(void **state)
{
	static const char *const rules[] = {
		"corrupt=data,on=data-in,nth=2",
		"corrupt=data-digest,on=data-in,nth=2",
	};

	for (int i = 0; i < 2; i++) {
		struct world w = begin("HeaderDigest=CRC32C\n"
				       "DataDigest=CRC32C");

		fault(&w, rules[i]);
		for (uint32_t n = 1; n <= 3; n++) {
			const struct got *g;

			link_read(w.l, n, 0, 8);
			g = link_expect_any(w.l, OP_DATA_IN);
			assert_int_equal(g->digest_ok, n != 2);
			assert_int_equal(wrong_bits(g), n == 2 && i == 0);
		}
		end(&w);
	}
}

static void
test_damage_that_nobody_notices(void **state)
{
	struct world w = begin("");
	const struct got *g;

	fault(&w, "corrupt=data,on=data-in");
	link_read(w.l, 1, 0, 8);
	g = link_expect(w.l, OP_DATA_IN);
	assert_int_equal(wrong_bits(g), 1);
	fault(&w, "corrupt=data,on=scsi-command");
	link_write(w.l, 2, 0, 1, "zeros", 5, true);
	end(&w);
}

static void
test_damaged_headers_end_the_stream(void **state)
{
	static const char *const rules[] = {
		"corrupt=header,on=nop-in", "corrupt=header-digest,on=nop-in",
	};

	for (int i = 0; i < 2; i++) {
		struct world w = begin("HeaderDigest=CRC32C");

		fault(&w, rules[i]);
		ping(w.l, 1);
		assert_true(link_is_dead(w.l));
		end(&w);
	}
}

static void
test_damaged_data_to_the_target(void **state)
{
	struct world w = begin("DataDigest=CRC32C\nInitialR2T=No");
	uint8_t block[BLOCK] = { 0 };

	fault(&w, "corrupt=data,on=scsi-command");
	link_write(w.l, 1, 0, 1, block, BLOCK, true);
	link_expect_reject(w.l, REJECT_DATA_DIGEST);
	assert_int_equal(drive_disk(w.d)[1], drive_byte(1));
	end(&w);
}

static void
test_lies_have_the_right_digest(void **state)
{
	struct world w = begin("HeaderDigest=CRC32C");
	uint32_t stat_sn = link_exp_stat_sn(w.l);
	const struct got *g;

	fault(&w, "set=stat_sn:+5,on=nop-in,nth=1");
	fault(&w, "set=ttt:7,on=nop-in,nth=2");
	fault(&w, "byte=20:0x12,on=nop-in,nth=3");
	fault(&w, "set=itt:-1,on=nop-out,nth=4");
	ping(w.l, 1);
	g = pong(w.l, 1);
	assert_int_equal(g->pdu.stat_sn, stat_sn + 5);
	ping(w.l, 2);
	assert_int_equal(pong(w.l, 2)->pdu.target_transfer_tag, 7);
	ping(w.l, 3);
	assert_int_equal(pong(w.l, 3)->pdu.target_transfer_tag, 0x12ffffff);
	ping(w.l, 4);
	pong(w.l, 3);
	end(&w);
}

static void
test_a_length_that_lies(void **state)
{
	struct world w = begin("HeaderDigest=CRC32C");
	const struct got *g;

	fault(&w, "length=-4,on=data-in,nth=1");
	fault(&w, "byte=0:0x20,on=data-in,nth=1");
	link_read(w.l, 1, 0, 1);
	g = link_expect(w.l, OP_NOP_IN);
	assert_int_equal(g->pdu.data_segment_length, BLOCK - 4);
	end(&w);
}

/* --------------------------------------------------------------- the end -- */

static void
test_cut_within_a_pdu(void **state)
{
	struct world w = begin("");

	fault(&w, "cut=100,on=data-in,nth=2");
	link_read(w.l, 1, 0, 1);
	link_expect_data(w.l, 1, 0, 0, BLOCK, 0);
	link_read(w.l, 2, 0, 1);
	assert_true(link_is_dead(w.l));
	link_expect_nothing(w.l);
	end(&w);
}

static void
test_cut_before_and_after_a_pdu(void **state)
{
	struct world w = begin("");
	struct link *other;

	fault(&w, "cut,on=nop-in,once");
	ping(w.l, 1);
	assert_true(link_is_dead(w.l));
	link_expect_nothing(w.l);
	other = link_new(w.d, 0, 0, "");
	fault(&w, "cut=48,on=nop-in");
	ping(other, 2);
	assert_true(link_is_dead(other));
	pong(other, 2);
	other = link_new(w.d, 0, 0, "");
	fault(&w, "cut,on=scsi-command");
	link_read(other, 3, 0, 1);
	assert_true(link_is_dead(other));
	link_expect_nothing(other);
	end(&w);
}

/* ------------------------------------------------- what the target says -- */

static void
test_the_window_closes_and_opens_again(void **state)
{
	struct world w = begin("");
	const struct got *g = NULL;
	uint32_t max, next;

	ping(w.l, 1);
	max = pong(w.l, 1)->pdu.max_cmd_sn;
	fault(&w, "window=0,to=9");
	while ((next = drive_cmd_sn(w.d)) <= max) {
		link_read(w.l, next, 0, 1);
		g = link_expect_data(w.l, next, 0, 0, BLOCK, 0);
		assert_int_equal(g->pdu.max_cmd_sn, max);
	}
	assert_non_null(g);
	assert_int_equal(g->pdu.max_cmd_sn, g->pdu.exp_cmd_sn - 1);
	drive_run(w.d, 10 * TIME_S);
	ping(w.l, 2);
	assert_true(pong(w.l, 2)->pdu.max_cmd_sn > max);
	end(&w);
}

static void
test_async_messages(void **state)
{
	static const struct {
		const char *rule;
		enum async_event event;
		uint16_t p[3];
	} cases[] = {
		{ "async=logout:0:0:3,on=nop-in,once", ASYNC_LOGOUT,
		  { 0, 0, 3 } },
		{ "async=connection-drop:1:2:20,on=nop-in,once",
		  ASYNC_CONNECTION_DROP, { 1, 2, 20 } },
		{ "async=session-drop:0:2:20,on=nop-out,once",
		  ASYNC_SESSION_DROP, { 0, 2, 20 } },
		{ "async=negotiate:0:0:3,once,out", ASYNC_NEGOTIATE,
		  { 0, 0, 3 } },
		{ "async=task-termination,on=nop-in,once",
		  ASYNC_TASK_TERMINATION, { 0, 0, 0 } },
		{ "async=vendor,on=nop-in,once", ASYNC_VENDOR, { 0, 0, 0 } },
	};
	struct world w = begin("");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct got *g;

		fault(&w, cases[i].rule);
		ping(w.l, 1);
		pong(w.l, 1);
		g = link_expect(w.l, OP_ASYNC_MESSAGE);
		assert_int_equal(g->pdu.async_event, cases[i].event);
		assert_int_equal(g->pdu.parameter1, cases[i].p[0]);
		assert_int_equal(g->pdu.parameter2, cases[i].p[1]);
		assert_int_equal(g->pdu.parameter3, cases[i].p[2]);
		link_expect_nothing(w.l);
	}
	end(&w);
}

static void
test_an_async_message_with_sense(void **state)
{
	struct world w = begin("");
	const struct got *g;

	fault(&w, "async=scsi:6/3f/0e,on=data-in");
	link_read(w.l, 1, 0, 1);
	link_expect_data(w.l, 1, 0, 0, BLOCK, 0);
	g = link_expect(w.l, OP_ASYNC_MESSAGE);
	assert_int_equal(g->pdu.async_event, ASYNC_SCSI);
	assert_int_equal(get16(g->data), g->pdu.data_segment_length - 2);
	assert_int_equal(g->data[2 + 2], 6);
	assert_int_equal(get16(g->data + 2 + 12), 0x3f0e);
	end(&w);
}

static void
test_rejects(void **state)
{
	struct world w = begin("");

	fault(&w, "reject=invalid-field,on=nop-out,nth=1");
	ping(w.l, 1);
	link_expect_reject(w.l, REJECT_INVALID_FIELD);
	link_expect_nothing(w.l);
	ping(w.l, 2);
	pong(w.l, 2);
	end(&w);
}

/* ------------------------------------------------------------- commands -- */

static void
test_a_storm_of_unit_attentions(void **state)
{
	struct world w = begin("");

	fault(&w, "sense=6/29/00,times=20");
	fault(&w, "status=busy,skip=20,once");
	for (uint32_t n = 1; n <= 20; n++) {
		const struct got *g;

		link_read(w.l, n, 0, 1);
		g = link_expect_status(w.l, n, SCSI_CHECK_CONDITION);
		assert_int_equal(g->data[2 + 2], 6);
		assert_int_equal(get16(g->data + 2 + 12), 0x2900);
	}
	link_read(w.l, 50, 0, 1);
	link_expect_status(w.l, 50, SCSI_BUSY);
	link_read(w.l, 51, 0, 1);
	link_expect_data(w.l, 51, 0, 0, BLOCK, 0);
	end(&w);
}

static const uint8_t block_a[BLOCK] = { 'A' }, block_b[BLOCK] = { 'B' };

static void
write_block(struct world *w, struct link *l, const uint8_t *block)
{
	link_write(l, ++w->itt, 0, 1, block, BLOCK, true);
}

static void
test_a_held_write_executes_later(void **state)
{
	struct world w = begin("InitialR2T=No");

	fault(&w, "hold=5,write,nth=1");
	write_block(&w, w.l, block_a);
	link_read(w.l, 1, 0, 1);	/* it is not there yet */
	link_expect_data(w.l, 1, 0, 0, BLOCK, 0);
	drive_run(w.d, 5 * TIME_S - 1);
	link_expect_nothing(w.l);
	drive_run(w.d, 1);
	link_expect_status(w.l, w.itt, SCSI_GOOD);
	assert_int_equal(drive_disk(w.d)[0], 'A');
	end(&w);
}

/* Which command an answer belongs to, it does not say itself. */
static void
test_answers_by_what_they_belong_to(void **state)
{
	struct world w = begin("InitialR2T=No");

	fault(&w, "drop,status,write,nth=2");
	fault(&w, "drop,status,read,nth=2");
	fault(&w, "drop,lun=1");
	for (int i = 1; i <= 2; i++) {
		write_block(&w, w.l, block_a);
		if (i == 1)
			link_expect_status(w.l, w.itt, SCSI_GOOD);
		link_read(w.l, ++w.itt, 0, 1);
		if (i == 1)
			link_expect(w.l, OP_DATA_IN);
	}
	link_expect_nothing(w.l);
	assert_int_equal(drive_disk(w.d)[0], 'A');
	end(&w);
}

static void
test_held_for_ever_can_be_aborted(void **state)
{
	struct world w = begin("InitialR2T=No");

	fault(&w, "hold,write");
	write_block(&w, w.l, block_a);
	drive_run(w.d, 3600 * TIME_S);
	link_expect_nothing(w.l);
	link_tmf(w.l, 7, TMF_ABORT_TASK, w.itt, 0);
	link_expect(w.l, OP_TMF_RESPONSE);
	drive_run(w.d, 3600 * TIME_S);
	assert_int_equal(drive_disk(w.d)[0], drive_byte(0));
	end(&w);
}

/* Its time comes while it has no connection: it goes on when it has one. */
static void
test_held_beyond_its_connection(void **state)
{
	static const char *const keys[] = {
		"ErrorRecoveryLevel=2", "MaxConnections=2", NULL
	};
	struct world w = { .itt = 100, .d = drive_new(keys) };
	struct link *b;

	w.l = link_new(w.d, 0, 0, "ErrorRecoveryLevel=2\nMaxConnections=2\n"
				  "InitialR2T=No");
	b = link_new(w.d, 1, link_tsih(w.l), "");
	fault(&w, "hold=5,write");
	write_block(&w, w.l, block_a);
	link_cut(w.l);
	drive_run(w.d, 6 * TIME_S);
	assert_int_equal(drive_disk(w.d)[0], drive_byte(0));
	link_skip(b);			/* it was told, and pinged */
	link_logout(b, 7, LOGOUT_RECOVERY, 0, link_exp_stat_sn(w.l));
	link_expect(b, OP_LOGOUT_RESPONSE);
	link_tmf(b, 8, TMF_TASK_REASSIGN, w.itt, 0);
	link_expect(b, OP_TMF_RESPONSE);
	link_expect_status(b, w.itt, SCSI_GOOD);
	assert_int_equal(drive_disk(w.d)[0], 'A');
	end(&w);
}

/* What is there after a held write A, a new session, and a write B in it.
 * shows that the target keeps its part: RFC 7143 6.3.5 */
static uint8_t
stale(const char *rule)
{
	struct world w = begin("InitialR2T=No");
	struct link *next;
	uint8_t result;

	fault(&w, rule);
	write_block(&w, w.l, block_a);
	next = link_new(w.d, 0, 0, "InitialR2T=No");
	assert_true(link_is_dead(w.l));
	write_block(&w, next, block_b);
	link_expect_status(next, w.itt, SCSI_GOOD);
	assert_int_equal(drive_disk(w.d)[0], 'B');
	drive_run(w.d, 10 * TIME_S);
	result = drive_disk(w.d)[0];
	end(&w);
	return result;
}

static void
test_only_a_zombie_writes_after_its_end(void **state)
{
	assert_int_equal(stale("hold=5,write,nth=1"), 'B');
	assert_int_equal(stale("zombie=5,write,nth=1"), 'A');
}

static void
test_a_zombie_that_never_had_its_time(void **state)
{
	struct world w = begin("InitialR2T=No");

	fault(&w, "zombie=5,write,nth=1");
	write_block(&w, w.l, block_a);
	link_cut(w.l);
	end(&w);
}

/* What was held back is delivered while a payload is half here, whose buffer
 * nobody else gets. */
static void
test_a_payload_and_delayed_pdus(void **state)
{
	static uint8_t a[2 * BLOCK], b[BLOCK];
	struct world w = begin("InitialR2T=Yes");
	uint32_t ttt;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	fault(&w, "delay=1,on=nop-out");
	fault(&w, "delay=2,on=scsi-command,nth=1");
	ping(w.l, 7);
	link_write(w.l, 8, 0, 2, a, BLOCK, true);
	link_split(w.l, BHS_LEN + BLOCK / 2, 3 * TIME_S);
	link_write(w.l, 9, 2, 1, b, BLOCK, true);
	pong(w.l, 7);
	ttt = link_expect_r2t(w.l, 8, 0, BLOCK, BLOCK)->pdu.target_transfer_tag;
	link_expect_status(w.l, 9, SCSI_GOOD);
	link_data_out(w.l, 8, ttt, 0, BLOCK, a + BLOCK, BLOCK, true);
	link_expect_status(w.l, 8, SCSI_GOOD);
	assert_memory_equal(drive_disk(w.d), a, sizeof(a));
	assert_memory_equal(drive_disk(w.d) + sizeof(a), b, sizeof(b));
	end(&w);
}

/* --------------------------------------------------------------- logins -- */

static void
test_logins_are_refused_and_sent_away(void **state)
{
	struct world w = begin("");
	struct link *l;

	fault(&w, "refuse=3/2,nth=1");
	fault(&w, "redirect=127.0.0.1:9,nth=2");
	fault(&w, "refuse=2/1,portal=127.0.0.1:3261");
	assert_int_equal(link_try(w.d, &l, 1, 0, "", 0), 0x0302);
	assert_int_equal(link_try(w.d, &l, 1, 0, "", 0), 0x0101);
	assert_int_equal(link_try(w.d, &l, 1, 0, "", 0), 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_that_a_digest_shows),
		cmocka_unit_test(test_damage_that_nobody_notices),
		cmocka_unit_test(test_damaged_headers_end_the_stream),
		cmocka_unit_test(test_damaged_data_to_the_target),
		cmocka_unit_test(test_lies_have_the_right_digest),
		cmocka_unit_test(test_a_length_that_lies),
		cmocka_unit_test(test_cut_within_a_pdu),
		cmocka_unit_test(test_cut_before_and_after_a_pdu),
		cmocka_unit_test(test_the_window_closes_and_opens_again),
		cmocka_unit_test(test_async_messages),
		cmocka_unit_test(test_an_async_message_with_sense),
		cmocka_unit_test(test_rejects),
		cmocka_unit_test(test_a_storm_of_unit_attentions),
		cmocka_unit_test(test_a_held_write_executes_later),
		cmocka_unit_test(test_answers_by_what_they_belong_to),
		cmocka_unit_test(test_held_for_ever_can_be_aborted),
		cmocka_unit_test(test_held_beyond_its_connection),
		cmocka_unit_test(test_only_a_zombie_writes_after_its_end),
		cmocka_unit_test(test_a_zombie_that_never_had_its_time),
		cmocka_unit_test(test_a_payload_and_delayed_pdus),
		cmocka_unit_test(test_logins_are_refused_and_sent_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
