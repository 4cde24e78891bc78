/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a loop rests: before a target in virtual time, which does one command
 * after the other and has `depth` of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/pace.h"

enum { ANSWERS = 4096 };

struct target {
	size_t depth;
	lun_time each;			/* to do one */
	size_t bytes;			/* of one */
	size_t burst;			/* so many come at a time; 0: one */
};

struct course {
	struct pace pace;
	size_t load;
	lun_time now;
	size_t wakeups, rests;
	lun_time longest;
};

/* As loop.c has it: the next answer wakes; those that came in a rest, too. */
static void
run(struct course *c, const struct target *t)
{
	size_t burst = t->burst ? t->burst : 1, answered = 0;
	lun_time next = c->now + t->each, rest = 0;

	while (answered < ANSWERS) {
		size_t came = 0;

		if (c->now + rest < next)
			c->now = next;
		else
			c->now += rest;
		for (; next <= c->now; next += t->each)
			came += burst;
		if (came > t->depth)	/* it has had nothing to do */
			came = t->depth;
		answered += came;
		c->wakeups++;
		pace_moved(&c->pace, came * t->bytes);
		pace_note(&c->pace, &c->load, t->depth, came);
		rest = pace_rest(&c->pace, c->now);
		c->rests += rest > 0;
		if (rest > c->longest)
			c->longest = rest;
	}
}

static struct course
course_of(struct target t)
{
	struct course c = { 0 };

	run(&c, &t);			/* the pace learns */
	c.wakeups = c.rests = 0;
	c.longest = 0;
	run(&c, &t);
	return c;
}

static void
deep_queues_of_small_commands_are_answered_together(void **state)
{
	for (lun_time each = 10 * TIME_US; each <= 80 * TIME_US;
	     each += 5 * TIME_US) {
		struct course c = course_of((struct target){
			.depth = 32, .each = each, .bytes = 4096,
		});

		assert_in_range(c.wakeups, ANSWERS / 32, ANSWERS / 3);
		assert_true(c.rests > 0);
	}
}

/* Thus the target does not run dry. */
static void
a_rest_is_a_share_of_what_a_command_takes(void **state)
{
	for (size_t depth = 16; depth <= 512; depth *= 2) {
		lun_time each = 20 * TIME_US;
		struct course c = course_of((struct target){
			.depth = depth, .each = each, .bytes = 4096,
		});

		assert_true(c.rests > 0);
		assert_true(c.longest <= each * (lun_time)depth / 4);
		assert_true(c.longest < TIME_MS);
	}
}

static void
expect_no_rest(struct target t)
{
	struct course c = course_of(t);

	assert_int_equal(c.rests, 0);
}

static void
few_commands_are_answered_at_once(void **state)
{
	for (size_t depth = 1; depth < 16; depth++)
		expect_no_rest((struct target){
			.depth = depth, .each = 20 * TIME_US, .bytes = 4096,
		});
}

static void
large_commands_are_answered_at_once(void **state)
{
	struct course c = course_of((struct target){
		.depth = 32, .each = 20 * TIME_US, .bytes = 64 * 1024,
	});

	assert_int_equal(c.rests, 0);
	pace_note(&c.pace, &c.load, 40, 0);
	assert_int_equal(pace_rest(&c.pace, c.now), 0);
}

static void
rare_answers_are_taken_at_once(void **state)
{
	expect_no_rest((struct target){
		.depth = 32, .each = TIME_MS, .bytes = 4096,
	});
}

static void
who_answers_many_at_a_time_is_not_waited_for(void **state)
{
	expect_no_rest((struct target){
		.depth = 32, .each = 100 * TIME_US, .bytes = 4096, .burst = 8,
	});
}

/* One session is deep, another has a user who waits. */
static void
no_rest_while_another_session_is_shallow(void **state)
{
	struct target t = { .depth = 32, .each = 20 * TIME_US, .bytes = 4096 };
	struct course c = { 0 };
	size_t other = 0;

	pace_note(&c.pace, &other, 1, 0);
	run(&c, &t);
	assert_int_equal(c.rests, 0);
	pace_note(&c.pace, &other, 0, 1);
	run(&c, &t);
	assert_true(c.rests > 0);
	pace_note(&c.pace, &other, 16, 0);
	pace_note(&c.pace, &other, 15, 1);
	pace_rest(&c.pace, c.now);
	c.rests = 0;
	run(&c, &t);
	assert_int_equal(c.rests, 0);
}

/* Those that follow the answers come one by one. */
static void
requests_alone_are_taken_together_too(void **state)
{
	struct course c = course_of((struct target){
		.depth = 32, .each = 20 * TIME_US, .bytes = 4096,
	});

	for (size_t more = 1; more <= 4; more++) {
		pace_note(&c.pace, &c.load, 32 + more, 0);
		assert_in_range(pace_rest(&c.pace, c.now += TIME_US),
				40 * TIME_US, 160 * TIME_US);
	}
}

/* A wake-up for something else: for a timer, a part of an answer. */
static void
nothing_came_nothing_rests(void **state)
{
	struct course c = course_of((struct target){
		.depth = 32, .each = 20 * TIME_US, .bytes = 4096,
	});

	pace_rest(&c.pace, c.now);
	for (int i = 0; i < 100; i++) {
		pace_moved(&c.pace, 48);
		assert_int_equal(pace_rest(&c.pace, c.now += TIME_US), 0);
	}
}

static void
commands_that_wait_call_for_others(void **state)
{
	struct pace p = { 0 };

	assert_false(pace_is_strained(&p, 0));
	pace_waits(&p, TIME_S);
	assert_true(pace_is_strained(&p, TIME_S));
	assert_true(pace_is_strained(&p, TIME_S + 99 * TIME_MS));
	assert_false(pace_is_strained(&p, TIME_S + 100 * TIME_MS));
}

/* So often in a row, for 20 ms, the loop had this share of a processor. */
static void
use(struct pace *p, int times, int percent)
{
	for (int i = 0; i < times; i++) {
		lun_time at = p->now + 20 * TIME_MS;

		assert_false(pace_wants_cpu(p, at - 1));
		assert_true(pace_wants_cpu(p, at));
		pace_cpu(p, at, p->cpu + percent * 20 * TIME_MS / 100);
	}
}

static bool
is_strained(const struct pace *p)
{
	return pace_is_strained(p, p->now);
}

static void
a_processor_that_is_not_enough_calls_for_others(void **state)
{
	struct pace p = { 0 };

	use(&p, 100, 90);		/* the target is slow, or others work */
	assert_false(is_strained(&p));
	use(&p, 9, 100);		/* by accident */
	assert_false(is_strained(&p));
	use(&p, 1, 50);
	use(&p, 9, 100);
	assert_false(is_strained(&p));
	use(&p, 1, 100);
	assert_true(is_strained(&p));
	use(&p, 100, 70);		/* it is helped */
	assert_true(is_strained(&p));
	use(&p, 1, 50);			/* and needs no help any more */
	assert_false(is_strained(&p));
}

/* It rests half of the time, and works in the other half. */
static void
who_rests_may_be_strained(void **state)
{
	struct pace p = { 0 };

	for (int i = 0; i < 10; i++) {
		p.rested = 10 * TIME_MS;
		use(&p, 1, 49);
	}
	assert_true(is_strained(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			deep_queues_of_small_commands_are_answered_together),
		cmocka_unit_test(a_rest_is_a_share_of_what_a_command_takes),
		cmocka_unit_test(few_commands_are_answered_at_once),
		cmocka_unit_test(large_commands_are_answered_at_once),
		cmocka_unit_test(rare_answers_are_taken_at_once),
		cmocka_unit_test(who_answers_many_at_a_time_is_not_waited_for),
		cmocka_unit_test(no_rest_while_another_session_is_shallow),
		cmocka_unit_test(requests_alone_are_taken_together_too),
		cmocka_unit_test(nothing_came_nothing_rests),
		cmocka_unit_test(commands_that_wait_call_for_others),
		cmocka_unit_test(
			a_processor_that_is_not_enough_calls_for_others),
		cmocka_unit_test(who_rests_may_be_strained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
