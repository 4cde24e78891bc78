/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What connection and target say to each other apart from tasks: pings both
 * ways, asynchronous messages, logout, rejects. All requests made here are
 * immediate, so they pass when the command window is closed; at most one ping
 * and one logout are under way, which a target cannot refuse (4.2.2.1).
 */
#include "base/bytes.h"
#include "conn/conn-impl.h"
#include "wire/lun.h"

/* ---------------------------------------------------------------- NOPs -- */

int
conn_ping(struct conn *c)
{
	struct pdu pdu = {
		.opcode = OP_NOP_OUT, .immediate = true, .final = true,
		.initiator_task_tag = conn_new_tag(c),
		.target_transfer_tag = TAG_NONE,	/* 11.18.2 */
	};

	conn_timers_pinged(c);
	c->ping_tag = pdu.initiator_task_tag;
	c->ping_cmd_sn = c->cfg.window->cmd_sn;
	conn_tell(c, 0);
	return conn_send_copy(c, &pdu, NULL, 0);
}

/* If one is under way it may be lost; then its answer is not missed. */
void
conn_probe(struct conn *c)
{
	if (c->state & (CONN_LOGGED_IN | CONN_LOGOUT_REQUESTED))
		conn_ping(c);
}

bool
conn_is_asked(const struct conn *c)
{
	return c->ping_tag != TAG_NONE;
}

/* It takes the number of the rejected request, not a new one. */
static int
send_plug(struct conn *c, const struct plug *plug)
{
	struct pdu pdu = {
		.opcode = OP_NOP_OUT, .final = true,
		.initiator_task_tag = plug->tag,
		.target_transfer_tag = TAG_NONE,
	};

	return conn_send_again(c, &pdu, NULL, NULL, 0, NULL, plug->cmd_sn);
}

int
conn_plug(struct conn *c, uint32_t cmd_sn)
{
	if (c->n_plugs == PLUGS_MAX)
		return conn_fail(c, LUN_EPROTO, "the target rejected more than "
				 "%d requests at once", PLUGS_MAX);
	c->plugs[c->n_plugs] = (struct plug){ conn_new_tag(c), cmd_sn };
	return send_plug(c, &c->plugs[c->n_plugs++]);
}

bool
conn_plugs(const struct conn *c, uint32_t cmd_sn)
{
	for (unsigned i = 0; i < c->n_plugs; i++)
		if (c->plugs[i].cmd_sn == cmd_sn)
			return true;
	return false;
}

void
conn_plug_again(struct conn *c, uint32_t cmd_sn)
{
	for (unsigned i = 0; i < c->n_plugs; i++)
		if (c->plugs[i].cmd_sn == cmd_sn)
			send_plug(c, &c->plugs[i]);
}

/* A NOP-Out that wants no answer: 11.18.1, 11.18.2. */
static int
nop_out(struct conn *c, uint64_t lun, uint32_t target_transfer_tag)
{
	struct pdu pdu = {
		.opcode = OP_NOP_OUT, .immediate = true, .final = true, .lun = lun,
		.initiator_task_tag = TAG_NONE,
		.target_transfer_tag = target_transfer_tag,
	};

	conn_tell(c, 0);
	return conn_send_copy(c, &pdu, NULL, 0);
}

/* Is it the answer to a plug? */
static bool
plugged(struct conn *c, uint32_t itt)
{
	for (unsigned i = 0; i < c->n_plugs; i++)
		if (c->plugs[i].tag == itt) {
			c->plugs[i] = c->plugs[--c->n_plugs];
			return true;
		}
	return false;
}

/* RFC 7143 11.19. Data of an unsolicited one is off the stream, and unused. */
int
on_nop_in(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	uint32_t itt = pdu->initiator_task_tag, ttt = pdu->target_transfer_tag;

	if (itt != TAG_NONE && ttt != TAG_NONE)		/* 7.7 */
		return conn_fail(c, LUN_EPROTO, "NOP-In with both tags valid "
				 "(ITT 0x%08" PRIx32 ", TTT 0x%08" PRIx32 ")",
				 itt, ttt);
	if (ttt != TAG_NONE)
		return c->state == CONN_IN_LOGOUT ? 0 :	/* 11.14: no new request */
		    nop_out(c, pdu->lun, ttt);
	if (itt == TAG_NONE)
		return 0;
	if (itt == c->ping_tag) {
		conn_timers_ponged(c);
		c->cfg.ops->ponged(c->cfg.user, c, c->ping_cmd_sn,
				   pdu->exp_cmd_sn);
	} else if (!plugged(c, itt) && !conn_mends(c))	/* late, or again */
		return conn_fail(c, LUN_EPROTO, "NOP-In for an unknown ping "
				 "(ITT 0x%08" PRIx32 ")", itt);
	return 0;
}

/* -------------------------------------------------------------- logout -- */

void
conn_logout(struct conn *c, enum logout_reason reason, lun_time now)
{
	struct pdu pdu = {
		.opcode = OP_LOGOUT_REQUEST, .immediate = true, .final = true,
		.reason = (uint8_t)reason,
		/* 11.14.3: reserved when the session is closed */
		.cid = reason == LOGOUT_SESSION ? 0 : conn_cid(c),
	};

	c->now = now;
	if (c->stopped || c->state == CONN_IN_LOGOUT)
		return;
	if (!(c->state & CONN_FULL_FEATURE)) {
		if (c->state != CONN_FREE)
			conn_fail(c, LUN_ECANCELED, "closed before the login was over");
		return;
	}
	c->logout_tag = pdu.initiator_task_tag = conn_new_tag(c);
	if (conn_send_copy(c, &pdu, NULL, 0) == 0)
		conn_enter(c, EV_LOGOUT);
}

void
conn_remove(struct conn *c, uint16_t cid, uint32_t exp_stat_sn, lun_time now)
{
	struct pdu pdu = {
		.opcode = OP_LOGOUT_REQUEST, .immediate = true, .final = true,
		.reason = LOGOUT_RECOVERY, .cid = cid,
		.exp_stat_sn = exp_stat_sn,		/* 11.14.4 */
	};

	c->now = now;
	c->removal_tag = pdu.initiator_task_tag = conn_new_tag(c);
	conn_send_copy(c, &pdu, NULL, 0);
}

bool
conn_is_removing(const struct conn *c)
{
	return c->removal_tag != TAG_NONE;
}

static void
removed(struct conn *c, const struct removal *removal)
{
	c->removal_tag = TAG_NONE;
	c->removal = *removal;
	conn_tell(c, NEWS_REMOVED);
}

/* RFC 7143 11.15.1 */
static const char *const logout_failures[] = {
	[LOGOUT_NO_CID]		= "no such connection (CID not found)",
	[LOGOUT_NO_RECOVERY]	= "connection recovery is not supported",
	[LOGOUT_CLEANUP_FAILED]	= "cleanup failed",
};

int
on_logout_response(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	if (c->removal_tag != TAG_NONE &&
	    pdu->initiator_task_tag == c->removal_tag) {
		removed(c, &(struct removal){ pdu->response, pdu->time2wait,
			pdu->time2retain });
		return 0;
	}
	if (c->state != CONN_IN_LOGOUT ||
	    pdu->initiator_task_tag != c->logout_tag)
		return conn_fail(c, LUN_EPROTO, "Logout Response for an unknown "
				 "request (ITT 0x%08" PRIx32 ") in state %s",
				 pdu->initiator_task_tag, conn_state_name(c));
	/* 11.15.3: the next logout is the implicit one of a new login */
	if (pdu->response == LOGOUT_NO_RECOVERY ||
	    pdu->response == LOGOUT_CLEANUP_FAILED)
		c->time2wait = pdu->time2wait * TIME_S;
	if (pdu->response != LOGOUT_DONE)
		return conn_fail(c, LUN_EREFUSED, "logout failed: %s (%u)",
		    pdu->response <= LOGOUT_CLEANUP_FAILED ?
		    logout_failures[pdu->response] : "unknown response",
		    pdu->response);
	conn_enter(c, EV_LOGGED_OUT);
	return LUN_ELOST;		/* nothing after it is listened to */
}

/* ----------------------------------------------- asynchronous messages -- */

static void
async_scsi(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	size_t len = pdu->data_segment_length;
	char lun[LUN_TEXT_MAX];

	conn_log(c, LUN_LOG_INFO, "the target tells of a unit (async event 0, LUN "
		 "%s): %zu bytes of sense data", lun_print(pdu->lun, lun),
		 len < 2 ? 0 : len - 2);
	if (len < 2)			/* 11.9.4: SenseLength, then sense */
		return;
	size_t sense_len = get16(data);

	if (sense_len > len - 2)
		sense_len = len - 2;
	c->cfg.ops->scsi_event(c->cfg.user, pdu->lun, data + 2, sense_len);
}

static void
async_logout(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	conn_log(c, LUN_LOG_INFO, "the target asks for a logout within %u s",
		 pdu->parameter3);
	c->logout_by = time_add(c->now, pdu->parameter3 * TIME_S);
	conn_enter(c, EV_LOGOUT_REQUESTED);
}

static void
async_drop(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	c->cfg.ops->drop(c->cfg.user, pdu);
}

static void
async_negotiate(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	conn_log(c, LUN_LOG_INFO, "the target asks for a negotiation within %u s",
		 pdu->parameter3);
	textreq_negotiate(c);
}

static void
async_termination(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	char lun[LUN_TEXT_MAX];

	if (c->params.TaskReporting != REPORT_FAST_ABORT) {
		conn_log(c, LUN_LOG_WARNING, "ignored: the target announced a "
			 "task termination (async event 5), which needs "
			 "TaskReporting=FastAbort");
		return;
	}
	conn_log(c, LUN_LOG_INFO, "the target terminates tasks of LUN %s (async "
		 "event 5): acknowledged", lun_print(pdu->lun, lun));
	/* 11.9.1: first no more data, then the acknowledgment */
	c->cfg.ops->stop_data(c->cfg.user, c, pdu->lun);
	nop_out(c, pdu->lun, TAG_NONE);
}

/* RFC 7143 11.9.1 */
static void (*const async_events[])(struct conn *c, const struct pdu *pdu,
				    const uint8_t *data) = {
	[ASYNC_SCSI]		= async_scsi,
	[ASYNC_LOGOUT]		= async_logout,
	[ASYNC_CONNECTION_DROP]	= async_drop,
	[ASYNC_SESSION_DROP]	= async_drop,
	[ASYNC_NEGOTIATE]	= async_negotiate,
	[ASYNC_TASK_TERMINATION] = async_termination,
};

int
on_async(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	c->counters.async_messages++;
	if (pdu->async_event < sizeof(async_events) / sizeof(async_events[0]))
		async_events[pdu->async_event](c, pdu, data);
	else
		conn_log(c, LUN_LOG_INFO, "ignored: async event %u (vendor code %u)",
			 pdu->async_event, pdu->async_vcode);
	return c->stopped ? c->error.code : 0;
}

/* -------------------------------------------------------------- reject -- */

static const char *
reject_text(uint8_t reason)
{
	static const char *const texts[] = {	/* RFC 7143 11.17.1 */
		[REJECT_RESERVED]		= "reserved",
		[REJECT_DATA_DIGEST]		= "data digest error",
		[REJECT_SNACK]			= "SNACK reject",
		[REJECT_PROTOCOL]		= "protocol error",
		[REJECT_NOT_SUPPORTED]		= "command not supported",
		[REJECT_IMMEDIATE]		= "too many immediate commands",
		[REJECT_TASK_IN_PROGRESS]	= "task in progress",
		[REJECT_DATA_ACK]		= "invalid data ACK",
		[REJECT_INVALID_FIELD]		= "invalid PDU field",
		[REJECT_LONG_OPERATION]		= "out of resources",
		[REJECT_NEGOTIATION_RESET]	= "negotiation reset",
		[REJECT_WAITING_FOR_LOGOUT]	= "waiting for logout",
	};

	return reason < sizeof(texts) / sizeof(texts[0]) && texts[reason] ?
	    texts[reason] : "unknown reason";
}

/*
 * A ping: the other end lives, and that was the question. What was to fill a gap
 * in CmdSN has not: without a level that sends it again, all that comes behind it
 * would wait for ever.
 */
static int
nop_rejected(struct conn *c, const struct pdu *bad, const struct pdu *reject)
{
	if (bad->initiator_task_tag == c->ping_tag)
		conn_timers_ponged(c);
	else if (!conn_mends(c) && plugged(c, bad->initiator_task_tag) &&
		 !sn_before(bad->cmd_sn, reject->exp_cmd_sn))
		return conn_fail(c, LUN_EPROTO, "the target rejected the NOP-Out "
				 "that fills the gap at CmdSN %" PRIu32 ": %s (%u)",
				 bad->cmd_sn, reject_text(reject->reason),
				 reject->reason);
	return 0;
}

/* What becomes of the request whose header came back: RFC 7143 7.3. */
static int
rejected(struct conn *c, const struct pdu *bad, const struct pdu *reject)
{
	uint8_t reason = reject->reason;
	uint32_t itt = bad->initiator_task_tag;
	struct lun_error err;

	switch (bad->opcode) {
	case OP_SNACK_REQUEST:
		if (bad->snack_type == SNACK_STATUS)
			return conn_fail(c, LUN_ELOST, "the target does not "
					 "send again what was lost: %s (%u)",
					 reject_text(reason), reason);
		c->cfg.ops->rejected(c->cfg.user, c, bad, reason);
		return 0;
	case OP_SCSI_COMMAND:
	case OP_TMF_REQUEST:
		c->cfg.ops->rejected(c->cfg.user, c, bad, reason);
		return 0;
	case OP_NOP_OUT:
		return nop_rejected(c, bad, reject);
	case OP_TEXT_REQUEST:
		if (c->text.x && itt == c->text.tag) {
			lun_fail(&err, LUN_EREFUSED, "the target rejected a Text "
				 "Request: %s (%u)", reject_text(reason), reason);
			textreq_end(c, LUN_EREFUSED, &err);
		}
		return 0;
	case OP_LOGOUT_REQUEST:
		if (itt == c->removal_tag)
			removed(c, &(struct removal){ LOGOUT_NO_RECOVERY, 0, 0 });
		else if (itt == c->logout_tag)
			return conn_fail(c, LUN_EREFUSED, "the target rejected "
					 "the logout: %s (%u)",
					 reject_text(reason), reason);
		return 0;
	default:
		return 0;	/* Data-Out: the task waits for its response */
	}
}

int
on_reject(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct pdu bad;

	c->counters.rejects++;
	if (pdu->data_segment_length < BHS_LEN)
		return conn_fail(c, LUN_EPROTO, "Reject (%s, %u) with %" PRIu32
				 " bytes, too short for a header",
				 reject_text(pdu->reason), pdu->reason,
				 pdu->data_segment_length);
	if (pdu->reason == REJECT_NEGOTIATION_RESET)	/* 11.17.1, deprecated */
		return conn_fail(c, LUN_ENEGOTIATE, "the target rejected a PDU: "
				 "%s (%u)", reject_text(pdu->reason), pdu->reason);
	if (pdu_decode(&bad, data, NULL) < 0 || pdu_from_target(bad.opcode)) {
		conn_log(c, LUN_LOG_WARNING, "Reject (%s, %u) of something that "
			 "is no request of ours", reject_text(pdu->reason),
			 pdu->reason);
		return 0;
	}
	conn_log(c, LUN_LOG_WARNING, "the target rejected a %s (ITT 0x%08" PRIx32
		 "): %s (%u)", pdu_name(bad.opcode), bad.initiator_task_tag,
		 reject_text(pdu->reason), pdu->reason);
	return rejected(c, &bad, pdu);
}
