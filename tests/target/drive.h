/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test that plays the initiator, PDU by PDU in virtual time, against the
 * core of the target: no sockets, no engine. Whatever does not go as the test
 * says ends the test.
 *
 * The target has one node with one disk of 512-byte blocks at LUN 0. Byte i of
 * it is drive_byte(i) at the start.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "target.h"

enum { LINKS_MAX = 128, DRIVE_DISK = 4 << 20, BLOCK = 512 };

#define DRIVE_PORTAL "127.0.0.1:3260"
#define INITIATOR "iqn.2026-01.net.lunfs:drive"

struct drive;
struct link;				/* one connection */

struct got {
	struct pdu pdu;
	bool digest_ok;
	uint8_t *data;			/* pdu.data_segment_length bytes */
};

/* keys: what the target wants, "Key=value" each, NULL at the end. */
struct drive *drive_new(const char *const keys[]);
struct drive *drive_free(struct drive *d);
struct target *drive_target(struct drive *d);
uint8_t *drive_disk(struct drive *d);
uint8_t drive_byte(size_t i);
void drive_run(struct drive *d, lun_time delay);	/* time passes */
uint32_t drive_cmd_sn(struct drive *d);	/* the next one, of the session */
void drive_other(struct drive *d);	/* logins from now on have another ISID */
/* They come in at this portal, which the target has; borrowed. */
void drive_portal(struct drive *d, const char *address);

/*
 * Logs in: tsih 0 makes a session. text is pairs of the operational stage,
 * separated by newlines. The unit attention of a new session is taken away.
 */
struct link *link_new(struct drive *d, uint16_t cid, uint16_t tsih,
		      const char *text);
/* As above with all that the test may want: returns the status of the login,
 * class << 8 | detail; if that is not 0 there is no link. exp_stat_sn: of the
 * connection that is reinstated. */
unsigned link_try(struct drive *d, struct link **out, uint16_t cid,
		  uint16_t tsih, const char *text, uint32_t exp_stat_sn);
void link_cut(struct link *l);		/* the transport is gone */
bool link_is_dead(struct link *l);	/* closed, or what came was no PDU */
uint16_t link_tsih(const struct link *l);
uint32_t link_exp_stat_sn(const struct link *l);
/* Acknowledge no status but what the test says: true at the start is "no". */
void link_hold_acks(struct link *l, uint32_t exp_stat_sn);

/* The transport takes no more of what the target sends, or goes on. */
void link_stall(struct link *l, bool stalled);

/* ExpStatSN is filled in; CmdSN, if it is not set (0), too. */
void link_send(struct link *l, struct pdu *pdu, const void *data, size_t len);
void link_send_corrupt(struct link *l, struct pdu *pdu, const void *data,
		       size_t len);	/* wrong data digest */

/* So much of the next PDU arrives, and the rest after a while. */
void link_split(struct link *l, size_t first, lun_time pause);

/* The next PDU from the target, which must have this opcode. */
const struct got *link_expect(struct link *l, enum opcode opcode);
/* ... whatever its data digest says */
const struct got *link_expect_any(struct link *l, enum opcode opcode);
const struct got *link_take(struct link *l);	/* whatever it is; or NULL */
void link_expect_nothing(struct link *l);
void link_skip(struct link *l);		/* all that has come */

/* Requests as most tests need them; the Initiator Task Tag is the test's. */
void link_read(struct link *l, uint32_t itt, uint32_t lba, uint32_t blocks);
void link_write(struct link *l, uint32_t itt, uint32_t lba, uint32_t blocks,
		const void *immediate, size_t len, bool final);
void link_data_out(struct link *l, uint32_t itt, uint32_t ttt,
		   uint32_t data_sn, uint32_t offset, const void *data,
		   size_t len, bool final);
void link_snack(struct link *l, enum snack_type type, uint32_t itt,
		uint32_t ttt, uint32_t beg_run, uint32_t run_length);
void link_tmf(struct link *l, uint32_t itt, enum tmf_function function,
	      uint32_t referenced, uint32_t exp_data_sn);
void link_logout(struct link *l, uint32_t itt, enum logout_reason reason,
		 uint16_t cid, uint32_t exp_stat_sn);
void link_ping(struct link *l);		/* a NOP-Out that wants no answer */

/* A Data-In with these numbers and the bytes of the disk at the start. */
const struct got *link_expect_data(struct link *l, uint32_t itt,
				   uint32_t data_sn, uint32_t offset,
				   uint32_t len, uint32_t disk_offset);
const struct got *link_expect_status(struct link *l, uint32_t itt,
				     enum scsi_status status);
const struct got *link_expect_r2t(struct link *l, uint32_t itt,
				  uint32_t r2t_sn, uint32_t offset,
				  uint32_t len);
void link_expect_reject(struct link *l, enum reject_reason reason);

#endif
