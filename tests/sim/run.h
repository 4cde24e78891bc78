/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run: a seed, from beginning to end. What is wrong ends the process. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "plan.h"
#include "plant.h"

void run(uint64_t seed, const struct limits *limits, enum plant plant);

#endif
