/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names, portals and URLs. The first byte of the input picks the parser; what
 * is taken must print, and parse back to the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "names/name.h"
#include "names/portal.h"
#include "names/url.h"

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
		portal_print_tagged(&p, out);
		assert(portal_parse_address(&q, out, strlen(out), &err) == 0);
		assert(portal_equal(&p, &q) && p.tpgt == q.tpgt);
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
	struct url u, v;
	struct lun_error err;
	char out[URL_TEXT_MAX], again[URL_TEXT_MAX];

	if (url_parse(&u, text, &err) == 0) {
		url_print(&u, out);
		if (!u.path) {
			assert(url_parse(&v, out, &err) == 0);
			assert(v.kind == u.kind && v.lun == u.lun);
			assert(portal_equal(&u.portal, &v.portal));
			assert(strcmp(url_print(&v, again), out) == 0);
		}
	} else {
		assert(err.text[0] && !strchr(err.text, '\n'));
	}
	url_parse_root_path(&u, text, &err);
	url_blank_password(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;

	size_t len = size - 1;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data + 1, len);
	text[len] = '\0';

	switch (data[0] % 3) {
	case 0:
		fuzz_name(text, len);
		break;
	case 1:
		fuzz_address(text, len);
		break;
	case 2:
		fuzz_url(text);
		break;
	}
	free(text);
	return 0;
}
