/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Randomness and log lines, from whoever runs the engine. */
#include "base/env.h"

#include <stdio.h>

enum { LOG_LINE_MAX = 1024 };

uint32_t
env_random32(const struct lun_env *env)
{
	uint32_t v;

	env->random(env->user, &v, sizeof(v));
	return v;
}

void
env_log(const struct lun_env *env, enum lun_log_level level, const char *fmt,
	...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	if (!env_logs(env, level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *c = line; *c; c++)	/* the contract: one line */
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	env->log(env->user, level, line);
}
