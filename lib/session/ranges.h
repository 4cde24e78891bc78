/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which bytes of a buffer have come, when they may come in any order: a sorted
 * list of ranges that grow together. Without memory while they come in order
 * (one range, kept in place).
 */
#ifndef SESSION_RANGES_H
#define SESSION_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint32_t start, end;		/* start < end */
};

enum { RANGES_MAX = 65536 };

struct ranges {
	size_t count, size;		/* size 0: only `one` */
	struct range one, *many;
};

void ranges_clear(struct ranges *r);	/* also initialises a zeroed one */

/* Adds [start, end). 0; LUN_EPROTO if a byte of it was there before or there
 * are too many gaps; LUN_ENOMEM. */
int ranges_add(struct ranges *r, uint32_t start, uint32_t end);

/* The same, but bytes that were there before are no offence. 0 or LUN_ENOMEM. */
int ranges_cover(struct ranges *r, uint32_t start, uint32_t end);

/* How many bytes from 0 on are there without a gap. */
uint32_t ranges_prefix(const struct ranges *r);

/* Is this one there? If so: the first behind it that is not. */
bool ranges_has(const struct ranges *r, uint32_t at);
uint32_t ranges_end(const struct ranges *r, uint32_t at);

/* This one is not there: the first behind it that is, or limit. */
uint32_t ranges_gap_end(const struct ranges *r, uint32_t at, uint32_t limit);

#endif
