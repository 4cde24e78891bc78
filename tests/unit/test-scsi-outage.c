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
		lose_nexus(&w, "lost");
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

/* -------------------------------------------------------- lost in part -- */

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
		w.fake.to_lose = n;
		w.fake.answer = lose_some;
		submit(&w, &q, LUN_READ, 0, buffer, BS);
		pass(&w, 10 * TIME_S);
		assert_int_equal(q.done, 1);
		assert_int_equal(q.io.error, 0);
		world_deinit(&w);
	}
}

/* ------------------------------------------------------------- replaced -- */

#define RIGHT	"naa.6001405aabbccdd00112233445566778"
#define WRONG	"naa.6001405000000000000000000000000f"

static void
lose(struct world *w)
{
	lose_nexus(w, "lost");
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
	w.fake.to_lose = 1;
	w.fake.answer = lose_some;
	pass(&w, 6 * TIME_S);
	assert_int_equal(w.fake.to_lose, 0);
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
	lose_nexus(&w, "lost again");
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
		cmocka_unit_test(test_a_probe_is_lost_and_the_nexus_is_not),
		cmocka_unit_test(test_it_returns),
		cmocka_unit_test(test_it_returns_after_a_look_without_an_answer),
		cmocka_unit_test(test_it_returns_smaller),
		cmocka_unit_test(test_a_probe_that_outlives_its_nexus),
		cmocka_unit_test(test_it_does_not_return),
		cmocka_unit_test(test_a_first_look_without_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
