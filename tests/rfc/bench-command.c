/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the initiator, and a target's ordinary answers to them. */
#include "rfc/bench-impl.h"

uint8_t
bench_pattern(uint32_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) * 7 + 3);
}

static void
command_done(struct command *cmd)
{
	struct order *o = container_of(cmd, struct order, cmd);

	o->done++;
}

static struct command *
new_command(struct bench *b, uint64_t lun, const uint8_t *cdb, size_t cdb_len,
	    uint32_t in_len, uint32_t out_len)
{
	struct order *o = calloc(1, sizeof(*o));
	struct command *cmd = &o->cmd;

	cmd->lun = lun;
	cmd->cdb_len = (uint16_t)cdb_len;
	memcpy(cmd->cdb, cdb, cdb_len < CDB_LEN ? cdb_len : CDB_LEN);
	if (cdb_len > CDB_LEN) {
		uint8_t *more = malloc(cdb_len - CDB_LEN);

		memcpy(more, cdb + CDB_LEN, cdb_len - CDB_LEN);
		cmd->cdb_more = more;
	}
	cmd->attr = ATTR_SIMPLE;
	if (in_len) {
		cmd->in = malloc(in_len);
		memset(cmd->in, 0xee, in_len);
		cmd->in_len = in_len;
	}
	if (out_len) {
		uint8_t *out = malloc(out_len);

		for (uint32_t i = 0; i < out_len; i++)
			out[i] = bench_pattern(i);
		cmd->out = out;
		cmd->out_len = out_len;
	}
	cmd->done = command_done;
	o->next = b->orders;
	b->orders = o;
	return cmd;
}

static struct command *
submit(struct bench *b, struct command *cmd)
{
	struct nexus *nexus = b->s ? session_nexus(b->s) :
	    recovery_nexus(b->recovery);

	nexus->ops->submit(nexus, cmd);
	bench_run(b);
	return cmd;
}

struct command *
bench_command(struct bench *b, uint64_t lun, const uint8_t *cdb, size_t cdb_len,
	      uint32_t in_len, uint32_t out_len)
{
	return submit(b, new_command(b, lun, cdb, cdb_len, in_len, out_len));
}

struct command *
bench_nodata_attr(struct bench *b, uint64_t lun, uint8_t attr)
{
	static const uint8_t cdb[6] = { 0 };
	struct command *cmd = new_command(b, lun, cdb, sizeof(cdb), 0, 0);

	cmd->attr = attr;
	return submit(b, cmd);
}

struct command *
bench_read(struct bench *b, uint64_t lun, uint32_t len)
{
	static const uint8_t cdb[10] = { 0x28 };

	return bench_command(b, lun, cdb, sizeof(cdb), len, 0);
}

struct command *
bench_write(struct bench *b, uint64_t lun, uint32_t len)
{
	static const uint8_t cdb[10] = { 0x2a };

	return bench_command(b, lun, cdb, sizeof(cdb), 0, len);
}

struct command *
bench_nodata(struct bench *b, uint64_t lun)
{
	return bench_nodata_attr(b, lun, ATTR_SIMPLE);
}

void
bench_data_in(struct bench *b, const struct got *got, uint32_t data_sn,
	      uint32_t offset, uint32_t len, bool final, bool status)
{
	struct pdu pdu = status ? bench_data_in_status(b, got) :
	    bench_pdu(b, OP_DATA_IN, got);
	uint8_t *data = malloc(len + 1);

	for (uint32_t i = 0; i < len; i++)
		data[i] = bench_pattern(offset + i);
	pdu.final = final;
	pdu.data_sn = data_sn;
	pdu.buffer_offset = offset;
	bench_send(b, &pdu, data, len);
	free(data);
}

void
bench_r2t(struct bench *b, const struct got *got, uint32_t r2t_sn, uint32_t ttt,
	  uint32_t offset, uint32_t len)
{
	struct pdu pdu = bench_pdu(b, OP_R2T, got);

	pdu.r2t_sn = r2t_sn;
	pdu.target_transfer_tag = ttt;
	pdu.buffer_offset = offset;
	pdu.desired_data_transfer_length = len;
	bench_send(b, &pdu, NULL, 0);
}

void
bench_answer_tmf(struct bench *b, const struct got *got, uint8_t response)
{
	struct pdu pdu = bench_pdu(b, OP_TMF_RESPONSE, got);

	pdu.response = response;
	bench_send(b, &pdu, NULL, 0);
}

void
bench_reject(struct bench *b, const struct got *got, uint8_t reason)
{
	struct pdu pdu = bench_pdu(b, OP_REJECT, got);
	uint8_t bhs[BHS_LEN];

	pdu.reason = reason;
	pdu_encode(&got->pdu, bhs);
	bench_send(b, &pdu, bhs, sizeof(bhs));
}

void
bench_response(struct bench *b, const struct got *got, uint8_t status)
{
	struct pdu pdu = bench_pdu(b, OP_SCSI_RESPONSE, got);

	pdu.status = status;
	bench_send(b, &pdu, NULL, 0);
}
