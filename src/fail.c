/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fail.h"

#include <assert.h>
#include <stdio.h>

int
fail(struct lun_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}
