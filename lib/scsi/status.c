/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of the checks is that of RFC 7143 11.4: each rules the next one. */
#include "scsi/status.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "scsi/cdb.h"
#include "scsi/errno.h"

static const struct status {
	uint8_t status;		/* enum scsi_status */
	enum action action;
	const char *name;
} statuses[] = {
	{ SCSI_GOOD,			ACTION_DONE,	"GOOD" },
	{ SCSI_CHECK_CONDITION,		ACTION_FAIL,	"CHECK CONDITION" },
	{ SCSI_CONDITION_MET,		ACTION_DONE,	"CONDITION MET" },
	{ SCSI_BUSY,			ACTION_WAIT,	"BUSY" },
	{ SCSI_RESERVATION_CONFLICT,	ACTION_FAIL,	"RESERVATION CONFLICT" },
	{ SCSI_TASK_SET_FULL,		ACTION_WAIT,	"TASK SET FULL" },
	{ SCSI_ACA_ACTIVE,		ACTION_WAIT,	"ACA ACTIVE" },
	{ SCSI_TASK_ABORTED,		ACTION_RETRY,	"TASK ABORTED" },
};

static const struct status *
status_find(uint8_t status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].status == status)
			return &statuses[i];
	return NULL;
}

static bool
is_write(const struct command *c)
{
	return c->out_len > 0;
}

/* What the target counts decides (RFC 7143 4.2.5.2, 11.4.5.1), but bytes that
 * never came are not there whatever it says. */
static uint32_t
bytes_moved(const struct command *c)
{
	uint32_t asked = is_write(c) ? c->out_len : c->in_len;
	uint32_t moved = asked;

	if (c->underflow)
		moved = c->residual < asked ? asked - c->residual : 0;
	if (!is_write(c) && moved > c->received)
		moved = c->received;
	return moved;
}

static void
fail(struct outcome *o, int code, int error)
{
	o->action = ACTION_FAIL;
	o->code = code;
	o->error = error;
}

bool
outcome_is_loss(int code)
{
	return code == LUN_ELOST || code == LUN_ETIMEDOUT ||
	    code == LUN_EPROTO || code == LUN_EDIGEST || code == LUN_EREFUSED ||
	    code == LUN_ENEGOTIATE;
}

static void
check_condition(struct outcome *o, const struct command *c)
{
	if (!o->has_sense) {
		fail(o, LUN_EREFUSED, errno_of_status(c->status));
		return;
	}
	o->action = sense_action(&o->sense, &o->effects);
	if (o->action == ACTION_DONE)
		return;
	o->code = LUN_EREFUSED;
	o->error = errno_of_sense(&o->sense, is_write(c));
}

void
outcome_of(struct outcome *o, const struct command *c)
{
	*o = (struct outcome){ 0 };
	if (c->result < 0) {
		fail(o, c->result, errno_of_code(c->result));
		o->lost = outcome_is_loss(c->result);
		return;
	}
	if (c->response != RESPONSE_COMPLETED) {	/* RFC 7143 11.4.3 */
		fail(o, LUN_EREFUSED, errno_of_code(LUN_EREFUSED));
		return;
	}
	o->has_sense = sense_parse(&o->sense, c->sense, c->sense_len);
	o->moved = bytes_moved(c);
	if (c->status == SCSI_CHECK_CONDITION) {
		check_condition(o, c);
		return;
	}

	const struct status *s = status_find(c->status);

	if (!s || s->action != ACTION_DONE)
		fail(o, LUN_EREFUSED, errno_of_status(c->status));
	if (s)
		o->action = s->action;
	o->full = c->status == SCSI_TASK_SET_FULL;
}

void
outcome_of_blocks(struct outcome *o, const struct command *c)
{
	outcome_of(o, c);
	if (o->action != ACTION_DONE)
		return;
	/* With an overflow the target's blocks are larger than ours: what lies
	 * where is unknown. */
	if (c->overflow || o->moved != (is_write(c) ? c->out_len : c->in_len))
		fail(o, LUN_EPROTO, errno_of_code(LUN_EPROTO));
}

/* What a result of the nexus says to people. */
static const char *
code_text(int code)
{
	static const struct {
		int code;
		const char *text;
	} texts[] = {
		{ LUN_ENOMEM, "out of memory" },
		{ LUN_ELOST, "the connection was lost" },
		{ LUN_ETIMEDOUT, "it did not come in time" },
		{ LUN_EPROTO, "the target broke the protocol (see the line before)" },
		{ LUN_EDIGEST, "a digest was wrong" },
		{ LUN_ECANCELED, "cancelled" },
		{ LUN_EREFUSED, "refused" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].code == code)
			return texts[i].text;
	return lun_code_name(code);
}

/* Writes at most size bytes with the terminator; says what is wrong. */
static void
text_of(char *buf, size_t size, const struct command *c)
{
	const struct status *s = status_find(c->status);
	struct outcome o;

	outcome_of(&o, c);
	if (c->result < 0) {
		snprintf(buf, size, "no good answer: %s",
			 code_text(c->result));
	} else if (c->response != RESPONSE_COMPLETED) {
		snprintf(buf, size, "target failure, iSCSI response 0x%02x",
			 c->response);
	} else if (c->status == SCSI_CHECK_CONDITION && o.has_sense) {
		const char *text = asc_text(o.sense.asc);
		int n = snprintf(buf, size, "%s%s %02x/%02x%s%s",
				 o.sense.deferred ? "deferred " : "",
				 sense_key_name(o.sense.key), o.sense.asc >> 8,
				 o.sense.asc & 0xff, text ? ", " : "",
				 text ? text : "");

		if (o.sense.has_information && n > 0 && (size_t)n < size)
			snprintf(buf + n, size - (size_t)n,
				 ", information %" PRIu64, o.sense.information);
	} else if (!s) {
		snprintf(buf, size, "unknown SCSI status 0x%02x", c->status);
	} else if (o.action == ACTION_DONE) {
		snprintf(buf, size, "%s, but %" PRIu32 " of %" PRIu32
			 " bytes were transferred%s", s->name, o.moved,
			 is_write(c) ? c->out_len : c->in_len,
			 c->overflow ? " and more was there" : "");
	} else {
		snprintf(buf, size, "%s%s", s->name,
			 s->status == SCSI_CHECK_CONDITION ?
			 " without sense data" : "");
	}
}

char *
outcome_text(char buf[OUTCOME_TEXT_MAX], const struct command *c)
{
	const char *name = cdb_name(c->cdb);
	int n = name ? snprintf(buf, OUTCOME_TEXT_MAX, "%s: ", name) :
		       snprintf(buf, OUTCOME_TEXT_MAX, "command 0x%02x: ",
				c->cdb[0]);

	text_of(buf + n, OUTCOME_TEXT_MAX - (size_t)n, c);
	return buf;
}
