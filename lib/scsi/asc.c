/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Additional sense codes (SPC-4 annex D, the list of T10). The table has those
 * that disks and their controllers really send, and all that call for more
 * than the sense key does. The errno of each stands in scsi/errno.c.
 */
#include "scsi/asc.h"

enum { BY_KEY = -1 };			/* the action of the sense key */

static const struct row {
	uint16_t asc;
	int8_t action;			/* enum action or BY_KEY */
	uint8_t effects;
	const char *text;
} rows[] = {				/* ascending */
	{ ASC(0x00, 0x06), BY_KEY, 0, "I/O process terminated" },
	{ ASC(0x03, 0x00), BY_KEY, 0, "peripheral device write fault" },
	{ ASC(0x04, 0x00), ACTION_WAIT, 0, "logical unit not ready, cause not reportable" },
	{ ASC(0x04, 0x01), ACTION_WAIT, 0, "logical unit is becoming ready" },
	{ ASC(0x04, 0x02), BY_KEY, 0, "logical unit not ready, initializing command required" },
	{ ASC(0x04, 0x03), BY_KEY, 0, "logical unit not ready, manual intervention required" },
	{ ASC(0x04, 0x04), BY_KEY, 0, "logical unit not ready, format in progress" },
	{ ASC(0x04, 0x05), ACTION_WAIT, 0, "logical unit not ready, rebuild in progress" },
	{ ASC(0x04, 0x06), ACTION_WAIT, 0, "logical unit not ready, recalculation in progress" },
	{ ASC(0x04, 0x07), ACTION_WAIT, 0, "logical unit not ready, operation in progress" },
	{ ASC(0x04, 0x08), ACTION_WAIT, 0, "logical unit not ready, long write in progress" },
	{ ASC(0x04, 0x09), ACTION_WAIT, 0, "logical unit not ready, self-test in progress" },
	{ ASC(0x04, 0x0a), ACTION_WAIT, 0, "asymmetric access state transition" },
	{ ASC(0x04, 0x0b), BY_KEY, 0, "target port in standby state" },
	{ ASC(0x04, 0x0c), BY_KEY, 0, "target port in unavailable state" },
	{ ASC(0x04, 0x11), ACTION_WAIT, 0, "logical unit not ready, notify (enable spinup) required" },
	{ ASC(0x04, 0x12), BY_KEY, 0, "logical unit not ready, offline" },
	{ ASC(0x04, 0x14), ACTION_WAIT, 0, "logical unit not ready, space allocation in progress" },
	{ ASC(0x04, 0x1b), BY_KEY, 0, "logical unit not ready, sanitize in progress" },
	{ ASC(0x05, 0x00), BY_KEY, 0, "logical unit does not respond to selection" },
	{ ASC(0x08, 0x00), BY_KEY, 0, "logical unit communication failure" },
	{ ASC(0x08, 0x01), BY_KEY, 0, "logical unit communication time-out" },
	{ ASC(0x0b, 0x00), BY_KEY, 0, "warning" },
	{ ASC(0x0b, 0x01), BY_KEY, 0, "warning: specified temperature exceeded" },
	{ ASC(0x0c, 0x00), BY_KEY, 0, "write error" },
	{ ASC(0x0c, 0x02), BY_KEY, 0, "write error, auto reallocation failed" },
	{ ASC(0x0c, 0x03), BY_KEY, 0, "write error, recommend reassignment" },
	{ ASC(0x0c, 0x0c), ACTION_RETRY, 0, "write error, unexpected unsolicited data" },
	{ ASC(0x0c, 0x0d), ACTION_RETRY, 0, "write error, not enough unsolicited data" },
	{ ASC(0x0e, 0x03), BY_KEY, 0, "invalid field in command information unit" },
	{ ASC(0x10, 0x00), BY_KEY, 0, "ID CRC or ECC error" },
	{ ASC(0x10, 0x01), ACTION_FAIL, 0, "logical block guard check failed" },
	{ ASC(0x10, 0x02), ACTION_FAIL, 0, "logical block application tag check failed" },
	{ ASC(0x10, 0x03), ACTION_FAIL, 0, "logical block reference tag check failed" },
	{ ASC(0x11, 0x00), BY_KEY, 0, "unrecovered read error" },
	{ ASC(0x11, 0x01), BY_KEY, 0, "read retries exhausted" },
	{ ASC(0x11, 0x04), BY_KEY, 0, "unrecovered read error, auto reallocate failed" },
	{ ASC(0x11, 0x14), BY_KEY, 0, "read error, LBA marked bad by application client" },
	{ ASC(0x14, 0x00), BY_KEY, 0, "recorded entity not found" },
	{ ASC(0x1a, 0x00), BY_KEY, 0, "parameter list length error" },
	{ ASC(0x1d, 0x00), BY_KEY, 0, "miscompare during verify operation" },
	{ ASC(0x20, 0x00), BY_KEY, 0, "invalid command operation code" },
	{ ASC(0x20, 0x02), BY_KEY, 0, "access denied, no access rights" },
	{ ASC(0x21, 0x00), BY_KEY, EFFECT_PROBE, "logical block address out of range" },
	{ ASC(0x24, 0x00), BY_KEY, 0, "invalid field in CDB" },
	{ ASC(0x25, 0x00), BY_KEY, EFFECT_INVENTORY, "logical unit not supported" },
	{ ASC(0x26, 0x00), BY_KEY, 0, "invalid field in parameter list" },
	{ ASC(0x27, 0x00), BY_KEY, EFFECT_PROBE, "write protected" },
	{ ASC(0x27, 0x01), BY_KEY, EFFECT_PROBE, "hardware write protected" },
	{ ASC(0x27, 0x02), BY_KEY, EFFECT_PROBE, "logical unit software write protected" },
	{ ASC(0x27, 0x07), BY_KEY, 0, "space allocation failed write protect" },
	{ ASC(0x28, 0x00), BY_KEY, EFFECT_PROBE, "not ready to ready change, medium may have changed" },
	{ ASC(0x29, 0x00), BY_KEY, EFFECT_RESET, "power on, reset, or bus device reset occurred" },
	{ ASC(0x29, 0x01), BY_KEY, EFFECT_POWER_ON, "power on occurred" },
	{ ASC(0x29, 0x02), BY_KEY, 0, "SCSI bus reset occurred" },
	{ ASC(0x29, 0x03), BY_KEY, 0, "bus device reset function occurred" },
	{ ASC(0x29, 0x04), BY_KEY, EFFECT_POWER_ON, "device internal reset" },
	{ ASC(0x29, 0x07), BY_KEY, 0, "I_T nexus loss occurred" },
	{ ASC(0x2a, 0x00), BY_KEY, EFFECT_PROBE, "parameters changed" },
	{ ASC(0x2a, 0x01), BY_KEY, EFFECT_PROBE, "mode parameters changed" },
	{ ASC(0x2a, 0x02), BY_KEY, 0, "log parameters changed" },
	{ ASC(0x2a, 0x03), BY_KEY, 0, "reservations preempted" },
	{ ASC(0x2a, 0x04), BY_KEY, 0, "reservations released" },
	{ ASC(0x2a, 0x05), BY_KEY, 0, "registrations preempted" },
	{ ASC(0x2a, 0x06), BY_KEY, 0, "asymmetric access state changed" },
	{ ASC(0x2a, 0x09), BY_KEY, EFFECT_PROBE, "capacity data has changed" },
	{ ASC(0x2c, 0x00), BY_KEY, 0, "command sequence error" },
	{ ASC(0x2f, 0x00), BY_KEY, 0, "commands cleared by another initiator" },
	{ ASC(0x31, 0x00), BY_KEY, 0, "medium format corrupted" },
	{ ASC(0x32, 0x00), BY_KEY, 0, "no defect spare location available" },
	{ ASC(0x38, 0x07), BY_KEY, 0, "thin provisioning soft threshold reached" },
	{ ASC(0x3a, 0x00), BY_KEY, EFFECT_PROBE, "medium not present" },
	{ ASC(0x3a, 0x01), BY_KEY, EFFECT_PROBE, "medium not present, tray closed" },
	{ ASC(0x3a, 0x02), BY_KEY, EFFECT_PROBE, "medium not present, tray open" },
	{ ASC(0x3e, 0x00), BY_KEY, 0, "logical unit has not self-configured yet" },
	{ ASC(0x3e, 0x01), BY_KEY, 0, "logical unit failure" },
	{ ASC(0x3f, 0x01), BY_KEY, 0, "microcode has been changed" },
	{ ASC(0x3f, 0x02), BY_KEY, EFFECT_PROBE, "changed operating definition" },
	{ ASC(0x3f, 0x03), BY_KEY, EFFECT_PROBE, "INQUIRY data has changed" },
	{ ASC(0x3f, 0x05), BY_KEY, EFFECT_PROBE, "device identifier changed" },
	{ ASC(0x3f, 0x0e), BY_KEY, EFFECT_INVENTORY, "reported LUNs data has changed" },
	{ ASC(0x44, 0x00), BY_KEY, 0, "internal target failure" },
	{ ASC(0x47, 0x00), BY_KEY, 0, "SCSI parity error" },
	{ ASC(0x47, 0x7f), BY_KEY, 0, "some commands cleared by iSCSI protocol event" },
	{ ASC(0x48, 0x00), BY_KEY, 0, "initiator detected error message received" },
	{ ASC(0x4b, 0x00), BY_KEY, 0, "data phase error" },
	{ ASC(0x4e, 0x00), BY_KEY, 0, "overlapped commands attempted" },
	{ ASC(0x55, 0x03), ACTION_WAIT, 0, "insufficient resources" },
	{ ASC(0x5d, 0x00), BY_KEY, 0, "failure prediction threshold exceeded" },
	{ ASC(0x5e, 0x00), BY_KEY, 0, "low power condition on" },
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

static const struct {
	enum action action;
	bool fixed;		/* the additional code does not change it */
} keys[KEY_COUNT] = {
	[KEY_NO_SENSE]		= { ACTION_DONE, true },
	[KEY_RECOVERED_ERROR]	= { ACTION_DONE, true },
	[KEY_NOT_READY]		= { ACTION_FAIL, false },
	[KEY_MEDIUM_ERROR]	= { ACTION_FAIL, true },
	[KEY_HARDWARE_ERROR]	= { ACTION_FAIL, true },
	[KEY_ILLEGAL_REQUEST]	= { ACTION_FAIL, false },
	[KEY_UNIT_ATTENTION]	= { ACTION_RETRY, true },
	[KEY_DATA_PROTECT]	= { ACTION_FAIL, true },
	[KEY_BLANK_CHECK]	= { ACTION_FAIL, true },
	[KEY_VENDOR_SPECIFIC]	= { ACTION_FAIL, true },
	[KEY_COPY_ABORTED]	= { ACTION_FAIL, true },
	[KEY_ABORTED_COMMAND]	= { ACTION_RETRY, false },
	[KEY_RESERVED]		= { ACTION_FAIL, true },
	[KEY_VOLUME_OVERFLOW]	= { ACTION_FAIL, true },
	[KEY_MISCOMPARE]	= { ACTION_FAIL, true },
	[KEY_COMPLETED]		= { ACTION_DONE, true },
};

static const struct row *
row_find(uint16_t asc)
{
	size_t lo = 0, hi = ROWS;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (rows[mid].asc == asc)
			return &rows[mid];
		if (rows[mid].asc < asc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/*
 * A deferred error belongs to a command that was reported GOOD; the one that
 * brings the news was not executed (SPC-4 4.5.7) and is sent again.
 */
static enum action
deferred_action(const struct sense *s, unsigned *effects)
{
	if (keys[s->key].action == ACTION_FAIL)
		*effects |= EFFECT_LOST_WRITE;
	return ACTION_RETRY;
}

enum action
sense_action(const struct sense *s, unsigned *effects)
{
	const struct row *row = row_find(s->asc);

	*effects = row ? row->effects : 0;
	if (s->deferred)
		return deferred_action(s, effects);
	if (row && row->action != BY_KEY && !keys[s->key].fixed)
		return (enum action)row->action;
	return keys[s->key].action;
}

const char *
asc_text(uint16_t asc)
{
	const struct row *row = row_find(asc);

	return row ? row->text : NULL;
}
