/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formats of PDUs: one hand-made header for each opcode, as RFC 7143 11 draws
 * it, every field with a value of its own; then round trips with random
 * values, and what must be ignored, refused, and sent as 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/codec.h"
#include "wire/fields.h"
#include "wire/pdu.h"

/* Each word of hex is a line of 4 bytes in the drawings. */
struct vector {
	struct pdu pdu;
	const char *bhs;
	const char *reserved;	/* the bits that are reserved: 1 */
};

#define COMMON .total_ahs_length = 0, .data_segment_length = 0x010203
#define ITT .initiator_task_tag = 0x11121314
#define TTT .target_transfer_tag = 0x21222324
#define LUN8 .lun = 0x0102030405060708
#define NUMBERS .stat_sn = 0x31323334, .exp_cmd_sn = 0x41424344,              \
	.max_cmd_sn = 0x51525354
#define R_NUMBERS .cmd_sn = 0x61626364, .exp_stat_sn = 0x71727374

static const struct vector vectors[] = {
	{ { .opcode = OP_NOP_OUT, .immediate = true, .final = true, COMMON,
	    LUN8, ITT, TTT, R_NUMBERS },
	  "40800000 00010203 01020304 05060708 11121314 21222324 61626364"
	  "71727374 00000000 00000000 00000000 00000000",
	  "807fffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 ffffffff ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_SCSI_COMMAND, .final = true, .write = true,
	    .attr = ATTR_HEAD_OF_QUEUE, .pri = 0xa, COMMON, LUN8, ITT,
	    .expected_data_transfer_length = 0x81828384, R_NUMBERS,
	    .cdb = { 0x2a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		     15 } },
	  "01a3a000 00010203 01020304 05060708 11121314 81828384 61626364"
	  "71727374 2a010203 04050607 08090a0b 0c0d0e0f",
	  "80180fff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_SCSI_COMMAND, .immediate = true, .read = true,
	    .attr = ATTR_ACA, COMMON, LUN8, ITT, R_NUMBERS,
	    .cdb = { 0x28 } },
	  "41440000 00010203 01020304 05060708 11121314 00000000 61626364"
	  "71727374 28000000 00000000 00000000 00000000",
	  "80180fff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_TMF_REQUEST, .immediate = true, .final = true,
	    .function = TMF_LOGICAL_UNIT_RESET, LUN8, ITT,
	    .referenced_task_tag = 0x91929394, R_NUMBERS,
	    .ref_cmd_sn = 0xa1a2a3a4, .exp_data_sn = 0xb1b2b3b4 },
	  "42850000 00000000 01020304 05060708 11121314 91929394 61626364"
	  "71727374 a1a2a3a4 b1b2b3b4 00000000 00000000",
	  "8000ffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 ffffffff ffffffff" },
	{ { .opcode = OP_LOGIN_REQUEST, .immediate = true, .final = true,
	    .csg = STAGE_OPERATIONAL, .nsg = STAGE_FULL_FEATURE,
	    .version_max = 0xc1, .version_min = 0xc2, COMMON,
	    .isid = { 1, 2, 3, 4, 5, 6 }, .tsih = 0x0708, ITT,
	    .cid = 0xd1d2, R_NUMBERS },
	  "4387c1c2 00010203 01020304 05060708 11121314 d1d20000 61626364"
	  "71727374 00000000 00000000 00000000 00000000",
	  "80300000 00000000 00000000 00000000 00000000 0000ffff 00000000"
	  "00000000 ffffffff ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_TEXT_REQUEST, .continued = true, COMMON, LUN8, ITT,
	    TTT, R_NUMBERS },
	  "04400000 00010203 01020304 05060708 11121314 21222324 61626364"
	  "71727374 00000000 00000000 00000000 00000000",
	  "803fffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 ffffffff ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_DATA_OUT, .final = true, COMMON, LUN8, ITT, TTT,
	    .exp_stat_sn = 0x71727374, .data_sn = 0xb1b2b3b4,
	    .buffer_offset = 0xe1e2e3e4 },
	  "05800000 00010203 01020304 05060708 11121314 21222324 00000000"
	  "71727374 00000000 b1b2b3b4 e1e2e3e4 00000000",
	  "c07fffff 00000000 00000000 00000000 00000000 00000000 ffffffff"
	  "00000000 ffffffff 00000000 00000000 ffffffff" },
	{ { .opcode = OP_LOGOUT_REQUEST, .immediate = true, .final = true,
	    .reason = LOGOUT_RECOVERY, ITT, .cid = 0xd1d2, R_NUMBERS },
	  "46820000 00000000 00000000 00000000 11121314 d1d20000 61626364"
	  "71727374 00000000 00000000 00000000 00000000",
	  "8000ffff 00000000 ffffffff ffffffff 00000000 0000ffff 00000000"
	  "00000000 ffffffff ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_SNACK_REQUEST, .final = true,
	    .snack_type = SNACK_R_DATA, LUN8, ITT, TTT,
	    .exp_stat_sn = 0x71727374, .beg_run = 0xe1e2e3e4,
	    .run_length = 0xf1f2f3f4 },
	  "10830000 00000000 01020304 05060708 11121314 21222324 00000000"
	  "71727374 00000000 00000000 e1e2e3e4 f1f2f3f4",
	  "c070ffff 00000000 00000000 00000000 00000000 00000000 ffffffff"
	  "00000000 ffffffff ffffffff 00000000 00000000" },
	{ { .opcode = OP_NOP_IN, .final = true, COMMON, LUN8, ITT, TTT,
	    NUMBERS },
	  "20800000 00010203 01020304 05060708 11121314 21222324 31323334"
	  "41424344 51525354 00000000 00000000 00000000",
	  "c07fffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_SCSI_RESPONSE, .final = true, .bidi_overflow = true,
	    .underflow = true, .response = 0x80,
	    .status = SCSI_CHECK_CONDITION, COMMON,
	    .status_qualifier = 0x0102, ITT, .snack_tag = 0x21222324, NUMBERS,
	    .exp_data_sn = 0xb1b2b3b4, .bidi_residual_count = 0xe1e2e3e4,
	    .residual_count = 0xf1f2f3f4 },
	  "21928002 00010203 01020000 00000000 11121314 21222324 31323334"
	  "41424344 51525354 b1b2b3b4 e1e2e3e4 f1f2f3f4",
	  "c0610000 00000000 0000ffff ffffffff 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_SCSI_RESPONSE, .final = true, .bidi_underflow = true,
	    .overflow = true, .response = RESPONSE_TARGET_FAILURE, NUMBERS },
	  "218c0100 00000000 00000000 00000000 00000000 00000000 31323334"
	  "41424344 51525354 00000000 00000000 00000000",
	  "c0610000 00000000 0000ffff ffffffff 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_TMF_RESPONSE, .final = true,
	    .response = TMF_REJECTED, ITT, NUMBERS },
	  "2280ff00 00000000 00000000 00000000 11121314 00000000 31323334"
	  "41424344 51525354 00000000 00000000 00000000",
	  "c07f00ff 00000000 ffffffff ffffffff 00000000 ffffffff 00000000"
	  "00000000 00000000 ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_LOGIN_RESPONSE, .continued = true,
	    .csg = STAGE_FULL_FEATURE, .nsg = STAGE_OPERATIONAL,
	    .version_max = 0xc1, .version_min = 0xc2, COMMON,
	    .isid = { 1, 2, 3, 4, 5, 6 }, .tsih = 0x0708, ITT, NUMBERS,
	    .status_class = 2, .status_detail = 0x0b },
	  "234dc1c2 00010203 01020304 05060708 11121314 00000000 31323334"
	  "41424344 51525354 020b0000 00000000 00000000",
	  "c0300000 00000000 00000000 00000000 00000000 ffffffff 00000000"
	  "00000000 00000000 0000ffff ffffffff ffffffff" },
	{ { .opcode = OP_TEXT_RESPONSE, .final = true, COMMON, LUN8, ITT, TTT,
	    NUMBERS },
	  "24800000 00010203 01020304 05060708 11121314 21222324 31323334"
	  "41424344 51525354 00000000 00000000 00000000",
	  "c03fffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 ffffffff ffffffff ffffffff" },
	{ { .opcode = OP_DATA_IN, .final = true, .overflow = true,
	    .has_status = true, .status = SCSI_CONDITION_MET, COMMON, LUN8,
	    ITT, TTT, NUMBERS, .data_sn = 0xb1b2b3b4,
	    .buffer_offset = 0xe1e2e3e4, .residual_count = 0xf1f2f3f4 },
	  "25850004 00010203 01020304 05060708 11121314 21222324 31323334"
	  "41424344 51525354 b1b2b3b4 e1e2e3e4 f1f2f3f4",
	  "c038ff00 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_DATA_IN, .acknowledge = true, .underflow = true,
	    NUMBERS },
	  "25420000 00000000 00000000 00000000 00000000 00000000 31323334"
	  "41424344 51525354 00000000 00000000 00000000",
	  "c038ff00 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_LOGOUT_RESPONSE, .final = true,
	    .response = LOGOUT_CLEANUP_FAILED, ITT, NUMBERS,
	    .time2wait = 0xe1e2, .time2retain = 0xe3e4 },
	  "26800300 00000000 00000000 00000000 11121314 00000000 31323334"
	  "41424344 51525354 00000000 e1e2e3e4 00000000",
	  "c07f00ff 00000000 ffffffff ffffffff 00000000 ffffffff 00000000"
	  "00000000 00000000 ffffffff 00000000 ffffffff" },
	{ { .opcode = OP_R2T, .final = true, LUN8, ITT, TTT, NUMBERS,
	    .r2t_sn = 0xb1b2b3b4, .buffer_offset = 0xe1e2e3e4,
	    .desired_data_transfer_length = 0xf1f2f3f4 },
	  "31800000 00000000 01020304 05060708 11121314 21222324 31323334"
	  "41424344 51525354 b1b2b3b4 e1e2e3e4 f1f2f3f4",
	  "c07fffff 00000000 00000000 00000000 00000000 00000000 00000000"
	  "00000000 00000000 00000000 00000000 00000000" },
	{ { .opcode = OP_ASYNC_MESSAGE, .final = true, COMMON, LUN8,
	    .initiator_task_tag = TAG_NONE, NUMBERS,
	    .async_event = ASYNC_TASK_TERMINATION, .async_vcode = 0xb2,
	    .parameter1 = 0xb3b4, .parameter2 = 0xe1e2,
	    .parameter3 = 0xe3e4 },
	  "32800000 00010203 01020304 05060708 ffffffff 00000000 31323334"
	  "41424344 51525354 05b2b3b4 e1e2e3e4 00000000",
	  "c07fffff 00000000 00000000 00000000 00000000 ffffffff 00000000"
	  "00000000 00000000 00000000 00000000 ffffffff" },
	{ { .opcode = OP_REJECT, .final = true, .reason = 0x55, COMMON,
	    .initiator_task_tag = TAG_NONE, NUMBERS, .data_sn = 0xb1b2b3b4 },
	  "3f805500 00010203 00000000 00000000 ffffffff 00000000 31323334"
	  "41424344 51525354 b1b2b3b4 00000000 00000000",
	  "c07f00ff 00000000 ffffffff ffffffff 00000000 ffffffff 00000000"
	  "00000000 00000000 00000000 ffffffff ffffffff" },
};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static const uint8_t opcodes[] = {
	OP_NOP_OUT, OP_SCSI_COMMAND, OP_TMF_REQUEST, OP_LOGIN_REQUEST,
	OP_TEXT_REQUEST, OP_DATA_OUT, OP_LOGOUT_REQUEST, OP_SNACK_REQUEST,
	OP_NOP_IN, OP_SCSI_RESPONSE, OP_TMF_RESPONSE, OP_LOGIN_RESPONSE,
	OP_TEXT_RESPONSE, OP_DATA_IN, OP_LOGOUT_RESPONSE, OP_R2T,
	OP_ASYNC_MESSAGE, OP_REJECT,
};

enum { OPCODES = sizeof(opcodes) };

static void
parse(const char *text, uint8_t bhs[BHS_LEN])
{
	char hex[2 * BHS_LEN + 3] = "0x";
	size_t n = 2, len = 0;

	for (const char *p = text; *p; p++)
		if (*p != ' ')
			hex[n++] = *p;
	assert_int_equal(n, 2 + 2 * BHS_LEN);
	assert_int_equal(binary_decode(bhs, BHS_LEN, &len, hex, NULL), 0);
}

/*
 * The drawings of the RFC, both ways.
 * shows: 7143-11.2.1.6-01 7143-11-01
 */
static void
test_vectors(void **state)
{
	bool seen[64] = { false };

	for (size_t i = 0; i < VECTORS; i++) {
		const struct vector *v = &vectors[i];
		uint8_t want[BHS_LEN], bhs[BHS_LEN];
		struct pdu pdu;

		parse(v->bhs, want);
		pdu_encode(&v->pdu, bhs);
		assert_memory_equal(bhs, want, BHS_LEN);
		memset(&pdu, 0xaa, sizeof(pdu));
		assert_int_equal(pdu_decode(&pdu, want, NULL), 0);
		assert_memory_equal(&pdu, &v->pdu, sizeof(pdu));
		seen[v->pdu.opcode] = true;
	}
	for (size_t i = 0; i < OPCODES; i++)
		assert_true(seen[opcodes[i]]);
}

/*
 * All that is reserved may hold anything, and each bit of a header is either
 * reserved or part of a field.
 * shows: 7143-11-03
 */
static void
test_reserved_is_ignored(void **state)
{
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t bhs[BHS_LEN], mask[BHS_LEN];
		struct pdu pdu;

		parse(vectors[i].bhs, bhs);
		parse(vectors[i].reserved, mask);
		for (size_t bit = 0; bit < 8 * BHS_LEN; bit++) {
			uint8_t b = (uint8_t)(0x80 >> bit % 8);
			bool reserved = mask[bit / 8] & b;

			bhs[bit / 8] ^= b;
			int r = pdu_decode(&pdu, bhs, NULL);
			bool same = memcmp(&pdu, &vectors[i].pdu,
					   sizeof(pdu)) == 0;
			assert_int_equal(same, reserved);
			if (reserved)
				assert_int_equal(r, 0);
			bhs[bit / 8] ^= b;
		}
		for (size_t k = 0; k < BHS_LEN; k++)
			bhs[k] |= mask[k];
		assert_int_equal(pdu_decode(&pdu, bhs, NULL), 0);
		assert_memory_equal(&pdu, &vectors[i].pdu, sizeof(pdu));
	}
}

/*
 * A record that is full of values sends those of its PDU and no other.
 * shows: 7143-11-02
 */
static void
test_reserved_is_sent_as_0(void **state)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct pdu full;
		uint8_t bhs[BHS_LEN], mask[BHS_LEN];

		/* 1 fits all fields and sets a bit of each */
		memset(&full, 1, sizeof(full));
		full.opcode = vectors[i].pdu.opcode;
		full.data_segment_length = 1;
		parse(vectors[i].reserved, mask);
		pdu_encode(&full, bhs);
		for (size_t k = 0; k < BHS_LEN; k++)
			assert_int_equal(bhs[k] & mask[k], 0);
	}
}

static uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Any header that is accepted comes back from its values. */
static void
test_round_trip(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned int good[64] = { 0 };

	for (unsigned int i = 0; i < 200000; i++) {
		uint8_t bhs[BHS_LEN], again[BHS_LEN];
		struct pdu pdu, pdu2;

		for (size_t k = 0; k < BHS_LEN; k++)
			bhs[k] = (uint8_t)(draw(&seed) >> 32);
		bhs[0] = (uint8_t)((bhs[0] & 0xc0) | opcodes[i % OPCODES]);
		bhs[1] |= 0x80;		/* where it is fixed */
		if (pdu_decode(&pdu, bhs, NULL) < 0)
			continue;
		if (pdu.opcode == OP_LOGIN_REQUEST)
			pdu.immediate = true;
		if (pdu.opcode == OP_ASYNC_MESSAGE || pdu.opcode == OP_REJECT)
			pdu.initiator_task_tag = TAG_NONE;
		pdu_encode(&pdu, again);
		assert_int_equal(pdu_decode(&pdu2, again, NULL), 0);
		assert_memory_equal(&pdu2, &pdu, sizeof(pdu));
		good[pdu.opcode]++;
	}
	for (size_t i = 0; i < OPCODES; i++)
		assert_true(good[opcodes[i]] > 50);
}

/*
 * Whatever the caller says of them, fixed bits are 1: a Login Request is
 * immediate, what has no sequence is final, what has no task has no tag.
 * shows: 7143-11.12-01 7143-11.14.1-01
 */
static void
test_fixed_bits(void **state)
{
	for (size_t i = 0; i < OPCODES; i++) {
		struct pdu pdu = { .opcode = opcodes[i] };
		uint8_t bhs[BHS_LEN];
		uint8_t op = opcodes[i];
		bool free_f = op == OP_SCSI_COMMAND || op == OP_DATA_OUT ||
			op == OP_DATA_IN || op == OP_LOGIN_REQUEST ||
			op == OP_LOGIN_RESPONSE || op == OP_TEXT_REQUEST ||
			op == OP_TEXT_RESPONSE;
		bool no_task = op == OP_ASYNC_MESSAGE || op == OP_REJECT;

		pdu_encode(&pdu, bhs);
		assert_int_equal(bhs[0], op == OP_LOGIN_REQUEST ? 0x43 : op);
		assert_int_equal(bhs[1], free_f ? 0 : 0x80);
		assert_int_equal(bhs[16], no_task ? 0xff : 0);
	}
}

/*
 * shows: 7143-11-04
 */
static void
test_reserved_values(void **state)
{
	static const struct {
		uint8_t opcode, at, shift, mask;
		const char *good;	/* the values that are not reserved */
		bool vendor;		/* and 0x80 to 0xff */
	} cases[] = {
		{ OP_SCSI_COMMAND, 1, 0, 0x07, "\0\1\2\3\4", false },
		{ OP_LOGOUT_REQUEST, 1, 0, 0x7f, "\0\1\2", false },
		{ OP_SNACK_REQUEST, 1, 0, 0x0f, "\0\1\2\3", false },
		{ OP_LOGIN_REQUEST, 1, 2, 0x0c, "\0\1\3", false },
		{ OP_LOGIN_REQUEST, 1, 0, 0x03, "\0\1\3", false },
		{ OP_LOGIN_RESPONSE, 1, 2, 0x0c, "\0\1\3", false },
		{ OP_LOGIN_RESPONSE, 1, 0, 0x03, "\0\1\3", false },
		{ OP_SCSI_RESPONSE, 2, 0, 0xff, "\0\1", true },
		{ OP_LOGOUT_RESPONSE, 2, 0, 0xff, "\0\1\2\3", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t good = 1 + strlen(cases[i].good + 1);

		for (unsigned int v = 0; v <= 255; v++) {
			uint8_t bhs[BHS_LEN] = { cases[i].opcode, 0x80 };
			bool ok = memchr(cases[i].good, (int)v, good) ||
				  (cases[i].vendor && v >= 0x80);
			struct lun_error err = { 0 };
			struct pdu pdu;

			if ((v << cases[i].shift & ~cases[i].mask) != 0)
				continue;
			bhs[cases[i].at] |= (uint8_t)(v << cases[i].shift);
			int r = pdu_decode(&pdu, bhs, &err);
			assert_int_equal(r, ok ? 0 : LUN_EPROTO);
			assert_int_equal(err.code, r);
			assert_int_equal(err.text[0] != '\0', !ok);
		}
	}

	/* 11.12.3: without T the NSG is reserved as a whole */
	uint8_t bhs[BHS_LEN] = { OP_LOGIN_RESPONSE, 0x02 };
	struct pdu pdu;
	assert_int_equal(pdu_decode(&pdu, bhs, NULL), 0);
}

/* Each of the 64 opcodes is known or refused. */
static void
test_opcodes(void **state)
{
	for (unsigned int op = 0; op < 256; op++) {
		uint8_t bhs[BHS_LEN] = { (uint8_t)op, 0x80 };
		bool known = memchr(opcodes, (int)op & 0x3f, OPCODES);
		struct lun_error err = { 0 };
		struct pdu pdu;

		assert_int_equal(pdu_decode(&pdu, bhs, &err),
				 known ? 0 : LUN_EPROTO);
		if (!known)
			assert_non_null(strstr(err.text, "opcode 0x"));
		assert_int_equal(pdu.opcode, op & 0x3f);
		assert_int_equal(pdu_name((uint8_t)op) != NULL,
				 known && op < 64);
	}
}

/*
 * shows: 7143-11.5.2-01
 */
static void
test_properties(void **state)
{
	for (size_t i = 0; i < OPCODES; i++) {
		uint8_t op = opcodes[i];
		bool target = op >= 0x20;
		bool no_data = op == OP_TMF_REQUEST || op == OP_TMF_RESPONSE ||
			op == OP_LOGOUT_REQUEST || op == OP_LOGOUT_RESPONSE ||
			op == OP_R2T || op == OP_SNACK_REQUEST;

		assert_int_equal(pdu_from_target(op), target);
		assert_int_equal(pdu_has_stat_sn(op), target);
		assert_int_equal(pdu_has_cmd_window(op), target);
		assert_int_equal(pdu_may_have_data(op), !no_data);
		assert_int_equal(pdu_may_have_ahs(op), op == OP_SCSI_COMMAND);
	}
	assert_false(pdu_has_stat_sn(0x3a));
	assert_false(pdu_has_cmd_window(0x3a));
	assert_false(pdu_may_have_data(0x3a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_reserved_is_ignored),
		cmocka_unit_test(test_reserved_is_sent_as_0),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_fixed_bits),
		cmocka_unit_test(test_reserved_values),
		cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
