/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages: "lunfs: OBJECT: what went wrong: with which numbers", one line
 * each, control characters escaped. On stderr; once a program went to the
 * background nobody reads that any more, so from then on in the system log
 * (facility daemon, with the process id), where journalctl shows them.
 */
#ifndef LOG_H
#define LOG_H

#include "lun.h"

void log_to_syslog(void);

/* Lines above this level are dropped; LUN_LOG_WARNING until it is set. */
void log_set_level(enum lun_log_level level);
enum lun_log_level log_level(void);

/* The format begins with the object: "%s: ...". */
void log_say(enum lun_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Is a lun_log_fn. */
void log_line(void *user, enum lun_log_level level, const char *line);

#endif
