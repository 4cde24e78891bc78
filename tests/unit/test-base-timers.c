/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers against a list that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/timers.h"

enum { TIMERS = 50 };

struct model {
	struct timers set;
	struct timer t[TIMERS];
	lun_time at[TIMERS];	/* TIME_NEVER: not set */
	lun_time last;		/* of the deadlines that fired in this run */
	unsigned int fired;
};

static struct model *m;

static void
on_fire(struct timer *t, lun_time now)
{
	size_t i = (size_t)(t - m->t);

	assert_false(timer_is_set(t));
	assert_true(m->at[i] <= now);		/* due ... */
	assert_true(m->at[i] >= m->last);	/* ... and in order */
	m->last = m->at[i];
	m->at[i] = TIME_NEVER;
	m->fired++;
}

static lun_time
earliest(void)
{
	lun_time min = TIME_NEVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (m->at[i] < min)
			min = m->at[i];
	return min;
}

static uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

static void
test_against_model(void **state)
{
	uint64_t seed = 2463534242;
	lun_time now = 0;

	m = calloc(1, sizeof(*m));
	timers_init(&m->set);
	assert_int_equal(timers_deadline(&m->set), TIME_NEVER);
	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(timer_init(&m->t[i], &m->set, on_fire), 0);
		m->at[i] = TIME_NEVER;
	}
	for (unsigned int step = 0; step < 100000; step++) {
		size_t i = draw(&seed) % TIMERS;

		switch (draw(&seed) % 8) {
		case 0: case 1: case 2: case 3:
			m->at[i] = now + (lun_time)(draw(&seed) % 100);
			timer_set(&m->t[i], m->at[i]);
			break;
		case 4: case 5:
			m->at[i] = TIME_NEVER;
			timer_clear(&m->t[i]);
			break;
		case 6:
			now += (lun_time)(draw(&seed) % 20);
			m->last = 0;
			timers_run(&m->set, now);
			assert_true(earliest() > now);
			break;
		case 7:
			timer_deinit(&m->t[i]);
			assert_int_equal(timer_init(&m->t[i], &m->set, on_fire), 0);
			m->at[i] = TIME_NEVER;
			break;
		}
		assert_int_equal(timers_deadline(&m->set), earliest());
		assert_int_equal(timer_is_set(&m->t[i]),
				 m->at[i] != TIME_NEVER);
	}
	assert_true(m->fired > 1000);
	for (size_t i = 0; i < TIMERS; i++)
		timer_deinit(&m->t[i]);
	timers_deinit(&m->set);
	free(m);
}

static unsigned int rung;

static void
ring_again(struct timer *t, lun_time now)
{
	rung++;
	timer_set(t, now);
}

/* A timer that sets itself to now does not keep timers_run() for ever. */
static void
test_rearm(void **state)
{
	struct timers set;
	struct timer t;

	timers_init(&set);
	assert_int_equal(timer_init(&t, &set, ring_again), 0);
	timer_set(&t, 5);
	timers_run(&set, 4);
	assert_int_equal(rung, 0);
	timers_run(&set, 5);
	assert_int_equal(rung, 1);
	timers_run(&set, 5);
	assert_int_equal(rung, 2);
	timer_deinit(&t);
	timers_deinit(&set);
}

static struct timer pair[2];

static void
kill_other(struct timer *t, lun_time now)
{
	timer_deinit(t == &pair[0] ? &pair[1] : &pair[0]);
	rung++;
}

/* A timer may end another one that is due in the same run. */
static void
test_kill(void **state)
{
	struct timers set;

	rung = 0;
	timers_init(&set);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(timer_init(&pair[i], &set, kill_other), 0);
		timer_set(&pair[i], 1);
	}
	timers_run(&set, 1);
	assert_int_equal(rung, 1);
	timer_deinit(&pair[0]);
	timer_deinit(&pair[1]);
	timers_deinit(&set);
}

static void
test_zeroed(void **state)
{
	struct timer t = { 0 };

	timer_deinit(&t);
	assert_false(timer_is_set(&t));
	assert_int_equal(time_add(5, TIME_NEVER), TIME_NEVER);
	assert_int_equal(time_add(TIME_NEVER - 5, 6), TIME_NEVER);
	assert_int_equal(time_add(5, 6), 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_rearm),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
