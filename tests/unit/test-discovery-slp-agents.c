/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user agent of SLP: which agents it asks, in which order, for which
 * scopes. Times are those of RFC 2608 13. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "slp-script.h"

/* ----------------------------------------------------- directory agents -- */

struct da {
	const char *from, *url, *scopes;
	unsigned boot;
	bool dead;			/* answers nothing but the search */
};

static void
directory_agents(struct world *w, const struct request *rq)
{
	for (const struct da *da = w->user; da->from; da++) {
		char at[64];
		struct answer a;

		snprintf(at, sizeof(at), "%s:427", da->from);
		if (for_agents(rq) && !is_listed(rq, da->from)) {
			a = da_advert(rq, da->url, da->scopes, da->boot);
		} else if (strcmp(rq->to, at) == 0 && !da->dead) {
			a = rq->function == 6 ? attributes(rq, "") :
				urls(rq, URL("10.0.0.1", "one"), NULL);
		} else {
			continue;
		}
		w_answer(w, da->from, 3 * MS, &a);
	}
}

static void
run_agents(struct da *agents)
{
	world.script = directory_agents;
	world.user = agents;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
}

#define DA(host) "service:directory-agent://" host

/* shows: 2608-6-01 2608-11.1-01 */
static void
test_found_agent(void **state)
{
	run_agents((struct da[]){
		{ "192.0.2.7", DA("192.0.2.7"), "x,default", 1 }, { 0 } });
	assert_string_equal(asked(), "0 * directory-agent DEFAULT; "
			    "3 192.0.2.7:427 target DEFAULT; "
			    "6 192.0.2.7:427 attributes DEFAULT");
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 10.0.0.1:3260");
}

/* shows: 2608-8.5-01 */
static void
test_unusable_agents(void **state)
{
	run_agents((struct da[]){
		{ "192.0.2.7", DA("192.0.2.7"), "LAB", 1 },
		{ "192.0.2.8", DA("192.0.2.8"), "DEFAULT", 0 }, { 0 } });
	for (size_t i = 0; i < world.n; i++)
		assert_true(to_all(&world.sent[i]));
	assert_int_equal(world.code, LUN_ENOTFOUND);
}

/* shows: 2608-12.3-01 */
static void
test_dead_agents(void **state)
{
	run_agents((struct da[]){
		{ "192.0.2.7", DA("192.0.2.7"), "DEFAULT", 1, true },
		{ "192.0.2.8", DA("192.0.2.8"), "DEFAULT", 1 }, { 0 } });
	assert_string_equal(asked(), "0 * directory-agent DEFAULT; "
			    "3 192.0.2.7:427 target DEFAULT; "
			    "2003 192.0.2.7:427 target DEFAULT; "
			    "6003 192.0.2.7:427 target DEFAULT; "
			    "14003 192.0.2.7:427 target DEFAULT; "
			    "15003 192.0.2.8:427 target DEFAULT; "
			    "15006 192.0.2.8:427 attributes DEFAULT");
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 10.0.0.1:3260");
}

/* Given ones first, in their order; then those that can be found; and at last
 * everybody. shows: 2608-6-01 2608-12.3-01 */
static void
test_order(void **state)
{
	struct da agents[] = {
		{ "192.0.2.7", DA("192.0.2.7"), "DEFAULT", 1, true }, { 0 } };

	give_agent("192.0.2.1");
	give_agent("192.0.2.2");
	run_agents(agents);
	assert_string_equal(asked(), "0 192.0.2.1:427 target DEFAULT; "
			    "2000 192.0.2.1:427 target DEFAULT; "
			    "6000 192.0.2.1:427 target DEFAULT; "
			    "14000 192.0.2.1:427 target DEFAULT; "
			    "15000 192.0.2.2:427 target DEFAULT; "
			    "17000 192.0.2.2:427 target DEFAULT; "
			    "21000 192.0.2.2:427 target DEFAULT; "
			    "29000 192.0.2.2:427 target DEFAULT; "
			    "30000 * directory-agent DEFAULT; "
			    "30003 192.0.2.7:427 target DEFAULT; "
			    "32003 192.0.2.7:427 target DEFAULT; "
			    "36003 192.0.2.7:427 target DEFAULT; "
			    "44003 192.0.2.7:427 target DEFAULT; "
			    "45003 * target DEFAULT; "
			    "47003 * target DEFAULT; "
			    "51003 * target DEFAULT; "
			    "59003 * target DEFAULT");
	assert_int_equal(world.code, LUN_ETIMEDOUT);
}

static void
test_only_given_agents(void **state)
{
	give_agent("192.0.2.1");
	world.config.multicast = false;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.n, 4);
	for (size_t i = 0; i < world.n; i++)
		assert_string_equal(world.sent[i].to, "192.0.2.1:427");
}

/* A name, another address, a port: where the agent is. */
static void
test_agent_addresses(void **state)
{
	run_agents((struct da[]){
		{ "192.0.2.7", DA("da.example"), "DEFAULT", 1 }, { 0 } });
	assert_string_equal(world.sent[1].to, "192.0.2.7:427");
	w_deinit(&world);
	w_init(&world);
	run_agents((struct da[]){
		{ "192.0.2.7", DA("[2001:db8::7]"), "DEFAULT", 1 }, { 0 } });
	assert_string_equal(world.sent[1].to, "[2001:db8::7]:427");
	w_deinit(&world);
	w_init(&world);
	run_agents((struct da[]){
		{ "fe80::7%eth0", "nonsense", "DEFAULT", 1 }, { 0 } });
	assert_string_equal(world.sent[1].to, "[fe80::7%eth0]:427");
}

/* --------------------------------------------------------------- scopes -- */

/* Each scope is asked where it is served; what nobody serves, everywhere.
 * shows: 2608-6-02 2608-8.1-03 */
static void
test_scopes(void **state)
{
	struct da agents[] = {
		{ "192.0.2.7", DA("192.0.2.7"), "Lab,a\\2cb", 1 },
		{ "192.0.2.8", DA("192.0.2.8"), "LAB,OFFICE", 1 },
		{ 0 } };

	assert_int_equal(slp_config_scopes(&world.config,
					   "lab,a\\2cb,office,nowhere", NULL),
			 0);
	run_agents(agents);
	assert_string_equal(world.sent[0].scopes, "lab,a\\2cb,office,nowhere");
	/* not all are served: the search goes on until nobody is new */
	assert_int_equal(world.sent[1].at, 2 * TIME_S);
	assert_string_equal(world.sent[1].responders, "192.0.2.7,192.0.2.8");
	assert_string_equal(world.sent[2].to, "192.0.2.7:427");
	assert_string_equal(world.sent[2].scopes, "lab,a\\2cb");
	assert_string_equal(world.sent[3].to, "192.0.2.8:427");
	assert_string_equal(world.sent[3].scopes, "office");
	assert_true(to_all(&world.sent[4]));
	assert_string_equal(world.sent[4].subject, SLP_TYPE_TARGET);
	assert_string_equal(world.sent[4].scopes, "nowhere");
	assert_int_equal(world.code, 0);
}

/* shows: 2608-11.2-01 */
static void
test_scopes_of_agents(void **state)
{
	struct da agents[] = {
		{ "192.0.2.7", DA("192.0.2.7"), "LAB", 1 }, { 0 } };

	assert_int_equal(slp_config_scopes(&world.config, "*", NULL), 0);
	run_agents(agents);
	assert_string_equal(asked(), "0 * directory-agent ; "
			    "2000 * directory-agent ; "
			    "6000 192.0.2.7:427 target LAB; "
			    "6003 192.0.2.7:427 attributes LAB");
}

static void
service_agent_of_lab(struct world *w, const struct request *rq)
{
	struct answer a = urls(rq, URL("10.0.0.1", "one"), NULL);

	if (for_agents(rq))
		return;
	if (strcmp(rq->subject, SLP_TYPE_SA) == 0) {
		a_begin(&a, 11, 0, rq->xid);
		a_text(&a, "service:service-agent://192.0.2.3");
		a_text(&a, "LAB,x\\2cy");
		a_text(&a, "");
		a8(&a, 0);
		a_end(&a);
	} else if (rq->function == 6) {
		a = attributes(rq, "");
	}
	w_answer(w, "192.0.2.3", 3 * MS, &a);
}

/* shows: 2608-11.2-01 2608-8-02 */
static void
test_scopes_of_service_agents(void **state)
{
	assert_int_equal(slp_config_scopes(&world.config, "*", NULL), 0);
	world.script = service_agent_of_lab;
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_string_equal(world.sent[4].subject, SLP_TYPE_SA);
	assert_string_equal(world.sent[4].scopes, "");
	assert_string_equal(world.sent[6].subject, SLP_TYPE_TARGET);
	assert_string_equal(world.sent[6].scopes, "LAB,x\\2cy");
	assert_string_equal(w_found(&world),
			    "iqn.2026-11.test:one 10.0.0.1:3260");
}

static void
test_no_scopes(void **state)
{
	assert_int_equal(slp_config_scopes(&world.config, "*", NULL), 0);
	w_start(&world, SLP_OPEN_TARGETS, ME);
	w_run(&world, TIME_NEVER);
	assert_int_equal(world.code, LUN_ENOTFOUND);
	assert_string_equal(world.err.text,
			    "SLP: no agent has told its scopes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_found_agent), T(test_unusable_agents),
		T(test_dead_agents), T(test_order), T(test_only_given_agents),
		T(test_agent_addresses), T(test_scopes),
		T(test_scopes_of_agents), T(test_scopes_of_service_agents),
		T(test_no_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
