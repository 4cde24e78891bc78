/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symptoms: liblun over TCP against our target, which does one thing wrong.
 * What is written is flushed and read back without an error, whatever happens;
 * counters and log tell that it was the right mechanism that helped, and the
 * target that the fault has happened. Whatever is counted is told in the log,
 * once: told[].
 *
 *	test-target-symptoms LUNFS-TARGET [SYMPTOM]	(with its PDUs)
 *
 * All of them run at the same time, each with a target of its own: most of them
 * wait for something.
 */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "declare.h"
#include "lun.h"
#include "symptoms.h"

enum {
	PLAYS_MAX = 64,
	DEPTH = 8, BLOCKS = 48, BLOCK_LEN = 32 * 1024, STRIDE = 64 * 1024,
	POLL_MS = 50, PATIENCE_MS = 30 * 1000, LINES = 60, LINE_LEN = 240,
	COUNTERS = 14,
};

struct slot {
	struct lun_io io;
	struct play *play;
	unsigned char buffer[BLOCK_LEN];
};

struct play {
	const struct symptom *row;
	char name[80];			/* of the target, and in log lines */
	pid_t pid;
	FILE *out;			/* of the target */
	unsigned port;

	struct lun_session *session;
	struct lun_alarm *poll;
	unsigned polls;
	bool failed, declared;
	unsigned logged;		/* lines with what the row says */
	unsigned told[COUNTERS];	/* events that lines have told of */
	unsigned losses, others;	/* of the session; lines of no event */
	unsigned next, busy;		/* of 2 * BLOCKS + 1 requests */
	struct slot slots[DEPTH];
	char lines[LINES][LINE_LEN];	/* the last ones */
	unsigned n_lines;
};

static struct play plays[PLAYS_MAX];
static struct lun_loop *loop;
static unsigned running;

static void
fail(struct play *p, const char *what, const char *text)
{
	fprintf(stderr, "FAILED: %s: %s %s\n", p->row->symptom, what, text);
	p->failed = true;
}

/* ----------------------------------------------------------- the target -- */

enum { ARGS_MAX = 48 };

static size_t
words(char *text, char *argv[], size_t n)
{
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) {
		assert(n < ARGS_MAX - 1);
		argv[n++] = w;
	}
	argv[n] = NULL;
	return n;
}

static void
start_target(struct play *p, unsigned i, char *program)
{
	char text[1024], *argv[ARGS_MAX] = { program };
	int fds[2];

	p->row = &symptoms[i];
	snprintf(p->name, sizeof(p->name), "iqn.2026-01.net.lunfs:symptom-%u", i);
	snprintf(text, sizeof(text), "--listen 127.0.0.1:0 --target %s --lun "
		 "size=4M %s", p->name, p->row->target);
	words(text, argv, 1);
	if (pipe(fds) < 0 || (p->pid = fork()) < 0)
		abort();
	if (p->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execv(program, argv);
		_exit(127);
	}
	close(fds[1]);
	p->out = fdopen(fds[0], "r");
}

static void
wait_for_target(struct play *p)
{
	char line[128];

	if (!p->out || !fgets(line, sizeof(line), p->out) ||
	    sscanf(line, "listening 127.0.0.1:%u", &p->port) != 1) {
		fail(p, "the target does not start", "");
		exit(1);
	}
}

/* It says how often each fault was applied. */
static void
end_target(struct play *p)
{
	char line[512];
	int status;

	kill(p->pid, SIGTERM);
	while (fgets(line, sizeof(line), p->out))
		if (strncmp(line, "fault ", 6) != 0)
			fputs(line, stderr);
		else if (strstr(line, ": 0 times"))
			fail(p, "it did not happen:", line);
	fclose(p->out);
	if (waitpid(p->pid, &status, 0) != p->pid || status != 0)
		fail(p, "the target has failed", "");
}

/* ------------------------------------------------------ what is expected -- */

static const struct {
	const char *name;
	size_t at;			/* in struct lun_counters */
} counters[] = {
#define COUNTER(n) { #n, offsetof(struct lun_counters, n) }
	COUNTER(session_recoveries), COUNTER(connection_recoveries),
	COUNTER(tasks_reassigned), COUNTER(tasks_retried),
	COUNTER(snacks_sent), COUNTER(header_digest_errors),
	COUNTER(data_digest_errors), COUNTER(task_timeouts),
	COUNTER(nop_timeouts), COUNTER(rejects), COUNTER(async_messages),
	COUNTER(lun_resets), COUNTER(target_resets), COUNTER(aborts),
#undef COUNTER
};

static_assert(sizeof(counters) / sizeof(counters[0]) == COUNTERS, "all");

static unsigned
n_logged_in(const struct lun_session_info *info)
{
	unsigned n = 0;

	for (size_t i = 0; i < info->n_connections; i++)
		n += strcmp(info->connections[i].state, "LOGGED_IN") == 0;
	return n;
}

static uint64_t
retried_by_connections(const struct lun_session_info *info)
{
	uint64_t n = 0;

	for (size_t i = 0; i < info->n_connections; i++)
		n += info->connections[i].counters.tasks_retried;
	return n;
}

static uint64_t
value_of(const struct lun_session_info *info, const char *name, size_t len)
{
	if (len == 11 && memcmp(name, "connections", len) == 0)
		return n_logged_in(info);
	for (size_t i = 0; i < COUNTERS; i++)
		if (strlen(counters[i].name) == len &&
		    memcmp(counters[i].name, name, len) == 0)
			return *(const uint64_t *)(const void *)
			    ((const char *)&info->counters + counters[i].at);
	fprintf(stderr, "no counter %s\n", name);
	abort();
}

/* What is in the log is what was counted: NULL, or the counter that is not. */
static const char *
untold(const struct play *p, const struct lun_session_info *info)
{
	const struct lun_counters *all = &info->counters;

	for (size_t i = 0; i < COUNTERS; i++) {
		const char *name = counters[i].name;
		uint64_t n = value_of(info, name, strlen(name));

		/* without those of requests, for which its end was told */
		if (counters[i].at == offsetof(struct lun_counters, tasks_retried))
			n = retried_by_connections(info);
		/* it comes to nothing if the session is lost meanwhile */
		if (counters[i].at == offsetof(struct lun_counters,
					       tasks_reassigned) &&
		    all->session_recoveries > 0 && p->told[i] > n)
			continue;
		if (p->told[i] != n)
			return name;
	}
	return p->losses == all->session_recoveries ? NULL : "losses";
}

/* NULL, or what is not so. */
static const char *
unmet(struct play *p)
{
	const struct lun_session_info *info = lun_session_info(p->session);

	for (const char *s = p->row->expect; *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, "=+ ");
		uint64_t v = value_of(info, s, len);

		if (s[len] == '+' ? v == 0 :
		    v != strtoull(s + len + 1, NULL, 10))
			return s;
		s += strcspn(s, " ");
	}
	if (p->row->logged && p->logged != 1)
		return p->row->logged;
	if (!p->row->logged && p->others > 0)
		return "silence";
	return untold(p, info);
}

/* ------------------------------------------------ what the log tells of -- */

/* A line with this part tells of one event, or of as many as the number says
 * that is before it. */
static const struct {
	const char *counter, *part;
	bool number;
	const char *more;		/* and of as many as are behind this */
} told[] = {
	{ "session_recoveries", "the session is back after" },
	{ "connection_recoveries", " is recovered after" },
	{ "connection_recoveries", " connections are recovered after", true },
	{ "tasks_reassigned", " task is reassigned", true },
	{ "tasks_reassigned", " tasks are reassigned", true },
	{ "tasks_retried", " is sent again", true },
	{ "tasks_retried", " are sent again", true },
	{ "tasks_retried", ": command retry" },
	{ "snacks_sent", ": Data SNACK" },
	{ "snacks_sent", ": R-Data SNACK" },
	{ "snacks_sent", ": Status SNACK" },
	{ "header_digest_errors", "header digest error" },
	{ "data_digest_errors", "wrong data digest" },
	{ "task_timeouts", ": a command (opcode", false, ") and " },
	{ "task_timeouts", "no command was answered for" },
	{ "nop_timeouts", "a ping (NOP-Out) was not answered" },
	{ "rejects", "the target rejected a" },
	{ "async_messages", "the target tells of a unit" },
	{ "async_messages", "the target asks for a" },
	{ "async_messages", "the target drops" },
	{ "async_messages", "the target terminates tasks" },
	{ "async_messages", "ignored: " },
	{ "aborts", ": ABORT TASK,", false, ") and " },
	{ "aborts", ": ABORT TASK\n" },
	{ "lun_resets", ": LOGICAL UNIT RESET," },
	{ "target_resets", ": TARGET WARM RESET," },
};

/* How many events of a kind are in a line: those of the first that fits. */
static unsigned
tells_of(const char *line, const char *counter)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		const char *at = strstr(line, told[i].part), *number = at;
		const char *more = told[i].more ? strstr(line, told[i].more) : NULL;

		if (!at || strcmp(told[i].counter, counter) != 0)
			continue;
		while (number > line && strchr("0123456789", number[-1]))
			number--;
		return (told[i].number ? (unsigned)atoi(number) : 1) +
		    (more ? (unsigned)atoi(more + strlen(told[i].more)) : 0);
	}
	return 0;
}

static void
note(struct play *p, const char *line)
{
	for (size_t i = 0; i < COUNTERS; i++)
		p->told[i] += tells_of(line, counters[i].name);
	p->losses += strstr(line, ": the session is lost: ") != NULL;
	p->others += !strstr(line, " added\n");
	p->logged += p->row->logged && strstr(line, p->row->logged);
}

/* ------------------------------------------------------------- the load -- */

static unsigned char
pattern(unsigned block, size_t i)
{
	return (unsigned char)(block * 31 + i * 7 + (i >> 8));
}

static void next(struct slot *s);

static void
io_done(struct lun_io *io)
{
	struct slot *s = io->user;
	struct play *p = s->play;
	unsigned block = (unsigned)(io->offset / STRIDE);

	p->busy--;
	if (io->code != 0) {
		fail(p, "a request:", io->text);
		p->next = 2 * BLOCKS + 1;
	}
	if (io->op == LUN_READ && io->code == 0)
		for (size_t i = 0; i < BLOCK_LEN; i++)
			if (s->buffer[i] != pattern(block, i)) {
				fail(p, "wrong data", "");
				break;
			}
	next(s);
	if (io->op == LUN_FLUSH)	/* the others wait for it */
		for (unsigned i = 0; i < DEPTH; i++)
			if (&p->slots[i] != s)
				next(&p->slots[i]);
}

/* BLOCKS writes, a flush when they are done, BLOCKS reads. */
static void
next(struct slot *s)
{
	struct play *p = s->play;
	unsigned n = p->next;
	bool flush = n == BLOCKS;

	if (n > 2 * BLOCKS || (flush && p->busy > 0))
		return;
	p->next++;
	p->busy++;
	s->io = (struct lun_io){ .done = io_done, .user = s };
	if (flush) {
		s->io.op = LUN_FLUSH;
	} else {
		unsigned block = n % (BLOCKS + 1);

		s->io.op = n < BLOCKS ? LUN_WRITE : LUN_READ;
		s->io.offset = (uint64_t)block * STRIDE;
		s->io.length = BLOCK_LEN;
		s->io.buffer = s->buffer;
		for (size_t i = 0; i < BLOCK_LEN; i++)
			s->buffer[i] = n < BLOCKS ? pattern(block, i) : 0xee;
	}
	lun_disk_submit(lun_session_disk(p->session, 0), &s->io);
	if (flush)
		p->next = BLOCKS + 1;
}

static void
closed(void *user)
{
	if (--running == 0)
		lun_loop_stop(loop);
}

static void
finish(struct play *p)
{
	const struct lun_session_info *info = lun_session_info(p->session);
	const char *what = unmet(p);

	if (what)
		fail(p, "not so:", what);
	for (size_t i = 0; what && i < COUNTERS; i++)
		fprintf(stderr, "\t%s %" PRIu64 ", told of %u\n",
			counters[i].name, value_of(info, counters[i].name,
			strlen(counters[i].name)), p->told[i]);
	if (p->next <= 2 * BLOCKS || p->busy > 0)
		fail(p, "requests do not end", "");
	lun_session_close(p->session, closed);
}

static void
declare_once(struct play *p)
{
	const char *text = p->row->declares;

	if (text && !p->declared &&
	    lun_session_info(p->session)->counters.snacks_sent > 0)
		p->declared = declare(loop, p->session, text);
}

/* Begins when the connections are there that are to be there in the end. */
static void
poll_play(void *user)
{
	struct play *p = user;
	bool late = ++p->polls > PATIENCE_MS / POLL_MS;
	const char *conns = strstr(p->row->expect, "connections=");
	unsigned wanted = conns ? (unsigned)atoi(conns + 12) : 1;

	if (p->next == 0 &&
	    n_logged_in(lun_session_info(p->session)) >= wanted)
		for (unsigned i = 0; i < DEPTH; i++)
			next(&p->slots[i]);
	declare_once(p);
	if (p->failed || late || (p->next > 2 * BLOCKS && p->busy == 0 &&
				  !unmet(p)))
		finish(p);
	else
		lun_alarm_set(p->poll, POLL_MS);
}

static void
ready(void *user, int code, const char *text)
{
	struct play *p = user;

	if (code != 0)
		fail(p, "the login:", text);
	lun_alarm_set(p->poll, POLL_MS);
}

/* ------------------------------------------------------------- the rows -- */

static void
log_line(void *user, enum lun_log_level level, const char *line)
{
	char text[600];

	snprintf(text, sizeof(text), "%s\n", line);
	for (unsigned i = 0; i < n_symptoms; i++) {
		struct play *p = &plays[i];
		size_t len = strlen(p->name);

		if (!p->row || strncmp(line, p->name, len) != 0 ||
		    line[len] != ':')
			continue;
		if (level <= LUN_LOG_INFO)
			note(p, text);
		else
			puts(line);
		snprintf(p->lines[p->n_lines++ % LINES], LINE_LEN, "%s",
			 line + len + 1);
	}
}

static void
set_options(struct lun_options *o, const struct symptom *row)
{
	char text[512], *argv[ARGS_MAX];
	struct lun_error err = { 0 };

	snprintf(text, sizeof(text), "initiator-name=iqn.2026-01.net.lunfs:s "
		 "timeout=8 %s", row->options);
	for (size_t i = 0, n = words(text, argv, 0); i < n; i++) {
		char *value = strchr(argv[i], '=');

		*value++ = '\0';
		if (lun_options_set(o, argv[i], value, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			abort();
		}
	}
}

static void
begin(struct play *p)
{
	static const struct lun_session_ops ops = { .ready = ready };
	struct lun_options *o;
	struct lun_error err = { 0 };
	struct lun_url url;
	char text[160];

	wait_for_target(p);
	for (unsigned k = 0; k < DEPTH; k++)
		p->slots[k].play = p;
	snprintf(text, sizeof(text), "iscsi://127.0.0.1:%u/%s/0", p->port,
		 p->name);
	if (lun_options_new(&o, &err) < 0)
		abort();
	set_options(o, p->row);
	if (lun_url_parse(&url, text, &err) < 0 ||
	    lun_alarm_new(&p->poll, loop, poll_play, p) < 0 ||
	    lun_session_open(&p->session, loop, &url, o, &ops, p, &err) < 0) {
		fprintf(stderr, "%s: %s\n", p->row->symptom, err.text);
		abort();
	}
	lun_options_free(o);
	running++;
}

static bool
end(struct play *p)
{
	p->session = lun_session_free(p->session);
	p->poll = lun_alarm_free(p->poll);
	end_target(p);
	printf("%s  %s (%u ms)\n", p->failed ? "FAILED" : "ok    ",
	       p->row->symptom, p->polls * POLL_MS);
	for (unsigned n = p->n_lines > LINES ? p->n_lines - LINES : 0;
	     p->failed && n < p->n_lines; n++)
		printf("\t%s\n", p->lines[n % LINES]);
	return !p->failed;
}

int
main(int argc, char **argv)
{
	struct lun_error err = { 0 };
	bool good = true;

	assert(n_symptoms <= PLAYS_MAX);
	if (argc < 2 || lun_loop_new(&loop, &err) < 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	lun_loop_set_log(loop, argc < 3 ? LUN_LOG_INFO : LUN_LOG_TRACE, log_line,
			 NULL);
	for (unsigned i = 0; i < n_symptoms; i++)
		if (argc < 3 || strstr(symptoms[i].symptom, argv[2]))
			start_target(&plays[i], i, argv[1]);
	for (unsigned i = 0; i < n_symptoms; i++)
		if (plays[i].row)
			begin(&plays[i]);
	if (running == 0 || lun_loop_run(loop, &err) < 0)
		return 2;
	for (unsigned i = 0; i < n_symptoms; i++)
		if (plays[i].row)
			good &= end(&plays[i]);
	lun_loop_free(loop);
	return good ? 0 : 1;
}
