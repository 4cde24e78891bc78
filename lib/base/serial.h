/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Serial number arithmetic, RFC 1982 with SERIAL_BITS 32: how CmdSN, StatSN
 * and their like are compared (RFC 7143 4.2.2.1). Two numbers that are 2^31
 * apart are neither before nor after each other; here they are "not before".
 */
#ifndef BASE_SERIAL_H
#define BASE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

static inline bool
sn_before(uint32_t a, uint32_t b)
{
	return a != b && b - a < 0x80000000u;
}

static inline bool
sn_after(uint32_t a, uint32_t b)
{
	return sn_before(b, a);
}

#endif
