/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lease files: which kind it is, and the kinds of which each line has a value. */
#include "boot/lease.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "boot/dhcp.h"
#include "boot/lease-impl.h"

struct span
lease_line(struct lease_file *f)
{
	const char *nl = memchr(f->p, '\n', (size_t)(f->end - f->p));
	struct span line = { f->p, (size_t)((nl ? nl : f->end) - f->p) };

	f->p = nl ? nl + 1 : f->end;
	return line;
}

struct span
lease_behind(struct span line, const char *prefix)
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
read_lines(struct lease_file *f, const char *const names[2], value_fn *value)
{
	char path[BOOT_ROOT_PATH_MAX + 2];
	int r = BOOT_NOTHING;

	while (f->p < f->end && r == BOOT_NOTHING) {
		struct span line = lease_line(f);
		struct span v = lease_behind(line, names[0]);

		if (!v.p && names[1])
			v = lease_behind(line, names[1]);
		if (v.p)
			r = boot_add_root_path(f->b, path,
					       value(path, sizeof(path), v),
					       f->err);
	}
	return r;
}

/* ----------------------------------------------------------------- dhcpcd -- */

/* It keeps those of other networks, too: what is old may be of elsewhere. */
static bool
is_old(const struct lease_file *f, const struct dhcp_message *m)
{
	size_t len;
	const uint8_t *v = dhcp_get(m, OPT_LEASE_TIME, &len);

	return v && len == 4 && get32(v) != UINT32_MAX &&
	       f->now - f->written > get32(v);
}

static int
read_message(struct lease_file *f)
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
	struct lease_file f = { .p = text, .end = text + len };

	while (f.p < f.end)
		if (lease_behind(lease_line(&f), prefix).p)
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
	struct lease_file f = { text, text + len, now, written, b, err };

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
			      lease_read_dhclient(&f);
}
