/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DHCP client in virtual time, whose servers the test plays. */
#ifndef DHCP_WORLD_H
#define DHCP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "boot/dhcp-client.h"
#include "dhcp-reply.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define IQN "iqn.2001-04.com.example:disk1"
#define PATH "iscsi:192.0.2.1:6:3260:1:" IQN
#define ONE "\xc0\x00\x02\x01"
#define TWO "\xc0\x00\x02\x02"
#define YIADDR "\xc0\x00\x02\x64"

static uint64_t seed;
static char logged[4000];

static inline void
draw(void *user, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		((uint8_t *)buf)[i] = (uint8_t)(seed >> 40);
	}
}

static inline void
keep(void *user, enum lun_log_level level, const char *line)
{
	size_t n = strlen(logged);

	snprintf(logged + n, sizeof(logged) - n, "%s\n", line);
}

static const struct lun_env env = { .random = draw, .log = keep,
				    .log_level = LUN_LOG_TRACE };
static const uint8_t server_mac[6] = { 2, 0, 0, 0, 0, 1 };

struct world {
	struct dhcp_config config;
	struct dhcp_auth auth;
	struct dhcp_client *c;
	lun_time now;
	struct dhcp_datagram d;		/* the last that was sent */
	struct reply r;
};

static inline void
start(struct world *w, bool address, const char *keys)
{
	static const struct dhcp_config config = { .name = "eth0", .tries = 4,
						   .replay = 1000 };
	struct lun_error err;

	*w = (struct world){ .config = config };
	logged[0] = '\0';
	memcpy(w->config.mac, our_mac, 6);
	if (address)
		memcpy(w->config.address, "\xc0\0\2\x32", 4);
	if (keys) {
		assert_int_equal(dhcp_auth_parse(&w->auth, keys, &err), 0);
		w->config.auth = &w->auth;
	}
}

static inline void
go(struct world *w)
{
	struct lun_error err;

	assert_int_equal(dhcp_client_new(&w->c, &w->config, &env, w->now, &err),
			 0);
}

/* The type of what is sent; 0: nothing. */
static inline int
sent(struct world *w)
{
	if (!dhcp_client_pull(w->c, w->now, &w->d))
		return 0;
	assert_memory_equal(w->d.data + 240, "\x35\x01", 2);
	return w->d.data[242];
}

static inline const uint8_t *
sent_option(struct world *w, uint8_t code, size_t *n)
{
	const uint8_t *p = w->d.data;

	for (size_t at = 240; at < w->d.len && p[at] != 255;
	     at += 2 + p[at + 1])
		if (p[at] == code) {
			*n = p[at + 1];
			return p + at + 2;
		}
	return NULL;
}

/* An answer to what was sent last. */
static inline void
answer(struct world *w, uint8_t type, const char *server, const char *path)
{
	reply_head(&w->r, get32(w->d.data + 4), YIADDR);
	reply_type(&w->r, type, server);
	if (path)
		reply_put(&w->r, 17, path, strlen(path));
}

/* From a copy of exact size. */
static inline void
deliver(struct world *w)
{
	reply_end(&w->r);

	uint8_t *exact = malloc(w->r.len);

	memcpy(exact, w->r.b, w->r.len);
	dhcp_client_push(w->c, w->now, server_mac, exact, w->r.len);
	free(exact);
}

static inline void
wait_for(struct world *w)
{
	w->now = dhcp_client_deadline(w->c);
	assert_true(w->now < TIME_NEVER);
	dhcp_client_tick(w->c, w->now);
}

static inline int
result(struct world *w, char how[DHCP_HOW_MAX], struct lun_error *err)
{
	static struct boot_info b;

	how[0] = '\0';
	return dhcp_client_result(w->c, &b, how, err);
}

/* What has come of it; ends the client. */
static inline void
ends(struct world *w, int code, const char *part)
{
	char how[DHCP_HOW_MAX];
	struct lun_error err = { 0 };

	assert_int_equal(sent(w), 0);
	assert_int_equal(result(w, how, &err), code);
	if (!strstr(code < 0 ? err.text : how, part))
		fail_msg("%s%s: not %s", err.text, how, part);
	w->c = dhcp_client_free(w->c);
}

#endif
