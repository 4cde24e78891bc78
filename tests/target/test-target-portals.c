/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target with portals of two portal groups: a session is of one of them (RFC
 * 7143 4.4.3, 6.3.5, 7.4.2.1).
 */
#include <stdio.h>

#include "drive.h"

#define SAME "127.0.0.1:3261"		/* as that of the drive */
#define OTHER "127.0.0.1:3262"

enum { TAG = 7, NO_SESSION = 0x020a, LBA = 64 };

#define KEYS "MaxConnections=4"

static struct drive *
begin(void)
{
	static const char *const keys[] = { KEYS, NULL };
	struct drive *d = drive_new(keys);
	struct lun_error err;

	assert_int_equal(target_add_portal(drive_target(d), SAME, -1, &err), 0);
	assert_int_equal(target_add_portal(drive_target(d), OTHER, TAG, &err), 0);
	return d;
}

static unsigned
try(struct drive *d, const char *portal, uint16_t cid, uint16_t tsih)
{
	struct link *l;

	drive_portal(d, portal);
	return link_try(d, &l, cid, tsih, tsih ? "" : KEYS, 0);
}

static void
test_a_session_is_joined_in_its_own_group_only(void **state)
{
	struct drive *d = begin();
	struct link *l = link_new(d, 0, 0, KEYS);

	assert_int_equal(try(d, SAME, 1, link_tsih(l)), 0);
	assert_int_equal(try(d, OTHER, 2, link_tsih(l)), NO_SESSION);
	drive_portal(d, OTHER);

	struct link *other = link_new(d, 0, 0, KEYS);

	assert_int_not_equal(link_tsih(other), link_tsih(l));
	assert_int_equal(try(d, OTHER, 1, link_tsih(other)), 0);
	assert_int_equal(try(d, SAME, 2, link_tsih(other)), NO_SESSION);
	drive_free(d);
}

static void
test_a_session_is_reinstated_in_its_own_group_only(void **state)
{
	struct drive *d = begin();
	struct link *l = link_new(d, 0, 0, KEYS);

	assert_int_equal(try(d, OTHER, 0, 0), 0);
	assert_false(link_is_dead(l));
	assert_int_equal(try(d, SAME, 0, 0), 0);
	assert_true(link_is_dead(l));
	drive_free(d);
}

/* What was sent in one group is ended by a reset in another. */
static void
test_a_reset_ends_the_tasks_of_all_groups(void **state)
{
	static const uint8_t data[2 * BLOCK];
	struct drive *d = begin();
	uint32_t sn = drive_cmd_sn(d);
	struct link *l = link_new(d, 0, 0, KEYS), *other;
	const struct got *g;

	link_write(l, 10, LBA, 2, NULL, 0, true);
	g = link_expect(l, OP_R2T);

	struct pdu out = {
		.opcode = OP_DATA_OUT, .final = true, .initiator_task_tag = 10,
		.target_transfer_tag = g->pdu.target_transfer_tag,
	};

	drive_portal(d, OTHER);
	other = link_new(d, 0, 0, KEYS);
	link_tmf(other, 50, TMF_LOGICAL_UNIT_RESET, TAG_NONE, 0);
	assert_int_equal(link_expect(other, OP_TMF_RESPONSE)->pdu.response,
			 TMF_COMPLETE);
	link_send(l, &out, data, sizeof(data));
	assert_int_equal(drive_disk(d)[LBA * BLOCK], drive_byte(LBA * BLOCK));
	assert_true(drive_cmd_sn(d) > sn);
	drive_free(d);
}

static void
test_send_targets_tells_the_groups(void **state)
{
	struct drive *d = begin();
	struct link *l = link_new(d, 0, 0, KEYS);
	struct pdu text = {
		.opcode = OP_TEXT_REQUEST, .final = true, .immediate = true,
		.initiator_task_tag = 20, .target_transfer_tag = TAG_NONE,
	};
	const struct got *g;
	char expected[200];
	int n;

	link_send(l, &text, "SendTargets=", sizeof("SendTargets="));
	g = link_expect(l, OP_TEXT_RESPONSE);
	n = snprintf(expected, sizeof(expected), "TargetName=%s%c"
		     "TargetAddress=" DRIVE_PORTAL ",1%c"
		     "TargetAddress=" SAME ",1%cTargetAddress=" OTHER ",%d",
		     "iqn.2026-01.net.lunfs:disk", 0, 0, 0, TAG) + 1;
	assert_int_equal(g->pdu.data_segment_length, n);
	assert_memory_equal(g->data, expected, (size_t)n);
	drive_free(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_session_is_joined_in_its_own_group_only),
		cmocka_unit_test(test_a_session_is_reinstated_in_its_own_group_only),
		cmocka_unit_test(test_a_reset_ends_the_tasks_of_all_groups),
		cmocka_unit_test(test_send_targets_tells_the_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
