/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk of the target: what it holds, in a cache that a crash may lose in
 * part, and below that what is there for good. Tells the oracle what lands.
 */
#ifndef SIM_MEDIUM_H
#define SIM_MEDIUM_H

#include "plan.h"

struct disk_ops;

void medium_begin(const struct plan *plan);

uint8_t *medium_bytes(void);
const struct disk_ops *medium_ops(void);

/* Of each block that was not flushed, the old or the new contents are left. */
void medium_crash(void);

#endif
