/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The logical units of a session: which there are (REPORT LUNS), what each is
 * (probes, PROBES_MAX at a time), and when to look again. A unit that vanishes
 * keeps its struct lun_disk. What is under its number later may be another
 * unit, and has a struct lun_disk of its own; the old one is retired then: it
 * fails its requests and stays valid until the session is freed. Where there is
 * no inventory, as one LUN was asked for, there is one struct lun_disk for life:
 * another unit there is not shown, and the right one may return.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lun-session.h"
#include "scsi/asc.h"
#include "scsi/sense.h"
#include "wire/lun.h"

static void
note_change(struct lun_disk *d)
{
	struct lun_session *s = d->s;

	if (list_empty(&d->changed))
		list_append(&s->changed, &d->changed);
	loop_add_job(s->loop, &s->report);
}

/* The next probes, as many as may be; if there are none, that is the end of
 * the first look. */
static void
probe_more(struct lun_session *s)
{
	struct lun_disk *d;

	while (s->probing < PROBES_MAX &&
	       (d = list_first(&s->to_probe, struct lun_disk, to_probe))) {
		list_del(&d->to_probe);
		if (!d->probing)
			s->probing++;
		d->probing = true;
		disk_probe(d->disk);
	}
	if (s->phase == LOOKING && !disks_looking(s))
		session_looked(s);
}

static void
want_probe(struct lun_disk *d)
{
	if (list_empty(&d->to_probe))
		list_append(&d->s->to_probe, &d->to_probe);
}

static void
probed(void *user, struct disk *disk, int code, const char *text, bool changed)
{
	struct lun_disk *d = user;
	struct lun_session *s = d->s;
	char name[LUN_TEXT_MAX];

	if (d->probing)
		s->probing--;
	d->probing = false;
	if (code < 0 && s->one_lun && s->phase == LOOKING)
		lun_fail(&s->err, code, "%s: LUN %s: %s", s->setup.label,
			 lun_print(d->lun, name), text);
	else if (code < 0 && !s->lost && !d->trouble_told)
		env_log(&s->loop->env, LUN_LOG_WARNING, "%s: LUN %s: %s",
			s->setup.label, lun_print(d->lun, name), text);
	d->trouble_told = code < 0 && !s->lost;
	if (changed)
		note_change(d);
	if (s->phase <= READY)
		probe_more(s);
}

static void
look_again(struct lun_session *s)
{
	if (s->one_lun || s->phase > READY)
		return;
	s->luns_again = luns_running(&s->luns);	/* as soon as it has ended */
	if (!s->luns_again)
		luns_start(&s->luns);
}

static void
inventory_changed(void *user, struct disk *disk)
{
	struct lun_disk *d = user;

	look_again(d->s);
}

static const struct disk_ops disk_ops = {
	.probed = probed,
	.inventory_changed = inventory_changed,
};

/* ----------------------------------------------------------- inventory -- */

static struct lun_disk *
lun_disk_new(struct lun_session *s, uint64_t lun)
{
	const struct lun_options *o = &s->setup.options;
	struct disk_options options = {
		.read_only = o->read_only,
		.patience = o->timeout,
		.outage = o->outage == OUTAGE_FAIL ? 0 : o->outage_time,
		.returns = s->one_lun,
	};
	struct lun_disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->s = s;
	d->lun = lun;
	list_init(&d->to_probe);
	list_init(&d->changed);
	list_init(&d->retired);
	if (disk_new(&d->disk, recovery_nexus(s->recovery), lun, &options,
		     &disk_ops, d) < 0) {
		free(d);
		return NULL;
	}
	want_probe(d);
	return d;
}

static void
lun_disk_free(struct lun_disk *d)
{
	disk_free(d->disk);
	free(d);
}

static void
vanished(struct lun_disk *d)
{
	/* While it is being looked for, its probes say what becomes of it. */
	if (d->gone || disk_is_lost(d->disk))
		return;
	d->gone = true;
	disk_gone(d->disk, "not in the inventory of the target any more");
	note_change(d);
}

/*
 * The disk for a number that is in use (again). LUN_ENOMEM or too many of them
 * retired already: the old one, which stays gone.
 */
static int
revive(struct lun_session *s, struct lun_disk **disk)
{
	struct lun_disk *old = *disk;

	if (lun_disk_info(old)->state != LUN_DISK_GONE)
		return 0;
	if (!disk_was_ready(old->disk)) {	/* nobody has cached anything */
		old->gone = false;
		want_probe(old);
		return 0;
	}
	if (s->n_retired == RETIRED_MAX)
		return 0;

	struct lun_disk *new = lun_disk_new(s, old->lun);

	if (!new)
		return LUN_ENOMEM;
	list_del(&old->to_probe);
	list_append(&s->retired, &old->retired);
	s->n_retired++;
	*disk = new;
	return 0;
}

/*
 * Both lists ascend: what is in lun[] only is new, what is in disks only has
 * vanished. LUN_ENOMEM: some of the new ones are missing.
 */
static int
merge(struct lun_session *s, const uint64_t *lun, size_t n)
{
	struct lun_disk **all = reallocarray(NULL, s->n_disks + n + 1,
					     sizeof(struct lun_disk *));
	size_t i = 0, k = 0, count = 0;
	int r = 0;

	if (!all)
		return LUN_ENOMEM;
	while (i < s->n_disks || k < n) {
		struct lun_disk *d = i < s->n_disks ? s->disks[i] : NULL;

		if (d && (k == n || d->lun < lun[k])) {
			vanished(d);
			i++;
		} else if (d && d->lun == lun[k]) {
			if (revive(s, &d) < 0)
				r = LUN_ENOMEM;
			i++;
			k++;
		} else if (!(d = lun_disk_new(s, lun[k++]))) {
			r = LUN_ENOMEM;
			continue;
		}
		all[count++] = d;
	}
	free(s->disks);
	s->disks = all;
	s->n_disks = count;
	return r;
}

static void
reported(struct luns *l)
{
	struct lun_session *s = l->user;

	if (s->phase > READY)
		return;
	if (l->code < 0) {
		lun_fail(&s->err, l->code, "%s: %s", s->setup.label, l->text);
		if (s->phase == READY)
			env_log(&s->loop->env, LUN_LOG_WARNING, "%s",
				s->err.text);
	} else if (merge(s, l->lun, l->n) < 0) {
		lun_fail(&s->err, LUN_ENOMEM, "%s: %zu LUNs: out of memory",
			 s->setup.label, l->n);
	}
	if (s->luns_again)
		look_again(s);
	probe_more(s);
}

void
disks_look(struct lun_session *s)
{
	if (!s->one_lun) {
		luns_start(&s->luns);
		return;
	}
	if (merge(s, &s->url_lun, 1) < 0)
		lun_fail(&s->err, LUN_ENOMEM, "%s: out of memory",
			 s->setup.label);
	probe_more(s);
}

bool
disks_looking(const struct lun_session *s)
{
	return luns_running(&s->luns) || s->probing > 0 ||
		!list_empty(&s->to_probe);
}

static struct lun_disk *
find(struct lun_session *s, uint64_t lun)
{
	size_t lo = 0, hi = s->n_disks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->disks[mid]->lun == lun)
			return s->disks[mid];
		if (s->disks[mid]->lun < lun)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A unit attention that came without a command (RFC 7143 11.9.1, event 0). */
void
disks_event(struct lun_session *s, uint64_t lun, const uint8_t *sense,
	    size_t len)
{
	struct lun_disk *d = find(s, lun);
	unsigned effects = 0;
	struct sense parsed;

	if (s->phase > READY || !sense_parse(&parsed, sense, len))
		return;
	sense_action(&parsed, &effects);
	if (effects & EFFECT_INVENTORY)
		look_again(s);
	if ((effects & EFFECT_PROBE) && d && !d->gone) {
		want_probe(d);
		probe_more(s);
	}
}

/* -------------------------------------------------------------- the end -- */

size_t
disks_requests(const struct lun_session *s)
{
	const struct lun_disk *d;
	size_t n = 0;

	for (size_t i = 0; i < s->n_disks; i++)
		n += disk_requests(s->disks[i]->disk);
	list_for_each(d, &s->retired, struct lun_disk, retired)
		n += disk_requests(d->disk);
	return n;
}

static bool
is_busy(const struct disk *d)
{
	return disk_requests(d) > 0 && !disk_is_lost(d);
}

bool
disks_busy(const struct lun_session *s)
{
	const struct lun_disk *d;
	bool busy = false;

	for (size_t i = 0; i < s->n_disks; i++)
		busy |= is_busy(s->disks[i]->disk);
	list_for_each(d, &s->retired, struct lun_disk, retired)
		busy |= is_busy(d->disk);
	return busy;
}

void
disks_close(struct lun_session *s)
{
	struct lun_disk *d;

	luns_cancel(&s->luns);
	for (size_t i = 0; i < s->n_disks; i++) {
		list_del(&s->disks[i]->to_probe);
		disk_close(s->disks[i]->disk);
	}
	list_for_each(d, &s->retired, struct lun_disk, retired) {
		list_del(&d->to_probe);
		disk_close(d->disk);
	}
}

/* Has it been restarted? It takes some effort to see that if a cache may be lost
 * that one of them has not flushed. */
static void
watch_portal(struct lun_session *s)
{
	const struct session *session = recovery_session(s->recovery);
	bool dirty = false;

	for (size_t i = 0; i < s->n_disks; i++)
		dirty |= disk_is_dirty(s->disks[i]->disk);
	pump_watch(s->pump, session_portal(session), dirty);
}

void
disks_lost(struct lun_session *s, const struct lun_error *err)
{
	struct recovery_status st;

	recovery_status(s->recovery, &st);
	watch_portal(s);
	s->forgotten_at = session_is_forgotten(recovery_session(s->recovery)) ?
			  s->loop->now : 0;
	s->lost = true;
	luns_cancel(&s->luns);
	s->luns_again = false;
	for (size_t i = 0; i < s->n_disks; i++) {
		struct lun_disk *d = s->disks[i];

		list_del(&d->to_probe);
		disk_lost(d->disk, st.lost_at, err->code, err->text);
	}
}

/* Since the session was lost, or then; 0: not that it knows. */
static lun_time
absent_at(const struct lun_session *s)
{
	lun_time at = pump_refused_at(s->pump);

	return at ? at : s->forgotten_at;
}

void
disks_back(struct lun_session *s)
{
	struct lun_disk *d;

	s->lost = false;
	pump_unwatch(s->pump);
	for (size_t i = 0; i < s->n_disks && absent_at(s); i++)
		disk_maybe_restarted(s->disks[i]->disk, absent_at(s));
	for (size_t i = 0; i < s->n_disks; i++)
		want_probe(s->disks[i]);
	/* A request that was out when the nexus was lost ends with a probe. */
	list_for_each(d, &s->retired, struct lun_disk, retired)
		if (disk_requests(d->disk) > 0)
			want_probe(d);
	look_again(s);
	probe_more(s);
}

static size_t
add_unsure(const struct lun_disk *d, uint64_t *luns, size_t max, size_t n)
{
	if (!disk_is_unsure(d->disk))
		return n;
	for (size_t i = 0; i < n && i < max; i++)
		if (luns[i] == d->lun)
			return n;
	if (n < max)
		luns[n] = d->lun;
	return n + 1;
}

size_t
disks_unsure(const struct lun_session *s, uint64_t *luns, size_t max)
{
	const struct lun_disk *d;
	size_t n = 0;

	for (size_t i = 0; i < s->n_disks; i++)
		n = add_unsure(s->disks[i], luns, max, n);
	list_for_each(d, &s->retired, struct lun_disk, retired)
		n = add_unsure(d, luns, max, n);
	return n;
}

void
disks_gone(struct lun_session *s, const char *why)
{
	struct lun_disk *d;

	for (size_t i = 0; i < s->n_disks; i++) {
		disk_gone(s->disks[i]->disk, why);
		note_change(s->disks[i]);
	}
	list_for_each(d, &s->retired, struct lun_disk, retired)
		disk_gone(d->disk, why);
}

int
disks_init(struct lun_session *s)
{
	return luns_init(&s->luns, recovery_nexus(s->recovery),
			 s->setup.options.timeout, reported, s);
}

void
disks_deinit(struct lun_session *s)
{
	struct lun_disk *d;

	for (size_t i = 0; i < s->n_disks; i++)
		lun_disk_free(s->disks[i]);
	list_for_each(d, &s->retired, struct lun_disk, retired)
		lun_disk_free(d);
	free(s->disks);
	luns_deinit(&s->luns);
}

/* ------------------------------------------------------ the public ones -- */

struct lun_disk *
lun_session_disk(struct lun_session *s, size_t i)
{
	return i < s->n_disks ? s->disks[i] : NULL;
}

/* An attempt to find it again is one to log in, and then one to look at it. At
 * level 2 the session may go on as if nothing was, or hear at last that it cannot. */
struct lun_signs
lun_disk_signs(const struct lun_disk *d)
{
	struct lun_signs signs = *disk_signs(d->disk);
	struct recovery_status st;
	struct session_outage out;

	if (d->s->lost) {
		recovery_status(d->s->recovery, &st);
		if (absent_at(d->s))
			signs.absent_at = absent_at(d->s);
		signs.coming = st.next_at == TIME_NEVER;
	} else if (session_outage(recovery_session(d->s->recovery), &out)) {
		signs.away = true;
		signs.coming = out.next_at == TIME_NEVER;
	} else if (signs.away) {
		signs.coming |= !list_empty(&d->to_probe);
	}
	return signs;
}

const struct lun_disk_info *
lun_disk_info(const struct lun_disk *d)
{
	return disk_info(d->disk);
}

void
lun_disk_submit(struct lun_disk *d, struct lun_io *io)
{
	loop_now(d->s->loop);		/* reads the clock if the loop does not run */
	disk_submit(d->disk, io);
}

void
lun_io_cancel(struct lun_disk *d, struct lun_io *io)
{
	loop_now(d->s->loop);
	disk_cancel(d->disk, io);
}
