/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A logical unit as bytes: reads, writes and flushes of any range.
 *
 *	disk_new() -- disk_probe() --> probed() -- disk_submit() ... -->
 *	disk_close() -- the nexus ends all commands --> disk_free()
 *
 * Requests are done from a timer of the nexus or from the completion of a
 * command, never from within disk_submit(). A done or an operation of disk_ops
 * may call everything here but disk_close() and disk_free() of its own disk.
 *
 * Promises:
 * - A request that is done without error has moved all of its bytes.
 * - Each block is written as a whole: a write of a part of a block and any
 *   other write of that block, both in flight, leave what one after the other
 *   would have left. Whole blocks of writes in flight overlap in any order, as
 *   on any disk.
 * - A flush that is done without error covers all writes done before it was
 *   submitted. An error that the unit reported late, of a write that had been
 *   done, fails the next flush; so does a restart of the unit that may have
 *   lost such a write.
 * - When the unit says that it may be another one or has another size, or the
 *   nexus was lost, nothing is sent before a probe knows better; requests fail
 *   if it is another one.
 */
#ifndef SCSI_DISK_H
#define SCSI_DISK_H

#include "scsi/geometry.h"
#include "session/command.h"

struct disk;

struct disk_options {
	bool read_only;
	uint32_t max_transfer;	/* bytes in one command; 0: a default */
	/* How long BUSY and the like are met by pauses, all in all. */
	lun_time patience;
	/* How long a request waits while the nexus is lost (disk_lost()), from
	 * its first loss on: 0, not at all; TIME_NEVER: for ever. */
	lun_time outage;
	/* Its owner has one disk for whatever is under this number: a unit that
	 * was replaced is looked for, and once it is back all is as before. */
	bool returns;
};

struct disk_ops {
	/*
	 * A probe has ended. code 0: disk_info() is what it found, and changed
	 * says whether that is news. Else it had no answer; text says why.
	 */
	void (*probed)(void *user, struct disk *d, int code, const char *text,
		       bool changed);
	/* The target says that its logical units are others now. */
	void (*inventory_changed)(void *user, struct disk *d);
};

/* 0 or LUN_ENOMEM. The nexus and *ops outlive the disk. */
int disk_new(struct disk **out, struct nexus *nexus, uint64_t lun,
	     const struct disk_options *options, const struct disk_ops *ops,
	     void *user);

/* Closed, or without any request and probe. NULL is fine. */
struct disk *disk_free(struct disk *d);

/* Looks at the unit, again if it did before; joins a probe under way. */
void disk_probe(struct disk *d);

/*
 * The nexus is lost: nothing is sent, requests wait, and what was under way is
 * sent again, once a probe has found that it is the same unit. The owner asks
 * for that probe when the nexus is back. When the outage lasts too long (since
 * then, when the nexus was last of use) requests fail with this code and text,
 * until then. The same follows if a command gets no answer, but then the disk
 * asks for the probe itself, until one is answered or the nexus turns out to be
 * lost.
 */
void disk_lost(struct disk *d, lun_time since, int code, const char *text);

bool disk_is_lost(const struct disk *d);	/* and not found again yet */
/* When the first of those that wait fails; TIME_NEVER: none does. */
lun_time disk_gives_up_at(const struct disk *d);

/* Since it was lost nobody knows what became, or becomes, of writes. */
bool disk_is_unsure(const struct disk *d);

/* Commands that were sent again after a loss. */
uint64_t disk_retried(const struct disk *d);

/* Has it acknowledged writes that may be in its cache only? */
bool disk_is_dirty(const struct disk *d);

/*
 * Before the probe that is to find it again: for a while, and last then, nobody
 * listened at its target's portal. If it says that it was reset, then by a
 * restart.
 */
void disk_maybe_restarted(struct disk *d, lun_time at);

/* What it knows of a restart for others to know, see lun_disk_signs(). */
const struct lun_signs *disk_signs(struct disk *d);

/*
 * The unit has vanished: requests fail from now on. Text: why. A unit that was
 * ready once (its owner may have cached something) stays so for ever, unless
 * it returns.
 */
void disk_gone(struct disk *d, const char *text);
bool disk_was_ready(const struct disk *d);

/*
 * Ends with LUN_ECANCELED what has no command out, at once, and the rest as
 * its commands end. Nothing may be submitted any more, probed comes no more.
 */
void disk_close(struct disk *d);

void disk_submit(struct disk *d, struct lun_io *io);
/* Only between disk_submit() and done. */
void disk_cancel(struct disk *d, struct lun_io *io);

/* Requests that are not done; when the oldest was submitted, TIME_NEVER: there is
 * none. */
size_t disk_requests(const struct disk *d);
lun_time disk_oldest(const struct disk *d);

const struct lun_disk_info *disk_info(const struct disk *d);

#endif
