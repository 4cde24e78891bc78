/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the SCSI files of the target share: sense codes, and the commands that
 * t-block.c gives to the table of t-scsi.c. */
#ifndef T_SCSI_H
#define T_SCSI_H

#include "t-priv.h"

enum sense_key { NOT_READY = 2, ILLEGAL = 5, UNIT_ATTENTION = 6,
		 DATA_PROTECT = 7, ABORTED = 0x0b, MISCOMPARE = 0x0e };

enum asc {				/* ASC << 8 | ASCQ */
	ASC_WRITE_ERROR		= 0x0c00,
	ASC_PARAMETER_LENGTH	= 0x1a00,
	ASC_MISCOMPARE		= 0x1d00,
	ASC_INVALID_OPCODE	= 0x2000,
	ASC_LBA			= 0x2100,
	ASC_INVALID_CDB		= 0x2400,
	ASC_NO_LU		= 0x2500,
	ASC_INVALID_PARAMETER	= 0x2600,
	ASC_INVALID_RELEASE	= 0x2604,
	ASC_WRITE_PROTECTED	= 0x2700,
	ASC_RESERVATIONS_PREEMPTED	= 0x2a03,
	ASC_RESERVATION_RELEASED	= 0x2a04,
	ASC_REGISTRATIONS_PREEMPTED	= 0x2a05,
	ASC_NO_SAVING		= 0x3900,
	ASC_RESOURCES		= 0x5500,
	ASC_NO_REGISTRATIONS	= 0x5504,
};

/* A buffer of SMALL_MAX bytes for an answer, or NULL: the task has failed. */
uint8_t *scsi_small(struct task *k);
/* The answer is in the task's buffer. */
void scsi_give(struct task *k, uint32_t len, uint32_t allocation);

/* t-block.c: see commands[] in t-scsi.c */
void start_read(struct task *k);
void start_write(struct task *k);
void execute_write(struct task *k);
void start_write_verify(struct task *k);
void execute_write_verify(struct task *k);
void start_verify(struct task *k);
void execute_verify(struct task *k);
void start_sync(struct task *k);
void start_unmap(struct task *k);
void execute_unmap(struct task *k);
void start_write_same(struct task *k);
void execute_write_same(struct task *k);
void start_lba_status(struct task *k);
void start_compare_write(struct task *k);
void execute_compare_write(struct task *k);

/* t-reserve.c */
void start_reserve_in(struct task *k);
void start_reserve_out(struct task *k);
void execute_reserve_out(struct task *k);

#endif
