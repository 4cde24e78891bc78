/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where tests take their choices from: a seed, or the bytes that a fuzzer
 * makes up. Both give the same for the same.
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* SplitMix64: seeds that are alike give streams that are not. */
static inline uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1; n is not 0. */
static inline uint32_t
rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

struct input {
	const uint8_t *p;
	size_t left;
};

/* The next byte; 0 when there is none any more. */
static inline uint8_t
input8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static inline uint32_t
input32(struct input *in)
{
	uint32_t v = input8(in);

	for (int i = 0; i < 3; i++)
		v = v << 8 | input8(in);
	return v;
}

#endif
