/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who we are: a stable name, and ISIDs that no two sessions share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/identity.h"

static void
count_up(void *user, void *buf, size_t len)
{
	static uint8_t next;

	memset(buf, ++next, len);
}

static const struct lun_env env = { .random = count_up };

/* The locks are those of all processes of the user: a name that only this one
 * has. */
static char me[64];

static int
name_me(void **state)
{
	/* nothing is kept: test-io-kept-name.c */
	setenv("XDG_CONFIG_HOME", "/dev/null", 1);
	snprintf(me, sizeof(me), "iqn.test-%d", (int)getpid());
	return 0;
}

static void
test_name(void **state)
{
	char a[NAME_MAX_LEN + 1], b[NAME_MAX_LEN + 1];
	struct lun_error err;

	assert_int_equal(identity_name(a, &env, &err), 0);
	assert_int_equal(identity_name(b, &env, &err), 0);
	assert_string_equal(a, b);
	assert_int_equal(iscsi_name_check(a, strlen(a), &err), 0);
	assert_int_equal(strncmp(a, "iqn.2026-11.io.github.lunfs:", 28), 0);
}

/* Two users of a machine are two nodes; only root can be both.
 * shows: 3721-1.1-03 */
static void
test_another_user(void **state)
{
	char (*names)[NAME_MAX_LEN + 1] = mmap(
		NULL, 2 * sizeof(*names), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct lun_error err;
	int status;

	assert_ptr_not_equal(names, MAP_FAILED);
	assert_int_equal(identity_name(names[0], &env, &err), 0);
	if (fork() == 0) {
		if ((geteuid() == 0 && setuid(65534) < 0) ||
		    identity_name(names[1], &env, &err) != 0)
			_exit(1);
		_exit(0);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(strcmp(names[0], names[1]) == 0, geteuid() != 0);
	munmap(names, 2 * sizeof(*names));
}

static void
test_alias(void **state)
{
	char alias[ALIAS_MAX + 1], host[ALIAS_MAX + 1];

	identity_alias(alias);
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_string_equal(alias, host);
}

static struct isid_lease
take_isid(const char *initiator, const char *target, const uint32_t *bc)
{
	struct isid_lease l;

	isid_take(&l, initiator, target, bc, &env);
	assert_true(l.lock_fd >= 0);
	assert_int_equal(l.isid[0], 0x80);	/* T is 10b, A is reserved */
	return l;
}

/* Two at the same time differ; one after another are the same; a target has
 * nothing to do with another, nor has one initiator name with another.
 * shows: 7143-4.4.3-01 7143-4.4.3-02 7143-11.12.5-01 7143-10.1.1-01 */
static void
test_isids(void **state)
{
	char other[sizeof(me) + 1];

	snprintf(other, sizeof(other), "%s-", me);
	struct isid_lease a = take_isid(me, "iqn.t", NULL);
	struct isid_lease b = take_isid(me, "iqn.t", NULL);
	struct isid_lease c = take_isid(me, "iqn.other", NULL);
	struct isid_lease d = take_isid(other, "iqn.t", NULL);
	struct isid_lease first = a;

	assert_memory_not_equal(a.isid, b.isid, ISID_LEN);
	assert_memory_equal(a.isid, b.isid, 4);
	assert_memory_equal(a.isid, c.isid, ISID_LEN);
	assert_memory_equal(a.isid, d.isid, ISID_LEN);
	isid_release(&a);
	a = take_isid(me, "iqn.t", NULL);
	assert_memory_equal(a.isid, first.isid, ISID_LEN);
	isid_release(&a);
	isid_release(&b);
	isid_release(&c);
	isid_release(&d);
	isid_release(&d);
}

static void
test_chosen(void **state)
{
	uint32_t bc = 0x123456;
	struct isid_lease a = take_isid(me, "iqn.t", &bc);
	struct isid_lease b = take_isid(me, "iqn.t", &bc);

	assert_memory_equal(a.isid, "\x80\x12\x34\x56\x00\x00", ISID_LEN);
	assert_memory_equal(b.isid, "\x80\x12\x34\x56\x00\x01", ISID_LEN);
	isid_release(&a);
	isid_release(&b);
}

/* Where nothing can be locked, the number is random. */
static void
test_no_locks(void **state)
{
	struct isid_lease a, b;
	uint32_t bc = 1;

	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	isid_take(&a, me, "iqn.t", &bc, &env);
	isid_take(&b, me, "iqn.t", &bc, &env);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(a.lock_fd, -1);
	assert_memory_equal(a.isid, "\x80\x00\x00\x01", 4);
	assert_memory_not_equal(a.isid, b.isid, ISID_LEN);
	isid_release(&a);
}

/* One of them from a login, the other one from cron: it is one file. */
static void
test_two_environments_took_one_isid(void **state)
{
	unsetenv("XDG_RUNTIME_DIR");
	struct isid_lease a = take_isid(me, "iqn.t", NULL);
	setenv("XDG_RUNTIME_DIR", "/var/tmp", 1);
	struct isid_lease b = take_isid(me, "iqn.t", NULL);

	assert_memory_equal(a.isid, b.isid, 4);
	assert_memory_not_equal(a.isid, b.isid, ISID_LEN);
	isid_release(&a);
	isid_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_another_user),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_isids),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_no_locks),
		cmocka_unit_test(test_two_environments_took_one_isid),
	};

	return cmocka_run_group_tests(tests, name_me, NULL);
}
