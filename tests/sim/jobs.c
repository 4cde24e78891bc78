/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See jobs.h. The workers of a campaign take the seeds one after another from
 * a counter that they share. One that dies has left its seed behind; another
 * worker takes its place.
 */
#include "jobs.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 256, CPU_SECONDS_MAX = 60 };

struct shared {
	_Atomic uint64_t next;
	_Atomic uint64_t seed[JOBS_MAX];	/* of the run under way */
};

static void
send_output_to(int fd)
{
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_Exit(2);
}

/* A run that hangs is killed by the kernel. The limit is the soft one: it rises
 * as the seeds go by, and the hard one could not rise again. */
static void
limit_time(void)
{
	struct rusage used;
	struct rlimit limit;

	getrusage(RUSAGE_SELF, &used);
	if (getrlimit(RLIMIT_CPU, &limit) < 0)
		err(2, "getrlimit");
	limit.rlim_cur = (rlim_t)used.ru_utime.tv_sec + CPU_SECONDS_MAX;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_CPU, &limit) < 0)
		err(2, "setrlimit");
	limit.rlim_cur = limit.rlim_max = 0;
	setrlimit(RLIMIT_CORE, &limit);
}

bool
run_alone(uint64_t seed, const struct limits *limits, enum plant plant,
	  int output)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		send_output_to(output);
		limit_time();
		run(seed, limits, plant);
		fflush(NULL);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(2, "waitpid");
	return status == 0;
}

static pid_t
start_worker(const struct campaign *c, struct shared *shared, unsigned w)
{
	struct limits limits = NO_LIMITS;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	send_output_to(-1);
	for (;;) {
		uint64_t seed = shared->next++;

		if (seed > c->to)
			_exit(0);
		shared->seed[w] = seed;
		if (seed % 64 == 0)
			limit_time();
		run(seed, &limits, c->plant);
	}
}

unsigned
run_campaign(const struct campaign *c)
{
	struct shared *shared = mmap(NULL, sizeof(*shared),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t workers[JOBS_MAX];
	unsigned running = 0, failures = 0;
	int status;

	if (shared == MAP_FAILED)
		err(2, "mmap");
	shared->next = c->from;
	for (; running < c->jobs && running < JOBS_MAX; running++)
		workers[running] = start_worker(c, shared, running);
	while (running > 0) {
		pid_t pid = wait(&status);
		unsigned w = 0;

		if (pid < 0)
			err(2, "wait");
		while (workers[w] != pid)
			w++;
		if (status == 0) {
			running--;
			continue;
		}
		c->failed(shared->seed[w], status);
		if (++failures >= c->failures_max)
			shared->next = c->to + 1;
		workers[w] = start_worker(c, shared, w);
	}
	munmap(shared, sizeof(*shared));
	return failures;
}
