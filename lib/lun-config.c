/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the user's configuration is. */
#include "base/error.h"
#include "io/kept-name.h"

int
lun_config_path(const char *file, char *out, size_t size, struct lun_error *err)
{
	if (config_path(out, size, file))
		return 0;
	return lun_fail(err, LUN_ENOTFOUND, "%s: there is no configuration "
			"directory", file);
}
