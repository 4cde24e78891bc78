/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random I/O on a file of fixed size, checked against a shadow copy.
 *
 * The file is cut into stripes of a few hundred to a few thousand bytes, which
 * begin and end anywhere in a block; stripe i belongs to process i % N. So the
 * neighbours of every byte range are written by other processes at the same
 * time, in the same block: a read-modify-write that is not atomic is found out.
 * Each process knows what its own stripes hold and checks only these.
 *
 * With --restarts N an fsync may fail with EIO, N times in each process: so
 * often was a target restarted that has a write cache, and whoever has the file
 * open is told once of each.
 *
 * With --direct offsets and lengths are aligned to a block, and so are the
 * stripes.
 *
 * Everything is drawn from the seed. On a difference the first wrong byte is
 * printed, with the number of the operation and the seed, and the exit status
 * is 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IO_MAX		(256 * 1024)
#define DIRECT_ALIGN	4096

struct options {
	const char *path;
	uint64_t size, ops, seed;
	unsigned int processes;
	unsigned int restarts;
	bool direct, mmap;
};

struct worker {
	const struct options *o;
	unsigned int me;
	int fd;
	uint64_t random;
	uint64_t stripes;	/* in the whole file */
	uint64_t *start;	/* stripes + 1 of them: same in all processes */
	uint8_t *shadow;	/* of the whole file; only our stripes are valid */
	uint8_t *buf;
	uint64_t op;
	unsigned int losses;	/* that an fsync told of */
};

/* xorshift64*: the same numbers on every machine. */
static uint64_t
draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t
below(struct worker *w, uint64_t n)
{
	return (draw(&w->random) >> 11) % n;
}

static void
die(const struct worker *w, const char *what)
{
	fprintf(stderr, "fsx: process %u, op %llu, seed %llu: %s: %s\n", w->me,
		(unsigned long long)w->op, (unsigned long long)w->o->seed, what,
		strerror(errno));
	exit(1);
}

/* Small stripes mostly, and some that are larger than a request. */
static void
make_stripes(struct worker *w)
{
	uint64_t random = w->o->seed * 2 + 1, at = 0, n = 0;
	size_t room = (size_t)(w->o->size / 300) + 2;

	w->start = calloc(room, sizeof(*w->start));
	if (!w->start)
		die(w, "out of memory");
	while (at < w->o->size) {
		uint64_t r = draw(&random) >> 11;
		uint64_t len = r % 16 ? 300 + r % 5000 : 65536 + r % 700000;

		w->start[n++] = at;
		at += len;
		if (w->o->direct)
			at = (at / DIRECT_ALIGN + 1) * DIRECT_ALIGN;
	}
	w->start[n] = w->o->size;
	w->stripes = n;
}

static void
check(const struct worker *w, uint64_t offset, size_t len, const char *how)
{
	for (size_t i = 0; i < len; i++) {
		if (w->buf[i] == w->shadow[offset + i])
			continue;
		fprintf(stderr,
			"fsx: DIFFERENCE at offset %llu: %02x instead of %02x; "
			"%s of %zu bytes at %llu, process %u, op %llu, seed %llu\n",
			(unsigned long long)(offset + i), w->buf[i],
			w->shadow[offset + i], how, len,
			(unsigned long long)offset, w->me,
			(unsigned long long)w->op,
			(unsigned long long)w->o->seed);
		exit(1);
	}
}

static void
do_read(struct worker *w, uint64_t offset, size_t len)
{
	ssize_t n = pread(w->fd, w->buf, len, (off_t)offset);

	if (n < 0)
		die(w, "read");
	if ((size_t)n != len) {
		errno = EIO;
		die(w, "short read");
	}
	check(w, offset, len, "read");
}

static void
do_write(struct worker *w, uint64_t offset, size_t len)
{
	uint64_t pattern = draw(&w->random);

	for (size_t i = 0; i < len; i++)
		w->buf[i] = (uint8_t)((pattern >> (i % 8 * 8)) + i / 8);
	memcpy(w->shadow + offset, w->buf, len);

	ssize_t n = pwrite(w->fd, w->buf, len, (off_t)offset);

	if (n < 0)
		die(w, "write");
	if ((size_t)n != len) {
		errno = EIO;
		die(w, "short write");
	}
}

/* Reads through a mapping; maps only what it needs. */
static void
do_mmap(struct worker *w, uint64_t offset, size_t len)
{
	uint64_t page = offset / 4096 * 4096;
	size_t map_len = (size_t)(offset - page) + len;
	uint8_t *map = mmap(NULL, map_len, PROT_READ, MAP_SHARED, w->fd,
			    (off_t)page);

	if (map == MAP_FAILED)
		die(w, "mmap");
	memcpy(w->buf, map + (offset - page), len);
	munmap(map, map_len);
	check(w, offset, len, "mapped read");
}

/* A random piece of a random stripe of ours. */
static void
pick(struct worker *w, uint64_t *offset, size_t *len)
{
	uint64_t mine = (w->stripes - w->me + w->o->processes - 1) /
			w->o->processes;
	uint64_t s = below(w, mine) * w->o->processes + w->me;
	uint64_t align = w->o->direct ? DIRECT_ALIGN : 1;
	uint64_t start = w->start[s], units = (w->start[s + 1] - start) / align;
	uint64_t from = below(w, 4) ? below(w, units) : 0;
	uint64_t n = below(w, 4) ? 1 + below(w, units - from) : units - from;

	if (n > IO_MAX / align)
		n = IO_MAX / align;
	*offset = start + from * align;
	*len = (size_t)(n * align);
}

/* EIO: what was written before a restart of the target may be lost. It is not,
 * as check_all() will see. The next restart may be there before the next fsync
 * is done. */
static void
do_sync(struct worker *w)
{
	while (fsync(w->fd) < 0)
		if (errno != EIO || w->losses++ == w->o->restarts)
			die(w, "fsync");
}

static void
step(struct worker *w)
{
	uint64_t offset, what = below(w, 100);
	size_t len;

	pick(w, &offset, &len);
	if (what < 45)
		do_write(w, offset, len);
	else if (what < 90 || (what < 98 && !w->o->mmap))
		do_read(w, offset, len);
	else if (what < 98)
		do_mmap(w, offset, len);
	else
		do_sync(w);
}

/* All of what is ours, as it is in the end. */
static void
check_all(struct worker *w)
{
	for (uint64_t s = w->me; s < w->stripes; s += w->o->processes)
		for (uint64_t at = w->start[s]; at < w->start[s + 1];) {
			uint64_t left = w->start[s + 1] - at;
			size_t len = left < IO_MAX ? (size_t)left : IO_MAX;

			do_read(w, at, len);
			at += len;
		}
}

/* What is there at the beginning is what the shadow begins with. */
static void
load(struct worker *w)
{
	for (uint64_t at = 0; at < w->o->size; at += IO_MAX) {
		uint64_t left = w->o->size - at;
		size_t len = left < IO_MAX ? (size_t)left : IO_MAX;

		if (pread(w->fd, w->buf, len, (off_t)at) != (ssize_t)len)
			die(w, "first read");
		memcpy(w->shadow + at, w->buf, len);
	}
}

/* Nobody may write before everybody has read: a pipe serves as barrier. */
static void
barrier(int ready, int go)
{
	char c = 0;

	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1) {
		perror("fsx: barrier");
		exit(1);
	}
}

static int
work(const struct options *o, unsigned int me, int ready, int go)
{
	struct worker w = {
		.o = o,
		.me = me,
		.random = (o->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + me + 1,
	};
	uint64_t ops = o->ops / o->processes;

	w.fd = open(o->path, O_RDWR | (o->direct ? O_DIRECT : 0));
	if (w.fd < 0)
		die(&w, o->path);
	w.shadow = malloc(o->size);
	if (!w.shadow ||
	    posix_memalign((void **)&w.buf, DIRECT_ALIGN, IO_MAX) != 0)
		die(&w, "out of memory");
	make_stripes(&w);
	load(&w);
	barrier(ready, go);
	for (w.op = 1; w.op <= ops; w.op++)
		step(&w);
	do_sync(&w);
	check_all(&w);
	if (close(w.fd) < 0)
		die(&w, "close");
	return 0;
}

static void
usage(void)
{
	fprintf(stderr, "usage: fsx [--ops N] [--processes N] [--seed N] "
			"[--size BYTES] [--direct] [--mmap] "
			"[--restarts N] FILE\n");
	exit(2);
}

static void
parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
		{ "ops",	required_argument,	NULL, 'o' },
		{ "processes",	required_argument,	NULL, 'p' },
		{ "seed",	required_argument,	NULL, 's' },
		{ "size",	required_argument,	NULL, 'z' },
		{ "direct",	no_argument,		NULL, 'd' },
		{ "mmap",	no_argument,		NULL, 'm' },
		{ "restarts",	required_argument,	NULL, 'r' },
		{ NULL,		0,			NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		switch (c) {
		case 'o':
			o->ops = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			o->processes = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'z':
			o->size = strtoull(optarg, NULL, 0);
			break;
		case 'd':
			o->direct = true;
			break;
		case 'm':
			o->mmap = true;
			break;
		case 'r':
			o->restarts = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	if (optind + 1 != argc || o->processes == 0)
		usage();
	o->path = argv[optind];
}

/* The size of the file, unless a smaller one is asked for; enough for all. */
static void
settle_size(struct options *o)
{
	struct stat st;

	if (stat(o->path, &st) < 0) {
		perror(o->path);
		exit(1);
	}
	if (o->size == 0 || o->size > (uint64_t)st.st_size)
		o->size = (uint64_t)st.st_size;
	if (o->direct)
		o->size = o->size / DIRECT_ALIGN * DIRECT_ALIGN;
	if (o->size < o->processes * UINT64_C(1024 * 1024)) {
		fprintf(stderr, "fsx: %s: less than 1 MiB for each process\n",
			o->path);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .ops = 10000, .processes = 4, .seed = 1 };
	int ready[2], go[2], failed = 0;
	char c = 0;

	parse(&o, argc, argv);
	settle_size(&o);
	if (pipe(ready) < 0 || pipe(go) < 0) {
		perror("fsx: pipe");
		return 1;
	}
	for (unsigned int i = 0; i < o.processes; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fsx: fork");
			return 1;
		}
		if (pid == 0) {
			close(ready[0]);
			close(go[1]);
			return work(&o, i, ready[1], go[0]);
		}
	}
	close(ready[1]);
	close(go[0]);
	for (unsigned int i = 0; i < o.processes; i++)
		if (read(ready[0], &c, 1) != 1)
			failed = 1;
	for (unsigned int i = 0; i < o.processes && !failed; i++)
		if (write(go[1], &c, 1) != 1)
			failed = 1;
	close(go[1]);
	for (int status; wait(&status) > 0;)
		failed |= status != 0;
	if (!failed)
		printf("fsx: %llu operations by %u processes on %llu bytes, "
		       "seed %llu: no difference\n", (unsigned long long)o.ops,
		       o.processes, (unsigned long long)o.size,
		       (unsigned long long)o.seed);
	return failed;
}
