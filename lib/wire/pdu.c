/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The formats of RFC 7143 11.3 to 11.19 as two tables, and those who walk
 * them. fields[] says where a field is; opcodes[] has all that is known about
 * an opcode. The four things that every header has (opcode, TotalAHSLength,
 * DataSegmentLength; and the I bit, where it is not reserved) are in 11.2.1.
 */
#include "wire/pdu.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/fields.h"

_Static_assert(F_COUNT <= 64, "the fields of a PDU are bits of an uint64_t");

#define OFFSET(member) offsetof(struct pdu, member)
#define FLAG(at, mask, member) { FIELD_FLAG, at, mask, 0, 1, OFFSET(member) }
#define BITS(at, mask, shift, member)                                         \
	{ FIELD_BITS, at, mask, shift, 1, OFFSET(member) }
#define BYTE(at, member) BITS(at, 0xff, 0, member)
#define U16(at, member) { FIELD_16, at, 0, 0, 2, OFFSET(member) }
#define U32(at, member) { FIELD_32, at, 0, 0, 4, OFFSET(member) }
#define U64(at, member) { FIELD_64, at, 0, 0, 8, OFFSET(member) }
#define BYTES(at, len, member) { FIELD_BYTES, at, 0, 0, len, OFFSET(member) }

const struct field fields[F_COUNT] = {
	[F_IMMEDIATE]		= FLAG(0, 0x40, immediate),
	[F_FINAL]		= FLAG(1, 0x80, final),
	[F_CONTINUED]		= FLAG(1, 0x40, continued),
	[F_READ]		= FLAG(1, 0x40, read),
	[F_WRITE]		= FLAG(1, 0x20, write),
	[F_ATTR]		= BITS(1, 0x07, 0, attr),
	[F_ACKNOWLEDGE]		= FLAG(1, 0x40, acknowledge),
	[F_BIDI_OVERFLOW]	= FLAG(1, 0x10, bidi_overflow),
	[F_BIDI_UNDERFLOW]	= FLAG(1, 0x08, bidi_underflow),
	[F_OVERFLOW]		= FLAG(1, 0x04, overflow),
	[F_UNDERFLOW]		= FLAG(1, 0x02, underflow),
	[F_HAS_STATUS]		= FLAG(1, 0x01, has_status),
	[F_FUNCTION]		= BITS(1, 0x7f, 0, function),
	[F_LOGOUT_REASON]	= BITS(1, 0x7f, 0, reason),
	[F_SNACK_TYPE]		= BITS(1, 0x0f, 0, snack_type),
	[F_CSG]			= BITS(1, 0x0c, 2, csg),
	[F_NSG]			= BITS(1, 0x03, 0, nsg),
	[F_PRI]			= BITS(2, 0xf0, 4, pri),
	[F_RESPONSE]		= BYTE(2, response),
	[F_REJECT_REASON]	= BYTE(2, reason),
	[F_VERSION_MAX]		= BYTE(2, version_max),
	[F_VERSION_MIN]		= BYTE(3, version_min),
	[F_STATUS]		= BYTE(3, status),
	[F_LUN]			= U64(8, lun),
	[F_ISID]		= BYTES(8, ISID_LEN, isid),
	[F_STATUS_QUALIFIER]	= U16(8, status_qualifier),
	[F_TSIH]		= U16(14, tsih),
	[F_INITIATOR_TASK_TAG]	= U32(16, initiator_task_tag),
	[F_TARGET_TRANSFER_TAG]	= U32(20, target_transfer_tag),
	[F_SNACK_TAG]		= U32(20, snack_tag),
	[F_REFERENCED_TASK_TAG]	= U32(20, referenced_task_tag),
	[F_EXPECTED_DATA_TRANSFER_LENGTH]
				= U32(20, expected_data_transfer_length),
	[F_CID]			= U16(20, cid),
	[F_CMD_SN]		= U32(24, cmd_sn),
	[F_STAT_SN]		= U32(24, stat_sn),
	[F_EXP_STAT_SN]		= U32(28, exp_stat_sn),
	[F_EXP_CMD_SN]		= U32(28, exp_cmd_sn),
	[F_MAX_CMD_SN]		= U32(32, max_cmd_sn),
	[F_REF_CMD_SN]		= U32(32, ref_cmd_sn),
	[F_CDB]			= BYTES(32, CDB_LEN, cdb),
	[F_DATA_SN]		= U32(36, data_sn),
	[F_R2T_SN]		= U32(36, r2t_sn),
	[F_EXP_DATA_SN]		= U32(36, exp_data_sn),
	[F_STATUS_CLASS]	= BYTE(36, status_class),
	[F_STATUS_DETAIL]	= BYTE(37, status_detail),
	[F_ASYNC_EVENT]		= BYTE(36, async_event),
	[F_ASYNC_VCODE]		= BYTE(37, async_vcode),
	[F_PARAMETER1]		= U16(38, parameter1),
	[F_PARAMETER2]		= U16(40, parameter2),
	[F_PARAMETER3]		= U16(42, parameter3),
	[F_BUFFER_OFFSET]	= U32(40, buffer_offset),
	[F_BIDI_RESIDUAL_COUNT]	= U32(40, bidi_residual_count),
	[F_BEG_RUN]		= U32(40, beg_run),
	[F_TIME2WAIT]		= U16(40, time2wait),
	[F_TIME2RETAIN]		= U16(42, time2retain),
	[F_RESIDUAL_COUNT]	= U32(44, residual_count),
	[F_RUN_LENGTH]		= U32(44, run_length),
	[F_DESIRED_DATA_TRANSFER_LENGTH]
				= U32(44, desired_data_transfer_length),
};

enum {
	NO_DATA		= 1,	/* the DataSegmentLength is 0 */
	NO_TASK		= 2,	/* bytes 16-19 are always 0xffffffff */
	FINAL_1		= 4,	/* the F bit is drawn as 1 */
	IMMEDIATE_1	= 8,	/* the I bit is drawn as 1 */
	AHS		= 16,	/* may have additional header segments */
};

/* Values lo to hi of a field are reserved (not: unassigned, or vendor's). */
struct reserved {
	uint8_t field, lo, hi;
};

struct opcode_row {
	const char *name;
	uint64_t fields;
	unsigned int flags;
	struct reserved reserved[2];
};

#define F(name) (UINT64_C(1) << F_ ## name)
#define REQUEST (F(IMMEDIATE) | F(INITIATOR_TASK_TAG) | F(CMD_SN) |           \
		 F(EXP_STAT_SN))
#define WINDOW (F(STAT_SN) | F(EXP_CMD_SN) | F(MAX_CMD_SN))
#define RESPONSE (F(INITIATOR_TASK_TAG) | WINDOW)
#define LOGIN (F(FINAL) | F(CONTINUED) | F(CSG) | F(NSG) | F(VERSION_MAX) |   \
	       F(VERSION_MIN) | F(ISID) | F(TSIH))
#define TEXT (F(FINAL) | F(CONTINUED) | F(LUN) | F(TARGET_TRANSFER_TAG))
#define STAGES_RESERVED { { F_CSG, 2, 2 }, { F_NSG, 2, 2 } }

static const struct opcode_row opcodes[64] = {	/* RFC 7143 11.2.1.2 */
	[OP_NOP_OUT] = { "NOP-Out",			/* 11.18 */
		REQUEST | F(FINAL) | F(LUN) | F(TARGET_TRANSFER_TAG),
		FINAL_1 },
	[OP_SCSI_COMMAND] = { "SCSI Command",		/* 11.3, RFC 7144 5.1 */
		REQUEST | F(FINAL) | F(READ) | F(WRITE) | F(ATTR) | F(PRI) |
		F(LUN) | F(EXPECTED_DATA_TRANSFER_LENGTH) | F(CDB),
		AHS, { { F_ATTR, 5, 7 } } },
	[OP_TMF_REQUEST] = { "Task Management Function Request", /* 11.5 */
		REQUEST | F(FINAL) | F(FUNCTION) | F(LUN) |
		F(REFERENCED_TASK_TAG) | F(REF_CMD_SN) | F(EXP_DATA_SN),
		FINAL_1 | NO_DATA },
	[OP_LOGIN_REQUEST] = { "Login Request",		/* 11.12 */
		REQUEST | LOGIN | F(CID), IMMEDIATE_1, STAGES_RESERVED },
	[OP_TEXT_REQUEST] = { "Text Request",		/* 11.10 */
		REQUEST | TEXT },
	[OP_DATA_OUT] = { "Data-Out",			/* 11.7 */
		F(FINAL) | F(LUN) | F(INITIATOR_TASK_TAG) |
		F(TARGET_TRANSFER_TAG) | F(EXP_STAT_SN) | F(DATA_SN) |
		F(BUFFER_OFFSET) },
	[OP_LOGOUT_REQUEST] = { "Logout Request",	/* 11.14 */
		REQUEST | F(FINAL) | F(LOGOUT_REASON) | F(CID),
		FINAL_1 | NO_DATA, { { F_LOGOUT_REASON, 3, 127 } } },
	[OP_SNACK_REQUEST] = { "SNACK Request",		/* 11.16 */
		F(FINAL) | F(SNACK_TYPE) | F(LUN) | F(INITIATOR_TASK_TAG) |
		F(TARGET_TRANSFER_TAG) | F(EXP_STAT_SN) | F(BEG_RUN) |
		F(RUN_LENGTH),
		FINAL_1 | NO_DATA, { { F_SNACK_TYPE, 4, 15 } } },
	[OP_NOP_IN] = { "NOP-In",			/* 11.19 */
		RESPONSE | F(FINAL) | F(LUN) | F(TARGET_TRANSFER_TAG),
		FINAL_1 },
	[OP_SCSI_RESPONSE] = { "SCSI Response",		/* 11.4, RFC 7144 5.2 */
		RESPONSE | F(FINAL) | F(BIDI_OVERFLOW) | F(BIDI_UNDERFLOW) |
		F(OVERFLOW) | F(UNDERFLOW) | F(RESPONSE) | F(STATUS) |
		F(STATUS_QUALIFIER) | F(SNACK_TAG) | F(EXP_DATA_SN) |
		F(BIDI_RESIDUAL_COUNT) | F(RESIDUAL_COUNT),
		FINAL_1, { { F_RESPONSE, 0x02, 0x7f } } },
	[OP_TMF_RESPONSE] = { "Task Management Function Response", /* 11.6 */
		RESPONSE | F(FINAL) | F(RESPONSE), FINAL_1 | NO_DATA },
	[OP_LOGIN_RESPONSE] = { "Login Response",	/* 11.13 */
		RESPONSE | LOGIN | F(STATUS_CLASS) | F(STATUS_DETAIL),
		0, STAGES_RESERVED },
	[OP_TEXT_RESPONSE] = { "Text Response",		/* 11.11 */
		RESPONSE | TEXT },
	[OP_DATA_IN] = { "Data-In",			/* 11.7 */
		RESPONSE | F(FINAL) | F(ACKNOWLEDGE) | F(OVERFLOW) |
		F(UNDERFLOW) | F(HAS_STATUS) | F(STATUS) | F(LUN) |
		F(TARGET_TRANSFER_TAG) | F(DATA_SN) | F(BUFFER_OFFSET) |
		F(RESIDUAL_COUNT) },
	[OP_LOGOUT_RESPONSE] = { "Logout Response",	/* 11.15 */
		RESPONSE | F(FINAL) | F(RESPONSE) | F(TIME2WAIT) |
		F(TIME2RETAIN),
		FINAL_1 | NO_DATA, { { F_RESPONSE, 4, 255 } } },
	[OP_R2T] = { "R2T",				/* 11.8 */
		RESPONSE | F(FINAL) | F(LUN) | F(TARGET_TRANSFER_TAG) |
		F(R2T_SN) | F(BUFFER_OFFSET) |
		F(DESIRED_DATA_TRANSFER_LENGTH),
		FINAL_1 | NO_DATA },
	[OP_ASYNC_MESSAGE] = { "Async Message",		/* 11.9 */
		RESPONSE | F(FINAL) | F(LUN) | F(ASYNC_EVENT) |
		F(ASYNC_VCODE) | F(PARAMETER1) | F(PARAMETER2) |
		F(PARAMETER3),
		FINAL_1 | NO_TASK },
	[OP_REJECT] = { "Reject",			/* 11.17 */
		RESPONSE | F(FINAL) | F(REJECT_REASON) | F(DATA_SN),
		FINAL_1 | NO_TASK },
};

static const struct opcode_row *
find_row(uint8_t opcode)
{
	return opcode < 64 && opcodes[opcode].name ? &opcodes[opcode] : NULL;
}

static void
encode_field(const struct field *f, const struct pdu *pdu, uint8_t *bhs)
{
	const uint8_t *value = (const uint8_t *)pdu + f->offset;
	uint8_t *p = bhs + f->at;

	switch (f->kind) {
	case FIELD_FLAG:
		if (*value)
			*p |= f->mask;
		return;
	case FIELD_BITS:
		assert((*value << f->shift & ~f->mask) == 0);
		*p |= (uint8_t)(*value << f->shift);
		return;
	case FIELD_16:
		put16(p, *(const uint16_t *)(const void *)value);
		return;
	case FIELD_32:
		put32(p, *(const uint32_t *)(const void *)value);
		return;
	case FIELD_64:
		put64(p, *(const uint64_t *)(const void *)value);
		return;
	case FIELD_BYTES:
		memcpy(p, value, f->len);
		return;
	}
}

static void
decode_field(const struct field *f, struct pdu *pdu, const uint8_t *bhs)
{
	uint8_t *value = (uint8_t *)pdu + f->offset;
	const uint8_t *p = bhs + f->at;

	switch (f->kind) {
	case FIELD_FLAG:
		*value = (*p & f->mask) != 0;
		return;
	case FIELD_BITS:
		*value = (uint8_t)((*p & f->mask) >> f->shift);
		return;
	case FIELD_16:
		*(uint16_t *)(void *)value = get16(p);
		return;
	case FIELD_32:
		*(uint32_t *)(void *)value = get32(p);
		return;
	case FIELD_64:
		*(uint64_t *)(void *)value = get64(p);
		return;
	case FIELD_BYTES:
		memcpy(value, p, f->len);
		return;
	}
}

void
pdu_encode(const struct pdu *pdu, uint8_t bhs[BHS_LEN])
{
	const struct opcode_row *row = find_row(pdu->opcode);

	assert(row);
	assert(pdu->data_segment_length <= DATA_SEGMENT_MAX);
	memset(bhs, 0, BHS_LEN);
	bhs[0] = pdu->opcode;
	bhs[4] = pdu->total_ahs_length;
	put24(bhs + 5, pdu->data_segment_length);
	for (uint64_t left = row->fields; left; left &= left - 1)
		encode_field(&fields[__builtin_ctzll(left)], pdu, bhs);
	if (row->flags & IMMEDIATE_1)
		bhs[0] |= 0x40;
	if (row->flags & FINAL_1)
		bhs[1] |= 0x80;
	if (row->flags & NO_TASK)
		put32(bhs + 16, TAG_NONE);
}

/* RFC 7143 11: reserved code values in defined fields are an error. */
static int
check_reserved(const struct opcode_row *row, const struct pdu *pdu,
	       struct lun_error *err)
{
	for (size_t i = 0; i < 2 && row->reserved[i].hi > 0; i++) {
		const struct reserved *r = &row->reserved[i];
		uint8_t v = ((const uint8_t *)pdu)[fields[r->field].offset];

		/* 11.12.3: without T the NSG is a reserved field: ignored */
		if (r->field == F_NSG && !pdu->final)
			continue;
		/* 6.3.1: a login that is refused has no stages */
		if (pdu->status_class != 0)
			continue;
		if (v >= r->lo && v <= r->hi)
			return lun_fail(err, LUN_EPROTO, "%s (opcode 0x%02x): "
					"byte %u holds the reserved value %u",
					row->name, pdu->opcode,
					fields[r->field].at, v);
	}
	return 0;
}

int
pdu_decode(struct pdu *pdu, const uint8_t bhs[BHS_LEN], struct lun_error *err)
{
	const struct opcode_row *row = find_row(bhs[0] & 0x3f);

	memset(pdu, 0, sizeof(*pdu));
	pdu->opcode = bhs[0] & 0x3f;
	pdu->total_ahs_length = bhs[4];
	pdu->data_segment_length = get24(bhs + 5);
	if (!row)
		return lun_fail(err, LUN_EPROTO, "unknown opcode 0x%02x",
				pdu->opcode);
	for (uint64_t left = row->fields; left; left &= left - 1)
		decode_field(&fields[__builtin_ctzll(left)], pdu, bhs);
	return check_reserved(row, pdu, err);
}

const char *
pdu_name(uint8_t opcode)
{
	const struct opcode_row *row = find_row(opcode);

	return row ? row->name : NULL;
}

uint64_t
pdu_fields(uint8_t opcode)
{
	const struct opcode_row *row = find_row(opcode);

	return row ? row->fields : 0;
}

bool
pdu_has_stat_sn(uint8_t opcode)
{
	return pdu_fields(opcode) & F(STAT_SN);
}

bool
pdu_has_cmd_window(uint8_t opcode)
{
	return pdu_fields(opcode) & F(MAX_CMD_SN);
}

bool
pdu_may_have_data(uint8_t opcode)
{
	const struct opcode_row *row = find_row(opcode);

	return row && !(row->flags & NO_DATA);
}

bool
pdu_may_have_ahs(uint8_t opcode)
{
	const struct opcode_row *row = find_row(opcode);

	return row && row->flags & AHS;
}
