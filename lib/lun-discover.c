/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lun_discover(): whom to ask, by the kind of the URL. */
#include "lun-discovery.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "lun-impl.h"

static discover_fn *const kinds[] = {
	[LUN_URL_PORTAL] = sendtargets_discover,
	[LUN_URL_TARGET] = sendtargets_discover,	/* of this one */
	[LUN_URL_LUN] = sendtargets_discover,
	[LUN_URL_ISNS] = isns_discover,
	[LUN_URL_SLP] = slp_discover,
};

/* In steps of the timeout, for a source that takes many. */
enum { STEPS_MAX = 10 };

static void
report(struct job *j)
{
	struct lun_discovery *d = container_of(j, struct lun_discovery, report);
	size_t n;

	if (d->late || !d->targets) {
		d->done(d->user, d->err.code, d->err.text, NULL, 0);
		return;
	}

	const struct lun_target *list = targets_list(d->targets, &n);

	d->done(d->user, 0, "", list, n);
}

void
discovery_init(struct lun_discovery *d, struct lun_loop *loop,
	       void (*free)(struct lun_discovery *d))
{
	d->loop = loop;
	d->free = free;
	job_init(&d->report, report);
}

void
discovery_report(struct lun_discovery *d)
{
	if (d->late)
		return;
	timer_clear(&d->limit);
	loop_add_job(d->loop, &d->report);
}

/* What came of it may be known, and only the goodbye (bounded) be under way. */
static void
limit_reached(struct timer *t, lun_time now)
{
	struct lun_discovery *d = container_of(t, struct lun_discovery, limit);

	if (d->targets || d->err.code < 0)
		return;
	lun_fail(&d->err, LUN_ETIMEDOUT, "%s: no complete answer within %"
		 PRId64 " s", d->label, d->bound / TIME_S);
	discovery_report(d);
	d->late = true;
}

lun_time
discovery_search_time(const struct lun_url *url, const struct lun_options *o)
{
	bool slp = url->kind == LUN_URL_SLP ||
		   (url->kind == LUN_URL_ISNS && !*url->host);

	return slp ? slp_options_search_time(o, url) : 0;
}

static int
limit_init(struct lun_discovery *d, const struct lun_url *url,
	   const struct lun_options *o, struct lun_error *err)
{
	const struct portal p = portal_of_url(url);
	lun_time search = discovery_search_time(url, o);

	if (*p.host)
		portal_print(&p, d->label);
	else
		strcpy(d->label, url->kind == LUN_URL_ISNS ? "iSNS" : "SLP");
	d->bound = STEPS_MAX * o->timeout;
	if (search > 0 && d->bound < o->timeout + search)
		d->bound = o->timeout + search;
	if (timer_init(&d->limit, &d->loop->timers, limit_reached) < 0)
		return lun_fail(err, LUN_ENOMEM, "discovery: out of memory");
	timer_set(&d->limit, time_add(loop_now(d->loop), d->bound));
	return 0;
}

struct lun_discovery *
lun_discovery_free(struct lun_discovery *d)
{
	if (!d)
		return NULL;
	job_deinit(&d->report);
	timer_deinit(&d->limit);
	targets_free(d->targets);
	d->free(d);
	return NULL;
}

int
lun_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     lun_discover_fn *done, void *user, struct lun_error *err)
{
	if (url->kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[url->kind])
		return lun_fail(err, LUN_EINVAL, "discovery: nobody to be asked "
				"by such a URL");

	struct lun_discovery *d;
	int r = kinds[url->kind](&d, loop, url, options, err);

	if (r < 0)
		return r;
	r = limit_init(d, url, options, err);
	if (r < 0) {
		lun_discovery_free(d);
		return r;
	}
	d->done = done;
	d->user = user;
	*out = d;
	return 0;
}

bool
lun_discovery_watch(struct lun_discovery *d)
{
	if (d->watch)
		d->watch(d);
	return d->watch;
}
