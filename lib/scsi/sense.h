/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sense data (SPC-4 4.5), from bytes of the peer that may end anywhere. */
#ifndef SCSI_SENSE_H
#define SCSI_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sense_key {			/* SPC-4 4.5.6 */
	KEY_NO_SENSE, KEY_RECOVERED_ERROR, KEY_NOT_READY, KEY_MEDIUM_ERROR,
	KEY_HARDWARE_ERROR, KEY_ILLEGAL_REQUEST, KEY_UNIT_ATTENTION,
	KEY_DATA_PROTECT, KEY_BLANK_CHECK, KEY_VENDOR_SPECIFIC,
	KEY_COPY_ABORTED, KEY_ABORTED_COMMAND, KEY_RESERVED,
	KEY_VOLUME_OVERFLOW, KEY_MISCOMPARE, KEY_COMPLETED,
	KEY_COUNT,
};

/* Both codes as one number, as in "29/00". */
#define ASC(asc, ascq) ((uint16_t)((asc) << 8 | (ascq)))

struct sense {
	enum sense_key key;
	uint16_t asc;			/* ASC(), 0 if cut off */
	bool deferred;			/* of an earlier command */
	bool has_information;
	uint64_t information;		/* mostly: the first LBA in trouble */
};

/*
 * Reads fixed and descriptor format. False (and *s untouched) if there is no
 * sense key in these bytes. What is cut off after it counts as not said.
 */
bool sense_parse(struct sense *s, const uint8_t *p, size_t len);

/* "MEDIUM ERROR" */
const char *sense_key_name(enum sense_key key);

#endif
