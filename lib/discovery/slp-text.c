/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Escapes, lists, attributes and predicates of SLP: see slp-text.h. */
#include "discovery/slp-text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "lun.h"

/* RFC 2608 5 has the first ones, and 8.1 the star of searches; scopes (6.4.1)
 * have some more. Control characters are reserved everywhere. */
#define RESERVED	"(),\\!<=>~"
#define IN_VALUES	RESERVED "*"
#define IN_SCOPES	RESERVED ";*+"

/* Values longer than this are not ours, and need not be compared. */
enum { COMPARED_MAX = 1024 };

/* ------------------------------------------------------------- escapes -- */

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static void
add_escaped(struct str *out, const char *text, const char *reserved)
{
	for (; *text; text++) {
		if (is_control(*text) || strchr(reserved, *text))
			str_add(out, "\\%02x", (unsigned char)*text);
		else
			str_add_bytes(out, text, 1);
	}
}

void
slp_add_value(struct str *out, const char *value)
{
	add_escaped(out, value, IN_VALUES);
}

void
slp_add_scope(struct str *out, const char *scope)
{
	add_escaped(out, scope, IN_SCOPES);
}

static bool
is_opaque(struct slp_text in)
{
	return in.len >= 3 && strncasecmp(in.p, "\\ff", 3) == 0;
}

bool
slp_unescape(char *out, size_t size, struct slp_text in)
{
	size_t n = 0;

	if (is_opaque(in))
		return false;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '\\') {
			int hi = i + 2 < in.len ? hex_digit(in.p[i + 1]) : -1;
			int lo = i + 2 < in.len ? hex_digit(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	if (size == 0)
		return false;
	out[n] = '\0';
	return true;
}

/* ---------------------------------------------------------- comparison -- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *
skip_spaces(const char *s)
{
	while (is_space(*s))
		s++;
	return s;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* RFC 2608 6.4: white space at the ends is ignored, and folded within. */
static bool
matches(const char *a, const char *b)
{
	a = skip_spaces(a);
	b = skip_spaces(b);
	while (*a && *b) {
		bool space = is_space(*a);

		if (space != is_space(*b) || (!space && lower(*a) != lower(*b)))
			break;
		a = space ? skip_spaces(a) : a + 1;
		b = space ? skip_spaces(b) : b + 1;
	}
	return !*skip_spaces(a) && !*skip_spaces(b);
}

bool
slp_text_is(struct slp_text in, const char *text)
{
	char plain[COMPARED_MAX];

	return slp_unescape(plain, sizeof(plain), in) && matches(plain, text);
}

/* --------------------------------------------------------------- lists -- */

/* Up to c, or to the end. */
static struct slp_text
until(struct slp_text in, char c)
{
	const char *end = in.len > 0 ? memchr(in.p, c, in.len) : NULL;

	return end ? (struct slp_text){ in.p, (size_t)(end - in.p) } : in;
}

bool
slp_list_next(struct slp_text list, size_t *pos, struct slp_text *element)
{
	/* pos is behind the comma before; one behind the end when all is done */
	if (list.len == 0 || *pos > list.len)
		return false;
	*element = until((struct slp_text){ list.p + *pos, list.len - *pos },
			 ',');
	*pos += element->len + 1;
	return true;
}

/* ---------------------------------------------------------- attributes -- */

/* "(tag=value,value)": rest begins behind the parenthesis. How much of it this
 * attribute takes, or 0 if it is none. */
static size_t
read_pair(struct slp_text rest, struct slp_attr *attr)
{
	struct slp_text inside = until(rest, ')');

	if (inside.len == rest.len)
		return 0;
	attr->tag = until(inside, '=');
	if (attr->tag.len == inside.len)
		return 0;
	attr->values = (struct slp_text){ inside.p + attr->tag.len + 1,
					  inside.len - attr->tag.len - 1 };
	return inside.len + 1;
}

int
slp_attr_next(struct slp_text list, size_t *pos, struct slp_attr *attr)
{
	struct slp_text rest;
	size_t used;

	if (list.len == 0 || *pos > list.len)
		return 0;
	rest = (struct slp_text){ list.p + *pos, list.len - *pos };
	*attr = (struct slp_attr){ 0 };
	if (rest.len > 0 && *rest.p == '(') {
		rest.p++;
		rest.len--;
		used = read_pair(rest, attr) + 1;
		if (used == 1)
			return LUN_EPROTO;
	} else {
		attr->tag = until(rest, ',');
		used = attr->tag.len;
	}
	if (attr->tag.len == 0)
		return LUN_EPROTO;
	*pos += used;
	if (*pos < list.len && list.p[*pos] != ',')
		return LUN_EPROTO;
	++*pos;
	return 1;
}

static bool
find(struct slp_text list, const char *tag, struct slp_attr *attr)
{
	size_t pos = 0;

	while (slp_attr_next(list, &pos, attr) == 1)
		if (slp_text_is(attr->tag, tag))
			return true;
	return false;
}

bool
slp_attr_text(struct slp_text list, const char *tag, char *out, size_t size)
{
	struct slp_attr attr;
	struct slp_text value;
	size_t pos = 0;

	return find(list, tag, &attr) &&
	       slp_list_next(attr.values, &pos, &value) &&
	       slp_unescape(out, size, value);
}

bool
slp_attr_number(struct slp_text list, const char *tag, long max, long *out)
{
	char text[16], *end;

	if (!slp_attr_text(list, tag, text, sizeof(text)))
		return false;

	const char *begin = skip_spaces(text);
	long v = strtol(begin, &end, 10);

	if (*begin < '0' || *begin > '9' || *skip_spaces(end) || v > max)
		return false;
	*out = v;
	return true;
}

int
slp_attr_has(struct slp_text list, const char *tag, const char *value)
{
	struct slp_attr attr;
	struct slp_text v;
	size_t pos = 0;

	if (!find(list, tag, &attr))
		return -1;
	while (slp_list_next(attr.values, &pos, &v))
		if (slp_text_is(v, value))
			return 1;
	return 0;
}

/* ---------------------------------------------------------- predicates -- */

void
slp_add_equal(struct str *out, const char *tag, const char *value)
{
	str_add(out, "(%s=", tag);
	slp_add_value(out, value);
	str_add(out, ")");
}

static void
add_or_any(struct str *out, const char *tag, const char *prefix,
	   const char *value)
{
	str_add(out, "(|(%s=%s", tag, prefix);
	slp_add_value(out, value);
	str_add(out, ")(%s=any))", tag);
}

/* "&(a)(b)" of RFC 4018 is no filter, and would ask for both values. */
void
slp_add_access(struct str *out, const char *name, const char *chap_user)
{
	if (chap_user)
		str_add(out, "(&");
	add_or_any(out, "auth-name", "", name);
	if (chap_user) {
		add_or_any(out, "auth-cred", "chap/", chap_user);
		str_add(out, ")");
	}
}
