/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lease files: a reader for each kind, over lines or statements. */
#include "boot/lease.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/error.h"
#include "boot/dhcp.h"

struct file {
	const char *p, *end;
	int64_t now, written;
	struct boot_info *b;
	struct lun_error *err;
};

struct span {
	const char *p;
	size_t len;
};

static struct span
next_line(struct file *f)
{
	const char *nl = memchr(f->p, '\n', (size_t)(f->end - f->p));
	struct span line = { f->p, (size_t)((nl ? nl : f->end) - f->p) };

	f->p = nl ? nl + 1 : f->end;
	return line;
}

/* What stands behind a prefix of the line; p is NULL if it does not have it. */
static struct span
behind(struct span line, const char *prefix)
{
	size_t n = strlen(prefix);

	if (line.len < n || memcmp(line.p, prefix, n) != 0)
		return (struct span){ NULL, 0 };
	return (struct span){ line.p + n, line.len - n };
}

/* ------------------------------------------------------ lines with values -- */

/* How a client writes the value of a line: what it means is cut to size, which
 * is then too long. */
typedef size_t value_fn(char *out, size_t size, struct span in);

/* systemd-networkd: as it is. */
static size_t
copy(char *out, size_t size, struct span in)
{
	size_t n = in.len < size ? in.len : size;

	memcpy(out, in.p, n);
	return n;
}

/* NetworkManager: the escapes of GLib's key files. */
static size_t
unescape_key_file(char *out, size_t size, struct span in)
{
	static const char from[] = "sntr\\", to[] = " \n\t\r\\";
	size_t n = 0;

	for (size_t i = 0; i < in.len && n < size; i++) {
		const char *e = NULL;

		if (in.p[i] == '\\' && i + 1 < in.len && in.p[i + 1])
			e = strchr(from, in.p[i + 1]);
		out[n++] = e ? to[e - from] : in.p[i];
		i += e != NULL;
	}
	return n;
}

/* klibc's ipconfig: a word of a shell in single quotes, 'it'\''s'. */
static size_t
unquote_shell(char *out, size_t size, struct span in)
{
	size_t n = 0;
	bool quoted = false;

	for (size_t i = 0; i < in.len && n < size; i++) {
		if (in.p[i] == '\'')
			quoted = !quoted;
		else if (!quoted && in.p[i] == '\\' && i + 1 < in.len)
			out[n++] = in.p[++i];
		else
			out[n++] = in.p[i];
	}
	return n;
}

/* The root path behind the first of these names that is one of iSCSI. */
static int
read_lines(struct file *f, const char *const names[2], value_fn *value)
{
	char path[BOOT_ROOT_PATH_MAX + 2];
	int r = BOOT_NOTHING;

	while (f->p < f->end && r == BOOT_NOTHING) {
		struct span line = next_line(f), v = behind(line, names[0]);

		if (!v.p && names[1])
			v = behind(line, names[1]);
		if (v.p)
			r = boot_add_root_path(f->b, path,
					       value(path, sizeof(path), v),
					       f->err);
	}
	return r;
}

/* --------------------------------------------------------------- dhclient -- */

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
	bool set = behind(*s, "true").p;
	struct span rest = behind(*s, set ? "true" : "false");

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
		struct span v = behind(s, services[i].name);
		struct value value = { 0 };

		if (v.p)
			l->value[i] = services[i].read(&value, v) ? value :
				      (struct value){ 0 };
	}
}

static int
bad_statement(const struct file *f, const char *what)
{
	return lun_fail(f->err, LUN_EINVAL, "dhclient lease: %s: no string in "
			"quotes", what);
}

/* One statement of a lease, of those that matter. */
static int
take_statement(const struct file *f, struct lease *l, struct span s)
{
	const char *end = s.p + s.len;
	struct span v;
	size_t len;

	if ((v = behind(s, "interface ")).p) {
		if (!quoted(&v.p, end, l->iface, IFACE_MAX - 1, &len))
			return bad_statement(f, "interface");
		l->iface[len] = '\0';
	} else if ((v = behind(s, "option root-path ")).p) {
		if (!quoted(&v.p, end, l->path, sizeof(l->path), &l->len))
			return bad_statement(f, "option root-path");
		l->has_path = true;
	} else if ((v = behind(s, "expire ")).p) {
		l->expired = is_past(v, f->now);
	} else {
		take_services(l, s);
	}
	return 0;
}

/* What stands between the braces; f->p is behind the first one. */
static int
read_lease(struct file *f, struct lease *l)
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

		int r = take_statement(f, l, (struct span){ s, (size_t)(end - s) });

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
read_leases(struct file *f, struct lease *v, size_t *n)
{
	struct lease l;

	while (f->p < f->end) {
		struct span line = next_line(f);
		struct span v4 = behind(line, "lease {");
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
use_lease(struct file *f, const struct lease *l)
{
	if (l->expired)
		return 0;
	for (size_t i = 0; i < VALUES; i++)
		dhcp_take_service(f->b, services[i].option, l->value[i].v,
				  l->value[i].len);
	return l->has_path ? boot_add_root_path(f->b, l->path, l->len, f->err) :
			     0;
}

static int
read_dhclient(struct file *f)
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

/* ----------------------------------------------------------------- dhcpcd -- */

/* It keeps those of other networks, too: what is old may be of elsewhere. */
static bool
is_old(const struct file *f, const struct dhcp_message *m)
{
	size_t len;
	const uint8_t *v = dhcp_get(m, OPT_LEASE_TIME, &len);

	return v && len == 4 && get32(v) != UINT32_MAX &&
	       f->now - f->written > get32(v);
}

static int
read_message(struct file *f)
{
	struct dhcp_message m;
	int r = dhcp_parse(&m, (const uint8_t *)f->p, (size_t)(f->end - f->p),
			   f->err);

	if (r < 0)
		return r;
	return is_old(f, &m) ? BOOT_NOTHING : dhcp_boot_info(&m, f->b, f->err);
}

/* ------------------------------------------------------------------ kinds -- */

static bool
has_line(const char *text, size_t len, const char *prefix)
{
	struct file f = { .p = text, .end = text + len };

	while (f.p < f.end)
		if (behind(next_line(&f), prefix).p)
			return true;
	return false;
}

/* In this order; a mark is the beginning of some line. */
static const struct kind {
	const char *name;
	const char *marks[2];
	const char *root_paths[2];	/* a line that has one begins so */
	value_fn *value;		/* NULL: the statements of dhclient */
} kinds[] = {
	{ "dhclient", { "lease {", "default-duid " }, { NULL }, NULL },
	{ "NetworkManager", { "[device]", "[dhcp4]" },
	  { "root-path=", "dhcp4.root_path=" }, unescape_key_file },
	{ "ipconfig", { "DEVICE=", "PROTO=" }, { "ROOTPATH=" },
	  unquote_shell },
	{ "systemd-networkd", { "ADDRESS=", "ROOT_PATH=" }, { "ROOT_PATH=" },
	  copy },
};

/* NULL: it is of no kind that we know. */
static const struct kind *
kind_of(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (int k = 0; k < 2; k++)
			if (has_line(text, len, kinds[i].marks[k]))
				return &kinds[i];
	return NULL;
}

int
boot_lease(struct boot_info *b, const char *text, size_t len, int64_t now,
	   int64_t written, const char **kind, struct lun_error *err)
{
	struct file f = { text, text + len, now, written, b, err };

	if (dhcp_is_message(text, len)) {
		if (kind)
			*kind = "dhcpcd";
		return read_message(&f);
	}

	const struct kind *known = kind_of(text, len);

	if (!known)
		return len == 0 ? BOOT_NOTHING :
			lun_fail(err, LUN_EINVAL, "not a lease of "
				 "systemd-networkd, NetworkManager, dhclient, "
				 "ipconfig or dhcpcd");
	if (kind)
		*kind = known->name;
	return known->value ? read_lines(&f, known->root_paths, known->value) :
			      read_dhclient(&f);
}
