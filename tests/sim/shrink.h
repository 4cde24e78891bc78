/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest run that still fails: less is easier to read. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "run.h"

/* Makes limits as tight as they can be. False: the run does not fail. */
bool shrink(uint64_t seed, enum plant plant, struct limits *limits);

/* The options that ask for these limits, for the command line. */
void limits_print(const struct limits *limits);

#endif
