/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Session recovery (RFC 7143 7.1.4.4): the I_T nexus as those above see it
 * outlives the sessions that carry it. When a session fails, its commands are
 * ended with the cause, and new logins are made until one succeeds; as they
 * have the same ISID, each is a reinstatement: the target has ended the tasks
 * of the old session before the new one runs (6.3.5), so nothing that was sent
 * before can land after what is sent then.
 *
 *	start -> CONNECTING -> UP <--------------------------.
 *	             |          | lost                       | again
 *	           down         `-> WAITING -> CONNECTING [-> FENCING]
 *
 * Attempts go to the portals of the target in turn (portals.h), with a pause
 * before each round (backoff.h). A login that ends up in another portal group
 * reinstates nothing: what may still be executed there is ended by resets
 * (fence.h) before the session is up.
 *
 * Whether a command may be sent again, and to which unit, is decided above,
 * where it is known what it does.
 */
#ifndef RECOVERY_RECOVERY_H
#define RECOVERY_RECOVERY_H

#include "session/session.h"

struct recovery;

struct recovery_ops {			/* as struct session_ops */
	/* Commands may be submitted; again: after a loss. */
	void (*up)(void *user, bool again);
	/* Commands submitted from here on end with the code of the loss, until
	 * up. Comes once for each loss. */
	void (*lost)(void *user, const struct lun_error *err);
	/* The first login failed, or it was stopped. Nothing comes after it. */
	void (*down)(void *user, const struct lun_error *err);
	void (*scsi_event)(void *user, uint64_t lun, const uint8_t *sense,
			   size_t len);
	/* The units of which nobody knows what became of writes that were out
	 * when the session was lost: at most max, the rest is counted only. */
	size_t (*unsure)(void *user, uint64_t *luns, size_t max);
	void (*wavers)(void *user);	/* NULL is fine */
};

int recovery_new(struct recovery **out, const struct session_config *config,
		 const struct lun_env *env, struct timers *timers,
		 const struct session_driver *driver, void *driver_user,
		 const struct recovery_ops *ops, void *user,
		 struct lun_error *err);
struct recovery *recovery_free(struct recovery *r);	/* as session_free() */

int recovery_start(struct recovery *r, struct lun_error *err);
void recovery_stop(struct recovery *r);		/* as session_stop() */

/*
 * Stop waiting: the next attempt is made now, and so are connections that the
 * session has lost. Not even Time2Wait is waited for, which is a SHOULD (7.5):
 * who asks knows what has changed. An attempt under
 * way, which may hang, is replaced; but not one that was made because of this,
 * as else who asks often would never let a slow target answer: after that, the
 * next one is made at once.
 */
void recovery_retry(struct recovery *r);

/* The last chance: the same, and all pauses from now on are a second at most,
 * whatever Time2Wait is. */
void recovery_hurry(struct recovery *r);

/* Another portal of the target, for attempts to come. */
void recovery_add_portal(struct recovery *r, const struct portal *portal);

struct nexus *recovery_nexus(struct recovery *r);

/* The session of now, or the last one that was. */
struct session *recovery_session(struct recovery *r);

struct recovery_status {
	unsigned attempts;		/* made since it was lost; 0: it is up */
	lun_time lost_at;		/* the last time */
	lun_time next_at;		/* TIME_NEVER: an attempt is under way */
	const char *cause;		/* of the last failure; "" */
	uint64_t session_recoveries;
	struct session_counters counters;	/* of all sessions */
};
void recovery_status(const struct recovery *r, struct recovery_status *st);

#endif
