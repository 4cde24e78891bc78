/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INQUIRY data and vital product data pages, from bytes of the peer: every
 * length in them is checked, what is cut off counts as not said, and texts
 * come out printable.
 */
#ifndef SCSI_INQUIRY_H
#define SCSI_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

enum vpd_page {
	VPD_SUPPORTED		= 0x00,
	VPD_SERIAL		= 0x80,
	VPD_IDENTIFICATION	= 0x83,
	VPD_BLOCK_LIMITS	= 0xb0,
	VPD_CHARACTERISTICS	= 0xb1,
	VPD_PROVISIONING	= 0xb2,
};

enum peripheral_type {			/* SPC-4 6.4.2 */
	TYPE_DISK		= 0x00,
	TYPE_CD			= 0x05,
	TYPE_OPTICAL		= 0x07,
	TYPE_SIMPLE_DISK	= 0x0e,
	TYPE_UNKNOWN		= 0x1f,
};

enum { VERSION_SPC_3 = 5 };

struct inquiry {
	uint8_t qualifier;		/* 0: a unit is connected; 3: can't be */
	uint8_t type;			/* enum peripheral_type */
	uint8_t version;
	char vendor[9], product[17], revision[5];
};

/* All of them: false, and the result untouched, if it is not what was asked. */
bool inquiry_parse(struct inquiry *q, const uint8_t *p, size_t len);

struct vpd_pages {
	uint8_t bits[256 / 8];
};

bool vpd_parse_supported(struct vpd_pages *pages, const uint8_t *p, size_t len);
bool vpd_has(const struct vpd_pages *pages, enum vpd_page page);

bool vpd_parse_serial(char serial[256], const uint8_t *p, size_t len);

/* The names of the logical unit itself, by kind: "naa.", "eui.", "t10.",
 * "name.", then text without blanks and slashes. Each once, in the order of
 * the page. */
enum { DESIGNATORS_MAX = 32 };

struct designators {
	size_t n;
	char *text[DESIGNATORS_MAX];	/* owned */
};

/* LUN_EPROTO: not this page; LUN_ENOMEM. */
int vpd_parse_identification(struct designators *d, const uint8_t *p,
			     size_t len);
void designators_deinit(struct designators *d);

struct block_limits {			/* in blocks; 0: not said */
	uint32_t max_transfer, optimal_transfer;
};

bool vpd_parse_block_limits(struct block_limits *l, const uint8_t *p,
			    size_t len);
/* 0: not said, 1: does not rotate, else per minute */
bool vpd_parse_characteristics(uint16_t *rotation_rate, const uint8_t *p,
			       size_t len);
bool vpd_parse_provisioning(bool *thin, const uint8_t *p, size_t len);

/* How many bytes the whole page has, from its first four; 0: too few to say. */
size_t vpd_full_len(const uint8_t *p, size_t len);

#endif
