/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Discovery session that is up for one SendTargets:
 *
 *	login -> SendTargets -> logout -> done
 *
 * What came of it is kept until the session is down.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "conn/times.h"
#include "discovery/sendtargets.h"
#include "io/pump.h"
#include "lun-discovery.h"
#include "lun-impl.h"

struct sendtargets {
	struct lun_discovery d;		/* the first */
	struct setup setup;
	struct pump *pump;
	struct session *session;
	struct text_exchange exchange;
	char request[SENDTARGETS_REQUEST_MAX];
};

static void
answered(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
	struct sendtargets *st = x->user;
	struct lun_discovery *d = &st->d;
	struct portal present = *session_portal(st->session);

	present.tpgt = session_login(st->session)->tpgt;
	if (code < 0)
		d->err = *err;
	else
		sendtargets_read(&d->targets, text, len, &present,
				 st->setup.options.portal_rewrite,
				 &d->loop->env, &d->err);
	session_stop(st->session, d->loop->now);
}

static void
up(void *user)
{
	struct sendtargets *st = user;
	lun_time now = st->d.loop->now;

	st->exchange = (struct text_exchange){
		.request = st->request,
		.request_len = sendtargets_request(st->request,
						   st->setup.target[0] ?
						   st->setup.target : "All"),
		.answer_max = SENDTARGETS_ANSWER_MAX,
		.done = answered,
		.user = st,
	};

	int r = session_text(st->session, &st->exchange, now);

	if (r == 0)
		return;
	lun_fail(&st->d.err, r, "%s: no SendTargets possible",
		 st->setup.label);
	session_stop(st->session, now);
}

static void
down(void *user, const struct lun_error *err)
{
	struct sendtargets *st = user;

	if (!st->d.targets && st->d.err.code == 0)
		st->d.err = *err;
	discovery_report(&st->d);
}

static void
scsi_event(void *user, uint64_t lun, const uint8_t *sense, size_t len)
{
	/* A Discovery session has no logical units. */
}

static const struct session_ops ops = {
	.up = up, .down = down, .scsi_event = scsi_event,
};

static void
sendtargets_free(struct lun_discovery *d)
{
	struct sendtargets *st = container_of(d, struct sendtargets, d);

	assert(!st->pump || !pump_is_stepping(st->pump));
	session_free(st->session);
	pump_free(st->pump);
	setup_deinit(&st->setup);
	free(st);
}

static int
start(struct sendtargets *st, const struct lun_url *url,
      const struct lun_options *options, struct lun_error *err)
{
	struct lun_loop *loop = st->d.loop;
	struct session_config *c = &st->setup.config;
	int r = setup_init(&st->setup, url, options, true, &loop->env, err);

	if (r < 0)
		return r;
	if (c->timeouts.logout > DISCOVERY_LOGOUT)
		c->timeouts.logout = DISCOVERY_LOGOUT;
	r = pump_new(&st->pump, loop,
		     proxy_or_none(&st->setup.options.proxy), err);
	if (r < 0)
		return r;

	lun_time now = loop_now(loop);

	r = session_new(&st->session, c, &loop->env, &loop->timers,
			&pump_driver, st->pump, &ops, st, now, err);
	if (r == 0)
		session_start(st->session, now);
	return r;
}

int
sendtargets_discover(struct lun_discovery **out, struct lun_loop *loop,
		     const struct lun_url *url,
		     const struct lun_options *options, struct lun_error *err)
{
	struct sendtargets *st = calloc(1, sizeof(*st));

	if (!st)
		return lun_fail(err, LUN_ENOMEM, "discovery: out of memory");
	discovery_init(&st->d, loop, sendtargets_free);
	st->setup.isid.lock_fd = -1;

	int r = start(st, url, options, err);

	if (r < 0) {
		lun_discovery_free(&st->d);
		return r;
	}
	*out = &st->d;
	return 0;
}
