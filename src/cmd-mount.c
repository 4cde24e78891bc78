/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lunfs mount: from the first login to the last logout.
 *
 *	log in -> mount -> serve -> detach -> drain, flush -> log out -> exit
 *
 * Everything that the user named must work, else there is no mount: a LUN that
 * is silently missing is worse than an error. Of what discovery found (other
 * targets of a portal may want other credentials) what works is mounted, with
 * a message about the rest; but something must be.
 *
 * The end begins with a signal, or when the mount is taken away. A signal
 * detaches the mount, so that nobody finds it any more, and serves those who
 * still use it for a few seconds. Then what is in flight ends, LUNs that were
 * written are flushed, and the sessions are logged out. A second signal stops
 * serving, a third one stops waiting. If a session is lost, what is in flight
 * may never end: it is waited for a few seconds only, in which the session
 * reconnects each second, and not at all after a second signal.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "daemon.h"
#include "fail.h"
#include "fuse/fs.h"
#include "fuse/lanes.h"
#include "fuse/live.h"
#include "log.h"
#include "mounts.h"
#include "query.h"
#include "text.h"

enum {
	GRACE_STEP_MS = 500,
	GRACE_STEPS = 10,		/* at most: 5 s for those who go on */
	LOST_STEPS = 20,		/* 10 s for a session to come back */
	HASTE_STEPS = 3,		/* 1.5 s for what is under way, if hurried */
};

struct mount {
	struct opts *o;
	char *mountpoint;		/* absolute */
	bool single_file;
	int ready_fd;			/* -1: in the foreground */
	bool unannounced;		/* nobody knows that it is there */
	int code;			/* what the program returns */

	struct lun_loop *loop;
	struct survey *survey;
	struct fs *fs;

	int signal_fd;
	struct lun_watch *signal_watch;
	unsigned signals;		/* that came */
	struct lun_alarm *grace;
	unsigned grace_steps;
	uint64_t grace_received;
	struct lun_alarm *drain;
	unsigned lost_steps, haste_steps;
	bool told_away;
	bool closed, lanes_ended;	/* logged out of everything */
};

/* ------------------------------------------------------------- the end -- */

static void
end(struct mount *m, int code)
{
	m->code = code;
	survey_close(m->survey);
	if (m->fs->lanes)
		lanes_close(m->fs->lanes);
}

static void
check_closed(struct mount *m)
{
	if (m->closed && (m->lanes_ended || !m->fs->lanes))
		lun_loop_stop(m->loop);
}

static void
on_closed(void *user)
{
	struct mount *m = user;

	m->closed = true;
	check_closed(m);
}

static void
on_lanes_ended(void *user)
{
	struct mount *m = user;

	m->lanes_ended = true;
	check_closed(m);
}

static void
on_drained(void *user)
{
	struct mount *m = user;

	if (m->fs->flush_failed)
		log_say(LUN_LOG_ERROR, "%s: ends: not all that was written could "
			"be flushed, it may be lost", m->mountpoint);
	end(m, m->fs->flush_failed || m->fs->failed || m->unannounced ?
		    EXIT_FAILED : EXIT_DONE);
}

/* There is not much time left for a target to come back. */
static void
hurry(struct mount *m)
{
	survey_hurry(m->survey);
	if (m->fs->lanes)
		lanes_hurry(m->fs->lanes);
}

/* A session may be back, and its LUNs not. */
static bool
is_away(const struct mount *m)
{
	return survey_is_lost(m->survey) || intake_waits(&m->fs->main);
}

/* Something waits for it: how long may that take now? */
static void
tell_away(struct mount *m, int steps)
{
	if (m->told_away || !is_away(m))
		return;
	m->told_away = true;
	log_say(LUN_LOG_WARNING, "%s: ends, but a target is away: it is tried "
		"each second, for %d s at most", m->mountpoint,
		steps * GRACE_STEP_MS / 1000);
}

static void
give_up(struct mount *m, const char *when)
{
	log_say(LUN_LOG_ERROR, "%s: ends while the target %s: I/O in flight "
		"fails, what was not flushed may be lost", m->mountpoint, when);
	fs_abandon(m->fs);
	end(m, EXIT_FAILED);
}

/* What was lost gets a while to come back, and no more of it if it does so time
 * and again. */
static void
watch_lost(struct mount *m)
{
	if (!is_away(m))
		return;
	if (++m->lost_steps > LOST_STEPS)
		give_up(m, "is away");
	else if (m->lost_steps == 1)
		tell_away(m, LOST_STEPS);
}

static void
on_drain(void *user)
{
	struct mount *m = user;
	bool haste = m->signals > 1;

	if (haste && m->haste_steps++ == HASTE_STEPS) {
		if (!m->fs->drained)
			give_up(m, "does not answer");
		lun_loop_stop(m->loop);		/* nor does it to a logout */
		return;
	}
	if (!m->fs->drained)
		watch_lost(m);
	if (!m->fs->drained || haste)
		lun_alarm_set(m->drain, GRACE_STEP_MS);
}

static void
stop_serving(struct mount *m)
{
	hurry(m);
	lun_alarm_set(m->drain, 0);
	fs_stop(m->fs);
}

static void
on_gone(void *user)
{
	struct mount *m = user;

	if (m->fs->failed)
		log_say(LUN_LOG_ERROR, "%s: the kernel and libfuse did not agree: "
			"not mounted", m->mountpoint);
	else
		log_say(LUN_LOG_INFO, "%s: unmounted", m->mountpoint);
	stop_serving(m);
}

static void
on_retry(void *user)
{
	struct mount *m = user;

	log_say(LUN_LOG_INFO, "%s: told to reconnect", m->mountpoint);
	survey_retry(m->survey);
	survey_retry_failed(m->survey);
	if (m->fs->lanes)
		lanes_retry(m->fs->lanes);
}

/* Is anybody still asking for something? */
static void
on_grace(void *user)
{
	struct mount *m = user;
	uint64_t received = fs_received(m->fs);
	bool quiet = received == m->grace_received &&
		     m->fs->main.requests->in_flight == 0;

	if (m->fs->main.stopped)
		return;
	m->grace_received = received;
	if (!quiet && m->grace_steps++ < GRACE_STEPS) {
		lun_alarm_set(m->grace, GRACE_STEP_MS);
		return;
	}
	log_say(LUN_LOG_WARNING, "%s: still in use: its users get errors now",
		m->mountpoint);
	stop_serving(m);
}

/* A second signal: what is under way has a moment, and a third not even that. */
static void
end_at_once(struct mount *m)
{
	if (m->signals > 2 || !m->fs->mounted) {
		lun_loop_stop(m->loop);
		return;
	}
	if (!m->fs->drained && is_away(m))
		give_up(m, "is away");
	else if (!fs_ends(m->fs))
		stop_serving(m);
	lun_alarm_set(m->drain, 0);
}

static void
end_by_signal(struct mount *m)
{
	if (++m->signals > 1) {
		end_at_once(m);
	} else if (!m->fs->mounted) {
		end(m, EXIT_FAILED);
	} else if (!fs_ends(m->fs)) {
		fs_detach(m->fs);
		hurry(m);
		if (m->fs->main.requests->in_flight > 0)
			tell_away(m, GRACE_STEPS + LOST_STEPS);
		lun_alarm_set(m->grace, GRACE_STEP_MS);
	}
}

/* Until it is mounted it has failed, and that is told like other failures. */
static void
tell_signal(const struct mount *m, int number)
{
	char under_way[LUN_URL_TEXT_MAX + 40];

	if (m->fs->mounted || m->signals > 0) {
		log_say(LUN_LOG_INFO, "%s: %s", m->mountpoint,
			strsignal(number));
		return;
	}
	survey_under_way(m->survey, under_way, sizeof(under_way));
	log_say(LUN_LOG_ERROR, "%s: not mounted: %s while %s", m->mountpoint,
		strsignal(number), under_way);
}

static void
on_signal(void *user)
{
	struct mount *m = user;
	int number;

	while ((number = signals_take(m->signal_fd)) != 0) {
		if (number == SIGUSR1) {
			on_retry(m);
			continue;
		}
		tell_signal(m, number);
		end_by_signal(m);
	}
}

/* ------------------------------------------------------------ serving -- */

/* Beside lanes: what a session says begins with the name of its target. */
static void
log_session_1(void *user, enum lun_log_level level, const char *line)
{
	log_say(level, "%s%s", lun_name_begins(line) ? "session 1: " : "",
		line);
}

static void
set_log(const struct mount *m)
{
	lun_loop_set_log(m->loop, log_level(),
			 m->o->sessions > 1 ? log_session_1 : log_line, NULL);
}

/* That it works all the same is not plain after an error. */
static void
tell_missing(const struct mount *m)
{
	const struct survey *sv = m->survey;
	size_t up = sv->in[TARGET_UP];

	if (up < sv->n)
		log_say(LUN_LOG_WARNING, "%s: mounted with %zu of %zu targets",
			m->mountpoint, up, sv->n);
}

static void
on_serving(void *user)
{
	struct mount *m = user;
	struct lun_error err = { 0 };

	tell_missing(m);
	if (log_level() < LUN_LOG_INFO)
		log_set_level(LUN_LOG_INFO);
	set_log(m);
	int r = m->ready_fd >= 0 ? daemon_ready(m->ready_fd, &err) : 0;
	m->ready_fd = -1;
	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s: %s", m->mountpoint, err.text);
		m->unannounced = true;
		end_by_signal(m);
		return;
	}
	if (m->o->sessions > 1 &&
	    fs_start_lanes(m->fs, m->o->sessions - 1, m->o->pcap, &err) < 0)
		log_say(LUN_LOG_WARNING, "%s: %s: goes on with one session",
			m->mountpoint, err.text);
}

static void
on_disk_changed(void *user, struct target *t, struct lun_disk *disk)
{
	struct mount *m = user;
	struct lun_error err = { 0 };

	if (m->fs->mounted &&
	    tree_update_disk(m->fs->tree, t, disk, &err) < 0)
		log_say(LUN_LOG_ERROR, "%s: %s", m->mountpoint, err.text);
}

static void
on_target_gone(void *user, struct target *t)
{
	struct mount *m = user;

	if (m->fs->mounted)
		live_gone(m->fs, t);
}

/* ------------------------------------------------- from login to mount -- */

static const struct lun_disk *
disk_by_lun(const struct target *t, uint64_t lun)
{
	struct lun_disk *disk;

	for (size_t i = 0; (disk = target_disk(t, &i));)
		if (lun_disk_info(disk)->lun == lun)
			return disk;
	return NULL;
}

/* LUNs that the user named must be there; and ready, to be a file alone. */
static bool
named_luns_are_there(const struct mount *m, const struct target *t)
{
	bool good = true;
	char url[LUN_URL_TEXT_MAX];

	for (size_t i = 0; i < t->n_luns; i++) {
		const struct lun_disk *disk = disk_by_lun(t, t->luns[i]);
		const struct lun_disk_info *info =
			disk ? lun_disk_info(disk) : NULL;
		bool ready = info && info->state == LUN_DISK_READY;

		if (ready)
			continue;
		log_say(LUN_LOG_ERROR, "%s: %s%s%s",
			target_lun_url(t, t->luns[i], url),
			info ? info->state_name : "no such LUN",
			info && *info->text ? ": " : "",
			info ? info->text : "");
		good &= info && !m->single_file;
	}
	return good;
}

static bool
enough_works(const struct mount *m)
{
	const struct survey *sv = m->survey;
	bool good = true;
	size_t up = 0;

	report_failures(sv);
	for (size_t i = 0; i < sv->n_sources; i++)
		good &= sv->sources[i].code == 0;
	for (size_t i = 0; i < sv->n; i++) {
		const struct target *t = sv->v[i];

		up += t->state == TARGET_UP;
		good &= t->state == TARGET_UP ? named_luns_are_there(m, t) :
						!t->named;
	}
	return good && up > 0;
}

static int
build_tree(struct mount *m, struct tree **out, struct lun_error *err)
{
	struct survey *sv = m->survey;
	struct tree *tree;
	size_t first = 0;
	int r = tree_new(&tree, sv->v[0], m->single_file ?
			 target_disk(sv->v[0], &first) : NULL,
			 sv->sources[0].label, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && !m->single_file && i < sv->n; i++)
		if (sv->v[i]->state == TARGET_UP)
			r = tree_add_target(tree, sv->v[i], err);
	if (r < 0)
		tree_free(tree);
	else
		*out = tree;
	return r;
}

/* All sessions are there that can be had. */
static void
on_sessions(void *user)
{
	static const struct fs_ops ops = {
		.ready = on_serving,
		.gone = on_gone,
		.retry = on_retry,
		.drained = on_drained,
		.lanes_ended = on_lanes_ended,
	};
	struct mount *m = user;
	struct lun_error err = { 0 };
	struct tree *tree;

	if (!enough_works(m)) {
		end(m, EXIT_FAILED);
	} else if (build_tree(m, &tree, &err) < 0 ||
		   fs_mount(m->fs, m->loop, m->mountpoint, tree, m->survey,
			    &ops, m, &err) < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		end(m, EXIT_FAILED);
	}
}

static void
on_target(void *user, struct target *t)
{
	struct mount *m = user;
	char url[LUN_URL_TEXT_MAX];

	if (m->fs->mounted)
		live_appeared(m->fs, t);
	else if (t->code == 0)
		log_say(LUN_LOG_DEBUG, "%s: session is up", target_url(t, url));
}

/* -------------------------------------------------------------- set-up -- */

/* The mountpoint, and if it becomes the file itself. */
static int
look_at_mountpoint(struct mount *m, const char *path, struct lun_error *err)
{
	const struct source *first = &m->survey->sources[0];
	struct stat st;

	m->mountpoint = realpath(path, NULL);
	if (!m->mountpoint || stat(m->mountpoint, &st) < 0)
		return mounts_dead(path, errno, err);
	if (mounts_none_of_us(m->mountpoint, path, err) < 0)
		return err->code;
	if (S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return fail(err, LUN_EINVAL, "%s: is neither a directory nor a "
			    "file", path);
	if (m->survey->n_sources != 1 || first->url.kind != LUN_URL_LUN)
		return fail(err, LUN_EINVAL, "%s: is a file: only one LUN can "
			    "be mounted there (iscsi://host/target/lun)", path);
	m->single_file = true;
	return 0;
}

static int
prepare(struct mount *m, struct lun_error *err)
{
	struct opts *o = m->o;
	int r;

	if ((r = survey_new(&m->survey, o->args, o->n_args - 1, o->lun,
			     err)) < 0 ||
	    (r = look_at_mountpoint(m, o->args[o->n_args - 1], err)) < 0)
		return r;
	return fs_new(&m->fs, m->survey->sources[0].label, o->fuse,
		      o->read_only, err);
}

static int
serve(struct mount *m, struct lun_error *err)
{
	static const struct survey_ops ops = {
		.target = on_target,
		.done = on_sessions,
		.gone = on_target_gone,
		.closed = on_closed,
		.disk_changed = on_disk_changed,
	};
	int r;

	if ((r = signals_open(&m->signal_fd, err)) < 0 ||
	    (r = loop_setup(&m->loop, m->o, err)) < 0 ||
	    (r = lun_watch_new(&m->signal_watch, m->loop, m->signal_fd,
			       on_signal, m, err)) < 0)
		return r;
	set_log(m);
	if (lun_alarm_new(&m->grace, m->loop, on_grace, m) < 0 ||
	    lun_alarm_new(&m->drain, m->loop, on_drain, m) < 0)
		return fail(err, LUN_ENOMEM, "mount: out of memory");
	if ((r = survey_start(m->survey, m->loop, true, &ops, m, err)) < 0)
		return r;
	return lun_loop_run(m->loop, err);
}

/* In this order: I/O ends into the filesystem, which shows the disks. */
static void
clean_up(struct mount *m)
{
	if (m->fs) {
		fs_abandon(m->fs);
		m->fs->lanes = lanes_free(m->fs->lanes);
	}
	m->survey = survey_free(m->survey);
	m->fs = fs_free(m->fs);
	m->grace = lun_alarm_free(m->grace);
	m->drain = lun_alarm_free(m->drain);
	m->signal_watch = lun_watch_free(m->signal_watch);
	m->loop = lun_loop_free(m->loop);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	free(m->mountpoint);
}

int
cmd_mount(struct opts *o)
{
	struct mount m = { .o = o, .ready_fd = -1, .signal_fd = -1,
			   .code = EXIT_FAILED };
	struct lun_error err = { 0 };
	int r = prepare(&m, &err);

	if (r == 0 && o->fake)
		m.code = EXIT_DONE;
	else if (r == 0 && !o->foreground)
		r = daemon_fork(&m.ready_fd, &m.code, &err);
	if (r == 0 && !o->fake)
		r = serve(&m, &err);
	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		m.code = exit_code(r);
	}
	clean_up(&m);
	return m.code;
}
