/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The StatSN of what comes, when it is not the next one (RFC 7143 4.2.2.2,
 * 7.8, 7.9). At level 0 that ends the connection. From level 1 on:
 *
 *	exp_stat_sn		all before it came: our ExpStatSN
 *	[exp_stat_sn, + ahead)	the target has sent them. Each of them either
 *				came (and its PDU was handled), or is held (the
 *				session has it, or asked for it as a part of a
 *				Data-In, and does not acknowledge it yet, 7.9),
 *				or is missing and asked for by a Status SNACK
 *	ahead == 0		nothing is wrong: nothing here is looked at
 *
 * Bits outside of the range are 0. What was asked for is asked for again by the
 * timer (conn-timers.c), and after some times the connection is given up.
 */
#include "conn/conn-impl.h"

enum { ASKS_MAX = 3 };

static bool
bit(const uint64_t *bits, uint32_t sn)
{
	return bits[sn % AHEAD_MAX / 64] >> sn % 64 & 1;
}

static void
set_bit(uint64_t *bits, uint32_t sn, bool on)
{
	uint64_t mask = (uint64_t)1 << sn % 64;

	if (on)
		bits[sn % AHEAD_MAX / 64] |= mask;
	else
		bits[sn % AHEAD_MAX / 64] &= ~mask;
}

static bool
missing(const struct conn *c, uint32_t stat_sn)
{
	return !bit(c->statuses.came, stat_sn) && !bit(c->statuses.held, stat_sn);
}

/* RFC 7143 11.16: a run of responses, please. */
static void
ask(struct conn *c, uint32_t beg, uint32_t end)
{
	struct pdu pdu = {
		.opcode = OP_SNACK_REQUEST, .final = true,
		.snack_type = SNACK_STATUS,
		.initiator_task_tag = TAG_NONE,		/* 11.16.4 */
		.target_transfer_tag = TAG_NONE,	/* 11.16.5 */
		.beg_run = beg, .run_length = end - beg,
	};

	conn_log(c, LUN_LOG_INFO, "responses were lost (StatSN %" PRIu32 " to %"
		 PRIu32 "): Status SNACK", beg, end - 1);
	conn_send_copy(c, &pdu, NULL, 0);
	conn_timers_statuses(c, true);
}

/* The target has sent all before this one, and some were not seen. */
static int
extend(struct conn *c, uint32_t next)
{
	struct statuses *st = &c->statuses;
	uint32_t seen = c->exp_stat_sn + st->ahead;

	if (next - c->exp_stat_sn > AHEAD_MAX)
		return conn_fail(c, LUN_EPROTO, "StatSN %" PRIu32 ", but %"
				 PRIu32 " is still to come: too many responses "
				 "were lost", next, c->exp_stat_sn);
	st->ahead = next - c->exp_stat_sn;
	if (next != seen)
		ask(c, seen, next);
	return c->stopped ? c->error.code : 0;
}

/* What came or is let go of may be acknowledged up to the next gap. */
static void
advance(struct conn *c)
{
	struct statuses *st = &c->statuses;

	while (st->ahead > 0 && bit(st->came, c->exp_stat_sn)) {
		set_bit(st->came, c->exp_stat_sn, false);
		c->exp_stat_sn++;
		st->ahead--;
		st->asks = 0;
	}
	if (st->ahead == 0)
		conn_timers_statuses(c, false);
}

int
statuses_take(struct conn *c, uint32_t stat_sn)
{
	struct statuses *st = &c->statuses;
	uint32_t ahead = stat_sn - c->exp_stat_sn;
	int r;

	if (sn_before(stat_sn, c->exp_stat_sn) ||
	    (ahead < st->ahead && bit(st->came, stat_sn)))
		return STATUS_AGAIN;
	if (ahead >= st->ahead) {
		if ((r = extend(c, stat_sn)) < 0)
			return r;
		if (++st->ahead > AHEAD_MAX)
			return conn_fail(c, LUN_EPROTO, "StatSN %" PRIu32
					 " is too far ahead", stat_sn);
	}
	set_bit(st->held, stat_sn, false);
	set_bit(st->came, stat_sn, true);
	advance(c);
	return 0;
}

int
statuses_next(struct conn *c, uint32_t stat_sn)
{
	if (sn_after(stat_sn, c->exp_stat_sn + c->statuses.ahead))
		return extend(c, stat_sn);
	return 0;
}

void
conn_hold_status(struct conn *c, uint32_t stat_sn)
{
	struct statuses *st = &c->statuses;

	if (c->stopped)
		return;
	if (sn_before(stat_sn, c->exp_stat_sn)) {
		/* taken in this very step, and nothing was sent since */
		st->ahead += c->exp_stat_sn - stat_sn;
		while (--c->exp_stat_sn != stat_sn)
			set_bit(st->came, c->exp_stat_sn, true);
	}
	set_bit(st->came, stat_sn, false);
	set_bit(st->held, stat_sn, true);
}

bool
conn_await_status(struct conn *c, uint32_t stat_sn)
{
	struct statuses *st = &c->statuses;
	uint32_t ahead = stat_sn - c->exp_stat_sn;

	if (ahead > st->ahead || ahead == AHEAD_MAX ||
	    (ahead < st->ahead && bit(st->came, stat_sn)))
		return false;		/* it came before, or makes no sense */
	if (ahead == st->ahead)
		st->ahead++;
	set_bit(st->held, stat_sn, true);
	return true;
}

void
conn_release_status(struct conn *c, uint32_t stat_sn)
{
	struct statuses *st = &c->statuses;

	if (stat_sn - c->exp_stat_sn >= st->ahead)
		return;
	set_bit(st->held, stat_sn, false);
	set_bit(st->came, stat_sn, true);
	advance(c);
}

void
statuses_due(struct conn *c)
{
	struct statuses *st = &c->statuses;
	uint32_t end = c->exp_stat_sn + st->ahead, n = 0;

	for (uint32_t sn = c->exp_stat_sn; sn != end; sn++) {
		if (!missing(c, sn))
			continue;
		if (n++ == 0 && st->asks++ == ASKS_MAX) {
			conn_fail(c, LUN_ELOST, "a lost response (StatSN %"
				  PRIu32 ") was not sent again", sn);
			return;
		}
		uint32_t beg = sn;

		while (sn + 1 != end && missing(c, sn + 1))
			sn++;
		ask(c, beg, sn + 1);
	}
}
