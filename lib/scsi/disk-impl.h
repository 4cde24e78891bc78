/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a disk, shared by disk.c (the unit: probes, information, what
 * is told to the owner), disk-io.c (requests), disk-piece.c (their commands),
 * disk-outage.c (how long they wait), disk-order.c (which writes wait for which)
 * and disk-cache.c (what is not on the medium yet).
 */
#ifndef SCSI_DISK_IMPL_H
#define SCSI_DISK_IMPL_H

#include <assert.h>

#include "conn/times.h"
#include "scsi/disk.h"
#include "scsi/probe.h"
#include "scsi/split.h"
#include "scsi/unit.h"

enum {
	PIECES_MAX		= 256,	/* commands of a disk in flight */
	PIECES_PER_REQUEST	= 16,
};

enum piece_kind {
	PIECE_DIRECT,			/* the caller's buffer */
	PIECE_BOUNCE,			/* a read, copied from bounce */
	PIECE_EDGE_READ,		/* read-modify-write: the old block */
	PIECE_EDGE_WRITE,		/* the new one */
	PIECE_SYNC,
};

/* One command and its buffer; on request.pieces while it is at work. */
struct piece {
	struct command command;
	enum piece_kind kind;
	struct disk *disk;
	struct request *request;
	struct list link;		/* request.pieces, or disk.spare */
	struct list delay;		/* disk.delayed, or nowhere */
	lun_time at;			/* when it is sent, if delayed */
	struct retry retry;
	struct piece_range range;
	size_t done;			/* where range is in the request */
	uint8_t *bounce;		/* owned; NULL if direct */
};

/* The state of a request, within lun_io.priv. */
struct request {
	struct list all;		/* disk.all, until it is done */
	struct list link;		/* disk.waiting, disk.ended, or nowhere */
	struct list order;		/* disk.writes, writes only */
	struct list pieces;
	struct request *blocker;	/* an earlier write it has to wait for */
	struct piece *failed;		/* the first one; ours until done */
	const char *why;		/* it failed without a command */
	uint64_t first, last;		/* blocks that a write touches */
	uint64_t covers;		/* disk.acknowledged, as it is flushed */
	lun_time since;			/* it was submitted */
	lun_time lost_at;		/* since when it waits, disk-outage.c; 0:
					   it never did */
	size_t next;			/* bytes that are handed to pieces */
	uint16_t n_pieces;
	bool head, tail;		/* the write has a part of first, last */
	bool sync;			/* a flush is to follow the data */
	bool sync_sent;
	bool again;			/* behind the flush: all of it */
	bool cancelled;
	bool ended;
	bool outwaited;			/* it was lost after all of its time */
};

static_assert(sizeof(struct request) <= sizeof(((struct lun_io *)0)->priv),
	      "struct request has to fit in lun_io.priv");

struct disk {
	struct unit unit;
	struct disk_options options;
	const struct disk_ops *ops;
	void *user;
	bool closed;

	/* what is there */
	struct probe probe;
	bool probed;			/* geometry is valid */
	lun_time probed_at;
	/* The unit said that geometry may be outdated: nothing is sent. */
	bool unverified;
	bool probe_wanted;		/* at once, from the timer */
	/* It began before the nexus was lost: what it saw then may be another
	 * unit than what is there now. */
	bool probe_void;
	bool away;			/* the nexus: disk_lost() to disk_probe() */
	/* Unverified, since it did not answer, until a probe has found it. */
	bool lost, given_up;		/* the latter: the outage lasted too long */
	bool unsure;			/* a write got no answer */
	int lost_code;
	char lost_text[256];		/* the cause of the loss */
	char over_text[304];		/* the same, and that the wait is over */
	/* Outages without the answer to a request in between are one to those
	 * who wait: it began then; 0: there was an answer since. */
	lun_time outage_began;
	struct timer outage;
	struct timer again;		/* the next probe, if there is a nexus */
	uint64_t retried;
	bool inventory_changed;		/* the owner is told from the timer */
	struct geometry geometry;
	struct lun_disk_info info;
	struct limits limits;

	/* requests */
	struct list all;		/* not done, the oldest in front */
	struct list waiting;		/* for a command; next at the front */
	struct list writes;		/* not done, in the order of submission */
	size_t edged;			/* of these: with a part of a block */
	size_t blocked;			/* of these: waiting for an earlier one */
	struct list ended;		/* to be reported */
	size_t requests;
	char text[512];			/* of lun_io.text */

	/* commands */
	struct list spare;		/* pieces without work */
	struct list delayed;		/* pieces to be sent later */
	size_t allocated;		/* pieces that exist */
	size_t busy;			/* with work */
	size_t depth;			/* how many may be; TASK SET FULL */
	size_t good;			/* since depth changed */
	struct timer ready;		/* reports, probes: as soon as it runs */
	struct timer delay;		/* for delayed */

	/* flushing */
	const char *lost_write;		/* why the next flush has to fail; NULL */
	uint64_t lost_writes;		/* how often that was set */
	uint64_t acknowledged;		/* writes into a cache; of these the */
	uint64_t flushed;		/* first ones, which left it */
	/* A write was answered that was submitted after that: so long, at least,
	 * the nexus was that of now. */
	lun_time alive_at;
	lun_time doubt;			/* of the next flush: lun_io.doubt */
	struct lun_signs signs;
	bool maybe_restarted;		/* until a probe has found it again */
	bool unheard;			/* the same, since the nexus is back */
	bool no_sync;			/* SYNCHRONIZE CACHE does not exist */
};

static inline struct request *
io_request(struct lun_io *io)
{
	return (struct request *)(void *)io->priv;
}

static inline struct lun_io *
request_io(struct request *r)
{
	return container_of((uint64_t (*)[20])(void *)r, struct lun_io, priv);
}

static inline size_t
io_data_length(const struct lun_io *io)
{
	return io->op == LUN_FLUSH ? 0 : io->length;
}

/* disk.c: may anything be sent? NULL, or why not; *code becomes the code. */
const char *disk_why_not(const struct disk *d, int *code, int *error);
void disk_note_effects(struct disk *d, const struct outcome *o,
		       const struct command *c);
void disk_update_info(struct disk *d);
void disk_wake(struct disk *d);		/* the ready timer runs */
void disk_log(struct disk *d, enum lun_log_level level, const char *what,
	      const char *text);

/* disk-io.c */
int disk_io_init(struct disk *d);		/* 0 or LUN_ENOMEM */
void disk_io_deinit(struct disk *d);
void disk_report(struct disk *d);		/* done of all that have ended */
void disk_resume(struct disk *d);		/* after a probe */
/* As much as may be sent is sent, one piece of each request in turn. */
void disk_pump(struct disk *d);
/* Ends all that has no command out and waits since then (TIME_NEVER: all of it)
 * or longer, with this code. */
void disk_fail_waiting(struct disk *d, lun_time since, int code, int error,
		       const char *why);

/* The first failure counts. why: NULL if a piece explains it. */
void request_fail(struct request *r, int code, int error, const char *why);
void request_fail_canceled(struct request *r);
bool request_stopping(struct request *r);
/* What is next for a request whose state has changed? It may end. */
void request_step(struct disk *d, struct request *r);

/* disk-piece.c */
bool piece_reserve(struct disk *d);	/* piece_start() has what it needs */
/* Hands out the next piece of a request that has more. False: no memory. */
bool piece_start(struct disk *d, struct request *r);
void piece_put(struct disk *d, struct piece *p);	/* at work no more */
/* A delayed piece is given up and its request fails; a step is to follow. */
void piece_drop(struct disk *d, struct piece *p, int code, int error,
		const char *why);
/* The unit is there again: it may take its time to be ready. */
void pieces_start_anew(struct disk *d);
void pieces_resend(struct disk *d, lun_time now);	/* those that are due */

/* disk-outage.c */
enum { OUTAGE_TEXT_MAX = 44 };
int outage_init(struct disk *d);	/* 0 or LUN_ENOMEM */
/* As disk_lost(), but nobody knows whether the nexus is there. */
void disk_unanswered(struct disk *d, int code, const char *text);
void outage_ends(struct disk *d);	/* it is the same unit, or GONE */
void outage_answered(struct disk *d);	/* something was, whatever it was */
/* The disk is lost, and the request can do nothing but wait. */
void outage_waits(struct disk *d, struct request *r);
/* Its first loss, which a command that is out may have met; 0: none. */
lun_time outage_since(struct request *r);
/* It has waited for that one, which has ended now. */
void outage_shared(struct disk *d, struct request *r, struct request *blocker);
/* Its command was lost: is it not to wait any more? */
bool outage_is_over(const struct disk *d, struct request *r);
const char *outage_text(const struct disk *d, char text[OUTAGE_TEXT_MAX]);

/* disk-cache.c */
void cache_written(struct disk *d, lun_time submitted);	/* and no FUA */
void cache_flushed(struct disk *d, uint64_t acknowledged);
void cache_lose_write(struct disk *d, const char *why);	/* static */
/* What goes with a unit that is gone: ": so many writes", or nothing. */
enum { CACHE_GONE_MAX = 80 };
const char *cache_gone_text(const struct disk *d, char text[CACHE_GONE_MAX]);
void cache_note_effects(struct disk *d, unsigned effects);
void cache_nexus_lost(struct disk *d);
void cache_nexus_back(struct disk *d);

/* disk-order.c */
void order_enter(struct disk *d, struct request *r);	/* may set blocker */
void order_leave(struct disk *d, struct request *r);	/* others may be waiting */

#endif
