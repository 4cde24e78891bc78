/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The iBFT: offsets and lengths are the firmware's, and are not believed. */
#include "boot/ibft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

enum {
	HEADER_LEN	= 48,
	ID_CONTROL	= 1,	CONTROL_LEN	= 18,
	ID_INITIATOR	= 2,	INITIATOR_LEN	= 74,
	ID_TARGET	= 4,	TARGET_LEN	= 54,
	VALID		= 1,	BOOTED		= 2,	/* flags */
	TARGETS		= 2,
};

/* A target before it is checked, from either form. */
struct raw {
	bool booted;
	uint8_t address[16];		/* all zeroes: not known */
	uint16_t port;
	uint64_t lun;
	char name[IBFT_TEXT_MAX];
	char login[BOOT_LOGIN_FIELDS][IBFT_TEXT_MAX];
};

/* ------------------------------------------- from either, what is taken -- */

static bool
is_zero(const uint8_t a[16])
{
	static const uint8_t none[16];

	return memcmp(a, none, 16) == 0;
}

static void
add_server(struct boot_info *b, enum boot_service_kind kind,
	   const uint8_t address[16])
{
	struct portal p = { .tpgt = -1,
			    .port = kind == BOOT_ISNS ? LUN_ISNS_PORT :
				    LUN_SLP_PORT };

	if (is_zero(address))
		return;
	portal_print_host16(address, p.host);
	boot_add_service(b, kind, &p);
}

static int
read_target(struct boot_target *t, const struct raw *raw, int number,
	    struct lun_error *err)
{
	const char *login[BOOT_LOGIN_FIELDS];
	struct lun_error why;
	int r = iscsi_name_prepare(raw->name, t->url.target, &why);

	for (size_t i = 0; i < BOOT_LOGIN_FIELDS; i++)
		login[i] = raw->login[i];
	if (r == 0)
		r = boot_set_login(t, login, &why);
	if (r < 0)
		return lun_fail(err, r, "iBFT: target %d: %s", number,
				why.text);
	if (t->url.kind == LUN_URL_LUN)
		portal_print_host16(raw->address, t->url.host);
	return 0;
}

static int
add_target(struct boot_info *b, const struct raw *raw, int number,
	   struct lun_error *err)
{
	struct boot_target t = {
		.url = { .kind = is_zero(raw->address) ? LUN_URL_UNLOCATED :
							 LUN_URL_LUN,
			 .port = raw->port, .lun = raw->lun },
	};
	int r = read_target(&t, raw, number, err);

	if (r == 0 && b->n_targets == BOOT_TARGETS_MAX)
		r = lun_fail(err, LUN_ENOMEM, "iBFT: too many targets");
	if (r == 0)
		b->targets[b->n_targets++] = t;
	secret_wipe(&t, sizeof(t));
	return r;
}

/* Those that are there, those that the firmware booted from first. */
static int
add_targets(struct boot_info *b, const struct raw raw[TARGETS],
	    const bool there[TARGETS], struct lun_error *err)
{
	size_t before = b->n_targets;
	int r = 0;

	for (int booted = 1; booted >= 0; booted--)
		for (int i = 0; r == 0 && i < TARGETS; i++)
			if (there[i] && raw[i].booted == booted)
				r = add_target(b, &raw[i], i, err);
	return r < 0 ? r : b->n_targets > before ? 0 : BOOT_NOTHING;
}

static int
take_initiator(struct boot_info *b, const char *name, struct lun_error *err)
{
	struct lun_error why;
	int r = *name ? iscsi_name_prepare_stored(name, b->initiator, &why) : 0;

	return r < 0 ? lun_fail(err, r, "iBFT: initiator %s", why.text) : 0;
}

/* ------------------------------------------------------------ the table -- */

static uint16_t
le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

struct table {
	const uint8_t *p;
	size_t len;
	struct lun_error *err;
};

/* The structure at an offset. NULL: it is not one of this kind. */
static const uint8_t *
structure(const struct table *t, size_t offset, int id, size_t len)
{
	const uint8_t *s = t->p + offset;

	if (offset < HEADER_LEN || offset > t->len || t->len - offset < len ||
	    s[0] != id || s[1] != 1 || le16(s + 2) < len) {
		lun_fail(t->err, LUN_EINVAL, "iBFT: no structure of type %d "
			 "with %zu bytes at offset %zu (of %zu)", id, len,
			 offset, t->len);
		return NULL;
	}
	return s;
}

/* A string by its length and offset; "" if there is none. */
static int
string(const struct table *t, const uint8_t *at, const char *what,
       char out[IBFT_TEXT_MAX])
{
	size_t len = le16(at), offset = le16(at + 2);

	if (len == 0 || offset == 0) {
		out[0] = '\0';
		return 0;
	}
	if (offset > t->len || t->len - offset < len || len >= IBFT_TEXT_MAX)
		return lun_fail(t->err, LUN_EINVAL, "iBFT: %s: %zu bytes at "
				"offset %zu (of %zu)", what, len, offset,
				t->len);
	memcpy(out, t->p + offset, len);
	out[len] = '\0';
	if (strlen(out) != len)
		return lun_fail(t->err, LUN_EINVAL, "iBFT: %s: a null within "
				"it", what);
	return 0;
}

static int
table_initiator(const struct table *t, struct boot_info *b, size_t offset)
{
	char name[IBFT_TEXT_MAX];
	const uint8_t *s = structure(t, offset, ID_INITIATOR, INITIATOR_LEN);

	if (!s)
		return LUN_EINVAL;
	if (!(s[5] & VALID))
		return 0;
	add_server(b, BOOT_ISNS, s + 6);
	add_server(b, BOOT_SLP, s + 22);

	int r = string(t, s + 70, "initiator name", name);

	return r < 0 ? r : take_initiator(b, name, t->err);
}

static int
table_target(const struct table *t, struct raw *raw, bool *there, size_t offset)
{
	static const char *const names[BOOT_LOGIN_FIELDS] = {
		[BOOT_USER] = "CHAP name",
		[BOOT_PASSWORD] = "CHAP secret",
		[BOOT_USER_IN] = "reverse CHAP name",
		[BOOT_PASSWORD_IN] = "reverse CHAP secret",
	};
	const uint8_t *s = structure(t, offset, ID_TARGET, TARGET_LEN);

	if (!s)
		return LUN_EINVAL;
	if (!(s[5] & VALID))
		return 0;
	*there = true;
	raw->booted = s[5] & BOOTED;
	memcpy(raw->address, s + 6, 16);
	raw->port = le16(s + 22);
	raw->lun = get64(s + 24);

	int r = string(t, s + 34, "target name", raw->name);
	int n = s[32] == 0 ? 0 : s[32] == 1 ? 2 : 4;	/* none, CHAP, mutual */

	for (int i = 0; r == 0 && i < n; i++)
		r = string(t, s + 38 + 4 * i, names[i], raw->login[i]);
	return r;
}

static int
check_header(const uint8_t *p, size_t *len, struct lun_error *err)
{
	uint8_t sum = 0;

	if (*len < HEADER_LEN || memcmp(p, "iBFT", 4) != 0)
		return lun_fail(err, LUN_EINVAL, "iBFT: no such table in %zu "
				"bytes", *len);
	if (le32(p + 4) < HEADER_LEN || le32(p + 4) > *len)
		return lun_fail(err, LUN_EINVAL, "iBFT: its length %u: there "
				"are %zu bytes", le32(p + 4), *len);
	if (p[8] != 1)
		return lun_fail(err, LUN_EINVAL, "iBFT: its revision %u: only "
				"1 is known", p[8]);
	*len = le32(p + 4);
	for (size_t i = 0; i < *len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0 ? 0 : lun_fail(err, LUN_EINVAL, "iBFT: its bytes add up "
				       "to %u instead of 0", sum);
}

int
boot_ibft_table(struct boot_info *b, const uint8_t *p, size_t len,
		struct lun_error *err)
{
	int r = check_header(p, &len, err);
	struct table t = { p, len, err };
	const uint8_t *control = r < 0 ? NULL :
		structure(&t, HEADER_LEN, ID_CONTROL, CONTROL_LEN);
	/* offsets: extensions, initiator, NIC 0, target 0, NIC 1, target 1 */
	const size_t initiator = control ? le16(control + 8) : 0;

	if (!control)
		return LUN_EINVAL;

	struct raw *raw = calloc(TARGETS, sizeof(*raw));
	bool there[TARGETS] = { false };

	if (!raw)
		return lun_fail(err, LUN_ENOMEM, "iBFT: out of memory");
	for (int i = 0; r == 0 && i < TARGETS; i++) {
		size_t offset = le16(control + 12 + 4 * i);

		if (offset != 0)
			r = table_target(&t, &raw[i], &there[i], offset);
	}
	if (r == 0 && initiator != 0)
		r = table_initiator(&t, b, initiator);
	if (r == 0)
		r = add_targets(b, raw, there, err);
	secret_wipe(raw, TARGETS * sizeof(*raw));
	free(raw);
	return r;
}

/* -------------------------------------------------------- the directory -- */

/*
 * The kernel prints each byte of a LUN as hexadecimal number without padding
 * ("01000000" is LUN 1), so several LUNs may look the same. How many do that
 * have these digits; *lun becomes the last one.
 */
static unsigned
lun_readings(const char *s, int bytes, uint64_t lun, uint64_t *out)
{
	int first = hex_digit(s[0]), second = first < 0 ? -1 : hex_digit(s[1]);
	unsigned n = 0;

	if (bytes == 0) {
		if (*s == '\0')
			*out = lun;
		return *s == '\0';
	}
	if (first < 0)
		return 0;
	n += lun_readings(s + 1, bytes - 1, lun << 8 | (unsigned)first, out);
	if (first > 0 && second >= 0)
		n += lun_readings(s + 2, bytes - 1, lun << 8 |
				  (unsigned)first << 4 | (unsigned)second, out);
	return n;
}

static int
text_lun(const char *text, uint64_t *lun, struct lun_error *err)
{
	unsigned n = lun_readings(text, 8, 0, lun);

	if (n == 1)
		return 0;
	return lun_fail(err, LUN_EINVAL, "iBFT: lun %.20s: %s", text, n == 0 ?
			"not 8 hexadecimal numbers" : "the kernel's text "
			"stands for several LUNs: read the ACPI table instead");
}

static int
text_address(const char *text, uint8_t out[16], struct lun_error *err)
{
	uint8_t a[16], any4[16];

	if (*text == '\0')
		return 0;
	if (portal_read_host16(text, a) == 0)
		return lun_fail(err, LUN_EINVAL, "iBFT: %.60s: no address",
				text);
	portal_map_ipv4(any4, "\0\0\0");
	if (memcmp(a, any4, sizeof(a)) != 0)	/* 0.0.0.0 is none, as :: is */
		memcpy(out, a, 16);
	return 0;
}

static int
text_number(const char *text, unsigned long max, unsigned long *out,
	    struct lun_error *err)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (strspn(text, "0123456789") != strlen(text) || v > max)
		return lun_fail(err, LUN_EINVAL, "iBFT: %.20s: no number up to "
				"%lu", text, max);
	*out = v;
	return 0;
}

struct directory {
	ibft_read_fn *read;
	void *user;
	struct lun_error *err;
};

/* A field; "" if there is no such file. Its line end is none of it. */
static int
field(const struct directory *d, const char *folder, const char *name,
      char text[IBFT_TEXT_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	text[0] = '\0';

	int r = d->read(d->user, path, text, d->err);

	text[r == 0 ? strcspn(text, "\n") : 0] = '\0';
	return r < 0 ? r : 0;
}

static int
directory_target(const struct directory *d, const char *folder,
		 struct raw *raw, bool *there)
{
	static const char *const names[BOOT_LOGIN_FIELDS] = {
		[BOOT_USER] = "chap-name",
		[BOOT_PASSWORD] = "chap-secret",
		[BOOT_USER_IN] = "rev-chap-name",
		[BOOT_PASSWORD_IN] = "rev-chap-name-secret",
	};
	char text[IBFT_TEXT_MAX];
	unsigned long n = 0;
	int r = field(d, folder, "target-name", raw->name);

	if (r < 0 || raw->name[0] == '\0')
		return r;
	if ((r = field(d, folder, "flags", text)) < 0 ||
	    (r = text_number(text, 255, &n, d->err)) < 0 || !(n & VALID))
		return r;
	*there = true;
	raw->booted = n & BOOTED;
	n = 0;
	if ((r = field(d, folder, "ip-addr", text)) < 0 ||
	    (r = text_address(text, raw->address, d->err)) < 0 ||
	    (r = field(d, folder, "port", text)) < 0 ||
	    (r = text_number(text, UINT16_MAX, &n, d->err)) < 0 ||
	    (r = field(d, folder, "lun", text)) < 0 ||
	    (r = text_lun(text, &raw->lun, d->err)) < 0)
		return r;
	raw->port = (uint16_t)n;
	for (size_t i = 0; r == 0 && i < BOOT_LOGIN_FIELDS; i++)
		r = field(d, folder, names[i], raw->login[i]);
	return r;
}

static int
directory_initiator(const struct directory *d, struct boot_info *b)
{
	char text[IBFT_TEXT_MAX];
	uint8_t isns[16] = { 0 }, slp[16] = { 0 };
	int r;

	if ((r = field(d, "initiator", "isns-server", text)) < 0 ||
	    (r = text_address(text, isns, d->err)) < 0 ||
	    (r = field(d, "initiator", "slp-server", text)) < 0 ||
	    (r = text_address(text, slp, d->err)) < 0 ||
	    (r = field(d, "initiator", "initiator-name", text)) < 0)
		return r;
	add_server(b, BOOT_ISNS, isns);
	add_server(b, BOOT_SLP, slp);
	return take_initiator(b, text, d->err);
}

int
boot_ibft_directory(struct boot_info *b, ibft_read_fn *read, void *user,
		    struct lun_error *err)
{
	static const char *const folders[TARGETS] = { "target0", "target1" };
	struct directory d = { read, user, err };
	struct raw *raw = calloc(TARGETS, sizeof(*raw));
	bool there[TARGETS] = { false };
	int r = 0;

	if (!raw)
		return lun_fail(err, LUN_ENOMEM, "iBFT: out of memory");
	for (int i = 0; r == 0 && i < TARGETS; i++)
		r = directory_target(&d, folders[i], &raw[i], &there[i]);
	if (r == 0)
		r = directory_initiator(&d, b);
	if (r == 0)
		r = add_targets(b, raw, there, err);
	secret_wipe(raw, TARGETS * sizeof(*raw));
	free(raw);
	return r;
}
