/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an application puts on the loop: file descriptors and alarms. */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "io/loop.h"

struct lun_watch {
	struct source source;
	struct lun_loop *loop;
	void (*fn)(void *user);
	void *user;
};

struct lun_alarm {
	struct timer timer;
	struct lun_loop *loop;
	void (*fn)(void *user);
	void *user;
};

static void
watch_ready(struct source *s, uint32_t events)
{
	struct lun_watch *w = container_of(s, struct lun_watch, source);

	/* A hang-up is something to read: the callback finds out. */
	w->fn(w->user);
}

int
lun_watch_new(struct lun_watch **out, struct lun_loop *loop, int fd,
	      void (*fn)(void *user), void *user, struct lun_error *err)
{
	struct lun_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return lun_fail(err, LUN_ENOMEM, "watch: out of memory");
	w->source.fd = fd;
	w->source.kind = SOURCE_OTHER;
	w->source.ready = watch_ready;
	w->loop = loop;
	w->fn = fn;
	w->user = user;

	/* Loops that wait for the same thing: one of them is enough. */
	int r = source_add(&w->source, loop, EPOLLIN | EPOLLEXCLUSIVE, err);

	if (r < 0) {
		free(w);
		return r;
	}
	loop->users++;
	*out = w;
	return 0;
}

struct lun_watch *
lun_watch_free(struct lun_watch *w)
{
	if (!w)
		return NULL;
	source_del(&w->source);
	w->loop->users--;
	free(w);
	return NULL;
}

static void
alarm_fire(struct timer *t, lun_time now)
{
	struct lun_alarm *a = container_of(t, struct lun_alarm, timer);

	a->fn(a->user);
}

int
lun_alarm_new(struct lun_alarm **out, struct lun_loop *loop,
	      void (*fn)(void *user), void *user)
{
	struct lun_alarm *a = calloc(1, sizeof(*a));

	if (!a)
		return LUN_ENOMEM;
	if (timer_init(&a->timer, &loop->timers, alarm_fire) < 0) {
		free(a);
		return LUN_ENOMEM;
	}
	a->loop = loop;
	a->fn = fn;
	a->user = user;
	loop->users++;
	*out = a;
	return 0;
}

void
lun_alarm_set(struct lun_alarm *a, unsigned ms)
{
	timer_set(&a->timer, time_add(loop_now(a->loop), ms * TIME_MS));
}

struct lun_alarm *
lun_alarm_free(struct lun_alarm *a)
{
	if (!a)
		return NULL;
	timer_deinit(&a->timer);
	a->loop->users--;
	free(a);
	return NULL;
}
