/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/portals.h"

#include <string.h>

void
portals_init(struct portals *p, const struct portal *first)
{
	*p = (struct portals){ .n = 1, .left = 1 };
	p->v[0] = *first;
}

const struct portal *
portals_now(const struct portals *p)
{
	return &p->v[p->at];
}

void
portals_add(struct portals *p, const struct portal *portal)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!portal_equal(&p->v[i], portal))
			continue;
		if (portal->tpgt >= 0)
			p->v[i].tpgt = portal->tpgt;
		return;
	}
	if (p->n < PORTALS_MAX)
		p->v[p->n++] = *portal;
}

static void
move_to(struct portals *p, size_t from, size_t to)
{
	struct portal moved = p->v[from];

	if (from > to)
		memmove(&p->v[to + 1], &p->v[to], (from - to) * sizeof(moved));
	else
		memmove(&p->v[from], &p->v[from + 1],
			(to - from) * sizeof(moved));
	p->v[to] = moved;
}

void
portals_moved(struct portals *p, const struct portal *to)
{
	size_t i = 0;

	while (i < p->n && !portal_equal(&p->v[i], to))
		i++;
	if (i == p->at)
		return;
	if (i == p->n && p->n < PORTALS_MAX)
		p->n++;
	else if (i == p->n)
		i--;
	p->v[i] = p->v[p->at];
	p->v[p->at] = *to;
}

static int
rank(const struct portal *p, int32_t tpgt)
{
	return p->tpgt < 0 || tpgt < 0 ? 1 : p->tpgt == tpgt ? 0 : 2;
}

void
portals_begin(struct portals *p, int32_t tpgt)
{
	move_to(p, p->at, 0);
	for (size_t i = 2; i < p->n; i++) {	/* those alike keep their order */
		size_t to = i;

		while (to > 1 && rank(&p->v[to - 1], tpgt) > rank(&p->v[i], tpgt))
			to--;
		move_to(p, i, to);
	}
	p->at = 0;
	p->left = p->n;
}

bool
portals_next(struct portals *p)
{
	p->at = (p->at + 1) % p->n;
	if (--p->left > 0)
		return false;
	p->left = p->n;
	return true;
}
