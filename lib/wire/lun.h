/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logical unit numbers (SAM-5 4.7): 8 bytes, here one big-endian uint64_t,
 * passed through unchanged on the wire whatever their addressing method
 * (RFC 7143 11.2.1.7).
 */
#ifndef WIRE_LUN_H
#define WIRE_LUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { LUN_TEXT_MAX = 32 };

/*
 * How people write it: decimal if the LUN is single-level with peripheral
 * (bus 0), flat space or (extended) flat addressing and would come back the
 * same from lun_parse(); else the form of RFC 4173 5, "4752-3a4f-6b7e-2f99".
 * Two different LUNs never print the same.
 */
char *lun_print(uint64_t lun, char buf[LUN_TEXT_MAX]);

/*
 * Decimal (0-255: peripheral device addressing, 256-16383: flat space) or the
 * RFC 4173 form: 1 to 4 groups of 1 to 4 hex digits, "-" between them; the
 * groups that are missing are 0. A decimal of at most 5 digits without "-" is
 * decimal. 0, or LUN_EINVAL with a text that names the value.
 */
int lun_parse(uint64_t *lun, const char *text, struct lun_error *err);

/* True for the well-known logical units (REPORT LUNS, ACCESS CONTROLS ...). */
bool lun_is_well_known(uint64_t lun);

#endif
