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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "io/resolve.h"
#include "io/socks.h"

#define ADDRESS_TIME	(3 * TIME_S)

struct dial {
	struct lun_loop *loop;
	struct portal portal;
	const struct proxy *proxy;	/* NULL: none */
	struct socks socks;		/* once connected to the proxy */
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

/* Whose addresses are tried. */
static const struct portal *
first_hop(const struct dial *d)
{
	return d->proxy ? &d->proxy->portal : &d->portal;
}

static void
drop_socket(struct dial *d)
{
	source_del(&d->source);
	if (d->source.fd >= 0)
		close(d->source.fd);
	d->source.fd = -1;
	timer_clear(&d->timer);
}

/* What errno says of this would help nobody. */
static bool
lacks_zone(const struct address *a)
{
	return a->sa.sa_family == AF_INET6 && a->in6.sin6_scope_id == 0 &&
	       IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
}

static void
failed(struct dial *d, int e)
{
	char name[PORTAL_TEXT_MAX];
	bool zone = e == EINVAL && d->next > 0 &&
		    lacks_zone(&d->address[d->next - 1]);

	lun_fail(&d->err, LUN_ECONNECT, "%s%s: %s", d->proxy ? "proxy " : "",
		 portal_print(first_hop(d), name), zone ? "a link-local "
		 "address is of no use without its interface, as in "
		 "[fe80::1%eth0]" : strerror(e));
	d->refused = !d->proxy && e == ECONNREFUSED;
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
	d->source.fd = socket(a->sa.sa_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->source.fd < 0 ||
	    (connect(d->source.fd, &a->sa, a->len) < 0 &&
	     errno != EINPROGRESS)) {
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

/* -------------------------------------------------------------- proxy -- */

/* What it said, or did, about this portal; no other address of its knows
 * better. */
static void
proxy_failed(struct dial *d)
{
	char proxy[PORTAL_TEXT_MAX], name[PORTAL_TEXT_MAX];

	lun_fail_in(&d->err, "proxy %s: %s",
		    portal_print(&d->proxy->portal, proxy),
		    portal_print(&d->portal, name));
	d->refused = d->socks.reply == SOCKS_REFUSED;
	drop_socket(d);
	d->done(d->user, -1, &d->err);
}

static void
proxy_lost(struct dial *d, const char *why)
{
	lun_fail(&d->err, LUN_ECONNECT, "%s", why);
	proxy_failed(d);
}

enum step { OVER, WAIT, ON };		/* OVER: d may be gone */

static enum step
proxy_send(struct dial *d)
{
	const uint8_t *p;
	size_t len = socks_tx(&d->socks, &p);

	if (len == 0)
		return ON;

	ssize_t n = send(d->source.fd, p, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		proxy_lost(d, strerror(errno));
		return OVER;
	}
	if (n > 0)
		socks_tx_ack(&d->socks, (size_t)n);
	return n == (ssize_t)len ? ON : WAIT;
}

/* The answer; never a byte that the portal sends. */
static enum step
proxy_receive(struct dial *d)
{
	uint8_t *p;
	size_t len = socks_rx(&d->socks, &p);
	ssize_t n = recv(d->source.fd, p, len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WAIT;
	if (n <= 0) {
		proxy_lost(d, n < 0 ? strerror(errno) : "the proxy closed the "
			   "connection instead of an answer");
		return OVER;
	}

	int r = socks_rx_ack(&d->socks, (size_t)n, &d->err);

	if (r == 0)
		succeeded(d);
	else if (r < 0)
		proxy_failed(d);
	return r == SOCKS_GOES_ON ? ON : OVER;
}

/* One message at a time: what the proxy says before it has all of ours is read
 * after that. */
static void
proxy_ready(struct source *s, uint32_t events)
{
	struct dial *d = container_of(s, struct dial, source);
	const uint8_t *unused;
	enum step step;

	do {
		step = proxy_send(d);
		if (step == ON)
			step = proxy_receive(d);
	} while (step == ON);
	if (step == WAIT)
		source_arm(s, socks_tx(&d->socks, &unused) > 0 ? EPOLLOUT :
			   EPOLLIN);
}

/* ------------------------------------------------------- the addresses -- */

static void
connected(struct dial *d)
{
	if (!d->proxy) {
		succeeded(d);
		return;
	}
	timer_clear(&d->timer);
	if (socks_start(&d->socks, d->proxy, &d->portal, &d->err) < 0) {
		proxy_failed(d);
		return;
	}
	d->source.ready = proxy_ready;
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
		connected(d);
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
		lun_fail(&d->err, LUN_ERESOLVE, "%s%s: %s",
			 d->proxy ? "proxy " : "", first_hop(d)->host, why);
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
	const struct portal *to = first_hop(d);

	if (portal_host_kind(to) == HOST_NAME) {
		if (resolve_new(&d->resolve, d->loop, to, resolved, d,
				&d->err) == 0)
			return;
	} else if (resolve_numeric(&d->address[0], to, &d->err) == 0) {
		d->n = 1;
	}
	try_next(d);
}

int
dial_new(struct dial **out, struct lun_loop *loop, const struct portal *portal,
	 const struct proxy *proxy, dial_fn *done, void *user)
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
	d->proxy = proxy;
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

/* By a reset, as Linux does it without time to linger; if nothing waits it is an
 * orderly end. */
void
tcp_close(int fd)
{
	static const struct linger drop = { .l_onoff = 1, .l_linger = 0 };
	int waits = 0;

	if (ioctl(fd, TIOCOUTQ, &waits) == 0 && waits > 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
	close(fd);
}

struct dial *
dial_free(struct dial *d)
{
	if (!d)
		return NULL;
	job_deinit(&d->start);
	resolve_free(d->resolve);
	drop_socket(d);
	socks_wipe(&d->socks);
	timer_deinit(&d->timer);
	free(d);
	return NULL;
}
