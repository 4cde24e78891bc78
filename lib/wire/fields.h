/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table behind wire/pdu.h, for the printer and the tests: which fields
 * exist, where they are in a header and in struct pdu, and which opcode has
 * which. A field is at the same place in all PDUs that have it.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_id {		/* in the order in which they are printed */
	F_IMMEDIATE, F_FINAL, F_CONTINUED, F_READ, F_WRITE, F_ACKNOWLEDGE,
	F_HAS_STATUS, F_BIDI_OVERFLOW, F_BIDI_UNDERFLOW, F_OVERFLOW,
	F_UNDERFLOW, F_INITIATOR_TASK_TAG, F_TARGET_TRANSFER_TAG, F_SNACK_TAG,
	F_REFERENCED_TASK_TAG, F_LUN, F_CMD_SN, F_STAT_SN, F_EXP_STAT_SN,
	F_EXP_CMD_SN, F_MAX_CMD_SN, F_DATA_SN, F_R2T_SN, F_EXP_DATA_SN,
	F_REF_CMD_SN, F_BUFFER_OFFSET, F_EXPECTED_DATA_TRANSFER_LENGTH,
	F_DESIRED_DATA_TRANSFER_LENGTH, F_FUNCTION, F_RESPONSE, F_STATUS,
	F_STATUS_QUALIFIER, F_RESIDUAL_COUNT, F_BIDI_RESIDUAL_COUNT, F_ATTR,
	F_PRI, F_CDB, F_CSG, F_NSG, F_VERSION_MAX, F_VERSION_MIN, F_ISID,
	F_TSIH, F_CID, F_STATUS_CLASS, F_STATUS_DETAIL, F_ASYNC_EVENT,
	F_ASYNC_VCODE, F_PARAMETER1, F_PARAMETER2, F_PARAMETER3,
	F_LOGOUT_REASON, F_REJECT_REASON, F_TIME2WAIT, F_TIME2RETAIN,
	F_SNACK_TYPE, F_BEG_RUN, F_RUN_LENGTH,
	F_COUNT
};

enum field_kind {
	FIELD_FLAG,		/* bool: the bits of mask in a byte */
	FIELD_BITS,		/* uint8_t: the same, shifted down */
	FIELD_16, FIELD_32, FIELD_64,
	FIELD_BYTES,		/* len bytes as they are */
};

struct field {
	enum field_kind kind;
	uint8_t at;		/* byte in the header */
	uint8_t mask;		/* FLAG, BITS */
	uint8_t shift;		/* BITS */
	uint8_t len;		/* bytes in the header */
	uint16_t offset;	/* in struct pdu */
};

extern const struct field fields[F_COUNT];

/* The fields of a PDU: bit number enum field_id. 0: there is no such opcode. */
uint64_t pdu_fields(uint8_t opcode);

#endif
