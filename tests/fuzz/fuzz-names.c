/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names, portals, URLs and lists of them. The input is a text as it is, or many of
 * a few words each, which the parsers know; what is taken must print, and parse
 * back to the same.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "names/allow.h"
#include "names/name.h"
#include "names/portal.h"
#include "names/proxy.h"
#include "names/url.h"

static const char *const name_words[] = {
	"iqn.2026-11.test:", "iqn.", "2026-11.", "a", ".", ":", "-", "eui.",
	"naa.", "02004567A425678D", "X", "fqn.", "iscsi", "\u00c4", "\u0345",
	"\u1100", "\u0300", "\u1161", "\u0958", "\ufdfa", "\u05d0", "\u3002",
	"\u200b", "\u0221", "_", "/", "\n",
};

static const char *const url_words[] = {
	"iscsi://h", "iscsi:h:6:3260:1:", "isns://h", "slp://", "file:",
	"socks5://h", "iscsi://", "iscsi:", "h", "192.0.2.1", "[::1]",
	"[fe80::1%e0]", "[", "]", ":", "::::", ":3260", ",1", "/",
	"iqn.2026-11.test:x", "/0", "4752-3a4f", "-", "1", "@", "%", "%25",
	"%40", "%00", "%c3%a4", "user", "?", "scope=", "LAB,", "\\2c",
	"\u00fc", ".", "128", "\x1b",
};

static void
fuzz_name(const char *text, size_t len)
{
	char out[NAME_MAX_LEN + 1], again[NAME_MAX_LEN + 1];
	struct lun_error err;

	iscsi_name_safe_component(text);
	if (iscsi_name_check(text, len, &err) == 0) {
		assert(iscsi_name_prepare(text, out, &err) == 0);
		assert(iscsi_name_equal(text, out));
	}
	if (iscsi_name_prepare(text, out, &err) == 0) {
		assert(iscsi_name_check(out, strlen(out), &err) == 0);
		assert(iscsi_name_safe_component(out));
	}
	if (iscsi_name_prepare_stored(text, again, &err) == 0)
		assert(iscsi_name_equal(out, again));
}

static void
fuzz_address(const char *text, size_t len)
{
	struct portal p, q;
	struct lun_error err;
	char out[PORTAL_TEXT_MAX];

	if (portal_parse_address(&p, text, len, &err) == 0) {
		portal_print(&p, out);
		assert(portal_parse_address(&q, out, strlen(out), &err) == 0);
		assert(portal_equal(&p, &q));
	}
	if (portal_parse_user(&p, text, len, &err) == 0) {
		portal_print(&p, out);
		assert(portal_parse_user(&q, out, strlen(out), &err) == 0);
		assert(portal_equal(&p, &q));
	}
}

static void
fuzz_url(char *text)
{
	struct lun_url u, v;
	struct lun_error err;
	char out[LUN_URL_TEXT_MAX], again[LUN_URL_TEXT_MAX];

	if (lun_url_parse(&u, text, &err) == 0) {
		lun_url_print(&u, out);
		if (!u.path) {
			assert(lun_url_parse(&v, out, &err) == 0);
			assert(v.kind == u.kind && v.lun == u.lun);
			assert(strcmp(u.host, v.host) == 0 && u.port == v.port);
			assert(strcmp(lun_url_print(&v, again), out) == 0);
		}
	} else {
		assert(err.text[0] && !strchr(err.text, '\n'));
	}
	url_parse_root_path(&u, text, &err);
	url_blank_password(text);
}

static void
fuzz_options(char *text)
{
	static const struct portal portal = { "192.0.2.1", 3260, -1 };
	struct allow allow;
	struct proxy proxy;
	struct lun_error err;

	if (allow_parse(&allow, text, &err) == 0) {
		assert(allow.n <= ALLOW_MAX);
		allow_portal(&allow, &portal);
	}
	if (proxy_parse(&proxy, text, &err) == 0)
		assert(proxy.portal.port > 0);
	proxy_blank_password(text);
}

static void
fuzz_text(uint8_t kind, char *text, size_t len)
{
	switch (kind % 4) {
	case 0:
		fuzz_name(text, len);
		break;
	case 1:
		fuzz_address(text, len);
		break;
	case 2:
		fuzz_url(text);
		break;
	case 3:
		fuzz_options(text);
		break;
	}
	free(text);
}

/* A few words, so that there is a chance that they are right: the input is a row
 * of such texts. */
static void
fuzz_row(const uint8_t *data, size_t size)
{
	enum { WORDS_MAX = 8, HEAD = 2 };

	while (size > HEAD) {
		bool name = data[0] & 1;
		size_t n = 1 + data[1] % WORDS_MAX, len;

		n = n < size - HEAD ? n : size - HEAD;

		char *text = fuzz_words(data + HEAD, n,
					name ? name_words : url_words,
					name ? sizeof(name_words) / sizeof(char *)
					     : sizeof(url_words) / sizeof(char *),
					&len);

		fuzz_text(data[0] >> 1, text, len);
		data += HEAD + n;
		size -= HEAD + n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 0x80) {
		fuzz_row(data + 1, size - 1);
		return 0;
	}

	char *text = malloc(size);

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	fuzz_text(data[0], text, size - 1);
	return 0;
}
