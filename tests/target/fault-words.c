/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vocabulary of rules. See fault-words.h. */
#include "fault-words.h"

#include <stdlib.h>
#include <string.h>

#include "fault-rule.h"
#include "wire/fields.h"
#include "wire/pdu.h"

bool
find_word(const struct word *words, const char *name, uint32_t *value)
{
	for (; words->name; words++)
		if (strcmp(words->name, name) == 0) {
			*value = words->value;
			return true;
		}
	return false;
}

const struct word word_opcodes[] = {
	{ "nop-out", OP_NOP_OUT },
	{ "scsi-command", OP_SCSI_COMMAND },
	{ "tmf-request", OP_TMF_REQUEST },
	{ "login-request", OP_LOGIN_REQUEST },
	{ "text-request", OP_TEXT_REQUEST },
	{ "data-out", OP_DATA_OUT },
	{ "logout-request", OP_LOGOUT_REQUEST },
	{ "snack", OP_SNACK_REQUEST },
	{ "nop-in", OP_NOP_IN },
	{ "scsi-response", OP_SCSI_RESPONSE },
	{ "tmf-response", OP_TMF_RESPONSE },
	{ "login-response", OP_LOGIN_RESPONSE },
	{ "text-response", OP_TEXT_RESPONSE },
	{ "data-in", OP_DATA_IN },
	{ "logout-response", OP_LOGOUT_RESPONSE },
	{ "r2t", OP_R2T },
	{ "async", OP_ASYNC_MESSAGE },
	{ "reject", OP_REJECT },
	{ 0 },
};

/* By the names that the printer has for them. */
const struct word word_field_names[] = {
	{ "immediate", F_IMMEDIATE }, { "final", F_FINAL },
	{ "continued", F_CONTINUED }, { "acknowledge", F_ACKNOWLEDGE },
	{ "has_status", F_HAS_STATUS }, { "overflow", F_OVERFLOW },
	{ "underflow", F_UNDERFLOW }, { "itt", F_INITIATOR_TASK_TAG },
	{ "ttt", F_TARGET_TRANSFER_TAG }, { "snack_tag", F_SNACK_TAG },
	{ "referenced", F_REFERENCED_TASK_TAG }, { "lun", F_LUN },
	{ "cmd_sn", F_CMD_SN }, { "stat_sn", F_STAT_SN },
	{ "exp_stat_sn", F_EXP_STAT_SN }, { "exp_cmd_sn", F_EXP_CMD_SN },
	{ "max_cmd_sn", F_MAX_CMD_SN }, { "data_sn", F_DATA_SN },
	{ "r2t_sn", F_R2T_SN }, { "exp_data_sn", F_EXP_DATA_SN },
	{ "ref_cmd_sn", F_REF_CMD_SN }, { "offset", F_BUFFER_OFFSET },
	{ "edtl", F_EXPECTED_DATA_TRANSFER_LENGTH },
	{ "length", F_DESIRED_DATA_TRANSFER_LENGTH },
	{ "function", F_FUNCTION }, { "response", F_RESPONSE },
	{ "status", F_STATUS }, { "residual", F_RESIDUAL_COUNT },
	{ "csg", F_CSG }, { "nsg", F_NSG }, { "version_max", F_VERSION_MAX },
	{ "version", F_VERSION_MIN }, { "tsih", F_TSIH }, { "cid", F_CID },
	{ "class", F_STATUS_CLASS }, { "detail", F_STATUS_DETAIL },
	{ "event", F_ASYNC_EVENT }, { "vcode", F_ASYNC_VCODE },
	{ "parameter1", F_PARAMETER1 }, { "parameter2", F_PARAMETER2 },
	{ "parameter3", F_PARAMETER3 }, { "reason", F_REJECT_REASON },
	{ "time2wait", F_TIME2WAIT }, { "time2retain", F_TIME2RETAIN },
	{ "beg_run", F_BEG_RUN }, { "run_length", F_RUN_LENGTH },
	{ 0 },
};

const struct word word_parts[] = {
	{ "header", PART_HEADER }, { "header-digest", PART_HEADER_DIGEST },
	{ "data", PART_DATA }, { "data-digest", PART_DATA_DIGEST },
	{ 0 },
};

const struct word word_events[] = {
	{ "scsi", ASYNC_SCSI }, { "logout", ASYNC_LOGOUT },
	{ "connection-drop", ASYNC_CONNECTION_DROP },
	{ "session-drop", ASYNC_SESSION_DROP },
	{ "negotiate", ASYNC_NEGOTIATE },
	{ "task-termination", ASYNC_TASK_TERMINATION },
	{ "vendor", ASYNC_VENDOR },
	{ 0 },
};

const struct word word_reasons[] = {
	{ "reserved", REJECT_RESERVED }, { "data-digest", REJECT_DATA_DIGEST },
	{ "snack", REJECT_SNACK }, { "protocol-error", REJECT_PROTOCOL },
	{ "not-supported", REJECT_NOT_SUPPORTED },
	{ "too-many-immediate", REJECT_IMMEDIATE },
	{ "task-in-progress", REJECT_TASK_IN_PROGRESS },
	{ "invalid-data-ack", REJECT_DATA_ACK },
	{ "invalid-field", REJECT_INVALID_FIELD },
	{ "long-operation", REJECT_LONG_OPERATION },
	{ "waiting-for-logout", REJECT_WAITING_FOR_LOGOUT },
	{ 0 },
};

const struct word word_statuses[] = {
	{ "busy", SCSI_BUSY }, { "task-set-full", SCSI_TASK_SET_FULL },
	{ "reservation-conflict", SCSI_RESERVATION_CONFLICT },
	{ "aca-active", SCSI_ACA_ACTIVE },
	{ "task-aborted", SCSI_TASK_ABORTED },
	{ 0 },
};

/* --------------------------------------------------------------- values -- */

bool
take_number(const char **s, const char *ends, uint64_t max, uint64_t *out)
{
	char *end;
	uint64_t v;

	if (**s < '0' || **s > '9')
		return false;
	v = strtoull(*s, &end, 0);
	if (v > max || (*end && !strchr(ends, *end)))
		return false;
	*s = *end ? end + 1 : end;
	*out = v;
	return true;
}

bool
value_number(const char *s, uint64_t max, uint64_t *out)
{
	return take_number(&s, "", max, out);
}

bool
value_time(const char *s, lun_time *out)
{
	static const struct { const char *name; lun_time unit; } units[] = {
		{ "", TIME_S }, { "s", TIME_S }, { "ms", TIME_MS },
		{ "us", TIME_MS / 1000 },
	};
	char *end;
	uint64_t v;

	if (strcmp(s, "ever") == 0) {
		*out = TIME_NEVER;
		return true;
	}
	if (*s < '0' || *s > '9')
		return false;
	v = strtoull(s, &end, 10);
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(end, units[i].name) == 0 && v <= UINT32_MAX) {
			*out = (lun_time)v * units[i].unit;
			return true;
		}
	return false;
}

bool
value_word(const char *s, const struct word *words, uint32_t max, uint32_t *out)
{
	uint64_t n;

	if (find_word(words, s, out))
		return true;
	if (!value_number(s, max, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}
