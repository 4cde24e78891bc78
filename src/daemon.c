/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Background, readiness, signals. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"

/* What became of the child: its exit code. */
static int
parent_wait(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status;

	while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
		;
	close(fd);
	if (n == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_say(LUN_LOG_ERROR, "mount: the program ended by signal %d (%s)",
		WTERMSIG(status), strsignal(WTERMSIG(status)));
	return 1;
}

/* Until it is ready: who ends the command that was called ends all of it. */
static int
end_with_parent(pid_t parent, struct lun_error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return fail(err, LUN_ESYS, "prctl: %s", strerror(errno));
	if (getppid() != parent)
		return fail(err, LUN_ECANCELED, "mount: was ended before it "
			    "was ready");
	return 0;
}

int
daemon_fork(int *ready_fd, int *exit_code, struct lun_error *err)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(err, LUN_ESYS, "pipe: %s", strerror(errno));
	pid_t child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return fail(err, LUN_ESYS, "fork: %s", strerror(errno));
	}
	if (child > 0) {
		close(fds[1]);
		*exit_code = parent_wait(child, fds[0]);
		return 1;
	}
	close(fds[0]);
	*ready_fd = fds[1];
	return end_with_parent(parent, err);
}

static void
leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_to_syslog();
	if (setsid() < 0 || chdir("/") < 0 || null < 0)
		log_say(LUN_LOG_WARNING, "mount: can't leave the terminal: %s",
			strerror(errno));
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null >= 0)
		close(null);
}

/* A parent that was killed meanwhile (EPIPE) does not matter. */
int
daemon_ready(int ready_fd, struct lun_error *err)
{
	prctl(PR_SET_PDEATHSIG, 0);

	ssize_t n = write(ready_fd, "", 1);
	int error = n < 0 && errno != EPIPE ? errno : 0;

	close(ready_fd);
	if (error)
		return fail(err, LUN_ESYS, "can't say that it is ready: %s",
			    strerror(error));
	leave_terminal();
	return 0;
}

int
signals_open(int *out, struct lun_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail(err, LUN_ESYS, "signalfd: %s", strerror(errno));
	*out = fd;
	return 0;
}

int
signals_take(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ?
		(int)info.ssi_signo : 0;
}
