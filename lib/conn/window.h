/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command numbering of a session, RFC 7143 4.2.2.1: one CmdSN counter, and
 * the window that the target keeps open for it. The session owns it, all its
 * connections update it.
 */
#ifndef CONN_WINDOW_H
#define CONN_WINDOW_H

#include "base/serial.h"

struct window {
	uint32_t cmd_sn;	/* of the next non-immediate request */
	uint32_t exp_cmd_sn;	/* the target has all below it */
	uint32_t max_cmd_sn;	/* the last that it takes */
};

static inline void
window_start(struct window *w, uint32_t cmd_sn, uint32_t exp_cmd_sn,
	     uint32_t max_cmd_sn)
{
	*w = (struct window){ cmd_sn, exp_cmd_sn, max_cmd_sn };
}

static inline bool
window_open(const struct window *w)
{
	return !sn_after(w->cmd_sn, w->max_cmd_sn);
}

/* What a target PDU says; out-of-date or impossible values are ignored. */
static inline void
window_update(struct window *w, uint32_t exp_cmd_sn, uint32_t max_cmd_sn)
{
	if (sn_before(max_cmd_sn, exp_cmd_sn - 1))
		return;
	if (sn_after(max_cmd_sn, w->max_cmd_sn))
		w->max_cmd_sn = max_cmd_sn;
	if (sn_after(exp_cmd_sn, w->exp_cmd_sn))
		w->exp_cmd_sn = exp_cmd_sn;
}

/* Has the target taken the request with this CmdSN? */
static inline bool
window_took(const struct window *w, uint32_t cmd_sn)
{
	return sn_before(cmd_sn, w->exp_cmd_sn);
}

#endif
