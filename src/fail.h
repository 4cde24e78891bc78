/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error record of lun.h, filled by the programs: return fail(err, ...). */
#ifndef FAIL_H
#define FAIL_H

#include "lun.h"

int fail(struct lun_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
