/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without a fuzzer: on the files that are named, else on a
 * number of inputs from a seed.
 *
 *	fuzz-rx FILE...
 *	fuzz-rx -n 10000 [-s SEED]
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20, GENERATED_MAX = 2000 };

static void
run_file(const char *name)
{
	uint8_t *buf = malloc(INPUT_MAX);
	FILE *f = fopen(name, "rb");

	if (!buf || !f)
		err(1, "%s", name);
	size_t n = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	/* of exact size, so that a sanitizer sees a byte too far */
	uint8_t *exact = malloc(n ? n : 1);
	if (!exact)
		err(1, "%s", name);
	memcpy(exact, buf, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(buf);
}

static uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Mostly zeroes in some inputs, so that lengths are plausible there. */
static void
run_generated(uint64_t seed, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		uint64_t s = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		size_t len = draw(&s) % GENERATED_MAX;
		uint64_t density = 1 + draw(&s) % 16;
		uint8_t *p = calloc(1, len ? len : 1);

		if (!p)
			err(1, "input %lu", i);
		for (size_t k = 0; k < len; k++)
			if (draw(&s) % density == 0)
				p[k] = (uint8_t)draw(&s);
		LLVMFuzzerTestOneInput(p, len);
		free(p);
	}
}

int
main(int argc, char **argv)
{
	unsigned long count = 0;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		switch (c) {
		case 'n':
			count = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	run_generated(seed, count);
	for (int i = optind; i < argc; i++)
		run_file(argv[i]);
	return 0;
}
