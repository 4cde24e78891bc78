/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of a run. Each run has some faults only, at rates that differ
 * wildly, and its own limits: what is rare when everything is always a bit
 * wrong comes often when one thing is very wrong.
 */
#include "plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "portals.h"

const char *const fault_names[FAULT_COUNT] = {
	[FAULT_CUT]		= "cut",
	[FAULT_HALF_OPEN]	= "half-open",
	[FAULT_HALF_OPEN_TARGET] = "half-open-target",
	[FAULT_SILENT_CUT]	= "silent-cut",
	[FAULT_CUT_AT_BYTE]	= "cut-at-byte",
	[FAULT_DELAY]		= "delay",
	[FAULT_PARTITION]	= "partition",
	[FAULT_SLOW]		= "slow",
	[FAULT_FREEZE]		= "freeze",
	[FAULT_CRASH]		= "crash",
	[FAULT_ALLOC]		= "alloc",
	[FAULT_SEND]		= "send",
	[FAULT_CORRUPT]		= "corrupt",
	[RULE_DROP]		= "target-drop",
	[RULE_DELAY]		= "target-delay",
	[RULE_STALL]		= "target-stall",
	[RULE_REORDER]		= "target-reorder",
	[RULE_DUPLICATE]	= "target-duplicate",
	[RULE_CORRUPT]		= "target-corrupt",
	[RULE_CUT]		= "target-cut",
	[RULE_ASYNC]		= "target-async",
	[RULE_REJECT]		= "target-reject",
	[RULE_STATUS]		= "target-status",
	[RULE_SENSE]		= "target-sense",
	[RULE_HOLD]		= "target-hold",
	[RULE_REFUSE]		= "target-refuse",
	[RULE_WINDOW]		= "target-window",
	[RULE_TRICK_1]		= "target-trick-1",
	[RULE_TRICK_2]		= "target-trick-2",
	[RULE_TRICK_3]		= "target-trick-3",
	[RULE_NTH_TASK]		= "target-nth-task",
	[FAULT_REDECLARE]	= "redeclare",
	[FAULT_PORTAL_CUT]	= "portal-cut",
	[FAULT_PORTAL_SHUT]	= "portal-shut",
	[FAULT_PORTAL_HOLE]	= "portal-hole",
	[RULE_REDIRECT]		= "target-redirect",
};

static uint32_t
pick(uint32_t n)
{
	return draw(FROM_PLAN, n);
}

/* One of a list of words. */
static const char *
word(const char *const *words)
{
	uint32_t n = 0;

	while (words[n])
		n++;
	return words[pick(n)];
}

static void
set(struct setting *s, unsigned *n, const char *name, const char *value)
{
	unsigned i = 0;

	while (i < *n && strcmp(s[i].name, name) != 0)
		i++;
	assert(i < SETTINGS_MAX && strlen(value) < sizeof(s->value));
	*n += i == *n;
	snprintf(s[i].name, sizeof(s->name), "%s", name);
	snprintf(s[i].value, sizeof(s->value), "%s", value);
}

static const struct key {
	const char *name;
	const char *values[8];
} keys[] = {
	{ "InitialR2T", { "Yes", "No" } },
	{ "ImmediateData", { "Yes", "No" } },
	{ "MaxRecvDataSegmentLength", { "512", "1024", "3000", "8192", "65536",
					"262144" } },
	{ "MaxBurstLength", { "1024", "4096", "16384", "65536", "262144" } },
	{ "FirstBurstLength", { "512", "1024", "5000", "65536" } },
	{ "MaxOutstandingR2T", { "1", "2", "4", "16" } },
	{ "DefaultTime2Wait", { "0", "1", "2", "5" } },
	{ "DefaultTime2Retain", { "0", "5", "20", "60" } },
};

static unsigned long
value_of(const struct setting *s, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(s[i].name, name) == 0)
			return strtoul(s[i].value, NULL, 10);
	return 0;
}

/* Some keys, by chance; FirstBurstLength fits MaxBurstLength: 13.14. */
static void
draw_keys(struct setting *s, unsigned *n)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = word(keys[i].values);

		if (pick(2))
			set(s, n, keys[i].name, value);
	}

	unsigned long burst = value_of(s, *n, "MaxBurstLength");
	unsigned long first = value_of(s, *n, "FirstBurstLength");

	if (burst == 0 || first > burst)
		set(s, n, "MaxBurstLength", "65536");
	if (burst < 262144 && first == 0)
		set(s, n, "FirstBurstLength", "512");
}

/* The connections, the level, and the digests: if both sides insist on them
 * every PDU has one. */
static void
draw_session(struct plan *p)
{
	static const char *const conns[] = { "1", "2", "3", "8", NULL };
	static const char *const levels[] = { "0", "1", "2", NULL };
	static const char *const digests[] = { "none", "crc32c", "none,crc32c",
					       "crc32c,none", NULL };

	if (pick(2)) {
		set(p->engine, &p->n_engine, "connections", word(conns));
		set(p->target, &p->n_target, "MaxConnections", word(conns));
	}
	if (pick(2)) {
		set(p->engine, &p->n_engine, "erl", word(levels));
		set(p->target, &p->n_target, "ErrorRecoveryLevel", word(levels));
	}
	p->digests = pick(2);
	set(p->engine, &p->n_engine, "header-digest",
	    p->digests ? "crc32c" : word(digests));
	set(p->engine, &p->n_engine, "data-digest",
	    p->digests ? "crc32c" : word(digests));
	set(p->target, &p->n_target, "HeaderDigest", "None,CRC32C");
	set(p->target, &p->n_target, "DataDigest", "None,CRC32C");
}

static void
draw_unit(struct plan *p)
{
	p->block_size = pick(3) ? 512 : 4096;
	p->blocks = 16 + pick(48);
	if (p->block_size == 512)
		p->blocks *= 1 + pick(8);
	p->write_cache = pick(3);
}

static void
draw_app(struct plan *p)
{
	static const uint32_t sizes[] = { 512, 4096, 16384, 65536 };
	uint32_t size = p->blocks * p->block_size;

	p->ops = 10 + pick(pick(4) ? 60 : 240);
	p->depth = 1 + pick(pick(2) ? 4 : 24);
	p->size_max = sizes[pick(4)];
	if (p->size_max > size / 2)
		p->size_max = size / 2;
	p->writes = 100 + pick(900);
	p->flushes = pick(3) ? pick(100) : 0;
	p->fua = pick(3) ? 0 : pick(500);
	p->cancels = pick(3) ? 0 : pick(200);
	p->unaligned = pick(2) ? 0 : pick(1000);
	p->bursts = pick(1000);
	p->whole_target = pick(2);
}

static void
draw_network(struct plan *p)
{
	static const uint32_t segments[] = { 60, 1460, 9000, 65536, 1 << 20 };
	static const uint32_t buffers[] = { 700, 4096, 65536, 262144 };

	p->latency = draw_time(FROM_PLAN, 5000, 20 * TIME_MS);
	p->jitter = pick(2) ? 0 : draw_time(FROM_PLAN, 1000, 50 * TIME_MS);
	p->bandwidth = (uint64_t)draw_time(FROM_PLAN, 500000, 2000000000);
	p->segment = segments[pick(5)];
	p->buffer = buffers[pick(4)];
	p->short_sends = pick(3) == 0;
}

static void
draw_faults(struct plan *p)
{
	p->faults_last = draw_time(FROM_PLAN, 5 * TIME_S, 600 * TIME_S);
	p->early = pick(5) == 0;
	p->faults_max = UINT32_MAX;

	lun_time fastest = p->faults_last / 30;

	for (int f = 0; f < FIRST_RULE; f++) {
		lun_time every = draw_time(FROM_PLAN, fastest,
					   p->faults_last * 2);

		p->every[f] = pick(3) == 0 ? every : 0;
	}
	if (pick(4))			/* it allows all requests to fail */
		p->every[FAULT_ALLOC] = 0;
	if (!p->digests)		/* nobody could see it */
		p->every[FAULT_CORRUPT] = 0;
	if (pick(2))
		rules_draw(p);
	if (pick(20) == 0) {
		memset(p->every, 0, sizeof(p->every));
		memset(p->rules, 0, sizeof(p->rules));
	}
}

void
plan_draw_overwriting(struct plan *p, enum stream stream, unsigned ops)
{
	p->block_size = 512;
	p->blocks = 16 + draw(stream, 16);
	p->ops = ops + draw(stream, ops);
	p->depth = 2 + draw(stream, 6);
	p->size_max = 4096;
	p->writes = 900;
	p->flushes = p->cancels = p->unaligned = 0;
	p->outage = TIME_NEVER;
	memset(p->every, 0, sizeof(p->every));
	memset(p->rules, 0, sizeof(p->rules));
}

/*
 * The target holds commands when their connection is lost: what an old session or
 * connection still does later is seen.
 */
static void
draw_zombies(struct plan *p)
{
	plan_draw_overwriting(p, FROM_PLAN, 100);
	p->think_max = 200 * TIME_MS;
	p->faults_last = 30 * TIME_S;
	p->every[FAULT_HALF_OPEN] = (1 + pick(4)) * TIME_S;
	if (pick(2))
		p->every[FAULT_HALF_OPEN_TARGET] = (1 + pick(4)) * TIME_S;
	snprintf(p->rules[RULE_HOLD], RULE_LEN, "hold=%us,chance=%u%%",
		 1 + pick(8), 10 + pick(40));
}

/*
 * How functions that end many tasks are done (13.23), and whether data may come
 * in any order (13.18, 13.19): as both have to agree to it.
 */
static void
draw_order(struct plan *p)
{
	static const char *const reporting[] = { "RFC3720", "ResponseFence",
						 "FastAbort", NULL };
	static const char *const orders[] = { "DataPDUInOrder",
					      "DataSequenceInOrder" };

	if (pick(4))
		set(p->target, &p->n_target, "TaskReporting", word(reporting));
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		if (pick(4))
			continue;
		set(p->engine, &p->n_engine, orders[i], "No");
		set(p->target, &p->n_target, orders[i], "No");
	}
}

/* What is lost, and asked for again from level 1 on, comes in other segments. */
static void
draw_redeclare(struct plan *p)
{
	if (!value_of(p->engine, p->n_engine, "erl") ||
	    !value_of(p->target, p->n_target, "ErrorRecoveryLevel") || pick(2))
		return;
	p->every[FAULT_REDECLARE] = draw_time(FROM_PLAN, TIME_S / 20,
					      p->faults_last);
	snprintf(p->rules[RULE_DROP], RULE_LEN, "drop,on=data-in,chance=%u%%",
		 2 + pick(20));
}

/*
 * Connections that are lost all the time, mostly at level 2, and a target that
 * trips over what is said to recover them. Those who look at it lose patience.
 */
static void
draw_recovery(struct plan *p)
{
	static const enum fault losses[] = {
		FAULT_CUT, FAULT_HALF_OPEN, FAULT_HALF_OPEN_TARGET,
		FAULT_SILENT_CUT, FAULT_CUT_AT_BYTE, FAULT_DELAY,
	};
	static const char *const conns[] = { "1", "2", "2", "3", "8", NULL };
	static const char *const levels[] = { "2", "2", "2", "1", "0", NULL };
	static const char *const retain[] = { "5", "20", "20", "60", NULL };
	const char *level = word(levels);

	set(p->engine, &p->n_engine, "erl", level);
	set(p->target, &p->n_target, "ErrorRecoveryLevel", level);
	set(p->engine, &p->n_engine, "connections", word(conns));
	set(p->target, &p->n_target, "MaxConnections", "8");
	set(p->engine, &p->n_engine, "DefaultTime2Wait", pick(2) ? "0" : "2");
	set(p->engine, &p->n_engine, "DefaultTime2Retain", word(retain));
	set(p->engine, &p->n_engine, "target-reset", pick(3) ? "no" : "yes");
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		p->every[losses[i]] = pick(3) ? 0 :
		    draw_time(FROM_PLAN, TIME_S / 2, 30 * TIME_S);
	p->retries = pick(4) ? 0 : pick(100);
	rules_draw_tricks(p);
	p->leaves = pick(4) ? 0 : pick(100);
}

/* MaxBurstLength as both will agree on it: 13.13. */
static uint32_t
burst_max(const struct plan *p)
{
	uint32_t most = 262144;

	for (unsigned i = 0; i < p->n_engine + p->n_target; i++) {
		const struct setting *s = i < p->n_engine ? &p->engine[i] :
		    &p->target[i - p->n_engine];
		uint32_t value = (uint32_t)strtoul(s->value, NULL, 0);

		if (strcmp(s->name, "MaxBurstLength") == 0 && value < most)
			most = value;
	}
	return most;
}

/*
 * A network that cannot carry in the time of a command what is under way at
 * once makes no progress, rightly: there is less to carry then. Each burst of a
 * write is asked for, perhaps when the last one is there.
 */
static void
fit_network(struct plan *p)
{
	lun_time trip = p->latency + p->jitter + 1000;
	uint64_t rate = p->buffer * UINT64_C(1000000000) / (uint64_t)trip;
	uint64_t most;

	if (rate > p->bandwidth)
		rate = p->bandwidth;
	most = rate * (uint64_t)(p->timeout / TIME_S) / 16;
	while (p->depth > 1 && p->depth * (uint64_t)p->size_max > most)
		p->depth /= 2;
	while (p->size_max > p->block_size &&
	       (p->size_max > most || p->size_max / burst_max(p) * 2 * trip >
		p->timeout / 2))
		p->size_max /= 2;
}

/* As they are without any choice. */
static void
plain_network(struct plan *p)
{
	p->latency = TIME_MS;
	p->jitter = 0;
	p->bandwidth = 1000000000;
	p->segment = 1 << 20;
	p->buffer = 262144;
	p->short_sends = false;
}

void
plan_draw(struct plan *p, const struct limits *limits)
{
	memset(p, 0, sizeof(*p));
	draw_unit(p);
	draw_app(p);
	draw_network(p);
	draw_session(p);
	draw_faults(p);
	p->think_max = 4 * p->faults_last / p->ops;
	p->timeout = (2 + pick(pick(2) ? 4 : 29)) * TIME_S;
	p->outage = pick(4) ? TIME_NEVER : pick(2) * (1 + pick(60)) * TIME_S;
	p->window = pick(2) ? 128 : 1 + pick(16);
	p->nop_seconds = pick(2) ? 0 : 1 + pick(30);
	p->separate_status = pick(2);
	draw_keys(p->engine, &p->n_engine);
	draw_keys(p->target, &p->n_target);
	if (pick(16) == 0)
		draw_zombies(p);
	draw_order(p);
	draw_redeclare(p);
	if (pick(8) == 0)
		draw_recovery(p);
	rules_draw_nth(p);
	portals_draw(p, limits);
	p->no_fua = pick(3) == 0;
	p->silent = pick(3) == 0;

	fit_network(p);
	if (limits->plain_network)
		plain_network(p);
	if (limits->plain_keys)
		p->n_engine = p->n_target = 0;
	if (p->ops > limits->ops)
		p->ops = limits->ops;
	if (p->faults_max > limits->faults_max)
		p->faults_max = limits->faults_max;
	for (int f = 0; f < FAULT_COUNT; f++)
		if (limits->without >> f & 1) {
			p->every[f] = 0;
			p->rules[f][0] = '\0';
		}
}

const char *
outage_name(const struct plan *p)
{
	static char text[24];

	if (p->outage == TIME_NEVER)
		return "wait";
	if (p->outage == 0)
		return "fail";
	snprintf(text, sizeof(text), "wait:%d", (int)(p->outage / TIME_S));
	return text;
}

void
plan_say(const struct plan *p)
{
	say("plan: %u blocks of %u, write cache %d%s%s; %u ops, depth %u, up to %u, "
	    "writes %u, flushes %u, FUA %u, cancels %u, unaligned %u, think %.3f, "
	    "retries %u, leaves %u",
	    p->blocks, p->block_size, p->write_cache,
	    p->no_fua ? ", no FUA" : "", p->silent ? ", silent" : "",
	    p->ops, p->depth,
	    p->size_max, p->writes, p->flushes, p->fua, p->cancels,
	    p->unaligned, (double)p->think_max / TIME_S, p->retries,
	    p->leaves);
	say("plan: timeout %d, outage %s, window %u, nop %u; latency %.3f ms, "
	    "jitter %.3f ms, %llu bytes/s, segments %u, buffer %u%s",
	    (int)(p->timeout / TIME_S), outage_name(p), p->window,
	    p->nop_seconds, (double)p->latency / TIME_MS,
	    (double)p->jitter / TIME_MS, (unsigned long long)p->bandwidth,
	    p->segment, p->buffer, p->short_sends ? ", short sends" : "");
	for (unsigned i = 0; i < p->n_engine; i++)
		say("plan: engine: %s=%s", p->engine[i].name, p->engine[i].value);
	for (unsigned i = 0; i < p->n_target; i++)
		say("plan: target: %s=%s", p->target[i].name, p->target[i].value);
	portals_say(p);
	for (int f = 0; f < FAULT_COUNT; f++)
		if (p->rules[f][0])
			say("plan: target: %s", p->rules[f]);
		else if (p->every[f])
			say("plan: %s every %.3f s", fault_names[f],
			    (double)p->every[f] / TIME_S);
	say("plan: faults for %.3f s%s", (double)p->faults_last / TIME_S,
	    p->early ? ", early" : "");
}
