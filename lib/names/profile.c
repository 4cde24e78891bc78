/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See profile.h. GNU libidn has the profile and its tables, which are those of
 * Unicode 3.2, as RFC 3722 3 wants. It works in place on an array of code
 * points, in the order map, normalize, prohibit, bidi (RFC 3454 3), and says
 * that it failed, but not where: that is found out here, by the same tables.
 */
#include "names/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "names/refuse.h"

enum {
	/*
	 * Code points while a name is being prepared. What outgrows this is
	 * too long for a name: a name has at most one for each of 223 bytes.
	 */
	WORK_MAX	= 2 * NAME_INPUT_MAX,
	STEPS_MAX	= 8,
	WHAT_MAX	= 40,
};

/* The string that is prepared. */
struct subject {
	const char *text;
	size_t len;
	uint32_t points[NAME_INPUT_MAX];
	size_t n;
	struct lun_error *err;
};

#define refuse(s, ...)                                                        \
	names_refuse((s)->err, LUN_EINVAL, (s)->text, (s)->len, __VA_ARGS__)

/* -------------------------------------------------- what is forbidden -- */

static const struct {
	const Stringprep_table_element *table;
	const char *name;
} tables[] = {
	{ stringprep_rfc3454_A_1,	"table A.1 of RFC 3454" },
	{ stringprep_rfc3454_C_1_1,	"table C.1.1 of RFC 3454" },
	{ stringprep_rfc3454_C_1_2,	"table C.1.2 of RFC 3454" },
	{ stringprep_rfc3454_C_2_1,	"table C.2.1 of RFC 3454" },
	{ stringprep_rfc3454_C_2_2,	"table C.2.2 of RFC 3454" },
	{ stringprep_rfc3454_C_3,	"table C.3 of RFC 3454" },
	{ stringprep_rfc3454_C_4,	"table C.4 of RFC 3454" },
	{ stringprep_rfc3454_C_5,	"table C.5 of RFC 3454" },
	{ stringprep_rfc3454_C_6,	"table C.6 of RFC 3454" },
	{ stringprep_rfc3454_C_7,	"table C.7 of RFC 3454" },
	{ stringprep_rfc3454_C_8,	"table C.8 of RFC 3454" },
	{ stringprep_rfc3454_C_9,	"table C.9 of RFC 3454" },
	{ stringprep_rfc3454_D_1,	"table D.1 of RFC 3454" },
	/* with U+3002, of 6.1 */
	{ stringprep_iscsi_prohibit,	"the list of RFC 3722 6" },
};

static bool
is_in(const Stringprep_profile *step, uint32_t c)
{
	for (size_t i = 0; i < step->table_size; i++) {
		const Stringprep_table_element *e = &step->table[i];

		if (c == e->start || (c >= e->start && c <= e->end))
			return true;
	}
	return false;
}

/* Which table of the profile's steps of this kind has c? NULL: none. */
static const char *
table_of(uint32_t c, Stringprep_profile_steps kind)
{
	for (const Stringprep_profile *p = stringprep_iscsi; p->operation; p++)
		for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
			if (p->operation == kind &&
			    p->table == tables[i].table && is_in(p, c))
				return tables[i].name;
	return NULL;
}

/* ------------------------------------------------------ where it stands -- */

/* The steps of the profile that change something, and no others. */
static void
mapping(Stringprep_profile out[STEPS_MAX])
{
	size_t n = 0;

	memset(out, 0, STEPS_MAX * sizeof(*out));
	for (const Stringprep_profile *p = stringprep_iscsi;
	     p->operation && n < STEPS_MAX - 1; p++)
		if (p->operation == STRINGPREP_MAP_TABLE ||
		    p->operation == STRINGPREP_NFKC)
			out[n++] = *p;
}

/* Maps and normalizes the first n points; the length, 0 if that fails. */
static size_t
map(uint32_t work[WORK_MAX], const struct subject *s, size_t n)
{
	Stringprep_profile steps[STEPS_MAX];
	size_t len = n;

	mapping(steps);
	memcpy(work, s->points, n * sizeof(*work));
	return stringprep_4i(work, &len, WORK_MAX, 0, steps) ? 0 : len;
}

/*
 * The point of the input that makes the one at this place of the result: the
 * first with which there is as much. Each adds to the result, or nothing.
 */
static size_t
origin(const struct subject *s, size_t place)
{
	size_t lo = 0, hi = s->n - 1;
	uint32_t work[WORK_MAX];

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (map(work, s, mid + 1) > place)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void
show(char out[WHAT_MAX], uint32_t c)
{
	bool ascii = c > ' ' && c < 0x7f;

	snprintf(out, WHAT_MAX, ascii ? "'%c'" : "U+%04X", c);
}

/* For the point of the input at index at, which becomes c. */
static int
refuse_point(const struct subject *s, size_t at, uint32_t c, const char *why,
	     const char *table)
{
	uint32_t point = s->points[at], skipped;
	char what[WHAT_MAX], result[WHAT_MAX];
	size_t byte = 0;

	for (size_t i = 0; i < at; i++)
		byte += str_utf8(s->text + byte, s->len - byte, &skipped);
	show(what, point);
	show(result, c);
	if (c == point)
		result[0] = '\0';
	return refuse(s, "%s%s%s%s %s: character %zu (U+%04X), byte %zu; %s",
		      what, *result ? " becomes " : "", result,
		      *result ? ", which" : "", why, at + 1, point, byte + 1,
		      table);
}

static int
refuse_unassigned(const struct subject *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *table = table_of(s->points[i],
					     STRINGPREP_UNASSIGNED_TABLE);

		if (table)
			return refuse_point(s, i, s->points[i], "is no "
					    "character of Unicode 3.2", table);
	}
	abort();	/* it is what libidn has looked for */
}

/* What is of this kind after mapping is not allowed. */
static int
refuse_result(const struct subject *s, Stringprep_profile_steps kind,
	      const char *why)
{
	uint32_t work[WORK_MAX];
	size_t len = map(work, s, s->n);

	for (size_t i = 0; i < len; i++) {
		const char *table = table_of(work[i], kind);

		if (table)
			return refuse_point(s, origin(s, i), work[i], why,
					    table);
	}
	return lun_fail(s->err, LUN_ENOMEM, "name: out of memory");
}

static int
refuse_for(const struct subject *s, int rc)
{
	switch (rc) {
	case STRINGPREP_CONTAINS_UNASSIGNED:
		return refuse_unassigned(s);
	case STRINGPREP_CONTAINS_PROHIBITED:
		return refuse_result(s, STRINGPREP_PROHIBIT_TABLE,
				     "is not allowed in a name");
	case STRINGPREP_BIDI_BOTH_L_AND_RAL:
	case STRINGPREP_BIDI_LEADTRAIL_NOT_RAL:
	case STRINGPREP_BIDI_CONTAINS_PROHIBITED:
		/* RFC 3722 7, and the type designator is left to right */
		return refuse_result(s, STRINGPREP_BIDI_RAL_TABLE,
				     "is written from right to left, and mixed "
				     "directions are not allowed in a name");
	case STRINGPREP_TOO_SMALL_BUFFER:
		return refuse(s, "longer than %d bytes", NAME_MAX_LEN);
	case STRINGPREP_NFKC_FAILED:
	case STRINGPREP_MALLOC_ERROR:
		return lun_fail(s->err, LUN_ENOMEM, "name: out of memory");
	}
	abort();	/* the rest are errors of the caller */
}

/* ------------------------------------------------------- the profile -- */

/* Decodes the text. RFC 3722 6: what is no UTF-8 is refused, not repaired. */
static int
decode(struct subject *s)
{
	if (s->len > NAME_INPUT_MAX)
		return refuse(s, "%zu bytes: a name has at most %d", s->len,
			      NAME_MAX_LEN);
	for (size_t byte = 0, used; byte < s->len; byte += used) {
		used = str_utf8(s->text + byte, s->len - byte,
				&s->points[s->n++]);
		if (used == 0)
			return refuse(s, "is not well-formed UTF-8: character "
				      "%zu, byte %zu (0x%02x)", s->n, byte + 1,
				      (unsigned char)s->text[byte]);
	}
	return 0;
}

static int
run(uint32_t work[WORK_MAX], size_t *len, const struct subject *s,
    Stringprep_profile_flags flags)
{
	memcpy(work, s->points, s->n * sizeof(*work));
	*len = s->n;

	int rc = stringprep_4i(work, len, WORK_MAX, flags, stringprep_iscsi);

	return rc == STRINGPREP_OK ? 0 : refuse_for(s, rc);
}

int
name_profile(const char *in, char out[NAME_MAX_LEN + 1], bool stored,
	     struct lun_error *err)
{
	struct subject s = { .text = in, .len = strlen(in), .err = err };
	uint32_t work[WORK_MAX];
	size_t len;
	int r = decode(&s);

	/* A run of its own, since in libidn this flag takes bidi away. */
	if (r == 0 && stored)
		r = run(work, &len, &s, STRINGPREP_NO_UNASSIGNED);
	if (r == 0)
		r = run(work, &len, &s, 0);
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
