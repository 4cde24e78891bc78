/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The unit behind a disk: when it is probed, what becomes of its information,
 * and what the owner is told. Requests: disk-io.c.
 */
#include "scsi/disk-impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scsi/errno.h"
#include "wire/lun.h"

#define CLOSED "ended with the session, before it was done"

enum { MAX_TRANSFER = 1024 * 1024 };	/* the default, bytes */

static const struct {
	const char *name;
	int code, error;		/* of a request in this state */
} states[] = {
	[LUN_DISK_PROBING]	= { "probing", LUN_ENOTFOUND, ENXIO },
	[LUN_DISK_READY]	= { "ready", 0, 0 },
	[LUN_DISK_NOT_READY]	= { "not ready", LUN_EREFUSED, ENOMEDIUM },
	[LUN_DISK_UNSUPPORTED]	= { "unsupported", LUN_EREFUSED, ENXIO },
	[LUN_DISK_GONE]		= { "gone", LUN_EIDENTITY, ESTALE },
};

const char *
disk_why_not(const struct disk *d, int *code, int *error)
{
	enum lun_disk_state state = d->geometry.state;

	if (d->closed) {
		*code = LUN_ECANCELED;
		*error = errno_of_code(LUN_ECANCELED);
		return CLOSED;
	}
	if (d->given_up) {
		*code = d->lost_code;
		*error = errno_of_code(d->lost_code);
		return d->over_text;
	}
	if (state == LUN_DISK_READY)
		return NULL;
	*code = states[state].code;
	*error = states[state].error;
	return d->geometry.text[0] ? d->geometry.text : states[state].name;
}

void
disk_wake(struct disk *d)
{
	lun_time now = d->unit.nexus->timers->now;

	if (!timer_is_set(&d->ready) || d->ready.at > now)
		timer_set(&d->ready, now);
}

void
disk_log(struct disk *d, enum lun_log_level level, const char *what,
	 const char *text)
{
	char lun[LUN_TEXT_MAX];

	if (env_logs(d->unit.nexus->env, level))
		env_log(d->unit.nexus->env, level, "%s: LUN %s: %s%s",
			d->unit.nexus->label, lun_print(d->unit.lun, lun),
			what, text);
}

static void
note(struct disk *d, unsigned effects, const char *text)
{
	if (effects & EFFECT_LOST_WRITE) {
		cache_lose_write(d, "the unit reported that an earlier write "
				    "failed");
		disk_log(d, LUN_LOG_ERROR, "an earlier write has failed: ",
			 text);
	}
	cache_note_effects(d, effects);
	if (effects & EFFECT_INVENTORY)
		d->inventory_changed = true;
	if (effects)
		disk_wake(d);
}

void
disk_note_effects(struct disk *d, const struct outcome *o,
		  const struct command *c)
{
	char text[OUTCOME_TEXT_MAX];

	if (!o->effects)
		return;
	if (o->effects & EFFECT_PROBE) {
		d->unverified = d->probe_wanted = true;
		disk_log(d, LUN_LOG_INFO, "is looked at again: ",
			 outcome_text(text, c));
	}
	note(d, o->effects, outcome_text(text, c));
}

/* -------------------------------------------------------- information -- */

static uint32_t
in_bytes(uint64_t blocks, uint32_t block_size)
{
	uint64_t bytes = blocks * block_size;

	return bytes <= UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

void
disk_update_info(struct disk *d)
{
	const struct geometry *g = &d->geometry;
	struct lun_disk_info *info = &d->info;

	*info = (struct lun_disk_info){
		.lun = d->unit.lun,
		.state = g->state,
		.state_name = states[g->state].name,
		.text = g->text,
		.size = g->blocks * g->block_size,
		.block_size = g->block_size,
		.physical_block_size = g->physical_block_size,
		.optimal_transfer = in_bytes(g->limits.optimal_transfer,
					     g->block_size),
		.read_only = g->write_protected || d->options.read_only,
		.thin = g->thin,
		.write_cache = g->write_cache,
		.lost_writes = d->lost_writes,
		.n_designators = g->designators.n,
		.designators = (const char *const *)g->designators.text,
	};
	if (d->lost && g->state == LUN_DISK_READY) {
		info->waiting = !d->given_up;
		info->lost = d->given_up;
		info->state_name = d->given_up ? "lost" : "waiting";
		info->text = d->given_up ? d->over_text : d->lost_text;
	}
	memcpy(info->vendor, g->inquiry.vendor, sizeof(info->vendor));
	memcpy(info->product, g->inquiry.product, sizeof(info->product));
	memcpy(info->revision, g->inquiry.revision, sizeof(info->revision));
	memcpy(info->serial, g->serial, sizeof(info->serial));
	if (g->block_size == 0)
		return;
	d->limits = limits_of(g->block_size, g->limits.max_transfer,
			      d->options.max_transfer);
	info->max_transfer = in_bytes(d->limits.max_blocks, g->block_size);
}

static void
become_gone(struct disk *d, const char *text)
{
	struct geometry *g = &d->geometry;
	char lost[CACHE_GONE_MAX];

	if (g->state == LUN_DISK_GONE && strcmp(g->text, text) == 0)
		return;			/* told already */
	g->state = LUN_DISK_GONE;
	snprintf(g->text, sizeof(g->text), "%s", text);
	disk_update_info(d);
	disk_log(d, LUN_LOG_ERROR, text, cache_gone_text(d, lost));
}

bool
disk_was_ready(const struct disk *d)
{
	return d->geometry.block_size > 0;
}

/*
 * What there is now does not take the place of what was known: it is another
 * unit; or it is not ready, and what is known of it is needed to compare it
 * when it comes back. True if that is news.
 */
static bool
keep_geometry(struct disk *d, const struct geometry *now, const char *another)
{
	bool news = d->geometry.state != now->state;

	if (another) {
		news = d->geometry.state != LUN_DISK_GONE;
		become_gone(d, another);
	} else if (d->geometry.state != LUN_DISK_GONE) {
		d->geometry.state = now->state;
		memcpy(d->geometry.text, now->text, sizeof(now->text));
		disk_update_info(d);
	} else {
		news = false;
	}
	return news;
}

/* A probe has found something; true if that is news. */
static bool
take_geometry(struct disk *d)
{
	struct geometry *now = &d->probe.geometry;
	bool known = d->probed && disk_was_ready(d);
	bool gone = known && d->geometry.state == LUN_DISK_GONE;
	struct lun_error err = { 0 };

	/* Once it was another unit, it never becomes the old one: what was
	 * cached of it may be wrong. Nothing was if it never was ready. */
	if (gone && !d->options.returns)
		return false;
	if (known && now->state != LUN_DISK_READY)
		return keep_geometry(d, now, NULL);
	if (known && geometry_same_unit(&d->geometry, now, !d->lost, &err) < 0)
		return keep_geometry(d, now, err.text);
	if (gone)
		disk_log(d, LUN_LOG_WARNING, "",
			 "the logical unit that it was is back");

	bool news = !d->probed || !geometry_equal(&d->geometry, now);

	geometry_move(&d->geometry, now);
	d->no_sync = false;
	disk_update_info(d);
	return news;
}

/* -------------------------------------------------------------- probes -- */

/* Without a nexus the owner asks for the next probe. Else nobody would: one that
 * had no answer may have been lost alone, say by the reset of the unit that
 * ended another command. */
static void
look_later(struct disk *d, lun_time pause)
{
	if (!d->away && !timer_is_set(&d->again))
		timer_set(&d->again, time_add(d->unit.nexus->timers->now, pause));
}

/* The first look had no answer: it is still being probed. */
static void
still_unknown(struct disk *d, const char *text)
{
	snprintf(d->geometry.text, sizeof(d->geometry.text), "%s", text);
	disk_update_info(d);
	look_later(d, DISK_PROBE_AGAIN);
}

uint64_t
disk_retried(const struct disk *d)
{
	return d->retried;
}

static void
look_for_return(struct disk *d)
{
	if (d->options.returns && d->geometry.state == LUN_DISK_GONE &&
	    disk_was_ready(d))
		look_later(d, DISK_RETURN_AGAIN);
}

static void
probe_done(struct probe *p)
{
	struct disk *d = p->user;
	bool news = false;

	d->probed_at = d->unit.nexus->timers->now;
	if (d->closed)
		return;
	if (d->unheard && outcome_is_loss(p->code))
		p->effects |= EFFECT_RESET;	/* what it said then is lost */
	note(d, p->effects & ~(unsigned)EFFECT_PROBE, "found by a probe");
	if (p->code == 0 && d->probe_void) {
		p->code = LUN_ELOST;
		snprintf(p->text, sizeof(p->text),
			 "the connection was lost while it was looked at");
	}
	/* What was known before is not thrown away for less. */
	if (p->code == 0 && p->incomplete && d->geometry.block_size > 0)
		p->code = LUN_EPROTO;
	/* A target that comes back may be there before its units are: no unit,
	 * or one that is not ready, is part of the outage. */
	if (p->code == 0 && d->lost && d->geometry.state == LUN_DISK_READY &&
	    p->geometry.state != LUN_DISK_READY) {
		p->code = LUN_ENOTFOUND;
		snprintf(p->text, sizeof(p->text), "%.150s; it is waited for",
			 p->geometry.text);
	}
	if (p->code == 0) {
		d->maybe_restarted = d->unheard = false;
		news = take_geometry(d);
		d->probed = true;
		outage_ends(d);
		disk_update_info(d);
		disk_resume(d);
	} else if (d->lost || (d->unverified && outcome_is_loss(p->code))) {
		disk_unanswered(d, p->code, p->text);
		look_later(d, DISK_PROBE_AGAIN);
	} else if (!d->probed) {
		still_unknown(d, p->text);
	} else if (d->unverified) {
		/* Nothing may be sent to what is unknown. */
		disk_fail_waiting(d, TIME_NEVER, p->code, errno_of_code(p->code),
				  "what the unit is now could not be found"
				  " out");
	}
	look_for_return(d);
	d->ops->probed(d->user, d, p->code, p->text, news);
	disk_report(d);
}

static void
look(struct disk *d)
{
	timer_clear(&d->again);
	if (probe_running(&d->probe) || d->closed)
		return;
	d->probe_void = false;
	probe_start(&d->probe);
}

static void
again_fired(struct timer *t, lun_time now)
{
	look(container_of(t, struct disk, again));
}

void
disk_probe(struct disk *d)
{
	if (d->away)
		cache_nexus_back(d);
	d->away = false;
	look(d);
}

static void
ready_fired(struct timer *t, lun_time now)
{
	struct disk *d = container_of(t, struct disk, ready);

	if (d->probe_wanted) {
		d->probe_wanted = false;
		look(d);
	}
	if (d->inventory_changed) {
		d->inventory_changed = false;
		d->ops->inventory_changed(d->user, d);
	}
	disk_report(d);
}

/* ------------------------------------------------------------ lifetime -- */

static void
disk_freep(struct disk **d)
{
	disk_free(*d);
}

int
disk_new(struct disk **out, struct nexus *nexus, uint64_t lun,
	 const struct disk_options *options, const struct disk_ops *ops,
	 void *user)
{
	_cleanup_(disk_freep) struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return LUN_ENOMEM;
	d->options = *options;
	if (d->options.max_transfer == 0)
		d->options.max_transfer = MAX_TRANSFER;
	d->ops = ops;
	d->user = user;
	d->geometry.state = LUN_DISK_PROBING;
	list_init(&d->all);
	list_init(&d->waiting);
	list_init(&d->writes);
	list_init(&d->ended);
	list_init(&d->spare);
	list_init(&d->delayed);
	if (unit_init(&d->unit, nexus, lun, options->read_only) < 0 ||
	    probe_init(&d->probe, &d->unit, options->patience, probe_done,
		       d) < 0 ||
	    timer_init(&d->ready, nexus->timers, ready_fired) < 0 ||
	    outage_init(d) < 0 ||
	    timer_init(&d->again, nexus->timers, again_fired) < 0 ||
	    disk_io_init(d) < 0)
		return LUN_ENOMEM;
	disk_update_info(d);
	*out = take(d);
	return 0;
}

struct disk *
disk_free(struct disk *d)
{
	if (!d)
		return NULL;
	assert(d->requests == 0);
	assert(d->busy == 0);
	disk_io_deinit(d);
	timer_deinit(&d->ready);
	timer_deinit(&d->outage);
	timer_deinit(&d->again);
	probe_deinit(&d->probe);
	unit_deinit(&d->unit);
	geometry_deinit(&d->geometry);
	free(d);
	return NULL;
}

void
disk_gone(struct disk *d, const char *text)
{
	if (d->geometry.state != LUN_DISK_GONE)
		become_gone(d, text);
	d->probed = true;
	disk_fail_waiting(d, TIME_NEVER, LUN_EIDENTITY, errno_of_code(LUN_EIDENTITY),
			  d->geometry.text);
	disk_wake(d);
}

void
disk_close(struct disk *d)
{
	if (d->closed)
		return;
	d->closed = true;
	timer_clear(&d->outage);
	timer_clear(&d->again);
	probe_cancel(&d->probe);
	disk_fail_waiting(d, TIME_NEVER, LUN_ECANCELED, errno_of_code(LUN_ECANCELED),
			  CLOSED);
	disk_report(d);
}

const struct lun_disk_info *
disk_info(const struct disk *d)
{
	return &d->info;
}
