/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time as the engine sees it: nanoseconds on a clock that only goes forward,
 * always handed in by the caller. Nothing here reads a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

typedef int64_t lun_time;

#define TIME_NEVER	INT64_MAX
#define TIME_US		INT64_C(1000)
#define TIME_MS		INT64_C(1000000)
#define TIME_S		INT64_C(1000000000)

/* now + delay, and never beyond TIME_NEVER. delay is not negative. */
static inline lun_time
time_add(lun_time now, lun_time delay)
{
	return delay > TIME_NEVER - now ? TIME_NEVER : now + delay;
}

/* For people. */
static inline double
time_seconds(lun_time t)
{
	return (double)t / (double)TIME_S;
}

#endif
