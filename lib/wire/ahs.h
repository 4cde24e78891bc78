/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Additional header segments, RFC 7143 11.2.2: only SCSI Commands have them. */
#ifndef WIRE_AHS_H
#define WIRE_AHS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum ahs_type {
	AHS_EXTENDED_CDB		= 1,	/* 11.2.2.3 */
	AHS_BIDI_READ_LENGTH		= 2,	/* 11.2.2.4 */
};

enum {
	CDB_LEN_MAX = 260,		/* SPC: a variable-length CDB */
	/* what ahs_encode() writes at most: both segments */
	AHS_ENCODED_MAX = 4 + CDB_LEN_MAX - 16 + 8,
};

struct ahs {
	uint16_t extended_cdb_len;	/* bytes beyond the first 16; 0: none */
	uint8_t extended_cdb[CDB_LEN_MAX - 16];
	bool has_bidi_read_length;
	uint32_t bidi_read_length;
};

/* Writes the segments; the result is their length, a multiple of 4. */
size_t ahs_encode(const struct ahs *ahs, uint8_t buf[AHS_ENCODED_MAX]);

/* Reads len bytes. Unknown types are skipped; LUN_EPROTO for lengths that do
 * not fit, a type that comes twice. */
int ahs_decode(struct ahs *ahs, const uint8_t *buf, size_t len,
	       struct lun_error *err);

#endif
