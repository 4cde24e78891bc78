/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the portals that a target tells of. The session, its pump and
 * the discovery are played by the test; its functions stand for theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conn/times.h"
#include "lun-session.h"

#define TARGET "iqn.2026-11.test:disk"

static struct world {
	struct lun_loop loop;
	struct portal at;		/* the session's */
	bool connected, outage;
	char added[100];		/* hosts of others */
	unsigned asked, asked_itself;
	lun_discover_fn *done;
} w;

lun_time
loop_now(struct lun_loop *loop)
{
	return loop->now;
}

bool
pump_is_at(const struct pump *p, const struct portal *portal)
{
	return w.connected && strcmp(portal->host, "192.0.2.1") == 0;
}

struct session *
recovery_session(struct recovery *r)
{
	return NULL;
}

void
recovery_add_portal(struct recovery *r, const struct portal *portal)
{
	if (!portal_equal(portal, &w.at))
		strcat(strcat(w.added, portal->host), " ");
}

const struct portal *
session_portal(const struct session *s)
{
	return &w.at;
}

bool
session_outage(const struct session *s, struct session_outage *out)
{
	return w.outage;
}

int
session_text(struct session *s, struct text_exchange *x, lun_time now)
{
	w.asked_itself++;
	return 0;
}

int
lun_discover(struct lun_discovery **out, struct lun_loop *loop,
	     const struct lun_url *url, const struct lun_options *options,
	     lun_discover_fn *done, void *user, struct lun_error *err)
{
	assert_string_equal(url->host, w.at.host);
	assert_string_equal(url->target, TARGET);
	w.asked++;
	w.done = done;
	*out = user;			/* anything but NULL */
	return 0;
}

struct lun_discovery *
lun_discovery_free(struct lun_discovery *d)
{
	return NULL;
}

/* ----------------------------------------------------------- the steps -- */

static void
pass(lun_time time)
{
	w.loop.now += time;
	timers_run(&w.loop.timers, w.loop.now);
}

/* It is up, at this host, and has asked. */
static struct lun_session *
new_session(const char *host)
{
	struct lun_session *s = calloc(1, sizeof(*s));

	w = (struct world){ .connected = true };
	w.at.port = LUN_PORT;
	snprintf(w.at.host, sizeof(w.at.host), "%s", host);
	timers_init(&w.loop.timers);
	s->loop = &w.loop;
	s->phase = READY;
	strcpy(s->setup.target, TARGET);
	assert_int_equal(portals_ask_init(s), 0);
	portals_ask_soon(s);
	pass(PORTALS_ASK_AFTER);
	assert_int_equal(w.asked, 1);
	return s;
}

static void
free_session(struct lun_session *s)
{
	portals_ask_deinit(s);
	timers_deinit(&w.loop.timers);
	free(s);
}

/* It has portals .1 and .2, or .3 and .4 only. */
static void
answer(struct lun_session *s, bool knows_us)
{
	static const struct lun_portal portals[] = {
		{ "192.0.2.1", LUN_PORT, 1, false },
		{ "192.0.2.2", LUN_PORT, 1, false },
		{ "192.0.2.3", LUN_PORT, 1, false },
		{ "192.0.2.4", LUN_PORT, 1, false },
	};
	struct lun_target t = { TARGET, 2, knows_us ? portals : portals + 2 };

	w.done(s, 0, NULL, &t, 1);
}

/* All connections are lost, and are recovered (level 2); or they are back. */
static void
set_outage(bool outage)
{
	w.outage = outage;
	w.connected = !outage;
}

/* ----------------------------------------------------------- the tests -- */

static void
test_the_others_are_taken(void **state)
{
	struct lun_session *s = new_session("192.0.2.1");

	answer(s, true);
	assert_string_equal(w.added, "192.0.2.2 ");
	pass(60 * TIME_S);
	assert_int_equal(w.asked, 1);
	free_session(s);
}

static void
test_addresses_that_are_translated_are_not(void **state)
{
	struct lun_session *s = new_session("192.0.2.1");

	answer(s, false);
	assert_string_equal(w.added, "");
	pass(60 * TIME_S);
	assert_int_equal(w.asked, 1);
	free_session(s);
}

/* They may be what it can be recovered by. */
static void
test_the_others_are_taken_in_an_outage(void **state)
{
	struct lun_session *s = new_session("192.0.2.1");

	set_outage(true);
	answer(s, true);
	assert_string_equal(w.added, "192.0.2.2 ");
	set_outage(false);
	pass(60 * TIME_S);
	assert_int_equal(w.asked, 1);
	free_session(s);
}

/* Which address that of a name was nobody knows when there is no connection. */
static void
test_it_is_asked_again_after_an_outage(void **state)
{
	struct lun_session *s = new_session("disk.example");

	set_outage(true);
	answer(s, true);
	assert_string_equal(w.added, "");
	set_outage(false);
	pass(PORTALS_ASK_AFTER);
	assert_int_equal(w.asked, 2);
	answer(s, true);
	assert_string_equal(w.added, "192.0.2.2 ");
	free_session(s);
}

static void
test_no_answer(void **state)
{
	for (int outage = 0; outage < 2; outage++) {
		struct lun_session *s = new_session("192.0.2.1");

		set_outage(outage);
		w.done(s, LUN_ELOST, "lost", NULL, 0);
		set_outage(false);
		pass(60 * TIME_S);
		assert_int_equal(w.asked, 1 + outage);
		assert_int_equal(w.asked_itself, 0);
		free_session(s);
	}
}

/* On its own connections, once: see lun-portals.c. Not while it has none. */
static void
test_the_session_itself_is_asked(void **state)
{
	struct lun_session *s = new_session("192.0.2.1");

	set_outage(true);
	w.done(s, LUN_EREFUSED, "refused", NULL, 0);
	assert_int_equal(w.asked_itself, 0);
	set_outage(false);
	for (int i = 0; i < 2; i++) {
		portals_ask_soon(s);
		pass(PORTALS_ASK_AFTER);
		assert_int_equal(w.asked, 2 + i);
		w.done(s, LUN_EREFUSED, "refused", NULL, 0);
		assert_int_equal(w.asked_itself, 1);
	}
	free_session(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_others_are_taken),
		cmocka_unit_test(test_addresses_that_are_translated_are_not),
		cmocka_unit_test(test_the_others_are_taken_in_an_outage),
		cmocka_unit_test(test_it_is_asked_again_after_an_outage),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_the_session_itself_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
