/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --sessions N: N - 1 lanes beside the main loop. A lane is a thread with a
 * loop and an intake of its own, and a session of its own with each target of
 * the mount. When there is much to do it takes messages of the kernel as the
 * main loop does, whoever is free (intake.h): reads and writes go out on the
 * lane's own session, and are answered by its thread. Nothing on that way is
 * shared.
 *
 * Everything else (names, attributes, open ...) is handed to the main loop, as
 * is I/O on a LUN that the lane's session does not have, or which is away there
 * while the main loop's session is up. The main loop alone owns the tree; a node
 * that I/O comes for is open, so it stays. An fsync is done when each lane that has
 * written has flushed: if a restart of the target has cost what one of them wrote,
 * that one knows; or it knows that it may be so, and then all lanes are asked
 * (disk-cache.c). The same is done at the end, when no lane takes in any messages.
 *
 * Targets that come while mounted come to the lanes, too, and those that go
 * leave them. One that comes back may be at another place: a lane uses it for
 * what the main loop has shown since only when it has logged in there (struct
 * target: life). And a disk of a lane is used for a node only if it is the same
 * unit.
 *
 * A session that cannot be made is tried again, as one that is lost; meanwhile
 * the main loop does the work. One that is lost later recovers by itself, and
 * what was given to it waits for it, as --outage says; but no more is given to
 * it while another one is there, also if it is that of the main loop (intake.h).
 *
 * All functions are called by the main thread, but for lanes_flush() and those
 * about other intakes.
 */
#ifndef FUSE_LANES_H
#define FUSE_LANES_H

#include <json-c/json_object.h>

#include "fuse/fs.h"

struct lanes;

struct lanes_ops {
	/* All lanes have stopped to take in messages and have no requests. */
	void (*drained)(void *user);
	/* All have logged out and ended. */
	void (*ended)(void *user);
};

/* n: at least 1. pcap: NULL, or where the conversation of the main loop's
 * sessions goes: those of lane i go to the same name with ".i". */
int lanes_start(struct lanes **out, size_t n, struct fs *fs,
		const struct survey *survey, const char *pcap,
		const struct lanes_ops *ops, void *user, struct lun_error *err);

/* Drops what goes on, if they have not ended. */
struct lanes *lanes_free(struct lanes *l);

size_t lanes_count(const struct lanes *l);

/* Any thread: lane i (0: the main loop) gets this; see struct flush_part. */
struct flush_part;
void lanes_flush(struct lanes *l, unsigned i, struct flush_part *part);
/* The main loop gets it in 100 ms. */
void lanes_flush_later(struct lanes *l, struct flush_part *part);

void lanes_stop(struct lanes *l);	/* take in no more; drained comes */
bool lanes_drained(const struct lanes *l);
void lanes_close(struct lanes *l);	/* log out; ended comes */
void lanes_retry(struct lanes *l);
void lanes_hurry(struct lanes *l);	/* survey_hurry() */
/* A target that is up has come; some have left, and are logged out of. */
void lanes_add(struct lanes *l, struct target *t);
void lanes_leave(struct lanes *l);

/* Messages and parts of flushes that were handed over are taken in, as far as there
 * is room for them in the main loop's intake: to be called when there is some
 * again. */
void lanes_go_on(struct lanes *l);

/* Messages that were taken in by lanes. */
uint64_t lanes_received(const struct lanes *l);

/* Does another intake than this one take in messages, with sessions that are
 * there? Any thread. */
bool lanes_others(struct lanes *l, const struct intake *in);

/* Is this one of use beside those before it? Calls the first one that stands
 * aside, if it is. Any thread. */
bool lanes_needed(struct lanes *l, const struct intake *in);
void lanes_call(struct lanes *l);

/* Appends the sessions of all lanes to the list of a status. */
void lanes_sessions(struct lanes *l, struct json_object *list);

#endif
