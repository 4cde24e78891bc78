/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of RFC 7143 that anyone can check who sees the wire: the numbering
 * of commands, statuses and data, the windows, the limits that were agreed
 * upon, and which task a PDU belongs to. It sees what the initiator sends and
 * what has arrived there, in this order.
 *
 * Both sides are held to them: a session whose target lies, or of which
 * something could not be read, is to be left alone (checker_blind()).
 */
#ifndef SIM_CHECKER_H
#define SIM_CHECKER_H

#include "tap.h"

/* honest: of the target; else nothing is checked. */
void checker_begin(bool honest);

void checker_pdu(struct tap *t, enum side from, const struct pdu *pdu,
		 const uint8_t *data);
void checker_blind(struct tap *t);
void checker_gone(struct tap *t);	/* the connection is no more */

#endif
