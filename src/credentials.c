/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User names, secrets, and a proxy that may have such, from a file or the environment. */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

enum { FILE_MAX = 4096, WAIT_MS = 5000 };

static const struct {
	const char *env;
	const char *key;	/* in a file */
	const char *option;	/* of liblun */
} names[] = {
	{ "LUNFS_USERNAME",	"username",	"username" },
	{ "LUNFS_PASSWORD",	"password",	"password" },
	{ "LUNFS_USERNAME_IN",	"username_in",	"username-in" },
	{ "LUNFS_PASSWORD_IN",	"password_in",	"password-in" },
	{ "LUNFS_PROXY",	"proxy",	"proxy" },
};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

int
credentials_environment(struct lun_options *o, struct lun_error *err)
{
	int result = 0;

	for (size_t i = 0; i < N_NAMES; i++) {
		char *value = getenv(names[i].env);

		if (!value)
			continue;
		if (result == 0)
			result = lun_options_set(o, names[i].option, value,
						 err);
		explicit_bzero(value, strlen(value));
		unsetenv(names[i].env);
	}
	return result;
}

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* The text never quotes the line: it may be a secret. */
static int
take_line(struct lun_options *o, const char *path, unsigned number, char *line,
	  struct lun_error *err)
{
	char *value = strchr(line, '=');

	if (line[0] == '\0' || line[0] == '#')
		return 0;
	if (has_control(line))
		return fail(err, LUN_ESYS, "%s: line %u: holds a control "
			    "character (lines end in LF, not CR LF)", path,
			    number);
	if (value)
		*value++ = '\0';
	for (size_t i = 0; value && i < N_NAMES; i++) {
		struct lun_error why = { 0 };

		if (strcmp(line, names[i].key) != 0)
			continue;
		if (lun_options_set(o, names[i].option, value, &why) < 0)
			return fail(err, LUN_ESYS, "%s: line %u: %s", path,
				    number, why.text);
		return 0;
	}
	return fail(err, LUN_ESYS,
		    "%s: line %u: not one of username=, password=, "
		    "username_in=, password_in=, proxy=", path, number);
}

static int
take_lines(struct lun_options *o, const char *path, char *text,
	   struct lun_error *err)
{
	unsigned number = 1;
	int r = 0;

	for (char *line = text; line && r == 0; number++) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		r = take_line(o, path, number, line, err);
		line = next;
	}
	return r;
}

/* A pipe whose writer is late, or never comes, keeps us only so long. */
static ssize_t
read_soon(int fd, char *to, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = poll(&p, 1, WAIT_MS);

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? read(fd, to, size) : -1;
}

/* All of fd into text, as a string. */
static int
read_text(int fd, const char *path, char text[FILE_MAX], struct lun_error *err)
{
	size_t have = 0;
	ssize_t n;

	do {
		n = read_soon(fd, text + have, FILE_MAX - have);
		if (n < 0)
			return fail(err, LUN_ESYS, "%s: %s", path,
				    strerror(errno));
		have += (size_t)n;
	} while (n > 0 && have < FILE_MAX);
	if (have == FILE_MAX)
		return fail(err, LUN_ESYS, "%s: longer than %d bytes", path,
			    FILE_MAX - 1);
	text[have] = '\0';
	if (strlen(text) != have)
		return fail(err, LUN_ESYS, "%s: holds a NUL byte", path);
	return 0;
}

/* The text of a file that nobody else can get at. */
static int
read_secret(const char *path, char text[FILE_MAX], struct lun_error *err)
{
	struct stat st;
	int r = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		r = fail(err, LUN_ESYS, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		r = fail(err, LUN_ESYS, "%s: is neither a file nor a pipe",
			 path);
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		r = fail(err, LUN_ESYS, "%s: belongs to somebody else (uid %u)",
			 path, (unsigned)st.st_uid);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		r = fail(err, LUN_ESYS,
			 "%s: others can get at it (mode %04o): make it 0600",
			 path, (unsigned)st.st_mode & 07777);
	else
		r = read_text(fd, path, text, err);
	if (fd >= 0)
		close(fd);
	return r;
}

int
credentials_file(struct lun_options *o, const char *path, struct lun_error *err)
{
	char text[FILE_MAX];
	int r = read_secret(path, text, err);

	if (r == 0)
		r = take_lines(o, path, text, err);
	explicit_bzero(text, sizeof(text));
	return r;
}

int
secret_file(char **out, const char *path, struct lun_error *err)
{
	char text[FILE_MAX], *copy = NULL;
	int r = read_secret(path, text, err);

	if (r == 0 && !(copy = strdup(text)))
		r = fail(err, LUN_ENOMEM, "%s: out of memory", path);
	explicit_bzero(text, sizeof(text));
	if (r == 0)
		*out = copy;
	return r;
}

void
secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
