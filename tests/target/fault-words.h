/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of rules and what they stand for, numbers, and times. */
#ifndef FAULT_WORDS_H
#define FAULT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct word {				/* the last one has no name */
	const char *name;
	uint32_t value;
};

extern const struct word word_opcodes[];	/* enum opcode */
extern const struct word word_field_names[];	/* enum field_id */
extern const struct word word_parts[];		/* enum fault_part */
extern const struct word word_events[];		/* enum async_event */
extern const struct word word_reasons[];	/* enum reject_reason */
extern const struct word word_statuses[];	/* enum scsi_status */

bool find_word(const struct word *words, const char *name, uint32_t *value);

/* Decimal or 0x..., of at most max, up to one of the characters in ends (or
 * the end of the text); *s stands behind that. */
bool take_number(const char **s, const char *ends, uint64_t max,
		 uint64_t *out);
bool value_number(const char *s, uint64_t max, uint64_t *out);

/* "5", "5s", "20ms", "300us", "ever" */
bool value_time(const char *s, lun_time *out);

/* A name of the list, or its number. */
bool value_word(const char *s, const struct word *words, uint32_t max,
		uint32_t *out);

#endif
