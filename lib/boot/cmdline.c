/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel command line: words, then two tables of parameters. */
#include "boot/cmdline.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/hash.h"

/* The fields of a login come first. */
enum field {
	USER = BOOT_USER, PASSWORD = BOOT_PASSWORD,
	USER_IN = BOOT_USER_IN, PASSWORD_IN = BOOT_PASSWORD_IN,
	SERVER = BOOT_LOGIN_FIELDS, PORT, TARGET, INITIATOR, FIELDS
};

static const struct {
	const char *name;
	enum field field;
} params[] = {
	{ "iscsi_target_ip",		SERVER },
	{ "iscsi_target_port",		PORT },
	{ "iscsi_target_name",		TARGET },
	{ "iscsi_initiator",		INITIATOR },
	{ "iscsi_username",		USER },
	{ "iscsi_password",		PASSWORD },
	{ "iscsi_in_username",		USER_IN },
	{ "iscsi_in_password",		PASSWORD_IN },
	{ "rd.iscsi.target.ip",		SERVER },
	{ "rd.iscsi.target.port",	PORT },
	{ "rd.iscsi.target.name",	TARGET },
	{ "rd.iscsi.initiator",		INITIATOR },
	{ "rd.iscsi.username",		USER },
	{ "rd.iscsi.password",		PASSWORD },
	{ "rd.iscsi.in.username",	USER_IN },
	{ "rd.iscsi.in.password",	PASSWORD_IN },
};

struct cmdline {
	struct boot_info *b;
	const char *field[FIELDS];	/* "" if it was not said */
	struct lun_error *err;
};

/*
 * The next word, its quotes taken away: blanks within quotes are part of it.
 * NULL at the end. Quotes are no more than that, as in the kernel.
 */
static char *
next_word(char **at)
{
	char *from = *at + strspn(*at, " \t\n"), *to = from, *word = from;
	bool quoted = false;

	if (!*from)
		return NULL;
	for (; *from && (quoted || !strchr(" \t\n", *from)); from++)
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	*at = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

/* ---------------------------------------------------------- the login -- */

static int
set_login(struct boot_target *t, const char *const *login,
	  struct lun_error *err)
{
	struct lun_error why;
	int r = boot_set_login(t, login, &why);

	return r < 0 ? lun_fail(err, r, "kernel command line: %s", why.text) :
		       0;
}

/* USER:SECRET[:USER:SECRET], cut up. */
static int
split_login(const char *v[BOOT_LOGIN_FIELDS], char *text,
	    struct lun_error *err)
{
	size_t n = 0;

	for (char *s = text; s; n++) {
		char *colon = strchr(s, ':');

		if (n == BOOT_LOGIN_FIELDS)
			return lun_fail(err, LUN_EINVAL, "kernel command line: "
					"netroot=iscsi: more than "
					"user:password:user:password before "
					"the '@'");
		if (colon)
			*colon++ = '\0';
		v[n] = s;
		s = colon;
	}
	return 0;
}

/* ---------------------------------------------------------- root paths -- */

/* Behind n more colons. NULL: there are not as many. */
static const char *
skip_fields(const char *s, size_t n)
{
	for (; n > 0 && s; n--) {
		s = strchr(s, ':');
		s = s ? s + 1 : NULL;
	}
	return s;
}

/*
 * Where an interface and a network device stand before the LUN, and are not
 * for us: behind server:proto:port: there is then no LUN:name, but they are
 * two fields later.
 */
static int
add_rest(struct cmdline *c, const char *s)
{
	const char *close = *s == '[' ? strchr(s, ']') : NULL;
	const char *lun = skip_fields(close ? close : s, 3), *behind = lun;
	const char *name = lun ? skip_fields(lun, 1) : NULL;

	if (name && !iscsi_name_begins(name)) {
		const char *later = skip_fields(name, 2);

		if (later && iscsi_name_begins(later))
			behind = skip_fields(lun, 2);
	}

	char path[BOOT_ROOT_PATH_MAX + 1];
	int len = behind ?
		snprintf(path, sizeof(path), "iscsi:%.*s%s", (int)(lun - s), s,
			 behind) :
		snprintf(path, sizeof(path), "iscsi:%s", s);

	if (len < 0 || (size_t)len >= sizeof(path))
		return lun_fail(c->err, LUN_EINVAL, "kernel command line: root "
				"path: longer than %d bytes",
				BOOT_ROOT_PATH_MAX);
	return boot_add_root_path(c->b, path, (size_t)len, c->err);
}

/*
 * The "@" behind a login; NULL: there is none. A password may hold "@", and a
 * name too: the last one before the name counts, if there is a name.
 */
static char *
login_end(char *value)
{
	const char *name = skip_fields(value, 4);

	while (name && !iscsi_name_begins(name))
		name = skip_fields(name, 1);
	return name ? memrchr(value, '@', (size_t)(name - value))
		    : strrchr(value, '@');
}

/* The value of netroot= or root=, if it is one for us. */
static int
add_root(struct cmdline *c, char *value)
{
	const char *login[BOOT_LOGIN_FIELDS] = { "", "", "", "" };
	int r = 0;

	if (strncmp(value, "iscsi:", 6) != 0)
		return 0;
	value += 6;

	char *at = login_end(value);

	if (at) {
		*at = '\0';
		r = split_login(login, value, c->err);
		value = at + 1;
	}
	if (r == 0)
		r = add_rest(c, value);
	return r == 0 && login[BOOT_USER][0] ?
	       set_login(&c->b->targets[c->b->n_targets - 1], login, c->err) : r;
}

/* ------------------------------------------------------------- fields -- */

/* The target that the single parameters name. */
static int
add_target(struct cmdline *c)
{
	char path[BOOT_ROOT_PATH_MAX + 1];
	bool v6 = strchr(c->field[SERVER], ':') && c->field[SERVER][0] != '[';
	int len = snprintf(path, sizeof(path), "iscsi:%s%s%s::%s::%s",
			   v6 ? "[" : "", c->field[SERVER], v6 ? "]" : "",
			   c->field[PORT], c->field[TARGET]);

	if (len < 0 || (size_t)len >= sizeof(path))
		return lun_fail(c->err, LUN_EINVAL, "kernel command line: "
				"target: longer than %d bytes",
				BOOT_ROOT_PATH_MAX);
	return boot_add_root_path(c->b, path, (size_t)len, c->err);
}

static int
take_word(struct cmdline *c, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(word, "netroot") == 0 || strcmp(word, "root") == 0)
		return add_root(c, value);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (strcmp(params[i].name, word) == 0)
			c->field[params[i].field] = value;
	return 0;
}

/* Who we are: to all targets that say nothing of their own. */
static int
take_identity(struct cmdline *c)
{
	struct lun_error why;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->b->n_targets; i++)
		if (!c->b->targets[i].url.username[0])
			r = set_login(&c->b->targets[i], c->field, c->err);
	if (r < 0 || !c->field[INITIATOR][0])
		return r;
	r = iscsi_name_prepare_stored(c->field[INITIATOR], c->b->initiator,
				      &why);
	return r < 0 ? lun_fail(c->err, r, "kernel command line: initiator %s",
				why.text) : 0;
}

int
boot_cmdline(struct boot_info *b, char *text, struct lun_error *err)
{
	struct cmdline c = { .b = b, .err = err };
	size_t before = b->n_targets;
	char *word;
	int r = 0;

	for (size_t i = 0; i < FIELDS; i++)
		c.field[i] = "";
	while (r == 0 && (word = next_word(&text)))
		r = take_word(&c, word);
	if (r == 0 && c.field[TARGET][0])
		r = add_target(&c);
	if (r < 0)
		return r;
	if (b->n_targets == before)
		return BOOT_NOTHING;
	return take_identity(&c);
}
