/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inventory of a target: REPORT LUNS (SPC-4 6.33) to LUN 0, with a buffer
 * that grows to what the target has, within LUNS_MAX.
 */
#ifndef SCSI_LUNS_H
#define SCSI_LUNS_H

#include "scsi/query.h"

enum { LUNS_MAX = 16384 };

struct luns {
	struct unit unit;		/* LUN 0 */
	struct query query;
	uint8_t *buffer;
	size_t size;
	unsigned rounds;
	bool cancelled;
	void (*done)(struct luns *l);
	void *user;

	/* the outcome, valid from done on until the next luns_start() */
	int code;			/* 0 or enum lun_code */
	char text[OUTCOME_TEXT_MAX];	/* why, "" if code is 0 */
	size_t n;
	uint64_t *lun;			/* ascending, each once, none of them
					 * well-known */
};

int luns_init(struct luns *l, struct nexus *nexus, lun_time patience,
	      void (*done)(struct luns *l), void *user); /* 0, LUN_ENOMEM */
void luns_deinit(struct luns *l);		/* not running, or zeroed */

/* done comes later, exactly once. A target that has no REPORT LUNS has LUN 0,
 * says SAM. Not while it is running. */
void luns_start(struct luns *l);
void luns_cancel(struct luns *l);
bool luns_running(const struct luns *l);

#endif
