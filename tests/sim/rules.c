/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules for the faults of the target (target/fault-rule.h): what it does to
 * some of its PDUs and commands for as long as there are faults. Only such as
 * leave an initiator the means to come through: a target that answers that a
 * write was done when it was not can be found out by nobody.
 */
#include <string.h>

#include "plan.h"

enum { CHOICES = 12 };

static const struct rule {
	enum fault fault;
	bool honest;			/* nobody sees it on the wire */
	bool digests;			/* they are needed to notice it */
	const char *what[CHOICES], *on[CHOICES];	/* one of each */
} rules[] = {
	{ RULE_DROP, false, false, { "drop" },
	  { "data-in", "r2t", "scsi-response", "data-out", "nop-in",
	    "scsi-command", "tmf-response" } },
	{ RULE_DELAY, false, false, { "delay=10ms", "delay=1s", "delay=7s" },
	  { "data-in", "scsi-response", "scsi-command", "r2t" } },
	{ RULE_STALL, true, false, { "stall=20ms", "stall=1s", "stall=20s" },
	  { "data-in", "scsi-response", "scsi-command", "data-out" } },
	{ RULE_REORDER, false, false, { "reorder" },
	  { "data-in", "scsi-response", "r2t" } },
	{ RULE_DUPLICATE, false, false, { "duplicate" },
	  { "data-in", "scsi-response", "r2t" } },
	{ RULE_CORRUPT, false, true, { "corrupt=header-digest" },
	  { "scsi-response", "r2t", "data-in", "tmf-response" } },
	{ RULE_CORRUPT, false, true, { "corrupt=data" },
	  { "data-in", "data-out", "scsi-command" } },
	{ RULE_CUT, true, false, { "cut", "cut=20" },
	  { "data-in", "scsi-response", "data-out", "login-response" } },
	{ RULE_ASYNC, true, false, { "async=logout:0:0:3",
	    "async=connection-drop:1:1:5", "async=session-drop:0:2:9",
	    "async=scsi", "async=negotiate:0:0:3" }, { "scsi-response" } },
	{ RULE_REJECT, false, false, { "reject=data-digest",
	    "reject=too-many-immediate", "reject=long-operation",
	    "reject=waiting-for-logout", "reject=snack" },
	  { "scsi-command", "data-out", "nop-out", "tmf-request", "snack" } },
	{ RULE_STATUS, true, false, { "status=busy", "status=task-set-full" },
	  { NULL } },
	{ RULE_SENSE, true, false, { "sense=6/29/00", "sense=6/2a/09",
	    "sense=6/3f/0e", "sense=b/47/00" }, { NULL } },
	{ RULE_HOLD, true, false, { "hold=5ms", "hold=1s", "hold=30s" },
	  { NULL } },
	{ RULE_REFUSE, true, false, { "refuse=3/1", "refuse=3/2",
	    "refuse=3/0" }, { NULL } },
	{ RULE_WINDOW, true, false, { "window=1", "window=4" },
	  { "scsi-response" } },
};

static const char *
choose(const char *const words[CHOICES])
{
	uint32_t n = 0;

	while (n < CHOICES && words[n])
		n++;
	return n ? words[draw(FROM_PLAN, n)] : NULL;
}

void
rules_draw(struct plan *p)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *r = &rules[i];
		const char *what = choose(r->what), *on = choose(r->on);
		uint32_t percent = 1 + draw(FROM_PLAN, draw(FROM_PLAN, 3) ? 8 : 30);

		if (draw(FROM_PLAN, 6) || (r->digests && !p->digests))
			continue;
		snprintf(p->rules[r->fault], RULE_LEN, "%s%s%s,chance=%u%%",
			 what, on ? ",on=" : "", on ? on : "", percent);
	}
}

/*
 * What goes wrong with the PDUs by which connections and tasks are recovered,
 * and with the numbers that show whether anything was lost. Answers that lie say
 * that less was done than was, never more.
 */
static const struct trick {
	const char *what[CHOICES], *on[CHOICES];
} tricks[] = {
	{ { "drop", "delay=20ms", "delay=2s", "delay=9s", "stall=300ms",
	    "stall=15s", "cut", "cut=10", "duplicate", "reorder" },
	  { "tmf-request", "tmf-response", "logout-request", "logout-response",
	    "login-request", "login-response", "nop-in", "nop-out", "snack",
	    "async", "reject" } },
	{ { "reject=protocol-error", "reject=not-supported",
	    "reject=too-many-immediate", "reject=long-operation",
	    "reject=task-in-progress", "reject=invalid-field",
	    "reject=data-digest" },
	  { "tmf-request", "logout-request", "nop-out", "snack",
	    "scsi-command", "data-out" } },
	{ { "set=response:1", "set=response:2", "set=response:3",
	    "set=time2wait:0", "set=time2wait:3", "set=time2retain:0",
	    "set=time2retain:60" }, { "logout-response" } },
	{ { "set=response:2", "set=response:3", "set=response:4",
	    "set=response:5", "set=response:6", "set=response:255" },
	  { "tmf-response" } },
	{ { "set=stat_sn:+1", "set=stat_sn:-1", "set=exp_cmd_sn:+1",
	    "set=exp_cmd_sn:-1", "set=max_cmd_sn:+3", "set=max_cmd_sn:-3" },
	  { "scsi-response", "nop-in", "tmf-response", "logout-response",
	    "reject", "async" } },
	{ { "set=data_sn:+1", "set=data_sn:-1" }, { "data-in" } },
	{ { "set=exp_data_sn:+1" }, { "scsi-response" } },
	{ { "async=connection-drop:1:0:0", "async=connection-drop:2:0:5",
	    "async=connection-drop:2:2:20", "async=connection-drop:3:0:20",
	    "async=session-drop:0:0:20", "async=logout:0:0:1",
	    "async=logout:0:0:10", "async=task-termination",
	    "async=negotiate:0:0:1", "async=vendor" },
	  { "scsi-response", "data-in", "nop-in", "tmf-response",
	    "logout-response", "scsi-command", "snack" } },
	{ { "refuse=2/6", "refuse=2/8", "refuse=2/10", "refuse=3/1", "tpgt=2",
	    "redirect=10.0.0.1:3260" }, { NULL } },
};

void
rules_draw_tricks(struct plan *p)
{
	const uint32_t n_tricks = sizeof(tricks) / sizeof(*tricks);
	uint32_t count = draw(FROM_PLAN, TRICKS_MAX + 1);

	for (uint32_t i = 0; i < count; i++) {
		/* the first is what may happen to anybody */
		const struct trick *t =
		    &tricks[draw(FROM_PLAN, 2) ? draw(FROM_PLAN, n_tricks) : 0];
		const char *what = choose(t->what), *on = choose(t->on);

		snprintf(p->rules[RULE_TRICK_1 + i], RULE_LEN,
			 "%s%s%s,chance=%u%%", what, on ? ",on=" : "",
			 on ? on : "", 2 + draw(FROM_PLAN, 60));
	}
}

/*
 * The n-th command fails, or each n-th one: what looks at the unit may be hit as
 * well, but an error of the medium tells of a write, which is the application's.
 * It has a stream of its own: plans without it are what they were.
 */
void
rules_draw_nth(struct plan *p)
{
	static const char *const whats[CHOICES] = {
		"status=busy", "status=task-set-full", "status=task-aborted",
		"sense=b/47/00", "sense=6/29/00", "sense=2/04/01", "hold",
		"sense=3/0c/00,write",
	};
	const char *what = whats[draw(FROM_TASKS, 8)];
	bool often = draw(FROM_TASKS, 3) == 0;
	lun_time n = draw_time(FROM_TASKS, 1, 4 * (lun_time)p->ops);

	if (draw(FROM_TASKS, 4))
		return;
	snprintf(p->rules[RULE_NTH_TASK], RULE_LEN, "%s,%s=%u", what,
		 often ? "every" : "nth", (unsigned)(often ? n + 3 : n));
}

bool
rules_are_honest(const struct plan *p)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (p->rules[rules[i].fault][0] && !rules[i].honest)
			return false;
	for (int i = 0; i < TRICKS_MAX; i++)
		if (p->rules[RULE_TRICK_1 + i][0])
			return false;
	return true;
}
