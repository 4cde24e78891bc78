/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SCSI device server of a disk (SPC-4, SBC-3): one row for each command.
 * Its start function checks the CDB and says what moves: a run of bytes to
 * the initiator (in, wanted), or an amount that it waits for (is_write,
 * wanted) and that its execute function then takes.
 */
#include <assert.h>
#include <string.h>

#include "t-scsi.h"

static void
put_sense(uint8_t sense[SENSE_LEN], uint8_t key, uint16_t asc)
{
	memset(sense, 0, SENSE_LEN);
	sense[0] = 0x70;			/* current, fixed format */
	sense[2] = key;
	sense[7] = SENSE_LEN - 8;
	put16(sense + 12, asc);
}

/* The byte of the CDB that is wrong: SPC-4 4.5.2.4.2. */
static void
point_at(uint8_t sense[SENSE_LEN], uint16_t byte)
{
	sense[15] = 0xc0;			/* SKSV, in the CDB */
	put16(sense + 16, byte);
}

/* The first failure counts. */
void
scsi_fail(struct task *k, uint8_t key, uint16_t asc)
{
	if (k->failed)
		return;
	k->failed = true;
	k->status = SCSI_CHECK_CONDITION;
	put_sense(k->sense, key, asc);
}

struct tlu *
scsi_find_lu(const struct tnode *node, uint64_t lun)
{
	/* a small number may come as flat space address too: SAM-5 4.7.7 */
	if (lun >> 56 == 0x40)
		lun &= ~(UINT64_C(0x40) << 56);
	unsigned lo = 0, hi = node->lu_count;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (node->lus[mid]->lun == lun)
			return node->lus[mid];
		if (node->lus[mid]->lun < lun)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static struct nexus *
nexus_of(const struct task *k)
{
	return &k->session->nexus[k->lu->index];
}

static uint16_t
take_ua(struct nexus *n)
{
	uint16_t asc = n->ua[0];

	memmove(n->ua, n->ua + 1, --n->ua_count * sizeof(*n->ua));
	return asc;
}

/* A short answer in the task's own buffer. */
uint8_t *
scsi_small(struct task *k)
{
	if (task_reserve(k, SMALL_MAX) < 0) {
		scsi_fail(k, ABORTED, ASC_RESOURCES);
		return NULL;
	}
	return k->buf;
}

void
scsi_give(struct task *k, uint32_t len, uint32_t allocation)
{
	k->in = k->buf;
	k->wanted = k->in_len = len < allocation ? len : allocation;
}

/* -------------------------------------------------------------- queries -- */

static void
start_nothing(struct task *k)
{
}

static void
start_inquiry(struct task *k)
{
	uint8_t *buf = scsi_small(k);
	uint32_t len;

	if (!buf)
		return;
	len = inquiry_page(k, buf);
	if (len == 0)
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
	else
		scsi_give(k, len, get16(k->cmd.cdb + 3));
}

static void
start_report_luns(struct task *k)
{
	const struct tnode *node = k->session->node;
	const uint8_t *cdb = k->cmd.cdb;
	uint32_t n = cdb[2] == 1 ? 0 : node->lu_count;	/* no well-known ones */
	uint8_t *buf;

	if (cdb[2] > 2 || get32(cdb + 6) < 16) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (task_reserve(k, 8 + 8 * n) < 0) {
		scsi_fail(k, ABORTED, ASC_RESOURCES);
		return;
	}
	buf = k->buf;
	put32(buf, n * 8);
	put32(buf + 4, 0);
	for (uint32_t i = 0; i < n; i++)
		put64(buf + 8 + 8 * i, node->lus[i]->lun);
	scsi_give(k, 8 + 8 * n, get32(cdb + 6));
}

static void
start_request_sense(struct task *k)
{
	uint8_t *buf = scsi_small(k);

	if (!buf)
		return;
	if (k->cmd.cdb[1] & 1) {		/* descriptor format */
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (!k->lu)
		put_sense(buf, ILLEGAL, ASC_NO_LU);
	else if (nexus_of(k)->ua_count)
		put_sense(buf, UNIT_ATTENTION, take_ua(nexus_of(k)));
	else
		put_sense(buf, 0, 0);
	scsi_give(k, SENSE_LEN, k->cmd.cdb[4]);
}

static void
start_capacity10(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	uint64_t last = k->lu->blocks - 1;
	uint8_t *buf = scsi_small(k);

	if (!buf)
		return;
	if (!(cdb[8] & 1) && get32(cdb + 2)) {	/* LBA without PMI */
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	put32(buf, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put32(buf + 4, k->lu->block_size);
	scsi_give(k, 8, 8);
}

static void
start_capacity16(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	uint8_t *buf = scsi_small(k);

	if (!buf)
		return;
	if (!(cdb[14] & 1) && get64(cdb + 2)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	memset(buf, 0, 32);
	put64(buf, k->lu->blocks - 1);
	put32(buf + 8, k->lu->block_size);
	for (uint32_t bs = k->lu->block_size; bs < 4096; bs *= 2)
		buf[13]++;			/* physical blocks of 4096 */
	if (disk_config(k->lu->disk)->thin)
		buf[14] = 0xc0;			/* LBPME, LBPRZ */
	scsi_give(k, 32, get32(cdb + 10));
}

static void
mode_sense_any(struct task *k, bool ten, uint32_t allocation)
{
	uint8_t *buf = scsi_small(k);
	uint32_t len;

	if (!buf)
		return;
	len = mode_sense(k, buf, ten);
	if (len == 0)
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
	else if (k->cmd.cdb[2] >> 6 == 3)
		scsi_fail(k, ILLEGAL, ASC_NO_SAVING);
	else
		scsi_give(k, len, allocation);
}

static void
start_mode_sense6(struct task *k)
{
	mode_sense_any(k, false, k->cmd.cdb[4]);
}

static void
start_mode_sense10(struct task *k)
{
	mode_sense_any(k, true, get16(k->cmd.cdb + 7));
}

/* One group, and in it the one port that there is: SPC-4 6.37. */
static void
start_port_groups(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	uint8_t *buf = scsi_small(k);

	if (!buf)
		return;
	if (cdb[1] >> 5) {			/* another format */
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	memset(buf, 0, 16);
	put32(buf, 12);
	buf[5] = 0x01;				/* active/optimized, only */
	put16(buf + 6, (uint16_t)k->conn->target->options.tpgt);
	buf[11] = 1;
	put16(buf + 14, 1);			/* relative target port */
	scsi_give(k, 16, get32(cdb + 6));
}

/* ---------------------------------------------------------------- table -- */

enum {
	ANY_LU	= 1,		/* also without a logical unit; no attention */
	WRITES	= 2,		/* not on a write-protected medium */
	THIN	= 4,		/* only thin disks have it */
	FREE	= 8,		/* whoever has reserved the unit */
	FLUSHES	= 16,		/* changes the medium, not what it holds */
};

enum { NO_SA = 0xff };

static void start_opcodes(struct task *k);

#define RESERVE_IN(action)						\
	{ 0x5e, action, FREE, start_reserve_in, NULL,			\
	  10, { 0x5e, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff } }
#define RESERVE_OUT(action)						\
	{ 0x5f, action, FREE, start_reserve_out, execute_reserve_out,	\
	  10, { 0x5f, 0x1f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff } }

static const struct command {
	uint8_t opcode, service_action;
	uint8_t flags;
	void (*start)(struct task *k);
	void (*execute)(struct task *k);
	/* CDB usage data, SPC-4 6.35.3: the bits that are looked at */
	uint8_t usage_len, usage[16];
} commands[] = {
	{ 0x00, NO_SA, FREE, start_nothing, NULL, /* TEST UNIT READY */
	  6, { 0x00 } },
	{ 0x03, NO_SA, ANY_LU, start_request_sense, NULL,
	  6, { 0x03, 0x01, 0, 0, 0xff } },
	{ 0x08, NO_SA, 0, start_read, NULL,			/* READ (6) */
	  6, { 0x08, 0x1f, 0xff, 0xff, 0xff } },
	{ 0x0a, NO_SA, WRITES, start_write, execute_write,
	  6, { 0x0a, 0x1f, 0xff, 0xff, 0xff } },
	{ 0x12, NO_SA, ANY_LU, start_inquiry, NULL,
	  6, { 0x12, 0x01, 0xff, 0xff, 0xff } },
	{ 0x1a, NO_SA, 0, start_mode_sense6, NULL,
	  6, { 0x1a, 0x08, 0xff, 0xff, 0xff } },
	{ 0x1b, NO_SA, 0, start_nothing, NULL, /* START STOP UNIT */
	  6, { 0x1b, 0x01, 0, 0x0f, 0xf7 } },
	{ 0x1e, NO_SA, FREE, start_nothing, NULL, /* PREVENT ALLOW */
	  6, { 0x1e, 0, 0, 0, 0x03 } },
	{ 0x25, NO_SA, FREE, start_capacity10, NULL,
	  10, { 0x25, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01 } },
	{ 0x28, NO_SA, 0, start_read, NULL,			/* READ (10) */
	  10, { 0x28, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x2a, NO_SA, WRITES, start_write, execute_write,
	  10, { 0x2a, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x2e, NO_SA, WRITES, start_write_verify, execute_write_verify,
	  10, { 0x2e, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x2f, NO_SA, 0, start_verify, execute_verify,
	  10, { 0x2f, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x35, NO_SA, FLUSHES, start_sync, NULL,
	  10, { 0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x41, NO_SA, WRITES, start_write_same, execute_write_same,
	  10, { 0x41, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff } },
	{ 0x42, NO_SA, WRITES | THIN, start_unmap, execute_unmap,
	  10, { 0x42, 0x01, 0, 0, 0, 0, 0x1f, 0xff, 0xff } },
	{ 0x5a, NO_SA, 0, start_mode_sense10, NULL,
	  10, { 0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff } },
	RESERVE_IN(0x00), RESERVE_IN(0x01), RESERVE_IN(0x02),
	RESERVE_IN(0x03),
	RESERVE_OUT(0x00), RESERVE_OUT(0x01), RESERVE_OUT(0x02),
	RESERVE_OUT(0x03), RESERVE_OUT(0x04), RESERVE_OUT(0x05),
	RESERVE_OUT(0x06),
	{ 0x88, NO_SA, 0, start_read, NULL,			/* READ (16) */
	  16, { 0x88, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x89, NO_SA, WRITES, start_compare_write, execute_compare_write,
	  16, { 0x89, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0, 0, 0, 0xff, 0x1f } },
	{ 0x8a, NO_SA, WRITES, start_write, execute_write,
	  16, { 0x8a, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x8e, NO_SA, WRITES, start_write_verify, execute_write_verify,
	  16, { 0x8e, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x8f, NO_SA, 0, start_verify, execute_verify,
	  16, { 0x8f, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x91, NO_SA, FLUSHES, start_sync, NULL,
	  16, { 0x91, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x93, NO_SA, WRITES, start_write_same, execute_write_same,
	  16, { 0x93, 0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x1f } },
	{ 0x9e, 0x10, FREE, start_capacity16, NULL,
	  16, { 0x9e, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0x01 } },
	{ 0x9e, 0x12, 0, start_lba_status, NULL,
	  16, { 0x9e, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff } },
	{ 0xa0, NO_SA, ANY_LU, start_report_luns, NULL,
	  12, { 0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff } },
	{ 0xa3, 0x0a, FREE, start_port_groups, NULL,
	  12, { 0xa3, 0x0a, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff } },
	{ 0xa3, 0x0c, FREE, start_opcodes, NULL,
	  12, { 0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	{ 0xa8, NO_SA, 0, start_read, NULL,			/* READ (12) */
	  12, { 0xa8, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x1f } },
	{ 0xaa, NO_SA, WRITES, start_write, execute_write,
	  12, { 0xaa, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x1f } },
	{ 0xae, NO_SA, WRITES, start_write_verify, execute_write_verify,
	  12, { 0xae, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x1f } },
	{ 0xaf, NO_SA, 0, start_verify, execute_verify,
	  12, { 0xaf, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x1f } },
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static bool
has_command(const struct tlu *lu, const struct command *cmd)
{
	return !(cmd->flags & THIN) || (lu && disk_config(lu->disk)->thin);
}

static const struct command *
find_command(const struct tlu *lu, uint8_t opcode, uint8_t service_action)
{
	for (int i = 0; i < COMMANDS; i++)
		if (commands[i].opcode == opcode &&
		    (commands[i].service_action == NO_SA ||
		     commands[i].service_action == service_action) &&
		    has_command(lu, &commands[i]))
			return &commands[i];
	return NULL;
}

/* ------------------------------------ REPORT SUPPORTED OPERATION CODES -- */

static uint8_t *
put_timeouts(uint8_t *p)
{
	memset(p, 0, 12);
	put16(p, 0x0a);
	return p + 12;
}

static uint32_t
list_opcodes(const struct tlu *lu, uint8_t *buf, bool timeouts)
{
	uint8_t *p = buf + 4;

	for (int i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (!has_command(lu, c))
			continue;
		memset(p, 0, 8);
		p[0] = c->opcode;
		if (c->service_action != NO_SA) {
			put16(p + 2, c->service_action);
			p[5] |= 0x01;		/* SERVACTV */
		}
		p[5] |= timeouts ? 0x02 : 0;	/* CTDP */
		put16(p + 6, c->usage_len);
		p += 8;
		if (timeouts)
			p = put_timeouts(p);
	}
	put32(buf, (uint32_t)(p - buf - 4));
	return (uint32_t)(p - buf);
}

static uint32_t
one_opcode(const struct command *c, uint8_t *buf, bool timeouts)
{
	memset(buf, 0, 4);
	if (!c) {
		buf[1] = 0x01;			/* not supported */
		return 4;
	}
	buf[1] = (uint8_t)(0x03 | (timeouts ? 0x80 : 0));
	put16(buf + 2, c->usage_len);
	memcpy(buf + 4, c->usage, c->usage_len);
	if (timeouts)
		put_timeouts(buf + 4 + c->usage_len);
	return 4u + c->usage_len + (timeouts ? 12 : 0);
}

static bool
opcode_has_actions(uint8_t opcode)
{
	return opcode == 0x5e || opcode == 0x5f || opcode == 0x9e ||
	       opcode == 0xa3;
}

/* What is asked for, by the reporting options 1 to 3; NULL: there is none. */
static const struct command *
find_reported(const struct task *k, unsigned options)
{
	const uint8_t *cdb = k->cmd.cdb;
	unsigned action = get16(cdb + 4);
	const struct command *c = find_command(k->lu, cdb[3],
			(uint8_t)(action < NO_SA ? action : NO_SA - 1));

	/* 3: one without service actions has the action 0 */
	if (c && c->service_action == NO_SA && options == 3 && action != 0)
		return NULL;
	return c;
}

static void
start_opcodes(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	bool timeouts = cdb[2] & 0x80;
	unsigned options = cdb[2] & 7;
	uint8_t *buf = scsi_small(k);
	uint32_t len;

	static_assert(SMALL_MAX >= 4 + 20 * COMMANDS, "all commands fit");
	if (!buf)
		return;
	if (options > 3 ||
	    (options == 1 && opcode_has_actions(cdb[3])) ||
	    (options == 2 && !opcode_has_actions(cdb[3]))) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		point_at(k->sense, 2);		/* not at the service action */
		return;
	}
	if (options == 0)
		len = list_opcodes(k->lu, buf, timeouts);
	else
		len = one_opcode(find_reported(k, options), buf, timeouts);
	scsi_give(k, len, get32(cdb + 6));
}

/* ------------------------------------------------------------- the task -- */

static bool
may_proceed(struct task *k, const struct command *cmd)
{
	if (cmd && (cmd->flags & ANY_LU))
		return true;
	if (!k->lu) {
		scsi_fail(k, ILLEGAL, ASC_NO_LU);
		return false;
	}
	if (nexus_of(k)->ua_count) {		/* SAM-5 5.14 */
		tmf_tells(k);
		scsi_fail(k, UNIT_ATTENTION, take_ua(nexus_of(k)));
		return false;
	}
	if (!cmd) {
		scsi_fail(k, ILLEGAL, opcode_has_actions(k->cmd.cdb[0])
					? ASC_INVALID_CDB
					: ASC_INVALID_OPCODE);
		return false;
	}
	if (!(cmd->flags & FREE) &&
	    !reserve_permits(k, cmd->flags & (WRITES | FLUSHES)))
		return false;
	if ((cmd->flags & WRITES) && disk_config(k->lu->disk)->read_only) {
		scsi_fail(k, DATA_PROTECT, ASC_WRITE_PROTECTED);
		return false;
	}
	return true;
}

void
scsi_start(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	const struct command *cmd = find_command(k->lu, cdb[0], cdb[1] & 0x1f);

	k->execute = cmd ? cmd->execute : NULL;
	if (may_proceed(k, cmd))
		cmd->start(k);
}

void
scsi_execute(struct task *k)
{
	struct target *t;

	if (!k->execute || !k->is_write)
		return;
	t = k->lu->node->target;	/* its session may be gone: zombies */
	t->executing = k;
	k->execute(k);
	t->executing = NULL;
}
