/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A discovery that asks an iSNS server over TCP.
 *
 *	dial -> isns.h's steps -> the list -> done
 *
 * Watching, the connection is kept: an end of it is how a server's restart is
 * seen. It is made again with a back-off, and then we are registered again.
 * What the server showed last stays valid meanwhile: that it is away says
 * nothing about the targets. Nor does a server that has just come back and may
 * have lost what it knew: targets need some time to register again, so what it
 * does not show yet is kept for KEEP. Before the first list any failure is the
 * end.
 *
 * A server need not be named: see lun-isns-search.h. Of several each is tried in
 * turn.
 *
 * The port for SCNs and ESIs is one at the address that the server sees us
 * with, on the connection that we have made.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "discovery/isns-lists.h"
#include "discovery/isns.h"
#include "io/listen.h"
#include "io/tcp.h"
#include "lun-discovery.h"
#include "lun-impl.h"
#include "lun-isns-search.h"
#include "recovery/backoff.h"

enum { CHUNK = 64 << 10 };

#define KEEP	(300 * TIME_S)

struct isns_discovery {
	struct lun_discovery d;		/* the first */
	size_t n_servers, at;
	struct portal servers[ISNS_SERVERS_MAX];
	struct proxy proxy;
	char label[PORTAL_TEXT_MAX];
	char target[NAME_MAX_LEN + 1];	/* the one that is wanted; "": all */
	lun_time timeout;
	bool watching;
	bool listed;			/* done was called */
	bool lost;			/* and said */
	lun_time keep_until;		/* what is not shown; 0: it is not kept */

	struct isns *client;
	struct isns_search *search;	/* NULL: the server is known */
	struct dial *dial;
	struct source source;		/* fd -1: no connection */
	struct timer timer;		/* to connect; until it is tried again;
					   connected: the end of KEEP */
	struct backoff backoff;
	struct job job;			/* news, and what is to be sent */
	struct listen *listen;
};

/* ----------------------------------------------------------- connecting -- */

static void dialed(void *user, int fd, const struct lun_error *err);

static void
hang_up(struct isns_discovery *s)
{
	s->search = isns_search_free(s->search);
	s->dial = dial_free(s->dial);
	timer_clear(&s->timer);
	source_del(&s->source);
	if (s->source.fd >= 0)
		close(s->source.fd);
	s->source.fd = -1;
	isns_disconnected(s->client);
}

static void
try_in(struct isns_discovery *s, lun_time delay)
{
	timer_set(&s->timer, time_add(loop_now(s->d.loop), delay));
}

/* RFC 4171 2.8: a backup server may be there. */
static bool
try_next_server(struct isns_discovery *s)
{
	if (s->n_servers == 0)
		return false;
	s->at = (s->at + 1) % s->n_servers;
	portal_print(&s->servers[s->at], s->label);
	return s->at > 0;
}

/* The connection, or the attempt to have one, is over. */
static void
lost(struct isns_discovery *s, const struct lun_error *err)
{
	struct lun_discovery *d = &s->d;

	hang_up(s);
	if ((!s->listed || s->watching) && try_next_server(s)) {
		env_log(&d->loop->env, LUN_LOG_WARNING, "isns://%s: the next "
			"server is tried: %s", err->text, s->label);
		s->lost = s->listed;
		try_in(s, 0);
		return;
	}
	if (!s->listed) {
		d->err = *err;
		discovery_report(d);
		return;
	}
	if (!s->watching)
		return;
	env_log(&d->loop->env, s->lost ? LUN_LOG_DEBUG : LUN_LOG_WARNING,
		"isns://%s: changes of targets are not seen until it is back",
		err->text);
	s->lost = true;
	try_in(s, backoff_next(&s->backoff, BACKOFF_NORMAL, 0, &d->loop->env));
}

static void
dial(struct isns_discovery *s)
{
	struct lun_error err;

	if (dial_new(&s->dial, s->d.loop, &s->servers[s->at],
		     proxy_or_none(&s->proxy), dialed, s) == 0) {
		try_in(s, s->timeout);
		return;
	}
	lun_fail(&err, LUN_ENOMEM, "%s: out of memory", s->label);
	lost(s, &err);
}

static void
timer_fired(struct timer *t, lun_time now)
{
	struct isns_discovery *s = container_of(t, struct isns_discovery,
						timer);
	char proxy[PORTAL_TEXT_MAX];
	struct lun_error err;

	if (s->source.fd >= 0) {
		isns_look_again(s->client, now);
		return;
	}
	if (!s->dial) {
		dial(s);
		return;
	}
	lun_fail(&err, LUN_ETIMEDOUT, "%s: no connection in time", s->label);
	if (proxy_or_none(&s->proxy))
		lun_fail_in(&err, "proxy %s",
			    portal_print(&s->proxy.portal, proxy));
	lost(s, &err);
}

static void
found(void *user, const struct portal *servers, size_t n,
      const struct lun_error *err)
{
	struct isns_discovery *s = user;

	if (n == 0) {
		const struct lun_error why = *err;	/* it goes with the search */

		lost(s, &why);
		return;
	}
	memcpy(s->servers, servers, n * sizeof(*servers));
	s->n_servers = n;
	s->search = isns_search_free(s->search);
	portal_print(&s->servers[0], s->label);
	try_in(s, 0);
}

/* ------------------------------------------------------------ callbacks -- */

static void
changed(void *user)
{
	struct isns_discovery *s = user;

	loop_add_job(s->d.loop, &s->job);
}

static void
readable(struct isns_discovery *s)
{
	struct lun_error err;
	uint8_t data[CHUNK];
	ssize_t n = recv(s->source.fd, data, sizeof(data), 0);

	if (n > 0) {
		isns_receive(s->client, data, (size_t)n, s->d.loop->now);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	lun_fail(&err, LUN_ELOST, "%s: the server ended the connection%s%s",
		 s->label, n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
	lost(s, &err);
}

static void
ready(struct source *source, uint32_t events)
{
	struct isns_discovery *s = container_of(source, struct isns_discovery,
						source);

	loop_add_job(s->d.loop, &s->job);
	if (events & ~(uint32_t)EPOLLOUT)
		readable(s);
}

/* What the socket takes. False: it is of no use any more. */
static bool
send_out(struct isns_discovery *s)
{
	struct str *out = isns_out(s->client);

	while (out->len > 0) {
		ssize_t n = send(s->source.fd, out->p, out->len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN;
		if (n > 0)
			str_drop(out, (size_t)n);
	}
	return true;
}

static void
flush_out(struct isns_discovery *s)
{
	struct lun_error err;

	if (s->source.fd < 0)
		return;
	if (send_out(s)) {
		source_arm(&s->source, isns_out(s->client)->len > 0 ?
			   EPOLLIN | EPOLLOUT : EPOLLIN);
		return;
	}
	lun_fail(&err, LUN_ELOST, "%s: %s", s->label, strerror(errno));
	lost(s, &err);
}

/* ----------------------------------------------- what the server tells us -- */

static bool
notice_received(void *user, struct caller *c, const uint8_t *data, size_t len)
{
	struct isns_discovery *s = user;
	struct isns_rx *rx = caller_own(c);
	struct str out = STR_INIT(4 * CHUNK);
	struct isns_message m;
	struct lun_error err;
	int r;

	rx->max = CHUNK;
	while ((r = isns_rx_feed(rx, &data, &len, &m, &err)) == ISNS_RX_MESSAGE)
		if ((r = isns_answer(s->client, &m, &out, s->d.loop->now,
				     &err)) < 0)
			break;
	if (r < 0)
		env_log(&s->d.loop->env, LUN_LOG_WARNING, "isns://%s: a notice "
			"that makes no sense: %s", s->label, err.text);

	bool good = !out.failed && (out.len == 0 ||
				    caller_send(c, out.p, out.len));

	str_deinit(&out);
	return good && r >= 0;
}

static void
notice_ended(void *user, struct caller *c)
{
	isns_rx_deinit(caller_own(c));
}

/* RFC 4171 6.3.1: 16 bytes, IPv4 is mapped. */
static struct isns_portal
portal_of(struct address a)
{
	struct isns_portal p = { .port = ntohs(*address_port(&a)) };

	address_host16(&a, p.address);
	return p;
}

/* At the address of our end of the connection, on a port of its own. */
static int
open_port(struct isns_discovery *s, struct isns_portal *portal,
	  struct lun_error *err)
{
	static const struct listen_ops ops = {
		.size = sizeof(struct isns_rx),
		.received = notice_received,
		.ended = notice_ended,
	};
	struct address local = { .len = sizeof(local.in6) };
	int r = 0;

	if (getsockname(s->source.fd, &local.sa, &local.len) < 0)
		return lun_fail(err, LUN_ESYS, "%s", strerror(errno));
	*address_port(&local) = 0;
	if (s->listen) {	/* of the last connection: is it there, too? */
		struct isns_portal here = portal_of(local);
		struct isns_portal there = portal_of(listen_address(s->listen));

		if (memcmp(here.address, there.address,
			   sizeof(here.address)) != 0)
			s->listen = listen_free(s->listen);
	}
	if (!s->listen)
		r = listen_new(&s->listen, s->d.loop, &local, &ops, s, err);
	if (r == 0)
		*portal = portal_of(listen_address(s->listen));
	return r;
}

static void
dialed(void *user, int fd, const struct lun_error *err)
{
	struct isns_discovery *s = user;
	struct isns_portal portal = { 0 };
	struct lun_error why;

	timer_clear(&s->timer);
	if (fd < 0) {
		why = *err;
		lost(s, &why);
		return;
	}
	s->dial = dial_free(s->dial);
	s->source.fd = fd;
	if (source_add(&s->source, s->d.loop, EPOLLIN, &why) < 0) {
		lost(s, &why);
		return;
	}
	/* behind a proxy nobody can connect to us */
	if (s->watching && !proxy_or_none(&s->proxy) &&
	    open_port(s, &portal, &why) < 0)
		env_log(&s->d.loop->env, LUN_LOG_WARNING, "isns://%s: %s: changes of "
			"targets are seen late", s->label, why.text);
	isns_connected(s->client, &portal, s->d.loop->now);
}

/* ----------------------------------------------------------------- news -- */

static void
is_back(struct isns_discovery *s, const struct targets *list)
{
	struct lun_loop *loop = s->d.loop;
	size_t n;

	targets_list(list, &n);
	env_log(&loop->env, LUN_LOG_INFO, "isns://%s: is back, shows %zu "
		"targets", s->label, n);
	s->lost = false;
	s->keep_until = time_add(loop->now, KEEP);
	timer_set(&s->timer, s->keep_until);
}

static void
first_listed(struct isns_discovery *s, struct targets *list)
{
	size_t n;

	s->listed = true;
	s->d.targets = list;
	targets_list(list, &n);
	if (n == 0 && s->target[0]) {
		s->d.targets = targets_free(list);
		lun_fail(&s->d.err, LUN_ENOTFOUND, "%s: %s: no such target",
			 s->label, s->target);
	}
	discovery_report(&s->d);
	s->watching &= s->d.targets != NULL;
	if (!s->watching)
		hang_up(s);
}

static void
listed(struct isns_discovery *s, struct targets *list)
{
	struct lun_discovery *d = &s->d;
	struct targets *kept;

	backoff_reset(&s->backoff);
	if (!s->listed) {
		first_listed(s, list);
		return;
	}
	if (s->lost)
		is_back(s, list);
	if (d->loop->now < s->keep_until &&
	    (kept = isns_lists_join(list, d->targets, &d->loop->env))) {
		targets_free(list);
		list = kept;
	}
	if (isns_lists_equal(d->targets, list)) {
		targets_free(list);
		return;
	}
	targets_free(d->targets);
	d->targets = list;
	discovery_report(d);
}

static void
work(struct job *j)
{
	struct isns_discovery *s = container_of(j, struct isns_discovery, job);
	struct targets *list;
	struct lun_error err;

	for (;;) {
		switch (isns_news(s->client, &list, &err)) {
		case ISNS_LISTED:
			listed(s, list);
			continue;
		case ISNS_FAILED:
			lun_fail_in(&err, "%s", s->label);
			lost(s, &err);
			continue;
		case ISNS_NO_NEWS:
			break;
		}
		break;
	}
	flush_out(s);
}

/* --------------------------------------------------------------- making -- */

static void
isns_discovery_free(struct lun_discovery *d)
{
	struct isns_discovery *s = container_of(d, struct isns_discovery, d);

	job_deinit(&s->job);
	if (s->client) {
		isns_leave(s->client);
		if (s->source.fd >= 0)
			send_out(s);
		hang_up(s);
	}
	s->listen = listen_free(s->listen);
	isns_free(s->client);
	timer_deinit(&s->timer);
	secret_wipe(&s->proxy, sizeof(s->proxy));
	free(s);
}

static void
watch(struct lun_discovery *d)
{
	struct isns_discovery *s = container_of(d, struct isns_discovery, d);

	s->watching = true;
	isns_watch(s->client);
}

static int
make(struct isns_discovery *s, const struct lun_url *url,
     const struct lun_options *options, struct lun_error *err)
{
	struct lun_loop *loop = s->d.loop;
	char name[NAME_MAX_LEN + 1], alias[ALIAS_MAX + 1];
	struct portal *server = &s->servers[0];
	int r;

	if (timer_init(&s->timer, &loop->timers, timer_fired) < 0)
		return lun_fail(err, LUN_ENOMEM, "discovery: out of memory");
	*server = portal_of_url(url);
	portal_print(server, s->label);
	/* RFC 4171 5.6.2: servers compare byte for byte */
	if (url->target[0] &&
	    (r = iscsi_name_prepare(url->target, s->target, err)) < 0)
		return r;
	s->timeout = options->timeout;
	s->proxy = options->proxy;
	options_alias(options, alias);
	r = options_name(options, &loop->env, name, err);
	if (r < 0)
		return r;

	const struct isns_config config = {
		.source = name,
		.alias = alias,
		.target = s->target,
		.boot = options->boot && !s->target[0],
		.timeout = s->timeout,
		.timers = &loop->timers,
		.env = &loop->env,
		.changed = changed,
		.user = s,
	};

	return isns_new(&s->client, &config, err);
}

static int
begin(struct isns_discovery *s, const struct lun_options *options,
      struct lun_error *err)
{
	if (isns_search_wanted(&s->servers[0]))
		return isns_search_new(&s->search, s->d.loop, &s->servers[0],
				       options, found, s, err);
	s->n_servers = 1;
	dial(s);
	return 0;
}

int
isns_discover(struct lun_discovery **out, struct lun_loop *loop,
	      const struct lun_url *url, const struct lun_options *options,
	      struct lun_error *err)
{
	struct isns_discovery *s = calloc(1, sizeof(*s));

	if (!s)
		return lun_fail(err, LUN_ENOMEM, "discovery: out of memory");
	discovery_init(&s->d, loop, isns_discovery_free);
	s->d.watch = watch;
	s->source.fd = -1;
	s->source.kind = SOURCE_SOCKET;
	s->source.ready = ready;
	job_init(&s->job, work);

	int r = make(s, url, options, err);

	if (r == 0)
		r = begin(s, options, err);
	if (r < 0) {
		lun_discovery_free(&s->d);
		return r;
	}
	*out = &s->d;
	return 0;
}
