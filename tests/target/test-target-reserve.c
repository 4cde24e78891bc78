/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Persistent reservations and the restart of a target: what it hands to the
 * owner of the disk to be kept, and what it makes of it later. (The commands
 * themselves are tested by libiscsi's suite.)
 */
#include "drive.h"
#include "t-priv.h"

static char saved[1000];

static int
save(void *user, const char *text, size_t len)
{
	assert_true(len < sizeof(saved));
	memcpy(saved, text, len);
	saved[len] = 0;
	return 0;
}

static const struct disk_ops ops = { .save = save };

/* A disk whose owner keeps things, and has kept text from the last time. */
static struct drive *
begin(const char *text)
{
	struct drive *d = drive_new(NULL);
	struct tlu *lu = target_find(drive_target(d),
				     "iqn.2026-01.net.lunfs:disk")->lus[0];
	/* the drive makes disks of one kind only */
	struct disk_config *config =
		(struct disk_config *)(uintptr_t)disk_config(lu->disk);

	config->ops = &ops;
	config->saved = text;
	reserve_init(lu);
	saved[0] = 0;
	return d;
}

static void
reserve_out(struct link *l, uint32_t itt, uint8_t action, uint8_t type,
	    uint64_t key, uint64_t new_key, bool aptpl)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .write = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = itt,
		.expected_data_transfer_length = 24,
		.cdb = { 0x5f, action, type, 0, 0, 0, 0, 0, 24 },
	};
	uint8_t list[24] = { 0 };

	put64(list, key);
	put64(list + 8, new_key);
	list[20] = aptpl;
	link_send(l, &pdu, list, sizeof(list));
	link_expect_status(l, itt, SCSI_GOOD);
}

static const struct got *
reserve_in(struct link *l, uint8_t action)
{
	struct pdu pdu = {
		.opcode = OP_SCSI_COMMAND, .final = true, .read = true,
		.attr = ATTR_SIMPLE, .initiator_task_tag = 77,
		.expected_data_transfer_length = 255,
		.cdb = { 0x5e, action, 0, 0, 0, 0, 0, 0, 255 },
	};

	link_send(l, &pdu, NULL, 0);
	return link_expect(l, OP_DATA_IN);
}

static void
test_what_is_kept(void **state)
{
	struct drive *d = begin(NULL);
	struct link *l = link_new(d, 0, 0, "InitialR2T=No");

	reserve_out(l, 1, 0, 0, 0, 0xabc, false);
	assert_string_equal(saved, "");
	reserve_out(l, 2, 0, 0, 0xabc, 0xabd, true);
	assert_string_equal(saved, "0000000000000abd 0 800102030405 "
				   INITIATOR "\n");
	reserve_out(l, 3, 1, 3, 0xabd, 0, false);
	assert_string_equal(saved, "0000000000000abd 3 800102030405 "
				   INITIATOR "\n");
	reserve_out(l, 4, 0, 0, 0xabd, 0, true);
	assert_string_equal(saved, "");
	drive_free(d);
}

static void
test_what_comes_back(void **state)
{
	static const char text[] =
		"00000000000000aa 1 80010203049a iqn.2026-01.org:other\n"
		"00000000000000bb 0 800102030405 " INITIATOR "\n";
	struct drive *d = begin(text);
	struct link *l = link_new(d, 0, 0, "InitialR2T=No");
	const uint8_t block[BLOCK] = { 'x' };
	const struct got *g;

	link_read(l, 1, 0, 1);
	link_expect_data(l, 1, 0, 0, BLOCK, 0);
	link_write(l, 2, 0, 1, block, BLOCK, true);
	link_expect_status(l, 2, SCSI_RESERVATION_CONFLICT);
	assert_int_equal(drive_disk(d)[0], drive_byte(0));
	g = reserve_in(l, 1);
	assert_int_equal(g->pdu.data_segment_length, 24);
	assert_true(get64(g->data + 8) == 0xaa);

	reserve_out(l, 3, 4, 1, 0xbb, 0xaa, false);	/* PREEMPT */
	link_write(l, 4, 0, 1, block, BLOCK, true);
	link_expect_status(l, 4, SCSI_GOOD);
	assert_string_equal(saved, "00000000000000bb 1 800102030405 "
				   INITIATOR "\n");
	drive_free(d);
}

static void
test_nothing_of_what_is_no_state(void **state)
{
	static const char text[] = "\n0 0\nxyz 1 80010203049a iqn.a\n"
				   "1 9 800102030499 iqn.b\nzz";
	struct drive *d = begin(text);
	struct link *l = link_new(d, 0, 0, "InitialR2T=No");
	const struct got *g = reserve_in(l, 0);

	assert_int_equal(get32(g->data + 4), 8);	/* iqn.b, holds nothing */
	assert_true(get64(g->data + 8) == 1);
	g = reserve_in(l, 1);
	assert_int_equal(get32(g->data + 4), 0);
	drive_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_what_comes_back),
		cmocka_unit_test(test_nothing_of_what_is_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
