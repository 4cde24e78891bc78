/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plant.h"

#include <stdio.h>
#include <string.h>

#include "login/login.h"
#include "oracle.h"
#include "recovery/backoff.h"
#include "recovery/fence.h"

int __real_login_new(struct login **out, const struct login_config *config,
		     const struct lun_env *env, struct lun_error *err);
int __wrap_login_new(struct login **out, const struct login_config *config,
		     const struct lun_env *env, struct lun_error *err);
lun_time __real_backoff_next(struct backoff *b, enum backoff_kind kind,
			     lun_time time2wait, const struct lun_env *env);
lun_time __wrap_backoff_next(struct backoff *b, enum backoff_kind kind,
			     lun_time time2wait, const struct lun_env *env);
void __real_fence_start(struct fence *f, struct session *s, const char *label,
			lun_time now);
void __wrap_fence_start(struct fence *f, struct session *s, const char *label,
			lun_time now);

const char *const plant_names[PLANT_COUNT] = {
	[PLANT_NOTHING]		= "nothing",
	[PLANT_FLUSH_DROPPED]	= "flush-dropped",
	[PLANT_WRITE_DROPPED]	= "write-dropped",
	[PLANT_ZOMBIE]		= "zombie",
	[PLANT_NEW_ISID]	= "new-isid",
	[PLANT_REPLAY]		= "replay",
	[PLANT_STALE_READ]	= "stale-read",
	[PLANT_DONE_TWICE]	= "done-twice",
	[PLANT_NEVER_DONE]	= "never-done",
	[PLANT_STARVED]		= "starved",
	[PLANT_BROKEN]		= "broken",
	[PLANT_NO_RECONNECT]	= "no-reconnect",
	[PLANT_CMD_SN]		= "cmd-sn",
	[PLANT_STAT_SN]		= "stat-sn",
	[PLANT_DATA_SN]		= "data-sn",
	[PLANT_LEAK]		= "leak",
	[PLANT_LOSSY_CMD_SN]	= "lossy-cmd-sn",
	[PLANT_LOSSY_STAT_SN]	= "lossy-stat-sn",
	[PLANT_LOSSY_DATA]	= "lossy-data",
	[PLANT_LOSSY_TAG]	= "lossy-tag",
	[PLANT_OTHER_PORTAL]	= "other-portal",
	[PLANT_ONE_PORTAL]	= "one-portal",
	[PLANT_NO_FENCE]	= "no-fence",
};

static enum plant planted;
static unsigned asked;
static struct lun_io excused;		/* code 0: none yet */
static char excuse[400];

void
plant_begin(enum plant p)
{
	planted = p;
	asked = 0;
	excused.code = 0;
}

bool
plant_is(enum plant p)
{
	return planted == p;
}

bool
plant_strikes(enum plant p, unsigned n)
{
	return planted == p && ++asked % n == 0;
}

/* --------------------------------------------------------- in the engine -- */

int
__wrap_login_new(struct login **out, const struct login_config *config,
		 const struct lun_env *env, struct lun_error *err)
{
	static struct login_config other;

	if (!plant_strikes(PLANT_NEW_ISID, 1))
		return __real_login_new(out, config, env, err);
	other = *config;
	other.isid[5] = (uint8_t)asked;
	return __real_login_new(out, &other, env, err);
}

lun_time
__wrap_backoff_next(struct backoff *b, enum backoff_kind kind,
		    lun_time time2wait, const struct lun_env *env)
{
	lun_time wait = __real_backoff_next(b, kind, time2wait, env);

	return plant_is(PLANT_NO_RECONNECT) ? 1000000 * TIME_S : wait;
}

void
__wrap_fence_start(struct fence *f, struct session *s, const char *label,
		   lun_time now)
{
	if (plant_is(PLANT_NO_FENCE))
		f->done(f, 0, NULL);
	else
		__real_fence_start(f, s, label, now);
}

void
plant_sent(struct pdu *pdu)
{
	static uint32_t tag;
	bool command = pdu->opcode == OP_SCSI_COMMAND;

	if (command && plant_strikes(PLANT_LOSSY_CMD_SN, 20))
		pdu->cmd_sn++;
	if (command && plant_strikes(PLANT_LOSSY_TAG, 20))
		pdu->initiator_task_tag = tag;
	if (command)
		tag = pdu->initiator_task_tag;
	if (plant_strikes(PLANT_LOSSY_STAT_SN, 20))
		pdu->exp_stat_sn += 2;
	if (pdu->opcode == OP_DATA_OUT && plant_strikes(PLANT_LOSSY_DATA, 20))
		pdu->buffer_offset += pdu->data_segment_length;
}

void
plant_excused(const struct lun_io *io)
{
	if (excused.code)
		return;
	excused = *io;
	snprintf(excuse, sizeof(excuse), "%s", io->text);
}

void
plant_outcome(struct lun_io *io)
{
	if (!plant_is(PLANT_BROKEN) || !excused.code || io->code)
		return;
	io->code = excused.code;
	io->error = excused.error;
	io->text = excuse;
}

/* --------------------------------------------------------- in the target -- */

void
plant_landed(uint8_t *medium, uint64_t offset, uint64_t len)
{
	static uint8_t kept[4096];
	static uint64_t at;
	static size_t n;

	if (!plant_is(PLANT_ZOMBIE))
		return;
	if (++asked % 20 == 1) {
		at = offset;
		n = len < sizeof(kept) ? len : sizeof(kept);
		memcpy(kept, medium + at, n);
	} else if (asked % 20 == 0) {
		memcpy(medium + at, kept, n);
		oracle_landed(medium, at, n);
	}
}
