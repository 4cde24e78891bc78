/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SOCKS 5 byte by byte, and how a user names a proxy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/socks.h"

static const struct proxy open_proxy = { .portal = { "p", 1080, -1 } };
static const struct proxy user_proxy = { .portal = { "p", 1080, -1 },
					 .user = "me", .password = "secret" };
static const struct portal ipv4 = { "192.0.2.1", 3260, 1 };
static const struct portal ipv6 = { "2001:db8::5", 3261, -1 };
static const struct portal name = { "san.example", 65535, -1 };

#define NONE	"\5\1\0"
#define BOTH	"\5\2\2\0"
#define LOGIN	"\1\2me\6secret"
#define V4	"\5\1\0\1\xc0\0\2\1\x0c\xbc"
#define V6	"\5\1\0\4\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5\x0c\xbd"
#define NAME	"\5\1\0\3\x0bsan.example\xff\xff"

struct exchange {
	const struct proxy *proxy;
	const struct portal *to;
	const char *said;		/* by us, all together */
	size_t said_len;
	const char *answers;		/* of the proxy, all together */
	size_t answers_len;
	size_t left;			/* of these, for the portal's */
	int code;			/* 0: connected */
	const char *text;		/* part of the error */
};

#define EXCHANGE(proxy, to, said, answers, left, code, text)                  \
	{ proxy, to, said, sizeof(said) - 1, answers, sizeof(answers) - 1,    \
	  left, code, text }

static const struct exchange exchanges[] = {
	/* each kind of address, ours and the proxy's */
	EXCHANGE(&open_proxy, &ipv4, NONE V4, "\5\0" "\5\0\0\1\1\2\3\4\5\6",
		 0, 0, NULL),
	EXCHANGE(&open_proxy, &ipv6, NONE V6,
		 "\5\0" "\5\0\0\4abcdefghijklmnop\1\2", 0, 0, NULL),
	EXCHANGE(&open_proxy, &name, NONE NAME, "\5\0" "\5\0\0\3\3abc\1\2",
		 0, 0, NULL),
	EXCHANGE(&open_proxy, &name, NONE NAME, "\5\0" "\5\0\0\3\0\1\2",
		 0, 0, NULL),
	/* what the portal says comes right behind it */
	EXCHANGE(&open_proxy, &ipv4, NONE V4,
		 "\5\0" "\5\0\0\1\1\2\3\4\5\6" "\x23\x87", 2, 0, NULL),
	EXCHANGE(&open_proxy, &ipv4, NONE V4,
		 "\5\0" "\5\0\0\3\1a\5\6" "\x23\x87", 2, 0, NULL),
	EXCHANGE(&open_proxy, &ipv4, NONE V4,
		 "\5\0" "\5\0\0\4abcdefghijklmnop\1\2" "\x23\x87", 2, 0, NULL),
	/* with a user, who may not be asked for */
	EXCHANGE(&user_proxy, &ipv4, BOTH LOGIN V4,
		 "\5\2" "\1\0" "\5\0\0\1\1\2\3\4\5\6", 0, 0, NULL),
	EXCHANGE(&user_proxy, &ipv4, BOTH V4,
		 "\5\0" "\5\0\0\1\1\2\3\4\5\6", 0, 0, NULL),
	EXCHANGE(&user_proxy, &ipv4, BOTH LOGIN, "\5\2" "\1\1",
		 0, LUN_EAUTH, "does not accept user name and password"),
	EXCHANGE(&user_proxy, &ipv4, BOTH LOGIN, "\5\2" "\5\0",
		 0, LUN_EPROTO, "no SOCKS 5 proxy (version 5)"),
	EXCHANGE(&user_proxy, &ipv4, BOTH, "\5\xff",
		 0, LUN_EAUTH, "takes no user name"),
	/* methods that we did not offer, or none */
	EXCHANGE(&open_proxy, &ipv4, NONE, "\5\xff",
		 0, LUN_EAUTH, "who we are"),
	EXCHANGE(&open_proxy, &ipv4, NONE, "\5\2",
		 0, LUN_EPROTO, "method 2"),
	EXCHANGE(&user_proxy, &ipv4, BOTH, "\5\1",
		 0, LUN_EPROTO, "method 1"),
	EXCHANGE(&open_proxy, &ipv4, NONE, "\4\0",
		 0, LUN_EPROTO, "no SOCKS 5 proxy (version 4)"),
	EXCHANGE(&open_proxy, &ipv4, NONE, "HTTP", 2, LUN_EPROTO,
		 "no SOCKS 5 proxy (version 72)"),
	/* replies that are none */
	EXCHANGE(&open_proxy, &ipv4, NONE V4, "\5\0" "\4\0\0\1\1",
		 0, LUN_EPROTO, "version 4"),
	EXCHANGE(&open_proxy, &ipv4, NONE V4, "\5\0" "\5\0\0\2\1",
		 0, LUN_EPROTO, "type 2"),
};

/* As much of the answer as the client wants, at most step bytes at a time; what
 * it says is gathered in at most step bytes, too. */
static int
play(const struct exchange *x, size_t step, char *said, size_t *said_len,
     size_t *used, struct socks *s, struct lun_error *err)
{
	int r = socks_start(s, x->proxy, x->to, err);

	*said_len = *used = 0;
	if (r == 0)
		r = SOCKS_GOES_ON;
	while (r == SOCKS_GOES_ON) {
		const uint8_t *out;
		uint8_t *in;
		size_t n;

		while ((n = socks_tx(s, &out)) > 0) {
			n = n < step ? n : step;
			memcpy(said + *said_len, out, n);
			*said_len += n;
			socks_tx_ack(s, n);
		}
		n = socks_rx(s, &in);
		assert_true(n > 0);
		n = n < step ? n : step;
		if (n > x->answers_len - *used)
			n = x->answers_len - *used;
		if (n == 0)
			return SOCKS_GOES_ON;
		memcpy(in, x->answers + *used, n);
		*used += n;
		r = socks_rx_ack(s, n, err);
	}
	return r;
}

/* shows: 1928-3-01 1928-4-01 1928-6-01 */
static void
test_exchanges(void **state)
{
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		const struct exchange *x = &exchanges[i];

		for (size_t step = 1; step < 32; step++) {
			struct lun_error err = { 0 };
			struct socks s;
			char said[1024];
			size_t n, used;
			int r = play(x, step, said, &n, &used, &s, &err);

			assert_int_equal(r, x->code);
			assert_int_equal(n, x->said_len);
			assert_memory_equal(said, x->said, n);
			assert_int_equal(x->answers_len - used, x->left);
			if (x->text)
				assert_non_null(strstr(err.text, x->text));
			assert_null(strstr(err.text, "secret"));
		}
	}
}

/* An answer that ends before it is complete is neither success nor failure. */
static void
test_cut_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		struct exchange x = exchanges[i];
		size_t whole = x.answers_len - x.left;

		for (x.answers_len = 0; x.answers_len < whole; x.answers_len++) {
			struct lun_error err = { 0 };
			struct socks s;
			char said[1024];
			size_t n, used;

			assert_int_equal(play(&x, 1, said, &n, &used, &s, &err),
					 SOCKS_GOES_ON);
			assert_true(n <= x.said_len);
			assert_memory_equal(said, x.said, n);
		}
	}
}

/* Each code in words; that nobody listens there is told apart. */
static void
test_replies(void **state)
{
	static const char *const words[] = {
		[1] = "general failure", "rules", "network unreachable",
		"host unreachable", "connection refused", "TTL", "command",
		"address type",
	};

	for (unsigned code = 1; code < 256; code++) {
		struct exchange x = exchanges[0];
		char answers[] = "\5\0" "\5\0\0\1\1\2\3\4\5\6", said[1024];
		struct lun_error err = { 0 };
		struct socks s;
		size_t n, used;

		answers[3] = (char)code;
		x.answers = answers;
		assert_int_equal(play(&x, 100, said, &n, &used, &s, &err),
				 LUN_ECONNECT);
		assert_non_null(strstr(err.text, code < 9 ? words[code] :
				       "unknown reply"));
		sprintf(said, "(reply %u)", code);
		assert_non_null(strstr(err.text, said));
		assert_int_equal(s.reply, code);
	}
}

/* The longest of everything fits. */
static void
test_longest(void **state)
{
	struct proxy proxy = user_proxy;
	struct portal to = name;
	struct exchange x = {
		.proxy = &proxy, .to = &to,
		.answers = "\5\2" "\1\0" "\5\0\0\3\xff", .answers_len = 9,
	};
	struct lun_error err = { 0 };
	struct socks s;
	char said[1024];
	uint8_t *in;
	size_t n, used;

	memset(proxy.user, 'u', 255);
	memset(proxy.password, 'p', 255);
	memset(to.host, 'h', 255);
	assert_int_equal(play(&x, 1000, said, &n, &used, &s, &err),
			 SOCKS_GOES_ON);
	assert_int_equal(n, 4 + 513 + 4 + 1 + 255 + 2);
	assert_int_equal(socks_rx(&s, &in), 255 + 2);
	memset(in, 0, 257);
	assert_int_equal(socks_rx_ack(&s, 257, &err), 0);
}

/* A zone is one of ours. */
static void
test_zone(void **state)
{
	static const struct portal to = { "fe80::1%eth0", 3260, -1 };
	struct lun_error err;
	struct socks s;

	assert_int_equal(socks_start(&s, &open_proxy, &to, &err), LUN_EINVAL);
	assert_non_null(strstr(err.text, "zone"));
}

/* The password goes when it has been said. */
static void
test_wipe(void **state)
{
	static const uint8_t answers[] = "\5\2\1\0";
	struct lun_error err;
	struct socks s;

	assert_int_equal(socks_start(&s, &user_proxy, &ipv4, &err), 0);
	for (size_t i = 0; i < 4; i++) {
		const uint8_t *out;
		uint8_t *in;

		socks_tx_ack(&s, socks_tx(&s, &out));
		assert_true(socks_rx(&s, &in) > 0);
		*in = answers[i];
		assert_int_equal(socks_rx_ack(&s, 1, &err), SOCKS_GOES_ON);
	}
	assert_null(memmem(&s, sizeof(s), "secret", 6));
}

/* ------------------------------------------------------- names/proxy.h -- */

static const struct named {
	const char *text;
	const char *host;		/* NULL: refused */
	uint16_t port;
	const char *user, *password;	/* or, if refused, what it says */
} names[] = {
	{ "socks5://proxy", "proxy", 1080, "", "" },
	{ "SOCKS5H://proxy:1081/", "proxy", 1081, "", "" },
	{ "socks5://127.0.0.1:3260", "127.0.0.1", 3260, "", "" },
	{ "socks5://[::1]", "::1", 1080, "", "" },
	{ "socks5://[::1]:9050", "::1", 9050, "", "" },
	{ "socks5://gr\xc3\xb6\xc3\x9f" "e.example", "xn--gre-6ka8i.example",
	  1080, "", "" },
	{ "socks5://me:se:c@ret@proxy:1", "proxy", 1, "me", "se:c@ret" },
	{ "socks5://me%3a:a/b%40%00@proxy", NULL, 0, NULL, "password: a null" },
	{ "socks5://me%3a:a/b%40@proxy", "proxy", 1080, "me:", "a/b@" },
	{ "socks5://me@proxy", NULL, 0, NULL, "no password" },
	{ "socks5://me:@proxy", NULL, 0, NULL, "password: it is empty" },
	{ "socks5://:secret@proxy", NULL, 0, NULL, "user: it is empty" },
	{ "socks5://me:secret%@proxy", NULL, 0, NULL, "password: a '%'" },
	{ "socks5://me:secret@", NULL, 0, NULL, "host is missing" },
	{ "socks5://", NULL, 0, NULL, "host is missing" },
	{ "socks5://proxy/x", NULL, 0, NULL, "not allowed" },
	{ "socks5://proxy:0", NULL, 0, NULL, "port" },
	{ "socks4://proxy", NULL, 0, NULL, "socks5://" },
	{ "http://me:secret@proxy", NULL, 0, NULL, "socks5://" },
};

static void
test_names(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct named *n = &names[i];
		struct lun_error err = { 0 };
		struct proxy p;
		int r = proxy_parse(&p, n->text, &err);

		assert_int_equal(r, n->host ? 0 : LUN_EINVAL);
		if (!n->host) {
			assert_non_null(strstr(err.text, n->password));
			assert_null(strstr(err.text, "secret"));
			continue;
		}
		assert_string_equal(p.portal.host, n->host);
		assert_int_equal(p.portal.port, n->port);
		assert_string_equal(p.user, n->user);
		assert_string_equal(p.password, n->password);
	}
}

static void
test_blank(void **state)
{
	char with[] = "socks5://me:pass@word@proxy";
	char without[] = "socks5://proxy:1080";
	char other[] = "http://me:pass@proxy";

	assert_true(proxy_blank_password(with));
	assert_string_equal(with, "socks5://me:*********@proxy");
	assert_false(proxy_blank_password(without));
	assert_false(proxy_blank_password(other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
