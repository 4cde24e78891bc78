/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locals that free themselves, and the hand-over at the end of a constructor. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void
cleanup_free(void *p)
{
	free(*(void **)p);
}

#define _cleanup_free_ _cleanup_(cleanup_free)

/* The value of a pointer, which becomes NULL: ownership moves on. */
#define take(p)                                                               \
	({                                                                    \
		__typeof__(p) *take_ptr = &(p);                               \
		__typeof__(p) take_val = *take_ptr;                           \
		*take_ptr = NULL;                                             \
		take_val;                                                     \
	})

#endif
