/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One readable line for each PDU, from the table of wire/pdu.c:
 *	"SCSI Command W F itt=0x00000003 lun=0 cmd_sn=7 exp_stat_sn=12 edtl=4096 attr=simple cdb=2a00..."
 */
#ifndef WIRE_PRINT_H
#define WIRE_PRINT_H

#include "wire/pdu.h"

/* Always terminated; cut if it does not fit. Returns buf. Control characters
 * never get in: only numbers and our own words are printed. */
char *pdu_print(const struct pdu *pdu, char *buf, size_t size);

#endif
