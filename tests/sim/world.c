/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct world world;

void
world_begin(uint64_t seed)
{
	struct rng all = { seed };
	bool verbose = world.verbose;

	world = (struct world){ .seed = seed, .verbose = verbose,
				.now = 1000 * TIME_S };
	for (int i = 0; i < STREAMS; i++)
		world.rng[i].state = rng_next(&all);
}

uint32_t
draw(enum stream s, uint32_t n)
{
	return rng_below(&world.rng[s], n);
}

bool
chance(enum stream s, uint32_t permille)
{
	return draw(s, 1000) < permille;
}

lun_time
draw_time(enum stream s, lun_time lo, lun_time hi)
{
	uint64_t r = rng_next(&world.rng[s]);
	unsigned orders = 0;

	while (hi >> orders > lo)
		orders++;
	hi >>= r % (orders + 1);
	if (hi <= lo)
		return lo;
	return lo + (lun_time)((r >> 8) % (uint64_t)(hi - lo + 1));
}

__attribute__((format(printf, 2, 0))) static void
line(FILE *f, const char *fmt, va_list ap)
{
	fprintf(f, "%10.6f ", (double)(world.now - 1000 * TIME_S) / TIME_S);
	vfprintf(f, fmt, ap);
	fputc('\n', f);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	if (!world.verbose)
		return;
	va_start(ap, fmt);
	line(stdout, fmt, ap);
	va_end(ap);
}

void
broken(const char *fmt, ...)
{
	va_list ap;

	printf("seed %" PRIu64 ": ", world.seed);
	va_start(ap, fmt);
	line(stdout, fmt, ap);
	va_end(ap);
	fflush(stdout);
	_Exit(EXIT_BROKEN);
}
