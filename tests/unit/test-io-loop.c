/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: alarms, watches, wake-ups, stages, and who may free whom where. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/loop.h"

struct fixture {
	struct lun_loop *loop;
	struct lun_alarm *alarms[3];
	struct lun_watch *watches[2];
	int pipe[2];
	char order[32];
	int wakes;
};

static struct fixture f;

static void
setup(void)
{
	struct lun_error err;

	memset(&f, 0, sizeof(f));
	assert_int_equal(lun_loop_new(&f.loop, &err), 0);
	assert_int_equal(pipe(f.pipe), 0);
}

static void
teardown(void)
{
	for (int i = 0; i < 3; i++)
		lun_alarm_free(f.alarms[i]);
	for (int i = 0; i < 2; i++)
		lun_watch_free(f.watches[i]);
	close(f.pipe[0]);
	close(f.pipe[1]);
	assert_null(lun_loop_free(f.loop));
}

static void
run(void)
{
	struct lun_error err;

	assert_int_equal(lun_loop_run(f.loop, &err), 0);
}

static void
note(char c)
{
	size_t n = strlen(f.order);

	assert_true(n + 1 < sizeof(f.order));
	f.order[n] = c;
}

static void
note_user(void *user)
{
	note(*(const char *)user);
}

static void
stop(void *user)
{
	note('.');
	lun_loop_stop(f.loop);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
new_alarm(int i, void (*fn)(void *user), const char *user)
{
	assert_int_equal(lun_alarm_new(&f.alarms[i], f.loop, fn,
				       (void *)user), 0);
}

static void
new_watch(int i, int fd, void (*fn)(void *user), const char *user)
{
	struct lun_error err;

	assert_int_equal(lun_watch_new(&f.watches[i], f.loop, fd, fn,
				       (void *)user, &err), 0);
}

/* Alarms fire in the order of their times, once, and not early; a cleared one
 * does not fire, one that was set again fires at the later time only. */
static void
test_alarms(void **state)
{
	setup();
	new_alarm(0, note_user, "a");
	new_alarm(1, note_user, "b");
	new_alarm(2, stop, NULL);

	int64_t begin = now_ms();

	lun_alarm_set(f.alarms[0], 20);
	lun_alarm_set(f.alarms[1], 1);
	lun_alarm_set(f.alarms[2], 40);
	run();
	assert_string_equal(f.order, "ba.");
	assert_true(now_ms() - begin >= 39);

	lun_alarm_set(f.alarms[0], 1);
	lun_alarm_set(f.alarms[0], 30);
	lun_alarm_set(f.alarms[2], 10);
	run();
	assert_string_equal(f.order, "ba..");
	teardown();
}

static void
read_one(void *user)
{
	char c;

	assert_int_equal(read(f.pipe[0], &c, 1), 1);
	note(c);
	if (c == '.')
		lun_loop_stop(f.loop);
}

/* A watch is level-triggered: it is called as long as there is something. */
static void
test_watch(void **state)
{
	setup();
	new_watch(0, f.pipe[0], read_one, NULL);
	assert_int_equal(write(f.pipe[1], "abc.", 4), 4);
	run();
	assert_string_equal(f.order, "abc.");
	teardown();
}

static void
hung_up(void *user)
{
	char c;

	assert_int_equal(read(f.pipe[0], &c, 1), 0);
	stop(NULL);
}

/* A hang-up is something to read, and comes although nothing else does. */
static void
test_watch_hang_up(void **state)
{
	setup();
	new_watch(0, f.pipe[0], hung_up, NULL);
	close(f.pipe[1]);
	f.pipe[1] = dup(f.pipe[0]);
	run();
	assert_string_equal(f.order, ".");
	teardown();
}

static void
free_watches(void *user)
{
	note('f');
	f.watches[0] = lun_watch_free(f.watches[0]);
	f.watches[1] = lun_watch_free(f.watches[1]);
	lun_loop_stop(f.loop);
}

/* Of two that are ready at once, the first frees both: the second is not
 * called any more. */
static void
test_free_within(void **state)
{
	setup();

	int other = dup(f.pipe[0]);

	new_watch(0, f.pipe[0], free_watches, NULL);
	new_watch(1, other, free_watches, NULL);
	assert_int_equal(write(f.pipe[1], "x", 1), 1);
	run();
	assert_string_equal(f.order, "f");
	close(other);
	teardown();
}

static void
woken(void *user)
{
	f.wakes++;
	note('w');
	lun_loop_stop(f.loop);
}

static void *
wake_thread(void *arg)
{
	lun_loop_wake(f.loop);
	return NULL;
}

/* Wake-ups of one sleep become one call; one from a thread ends a sleep. */
static void
test_wake(void **state)
{
	pthread_t thread;

	setup();
	lun_loop_on_wake(f.loop, woken, NULL);
	for (int i = 0; i < 100; i++)
		lun_loop_wake(f.loop);
	run();
	assert_int_equal(f.wakes, 1);

	assert_int_equal(pthread_create(&thread, NULL, wake_thread, NULL), 0);
	run();
	pthread_join(thread, NULL);
	assert_int_equal(f.wakes, 2);
	teardown();
}

/* ---------------------------------------------------------- the stages -- */

static struct job job, flush;
static struct source sock;
static int rounds;

static void
run_job(struct job *j)
{
	note('j');
	loop_add_flush(f.loop, &flush);
	loop_add_flush(f.loop, &flush);
	if (rounds-- > 0)
		loop_add_job(f.loop, &job);
}

static void
run_flush(struct job *j)
{
	note('l');
	lun_loop_stop(f.loop);
}

static void
sock_ready(struct source *s, uint32_t events)
{
	note('s');
	source_del(s);
	loop_add_job(f.loop, &job);
}

static void
watch_and_free(void *user)
{
	note('o');
	f.watches[0] = lun_watch_free(f.watches[0]);
}

/* Sockets, then other descriptors, then timers, then jobs until there are
 * none, then what these queued, once; all in one wake-up. */
static void
test_stages(void **state)
{
	struct lun_error err;

	setup();

	int other = dup(f.pipe[0]);

	rounds = 2;
	job_init(&job, run_job);
	job_init(&flush, run_flush);
	new_watch(0, f.pipe[0], watch_and_free, NULL);
	sock = (struct source){ .fd = other, .kind = SOURCE_SOCKET,
				.ready = sock_ready };
	assert_int_equal(source_add(&sock, f.loop, EPOLLIN, &err), 0);
	new_alarm(0, note_user, "t");
	lun_alarm_set(f.alarms[0], 0);
	assert_int_equal(write(f.pipe[1], "x", 1), 1);
	run();
	assert_string_equal(f.order, "sotjjjl");
	close(other);
	teardown();
}

/* Jobs that go on and on do not keep what they queued from going out. */
static void
test_endless_jobs(void **state)
{
	setup();
	rounds = 20;
	job_init(&job, run_job);
	job_init(&flush, run_flush);
	loop_add_job(f.loop, &job);
	run();
	assert_string_equal(f.order, "jjjjjjjjjjjjjjjjljjjjjl");
	teardown();
}

/* What the engine draws is not always the same. */
static void
test_random(void **state)
{
	uint32_t a[4], b[4];

	setup();
	f.loop->env.random(f.loop->env.user, a, sizeof(a));
	f.loop->env.random(f.loop->env.user, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alarms),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_hang_up),
		cmocka_unit_test(test_free_within),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_endless_jobs),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
