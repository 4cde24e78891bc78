/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcap-ng: blocks that close, checksums and sequence numbers that fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "base/bytes.h"
#include "wire/pcapng.h"

static uint32_t
le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* The sum over data in which the checksum stands is 0xffff: RFC 1071. */
static uint32_t
sum(const uint8_t *p, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i++)
		start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static struct pcapng_conn
conn_of(int family)
{
	struct pcapng_conn c = { .seq_us = 1, .seq_peer = 1 };

	c.us.ss_family = c.peer.ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		struct sockaddr_in *us = (void *)&c.us, *peer = (void *)&c.peer;

		inet_pton(AF_INET, "192.0.2.1", &us->sin_addr);
		inet_pton(AF_INET, "192.0.2.2", &peer->sin_addr);
		us->sin_port = htons(40000);
		peer->sin_port = htons(3260);
	} else {
		struct sockaddr_in6 *us = (void *)&c.us;
		struct sockaddr_in6 *peer = (void *)&c.peer;

		inet_pton(AF_INET6, "2001:db8::1", &us->sin6_addr);
		inet_pton(AF_INET6, "2001:db8::2", &peer->sin6_addr);
		us->sin6_port = htons(40000);
		peer->sin6_port = htons(3260);
	}
	return c;
}

struct seen {
	uint32_t seq, ack;
	uint8_t flags;
	bool from_us;
	const uint8_t *payload;
	size_t len;
};

/* Takes one packet block apart and checks all that has to agree. */
static size_t
check_packet(const uint8_t *p, int family, uint64_t time_ns, struct seen *seen)
{
	uint32_t block = le32(p + 4), captured = le32(p + 20);
	size_t ip_len = family == AF_INET ? 20 : 40;
	const uint8_t *ip = p + 28, *tcp = ip + ip_len;
	uint8_t pseudo[4] = { [1] = 6 };

	assert_int_equal(le32(p), 6);
	assert_int_equal(block % 4, 0);
	assert_int_equal(le32(p + block - 4), block);
	assert_true(((uint64_t)le32(p + 12) << 32 | le32(p + 16)) == time_ns);
	assert_int_equal(le32(p + 24), captured);
	assert_int_equal(28 + captured + pad4(captured) + 4, block);

	if (family == AF_INET) {
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(get16(ip + 2), captured);
		assert_int_equal(sum(ip, 20, 0), 0xffff);
		assert_int_equal(ip[9], 6);
	} else {
		assert_int_equal(ip[0], 0x60);
		assert_int_equal(get16(ip + 4), captured - 40);
		assert_int_equal(ip[6], 6);
	}
	put16(pseudo + 2, (uint16_t)(captured - ip_len));
	uint32_t s = family == AF_INET ? sum(ip + 12, 8, 0) : sum(ip + 8, 32, 0);
	s = sum(pseudo, 4, s);
	assert_int_equal(sum(tcp, captured - ip_len, s), 0xffff);
	assert_int_equal(tcp[12], 0x50);

	*seen = (struct seen){
		get32(tcp + 4), get32(tcp + 8), tcp[13],
		get16(tcp) == 40000, tcp + 20, captured - ip_len - 20,
	};
	assert_int_equal(get16(tcp + (seen->from_us ? 2 : 0)), 3260);
	return block;
}

static void
test_header(void **state)
{
	uint8_t buf[PCAPNG_HEADER_MAX];
	size_t n = pcapng_header(buf);

	assert_int_equal(n, 60);
	assert_int_equal(le32(buf), 0x0a0d0d0a);
	assert_int_equal(le32(buf + 4), 28);
	assert_int_equal(le32(buf + 8), 0x1a2b3c4d);
	assert_int_equal(le32(buf + 24), 28);
	assert_int_equal(le32(buf + 28), 1);
	assert_int_equal(le32(buf + 32), 32);
	assert_int_equal(le32(buf + 36), 101);
	assert_memory_equal(buf + 44, "\x09\0\1\0\x09\0\0\0\0\0\0\0", 12);
	assert_int_equal(le32(buf + 56), 32);
}

/* A conversation in both address families, payloads of all remainders and the
 * largest one. */
static void
test_conversation(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const size_t lens[] = { 0, 1, 2, 3, 4, 48, 1001,
				       PCAPNG_PAYLOAD_MAX };
	static uint8_t data[PCAPNG_PAYLOAD_MAX], file[PCAPNG_PAYLOAD_MAX + 512];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (size_t f = 0; f < 2; f++) {
		struct pcapng_conn c = conn_of(families[f]);
		uint8_t open[3 * PCAPNG_PACKET_MAX];
		uint64_t t = UINT64_C(1764345600123456789);
		struct seen s[3];
		size_t at = 0, n = pcapng_open(&c, t, open);

		for (int i = 0; i < 3; i++)
			at += check_packet(open + at, families[f], t, &s[i]);
		assert_int_equal(at, n);
		assert_int_equal(s[0].flags, 0x02);
		assert_int_equal(s[0].seq, 0);
		assert_int_equal(s[1].flags, 0x12);
		assert_int_equal(s[1].ack, 1);
		assert_false(s[1].from_us);
		assert_int_equal(s[2].flags, 0x10);
		assert_int_equal(s[2].seq, 1);
		assert_int_equal(s[2].ack, 1);

		uint32_t seq[2] = { 1, 1 };	/* of the peer, ours */
		for (size_t i = 0; i < 8 * 4; i++) {
			bool us = i & 1, fin = i >= 8 * 4 - 2;
			size_t len = lens[i / 4], cut = len / 3, hl, tl;
			struct iovec iov[2] = { { data, cut },
						{ data + cut, len - cut } };
			uint8_t head[PCAPNG_PACKET_MAX], tail[PCAPNG_PACKET_MAX];

			pcapng_packet(&c, us, fin, t + i, iov, 2, head, &hl,
				      tail, &tl);
			assert_in_range(hl, 1, PCAPNG_PACKET_MAX);
			assert_in_range(tl, 4, PCAPNG_PACKET_MAX);
			memcpy(file, head, hl);
			memcpy(file + hl, data, len);
			memcpy(file + hl + len, tail, tl);
			assert_int_equal(check_packet(file, families[f], t + i,
						      &s[0]), hl + len + tl);
			assert_int_equal(s[0].from_us, us);
			assert_int_equal(s[0].len, len);
			assert_memory_equal(s[0].payload, data, len);
			assert_int_equal(s[0].seq, seq[us]);
			assert_int_equal(s[0].ack, seq[!us]);
			assert_int_equal(s[0].flags, fin ? 0x19 : 0x18);
			seq[us] += (uint32_t)len + fin;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_conversation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
