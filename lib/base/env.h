/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine needs of the world and does not fetch itself: randomness
 * and a place for log lines. One for each loop (or simulation, or fuzzer).
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "lun.h"

struct lun_env {
	void *user;
	void (*random)(void *user, void *buf, size_t len);
	lun_log_fn *log;		/* NULL: no log */
	enum lun_log_level log_level;	/* lines above it are not even formatted */
};

uint32_t env_random32(const struct lun_env *env);

/* True when a line of this level is wanted. */
static inline bool
env_logs(const struct lun_env *env, enum lun_log_level level)
{
	return env->log && level <= env->log_level;
}

void env_log(const struct lun_env *env, enum lun_log_level level,
	     const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
