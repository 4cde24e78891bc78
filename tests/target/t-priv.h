/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the target's core share. Prototypes stand under the name
 * of their file; includes of the core's own headers end here.
 *
 * Life of a SCSI task: instantiated in CmdSN order (or at once if immediate),
 * queued at its logical unit, started when task attributes allow, gets its
 * data, executes, answers. A task that answered stays on the draining list of
 * its connection until the last byte that borrows from it has been sent.
 *
 *	WAITING -> DATA_OUT -> (executed) -> DATA_IN -> status -> DRAINING
 *	    `----- by the command, stages that it does not need are skipped
 *
 * From ErrorRecoveryLevel 1 on, every numbered response is kept (struct kept)
 * until ExpStatSN acknowledges it, and a SCSI response keeps its task with the
 * data that it read, so that a SNACK can have all of it again (t-snack.c). At
 * level 2 both outlive their connection for a while (t-recovery.c).
 *
 * A read borrows the bytes of the disk; a write that is about to change them
 * gives the read a private copy first (scsi_detach_readers()), so that a read
 * returns what was there when it executed. Written data is collected in the
 * task and reaches the disk when all of it is there and its digests are right.
 */
#ifndef T_PRIV_H
#define T_PRIV_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/serial.h"
#include "fault.h"
#include "t-keys.h"
#include "target.h"
#include "wire/rx.h"
#include "wire/tx.h"

enum {
	NAME_LEN = 224,			/* RFC 7143 4.2.7.1: 223 bytes */
	PORTAL_LEN = 80,
	PORTALS_MAX = 16,
	SENSE_LEN = 18,
	TASK_BUCKETS = 64,		/* of a session's table of ITTs */
	R2T_MAX = 16,			/* outstanding ones of a task */
	BURSTS_MAX = 2 * R2T_MAX + 1,	/* with the unsolicited one and stale ones */
	SPANS_MAX = 128,		/* pieces of what a task has got */
	RUNS_MAX = 4,			/* segmentations of one read */
	KEPT_MAX = 4096,		/* responses without acknowledgment */
	SNACK_QUEUE_MAX = 65536,	/* PDUs in a queue that SNACKs fill */
	TRANSFER_MAX = 8 << 20,		/* bytes of one command */
	TASK_BUF_KEPT = 1 << 20,	/* a bigger buffer is given back */
	TX_HIGH = 1 << 20,		/* no more Data-In is queued above it */
	TEXT_IN_MAX = 65536,		/* RFC 7143 6.1 */
	IMMEDIATE_MAX = 64,		/* immediate tasks of a session */
	UA_MAX = 4,
	SMALL_MAX = 4096,		/* answers that are made in a task */
	LBA_STATUS_MAX = 128,		/* extents in one answer */
	UNMAP_MAX = 512 << 20,		/* bytes of one UNMAP */
	UNMAP_RANGES_MAX = 256,
	WRITE_SAME_MAX = TRANSFER_MAX,	/* bytes */
	COMPARE_MAX = 64,		/* blocks of COMPARE AND WRITE */
	LUN_COUNT_MAX = 16384,		/* flat space addresses, SAM-5 4.7.7 */
	LOST_MAX = 64,			/* connections of a session */
	LOGIN_REQUESTS_MAX = 64,	/* of one login */
};

struct reservation {			/* persistent, SPC-4 5.13 */
	struct list registrants;
	uint32_t generation;
	uint8_t type;			/* 0: there is none */
	bool persists;			/* the owner of the disk keeps it */
	struct registrant *holder;	/* NULL: none, or all */
};

struct tlu {
	uint64_t lun;
	unsigned index;			/* in its node, and in nexus tables */
	struct tnode *node;
	struct disk *disk;
	uint32_t block_size;
	uint64_t blocks;
	uint64_t naa;			/* identifier, VPD 0x83 */
	struct list tasks;		/* all that are not done, in order */
	unsigned blocked;		/* how many of these are WAITING */
	unsigned ordered;		/* how many of these are ORDERED */
	bool scheduling;
	bool told;			/* a session, that it was started */
	struct list readers;		/* tasks that borrow the disk's bytes */
	struct reservation reserve;
};

struct tnode {
	struct list in_target;
	struct target *target;
	char name[NAME_LEN];
	struct tlu **lus;		/* in ascending order */
	unsigned lu_count;
};

struct target {
	struct target_env env;
	struct target_options options;
	struct twants wants;
	struct tportal {
		char address[PORTAL_LEN];
		int group;		/* -1: that of the options */
	} portals[PORTALS_MAX];
	unsigned announced_count;
	const char *announced[PORTALS_MAX];
	unsigned portal_count;
	struct list nodes, sessions, conns, ready;
	struct list free_tasks;
	uint16_t last_tsih;
	struct faults *faults;		/* NULL: it is honest */
	lun_time now;			/* of the last call */
	const struct task *executing;	/* it writes right now */
};

struct nexus {				/* of a session and a logical unit */
	uint16_t ua[UA_MAX];		/* ASC << 8 | ASCQ */
	unsigned ua_count;
	/* 4.2.2.3: no command starts until this status is acknowledged */
	struct tconn *fence;
	uint32_t fence_stat_sn;
	/* A unit attention of task management is to be told, with a fence
	 * before and behind it: t-tmf.c. */
	bool tells;
	struct task *teller;		/* it is about to */
};

struct session {
	struct list in_target;
	struct target *target;
	struct tnode *node;		/* NULL: unnamed discovery */
	char portal[PORTAL_LEN];	/* of the leading login */
	unsigned group;			/* its portal group tag */
	char initiator[NAME_LEN];
	uint8_t isid[ISID_LEN];
	uint16_t tsih;
	bool discovery;
	struct tvalues values;
	uint32_t exp_cmd_sn, max_cmd_sn;
	unsigned active;		/* numbered commands under way */
	unsigned immediate;		/* immediate SCSI tasks under way */
	uint32_t next_ttt;
	struct list conns;
	struct list tasks[TASK_BUCKETS];
	const struct pdu *delivering;	/* has taken exp_cmd_sn - 1 */
	struct list pending;		/* commands that came too early */
	struct list tmfs;		/* requests that wait for something */
	struct list lost;		/* connections; level 2 */
	struct nexus *nexus;		/* of each logical unit */
	unsigned fences;		/* how many of them are held, */
	unsigned telling;		/* and how many have to tell */
	bool ending;
	uint32_t told_max;		/* highest MaxCmdSN sent, if told */
	bool told;
	lun_time expires;		/* no connection is left; else never */
};

static inline bool
keeps_responses(const struct session *s)
{
	return s->values.v[K_ERL] > 0;
}

struct tchap {
	enum { CHAP_NONE, CHAP_CHOSEN, CHAP_CHALLENGED, CHAP_DONE } state;
	unsigned algorithm;
	uint8_t id, challenge[16];
};

struct login {
	bool started, identified, tpgt_sent, limits_sent, transit_pending;
	uint8_t csg, nsg;
	bool authenticated, auth_failed;
	uint32_t itt;
	unsigned requests;
	uint8_t isid[ISID_LEN];
	uint16_t tsih;
	unsigned tpgt;			/* that it is told */
	uint32_t cmd_sn, exp_stat_sn;	/* of the first request */
	bool discovery;
	char initiator[NAME_LEN], target[NAME_LEN];
	struct tnode *node;
	struct session *join;		/* of a non-zero TSIH, while it lives */
	bool seen[K_COUNT], proposed[K_COUNT];
	uint32_t seen_names;		/* of the declared keys: bits */
	struct tvalues values;
	struct tchap chap;
	char *chap_field[5];		/* of the request under way */
};

struct text {				/* a growing run of bytes */
	char *buf;
	size_t len, size;
	size_t sent;			/* outgoing: how much is gone */
};

struct tconn {
	struct list in_target, in_session, in_ready;
	struct target *target;
	struct session *session;	/* NULL until the login is done */
	void *user;
	char portal[PORTAL_LEN];
	uint16_t cid;
	struct rx *rx;
	struct tx *tx;
	enum { CONN_LOGIN, CONN_FULL, CONN_ENDING, CONN_DEAD } state;
	char reason[400];
	/* What becomes of its tasks when it goes, at level 2. */
	enum { LEFT_LOST, LEFT_FOR_RECOVERY, LEFT_CLOSED } leaving;
	lun_time now;
	lun_time deadline;		/* login or ping */
	bool pinged;			/* a ping is unanswered */
	uint32_t stat_sn, exp_stat_sn;
	uint32_t fence_sn;		/* a response waits for all before it */
	bool affected;			/* by the abort under way */
	uint32_t max_recv;		/* theirs */
	struct login *login;		/* during the login */
	struct text in, out;
	uint32_t text_itt, text_ttt;	/* of a text exchange under way */
	struct list tasks;		/* with allegiance to this connection */
	struct list reading;		/* those that send Data-In, in order */
	struct list draining;
	uint64_t acked;			/* bytes sent since the beginning */
	struct list kept;		/* responses, by StatSN; level 1 */
	unsigned kept_count;
	lun_time ack_deadline;		/* what is kept should be acked by then */
	lun_time heard, data_heard;	/* bytes; Data-Out */
	lun_time data_deadline;		/* look for Data-Out that is late */
	bool asked;			/* by a ping, for a sign of life */
	struct task *incoming;		/* takes the immediate data under way */
	const struct task *ends;	/* its last PDU is sent right now */
	struct fault_conn faults;
};

/* A sequence of Data-Out: what an R2T asked for, or the unsolicited one. */
struct burst {
	uint32_t ttt;			/* TAG_NONE: unsolicited */
	uint32_t r2t_sn;
	uint32_t offset, len;
	uint32_t data_sn, next;		/* of the next PDU: and its offset */
	uint32_t got;			/* bytes */
	bool lossy;			/* some did not come, or not well */
	bool stale;			/* nobody waits for it any more */
	lun_time since;			/* asked for, or heard of last */
};

struct span {
	uint32_t start, end;
};

/*
 * A connection that is gone and whose tasks wait for another one (level 2).
 * They belong to no connection, and nothing moves.
 */
struct lost {
	struct list in_session;
	uint16_t cid;
	bool removed;			/* logged out: tasks may be reassigned */
	uint32_t exp_stat_sn, stat_sn;
	lun_time expires;
	struct list tasks;
	struct list kept;		/* status without acknowledgment */
};

/* A numbered response that was not acknowledged yet. */
struct kept {
	struct list in_conn;
	struct pdu pdu;			/* a Data-In: the last one, with status */
	struct task *task;		/* whose status this is; owned; or NULL */
	size_t len;
	uint8_t data[];
};

struct tmf {
	struct list in_session;
	struct tconn *conn;
	struct pdu pdu;
	bool started;
	unsigned waits;			/* for so many tasks to settle */
	bool fenced;			/* waits for status to be acknowledged */
};

enum task_state { TASK_WAITING, TASK_DATA_OUT, TASK_DATA_IN, TASK_DONE };

struct task {
	struct list in_table;		/* also: of the free tasks */
	struct list in_conn;		/* tasks; later draining; or lost */
	struct list in_lu, in_readers, in_reading;
	struct session *session;
	struct tconn *conn;		/* NULL: it is lost */
	struct lost *lost;
	struct tlu *lu;			/* NULL: no such logical unit */
	struct pdu cmd;
	lun_time came;
	enum task_state state;
	struct tmf *tmf;		/* aborted by it, still settling */

	/* the answer */
	uint8_t status;
	uint8_t sense[SENSE_LEN];
	bool failed;			/* status and sense are final */
	bool collapsed;			/* comes with the last Data-In, ... */
	uint32_t stat_sn;		/* ... which has this number */

	/* data; wanted: what the command itself moves */
	uint8_t *buf;
	size_t buf_size;
	bool is_write;			/* data goes to the target */
	void (*execute)(struct task *k);
	uint32_t wanted;		/* bytes, before EDTL cuts it */
	uint64_t disk_offset, disk_len;	/* what it reads or writes */

	/* out */
	uint32_t out_len;		/* min(wanted, EDTL) */
	struct span span[SPANS_MAX];	/* is here; in order, apart */
	unsigned spans;
	struct burst burst[BURSTS_MAX];	/* is on its way */
	unsigned bursts;
	uint32_t r2t_sn;
	uint32_t asked;			/* for all before: some time or other */
	struct task_place {		/* the Data-Out under way */
		const void *at;
		size_t len;
	} place;

	/* in */
	const uint8_t *in;
	uint32_t in_len;
	uint32_t in_off, data_sn;	/* what goes out next */
	uint32_t acked_off, acked_sn;	/* all before is acknowledged */
	struct run {			/* from this PDU on ... */
		uint32_t data_sn, offset;
		uint32_t segment;	/* ... none is longer */
	} run[RUNS_MAX];
	unsigned runs;
	uint32_t ack_ttt;		/* in Data-In with A; 0: none yet */
	uint32_t snack_tag;		/* of the last R-Data SNACK */

	uint64_t tx_end;		/* draining: its last byte */

	/* faults: how long it does not execute; when it does */
	lun_time hold, due;
	bool zombie;
	struct list in_held;
};

/* target.c */
void conn_send(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
	       const struct task *owner);
void conn_send_copy(struct tconn *c, struct pdu *pdu, const void *data,
		    size_t len);
void conn_end(struct tconn *c, const char *why);	/* after the queue */
void conn_kill(struct tconn *c, const char *why);	/* now */
void conn_fail(struct tconn *c, const char *why);	/* in a call of its own */
void conn_wake(struct tconn *c);
void conn_settle(struct tconn *c);
bool conn_listens(const struct tconn *c);
void conn_queue(struct tconn *c, struct pdu *pdu, const void *data, size_t len,
		const struct task *owner, bool copy);
void conn_deliver(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
		  bool digest_ok);
struct tnode *target_find(struct target *t, const char *name);

/* t-session.c; c is a connection in its login */
struct session *session_find(const struct tconn *c);
struct tconn *session_find_cid(const struct session *s, uint16_t cid);
unsigned session_conns(const struct session *s);
int session_enter(struct tconn *c);
void session_leave(struct tconn *c);
void session_free(struct session *s);
void session_advance(struct session *s);	/* MaxCmdSN after a change */
void nexus_add_ua(struct session *s, const struct tlu *lu, uint16_t asc);

/* t-logout.c */
void logout_request(struct tconn *c, const struct pdu *req);
bool logout_of_another(const struct tconn *c, const struct pdu *pdu);

/* t-recovery.c */
void lost_keep(struct tconn *c, bool removed);
bool lost_remove(struct session *s, uint16_t cid, uint32_t exp_stat_sn,
		 lun_time now);
bool lost_close(struct session *s, uint16_t cid);
void lost_clear(struct session *s);
lun_time lost_deadline(const struct session *s);
void lost_expired(struct session *s, lun_time now);
struct kept *lost_find_status(const struct session *s, uint32_t itt);
void lost_resume_status(struct tconn *c, struct kept *e, bool data_too,
			uint32_t exp_data_sn);
enum tmf_response lost_may_reassign(const struct session *s, uint32_t itt);
void lost_reassign(struct tconn *c, uint32_t itt, uint32_t exp_data_sn);

/* t-text.c */
/* The tag of the group that this portal belongs to. */
unsigned portal_group(const struct target *t, const char *address);
int text_append(struct text *t, const void *p, size_t len);
int text_pair(struct text *t, const char *key, const char *value);
void text_reset(struct text *t);
/* Calls pair() for each key=value; 0, negative: malformed, or its result. */
int text_each(struct text *t, void *user,
	      int (*pair)(void *user, const char *key, const char *value));
void full_text(struct tconn *c, const struct pdu *req, const uint8_t *data);

/* t-login.c */
void login_pdu(struct tconn *c, const struct pdu *req, const uint8_t *data);

/* t-chap.c: 0, or negative: authentication failure */
int chap_choose(struct tconn *c, const char *methods, struct text *out);
int chap_key(struct tconn *c, const char *key, const char *value);
int chap_step(struct tconn *c, struct text *out);
bool chap_is_key(const char *key);

/* t-full.c */
void full_pdu(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	      bool digest_ok);
void full_reject(struct tconn *c, const struct pdu *bad, uint8_t reason);
void full_reject_sn(struct tconn *c, const struct pdu *bad, uint8_t reason,
		    uint32_t data_sn);
void full_ping(struct tconn *c);
uint32_t full_new_ttt(struct session *s);
void full_deliver_pending(struct session *s);
void full_plug(struct tconn *c, uint32_t cmd_sn);
bool full_keep_early_data(struct tconn *c, const struct pdu *pdu,
			  const uint8_t *data, bool digest_ok);
void full_forget_early(struct session *s, const struct tconn *c);

/* t-tmf.c */
void tmf_request(struct tconn *c, const struct pdu *pdu);
void tmf_advance(struct session *s);
void tmf_task_gone(struct task *k);
void tmf_acked(struct session *s);	/* or a connection is gone */
bool tmf_holds(const struct task *k);
void tmf_tells(struct task *k);
bool tmf_told(struct task *k, uint32_t stat_sn);
void tmf_left(struct task *k);
void tmf_forget(struct session *s, const struct tconn *c);

/* t-task.c */
struct task *task_get(struct target *t);
void task_put(struct task *k, struct target *t);
int task_reserve(struct task *k, size_t size);
struct task *task_find(const struct session *s, uint32_t itt);
void task_count(struct task *k);
void task_enter(struct task *k);
void task_leave(struct task *k);	/* it is about to answer */
void task_drain(struct task *k);	/* it has left: memory later */
void task_end(struct task *k);		/* both, without an answer */
void task_abort(struct task *k, struct tmf *tmf);
void task_drained(struct tconn *c);
void task_schedule(struct tlu *lu);

/* t-data-in.c */
void data_answer(struct task *k);	/* the command has executed */
void data_break_off(struct task *k);	/* it has failed meanwhile */
void data_pump(struct tconn *c);
uint32_t data_offset(const struct task *k, uint32_t data_sn);
void data_resend(struct task *k, uint32_t data_sn, uint32_t count);
void data_rewind(struct task *k);	/* to what is not acknowledged */
void data_ack_until(struct task *k, uint32_t data_sn);
void data_resume(struct task *k);	/* from there, on its connection */
void data_send_rest(struct task *k);

/* t-snack.c */
void kept_send(struct tconn *c, struct pdu *pdu, const void *data, size_t len);
bool kept_add(struct tconn *c, const struct pdu *pdu, const void *data,
	      size_t len, struct task *k);
void kept_free(struct kept *e);
void kept_acked(struct tconn *c, uint32_t exp_stat_sn);
void kept_clear(struct tconn *c);
void kept_expired(struct tconn *c, lun_time now);
void snack_request(struct tconn *c, const struct pdu *req);

/* t-data-out.c */
int data_reserve(struct task *k, uint32_t size);
void *data_out_place(struct tconn *c, const struct pdu *pdu);
void data_out(struct tconn *c, const struct pdu *pdu, const uint8_t *data,
	      bool digest_ok);
void data_begin(struct task *k);	/* the command is started: move data */
void data_progress(struct task *k);
bool data_settled(const struct task *k);
void data_unsolicited(struct task *k, uint32_t immediate, uint32_t end);
void data_r2t_again(struct tconn *c, const struct pdu *req, struct task *k);
void data_expired(struct tconn *c, lun_time now);

/* t-scsi.c */
void scsi_start(struct task *k);	/* says what it moves, or fails */
void scsi_execute(struct task *k);	/* the data is there */
void scsi_fail(struct task *k, uint8_t key, uint16_t asc);
void scsi_detach_readers(struct tlu *lu, uint64_t offset, uint64_t len);
struct tlu *scsi_find_lu(const struct tnode *node, uint64_t lun);

/* t-reserve.c; permits: false: the task has failed */
void reserve_init(struct tlu *lu);
void reserve_deinit(struct tlu *lu);
bool reserve_permits(struct task *k, bool changes);

/* t-inquiry.c */
uint32_t inquiry_page(const struct task *k, uint8_t *buf);
uint32_t mode_sense(const struct task *k, uint8_t *buf, bool ten);

#endif
