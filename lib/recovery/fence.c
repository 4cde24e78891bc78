/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/fence.h"

#include "base/error.h"
#include "wire/lun.h"

static void reset_done(struct tmf *tmf, int code, uint8_t response);

static void
reset_next(struct fence *f, lun_time now)
{
	f->tmf = (struct tmf){
		.function = TMF_LOGICAL_UNIT_RESET, .lun = f->luns[f->at],
		.done = reset_done, .user = f,
	};
	session_tmf(f->session, &f->tmf, now);
}

static void
reset_done(struct tmf *tmf, int code, uint8_t response)
{
	struct fence *f = tmf->user;
	char lun[LUN_TEXT_MAX];
	struct lun_error err;

	if (code == 0 && response == TMF_COMPLETE) {
		if (++f->at < f->n)
			reset_next(f, session_nexus(f->session)->timers->now);
		else
			f->done(f, 0, NULL);
		return;
	}
	lun_fail(&err, code < 0 ? code : LUN_EREFUSED, "%s: LUN %s: writes of "
		 "the session in another portal group cannot be ended (LOGICAL "
		 "UNIT RESET, %s %d)", f->label, lun_print(tmf->lun, lun),
		 code < 0 ? "code" : "response", code < 0 ? code : response);
	f->done(f, err.code, &err);
}

void
fence_start(struct fence *f, struct session *s, const char *label, lun_time now)
{
	f->session = s;
	f->label = label;
	f->at = 0;
	reset_next(f, now);
}
