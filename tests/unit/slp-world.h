/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user agent of SLP in virtual time. What it sends is kept, and given to the
 * test's script, which lets agents answer after a while.
 */
#ifndef SLP_WORLD_H
#define SLP_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "discovery/slp.h"
#include "slp-answers.h"

#define MS TIME_MS

/* A request as an agent sees it. */
struct request {
	lun_time at;			/* since the start */
	char to[PORTAL_TEXT_MAX];	/* "*": everybody */
	bool tcp;
	unsigned function, flags, xid;
	char responders[1400], subject[1000], scopes[2000], what[1000];
	size_t len;
};

struct event {
	lun_time at;
	char from[256];			/* of a datagram */
	struct slp_exchange *x;		/* TCP: of these bytes; data NULL: end */
	uint8_t *data;
	size_t len;
	bool done;
};

enum { REQUESTS_MAX = 1000, EVENTS_MAX = 1000 };

struct world {
	struct lun_env env;
	struct timers timers;
	struct slp_config config;
	struct slp *slp;
	lun_time begin;
	void (*script)(struct world *w, const struct request *rq);
	void *user;			/* the script's */
	size_t n;
	struct request sent[REQUESTS_MAX];
	size_t n_events;
	struct event events[EVENTS_MAX];
	struct slp_exchange *connected;	/* of the request that script() sees */
	size_t hang_ups, connections;
	uint32_t random;
	size_t log_lines;
	char log[300];
	/* the end */
	bool done;
	lun_time done_at;
	int code;
	struct lun_error err;
};

static struct world world;

static inline void
w_random(void *user, void *buf, size_t len)
{
	struct world *w = user;

	for (size_t i = 0; i < len; i++) {
		w->random = w->random * 1103515245 + 12345;
		((uint8_t *)buf)[i] = (uint8_t)(w->random >> 16);
	}
}

static inline void
w_log(void *user, enum lun_log_level level, const char *line)
{
	struct world *w = user;

	if (level > LUN_LOG_WARNING)
		return;
	w->log_lines++;
	snprintf(w->log, sizeof(w->log), "%s", line);
}

static inline const uint8_t *
w_text(const uint8_t *p, char *out, size_t size)
{
	size_t len = get16(p);

	assert(len < size);
	memcpy(out, p + 2, len);
	out[len] = '\0';
	return p + 2 + len;
}

static inline void
w_request(struct world *w, const struct portal *to, const uint8_t *p,
	  size_t len, bool tcp)
{
	struct request *rq = &w->sent[w->n++];

	assert(w->n < REQUESTS_MAX);
	*rq = (struct request){ .at = w->timers.now - w->begin, .tcp = tcp,
				.function = p[1], .flags = get16(p + 5),
				.xid = get16(p + 10), .len = len };
	strcpy(rq->to, "*");
	if (to)
		portal_print(to, rq->to);
	p = w_text(p + 16, rq->responders, sizeof(rq->responders));
	p = w_text(p, rq->subject, sizeof(rq->subject));
	p = w_text(p, rq->scopes, sizeof(rq->scopes));
	w_text(p, rq->what, sizeof(rq->what));
	if (w->script)
		w->script(w, rq);
}

static inline void
w_send(void *user, const struct portal *agent, const char *type, const void *p,
       size_t len)
{
	struct world *w = user;

	w_request(w, agent, p, len, false);
	assert(agent || strcmp(type, w->sent[w->n - 1].subject) == 0);
}

static inline void
w_dial(void *user, struct slp_exchange *x)
{
	struct world *w = user;

	x->connection = w;
	w->connections++;
	w->connected = x;
	w_request(w, &x->agent, x->request, x->request_len, true);
	w->connected = NULL;
}

static inline void
w_hang_up(void *user, struct slp_exchange *x)
{
	struct world *w = user;

	assert(x->connection);
	x->connection = NULL;
	w->hang_ups++;
	for (size_t i = 0; i < w->n_events; i++)
		if (w->events[i].x == x)
			w->events[i].done = true;
}

static const struct slp_driver w_driver = { w_send, w_dial, w_hang_up };

static inline struct event *
w_event(struct world *w, lun_time delay)
{
	struct event *e = &w->events[w->n_events++];

	assert(w->n_events < EVENTS_MAX);
	*e = (struct event){ .at = w->timers.now + delay };
	return e;
}

static inline void
w_data(struct event *e, const void *p, size_t len)
{
	e->data = malloc(len ? len : 1);
	memcpy(e->data, p, len);
	e->len = len;
}

/* A datagram from host comes after a while. */
static inline void
w_answer(struct world *w, const char *host, lun_time delay,
	 const struct answer *a)
{
	struct event *e = w_event(w, delay);

	snprintf(e->from, sizeof(e->from), "%s", host);
	w_data(e, a->p, a->len);
}

/* Bytes come over the connection that script() was told of; NULL: its end. */
static inline void
w_stream(struct world *w, lun_time delay, const void *p, size_t len)
{
	struct event *e = w_event(w, delay);

	e->x = w->connected;
	if (p)
		w_data(e, p, len);
}

static inline void
w_done(void *user, int code, const struct lun_error *err)
{
	struct world *w = user;

	assert(!w->done);
	w->done = true;
	w->done_at = w->timers.now - w->begin;
	w->code = code;
	w->err = *err;
}

static inline void
w_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->env = (struct lun_env){ w, w_random, w_log, LUN_LOG_TRACE };
	timers_init(&w->timers);
	w->begin = w->timers.now = 1000 * TIME_S;
	w->random = 1;
	slp_config_init(&w->config);
}

static inline void
w_start(struct world *w, enum slp_what what, const char *name)
{
	struct slp_search search = { .what = what, .name = name };
	int r = slp_new(&w->slp, &w->config, &search, &w_driver, w, &w->env,
			&w->timers, w_done, w, &w->err);

	assert(r == 0);
	(void)r;
	slp_start(w->slp, w->timers.now);
}

static inline struct event *
w_next_event(struct world *w)
{
	struct event *first = NULL;

	for (size_t i = 0; i < w->n_events; i++)
		if (!w->events[i].done &&
		    (!first || w->events[i].at < first->at))
			first = &w->events[i];
	return first;
}

static inline void
w_deliver(struct world *w, struct event *e)
{
	lun_time now = w->timers.now;

	e->done = true;
	if (e->x && e->data) {
		slp_exchange_take(e->x, e->data, e->len, now);
	} else if (e->x) {
		struct lun_error err = { .code = LUN_ELOST,
					 .text = "the agent closed" };

		slp_exchange_broken(e->x, &err, now);
	} else {
		struct portal from = { .port = LUN_SLP_PORT, .tpgt = -1 };

		snprintf(from.host, sizeof(from.host), "%s", e->from);
		slp_datagram(w->slp, &from, e->data, e->len, now);
	}
}

/* Until so long after the start, or until it is done and nothing happens. */
static inline void
w_run(struct world *w, lun_time until)
{
	for (;;) {
		struct event *e = w_next_event(w);
		lun_time at = timers_deadline(&w->timers);

		if (e && e->at <= at)
			at = e->at;
		if (at == TIME_NEVER || at - w->begin > until)
			break;
		w->timers.now = at;
		if (e && e->at == at)
			w_deliver(w, e);
		else
			timers_run(&w->timers, at);
	}
	if (until != TIME_NEVER)
		w->timers.now = w->begin + until;
}

static inline void
w_deinit(struct world *w)
{
	w->slp = slp_free(w->slp);
	for (size_t i = 0; i < w->n_events; i++)
		free(w->events[i].data);
	assert(w->hang_ups == w->connections);
	timers_deinit(&w->timers);
}

/* "name address[,tag] ..." of what was found. */
static inline const char *
w_found(struct world *w)
{
	static char buf[4000];
	size_t n, len = 0;
	const struct slp_service *v = slp_services(w->slp, &n, w->timers.now);

	*buf = '\0';
	for (size_t i = 0; i < n; i++) {
		char at[PORTAL_TEXT_MAX], tag[16] = "";

		if (v[i].portal.tpgt >= 0)
			snprintf(tag, sizeof(tag), ",%d", v[i].portal.tpgt);
		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
					"%s%s %s%s", i ? "; " : "", v[i].name,
					portal_print(&v[i].portal, at), tag);
		assert(len < sizeof(buf));
	}
	return buf;
}

#endif
