/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lunfs retry: a mount that waits for its target reconnects now. */
#include "commands.h"
#include "control.h"
#include "log.h"

int
cmd_retry(struct opts *o)
{
	struct lun_error err = { 0 };

	if (control_retry(o->args[0], &err) == 0)
		return EXIT_DONE;
	log_say(LUN_LOG_ERROR, "%s", err.text);
	return EXIT_FAILED;
}
