/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arrays on the heap that double as they grow. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdlib.h>

/*
 * Room for one more element behind the n that v has; *size is for how many it
 * has room, 0 of NULL. The array, which may have moved; NULL: out of memory,
 * and it is as it was.
 */
static inline void *
array_grow(void *v, size_t n, size_t *size, size_t element)
{
	size_t more = *size > 0 ? 2 * *size : 8;

	if (n < *size)
		return v;
	v = reallocarray(v, more, element);
	if (v)
		*size = more;
	return v;
}

#endif
