/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See engine.h, and lib/io/loop.c and pump.c for what this stands for. */
#include "engine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "checker.h"
#include "io/identity.h"
#include "io/loop.h"
#include "io/pump.h"
#include "lun-discovery.h"
#include "network.h"
#include "plant.h"
#include "portals.h"
#include "tap.h"

enum { IOV_COUNT = 32, ROUNDS_MAX = 1000 };

static struct engine {
	const struct plan *plan;
	struct lun_loop loop;
	unsigned fail_send;		/* 0: none */
	struct pump *pump;		/* the last one that was made */
	struct text_exchange text;	/* engine_redeclare() */
	char declares[48];
} engine;

struct pump {
	struct lun_loop *loop;
	struct session *session;
	bool stepping;
	struct job step, flush;
	struct list pipes;
	bool watches;
	lun_time refused_at;		/* by the target, since it is watched */
};

struct pipe {
	struct list link;
	struct pump *pump;
	struct conn *conn;
	struct link *wire;
	struct tap *tap;
	bool connected, full;
};

/* -------------------------------------------------------------- the loop -- */

lun_time
loop_now(struct lun_loop *loop)
{
	return loop->now = loop->timers.now = world.now;
}

void
job_init(struct job *j, void (*run)(struct job *j))
{
	list_init(&j->link);
	j->run = run;
}

void
job_deinit(struct job *j)
{
	list_del(&j->link);
}

void
loop_add_job(struct lun_loop *loop, struct job *j)
{
	if (list_empty(&j->link))
		list_append(&loop->jobs, &j->link);
}

void
loop_add_flush(struct lun_loop *loop, struct job *j)
{
	if (list_empty(&j->link))
		list_append(&loop->flushes, &j->link);
}

static bool
run_jobs(struct list *jobs)
{
	struct list now = LIST_INIT(now);
	struct job *j;
	bool any = !list_empty(jobs);

	list_splice(&now, jobs);
	while ((j = list_first(&now, struct job, link))) {
		list_del(&j->link);
		j->run(j);
	}
	return any;
}

bool
engine_settle(void)
{
	bool any = false;

	loop_now(&engine.loop);
	for (int i = 0; run_jobs(&engine.loop.jobs); i++) {
		any = true;
		if (i > ROUNDS_MAX)
			broken("the engine's jobs do not come to an end");
	}
	return run_jobs(&engine.loop.flushes) || any;
}

lun_time
engine_deadline(void)
{
	return timers_deadline(&engine.loop.timers);
}

void
engine_run(void)
{
	loop_now(&engine.loop);
	timers_run(&engine.loop.timers, world.now);
}

/* -------------------------------------------------------------- the pump -- */

static void
pipe_free(struct pipe *p)
{
	conn_set_driver(p->conn, NULL);
	list_del(&p->link);
	tap_free(p->tap);
	sim_free(p);
}

static void
pipe_lost(struct pipe *p, const char *why)
{
	struct conn *c = p->conn;
	char text[80];

	snprintf(text, sizeof(text), "%s: %s",
		 portal_address(link_portal(p->wire)), why);
	pipe_free(p);
	conn_lost(c, LUN_ELOST, text, world.now);
}

static bool
send_fails(void)
{
	return engine.fail_send > 0 && --engine.fail_send == 0;
}

static void
tap_sent(struct pipe *p, const struct iovec *iov, size_t n)
{
	for (; n > 0; iov++) {
		size_t part = iov->iov_len < n ? iov->iov_len : n;

		tap_bytes(p->tap, INITIATOR, iov->iov_base, part);
		n -= part;
	}
}

static void
pipe_send(struct pipe *p)
{
	struct iovec iov[IOV_COUNT];
	int n;

	while ((n = conn_tx_iov(p->conn, iov, IOV_COUNT, world.now)) > 0) {
		size_t total = 0, sent;

		for (int i = 0; i < n; i++)
			total += iov[i].iov_len;
		if (send_fails()) {
			say("link %u: the send fails", link_id(p->wire));
			link_close(p->wire, INITIATOR);
			pipe_lost(p, "no buffer space available");
			return;
		}
		sent = link_send(p->wire, INITIATOR, iov, n);
		tap_sent(p, iov, sent);
		if (sent > 0)
			conn_tx_ack(p->conn, sent);
		p->full = sent < total;
		if (p->full)
			return;
	}
}

static void
flush(struct job *j)
{
	struct pump *pump = container_of(j, struct pump, flush);
	struct pipe *p;

	list_for_each(p, &pump->pipes, struct pipe, link)
		if (p->connected && !p->full)
			pipe_send(p);
}

static void
pipe_connected(void *user)
{
	struct pipe *p = user;

	p->connected = true;
	conn_connected(p->conn, world.now);
}

static void
pipe_arrived(void *user, const uint8_t *bytes, size_t n)
{
	struct pipe *p = user;

	loop_now(p->pump->loop);
	tap_bytes(p->tap, TARGET, bytes, n);
	if (tap_has_digests(p->tap))
		link_protect(p->wire);
	while (n > 0 && conn_wants_rx(p->conn)) {
		struct iovec iov[2];
		int count = conn_rx_iov(p->conn, iov);
		size_t sum = 0;

		for (int i = 0; i < count && n > 0; i++) {
			size_t take = iov[i].iov_len < n ? iov[i].iov_len : n;

			memcpy(iov[i].iov_base, bytes, take);
			bytes += take;
			n -= take;
			sum += take;
		}
		conn_rx_ack(p->conn, sum, world.now);
	}
	loop_add_flush(p->pump->loop, &p->pump->flush);
}

static void
pipe_room(void *user)
{
	struct pipe *p = user;

	p->full = false;
	loop_add_flush(p->pump->loop, &p->pump->flush);
}

static void
pipe_ended(void *user, const char *why)
{
	struct pipe *p = user;

	loop_now(p->pump->loop);
	if (strcmp(why, "refused") == 0)
		p->pump->refused_at = world.now;
	pipe_lost(p, why);
}

static void
pipe_damaged(void *user)
{
	struct pipe *p = user;

	checker_lossy(p->tap);
}

static const struct end_ops pipe_ops = {
	pipe_connected, pipe_arrived, pipe_room, pipe_ended, pipe_damaged,
};

static void
pump_connect(void *user, struct conn *c, const struct portal *portal)
{
	struct pump *pump = user;
	struct pipe *p = sim_alloc(sizeof(*p));
	unsigned to = portal_find(engine.plan, portal);

	if (plant_strikes(PLANT_OTHER_PORTAL, 3))
		to = (to + 1) % engine.plan->portals;
	assert(!conn_driver(c));
	*p = (struct pipe){ .pump = pump, .conn = c };
	list_append(&pump->pipes, &p->link);
	conn_set_driver(c, p);
	p->wire = net_connect(to, &pipe_ops, p);
	p->tap = tap_new(link_id(p->wire), to, engine.plan->group[to]);
}

static void
pump_close(void *user, struct conn *c)
{
	struct pipe *p = conn_driver(c);

	if (!p)
		return;
	link_close(p->wire, INITIATOR);
	pipe_free(p);
}

static void
pump_stir(void *user, struct session *s)
{
	struct pump *p = user;

	p->session = s;
	loop_add_job(p->loop, &p->step);
}

const struct session_driver pump_driver = {
	.stir = pump_stir, .connect = pump_connect, .close = pump_close,
};

static void
step(struct job *j)
{
	struct pump *p = container_of(j, struct pump, step);

	p->stepping = true;
	session_step(p->session, world.now);
	p->stepping = false;
	loop_add_flush(p->loop, &p->flush);
}

bool
pump_is_stepping(const struct pump *p)
{
	return p->stepping;
}

/* Nobody knocks: the attempts to log in have to do. */
void
pump_watch(struct pump *p, const struct portal *portal, bool ask)
{
	p->watches = true;
	p->refused_at = 0;
}

void
pump_unwatch(struct pump *p)
{
	p->watches = false;
}

lun_time
pump_refused_at(const struct pump *p)
{
	return p->refused_at;
}

bool
pump_is_at(const struct pump *pump, const struct portal *portal)
{
	const struct pipe *p;

	list_for_each(p, &pump->pipes, struct pipe, link)
		if (link_portal(p->wire) == portal_find(engine.plan, portal))
			return true;
	return false;
}

int
pump_new(struct pump **out, struct lun_loop *loop, const struct proxy *proxy,
	 struct lun_error *err)
{
	struct pump *p = sim_alloc(sizeof(*p));

	*p = (struct pump){ .loop = loop };
	list_init(&p->pipes);
	job_init(&p->step, step);
	job_init(&p->flush, flush);
	*out = engine.pump = p;
	return 0;
}

struct pump *
pump_free(struct pump *p)
{
	if (!p)
		return NULL;
	assert(list_empty(&p->pipes) && !p->stepping);
	job_deinit(&p->step);
	job_deinit(&p->flush);
	if (engine.pump == p)
		engine.pump = NULL;
	sim_free(p);
	return NULL;
}

/* -------------------------------------------------------------- identity -- */

int
identity_name(char out[NAME_MAX_LEN + 1], const struct lun_env *env,
	      struct lun_error *err)
{
	strcpy(out, "iqn.2026-11.io.github.lunfs:sim");
	return 0;
}

void
identity_alias(char out[ALIAS_MAX + 1])
{
	strcpy(out, "sim");
}

void
isid_take(struct isid_lease *lease, const char *initiator, const char *target,
	  const uint32_t *bc, const struct lun_env *env)
{
	memcpy(lease->isid, "\x80\x00\x00\x01\x00\x02", ISID_LEN);
}

void
isid_release(struct isid_lease *lease)
{
}

/* ------------------------------------------------------------------- all -- */

static void
random_bytes(void *user, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)draw(FROM_ENGINE, 256);
}

static void
log_line(void *user, enum lun_log_level level, const char *text)
{
	say("engine: %s", text);
}

struct lun_loop *
engine_loop(void)
{
	return &engine.loop;
}

void
engine_fail_send(unsigned n)
{
	engine.fail_send = n;
}

static void
declared(struct text_exchange *x, int code, const struct lun_error *err,
	 const char *text, size_t len)
{
	say("engine: declared %s: %s", x->request, code < 0 ? err->text : "done");
	x->request = NULL;
}

lun_time
engine_refused_at(void)
{
	const struct pump *p = engine.pump;

	return p && p->watches ? p->refused_at : 0;
}

void
engine_redeclare(uint32_t length)
{
	struct text_exchange *x = &engine.text;
	struct pump *p = engine.pump;

	if (!p || !p->session || x->request)
		return;
	snprintf(engine.declares, sizeof(engine.declares),
		 "MaxRecvDataSegmentLength=%u", length);
	*x = (struct text_exchange){
		.request = engine.declares,
		.request_len = strlen(engine.declares) + 1,
		.answer_max = 1000, .done = declared,
	};
	if (session_text(p->session, x, world.now) < 0)
		x->request = NULL;
	loop_add_flush(p->loop, &p->flush);
}

void
engine_begin(const struct plan *plan)
{
	struct lun_loop *loop = &engine.loop;

	memset(&engine, 0, sizeof(engine));
	engine.plan = plan;
	loop->env.random = random_bytes;
	loop->env.log = world.verbose ? log_line : NULL;
	loop->env.log_level = LUN_LOG_TRACE;
	timers_init(&loop->timers);
	list_init(&loop->jobs);
	list_init(&loop->flushes);
	loop_now(loop);
}

void
engine_end(void)
{
	timers_deinit(&engine.loop.timers);
}

/* ------------------------------------------------------ other discoveries -- */

int
isns_discover(struct lun_discovery **out, struct lun_loop *loop,
	      const struct lun_url *url, const struct lun_options *options,
	      struct lun_error *err)
{
	return lun_fail(err, LUN_EINVAL, "iSNS: not simulated");
}

int
slp_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     struct lun_error *err)
{
	return lun_fail(err, LUN_EINVAL, "SLP: not simulated");
}
