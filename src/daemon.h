/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going to the background without losing the outcome: the parent stays until
 * the child says that it works, or has ended; then the shell gets the child's
 * exit code. Until then the child's messages go to the shell's stderr.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#include "lun.h"

/*
 * 0: this is the child, *ready_fd is for daemon_ready(). 1: this is the
 * parent, all is over, and *exit_code is what it returns. Or LUN_ESYS.
 */
int daemon_fork(int *ready_fd, int *exit_code, struct lun_error *err);

/* It works: let the parent go, leave the terminal. LUN_ESYS: it waits on. */
int daemon_ready(int ready_fd, struct lun_error *err);

/*
 * SIGTERM, SIGINT, SIGHUP and SIGUSR1 are no longer delivered but read from the fd that
 * is returned; before any thread is made, as threads inherit that. LUN_ESYS.
 */
int signals_open(int *out, struct lun_error *err);

/* The number of a signal that came; 0 if there is none. */
int signals_take(int fd);

#endif
