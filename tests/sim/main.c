/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim: see the usage below, and world.h for where to begin reading.
 *
 * A seed that failed is shown with its last lines and the smallest run that
 * still fails, as a command that prints all of its event log.
 */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"
#include "shrink.h"

enum { LOG_LINES = 60 };

static const char usage[] =
"usage: sim [--jobs N] [--plant FAULT [--expect-failure]] --seeds FROM..TO\n"
"       sim [LIMIT]... SEED...   these runs, with their event log\n"
"       sim --shrink SEED        the smallest run of it that fails\n"
"\n"
"  --ops N          so many requests\n"
"  --faults N       the first N faults only\n"
"  --without KIND   no fault of this kind; may be repeated\n"
"  --only KIND      no fault of another kind; may be repeated\n"
"  --plain-network  short latency, large segments\n"
"  --plain-keys     no key is asked for\n"
"  --one-portal     the target has one portal\n"
"  --plant FAULT    a fault of the engine or target, to be found\n"
"  --expect-failure that it is found is what is wanted: the first one will do\n"
"  --no-shrink      a failure is named only\n"
"  --quiet          no event log\n"
"\n"
"Exit: 0 as it should be, else one failed; 2 usage.\n";

static struct options {
	uint64_t from, to;
	bool seeds, quiet, shrink, no_shrink, expect_failure;
	unsigned jobs;
	enum plant plant;
	struct limits limits;
	uint64_t only;			/* bits; 0: all */
} options = { .jobs = 1, .limits = NO_LIMITS };

enum { O_SEEDS = 256, O_JOBS, O_PLANT, O_EXPECT, O_SHRINK, O_OPS, O_FAULTS,
       O_WITHOUT, O_NETWORK, O_KEYS, O_QUIET, O_NO_SHRINK, O_ONLY, O_PORTAL,
       O_HELP };

static const struct option long_options[] = {
	{ "seeds", 1, NULL, O_SEEDS },
	{ "jobs", 1, NULL, O_JOBS },
	{ "plant", 1, NULL, O_PLANT },
	{ "expect-failure", 0, NULL, O_EXPECT },
	{ "shrink", 0, NULL, O_SHRINK },
	{ "ops", 1, NULL, O_OPS },
	{ "faults", 1, NULL, O_FAULTS },
	{ "only", 1, NULL, O_ONLY },
	{ "without", 1, NULL, O_WITHOUT },
	{ "plain-network", 0, NULL, O_NETWORK },
	{ "plain-keys", 0, NULL, O_KEYS },
	{ "one-portal", 0, NULL, O_PORTAL },
	{ "quiet", 0, NULL, O_QUIET },
	{ "no-shrink", 0, NULL, O_NO_SHRINK },
	{ "help", 0, NULL, O_HELP },
	{ 0 },
};

static void
print_names(FILE *f, const char *what, const char *const *names, unsigned n)
{
	int column = fprintf(f, "%s", what);

	for (unsigned i = 0; i < n; i++) {
		if (column + strlen(names[i]) > 76)
			column = fprintf(f, "\n ") - 1;
		column += fprintf(f, " %s", names[i]);
	}
	fputc('\n', f);
}

static unsigned
find(const char *const *names, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	print_names(stderr, "these are known:", names, n);
	errx(2, "%s: not one of these", name);
}

static uint64_t
fault_bit(const char *name)
{
	return UINT64_C(1) << find(fault_names, FAULT_COUNT, name);
}

static uint64_t
leading_number(const char *text, char **end)
{
	uint64_t n = strtoull(text, end, 10);

	if (*text < '0' || *text > '9')
		errx(2, "%s: not a number", text);
	return n;
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t n = leading_number(text, &end);

	if (*end)
		errx(2, "%s: not a number", text);
	return n;
}

static void
set_seeds(struct options *o, const char *text)
{
	char *end;

	o->seeds = true;
	o->from = o->to = leading_number(text, &end);
	if (strncmp(end, "..", 2) == 0)
		o->to = number(end + 2);
	else if (*end)
		errx(2, "--seeds %s: not FROM..TO", text);
	if (o->to < o->from)
		errx(2, "--seeds %s: there are none", text);
}

static void
help(FILE *f)
{
	fputs(usage, f);
	print_names(f, "\nKIND is", fault_names, FAULT_COUNT);
	print_names(f, "\nFAULT is", plant_names, PLANT_COUNT);
}

static void
set_option(int option, char *arg)
{
	struct options *o = &options;

	switch (option) {
	case O_SEEDS:
		set_seeds(o, arg);
		break;
	case O_JOBS:
		o->jobs = (unsigned)number(arg);
		if (o->jobs == 0)
			errx(2, "--jobs 0: nobody would run them");
		break;
	case O_PLANT:
		o->plant = find(plant_names, PLANT_COUNT, arg);
		break;
	case O_EXPECT:
		o->expect_failure = true;
		break;
	case O_SHRINK:
		o->shrink = true;
		break;
	case O_OPS:
		o->limits.ops = (unsigned)number(arg);
		break;
	case O_FAULTS:
		o->limits.faults_max = (unsigned)number(arg);
		break;
	case O_WITHOUT:
		o->limits.without |= fault_bit(arg);
		break;
	case O_ONLY:
		o->only |= fault_bit(arg);
		o->limits.without = ~o->only;
		break;
	case O_NETWORK:
		o->limits.plain_network = true;
		break;
	case O_KEYS:
		o->limits.plain_keys = true;
		break;
	case O_PORTAL:
		o->limits.one_portal = true;
		break;
	case O_NO_SHRINK:
		o->no_shrink = true;
		break;
	case O_QUIET:
		o->quiet = true;
		break;
	case O_HELP:
		help(stdout);
		exit(0);
	default:
		help(stderr);
		exit(2);
	}
}

static void
print_command(uint64_t seed, const struct limits *limits)
{
	printf("  sim");
	limits_print(limits);
	if (options.plant)
		printf(" --plant %s", plant_names[options.plant]);
	printf(" %" PRIu64 "\n", seed);
}

/* The last lines of the event log of a run. */
static void
show_log(uint64_t seed, const struct limits *limits)
{
	FILE *f = tmpfile();
	char line[512];
	long lines = 0;

	if (!f)
		err(2, "tmpfile");
	world.verbose = true;
	run_alone(seed, limits, options.plant, fileno(f));
	world.verbose = false;
	rewind(f);
	while (fgets(line, sizeof(line), f))
		lines++;
	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (lines-- <= LOG_LINES)
			printf("  %s", line);
	fclose(f);
}

static void
show_failure(uint64_t seed, int status)
{
	struct limits limits = NO_LIMITS;

	printf("FAILED seed %" PRIu64, seed);
	if (WIFSIGNALED(status))
		printf(": %s", strsignal(WTERMSIG(status)));
	putchar('\n');
	run_alone(seed, &limits, options.plant, STDOUT_FILENO);
	if (options.no_shrink)
		return;
	if (!shrink(seed, options.plant, &limits)) {
		printf("  not when it is run alone\n");
		return;
	}
	print_command(seed, &limits);
	show_log(seed, &limits);
}

static int
many(void)
{
	struct campaign c = {
		.from = options.from, .to = options.to, .jobs = options.jobs,
		.failures_max = options.expect_failure ? 1 : 20,
		.plant = options.plant, .failed = show_failure,
	};
	unsigned failures = run_campaign(&c);

	printf("%" PRIu64 " seeds, %u failed%s\n", c.to - c.from + 1, failures,
	       failures >= c.failures_max ? "; not all of them were run" : "");
	return options.expect_failure ? failures == 0 : failures > 0;
}

static void
one(uint64_t seed)
{
	if (!options.shrink) {
		world.verbose = !options.quiet;
		run(seed, &options.limits, options.plant);
		return;
	}

	struct limits limits = options.limits;

	if (!shrink(seed, options.plant, &limits))
		errx(1, "seed %" PRIu64 " does not fail", seed);
	print_command(seed, &limits);
}

/* One run after another needs as much: the kernel does not get it back. */
static void
keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_TOP_PAD, 4 << 20);
}

int
main(int argc, char **argv)
{
	int option;

	keep_memory();
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		set_option(option, optarg);
	if (options.seeds)
		return many();
	if (optind == argc)
		set_option('?', NULL);
	for (; optind < argc; optind++)
		one(number(argv[optind]));
	return 0;
}
