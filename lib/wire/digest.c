/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC32C. ISA-L's crc32_iscsi() works on the raw register: the seed and the
 * final complement are ours. The register is reflected, so that its low byte
 * goes first (RFC 7143 13.1: x^31 is in bit 7 of the first byte, as sent).
 */
#include "wire/digest.h"

#include <endian.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <string.h>

uint32_t
digest_update(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len > 0) {		/* ISA-L counts in int */
		int n = len < INT_MAX ? (int)len : INT_MAX;

		/* It does not write, its prototype only does not say so. */
		crc = crc32_iscsi((uint8_t *)(uintptr_t)b, n, crc);
		b += n;
		len -= (size_t)n;
	}
	return crc;
}

void
digest_put(uint32_t crc, uint8_t out[4])
{
	uint32_t v = htole32(~crc);

	memcpy(out, &v, sizeof(v));
}

bool
digest_matches(uint32_t crc, const uint8_t wire[4])
{
	uint8_t ours[4];

	digest_put(crc, ours);
	return memcmp(ours, wire, sizeof(ours)) == 0;
}
