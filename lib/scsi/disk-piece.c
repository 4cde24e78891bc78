/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces: the commands of requests, from the pool and back. A piece is at work
 * until its command has ended for good, retries included; what it means for
 * its request is said by the functions request_...() of disk-io.c.
 *
 * Invariants: busy counts the pieces at work and those that explain a failure
 * until it is reported; one piece exists from the start, so that there is
 * always progress.
 */
#include "scsi/disk-impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scsi/cdb.h"

/* ---------------------------------------------------------------- pool -- */

/* There is a spare piece, and it may be used. */
bool
piece_reserve(struct disk *d)
{
	if (d->busy >= d->depth)
		return false;
	if (!list_empty(&d->spare))
		return true;
	if (d->allocated == PIECES_MAX)
		return false;

	struct piece *p = calloc(1, sizeof(*p));

	if (!p)
		return false;		/* the others come back */
	p->disk = d;
	list_init(&p->delay);
	list_append(&d->spare, &p->link);
	d->allocated++;
	return true;
}

static struct piece *
piece_get(struct disk *d, struct request *r)
{
	struct piece *p = list_first(&d->spare, struct piece, link);

	list_del(&p->link);
	d->busy++;
	p->request = r;
	p->retry = (struct retry){ 0 };
	p->command.lost_at = 0;		/* of its last request */
	list_append(&r->pieces, &p->link);
	r->n_pieces++;
	return p;
}

void
piece_put(struct disk *d, struct piece *p)
{
	free(p->bounce);
	p->bounce = NULL;
	p->request = NULL;
	d->busy--;
	list_prepend(&d->spare, &p->link);	/* it is in the caches */
}

/* The piece is out of work; the caller puts it back. */
static void
piece_leave(struct piece *p)
{
	outage_since(p->request);	/* what it has met */
	list_del(&p->link);
	list_del(&p->delay);
	p->request->n_pieces--;
}

/* ------------------------------------------------------------- sending -- */

static void
set_delay_timer(struct disk *d, lun_time at)
{
	if (!timer_is_set(&d->delay) || at < d->delay.at)
		timer_set(&d->delay, at);
}

static void
piece_delay(struct disk *d, struct piece *p, lun_time at)
{
	p->at = at;
	list_append(&d->delayed, &p->delay);
	if (d->lost)
		outage_waits(d, p->request);
	if (!d->unverified)
		set_delay_timer(d, at);
}

static uint8_t *
piece_buffer(const struct piece *p)
{
	uint8_t *buffer = request_io(p->request)->buffer;

	return p->bounce ? p->bounce : buffer + p->done;
}

static bool
piece_is_fua(const struct disk *d, const struct piece *p)
{
	return request_io(p->request)->flags & LUN_FUA && d->geometry.dpo_fua;
}

static void
piece_send(struct disk *d, struct piece *p)
{
	struct command *c = &p->command;
	struct lun_io *io = request_io(p->request);
	uint32_t len = p->range.blocks * d->limits.block_size;

	c->in = NULL;
	c->out = NULL;
	c->in_len = c->out_len = 0;
	if (p->kind == PIECE_SYNC) {
		p->request->covers = d->acknowledged;
		cdb_synchronize_cache(c, d->geometry.blocks);
	} else if (io->op == LUN_READ || p->kind == PIECE_EDGE_READ) {
		cdb_read(c, p->range.lba, p->range.blocks);
		c->in = piece_buffer(p);
		c->in_len = len;
	} else {
		cdb_write(c, p->range.lba, p->range.blocks,
			  piece_is_fua(d, p));
		c->out = piece_buffer(p);
		c->out_len = len;
	}
	c->waits_since = outage_since(p->request);
	unit_submit(&d->unit, c);
}

/* Chooses what the next piece of the request is. False: no memory. */
static bool
piece_plan(struct disk *d, struct piece *p)
{
	struct request *r = p->request;
	struct lun_io *io = request_io(r);

	if (r->next == io_data_length(io)) {
		p->kind = PIECE_SYNC;
		p->range = (struct piece_range){ 0 };
		r->sync_sent = true;
		return true;
	}
	p->range = split_next(&d->limits, io->offset, io->length, r->next,
			      io->op == LUN_READ);
	p->done = r->next;
	r->next += p->range.length;
	p->kind = PIECE_DIRECT;
	if (!p->range.partial)
		return true;
	p->kind = io->op == LUN_READ ? PIECE_BOUNCE : PIECE_EDGE_READ;
	p->bounce = malloc((size_t)p->range.blocks * d->limits.block_size);
	return p->bounce;
}

/* --------------------------------------------------------- completions -- */

/* A full task set is met by half as many; then it grows slowly again. */
static void
adapt_depth(struct disk *d, const struct outcome *o)
{
	if (o->full) {
		d->depth = d->busy > 2 ? d->busy / 2 : 1;
		d->good = 0;
	} else if (o->action == ACTION_DONE && d->depth < PIECES_MAX &&
		   ++d->good > d->depth) {
		d->depth++;
		d->good = 0;
	}
}

/*
 * No answer. If the nexus is there after all (a command that was aborted since
 * it took too long), a probe finds the unit and sends the piece again; else it
 * waits for the nexus. False: not at all.
 */
static bool
piece_wait_for_nexus(struct disk *d, struct piece *p, const struct outcome *o)
{
	char text[OUTCOME_TEXT_MAX];

	disk_unanswered(d, o->code, outcome_text(text, &p->command));
	d->probe_wanted = true;
	disk_wake(d);
	p->request->outwaited = outage_is_over(d, p->request);
	if (p->request->outwaited)
		return false;
	d->retried++;
	piece_delay(d, p, d->unit.nexus->timers->now);
	return true;
}

/* Is it sent again? */
static bool
piece_retry(struct disk *d, struct piece *p, const struct outcome *o)
{
	if (request_stopping(p->request) || d->closed)
		return false;
	if (o->lost)
		return piece_wait_for_nexus(d, p, o);
	if (o->action != ACTION_RETRY && o->action != ACTION_WAIT)
		return false;

	lun_time at = retry_at(&p->retry, d->unit.nexus, o->action,
			       d->options.patience);

	if (at == TIME_NEVER)
		return false;
	if (at <= d->unit.nexus->timers->now && !d->unverified)
		piece_send(d, p);
	else
		piece_delay(d, p, at);
	return true;
}

/* A unit that has no cache that it speaks of need not have the command. */
static bool
sync_is_needless(struct disk *d, const struct piece *p,
		 const struct outcome *o)
{
	if (p->kind != PIECE_SYNC || d->geometry.write_cache ||
	    !o->has_sense || o->sense.key != KEY_ILLEGAL_REQUEST ||
	    o->sense.asc != ASC(0x20, 0x00))
		return false;
	d->no_sync = true;
	return true;
}

/* The command did what it should. True: the piece has another one to send. */
static bool
piece_good(struct disk *d, struct piece *p)
{
	struct request *r = p->request;
	uint8_t *buffer = request_io(r)->buffer;

	switch (p->kind) {
	case PIECE_BOUNCE:
		memcpy(buffer + p->done, p->bounce + p->range.skip,
		       p->range.length);
		return false;
	case PIECE_EDGE_READ:
		if (request_stopping(r) || d->closed) {
			request_fail_canceled(r);
			return false;
		}
		memcpy(p->bounce + p->range.skip, buffer + p->done,
		       p->range.length);
		p->kind = PIECE_EDGE_WRITE;
		p->retry = (struct retry){ 0 };
		if (d->unverified)
			piece_delay(d, p, d->unit.nexus->timers->now);
		else
			piece_send(d, p);
		return true;
	case PIECE_DIRECT:
	case PIECE_EDGE_WRITE:
		if (request_io(r)->op == LUN_WRITE && !r->sync &&
		    !piece_is_fua(d, p))
			cache_written(d, r->since);
		return false;
	case PIECE_SYNC:
		cache_flushed(d, r->covers);
		if (r->again) {
			r->again = r->sync_sent = false;
			r->next = 0;
		}
		return false;
	}
	abort();
}

/* The piece stays with the request to explain it, if it is the first. */
static void
piece_bad(struct disk *d, struct piece *p, const struct outcome *o)
{
	struct request *r = p->request;

	if (r->cancelled || (d->closed && o->action != ACTION_FAIL))
		request_fail_canceled(r);
	if (request_io(r)->code == 0) {
		request_fail(r, o->code, o->error, NULL);
		r->failed = p;
		piece_leave(p);
		return;
	}
	piece_leave(p);
	piece_put(d, p);
}

static void
piece_done(struct command *c)
{
	struct piece *p = c->user;
	struct disk *d = p->disk;
	struct request *r = p->request;
	struct outcome o;

	if (p->kind == PIECE_SYNC)
		outcome_of(&o, c);
	else
		outcome_of_blocks(&o, c);
	disk_note_effects(d, &o, c);
	adapt_depth(d, &o);
	if (!o.lost)
		outage_answered(d);
	d->unsure |= c->out_len > 0 && c->result < 0 &&
	    c->result != LUN_ECANCELED;
	if (piece_retry(d, p, &o))
		return;
	if (o.action == ACTION_DONE || sync_is_needless(d, p, &o)) {
		if (piece_good(d, p))
			return;
		piece_leave(p);
		piece_put(d, p);
	} else {
		piece_bad(d, p, &o);
	}
	request_step(d, r);
	disk_pump(d);
	disk_report(d);
}

void
piece_drop(struct disk *d, struct piece *p, int code, int error,
	   const char *why)
{
	struct request *r = p->request;

	request_fail(r, code, error, why);
	piece_leave(p);
	piece_put(d, p);
}

void
pieces_start_anew(struct disk *d)
{
	struct piece *p;

	list_for_each(p, &d->delayed, struct piece, delay)
		p->retry = (struct retry){ 0 };
}

void
pieces_resend(struct disk *d, lun_time now)
{
	struct list due = LIST_INIT(due);
	struct piece *p;

	if (d->unverified)
		return;
	list_splice(&due, &d->delayed);
	list_for_each(p, &due, struct piece, delay) {
		struct request *r = p->request;

		list_del(&p->delay);
		if (request_stopping(r)) {
			piece_drop(d, p, LUN_ECANCELED, ECANCELED, "cancelled");
			request_step(d, r);
		} else if (p->at <= now) {
			piece_send(d, p);
		} else {
			piece_delay(d, p, p->at);
		}
	}
}

bool
piece_start(struct disk *d, struct request *r)
{
	struct piece *p = piece_get(d, r);

	p->command.done = piece_done;
	p->command.user = p;
	if (piece_plan(d, p)) {
		piece_send(d, p);
		return true;
	}
	piece_leave(p);
	piece_put(d, p);
	return false;
}
