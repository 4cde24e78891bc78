/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases of dhclient: statements in braces, appended to the file as they are
 * got, so that the last one of an interface counts.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "boot/dhcp.h"
#include "boot/lease-impl.h"

enum { LEASES_MAX = 64, IFACE_MAX = 16, VALUES = 4 };

/* An option as it came. */
struct value {
	size_t len;			/* 0: it did not, or makes no sense */
	uint8_t v[255];
};

/* One lease of the file; a later one of the same interface replaces it. */
struct lease {
	char iface[IFACE_MAX];
	bool has_path, expired;
	char path[BOOT_ROOT_PATH_MAX + 2];	/* one too many: too long */
	size_t len;
	struct value value[VALUES];
};

/*
 * A string in double quotes at *p, which is moved behind it. Bytes that can't
 * be printed are \ooo there. False: it does not end, or there is none.
 */
static bool
quoted(const char **p, const char *end, char *out, size_t size, size_t *len)
{
	const char *s = *p;
	size_t n = 0;

	if (s == end || *s++ != '"')
		return false;
	while (s < end && *s != '"') {
		unsigned c = (unsigned char)*s++;

		if (c == '\\' && end - s >= 3 && s[0] >= '0' && s[0] <= '3' &&
		    s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7') {
			c = (unsigned)((s[0] - '0') << 6 | (s[1] - '0') << 3 |
				       (s[2] - '0'));
			s += 3;
		} else if (c == '\\' && s < end) {
			c = (unsigned char)*s++;
		}
		if (n < size)
			out[n++] = (char)c;
	}
	if (s == end)
		return false;
	*p = s + 1;
	*len = n;
	return true;
}

/* "W Y/M/D h:m:s" in UTC, "epoch N ...", or "never". */
static bool
is_past(struct span v, int64_t now)
{
	char text[64];
	struct tm tm = { 0 };
	long long epoch;
	int day;

	snprintf(text, sizeof(text), "%.*s", (int)(v.len < 63 ? v.len : 63),
		 v.p);
	if (sscanf(text, "epoch %lld", &epoch) == 1)
		return epoch < now;
	if (sscanf(text, "%d %d/%d/%d %d:%d:%d", &day, &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 7 ||
	    tm.tm_year < 1900 || tm.tm_year > 9999)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) < now;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) && *p)
		p++;
	return p;
}

/* To the ";" that ends a statement, not those within quotes. */
static const char *
statement_end(const char *p, const char *end)
{
	bool in_quotes = false;

	for (; p < end; p++) {
		if (*p == '\\' && in_quotes && p + 1 < end)
			p++;
		else if (*p == '"')
			in_quotes = !in_quotes;
		else if (!in_quotes && (*p == ';' || *p == '}'))
			break;
	}
	return p;
}

/* "true" or "false"; p is moved behind it. */
static bool
read_flag(struct value *out, struct span *s)
{
	bool set = lease_behind(*s, "true").p;
	struct span rest = lease_behind(*s, set ? "true" : "false");

	if (!rest.p)
		return false;
	out->v[out->len++] = set;
	s->p = skip_blanks(rest.p, s->p + s->len);
	s->len = (size_t)(rest.p + rest.len - s->p);
	return true;
}

/* true 192.0.2.1, 192.0.2.2 */
static bool
read_agents(struct value *out, struct span s)
{
	if (!read_flag(out, &s))
		return false;
	while (s.len > 0) {
		char text[INET_ADDRSTRLEN];
		size_t n = 0;

		while (n < s.len && !strchr(", \t\r\n", s.p[n]))
			n++;
		if (n > 0) {
			snprintf(text, sizeof(text), "%.*s", (int)n, s.p);
			if (out->len + 4 > sizeof(out->v) ||
			    inet_pton(AF_INET, text, out->v + out->len) != 1)
				return false;
			out->len += 4;
		}
		n += n < s.len;
		s = (struct span){ s.p + n, s.len - n };
	}
	return true;
}

/* true "ONE,TWO" */
static bool
read_scopes(struct value *out, struct span s)
{
	size_t n = 0;

	if (!read_flag(out, &s))
		return false;
	if (s.len > 0 && !quoted(&s.p, s.p + s.len, (char *)out->v + 1,
				 sizeof(out->v) - 1, &n))
		return false;
	out->len += n;
	return true;
}

/* 0:1:c0, or in quotes if all of it can be printed */
static bool
read_bytes(struct value *out, struct span s)
{
	const char *end = s.p + s.len;

	if (s.len > 0 && *s.p == '"')
		return quoted(&s.p, end, (char *)out->v, sizeof(out->v),
			      &out->len);
	while (s.p < end) {
		char text[3] = { 0 };
		size_t n = 0;

		while (n < 2 && s.p < end && isxdigit((unsigned char)*s.p))
			text[n++] = *s.p++;
		if (n == 0 || out->len == sizeof(out->v) ||
		    (s.p < end && *s.p++ != ':'))
			return false;
		out->v[out->len++] = (uint8_t)strtoul(text, NULL, 16);
	}
	return true;
}

/* dhclient has no name for option 83, and asks only for what has one: who wants
 * it gives it one. A server may send it unasked. */
static const struct {
	const char *name;
	enum dhcp_option option;
	bool (*read)(struct value *out, struct span s);
} services[VALUES] = {
	{ "option slp-directory-agent ", OPT_SLP_AGENTS, read_agents },
	{ "option slp-service-scope ", OPT_SLP_SCOPES, read_scopes },
	{ "option unknown-83 ", OPT_ISNS, read_bytes },
	{ "option isns ", OPT_ISNS, read_bytes },
};

/* Nobody boots without them: one that makes no sense is left out. */
static void
take_services(struct lease *l, struct span s)
{
	for (size_t i = 0; i < VALUES; i++) {
		struct span v = lease_behind(s, services[i].name);
		struct value value = { 0 };

		if (v.p)
			l->value[i] = services[i].read(&value, v) ? value :
				      (struct value){ 0 };
	}
}

static int
bad_statement(const struct lease_file *f, const char *what)
{
	return lun_fail(f->err, LUN_EINVAL, "dhclient lease: %s: no string in "
			"quotes", what);
}

/* One statement of a lease, of those that matter. */
static int
take_statement(const struct lease_file *f, struct lease *l, struct span s)
{
	const char *end = s.p + s.len;
	struct span v;
	size_t len;

	if ((v = lease_behind(s, "interface ")).p) {
		if (!quoted(&v.p, end, l->iface, IFACE_MAX - 1, &len))
			return bad_statement(f, "interface");
		l->iface[len] = '\0';
	} else if ((v = lease_behind(s, "option root-path ")).p) {
		if (!quoted(&v.p, end, l->path, sizeof(l->path), &l->len))
			return bad_statement(f, "option root-path");
		l->has_path = true;
	} else if ((v = lease_behind(s, "expire ")).p) {
		l->expired = is_past(v, f->now);
	} else {
		take_services(l, s);
	}
	return 0;
}

/* What stands between the braces; f->p is behind the first one. */
static int
read_lease(struct lease_file *f, struct lease *l)
{
	*l = (struct lease){ .has_path = false };
	for (;;) {
		const char *s = skip_blanks(f->p, f->end);
		const char *end = statement_end(s, f->end);

		if (end == f->end)
			return lun_fail(f->err, LUN_EINVAL, "dhclient lease: "
					"it does not end with '}'");
		f->p = end + 1;
		if (*end == '}')
			return 0;

		int r = take_statement(f, l, (struct span){
			s, (size_t)(end - s) });

		if (r < 0)
			return r;
	}
}

static struct lease *
lease_of(struct lease *v, size_t *n, const struct lease *l)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(v[i].iface, l->iface) == 0)
			return &v[i];
	return *n < LEASES_MAX ? &v[(*n)++] : NULL;
}

static int
read_leases(struct lease_file *f, struct lease *v, size_t *n)
{
	struct lease l;

	while (f->p < f->end) {
		struct span line = lease_line(f);
		struct span v4 = lease_behind(line, "lease {");
		struct lease *to;
		int r;

		if (!v4.p)
			continue;
		f->p = v4.p;
		if ((r = read_lease(f, &l)) < 0)
			return r;
		if (!(to = lease_of(v, n, &l)))
			return lun_fail(f->err, LUN_EINVAL, "dhclient lease: "
					"more than %d interfaces", LEASES_MAX);
		*to = l;
	}
	return 0;
}

/* 0 or BOOT_NOTHING, or an error. */
static int
use_lease(struct lease_file *f, const struct lease *l)
{
	if (l->expired)
		return 0;
	for (size_t i = 0; i < VALUES; i++)
		dhcp_take_service(f->b, services[i].option, l->value[i].v,
				  l->value[i].len);
	return l->has_path ? boot_add_root_path(f->b, l->path, l->len, f->err) :
			     0;
}

int
lease_read_dhclient(struct lease_file *f)
{
	struct lease *v = calloc(LEASES_MAX, sizeof(*v));
	size_t n = 0, before = f->b->n_targets;
	int r = v ? read_leases(f, v, &n) :
		lun_fail(f->err, LUN_ENOMEM, "lease: out of memory");

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = use_lease(f, &v[i]);
	free(v);
	if (r < 0)
		return r;
	return f->b->n_targets > before ? 0 : BOOT_NOTHING;
}
