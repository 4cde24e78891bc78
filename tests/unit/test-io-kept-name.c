/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initiator name in the configuration directory: made once, by one of
 * those who want it; taken as it is later; wrong files are said to be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/kept-name.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define MADE	"iqn.2026-11.test:made"
#define OTHER	"iqn.2026-11.test:other"

static char root[] = "/tmp/kept-name-XXXXXX";
static char path[PATH_MAX];
static char logged[1000];
static uid_t nobody = 65534;

static void
log_line(void *user, enum lun_log_level level, const char *line)
{
	assert_int_equal(level, LUN_LOG_DEBUG);
	snprintf(logged, sizeof(logged), "%s", line);
}

static const struct lun_env env = { .log = log_line,
				    .log_level = LUN_LOG_DEBUG };

static int
remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	return strcmp(name, root) == 0 ? 0 : remove(name);
}

/* An empty folder for each test; what the environment says, to be set. */
static int
fresh(void **state)
{
	chmod(root, 0700);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", root, 1);
	logged[0] = '\0';
	snprintf(path, sizeof(path), "%s/.config/lunfs/initiator-name", root);
	return 0;
}

static void
write_file(const char *text, size_t len)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/.config", root);
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "%s/.config/lunfs", root);
	mkdir(dir, 0700);

	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void
assert_name(const char *want)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	if (kept_name(name, MADE, &env, &err) != 0)
		fail_msg("%s%s", err.text, logged);
	assert_string_equal(name, want);
}

static void
assert_not_kept(const char *why)
{
	char name[NAME_MAX_LEN + 1] = "untouched";
	struct lun_error err = { 0 };

	assert_int_equal(kept_name(name, MADE, &env, &err), NAME_NOT_KEPT);
	assert_string_equal(name, "untouched");
	if (!strstr(logged, why))
		fail_msg("%s: not: %s", logged, why);
}

/* Only the file itself, and nothing temporary. */
static void
assert_one_file(void)
{
	char dir[PATH_MAX];
	size_t n = 0;

	snprintf(dir, sizeof(dir), "%s/.config/lunfs", root);

	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);
}

/* shows: 3721-1.1-03 7143-4.2.7.1-06 3721-1-01 */
static void
test_made_once(void **state)
{
	struct stat st;
	char name[NAME_MAX_LEN + 1];
	struct lun_error err;

	assert_name(MADE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_one_file();
	/* whatever would be made later, it stays */
	assert_int_equal(kept_name(name, OTHER, &env, &err), 0);
	assert_string_equal(name, MADE);
	assert_string_equal(logged, "");
}

static void
test_places(void **state)
{
	char dir[PATH_MAX], file[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/xdg", root);
	snprintf(file, sizeof(file), "%s/xdg/lunfs/initiator-name", root);
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_name(MADE);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(stat(path, &st), -1);
	/* the folders are ours alone */
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* a relative one is ignored, as the specification wants */
	setenv("XDG_CONFIG_HOME", "xdg2", 1);
	assert_name(MADE);
	assert_int_equal(stat(path, &st), 0);
}

static void
test_set_by_the_user(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ OTHER "\n", OTHER },
		{ OTHER, OTHER },
		{ "# mine\n\n  IQN.2026-11.Test:Other \t\r\n\n#\n", OTHER },
		{ "eui.02004567A425678D\n", "eui.02004567a425678d" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		write_file(cases[i].text, strlen(cases[i].text));
		assert_name(cases[i].name);
	}
}

static void
test_wrong_files(void **state)
{
	static char long_text[5000];
	static const struct {
		const char *text;
		size_t len;
		const char *why;
	} cases[] = {
		{ "", 0, "holds no name" },
		{ "# nothing\n \n", 12, "holds no name" },
		{ "\nme\n", 4, "line 2: \"me\": a name begins with" },
		{ OTHER "\n" OTHER "\n", 46, "line 2: a second name" },
		{ "iqn.2026-11.test:a\0b\n", 21, "NUL" },
		{ "iqn.2026-11.test:\xc8\xa1\n", 20, "A.1" },
		{ "iqn.2026-11.test:\x1b[2J\n", 22, "U+001B" },
		{ long_text, sizeof(long_text), "longer than 4095 bytes" },
	};

	memset(long_text, '\n', sizeof(long_text));
	for (size_t i = 0; i < COUNT(cases); i++) {
		char name[NAME_MAX_LEN + 1] = "untouched";
		struct lun_error err = { 0 };

		write_file(cases[i].text, cases[i].len);
		assert_int_equal(kept_name(name, MADE, &env, &err), LUN_ESYS);
		assert_string_equal(name, "untouched");
		if (!strstr(err.text, cases[i].why) ||
		    strncmp(err.text, path, strlen(path)) != 0)
			fail_msg("%s: not: %s", err.text, cases[i].why);
	}
}

static void
test_no_file(void **state)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	write_file("", 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(kept_name(name, MADE, &env, &err), LUN_ESYS);
	assert_non_null(strstr(err.text, "is no file"));
	assert_int_equal(rmdir(path), 0);
	/* a pipe does not keep us */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(kept_name(name, MADE, &env, &err), LUN_ESYS);
	assert_non_null(strstr(err.text, "is no file"));
	unlink(path);
	/* a dangling link is one that nobody has made */
	assert_int_equal(symlink("absent", path), 0);
	assert_not_kept("");
}

static void
test_nowhere(void **state)
{
	char home[PATH_MAX];

	snprintf(home, sizeof(home), "%s/absent", root);
	setenv("HOME", home, 1);
	assert_not_kept("absent/.config/lunfs/initiator-name: not kept there: "
			"No such file");
	setenv("HOME", "/dev/null", 1);
	assert_not_kept("Not a directory");
	setenv("HOME", "/proc", 1);
	assert_not_kept("not kept");

	static char longest[2 * PATH_MAX];

	memset(longest, '/', sizeof(longest) - 1);
	setenv("HOME", longest, 1);
	assert_not_kept("there is none");
}

/* As somebody who has no right to these; only root can become one. */
static int
as_nobody(void (*check)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 &&
		    (setgid(nobody) < 0 || setuid(nobody) < 0))
			_exit(2);
		check();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status;
}

static void
check_unreadable(void)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	if (kept_name(name, MADE, &env, &err) != LUN_ESYS ||
	    !strstr(err.text, "initiator-name: Permission denied"))
		_exit(1);
}

static void
check_out_of_reach(void)
{
	char name[NAME_MAX_LEN + 1];
	struct lun_error err = { 0 };

	if (kept_name(name, MADE, &env, &err) != NAME_NOT_KEPT)
		_exit(1);
}

/* A file that is there but closed to us is an error; the HOME of somebody
 * else, in which we cannot even look, is as good as none. */
static void
test_no_right(void **state)
{
	char dir[PATH_MAX];

	write_file(OTHER, strlen(OTHER));
	chmod(path, 0);
	chmod(root, 0755);
	for (int i = 0; i < 2; i++) {
		snprintf(dir, sizeof(dir), "%s/.config%s", root,
			 i ? "" : "/lunfs");
		chmod(dir, 0755);
	}
	assert_int_equal(as_nobody(check_unreadable), 0);
	chmod(root, 0);
	assert_int_equal(as_nobody(check_out_of_reach), 0);
	chmod(root, 0700);
}

/* Nothing of ours is made in a folder that belongs to somebody else. */
static void
test_home_of_somebody_else(void **state)
{
	struct stat st;

	if (geteuid() != 0) {	/* then it is the /tmp of root */
		setenv("HOME", "/tmp/..", 1);
		assert_not_kept("not kept");
		return;
	}
	assert_int_equal(chown(root, nobody, nobody), 0);
	assert_not_kept("Operation not permitted");
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(chown(root, 0, 0), 0);
}

enum { PROCESSES = 16 };

static void
want_own(int i, int start, char *out)
{
	char made[64], byte;
	struct lun_error err;

	snprintf(made, sizeof(made), "iqn.2026-11.test:made-%d", i);
	if (read(start, &byte, 1) != 0 ||
	    kept_name(out, made, &env, &err) != 0)
		_exit(1);
	_exit(0);
}

/* All at once, each with another name in mind: it is one of them, for all. */
static void
test_race(void **state)
{
	char (*names)[NAME_MAX_LEN + 1] = mmap(
		NULL, PROCESSES * sizeof(*names), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int start[2], status;

	assert_ptr_not_equal(names, MAP_FAILED);
	for (int round = 0; round < 10; round++) {
		fresh(NULL);
		assert_int_equal(pipe(start), 0);
		for (int i = 0; i < PROCESSES; i++)
			if (fork() == 0) {
				close(start[1]);
				want_own(i, start[0], names[i]);
			}
		close(start[1]);
		for (int i = 0; i < PROCESSES; i++) {
			wait(&status);
			assert_int_equal(status, 0);
		}
		close(start[0]);
		for (int i = 1; i < PROCESSES; i++)
			assert_string_equal(names[i], names[0]);
		assert_one_file();
		assert_name(names[0]);
	}
	munmap(names, PROCESSES * sizeof(*names));
}

static int
setup(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int
teardown(void **state)
{
	fresh(NULL);
	return rmdir(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_made_once, fresh),
		cmocka_unit_test_setup(test_places, fresh),
		cmocka_unit_test_setup(test_set_by_the_user, fresh),
		cmocka_unit_test_setup(test_wrong_files, fresh),
		cmocka_unit_test_setup(test_no_file, fresh),
		cmocka_unit_test_setup(test_nowhere, fresh),
		cmocka_unit_test_setup(test_no_right, fresh),
		cmocka_unit_test_setup(test_home_of_somebody_else, fresh),
		cmocka_unit_test_setup(test_race, fresh),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
