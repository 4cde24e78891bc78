/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sense data: both formats cut everywhere, and what follows from it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "scsi/asc.h"
#include "scsi/errno.h"

/* In memory of exactly that size, so that a byte too far is seen. */
static bool
parse_cut(struct sense *s, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, p, len);
	bool ok = sense_parse(s, copy, len);
	free(copy);
	return ok;
}

static const uint8_t fixed[18] = {
	0xf0, 0, 0x03, 0x01, 0x02, 0x03, 0x04, 10, 0, 0, 0, 0, 0x11, 0x0b,
};

static void
test_fixed(void **state)
{
	for (size_t len = 0; len <= sizeof(fixed); len++) {
		struct sense s = { .asc = 0x7777 };

		assert_int_equal(parse_cut(&s, fixed, len), len >= 3);
		if (len < 3) {
			assert_int_equal(s.asc, 0x7777);
			continue;
		}
		assert_int_equal(s.key, KEY_MEDIUM_ERROR);
		assert_false(s.deferred);
		assert_int_equal(s.has_information, len >= 7);
		assert_int_equal(s.information, len >= 7 ? 0x01020304 : 0);
		assert_int_equal(s.asc, len >= 14 ? 0x110b :
				 len >= 13 ? 0x1100 : 0);
	}
}

/* What byte 7 leaves out is not there, whatever stands in the buffer. */
static void
test_fixed_length(void **state)
{
	for (unsigned n = 0; n < 256; n++) {
		uint8_t p[18];
		struct sense s;

		memcpy(p, fixed, sizeof(p));
		p[7] = (uint8_t)n;
		assert_true(parse_cut(&s, p, sizeof(p)));
		assert_int_equal(s.asc, n >= 6 ? 0x110b : n == 5 ? 0x1100 : 0);
	}
}

static const uint8_t descriptors[] = {
	0x73, 0x04, 0x44, 0x01, 0, 0, 0, 20,
	0x02, 0x06, 0, 0, 0, 0, 0, 0,			/* another one */
	0x00, 0x0a, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8,	/* information */
};

static void
test_descriptors(void **state)
{
	for (size_t len = 0; len <= sizeof(descriptors); len++) {
		struct sense s;
		bool whole = len == sizeof(descriptors);

		assert_int_equal(parse_cut(&s, descriptors, len), len >= 2);
		if (len < 2)
			continue;
		assert_int_equal(s.key, KEY_HARDWARE_ERROR);
		assert_true(s.deferred);
		assert_int_equal(s.asc, len >= 4 ? 0x4401 :
				 len == 3 ? 0x4400 : 0);
		assert_int_equal(s.has_information, whole);
		assert_int_equal(s.information, whole ? 0x0102030405060708 : 0);
	}
}

/* Every descriptor length, every additional length: no byte beyond the end. */
static void
test_descriptor_lengths(void **state)
{
	for (unsigned additional = 0; additional < 256; additional++)
		for (unsigned n = 0; n < 256; n++) {
			uint8_t p[sizeof(descriptors)];
			struct sense s;

			memcpy(p, descriptors, sizeof(p));
			p[7] = (uint8_t)additional;
			p[9] = (uint8_t)n;
			assert_true(parse_cut(&s, p, sizeof(p)));
			if (n == 6)
				assert_int_equal(s.has_information,
						 additional >= 20);
		}
}

static void
test_response_codes(void **state)
{
	for (unsigned code = 0; code < 256; code++) {
		uint8_t p[18] = { (uint8_t)code, 5, 5, [7] = 10 };
		struct sense s;
		unsigned c = code & 0x7f;

		assert_int_equal(parse_cut(&s, p, sizeof(p)),
				 c >= 0x70 && c <= 0x73);
		if (c >= 0x70 && c <= 0x73)
			assert_int_equal(s.deferred, c & 1);
	}
}

/* For all keys and all codes: an action, an errno, never a crash; and what may
 * be called done is only what the key calls so. */
static void
test_all_pairs(void **state)
{
	for (int key = 0; key < KEY_COUNT; key++)
		for (unsigned asc = 0; asc < 0x10000; asc++) {
			struct sense s = {
				.key = (enum sense_key)key,
				.asc = (uint16_t)asc,
			};
			unsigned effects;
			enum action a = sense_action(&s, &effects);

			assert_int_equal(a == ACTION_DONE,
					 key == KEY_NO_SENSE ||
					 key == KEY_RECOVERED_ERROR ||
					 key == KEY_COMPLETED);
			assert_int_equal(effects & EFFECT_LOST_WRITE, 0);
			assert_true(errno_of_sense(&s, true) > 0);
			assert_true(errno_of_sense(&s, false) > 0);
			if (key == KEY_UNIT_ATTENTION)
				assert_int_equal(a, ACTION_RETRY);
			s.deferred = true;
			assert_int_equal(sense_action(&s, &effects),
					 ACTION_RETRY);
			if (key == KEY_MEDIUM_ERROR)
				assert_true(effects & EFFECT_LOST_WRITE);
		}
}

static void
test_table(void **state)
{
	static const struct {
		enum sense_key key;
		uint16_t asc;
		enum action action;
		unsigned effects;
		int error, write_error;
	} rows[] = {
		{ KEY_UNIT_ATTENTION, 0x2900, ACTION_RETRY, EFFECT_RESET, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x2901, ACTION_RETRY, EFFECT_POWER_ON, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x2907, ACTION_RETRY, 0, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x477f, ACTION_RETRY, 0, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x2a09, ACTION_RETRY, EFFECT_PROBE, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x2a01, ACTION_RETRY, EFFECT_PROBE, EIO, EIO },
		{ KEY_UNIT_ATTENTION, 0x3f0e, ACTION_RETRY, EFFECT_INVENTORY, EIO, EIO },
		{ KEY_NOT_READY, 0x0401, ACTION_WAIT, 0, ENOMEDIUM, ENOMEDIUM },
		{ KEY_NOT_READY, 0x0403, ACTION_FAIL, 0, ENOMEDIUM, ENOMEDIUM },
		{ KEY_NOT_READY, 0x3a00, ACTION_FAIL, EFFECT_PROBE, ENOMEDIUM, ENOMEDIUM },
		{ KEY_MEDIUM_ERROR, 0x1100, ACTION_FAIL, 0, EIO, EIO },
		{ KEY_HARDWARE_ERROR, 0x0401, ACTION_FAIL, 0, EIO, EIO },
		{ KEY_ILLEGAL_REQUEST, 0x2000, ACTION_FAIL, 0, EOPNOTSUPP, EOPNOTSUPP },
		{ KEY_ILLEGAL_REQUEST, 0x2100, ACTION_FAIL, EFFECT_PROBE, EIO, ENOSPC },
		{ KEY_ILLEGAL_REQUEST, 0x2500, ACTION_FAIL, EFFECT_INVENTORY, ENXIO, ENXIO },
		{ KEY_DATA_PROTECT, 0x2700, ACTION_FAIL, EFFECT_PROBE, EACCES, EROFS },
		{ KEY_DATA_PROTECT, 0x2707, ACTION_FAIL, 0, ENOSPC, ENOSPC },
		{ KEY_ABORTED_COMMAND, 0x4700, ACTION_RETRY, 0, EIO, EIO },
		{ KEY_ABORTED_COMMAND, 0x1001, ACTION_FAIL, 0, EIO, EIO },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sense s = { .key = rows[i].key, .asc = rows[i].asc };
		unsigned effects;

		assert_int_equal(sense_action(&s, &effects), rows[i].action);
		assert_int_equal(effects, rows[i].effects);
		assert_int_equal(errno_of_sense(&s, false), rows[i].error);
		assert_int_equal(errno_of_sense(&s, true),
				 rows[i].write_error);
		assert_non_null(asc_text(rows[i].asc));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_fixed_length),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_descriptor_lengths),
		cmocka_unit_test(test_response_codes),
		cmocka_unit_test(test_all_pairs),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
