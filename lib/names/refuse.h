/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How this layer says that a text is wrong. */
#ifndef NAMES_REFUSE_H
#define NAMES_REFUSE_H

#include <stddef.h>

#include "lun.h"

/*
 * lun_fail() with "TEXT: reason". The text may be anything: it is quoted, and
 * cut if it is long, so that the reason is always there.
 */
int names_refuse(struct lun_error *err, int code, const char *text, size_t len,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
