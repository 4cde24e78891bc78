/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checker keeps of a session and its tasks. */
#ifndef SIM_CHECKED_H
#define SIM_CHECKED_H

#include "base/list.h"
#include "checker.h"

enum { TASKS_MAX = 256, R2TS_MAX = 32, ENDED_MAX = 256, NUMBERS = 1024 };

struct checked_r2t {
	uint32_t ttt, next, end, data_sn;
	bool stale;			/* not outstanding: another replaced it */
};

struct checked_task {
	uint32_t itt, cmd_sn, edtl;
	uint64_t lun;
	struct tap *tap;		/* NULL: its connection was lost */
	uint8_t opcode, function;
	bool immediate, read, write;
	uint32_t referenced;		/* TMF */

	uint32_t data_ins, data_in_next;	/* DataSN, offset */
	uint32_t r2t_sn, n_r2ts;
	bool r2ts_dropped;		/* there were more than R2TS_MAX */
	struct checked_r2t r2ts[R2TS_MAX];
	uint32_t out_data_sn, out_next;	/* unsolicited */
	bool out_final;
};

struct checked_session {
	struct list link;
	uint16_t tsih;
	uint32_t group;			/* of its portals: a bit, as told */
	bool lossy;			/* checker_lossy() */
	bool unknown;			/* it is not known how it began */
	unsigned conns;
	uint32_t keys[TAP_KEYS];	/* as its first connection has them */
	bool many;			/* there were several connections */
	uint32_t next_cmd_sn;		/* many: after all that were seen */
	uint32_t max_cmd_sn;		/* as has arrived there */
	struct checked_task tasks[TASKS_MAX];
	unsigned n_tasks;
	struct used {			/* CmdSN + 1 that were seen */
		uint64_t next;
		uint32_t itt;
	} used[NUMBERS];
	uint32_t ended[ENDED_MAX];	/* task tags, a ring */
	unsigned n_ended;
	uint32_t late[ENDED_MAX];	/* by a reset on another connection */
	unsigned n_late;
};

/* checker.c: tasks; NULL: it is not under way. */
struct checked_task *checked_find(struct checked_session *s, uint32_t itt);
void checked_end(struct checked_session *s, struct checked_task *k);
/* Those that a task management function ended: 11.5.1. */
void checked_abort(struct checked_session *s, const struct checked_task *by);
/* Was it ended by one on another connection? */
bool checked_is_late(const struct checked_session *s, uint32_t itt);

/* checker-arrived.c: is it right? Or, of a lossy session: what is it? */
void check_arrived(struct tap *t, struct checked *c, const struct pdu *pdu,
		   const uint8_t *data);
void note_arrived(struct tap *t, struct checked *c, const struct pdu *pdu,
		  const uint8_t *data);

/* checker-data.c: the data of a task. */
void check_data_out(struct tap *t, struct checked_task *k,
		    const struct pdu *pdu);
void check_data_in(struct tap *t, struct checked_task *k,
		   const struct pdu *pdu);
void check_r2t(struct tap *t, struct checked_task *k, const struct pdu *pdu);
/* Some R2T that has arrived, right or wrong. */
void note_r2t(struct checked_task *k, const struct pdu *pdu);

/* Says which rule the PDU breaks, and ends the run. */
void violated(const struct tap *t, const struct pdu *pdu, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

#endif
