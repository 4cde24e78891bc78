/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle: knows what each cell of the disk held and when, which requests
 * the application made, and what must hold of the two:
 *
 *	a read		returns for each cell what was there at some moment
 *			between its submission and its completion
 *	a write		that is done has landed, all of it, since it was submitted
 *	stale		what lands belongs to a write that is under way; or to one
 *			that failed, of which nobody can know yet whether it did:
 *			no request that was submitted after its end has succeeded;
 *			or was on its way where no initiator reaches it (host.h)
 *	a flush		that is done: what was acknowledged before it was
 *			submitted survives a crash from now on
 *	FUA		so does the write itself
 *	once		each request is done once
 *
 * What a crash loses of a volatile cache is lost rightly; the flush that comes
 * after it does not cover what was gone already.
 *
 * A cell is 64 bytes, filled by a pattern that says which write it is from and
 * which cell it is, so that bytes from elsewhere are found too.
 */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "lun.h"
#include "world.h"

enum { CELL = 64 };

void oracle_begin(uint8_t *bytes, size_t size);	/* fills them */

/* A request is about to be submitted. A write's buffer is filled. Returns its
 * number. */
uint32_t oracle_submit(struct lun_io *io);
/* group: the portal group that the session is in; -1: in none. */
void oracle_done(uint32_t id, const struct lun_io *io, int group);

/* The medium: these bytes of it were written, become what they were (of a
 * planted fault), are durable, or are what is left after a crash. */
void oracle_landed(const uint8_t *medium, uint64_t offset, uint64_t len);
void oracle_undo(uint8_t *medium, uint64_t offset, uint64_t len);
void oracle_flushed(uint64_t offset, uint64_t len);
void oracle_crashed(const uint8_t *medium, uint64_t offset, uint64_t len);

#endif
