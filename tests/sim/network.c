/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See network.h: links, what they carry, and when. */
#include "network-impl.h"

#include <assert.h>
#include <string.h>

#include "host.h"
#include "portals.h"

struct network net;

lun_time
net_latency(void)
{
	lun_time jitter = net.plan->jitter;

	return net.plan->latency +
	       (jitter ? draw_time(FROM_NETWORK, 0, jitter) : 0);
}

void
link_free_if_closed(struct link *l)
{
	if (!is_open(l, INITIATOR) && !is_open(l, TARGET))
		l->used = false;
}

/* The end hears of it and is no end any more. */
static void
end_now(struct link *l, enum side s, const char *why)
{
	struct end e = l->end[s];

	if (!e.ops)
		return;
	say("link %u: %s: %s", l->id, s == INITIATOR ? "initiator" : "target",
	    why);
	l->end[s] = (struct end){ .ended_at = TIME_NEVER };
	e.ops->ended(e.user, why);
	link_free_if_closed(l);
}

void
link_end_at(struct link *l, enum side s, lun_time at)
{
	if (l->end[s].ops)
		l->end[s].ended_at = at;
}

/* ------------------------------------------------------------- the times -- */

/* When the next thing of this flow is due: bytes, or its end. */
static lun_time
flow_due(const struct link *l, enum side from)
{
	const struct flow *f = &l->flow[from];
	lun_time at = f->n ? f->segments[f->first].at : f->last_at;

	if (!is_open(l, !from) || !l->accepted || (f->n == 0 && !f->fin))
		return TIME_NEVER;
	at = later(at, passes_at(l));
	return from == INITIATOR ? later(at, net.freeze) : at;
}

static lun_time
link_due(const struct link *l)
{
	lun_time at[] = {
		l->end[INITIATOR].ended_at, l->end[TARGET].ended_at,
		flow_due(l, INITIATOR), flow_due(l, TARGET),
		l->syn_at == TIME_NEVER ? TIME_NEVER :
		    later(later(l->syn_at, passes_at(l)), net.freeze),
		l->answer_at == TIME_NEVER ? TIME_NEVER :
		    later(l->answer_at, passes_at(l)),
	};
	lun_time first = TIME_NEVER;

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		if (at[i] < first)
			first = at[i];
	return first;
}

lun_time
net_deadline(void)
{
	lun_time first = TIME_NEVER;

	for (int i = 0; i < net.n_links; i++)
		if (net.links[i].used && link_due(&net.links[i]) < first)
			first = link_due(&net.links[i]);
	return first;
}

/* ------------------------------------------------------------ making one -- */

/* A half-open link is forgotten in the end, as if by TCP's keepalive. */
static struct link *
oldest(void)
{
	struct link *found = NULL;

	for (int i = 0; i < LINKS_MAX; i++)
		if (!found || net.links[i].id < found->id)
			found = &net.links[i];
	end_now(found, TARGET, "forgotten");
	end_now(found, INITIATOR, "forgotten");
	return found;
}

static struct link *
find_free(void)
{
	for (int i = 0; i < net.n_links; i++)
		if (!net.links[i].used)
			return &net.links[i];
	return net.n_links < LINKS_MAX ? &net.links[net.n_links++] : oldest();
}

struct link *
net_connect(unsigned portal, const struct end_ops *ops, void *user)
{
	struct link *l = find_free();

	assert(!l->used);
	l->used = true;
	l->id = ++net.last_id;
	l->portal = portal;
	l->end[INITIATOR] = (struct end){ ops, user, TIME_NEVER };
	l->end[TARGET] = (struct end){ .ended_at = TIME_NEVER };
	l->syn_at = world.now + net_latency();
	l->answer_at = TIME_NEVER;
	l->accepted = l->protected = false;
	for (int s = 0; s < 2; s++) {
		struct flow *f = &l->flow[s];
		uint8_t *ring = f->ring ? f->ring : sim_alloc(net.plan->buffer);

		f->head = f->len = 0;
		f->first = f->n = 0;
		f->last_at = f->delay = 0;
		f->cut_after = f->corrupt_after = UINT64_MAX;
		f->fin = f->refused = f->dead = false;
		f->ring = ring;
	}
	say("link %u: connect to %s", l->id, portal_address(portal));
	return l;
}

void
link_accept(struct link *l, const struct end_ops *ops, void *user)
{
	l->end[TARGET] = (struct end){ ops, user, TIME_NEVER };
}

static bool
is_shut(const struct link *l)
{
	return net.shut[l->portal] > world.now;
}

static void
syn(struct link *l)
{
	l->syn_at = TIME_NEVER;
	switch (is_shut(l) ? HOST_REFUSES : host_accept(l)) {
	case HOST_ACCEPTS:
		l->accepted = true;
		l->answer_at = world.now + net_latency();
		break;
	case HOST_REFUSES:
		link_end_at(l, INITIATOR, world.now + net_latency());
		break;
	case HOST_IS_SILENT:
		break;
	}
}

static void
answer(struct link *l)
{
	struct end *e = &l->end[INITIATOR];

	l->answer_at = TIME_NEVER;
	if (e->ops)
		e->ops->connected(e->user);
}

/* --------------------------------------------------------------- sending -- */

static lun_time
arrival(struct flow *f, size_t len)
{
	uint64_t rate = net.plan->bandwidth;
	lun_time at;

	if (net.slow > world.now)
		rate /= 1000;
	at = later(world.now + net_latency() + f->delay, f->last_at);
	return at + (lun_time)(len * UINT64_C(1000000000) / (rate + 1));
}

static void
add_segment(struct flow *f, size_t len)
{
	unsigned last = (f->first + f->n - 1) % SEGMENTS_MAX;

	if (f->n == SEGMENTS_MAX) {	/* it is one with the last one */
		f->segments[last].len += len;
		return;
	}
	f->last_at = arrival(f, len);
	last = (last + 1) % SEGMENTS_MAX;
	f->segments[last] = (struct segment){ len, f->last_at };
	f->n++;
}

static void
corrupt(struct link *l, struct flow *f, size_t at)
{
	const struct end *e = &l->end[INITIATOR];

	f->corrupt_after = UINT64_MAX;
	if (!l->protected)
		return;
	say("link %u: a bit is wrong", l->id);
	f->ring[at % net.plan->buffer] ^= (uint8_t)(1 << draw(FROM_NETWORK, 8));
	if (e->ops && e->ops->damaged)
		e->ops->damaged(e->user);
}

static void
put(struct link *l, struct flow *f, const uint8_t *p, size_t len)
{
	size_t size = net.plan->buffer, at = (f->head + f->len) % size;
	size_t part = len < size - at ? len : size - at;

	memcpy(f->ring + at, p, part);
	memcpy(f->ring, p + part, len - part);
	f->len += len;
	if (f->corrupt_after < len)
		corrupt(l, f, at + f->corrupt_after);
	else if (f->corrupt_after != UINT64_MAX)
		f->corrupt_after -= len;
}

static size_t
room_of(struct flow *f)
{
	size_t room = net.plan->buffer - f->len;

	if (room > 1 && net.plan->short_sends && chance(FROM_NETWORK, 300))
		room = 1 + draw(FROM_NETWORK, (uint32_t)room);
	return room;
}

static void
send_part(struct link *l, struct flow *f, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t n = 1 + draw(FROM_NETWORK, net.plan->segment);

		if (n > len)
			n = len;
		if (n > f->cut_after)
			n = f->cut_after;
		put(l, f, p, n);
		if (n > 0)
			add_segment(f, n);
		if (f->cut_after != UINT64_MAX)
			f->cut_after -= n;
		p += n;
		len -= n;
		if (f->cut_after == 0) {
			say("link %u: cut at this byte", l->id);
			link_cut(l, CUT_BOTH);
			return;
		}
	}
}

size_t
link_send(struct link *l, enum side from, const struct iovec *iov, int n)
{
	struct flow *f = &l->flow[from];
	size_t room = room_of(f), sent = 0;

	assert(is_open(l, from));
	for (int i = 0; i < n; i++) {
		size_t len = iov[i].iov_len;

		if (!f->dead && len > room) {
			len = room;
			f->refused = true;
		}
		if (!f->dead)
			send_part(l, f, iov[i].iov_base, len);
		room -= f->dead ? 0 : len;
		sent += len;
		if (len < iov[i].iov_len)
			break;
	}
	return sent;
}

void
link_close(struct link *l, enum side from)
{
	assert(is_open(l, from));
	l->end[from] = (struct end){ .ended_at = TIME_NEVER };
	l->flow[from].fin = !l->flow[from].dead;
	l->flow[from].last_at = later(l->flow[from].last_at,
				      world.now + net_latency());
	if (from == INITIATOR && !l->accepted) {	/* a SYN that nobody sent */
		l->syn_at = TIME_NEVER;
		l->end[TARGET] = (struct end){ .ended_at = TIME_NEVER };
	}
	link_free_if_closed(l);
}

void
link_protect(struct link *l)
{
	l->protected = true;
}

unsigned
link_id(const struct link *l)
{
	return l->id;
}

unsigned
link_portal(const struct link *l)
{
	return l->portal;
}

/* ------------------------------------------------------------- arriving -- */

static void
arrive(struct link *l, enum side from)
{
	struct flow *f = &l->flow[from];
	struct end *to = &l->end[!from];
	unsigned id = l->id;

	if (f->n == 0) {
		f->fin = false;
		end_now(l, !from, "closed by the other end");
		return;
	}

	struct segment s = f->segments[f->first];
	size_t size = net.plan->buffer;

	f->first = (f->first + 1) % SEGMENTS_MAX;
	f->n--;
	while (s.len > 0 && l->used && l->id == id && to->ops) {
		size_t part = size - f->head < s.len ? size - f->head : s.len;
		size_t at = f->head;

		f->head = (f->head + part) % size;
		f->len -= part;
		s.len -= part;
		to->ops->arrived(to->user, f->ring + at, part);
	}
	if (!l->used || l->id != id || !f->refused || !l->end[from].ops)
		return;
	f->refused = false;
	l->end[from].ops->room(l->end[from].user);
}

/* The first thing of the link that is due. */
static void
link_run(struct link *l)
{
	lun_time now = world.now;

	for (int s = 0; s < 2; s++)
		if (l->end[s].ended_at <= now) {
			end_now(l, s, l->accepted ? "reset" : "refused");
			return;
		}
	if (l->syn_at <= now)
		syn(l);
	else if (l->answer_at <= now)
		answer(l);
	else
		arrive(l, flow_due(l, INITIATOR) <= now ? INITIATOR : TARGET);
}

void
net_run(void)
{
	for (int i = 0; i < net.n_links; i++)
		while (net.links[i].used && link_due(&net.links[i]) <= world.now)
			link_run(&net.links[i]);
}

void
net_begin(const struct plan *plan)
{
	net.plan = plan;
	net.last_id = 0;
	net.n_links = 0;
	net_heal();
}

void
net_end(void)
{
	for (int i = 0; i < net.n_links; i++) {
		struct link *l = &net.links[i];

		end_now(l, TARGET, "the end");
		end_now(l, INITIATOR, "the end");
		l->used = false;
		for (int s = 0; s < 2; s++) {
			sim_free(l->flow[s].ring);
			l->flow[s].ring = NULL;
		}
	}
}
