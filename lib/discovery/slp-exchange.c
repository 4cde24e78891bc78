/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question of a user agent of SLP, and its answers: see slp-exchange.h. */
#include "discovery/slp-exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Of an answer over TCP, and something else before it. */
enum { IN_MAX = SLP_MESSAGE_MAX + (64 << 10) };

/* CONFIG_RETRY is 2 of the 15 seconds of CONFIG_RETRY_MAX: RFC 2608 13 */
static lun_time
first_interval(const struct slp_wire *w)
{
	return w->wait / 15 * 2;
}

/* -------------------------------------------------------- begin and end -- */

static void
exchange_free(struct slp_exchange *x)
{
	if (x->connection)
		x->wire->driver->hang_up(x->wire->driver_user, x);
	list_del(&x->link);
	timer_deinit(&x->timer);
	str_deinit(&x->responders);
	free(x->subject);
	free(x->scopes);
	free(x->what);
	free(x->request);
	str_deinit(&x->in);
	free(x->cut);
	free(x);
}

static void
finish(struct slp_exchange *x, int code)
{
	timer_clear(&x->timer);
	if (x->connection)
		x->wire->driver->hang_up(x->wire->driver_user, x);
	list_del(&x->link);		/* the last one gone is to be seen */
	x->ops->end(x, code, &x->err);
	exchange_free(x);
}

/* RFC 2608 8: unique, and never 0, which is that of unsolicited adverts. */
static uint16_t
new_xid(const struct slp_wire *w)
{
	const struct slp_exchange *x;
	uint16_t xid;

	do {
		xid = (uint16_t)env_random32(w->env);
		list_for_each(x, &w->exchanges, struct slp_exchange, link)
			if (x->xid == xid)
				xid = 0;
	} while (xid == 0);
	return xid;
}

static enum slp_function
answer_to(enum slp_function request, const char *subject)
{
	if (request == SLP_ATTR_RQST)
		return SLP_ATTR_RPLY;
	if (strcmp(subject, SLP_TYPE_DA) == 0)
		return SLP_DA_ADVERT;
	return strcmp(subject, SLP_TYPE_SA) == 0 ? SLP_SA_ADVERT : SLP_SRV_RPLY;
}

/* The request as it is to be sent now. False: it does not fit. */
static bool
make_request(struct slp_exchange *x)
{
	uint8_t buf[8 * SLP_DATAGRAM_MAX];
	size_t len = slp_request_write(buf, x->multicast ? SLP_DATAGRAM_MAX
							 : sizeof(buf),
		&(struct slp_request){
			.function = x->expected == SLP_ATTR_RPLY ?
				SLP_ATTR_RQST : SLP_SRV_RQST,
			.multicast = x->multicast,
			.xid = x->xid,
			.responders = str_text(&x->responders),
			.subject = x->subject,
			.scopes = x->scopes,
			.what = x->what,
		});
	uint8_t *copy = len > 0 ? malloc(len) : NULL;

	if (!copy)
		return false;
	memcpy(copy, buf, len);
	free(x->request);
	x->request = copy;
	x->request_len = len;
	return true;
}

static void expired(struct timer *t, lun_time now);

static struct slp_exchange *
exchange_new(struct slp_wire *w, const struct slp_question *q)
{
	struct slp_exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	list_init(&x->link);
	x->wire = w;
	x->ops = q->ops;
	x->user = q->user;
	x->ref = q->ref;
	x->multicast = !q->agent;
	if (q->agent)
		x->agent = *q->agent;
	x->expected = answer_to(q->function, q->subject);
	x->responders = (struct str)STR_INIT(SLP_DATAGRAM_MAX);
	x->in = (struct str)STR_INIT(IN_MAX);
	x->subject = strdup(q->subject);
	x->scopes = strdup(q->scopes);
	x->what = strdup(q->what);
	if (!x->subject || !x->scopes || !x->what ||
	    timer_init(&x->timer, w->timers, expired) < 0) {
		exchange_free(x);
		return NULL;
	}
	return x;
}

/* ------------------------------------------------------------- sending -- */

static void
send_datagram(struct slp_exchange *x, lun_time now)
{
	const struct slp_wire *w = x->wire;

	w->driver->send(w->driver_user, x->multicast ? NULL : &x->agent,
			x->subject, x->request, x->request_len);
	x->fresh = 0;

	lun_time next = time_add(now, x->interval);

	/* RFC 2608 6.3, 12.3: doubled each time */
	x->interval *= 2;
	timer_set(&x->timer, next < x->deadline ? next : x->deadline);
}

static void
dial(struct slp_exchange *x, lun_time now)
{
	const struct slp_wire *w = x->wire;

	x->tcp = true;
	timer_set(&x->timer, time_add(now, w->wait));
	w->driver->dial(w->driver_user, x);
}

static bool
somebody_answered(const struct slp_exchange *x)
{
	return x->responders.len > 0;
}

static void
no_answer(struct slp_exchange *x)
{
	char name[PORTAL_TEXT_MAX];

	if (x->refused != 0) {		/* busy all the time */
		finish(x, LUN_EREFUSED);
		return;
	}
	lun_fail(&x->err, LUN_ETIMEDOUT, "SLP agent %s: no answer in %u s",
		 portal_print(&x->agent, name),
		 (unsigned)(x->wire->wait / TIME_S));
	finish(x, LUN_ETIMEDOUT);
}

static void use_what_was_cut(struct slp_exchange *x);

static void
expired(struct timer *t, lun_time now)
{
	struct slp_exchange *x = container_of(t, struct slp_exchange, timer);

	if (x->cut)
		use_what_was_cut(x);
	else if (x->tcp || (!x->multicast && now >= x->deadline))
		no_answer(x);
	else if (!x->multicast)
		send_datagram(x, now);
	/* RFC 2608 6.3: the list causes no further responses, or is full, or
	 * CONFIG_MC_MAX has elapsed */
	else if (now >= x->deadline || (somebody_answered(x) && !x->fresh) ||
		 !make_request(x))
		finish(x, 0);
	else
		send_datagram(x, now);
}

int
slp_ask(struct slp_wire *w, const struct slp_question *q, lun_time now,
	struct lun_error *err)
{
	struct slp_exchange *x = exchange_new(w, q);

	if (!x)
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	x->xid = w->last_xid = new_xid(w);
	if (!make_request(x)) {
		exchange_free(x);
		return lun_fail(err, LUN_EINVAL, "SLP: the request is too long");
	}
	list_append(&w->exchanges, &x->link);
	x->interval = first_interval(w);
	x->deadline = time_add(now, w->wait);
	if (x->request_len > SLP_DATAGRAM_MAX)
		dial(x, now);
	else
		send_datagram(x, now);
	return 0;
}

/* ----------------------------------------------------------- datagrams -- */

/* Puts somebody on the list. False: he is there, or it is full. */
static bool
add_responder(struct slp_exchange *x, const struct portal *from)
{
	struct slp_text list = { str_text(&x->responders), x->responders.len };
	struct slp_text one;
	size_t pos = 0, len = strcspn(from->host, "%");

	while (slp_list_next(list, &pos, &one))
		if (one.len == len && memcmp(one.p, from->host, len) == 0)
			return false;
	if (list.len > 0)
		str_add(&x->responders, ",");
	str_add_bytes(&x->responders, from->host, len);
	x->fresh++;
	return !x->responders.failed;
}

/* Keeps what there is of an answer that did not fit, and asks for all of it
 * over TCP, with the same XID (RFC 2608 6.1). */
static int
ask_over_tcp(struct slp_exchange *x, const void *datagram, size_t len,
	     lun_time now)
{
	x->cut = malloc(len);
	if (!x->cut || !make_request(x))
		return LUN_ENOMEM;
	memcpy(x->cut, datagram, len);
	x->cut_len = len;
	dial(x, now);
	return 0;
}

/* The same for one of many: the others go on. */
static void
ask_one_over_tcp(const struct slp_exchange *all, const void *datagram,
		 size_t len, const struct portal *from, lun_time now)
{
	struct slp_exchange *x = exchange_new(all->wire,
		&(struct slp_question){
			.agent = from,
			.function = all->expected == SLP_ATTR_RPLY ?
				SLP_ATTR_RQST : SLP_SRV_RQST,
			.subject = all->subject, .scopes = all->scopes,
			.what = all->what, .ops = all->ops, .user = all->user,
			.ref = all->ref,
		});

	if (!x)
		return;
	x->xid = all->xid;
	list_append(&all->wire->exchanges, &x->link);
	if (ask_over_tcp(x, datagram, len, now) < 0)
		exchange_free(x);
}

/* The agent answered with an error. */
static void
refused(struct slp_exchange *x, uint16_t error)
{
	char name[PORTAL_TEXT_MAX];

	x->refused = error;
	lun_fail(&x->err, LUN_EREFUSED, "SLP agent %s: %s (%u)",
		 portal_print(&x->agent, name), slp_error_name(error), error);
	/* RFC 2608 7: asked again later, as if it had not answered */
	if (error != SLP_DA_BUSY_NOW || x->tcp)
		finish(x, LUN_EREFUSED);
}

static void
take_one_of_many(struct slp_exchange *x, const struct slp_message *m,
		 const void *datagram, size_t len, const struct portal *from,
		 lun_time now)
{
	/* errors are no answers to all: RFC 2608 7 */
	if (m->error != 0 || !add_responder(x, from))
		return;
	if (m->overflow)
		ask_one_over_tcp(x, datagram, len, from, now);
	else if (x->ops->answer(x, m, from))
		finish(x, 0);
}

/* Over TCP an answer is complete, whatever it says of that. */
static void
take_whole(struct slp_exchange *x, const struct slp_message *m)
{
	if (m->error != 0) {
		refused(x, m->error);
		return;
	}
	x->ops->answer(x, m, &x->agent);
	finish(x, 0);
}

static void
take_single(struct slp_exchange *x, const struct slp_message *m,
	    const void *datagram, size_t len, lun_time now)
{
	if (m->error != 0 || !m->overflow)
		take_whole(x, m);
	else if (ask_over_tcp(x, datagram, len, now) < 0)
		finish(x, lun_fail(&x->err, LUN_ENOMEM, "SLP: out of memory"));
}

bool
slp_wire_take(struct slp_wire *w, const struct slp_message *m,
	      const void *datagram, size_t len, const struct portal *from,
	      lun_time now)
{
	struct slp_exchange *x;

	list_for_each(x, &w->exchanges, struct slp_exchange, link) {
		if (x->tcp || x->xid != m->xid || x->expected != m->function)
			continue;
		if (x->multicast)
			take_one_of_many(x, m, datagram, len, from, now);
		else
			take_single(x, m, datagram, len, now);
		return true;
	}
	return false;
}

/* ----------------------------------------------------------------- TCP -- */

/* The whole answer can't be had. RFC 2608 6.1: use what there is. */
static void
use_what_was_cut(struct slp_exchange *x)
{
	char name[PORTAL_TEXT_MAX];
	struct slp_message m;
	int r = slp_read(&m, x->cut, x->cut_len, NULL);

	assert(r == 0);			/* it was read before */
	(void)r;
	env_log(x->wire->env, LUN_LOG_WARNING, "SLP agent %s: its answer did "
		"not fit into a datagram, and it does not give it over TCP: "
		"only a part is used: %s", portal_print(&x->agent, name),
		x->err.text[0] ? x->err.text : "no answer");
	x->ops->answer(x, &m, &x->agent);
	finish(x, 0);
}

void
slp_exchange_broken(struct slp_exchange *x, const struct lun_error *err,
		    lun_time now)
{
	x->err = *err;
	if (x->cut)
		use_what_was_cut(x);
	else
		finish(x, err->code);
}

static void
broken_by_peer(struct slp_exchange *x, struct lun_error *why, lun_time now)
{
	char name[PORTAL_TEXT_MAX];

	lun_fail_in(why, "SLP agent %s", portal_print(&x->agent, name));
	slp_exchange_broken(x, why, now);
}

void
slp_exchange_take(struct slp_exchange *x, const void *p, size_t len,
		  lun_time now)
{
	struct slp_message m;
	struct lun_error why = { 0 };
	size_t want;

	/* as it comes: a length that lies costs us nothing */
	str_add_bytes(&x->in, p, len);
	if (x->in.failed) {
		lun_fail(&why, LUN_ENOMEM, "an answer of more than %d bytes",
			 SLP_MESSAGE_MAX);
		broken_by_peer(x, &why, now);
		return;
	}
	while (x->in.len >= SLP_PREFIX) {
		int r = slp_length((const uint8_t *)x->in.p, &want, &why);

		if (r == 0 && want > x->in.len)
			return;
		if (r == 0)
			r = slp_read(&m, x->in.p, want, &why);
		if (r < 0) {
			broken_by_peer(x, &why, now);
			return;
		}
		if (r == 0 && m.xid == x->xid && m.function == x->expected) {
			take_whole(x, &m);
			return;
		}
		str_drop(&x->in, want);		/* something else */
	}
}

void
slp_wire_deinit(struct slp_wire *w)
{
	struct slp_exchange *x;

	list_for_each(x, &w->exchanges, struct slp_exchange, link)
		exchange_free(x);
}
