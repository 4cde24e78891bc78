/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PDUs on a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/print.h"

static void
test_lines(void **state)
{
	static const struct { struct pdu pdu; const char *line; } cases[] = {
		{ { .opcode = OP_SCSI_COMMAND, .final = true, .write = true,
		    .initiator_task_tag = 3, .cmd_sn = 7, .exp_stat_sn = 12,
		    .expected_data_transfer_length = 4096,
		    .data_segment_length = 4096, .total_ahs_length = 5,
		    .attr = ATTR_SIMPLE,
		    .cdb = { 0x2a, [8] = 8 } },
		  "SCSI Command F W itt=0x00000003 lun=0 cmd_sn=7 "
		  "exp_stat_sn=12 edtl=4096 attr=simple "
		  "cdb=2a000000000000000800 ahs=20 data=4096" },
		{ { .opcode = OP_NOP_IN, .final = true,
		    .initiator_task_tag = TAG_NONE,
		    .target_transfer_tag = 0xab, .lun = 1ull << 48,
		    .stat_sn = 1, .exp_cmd_sn = 2, .max_cmd_sn = 3 },
		  "NOP-In F itt=none ttt=0x000000ab lun=1 stat_sn=1 "
		  "exp_cmd_sn=2 max_cmd_sn=3" },
		{ { .opcode = OP_SCSI_RESPONSE, .final = true,
		    .underflow = true, .status = SCSI_BUSY,
		    .residual_count = 10 },
		  "SCSI Response F U itt=0x00000000 stat_sn=0 exp_cmd_sn=0 "
		  "max_cmd_sn=0 exp_data_sn=0 response=0 status=busy "
		  "residual=10" },
		{ { .opcode = OP_LOGIN_REQUEST, .immediate = true,
		    .csg = 0, .nsg = 2, .isid = { 0x80, 1, 2, 3, 4, 5 } },
		  "Login Request I itt=0x00000000 cmd_sn=0 exp_stat_sn=0 "
		  "csg=security nsg=2 version_max=0 version=0 "
		  "isid=800102030405 tsih=0 cid=0" },
		{ { .opcode = OP_REJECT, .final = true, .reason = 0x55,
		    .initiator_task_tag = TAG_NONE },
		  "Reject F itt=none stat_sn=0 exp_cmd_sn=0 max_cmd_sn=0 "
		  "data_sn=0 reason=85" },
		{ { .opcode = 0x3a, .stat_sn = 1 }, "opcode 0x3a" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[512];
		size_t len = strlen(cases[i].line);

		assert_string_equal(pdu_print(&cases[i].pdu, line, 512),
				    cases[i].line);
		/* each size that is too small: cut, terminated */
		for (size_t size = 1; size <= len; size++) {
			memset(line, 'x', sizeof(line));
			pdu_print(&cases[i].pdu, line, size);
			assert_int_equal(strlen(line), size - 1);
			assert_memory_equal(line, cases[i].line, size - 1);
			assert_int_equal(line[size], 'x');
		}
	}
}

/* Whatever the header holds, the line is printable ASCII. */
static void
test_any_header(void **state)
{
	uint32_t seed = 1;

	for (unsigned int i = 0; i < 64 * 500; i++) {
		uint8_t bhs[BHS_LEN];
		char line[1024];
		struct pdu pdu;

		for (size_t k = 0; k < BHS_LEN; k++) {
			seed = seed * 1664525 + 1013904223;
			bhs[k] = (uint8_t)(seed >> 24);
		}
		bhs[0] = i % 64;
		pdu_decode(&pdu, bhs, NULL);
		pdu_print(&pdu, line, sizeof(line));
		assert_in_range(strlen(line), 5, 600);
		for (const char *c = line; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_any_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
