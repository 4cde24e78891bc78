/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See kept-name.h. The file appears whole or not at all: it is written under
 * another name and linked. Nothing is made in what belongs to somebody else
 * (sudo with the user's HOME): its owner could not use it.
 */
#include "io/kept-name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define DIRECTORY	"lunfs"
#define FILE_NAME	"initiator-name"
#define COMMENT		"# The name of this iSCSI initiator, for lunfs. Targets "  \
			"know it:\n# change it only together with them.\n"

enum {
	FILE_MAX	= 4096,
	PASSWD_MAX	= 4096,
	ABSENT		= 1,
	OTHERS		= 1,		/* somebody else was faster */
};

/* --------------------------------------------------------- the place -- */

struct place {
	char home[PATH_MAX];		/* ~/.config */
	char dir[PATH_MAX];		/* ~/.config/lunfs */
	char file[PATH_MAX];
};

/* XDG Base Directory Specification: a relative path is to be ignored */
static const char *
absolute_env(const char *name)
{
	const char *value = secure_getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

static bool
fits(int printed)
{
	return printed >= 0 && printed < PATH_MAX;
}

/* For those that nobody has logged in: services, mount units. */
static bool
find_passwd_home(char home[PATH_MAX])
{
	struct passwd pw, *found = NULL;
	char buf[PASSWD_MAX];

	if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) != 0 ||
	    !found || found->pw_dir[0] != '/')
		return false;
	return fits(snprintf(home, PATH_MAX, "%s/.config", found->pw_dir));
}

static bool
find_place(struct place *p)
{
	const char *config = absolute_env("XDG_CONFIG_HOME");
	const char *home = absolute_env("HOME");
	bool found;

	if (config)
		found = fits(snprintf(p->home, PATH_MAX, "%s", config));
	else if (home)
		found = fits(snprintf(p->home, PATH_MAX, "%s/.config", home));
	else
		found = find_passwd_home(p->home);
	return found &&
	       fits(snprintf(p->dir, PATH_MAX, "%s/" DIRECTORY, p->home)) &&
	       fits(snprintf(p->file, PATH_MAX, "%s/" FILE_NAME, p->dir));
}

/* Is the folder that holds, or is to hold, this path ours? Sets errno. */
static bool
parent_is_ours(const char *path)
{
	char parent[PATH_MAX];
	struct stat st;
	const char *slash = strrchr(path, '/');

	snprintf(parent, sizeof(parent), "%.*s/", (int)(slash - path), path);
	if (stat(parent, &st) < 0)
		return false;
	errno = EPERM;
	return st.st_uid == geteuid();
}

static bool
make_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return true;
	return errno == ENOENT && parent_is_ours(path) &&
	       (mkdir(path, 0700) == 0 || errno == EEXIST);
}

/* ----------------------------------------------------------- reading -- */

/* The one line that is a name. */
static int
parse(char out[NAME_MAX_LEN + 1], const char *path, char *text,
      struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1] = "";
	unsigned number = 1;

	for (char *line; (line = strsep(&text, "\n")); number++) {
		struct lun_error why = { 0 };

		line += strspn(line, " \t");
		size_t len = strlen(line);
		while (len > 0 && strchr(" \t\r", line[len - 1]))
			line[--len] = '\0';
		if (len == 0 || line[0] == '#')
			continue;
		if (name[0])
			return lun_fail(err, LUN_ESYS, "%s: line %u: a second "
					"name", path, number);
		if (iscsi_name_prepare_stored(line, name, &why) < 0)
			return lun_fail(err, LUN_ESYS, "%s: line %u: %s", path,
					number, why.text);
	}
	if (!name[0])
		return lun_fail(err, LUN_ESYS, "%s: it holds no name: write "
				"one into it, or remove it", path);
	strcpy(out, name);
	return 0;
}

static int
read_text(char text[FILE_MAX], const char *path, int fd, struct lun_error *err)
{
	size_t have = 0;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		return lun_fail(err, LUN_ESYS, "%s: is no file", path);
	while ((n = read(fd, text + have, FILE_MAX - have)) > 0)
		have += (size_t)n;
	if (n < 0)
		return lun_fail(err, LUN_ESYS, "%s: %s", path, strerror(errno));
	if (have == FILE_MAX)
		return lun_fail(err, LUN_ESYS, "%s: longer than %d bytes", path,
				FILE_MAX - 1);
	text[have] = '\0';
	if (strlen(text) != have)
		return lun_fail(err, LUN_ESYS, "%s: holds a NUL byte", path);
	return 0;
}

/* Out of reach (the HOME of who called us) is not there, for us. */
static bool
is_absent(const char *path, int why)
{
	struct stat st;

	return why == ENOENT || why == ENOTDIR ||
	       (why == EACCES && lstat(path, &st) < 0);
}

/* 0, ABSENT, or LUN_ESYS. */
static int
read_name(char out[NAME_MAX_LEN + 1], const char *path, struct lun_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[FILE_MAX];

	if (fd < 0) {
		int why = errno;

		if (is_absent(path, why))
			return ABSENT;
		return lun_fail(err, LUN_ESYS, "%s: %s", path, strerror(why));
	}

	int r = read_text(text, path, fd, err);

	close(fd);
	return r < 0 ? r : parse(out, path, text, err);
}

/* ----------------------------------------------------------- writing -- */

static bool
write_whole(int fd, const char *name)
{
	char text[sizeof(COMMENT) + NAME_MAX_LEN + 1];
	int len = snprintf(text, sizeof(text), COMMENT "%s\n", name);

	return write(fd, text, (size_t)len) == len && fchmod(fd, 0644) == 0 &&
	       fsync(fd) == 0;
}

/* 0, OTHERS, or negative with errno. */
static int
write_name(const struct place *p, const char *name)
{
	char temporary[PATH_MAX];
	int fd, r;

	if (!make_dir(p->home) || !make_dir(p->dir) || !parent_is_ours(p->file))
		return -1;
	if (!fits(snprintf(temporary, PATH_MAX, "%s.XXXXXX", p->file))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = write_whole(fd, name) ? link(temporary, p->file) : -1;

	int why = errno;

	unlink(temporary);
	close(fd);
	errno = why;
	return r < 0 && why == EEXIST ? OTHERS : r;
}

/* -------------------------------------------------------------- call -- */

static int
not_kept(const struct lun_env *env, const char *path, const char *why)
{
	env_log(env, LUN_LOG_DEBUG, "initiator name: %s: not kept there: %s",
		path, why);
	return NAME_NOT_KEPT;
}

bool
config_path(char *out, size_t size, const char *file)
{
	struct place p;
	int n = find_place(&p) ? snprintf(out, size, "%s/%s", p.dir, file) : -1;

	return n >= 0 && (size_t)n < size;
}

int
kept_name(char out[NAME_MAX_LEN + 1], const char *made,
	  const struct lun_env *env, struct lun_error *err)
{
	struct place p;

	if (!find_place(&p))
		return not_kept(env, "HOME", "there is none");

	int r = read_name(out, p.file, err);

	if (r != ABSENT)
		return r;
	r = write_name(&p, made);
	if (r < 0)
		return not_kept(env, p.file, strerror(errno));
	r = read_name(out, p.file, err);
	return r == ABSENT ? not_kept(env, p.file, "it was removed") : r;
}
