/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See tcp.h. One socket at a time. An address that does not answer gets
 * ADDRESS_TIME if there are others, so that a dead path (IPv6 often) does not
 * use up the time of those that work; the last one gets what is left.
 *
 * Socket buffers are left to the kernel, which fits them to the path; setting
 * them would end that. SO_KEEPALIVE is not used: a NOP tests more (RFC 7143
 * 11.18).
 */
#include "io/tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "io/resolve.h"

#define ADDRESS_TIME	(3 * TIME_S)

struct dial {
	struct lun_loop *loop;
	struct portal portal;
	dial_fn *done;
	void *user;

	struct job start;
	struct resolve *resolve;	/* NULL: not under way */
	struct address address[ADDRESSES_MAX];
	size_t n, next;
	struct source source;		/* fd -1: no socket */
	struct timer timer;
	struct lun_error err;		/* of the last address */
	bool refused;			/* by the last address */
};

static void
drop_socket(struct dial *d)
{
	source_del(&d->source);
	if (d->source.fd >= 0)
		close(d->source.fd);
	d->source.fd = -1;
	timer_clear(&d->timer);
}

static void
failed(struct dial *d, int e)
{
	char name[PORTAL_TEXT_MAX];

	lun_fail(&d->err, LUN_ECONNECT, "%s: %s",
		 portal_print(&d->portal, name), strerror(e));
	d->refused = e == ECONNREFUSED;
	drop_socket(d);
}

static void
succeeded(struct dial *d)
{
	static const int one = 1;
	int fd = d->source.fd;

	/* Commands are small and must not wait for one another's ACKs. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	source_del(&d->source);
	d->source.fd = -1;
	timer_clear(&d->timer);
	d->done(d->user, fd, NULL);
}

/* Begins with one address. False: that has failed at once. */
static bool
try(struct dial *d, const struct address *a)
{
	d->source.fd = socket(a->sa.ss_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->source.fd < 0 ||
	    (connect(d->source.fd, (const struct sockaddr *)&a->sa,
		     a->len) < 0 && errno != EINPROGRESS)) {
		failed(d, errno);
		return false;
	}
	if (source_add(&d->source, d->loop, EPOLLOUT, &d->err) < 0) {
		drop_socket(d);
		return false;
	}
	if (d->next < d->n)
		timer_set(&d->timer, time_add(d->loop->now, ADDRESS_TIME));
	return true;
}

static void
try_next(struct dial *d)
{
	while (d->next < d->n)
		if (try(d, &d->address[d->next++]))
			return;
	d->done(d->user, -1, &d->err);
}

static void
writable(struct source *s, uint32_t events)
{
	struct dial *d = container_of(s, struct dial, source);
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (e == 0) {
		succeeded(d);
		return;
	}
	failed(d, e);
	try_next(d);
}

static void
address_time_over(struct timer *t, lun_time now)
{
	struct dial *d = container_of(t, struct dial, timer);

	failed(d, ETIMEDOUT);
	try_next(d);
}

static void
resolved(void *user, const struct address *a, size_t n, const char *why)
{
	struct dial *d = user;

	if (n == 0) {
		lun_fail(&d->err, LUN_ERESOLVE, "%s: %s", d->portal.host, why);
	} else {
		memcpy(d->address, a, n * sizeof(*a));
		d->n = n;
	}
	d->resolve = resolve_free(d->resolve);
	try_next(d);
}

static void
start(struct job *j)
{
	struct dial *d = container_of(j, struct dial, start);
	int r;

	if (portal_host_kind(&d->portal) == HOST_NAME) {
		r = resolve_new(&d->resolve, d->loop, &d->portal, resolved, d,
				&d->err);
		if (r == 0)
			return;
	} else if (resolve_numeric(&d->address[0], &d->portal, &d->err) == 0) {
		d->n = 1;
	}
	try_next(d);
}

int
dial_new(struct dial **out, struct lun_loop *loop, const struct portal *portal,
	 dial_fn *done, void *user)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return LUN_ENOMEM;
	if (timer_init(&d->timer, &loop->timers, address_time_over) < 0) {
		free(d);
		return LUN_ENOMEM;
	}
	d->loop = loop;
	d->portal = *portal;
	d->done = done;
	d->user = user;
	d->source.fd = -1;
	d->source.kind = SOURCE_SOCKET;
	d->source.ready = writable;
	job_init(&d->start, start);
	loop_add_job(loop, &d->start);
	*out = d;
	return 0;
}

bool
dial_was_refused(const struct dial *d)
{
	return d->refused;
}

struct dial *
dial_free(struct dial *d)
{
	if (!d)
		return NULL;
	job_deinit(&d->start);
	resolve_free(d->resolve);
	drop_socket(d);
	timer_deinit(&d->timer);
	free(d);
	return NULL;
}
