/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk knows after its nexus was lost, and how it comes back. */
#include <errno.h>

#include "scsi-world.h"

static void
out_of_time(struct world *w, int *error)
{
	struct req q;
	static char buffer[BS];

	submit(w, &q, LUN_READ, 0, buffer, BS);
	pass(w, TIME_S / 2);
	assert_int_equal(q.done, 1);
	*error = q.io.error;
}

/*
 * A write that got no answer may still be executed; a read that got none, or a
 * write that got one, does not matter. A probe that finds the unit again, over
 * a nexus in which all of that has ended, ends the doubt.
 */
static void
test_unsure(void **state)
{
	static const struct {
		enum lun_op op;
		bool lost, unsure;
	} cases[] = {
		{ LUN_WRITE, true, true },
		{ LUN_WRITE, false, false },
		{ LUN_READ, true, false },
		{ LUN_FLUSH, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct req q;
		char buffer[BS] = "x";

		world_init(&w, 1);
		w.options.outage = TIME_NEVER;
		world_start(&w, false);
		assert_false(disk_is_unsure(w.disk));
		w.fake.faults[FAULT_LOST] = cases[i].lost ? 1000 : 0;
		submit(&w, &q, cases[i].op, 0, buffer,
		       cases[i].op == LUN_FLUSH ? 0 : BS);
		pass(&w, TIME_S / 2);
		assert_int_equal(q.done, !cases[i].lost);
		disk_lost(w.disk, LUN_ELOST, "lost");
		assert_int_equal(disk_is_unsure(w.disk), cases[i].unsure);

		w.fake.faults[FAULT_LOST] = 0;
		disk_probe(w.disk);
		fake_run(&w.fake);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.error, 0);
		assert_false(disk_is_unsure(w.disk));
		world_deinit(&w);
	}
}

/* Also one that nobody waits for any more. */
static void
test_unsure_of_a_write_that_was_given_up(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS] = "x";

	world_init(&w, 1);
	world_start(&w, false);		/* outage: fail at once */
	w.fake.faults[FAULT_LOST] = 1000;
	submit(&w, &q, LUN_WRITE, 0, buffer, BS);
	pass(&w, TIME_S / 2);
	assert_int_equal(q.io.code, LUN_ELOST);
	assert_true(disk_is_unsure(w.disk));
	world_deinit(&w);
}

/* ---------------------------------------------------- lost again and again -- */

static bool
lose_reads(struct fake *f, struct command *c)
{
	if (c->cdb[0] != READ_10)
		return false;
	f->timers.now += TIME_S;
	c->result = LUN_ELOST;
	return true;
}

/* The unit is found each time, and the request lost each time: it waits as long
 * as for one outage, not for ever. */
static void
test_a_request_of_many_outages(void **state)
{
	struct world w;
	struct req q;
	char buffer[BS];

	world_init(&w, 1);
	w.options.outage = 5 * TIME_S;
	world_start(&w, false);
	w.fake.answer = lose_reads;
	lun_time since = w.fake.timers.now;
	submit(&w, &q, LUN_READ, 0, buffer, BS);
	for (int i = 0; i < 1000 && !q.done; i++)
		fake_advance(&w.fake);
	assert_int_equal(q.done, 1);
	assert_int_equal(q.io.code, LUN_ELOST);
	assert_in_range(w.fake.timers.now - since, 5 * TIME_S, 8 * TIME_S);
	w.fake.answer = NULL;
	disk_probe(w.disk);
	pass(&w, TIME_S);
	assert_int_equal(run(&w, LUN_READ, 0, buffer, BS), 0);
	world_deinit(&w);
}

static unsigned losses;

static bool
lose_some(struct fake *f, struct command *c)
{
	if (losses == 0)
		return false;
	losses--;
	f->timers.now += TIME_MS;
	c->result = LUN_ELOST;
	return true;
}

/* It was cut off for four seconds, and then given up. */
static bool
lose_late(struct fake *f, struct command *c)
{
	lun_time lost_at = f->timers.now;

	if (!lose_some(f, c))
		return false;
	f->timers.now += 4 * TIME_S;
	c->lost_at = lost_at;
	return true;
}

/* The time in which its connection was to be recovered is of the outage, too. */
static void
test_an_outage_begins_when_a_command_is_cut_off(void **state)
{
	for (lun_time outage = 3 * TIME_S; outage < 6 * TIME_S; outage += TIME_S) {
		struct world w;
		struct req q;
		char buffer[BS];

		world_init(&w, 1);
		w.options.outage = outage;
		world_start(&w, false);
		losses = 1;
		w.fake.answer = lose_late;
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 6 * TIME_S);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.code, outage <= 4 * TIME_S ? LUN_ELOST : 0);
		world_deinit(&w);
	}
}

/*
 * The nexus comes and goes, and the unit is found each time, but no request is
 * answered: that is one outage. Once one was answered the next is another one.
 */
static void
test_outages_without_an_answer_are_one(void **state)
{
	for (int answered = 0; answered < 2; answered++) {
		struct world w;
		struct req first, q;
		char buffer[BS];

		world_init(&w, 1);
		w.options.outage = 10 * TIME_S;
		world_start(&w, false);
		disk_lost(w.disk, LUN_ELOST, "lost");
		if (answered)
			submit(&w, &first, LUN_FLUSH, 0, NULL, 0);
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 4 * TIME_S);
		w.fake.answer = lose_reads;
		disk_probe(w.disk);
		pass(&w, TIME_S / 2);
		disk_lost(w.disk, LUN_ELOST, "lost");
		assert_int_equal(q.done, 0);
		if (answered)
			assert_int_equal(first.done, 1);
		pass(&w, 6 * TIME_S);
		assert_int_equal(q.done, !answered);
		pass(&w, 5 * TIME_S);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.code, LUN_ELOST);
		w.fake.answer = NULL;
		world_deinit(&w);
	}
}

/*
 * The reset of a unit ends its other commands, also those of a probe, and the
 * nexus is there all the time: nobody else asks for another probe.
 */
static void
test_a_probe_is_lost_and_the_nexus_is_not(void **state)
{
	for (unsigned n = 1; n < 5; n++) {
		struct world w;
		struct req q;
		char buffer[BS];

		world_init(&w, 1);
		w.options.outage = TIME_NEVER;
		world_start(&w, false);
		losses = n;
		w.fake.answer = lose_some;
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 10 * TIME_S);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.error, 0);
		world_deinit(&w);
	}
}

/* It fails as the others do, also if it waits for one that ends later. */
static void
test_a_blocked_write_does_not_outwait_an_outage(void **state)
{
	struct world w;
	struct req q[2];
	char buffer[BS] = "x";

	world_init(&w, 1);
	world_start(&w, false);		/* outage: fail at once */
	for (int i = 0; i < 2; i++)
		submit(&w, &q[i], LUN_WRITE, 1, buffer, BS / 2);
	losses = UINT32_MAX;
	w.fake.answer = lose_some;
	disk_lost(w.disk, LUN_ELOST, "lost");
	pass(&w, TIME_S / 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(q[i].done, 1);
		assert_int_equal(q[i].io.code, LUN_ELOST);
	}
	disk_close(w.disk);
	pass(&w, 10 * TIME_S);
	world_deinit(&w);
}

/* ------------------------------------------------------------- replaced -- */

#define RIGHT	"naa.6001405aabbccdd00112233445566778"
#define WRONG	"naa.6001405000000000000000000000000f"

static void
lose(struct world *w)
{
	disk_lost(w->disk, LUN_ELOST, "lost");
	disk_probe(w->disk);
	pass(w, TIME_S / 2);
}

/*
 * Another unit comes, and goes: the disk is the right one's all the time. It
 * is looked for, whether the nexus is lost in between or not; nothing but
 * probes goes to the other one, and it is told once.
 */
static void
test_it_returns(void **state)
{
	for (int live = 0; live < 2; live++) {
		struct world w;
		int error;

		world_init(&w, 1);
		w.options.returns = true;
		w.options.outage = TIME_NEVER;
		world_start(&w, false);
		w.fake.name = WRONG;
		lose(&w);
		assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
		assert_int_equal(w.changed, 2);
		pass(&w, 60 * TIME_S);
		assert_in_range(w.probed, 10, 16);
		assert_int_equal(w.changed, 2);
		out_of_time(&w, &error);
		assert_int_equal(error, ESTALE);
		assert_int_equal(w.fake.opcodes[READ_10], 0);

		w.fake.name = RIGHT;
		if (live)
			pass(&w, 6 * TIME_S);
		else
			lose(&w);
		assert_int_equal(disk_info(w.disk)->state, LUN_DISK_READY);
		assert_int_equal(w.changed, 3);
		out_of_time(&w, &error);
		assert_int_equal(error, 0);
		world_deinit(&w);
	}
}

/* A look for it had no answer, and the nexus is there: it is not the last. */
static void
test_it_returns_after_a_look_without_an_answer(void **state)
{
	struct world w;

	world_init(&w, 1);
	w.options.returns = true;
	w.options.outage = TIME_NEVER;
	world_start(&w, false);
	w.fake.name = WRONG;
	lose(&w);
	losses = 1;
	w.fake.answer = lose_some;
	pass(&w, 6 * TIME_S);
	assert_int_equal(losses, 0);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
	w.fake.name = RIGHT;
	pass(&w, 6 * TIME_S);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_READY);
	world_deinit(&w);
}

/* It vanishes first, and is smaller when it is there again. */
static void
test_it_returns_smaller(void **state)
{
	struct world w;
	int error;

	world_init(&w, 1);
	w.options.returns = true;
	w.options.outage = TIME_NEVER;
	world_start(&w, false);
	w.fake.name = WRONG;
	lose(&w);
	w.fake.name = RIGHT;
	w.fake.blocks = BLOCKS - 1;
	lose(&w);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
	out_of_time(&w, &error);
	assert_int_equal(error, ESTALE);
	world_deinit(&w);
}

static bool
becoming_ready(struct fake *f, struct command *c)
{
	if (c->cdb[0] != TEST_UNIT_READY)
		return false;
	return fake_sense(c, KEY_NOT_READY, ASC(0x04, 0x01));
}

/* A probe waits for the unit to become ready. It has seen which one it is, but
 * when it ends, over another nexus, it is another one. */
static void
test_a_probe_that_outlives_its_nexus(void **state)
{
	struct world w;
	int error;

	world_init(&w, 1);
	w.options.outage = TIME_NEVER;
	world_start(&w, false);
	w.fake.answer = becoming_ready;
	lose(&w);
	disk_lost(w.disk, LUN_ELOST, "lost again");
	w.fake.name = WRONG;
	disk_probe(w.disk);
	w.fake.answer = NULL;
	pass(&w, 5 * TIME_S);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
	out_of_time(&w, &error);
	assert_int_equal(error, ESTALE);
	world_deinit(&w);
}

/* Where each unit has a disk of its own, it is over with this one. */
static void
test_it_does_not_return(void **state)
{
	struct world w;
	int error;

	world_init(&w, 1);
	world_start(&w, false);
	w.fake.name = WRONG;
	lose(&w);
	w.fake.name = RIGHT;
	size_t probed = w.probed;
	pass(&w, 60 * TIME_S);
	assert_int_equal(w.probed, probed);
	lose(&w);
	assert_int_equal(disk_info(w.disk)->state, LUN_DISK_GONE);
	out_of_time(&w, &error);
	assert_int_equal(error, ESTALE);
	world_deinit(&w);
}

/* ------------------------------------------------------- the first look -- */

static size_t unanswered;

static bool
answer_nothing(struct fake *f, struct command *c)
{
	if (f->submitted > unanswered)
		return false;
	c->result = LUN_ETIMEDOUT;
	return true;
}

/* It had no answer: that is said, and the next look finds the unit. */
static void
test_a_first_look_without_an_answer(void **state)
{
	for (unanswered = 1; unanswered < 4; unanswered++) {
		struct world w;
		int error;

		world_init(&w, 1);
		w.fake.answer = answer_nothing;
		assert_int_equal(disk_new(&w.disk, &w.fake.nexus, 0, &w.options,
					  &disk_ops, &w), 0);
		disk_probe(w.disk);
		pass(&w, TIME_S / 2);
		assert_int_equal(w.probed, 1);
		assert_int_equal(w.probed_code, LUN_ETIMEDOUT);
		assert_int_equal(w.changed, 0);
		assert_int_equal(disk_info(w.disk)->state, LUN_DISK_PROBING);
		assert_non_null(strstr(disk_info(w.disk)->text, "INQUIRY"));
		out_of_time(&w, &error);
		assert_int_equal(error, ENXIO);
		pass(&w, (lun_time)unanswered * TIME_S);
		assert_int_equal(disk_info(w.disk)->state, LUN_DISK_READY);
		assert_string_equal(disk_info(w.disk)->text, "");
		assert_int_equal(w.probed, unanswered + 1);
		assert_int_equal(w.changed, 1);
		out_of_time(&w, &error);
		assert_int_equal(error, 0);
		world_deinit(&w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_unsure_of_a_write_that_was_given_up),
		cmocka_unit_test(test_a_request_of_many_outages),
		cmocka_unit_test(test_outages_without_an_answer_are_one),
		cmocka_unit_test(test_a_probe_is_lost_and_the_nexus_is_not),
		cmocka_unit_test(test_an_outage_begins_when_a_command_is_cut_off),
		cmocka_unit_test(test_a_blocked_write_does_not_outwait_an_outage),
		cmocka_unit_test(test_it_returns),
		cmocka_unit_test(test_it_returns_after_a_look_without_an_answer),
		cmocka_unit_test(test_it_returns_smaller),
		cmocka_unit_test(test_a_probe_that_outlives_its_nexus),
		cmocka_unit_test(test_it_does_not_return),
		cmocka_unit_test(test_a_first_look_without_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
