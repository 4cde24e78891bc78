/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lunfs name: prints an iSCSI name prepared, or says what is wrong with it. */
#include <stdio.h>

#include "commands.h"
#include "log.h"

int
cmd_name(struct opts *o)
{
	char prepared[224], stored[224];
	struct lun_error err = { 0 };

	if (lun_iscsi_name(o->args[0], prepared, &err) < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		return EXIT_FAILED;
	}
	if (lun_iscsi_name_stored(o->args[0], stored, &err) < 0)
		log_say(LUN_LOG_WARNING, "%s: it can be looked for, but is "
			"none to give to a node", err.text);
	puts(prepared);
	return finish_stdout(EXIT_DONE);
}
