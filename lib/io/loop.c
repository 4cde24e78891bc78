/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See loop.h. The clock is read once for each wake-up; a source is in the set
 * from source_add() to source_del(), whether it is armed or not, so hang-ups
 * reach it in any case and it has to do something about them.
 */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "io/capture.h"

enum { ROUNDS_MAX = 16 };	/* of jobs and flushes in one wake-up */

static void
random_bytes(void *user, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			/* only EINTR is possible: the kernel has had it
			 * since 3.17, and p is ours */
			assert(errno == EINTR);
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
}

static void
read_clock(struct lun_loop *loop)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	loop->now = ts.tv_sec * TIME_S + ts.tv_nsec;
	loop->timers.now = loop->now;
}

lun_time
loop_now(struct lun_loop *loop)
{
	if (!loop->running)
		read_clock(loop);
	return loop->now;
}

/* ------------------------------------------------------------ sources -- */

int
source_add(struct source *s, struct lun_loop *loop, uint32_t events,
	   struct lun_error *err)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	assert(!s->loop && s->ready);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return lun_fail(err, LUN_ESYS, "epoll: file descriptor %d: %s",
				s->fd, strerror(errno));
	s->loop = loop;
	s->armed = events;
	return 0;
}

void
source_arm(struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (s->armed == events)
		return;
	s->armed = events;

	int r = epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);

	assert(r == 0);		/* it is in the set */
	(void)r;
}

void
source_del(struct source *s)
{
	struct lun_loop *loop = s->loop;

	if (!loop)
		return;
	/* fails if the fd was closed before, and then it has left the set */
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	for (int i = 0; i < loop->n_events; i++)
		if (loop->events[i].data.ptr == s)
			loop->events[i].data.ptr = NULL;
	s->loop = NULL;
}

/* --------------------------------------------------------------- jobs -- */

void
job_init(struct job *j, void (*run)(struct job *j))
{
	list_init(&j->link);
	j->run = run;
}

void
job_deinit(struct job *j)
{
	list_del(&j->link);
}

void
loop_add_job(struct lun_loop *loop, struct job *j)
{
	if (list_empty(&j->link))
		list_append(&loop->jobs, &j->link);
}

void
loop_add_flush(struct lun_loop *loop, struct job *j)
{
	if (list_empty(&j->link))
		list_append(&loop->flushes, &j->link);
}

static void
run_jobs(struct list *jobs)
{
	/* Those that are added meanwhile wait for the next round. */
	struct list now = LIST_INIT(now);
	struct job *j;

	list_splice(&now, jobs);
	while ((j = list_first(&now, struct job, link))) {
		list_del(&j->link);
		j->run(j);
	}
}

static bool
idle(const struct lun_loop *loop)
{
	return list_empty(&loop->jobs) && list_empty(&loop->flushes);
}

/* ---------------------------------------------------------- the loop -- */

static void
dispatch(struct lun_loop *loop, enum source_kind kind)
{
	for (int i = 0; i < loop->n_events; i++) {
		struct source *s = loop->events[i].data.ptr;

		if (s && s->kind == kind)
			s->ready(s, loop->events[i].events);
	}
}

static void
work(struct lun_loop *loop)
{
	dispatch(loop, SOURCE_SOCKET);
	dispatch(loop, SOURCE_OTHER);
	loop->n_events = 0;
	timers_run(&loop->timers, loop->now);

	for (int i = 0; i < ROUNDS_MAX && !idle(loop); i++) {
		/* Jobs have jobs of their own: all of them before what they
		 * queue goes out, so that it goes out in one piece. */
		for (int k = 0; k < ROUNDS_MAX && !list_empty(&loop->jobs); k++)
			run_jobs(&loop->jobs);
		run_jobs(&loop->flushes);
	}
}

/* Milliseconds until there is something to do; -1: unknown. Rounded up: a
 * wake-up that comes before its timer is due would be for nothing. */
static int
sleep_ms(const struct lun_loop *loop)
{
	lun_time at = timers_deadline(&loop->timers);

	if (!idle(loop) || at <= loop->now)
		return 0;
	if (at == TIME_NEVER)
		return -1;

	lun_time ms = (at - loop->now + TIME_MS - 1) / TIME_MS;

	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void
note_cpu(struct lun_loop *loop)
{
	struct timespec ts;

	if (!pace_wants_cpu(&loop->pace, loop->now))
		return;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	pace_cpu(&loop->pace, loop->now, ts.tv_sec * TIME_S + ts.tv_nsec);
}

bool
lun_loop_is_strained(const struct lun_loop *loop)
{
	return pace_is_strained(&loop->pace, loop->now);
}

/* What comes meanwhile is handled together; timers may be late by that. */
static void
rest(struct lun_loop *loop)
{
	struct timespec t = { .tv_nsec = pace_rest(&loop->pace, loop->now) };

	if (t.tv_nsec > 0 && sleep_ms(loop) != 0 && !loop->stopped)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

int
lun_loop_run(struct lun_loop *loop, struct lun_error *err)
{
	int r = 0;

	loop->stopped = false;
	loop->running = true;
	read_clock(loop);
	while (!loop->stopped) {
		int n = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS,
				   sleep_ms(loop));

		if (n < 0 && errno != EINTR) {
			r = lun_fail(err, LUN_ESYS, "epoll: %s",
				     strerror(errno));
			break;
		}
		loop->n_events = n > 0 ? n : 0;
		read_clock(loop);
		note_cpu(loop);
		work(loop);
		rest(loop);
	}
	loop->running = false;
	return r;
}

void
lun_loop_stop(struct lun_loop *loop)
{
	loop->stopped = true;
}

/* ----------------------------------------------------------- wake-ups -- */

static void
woken(struct source *s, uint32_t events)
{
	struct lun_loop *loop = container_of(s, struct lun_loop, wake);
	uint64_t count;

	if (read(s->fd, &count, sizeof(count)) == sizeof(count) &&
	    loop->on_wake)
		loop->on_wake(loop->on_wake_user);
}

void
lun_loop_wake(struct lun_loop *loop)
{
	static const uint64_t one = 1;
	int saved = errno;		/* of the code that a signal interrupts */

	/* If it can't be added it is large already: the loop will wake. */
	if (write(loop->wake.fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void
lun_loop_on_wake(struct lun_loop *loop, void (*fn)(void *user), void *user)
{
	loop->on_wake = fn;
	loop->on_wake_user = user;
}

/* -------------------------------------------------- making and ending -- */

void
lun_loop_set_log(struct lun_loop *loop, enum lun_log_level level,
		 lun_log_fn *log, void *user)
{
	/* env.user is the log's: randomness needs none */
	loop->env.log = log;
	loop->env.log_level = level;
	loop->env.user = user;
}

int
lun_loop_set_pcap(struct lun_loop *loop, const char *path,
		  struct lun_error *err)
{
	struct capture *c;
	int r = capture_new(&c, path, &loop->env, err);

	if (r < 0)
		return r;
	capture_unref(loop->capture);
	loop->capture = c;
	return 0;
}

struct lun_loop *
lun_loop_free(struct lun_loop *loop)
{
	if (!loop)
		return NULL;
	assert(loop->users == 0);
	capture_unref(loop->capture);
	source_del(&loop->wake);
	if (loop->wake.fd >= 0)
		close(loop->wake.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	timers_deinit(&loop->timers);
	free(loop);
	return NULL;
}

static void
loop_freep(struct lun_loop **loop)
{
	lun_loop_free(*loop);
}

int
lun_loop_new(struct lun_loop **out, struct lun_error *err)
{
	_cleanup_(loop_freep) struct lun_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return lun_fail(err, LUN_ENOMEM, "event loop: out of memory");
	loop->env.random = random_bytes;
	timers_init(&loop->timers);
	list_init(&loop->jobs);
	list_init(&loop->flushes);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop->wake.kind = SOURCE_OTHER;
	loop->wake.ready = woken;
	if (loop->epoll_fd < 0 || loop->wake.fd < 0)
		return lun_fail(err, LUN_ESYS, "event loop: %s",
				strerror(errno));

	int r = source_add(&loop->wake, loop, EPOLLIN, err);

	if (r < 0)
		return r;
	*out = take(loop);
	return 0;
}
