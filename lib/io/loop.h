/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event loop: epoll, the clock, timers, wake-ups, and what is to be done
 * before it sleeps again. The only place that waits.
 *
 * One wake-up goes through these stages; what a stage starts is finished by
 * those that follow, so that nothing waits for the next wake-up:
 *
 *	1. sources of SOURCE_SOCKET	bytes come in
 *	2. the other sources		requests of the application come in
 *	3. timers
 *	4. jobs				sessions step, completions are called
 *	5. flushes			what all that queued goes out
 *
 * 4 and 5 are repeated while there are any, a bounded number of times; if some
 * are left then, the loop does not sleep but starts again with 1.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <sys/epoll.h>

#include "base/clock.h"
#include "base/env.h"
#include "base/list.h"
#include "base/timers.h"
#include "io/pace.h"

enum { LOOP_EVENTS = 64 };

enum source_kind {
	SOURCE_SOCKET,
	SOURCE_OTHER,
};

/* A file descriptor in the epoll set; embedded, the owner keeps the fd. */
struct source {
	struct lun_loop *loop;		/* NULL: not in the set */
	int fd;
	enum source_kind kind;
	uint32_t armed;			/* EPOLLIN ... */
	void (*ready)(struct source *s, uint32_t events);
};

/* Something to be done in this wake-up, once however often it is asked for. */
struct job {
	struct list link;
	void (*run)(struct job *j);
};

struct capture;

struct lun_loop {
	int epoll_fd;
	struct lun_env env;
	struct timers timers;
	lun_time now;			/* of this wake-up */
	bool running, stopped;
	struct list jobs, flushes;
	struct pace pace;		/* of the sessions on it */
	size_t n_lost;			/* see lun_loop_lost() */

	struct source wake;		/* an eventfd */
	void (*on_wake)(void *user);
	void *on_wake_user;

	/* those under way; the entries of sources that go away become NULL */
	struct epoll_event events[LOOP_EVENTS];
	int n_events;

	struct capture *capture;	/* NULL: none */
	size_t users;			/* watches, alarms, pumps ... */
};

/* LUN_ESYS. fd, kind and ready have been filled in by the caller. */
int source_add(struct source *s, struct lun_loop *loop, uint32_t events,
	       struct lun_error *err);
void source_arm(struct source *s, uint32_t events);
void source_del(struct source *s);		/* also legal if never added */

void job_init(struct job *j, void (*run)(struct job *j));
void job_deinit(struct job *j);
void loop_add_job(struct lun_loop *loop, struct job *j);
void loop_add_flush(struct lun_loop *loop, struct job *j);

/* The time of this wake-up; the clock, for calls from outside of the loop. */
lun_time loop_now(struct lun_loop *loop);

#endif
