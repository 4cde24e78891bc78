/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lanes.h. Between the threads go: wishes (bits, to a lane), the phase of a
 * lane (to the main loop), and what the lock guards: messages for the main
 * loop, and the sessions that a lane shows when it is asked.
 *
 *	RUNNING -> DRAINED -> ENDED
 */
#include "fuse/lanes.h"

#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "json.h"
#include "log.h"
#include "sources.h"
#include "text.h"

enum {
	STATUS_MS = 500,	/* a lane answers at once, if it is not starved */
	LOST_STEP_MS = 500,
	LOST_STEPS = 20,	/* 10 s for a session to come back at the end */
};

enum wish {
	WISH_STOP	= 1 << 0,
	WISH_CLOSE	= 1 << 1,
	WISH_DROP	= 1 << 2,
	WISH_RETRY	= 1 << 3,
	WISH_STATUS	= 1 << 4,
};

enum phase { RUNNING, DRAINED, ENDED };

struct mail {
	struct mail *next;
	size_t size;
	char message[];
};

struct lane {
	struct lanes *all;
	struct intake intake;
	struct lun_loop *loop;
	struct survey *survey;
	struct lun_alarm *drain;
	unsigned lost_steps;
	unsigned now;			/* counts changes of its disks; not 0 */

	pthread_t thread;
	bool has_thread;
	atomic_uint wishes;
	atomic_int phase;
	struct json_object *sessions;	/* the answer to WISH_STATUS */
	bool shown;			/* it is there */
};

struct lanes {
	struct fs *fs;
	const struct lanes_ops *ops;
	void *user;
	bool told_drained, told_ended;

	pthread_mutex_t lock;
	pthread_cond_t status;
	struct mail *mail, **mail_end;

	size_t n;
	struct lane v[];
};

/* ---------------------------------------------------- in a lane: phases -- */

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
	if (l->intake.stopped && l->intake.requests->in_flight == 0)
		enter(l, DRAINED);
}

static void
on_closed(void *user)
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
static void
on_drain(void *user)
{
	struct lane *l = user;

	if (atomic_load(&l->phase) != RUNNING)
		return;
	l->lost_steps = survey_is_lost(l->survey) ? l->lost_steps + 1 : 0;
	if (l->lost_steps > LOST_STEPS)
		survey_close(l->survey);
	else
		lun_alarm_set(l->drain, LOST_STEP_MS);
}

static void
show_sessions(struct lane *l)
{
	struct json_object *list = json_sessions(l->survey);

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

static void
on_wishes(void *user)
{
	struct lane *l = user;
	unsigned wishes = atomic_exchange(&l->wishes, 0);

	if (wishes & WISH_STATUS)
		show_sessions(l);
	if (wishes & WISH_RETRY)
		survey_retry(l->survey);
	if (wishes & (WISH_STOP | WISH_CLOSE))
		stop(l);
	if (wishes & WISH_CLOSE)
		survey_close(l->survey);
	if (wishes & WISH_DROP)
		lun_loop_stop(l->loop);
}

/* -------------------------------------------------- in a lane: sessions -- */

static void
on_target(void *user, struct target *t)
{
	struct lane *l = user;
	char url[TEXT_URL_MAX];

	if (t->code < 0)
		log_say(LUN_LOG_WARNING, "session %u: %s: %s: goes on without "
			"it", l->intake.lane + 1, target_url(t, url), t->error);
}

static void
on_sessions(void *user)
{
	struct lane *l = user;
	struct lun_error err = { 0 };

	if (l->survey->in[TARGET_UP] == 0) {
		stop(l);
		survey_close(l->survey);
	} else if (!l->intake.stopped && intake_start(&l->intake, &err) < 0) {
		log_say(LUN_LOG_ERROR, "session %u: %s", l->intake.lane + 1,
			err.text);
		stop(l);
		survey_close(l->survey);
	}
}

static void
on_disk_changed(void *user, struct target *t, struct lun_disk *disk)
{
	struct lane *l = user;

	l->now++;
}

static void
lane_log(void *user, enum lun_log_level level, const char *line)
{
	const struct lane *l = user;

	log_say(level, "session %u: %s", l->intake.lane + 1, line);
}

static void *
run(void *user)
{
	struct lane *l = user;
	struct lun_error err = { 0 };

	if (lun_loop_run(l->loop, &err) < 0)
		log_say(LUN_LOG_ERROR, "session %u: %s", l->intake.lane + 1,
			err.text);
	enter(l, ENDED);
	return NULL;
}

/* -------------------------------------------------- in a lane: messages -- */

static struct lun_disk *
find_disk(const struct lane *l, const struct node *node)
{
	struct lun_disk *disk;

	for (size_t i = 0; i < l->survey->n; i++) {
		struct target *t = l->survey->v[i];
		size_t at = 0;

		if (t->user != node->target || t->state != TARGET_UP)
			continue;
		while ((disk = target_disk(t, &at)))
			if (lun_disk_info(disk)->lun == node->lun)
				return disk;
	}
	return NULL;
}

/* The lane's own disk for a LUN; NULL: it has none that can be used. */
static struct lun_disk *
lane_disk(const struct lane *l, struct node *node)
{
	struct lane_disk *mine = &node->lanes[l->intake.lane];

	if (mine->found_in != l->now) {
		struct lun_disk *disk = find_disk(l, node);
		bool ready = disk &&
			     lun_disk_info(disk)->state == LUN_DISK_READY;

		*mine = (struct lane_disk){ ready ? disk : NULL, l->now };
	}
	return mine->disk;
}

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
	case FUSE_FSYNC: {
		struct node *node = tree_node(in->fs->tree, header->nodeid);

		mine = node->kind == NODE_LUN && lane_disk(l, node);
		break;
	}
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
	check_drained(in->user);
}

/* --------------------------------------------------------- in the main -- */

static void
wish(struct lanes *l, enum wish w)
{
	for (size_t i = 0; i < l->n; i++) {
		atomic_fetch_or(&l->v[i].wishes, w);
		lun_loop_wake(l->v[i].loop);
	}
}

void
lanes_stop(struct lanes *l)
{
	wish(l, WISH_STOP);
}

void
lanes_close(struct lanes *l)
{
	wish(l, WISH_CLOSE);
}

void
lanes_retry(struct lanes *l)
{
	wish(l, WISH_RETRY);
}

static bool
all_are(const struct lanes *l, enum phase phase)
{
	for (size_t i = 0; i < l->n; i++)
		if (atomic_load(&l->v[i].phase) < (int)phase)
			return false;
	return true;
}

bool
lanes_drained(const struct lanes *l)
{
	return all_are(l, DRAINED);
}

uint64_t
lanes_received(const struct lanes *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += intake_received(&l->v[i].intake);
	return sum;
}

void
lanes_go_on(struct lanes *l)
{
	bool room = true;

	while (room) {
		pthread_mutex_lock(&l->lock);
		struct mail *m = l->mail;
		pthread_mutex_unlock(&l->lock);
		if (!m)
			return;
		room = intake_give(&l->fs->main, m->message, m->size);
		if (!room)
			return;
		pthread_mutex_lock(&l->lock);
		l->mail = m->next;
		if (!l->mail)
			l->mail_end = &l->mail;
		pthread_mutex_unlock(&l->lock);
		free(m);
	}
}

/* What a lane handed over comes before what it says of itself. */
static void
on_news(void *user)
{
	struct lanes *l = user;
	bool drained = all_are(l, DRAINED), ended = all_are(l, ENDED);

	lanes_go_on(l);
	if (drained && !l->told_drained) {
		l->told_drained = true;
		l->ops->drained(l->user);
	}
	if (ended && !l->told_ended) {
		l->told_ended = true;
		l->ops->ended(l->user);
	}
}

void
lanes_sessions(struct lanes *l, struct json_object *list)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += STATUS_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].shown = atomic_load(&l->v[i].phase) == ENDED;
	pthread_mutex_unlock(&l->lock);
	wish(l, WISH_STATUS);

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->n; i++) {
		struct lane *lane = &l->v[i];
		int r = 0;

		while (!lane->shown && r == 0)
			r = pthread_cond_timedwait(&l->status, &l->lock, &until);
		for (size_t k = 0; lane->sessions &&
		     k < json_object_array_length(lane->sessions); k++)
			json_append(list, json_object_get(
				json_object_array_get_idx(lane->sessions, k)));
		json_object_put(lane->sessions);
		lane->sessions = NULL;
	}
	pthread_mutex_unlock(&l->lock);
}

/* ----------------------------------------------------- making and ending -- */

static void
lane_deinit(struct lane *l)
{
	if (l->has_thread)
		pthread_join(l->thread, NULL);
	intake_stop(&l->intake);
	l->survey = survey_free(l->survey);
	intake_deinit(&l->intake);
	l->drain = lun_alarm_free(l->drain);
	l->loop = lun_loop_free(l->loop);
	json_object_put(l->sessions);
}

struct lanes *
lanes_free(struct lanes *l)
{
	if (!l)
		return NULL;
	wish(l, WISH_DROP);
	for (size_t i = 0; i < l->n; i++)
		lane_deinit(&l->v[i]);
	lun_loop_on_wake(l->fs->main.loop, NULL, NULL);
	while (l->mail) {
		struct mail *m = l->mail;

		l->mail = m->next;
		free(m);
	}
	pthread_cond_destroy(&l->status);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

static int
set_pcap(struct lane *l, const char *pcap, struct lun_error *err)
{
	char *path;

	if (!pcap)
		return 0;
	if (asprintf(&path, "%s.%u", pcap, l->intake.lane) < 0)
		return fail(err, LUN_ENOMEM, "%s: out of memory", pcap);

	int r = lun_loop_set_pcap(l->loop, path, err);

	free(path);
	return r;
}

static int
lane_start(struct lane *l, const struct survey *survey, const char *pcap,
	   struct lun_error *err)
{
	static const struct survey_ops survey_ops = {
		.target = on_target,
		.done = on_sessions,
		.closed = on_closed,
		.disk_changed = on_disk_changed,
	};
	int r;

	if ((r = lun_loop_new(&l->loop, err)) < 0 ||
	    (r = set_pcap(l, pcap, err)) < 0 ||
	    (r = intake_init(&l->intake, err)) < 0 ||
	    (r = survey_copy(&l->survey, survey, err)) < 0 ||
	    (r = survey_start(l->survey, l->loop, true, &survey_ops, l,
			      err)) < 0)
		return r;
	l->intake.loop = l->loop;
	lun_loop_set_log(l->loop, log_level(), lane_log, l);
	lun_loop_on_wake(l->loop, on_wishes, l);
	if (lun_alarm_new(&l->drain, l->loop, on_drain, l) < 0)
		return fail(err, LUN_ENOMEM, "sessions: out of memory");
	r = pthread_create(&l->thread, NULL, run, l);
	if (r != 0)
		return fail(err, LUN_ESYS, "sessions: thread: %s", strerror(r));
	l->has_thread = true;
	return 0;
}

int
lanes_start(struct lanes **out, size_t n, struct fs *fs,
	    const struct survey *survey, const char *pcap,
	    const struct lanes_ops *ops, void *user, struct lun_error *err)
{
	static const struct intake_ops intake_ops = {
		.wants = wants,
		.gone = ignore_gone,
		.answered = answered,
	};
	struct lanes *l = calloc(1, sizeof(*l) + n * sizeof(l->v[0]));
	int r = 0;

	assert(n > 0 && n < LANES_MAX);
	if (!l)
		return fail(err, LUN_ENOMEM, "sessions: out of memory");
	l->fs = fs;
	l->ops = ops;
	l->user = user;
	l->mail_end = &l->mail;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->status, NULL);
	lun_loop_on_wake(fs->main.loop, on_news, l);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct lane *lane = &l->v[i];

		lane->all = l;
		lane->now = 1;
		lane->intake = (struct intake){
			.fs = fs, .se = fs->se, .ops = &intake_ops,
			.lane = (unsigned)i + 1, .user = lane,
		};
		r = lane_start(lane, survey, pcap, err);
		l->n += r == 0;
		if (r < 0)
			lane_deinit(lane);
	}
	if (r < 0 && l->n == 0) {
		lanes_free(l);
		return r;
	}
	if (r < 0)
		log_say(LUN_LOG_WARNING, "%s: goes on with %zu sessions",
			err->text, l->n + 1);
	*out = l;
	return 0;
}
