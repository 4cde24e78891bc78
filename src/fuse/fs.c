/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libfuse's session on our loop: mounting, reading requests, unmounting. */
#include "fuse/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "fuse/kernel.h"
#include "fuse/lanes.h"
#include "fuse/ops.h"
#include "log.h"

enum {
	BACKGROUND_MAX = 128,	/* read-ahead and async I/O under way at once */
};

/* ------------------------------------------------------------- intake -- */

static void
check_drained(struct fs *fs)
{
	if (!fs->main.stopped || fs->drained ||
	    fs->main.requests->in_flight > 0 || fs->flushes > 0 ||
	    (fs->lanes && !lanes_drained(fs->lanes)))
		return;
	if (flush_dirty(fs, fs->tree->root, NULL))
		return;			/* comes back here when it has ended */
	fs->drained = true;
	fs->ops->drained(fs->user);
}

/* INIT was answered; libfuse may have found that it cannot go on. */
static bool
begin_serving(struct intake *in)
{
	struct fs *fs = in->fs;

	if (!fs->initialised || fs->serving)
		return true;
	fs->serving = true;
	if (!fuse_session_exited(fs->se)) {
		kernel_read_ahead(fs->mountpoint);
		fs->ops->ready(fs->user);
		return true;
	}
	fs->failed = true;
	in->gone = true;
	intake_stop(in);
	fs->ops->gone(fs->user);
	return false;
}

static void
on_gone(struct intake *in)
{
	in->fs->ops->gone(in->fs->user);
}

static void
on_answered(struct intake *in)
{
	if (in->fs->lanes)
		lanes_go_on(in->fs->lanes);
	check_drained(in->fs);
}

/* ------------------------------------------------------------ session -- */

void
op_init(void *user, struct fuse_conn_info *conn)
{
	struct fs *fs = user;

	fs->minor = conn->proto_minor;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX * 3 / 4;
	/* Replies go out from where the data was received: nothing to splice. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE);
	fs->initialised = true;
}

/* libfuse says a line in pieces. */
__attribute__((format(printf, 2, 0))) static void
log_fuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
	static _Thread_local char line[600];
	static _Thread_local size_t have;

	int n = vsnprintf(line + have, sizeof(line) - have, fmt, ap);
	if (n < 0)
		return;
	have += (size_t)n;
	char *end = strchr(line, '\n');
	if (!end && have < sizeof(line) - 1)
		return;
	line[end ? (size_t)(end - line) : sizeof(line) - 1] = '\0';
	have = 0;
	enum lun_log_level as = level <= FUSE_LOG_ERR ? LUN_LOG_ERROR :
				level <= FUSE_LOG_WARNING ? LUN_LOG_WARNING :
							    LUN_LOG_DEBUG;
	bool named = strncmp(line, "fuse: ", 6) == 0;
	log_say(as, "%s%s", named ? "" : "fuse: ", line);
}

/* default_permissions: with allow_other, modes still say who may read. */
static int
fuse_arguments(struct fuse_args *args, const char *source, const char *options,
	       bool read_only)
{
	char *fsname;
	int r = asprintf(&fsname, "fsname=%s", source);

	if (r < 0)
		return -1;
	for (char *c = fsname; *c; c++)
		if (*c == ',' || *c == '\\')
			*c = '_';
	r = fuse_opt_add_arg(args, "lunfs");
	r |= fuse_opt_add_arg(args, "-odefault_permissions,subtype=lunfs");
	r |= fuse_opt_add_arg(args, "-o");
	r |= fuse_opt_add_arg(args, fsname);
	r |= fuse_opt_add_arg(args, read_only ? "-oro" : "-orw");
	if (options) {
		r |= fuse_opt_add_arg(args, "-o");
		r |= fuse_opt_add_arg(args, options);
	}
	free(fsname);
	return r;
}

/* One that is alone waits for what it needs. */
static bool
is_lost(struct intake *in)
{
	return in->fs->lanes && survey_is_lost(in->fs->survey);
}

static bool
others(struct intake *in)
{
	return lanes_others(in->fs->lanes, in);
}

static void
call(struct intake *in)
{
	if (in->fs->lanes)
		lanes_call(in->fs->lanes);
}

int
fs_new(struct fs **out, const char *source, const char *options,
       bool read_only, struct lun_error *err)
{
	static const struct intake_ops intake_ops = {
		.processed = begin_serving,
		.gone = on_gone,
		.answered = on_answered,
		.lost = is_lost,
		.others = others,
		.call = call,
	};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs || fuse_arguments(&args, source, options, read_only) < 0) {
		free(fs);
		fuse_opt_free_args(&args);
		return fail(err, LUN_ENOMEM, "fuse: out of memory");
	}
	fuse_set_log_func(log_fuse);
	fs->main = (struct intake){ .fs = fs, .ops = &intake_ops };
	fs->sessions = 1;
	int r = intake_init(&fs->main, err);
	if (r == 0) {
		errno = 0;
		fs->se = fuse_session_new(&args, &fs_operations,
					  sizeof(fs_operations), fs);
		if (!fs->se)
			r = options && errno != ENOMEM ?
				fail(err, LUN_EINVAL, "-o %s: not all of these "
				     "are options of lunfs or FUSE", options) :
				fail(err, LUN_ENOMEM, "fuse: out of memory");
	}
	fuse_opt_free_args(&args);
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	fs->uid = getuid();
	fs->gid = getgid();
	clock_gettime(CLOCK_REALTIME, &fs->since);
	*out = fs;
	return 0;
}

/*
 * The mount was detached but somebody still uses it: libfuse must not unmount
 * what now lies at the mountpoint. It does not if poll() says POLLERR; so does
 * a pipe without reader, which takes the place of /dev/fuse. That closes it,
 * and the kernel ends what the last users ask for.
 */
static void
sever(struct fs *fs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	dup2(fds[1], fuse_session_fd(fs->se));
	close(fds[0]);
	close(fds[1]);
}

/* In another process: the kernel may first want to write to us. */
static pid_t
detach(const char *mountpoint)
{
	sigset_t none;
	pid_t child = fork();

	if (child != 0)
		return child;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		_exit(0);
	execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--",
	       mountpoint, NULL);
	_exit(1);
}

/*
 * The connection is gone; is the mount, too? Not if somebody aborted it
 * (fusectl), or if detaching did not work. statvfs() asks the filesystem.
 */
static void
detach_dead(const char *mountpoint)
{
	struct statvfs sv;

	if (statvfs(mountpoint, &sv) == 0 ||
	    (errno != ENOTCONN && errno != ECONNABORTED))
		return;
	pid_t child = detach(mountpoint);
	if (child > 0)
		waitpid(child, NULL, 0);
	else
		log_say(LUN_LOG_ERROR, "%s: is left mounted, without use: "
			"fork: %s", mountpoint, strerror(errno));
}

struct fs *
fs_free(struct fs *fs)
{
	if (!fs)
		return NULL;
	intake_stop(&fs->main);
	if (fs->mounted && !fs->main.gone && fs->detacher > 0)
		sever(fs);
	if (fs->mounted)
		fuse_session_unmount(fs->se);
	if (fs->se)
		fuse_session_destroy(fs->se);
	if (fs->detacher > 0)
		waitpid(fs->detacher, NULL, 0);
	if (fs->mounted)
		detach_dead(fs->mountpoint);
	free(fs->mountpoint);
	fs->live = lun_alarm_free(fs->live);
	fs->tree = tree_free(fs->tree);
	intake_deinit(&fs->main);
	free(fs);
	return NULL;
}

int
fs_mount(struct fs *fs, struct lun_loop *loop, const char *mountpoint,
	 struct tree *tree, const struct survey *survey,
	 const struct fs_ops *ops, void *user, struct lun_error *err)
{
	int r;

	fs->main.loop = loop;
	fs->main.se = fs->se;
	fs->tree = tree;
	fs->survey = survey;
	fs->ops = ops;
	fs->user = user;
	fs->mountpoint = strdup(mountpoint);
	if (!fs->mountpoint)
		return fail(err, LUN_ENOMEM, "fuse: out of memory");
	if (fuse_session_mount(fs->se, mountpoint) < 0) {
		detach_dead(mountpoint);	/* libfuse may leave it half-way */
		return fail(err, LUN_ESYS, "%s: cannot be mounted on",
			    mountpoint);
	}
	fs->mounted = true;

	int fd = fuse_session_fd(fs->se);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		r = fail(err, LUN_ESYS, "/dev/fuse: %s", strerror(errno));
	else if ((r = kernel_answer_init(fs->se)) < 0)
		r = fail(err, LUN_ENOMEM, "fuse: %s", strerror(-r));
	else
		r = intake_start(&fs->main, err);
	return r;
}

static void
on_lanes_drained(void *user)
{
	check_drained(user);
}

static void
on_lanes_ended(void *user)
{
	struct fs *fs = user;

	fs->ops->lanes_ended(fs->user);
}

void
fs_detach(struct fs *fs)
{
	fs->detacher = detach(fs->mountpoint);	/* if not: fs_free() does it */
}

int
fs_start_lanes(struct fs *fs, size_t n, const char *pcap, struct lun_error *err)
{
	static const struct lanes_ops ops = {
		.drained = on_lanes_drained,
		.ended = on_lanes_ended,
	};

	fs->sessions = (unsigned)n + 1;
	return lanes_start(&fs->lanes, n, fs, fs->survey, pcap, &ops, fs, err);
}

void
fs_stop(struct fs *fs)
{
	intake_stop(&fs->main);
	if (fs->lanes)
		lanes_stop(fs->lanes);
	check_drained(fs);
}

void
fs_abandon(struct fs *fs)
{
	fs->drained = true;
	intake_stop(&fs->main);
}

bool
fs_ends(const struct fs *fs)
{
	return fs->main.stopped || fs->main.gone;
}

uint64_t
fs_received(const struct fs *fs)
{
	return intake_received(&fs->main) +
	       (fs->lanes ? lanes_received(fs->lanes) : 0);
}
