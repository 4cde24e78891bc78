/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lun_discover(): a Discovery session that is up for one SendTargets.
 *
 *	login -> SendTargets -> logout -> done
 *
 * What came of it is kept until the session is down, and told from a job, when
 * nothing of the session is on the stack: the application may free it there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "discovery/sendtargets.h"
#include "io/pump.h"
#include "lun-impl.h"

/* A target that has told us everything may forget to answer the logout. */
#define LOGOUT_TIME	(2 * TIME_S)

struct lun_discovery {
	struct lun_loop *loop;
	struct setup setup;
	struct pump *pump;
	struct session *session;
	struct text_exchange exchange;
	char request[SENDTARGETS_REQUEST_MAX];
	struct targets *targets;	/* NULL: see err */
	struct lun_error err;
	struct job report;
	lun_discover_fn *done;
	void *user;
};

static void
report(struct job *j)
{
	struct lun_discovery *d = container_of(j, struct lun_discovery, report);
	size_t n;

	if (!d->targets) {
		d->done(d->user, d->err.code, d->err.text, NULL, 0);
		return;
	}

	const struct lun_target *list = targets_list(d->targets, &n);

	d->done(d->user, 0, "", list, n);
}

static void
answered(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
	struct lun_discovery *d = x->user;
	struct portal present = *session_portal(d->session);

	present.tpgt = session_login(d->session)->tpgt;
	if (code < 0)
		d->err = *err;
	else
		targets_new(&d->targets, text, len, &present, &d->loop->env,
			    &d->err);
	session_stop(d->session, d->loop->now);
}

static void
up(void *user)
{
	struct lun_discovery *d = user;

	d->exchange = (struct text_exchange){
		.request = d->request,
		.request_len = sendtargets_request(d->request,
						   d->setup.target[0] ?
						   d->setup.target : "All"),
		.answer_max = SENDTARGETS_ANSWER_MAX,
		.done = answered,
		.user = d,
	};

	int r = session_text(d->session, &d->exchange, d->loop->now);

	if (r == 0)
		return;
	lun_fail(&d->err, r, "%s: no SendTargets possible", d->setup.label);
	session_stop(d->session, d->loop->now);
}

static void
down(void *user, const struct lun_error *err)
{
	struct lun_discovery *d = user;

	if (!d->targets && d->err.code == 0)
		d->err = *err;
	loop_add_job(d->loop, &d->report);
}

static void
scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	/* A Discovery session has no logical units. */
}

static const struct session_ops ops = {
	.up = up, .down = down, .scsi_event = scsi_event,
};

struct lun_discovery *
lun_discovery_free(struct lun_discovery *d)
{
	if (!d)
		return NULL;
	assert(!d->pump || !pump_is_stepping(d->pump));
	session_free(d->session);
	pump_free(d->pump);
	job_deinit(&d->report);
	targets_free(d->targets);
	setup_deinit(&d->setup);
	free(d);
	return NULL;
}

static int
start(struct lun_discovery *d, const struct lun_url *url,
      const struct lun_options *options, struct lun_error *err)
{
	struct session_config *c = &d->setup.config;
	int r = setup_init(&d->setup, url, options, true, &d->loop->env, err);

	if (r < 0)
		return r;
	if (c->timeouts.logout > LOGOUT_TIME)
		c->timeouts.logout = LOGOUT_TIME;
	r = pump_new(&d->pump, d->loop, err);
	if (r < 0)
		return r;

	lun_time now = loop_now(d->loop);

	r = session_new(&d->session, c, &d->loop->env, &d->loop->timers,
			&pump_driver, d->pump, &ops, d, now, err);
	if (r == 0)
		session_start(d->session, now);
	return r;
}

int
lun_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     lun_discover_fn *done, void *user, struct lun_error *err)
{
	if (url->kind > LUN_URL_LUN)
		return lun_fail(err, LUN_EINVAL,
				"discovery: not the URL of a portal");

	struct lun_discovery *d = calloc(1, sizeof(*d));

	if (!d)
		return lun_fail(err, LUN_ENOMEM, "discovery: out of memory");
	d->loop = loop;
	d->setup.isid.lock_fd = -1;
	d->done = done;
	d->user = user;
	job_init(&d->report, report);

	int r = start(d, url, options, err);

	if (r < 0) {
		lun_discovery_free(d);
		return r;
	}
	*out = d;
	return 0;
}
