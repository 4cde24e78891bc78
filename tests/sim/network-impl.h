/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the network. What one end sends is a flow: bytes in a ring, and
 * segments that say how many of them arrive at what time. Segments arrive in
 * order; the time of the next one is put off while something holds it.
 */
#ifndef SIM_NETWORK_IMPL_H
#define SIM_NETWORK_IMPL_H

#include "network.h"

enum { LINKS_MAX = 48, SEGMENTS_MAX = 64 };

struct segment {
	size_t len;
	lun_time at;
};

struct flow {			/* from one end to the other */
	uint8_t *ring;
	size_t head, len;		/* of the ring; ends at its size */
	struct segment segments[SEGMENTS_MAX];
	unsigned first, n;		/* of segments, a ring too */
	lun_time last_at;		/* of the last one, also if it is gone */
	lun_time delay;
	uint64_t cut_after;		/* so many more bytes; UINT64_MAX */
	uint64_t corrupt_after;		/* the same */
	bool fin;			/* its end comes after the last byte */
	bool refused;			/* room() is wanted */
	bool dead;			/* what is sent now goes nowhere */
};

struct link {
	bool used;
	unsigned id, portal;
	struct end {
		const struct end_ops *ops;	/* NULL: not there */
		void *user;
		lun_time ended_at;		/* by a fault: it hears of it */
	} end[2];
	lun_time syn_at, answer_at;
	bool accepted, protected;
	struct flow flow[2];			/* by the sender */
};

struct network {
	const struct plan *plan;
	struct link links[LINKS_MAX];
	int n_links;			/* of them; those behind are not used */
	unsigned last_id;
	lun_time partition, slow, freeze;	/* until then */
	lun_time shut[PORTALS], hole[PORTALS];	/* the same */
};

extern struct network net;

static inline lun_time
later(lun_time a, lun_time b)
{
	return a > b ? a : b;
}

static inline bool
is_open(const struct link *l, enum side s)
{
	return l->end[s].ops;
}

/* Nothing passes before that. */
static inline lun_time
passes_at(const struct link *l)
{
	return later(net.partition, net.hole[l->portal]);
}

/* network.c */
lun_time net_latency(void);
/* An end that is there hears of it then. */
void link_end_at(struct link *l, enum side s, lun_time at);
void link_free_if_closed(struct link *l);

#endif
