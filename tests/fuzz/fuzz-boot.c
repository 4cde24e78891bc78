/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot information: the first byte of the input picks the parser. What would
 * stop most inputs at once (marks, lengths, sums) is put right here, so that the
 * rest is reached. No error has a secret in it: texts of errors are sentences.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "boot/cmdline.h"
#include "boot/dhcp-client.h"
#include "boot/ibft.h"
#include "boot/lease.h"
#include "boot/udp4.h"
#include "fuzz.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };

static void
draw(void *user, void *buf, size_t len)
{
	memset(buf, 7, len);
}

static const struct lun_env env = { .random = draw };

/* What stands in it is printable, parses back, and is within its bounds. */
static void
check(const struct boot_info *b, int r, const struct lun_error *err)
{
	if (r < 0) {
		assert(err->text[0] && !strchr(err->text, '\n'));
		return;
	}
	assert(b->n_targets <= BOOT_TARGETS_MAX);
	assert(b->n_services <= BOOT_SERVICES_MAX);
	for (size_t i = 0; r == 0 && i < b->n_targets; i++) {
		const struct lun_url *u = &b->targets[i].url;

		assert(u->kind == LUN_URL_LUN || u->kind == LUN_URL_UNLOCATED);
		assert(iscsi_name_check(u->target, strlen(u->target), NULL) ==
		       0);
		assert(u->kind == LUN_URL_UNLOCATED || u->host[0]);
	}
}

/* A valid head, then the input as fields and options. */
static void
fuzz_dhcp(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct dhcp_message m;
	struct lun_error err;
	int r;

	if (len >= DHCP_HEADER_LEN) {
		p[0] = 2;
		memcpy(p + 236, "\x63\x82\x53\x63", 4);
	}
	r = dhcp_parse(&m, p, len, &err);
	check(&b, r, &err);
	if (r == 0)
		check(&b, dhcp_boot_info(&m, &b, &err), &err);
}

static void
fuzz_client(uint8_t *p, size_t len)
{
	struct dhcp_auth auth;
	struct dhcp_config config = { .name = "eth0", .tries = 1 };
	struct boot_info b = { 0 };
	struct dhcp_client *c;
	struct dhcp_datagram d;
	struct lun_error err;
	char how[DHCP_HOW_MAX];
	lun_time now = 0;

	memcpy(config.mac, mac, sizeof(mac));
	dhcp_auth_parse(&auth, "key=1:secret", &err);
	if (len < DHCP_HEADER_LEN || dhcp_client_new(&c, &config, &env, 0,
						     &err) < 0)
		return;
	if (p[1] & 1)
		c = dhcp_client_free(c), config.auth = &auth;
	if (!c && dhcp_client_new(&c, &config, &env, 0, &err) < 0)
		return;
	dhcp_client_pull(c, now, &d);
	p[0] = 2;
	memcpy(p + 4, d.data + 4, 4);
	memcpy(p + 28, mac, sizeof(mac));
	memcpy(p + 236, "\x63\x82\x53\x63", 4);
	dhcp_client_push(c, now, mac, p, len);
	while (dhcp_client_result(c, &b, how, &err) == DHCP_PENDING) {
		while (dhcp_client_pull(c, now, &d))
			;
		if (dhcp_client_deadline(c) == TIME_NEVER)
			break;
		now = dhcp_client_deadline(c);
		dhcp_client_tick(c, now);
	}
	check(&b, dhcp_client_result(c, &b, how, &err), &err);
	dhcp_client_free(c);
}

/* Signature, length, revision, control structure and sum are right. */
static void
fuzz_ibft(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct lun_error err;
	uint8_t sum = 0;

	if (len >= 66) {
		memcpy(p, "iBFT", 4);
		p[4] = (uint8_t)len;
		p[5] = (uint8_t)(len >> 8);
		p[6] = p[7] = 0;
		p[8] = 1;
		memcpy(p + 48, "\1\1\x12\0", 4);
		p[9] = 0;
		for (size_t i = 0; i < len; i++)
			sum = (uint8_t)(sum + p[i]);
		p[9] = (uint8_t)-sum;
	}
	check(&b, boot_ibft_table(&b, p, len, &err), &err);
}

/* Each file of the kernel's directory is a piece of the input. */
struct pieces {
	const uint8_t *p;
	size_t len;
};

static int
next_piece(void *user, const char *name, char *text, struct lun_error *err)
{
	struct pieces *s = user;
	const uint8_t *end = memchr(s->p, 0, s->len);
	size_t n = end ? (size_t)(end - s->p) : s->len;

	if (s->len == 0 || n >= IBFT_TEXT_MAX)
		return 1;
	memcpy(text, s->p, n);
	text[n] = '\0';
	n += n < s->len;
	s->p += n;
	s->len -= n;
	return 0;
}

static void
fuzz_directory(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct pieces s = { p, len };
	struct lun_error err;

	check(&b, boot_ibft_directory(&b, next_piece, &s, &err), &err);
}

static const char *const lease_words[] = {
	"lease {\n", "}\n", "option root-path \"", "\";\n", "interface \"x\";\n",
	"iscsi:192.0.2.1:::1:iqn.2026-11.test:x", "expire never;\n",
	"expire 1 2030/01/01 00:00:00;\n", "option isns ", "0:1:0:1:0:1:", ";",
	"0:0:0:0:c0:0:2:1", "option slp-directory-agent true 192.0.2.1;\n",
	"option slp-service-scope false \"LAB\";\n", "[device]\n", "[dhcp4]\n",
	"root-path=", "DEVICE='x'\n", "ROOTPATH='", "'\n", "ADDRESS=192.0.2.1\n",
	"ROOT_PATH=", "\n", " ", "\\", "\\000", "\"", "#", "=", "{", "iscsi:",
};

static void
fuzz_lease(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct lun_error err;
	size_t n;

	if (len == 0 || p[0] & 1) {
		check(&b, boot_lease(&b, (const char *)p, len, 1, 0, NULL,
				     &err), &err);
		return;
	}

	char *text = fuzz_words(p + 1, len - 1, lease_words,
				sizeof(lease_words) / sizeof(*lease_words), &n);

	check(&b, boot_lease(&b, text, n, 1, 0, NULL, &err), &err);
	free(text);
}

static const char *const cmdline_words[] = {
	" ", "netroot=iscsi:", "root=iscsi:", "192.0.2.1", "::::", ":", "\"",
	"iqn.2026-11.test:x", "user:secret", "@", "[::1]", "eth0:dev:", "1-2",
	"iscsi_target_name=", "rd.iscsi.target.ip=", "iscsi_target_port=3260",
	"rd.iscsi.initiator=", "iscsi_in_password=", "rd.iscsi.username=", "\n",
};

static void
fuzz_cmdline(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct lun_error err;
	size_t n;
	char *text = fuzz_words(p, len, cmdline_words, sizeof(cmdline_words) /
				sizeof(*cmdline_words), &n);

	check(&b, boot_cmdline(&b, text, &err), &err);
	free(text);
}

static void
fuzz_others(uint8_t *p, size_t len)
{
	struct boot_info b = { 0 };
	struct dhcp_auth a;
	struct lun_error err;
	struct udp4 u;
	char *text = malloc(len + 1);

	if (!text)
		return;
	memcpy(text, p, len);
	text[len] = '\0';
	dhcp_auth_parse(&a, text, &err);
	check(&b, boot_add_root_path(&b, p, len, &err), &err);
	if (len > 0)
		p[0] = 0x45;
	if (udp4_parse(&u, p, len, true))
		assert(u.data >= p && u.data + u.len <= p + len);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(uint8_t *p, size_t len) = {
		fuzz_dhcp, fuzz_client, fuzz_ibft, fuzz_directory, fuzz_lease,
		fuzz_cmdline, fuzz_others,
	};

	if (size == 0)
		return 0;

	/* of exact size, so that a sanitizer sees a byte too far */
	uint8_t *p = malloc(size > 1 ? size - 1 : 1);

	if (!p)
		return 0;
	memcpy(p, data + 1, size - 1);
	parsers[data[0] % (sizeof(parsers) / sizeof(parsers[0]))](p, size - 1);
	free(p);
	return 0;
}
