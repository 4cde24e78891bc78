/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a probe makes of units of all kinds, and of nonsense. */
#include "fake-unit.h"

#include "scsi/probe.h"

struct world {
	struct fake fake;
	struct unit unit;
	struct probe probe;
};

static unsigned dones;

static void
probe_done(struct probe *p)
{
	dones++;
}

static void
world_init(struct world *w, uint64_t seed, uint64_t blocks, uint32_t size)
{
	fake_init(&w->fake, seed, blocks, size, 0, 0);
	assert_int_equal(unit_init(&w->unit, &w->fake.nexus, 5, true), 0);
	assert_int_equal(probe_init(&w->probe, &w->unit, 10 * TIME_S,
				    probe_done, NULL), 0);
}

static const struct geometry *
look(struct world *w)
{
	dones = 0;
	probe_start(&w->probe);
	assert_int_equal(dones, 0);
	fake_run(&w->fake);
	assert_int_equal(dones, 1);
	assert_false(probe_running(&w->probe));
	return &w->probe.geometry;
}

static void
world_deinit(struct world *w)
{
	probe_deinit(&w->probe);
	unit_deinit(&w->unit);
	fake_deinit(&w->fake);
}

static void
test_disk(void **state)
{
	struct world w;

	world_init(&w, 1, 1000, 512);
	w.fake.max_transfer = 128;
	w.fake.wce = w.fake.dpo_fua = w.fake.write_protect = true;
	const struct geometry *g = look(&w);
	assert_int_equal(w.probe.code, 0);
	assert_false(w.probe.incomplete);
	assert_int_equal(g->state, LUN_DISK_READY);
	assert_string_equal(g->inquiry.vendor, "LUNFS");
	assert_string_equal(g->inquiry.product, "FAKE DISK");
	assert_string_equal(g->serial, "SN-42");
	assert_int_equal(g->designators.n, 1);
	assert_int_equal(g->blocks, 1000);
	assert_int_equal(g->block_size, 512);
	assert_int_equal(g->physical_block_size, 4096);
	assert_int_equal(g->limits.max_transfer, 128);
	assert_int_equal(g->limits.optimal_transfer, 64);
	assert_int_equal(g->rotation_rate, 1);
	assert_true(g->thin && g->cache_known && g->write_cache);
	assert_true(g->dpo_fua && g->write_protected);
	world_deinit(&w);
}

/* Capacities around what READ CAPACITY(10) can say, and around what fits. */
static void
test_capacities(void **state)
{
	static const struct {
		uint64_t blocks;
		uint32_t block_size;
		enum lun_disk_state state;
	} rows[] = {
		{ 1, 512, LUN_DISK_READY },
		{ 0xffffffff, 512, LUN_DISK_READY },
		{ 0x100000000, 512, LUN_DISK_READY },
		{ 0x100000001, 4096, LUN_DISK_READY },
		{ INT64_MAX / 512, 512, LUN_DISK_READY },
		{ INT64_MAX / 512 + 1, 512, LUN_DISK_UNSUPPORTED },
		{ UINT64_MAX, 512, LUN_DISK_UNSUPPORTED },
		{ 0, 512, LUN_DISK_UNSUPPORTED },	/* last block: 2^64 - 1 */
		{ 10, 520, LUN_DISK_READY },
		{ 10, 65536, LUN_DISK_READY },
		{ 10, 65537, LUN_DISK_UNSUPPORTED },
		{ 10, 511, LUN_DISK_UNSUPPORTED },
		{ 10, 0, LUN_DISK_UNSUPPORTED },
		{ 10, 0xffffffff, LUN_DISK_UNSUPPORTED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;

		world_init(&w, 1, rows[i].blocks, rows[i].block_size);
		const struct geometry *g = look(&w);
		assert_int_equal(w.probe.code, 0);
		assert_int_equal(g->state, rows[i].state);
		if (g->state == LUN_DISK_READY)
			assert_int_equal(g->blocks, rows[i].blocks);
		else
			assert_true(strlen(g->text) > 0);
		world_deinit(&w);
	}
}

/* ------------------------------------------------- units that differ ---- */

static uint8_t no_opcode;		/* this command is not known */
static uint8_t inquiry_0;		/* qualifier and type */

static bool
answer_no_opcode(struct fake *f, struct command *c)
{
	return c->cdb[0] == no_opcode &&
	       fake_sense(c, KEY_ILLEGAL_REQUEST, ASC(0x20, 0));
}

static bool
answer_inquiry(struct fake *f, struct command *c)
{
	uint8_t buf[36] = { inquiry_0, 0, 5, 2, 31 };

	return c->cdb[0] == INQUIRY && !(c->cdb[1] & 1) &&
	       fake_data(c, buf, sizeof(buf));
}

static void
test_without_a_command(void **state)
{
	static const struct {
		uint8_t opcode;
		uint64_t blocks;
		enum lun_disk_state state;
	} rows[] = {
		{ MODE_SENSE_6, 10, LUN_DISK_READY },
		{ SERVICE_ACTION_IN_16, 10, LUN_DISK_READY },
		{ SERVICE_ACTION_IN_16, 0x100000001, LUN_DISK_UNSUPPORTED },
		{ READ_CAPACITY_10, 10, LUN_DISK_NOT_READY },
		{ TEST_UNIT_READY, 10, LUN_DISK_NOT_READY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;

		world_init(&w, 1, rows[i].blocks, 512);
		w.fake.answer = answer_no_opcode;
		no_opcode = rows[i].opcode;
		assert_int_equal(look(&w)->state, rows[i].state);
		assert_false(w.probe.incomplete);
		world_deinit(&w);
	}
}

/* All 256 values of the first byte of INQUIRY data. */
static void
test_types(void **state)
{
	for (unsigned i = 0; i < 256; i++) {
		struct world w;
		enum lun_disk_state want = LUN_DISK_UNSUPPORTED;
		unsigned type = i & 0x1f, qualifier = i >> 5;

		if (type == 0 || type == 5 || type == 7 || type == 0x0e)
			want = LUN_DISK_READY;
		if (qualifier != 0)
			want = LUN_DISK_NOT_READY;
		if (type == 0x1f || qualifier == 3)
			want = LUN_DISK_GONE;
		world_init(&w, 1, 10, 2048);
		w.fake.answer = answer_inquiry;
		inquiry_0 = (uint8_t)i;
		const struct geometry *g = look(&w);
		assert_int_equal(g->state, want);
		if (want == LUN_DISK_READY)
			assert_int_equal(g->write_protected, type == 5);
		world_deinit(&w);
	}
}

static bool
answer_few_pages(struct fake *f, struct command *c)
{
	static const uint8_t page[] = { 0, 0, 0, 2, 0x00, 0x83 };

	if (c->cdb[0] != INQUIRY || !(c->cdb[1] & 1))
		return false;
	assert_true(c->cdb[2] == 0x00 || c->cdb[2] == 0x83);
	return c->cdb[2] == 0 && fake_data(c, page, sizeof(page));
}

/* No page is asked for that the unit does not list. */
static void
test_pages_listed(void **state)
{
	struct world w;

	world_init(&w, 1, 10, 512);
	w.fake.answer = answer_few_pages;
	assert_int_equal(look(&w)->state, LUN_DISK_READY);
	assert_int_equal(w.probe.geometry.designators.n, 1);
	assert_string_equal(w.probe.geometry.serial, "");
	world_deinit(&w);
}

/* Each command is first met by three unit attentions, then by BUSY. */
static bool
answer_reluctant(struct fake *f, struct command *c)
{
	if (f->submitted % 5 == 0)
		return false;
	if (f->submitted % 5 == 4)
		c->status = SCSI_BUSY;
	else
		fake_sense(c, KEY_UNIT_ATTENTION, ASC(0x3f, 0x0e));
	return true;
}

static void
test_attentions(void **state)
{
	struct world w;

	world_init(&w, 1, 10, 512);
	w.fake.answer = answer_reluctant;
	assert_int_equal(look(&w)->state, LUN_DISK_READY);
	assert_false(w.probe.incomplete);
	assert_true(w.probe.effects & EFFECT_INVENTORY);
	world_deinit(&w);
}

static size_t fail_at;

static bool
answer_lost(struct fake *f, struct command *c)
{
	if (f->submitted != fail_at)
		return false;
	c->result = LUN_ETIMEDOUT;
	return true;
}

/* The n-th command gets no answer: the probe has none either. */
static void
test_no_answer(void **state)
{
	for (fail_at = 1; ; fail_at++) {
		struct world w;

		world_init(&w, 1, 10, 512);
		w.fake.answer = answer_lost;
		look(&w);
		bool all = w.fake.submitted < fail_at;
		assert_int_equal(w.probe.code, all ? 0 : LUN_ETIMEDOUT);
		assert_int_equal(strlen(w.probe.text) == 0, all);
		world_deinit(&w);
		if (all)
			break;
	}
	assert_true(fail_at > 10);
}

static bool
answer_noise(struct fake *f, struct command *c)
{
	uint8_t buf[5000];
	size_t len = fake_random(f, fake_random(f, 2) ? 64 : sizeof(buf));

	if (fake_random(f, 3) == 0)
		return false;
	fake_env_random(f, buf, sizeof(buf));
	if (fake_random(f, 2))
		buf[0] = 0;
	if (c->cdb[0] == INQUIRY && c->cdb[1] & 1 && fake_random(f, 4))
		buf[1] = c->cdb[2];
	return fake_data(c, buf, len);
}

/* Random answers: it ends, and what is ready can be used. */
static void
test_noise(void **state)
{
	for (unsigned seed = 0; seed < 5000; seed++) {
		struct world w;

		world_init(&w, seed, 10, 512);
		w.fake.answer = answer_noise;
		const struct geometry *g = look(&w);
		assert_true(w.fake.submitted < 40);
		if (g->state == LUN_DISK_READY) {
			assert_true(g->block_size >= 512);
			assert_true(g->block_size <= BLOCK_SIZE_MAX);
			assert_true(g->blocks > 0);
			assert_true(g->blocks <=
				    (uint64_t)INT64_MAX / g->block_size);
		} else {
			assert_true(strlen(g->text) > 0);
		}
		world_deinit(&w);
	}
}

/* ----------------------------------------------------------- identity --- */

static struct geometry
named(const char *a, const char *b, const char *serial, uint64_t blocks)
{
	struct geometry g = {
		.state = LUN_DISK_READY, .blocks = blocks, .block_size = 512,
	};

	if (a)
		g.designators.text[g.designators.n++] = strdup(a);
	if (b)
		g.designators.text[g.designators.n++] = strdup(b);
	strcpy(g.serial, serial);
	return g;
}

static void
test_same_unit(void **state)
{
	static const struct {
		const char *a, *b, *serial;
		uint64_t blocks;
		const char *a2, *b2, *serial2;
		uint64_t blocks2;
		bool may_shrink, same;
	} rows[] = {
		{ "naa.1", "t10.x", "s", 10, "t10.x", "naa.1", "s", 10, false, true },
		{ "naa.1", "t10.x", "s", 10, "naa.2", "t10.x", "s", 10, false, false },
		{ "naa.1", "t10.x", "", 10, "naa.1", "t10.y", "", 10, false, false },
		{ "naa.1", "naa.2", "", 10, "naa.2", "naa.3", "", 10, false, true },
		{ "naa.1", NULL, "s", 10, "eui.1", NULL, "s", 10, false, true },
		{ "naa.1", NULL, "s", 10, "eui.1", NULL, "t", 10, false, false },
		{ "naa.1", NULL, "s", 10, "naa.1", NULL, "t", 10, false, false },
		{ "naa.1", NULL, "", 10, NULL, NULL, "", 10, false, false },
		{ NULL, NULL, "s", 10, NULL, NULL, "", 10, false, false },
		{ NULL, NULL, "s", 10, NULL, NULL, "s", 10, false, true },
		{ NULL, NULL, "", 10, NULL, NULL, "", 10, false, true },
		{ NULL, NULL, "", 10, NULL, NULL, "", 11, true, false },
		{ "naa.1", NULL, "", 10, "naa.1", NULL, "", 11, false, true },
		{ "naa.1", NULL, "", 10, "naa.1", NULL, "", 9, false, false },
		{ "naa.1", NULL, "", 10, "naa.1", NULL, "", 9, true, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct geometry was = named(rows[i].a, rows[i].b,
					    rows[i].serial, rows[i].blocks);
		struct geometry now = named(rows[i].a2, rows[i].b2,
					    rows[i].serial2, rows[i].blocks2);
		struct lun_error err = { 0 };
		int r = geometry_same_unit(&was, &now, rows[i].may_shrink,
					   &err);

		assert_int_equal(r, rows[i].same ? 0 : LUN_EIDENTITY);
		assert_int_equal(strlen(err.text) == 0, rows[i].same);
		now.block_size = 4096;
		assert_int_equal(geometry_same_unit(&was, &now, true, &err),
				 LUN_EIDENTITY);
		geometry_deinit(&was);
		geometry_deinit(&now);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_capacities),
		cmocka_unit_test(test_without_a_command),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_pages_listed),
		cmocka_unit_test(test_attentions),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_same_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
