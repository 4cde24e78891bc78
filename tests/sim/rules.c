/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules for the faults of the target (target/fault-rule.h): what it does to
 * some of its PDUs and commands for as long as there are faults. Only such as
 * leave an initiator the means to come through: a target that answers that a
 * write was done when it was not can be found out by nobody.
 */
#include <string.h>

#include "plan.h"

enum { CHOICES = 8 };

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

bool
rules_are_honest(const struct plan *p)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (p->rules[rules[i].fault][0] && !rules[i].honest)
			return false;
	return true;
}
