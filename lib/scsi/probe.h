/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looks at a LUN: what is there, how large, under which names, how it caches.
 * A table of steps, each one command; unit attentions are absorbed.
 */
#ifndef SCSI_PROBE_H
#define SCSI_PROBE_H

#include "scsi/geometry.h"
#include "scsi/query.h"

enum { PROBE_BUFFER_LEN = 4096 };

struct probe {
	struct query query;
	unsigned step;
	size_t size;			/* allocation length of this step */
	struct vpd_pages pages;
	bool capacity_10_full;		/* READ CAPACITY(10) can't say it */
	bool mode_done;
	bool cancelled;
	void (*done)(struct probe *p);
	void *user;

	/* The outcome, valid in done. code 0: geometry says what is there,
	 * also that nothing is (LUN_DISK_GONE) or that it is not usable. */
	int code;
	char text[OUTCOME_TEXT_MAX];	/* why there is no answer */
	/* A step that may fail did so, and not since the unit does not know
	 * the command: geometry may lack what another probe finds. Not to be
	 * compared with one that is complete. text says what happened. */
	bool incomplete;
	struct geometry geometry;	/* may be moved away */
	unsigned effects;		/* enum effect, seen on the way */

	uint8_t buffer[PROBE_BUFFER_LEN];
};

int probe_init(struct probe *p, struct unit *unit, lun_time patience,
	       void (*done)(struct probe *p), void *user); /* 0, LUN_ENOMEM */
void probe_deinit(struct probe *p);		/* not running, or zeroed */

/* done comes later, exactly once. Not while it is running. */
void probe_start(struct probe *p);
void probe_cancel(struct probe *p);
bool probe_running(const struct probe *p);

#endif
