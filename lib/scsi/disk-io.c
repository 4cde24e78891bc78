/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests: what they wait for, how they end, and who is told.
 *
 *	submit -> [blocked] -> waiting <-> handing out pieces -> ended -> done
 *
 * A request is cut into pieces (scsi/split.h), one command each (disk-piece.c).
 * After the first failure no more pieces are handed out, and the request ends
 * with its last piece.
 *
 * Invariants: a request that is not ended has pieces at work, or is in
 * waiting, or has a blocker; a blocked one has no pieces.
 */
#include "scsi/disk-impl.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scsi/errno.h"
#include "wire/lun.h"

/* ------------------------------------------------------------ requests -- */

void
request_fail(struct request *r, int code, int error, const char *why)
{
	struct lun_io *io = request_io(r);

	if (io->code != 0)
		return;
	io->code = code;
	io->error = error;
	r->why = why;
}

void
request_fail_canceled(struct request *r)
{
	request_fail(r, LUN_ECANCELED, errno_of_code(LUN_ECANCELED),
		     "cancelled");
}

bool
request_stopping(struct request *r)
{
	return request_io(r)->code != 0 || r->cancelled;
}

/* Is there something left to hand out, now? */
static bool
has_more(struct request *r)
{
	return r->next < io_data_length(request_io(r)) ||
	       (r->sync && !r->sync_sent && r->n_pieces == 0);
}

static void
request_end(struct disk *d, struct request *r)
{
	struct lun_io *io = request_io(r);

	assert(!r->ended);
	assert(r->n_pieces == 0);
	if (r->cancelled && has_more(r))
		request_fail_canceled(r);
	if ((io->op == LUN_FLUSH || r->sync) && io->code == 0 &&
	    d->lost_write) {
		request_fail(r, LUN_EREFUSED, EIO, d->lost_write);
		if (io->op == LUN_FLUSH)
			d->lost_write = NULL;
	}
	if (io->op == LUN_FLUSH && io->code == 0) {
		io->doubt = d->doubt;
		d->doubt = 0;
	}
	r->ended = true;
	list_del(&r->link);
	list_append(&d->ended, &r->link);
	if (!list_empty(&r->order))
		order_leave(d, r);
}

void
request_step(struct disk *d, struct request *r)
{
	if (request_stopping(r)) {
		if (r->n_pieces == 0)
			request_end(d, r);
	} else if (r->blocker || has_more(r)) {
		if (d->lost)
			outage_waits(d, r);
		if (!r->blocker && list_empty(&r->link) &&
		    r->n_pieces < PIECES_PER_REQUEST)
			list_append(&d->waiting, &r->link);
	} else if (r->n_pieces == 0) {
		request_end(d, r);
	}
}

/* Hands out one piece of a request that has more; it is in no list. */
static void
request_issue(struct disk *d, struct request *r)
{
	int code, error;
	const char *why = disk_why_not(d, &code, &error);

	if (why)
		request_fail(r, code, error, why);
	if (!request_stopping(r) && !piece_start(d, r))
		request_fail(r, LUN_ENOMEM, ENOMEM, "out of memory");
	request_step(d, r);
}

void
disk_pump(struct disk *d)
{
	struct request *r;

	while (!list_empty(&d->waiting)) {
		if (d->unverified && !d->closed && !d->given_up) {
			if (!d->lost && !probe_running(&d->probe) &&
			    !d->probe_wanted) {
				d->probe_wanted = true;
				disk_wake(d);
			}
			return;
		}
		if (!piece_reserve(d))
			return;
		r = list_first(&d->waiting, struct request, link);
		list_del(&r->link);
		request_issue(d, r);
	}
}

static void
delay_fired(struct timer *t, lun_time now)
{
	struct disk *d = container_of(t, struct disk, delay);

	pieces_resend(d, now);
	disk_pump(d);
	disk_report(d);
}

/* ------------------------------------------------------------- reports -- */

static void
set_text(struct disk *d, struct request *r)
{
	struct lun_io *io = request_io(r);
	char text[OUTCOME_TEXT_MAX];
	char over[OUTAGE_TEXT_MAX], where[60] = "";
	const struct piece *p = r->failed;

	io->text = "";
	if (io->code == 0)
		return;
	io->text = d->text;
	if (!p) {
		snprintf(d->text, sizeof(d->text), "%s", r->why);
		return;
	}
	if (p->kind != PIECE_SYNC)
		snprintf(where, sizeof(where), "block %" PRIu64 " + %" PRIu32
			 ": ", p->range.lba, p->range.blocks);
	snprintf(d->text, sizeof(d->text), "%s%s%s%s",
		 r->outwaited ? outage_text(d, over) : "",
		 r->outwaited ? ": " : "", where,
		 outcome_text(text, &p->command));
}

void
disk_report(struct disk *d)
{
	struct list ended = LIST_INIT(ended);
	struct request *r;

again:
	/* Those that end meanwhile are for the timer: a done that submits again
	 * what fails at once must not keep us here for ever. */
	list_splice(&ended, &d->ended);
	while ((r = list_first(&ended, struct request, link))) {
		list_del(&r->link);
		set_text(d, r);
		if (r->failed)
			piece_put(d, r->failed);
		list_del(&r->all);
		d->requests--;
		request_io(r)->done(request_io(r));
	}
	disk_pump(d);			/* pieces may have come back */
	if (list_empty(&d->ended))
		return;
	if (d->closed)			/* no timer may run any more */
		goto again;
	disk_wake(d);
}

void
disk_resume(struct disk *d)
{
	int code, error;
	const char *why = disk_why_not(d, &code, &error);

	if (why)
		disk_fail_waiting(d, TIME_NEVER, code, error, why);
	pieces_resend(d, d->unit.nexus->timers->now);
	disk_pump(d);
}

/* Blocked ones first: as long as there are any, others get in line when those
 * before them end. */
void
disk_fail_waiting(struct disk *d, lun_time since, int code, int error,
		  const char *why)
{
	struct piece *p;
	struct request *r;

	list_for_each(r, &d->writes, struct request, order) {
		if (!r->blocker || r->lost_at > since)
			continue;
		request_fail(r, code, error, why);
		request_step(d, r);
	}
	list_for_each(p, &d->delayed, struct piece, delay) {
		r = p->request;
		if (r->lost_at > since)
			continue;
		piece_drop(d, p, code, error, why);
		request_step(d, r);
	}
	if (list_empty(&d->delayed))
		timer_clear(&d->delay);
	list_for_each(r, &d->waiting, struct request, link) {
		if (r->lost_at > since)
			continue;
		list_del(&r->link);
		request_fail(r, code, error, why);
		request_step(d, r);
	}
}

/* -------------------------------------------------------------- public -- */

int
disk_io_init(struct disk *d)
{
	d->depth = PIECES_MAX;
	if (timer_init(&d->delay, d->unit.nexus->timers, delay_fired) < 0)
		return LUN_ENOMEM;
	return piece_reserve(d) ? 0 : LUN_ENOMEM;
}

void
disk_io_deinit(struct disk *d)
{
	struct piece *p;

	list_for_each(p, &d->spare, struct piece, link) {
		list_del(&p->link);
		free(p);
	}
	timer_deinit(&d->delay);
}

/* May it begin? Else it has failed. */
static bool
admit(struct disk *d, struct request *r)
{
	struct lun_io *io = request_io(r);
	uint64_t size = d->info.size;
	int code, error;
	const char *why = disk_why_not(d, &code, &error);

	if (why) {
		if (d->geometry.state == LUN_DISK_NOT_READY &&
		    d->unit.nexus->timers->now - d->probed_at >= DISK_PROBE_AGAIN)
			d->probe_wanted = true;
		request_fail(r, code, error, why);
		return false;
	}
	if (io->op == LUN_WRITE && d->info.read_only) {
		request_fail(r, LUN_EREFUSED, EROFS, d->options.read_only ?
			     "opened for reading only" : "write protected");
		return false;
	}
	if (io->op != LUN_FLUSH &&
	    (io->offset > size || io->length > size - io->offset)) {
		request_fail(r, LUN_EINVAL, io->op == LUN_WRITE ? ENOSPC :
			     EINVAL, "beyond the end");
		return false;
	}
	return true;
}

static bool
flush_is_sent(const struct disk *d)
{
	/* A unit that is opened for reading only has got nothing from us, and
	 * is left alone. */
	return !d->options.read_only && !d->no_sync;
}

static void
request_begin(struct disk *d, struct request *r)
{
	struct lun_io *io = request_io(r);
	const struct geometry *g = &d->geometry;

	if (io->op == LUN_FLUSH) {
		r->sync = flush_is_sent(d);
	} else if (io->op == LUN_WRITE && io->length > 0) {
		uint64_t end = io->offset + io->length;

		r->first = io->offset / g->block_size;
		r->last = (end - 1) / g->block_size;
		r->head = io->offset % g->block_size != 0;
		r->tail = end % g->block_size != 0;
		/* Without FUA in the unit, a flush has to do. */
		if (io->flags & LUN_FUA && !g->dpo_fua)
			r->sync = flush_is_sent(d) &&
				  (!g->cache_known || g->write_cache);
		order_enter(d, r);
	}
}

void
disk_submit(struct disk *d, struct lun_io *io)
{
	struct request *r = io_request(io);

	*r = (struct request){ .since = d->unit.nexus->timers->now };
	list_append(&d->all, &r->all);
	list_init(&r->link);
	list_init(&r->order);
	list_init(&r->pieces);
	io->code = 0;
	io->error = 0;
	io->text = "";
	io->doubt = 0;
	d->requests++;
	if (admit(d, r))
		request_begin(d, r);
	request_step(d, r);
	disk_pump(d);
	if (!list_empty(&d->ended) || d->probe_wanted)
		disk_wake(d);
}

void
disk_cancel(struct disk *d, struct lun_io *io)
{
	struct request *r = io_request(io);
	struct piece *p;

	if (r->ended || r->cancelled)
		return;
	r->cancelled = true;
	list_for_each(p, &r->pieces, struct piece, link) {
		if (list_empty(&p->delay))
			unit_cancel(&d->unit, &p->command);
		else
			piece_drop(d, p, LUN_ECANCELED, ECANCELED, "cancelled");
	}
	request_step(d, r);
	disk_pump(d);
	if (!list_empty(&d->ended))
		disk_wake(d);
}

size_t
disk_requests(const struct disk *d)
{
	return d->requests;
}

lun_time
disk_oldest(const struct disk *d)
{
	return list_empty(&d->all) ? TIME_NEVER :
	    container_of(d->all.next, struct request, all)->since;
}
