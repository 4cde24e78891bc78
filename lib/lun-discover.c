/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lun_discover(): whom to ask, by the kind of the URL. */
#include "lun-discovery.h"

#include "base/error.h"

static discover_fn *const kinds[] = {
	[LUN_URL_PORTAL] = sendtargets_discover,
	[LUN_URL_TARGET] = sendtargets_discover,	/* of this one */
	[LUN_URL_LUN] = sendtargets_discover,
	[LUN_URL_ISNS] = isns_discover,
	[LUN_URL_SLP] = slp_discover,
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
	loop_add_job(d->loop, &d->report);
}

struct lun_discovery *
lun_discovery_free(struct lun_discovery *d)
{
	if (!d)
		return NULL;
	job_deinit(&d->report);
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
