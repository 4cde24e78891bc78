/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iSCSI names: the iSCSI profile of stringprep, then the syntax of a type. */
#include "names/name.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "names/profile.h"
#include "names/refuse.h"

enum {
	LABEL_MAX	= 63,	/* of a domain name, RFC 1035 2.3.4 */
	COMPONENT_MAX	= 255,	/* NAME_MAX of Linux */
	PROBLEM_MAX	= 120,
};

/* ------------------------------------------------------ the syntax -- */

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdef"	/* prepared: lower case */

/* What is wrong with a name, as a sentence. */
struct problem {
	char text[PROBLEM_MAX];		/* "" if nothing */
};

#define problem(p, ...) snprintf((p)->text, sizeof((p)->text), __VA_ARGS__)

/* Dots between labels that are host name labels but for foreign letters. */
static void
check_domain(struct problem *p, const char *s)
{
	size_t end = strcspn(s, ":");

	for (size_t at = 0; at <= end;) {
		size_t len = strcspn(s + at, ".:");

		if (len == 0) {
			problem(p, "its domain has an empty label");
			return;
		}
		if (len > LABEL_MAX) {
			problem(p, "its domain has a label of %zu bytes, more "
				"than %d", len, LABEL_MAX);
			return;
		}
		if (s[at] == '-' || s[at + len - 1] == '-') {
			problem(p, "its domain has a label that begins or ends "
				"with '-'");
			return;
		}
		at += len + 1;
	}
}

/* yyyy-mm.reversed-domain[:string], RFC 7143 4.2.7.4 */
static void
check_iqn(struct problem *p, const char *s)
{
	if (strspn(s, DIGITS) != 4 || s[4] != '-' ||
	    strspn(s + 5, DIGITS) != 2 || (s[7] && s[7] != '.' && s[7] != ':')) {
		problem(p, "after \"iqn.\" comes a date, yyyy-mm");
		return;
	}

	int month = (s[5] - '0') * 10 + s[6] - '0';

	if (month < 1 || month > 12)
		problem(p, "the month of its date is %02d, not 01 to 12",
			month);
	else if (s[7] != '.')
		problem(p, "after the date comes \".\" and a reversed domain "
			"name");
	else
		check_domain(p, s + 8);
}

/* So many hexadecimal digits; longer is another number that may be. */
static void
check_hex(struct problem *p, const char *s, size_t digits, size_t longer,
	  const char *want)
{
	size_t hex = strspn(s, HEX_DIGITS), len = strlen(s);
	uint32_t skipped;
	int bad = (int)str_utf8(s + hex, len - hex, &skipped);

	if (hex < len)
		problem(p, "after \"%s: '%.*s' is none", want, bad, s + hex);
	else if (len != digits && len != longer)
		problem(p, "after \"%s, not %zu", want, len);
}

static void
check_eui(struct problem *p, const char *s)	/* RFC 7143 4.2.7.5 */
{
	check_hex(p, s, 16, 16, "eui.\" come 16 hexadecimal digits");
}

static void
check_naa(struct problem *p, const char *s)	/* RFC 7143 4.2.7.6 */
{
	check_hex(p, s, 16, 32, "naa.\" come 16 or 32 hexadecimal digits");
}

static void
check_fqn(struct problem *p, const char *s)	/* of a draft of 2001 */
{
	problem(p, "names of type \"fqn.\" are obsolete: it is iqn.yyyy-mm. "
		"now");
}

/* What is wrong with a prepared text as name. RFC 7143 4.2.7.3 */
static void
check_syntax(struct problem *p, const char *name)
{
	static const struct {
		const char *designator;
		void (*check)(struct problem *p, const char *rest);
	} types[] = {
		{ "iqn.", check_iqn },
		{ "eui.", check_eui },
		{ "naa.", check_naa },
		{ "fqn.", check_fqn },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t len = strlen(types[i].designator);

		if (strncmp(name, types[i].designator, len) == 0) {
			types[i].check(p, name + len);
			return;
		}
	}
	if (strcmp(name, "iscsi") == 0)		/* of the same draft */
		problem(p, "the canonical target of a draft of 2001 is "
			"obsolete: discovery needs no name now");
	else
		problem(p, "a name begins with \"iqn.\", \"eui.\" or \"naa.\"");
}

static int
prepare(const char *in, char out[NAME_MAX_LEN + 1], bool stored,
	struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1];
	struct problem why = { "" };
	int r = name_profile(in, name, stored, err);

	if (r < 0)
		return r;
	check_syntax(&why, name);
	if (why.text[0])
		return names_refuse(err, LUN_EINVAL, name, strlen(name), "%s",
				    why.text);
	strcpy(out, name);
	return 0;
}

/* ----------------------------------------------------------- calls -- */

int
iscsi_name_check(const char *name, size_t len, struct lun_error *err)
{
	char text[NAME_MAX_LEN + 1], prepared[NAME_MAX_LEN + 1];

	if (len > NAME_MAX_LEN)
		return names_refuse(err, LUN_EINVAL, name, len,
				    "%zu bytes: a name has at most %d", len,
				    NAME_MAX_LEN);
	if (len > 0 && memchr(name, '\0', len))
		return names_refuse(err, LUN_EINVAL, name, len,
				    "a null is not allowed in a name");
	memcpy(text, name, len);
	text[len] = '\0';

	int r = prepare(text, prepared, false, err);

	if (r < 0)
		return r;
	if (strcmp(text, prepared) != 0)
		return names_refuse(err, LUN_EINVAL, name, len,
				    "is not in the prepared form of RFC 3722 "
				    "(lower case, normalized)");
	return 0;
}

int
iscsi_name_prepare(const char *in, char out[NAME_MAX_LEN + 1],
		   struct lun_error *err)
{
	return prepare(in, out, false, err);
}

int
iscsi_name_prepare_stored(const char *in, char out[NAME_MAX_LEN + 1],
			  struct lun_error *err)
{
	return prepare(in, out, true, err);
}

bool
iscsi_name_begins(const char *text)
{
	return strncasecmp(text, "iqn.", 4) == 0 ||
	       strncasecmp(text, "eui.", 4) == 0 ||
	       strncasecmp(text, "naa.", 4) == 0;
}

bool
iscsi_name_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool
iscsi_name_safe_component(const char *name)
{
	size_t len = strnlen(name, COMPONENT_MAX + 1);

	if (len == 0 || len > COMPONENT_MAX || strchr(name, '/') ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	/* What can be shown as it is, is no danger in a listing either. */
	return str_is_harmless(name, len);
}
