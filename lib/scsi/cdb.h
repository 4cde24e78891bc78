/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command descriptor blocks (SPC-4, SBC-3): those that we send, and the list
 * of those that cannot change a logical unit.
 */
#ifndef SCSI_CDB_H
#define SCSI_CDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/command.h"

enum scsi_opcode {
	TEST_UNIT_READY		= 0x00,
	INQUIRY			= 0x12,
	MODE_SENSE_6		= 0x1a,
	READ_CAPACITY_10	= 0x25,
	READ_10			= 0x28,
	WRITE_10		= 0x2a,
	SYNCHRONIZE_CACHE_10	= 0x35,
	MODE_SENSE_10		= 0x5a,
	READ_16			= 0x88,
	WRITE_16		= 0x8a,
	SYNCHRONIZE_CACHE_16	= 0x91,
	SERVICE_ACTION_IN_16	= 0x9e,
	REPORT_LUNS		= 0xa0,
};

enum { READ_CAPACITY_16 = 0x10 };	/* service action of 0x9e */

enum mode_page {
	MODE_PAGE_CACHING	= 0x08,
	MODE_PAGE_ALL		= 0x3f,
};

/*
 * Each writes cdb and cdb_len of a command; the other fields stay as they are.
 * size is the allocation length. Asserts that values fit their fields.
 */
void cdb_test_unit_ready(struct command *c);
void cdb_inquiry(struct command *c, uint16_t size);
void cdb_vpd(struct command *c, uint8_t page, uint16_t size);
void cdb_report_luns(struct command *c, uint32_t size);
void cdb_read_capacity_10(struct command *c);
void cdb_read_capacity_16(struct command *c, uint32_t size);
void cdb_mode_sense_6(struct command *c, enum mode_page page, uint8_t size);
void cdb_mode_sense_10(struct command *c, enum mode_page page, uint16_t size);

/* The 10-byte form if the numbers fit in it, else the one with 16 bytes. */
void cdb_read(struct command *c, uint64_t lba, uint32_t blocks);
void cdb_write(struct command *c, uint64_t lba, uint32_t blocks, bool fua);

/* All blocks of a unit that has so many. */
void cdb_synchronize_cache(struct command *c, uint64_t unit_blocks);

/*
 * Is this one of the commands that cannot change what is on a unit, its state
 * or its reservations, whatever their other fields say? What is not known here
 * may change it.
 */
bool cdb_is_harmless(const uint8_t *cdb, size_t len);

/* "READ(16)", or NULL. */
const char *cdb_name(const uint8_t *cdb);

#endif
