/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iSNS client and its parsers. The first byte picks what is fed with the
 * rest: heartbeats, the client by a raw stream, or the client by messages that
 * answer what it has asked, the attributes of which are made of the input.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "discovery/isns.h"
#include "fuzz.h"

struct input {
	const uint8_t *p;
	size_t len;
};

static uint8_t
byte(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->p++;
}

static void
changed(void *user)
{
}

static void
no_random(void *user, void *buf, size_t len)
{
	memset(buf, 1, len);
}

static void
log_line(void *user, enum lun_log_level level, const char *line)
{
	assert(!strchr(line, '\n'));
}

/* What is to be known of a list: only names that are names. After a failure it
 * begins anew. */
static void
look_at_news(struct isns *c, lun_time now)
{
	static const struct isns_portal portal = { .port = 4000 };
	struct targets *list;
	struct lun_error err;
	enum isns_news n;

	while ((n = isns_news(c, &list, &err)) != ISNS_NO_NEWS) {
		size_t count;

		if (n == ISNS_FAILED) {
			assert(err.code < 0 && err.text[0]);
			isns_connected(c, &portal, now);
			continue;
		}
		const struct lun_target *v = targets_list(list, &count);

		for (size_t i = 0; i < count; i++) {
			assert(iscsi_name_safe_component(v[i].name));
			assert(v[i].n_portals > 0);
		}
		targets_free(list);
	}
}

static void
add_attribute(struct str *out, struct input *in)
{
	static const uint32_t tags[] = { 0, 1, 6, 16, 17, 20, 32, 32, 32, 33,
					 34, 35, 48, 49, 50, 51, 2065, 99999 };
	static const char name[] = "iqn.2026-11.a:b";
	uint32_t tag = tags[byte(in) % (sizeof(tags) / sizeof(tags[0]))];
	size_t len = byte(in) % 40;

	if (tag == 32 && len > 8) {
		isns_add(out, tag, name, len % sizeof(name));
	} else if (tag == 33 || tag == 17) {
		isns_add32(out, tag, byte(in));
	} else {
		uint8_t value[40];

		for (size_t i = 0; i < len; i++)
			value[i] = byte(in);
		if (len > 32 && (tag == 16 || tag == 49))
			len = 16;
		isns_add(out, tag, value, len);
	}
}

/* An answer to what was asked last, or a notice. */
static void
converse(struct isns *c, struct input *in, lun_time now)
{
	static const uint32_t statuses[] = { 0, 0, 0, 0, 6, 9, 11, 21 };
	struct str *sent = isns_out(c), out = STR_INIT(100000);
	uint16_t function = byte(in) % 16, transaction = 0;
	size_t n = byte(in) % 32, at;

	if (sent->len >= 12 && byte(in) % 4 > 0) {
		function = get16(sent->p + 2) | 0x8000;
		transaction = get16(sent->p + 8);
		str_deinit(sent);
	}
	at = isns_begin(&out, function, transaction);
	if (function & 0x8000)
		isns_put32(&out, statuses[byte(in) % 8]);
	for (size_t i = 0; i < n; i++)
		add_attribute(&out, in);
	isns_end(&out, at);
	isns_receive(c, (const uint8_t *)out.p, out.len, now);
	str_deinit(&out);
}

static void
fuzz_client(uint8_t kind, struct input in)
{
	static const struct lun_env env = { .log = log_line,
					    .random = no_random,
					    .log_level = LUN_LOG_TRACE };
	static const struct isns_portal portal = { .port = 4000 };
	struct timers timers;
	struct isns *c;
	struct lun_error err;
	lun_time now = 0;
	const struct isns_config config = {
		.source = "iqn.2026-11.a:b", .alias = "",
		.target = kind & 4 ? "iqn.2026-11.a:b" : "",
		.watch = kind & 8, .timeout = TIME_S, .timers = &timers,
		.env = &env, .changed = changed,
	};

	timers_init(&timers);
	if (isns_new(&c, &config, &err) < 0)
		return;
	isns_connected(c, &portal, now);
	while (in.len > 0) {
		size_t n = 1 + byte(&in) % 64;

		if (kind & 1) {
			n = n < in.len ? n : in.len;
			isns_receive(c, in.p, n, now);
			in.p += n;
			in.len -= n;
		} else if (n < 60) {
			converse(c, &in, now);
		} else {
			now += n * TIME_S;
			timers_run(&timers, now);
		}
		look_at_news(c, now);
	}
	isns_leave(c);
	isns_free(c);
	timers_deinit(&timers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isns_heartbeat h;
	struct lun_error err;

	if (size == 0)
		return 0;
	if (data[0] % 8 == 7)
		isns_heartbeat_parse(&h, data + 1, size - 1, &err);
	else
		fuzz_client(data[0], (struct input){ data + 1, size - 1 });
	return 0;
}
