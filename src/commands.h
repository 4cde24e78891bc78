/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: each returns the exit code of the program. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "opts.h"

enum exit_code {
	EXIT_DONE	= 0,
	EXIT_FAILED	= 1,
	EXIT_USAGE	= 2,
};

int cmd_mount(struct opts *o);
int cmd_ls(struct opts *o);
int cmd_info(struct opts *o);
int cmd_name(struct opts *o);
int cmd_status(struct opts *o);
int cmd_retry(struct opts *o);
int cmd_boot(struct opts *o);

/* The exit code that goes with an error record that was just shown. */
enum exit_code exit_code(int code);

/* Flushes stdout; a full disk or a closed pipe is a failure of the command. */
enum exit_code finish_stdout(enum exit_code code);

#endif
