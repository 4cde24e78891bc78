/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text negotiations of the full feature phase, RFC 7143 6.4, 11.10, 11.11: one
 * at a time on a connection (6.2). A sequence is
 *
 *	request (C=1) ->   <- empty		while our text is longer than one PDU
 *	request (F=1) ->   <- part (C=1, TTT)	while the answer is
 *	empty (F=1)   ->   <- the last part
 *
 * and goes on, with what we answer to the target's proposals, as long as the
 * target says F=0. Two kinds: that of a caller (SendTargets), whose answer is
 * handed over whole; and our own, which answers async event 4 by letting the
 * target propose.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn-impl.h"

/* So many parts are taken, and one more for each stretch of text. */
enum { PARTS_FREE = 256, PART_LEAST = 64 };

static int
send_part(struct conn *c, uint64_t lun, uint32_t target_transfer_tag)
{
	const uint8_t *part = NULL;
	bool more = false;
	size_t len = text_cut(&c->text.out,
			      c->params.TargetMaxRecvDataSegmentLength, &part, &more);
	struct pdu pdu = {
		.opcode = OP_TEXT_REQUEST, .immediate = true,
		.final = !more, .continued = more, .lun = lun,
		.initiator_task_tag = c->text.tag,
		.target_transfer_tag = target_transfer_tag,
	};

	c->text.unfinished = more;
	conn_tell(c, 0);
	return conn_send_copy(c, &pdu, part, len);
}

int
textreq_begin(struct conn *c, struct text_exchange *x)
{
	assert(!c->text.x);
	c->text.x = x;
	c->text.tag = conn_new_tag(c);
	c->text.parts = 0;
	conn_timers_text(c, true);
	text_clear(&c->text.out);
	text_deinit(&c->text.in);
	text_init(&c->text.in, x->answer_max);
	if (text_join(&c->text.out, (const uint8_t *)x->request, x->request_len,
		      NULL) < 0)
		return conn_fail(c, LUN_ENOMEM, "out of memory for a Text Request");
	return send_part(c, 0, TAG_NONE);	/* 11.10.4: a new sequence */
}

int
conn_text(struct conn *c, struct text_exchange *x, lun_time now)
{
	c->now = now;
	if (c->state != CONN_LOGGED_IN || c->text.x)
		return LUN_EREFUSED;
	c->text.negotiates = false;
	textreq_begin(c, x);
	return 0;
}

void
textreq_end(struct conn *c, int code, const struct lun_error *err)
{
	struct text_exchange *x = c->text.x;

	c->text.x = NULL;
	conn_timers_text(c, false);
	x->done(x, code, err, code < 0 ? NULL : c->text.in.data,
		code < 0 ? 0 : c->text.in.len);
}

static void
negotiated(struct text_exchange *x, int code, const struct lun_error *err,
	   const char *text, size_t len)
{
	struct conn *c = x->user;

	if (code < 0)
		conn_log(c, LUN_LOG_WARNING, "the negotiation that the target "
			 "asked for failed, nothing changed: %s", err->text);
}

/* The answer to async event 4, unless a Text Request is pending (11.9.1). */
void
textreq_negotiate(struct conn *c)
{
	if (c->text.x || c->state == CONN_IN_LOGOUT)
		return;
	c->text.own = (struct text_exchange){
		.answer_max = TEXT_LIMIT_LOGIN, .done = negotiated, .user = c,
	};
	c->text.negotiates = true;
	negotiate_init(&c->text.nego, c->cfg.login->offer, &c->params,
		       IN_FULL_FEATURE, c->cfg.login->leading,
		       c->cfg.login->discovery);
	textreq_begin(c, &c->text.own);
}

/* A whole text of the target's: its proposals, our answers. */
static int
answer_proposals(struct conn *c, struct lun_error *err)
{
	struct pair pair;
	size_t pos = 0;
	int r;

	text_clear(&c->text.out);
	while ((r = text_next(&c->text.in, &pos, &pair, err)) == TEXT_PAIR) {
		r = negotiate_take(&c->text.nego, &pair, &c->text.out, err);
		if (r < 0)
			return r;
	}
	text_clear(&c->text.in);
	return r;
}

/* What a caller's text declares of us: 13.12. */
static int
take_declaration(struct conn *c, struct lun_error *err)
{
	static const char key[] = "MaxRecvDataSegmentLength=";
	const struct text_exchange *x = c->text.x;
	uint32_t max;

	if (x->request_len <= sizeof(key) ||
	    memcmp(x->request, key, sizeof(key) - 1) != 0)
		return 0;
	max = (uint32_t)strtoul(x->request + sizeof(key) - 1, NULL, 10);
	if (max < 512 || max > DATA_SEGMENT_MAX)
		return lun_fail(err, LUN_EINVAL, "%s: not a length", x->request);
	if (rx_set_max_data(c->rx, max) < 0)
		return lun_fail(err, LUN_ENOMEM, "out of memory");
	c->params.MaxRecvDataSegmentLength = max;
	c->resegments = true;
	c->resegment_sn = c->cfg.window->cmd_sn;
	return 0;
}

/* The target is finished: what was agreed comes into force now (6.4). */
static int
conclude(struct conn *c, struct lun_error *err)
{
	struct params agreed;
	int r;

	if (!c->text.negotiates)
		return take_declaration(c, err);
	if ((r = negotiate_end_stage(&c->text.nego, err)) < 0 ||
	    (r = negotiate_conclude(&c->text.nego, &agreed, err)) < 0)
		return r;
	c->params = agreed;
	return 0;
}

/* Is the answer legal at this point? RFC 7143 11.11.1, 11.11.2, 6.2 */
static int
check(struct conn *c, const struct pdu *pdu, struct lun_error *err)
{
	if (pdu->continued && pdu->final)
		return lun_fail(err, LUN_EPROTO, "Text Response with C=1 and F=1");
	if (pdu->final && c->text.unfinished)
		return lun_fail(err, LUN_EPROTO, "Text Response with F=1 to a "
				"request with F=0");
	if (!pdu->final && pdu->target_transfer_tag == TAG_NONE)
		return lun_fail(err, LUN_EPROTO, "Text Response with F=0 and no "
				"Target Transfer Tag: it cannot be continued");
	if (c->text.unfinished && pdu->data_segment_length > 0)
		return lun_fail(err, LUN_EPROTO, "Text Response with data while "
				"our text was not finished");
	return 0;
}

static int
take_part(struct conn *c, const struct pdu *pdu, const uint8_t *data,
	  struct lun_error *err)
{
	int r;

	/* an answer that brings nothing for ever, or next to nothing */
	if (++c->text.parts > PARTS_FREE + c->text.in.len / PART_LEAST)
		return lun_fail(err, LUN_EPROTO, "a Text Response in %u parts, "
				"with %zu bytes in all", c->text.parts,
				c->text.in.len);
	if (pdu->data_segment_length > 0)	/* it goes on: time for more */
		conn_timers_text(c, true);
	if ((r = check(c, pdu, err)) < 0 ||
	    (r = text_join(&c->text.in, data, pdu->data_segment_length, err)) < 0)
		return r;
	if (!pdu->continued && !c->text.unfinished && c->text.negotiates &&
	    (r = answer_proposals(c, err)) < 0)
		return r;
	return pdu->final ? conclude(c, err) : 0;
}

int
on_text_response(struct conn *c, const struct pdu *pdu, const uint8_t *data)
{
	struct lun_error err;
	int r;

	if (!c->text.x || pdu->initiator_task_tag != c->text.tag)
		return conn_fail(c, LUN_EPROTO, "Text Response for an unknown "
				 "request (ITT 0x%08" PRIx32 ")",
				 pdu->initiator_task_tag);
	if ((r = take_part(c, pdu, data, &err)) < 0) {
		textreq_end(c, r, &err);
		return 0;		/* the connection itself is in order */
	}
	if (pdu->final) {
		textreq_end(c, 0, NULL);
		return 0;
	}
	if (c->state == CONN_IN_LOGOUT) {	/* 11.14: no new request */
		lun_fail(&err, LUN_ECANCELED, "logged out in a negotiation");
		textreq_end(c, LUN_ECANCELED, &err);
		return 0;
	}
	if (c->text.negotiates)
		negotiate_answered(&c->text.nego);
	/* 11.11.4: the tag and the LUN of the response come back */
	return send_part(c, pdu->lun, pdu->target_transfer_tag);
}
