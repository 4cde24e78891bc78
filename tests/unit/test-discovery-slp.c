/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user agent of SLP: whom it asks, when, how often, and what it makes of the
 * answers. Times are those of RFC 2608 13. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "slp-script.h"

/* ------------------------------------------------------ unicast, timing -- */

static void
answer_urls(struct world *w, const struct request *rq)
{
	struct answer a = rq->function == 6 ?
		attributes(rq, "(portal-group=3),(alias=The \\28one\\29),"
			       "(auth-cred=chap/other),(transports=tcp)") :
		urls(rq, URL("192.0.2.9", "one"), URL("192.0.2.9", "two"));

	w_answer(w, "192.0.2.1", 5 * MS, &a);
}

/* A given agent is asked, and nobody else. shows: 2608-11.1-01 4018-4.1.3-01
 * 2608-8-03 4018-5.2-04 4018-5.2-07 */
static void
test_given(void **state)
{
	give_agent("192.0.2.1");
	world.script = answer_urls;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_true(world.done);
	assert_int_equal(world.code, 0);
	assert_int_equal(world.done_at, 10 * MS);
	assert_string_equal(asked(), "0 192.0.2.1:427 target DEFAULT; "
			    "5 192.0.2.1:427 attributes DEFAULT; "
			    "5 192.0.2.1:427 attributes DEFAULT");
	assert_string_equal(world.sent[0].what, OPEN);
	assert_string_equal(world.sent[1].subject, URL("192.0.2.9", "one"));
	assert_string_equal(world.sent[1].what,
			    "portal-group,transports");
	for (size_t i = 0; i < world.n; i++) {
		assert_int_equal(world.sent[i].flags, 0);
		assert_string_equal(world.sent[i].responders, "");
	}
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 192.0.2.9:3260,3; "
			    "iqn.2026-11.test:two 192.0.2.9:3260,3");
}

/* shows: 2608-6.3-01 2608-8-04 */
static void
test_dead(void **state)
{
	give_agent("192.0.2.1");
	world.config.multicast = false;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_string_equal(asked(), "0 192.0.2.1:427 target DEFAULT; "
			    "2000 192.0.2.1:427 target DEFAULT; "
			    "6000 192.0.2.1:427 target DEFAULT; "
			    "14000 192.0.2.1:427 target DEFAULT");
	for (size_t i = 1; i < world.n; i++)
		assert_int_equal(world.sent[i].xid, world.sent[0].xid);
	assert_int_equal(world.done_at, 15 * TIME_S);
	assert_int_equal(world.code, LUN_ETIMEDOUT);
	assert_string_equal(world.err.text,
			    "SLP agent 192.0.2.1:427: no answer in 15 s");
}

/* The wait is the user's to choose. */
static void
test_wait(void **state)
{
	give_agent("192.0.2.1");
	world.config.multicast = false;
	world.config.wait = 3 * TIME_S;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.n, 4);
	assert_int_equal(world.sent[1].at, 400 * MS);
	assert_int_equal(world.done_at, 3 * TIME_S);
}

static void
answer_third(struct world *w, const struct request *rq)
{
	struct answer a = urls(rq, URL("192.0.2.9", "one"), NULL);

	if (rq->function == 6)
		a = attributes(rq, "");
	if (rq->function == 6 || w->n == 3)
		w_answer(w, "192.0.2.1", 0, &a);
	if (w->n == 1) {		/* another one's, and what is none */
		put16(a.p + 10, (uint16_t)(rq->xid + 1));
		w_answer(w, "192.0.2.1", 1, &a);
		put16(a.p + 10, (uint16_t)rq->xid);
		a.p[1] = 7;
		w_answer(w, "192.0.2.1", 2, &a);
		a.p[1] = 2;
		w_answer(w, "192.0.2.1", 3, &(struct answer){ .len = 0 });
		put24(a.p + 2, 0xffffff);
		w_answer(w, "192.0.2.1", 4, &a);
		a.p[0] = 1;
		w_answer(w, "192.0.2.1", 5, &a);
	}
}

/* shows: 2608-8-04 2608-8-01 */
static void
test_other_answers(void **state)
{
	give_agent("192.0.2.1");
	world.script = answer_third;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.code, 0);
	assert_int_equal(world.done_at, 6 * TIME_S);
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 192.0.2.9:3260");
}

/* XIDs are not to be guessed: those of two searches have nothing in common. */
static void
test_xids(void **state)
{
	uint16_t first;

	give_agent("192.0.2.1");
	w_start(&world, SLP_OPEN_TARGETS, ME);
	first = (uint16_t)world.sent[0].xid;
	world.slp = slp_free(world.slp);
	w_start(&world, SLP_OPEN_TARGETS, ME);
	assert_int_not_equal(world.sent[1].xid, first);
	assert_int_not_equal(world.sent[1].xid, first + 1);
	assert_int_not_equal(world.sent[1].xid, 0);
}

/* --------------------------------------------------------------- errors -- */

static void
answer_error(struct world *w, const struct request *rq)
{
	struct answer a = reply(rq, *(unsigned *)w->user);

	w_answer(w, "192.0.2.1", 5 * MS, &a);
}

/* shows: 2608-7-01 */
static void
test_errors(void **state)
{
	for (unsigned error = 1; error <= 16; error++) {
		char want[100];

		give_agent("192.0.2.1");
		world.config.multicast = false;
		world.script = answer_error;
		world.user = &error;
		w_start(&world, SLP_OPEN_TARGETS, ME);
		w_run(&world, TIME_NEVER);
		snprintf(want, sizeof(want), "SLP agent 192.0.2.1:427: %s (%u)"
			 "%s", slp_error_name((uint16_t)error), error,
			 error == SLP_SCOPE_NOT_SUPPORTED ? ": scope DEFAULT" :
			 "");
		assert_int_equal(world.code, LUN_EREFUSED);
		assert_string_equal(world.err.text, want);
		/* asked again, later and later, if it is only busy */
		assert_int_equal(world.n, error == SLP_DA_BUSY_NOW ? 4 : 1);
		w_deinit(&world);
		w_init(&world);
	}
}

static void
busy_at_first(struct world *w, const struct request *rq)
{
	struct answer a = w->n < 3 ? reply(rq, SLP_DA_BUSY_NOW)
				   : urls(rq, NULL, NULL);

	w_answer(w, "192.0.2.1", 5 * MS, &a);
}

/* shows: 2608-7-01 2608-8.2-01 */
static void
test_busy(void **state)
{
	give_agent("192.0.2.1");
	world.script = busy_at_first;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.n, 3);
	assert_int_equal(world.sent[2].at, 6 * TIME_S);
	assert_int_equal(world.code, 0);	/* nothing is no error */
	assert_string_equal(w_found(&world), "");
}

/* ------------------------------------------------------------ multicast -- */

/* Three service agents, of which the third is deaf at first. */
static void
several_agents(struct world *w, const struct request *rq)
{
	static const char *const hosts[] = { "192.0.2.1", "192.0.2.2",
					     "2001:db8::3" };
	static const char *const found[] = { URL("10.0.0.1", "one"),
		URL("10.0.0.2", "one"), URL("[2001:db8::3]", "three") };

	if (rq->function == 6) {
		struct answer a = reply(rq, SLP_MSG_NOT_SUPPORTED);

		w_answer(w, "192.0.2.1", 1 * MS, &a);
		return;
	}
	if (for_agents(rq))
		return;
	assert_int_equal(rq->flags, SLP_MCAST);
	for (size_t i = 0; i < 3; i++) {
		struct answer a = urls(rq, found[i], URL("10.0.0.9", "both"));

		if (is_listed(rq, hosts[i]) ||
		    (i == 2 && rq->responders[0] == '\0'))
			continue;
		w_answer(w, hosts[i], (lun_time)(i + 1) * MS, &a);
		w_answer(w, hosts[i], (lun_time)(i + 9) * MS, &a);	/* twice */
	}
}

/* shows: 2608-8.1-02 2608-6.3-02 2608-6-01 2608-8-03 */
static void
test_convergence(void **state)
{
	world.script = several_agents;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, 29 * TIME_S - 1);
	assert_false(world.done);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.code, 0);

	/* no directory agent in 15 s; then all are asked until a list of
	 * responders causes no answers */
	assert_int_equal(world.sent[3].at, 14 * TIME_S);
	assert_true(for_agents(&world.sent[3]));
	assert_int_equal(world.sent[4].at, 15 * TIME_S);
	assert_string_equal(world.sent[4].subject, SLP_TYPE_TARGET);
	assert_string_equal(world.sent[4].responders, "");
	assert_int_equal(world.sent[5].at, 17 * TIME_S);
	assert_string_equal(world.sent[5].responders, "192.0.2.1,192.0.2.2");
	assert_int_equal(world.sent[6].at, 21 * TIME_S);
	assert_string_equal(world.sent[6].responders,
			    "192.0.2.1,192.0.2.2,2001:db8::3");
	assert_int_equal(world.sent[6].xid, world.sent[4].xid);
	/* each agent that knows no attributes is asked only once or so */
	assert_int_equal(world.sent[7].at, 29 * TIME_S);
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 10.0.0.1:3260; "
			    "iqn.2026-11.test:one 10.0.0.2:3260; "
			    "iqn.2026-11.test:both 10.0.0.9:3260; "
			    "iqn.2026-11.test:three [2001:db8::3]:3260");
}

/* So many answer that the list does not fit any more. */
static void
crowd(struct world *w, const struct request *rq)
{
	struct answer a = urls(rq, URL("10.0.0.1", "one"), NULL);
	static unsigned next;

	if (rq->function == 6 || for_agents(rq))
		return;
	assert_true(rq->len <= SLP_DATAGRAM_MAX);
	for (int i = 0; i < 40; i++) {
		char host[40];

		snprintf(host, sizeof(host), "192.168.%u.%u", next / 200,
			 next % 200);
		next++;
		w_answer(w, host, i, &a);
	}
}

static void
test_crowd(void **state)
{
	world.script = crowd;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_true(world.done);
	for (size_t i = 4; i < world.n && to_all(&world.sent[i]); i++)
		assert_true(world.sent[i].at < 30 * TIME_S);
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 10.0.0.1:3260");
}

static void
two_who_know(struct world *w, const struct request *rq)
{
	struct answer a = urls(rq, URL("10.0.0.1", "x"), URL("10.0.0.2", "x"));

	if (rq->function == 6)
		a = attributes(rq, "");
	else if (for_agents(rq))
		return;
	w_answer(w, "192.0.2.1", 7 * MS, &a);
	w_answer(w, "192.0.2.2", 9 * MS, &a);
}

/* shows: 2608-6.3-02 4018-5.2-03 */
static void
test_named(void **state)
{
	world.script = two_who_know;
	w_start(&world, SLP_NAMED_TARGET, "iqn.2026-11.test:x");
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.done_at, 15 * TIME_S + 14 * MS);
	assert_string_equal(world.sent[4].what,
			    "(iscsi-name=iqn.2026-11.test:x)");
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:x 10.0.0.1:3260; "
			    "iqn.2026-11.test:x 10.0.0.2:3260");
}

/* What was not asked for is not taken. */
static void
test_named_other(void **state)
{
	give_agent("192.0.2.1");
	world.script = two_who_know;
	w_start(&world, SLP_NAMED_TARGET, "iqn.2026-11.test:y");
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.code, 0);
	assert_string_equal(w_found(&world), "");
	assert_int_equal(world.log_lines, 2);
}

static void
test_nobody(void **state)
{
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.done_at, 30 * TIME_S);
	assert_int_equal(world.code, LUN_ENOTFOUND);
	assert_string_equal(world.err.text,
			    "SLP: no agent has answered for scope DEFAULT");
	for (size_t i = 0; i < world.n; i++)
		assert_true(to_all(&world.sent[i]));
}

/* -------------------------------------------------------------- results -- */

static void
answer_with_lifetimes(struct world *w, const struct request *rq)
{
	struct answer a = reply(rq, 0);

	if (rq->function == 6) {
		a = attributes(rq, "");
		w_answer(w, "192.0.2.1", 2 * TIME_S - 1, &a);
		return;
	}
	put16(a.p + 18, 5);
	a_url(&a, 0, URL("10.0.0.1", "none"), 0);
	a_url(&a, 1, URL("10.0.0.1", "short"), 1);
	a_url(&a, 65535, URL("10.0.0.1", "long"), 2);
	a_url(&a, 1, URL("10.0.0.1", "twice"), 0);
	a_url(&a, 60, URL("10.0.0.1", "twice"), 0);
	a_end(&a);
	w_answer(w, "192.0.2.1", 0, &a);
}

/* shows: 2608-8.2-02 2608-9.2-01 */
static void
test_lifetimes(void **state)
{
	give_agent("192.0.2.1");
	world.script = answer_with_lifetimes;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_true(world.done_at < 2 * TIME_S);
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:long 10.0.0.1:3260; "
			    "iqn.2026-11.test:twice 10.0.0.1:3260");
	w_run(&world, 61 * TIME_S);
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:long 10.0.0.1:3260");
	w_run(&world, 65536 * TIME_S);
	assert_string_equal(w_found(&world), "");
}

static void
answer_with_rubbish(struct world *w, const struct request *rq)
{
	static const char *const lists[] = {
		"(transports=sctp)", "(transports=sctp,tcp),(portal-group=2)",
		"(portal-group=99999),(alias=a\\0ab)",
		"(alias=\xe2\x80\xae x),(auth-name=any", ")((,",
	};
	struct answer a = reply(rq, 0);

	if (rq->function == 6) {
		a = attributes(rq, lists[(w->n - 2) % 5]);
	} else {
		add_url(&a, "service:iscsi:sms://10.0.0.1");
		add_url(&a, "service:iscsi:target://10.0.0.1/../../etc");
		add_url(&a, "service:iscsi:target://10.0.0.1/iqn.x:\\00");
		for (int i = 0; i < 5; i++) {
			char url[100];

			snprintf(url, sizeof(url), URL("10.0.0.1", "%d"), i);
			add_url(&a, url);
		}
		add_url(&a, "service:iscsi:target://10.0.0.1/x\n[31m");
	}
	w_answer(w, "192.0.2.1", 1 * MS, &a);
}

/* shows: 2608-4.1-01 4018-5.2-07 2608-10.3-01 */
static void
test_rubbish(void **state)
{
	give_agent("192.0.2.1");
	world.script = answer_with_rubbish;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.log_lines, 4);
	assert_null(strpbrk(world.log, "\n\033"));
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:1 10.0.0.1:3260,2; "
			    "iqn.2026-11.test:2 10.0.0.1:3260; "
			    "iqn.2026-11.test:3 10.0.0.1:3260; "
			    "iqn.2026-11.test:4 10.0.0.1:3260");
}

static void
answer_servers(struct world *w, const struct request *rq)
{
	struct answer a = urls(rq, "service:iscsi:sms://10.0.0.1",
			       "service:iscsi:sms://10.0.0.2:99");

	if (rq->function == 6)
		a = attributes(rq, strstr(rq->subject, "10.0.0.1") ?
			       "(protocols=isns),(server-priority=1)" :
			       "(transports=tcp,udp),(server-priority=0)");
	else
		add_url(&a, "service:iscsi:target://10.0.0.3/iqn.2026-11.t:1");
	w_answer(w, "192.0.2.1", 1 * MS, &a);
}

/* shows: 4018-5.3-01 2608-4.1-01 */
static void
test_servers(void **state)
{
	give_agent("192.0.2.1");
	world.script = answer_servers;
	w_start(&world, SLP_ISNS_SERVERS, NULL);
	w_run(&world, TIME_NEVER);
	assert_string_equal(world.sent[0].subject, "service:iscsi:sms");
	assert_string_equal(world.sent[0].what, "(protocols=isns)");
	assert_string_equal(w_found(&world), " 10.0.0.2:99;  10.0.0.1:3205");
}

/* shows: 4018-5.2-06 */
static void
test_other_searches(void **state)
{
	give_agent("192.0.2.1");
	w_start(&world, SLP_BOOT_TARGETS, ME);
	assert_string_equal(world.sent[0].what, "(boot-list=" ME ")");
	world.slp = slp_free(world.slp);
	w_start(&world, SLP_ALL_TARGETS, NULL);
	assert_string_equal(world.sent[1].what, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_given), T(test_dead), T(test_wait),
		T(test_other_answers), T(test_xids), T(test_errors),
		T(test_busy), T(test_convergence), T(test_crowd),
		T(test_named), T(test_named_other), T(test_nobody),
		T(test_lifetimes), T(test_rubbish), T(test_servers),
		T(test_other_searches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
