/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as most tests need them. See drive.h. */
#include "drive.h"

static void
put_rw10(uint8_t *cdb, uint8_t opcode, uint32_t lba, uint32_t blocks)
{
	cdb[0] = opcode;
	put32(cdb + 2, lba);
	put16(cdb + 7, (uint16_t)blocks);
}

void
link_read(struct link *l, uint32_t itt, uint32_t lba, uint32_t blocks)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .read = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = itt,
		.expected_data_transfer_length = blocks * BLOCK,
	};

	put_rw10(pdu.cdb, 0x28, lba, blocks);
	link_send(l, &pdu, NULL, 0);
}

void
link_write(struct link *l, uint32_t itt, uint32_t lba, uint32_t blocks,
	   const void *immediate, size_t len, bool final)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = final, .write = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = itt,
		.expected_data_transfer_length = blocks * BLOCK,
	};

	put_rw10(pdu.cdb, 0x2a, lba, blocks);
	link_send(l, &pdu, immediate, len);
}

static struct pdu
data_out(uint32_t itt, uint32_t ttt, uint32_t data_sn, uint32_t offset,
	 bool final)
{
	return (struct pdu){
		.opcode = OP_DATA_OUT, .final = final,
		.initiator_task_tag = itt, .target_transfer_tag = ttt,
		.data_sn = data_sn, .buffer_offset = offset,
	};
}

void
link_data_out(struct link *l, uint32_t itt, uint32_t ttt, uint32_t data_sn,
	      uint32_t offset, const void *data, size_t len, bool final)
{
	struct pdu pdu = data_out(itt, ttt, data_sn, offset, final);

	link_send(l, &pdu, data, len);
}

void
link_snack(struct link *l, enum snack_type type, uint32_t itt, uint32_t ttt,
	   uint32_t beg_run, uint32_t run_length)
{
	struct pdu pdu = {
		.opcode = OP_SNACK_REQUEST, .final = true,
		.snack_type = (uint8_t)type, .initiator_task_tag = itt,
		.target_transfer_tag = ttt, .beg_run = beg_run,
		.run_length = run_length,
	};

	link_send(l, &pdu, NULL, 0);
}

void
link_tmf(struct link *l, uint32_t itt, enum tmf_function function,
	 uint32_t referenced, uint32_t exp_data_sn)
{
	struct pdu pdu = {
		.opcode = OP_TMF_REQUEST, .final = true, .immediate = true,
		.function = (uint8_t)function, .initiator_task_tag = itt,
		.referenced_task_tag = referenced, .exp_data_sn = exp_data_sn,
	};

	link_send(l, &pdu, NULL, 0);
}

void
link_logout(struct link *l, uint32_t itt, enum logout_reason reason,
	    uint16_t cid, uint32_t exp_stat_sn)
{
	struct pdu pdu = {
		.opcode = OP_LOGOUT_REQUEST, .final = true, .immediate = true,
		.reason = (uint8_t)reason, .cid = cid,
		.initiator_task_tag = itt, .exp_stat_sn = exp_stat_sn,
	};

	link_send(l, &pdu, NULL, 0);
}

void
link_ping(struct link *l)
{
	struct pdu pdu = {
		.opcode = OP_NOP_OUT, .final = true, .immediate = true,
		.initiator_task_tag = TAG_NONE,
		.target_transfer_tag = TAG_NONE,
	};

	link_send(l, &pdu, NULL, 0);
}
