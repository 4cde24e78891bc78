/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REPORT LUNS: growing lists, strange lists, no list. */
#include "fake-unit.h"

#include "scsi/luns.h"

static uint64_t list[20000];
static size_t list_n;
static uint32_t list_len;		/* what the header says */

static bool
answer_list(struct fake *f, struct command *c)
{
	static uint8_t buf[8 + sizeof(list)];

	assert_int_equal(c->cdb[0], REPORT_LUNS);
	assert_int_equal(c->lun, 0);
	assert_int_equal(get32(c->cdb + 6), c->in_len);
	put32(buf, list_len);
	for (size_t i = 0; i < list_n; i++)
		put64(buf + 8 + 8 * i, list[i]);
	return fake_data(c, buf, 8 + 8 * list_n);
}

static unsigned dones;

static void
luns_done(struct luns *l)
{
	dones++;
}

static void
ask(struct luns *l, struct fake *f)
{
	dones = 0;
	luns_start(l);
	assert_int_equal(dones, 0);
	fake_run(f);
	assert_int_equal(dones, 1);
	assert_false(luns_running(l));
}

static void
world_init(struct fake *f, struct luns *l)
{
	fake_init(f, 1, 100, 512, 0, 0);
	f->answer = answer_list;
	assert_int_equal(luns_init(l, &f->nexus, 5 * TIME_S, luns_done, NULL),
			 0);
}

static void
world_deinit(struct fake *f, struct luns *l)
{
	luns_deinit(l);
	fake_deinit(f);
}

/* A list that is longer than the buffer is asked for again, as a whole, up to
 * the limit. */
/* shows: 7143-11.4.5.3-01 */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 1000, 16384, 20000 };
	struct luns l;
	struct fake f;

	world_init(&f, &l);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = sizes[i];

		for (size_t k = 0; k < n; k++)
			list[k] = (uint64_t)(n - k) << 32;
		list_n = n;
		list_len = (uint32_t)(8 * n);
		ask(&l, &f);
		assert_int_equal(l.code, 0);
		assert_int_equal(l.n, n < LUNS_MAX ? n : LUNS_MAX);
		for (size_t k = 1; k < l.n; k++)
			assert_true(l.lun[k - 1] < l.lun[k]);
	}
	world_deinit(&f, &l);
}

/* All addressing methods stay as they are; well-known units are left out, and
 * so are duplicates. */
static void
test_methods(void **state)
{
	static const uint64_t sorted[] = {
		0, 0x0001000000000000, 0x0102030405060708, 0x4100000000000000,
		0xd200010203000000,
	};
	struct luns l;
	struct fake f;

	world_init(&f, &l);
	list[0] = sorted[4];
	list[1] = 0xc101000000000000;		/* REPORT LUNS */
	list[2] = sorted[3];
	list[3] = sorted[0];
	list[4] = sorted[2];
	list[5] = sorted[3];
	list[6] = sorted[1];
	list_n = 7;
	list_len = 56;
	ask(&l, &f);
	assert_int_equal(l.n, 5);
	assert_memory_equal(l.lun, sorted, sizeof(sorted));
	world_deinit(&f, &l);
}

/* Lengths that lie: it ends, and nothing is read that did not come. */
static void
test_lies(void **state)
{
	static const uint32_t lens[] = { 0, 1, 7, 9, 17, 4096, 0x10000000,
					 0xffffffff };
	struct luns l;
	struct fake f;

	world_init(&f, &l);
	for (size_t k = 0; k < 4; k++)
		list[k] = (uint64_t)k << 48;
	list_n = 4;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		list_len = lens[i];
		ask(&l, &f);
		assert_int_equal(l.code, 0);
		assert_int_equal(l.n, lens[i] / 8 < 4 ? lens[i] / 8 : 4);
	}
	world_deinit(&f, &l);
}

static bool
answer_no(struct fake *f, struct command *c)
{
	return fake_sense(c, KEY_ILLEGAL_REQUEST, ASC(0x20, 0));
}

static bool
answer_error(struct fake *f, struct command *c)
{
	return fake_sense(c, KEY_HARDWARE_ERROR, ASC(0x44, 0));
}

static bool
answer_nothing(struct fake *f, struct command *c)
{
	return fake_data(c, list, 0);
}

static bool
answer_attention_first(struct fake *f, struct command *c)
{
	if (f->submitted < 3)
		return fake_sense(c, KEY_UNIT_ATTENTION, ASC(0x29, 0));
	return answer_list(f, c);
}

static void
test_answers(void **state)
{
	struct luns l;
	struct fake f;

	world_init(&f, &l);
	f.answer = answer_no;			/* then there is LUN 0 */
	ask(&l, &f);
	assert_int_equal(l.code, 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.lun[0], 0);
	f.answer = answer_error;
	ask(&l, &f);
	assert_int_equal(l.code, LUN_EREFUSED);
	assert_non_null(strstr(l.text, "HARDWARE ERROR"));
	assert_int_equal(l.n, 0);
	f.answer = answer_nothing;
	ask(&l, &f);
	assert_int_equal(l.code, LUN_EPROTO);
	f.faults[FAULT_LOST] = 1000;
	ask(&l, &f);
	assert_int_equal(l.code, LUN_ELOST);
	f.faults[FAULT_LOST] = 0;
	list_n = 1;
	list_len = 8;
	list[0] = 5;
	f.submitted = 0;
	f.answer = answer_attention_first;
	ask(&l, &f);
	assert_int_equal(l.code, 0);
	assert_int_equal(l.n, 1);
	dones = 0;
	luns_start(&l);
	luns_cancel(&l);
	fake_run(&f);
	assert_int_equal(dones, 1);
	assert_int_equal(l.code, LUN_ECANCELED);
	world_deinit(&f, &l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
