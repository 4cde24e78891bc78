/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the ceiling gets a session and learns the size of the unit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ceiling.h"

enum {
	FIRST_BURST	= 256 << 10,
	LOGIN_ROUNDS	= 8,
	SETUP_TRIES	= 5,	/* unit attentions before the first GOOD */
};

static void
await_answer(struct ceiling *c, uint8_t opcode)
{
	c->answered = false;
	while (!c->answered)
		step(c);
	if (c->answer.opcode != opcode && c->answer.opcode != OP_DATA_IN)
		die("%s: not expected", pdu_name(c->answer.opcode));
}

/* The value of a key in the answer; NULL: it says nothing. */
static const char *
value(const struct ceiling *c, const char *key)
{
	size_t n = strlen(key);

	for (size_t at = 0; at < c->data_len; at += strlen(c->data + at) + 1)
		if (strncmp(c->data + at, key, n) == 0 &&
		    c->data[at + n] == '=')
			return c->data + at + n + 1;
	return NULL;
}

static void
take_keys(struct ceiling *c)
{
	const char *v;

	if ((v = value(c, "MaxRecvDataSegmentLength")))
		c->max_send = (uint32_t)strtoul(v, NULL, 0);
	if ((v = value(c, "FirstBurstLength")))
		c->first_burst = (uint32_t)strtoul(v, NULL, 0);
	if ((v = value(c, "InitialR2T")))
		c->initial_r2t = strcmp(v, "Yes") == 0;
	if ((v = value(c, "ImmediateData")))
		c->immediate_data = strcmp(v, "Yes") == 0;
	if ((v = value(c, "HeaderDigest")) &&
	    (strcmp(v, "CRC32C") == 0) != c->header_digest)
		die("HeaderDigest=%s", v);
	if ((v = value(c, "DataDigest")) &&
	    (strcmp(v, "CRC32C") == 0) != c->data_digest)
		die("DataDigest=%s", v);
	if (c->max_send < 512)
		die("MaxRecvDataSegmentLength=%u", c->max_send);
}

static int
offer_keys(const struct ceiling *c, char *buf, size_t size)
{
	return snprintf(buf, size,
		"InitiatorName=iqn.2026-11.test.lunfs:ceiling%c"
		"TargetName=%s%cSessionType=Normal%c"
		"HeaderDigest=%s%cDataDigest=%s%c"
		"MaxRecvDataSegmentLength=%d%cMaxBurstLength=%d%c"
		"FirstBurstLength=%d%cInitialR2T=No%cImmediateData=Yes%c"
		"MaxOutstandingR2T=16%cDefaultTime2Wait=0%c"
		"ErrorRecoveryLevel=0%c",
		0, c->target, 0, 0,
		c->header_digest ? "CRC32C" : "None", 0,
		c->data_digest ? "CRC32C" : "None", 0,
		MAX_DATA, 0, (1 << 24) - 1024, 0,
		FIRST_BURST, 0, 0, 0, 0, 0, 0);
}

/* Straight into the operational stage; RFC 7143 6.3 lets us leave out the
 * other one. */
void
login(struct ceiling *c)
{
	char text[1024];
	int len = offer_keys(c, text, sizeof(text));

	if (len < 0 || (size_t)len >= sizeof(text))
		die("the name of the target is too long");
	for (int i = 0; i < LOGIN_ROUNDS; i++) {
		struct pdu pdu = {
			.opcode = OP_LOGIN_REQUEST, .immediate = true,
			.final = true, .csg = STAGE_OPERATIONAL,
			.nsg = STAGE_FULL_FEATURE, .isid = { 0x80, 0xce },
			.cmd_sn = c->cmd_sn,
		};

		queue(c, &pdu, text, (size_t)len);
		await_answer(c, OP_LOGIN_RESPONSE);
		if (c->answer.status_class != 0)
			die("login: status 0x%02x%02x", c->answer.status_class,
			    c->answer.status_detail);
		take_keys(c);
		len = 0;
		if (c->answer.final)
			break;
	}
	if (!c->answer.final)
		die("login does not end");
	c->max_cmd_sn = c->answer.max_cmd_sn;
	tx_set_digests(c->tx, c->header_digest, c->data_digest);
	rx_set_digests(c->rx, c->header_digest, c->data_digest);
}

/* READ CAPACITY(10), until the unit has said all its attentions. */
void
read_capacity(struct ceiling *c)
{
	for (int i = 0; i < SETUP_TRIES; i++) {
		struct pdu cmd = {
			.opcode = OP_SCSI_COMMAND, .final = true, .read = true,
			.lun = c->lun, .cmd_sn = c->cmd_sn++,
			.attr = ATTR_SIMPLE, .cdb = { 0x25 },
			.expected_data_transfer_length = 8,
		};

		queue(c, &cmd, NULL, 0);
		await_answer(c, OP_SCSI_RESPONSE);
		if (c->answer.status != SCSI_GOOD)
			continue;
		const uint8_t *data = (const uint8_t *)c->data;
		c->block_size = get32(data + 4);
		c->blocks = get32(data);	/* without the last one: no matter */
		if (c->block_size < 512 || c->bs % c->block_size != 0 ||
		    c->blocks < c->bs / c->block_size)
			die("%u blocks of %u bytes do not do", c->blocks,
			    c->block_size);
		return;
	}
	die("READ CAPACITY: status 0x%02x", c->answer.status);
}
