/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name of our own that the user's configuration directory holds: the file
 * "initiator-name" in $XDG_CONFIG_HOME/lunfs, which is ~/.config/lunfs unless
 * set; also for root. It has one line that is the name; empty ones and those
 * that begin with "#" are nothing. It is ours to make and the user's to change.
 */
#ifndef IO_KEPT_NAME_H
#define IO_KEPT_NAME_H

#include "base/env.h"
#include "names/name.h"

/*
 * The name in the file. If there is no file, one is made with this name in it;
 * of several processes that do so at once, one does. 0; LUN_ESYS: there is a
 * file that cannot be used; or NAME_NOT_KEPT: there is none and none can be
 * made; the log says why, at debug. out is untouched then.
 */
enum { NAME_NOT_KEPT = 1 };
int kept_name(char out[NAME_MAX_LEN + 1], const char *made,
	      const struct lun_env *env, struct lun_error *err);

/* The path of a file in that directory. False: there is none, or no room. */
bool config_path(char *out, size_t size, const char *file);

#endif
