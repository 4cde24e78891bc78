/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to stderr or to the system log. */
#include "log.h"

#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "text.h"

enum { LINE_MAX_ESCAPED = 4096 };

static bool use_syslog;
static enum lun_log_level max_level = LUN_LOG_WARNING;

void
log_to_syslog(void)
{
	openlog("lunfs", LOG_PID, LOG_DAEMON);
	use_syslog = true;
}

void
log_set_level(enum lun_log_level level)
{
	max_level = level;
}

enum lun_log_level
log_level(void)
{
	return max_level;
}

void
log_line(void *user, enum lun_log_level level, const char *line)
{
	static const int priorities[] = {
		[LUN_LOG_ERROR] = LOG_ERR,	[LUN_LOG_WARNING] = LOG_WARNING,
		[LUN_LOG_INFO] = LOG_INFO,	[LUN_LOG_DEBUG] = LOG_DEBUG,
		[LUN_LOG_TRACE] = LOG_DEBUG,
	};
	char clean[LINE_MAX_ESCAPED];

	if (level > max_level)
		return;
	text_shown(STDERR_FILENO, line, clean, sizeof(clean));
	if (use_syslog)
		syslog(priorities[level], "%s", clean);
	else
		fprintf(stderr, "lunfs: %s\n", clean);
}

void
log_say(enum lun_log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_ESCAPED];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line(NULL, level, line);
}
