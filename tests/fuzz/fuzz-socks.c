/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SOCKS proxy answers, and how one is named. The first byte of the input
 * picks, also whether answers begin as good ones do, so that inputs made by
 * chance get far; one that is connected has read no byte too many.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "io/socks.h"

static void
fuzz_answers(unsigned how, const uint8_t *data, size_t size)
{
	static const struct proxy proxies[] = {
		{ .portal = { "p", 1080, -1 } },
		{ .portal = { "p", 1080, -1 }, .user = "u", .password = "p" },
	};
	static const struct portal to = { "san.example", 3260, -1 };
	struct lun_error err = { 0 };
	struct socks s;
	int r = socks_start(&s, &proxies[how & 1], &to, &err);

	assert(r == 0);
	for (r = SOCKS_GOES_ON; r == SOCKS_GOES_ON && size > 0;) {
		const uint8_t *out;
		uint8_t *in;

		socks_tx_ack(&s, socks_tx(&s, &out));

		size_t n = socks_rx(&s, &in);

		assert(n > 0 && in >= s.in && in + n <= s.in + sizeof(s.in));
		n = how & 2 ? 1 : n < size ? n : size;
		memcpy(in, data, n);
		if ((how & 8) && s.in_len == 0)
			in[0] = s.step == SOCKS_AUTH ? 1 : 5;
		if ((how & 8) && s.in_len < 2 && s.in_len + n >= 2)
			s.in[1] = s.step == SOCKS_METHOD && (how & 1) ? 2 : 0;
		data += n;
		size -= n;
		r = socks_rx_ack(&s, n, &err);
	}
	if (r == 0)
		assert(s.in_len == s.wanted && s.in[0] == 5 && s.in[1] == 0);
	else if (r < 0)
		assert(err.code == r && err.text[0]);
}

static void
fuzz_name(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct lun_error err;
	struct proxy p;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (proxy_parse(&p, text, &err) == 0)
		assert(p.portal.host[0] && p.portal.port > 0 &&
		       !p.user[0] == !p.password[0]);
	proxy_blank_password(text);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 4)
		fuzz_name(data + 1, size - 1);
	else
		fuzz_answers(data[0], data + 1, size - 1);
	return 0;
}
