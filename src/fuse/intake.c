/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See intake.h. */
#include "fuse/intake.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fail.h"
#include "fuse/ops.h"
#include "log.h"

enum {
	BATCH = 64,		/* messages, then the loop gets its turn */
	TICK_MS = 1000,
	INTERRUPT_TICKS = 2,	/* at least a second: see file.c */
	TRIM_TICKS = 5,
	LOOK_MS = 100,
};

static _Thread_local struct intake *current;

struct intake *
intake_current(void)
{
	return current;
}

uint64_t
intake_received(const struct intake *in)
{
	return atomic_load_explicit(&in->received, memory_order_relaxed);
}

static void
note_strain(struct intake *in)
{
	bool now = lun_loop_is_strained(in->loop);

	if (atomic_load_explicit(&in->strained, memory_order_relaxed) != now)
		atomic_store_explicit(&in->strained, now, memory_order_relaxed);
}

/* --------------------------------------------------------------- tick -- */

static void
end_interrupted(struct request *r, void *ended)
{
	bool flush = r->part && flush_is_interrupted(r->part);
	unsigned *n = ended;
	char text[REQUEST_TEXT_MAX];

	if ((!flush && !r->interrupted) || r->interrupted++ != INTERRUPT_TICKS)
		return;
	if ((*n)++ == 0)
		log_say(LUN_LOG_DEBUG, "%s: is ended, as nobody waits for it any "
			"more", file_request_text(r, text));
	lun_io_cancel(r->disk, &r->io);
}

static void
end_all_interrupted(struct intake *in)
{
	unsigned n = 0;

	requests_each(in->requests, end_interrupted, &n);
	if (n > 1)
		log_say(LUN_LOG_DEBUG, "fuse: so are %u others", n - 1);
}

/* Once a second while there is work, and until the memory was given back. */
static void
on_tick(void *user)
{
	struct intake *in = user;
	uint64_t received = intake_received(in);
	bool idle = received == in->received_before &&
		    in->requests->in_flight == 0;

	note_strain(in);
	end_all_interrupted(in);
	in->errors_logged = 0;
	in->received_before = received;
	in->idle_ticks = idle ? in->idle_ticks + 1 : 0;
	if (in->idle_ticks < TRIM_TICKS) {
		lun_alarm_set(in->tick, TICK_MS);
		return;
	}
	in->ticking = false;
	in->idle_ticks = 0;
	requests_trim(in->requests);
}

static void
tick_on(struct intake *in)
{
	if (!in->ticking && in->tick) {
		in->ticking = true;
		lun_alarm_set(in->tick, TICK_MS);
	}
}

/* ----------------------------------------------------------- messages -- */

static void
stop_reading(struct intake *in)
{
	in->watch = lun_watch_free(in->watch);
}

static void
gone(struct intake *in)
{
	in->gone = true;
	atomic_store(&in->up, false);
	stop_reading(in);
	in->ops->gone(in);
}

/* Of what was read into in->rx; false if there should be no more for now. */
static bool
process(struct intake *in, const struct fuse_buf *message)
{
	/* not ++, which would be a locked instruction: one thread counts */
	atomic_store_explicit(&in->received, intake_received(in) + 1,
			      memory_order_relaxed);
	if (!in->ops->wants || in->ops->wants(in, message)) {
		current = in;
		fuse_session_process_buf(in->se, message);
		current = NULL;
	}
	if (!in->rx)			/* the operation kept it */
		in->rx = requests_get(in->requests);
	return !in->ops->processed || in->ops->processed(in);
}

/* One message; false if there is no more for now. */
static bool
serve_one(struct intake *in)
{
	struct fuse_buf buf = { .mem = in->rx->mem };
	int n = fuse_session_receive_buf(in->se, &buf);

	if (n == -EINTR)
		return true;
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {			/* 0: libfuse's word for ENODEV */
		gone(in);
		return false;
	}
	return process(in, &buf);
}

static bool
is_lost(struct intake *in)
{
	bool lost = in->ops->lost(in);

	if (atomic_load(&in->up) == lost)	/* a store would be locked */
		atomic_store(&in->up, !lost);
	return lost;
}

static void
rest(struct intake *in)
{
	if (in->stopped || in->gone)
		return;
	in->rests = in->ops->others(in);
	in->ops->call(in);
	if (in->rests)
		stop_reading(in);
	lun_alarm_set(in->look, LOOK_MS);
}

static void
stand_aside(struct intake *in)
{
	atomic_store(&in->aside, true);
	stop_reading(in);
}

static void
on_readable(void *user)
{
	struct intake *in = user;
	/* With nothing under way this is most likely a user who waits for one
	 * answer after the other: to ask for more would be a call for nothing. */
	bool lost = is_lost(in);
	int most = in->requests->in_flight > 0 && !lost ? BATCH : 1;

	tick_on(in);
	note_strain(in);
	for (int i = 0; i < most && in->watch; i++) {
		if (!in->rx) {
			stop_reading(in);	/* intake_put() goes on */
			break;
		}
		if (!serve_one(in))
			break;
	}
	if (lost)
		rest(in);
	else if (in->ops->needed && !in->ops->needed(in))
		stand_aside(in);
	else
		in->ops->call(in);
}

static int
start_reading(struct intake *in, struct lun_error *err)
{
	return lun_watch_new(&in->watch, in->loop, fuse_session_fd(in->se),
			     on_readable, in, err);
}

static void
read_on(struct intake *in)
{
	struct lun_error err = { 0 };

	if (in->watch || start_reading(in, &err) == 0)
		return;
	log_say(LUN_LOG_ERROR, "fuse: %s", err.text);
	gone(in);
}

/* The one that it rests for may have stood aside just after it was called. */
static void
on_look(void *user)
{
	struct intake *in = user;
	bool lost;

	if (in->stopped || in->gone)
		return;
	lost = is_lost(in);
	if (in->rests && !(lost && in->ops->others(in))) {
		in->rests = false;
		read_on(in);
	}
	if (in->rests)
		in->ops->call(in);
	if (lost)
		lun_alarm_set(in->look, LOOK_MS);
}

void
intake_join(struct intake *in)
{
	if (!in->aside || in->stopped || in->gone || !in->ops->needed(in))
		return;
	atomic_store(&in->aside, false);
	if (is_lost(in))
		rest(in);
	if (!in->rests)
		read_on(in);
}

bool
intake_give(struct intake *in, const void *message, size_t size)
{
	if (!in->rx)
		return false;
	assert(size <= in->requests->mem_size);
	memcpy(in->rx->mem, message, size);
	tick_on(in);
	process(in, &(struct fuse_buf){ .mem = in->rx->mem, .size = size });
	return true;
}

/* ----------------------------------------------------------- requests -- */

struct request *
intake_take(struct intake *in)
{
	struct request *r = in->rx;

	assert(r && !r->in_flight);
	in->rx = NULL;
	r->intake = in;
	r->in_flight = true;
	r->interrupted = 0;
	in->requests->in_flight++;
	return r;
}

struct request *
intake_take_own(struct intake *in)
{
	struct request *r = in->rx ? intake_take(in) : NULL;

	if (r)
		in->rx = requests_get(in->requests);
	tick_on(in);
	return r;
}

void
intake_put(struct request *r)
{
	struct intake *in = r->intake;

	assert(r->in_flight);
	r->in_flight = false;
	in->requests->in_flight--;
	requests_put(in->requests, r);
	if (!in->rx)
		in->rx = requests_get(in->requests);
	if (!in->stopped && !in->gone && !in->rests && !in->aside)
		read_on(in);
	in->ops->answered(in);
}

static void
look_for(struct request *r, void *user)
{
	bool *away = user;

	*away |= lun_disk_signs(r->disk).away;
}

bool
intake_waits(const struct intake *in)
{
	bool away = false;

	requests_each(in->requests, look_for, &away);
	return away;
}

/* ------------------------------------------------------------- public -- */

int
intake_init(struct intake *in, struct lun_error *err)
{
	int r = requests_new(&in->requests, err);

	if (r == 0)
		in->rx = requests_get(in->requests);
	return r;
}

int
intake_start(struct intake *in, struct lun_error *err)
{
	if (lun_alarm_new(&in->tick, in->loop, on_tick, in) < 0 ||
	    lun_alarm_new(&in->look, in->loop, on_look, in) < 0)
		return fail(err, LUN_ENOMEM, "fuse: out of memory");
	atomic_store(&in->up, true);
	return start_reading(in, err);
}

void
intake_stop(struct intake *in)
{
	in->stopped = true;
	atomic_store(&in->up, false);
	stop_reading(in);
}

void
intake_deinit(struct intake *in)
{
	stop_reading(in);
	in->tick = lun_alarm_free(in->tick);
	in->look = lun_alarm_free(in->look);
	in->requests = requests_free(in->requests);
}
