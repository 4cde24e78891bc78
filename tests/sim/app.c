/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See app.h. Its life:
 *
 *	OPENING -> WORKING -> LOOKING (at all of the disk) -> CLOSING -> OVER
 *	  ^  `-- failed, under faults: later again
 *	  `-- LEAVING <-' in the middle of it
 */
#include "app.h"

#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "faults.h"
#include "host.h"
#include "lun.h"
#include "oracle.h"
#include "plant.h"
#include "portals.h"
#include "promise.h"

struct op {
	struct lun_io io;
	uint32_t id;
	lun_time since;			/* 0: not under way */
	bool cancelled;
};

static struct app {
	const struct plan *plan;
	enum { OPENING, WORKING, LEAVING, LOOKING, CLOSING, OVER } phase;
	struct lun_session *session;
	struct lun_options *options;
	unsigned portal;		/* that it is opened at */
	lun_time open_at, opened_at;	/* TIME_NEVER: it is */
	bool failed, was_ready, submitting;
	bool open;			/* ready came, and it is not closed */
	lun_time next_at;		/* the next request */
	unsigned submitted, in_flight;
	struct op ops[64];
	struct lun_io *starved;
	uint64_t look_at;		/* LOOKING: the next byte */
	bool look_flushed;
	lun_time close_since;
} app;

/* ------------------------------------------------------------- requests -- */

/* The next request, if there is room for it. */
static void
plan_next(void)
{
	const struct plan *p = app.plan;
	bool burst = chance(FROM_APP, p->bursts);
	lun_time at = world.now + 1;

	app.next_at = TIME_NEVER;
	if (app.phase != WORKING)
		return;
	if (!burst && p->think_max)
		at += draw_time(FROM_APP, 0, p->think_max);
	if (app.submitted < p->ops && app.in_flight < p->depth)
		app.next_at = at;
	else if (p->cancels && app.in_flight > 0)
		app.next_at = world.now + 200 * TIME_MS;
}

static void
check_failure(const struct op *op)
{
	const struct lun_io *io = &op->io;
	const struct lun_disk *d = lun_session_disk(app.session, 0);

	if (app.phase == LEAVING ||
	    (op->cancelled && io->code == LUN_ECANCELED))
		return;
	if (!may_fail(io, op->since, lun_disk_info(d)))
		broken("#%u: failed, and not rightly: %s", op->id, io->text);
}

static void
again_done(struct lun_io *io)
{
	sim_free(io->buffer);
	io->buffer = NULL;
}

/* PLANT_REPLAY: nobody asked for it. */
static void
send_again(const struct lun_io *io)
{
	static struct lun_io again;

	if (again.buffer)
		return;
	again = *io;
	again.buffer = sim_alloc(io->length);
	again.done = again_done;
	memcpy(again.buffer, io->buffer, io->length);
	lun_disk_submit(lun_session_disk(app.session, 0), &again);
}

/* PLANT_STARVED: the first one is done when the faults are over. (Who leaves
 * would find it at once.) */
static bool
starve(struct lun_io *io)
{
	if (!plant_is(PLANT_STARVED) || app.starved || faults_are_over() ||
	    app.plan->leaves)
		return false;
	app.starved = io;
	return true;
}

static void
done(struct lun_io *io)
{
	struct op *op = io->user;

	if (plant_strikes(PLANT_NEVER_DONE, 15) || starve(io))
		return;
	plant_outcome(io);
	if (app.submitting)
		broken("#%u: done within submit", op->id);
	if (!op->since)
		broken("#%u: done, and was not under way", op->id);
	oracle_done(op->id, io,
		    portals_group(app.plan, lun_session_info(app.session)));
	if (io->code)
		check_failure(op);
	op->since = 0;
	app.in_flight--;
	if (io->op == LUN_WRITE && plant_strikes(PLANT_REPLAY, 10))
		send_again(io);
	sim_free(io->buffer);
	io->buffer = NULL;
	if (plant_strikes(PLANT_DONE_TWICE, 15))
		done(io);
	if (app.next_at == TIME_NEVER)
		plan_next();
}

static struct op *
find_free(void)
{
	struct op *op = app.ops;

	while (op->since)
		op++;
	return op;
}

static void
submit(enum lun_op what, unsigned flags, uint64_t offset, size_t length)
{
	struct lun_disk *d = lun_session_disk(app.session, 0);
	struct op *op = find_free();

	*op = (struct op){
		.io = {
			.op = what, .flags = flags, .offset = offset,
			.length = length, .done = done, .user = op,
			.buffer = length ? sim_alloc(length) : NULL,
		},
		.since = world.now,
	};
	if (what == LUN_READ)
		memset(op->io.buffer, 0xee, length);
	op->id = oracle_submit(&op->io);
	app.in_flight++;
	app.submitting = true;
	lun_disk_submit(d, &op->io);
	app.submitting = false;
}

static void
submit_any(void)
{
	const struct plan *p = app.plan;
	uint64_t size = (uint64_t)p->blocks * p->block_size;
	uint32_t r = draw(FROM_APP, 1000), max = 1 + draw(FROM_APP, p->size_max);
	uint32_t unit = chance(FROM_APP, p->unaligned) ? CELL : p->block_size;
	uint64_t length = (max + unit - 1) / unit * unit;
	uint64_t offset = draw(FROM_APP, (uint32_t)((size - length) / unit + 1));
	bool fua = chance(FROM_APP, p->fua);

	app.submitted++;
	if (r < p->flushes)
		submit(LUN_FLUSH, 0, 0, 0);
	else if (chance(FROM_APP, p->writes))
		submit(LUN_WRITE, fua ? LUN_FUA : 0, offset * unit, length);
	else
		submit(LUN_READ, 0, offset * unit, length);
}

static void
cancel_any(void)
{
	struct op *op = &app.ops[draw(FROM_APP, app.plan->depth)];

	if (!op->since || op->cancelled)
		return;
	say("#%u: cancel", op->id);
	op->cancelled = true;
	app.submitting = true;
	lun_io_cancel(lun_session_disk(app.session, 0), &op->io);
	app.submitting = false;
}

static void
left(void *user)
{
	say("app: closed in the middle");
	if (app.in_flight)
		broken("closed, and %u requests are not done", app.in_flight);
	app.phase = OPENING;
	app.open_at = world.now + draw_time(FROM_APP, 1, 10 * TIME_S);
}

/* With all that is under way; and comes back. */
static void
leave(void)
{
	say("app: leaves");
	app.phase = LEAVING;
	app.open = false;
	app.next_at = TIME_NEVER;
	app.close_since = world.now;
	lun_session_close(app.session, left);
}

static void
work(void)
{
	const struct plan *p = app.plan;

	if (app.submitted < p->ops && app.in_flight < p->depth)
		submit_any();
	if (chance(FROM_APP, p->cancels))
		cancel_any();
	if (p->retries && chance(FROM_APP, p->retries))
		lun_session_retry(app.session);
	plan_next();
	if (p->leaves && chance(FROM_APP, p->leaves))
		leave();
}

/* Nothing may fail here. */
static void
look(void)
{
	const struct plan *p = app.plan;
	uint64_t size = (uint64_t)p->blocks * p->block_size;
	uint64_t left = size - app.look_at;

	app.next_at = TIME_NEVER;
	if (app.look_at < size) {
		uint64_t n = size / 16 < left ? size / 16 : left;

		n = (n + CELL - 1) / CELL * CELL;
		submit(LUN_READ, 0, app.look_at, n < left ? n : left);
		app.look_at += n < left ? n : left;
	} else if (!app.look_flushed) {
		app.look_flushed = true;
		submit(LUN_FLUSH, 0, 0, 0);
	}
}

/* -------------------------------------------------------------- session -- */

/* No fault was met yet. */
static void
check_portals(void)
{
	if (!faults_were())
		portals_check(app.plan, lun_session_info(app.session));
}

static void
ready(void *user, int code, const char *text)
{
	struct lun_disk *d = lun_session_disk(app.session, 0);

	say("app: session: %d %s", code, text);
	app.open = true;
	/* a look that met a fault is not repeated: the session is */
	if (code == 0 && (!d || lun_disk_info(d)->state != LUN_DISK_READY)) {
		code = LUN_ENOTFOUND;
		text = "its disk is not ready";
	}
	if (code == 0) {
		check_portals();
		app.phase = WORKING;
		app.was_ready = true;
		app.next_at = world.now;
		app.opened_at = TIME_NEVER;
		return;
	}
	if (nothing_is_wrong())
		broken("the session could not be made: %s", text);
	app.failed = true;
	app.open_at = world.now + TIME_S;
	app.portal = (app.portal + 1) % app.plan->portals;
}

static void
disk_changed(void *user, struct lun_disk *d)
{
	const struct lun_disk_info *i = lun_disk_info(d);

	say("app: the disk is %s %s", i->state_name, i->text);
	if (i->state == LUN_DISK_GONE &&
	    (app.phase == WORKING || app.phase == LOOKING))
		broken("the unit is thought to be gone: %s", i->text);
}

static const struct lun_session_ops session_ops = { ready, disk_changed };

static void
set(const char *name, const char *value)
{
	struct lun_error err;

	if (lun_options_set(app.options, name, value, &err) < 0)
		broken("option %s=%s: %s", name, value, err.text);
}

static void
make_options(void)
{
	const struct plan *p = app.plan;
	char seconds[24];
	struct lun_error err;

	if (lun_options_new(&app.options, &err) < 0)
		broken("options: %s", err.text);
	snprintf(seconds, sizeof(seconds), "%d", (int)(p->timeout / TIME_S));
	set("timeout", seconds);
	set("outage", outage_name(p));
	for (unsigned i = 0; i < p->n_engine; i++)
		set(p->engine[i].name, p->engine[i].value);
}

/* As programs do that have found them. */
static void
add_portals(void)
{
	const struct plan *p = app.plan;

	if (p->told == TOLD_BY_TARGET || plant_is(PLANT_ONE_PORTAL))
		return;
	for (unsigned i = 0; i < p->portals; i++)
		if (i != app.portal)
			lun_session_add_portal(app.session, portal_host(i),
					       LUN_PORT,
					       p->told == TOLD_WITHOUT_GROUP ?
					       -1 : (int)p->group[i]);
}

static void
open_session(void)
{
	struct lun_url url;
	struct lun_error err;
	char text[128];
	int r;

	snprintf(text, sizeof(text), "iscsi://%s/" TARGET_NAME "%s",
		 portal_host(app.portal), app.plan->whole_target ? "" : "/1");
	r = lun_url_parse(&url, text, &err);
	app.session = lun_session_free(app.session);
	app.open = false;
	app.failed = false;
	app.open_at = TIME_NEVER;
	app.opened_at = world.now;
	world.life++;
	promise_session();
	if (r == 0)
		r = lun_session_open(&app.session, engine_loop(), &url,
				     app.options, &session_ops, NULL, &err);
	if (r == LUN_ENOMEM && app.plan->every[FAULT_ALLOC] &&
	    !faults_are_over())
		app.open_at = world.now + TIME_S;
	else if (r < 0)
		broken("the session could not be opened: %s", err.text);
	else
		add_portals();
}

static void
closed(void *user)
{
	say("app: closed");
	app.phase = OVER;
}

static void
close_session(void)
{
	app.phase = CLOSING;
	app.open = false;
	app.close_since = world.now;
	lun_session_close(app.session, closed);
}

/* ------------------------------------------------------------------- all -- */

lun_time
app_deadline(void)
{
	switch (app.phase) {
	case OPENING:
		return app.open_at;
	case WORKING:
	case LOOKING:
		return app.next_at;
	case LEAVING:
	case CLOSING:
	case OVER:
		return TIME_NEVER;
	}
	return TIME_NEVER;
}

void
app_run(void)
{
	if (app.phase == WORKING && app.submitted == app.plan->ops &&
	    app.in_flight == 0 && faults_are_over()) {
		say("app: looks at all of it");
		check_portals();
		app.phase = LOOKING;
	}
	if (app.starved && faults_are_over()) {
		done(app.starved);
		app.starved = NULL;
	}
	if (app.phase == LOOKING && app.in_flight == 0 && app.look_flushed)
		close_session();
	if (app.phase == LOOKING && app.in_flight == 0)
		look();
	if (app_deadline() > world.now)
		return;
	if (app.phase == OPENING)
		open_session();
	else if (app.phase == WORKING)
		work();
}

bool
app_is_ready(void)
{
	return app.was_ready;
}

bool
app_is_over(void)
{
	return app.phase == OVER;
}

bool
app_is_busy(void)
{
	return app.submitted < app.plan->ops;
}

/* id: of a request, else 0. */
static void
check_in_time(const char *what, uint32_t id, lun_time since, lun_time at)
{
	if (world.now > at)
		broken("%s%u has waited for %.1f s: %.1f s too long", what, id,
		       (double)(world.now - since) / TIME_S,
		       (double)(world.now - at) / TIME_S);
}

/* What the loop has counted is what the session says. */
static void
check_count(void)
{
	size_t lost = app.open && lun_session_is_lost(app.session);

	if (lun_loop_lost(engine_loop()) != lost)
		broken("%zu lost sessions are counted, not %zu",
		       lun_loop_lost(engine_loop()), lost);
}

/* What it has seen of a restart others may ask at once, not when it is back. */
static void
check_signs(void)
{
	const struct lun_disk *d = app.open ? lun_session_disk(app.session, 0) :
					      NULL;

	if (d && lun_disk_signs(d).absent_at < engine_refused_at())
		broken("nobody listened, and it does not say so");
}

void
app_check(void)
{
	check_count();
	check_signs();
	if (app.phase == OPENING && app.opened_at != TIME_NEVER)
		check_in_time("session ", 0, app.opened_at,
			      opening_due_at(app.opened_at));
	if (app.phase == CLOSING)
		check_in_time("close ", 0, app.close_since,
			      due_at(app.close_since));
	/* for requests, for their commands, and for the answer to the logout */
	if (app.phase == LEAVING && world.now > time_add(app.close_since,
	    3 * app.plan->timeout + 5 * TIME_S))
		broken("it is not closed after %.1f s",
		       (double)(world.now - app.close_since) / TIME_S);
	for (unsigned i = 0, left = app.in_flight; left > 0; i++) {
		if (!app.ops[i].since)
			continue;
		check_in_time("#", app.ops[i].id, app.ops[i].since,
			      due_at(app.ops[i].since));
		left--;
	}
}

void
app_begin(const struct plan *plan)
{
	memset(&app, 0, sizeof(app));
	app.plan = plan;
	app.open_at = world.now;
	app.portal = plan->url_portal;
	app.opened_at = TIME_NEVER;
	promise_begin(plan);
	make_options();
}

void
app_end(void)
{
	app.session = lun_session_free(app.session);
	app.options = lun_options_free(app.options);
}
