/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC32C as RFC 7143 13.1 has it: seed and complement in one place. The
 * polynomial itself is ISA-L's.
 *
 *	crc = DIGEST_SEED;
 *	crc = digest_update(crc, a, na);
 *	crc = digest_update(crc, b, nb);
 *	digest_put(crc, out);		(4 bytes, as they are on the wire)
 */
#ifndef WIRE_DIGEST_H
#define WIRE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SEED 0xffffffffu

uint32_t digest_update(uint32_t crc, const void *p, size_t len);
void digest_put(uint32_t crc, uint8_t out[4]);
bool digest_matches(uint32_t crc, const uint8_t wire[4]);

#endif
