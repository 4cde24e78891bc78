/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs that SLP found, and their attributes: see slp-found.h. */
#include "discovery/slp-found.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "discovery/slp-url.h"

void
slp_found_deinit(struct slp_found *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].url);
	free(f->v);
	f->v = NULL;
	f->n = f->size = 0;
}

static int
read_url(const struct slp_found *f, struct slp_text url,
	 struct slp_service *out, struct lun_error *why)
{
	if (f->what == SLP_ISNS_SERVERS)
		return slp_service_url(url, SLP_TYPE_SMS, LUN_ISNS_PORT,
				       &out->portal, why);
	return slp_target_url(url, out->name, &out->portal, why);
}

int
slp_found_add(struct slp_found *f, const struct slp_url_entry *e, size_t agent,
	      lun_time now, struct lun_error *why)
{
	struct slp_service s = {
		.agent = agent,
		/* RFC 2608 8.2: not to be kept for longer */
		.expires = time_add(now, e->lifetime * TIME_S),
		.priority = LONG_MAX,
	};
	int r = read_url(f, e->url, &s, why);

	if (r > 0)
		return lun_fail(why, LUN_EPROTO, "of another service type");
	if (r < 0)
		return r;
	if (*f->only && !iscsi_name_equal(f->only, s.name))
		return lun_fail(why, LUN_EPROTO, "not what was asked for");
	if (f->n == SLP_FOUND_MAX)
		return lun_fail(why, LUN_ENOMEM, "there are more than %d",
				SLP_FOUND_MAX);

	struct slp_service *v = array_grow(f->v, f->n, &f->size, sizeof(*v));

	if (v)
		f->v = v;
	if (!v || !(s.url = strndup(e->url.p, e->url.len)))
		return lun_fail(why, LUN_ENOMEM, "out of memory");
	f->v[f->n++] = s;
	return 0;
}

/* URLs have case (RFC 2608 6.4). Of two the one that lives longer. */
static int
by_url(const void *a, const void *b)
{
	const struct slp_service *x = a, *y = b;
	int r = strcmp(x->url, y->url);

	return r != 0 ? r : (x->expires < y->expires) -
			    (x->expires > y->expires);
}

void
slp_found_sort(struct slp_found *f)
{
	size_t n = 0;

	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), by_url);
	for (size_t i = 0; i < f->n; i++) {
		if (n > 0 && strcmp(f->v[n - 1].url, f->v[i].url) == 0)
			free(f->v[i].url);
		else
			f->v[n++] = f->v[i];
	}
	f->n = n;
}

const char *
slp_found_tags(const struct slp_found *f)
{
	return f->what == SLP_ISNS_SERVERS ? "transports,server-priority"
					   : "portal-group,transports";
}

void
slp_found_attributes(const struct slp_found *f, struct slp_service *s,
		     struct slp_text attributes)
{
	long v;

	/* RFC 4018 5.2: tcp is what it is if nothing is said */
	s->unusable = slp_attr_has(attributes, "transports", "tcp") == 0;
	if (f->what == SLP_ISNS_SERVERS) {
		if (slp_attr_number(attributes, "server-priority", INT_MAX, &v))
			s->priority = v;
		return;
	}
	if (slp_attr_number(attributes, "portal-group", UINT16_MAX, &v))
		s->portal.tpgt = (int32_t)v;
}

static int
by_priority(const void *a, const void *b)
{
	const struct slp_service *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(x->url, y->url);
}

void
slp_found_finish(struct slp_found *f, lun_time now)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].unusable || f->v[i].expires <= now)
			free(f->v[i].url);
		else
			f->v[n++] = f->v[i];
	}
	f->n = n;
	if (n > 0)
		qsort(f->v, n, sizeof(*f->v), by_priority);
}
