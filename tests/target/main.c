/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lunfs-target: the target of the tests as a program. A --lun belongs to the
 * --target before it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "fault-rule.h"
#include "front.h"
#include "store.h"
#include "usage.h"

#define DEFAULT_TARGET "iqn.2026-01.net.lunfs:disk"
#define DEFAULT_LUN "size=64M"

enum {
	TINY = 1 << 20,
	LISTEN_MAX = 16,
	LUNS = 16384,			/* numbers in flat space */
};

struct program {
	struct target *target;
	struct tnode *node;		/* the last --target */
	unsigned luns;			/* of that one, for the next number */
	const char *listen[LISTEN_MAX];
	unsigned listen_count;
	struct store **stores;
	unsigned store_count;
	char *answer;
	bool verbose;
	struct lun_error err;
};

/* --------------------------------------------------------------- values -- */

static bool
parse_size(const char *s, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	char *end;
	const char *p;
	uint64_t v = strtoull(s, &end, 10);
	unsigned shift = 0;

	if (end == s || *s == '-')
		return false;
	if (*end && (p = strchr(suffixes, *end))) {
		shift = 10 * (unsigned)(p - suffixes + 1);
		end++;
	}
	if (*end || v > UINT64_MAX >> 1 >> shift)
		return false;
	*out = v << shift;
	return true;
}

static int
parse_number(struct program *p, const char *option, const char *s,
	     unsigned max, unsigned *out)
{
	uint64_t v;

	if (!parse_size(s, &v) || v > max)
		return lun_fail(&p->err, LUN_EINVAL, "%s %s: not in 0..%u",
				option, s, max);
	*out = (unsigned)v;
	return 0;
}

/* USER:SECRET, cut in place. */
static int
parse_secret(struct program *p, const char *option, char *s,
	     const char **user, const char **secret)
{
	char *colon = strchr(s, ':');

	if (!colon)
		return lun_fail(&p->err, LUN_EINVAL, "%s: not USER:SECRET",
				option);
	*colon = 0;
	*user = s;
	*secret = colon + 1;
	return 0;
}

/* ----------------------------------------------------------------- LUNs -- */

struct lun_spec {
	const char *path;
	uint64_t size;
	unsigned lun;
	unsigned count;
	bool cached;
	struct disk_config config;
};

static int
lun_word(struct program *p, struct lun_spec *spec, char *word)
{
	char *value = strchr(word, '=');
	uint64_t n;

	if (value)
		*value++ = 0;
	if (!value && strcmp(word, "ro") == 0) {
		spec->config.read_only = true;
		return 0;
	}
	if (!value && strcmp(word, "thin") == 0) {
		spec->config.thin = true;
		return 0;
	}
	if (!value && strcmp(word, "tells-one") == 0) {
		spec->config.tells = TELLS_ONE;
		return 0;
	}
	if (!value && strcmp(word, "volatile") == 0) {
		spec->cached = true;
		return 0;
	}
	if (value && strcmp(word, "file") == 0) {
		spec->path = value;
		return 0;
	}
	if (value && strcmp(word, "serial") == 0) {
		snprintf(spec->config.serial, sizeof(spec->config.serial),
			 "%s", value);
		return 0;
	}
	if (!value || !parse_size(value, &n))
		return lun_fail(&p->err, LUN_EINVAL, "--lun: %s: see --help",
				word);
	if (strcmp(word, "size") == 0)
		spec->size = n;
	else if (strcmp(word, "block") == 0 && n >= 512 && n <= 4096 &&
		 (n & (n - 1)) == 0)
		spec->config.block_size = (uint32_t)n;
	else if (strcmp(word, "wce") == 0 && n <= 1)
		spec->config.write_cache = n;
	else if (strcmp(word, "fua") == 0 && n <= 1)
		spec->config.no_fua = !n;
	else if (strcmp(word, "lun") == 0 && n < LUNS)
		spec->lun = (unsigned)n;
	else if (strcmp(word, "count") == 0 && n > 0 && n <= LUNS)
		spec->count = (unsigned)n;
	else
		return lun_fail(&p->err, LUN_EINVAL, "--lun: %s=%s: see --help",
				word, value);
	return 0;
}

/* SAM-5 4.7: peripheral addressing up to 255, flat space above. */
static uint64_t
wire_lun(unsigned n)
{
	return n < 256 ? (uint64_t)n << 48 : (uint64_t)(0x4000 | n) << 48;
}

static int
add_store(struct program *p, struct store *s)
{
	struct store **stores = realloc(p->stores, (p->store_count + 1) *
						       sizeof(*stores));

	if (!stores) {
		store_free(s);
		return lun_fail(&p->err, LUN_ENOMEM, "out of memory");
	}
	p->stores = stores;
	p->stores[p->store_count++] = s;
	return 0;
}

static int
open_lun(struct program *p, struct lun_spec *spec)
{
	struct store *s;
	int r;

	if (!*spec->config.serial)
		snprintf(spec->config.serial, sizeof(spec->config.serial),
			 "LUNFS%06u", p->store_count + 1);
	if (!spec->path && spec->size == 0)
		return lun_fail(&p->err, LUN_EINVAL, "--lun: no size=");
	r = store_new(&s, spec->path, spec->size, spec->cached, &spec->config,
		      &p->err);
	if (r < 0)
		return r;
	r = add_store(p, s);
	if (r < 0)
		return r;
	p->luns = spec->lun + 1;
	return tnode_add_disk(p->node, wire_lun(spec->lun), &spec->config,
			      &p->err);
}

static int
open_luns(struct program *p, const struct lun_spec *spec)
{
	int r = 0;

	if (spec->count > LUNS - spec->lun)
		return lun_fail(&p->err, LUN_EINVAL,
				"--lun: %u from number %u on: not below %d",
				spec->count, spec->lun, LUNS);
	if (spec->count > 1 && (spec->path || *spec->config.serial))
		return lun_fail(&p->err, LUN_EINVAL,
				"--lun: count= with file= or serial=");
	for (unsigned i = 0; i < spec->count && r == 0; i++) {
		struct lun_spec one = *spec;

		one.lun += i;
		r = open_lun(p, &one);
	}
	return r;
}

static int
new_node(struct program *p, const char *name)
{
	p->luns = 0;
	return target_add_node(p->target, &p->node, name, &p->err);
}

static int
add_lun(struct program *p, char *text)
{
	struct lun_spec spec = {
		.count = 1,
		.config = { .block_size = 512, .write_cache = true },
	};
	int r = p->node ? 0 : new_node(p, DEFAULT_TARGET);

	spec.lun = p->luns;
	for (char *save, *w = strtok_r(text, ",", &save); w && r == 0;
	     w = strtok_r(NULL, ",", &save))
		r = lun_word(p, &spec, w);
	return r < 0 ? r : open_luns(p, &spec);
}

static int
add_many(struct program *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct lun_spec spec = {
			.size = TINY,
			.config = { .block_size = 512, .write_cache = true },
		};
		char name[64];
		int r;

		snprintf(name, sizeof(name), "iqn.2026-01.net.lunfs:many.%05u",
			 i);
		r = new_node(p, name);
		if (r == 0)
			r = open_lun(p, &spec);
		if (r < 0)
			return r;
	}
	p->node = NULL;
	return 0;
}

/* --------------------------------------------------------------- faults -- */

static int
add_scenario(struct program *p, const char *path)
{
	FILE *file = fopen(path, "r");
	struct lun_error why = { 0 };
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int r = 0;

	if (!file)
		return lun_fail(&p->err, LUN_ESYS, "%s: %m", path);
	len = getdelim(&text, &size, 0, file);
	fclose(file);
	if (len > 0)
		r = target_add_scenario(p->target, text, &why);
	free(text);
	return r < 0 ? lun_fail(&p->err, r, "%s: %s", path, why.text) : 0;
}

/* How often each did something: a test that relies on a fault must know. */
static void
print_faults(const struct target *t)
{
	uint64_t times;
	const char *rule;

	for (size_t i = 0; (rule = target_fault(t, i, &times)); i++)
		fprintf(stderr, "fault %s: %llu times\n", rule,
			(unsigned long long)times);
}

/* -------------------------------------------------------------- options -- */

static int
set_key(struct program *p, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return lun_fail(&p->err, LUN_EINVAL, "--key: not NAME=VALUE");
	*value++ = 0;
	return target_set_key(p->target, text, value, &p->err);
}

enum {
	OPT_LISTEN = 256, OPT_TARGET, OPT_TARGETS, OPT_LUN, OPT_ALIAS, OPT_CHAP,
	OPT_CHAP_MUTUAL, OPT_CHAP_ALGORITHMS, OPT_KEY, OPT_WINDOW, OPT_TPGT,
	OPT_SEPARATE_STATUS, OPT_REDIRECT, OPT_REDIRECT_FOREVER, OPT_NOP,
	OPT_FAULT, OPT_SCENARIO, OPT_SEED, OPT_ANNOUNCE, OPT_ANSWER,
	OPT_NO_DISCOVERY, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "listen", 1, NULL, OPT_LISTEN },
	{ "target", 1, NULL, OPT_TARGET },
	{ "targets", 1, NULL, OPT_TARGETS },
	{ "lun", 1, NULL, OPT_LUN },
	{ "alias", 1, NULL, OPT_ALIAS },
	{ "chap", 1, NULL, OPT_CHAP },
	{ "chap-mutual", 1, NULL, OPT_CHAP_MUTUAL },
	{ "chap-algorithms", 1, NULL, OPT_CHAP_ALGORITHMS },
	{ "key", 1, NULL, OPT_KEY },
	{ "window", 1, NULL, OPT_WINDOW },
	{ "tpgt", 1, NULL, OPT_TPGT },
	{ "separate-status", 0, NULL, OPT_SEPARATE_STATUS },
	{ "redirect", 1, NULL, OPT_REDIRECT },
	{ "redirect-forever", 0, NULL, OPT_REDIRECT_FOREVER },
	{ "announce", 1, NULL, OPT_ANNOUNCE },
	{ "no-discovery", 0, NULL, OPT_NO_DISCOVERY },
	{ "answer", 1, NULL, OPT_ANSWER },
	{ "nop", 1, NULL, OPT_NOP },
	{ "fault", 1, NULL, OPT_FAULT },
	{ "scenario", 1, NULL, OPT_SCENARIO },
	{ "seed", 1, NULL, OPT_SEED },
	{ "verbose", 0, NULL, 'v' },
	{ "help", 0, NULL, 'h' },
	{ "version", 0, NULL, OPT_VERSION },
	{ 0 },
};

static int
read_answer(struct program *p, const char *path)
{
	struct target_options *o = target_options(p->target);
	FILE *file = fopen(path, "r");
	char *text = NULL;
	struct stat st;

	if (!file || fstat(fileno(file), &st) < 0 ||
	    !(text = malloc((size_t)st.st_size + 1)))
		return lun_fail(&p->err, LUN_ESYS, "%s: %m", path);
	o->answer = p->answer = text;
	o->answer_len = fread(text, 1, (size_t)st.st_size, file);
	fclose(file);
	return 0;
}

static int
add_listen(struct program *p, const char *where)
{
	if (p->listen_count == LISTEN_MAX)
		return lun_fail(&p->err, LUN_EINVAL, "more than %d --listen",
				LISTEN_MAX);
	p->listen[p->listen_count++] = where;
	return 0;
}

static int
set_option(struct program *p, int option, char *arg)
{
	struct target_options *o = target_options(p->target);
	unsigned n = 0;
	int r;

	switch (option) {
	case OPT_LISTEN:
		return add_listen(p, arg);
	case OPT_TARGET:
		return new_node(p, arg);
	case OPT_TARGETS:
		r = parse_number(p, "--targets", arg, 100000, &n);
		return r < 0 ? r : add_many(p, n);
	case OPT_LUN:
		return add_lun(p, arg);
	case OPT_ALIAS:
		o->alias = arg;
		return 0;
	case OPT_CHAP:
		return parse_secret(p, "--chap", arg, &o->chap_user,
				    &o->chap_secret);
	case OPT_CHAP_MUTUAL:
		return parse_secret(p, "--chap-mutual", arg, &o->mutual_user,
				    &o->mutual_secret);
	case OPT_CHAP_ALGORITHMS:
		o->chap_algorithms = arg;
		return 0;
	case OPT_KEY:
		return set_key(p, arg);
	case OPT_WINDOW:
		r = parse_number(p, "--window", arg, 4096, &n);
		if (r == 0)
			o->window = n ? n : 1;
		return r;
	case OPT_TPGT:
		return parse_number(p, "--tpgt", arg, 65535, &o->tpgt);
	case OPT_SEPARATE_STATUS:
		o->separate_status = true;
		return 0;
	case OPT_REDIRECT:
		o->redirect = arg;
		return 0;
	case OPT_REDIRECT_FOREVER:
		o->redirect_forever = true;
		return 0;
	case OPT_ANNOUNCE:
		return target_announce(p->target, arg, &p->err);
	case OPT_NO_DISCOVERY:
		o->no_discovery = true;
		return 0;
	case OPT_ANSWER:
		return read_answer(p, arg);
	case OPT_NOP:
		return parse_number(p, "--nop", arg, 3600, &o->nop_seconds);
	case OPT_FAULT:
		return target_add_fault(p->target, arg, &p->err);
	case OPT_SCENARIO:
		return add_scenario(p, arg);
	case OPT_SEED:
		r = parse_number(p, "--seed", arg, UINT32_MAX, &n);
		return r < 0 ? r : target_seed_faults(p->target, n, &p->err);
	default:
		return lun_fail(&p->err, LUN_EINVAL, "see --help");
	}
}

static int
set_up(struct program *p, struct front **front)
{
	static char lun[] = DEFAULT_LUN;
	int r = 0;

	if (p->store_count == 0)
		r = add_lun(p, lun);
	if (r == 0)
		r = front_new(front, p->target, p->verbose, &p->err);
	if (p->listen_count == 0)
		p->listen[p->listen_count++] = "127.0.0.1:0";
	for (unsigned i = 0; i < p->listen_count && r == 0; i++)
		r = front_listen(*front, p->listen[i], &p->err);
	return r;
}

int
main(int argc, char **argv)
{
	struct target_env env = { .random = front_random };
	struct program p = { 0 };
	struct front *front = NULL;
	int option, r = 0;

	/* the target takes its env when it is made, so this comes first */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-v") == 0 ||
		    strcmp(argv[i], "--verbose") == 0)
			p.verbose = true;
	if (p.verbose) {
		env.trace = front_trace;
		env.fault = front_fault;
	}
	r = target_new(&p.target, &env, front_now(), &p.err);
	while (r == 0 &&
	       (option = getopt_long(argc, argv, "vh", long_options,
				     NULL)) != -1) {
		if (option == 'h' || option == OPT_VERSION) {
			target_free(p.target);
			if (option == 'h')
				usage_print();
			else
				printf("lunfs-target %s\n", LUNFS_VERSION);
			return 0;
		}
		if (option != 'v')
			r = set_option(&p, option, optarg);
	}
	if (r == 0 && optind < argc)
		r = lun_fail(&p.err, LUN_EINVAL, "%s: not an option",
			     argv[optind]);
	if (r == 0)
		r = set_up(&p, &front);
	if (r == 0)
		r = front_run(front, &p.err);
	if (r < 0)
		fprintf(stderr, "lunfs-target: %s\n", p.err.text);
	if (front)
		print_faults(p.target);
	front_free(front);
	target_free(p.target);
	for (unsigned i = 0; i < p.store_count; i++)
		store_free(p.stores[i]);
	free(p.stores);
	free(p.answer);
	return r == 0 ? 0 : r == LUN_EINVAL ? 2 : 1;
}
