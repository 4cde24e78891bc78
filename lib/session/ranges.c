/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "lun.h"
#include "session/ranges.h"

static struct range *
items(struct ranges *r)
{
	return r->size ? r->many : &r->one;
}

void
ranges_clear(struct ranges *r)
{
	free(r->many);
	*r = (struct ranges){ 0 };
}

/* Room for one more. */
static int
grow(struct ranges *r)
{
	if (r->count < (r->size ? r->size : 1))
		return 0;
	if (r->count >= RANGES_MAX)
		return LUN_EPROTO;

	size_t size = r->size ? 2 * r->size : 8;
	struct range *many = realloc(r->many, size * sizeof(*many));

	if (!many)
		return LUN_ENOMEM;
	if (!r->size)
		many[0] = r->one;
	r->many = many;
	r->size = size;
	return 0;
}

/* The first range that ends at or after start: i is where it would stand. */
static size_t
find(const struct range *at, size_t count, uint32_t start)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (at[mid].end < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
ranges_add(struct ranges *r, uint32_t start, uint32_t end)
{
	if (start == end)
		return 0;

	struct range *at = items(r);
	size_t i = find(at, r->count, start);
	bool left = i < r->count && at[i].end == start;
	size_t next = i + left;

	if (next < r->count && at[next].start < end)
		return LUN_EPROTO;
	bool right = next < r->count && at[next].start == end;

	if (left && right) {
		at[i].end = at[next].end;
		memmove(&at[next], &at[next + 1],
			(r->count - next - 1) * sizeof(*at));
		r->count--;
	} else if (left) {
		at[i].end = end;
	} else if (right) {
		at[next].start = start;
	} else {
		int ret = grow(r);

		if (ret < 0)
			return ret;
		at = items(r);
		memmove(&at[i + 1], &at[i], (r->count - i) * sizeof(*at));
		at[i] = (struct range){ start, end };
		r->count++;
	}
	return 0;
}

int
ranges_cover(struct ranges *r, uint32_t start, uint32_t end)
{
	/* What is there is left out, gap by gap. */
	while (start < end) {
		struct range *at = items(r);
		size_t i = find(at, r->count, start);
		uint32_t until = end;
		int ret;

		if (i < r->count && at[i].end == start)
			i++;			/* it only touches */
		if (i < r->count && at[i].start <= start) {
			start = at[i].end;
			continue;
		}
		if (i < r->count && at[i].start < end)
			until = at[i].start;
		if ((ret = ranges_add(r, start, until)) < 0)
			return ret;
		start = until;
	}
	return 0;
}

uint32_t
ranges_prefix(const struct ranges *r)
{
	const struct range *at = r->size ? r->many : &r->one;

	return r->count && at[0].start == 0 ? at[0].end : 0;
}

/* The range that holds it, or else the next one; NULL: none. */
static const struct range *
at_or_after(const struct ranges *r, uint32_t at)
{
	const struct range *all = r->size ? r->many : &r->one;
	size_t i = find(all, r->count, at);

	if (i < r->count && all[i].end == at)
		i++;
	return i < r->count ? &all[i] : NULL;
}

bool
ranges_has(const struct ranges *r, uint32_t at)
{
	const struct range *range = at_or_after(r, at);

	return range && range->start <= at;
}

uint32_t
ranges_end(const struct ranges *r, uint32_t at)
{
	return at_or_after(r, at)->end;
}

uint32_t
ranges_gap_end(const struct ranges *r, uint32_t at, uint32_t limit)
{
	const struct range *range = at_or_after(r, at);

	return range && range->start < limit ? range->start : limit;
}
