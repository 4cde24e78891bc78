/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_read(): the file of a list, as a whole and of bounded size. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fail.h"

enum { FILE_MAX = 1 << 20 };

static int
read_file(char **text, size_t *len, const char *path, struct lun_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;
	int r = 0;

	*text = malloc(FILE_MAX + 1);
	*len = 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		r = fail(err, LUN_ESYS, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		r = fail(err, LUN_ESYS, "%s: is no file", path);
	else if (!*text)
		r = fail(err, LUN_ENOMEM, "%s: out of memory", path);
	while (r == 0 && *len <= FILE_MAX &&
	       (n = read(fd, *text + *len, FILE_MAX + 1 - *len)) > 0)
		*len += (size_t)n;
	if (r == 0 && n < 0)
		r = fail(err, LUN_ESYS, "%s: %s", path, strerror(errno));
	else if (r == 0 && *len > FILE_MAX)
		r = fail(err, LUN_ESYS, "%s: longer than %d bytes", path,
			 FILE_MAX);
	if (fd >= 0)
		close(fd);
	return r;
}

int
config_read(const char *path, const struct lun_options *options,
	    config_source_fn *fn, void *user, struct lun_error *err)
{
	char *text;
	size_t len;
	int r = read_file(&text, &len, path, err);

	if (r == 0)
		r = config_parse(text, len, path, options, fn, user, err);
	free(text);
	return r;
}
