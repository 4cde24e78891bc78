/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PDU as values: what RFC 7143 11.2 to 11.19 (and RFC 7144) put in a basic
 * header segment, decoded. One flat record holds the fields of all PDUs under
 * the names of the RFC; which of them a PDU has, and where, is said by one
 * table in wire/pdu.c, one row for each opcode. Encoding and decoding, the
 * printer, the engine and the target of the tests all stand on that table.
 */
#ifndef WIRE_PDU_H
#define WIRE_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	BHS_LEN = 48,			/* RFC 7143 11.2.1 */
	AHS_LEN_MAX = 255 * 4,		/* TotalAHSLength counts words */
	DIGEST_LEN = 4,
	CDB_LEN = 16,			/* in the BHS; longer ones need an AHS */
	ISID_LEN = 6,
	DATA_SEGMENT_MAX = 0xffffff,
	/* Login PDUs keep to the default MaxRecvDataSegmentLength: 6.3 */
	LOGIN_DATA_SEGMENT_MAX = 8192,
};

#define TAG_NONE 0xffffffffu		/* the reserved tag of ITT and TTT */

enum opcode {				/* RFC 7143 11.2.1.2 */
	OP_NOP_OUT		= 0x00,
	OP_SCSI_COMMAND		= 0x01,
	OP_TMF_REQUEST		= 0x02,
	OP_LOGIN_REQUEST	= 0x03,
	OP_TEXT_REQUEST		= 0x04,
	OP_DATA_OUT		= 0x05,
	OP_LOGOUT_REQUEST	= 0x06,
	OP_SNACK_REQUEST	= 0x10,
	OP_NOP_IN		= 0x20,
	OP_SCSI_RESPONSE	= 0x21,
	OP_TMF_RESPONSE		= 0x22,
	OP_LOGIN_RESPONSE	= 0x23,
	OP_TEXT_RESPONSE	= 0x24,
	OP_DATA_IN		= 0x25,
	OP_LOGOUT_RESPONSE	= 0x26,
	OP_R2T			= 0x31,
	OP_ASYNC_MESSAGE	= 0x32,
	OP_REJECT		= 0x3f,
};

enum stage {				/* CSG and NSG, 11.12.3 */
	STAGE_SECURITY		= 0,
	STAGE_OPERATIONAL	= 1,
	STAGE_FULL_FEATURE	= 3,
};

enum task_attribute {			/* ATTR, 11.3.1 */
	ATTR_UNTAGGED, ATTR_SIMPLE, ATTR_ORDERED, ATTR_HEAD_OF_QUEUE, ATTR_ACA,
};

enum iscsi_response {			/* 11.4.3 */
	RESPONSE_COMPLETED	= 0x00,	/* Command Completed at Target */
	RESPONSE_TARGET_FAILURE	= 0x01,
};

enum scsi_status {			/* SAM, 11.4.2 */
	SCSI_GOOD			= 0x00,
	SCSI_CHECK_CONDITION		= 0x02,
	SCSI_CONDITION_MET		= 0x04,
	SCSI_BUSY			= 0x08,
	SCSI_INTERMEDIATE		= 0x10,
	SCSI_INTERMEDIATE_MET		= 0x14,
	SCSI_RESERVATION_CONFLICT	= 0x18,
	SCSI_TASK_SET_FULL		= 0x28,
	SCSI_ACA_ACTIVE			= 0x30,
	SCSI_TASK_ABORTED		= 0x40,
};

enum tmf_function {			/* 11.5.1, RFC 7144 */
	TMF_ABORT_TASK			= 1,
	TMF_ABORT_TASK_SET		= 2,
	TMF_CLEAR_ACA			= 3,
	TMF_CLEAR_TASK_SET		= 4,
	TMF_LOGICAL_UNIT_RESET		= 5,
	TMF_TARGET_WARM_RESET		= 6,
	TMF_TARGET_COLD_RESET		= 7,
	TMF_TASK_REASSIGN		= 8,
	TMF_QUERY_TASK			= 9,
	TMF_QUERY_TASK_SET		= 10,
	TMF_I_T_NEXUS_RESET		= 11,
	TMF_QUERY_ASYNC_EVENT		= 12,
};

enum tmf_response {			/* 11.6.1 */
	TMF_COMPLETE			= 0,
	TMF_NO_TASK			= 1,
	TMF_NO_LUN			= 2,
	TMF_STILL_ALLEGIANT		= 3,
	TMF_NO_REASSIGN			= 4,
	TMF_NOT_SUPPORTED		= 5,
	TMF_NOT_AUTHORIZED		= 6,
	TMF_SUCCEEDED			= 7,	/* RFC 7144 */
	TMF_REJECTED			= 255,
};

enum async_event {			/* 11.9.1 */
	ASYNC_SCSI			= 0,
	ASYNC_LOGOUT			= 1,
	ASYNC_CONNECTION_DROP		= 2,
	ASYNC_SESSION_DROP		= 3,
	ASYNC_NEGOTIATE			= 4,
	ASYNC_TASK_TERMINATION		= 5,
	ASYNC_VENDOR			= 255,
};

enum logout_reason {			/* 11.14.1 */
	LOGOUT_SESSION			= 0,
	LOGOUT_CONNECTION		= 1,
	LOGOUT_RECOVERY			= 2,
};

enum logout_response {			/* 11.15.1 */
	LOGOUT_DONE			= 0,
	LOGOUT_NO_CID			= 1,
	LOGOUT_NO_RECOVERY		= 2,
	LOGOUT_CLEANUP_FAILED		= 3,
};

enum snack_type {			/* 11.16.1 */
	SNACK_DATA_R2T			= 0,
	SNACK_STATUS			= 1,
	SNACK_DATA_ACK			= 2,
	SNACK_R_DATA			= 3,
};

enum reject_reason {			/* 11.17.1 */
	REJECT_RESERVED			= 0x01,
	REJECT_DATA_DIGEST		= 0x02,
	REJECT_SNACK			= 0x03,
	REJECT_PROTOCOL			= 0x04,
	REJECT_NOT_SUPPORTED		= 0x05,
	REJECT_IMMEDIATE		= 0x06,
	REJECT_TASK_IN_PROGRESS		= 0x07,
	REJECT_DATA_ACK			= 0x08,
	REJECT_INVALID_FIELD		= 0x09,
	REJECT_LONG_OPERATION		= 0x0a,
	REJECT_NEGOTIATION_RESET	= 0x0b,	/* deprecated */
	REJECT_WAITING_FOR_LOGOUT	= 0x0c,
};

struct pdu {
	/* all PDUs */
	uint8_t opcode;
	bool immediate;			/* I */
	bool final;			/* F; in Login PDUs T, "transit" */
	uint8_t total_ahs_length;	/* in 4-byte words */
	uint32_t data_segment_length;	/* without padding */
	uint64_t lun;			/* the 8 bytes as one big-endian number */
	uint32_t initiator_task_tag;
	uint32_t target_transfer_tag;	/* SNACK: also the SNACK Tag */

	/* numbering */
	uint32_t cmd_sn, exp_stat_sn;			/* requests */
	uint32_t stat_sn, exp_cmd_sn, max_cmd_sn;	/* responses */
	uint32_t data_sn;		/* Data-Out, Data-In; Reject: DataSN/R2TSN */
	uint32_t r2t_sn;
	uint32_t exp_data_sn;		/* SCSI Response, TMF request */

	/* SCSI Command and Response, Data-In, Data-Out, R2T */
	bool read, write;
	uint8_t attr;			/* enum task_attribute */
	uint8_t pri;			/* RFC 7144 */
	uint32_t expected_data_transfer_length;
	uint8_t cdb[CDB_LEN];
	bool bidi_overflow, bidi_underflow, overflow, underflow;
	bool acknowledge;		/* A, Data-In */
	bool has_status;		/* S, Data-In */
	uint8_t response;		/* SCSI, TMF, Logout Response */
	uint8_t status;			/* enum scsi_status */
	uint16_t status_qualifier;	/* RFC 7144 */
	uint32_t snack_tag;
	uint32_t residual_count, bidi_residual_count;
	uint32_t buffer_offset;
	uint32_t desired_data_transfer_length;

	/* task management */
	uint8_t function;
	uint32_t referenced_task_tag;
	uint32_t ref_cmd_sn;

	/* Text and Login */
	bool continued;			/* C */
	uint8_t csg, nsg;
	uint8_t version_max;
	uint8_t version_min;		/* Login Response: Version-active */
	uint8_t isid[ISID_LEN];
	uint16_t tsih;
	uint16_t cid;			/* Login and Logout Request */
	uint8_t status_class, status_detail;

	/* Async Message */
	uint8_t async_event, async_vcode;
	uint16_t parameter1, parameter2, parameter3;

	/* Logout, SNACK, Reject */
	uint8_t reason;			/* Logout Request, Reject */
	uint16_t time2wait, time2retain;
	uint8_t snack_type;
	uint32_t beg_run, run_length;
};

/*
 * Writes the 48 bytes of the header. All that the PDU does not have is 0, and
 * so is what its value in *pdu says there (11: reserved fields are sent as 0).
 * total_ahs_length and data_segment_length are written as they stand. Bits
 * that the RFC draws as a fixed 1 are 1 whatever *pdu says (F of an R2T, the
 * Initiator Task Tag of an Async Message).
 * Asserts that the opcode is known and that values fit their fields.
 */
void pdu_encode(const struct pdu *pdu, uint8_t bhs[BHS_LEN]);

/*
 * Reads a header. Fields that the PDU does not have are 0 in *pdu. Reserved
 * bits are ignored (11). 0, or LUN_EPROTO with an error that names the opcode:
 * an unknown opcode or a value that is reserved in a defined field (11).
 * *pdu is filled as far as possible even then.
 */
int pdu_decode(struct pdu *pdu, const uint8_t bhs[BHS_LEN], struct lun_error *err);

/* "SCSI Command", "Data-In", ...; "opcode 0x2a" style text for unknown ones
 * is not made here: NULL. */
const char *pdu_name(uint8_t opcode);

/* True if the PDU goes from target to initiator. */
static inline bool
pdu_from_target(uint8_t opcode)
{
	return opcode & 0x20;
}

/* Which numbers a PDU carries; from the same table. */
bool pdu_has_stat_sn(uint8_t opcode);		/* as a field, counted or not */
bool pdu_has_cmd_window(uint8_t opcode);	/* ExpCmdSN and MaxCmdSN */

/* False if the RFC says that the DataSegmentLength is 0 (R2T, Logout ...). */
bool pdu_may_have_data(uint8_t opcode);
bool pdu_may_have_ahs(uint8_t opcode);		/* 11.2.1.5 */

#endif
