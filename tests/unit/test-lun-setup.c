/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sessions are made of: the same identity for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/sendtargets.h"
#include "lun-impl.h"

static void
draw(void *user, void *buf, size_t len)
{
	memset(buf, 7, len);
}

static const struct lun_env env = { .random = draw };

/* The name that goes into the Login Requests of this session. */
static void
name_of_session(const char *configured, const char *source, bool discovery,
		char out[NAME_MAX_LEN + 1])
{
	struct setup s = { .isid.lock_fd = -1 };
	struct lun_options *o;
	struct lun_error err;
	struct lun_url url;

	assert_int_equal(lun_options_new(&o, &err), 0);
	if (configured)
		assert_int_equal(lun_options_set(o, "initiator-name",
						 configured, &err), 0);
	assert_int_equal(lun_url_parse(&url, source, &err), 0);
	assert_int_equal(setup_init(&s, &url, o, discovery, &env, &err), 0);
	strcpy(out, s.config.login.initiator_name);
	setup_deinit(&s);
	lun_options_free(o);
}

/* One name, which the user may choose, goes into all sessions; and there is
 * always one.
 * shows: 7143-4.2.7.1-01 7143-10.1.2-01 7143-4.2.7.1-05 */
static void
test_one_name_for_all(void **state)
{
	static const struct {
		const char *source;
		bool discovery;
	} sessions[] = {
		{ "iscsi://192.0.2.1", true },
		{ "iscsi://192.0.2.1/iqn.2026-11.test:a", false },
		{ "iscsi://192.0.2.2:3261/iqn.2026-11.test:b/0", false },
		{ "iscsi://[2001:db8::1]/iqn.2026-11.test:b/1", false },
	};
	static const struct {
		const char *configured, *sent;
	} names[] = {
		{ "iqn.2026-11.test:me", "iqn.2026-11.test:me" },
		{ "IQN.2026-11.Test:Me", "iqn.2026-11.test:me" },
		{ "eui.02004567a425678d", "eui.02004567a425678d" },
		{ NULL, NULL },
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		char first[NAME_MAX_LEN + 1], name[NAME_MAX_LEN + 1];

		name_of_session(names[n].configured, sessions[0].source, true,
				first);
		assert_int_equal(strncmp(first, n == 2 ? "eui." : "iqn.", 4), 0);
		if (names[n].sent)
			assert_string_equal(first, names[n].sent);
		for (size_t i = 1; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
			name_of_session(names[n].configured, sessions[i].source,
					sessions[i].discovery, name);
			assert_string_equal(name, first);
		}
	}
}

/* The longest name, as discovery shows it and as the login asks for it; the
 * Login Request itself is test-rfc-login's.
 * shows: 7143-4.2.7.1-03 */
static void
test_the_longest_name(void **state)
{
	static const struct portal present = { .host = "h", .port = 1 };
	char name[NAME_MAX_LEN + 1] = "iqn.2026-11.test:";
	char answer[sizeof("TargetName=") + NAME_MAX_LEN];
	char url_text[sizeof("iscsi://h/") + NAME_MAX_LEN];
	struct setup s = { .isid.lock_fd = -1 };
	struct lun_options *o;
	struct lun_error err;
	struct lun_url url;
	struct targets *t;
	size_t n;

	assert_int_equal(NAME_MAX_LEN, 223);
	memset(name + strlen(name), 'x', NAME_MAX_LEN - strlen(name));
	snprintf(answer, sizeof(answer), "TargetName=%s", name);
	assert_int_equal(sendtargets_read(&t, answer, sizeof(answer), &present,
					  REWRITE_AUTO, &env, &err), 0);
	const struct lun_target *found = targets_list(t, &n);
	assert_int_equal(n, 1);
	assert_string_equal(found->name, name);

	snprintf(url_text, sizeof(url_text), "iscsi://h/%s", found->name);
	assert_int_equal(lun_url_parse(&url, url_text, &err), 0);
	assert_int_equal(lun_options_new(&o, &err), 0);
	assert_int_equal(setup_init(&s, &url, o, false, &env, &err), 0);
	assert_string_equal(s.config.login.target_name, name);
	setup_deinit(&s);
	lun_options_free(o);
	targets_free(t);
}

/* The alias is the host name, or what the user wants, or none.
 * shows: 3721-2.3-01 */
static void
test_alias(void **state)
{
	static const char *const set[] = { NULL, "Web Server 4", "", "\u00fc" };
	char host[256];

	assert_int_equal(gethostname(host, sizeof(host)), 0);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		struct setup s = { .isid.lock_fd = -1 };
		struct lun_options *o;
		struct lun_error err;
		struct lun_url url;

		assert_int_equal(lun_options_new(&o, &err), 0);
		if (set[i])
			assert_int_equal(lun_options_set(o, "initiator-alias",
							 set[i], &err), 0);
		assert_int_equal(lun_url_parse(&url, "iscsi://h", &err), 0);
		assert_int_equal(setup_init(&s, &url, o, true, &env, &err), 0);
		if (set[i] && !*set[i])
			assert_null(s.config.login.initiator_alias);
		else
			assert_string_equal(s.config.login.initiator_alias,
					    set[i] ? set[i] : host);
		setup_deinit(&s);
		lun_options_free(o);
	}
}

/* What lunfs name shows is what a session says. */
static void
test_own_name(void **state)
{
	char said[NAME_MAX_LEN + 1], shown[NAME_MAX_LEN + 1];
	struct lun_options *o;
	struct lun_error err;

	assert_int_equal(lun_options_new(&o, &err), 0);
	assert_int_equal(lun_initiator_name(o, shown, &err), 0);
	name_of_session(NULL, "iscsi://h", true, said);
	assert_string_equal(shown, said);
	assert_int_equal(lun_options_set(o, "initiator-name",
					 "IQN.2026-11.test:Me", &err), 0);
	assert_int_equal(lun_initiator_name(o, shown, &err), 0);
	assert_string_equal(shown, "iqn.2026-11.test:me");
	lun_options_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_name_for_all),
		cmocka_unit_test(test_the_longest_name),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_own_name),
	};

	/* no name is kept: test-io-kept-name.c */
	setenv("XDG_CONFIG_HOME", "/dev/null", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
