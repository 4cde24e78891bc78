/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See resolve.h. The loop and the thread share a struct lookup, which the last
 * of the two frees: a lookup that nobody waits for any more runs to its end in
 * the background, since getaddrinfo() can't be interrupted. The thread writes
 * the result, then to the eventfd; the loop reads in the opposite order.
 */
#include "io/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"

struct lookup {
	atomic_int refs;
	int event_fd;
	char host[sizeof(((struct portal *)0)->host) + 1];
	char port[8];
	/* the result */
	struct address a[ADDRESSES_MAX];
	size_t n;
	char why[160];
};

struct resolve {
	struct source source;
	struct lookup *lookup;
	resolve_fn *done;
	void *user;
};

static void
lookup_unref(struct lookup *l)
{
	if (atomic_fetch_sub(&l->refs, 1) > 1)
		return;
	close(l->event_fd);
	free(l);
}

/* getaddrinfo(), for as many addresses as fit. */
static size_t
addresses(struct address *a, size_t max, const char *host, const char *port,
	  int flags, char *why, size_t why_size)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	size_t n = 0;
	int r = getaddrinfo(host, port, &hints, &list);

	if (r != 0) {
		snprintf(why, why_size, "%s", r == EAI_SYSTEM ?
			 strerror(errno) : gai_strerror(r));
		return 0;
	}
	for (struct addrinfo *i = list; i && n < max; i = i->ai_next) {
		if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
			continue;
		memcpy(&a[n].in6, i->ai_addr, i->ai_addrlen);
		a[n++].len = i->ai_addrlen;
	}
	freeaddrinfo(list);
	if (n == 0)
		snprintf(why, why_size, "no IPv4 or IPv6 address");
	return n;
}

static void *
lookup_thread(void *arg)
{
	struct lookup *l = arg;
	static const uint64_t one = 1;

	l->n = addresses(l->a, ADDRESSES_MAX, l->host, l->port, 0, l->why,
			 sizeof(l->why));

	ssize_t w = write(l->event_fd, &one, sizeof(one));

	assert(w == sizeof(one));	/* an eventfd takes its first count */
	(void)w;
	lookup_unref(l);
	return NULL;
}

/* A detached thread that takes no signals: these are the application's. */
static int
start_thread(struct lookup *l)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	int r = pthread_create(&thread, &attr, lookup_thread, l);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

static void
resolved(struct source *s, uint32_t events)
{
	struct resolve *r = container_of(s, struct resolve, source);
	struct lookup *l = r->lookup;
	uint64_t count;

	if (read(s->fd, &count, sizeof(count)) < 0)
		return;
	source_del(s);
	r->done(r->user, l->a, l->n, l->n > 0 ? NULL : l->why);
}

static struct lookup *
lookup_new(const struct portal *portal)
{
	struct lookup *l = calloc(1, sizeof(*l));
	struct in_addr unused;

	if (!l)
		return NULL;
	atomic_init(&l->refs, 1);
	l->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->event_fd < 0) {
		free(l);
		return NULL;
	}
	/* "1.2.3" is a name, which getaddrinfo() takes for an address, but not
	 * if it ends in a dot: names/portal.h */
	snprintf(l->host, sizeof(l->host), "%s%s", portal->host,
		 inet_aton(portal->host, &unused) ? "." : "");
	snprintf(l->port, sizeof(l->port), "%u", portal->port);
	return l;
}

int
resolve_new(struct resolve **out, struct lun_loop *loop,
	    const struct portal *portal, resolve_fn *done, void *user,
	    struct lun_error *err)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return lun_fail(err, LUN_ENOMEM, "%s: out of memory",
				portal->host);
	r->done = done;
	r->user = user;
	r->lookup = lookup_new(portal);
	if (!r->lookup) {
		free(r);
		return lun_fail(err, LUN_ESYS, "%s: lookup: %s", portal->host,
				strerror(errno));
	}
	r->source.fd = r->lookup->event_fd;
	r->source.kind = SOURCE_OTHER;
	r->source.ready = resolved;

	int ret = source_add(&r->source, loop, EPOLLIN, err);

	if (ret < 0) {
		resolve_free(r);
		return ret;
	}
	atomic_fetch_add(&r->lookup->refs, 1);

	int e = start_thread(r->lookup);

	if (e != 0) {
		lookup_unref(r->lookup);	/* for the thread */
		resolve_free(r);
		return lun_fail(err, LUN_ESYS, "%s: lookup thread: %s",
				portal->host, strerror(e));
	}
	*out = r;
	return 0;
}

struct resolve *
resolve_free(struct resolve *r)
{
	if (!r)
		return NULL;
	source_del(&r->source);
	lookup_unref(r->lookup);
	free(r);
	return NULL;
}

bool
address_host(const struct address *a, char host[256])
{
	return getnameinfo(&a->sa, a->len, host, 256, NULL, 0,
			   NI_NUMERICHOST) == 0;
}

void
address_host16(const struct address *a, uint8_t out[16])
{
	if (a->sa.sa_family == AF_INET6)
		memcpy(out, &a->in6.sin6_addr, 16);
	else
		portal_map_ipv4(out, &a->in.sin_addr);
}

int
resolve_numeric(struct address *a, const struct portal *portal,
		struct lun_error *err)
{
	char port[8], why[160];

	snprintf(port, sizeof(port), "%u", portal->port);
	if (addresses(a, 1, portal->host, port, AI_NUMERICHOST, why,
		      sizeof(why)) == 1)
		return 0;
	return lun_fail(err, LUN_ERESOLVE, "%s: %s", portal->host, why);
}
