/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of the engine: counted, and refused when it is told to. The
 * linker gives its malloc() and the like to us (--wrap, meson.build); those of
 * the target, of libcrypto and of C's library (strdup() too) are not ours.
 */
#ifndef SIM_ALLOC_H
#define SIM_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void alloc_fail(unsigned n);		/* the n-th of the next ones; 0: none */
/* What is allocated in between is the simulation's own. */
void alloc_ours(bool ours);
size_t alloc_count(void);		/* how many are there now */

#endif
