/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes wrong, and when. It begins when the application has its session
 * (in some runs before that), and ends for good after a while: then everything
 * must come to a good end.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "plan.h"

void faults_begin(const struct plan *plan);
lun_time faults_deadline(void);
void faults_run(void);

bool faults_were(void);			/* at least one */
bool faults_are_over(void);
/* When all that was broken is whole again, maybe later; TIME_NEVER: not yet. */
lun_time faults_over_at(void);

#endif
