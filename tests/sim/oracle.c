/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See oracle.h. Each cell has a chain of versions, the newest first. Moments
 * are values of world.seq, which is advanced by all that is observed here.
 */
#include "oracle.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "plan.h"
#include "plant.h"

enum {
	CELLS_MAX = DISK_MAX / CELL,
	WORDS = CELL / sizeof(uint64_t),
	NONE = 0,			/* no version; the first one is 1 */
	INITIAL = 1,			/* the id of what is there at first */
	FIRST_ID = 2,
	IDS_MAX = FIRST_ID + OPS_MAX + 64,	/* and what the end asks */
};

struct version {
	uint32_t id;			/* of the write; or INITIAL */
	uint32_t older;			/* a version of this cell, or NONE */
	uint64_t since;
	bool by_crash;
};

struct op {
	enum lun_op op;
	unsigned flags;
	uint32_t first, cells;
	uint64_t submitted, done;	/* done: 0 until it is */
	bool ok;
};

static struct oracle {
	uint32_t n_cells;
	uint32_t newest[CELLS_MAX];	/* versions */
	uint64_t durable[CELLS_MAX];	/* since of the version that is */
	struct version *versions;	/* kept for the next run */
	uint32_t n_versions, size;
	struct op ops[IDS_MAX];
	uint32_t n_ids;
	uint64_t known_since;		/* submission of the last that succeeded */
	int known_group;		/* in which it did; -1: in none yet */
	uint64_t crashed;
} oracle;

/* -------------------------------------------------------------- patterns -- */

static uint64_t
mix(uint32_t id, uint32_t cell)
{
	struct rng r = { (uint64_t)id << 32 | cell };

	return rng_next(&r);
}

static void
fill(uint8_t *p, uint32_t id, uint32_t cell)
{
	uint64_t words[WORDS], m = mix(id, cell);

	words[0] = (uint64_t)id << 32 | cell;
	for (size_t i = 1; i < WORDS; i++)
		words[i] = m * (2 * i + 1);
	memcpy(p, words, CELL);
}

/* The id of what is in this cell; 0: nothing that was written there. */
static uint32_t
id_of(const uint8_t *p, uint32_t cell)
{
	uint8_t right[CELL];
	uint64_t word;
	uint32_t id;

	memcpy(&word, p, sizeof(word));
	id = (uint32_t)(word >> 32);
	fill(right, id, cell);
	return memcmp(p, right, CELL) == 0 && id < oracle.n_ids ? id : 0;
}

/* -------------------------------------------------------------- versions -- */

static void
push(uint32_t cell, uint32_t id, bool by_crash)
{
	if (oracle.n_versions >= oracle.size) {
		uint32_t size = oracle.size ? 2 * oracle.size : 32768;
		struct version *v = sim_alloc(size * sizeof(*v));

		if (oracle.versions)
			memcpy(v, oracle.versions, oracle.size * sizeof(*v));
		sim_free(oracle.versions);
		oracle.versions = v;
		oracle.size = size;
	}
	oracle.versions[oracle.n_versions] = (struct version){
		id, oracle.newest[cell], world.seq, by_crash,
	};
	oracle.newest[cell] = oracle.n_versions++;
}

static const struct version *
newest(uint32_t cell)
{
	return &oracle.versions[oracle.newest[cell]];
}

static const struct version *
older(const struct version *v)
{
	return v->older == NONE ? NULL : &oracle.versions[v->older];
}

/* Did the cell hold this at some moment since then? */
static const struct version *
held(uint32_t cell, uint32_t id, uint64_t since)
{
	const struct version *v = newest(cell);

	for (; v; v = older(v)) {
		if (v->id == id)
			return v;
		if (v->since <= since)
			return NULL;	/* what is older was gone by then */
	}
	return NULL;
}

/* Did a crash take what was there? */
static bool
taken(uint32_t cell, const struct version *v)
{
	const struct version *next = newest(cell);

	if (next == v)
		return false;
	while (older(next) != v)
		next = older(next);
	return next->by_crash;
}

/* -------------------------------------------------------------- requests -- */

static const char *
name_of(const struct op *op)
{
	return op->op == LUN_READ ? "read" : op->op == LUN_FLUSH ? "flush" :
	    op->flags & LUN_FUA ? "write FUA" : "write";
}

uint32_t
oracle_submit(struct lun_io *io)
{
	uint32_t id = oracle.n_ids++;
	struct op *op = &oracle.ops[id];
	uint8_t *buffer = io->buffer;

	assert(id < IDS_MAX);
	*op = (struct op){
		.op = io->op, .flags = io->flags,
		.first = (uint32_t)(io->offset / CELL),
		.cells = (uint32_t)(io->length / CELL),
		.submitted = ++world.seq,
	};
	for (uint32_t i = 0; io->op == LUN_WRITE && i < op->cells; i++)
		fill(buffer + i * CELL, id, op->first + i);
	say("#%u: %s %" PRIu64 " + %zu", id, name_of(op), io->offset,
	    io->length);
	return id;
}

static void
check_read(uint32_t id, const struct op *op, const uint8_t *buffer)
{
	bool stale = plant_strikes(PLANT_STALE_READ, 10);

	for (uint32_t i = 0; i < op->cells; i++) {
		uint32_t cell = op->first + i;
		uint32_t got = stale ? INITIAL : id_of(buffer + i * CELL, cell);

		if (got == 0)
			broken("#%u: cell %u: these bytes were never there",
			       id, cell);
		if (!held(cell, got, op->submitted))
			broken("#%u: cell %u: has what #%u wrote, but that was "
			       "not there any more, or not yet; #%u is", id,
			       cell, got, newest(cell)->id);
	}
}

static void
check_write(uint32_t id, const struct op *op)
{
	for (uint32_t i = 0; i < op->cells; i++) {
		uint32_t cell = op->first + i;
		const struct version *v = held(cell, id, op->submitted);

		if (!v)
			broken("#%u: cell %u: done, but it has not landed; #%u "
			       "is there", id, cell, newest(cell)->id);
		if (op->flags & LUN_FUA &&
		    (oracle.durable[cell] < v->since || taken(cell, v)))
			broken("#%u: cell %u: done with FUA, but it is not on "
			       "the medium", id, cell);
	}
}

/* The newest version of a write that was acknowledged before then. */
static const struct version *
acknowledged(uint32_t cell, uint64_t before)
{
	const struct version *v = newest(cell);

	for (; v && !v->by_crash; v = older(v)) {
		const struct op *w = &oracle.ops[v->id];

		if (w->ok && w->done < before && w->done > oracle.crashed)
			return v;
	}
	return NULL;
}

static void
check_flush(uint32_t id, const struct op *op)
{
	for (uint32_t cell = 0; cell < oracle.n_cells; cell++) {
		const struct version *v = acknowledged(cell, op->submitted);

		if (v && oracle.durable[cell] < v->since)
			broken("#%u: cell %u: flushed, but what #%u wrote is "
			       "not on the medium", id, cell, v->id);
	}
}

void
oracle_done(uint32_t id, const struct lun_io *io, int group)
{
	struct op *op = &oracle.ops[id];

	say("#%u: done: %d (%d) %s", id, io->code, io->error, io->text);
	if (op->done)
		broken("#%u: done twice", id);
	if ((io->code == 0) != (io->error == 0))
		broken("#%u: code %d, errno %d", id, io->code, io->error);
	op->done = ++world.seq;
	op->ok = io->code == 0;
	if (!op->ok)
		return;
	if (op->submitted > oracle.known_since)
		oracle.known_since = op->submitted;
	if (group >= 0)
		oracle.known_group = group;
	switch (op->op) {
	case LUN_READ:
		check_read(id, op, io->buffer);
		break;
	case LUN_WRITE:
		check_write(id, op);
		break;
	case LUN_FLUSH:
		check_flush(id, op);
		break;
	}
}

/* ---------------------------------------------------------- the medium -- */

/* A block that was read before a crash and is written back after it has what
 * the crash took away from the block's other cells. */
static bool
restored(uint32_t cell, uint32_t id)
{
	const struct version *v = newest(cell);

	if (!v->by_crash)
		return false;
	while (v->by_crash)
		v = older(v);
	return v->id == id;
}

static void
check_landing(uint32_t cell, uint32_t id, uint32_t was)
{
	const struct op *op = &oracle.ops[id];

	if (id == 0)
		broken("cell %u: bytes land that nobody wrote there", cell);
	if (id != 0 && (restored(cell, id) ||
			host_writes_late(oracle.known_group)))
		return;
	if (id == INITIAL || (op->done && op->ok))
		broken("cell %u: stale: what #%u wrote lands again over #%u",
		       cell, id, was);
	if (op->done && op->done < oracle.known_since)
		broken("cell %u: stale: #%u has failed and lands over #%u when "
		       "it was thought to be over", cell, id, was);
}

/* A block that is read, changed and written back lands with neighbours that
 * are as they were: these are no landings. */
void
oracle_landed(const uint8_t *medium, uint64_t offset, uint64_t len)
{
	uint32_t cell = (uint32_t)(offset / CELL);
	uint32_t end = (uint32_t)((offset + len) / CELL);

	world.seq++;
	for (; cell < end; cell++) {
		uint32_t id = id_of(medium + cell * (size_t)CELL, cell);
		uint32_t was = newest(cell)->id;

		if (id == was)
			continue;
		check_landing(cell, id, was);
		push(cell, id, false);
	}
}

void
oracle_undo(uint8_t *medium, uint64_t offset, uint64_t len)
{
	uint32_t cell = (uint32_t)(offset / CELL);
	uint32_t end = (uint32_t)((offset + len) / CELL);

	for (; cell < end; cell++)
		fill(medium + cell * (size_t)CELL, newest(cell)->id, cell);
}

void
oracle_flushed(uint64_t offset, uint64_t len)
{
	uint32_t cell = (uint32_t)(offset / CELL);
	uint32_t end = (uint32_t)((offset + len) / CELL);

	for (; cell < end; cell++)
		oracle.durable[cell] = newest(cell)->since;
}

void
oracle_crashed(const uint8_t *medium, uint64_t offset, uint64_t len)
{
	uint32_t cell = (uint32_t)(offset / CELL);
	uint32_t end = (uint32_t)((offset + len) / CELL);

	oracle.crashed = ++world.seq;
	for (; cell < end; cell++) {
		push(cell, id_of(medium + cell * (size_t)CELL, cell), true);
		oracle.durable[cell] = world.seq;
	}
}

void
oracle_begin(uint8_t *bytes, size_t size)
{
	struct version *versions = oracle.versions;
	uint32_t room = oracle.size;

	memset(&oracle, 0, sizeof(oracle));
	oracle.versions = versions;
	oracle.size = room;
	oracle.n_versions = 1;		/* NONE */
	oracle.n_ids = FIRST_ID;
	oracle.known_group = -1;
	oracle.n_cells = (uint32_t)(size / CELL);
	for (uint32_t i = 0; i < oracle.n_cells; i++) {
		fill(bytes + (size_t)i * CELL, INITIAL, i);
		push(i, INITIAL, false);
	}
}

