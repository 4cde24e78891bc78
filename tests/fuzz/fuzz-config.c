/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static lists. Half of the inputs are texts as they are; of the others each
 * byte picks a word, so that sections and values come about.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz.h"

static const char *const words[] = {
	"\n", "\n", "\n", " ", "\t", "=", " = ", ":", ",", ";", "#", "[", "]",
	"[portal]\n", "[options]\n", "[isns x]\n", "[slp]\n",
	"[target iqn.2026-11.test:x]\n", "[target eui.02004567a425678d]\n",
	"address = ", "port = ", "lun = ", "scope = ", "timeout = ",
	"read-only = yes\n", "MaxBurstLength = ", "initiator-name = ", "h",
	"192.0.2.1", "[::1]", "[fe80::1%e0]", ":3260", "3260", "0", "1-2", "%",
	"%2c", "/", "@", "\xc3\xbc", "\xff", "\r\n", "\xef\xbb\xbf", "1M",
};

static int
take_source(void *user, char *url, const struct lun_options *options,
	    struct lun_error *err)
{
	struct lun_url parsed;

	(*(unsigned *)user)++;
	return lun_url_parse(&parsed, url, err);
}

static void
parse(const char *text, size_t len)
{
	struct lun_options *o;
	struct lun_error err = { 0 };
	unsigned n = 0;

	if (lun_options_new(&o, &err) < 0)
		abort();

	int r = config_parse(text, len, "list", o, take_source, &n, &err);

	assert(r == 0 ? n > 0 : strncmp(err.text, "list:", 5) == 0);
	lun_options_free(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;

	if (size == 0 || data[0] % 2) {
		parse((const char *)data, size);
		return 0;
	}

	char *text = fuzz_words(data + 1, size - 1, words,
				sizeof(words) / sizeof(*words), &len);

	parse(text, len);
	free(text);
	return 0;
}
