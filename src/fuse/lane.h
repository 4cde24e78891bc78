/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of lanes, for lanes.c (the main thread's side), lane.c and
 * lane-targets.c (what runs in the thread of a lane). Between the threads go:
 * wishes (bits, to a lane), the phase of a lane (to the main loop), and what the
 * lock guards: messages for the main loop, flushes and targets for a lane, and
 * the sessions that a lane shows when it is asked.
 *
 *	RUNNING -> DRAINED -> ENDED
 */
#ifndef FUSE_LANE_H
#define FUSE_LANE_H

#include <pthread.h>

#include "fuse/lanes.h"

enum wish {
	WISH_STOP	= 1 << 0,
	WISH_CLOSE	= 1 << 1,
	WISH_DROP	= 1 << 2,
	WISH_RETRY	= 1 << 3,
	WISH_STATUS	= 1 << 4,
	WISH_FLUSH	= 1 << 5,
	WISH_LEAVE	= 1 << 6,
	WISH_HURRY	= 1 << 7,
	WISH_ADD	= 1 << 8,
	WISH_JOIN	= 1 << 9,
};

enum phase { RUNNING, DRAINED, ENDED };

struct mail {
	struct mail *next;
	size_t size;
	char message[];
};

struct coming {				/* a target that a lane is to have */
	struct coming *next;
	struct survey *one;
};

struct lane {
	struct lanes *all;
	struct intake intake;
	struct lun_loop *loop;
	struct survey *survey;
	struct lun_alarm *drain;
	struct lun_alarm *again;	/* for targets that failed */
	unsigned lost_steps;
	unsigned now;			/* counts changes of its disks; not 0 */
	bool flush_later;		/* there was no room */

	pthread_t thread;
	bool has_thread;
	atomic_uint wishes;
	atomic_int phase;
	struct json_object *sessions;	/* the answer to WISH_STATUS */
	bool shown;			/* it is there */
	struct flush_part *parts;	/* of WISH_FLUSH */
	struct coming *coming, **coming_end;	/* of WISH_ADD */
};

struct lanes {
	struct fs *fs;
	const struct lanes_ops *ops;
	void *user;
	bool told_drained, told_ended;

	pthread_mutex_t lock;
	pthread_cond_t status;
	struct mail *mail, **mail_end;
	struct flush_part *parts;	/* for the main loop */
	struct flush_part *later;	/* the main thread's own */
	struct lun_alarm *look;		/* at these */
	bool mail_waits;		/* for room in the main intake */

	size_t n;			/* the main thread's */
	size_t room;
	struct lane v[];
};

/* lane-targets.c: its sessions. */
extern const struct survey_ops lane_survey_ops;
void lane_take_targets(struct lane *l);		/* WISH_ADD */
void lane_leave_targets(struct lane *l);	/* WISH_LEAVE */
void lane_retry(struct lane *l);		/* WISH_RETRY */
void lane_on_again(void *lane);
/* The disk of its own that a node stands for; NULL: it has none. */
struct lun_disk *lane_find_disk(const struct lane *l, const struct node *node);

/* The next one of a list of parts; NULL: there is none (any more). */
struct flush_part *lanes_next_part(struct lanes *l, struct flush_part **list);

/* What it was given and has not taken, one by one; NULL: nothing (any more). */
struct coming *lane_next_coming(struct lane *l);

/* lane.c: the callbacks of a lane's other parts, and its thread. */
void lane_serve(struct lane *l);	/* it takes in messages from now on */
void lane_on_closed(void *lane);
extern const struct intake_ops lane_intake_ops;
void lane_log(void *lane, enum lun_log_level level, const char *line);
void lane_on_wishes(void *lane);
void lane_on_drain(void *lane);
void *lane_run(void *lane);

#endif
