/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lunfs name: prints an iSCSI name prepared, or says what is wrong with it; or
 * that of our own. */
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "text.h"

static int
prepare(const char *name, char out[224], struct lun_error *err)
{
	struct lun_error why = { 0 };
	char stored[224];
	int r = lun_iscsi_name(name, out, err);

	if (r == 0 && lun_iscsi_name_stored(name, stored, &why) < 0)
		log_say(LUN_LOG_WARNING, "%s: it can be looked for, but is "
			"none to give to a node", why.text);
	return r;
}

int
cmd_name(struct opts *o)
{
	struct lun_error err = { 0 };
	char name[224], shown[4 * sizeof(name)];
	int r = o->n_args > 0 ? prepare(o->args[0], name, &err) :
				lun_initiator_name(o->lun, name, &err);

	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		return EXIT_FAILED;
	}
	puts(text_shown(STDOUT_FILENO, name, shown, sizeof(shown)));
	return finish_stdout(EXIT_DONE);
}
