/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of struct lun_session:
 *
 *	lun-session.c	its life
 *	lun-disks.c	its logical units: inventory and probes
 *	lun-portals.c	the other portals of its target
 *	lun-info.c	what it tells of itself
 *
 * Phases, in this order; each may be followed by any later one:
 *
 *	OPENING		the login
 *	LOOKING		REPORT LUNS, the first probes
 *	READY		until it is closed, through losses and recoveries
 *	DRAINING	lun_session_close(): requests end
 *	STOPPING	the logout
 *	OVER		there is no connection and will be none
 */
#ifndef LUN_SESSION_H
#define LUN_SESSION_H

#include "io/pump.h"
#include "lun-impl.h"
#include "recovery/recovery.h"
#include "scsi/disk.h"
#include "scsi/luns.h"

enum phase { OPENING, LOOKING, READY, DRAINING, STOPPING, OVER };

enum {
	PROBES_MAX	= 16,		/* at the same time */
	RETIRED_MAX	= 1024,		/* a target must not fill our memory */
};

struct lun_disk {
	struct lun_session *s;
	struct disk *disk;
	uint64_t lun;
	struct list to_probe;		/* s->to_probe, or nowhere */
	struct list changed;		/* s->changed, or nowhere */
	bool probing;			/* counted in s->probing */
	bool trouble_told;		/* once, until a probe succeeds */
	bool gone;			/* not in the inventory */
	struct list retired;		/* s->retired, or nowhere */
};

struct lun_session {
	struct lun_loop *loop;
	struct setup setup;
	struct pump *pump;
	struct recovery *recovery;	/* of its sessions, one at a time */
	const struct lun_session_ops *ops;
	void *user;
	enum phase phase;
	struct lun_error err;		/* of OVER, or of a look that failed */
	struct timer drain;
	lun_time drain_deadline;

	/* what the application is told, from a job: it may free us there */
	struct job report;
	bool ready_told;
	void (*closed)(void *user);
	bool *freed;			/* set by lun_session_free() */

	/* the logical units, in ascending order, for life; those that were
	 * gone when their number was in use again are in retired */
	bool one_lun;			/* url_lun only */
	uint64_t url_lun;
	struct luns luns;
	bool luns_again;		/* it changed while it was asked for */
	bool lost;			/* the nexus is, for the time being */
	lun_time forgotten_at;		/* its target has lost it before; 0: no */
	bool counted;			/* in loop->n_lost */
	size_t n_disks;
	struct lun_disk **disks;
	size_t probing;
	struct list to_probe, changed;
	struct list retired;
	size_t n_retired;

	/* lun-portals.c */
	struct timer ask;
	struct lun_discovery *asking;	/* NULL: not now */
	bool asked_itself;		/* at most once */
	char question[SENDTARGETS_REQUEST_MAX];
	struct text_exchange itself;

	/* lun_session_info() */
	struct lun_session_info info;
	struct lun_connection_info connections[SESSION_CONNS_MAX];
};

/* lun-disks.c */
int disks_init(struct lun_session *s);		/* 0 or LUN_ENOMEM */
void disks_deinit(struct lun_session *s);	/* the session is gone */
void disks_look(struct lun_session *s);		/* from the beginning */
bool disks_looking(const struct lun_session *s);
size_t disks_requests(const struct lun_session *s);
bool disks_busy(const struct lun_session *s);	/* those that are not away */
void disks_close(struct lun_session *s);	/* nothing more is asked */
void disks_lost(struct lun_session *s, const struct lun_error *err);
void disks_back(struct lun_session *s);		/* the nexus is there again */
void disks_gone(struct lun_session *s, const char *why);
void disks_event(struct lun_session *s, uint64_t lun, const uint8_t *sense,
		 size_t len);

size_t disks_unsure(const struct lun_session *s, uint64_t *luns, size_t max);

/* lun-portals.c */
int portals_ask_init(struct lun_session *s);	/* 0 or LUN_ENOMEM */
void portals_ask_soon(struct lun_session *s);	/* it is up */
void portals_ask_no_more(struct lun_session *s);
void portals_ask_deinit(struct lun_session *s);	/* also if all is zero */

/* lun-session.c: the first look is over; s->err says how. */
void session_looked(struct lun_session *s);

#endif
