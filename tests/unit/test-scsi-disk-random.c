/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk under many requests at once, against a shadow copy. Requests in
 * flight never share bytes (else what is right would be open) but often share
 * blocks, which is where read-modify-write can go wrong. Commands run and
 * complete in any order and fail by chance; bytes of a write that failed are
 * unknown until they are written again.
 */
#include "fake-unit.h"

#include "scsi/disk.h"

enum {
	WINDOW_BLOCKS	= 48,
	IN_FLIGHT_MAX	= 24,
	OPERATIONS	= 400,
};

struct run {
	struct fake fake;
	struct disk *disk;
	uint64_t base;			/* of the window, bytes */
	uint8_t *shadow;
	bool *known;
	size_t in_flight, done, failed;
	struct op *ops[IN_FLIGHT_MAX];
};

struct op {
	struct lun_io io;
	struct run *run;
	size_t slot, at;		/* in the window */
	unsigned done;
	uint8_t *expected;		/* of a read: the shadow at submission */
	bool *expected_known;
};

/* As when the nexus comes back: the owner asks for another look. */
static void
probed(void *user, struct disk *d, int code, const char *text, bool changed)
{
	if (code == LUN_ELOST)
		disk_probe(d);
}

static void
inventory_changed(void *user, struct disk *d)
{
}

static const struct disk_ops disk_ops = { probed, inventory_changed };

static void
check_read(struct op *op)
{
	const uint8_t *got = op->io.buffer;

	for (size_t i = 0; i < op->io.length; i++)
		if (op->expected_known[i] && got[i] != op->expected[i])
			fail_msg("byte %zu of %zu at %zu", i, op->io.length,
				 op->at);
}

static void
check_fua(struct op *op)
{
	assert_memory_equal(op->run->fake.durable + op->at, op->io.buffer,
			    op->io.length);
}

static void
op_done(struct lun_io *io)
{
	struct op *op = io->user;
	struct run *run = op->run;

	assert_int_equal(op->done++, 0);
	assert_int_equal(io->code == 0, io->error == 0);
	assert_int_equal(io->code == 0, io->text[0] == '\0');
	if (io->code == 0 && io->op == LUN_READ)
		check_read(op);
	if (io->code == 0 && io->op == LUN_WRITE && io->flags & LUN_FUA)
		check_fua(op);
	for (size_t i = 0; io->op == LUN_WRITE && i < io->length; i++)
		run->known[op->at + i] = io->code == 0;
	run->failed += io->code != 0;
	run->done++;
	run->in_flight--;
	run->ops[op->slot] = NULL;
	free(op->expected);
	free(op->expected_known);
	free(io->buffer);
	free(op);
}

static bool
shares_bytes(const struct run *run, const struct op *op)
{
	for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
		const struct op *o = run->ops[i];

		if (!o || (o->io.op == LUN_READ && op->io.op == LUN_READ))
			continue;
		if (o->at < op->at + op->io.length &&
		    op->at < o->at + o->io.length)
			return true;
	}
	return false;
}

/* A length that is short, about a block, or long; sometimes aligned. */
static void
choose_range(struct run *run, struct op *op)
{
	struct fake *f = &run->fake;
	uint32_t bs = f->block_size;
	uint32_t max = (const uint32_t[]){ 40, 2 * bs, 14 * bs }
			[fake_random(f, 3)];
	size_t length = 1 + fake_random(f, max);
	size_t at = fake_random(f, (uint32_t)(f->window_len - length));

	if (fake_random(f, 3) == 0) {
		at -= at % bs;
		length += bs - length % bs;
		if (at + length > f->window_len)
			at -= bs;
	}
	op->at = at;
	op->io.offset = run->base + at;
	op->io.length = length;
}

static void
prepare(struct run *run, struct op *op)
{
	size_t length = op->io.length;
	uint8_t *buffer = malloc(length + 1);

	assert_non_null(buffer);
	op->io.buffer = buffer;
	if (op->io.op == LUN_WRITE) {
		uint8_t byte = (uint8_t)fake_random(&run->fake, 256);

		for (size_t i = 0; i < length; i++)
			buffer[i] = byte = (uint8_t)(byte * 5 + 1);
		memcpy(run->shadow + op->at, buffer, length);
	} else if (op->io.op == LUN_READ) {
		memset(buffer, 0xee, length);
		op->expected = malloc(length);
		op->expected_known = malloc(length * sizeof(bool));
		assert_non_null(op->expected);
		assert_non_null(op->expected_known);
		memcpy(op->expected, run->shadow + op->at, length);
		memcpy(op->expected_known, run->known + op->at,
		       length * sizeof(bool));
	}
}

static void
submit_one(struct run *run)
{
	struct fake *f = &run->fake;
	struct op *op = calloc(1, sizeof(*op));
	uint32_t kind = fake_random(f, 20);

	assert_non_null(op);
	op->run = run;
	op->io.op = kind == 0 ? LUN_FLUSH : kind < 9 ? LUN_READ : LUN_WRITE;
	op->io.flags = op->io.op == LUN_WRITE && fake_random(f, 5) == 0 ?
		       LUN_FUA : 0;
	if (op->io.op != LUN_FLUSH)
		choose_range(run, op);
	if (shares_bytes(run, op)) {
		free(op);
		return;
	}
	while (run->ops[op->slot])
		op->slot++;
	run->ops[op->slot] = op;
	run->in_flight++;
	op->io.done = op_done;
	op->io.user = op;
	prepare(run, op);
	disk_submit(run->disk, &op->io);
	assert_int_equal(op->done, 0);
}

static void
cancel_one(struct run *run)
{
	struct op *op = run->ops[fake_random(&run->fake, IN_FLIGHT_MAX)];

	if (op) {
		disk_cancel(run->disk, &op->io);
		assert_int_equal(op->done, 0);
	}
}

static void
check_window(const struct run *run)
{
	for (size_t i = 0; i < run->fake.window_len; i++)
		if (run->known[i] && run->fake.data[i] != run->shadow[i])
			fail_msg("byte %zu on the disk", i);
}

struct setup {
	uint32_t block_size;
	uint64_t window;
	unsigned cancels;		/* 1/1000 of the steps */
	unsigned faults[FAULT_COUNT];
};

static void
run_setup(const struct setup *s, uint64_t seed, bool wce, bool dpo_fua,
	  bool ride_out)
{
	struct disk_options options = {
		.patience = 3600 * TIME_S,
		.outage = ride_out ? TIME_NEVER : 0,
	};
	struct run run = { .base = s->window * s->block_size };
	struct fake *f = &run.fake;

	fake_init(f, seed, s->window + WINDOW_BLOCKS, s->block_size, s->window,
		  WINDOW_BLOCKS);
	f->wce = wce;
	f->dpo_fua = dpo_fua;
	f->max_transfer = 5;
	run.shadow = calloc(1, f->window_len);
	run.known = malloc(f->window_len * sizeof(bool));
	assert_non_null(run.shadow);
	assert_non_null(run.known);
	memset(run.known, 1, f->window_len * sizeof(bool));
	assert_int_equal(disk_new(&run.disk, &f->nexus, 0, &options, &disk_ops,
				  NULL), 0);
	disk_probe(run.disk);
	fake_run(f);
	assert_int_equal(disk_info(run.disk)->state, LUN_DISK_READY);
	memcpy(f->faults, s->faults, sizeof(f->faults));

	while (run.done < OPERATIONS) {
		if (run.in_flight < IN_FLIGHT_MAX && fake_random(f, 4) != 0)
			submit_one(&run);
		if (fake_random(f, 1000) < s->cancels)
			cancel_one(&run);
		for (uint32_t n = fake_random(f, 6); n > 0; n--)
			fake_advance(f);
	}
	fake_run(f);
	assert_int_equal(run.in_flight, 0);
	assert_int_equal(disk_requests(run.disk), 0);
	check_window(&run);
	/* Without faults that are final, nothing fails: what had no answer is
	 * sent again, also if it had been executed. */
	if (s->cancels == 0 && s->faults[FAULT_MEDIUM] == 0 &&
	    s->faults[FAULT_SHORT] == 0 &&
	    (ride_out || s->faults[FAULT_LOST] == 0))
		assert_int_equal(run.failed, 0);
	else
		assert_true(run.failed > 0);
	if (ride_out && s->faults[FAULT_LOST] >= 20)
		assert_true(disk_retried(run.disk) > 0);
	disk_free(run.disk);
	fake_deinit(f);
	free(run.shadow);
	free(run.known);
}

static const struct setup setups[] = {
	{ 512, 0, 0, { 0 } },
	{ 512, UINT64_C(0x100000000) - 20, 0, { 0 } },	/* across 2 TiB */
	{ 4096, UINT64_C(0x1000000000), 0, { 0 } },
	{ 520, 77, 0, { 0 } },
	{ 512, 0, 0, { 20, 20, 20, 20, 0, 0, 0, 0 } },
	{ 1024, 3, 0, { 200, 100, 0, 10, 0, 0, 0, 0 } },
	{ 2048, UINT64_C(0x200000000), 0, { 0, 0, 60, 60, 0, 0, 0, 0 } },
	{ 4096, 0, 0, { 5, 5, 5, 5, 0, 0, 0, 0 } },
	{ 8192, 0, 10, { 10, 10, 10, 10, 10, 10, 10, 10 } },
	{ 512, 0, 30, { 0, 0, 0, 0, 10, 10, 10, 10 } },
	{ 512, UINT64_C(0x100000000) - 20, 30, { 5, 5, 5, 5, 50, 5, 5, 5 } },
	{ 65536, 0, 0, { 10, 10, 10, 10, 0, 0, 0, 0 } },
	{ 512, 0, 0, { 0, 0, 0, 0, 0, 0, 30, 30 } },
	{ 4096, 5, 0, { 5, 5, 5, 5, 0, 0, 20, 20 } },
};

static void
test_against_shadow(void **state)
{
	for (size_t i = 0; i < sizeof(setups) / sizeof(*setups); i++)
		for (unsigned seed = 0; seed < 8; seed++)
			run_setup(&setups[i], 1000 * i + seed, seed & 1,
				  seed & 2, seed & 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
