/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See network.h: what goes wrong with links and networks. */
#include "network-impl.h"

static bool
is_open_at_both_ends(const struct link *l)
{
	return l->used && l->accepted && !l->flow[INITIATOR].dead &&
	    is_open(l, INITIATOR) && is_open(l, TARGET);
}

struct link *
net_victim(void)
{
	struct link *open[LINKS_MAX];
	uint32_t n = 0;

	for (int i = 0; i < net.n_links; i++) {
		struct link *l = &net.links[i];

		if (is_open_at_both_ends(l))
			open[n++] = l;
	}
	return n ? open[draw(FROM_FAULTS, n)] : NULL;
}

/* Of what is under way only a part arrives. */
static void
truncate_flow(struct flow *f)
{
	uint32_t keep = draw(FROM_NETWORK, (uint32_t)f->len + 1);
	size_t sum = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct segment *s = &f->segments[(f->first + i) % SEGMENTS_MAX];

		if (sum + s->len > keep)
			s->len = keep - sum;
		sum += s->len;
	}
	while (f->n > 0 &&
	       f->segments[(f->first + f->n - 1) % SEGMENTS_MAX].len == 0)
		f->n--;
	f->len = sum;
}

static void
kill_flow(struct flow *f)
{
	truncate_flow(f);
	f->dead = true;
	f->fin = false;
}

void
link_cut(struct link *l, enum cut how)
{
	lun_time soon = world.now + net_latency() + draw_time(FROM_NETWORK, 0,
							   5 * TIME_S);

	say("link %u: cut (%d)", l->id, how);
	kill_flow(&l->flow[TARGET]);
	if (how == CUT_BOTH || how == CUT_SILENT)
		kill_flow(&l->flow[INITIATOR]);
	l->flow[INITIATOR].dead = true;		/* what it sends from now on */
	if (how == CUT_BOTH || how == CUT_INITIATOR)
		link_end_at(l, INITIATOR, world.now);
	if (how == CUT_BOTH || how == CUT_TARGET)
		link_end_at(l, TARGET, soon);
}

void
link_delay(struct link *l, enum side from, lun_time delay)
{
	struct flow *f = &l->flow[from];

	say("link %u: delayed by %.3f s", l->id, (double)delay / TIME_S);
	f->delay = delay;
	for (unsigned i = 0; i < f->n; i++)
		f->segments[(f->first + i) % SEGMENTS_MAX].at += delay;
	f->last_at += f->n ? delay : 0;
}

void
link_cut_after(struct link *l, enum side from, uint64_t bytes)
{
	l->flow[from].cut_after = bytes;
}

void
link_corrupt(struct link *l, enum side from, uint64_t bytes)
{
	l->flow[from].corrupt_after = bytes;
}

void
net_partition(lun_time until)
{
	net.partition = later(net.partition, until);
}

void
net_slow(lun_time until)
{
	net.slow = later(net.slow, until);
}

void
net_freeze(lun_time until)
{
	net.freeze = later(net.freeze, until);
}

void
net_cut_portal(unsigned portal, enum cut how)
{
	for (int i = 0; i < net.n_links; i++)
		if (net.links[i].portal == portal &&
		    is_open_at_both_ends(&net.links[i]))
			link_cut(&net.links[i], how);
}

void
net_shut_portal(unsigned portal, enum cut how, lun_time until)
{
	net.shut[portal] = later(net.shut[portal], until);
	net_cut_portal(portal, how);
}

void
net_hole_portal(unsigned portal, lun_time until)
{
	net.hole[portal] = later(net.hole[portal], until);
}

bool
net_frozen(void)
{
	return net.freeze > world.now;
}

/* An initiator that sends something hears that there is nobody; one that does
 * not may hear nothing. */
void
net_reset_target(void)
{
	for (int i = 0; i < net.n_links; i++) {
		struct link *l = &net.links[i];

		if (!l->used)
			continue;
		kill_flow(&l->flow[INITIATOR]);
		kill_flow(&l->flow[TARGET]);
		l->end[TARGET] = (struct end){ .ended_at = TIME_NEVER };
		if (chance(FROM_NETWORK, 700))
			link_end_at(l, INITIATOR, world.now + net_latency());
		link_free_if_closed(l);
	}
}

void
net_heal(void)
{
	net.partition = net.slow = net.freeze = 0;
	for (int p = 0; p < PORTALS; p++)
		net.shut[p] = net.hole[p] = 0;
	for (int i = 0; i < net.n_links; i++) {
		struct link *l = &net.links[i];

		for (int s = 0; s < 2; s++) {
			l->flow[s].delay = 0;
			l->flow[s].cut_after = UINT64_MAX;
			l->flow[s].corrupt_after = UINT64_MAX;
		}
	}
}
