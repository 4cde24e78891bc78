/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The printer walks the fields of a PDU in the order of enum field_id. How a
 * field looks is a row of shows[].
 */
#include "wire/print.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/codec.h"
#include "wire/fields.h"
#include "wire/lun.h"

enum look {
	LOOK_FLAG,		/* the name if it is set */
	LOOK_TAG,		/* 0x00000003, "none" for the reserved tag */
	LOOK_NUMBER,
	LOOK_NONZERO,		/* a number that is shown unless it is 0 */
	LOOK_LUN,
	LOOK_BYTES,
	LOOK_CDB,
};

struct show {
	const char *name;
	enum look look;
	const char *const *words;	/* of the values from 0 on, or NULL */
	size_t word_count;
};

static const char *const attrs[] = {
	"untagged", "simple", "ordered", "head-of-queue", "aca",
};
static const char *const functions[] = {
	NULL, "abort-task", "abort-task-set", "clear-aca", "clear-task-set",
	"lu-reset", "target-warm-reset", "target-cold-reset", "task-reassign",
	"query-task", "query-task-set", "i-t-nexus-reset", "query-async-event",
};
static const char *const stages[] = {
	"security", "operational", NULL, "full-feature",
};
static const char *const snack_types[] = {
	"data/r2t", "status", "data-ack", "r-data",
};
static const char *const logout_reasons[] = {
	"session", "connection", "recovery",
};
static const char *const async_events[] = {
	"scsi", "logout", "connection-drop", "session-drop", "negotiate",
	"task-termination",
};
static const char *const reject_reasons[] = {
	NULL, "reserved", "data-digest", "snack", "protocol-error",
	"not-supported", "too-many-immediate", "task-in-progress",
	"invalid-data-ack", "invalid-field", "long-operation",
	"negotiation-reset", "waiting-for-logout",
};
static const char *const statuses[] = {
	[SCSI_GOOD] = "good", [SCSI_CHECK_CONDITION] = "check-condition",
	[SCSI_CONDITION_MET] = "condition-met", [SCSI_BUSY] = "busy",
	[SCSI_RESERVATION_CONFLICT] = "reservation-conflict",
	[SCSI_TASK_SET_FULL] = "task-set-full",
	[SCSI_ACA_ACTIVE] = "aca-active", [SCSI_TASK_ABORTED] = "task-aborted",
};

#define WORDS(list) list, sizeof(list) / sizeof((list)[0])

static const struct show shows[F_COUNT] = {
	[F_IMMEDIATE]		= { "I", LOOK_FLAG },
	[F_FINAL]		= { "F", LOOK_FLAG },	/* T in Login PDUs */
	[F_CONTINUED]		= { "C", LOOK_FLAG },
	[F_READ]		= { "R", LOOK_FLAG },
	[F_WRITE]		= { "W", LOOK_FLAG },
	[F_ACKNOWLEDGE]		= { "A", LOOK_FLAG },
	[F_HAS_STATUS]		= { "S", LOOK_FLAG },
	[F_BIDI_OVERFLOW]	= { "o", LOOK_FLAG },
	[F_BIDI_UNDERFLOW]	= { "u", LOOK_FLAG },
	[F_OVERFLOW]		= { "O", LOOK_FLAG },
	[F_UNDERFLOW]		= { "U", LOOK_FLAG },
	[F_INITIATOR_TASK_TAG]	= { "itt", LOOK_TAG },
	[F_TARGET_TRANSFER_TAG]	= { "ttt", LOOK_TAG },
	[F_SNACK_TAG]		= { "snack_tag", LOOK_NONZERO },
	[F_REFERENCED_TASK_TAG]	= { "referenced", LOOK_TAG },
	[F_LUN]			= { "lun", LOOK_LUN },
	[F_CMD_SN]		= { "cmd_sn", LOOK_NUMBER },
	[F_STAT_SN]		= { "stat_sn", LOOK_NUMBER },
	[F_EXP_STAT_SN]		= { "exp_stat_sn", LOOK_NUMBER },
	[F_EXP_CMD_SN]		= { "exp_cmd_sn", LOOK_NUMBER },
	[F_MAX_CMD_SN]		= { "max_cmd_sn", LOOK_NUMBER },
	[F_DATA_SN]		= { "data_sn", LOOK_NUMBER },
	[F_R2T_SN]		= { "r2t_sn", LOOK_NUMBER },
	[F_EXP_DATA_SN]		= { "exp_data_sn", LOOK_NUMBER },
	[F_REF_CMD_SN]		= { "ref_cmd_sn", LOOK_NUMBER },
	[F_BUFFER_OFFSET]	= { "offset", LOOK_NUMBER },
	[F_EXPECTED_DATA_TRANSFER_LENGTH] = { "edtl", LOOK_NUMBER },
	[F_DESIRED_DATA_TRANSFER_LENGTH] = { "length", LOOK_NUMBER },
	[F_FUNCTION]		= { "function", LOOK_NUMBER, WORDS(functions) },
	[F_RESPONSE]		= { "response", LOOK_NUMBER },
	[F_STATUS]		= { "status", LOOK_NUMBER, WORDS(statuses) },
	[F_STATUS_QUALIFIER]	= { "qualifier", LOOK_NONZERO },
	[F_RESIDUAL_COUNT]	= { "residual", LOOK_NONZERO },
	[F_BIDI_RESIDUAL_COUNT]	= { "bidi_residual", LOOK_NONZERO },
	[F_ATTR]		= { "attr", LOOK_NUMBER, WORDS(attrs) },
	[F_PRI]			= { "pri", LOOK_NONZERO },
	[F_CDB]			= { "cdb", LOOK_CDB },
	[F_CSG]			= { "csg", LOOK_NUMBER, WORDS(stages) },
	[F_NSG]			= { "nsg", LOOK_NUMBER, WORDS(stages) },
	[F_VERSION_MAX]		= { "version_max", LOOK_NUMBER },
	[F_VERSION_MIN]		= { "version", LOOK_NUMBER },
	[F_ISID]		= { "isid", LOOK_BYTES },
	[F_TSIH]		= { "tsih", LOOK_NUMBER },
	[F_CID]			= { "cid", LOOK_NUMBER },
	[F_STATUS_CLASS]	= { "class", LOOK_NUMBER },
	[F_STATUS_DETAIL]	= { "detail", LOOK_NUMBER },
	[F_ASYNC_EVENT]		= { "event", LOOK_NUMBER, WORDS(async_events) },
	[F_ASYNC_VCODE]		= { "vcode", LOOK_NONZERO },
	[F_PARAMETER1]		= { "parameter1", LOOK_NUMBER },
	[F_PARAMETER2]		= { "parameter2", LOOK_NUMBER },
	[F_PARAMETER3]		= { "parameter3", LOOK_NUMBER },
	[F_LOGOUT_REASON]	= { "reason", LOOK_NUMBER,
				    WORDS(logout_reasons) },
	[F_REJECT_REASON]	= { "reason", LOOK_NUMBER,
				    WORDS(reject_reasons) },
	[F_TIME2WAIT]		= { "time2wait", LOOK_NUMBER },
	[F_TIME2RETAIN]		= { "time2retain", LOOK_NUMBER },
	[F_SNACK_TYPE]		= { "type", LOOK_NUMBER, WORDS(snack_types) },
	[F_BEG_RUN]		= { "beg_run", LOOK_NUMBER },
	[F_RUN_LENGTH]		= { "run_length", LOOK_NUMBER },
};

struct out {
	char *buf;
	size_t len, size;	/* len < size: there is a terminator */
};

static void __attribute__((format(printf, 2, 3)))
add(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		o->len += (size_t)n < o->size - o->len ?
			  (size_t)n : o->size - o->len - 1;
}

static uint64_t
number(const struct field *f, const uint8_t *value)
{
	switch (f->kind) {
	case FIELD_FLAG:
	case FIELD_BITS:
		return *value;
	case FIELD_16:
		return *(const uint16_t *)(const void *)value;
	case FIELD_32:
		return *(const uint32_t *)(const void *)value;
	case FIELD_64:
		return *(const uint64_t *)(const void *)value;
	case FIELD_BYTES:
		break;
	}
	return 0;
}

/* SPC-5 4.2.5.1: the group code in the first byte says how long a CDB is. */
static size_t
cdb_len(uint8_t first)
{
	static const uint8_t len[8] = { 6, 10, 10, 16, 16, 12, 16, 16 };

	return len[first >> 5];
}

static void
add_field(struct out *o, const struct show *show, const struct field *f,
	  const uint8_t *value)
{
	uint64_t v = number(f, value);
	char text[LUN_TEXT_MAX + HEX_LEN(CDB_LEN)];

	switch (show->look) {
	case LOOK_FLAG:
		if (v)
			add(o, " %s", show->name);
		return;
	case LOOK_TAG:
		if (v == TAG_NONE)
			add(o, " %s=none", show->name);
		else
			add(o, " %s=0x%08" PRIx64, show->name, v);
		return;
	case LOOK_NONZERO:
		if (v == 0)
			return;
		break;
	case LOOK_NUMBER:
		break;
	case LOOK_LUN:
		add(o, " %s=%s", show->name, lun_print(v, text));
		return;
	case LOOK_BYTES:
		add(o, " %s=%s", show->name, hex_encode(text, value, f->len));
		return;
	case LOOK_CDB:
		add(o, " %s=%s", show->name,
		    hex_encode(text, value, cdb_len(value[0])));
		return;
	}
	if (v < show->word_count && show->words[v])
		add(o, " %s=%s", show->name, show->words[v]);
	else
		add(o, " %s=%" PRIu64, show->name, v);
}

char *
pdu_print(const struct pdu *pdu, char *buf, size_t size)
{
	struct out o = { buf, 0, size };
	const char *name = pdu_name(pdu->opcode);

	if (size == 0)
		return buf;
	buf[0] = '\0';
	if (name)
		add(&o, "%s", name);
	else
		add(&o, "opcode 0x%02x", pdu->opcode);
	for (uint64_t left = pdu_fields(pdu->opcode); left; left &= left - 1) {
		int id = __builtin_ctzll(left);

		add_field(&o, &shows[id], &fields[id],
			  (const uint8_t *)pdu + fields[id].offset);
	}
	if (pdu->total_ahs_length > 0)
		add(&o, " ahs=%u", pdu->total_ahs_length * 4);
	if (pdu->data_segment_length > 0)
		add(&o, " data=%u", pdu->data_segment_length);
	return buf;
}
