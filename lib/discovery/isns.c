/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See isns.h. One request is under way at a time; its step says what is done
 * with the answer, and that says which step comes next.
 */
#include "discovery/isns.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/list.h"
#include "discovery/isns-impl.h"

enum {
	OUT_MAX		= 64 << 10,	/* bytes that wait to be sent */
	PERIOD_UNSAID	= 600,		/* seconds */
};

#define SETTLE	(TIME_S / 5)		/* changes come in groups */
#define LONGEST	(300 * TIME_S)		/* without a look */

struct step {
	const char *what;
	uint16_t function;
	void (*put)(const struct isns *c, struct str *out);
	/* The next step, or a negative code and c->err. */
	int (*answered)(struct isns *c, uint32_t status,
			const struct isns_message *m, size_t pos);
};

/* ---------------------------------------------------------------- steps -- */

static const struct step steps[] = {
	[ISNS_SELF]	= { "looking for ourselves", ISNS_DEV_ATTR_QRY,
			    isns_put_self, isns_on_self },
	[ISNS_REGISTER]	= { "registration", ISNS_DEV_ATTR_REG,
			    isns_put_registration, isns_on_registered },
	[ISNS_WATCH]	= { "registration for changes", ISNS_SCN_REG,
			    isns_put_watch, isns_on_watched },
	[ISNS_DOMAINS]	= { "query for domains", ISNS_DEV_ATTR_QRY,
			    isns_put_domains, isns_on_domains },
	[ISNS_QUERY]	= { "query", ISNS_DEV_ATTR_QRY,
			    isns_put_query, isns_on_queried },
	[ISNS_WALK]	= { "query for the next node", ISNS_DEV_GET_NEXT,
			    isns_put_walk, isns_on_walked },
	[ISNS_EACH]	= { "query for a node", ISNS_DEV_ATTR_QRY,
			    isns_put_each, isns_on_each },
	[ISNS_LEAVE]	= { "deregistration", ISNS_DEV_DEREG,
			    isns_put_leave, isns_on_left },
};

static const struct step *
step_of(const struct isns *c)
{
	assert(c->step != ISNS_AWAY && c->step != ISNS_REST);
	return &steps[c->step];
}

const char *
isns_step_name(const struct isns *c)
{
	return step_of(c)->what;
}

static void
fail(struct isns *c)
{
	assert(c->err.code < 0);
	isns_disconnected(c);
	c->config.changed(c->config.user);
}

/* RFC 4171 6.2.6: within the registration period. */
static lun_time
rest_time(const struct isns *c)
{
	uint32_t period = c->period ? c->period : PERIOD_UNSAID;
	lun_time t = period * TIME_S / 3;

	return c->again ? SETTLE : t < LONGEST ? t : LONGEST;
}

static void
put_request(struct isns *c, const struct step *s)
{
	size_t at;

	if (++c->transaction == 0)	/* ESIs have that */
		c->transaction++;
	at = isns_begin(&c->out, (uint16_t)s->function, c->transaction);
	s->put(c, &c->out);
	isns_end(&c->out, at);
}

static void
enter(struct isns *c, enum isns_step step, lun_time now)
{
	if (step == ISNS_QUERY && c->config.boot)
		step = ISNS_DOMAINS;
	c->step = step;
	if (step == ISNS_REST) {
		timer_clear(&c->timer);
		if (c->config.watch)
			timer_set(&c->timer, time_add(now, rest_time(c)));
		c->config.changed(c->config.user);
		return;
	}
	if (step == ISNS_QUERY)
		c->again = false;
	put_request(c, &steps[step]);
	timer_set(&c->timer, time_add(now, c->config.timeout));
	c->config.changed(c->config.user);
}

/* The rest is over, or an answer does not come. */
static void
time_over(struct timer *t, lun_time now)
{
	struct isns *c = container_of(t, struct isns, timer);

	if (c->step == ISNS_REST) {
		enter(c, c->again ? ISNS_QUERY : ISNS_SELF, now);
		return;
	}
	lun_fail(&c->err, LUN_ETIMEDOUT, "%s: no answer within %" PRId64
		 " s", step_of(c)->what, c->config.timeout / TIME_S);
	fail(c);
}

void
isns_look_again(struct isns *c, lun_time now)
{
	/* not put off by changes that never pause */
	if (c->step == ISNS_REST && !c->again)
		timer_set(&c->timer, time_add(now, SETTLE));
	c->again = true;
}

/* ------------------------------------------------------------- messages -- */

/* RFC 4171 5.1.5: an answer is one by its transaction id. */
static int
take_response(struct isns *c, const struct isns_message *m, lun_time now)
{
	char buf[16];
	const struct step *s = c->step == ISNS_REST ? NULL : step_of(c);

	if (!s || m->transaction != c->transaction) {
		env_log(c->config.env, LUN_LOG_DEBUG, "iSNS: %s to "
			"transaction %u, which is not under way",
			isns_function_name(m->function, buf), m->transaction);
		return 0;
	}
	if (m->function != (s->function | ISNS_RESPONSE))
		return lun_fail(&c->err, LUN_EPROTO, "%s: the answer is a %s",
				s->what,
				isns_function_name(m->function, buf));
	if (m->len < 4)
		return lun_fail(&c->err, LUN_EPROTO, "%s: an answer without "
				"status", s->what);

	int r = s->answered(c, get32(m->payload), m, 4);

	if (r == LUN_EPROTO)
		lun_fail_in(&c->err, "%s", s->what);
	if (r >= 0)
		enter(c, (enum isns_step)r, now);
	return r;
}

static int
take_message(struct isns *c, const struct isns_message *m, lun_time now)
{
	if (m->function & ISNS_RESPONSE)
		return take_response(c, m, now);

	int r = isns_answer(c, m, &c->out, now, &c->err);

	if (r == 0)
		c->config.changed(c->config.user);
	return r;
}

void
isns_receive(struct isns *c, const uint8_t *data, size_t len, lun_time now)
{
	struct isns_message m;
	int r = 0;

	while (r >= 0 && c->step != ISNS_AWAY) {
		r = isns_rx_feed(&c->rx, &data, &len, &m, &c->err);
		if (r == 0)
			break;
		if (r == ISNS_RX_MESSAGE)
			r = take_message(c, &m, now);
	}
	if (r >= 0 && c->out.failed)
		r = lun_fail(&c->err, LUN_EPROTO, "the server does not take "
			     "the answers that it asks for");
	if (r < 0)
		fail(c);
}

/* -------------------------------------------------------------- public -- */

int
isns_new(struct isns **out, const struct isns_config *config,
	 struct lun_error *err)
{
	struct isns *c = calloc(1, sizeof(*c));

	if (!c || timer_init(&c->timer, config->timers, time_over) < 0) {
		free(c);
		return lun_fail(err, LUN_ENOMEM, "iSNS: out of memory");
	}
	c->config = *config;
	snprintf(c->source, sizeof(c->source), "%s", config->source);
	snprintf(c->target, sizeof(c->target), "%s", config->target);
	snprintf(c->alias, sizeof(c->alias), "%s", config->alias);
	c->config.source = c->source;
	c->config.target = c->target;
	c->config.alias = c->alias;
	isns_rx_init(&c->rx, ISNS_MESSAGE_MAX);
	c->out = (struct str)STR_INIT(OUT_MAX);
	c->transaction = (uint16_t)env_random32(config->env);
	c->wants_esi = config->watch;
	*out = c;
	return 0;
}

struct isns *
isns_free(struct isns *c)
{
	if (!c)
		return NULL;
	isns_disconnected(c);
	timer_deinit(&c->timer);
	targets_free(c->list);
	free(c);
	return NULL;
}

void
isns_watch(struct isns *c)
{
	assert(c->step == ISNS_AWAY);
	c->config.watch = c->wants_esi = true;
}

void
isns_connected(struct isns *c, const struct isns_portal *portal, lun_time now)
{
	assert(c->step == ISNS_AWAY);
	c->portal = *portal;
	if (portal->port == 0)
		c->wants_esi = false;
	enter(c, c->config.watch ? ISNS_SELF : ISNS_QUERY, now);
}

void
isns_disconnected(struct isns *c)
{
	c->step = ISNS_AWAY;
	c->registered = c->tried = false;
	timer_clear(&c->timer);
	isns_rx_deinit(&c->rx);
	str_deinit(&c->out);
	c->targets = targets_free(c->targets);
	isns_drop_names(c);
}

struct str *
isns_out(struct isns *c)
{
	return &c->out;
}

enum isns_news
isns_news(struct isns *c, struct targets **list, struct lun_error *err)
{
	/* Asked once, it is told when the registration is taken back. */
	if (c->list && (c->config.watch || c->step == ISNS_REST ||
			c->step == ISNS_AWAY)) {
		*list = take(c->list);
		return ISNS_LISTED;
	}
	if (c->err.code == 0)
		return ISNS_NO_NEWS;
	*err = c->err;
	c->err = (struct lun_error){ 0 };
	return ISNS_FAILED;
}

void
isns_leave(struct isns *c)
{
	if (c->registered)
		put_request(c, &steps[ISNS_LEAVE]);
	c->registered = false;
}
