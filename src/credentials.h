/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User names and secrets, from a file or the environment, so that they never
 * need to stand on a command line. What was read is wiped.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "lun.h"

/* LUNFS_USERNAME, LUNFS_PASSWORD, LUNFS_USERNAME_IN, LUNFS_PASSWORD_IN,
 * LUNFS_PROXY; they are taken out of the environment, so that no child inherits
 * them. */
int credentials_environment(struct lun_options *o, struct lun_error *err);

/*
 * Lines "username=", "password=", "username_in=", "password_in=", "proxy=", and
 * comments that begin with #. The value is all that follows, to the end of the line. A
 * file that is somebody else's, or that its group or others can read, is
 * refused. LUN_ESYS.
 */
int credentials_file(struct lun_options *o, const char *path,
		     struct lun_error *err);

/* The text of another file with secrets, with the same care. To be freed by
 * secret_free(), which wipes it. LUN_ESYS or LUN_ENOMEM. */
int secret_file(char **text, const char *path, struct lun_error *err);
void secret_free(char *text);

#endif
