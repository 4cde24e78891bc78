/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where messages of the kernel come in: one for each loop that reads /dev/fuse.
 *
 * /dev/fuse is non-blocking and one more file descriptor of the loop; when it
 * is readable, messages are read until there are none, or BATCH have been read,
 * then the loop gets its turn: what they submitted goes out in one writev for
 * each connection. An operation replies at once, or it starts I/O on a disk and
 * the completion replies. So there is one reply to each request, and no wait
 * anywhere.
 *
 * Of several intakes, one that is lost would have all that is asked: it is always
 * free, and who waits for an answer asks nothing else. So it rests while another
 * is up. It does so behind a message that it has read: /dev/fuse wakes one of
 * those who wait for a message, and none would be told if that one did not care.
 *
 * One stands aside while those before it keep up with what comes: work that is
 * spread over more loops than it needs costs more wake-ups, and finds nothing in
 * the cache. It does that behind a message, too. Those that have much to do, or
 * are lost, call it.
 *
 * All of an intake belongs to the thread of its loop, but for what is atomic.
 */
#ifndef FUSE_INTAKE_H
#define FUSE_INTAKE_H

#include "fuse/fuse.h"
#include "fuse/requests.h"

struct fs;

struct intake_ops {
	/* Is this message to be processed here? If not, it was taken. NULL:
	 * all are. */
	bool (*wants)(struct intake *in, const struct fuse_buf *message);
	/* After each message: there is something to look at. May be NULL.
	 * False: no more of them now. */
	bool (*processed)(struct intake *in);
	/* The mount was taken away: /dev/fuse said ENODEV. */
	void (*gone)(struct intake *in);
	/* A request was answered, or the intake stopped. */
	void (*answered)(struct intake *in);
	/* Is what its requests need lost for the time being? And is there
	 * another intake whose is not? Called one after the other. */
	bool (*lost)(struct intake *in);
	bool (*others)(struct intake *in);
	/* Is this one needed beside those before it? NULL: always. */
	bool (*needed)(struct intake *in);
	/* There is much to do, or it is lost: one that stands aside may be
	 * needed, and is then to come by intake_join(). */
	void (*call)(struct intake *in);
};

struct intake {
	struct fs *fs;
	struct fuse_session *se;
	struct lun_loop *loop;
	const struct intake_ops *ops;
	void *user;
	unsigned lane;			/* 0: the main loop's; see lanes.h */
	struct lun_watch *watch;	/* NULL: nobody reads /dev/fuse */
	struct requests *requests;
	struct request *rx;		/* what the next message is read into */
	bool stopped;			/* reads no more */
	atomic_bool up;			/* reads, and is not lost */
	bool rests;			/* as it is lost, and others are up */
	atomic_bool aside;		/* as it is not needed */
	atomic_bool strained;		/* lun_loop_is_strained(), of late */
	struct lun_alarm *look;		/* armed while it is lost: still so? */
	bool gone;

	struct lun_alarm *tick;		/* armed while there is work */
	bool ticking;
	unsigned idle_ticks;
	atomic_ullong received;		/* messages; and at the last tick */
	uint64_t received_before;
	unsigned errors_logged;		/* since the last tick */
};

int intake_init(struct intake *in, struct lun_error *err);
void intake_deinit(struct intake *in);		/* nothing is in flight */

/* loop, se and ops are set. Begins to read. */
int intake_start(struct intake *in, struct lun_error *err);
void intake_stop(struct intake *in);

/* It stands no more aside, if it is needed. */
void intake_join(struct intake *in);

/* How many messages have come. Any thread. */
uint64_t intake_received(const struct intake *in);

/* A message that another intake did not want. False: there is no room now. */
bool intake_give(struct intake *in, const void *message, size_t size);

/* The intake whose message is being processed in this thread. */
struct intake *intake_current(void);

/* The request that the message in work was read into (or a free one: there is
 * one if none is in work); the caller's now. */
struct request *intake_take(struct intake *in);

/* One for something that nobody asked for by a message: others are read on
 * meanwhile. NULL: there is none just now. */
struct request *intake_take_own(struct intake *in);
void intake_put(struct request *r);

/* Is something in flight for a LUN that is away? */
bool intake_waits(const struct intake *in);

#endif
