/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session on the bench: the whole engine, and the test plays its target, PDU
 * by PDU, in virtual time and in one process. A test reads like a trace:
 *
 *	struct bench *b = bench_new(NULL);
 *	bench_login(b, "");			the target's answers: its keys
 *	struct command *cmd = bench_read(b, 0, 4096);
 *	struct got *got = bench_expect(b, OP_SCSI_COMMAND);
 *	bench_data_in(b, got, 0, 4096, true);	Data-In with status
 *	bench_done(b, cmd);			it completed, once
 *	bench_free(b);				no leak, quiet
 *
 * Whatever is not as expected ends the test with a message that has the trace.
 */
#ifndef TESTS_RFC_BENCH_H
#define TESTS_RFC_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "recovery/recovery.h"
#include "session/session.h"
#include "wire/pdu.h"

struct bench;

struct bench_setup {			/* zero: the default */
	const char *keys;		/* of our offer: "MaxBurstLength=4096 InitialR2T=Yes" */
	uint32_t protocol_level;	/* iSCSIProtocolLevel of our offer */
	uint32_t cmd_sn;		/* of the leading login; default 100 */
	const char *target_name;	/* default iqn.2026-11.test:disk */
	bool discovery;
	bool recovers;			/* a session that is lost is made again */
	int auth;			/* enum auth_method */
	const char *username, *password, *username_in, *password_in;
	const char *alias;
	lun_time nop_interval;		/* default: no pings */
	bool ignores_pings;		/* the test does not see them */
	lun_time command_timeout;	/* default 30 s */
	lun_time recovery_time;		/* default: no bound */
	bool target_reset;
	const struct portal *portals;	/* others of the target */
	size_t n_portals;
};

struct bench *bench_new(const struct bench_setup *setup);	/* in FREE */
void bench_free(struct bench *b);

/* Begins and takes the TCP connection; the first Login Request is there. */
void bench_start(struct bench *b);
/* Begins only: bench_connected() or bench_cut() decide. */
void bench_start_slow(struct bench *b);
void bench_connected(struct bench *b);
void bench_slow(struct bench *b);	/* from now on it is so */

/*
 * A PDU of the initiator. data is NULL if it has none; it and the record are
 * valid until bench_free().
 */
struct got {
	struct pdu pdu;
	size_t line;			/* on which it came */
	struct ahs ahs;
	bool has_ahs;
	uint8_t *data;
	bool digest_ok;			/* its data digest, if digests are on */
};

/* The next one, of this opcode; it must be there already. */
struct got *bench_expect(struct bench *b, enum opcode opcode);
/* The next one, whatever it is; NULL if there is none. */
struct got *bench_next(struct bench *b);
/* There is none. */
void bench_expect_nothing(struct bench *b);

/* The value of a key in the text of a Login or Text Request; NULL: absent. */
const char *got_key(const struct got *got, const char *key);
/* How often the key is there. */
int got_key_count(const struct got *got, const char *key);

/*
 * Sends a PDU to the initiator, as it stands: nothing is filled in but the
 * lengths. The initiator runs until it is quiet.
 */
void bench_send(struct bench *b, struct pdu *pdu, const void *data, size_t len);
/* The same with a damaged header or data digest (digests must be on). */
enum damage { DAMAGE_NONE, DAMAGE_HEADER, DAMAGE_DATA };
void bench_send_damaged(struct bench *b, struct pdu *pdu, const void *data,
			size_t len, enum damage damage);
/* Bytes, as they stand. */
void bench_send_raw(struct bench *b, const void *bytes, size_t len);
/* From now on bytes reach the initiator in pieces of n (0: whole). */
void bench_segments(struct bench *b, size_t n);

/*
 * With several connections the target speaks on one at a time: that of the
 * request which it answered last, or the latest one, or this: lines are
 * numbered from 0, and a new connection takes the first that is free.
 */
void bench_on(struct bench *b, size_t line);
/* A session that wants so many; and with all of them logged in: line n has
 * CID n + 1. */
struct bench *bench_many(unsigned connections);
struct bench *bench_many_up(unsigned connections);
/* The same at recovery level 2 (Time2Wait 2, Time2Retain 20), and more keys. */
struct bench *bench_level2(unsigned connections, const char *keys);
struct bench *bench_level2_hasty(unsigned connections,
				 lun_time command_timeout);
size_t bench_connections(struct bench *b);	/* that the session has */
/* A command runs on this line from submission to response. */
void bench_works_on(struct bench *b, size_t line);

/*
 * A PDU with the target's state in it: stat_sn, exp_cmd_sn, max_cmd_sn and the
 * tags of the request it answers (NULL: unsolicited, ITT and TTT 0xffffffff).
 * Those that use up a StatSN do so here.
 */
struct pdu bench_pdu(struct bench *b, enum opcode opcode, const struct got *got);
/* The same for a Data-In with status (which uses up a StatSN). */
struct pdu bench_data_in_status(struct bench *b, const struct got *got);

/* The target's numbers, to be changed at will. */
uint32_t *bench_stat_sn(struct bench *b);
uint32_t *bench_exp_cmd_sn(struct bench *b);	/* follows what is received */
uint32_t *bench_window(struct bench *b);	/* MaxCmdSN = ExpCmdSN + window - 1; 32 */

/*
 * The whole login phase: the target answers the operational stage with these
 * keys ("Key=Value Key=Value"), takes what it offers otherwise, and grants
 * digests if the keys say so. Ends in the full feature phase, or the test fails.
 */
void bench_login(struct bench *b, const char *keys);
/* One Login Response in answer to got: keys as above. */
void bench_login_answer(struct bench *b, const struct got *got, int csg, int nsg,
			bool transit, const char *keys);
/* A Login Response for got, to be changed before it is sent. */
struct pdu bench_login_pdu(struct bench *b, const struct got *got);
/* The answer to the first request of a login, which is the result: with an
 * AuthMethod and a TargetPortalGroupTag, usually. bench_login() goes on. */
struct got *bench_login_security(struct bench *b, const char *keys);
/* "Key=Value Key=Value" as wire text; the result is its length. */
size_t bench_text(const char *keys, uint8_t *buf, size_t size);

/* Commands on LUN lun, submitted at once. Buffers are theirs: reads are filled
 * with 0xee before, writes with a pattern (bench_pattern). */
struct command *bench_read(struct bench *b, uint64_t lun, uint32_t len);
struct command *bench_write(struct bench *b, uint64_t lun, uint32_t len);
struct command *bench_nodata(struct bench *b, uint64_t lun);
struct command *bench_nodata_attr(struct bench *b, uint64_t lun, uint8_t attr);
/* Any command: cdb of cdb_len bytes, lengths of both buffers. */
struct command *bench_command(struct bench *b, uint64_t lun, const uint8_t *cdb,
			      size_t cdb_len, uint32_t in_len, uint32_t out_len);
uint8_t bench_pattern(uint32_t offset);

/* Data-In for a read: bytes of the pattern. data_sn must be given. */
void bench_data_in(struct bench *b, const struct got *got, uint32_t data_sn,
		   uint32_t offset, uint32_t len, bool final, bool status);
void bench_r2t(struct bench *b, const struct got *got, uint32_t r2t_sn,
	       uint32_t ttt, uint32_t offset, uint32_t len);
/* A SCSI Response with this status and nothing else. */
void bench_response(struct bench *b, const struct got *got, uint8_t status);

/* A Task Management Function Response. */
void bench_answer_tmf(struct bench *b, const struct got *got, uint8_t response);

/* A Reject with the header of what came. */
void bench_reject(struct bench *b, const struct got *got, uint8_t reason);

/* It completed, exactly once, with this result; or it did not yet. */
void bench_done(struct bench *b, struct command *cmd, int result);
void bench_pending(struct bench *b, struct command *cmd);
/* The read buffer holds the pattern up to len. */
void bench_check_read(struct bench *b, struct command *cmd, uint32_t len);
/* Nothing was ever written to it. */
void bench_check_untouched(struct bench *b, struct command *cmd);

/* Virtual time passes; timers fire. */
void bench_pass(struct bench *b, lun_time delay);
/* The TCP connection ends from the target's side. */
void bench_cut(struct bench *b);
/* The same, in the glance that brings what is sent next. */
void bench_cut_unseen(struct bench *b);

/* The initiator closed the TCP connection; or not. */
bool bench_closed(struct bench *b);
/* The session ended: its error code, with a text that holds part. */
void bench_expect_down(struct bench *b, int code, const char *part);
bool bench_up(struct bench *b);
/* How often it came up, and was lost (.recovers). */
unsigned bench_ups(struct bench *b);
unsigned bench_losses(struct bench *b);
/* How often it connected, and where to last. */
unsigned bench_connects(struct bench *b);
const struct portal *bench_portal(struct bench *b);

struct session *bench_session(struct bench *b);
struct recovery *bench_recovery(struct bench *b);	/* NULL: no .recovers */
/* Of LUNs 0 to n - 1 nobody knows what became of writes. */
void bench_set_unsure(struct bench *b, size_t n);
struct conn *bench_conn(struct bench *b);
lun_time bench_now(struct bench *b);
/* Submit, stop, text and so on were called directly: let it run. */
void bench_run(struct bench *b);

/* The last line of the log that holds part; NULL: none. */
const char *bench_logged(struct bench *b, const char *part);
/* Is it, and behind the last one that holds other? */
bool bench_logged_behind(struct bench *b, const char *part, const char *other);
/* How many lines that hold part are for everybody: information or worse. */
unsigned bench_told(struct bench *b, const char *part);
unsigned bench_said(struct bench *b, const char *part);	/* or for -v */
/* scsi_event calls so far, and what the last one said. */
unsigned bench_scsi_events(struct bench *b);
uint64_t bench_event_lun(struct bench *b);
const uint8_t *bench_event_sense(struct bench *b);
/* While it is held nothing of what the initiator has to send is fetched. */
void bench_hold(struct bench *b, bool held);

#endif
