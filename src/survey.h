/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From SOURCES to sessions, shared by mount, ls and info:
 *
 *	source -- discovery --> targets, merged by name -- login --> session
 *
 * A portal is asked for its targets; a target or a LUN stands for itself. All
 * sources are looked at first, so that a target that several of them name has
 * one entry, with all its portals, and one session. Then each target is logged
 * in to, PARALLEL at a time; if a portal cannot be reached, the next one is
 * tried. What goes wrong is kept at the source or the target, in order.
 *
 * A source may be live (iSNS): with sessions that are kept it tells when its
 * list changes. Targets that are new in it are logged in to; those that are in
 * no list any more are gone, which is up to the command: what a list says is no
 * reason to end a session that is used (RFC 4171 2.2.3).
 *
 * Whose word counts more is not the order in which sources are given: what is
 * configured goes before what a portal says, that before iSNS, and SLP comes
 * last (RFC 3721 3, RFC 7143 4.2.7.1). The options of a target are those of the
 * first source that has it, its portals are tried in this order; the portal
 * that was asked for a target comes last, unless the target told of it.
 *
 * Objects of liblun are never closed or freed within one of its callbacks:
 * callbacks note what happened, and one function on an alarm acts on it.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lun.h"

struct portal {
	char *address;
	uint16_t port;
	int tpgt;			/* -1: not known */
	uint64_t place;			/* in the order of precedence */
	struct source *asked;		/* NULL; or it is no portal that the
					   target told of: lun_portal.asked */
};

enum target_state {
	TARGET_WAITING,			/* for its turn */
	TARGET_OPENING,
	TARGET_UP,
	TARGET_CLOSING,
	TARGET_ENDED,			/* session is to be freed */
	TARGET_DONE,			/* no session (any more) */
};

struct target {
	struct lun_url url;		/* kind TARGET or LUN, no password */
	struct lun_options *options;
	uint64_t place;			/* of the source of its options */
	bool named;			/* by the user, not only discovered */
	uint64_t rank;			/* its place in the order of the sources */
	struct source *shown_by;	/* the first that found it; NULL: none */
	bool shown_twice;		/* by others, too */
	bool seen;			/* in the last list of shown_by */
	bool gone;			/* is shown no more: see survey_leave() */
	bool leaving;
	/* How often it was removed. Of a lane's (lanes.h): how often its original
	 * had been when it was copied. */
	atomic_uint life;

	size_t n_portals;
	struct portal *portals;
	size_t portal;			/* the one that is used */

	size_t n_luns;			/* wanted; 0: all */
	uint64_t *luns;

	enum target_state state;
	bool busy;			/* counts in survey.busy */
	bool due;			/* is in survey.due */
	struct target *next_due;
	struct lun_session *session;
	int code;			/* 0, or why there is no session */
	char error[sizeof(((struct lun_error *)0)->text)];
	int64_t failed_at;		/* seconds, on some clock */
	/* For those who try again by themselves, and when: */
	struct lun_backoff backoff;
	int64_t again_ms;		/* target_clock_ms(); 0: not */
	void *user;			/* the command's own */
	struct survey *all;
};

struct source {
	char *label;			/* the URL without secrets */
	struct lun_url url;		/* no password */
	struct lun_options *options;
	struct lun_discovery *discovery;
	bool started, done;
	bool busy;			/* counts in survey.busy */
	bool live;			/* tells of changes, after done, too */
	bool translated;		/* a target that it shows was reached
					   only where the source was asked */
	int code;			/* 0, or why it shows nothing */
	char error[sizeof(((struct lun_error *)0)->text)];
	struct survey *all;
};

struct survey_ops {
	/* The target's session is up (code 0), or there is none. */
	void (*target)(void *user, struct target *t);
	/* Every source and every target was looked at; once. */
	void (*done)(void *user);
	/* No source shows this target any more. It is there until
	 * survey_leave(). May be NULL, as may disk_changed. */
	void (*gone)(void *user, struct target *t);
	/* After survey_close(): all sessions have ended. */
	void (*closed)(void *user);
	/* As in lun.h, for wanted LUNs. */
	void (*disk_changed)(void *user, struct target *t, struct lun_disk *d);
};

struct survey {
	size_t n_sources;
	struct source *sources;
	size_t n;
	struct target **v;		/* in the order of the sources */
	void *by_name;			/* the same; for tsearch() */
	size_t in[TARGET_DONE + 1];	/* how many are in each state */
	size_t looked_at;		/* the first ones of v: had their turn */
	struct target *due;		/* have changed since the last turn */

	struct lun_loop *loop;
	const struct survey_ops *ops;
	void *user;
	struct lun_alarm *turn;
	bool keep;			/* sessions stay open after ops->target */
	bool listed;			/* all sources are done, v is complete */
	bool done, closing, sweeping, closed;
	unsigned busy;			/* discoveries and logins under way */
};

/* Parses the sources; passwords in them are blanked in the arguments, with a
 * warning. LUN_EINVAL names the source. */
int survey_new(struct survey **out, char **sources, size_t n,
		const struct lun_options *options, struct lun_error *err);
struct survey *survey_free(struct survey *sv);

/* keep: sessions stay open until survey_close(); else each is logged out as
 * soon as ops->target has returned. */
int survey_start(struct survey *sv, struct lun_loop *loop, bool keep,
		  const struct survey_ops *ops, void *user,
		  struct lun_error *err);

/* Logs out of everything. */
void survey_close(struct survey *sv);

/* Is a session lost that was up? */
bool survey_is_lost(const struct survey *sv);

/* What survey_start() began and is not done yet, in words: "logging in to URL". */
void survey_under_way(const struct survey *sv, char *text, size_t size);

/* Those reconnect now. */
void survey_retry(struct survey *sv);

/* They do so each second from now on: lun_session_hurry(). */
void survey_hurry(struct survey *sv);

/* Targets without session are logged in to once more, also those that refused
 * us. */
void survey_retry_failed(struct survey *sv);

/* Logs out of a target that is gone; nobody may use its disks any more. */
void survey_leave(struct target *t);

/* Logs in to a target once more; if there is a session, it ends before. */
void survey_renew(struct target *t);

int64_t target_clock_ms(void);

/* Is this one of the LUNs of a target that the user wants to see? */
bool target_wants(const struct target *t, uint64_t lun);

/* Is this one of its portals, or just one that was not tried? */
static inline bool
target_has_portal(const struct target *t, size_t i)
{
	return !t->portals[i].asked || i == t->portal;
}

/* The next one of the disks of a target that the user wants to see; NULL at the
 * end. *at is where to look on: 0 at first. */
struct lun_disk *target_disk(const struct target *t, size_t *at);

/* What two disks have in common that are the same unit: its names and the like,
 * as text; to be freed. NULL: out of memory. */
char *disk_identity(const struct lun_disk *disk);

/* The URL of what is asked of a target (all of it, or the only LUN), and of one
 * of its LUNs: text of LUN_URL_TEXT_MAX bytes. */
char *target_url(const struct target *t, char *text);
char *target_lun_url(const struct target *t, uint64_t lun, char *text);

#endif
