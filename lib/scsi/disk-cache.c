/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the unit has acknowledged but may still hold in a volatile cache, and
 * what to do if that cache was lost: nobody but us would tell, so the next
 * flush fails (a flush that is done without error would be a lie).
 *
 * What loses it is a loss of power. The unit says so by a unit attention
 * 29h/01h or 29h/04h, or by 29h/00h, which may stand for any kind of reset
 * (SAM-5 6.2). Of what real targets say: tgt says 29h/00h after each login, and
 * in all sessions after a LOGICAL UNIT RESET, whoever asked for that; istgt only
 * to the first command since it was started. So 29h/00h, also in the middle of a
 * session, counts only if there is another sign of a restart: that nobody listened
 * at the portal for a while, or, at recovery level 2, that the target did not know
 * a session any more which was to go on. An I_T nexus loss (29h/07h) and a reset
 * of the unit (29h/03h), by ourselves or by others, do not lose a cache.
 *
 * Of several sessions with a unit each knows what it has written and flushed
 * itself, but with istgt only one is told of the restart. So a flush after the
 * nexus was lost leaves a doubt, if writes that were not flushed are older than
 * that loss; it is over when the signs that all the others have seen since then
 * are known, see lun_io.doubt.
 *
 * A unit attention is told once. If the first probe of a nexus has no answer, it
 * may have been in what was lost, so that counts as 29h/00h.
 *
 * A write with LUN_FUA that a flush has to follow, as the unit has no FUA, has no
 * part in that: its data is at hand until it is done, so if the nexus was lost
 * before, all of it is written again, whoever is told of a restart. It fails if
 * the power failed and the nexus did not: a unit that says so again and again
 * would be written to for ever.
 *
 * A restart without any of these signs stays unnoticed.
 */
#include "scsi/disk-impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define MAY_BE_LOST \
	"writes that were not flushed may be lost, as the target was restarted"

static bool
has_cache(const struct disk *d)
{
	const struct geometry *g = &d->geometry;

	return !d->no_sync && (!g->cache_known || g->write_cache);
}

void
cache_written(struct disk *d, lun_time submitted)
{
	if (submitted > d->alive_at)
		d->alive_at = submitted;
	if (has_cache(d))
		d->acknowledged++;
}

void
cache_flushed(struct disk *d, uint64_t acknowledged)
{
	if (acknowledged > d->flushed)
		d->flushed = acknowledged;
}

bool
disk_is_dirty(const struct disk *d)
{
	return d->acknowledged > d->flushed;
}

const char *
cache_gone_text(const struct disk *d, char text[CACHE_GONE_MAX])
{
	uint64_t n = d->acknowledged - d->flushed;

	*text = '\0';
	if (n > 0)
		snprintf(text, CACHE_GONE_MAX, ": %" PRIu64 " %s not flushed and "
			 "may be lost", n, n == 1 ? "write was" : "writes were");
	return text;
}

void
cache_lose_write(struct disk *d, const char *why)
{
	d->lost_write = why;
	d->info.lost_writes = ++d->lost_writes;
}

/* Was some of it acknowledged, and a flush is still to follow? */
static bool
is_unfinished(const struct request *r)
{
	const struct piece *p;
	size_t out = 0;

	list_for_each(p, &r->pieces, const struct piece, link)
		out += p->range.length;
	return r->sync && r->next > out;
}

/* But what an outage has met, too, is made again anyway. */
static void
fail_unfinished(struct disk *d)
{
	struct request *r;

	list_for_each(r, &d->writes, struct request, order)
		if (is_unfinished(r) && !r->again)
			request_fail(r, LUN_EREFUSED, EIO, MAY_BE_LOST);
}

/* The power of the unit failed: what it held is gone. */
static void
cache_lost(struct disk *d)
{
	char text[100];

	fail_unfinished(d);
	if (!disk_is_dirty(d))
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " writes were not flushed yet "
		 "and may be lost: the next flush fails",
		 d->acknowledged - d->flushed);
	disk_log(d, LUN_LOG_ERROR, "the target was restarted: ", text);
	d->flushed = d->acknowledged;
	d->doubt = 0;
	cache_lose_write(d, MAY_BE_LOST);
}

void
cache_note_effects(struct disk *d, unsigned effects)
{
	lun_time now = d->unit.nexus->timers->now;

	if (effects & EFFECT_POWER_ON)
		d->signs.power_on_at = now;
	if (effects & EFFECT_RESET)
		d->signs.reset_at = now;
	if ((effects & EFFECT_POWER_ON) ||
	    ((effects & EFFECT_RESET) && d->maybe_restarted))
		cache_lost(d);
}

void
disk_maybe_restarted(struct disk *d, lun_time at)
{
	d->maybe_restarted = true;
	d->signs.absent_at = at;
}

/* A doubt that is there already is older. */
void
cache_nexus_lost(struct disk *d)
{
	struct request *r;

	list_for_each(r, &d->writes, struct request, order)
		r->again |= is_unfinished(r);
	if (disk_is_dirty(d) && d->doubt == 0)
		d->doubt = d->alive_at;
}

/* What is answered from now on was sent in this nexus. */
void
cache_nexus_back(struct disk *d)
{
	d->unheard = true;
	d->alive_at = d->unit.nexus->timers->now;
}

const struct lun_signs *
disk_signs(struct disk *d)
{
	d->signs.away = d->lost;
	d->signs.dirty = disk_is_dirty(d) || d->lost_write;
	d->signs.coming = d->lost && probe_running(&d->probe);
	return &d->signs;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

bool
lun_signs_tell_restart(const struct lun_signs *all, size_t n, int64_t since)
{
	struct lun_signs last = { 0 };

	for (size_t i = 0; i < n; i++) {
		last.power_on_at = later(last.power_on_at, all[i].power_on_at);
		last.reset_at = later(last.reset_at, all[i].reset_at);
		last.absent_at = later(last.absent_at, all[i].absent_at);
	}
	return last.power_on_at >= since ||
	       (last.reset_at >= since && last.absent_at >= since);
}
