/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alloc.h"

#include <stdint.h>
#include <stdlib.h>

#include "plant.h"
#include "world.h"

/* Not hidden: with a sanitizer the linker finds that others want them too. */
#pragma GCC visibility push(default)
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void __wrap_free(void *p);
#pragma GCC visibility pop

/* Those that are there: C's library and others give away memory that is freed
 * here, so it does not do to count. A hash table with linear probing. */
enum { TABLE = 1 << 16 };
static void *table[TABLE];
static size_t count;
static unsigned fail_at;
static bool ours;

static size_t
place(const void *p)
{
	return (uintptr_t)p / 16 * UINT64_C(0x9e3779b97f4a7c15) >> 48;
}

static void
note(void *p)
{
	size_t i = place(p);

	while (table[i])
		i = (i + 1) % TABLE;
	table[i] = p;
	count++;
}

/* Is it ours? Those behind it move up. */
static bool
forget(const void *p)
{
	size_t i = place(p), gap;

	while (table[i] && table[i] != p)
		i = (i + 1) % TABLE;
	if (!table[i])
		return false;
	count--;
	table[gap = i] = NULL;
	while (table[i = (i + 1) % TABLE]) {
		if ((i - place(table[i])) % TABLE < (i - gap) % TABLE)
			continue;
		table[gap] = table[i];
		table[gap = i] = NULL;
	}
	return true;
}

static bool
fails(void)
{
	if (ours || fail_at == 0 || --fail_at > 0)
		return false;
	say("this allocation fails");
	return true;
}

static void *
counted(void *p)
{
	if (p && !ours)
		note(p);
	return p;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t size)
{
	if (!p)
		return __wrap_malloc(size);
	if (fails())
		return NULL;
	forget(p);
	p = __real_realloc(p, size);
	if (!p)
		abort();
	return counted(p);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return __wrap_realloc(p, total);
}

void
__wrap_free(void *p)
{
	if (p && plant_strikes(PLANT_LEAK, 50))
		return;
	if (p)
		forget(p);
	__real_free(p);
}

void *
sim_alloc(size_t size)
{
	void *p = __real_malloc(size);

	if (!p)
		abort();
	return p;
}

void
sim_free(void *p)
{
	__real_free(p);
}

void
alloc_fail(unsigned n)
{
	fail_at = n;
}

void
alloc_ours(bool yes)
{
	ours = yes;
}

size_t
alloc_count(void)
{
	return count;
}
