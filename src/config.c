/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See config.h. libinih splits lines into names and values, and knows about
 * comments. It cuts the names of sections and does not tell where in a line it
 * is: so each line goes through our hands first, and stays there while what is
 * in it is looked at.
 */
#include "config.h"

#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "fail.h"

enum {
	LINE_LEN_MAX	= 1000,
	ADDRESSES_MAX	= 8,
	LUNS_MAX	= 64,
	WORD_MAX	= 300,
	TARGET_MAX	= 223,
	URL_MAX		= 3000,
	SECTIONS_MAX	= 10000,
};

enum section_bit {
	S_PORTAL	= 1 << 0,
	S_TARGET	= 1 << 1,
	S_ISNS		= 1 << 2,
	S_SLP		= 1 << 3,
	S_OPTIONS	= 1 << 4,
	S_SOURCE	= S_PORTAL | S_TARGET | S_ISNS | S_SLP,
	S_FINDS		= S_ISNS | S_SLP,	/* what has no address */
};

static const struct kind {
	const char *word;
	unsigned bit;
	const char *scheme;
} kinds[] = {
	{ "portal",	S_PORTAL,	"iscsi://" },
	{ "target",	S_TARGET,	"iscsi://" },
	{ "isns",	S_ISNS,		"isns://" },
	{ "slp",	S_SLP,		"slp://" },
	{ "options",	S_OPTIONS,	NULL },
};

struct words {
	size_t n, max;
	char (*v)[WORD_MAX];
};

struct section {
	const struct kind *kind;	/* NULL: there was none yet */
	unsigned number;		/* of its line */
	char target[TARGET_MAX + 1];
	char port[WORD_MAX], scope[WORD_MAX];
	struct words addresses, luns;
	struct lun_options *options;
};

struct config {
	const char *path;
	config_source_fn *fn;
	void *user;
	struct lun_error *err;
	int code;			/* of the first error */

	const char *at, *end;		/* what was not read yet */
	char line[LINE_LEN_MAX + 1];
	unsigned number;

	struct lun_options *defaults;
	struct section section;
	size_t sections, sources;
	char addresses[ADDRESSES_MAX][WORD_MAX], luns[LUNS_MAX][WORD_MAX];
};

/* ------------------------------------------------------------- errors -- */

/* Characters of UTF-8 before where, and one. */
static unsigned
column(const struct config *c, const char *where)
{
	unsigned n = 1;

	for (const char *p = c->line; p < where; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

/* Always false; where is within the line. */
static bool __attribute__((format(printf, 3, 4)))
complain(struct config *c, const char *where, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->code = fail(c->err, LUN_ESYS, "%s:%u:%u: %s", c->path, c->number,
		       column(c, where), text);
	return false;
}

/* ----------------------------------------------------------- sections -- */

static void
section_drop(struct section *s)
{
	s->options = lun_options_free(s->options);
	s->kind = NULL;
}

static bool
section_begin(struct config *c, const struct kind *kind)
{
	struct section *s = &c->section;

	*s = (struct section){
		.kind = kind,
		.number = c->number,
		.addresses = { .max = ADDRESSES_MAX, .v = c->addresses },
		.luns = { .max = LUNS_MAX, .v = c->luns },
		.options = lun_options_clone(c->defaults),
	};
	if (!s->options)
		c->code = fail(c->err, LUN_ENOMEM, "%s: out of memory",
			       c->path);
	return s->options != NULL;
}

static bool
has_port(const char *address)
{
	const char *end = strrchr(address, ']');

	return strchr(end ? end : address, ':') != NULL;
}

/* The name of a target as the part of a URL. */
static void
encode(char out[3 * TARGET_MAX + 1], const char *name)
{
	for (; *name; name++) {
		bool plain = isalnum((unsigned char)*name) ||
			     strchr("-.:", *name);

		out += sprintf(out, plain ? "%c" : "%%%02X",
			       (unsigned char)*name);
	}
	*out = '\0';
}

/* One source of the section. */
static bool
give(struct config *c, const char *address, const char *lun)
{
	const struct section *s = &c->section;
	bool port = s->port[0] && *address && !has_port(address);
	char target[3 * TARGET_MAX + 1], url[URL_MAX];
	struct lun_error why = { 0 };

	encode(target, s->target);
	snprintf(url, sizeof(url), "%s%s%s%s%s%s%s%s%s%s", s->kind->scheme,
		 address, port ? ":" : "", port ? s->port : "",
		 *target ? "/" : "", target, lun ? "/" : "", lun ? lun : "",
		 s->scope[0] ? "?scope=" : "", s->scope);
	c->sources++;
	if (c->fn(c->user, url, s->options, &why) == 0)
		return true;
	c->code = fail(c->err, LUN_ESYS, "%s:%u:1: %s", c->path, s->number,
		       why.text);
	return false;
}

/* The section is complete: what it names. */
static bool
section_end(struct config *c)
{
	struct section *s = &c->section;
	bool source = s->kind && (s->kind->bit & S_SOURCE);
	bool good = true;

	if (source && s->addresses.n == 0 && !(s->kind->bit & S_FINDS)) {
		c->code = fail(c->err, LUN_ESYS, "%s:%u:1: [%s]: has no "
			       "address", c->path, s->number, s->kind->word);
		good = false;
	}
	if (good && source && s->addresses.n == 0)
		good = give(c, "", NULL);	/* whoever is there */
	for (size_t i = 0; good && source && i < s->addresses.n; i++) {
		good = s->luns.n > 0 || give(c, s->addresses.v[i], NULL);
		for (size_t j = 0; good && j < s->luns.n; j++)
			good = give(c, s->addresses.v[i], s->luns.v[j]);
	}
	section_drop(s);
	return good;
}

static const struct kind *
kind_of(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].word) == len &&
		    strncmp(kinds[i].word, word, len) == 0)
			return &kinds[i];
	return NULL;
}

static const char *
skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* What stands behind the word of a section: the name of a target, or a label
 * for people. */
static bool
take_label(struct config *c, const char *label, const char *end)
{
	struct lun_error why = { 0 };
	char name[LINE_LEN_MAX + 1];

	while (end > label && isspace((unsigned char)end[-1]))
		end--;
	if (c->section.kind->bit != S_TARGET)
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)(end - label), label);
	if (lun_iscsi_name(name, c->section.target, &why) == 0)
		return true;
	return complain(c, label, "%s", why.text);
}

/* "[word label]"; p is at the bracket. */
static bool
read_section(struct config *c, const char *p)
{
	const char *end = strchr(p, ']');
	const char *word = skip_space(p + 1);
	size_t len = strcspn(word, " \t]");

	if (!section_end(c))
		return false;
	if (!end)
		return complain(c, p, "a '[' without ']'");
	if (!strchr("#;", *skip_space(end + 1)))
		return complain(c, skip_space(end + 1), "text after the ']'");

	const struct kind *kind = kind_of(word, len);

	if (!kind)
		return complain(c, word, "no section of this kind: there are "
				"portal, target, isns, slp, options");
	if (++c->sections > SECTIONS_MAX)
		return complain(c, p, "more than %d sections", SECTIONS_MAX);
	return section_begin(c, kind) &&
	       take_label(c, skip_space(word + len), end);
}

/* ------------------------------------------------------------- values -- */

/* The word at p, up to the next "," or the end. */
static const char *
next_word(char word[WORD_MAX], const char *p)
{
	const char *start = skip_space(p);
	size_t len = strcspn(start, ","), trimmed = len;

	while (trimmed > 0 && isspace((unsigned char)start[trimmed - 1]))
		trimmed--;
	snprintf(word, WORD_MAX, "%.*s", (int)trimmed, start);
	return start + len + (start[len] == ',');
}

/* A word that stands behind this text in URLs: what is wrong with it is told
 * where it stands, not with the URL that is made of it at last. */
static bool
fits_in_url(struct config *c, const char *where, const char *before,
	    const char *word)
{
	char text[URL_MAX];
	struct lun_error why = { 0 };
	struct lun_url url;

	snprintf(text, sizeof(text), "%s%s", before, word);
	if (lun_url_parse(&url, text, &why) == 0)
		return true;

	/* "URL": what is wrong */
	const char *reason = strstr(why.text, "\": ");

	return complain(c, where, "%s", reason ? reason + 3 : why.text);
}

/* A list; where is the value within the line, before as above. */
static bool
add_words(struct config *c, struct words *list, const char *value,
	  const char *where, bool (*good)(const char *word), const char *what,
	  const char *before)
{
	const char *p = value;

	do {
		const char *at = where + (skip_space(p) - value);
		char word[WORD_MAX];

		p = next_word(word, p);
		if (!good(word))
			return complain(c, at, "\"%s\": is no %s", word, what);
		if (list->n == list->max)
			return complain(c, at, "more than %zu", list->max);
		if (!fits_in_url(c, at, before, word))
			return false;
		memcpy(list->v[list->n++], word, sizeof(word));
	} while (*p);
	return true;
}

/* The rest is checked with the URL that is made of it. */
static bool
is_address(const char *word)
{
	const char *end = *word == '[' ? strchr(word, ']') : word;

	return *word && end && !strpbrk(end, "/?#@%") &&
	       !strpbrk(word, "/?#@");
}

static bool
is_lun(const char *word)
{
	return *word && word[strspn(word, "0123456789abcdefABCDEF-")] == '\0';
}

static bool
is_port(const char *word)
{
	unsigned long n = strtoul(word, NULL, 10);

	return word[strspn(word, "0123456789")] == '\0' && n > 0 &&
	       n <= UINT16_MAX;
}

static bool
set_address(struct config *c, const char *value, const char *where)
{
	return add_words(c, &c->section.addresses, value, where, is_address,
			 "host[:port]", c->section.kind->scheme);
}

static bool
set_lun(struct config *c, const char *value, const char *where)
{
	return add_words(c, &c->section.luns, value, where, is_lun, "LUN",
			 "iscsi://h/iqn.2000-01.x:y/");
}

static bool
set_port(struct config *c, const char *value, const char *where)
{
	struct words one = { .max = 1, .v = &c->section.port };

	return add_words(c, &one, value, where, is_port,
			 "port: a number from 1 to 65535", "iscsi://h:");
}

static bool
set_scope(struct config *c, const char *value, const char *where)
{
	if (!*value || strlen(value) >= sizeof(c->section.scope))
		return complain(c, where, "no scopes");
	if (!fits_in_url(c, where, "slp://?scope=", value))
		return false;
	strcpy(c->section.scope, value);
	return true;
}

static struct lun_options *
options_here(struct config *c)
{
	return c->section.kind->bit == S_OPTIONS ? c->defaults
						 : c->section.options;
}

/* A file beside the list, with the checks that --credentials has. */
static bool
set_credentials(struct config *c, const char *value, const char *where)
{
	const char *slash = strrchr(c->path, '/');
	int dir = *value == '/' || !slash ? 0 : (int)(slash + 1 - c->path);
	struct lun_error why = { 0 };
	char *path;

	if (asprintf(&path, "%.*s%s", dir, c->path, value) < 0)
		return complain(c, where, "out of memory");

	int r = credentials_file(options_here(c), path, &why);

	free(path);
	return r == 0 ? true : complain(c, where, "%s", why.text);
}

static bool
set_secret(struct config *c, const char *value, const char *where)
{
	return complain(c, where, "a secret does not stand here, but in a file "
			"of its own: credentials = FILE");
}

static bool
set_proxy(struct config *c, const char *value, const char *where)
{
	struct lun_error why = { 0 };
	char copy[LINE_LEN_MAX + 1];

	snprintf(copy, sizeof(copy), "%s", value);
	if (lun_url_blank_password(copy))
		return set_secret(c, value, where);
	if (lun_options_set(options_here(c), "proxy", value, &why) == 0)
		return true;
	return complain(c, where, "%s", why.text);
}

/* What the command line made read-only stays so. */
static bool
set_read_only(struct config *c, const char *value, const char *where)
{
	struct lun_error why = { 0 };

	if (strcasecmp(value, "yes") != 0)
		return complain(c, where, "read-only: must be yes, or not "
				"there");
	return lun_options_set(options_here(c), "read-only", "yes", &why) == 0;
}

static const struct key {
	const char *name;
	unsigned sections;
	bool (*set)(struct config *c, const char *value, const char *where);
} keys[] = {
	{ "address",	 S_SOURCE,		set_address },
	{ "port",	 S_SOURCE,		set_port },
	{ "lun",	 S_TARGET,		set_lun },
	{ "scope",	 S_SLP,			set_scope },
	{ "credentials", S_SOURCE | S_OPTIONS,	set_credentials },
	{ "password",	 S_SOURCE | S_OPTIONS,	set_secret },
	{ "password-in", S_SOURCE | S_OPTIONS,	set_secret },
	{ "proxy",	 S_SOURCE | S_OPTIONS,	set_proxy },
	{ "read-only",	 S_SOURCE | S_OPTIONS,	set_read_only },
};

static bool
take_value(struct config *c, const char *name, const char *value)
{
	const char *at = skip_space(c->line);
	const char *where = skip_space(at + strcspn(at, "=:") + 1);
	struct lun_error why = { 0 };

	if (!c->section.kind)
		return complain(c, at, "\"%s\" stands in no section", name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, name) == 0 &&
		    (keys[i].sections & c->section.kind->bit))
			return keys[i].set(c, value, where);
	if (lun_options_set(options_here(c), name, value, &why) == 0)
		return true;
	return complain(c, strstr(why.text, "no such") ? at : where, "%s",
			why.text);
}

/* ------------------------------------------------------------- reading -- */

static int
on_value(void *user, const char *section, const char *name, const char *value)
{
	struct config *c = user;

	return c->code == 0 && take_value(c, name, value);
}

/*
 * The next line for libinih, without the space at its begin, which would make
 * it the continuation of the line before. Sections it does not get to see.
 */
static char *
next_line(char *out, int size, void *user)
{
	struct config *c = user;
	const char *p, *newline;
	size_t len;

	if (c->code != 0 || c->at == c->end)
		return NULL;
	c->number++;
	newline = memchr(c->at, '\n', (size_t)(c->end - c->at));
	len = (size_t)((newline ? newline : c->end) - c->at);
	snprintf(c->line, sizeof(c->line), "%.*s",
		 (int)(len < sizeof(c->line) ? len : LINE_LEN_MAX), c->at);
	if (memchr(c->at, '\0', len))
		complain(c, strchr(c->line, '\0'), "a NUL byte");
	else if (len > LINE_LEN_MAX)
		complain(c, c->line, "longer than %d bytes", LINE_LEN_MAX);
	c->at += len + (newline != NULL);
	p = skip_space(c->line);
	if (c->code == 0 && *p == '[') {
		read_section(c, p);
		p = "";
	}
	if (c->code != 0)
		return NULL;
	snprintf(out, (size_t)size, "%s\n", p);
	return out;
}

/* How libinih is to work: it has no other way to be told. */
static void
configure_ini(void)
{
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = LINE_LEN_MAX + 3;
	ini_allow_realloc = false;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
}

int
config_parse(const char *text, size_t len, const char *path,
	     const struct lun_options *options, config_source_fn *fn,
	     void *user, struct lun_error *err)
{
	struct config c = {
		.path = path, .fn = fn, .user = user, .err = err,
		.at = text, .end = text + len,
		.defaults = lun_options_clone(options),
	};

	if (!c.defaults)
		return fail(err, LUN_ENOMEM, "%s: out of memory", path);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		c.at += 3;		/* a byte order mark */
	configure_ini();

	int r = ini_parse_stream(next_line, &c, on_value, &c);

	if (c.code == 0 && r > 0)
		complain(&c, c.line, "neither [section] nor name = value");
	else if (c.code == 0 && r < 0)
		c.code = fail(err, LUN_ENOMEM, "%s: out of memory", path);
	if (c.code == 0 && section_end(&c) && c.sources == 0)
		c.code = fail(err, LUN_ESYS, "%s: names no portal and no "
			      "target", path);
	section_drop(&c.section);
	lun_options_free(c.defaults);
	return c.code;
}
