/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One row for each command: where the fields stand that differ from command to
 * command. A field of no bytes does not exist.
 */
#include "scsi/cdb.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

enum {
	SERVICE_ACTION_MASK	= 0x1f,		/* byte 1 */
	INQUIRY_EVPD		= 0x01,
	MODE_SENSE_DBD		= 0x08,		/* no block descriptors */
	READ_WRITE_FUA		= 0x08,
};

struct field {
	uint8_t at, len;
};

static const struct form {
	const char *name;
	uint8_t opcode, service_action, len;
	struct field lba;
	struct field count;		/* blocks, or the allocation length */
	bool harmless;
} forms[] = {
	{ "TEST UNIT READY",	TEST_UNIT_READY,	0,  6,
	  { 0, 0 },  { 0, 0 },   true },
	{ "INQUIRY",		INQUIRY,		0,  6,
	  { 0, 0 },  { 3, 2 },   true },
	{ "MODE SENSE(6)",	MODE_SENSE_6,		0,  6,
	  { 0, 0 },  { 4, 1 },   true },
	{ "READ CAPACITY(10)",	READ_CAPACITY_10,	0,  10,
	  { 0, 0 },  { 0, 0 },   true },
	{ "READ(10)",		READ_10,		0,  10,
	  { 2, 4 },  { 7, 2 },   true },
	{ "WRITE(10)",		WRITE_10,		0,  10,
	  { 2, 4 },  { 7, 2 },   false },
	{ "SYNCHRONIZE CACHE(10)", SYNCHRONIZE_CACHE_10, 0, 10,
	  { 2, 4 },  { 7, 2 },   false },
	{ "MODE SENSE(10)",	MODE_SENSE_10,		0,  10,
	  { 0, 0 },  { 7, 2 },   true },
	{ "READ(16)",		READ_16,		0,  16,
	  { 2, 8 },  { 10, 4 },  true },
	{ "WRITE(16)",		WRITE_16,		0,  16,
	  { 2, 8 },  { 10, 4 },  false },
	{ "SYNCHRONIZE CACHE(16)", SYNCHRONIZE_CACHE_16, 0, 16,
	  { 2, 8 },  { 10, 4 },  false },
	{ "READ CAPACITY(16)",	SERVICE_ACTION_IN_16,	READ_CAPACITY_16, 16,
	  { 0, 0 },  { 10, 4 },  true },
	{ "REPORT LUNS",	REPORT_LUNS,		0,  12,
	  { 0, 0 },  { 6, 4 },   true },
};

enum { FORMS = sizeof(forms) / sizeof(*forms) };

/* What byte 1 is compared with is only a service action in some commands. */
static const struct form *
form_find(const uint8_t *cdb)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (forms[i].opcode != cdb[0])
			continue;
		if (forms[i].service_action == 0 ||
		    forms[i].service_action == (cdb[1] & SERVICE_ACTION_MASK))
			return &forms[i];
	}
	return NULL;
}

static void
put_field(uint8_t *cdb, struct field f, uint64_t value)
{
	assert(f.len == 8 || value >> 8 * f.len == 0);
	for (unsigned i = f.len; i > 0; i--, value >>= 8)
		cdb[f.at + i - 1] = (uint8_t)value;
}

static void
build(struct command *c, uint8_t opcode, uint8_t service_action, uint64_t lba,
      uint32_t count)
{
	const struct form *f = form_find((uint8_t[]){ opcode, service_action });

	assert(f);
	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb[0] = opcode;
	c->cdb[1] = service_action;
	put_field(c->cdb, f->lba, lba);
	put_field(c->cdb, f->count, count);
	c->cdb_len = f->len;
	c->cdb_more = NULL;
}

void
cdb_test_unit_ready(struct command *c)
{
	build(c, TEST_UNIT_READY, 0, 0, 0);
}

void
cdb_inquiry(struct command *c, uint16_t size)
{
	build(c, INQUIRY, 0, 0, size);
}

void
cdb_vpd(struct command *c, uint8_t page, uint16_t size)
{
	build(c, INQUIRY, 0, 0, size);
	c->cdb[1] = INQUIRY_EVPD;
	c->cdb[2] = page;
}

void
cdb_report_luns(struct command *c, uint32_t size)
{
	build(c, REPORT_LUNS, 0, 0, size);
}

void
cdb_read_capacity_10(struct command *c)
{
	build(c, READ_CAPACITY_10, 0, 0, 0);
}

void
cdb_read_capacity_16(struct command *c, uint32_t size)
{
	build(c, SERVICE_ACTION_IN_16, READ_CAPACITY_16, 0, size);
}

void
cdb_mode_sense_6(struct command *c, enum mode_page page, uint8_t size)
{
	build(c, MODE_SENSE_6, 0, 0, size);
	c->cdb[1] = MODE_SENSE_DBD;
	c->cdb[2] = (uint8_t)page;
}

void
cdb_mode_sense_10(struct command *c, enum mode_page page, uint16_t size)
{
	build(c, MODE_SENSE_10, 0, 0, size);
	c->cdb[1] = MODE_SENSE_DBD;
	c->cdb[2] = (uint8_t)page;
}

static bool
fits_10(uint64_t lba, uint32_t blocks)
{
	return lba <= UINT32_MAX && blocks <= UINT16_MAX &&
	       lba + blocks <= UINT64_C(1) << 32;
}

void
cdb_read(struct command *c, uint64_t lba, uint32_t blocks)
{
	build(c, fits_10(lba, blocks) ? READ_10 : READ_16, 0, lba, blocks);
}

void
cdb_write(struct command *c, uint64_t lba, uint32_t blocks, bool fua)
{
	build(c, fits_10(lba, blocks) ? WRITE_10 : WRITE_16, 0, lba, blocks);
	if (fua)
		c->cdb[1] = READ_WRITE_FUA;
}

void
cdb_synchronize_cache(struct command *c, uint64_t unit_blocks)
{
	bool large = unit_blocks > UINT64_C(1) << 32;

	/* SBC-3 5.21: from block 0 a count of 0 reaches to the end. */
	build(c, large ? SYNCHRONIZE_CACHE_16 : SYNCHRONIZE_CACHE_10, 0, 0, 0);
}

bool
cdb_is_harmless(const uint8_t *cdb, size_t len)
{
	if (len < 2)
		return false;

	const struct form *f = form_find(cdb);

	return f && f->harmless && f->len == len;
}

const char *
cdb_name(const uint8_t *cdb)
{
	const struct form *f = form_find(cdb);

	return f ? f->name : NULL;
}
