/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iSCSI names: the iSCSI profile of stringprep (by GNU libidn, whose tables are
 * those of Unicode 3.2, as RFC 3722 3 wants), then the syntax of the types.
 *
 * The profile works in place on an array of code points, in the order map,
 * normalize, prohibit, bidi (RFC 3454 3).
 */
#include "names/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "names/refuse.h"

enum {
	LABEL_MAX	= 63,	/* of a domain name, RFC 1035 2.3.4 */
	COMPONENT_MAX	= 255,	/* NAME_MAX of Linux */
	/*
	 * Code points while a name is being prepared. What outgrows this is
	 * too long for a name: a name has at most one for each of 223 bytes.
	 */
	WORK_MAX	= 2 * NAME_INPUT_MAX,
	ONE_MAX		= 32,	/* what one code point may become: 18 */
};

/* ----------------------------------------------------- the profile -- */

/* The first code point that fails in the same way by itself, or 0. */
static uint32_t
find_culprit(const uint32_t *points, size_t n, int rc,
	     Stringprep_profile_flags flags)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t one[ONE_MAX] = { points[i] };
		size_t len = 1;

		if (stringprep_4i(one, &len, ONE_MAX, flags,
				  stringprep_iscsi) == rc)
			return points[i];
	}
	return 0;
}

static int
profile_fail(struct lun_error *err, int rc, const char *in, uint32_t culprit)
{
	size_t len = strlen(in);

	switch (rc) {
	case STRINGPREP_CONTAINS_UNASSIGNED:
		return names_refuse(err, LUN_EINVAL, in, len,
				    "U+%04X is no character of Unicode 3.2",
				    culprit);
	case STRINGPREP_CONTAINS_PROHIBITED:
		if (culprit > ' ' && culprit < 0x7f)
			return names_refuse(err, LUN_EINVAL, in, len,
					    "'%c' is not allowed in a name",
					    (int)culprit);
		return names_refuse(err, LUN_EINVAL, in, len,
				    "U+%04X is not allowed in a name", culprit);
	case STRINGPREP_BIDI_BOTH_L_AND_RAL:
	case STRINGPREP_BIDI_LEADTRAIL_NOT_RAL:
	case STRINGPREP_BIDI_CONTAINS_PROHIBITED:
		/* RFC 3722 7, and the type designator is left to right */
		return names_refuse(err, LUN_EINVAL, in, len,
				    "mixed directions: a right-to-left "
				    "character is not allowed in a name");
	case STRINGPREP_TOO_SMALL_BUFFER:
		return names_refuse(err, LUN_EINVAL, in, len,
				    "longer than %d bytes", NAME_MAX_LEN);
	case STRINGPREP_NFKC_FAILED:
	case STRINGPREP_MALLOC_ERROR:
		return lun_fail(err, LUN_ENOMEM, "name: out of memory");
	}
	abort();	/* the rest are errors of the caller */
}

/* Runs the profile over n points into work; *len becomes its length. */
static int
run_profile(uint32_t work[WORK_MAX], size_t *len, const uint32_t *points,
	    size_t n, Stringprep_profile_flags flags, const char *in,
	    struct lun_error *err)
{
	memcpy(work, points, n * sizeof(*points));
	*len = n;

	int rc = stringprep_4i(work, len, WORK_MAX, flags, stringprep_iscsi);

	if (rc == STRINGPREP_OK)
		return 0;
	return profile_fail(err, rc, in, find_culprit(points, n, rc, flags));
}

static int
profile(const char *in, char out[NAME_MAX_LEN + 1], bool stored,
	struct lun_error *err)
{
	size_t in_len = strlen(in), n, len;
	int r = 0;

	if (in_len > NAME_INPUT_MAX)
		return names_refuse(err, LUN_EINVAL, in, in_len,
				    "longer than %d bytes", NAME_MAX_LEN);

	errno = 0;
	_cleanup_free_ uint32_t *points = stringprep_utf8_to_ucs4(
	    in, (ssize_t)in_len, &n);

	if (!points && errno == ENOMEM)
		return lun_fail(err, LUN_ENOMEM, "name: out of memory");
	if (!points)	/* RFC 3722 6: refused, not repaired */
		return names_refuse(err, LUN_EINVAL, in, in_len,
				    "is not well-formed UTF-8");

	uint32_t work[WORK_MAX];

	/* A run of its own, since in libidn this flag takes bidi away. */
	if (stored)
		r = run_profile(work, &len, points, n,
				STRINGPREP_NO_UNASSIGNED, in, err);
	if (r == 0)
		r = run_profile(work, &len, points, n, 0, in, err);
	if (r < 0)
		return r;

	_cleanup_free_ char *text = stringprep_ucs4_to_utf8(
	    work, (ssize_t)len, NULL, &len);

	if (!text)
		return lun_fail(err, LUN_ENOMEM, "name: out of memory");
	if (len > NAME_MAX_LEN)		/* RFC 7143 4.2.7.2 */
		return names_refuse(err, LUN_EINVAL, text, len,
				    "%zu bytes: a name has at most %d", len,
				    NAME_MAX_LEN);
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

/* ------------------------------------------------------ the syntax -- */

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdef"	/* prepared: lower case */

/* Dots between labels that are host name labels but for foreign letters. */
static const char *
domain_problem(const char *s)
{
	size_t end = strcspn(s, ":");

	for (size_t at = 0; at <= end;) {
		size_t len = strcspn(s + at, ".:");

		if (len == 0)
			return "its domain has an empty label";
		if (len > LABEL_MAX)
			return "its domain has a label of more than 63 bytes";
		if (s[at] == '-' || s[at + len - 1] == '-')
			return "its domain has a label that begins or ends "
			       "with '-'";
		at += len + 1;
	}
	return NULL;
}

/* yyyy-mm.reversed-domain[:string], RFC 7143 4.2.7.4 */
static const char *
iqn_problem(const char *s)
{
	if (strspn(s, DIGITS) != 4 || s[4] != '-' ||
	    strspn(s + 5, DIGITS) != 2 || (s[7] && s[7] != '.' && s[7] != ':'))
		return "after \"iqn.\" comes a date, yyyy-mm";

	int month = (s[5] - '0') * 10 + s[6] - '0';

	if (month < 1 || month > 12)
		return "the month of its date is not 01 to 12";
	if (s[7] != '.')
		return "after the date comes \".\" and a reversed domain name";
	return domain_problem(s + 8);
}

static const char *
eui_problem(const char *s)	/* RFC 7143 4.2.7.5 */
{
	if (strspn(s, HEX_DIGITS) != strlen(s) || strlen(s) != 16)
		return "after \"eui.\" come 16 hexadecimal digits";
	return NULL;
}

static const char *
naa_problem(const char *s)	/* RFC 7143 4.2.7.6 */
{
	if (strspn(s, HEX_DIGITS) != strlen(s) ||
	    (strlen(s) != 16 && strlen(s) != 32))
		return "after \"naa.\" come 16 or 32 hexadecimal digits";
	return NULL;
}

static const char *
fqn_problem(const char *s)	/* of a draft of 2001 */
{
	return "names of type \"fqn.\" are obsolete: it is iqn.yyyy-mm. now";
}

/* NULL, or what is wrong with a prepared text as name. RFC 7143 4.2.7.3 */
static const char *
syntax_problem(const char *name)
{
	static const struct {
		const char *designator;
		const char *(*problem)(const char *rest);
	} types[] = {
		{ "iqn.", iqn_problem },
		{ "eui.", eui_problem },
		{ "naa.", naa_problem },
		{ "fqn.", fqn_problem },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t len = strlen(types[i].designator);

		if (strncmp(name, types[i].designator, len) == 0)
			return types[i].problem(name + len);
	}
	return "a name begins with \"iqn.\", \"eui.\" or \"naa.\"";
}

static int
prepare(const char *in, char out[NAME_MAX_LEN + 1], bool stored,
	struct lun_error *err)
{
	char name[NAME_MAX_LEN + 1];
	int r = profile(in, name, stored, err);

	if (r < 0)
		return r;

	const char *problem = syntax_problem(name);

	if (problem)
		return names_refuse(err, LUN_EINVAL, name, strlen(name), "%s",
				    problem);
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
