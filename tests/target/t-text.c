/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of RFC 7143 6.1, and the text exchanges of the full feature phase
 * (11.10, 11.11): SendTargets, and the few keys that may come later.
 *
 * An answer that is longer than the initiator's MaxRecvDataSegmentLength goes
 * out in pieces, all but the last with C=1, F=0 and a Target Transfer Tag
 * which the initiator's empty requests bring back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "t-priv.h"

enum { TEXT_OUT_MAX = 16 << 20 };	/* thousands of targets */

int
text_append(struct text *t, const void *p, size_t len)
{
	if (len > TEXT_OUT_MAX - t->len)
		return -1;
	if (t->len + len + 1 > t->size) {
		size_t size = (t->len + len + 1) * 2;
		char *buf = realloc(t->buf, size);

		if (!buf)
			return -1;
		t->buf = buf;
		t->size = size;
	}
	if (len)
		memcpy(t->buf + t->len, p, len);
	t->len += len;
	t->buf[t->len] = 0;
	return 0;
}

int
text_pair(struct text *t, const char *key, const char *value)
{
	if (text_append(t, key, strlen(key)) < 0 ||
	    text_append(t, "=", 1) < 0 ||
	    text_append(t, value, strlen(value) + 1) < 0)
		return -1;
	return 0;
}

void
text_reset(struct text *t)
{
	t->len = t->sent = 0;
}

int
text_each(struct text *t, void *user,
	  int (*pair)(void *user, const char *key, const char *value))
{
	if (t->len == 0)
		return 0;
	if (t->buf[t->len - 1] != 0)
		return -1;			/* RFC 7143 6.1 */
	for (char *s = t->buf; s < t->buf + t->len; s += strlen(s) + 1) {
		char *eq = strchr(s, '=');
		int r;

		if (!*s)
			continue;	/* padding that was counted as text */
		if (!eq || eq == s || eq - s > 63)
			return -1;
		*eq = 0;
		r = pair(user, s, eq + 1);
		*eq = '=';
		if (r < 0)
			return r;
	}
	return 0;
}

int
target_add_portal(struct target *t, const char *address, int group,
		  struct lun_error *err)
{
	struct tportal *p = &t->portals[t->portal_count];

	if (t->portal_count == PORTALS_MAX || strlen(address) >= PORTAL_LEN)
		return lun_fail(err, LUN_EINVAL, "portal %s: too many or long",
				address);
	strcpy(p->address, address);
	p->group = group;
	t->portal_count++;
	return 0;
}

unsigned
portal_group(const struct target *t, const char *address)
{
	for (unsigned i = 0; i < t->portal_count; i++)
		if (strcmp(t->portals[i].address, address) == 0 &&
		    t->portals[i].group >= 0)
			return (unsigned)t->portals[i].group;
	return t->options.tpgt;
}

int
target_announce(struct target *t, const char *address, struct lun_error *err)
{
	if (t->announced_count == PORTALS_MAX || strlen(address) >= PORTAL_LEN)
		return lun_fail(err, LUN_EINVAL, "address %s: too many or long",
				address);
	t->announced[t->announced_count++] = address;
	return 0;
}

/* The record of one target: Appendix C. */
static int
show_target(struct tconn *c, const struct tnode *node)
{
	struct target *t = c->target;

	if (text_pair(&c->out, "TargetName", node->name) < 0)
		return -1;
	bool as_told = t->announced_count > 0;
	unsigned n = as_told ? t->announced_count : t->portal_count;

	for (unsigned i = 0; i < n; i++) {
		const char *where = as_told ? t->announced[i] :
		    t->portals[i].address;
		char address[PORTAL_LEN + 8];

		snprintf(address, sizeof(address), "%s,%u", where,
			 portal_group(t, where));
		if (text_pair(&c->out, "TargetAddress", address) < 0)
			return -1;
	}
	return 0;
}

static int
send_targets(struct tconn *c, const char *value)
{
	const struct session *s = c->session;
	const struct target_options *o = &c->target->options;
	struct tnode *node;

	if (o->answer)
		return text_append(&c->out, o->answer, o->answer_len);
	if (strcmp(value, "All") == 0) {
		if (!s->discovery)		/* Appendix C: MUST NOT */
			return text_pair(&c->out, "SendTargets", "Reject");
		list_for_each(node, &c->target->nodes, struct tnode, in_target)
			if (show_target(c, node) < 0)
				return -1;
		return 0;
	}
	node = *value ? target_find(c->target, value) : s->node;
	if (!node || (!s->discovery && node != s->node))
		return 0;
	return show_target(c, node);
}

static int
text_key(void *user, const char *key, const char *value)
{
	struct tconn *c = user;
	enum tkey k = tkey_find(key);

	if (strcmp(key, "SendTargets") == 0)
		return send_targets(c, value);
	if (strcmp(key, "InitiatorAlias") == 0)
		return 0;
	if (k == K_MAX_RECV) {			/* 13.12: use ALL */
		uint32_t len;

		if (!text_number(value, 512, DATA_SEGMENT_MAX, &len))
			return -1;
		c->max_recv = len;
		return 0;
	}
	return text_pair(&c->out, key,
			 k == K_COUNT ? "NotUnderstood" : "Reject");
}

static void
send_piece(struct tconn *c, const struct pdu *req)
{
	size_t left = c->out.len - c->out.sent;
	bool more = left > c->max_recv;
	size_t len = more ? c->max_recv : left;
	struct pdu rsp = {
		.opcode = OP_TEXT_RESPONSE,
		.final = !more && req->final,
		.continued = more,
		.lun = req->lun,
		.initiator_task_tag = req->initiator_task_tag,
		.target_transfer_tag = TAG_NONE,
	};

	if (!rsp.final) {
		if (c->text_ttt == TAG_NONE)
			c->text_ttt = full_new_ttt(c->session);
		rsp.target_transfer_tag = c->text_ttt;
	}
	kept_send(c, &rsp, len ? c->out.buf + c->out.sent : NULL, len);
	c->out.sent += len;
	if (rsp.final) {
		text_reset(&c->out);
		c->text_ttt = TAG_NONE;
	}
}

/* C=1 is answered by an empty response: RFC 7143 6.2. */
static void
send_empty(struct tconn *c, const struct pdu *req)
{
	struct pdu rsp = {
		.opcode = OP_TEXT_RESPONSE,
		.lun = req->lun,
		.initiator_task_tag = req->initiator_task_tag,
	};

	if (c->text_ttt == TAG_NONE)
		c->text_ttt = full_new_ttt(c->session);
	rsp.target_transfer_tag = c->text_ttt;
	kept_send(c, &rsp, NULL, 0);
}

void
full_text(struct tconn *c, const struct pdu *req, const uint8_t *data)
{
	if (req->target_transfer_tag == TAG_NONE) {	/* 11.10.4: anew */
		text_reset(&c->in);
		text_reset(&c->out);
		c->text_ttt = TAG_NONE;
		c->text_itt = req->initiator_task_tag;
	} else if (req->target_transfer_tag != c->text_ttt ||
		   req->initiator_task_tag != c->text_itt) {
		full_reject(c, req, REJECT_INVALID_FIELD);
		return;
	}
	if (c->out.sent < c->out.len && req->data_segment_length == 0) {
		send_piece(c, req);
		return;
	}
	if ((req->continued && req->final) ||
	    c->in.len + req->data_segment_length > TEXT_IN_MAX ||
	    text_append(&c->in, data, req->data_segment_length) < 0) {
		full_reject(c, req, REJECT_PROTOCOL);
		return;
	}
	if (req->continued) {
		send_empty(c, req);
		return;
	}
	text_reset(&c->out);
	if (text_each(&c->in, c, text_key) < 0) {
		text_reset(&c->in);
		text_reset(&c->out);
		c->text_ttt = TAG_NONE;
		full_reject(c, req, REJECT_PROTOCOL);
		return;
	}
	text_reset(&c->in);
	send_piece(c, req);
}
