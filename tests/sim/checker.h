/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of RFC 7143 that anyone can check who sees the wire: the numbering
 * of commands, statuses and data, the windows, the limits that were agreed
 * upon, which task a PDU belongs to, and that the connections of a session are
 * in one portal group, as far as the target tells. It sees what the initiator
 * sends and what has arrived there, in this order.
 *
 * Both sides are held to them. Once something was lost, or if the target lies,
 * only the initiator is (checker_lossy()): what it sends has to fit what has
 * arrived there, whatever that was; and it may make requests again, as 7.2.1
 * and 7.11 have it.
 */
#ifndef SIM_CHECKER_H
#define SIM_CHECKER_H

#include "tap.h"

/* honest: of the target; else all is as if something was lost. */
void checker_begin(bool honest);

void checker_pdu(struct tap *t, enum side from, const struct pdu *pdu,
		 const uint8_t *data);
void checker_lossy(struct tap *t);
void checker_gone(struct tap *t);	/* the connection is no more */

#endif
