/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs in the thread of a lane; see lanes.h and lane.h. */
#include "fuse/lane.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuse/ops.h"
#include "json.h"
#include "log.h"
#include "text.h"

enum {
	LOST_STEP_MS = 500,
	LOST_STEPS = 20,	/* 10 s for a session to come back at the end */
};

/* -------------------------------------------------------------- phases -- */

static void
enter(struct lane *l, enum phase phase)
{
	if (atomic_load(&l->phase) >= (int)phase)
		return;
	atomic_store(&l->phase, phase);
	lun_loop_wake(l->all->fs->main.loop);
}

static void
check_drained(struct lane *l)
{
	if (l->intake.stopped && l->intake.requests->in_flight == 0 &&
	    atomic_load(&l->phase) == RUNNING)
		enter(l, DRAINED);
}

/* No disk is used from now on. */
static void
close_sessions(struct lane *l)
{
	survey_close(l->survey);
	l->now++;
}

void
lane_on_closed(void *user)
{
	struct lane *l = user;

	lun_loop_stop(l->loop);
}

static void
stop(struct lane *l)
{
	if (!l->intake.stopped)
		lun_alarm_set(l->drain, LOST_STEP_MS);
	intake_stop(&l->intake);
	check_drained(l);
}

/* As the mount does with the sessions of the main loop. */
void
lane_on_drain(void *user)
{
	struct lane *l = user;

	if (l->survey->closing)
		return;
	l->lost_steps += survey_is_lost(l->survey) || intake_waits(&l->intake);
	if (l->lost_steps > LOST_STEPS)
		close_sessions(l);
	else
		lun_alarm_set(l->drain, LOST_STEP_MS);
}

static void
show_sessions(struct lane *l)
{
	struct json_object *list = json_sessions(l->survey,
						 l->intake.lane + 1);

	if (!json_complete()) {
		json_object_put(list);
		list = NULL;
	}
	pthread_mutex_lock(&l->all->lock);
	json_object_put(l->sessions);
	l->sessions = list;
	l->shown = true;
	pthread_cond_signal(&l->all->status);
	pthread_mutex_unlock(&l->all->lock);
}

/* The lane's own disk for a LUN; NULL: it has none that can be used. */
static struct lun_disk *
lane_disk(const struct lane *l, struct node *node)
{
	struct lane_disk *mine = &node->lanes[l->intake.lane];

	if (mine->found_in != l->now) {
		struct lun_disk *disk = lane_find_disk(l, node);
		bool ready = disk &&
			     lun_disk_info(disk)->state == LUN_DISK_READY;

		mine->disk = ready ? disk : NULL;
		mine->found_in = l->now;
	}
	return mine->disk;
}

/* As many as there is room for; answered() goes on. */
static void
do_flushes(struct lane *l)
{
	struct flush_part *part;

	l->flush_later = false;
	while (l->intake.rx) {
		part = lanes_next_part(l->all, &l->parts);
		if (!part)
			return;
		lane_disk(l, part->node);	/* as it is now */
		flush_part_start(&l->intake, part);
	}
	l->flush_later = true;
}

void
lane_on_wishes(void *user)
{
	struct lane *l = user;
	unsigned wishes = atomic_exchange(&l->wishes, 0);

	if (wishes & WISH_STATUS)
		show_sessions(l);
	if (wishes & WISH_FLUSH)
		do_flushes(l);
	if (wishes & WISH_ADD)
		lane_take_targets(l);
	if (wishes & WISH_LEAVE)
		lane_leave_targets(l);
	if (wishes & WISH_RETRY)
		lane_retry(l);
	if (wishes & WISH_JOIN)
		intake_join(&l->intake);
	if (wishes & WISH_HURRY)
		survey_hurry(l->survey);
	if (wishes & (WISH_STOP | WISH_CLOSE))
		stop(l);
	if (wishes & WISH_CLOSE)
		close_sessions(l);
	if (wishes & WISH_DROP)
		lun_loop_stop(l->loop);
}

void
lane_serve(struct lane *l)
{
	struct lun_error err = { 0 };

	if (l->intake.stopped || l->intake.tick ||
	    intake_start(&l->intake, &err) == 0)
		return;
	log_say(LUN_LOG_ERROR, "session %u: %s", l->intake.lane + 1, err.text);
	stop(l);
	close_sessions(l);
}

/* -------------------------------------------------------------- thread -- */

void
lane_log(void *user, enum lun_log_level level, const char *line)
{
	const struct lane *l = user;

	log_say(level, "session %u: %s", l->intake.lane + 1, line);
}

void *
lane_run(void *user)
{
	struct lane *l = user;
	struct lun_error err = { 0 };
	struct flush_part *part;

	if (lun_loop_run(l->loop, &err) < 0)
		log_say(LUN_LOG_ERROR, "session %u: %s", l->intake.lane + 1,
			err.text);
	enter(l, ENDED);
	while ((part = lanes_next_part(l->all, &l->parts)))
		flush_part_failed(part);
	return NULL;
}

/* ------------------------------------------------------------ messages -- */

/* Who asked gets an error. (A forget has no answer: there it is refused.) */
static void
refuse(const struct lane *l, const struct fuse_buf *message)
{
	const struct fuse_in_header *in = message->mem;
	struct fuse_out_header out = {
		.len = sizeof(out), .error = -ENOMEM, .unique = in->unique,
	};

	(void)!write(fuse_session_fd(l->intake.se), &out, sizeof(out));
}

/* To the main loop. */
static void
hand_over(struct lane *l, const struct fuse_buf *message)
{
	struct mail *m = malloc(sizeof(*m) + message->size);

	if (!m) {
		refuse(l, message);
		return;
	}
	m->next = NULL;
	m->size = message->size;
	memcpy(m->message, message->mem, message->size);
	pthread_mutex_lock(&l->all->lock);
	*l->all->mail_end = m;
	l->all->mail_end = &m->next;
	pthread_mutex_unlock(&l->all->lock);
	lun_loop_wake(l->all->fs->main.loop);
}

/* What its disk would only wait for, or fail, the main loop may be able to do. */
static bool
takes(const struct lane *l, struct node *node)
{
	struct lun_disk *disk = node->kind == NODE_LUN ? lane_disk(l, node) :
							 NULL;
	const struct lun_disk_info *info = disk ? lun_disk_info(disk) : NULL;

	return info && ((!info->waiting && !info->lost) ||
			!atomic_load(&l->all->fs->main.up));
}

static bool
wants(struct intake *in, const struct fuse_buf *message)
{
	const struct fuse_in_header *header = message->mem;
	struct lane *l = in->user;
	bool mine = false;

	switch (header->opcode) {
	case FUSE_INTERRUPT:	/* libfuse finds whom it is for */
		return true;
	case FUSE_READ:
	case FUSE_WRITE:
		mine = takes(l, tree_node(in->fs->tree, header->nodeid));
		break;
	default:
		break;
	}
	if (!mine)
		hand_over(l, message);
	return mine;
}

/* The main loop is told the same, and ends all. */
static void
ignore_gone(struct intake *in)
{
}

static void
answered(struct intake *in)
{
	struct lane *l = in->user;

	if (l->flush_later)
		do_flushes(l);
	check_drained(l);
}

static bool
lost(struct intake *in)
{
	const struct lane *l = in->user;

	return survey_is_lost(l->survey);
}

static bool
others(struct intake *in)
{
	const struct lane *l = in->user;

	return lanes_others(l->all, in);
}

static bool
needed(struct intake *in)
{
	const struct lane *l = in->user;

	return lanes_needed(l->all, in);
}

static void
call(struct intake *in)
{
	const struct lane *l = in->user;

	lanes_call(l->all);
}

const struct intake_ops lane_intake_ops = {
	.wants = wants,
	.gone = ignore_gone,
	.answered = answered,
	.lost = lost,
	.others = others,
	.needed = needed,
	.call = call,
};
