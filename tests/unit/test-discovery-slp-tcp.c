/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user agent of SLP over TCP: answers that did not fit into a datagram, in
 * every segmentation, and what goes wrong there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "slp-script.h"

/* What an agent does with its connection. */
struct plan {
	size_t step;			/* bytes of a segment */
	size_t whole;			/* bytes of it that come; 0: all */
	bool other_first;		/* after a message of another XID */
	bool silent, closes;
	unsigned error;
	bool lies;			/* about the length */
	unsigned n;			/* targets */
	const char *host;		/* "192.0.2.1": of the agent */
};

/* Larger than a struct answer can be. */
static uint8_t big[SLP_MESSAGE_MAX + 1000];

static size_t
many_urls(const struct request *rq, unsigned n)
{
	struct answer a = reply(rq, 0);
	size_t len = a.len;

	memcpy(big, a.p, len);
	for (unsigned i = 0; i < n; i++) {
		char url[100];

		a.len = 0;
		snprintf(url, sizeof(url), URL("10.0.0.1", "%05u"), i);
		a_url(&a, 100, url, i % 3);
		memcpy(big + len, a.p, a.len);
		len += a.len;
	}
	put16(big + 18, (uint16_t)n);
	put24(big + 2, (uint32_t)len);
	return len;
}

static void
send_stream(struct world *w, const struct request *rq, const struct plan *p)
{
	size_t len = many_urls(rq, p->n), from = 0;

	if (p->error) {
		struct answer a = reply(rq, p->error);

		memcpy(big, a.p, a.len);
		len = a.len;
	}
	if (p->other_first) {
		memmove(big + len, big, len);
		put16(big + 10, (uint16_t)~rq->xid);
		len *= 2;
	}
	if (p->lies)
		put24(big + 2, 0xffffff);
	if (p->whole)
		len = p->whole;
	for (lun_time at = 1; from < len; from += p->step, at++)
		w_stream(w, at, big + from,
			 len - from < p->step ? len - from : p->step);
	if (p->closes)
		w_stream(w, 1 * TIME_S, NULL, 0);
}

static void
overflowing(struct world *w, const struct request *rq)
{
	const struct plan *p = w->user;
	struct answer a = urls(rq, URL("10.0.0.1", "00000"), NULL);

	if (rq->function == 6) {
		a = reply(rq, SLP_MSG_NOT_SUPPORTED);
	} else if (for_agents(rq)) {
		return;
	} else if (rq->tcp) {
		assert_int_equal(rq->xid, w->sent[w->n - 2].xid);
		assert_string_equal(rq->responders, "");
		assert_int_equal(rq->flags, 0);
		if (!p->silent)
			send_stream(w, rq, p);
		return;
	} else {
		if (is_listed(rq, p->host))
			return;
		put16(a.p + 5, SLP_OVERFLOW);
		put16(a.p + 18, 7);		/* of which one is there */
	}
	w_answer(w, p->host, 1 * MS, &a);
}

static void
run_plan(struct plan p)
{
	if (!p.host) {
		p.host = "192.0.2.1";
		give_agent(p.host);
	}
	world.config.multicast = true;
	world.script = overflowing;
	world.user = &p;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_true(world.done);
}

static size_t
count(void)
{
	size_t n;

	slp_services(world.slp, &n, world.timers.now);
	return n;
}

/* shows: 2608-6.1-02 4018-4.1-01 2608-6.2-01 */
static void
test_whole(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 64, 65536 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (int other = 0; other < 2; other++) {
			run_plan((struct plan){ .step = steps[i], .n = 6,
						.other_first = other });
			assert_int_equal(world.code, 0);
			assert_int_equal(count(), 6);
			assert_int_equal(world.hang_ups, 1);
			assert_int_equal(world.log_lines, 0);
			w_deinit(&world);
			w_init(&world);
		}
	}
}

static void
test_very_many(void **state)
{
	run_plan((struct plan){ .step = 60000, .n = 10000 });
	assert_int_equal(count(), 10000);
	w_deinit(&world);
	w_init(&world);
	run_plan((struct plan){ .step = 60000, .n = 25000 });
	assert_int_equal(count(), SLP_FOUND_MAX);
	assert_int_equal(world.log_lines, 10);
}

/* One of those that answered a multicast. shows: 2608-6.1-02 */
static void
test_multicast(void **state)
{
	run_plan((struct plan){ .step = 100, .n = 9, .host = "192.0.2.5" });
	assert_int_equal(world.code, 0);
	assert_int_equal(count(), 9);
	assert_int_equal(world.connections, 1);
}

/* What was there already is used, and that is said. */
static void
test_part(void **state)
{
	static const struct plan plans[] = {
		{ .silent = true },
		{ .step = 10, .n = 6, .whole = 50 },
		{ .step = 10, .n = 6, .whole = 50, .closes = true },
		{ .step = 10, .n = 6, .lies = true },
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		run_plan(plans[i]);
		assert_int_equal(world.code, 0);
		assert_int_equal(count(), 1);
		assert_int_equal(world.log_lines, 1);
		assert_non_null(strstr(world.log, "only a part is used"));
		w_deinit(&world);
		w_init(&world);
	}
}

static void
test_error(void **state)
{
	run_plan((struct plan){ .step = 10, .error = SLP_INTERNAL_ERROR });
	assert_int_equal(world.code, LUN_EREFUSED);
	assert_string_equal(world.err.text,
			    "SLP agent 192.0.2.1:427: INTERNAL_ERROR (10)");
	assert_int_equal(count(), 0);
}

/* The request itself is too long for a datagram: many scopes. */
static void
by_tcp_only(struct world *w, const struct request *rq)
{
	struct plan p = { .step = 1000, .n = 3 };

	assert_true(rq->tcp);
	if (rq->function == 1)
		send_stream(w, rq, &p);
}

static void
test_long_request(void **state)
{
	char list[SLP_SCOPE_LIST_MAX] = "";

	for (int i = 0; i < 14; i++)
		sprintf(strchr(list, 0), "%s%0110d", i ? "," : "", i);
	assert_int_equal(slp_config_scopes(&world.config, list, NULL), 0);
	give_agent("192.0.2.1");
	world.config.multicast = false;
	world.script = by_tcp_only;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.code, 0);
	assert_int_equal(count(), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_whole), T(test_very_many), T(test_multicast),
		T(test_part), T(test_error), T(test_long_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
