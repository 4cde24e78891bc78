/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The faults of the target: what rules mean as text, which PDUs they choose,
 * and those kinds that change when a PDU comes and how often.
 */
#include "fault-rule.h"
#include "fault-world.h"

/* ---------------------------------------------------------------- rules -- */

static void
test_every_wrong_word_is_refused(void **state)
{
	static const char *const wrong[] = {
		"fall", "drop=1", "delay", "delay=", "delay=5x", "delay=-1",
		"reorder=0", "corrupt", "corrupt=all", "set=stat_sn",
		"set=stat_sn:", "set=statsn:1", "byte=48:0", "byte=4:256",
		"byte=4", "length=x", "cut=x", "window", "async=now",
		"async=logout:65536", "async=logout:1:2:3:4", "reject=often",
		"status=fine", "sense=6/29", "sense=10/0/0", "sense=6/29/0/0",
		"zombie=", "refuse=2", "refuse=0/0", "redirect=", "redirect",
		"tpgt=65536", "drop,on=", "drop,on=scsi", "drop,on=0x40", "drop,nth=0",
		"drop,every=0", "drop,times=0", "drop,chance=5",
		"drop,chance=101%", "drop,lun=x", "drop,cid=65536",
		"drop,portal=", "drop,from=x", "drop,sometimes", "drop,x=1",
		"drop,on=r2t,in", "reject=1,on=data-in", "length=0,in",
		"corrupt=header,on=data-out",
	};
	struct fault_rule r;
	struct lun_error err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (fault_rule_parse(&r, wrong[i], &err) != LUN_EINVAL)
			fail_msg("%s is accepted", wrong[i]);
}

static void
test_every_kind_is_understood(void **state)
{
	static const char *const right[FAULT_KINDS] = {
		"drop,on=r2t|data-in,nth=3", "delay=20ms,chance=0.5%",
		"stall,out,from=1s,to=2s", "reorder=3,in",
		"duplicate,every=7", "corrupt=data-digest,on=data-in",
		"set=max_cmd_sn:-1,status", "byte=8:0xff,on=0x21",
		"length=+4", "cut=20,on=data-in,each", "window=0,times=9",
		"async=logout:0:0:3,once", "reject=0x09,write",
		"status=busy,lun=3", "sense=6/29/00,skip=2", "hold",
		"zombie=5,write", "refuse=3/1,portal=127.0.0.1:3260",
		"redirect=127.0.0.1:3261,cid=1", "tpgt=2,skip=1",
	};
	struct fault_rule r;
	struct lun_error err;

	for (int i = 0; i < FAULT_KINDS; i++) {
		if (fault_rule_parse(&r, right[i], &err) < 0)
			fail_msg("%s: %s", right[i], err.text);
		assert_int_equal(r.kind, i);
	}
	assert_int_equal(fault_rule_parse(&r, " # nothing", &err), 1);
	assert_int_equal(fault_rule_parse(&r, "", &err), 1);
	assert_int_equal(fault_rule_parse(&r, "drop\ton=r2t  nth=2 # why",
					  &err), 0);
	assert_int_equal(r.nth, 2);
	assert_true(r.opcodes == UINT64_C(1) << OP_R2T);
	assert_int_equal(r.points, FAULT_OUT);
}

static void
test_a_scenario_is_a_rule_on_each_line(void **state)
{
	static const char text[] = "# three\ndrop on=r2t\n\ncut once\ndrop";
	struct world w = begin("");
	struct target *t = drive_target(w.d);
	struct lun_error err;
	uint64_t times;

	assert_int_equal(target_add_scenario(t, text, &err), 0);
	assert_string_equal(target_fault(t, 0, &times), "drop on=r2t");
	assert_string_equal(target_fault(t, 1, &times), "cut once");
	assert_string_equal(target_fault(t, 2, &times), "drop");
	assert_null(target_fault(t, 3, &times));
	assert_int_equal(target_add_scenario(t, "drop\n\nfall", &err),
			 LUN_EINVAL);
	assert_non_null(strstr(err.text, "line 3"));
	end(&w);
}

/* Which of ten pings are answered. */
static void
test_selectors_choose_by_number(void **state)
{
	static const struct { const char *rule, *answers; } cases[] = {
		{ "drop,on=nop-in", ".........." },
		{ "drop,on=nop-out", ".........." },
		{ "drop,on=nop-in,nth=3", "++.+++++++" },
		{ "drop,on=nop-in,every=3", "++.++.++.+" },
		{ "drop,on=nop-in,skip=7", "+++++++..." },
		{ "drop,on=nop-in,skip=4,nth=2", "+++++.++++" },
		{ "drop,on=nop-in,times=2", "..++++++++" },
		{ "drop,on=nop-in,once", ".+++++++++" },
		{ "drop,on=nop-in,chance=0%", "++++++++++" },
		{ "drop,on=nop-in,chance=100%", ".........." },
		{ "drop,on=nop-in,cid=1", "++++++++++" },
		{ "drop,on=nop-in,portal=127.0.0.1:3260,nth=1", ".+++++++++" },
		{ "drop,on=nop-in,portal=127.0.0.1:3261", "++++++++++" },
		{ "drop,on=r2t|data-in", "++++++++++" },
		{ "drop,on=nop-in,from=5", "+++++....." },
		{ "drop,on=nop-in,to=5", ".....+++++" },
		{ "drop,on=nop-in,read", "++++++++++" },
		{ "drop,nth=1,in", ".+++++++++" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world w = begin("");
		const char *a = cases[i].answers;

		fault(&w, cases[i].rule);
		for (uint32_t n = 0; n < 10; n++) {
			ping(w.l, n);
			if (a[n] == '+')
				pong(w.l, n);
			link_expect_nothing(w.l);
			drive_run(w.d, TIME_S);
		}
		end(&w);
	}
}

static void
test_each_counts_on_each_connection(void **state)
{
	struct world w = begin("");
	struct link *other;

	fault(&w, "drop,on=nop-in,nth=2,each");
	ping(w.l, 1);
	pong(w.l, 1);
	other = link_new(w.d, 0, 0, "");
	for (uint32_t n = 1; n < 4; n++) {
		ping(other, n);
		if (n != 2)
			pong(other, n);
		link_expect_nothing(other);
	}
	end(&w);
}

/* What a rule changes has to be there: else nothing is counted, as nothing has
 * happened, and "once" waits for one that has it. */
static void
test_what_a_pdu_does_not_have_is_not_changed(void **state)
{
	static const struct { const char *rule; uint64_t times; } cases[] = {
		{ "set=stat_sn:+0,on=nop-in,once", 1 },
		{ "set=beg_run:1,once", 0 },
		{ "set=tsih:+0", 2 },		/* a login and its answer */
		{ "corrupt=data,on=nop-in", 0 },
		{ "corrupt=data,on=nop-out", 0 },
		{ "corrupt=data-digest,on=login-response", 0 },
		{ "corrupt=header-digest,on=nop-in", 0 },
		{ "reject=protocol-error,on=login-request", 0 },
		{ "async=vendor,on=login-request", 0 },
		{ "window=1,on=r2t|nop-in", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world w = begin("");
		struct link *other;
		uint64_t times;

		fault(&w, cases[i].rule);
		other = link_new(w.d, 0, 0, "");
		ping(other, 1);
		pong(other, 1);
		target_fault(drive_target(w.d), 0, &times);
		if (times != cases[i].times)
			fail_msg("%s: %d times", cases[i].rule, (int)times);
		end(&w);
	}
}

/* The bits of chance, as they come out of a seed. */
static uint64_t
throw(uint64_t seed)
{
	struct world w = begin("");
	struct lun_error err;
	uint64_t bits = 0, before = 0, times;

	assert_int_equal(target_seed_faults(drive_target(w.d), seed, &err), 0);
	fault(&w, "duplicate,on=nop-in,chance=50%");
	for (uint32_t n = 0; n < 64; n++) {
		ping(w.l, n);
		link_skip(w.l);
		target_fault(drive_target(w.d), 0, &times);
		bits = bits << 1 | (times - before);
		before = times;
	}
	end(&w);
	return bits;
}

static void
test_chance_comes_from_the_seed(void **state)
{
	assert_true(throw(1) == throw(1));
	assert_true(throw(1) != throw(2));
}

static void
test_cleared_faults_do_nothing_more(void **state)
{
	struct world w = begin("");

	fault(&w, "drop");
	ping(w.l, 1);
	link_expect_nothing(w.l);
	target_clear_faults(drive_target(w.d));
	ping(w.l, 2);
	pong(w.l, 2);
	end(&w);
}

/* ------------------------------------------------------ time and order -- */

static void
test_delay_lets_others_overtake(void **state)
{
	struct world w = begin("");

	fault(&w, "delay=200ms,on=nop-in,nth=1");
	ping(w.l, 1);
	ping(w.l, 2);
	pong(w.l, 2);
	assert_true(target_deadline(drive_target(w.d)) ==
		    TIME_S + 200 * TIME_MS);
	drive_run(w.d, 199 * TIME_MS);
	link_expect_nothing(w.l);
	drive_run(w.d, TIME_MS);
	pong(w.l, 1);
	end(&w);
}

static void
test_nothing_overtakes_what_is_stalled(void **state)
{
	struct world w = begin("");

	fault(&w, "stall=1s,on=nop-in,nth=2");
	ping(w.l, 1);
	pong(w.l, 1);
	ping(w.l, 2);
	ping(w.l, 3);
	drive_run(w.d, 500 * TIME_MS);
	ping(w.l, 4);
	link_expect_nothing(w.l);
	drive_run(w.d, 500 * TIME_MS);
	for (uint32_t n = 2; n <= 4; n++)
		pong(w.l, n);
	ping(w.l, 5);
	pong(w.l, 5);
	end(&w);
}

static void
test_a_stalled_connection_can_end(void **state)
{
	struct world w = begin("");

	fault(&w, "stall");
	ping(w.l, 1);
	drive_run(w.d, 3600 * TIME_S);
	link_expect_nothing(w.l);
	link_cut(w.l);
	end(&w);
}

static void
test_reorder_waits_for_others(void **state)
{
	struct world w = begin("");

	fault(&w, "reorder=2,on=nop-in,nth=1");
	ping(w.l, 1);
	ping(w.l, 2);
	drive_run(w.d, 0);
	pong(w.l, 2);
	link_expect_nothing(w.l);
	ping(w.l, 3);
	drive_run(w.d, 0);
	pong(w.l, 3);
	pong(w.l, 1);
	end(&w);
}

/* The other one may be on another connection of the session, and must not be
 * on one of another session. */
static void
test_reorder_across_connections(void **state)
{
	static const char *const keys[] = { "MaxConnections=2", NULL };
	struct drive *d = drive_new(keys);
	struct link *a = link_new(d, 0, 0, "MaxConnections=2");
	struct link *b = link_new(d, 1, link_tsih(a), "");
	struct lun_error err;

	assert_int_equal(target_add_fault(drive_target(d),
					  "reorder,on=nop-in,cid=0,nth=1",
					  &err), 0);
	ping(a, 1);
	drive_run(d, 0);
	link_expect_nothing(a);
	ping(b, 2);
	drive_run(d, 0);
	pong(b, 2);
	pong(a, 1);
	drive_free(d);
}

static void
test_reorder_ends_without_others(void **state)
{
	struct world w = begin("");

	fault(&w, "reorder,on=nop-in,nth=1");
	ping(w.l, 1);
	drive_run(w.d, TIME_S - 1);
	link_expect_nothing(w.l);
	drive_run(w.d, 1);
	pong(w.l, 1);
	end(&w);
}

/* The second command arrives first; CmdSN puts it right. */
static void
test_commands_that_come_out_of_order(void **state)
{
	struct world w = begin("");

	fault(&w, "delay=100ms,on=scsi-command,nth=1");
	link_read(w.l, 1, 0, 1);
	link_read(w.l, 2, 1, 1);
	link_expect_nothing(w.l);
	drive_run(w.d, 100 * TIME_MS);
	link_expect_data(w.l, 1, 0, 0, BLOCK, 0);
	link_expect_data(w.l, 2, 0, 0, BLOCK, BLOCK);
	end(&w);
}

static void
test_duplicates_follow(void **state)
{
	struct world w = begin("");

	fault(&w, "duplicate=2,on=nop-in,nth=1");
	ping(w.l, 1);
	for (int i = 0; i < 3; i++)
		pong(w.l, 1);
	link_expect_nothing(w.l);
	fault(&w, "duplicate,on=scsi-command");
	link_read(w.l, 2, 0, 1);	/* the same CmdSN: once is enough */
	link_expect_data(w.l, 2, 0, 0, BLOCK, 0);
	link_expect_nothing(w.l);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_wrong_word_is_refused),
		cmocka_unit_test(test_every_kind_is_understood),
		cmocka_unit_test(test_a_scenario_is_a_rule_on_each_line),
		cmocka_unit_test(test_selectors_choose_by_number),
		cmocka_unit_test(test_each_counts_on_each_connection),
		cmocka_unit_test(test_what_a_pdu_does_not_have_is_not_changed),
		cmocka_unit_test(test_chance_comes_from_the_seed),
		cmocka_unit_test(test_cleared_faults_do_nothing_more),
		cmocka_unit_test(test_delay_lets_others_overtake),
		cmocka_unit_test(test_nothing_overtakes_what_is_stalled),
		cmocka_unit_test(test_a_stalled_connection_can_end),
		cmocka_unit_test(test_reorder_waits_for_others),
		cmocka_unit_test(test_reorder_across_connections),
		cmocka_unit_test(test_reorder_ends_without_others),
		cmocka_unit_test(test_commands_that_come_out_of_order),
		cmocka_unit_test(test_duplicates_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
