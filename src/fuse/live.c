/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See live.h. */
#include "fuse/live.h"

#include "fuse/lanes.h"
#include "fuse/ops.h"
#include "log.h"
#include "text.h"

enum { STEP_MS = 2000 };	/* until those in use are looked at again */

/* True: it is no more. */
static bool
remove_target(struct fs *fs, struct target *t)
{
	struct node *dir = tree_find(fs->tree->root, t->url.target);
	char url[LUN_URL_TEXT_MAX];

	if (tree_target_in_use(fs->tree, t))
		return false;
	if (flush_dirty(fs, dir, t))
		return false;
	tree_remove_target(fs->tree, t);
	survey_leave(t);
	t->life++;
	if (fs->lanes)
		lanes_leave(fs->lanes);
	log_say(LUN_LOG_INFO, "%s: removed", target_url(t, url));
	return true;
}

static void
on_step(void *user)
{
	struct fs *fs = user;
	bool again = false;

	for (size_t i = 0; !fs->main.stopped && i < fs->survey->n; i++) {
		struct target *t = fs->survey->v[i];

		if (t->gone && t->state == TARGET_UP && !t->leaving)
			again |= !remove_target(fs, t);
	}
	if (again)
		lun_alarm_set(fs->live, STEP_MS);
}

static void
look_soon(struct fs *fs)
{
	if (!fs->live &&
	    lun_alarm_new(&fs->live, fs->main.loop, on_step, fs) < 0) {
		log_say(LUN_LOG_ERROR, "%s: out of memory: targets that are "
			"gone stay", fs->mountpoint);
		return;
	}
	lun_alarm_set(fs->live, 0);
}

static void
added(struct fs *fs, struct target *t)
{
	char url[LUN_URL_TEXT_MAX];

	log_say(LUN_LOG_INFO, "%s: added", target_url(t, url));
	if (fs->lanes)
		lanes_add(fs->lanes, t);
}

void
live_appeared(struct fs *fs, struct target *t)
{
	struct lun_error err = { 0 };
	char url[LUN_URL_TEXT_MAX];

	if (t->code < 0)
		log_say(LUN_LOG_ERROR, "%s: %s", target_url(t, url), t->error);
	else if (t->gone)
		look_soon(fs);
	else if (tree_add_target(fs->tree, t, &err) < 0)
		log_say(LUN_LOG_ERROR, "%s: %s", target_url(t, url), err.text);
	else
		added(fs, t);
}

void
live_gone(struct fs *fs, struct target *t)
{
	char url[LUN_URL_TEXT_MAX];

	if (t->state != TARGET_UP)
		return;
	if (tree_target_in_use(fs->tree, t))
		log_say(LUN_LOG_WARNING, "%s: is not shown any more, but in "
			"use: stays until it is closed", target_url(t, url));
	look_soon(fs);
}
