/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to stderr or to the system log. A mount tells of what happens for as
 * long as it lives, and a target may make something happen with every PDU: what
 * is more than FLOOD lines at once, and then PER_SECOND, is left out and counted;
 * for each level apart, so that much news hides no warning. Errors are all told,
 * and with -v everything is.
 */
#include "log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum {
	LINE_MAX_ESCAPED = 4096,
	FLOOD		= 500,
	PER_SECOND	= 20,
};

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

static void
write_line(enum lun_log_level level, const char *line)
{
	static const int priorities[] = {
		[LUN_LOG_ERROR] = LOG_ERR,	[LUN_LOG_WARNING] = LOG_WARNING,
		[LUN_LOG_INFO] = LOG_INFO,	[LUN_LOG_DEBUG] = LOG_DEBUG,
		[LUN_LOG_TRACE] = LOG_DEBUG,
	};
	char clean[LINE_MAX_ESCAPED];

	text_shown(STDERR_FILENO, line, clean, sizeof(clean));
	if (use_syslog)
		syslog(priorities[level], "%s", clean);
	else
		fprintf(stderr, "lunfs: %s\n", clean);
}

/* What was said of a level, as far as it is not forgotten yet. */
struct flood {
	unsigned said;
	uint64_t left_out;
	time_t then;
};

/* One more; after a flood, *left_out of them were not said. */
static bool
is_too_much(struct flood *f, uint64_t *left_out)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != f->then) {
		time_t forgotten = (now.tv_sec - f->then) * PER_SECOND;

		f->said = forgotten < f->said ?
		    f->said - (unsigned)forgotten : 0;
		f->then = now.tv_sec;
	}
	if (f->said >= FLOOD) {
		f->left_out++;
		return true;
	}
	f->said++;
	*left_out = f->left_out;
	f->left_out = 0;
	return false;
}

/* The loops of more sessions have threads of their own. */
static bool
is_left_out(enum lun_log_level level, uint64_t *before)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static struct flood floods[LUN_LOG_INFO + 1];
	bool r;

	if (level == LUN_LOG_ERROR || max_level != LUN_LOG_INFO)
		return false;
	pthread_mutex_lock(&mutex);
	r = is_too_much(&floods[level], before);
	pthread_mutex_unlock(&mutex);
	return r;
}

void
log_line(void *user, enum lun_log_level level, const char *line)
{
	uint64_t left_out = 0;
	char text[80];

	if (level > max_level || is_left_out(level, &left_out))
		return;
	if (left_out > 0) {
		snprintf(text, sizeof(text), "log: %" PRIu64 " lines of this "
			 "kind were left out: too many at once", left_out);
		write_line(level, text);
	}
	write_line(level, line);
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
