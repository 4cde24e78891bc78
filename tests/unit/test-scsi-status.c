/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a nexus says to one outcome. */
#include <errno.h>

#include "fake-unit.h"

#include "scsi/errno.h"
#include "scsi/status.h"

static char bytes[512];

static struct command
read_512(void)
{
	struct command c = {
		.in = bytes, .in_len = sizeof(bytes), .received = sizeof(bytes),
	};

	cdb_read(&c, 7, 1);
	return c;
}

static struct command
write_512(void)
{
	struct command c = { .out = bytes, .out_len = sizeof(bytes) };

	cdb_write(&c, 7, 1, false);
	return c;
}

static enum action
action_of(const struct command *c, struct outcome *o)
{
	char text[OUTCOME_TEXT_MAX];

	outcome_of_blocks(o, c);
	assert_true(strlen(outcome_text(text, c)) > 0);
	assert_int_equal(o->code == 0, o->action == ACTION_DONE);
	assert_int_equal(o->error == 0, o->action == ACTION_DONE);
	return o->action;
}

/* All 256 status bytes. */
static void
test_statuses(void **state)
{
	for (unsigned status = 0; status < 256; status++) {
		struct command c = read_512();
		struct outcome o;
		enum action want = ACTION_FAIL;

		c.status = (uint8_t)status;
		if (status == 0x00 || status == 0x04)
			want = ACTION_DONE;
		if (status == 0x08 || status == 0x28 || status == 0x30)
			want = ACTION_WAIT;
		if (status == 0x40)
			want = ACTION_RETRY;
		assert_int_equal(action_of(&c, &o), want);
		assert_int_equal(o.full, status == 0x28);
		if (status == 0x18)
			assert_int_equal(o.error, EBUSY);
	}
}

/* A response that is not 0 rules, whatever the rest says. */
/* shows: 7143-11.4.3-01 */
static void
test_target_failure(void **state)
{
	for (unsigned response = 1; response < 256; response++) {
		struct command c = read_512();
		struct outcome o;

		c.response = (uint8_t)response;
		c.underflow = true;
		assert_int_equal(action_of(&c, &o), ACTION_FAIL);
		assert_int_equal(o.error, EIO);
	}
}

static void
test_no_answer(void **state)
{
	for (int code = -15; code < 0; code++) {
		struct command c = write_512();
		struct outcome o;

		c.result = code;
		assert_int_equal(action_of(&c, &o), ACTION_FAIL);
		assert_int_equal(o.code, code);
		assert_int_equal(o.error, errno_of_code(code));
	}
	assert_int_equal(errno_of_code(LUN_ETIMEDOUT), ETIMEDOUT);
	assert_int_equal(errno_of_code(LUN_EIDENTITY), ESTALE);
	assert_int_equal(errno_of_code(LUN_ELOST), EIO);
}

/* Every residual: what is reported as moved, and that blocks have to be
 * complete. */
static void
test_residuals(void **state)
{
	for (uint32_t residual = 0; residual <= 600; residual++) {
		uint32_t moved = residual < 512 ? 512 - residual : 0;
		struct command r = read_512(), w = write_512();
		struct outcome o;

		r.residual = w.residual = residual;
		/* neither U nor O: the count means nothing (11.4.5.1) */
		assert_int_equal(action_of(&r, &o), ACTION_DONE);
		assert_int_equal(action_of(&w, &o), ACTION_DONE);
		r.underflow = w.underflow = true;
		assert_int_equal(action_of(&r, &o),
				 residual ? ACTION_FAIL : ACTION_DONE);
		assert_int_equal(o.moved, moved);
		assert_int_equal(action_of(&w, &o),
				 residual ? ACTION_FAIL : ACTION_DONE);
		assert_int_equal(o.moved, moved);
		outcome_of(&o, &r);
		assert_int_equal(o.action, ACTION_DONE);
		r.underflow = w.underflow = false;
		r.overflow = w.overflow = true;
		assert_int_equal(action_of(&r, &o), ACTION_FAIL);
		assert_int_equal(action_of(&w, &o), ACTION_FAIL);
	}
}

/* GOOD, no residual, but bytes are missing: never success. */
static void
test_missing_bytes(void **state)
{
	for (uint32_t received = 0; received < 512; received++) {
		struct command c = read_512();
		struct outcome o;

		c.received = received;
		assert_int_equal(action_of(&c, &o), ACTION_FAIL);
		assert_int_equal(o.moved, received);
		assert_int_equal(o.error, EIO);
	}
}

static void
test_sense(void **state)
{
	struct command c = read_512();
	char text[OUTCOME_TEXT_MAX];
	struct outcome o;

	fake_sense(&c, KEY_MEDIUM_ERROR, 0x1100);
	put32(c.sense + 3, 77);
	c.sense[0] |= 0x80;
	assert_int_equal(action_of(&c, &o), ACTION_FAIL);
	assert_string_equal(outcome_text(text, &c), "READ(10): MEDIUM ERROR"
			    " 11/00, unrecovered read error, information 77");

	/* recovered, but the bytes have to be there all the same */
	fake_sense(&c, KEY_RECOVERED_ERROR, 0x1701);
	assert_int_equal(action_of(&c, &o), ACTION_DONE);
	c.received = 511;
	assert_int_equal(action_of(&c, &o), ACTION_FAIL);

	c = read_512();
	c.status = SCSI_CHECK_CONDITION;
	assert_int_equal(action_of(&c, &o), ACTION_FAIL);
	assert_string_equal(outcome_text(text, &c), "READ(10): CHECK CONDITION"
			    " without sense data");
}

/* Sense data with GOOD status changes nothing. */
static void
test_sense_with_good(void **state)
{
	struct command c = read_512();
	struct outcome o;

	fake_sense(&c, KEY_MEDIUM_ERROR, 0x1100);
	c.status = SCSI_GOOD;
	assert_int_equal(action_of(&c, &o), ACTION_DONE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_target_failure),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_residuals),
		cmocka_unit_test(test_missing_bytes),
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_sense_with_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
