/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error record: said once, where it happened, with the numbers; forwarded
 * with `return r`.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "lun.h"

/*
 * Fills *err (may be NULL) and returns code, so that a failure is one line:
 *	return lun_fail(err, LUN_EPROTO, "StatSN %u: expected %u", got, want);
 */
int lun_fail(struct lun_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there; returns err->code. */
int lun_fail_in(struct lun_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
