/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a target answers when it is asked for targets. Whatever it says, only names
 * that are names come of it, each once, with portals that are some.
 */
#include <assert.h>

#include "discovery/sendtargets.h"
#include "fuzz.h"

/* "\n" becomes the null between the records. */
static const char *const words[] = {
	"\n", "\nTargetName=iqn.2026-11.test:", "\nTargetName=",
	"\nTargetAddress=", "\nTargetAddress=192.0.2.1:3260,1\n", "\nTargetAlias=",
	"a", "B", "iqn.2026-11.test:a", "eui.02004567A425678D", "192.0.2.2",
	"[::1]", "0.0.0.0", "[fe80::1]", "host.test", "[", "]", ":", ":3261",
	":70000", ",1", ",0x10", ",", "=", "/", "..", "\u00fc", "\x1b[2J",
};

static void
log_line(void *user, enum lun_log_level level, const char *line)
{
	for (; *line; line++)
		assert((unsigned char)*line >= ' ');
}

static void
check(const struct targets *t)
{
	size_t n;
	const struct lun_target *v = targets_list(t, &n);

	for (size_t i = 0; i < n; i++) {
		assert(iscsi_name_safe_component(v[i].name));
		assert(i == 0 || strcmp(v[i - 1].name, v[i].name) < 0);
		assert(v[i].n_portals > 0);
		assert(v[i].n_portals <= TARGET_PORTALS_MAX + 1);
		for (size_t k = 0; k < v[i].n_portals; k++) {
			assert(v[i].portals[k].address[0]);
			assert(v[i].portals[k].port > 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lun_env env = { .log = log_line,
					    .log_level = LUN_LOG_TRACE };
	static const struct portal present = { "192.0.2.9", 3260, -1 };
	struct targets *t;
	struct lun_error err;
	size_t len;

	if (size == 0)
		return 0;

	char *text = fuzz_words(data + 1, size - 1, words,
				sizeof(words) / sizeof(words[0]), &len);

	for (char *p = text; (p = strchr(p, '\n'));)
		*p++ = '\0';
	if (data[0] & 4)		/* it ends as it should */
		len++;

	int r = sendtargets_read(&t, text, len, &present,
				 (enum portal_rewrite)(data[0] % 3), &env,
				 &err);

	if (r == 0) {
		check(t);
		targets_free(t);
	} else {
		assert(r == LUN_EPROTO && err.text[0]);
	}
	free(text);
	return 0;
}
