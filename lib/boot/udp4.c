/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPv4 and UDP headers (RFC 791, RFC 768). */
#include "boot/udp4.h"

#include <string.h>

#include "base/bytes.h"

enum {
	IP_LEN = 20, UDP_LEN = 8,
	PROTOCOL_UDP = 17,
	TTL = 64,
};

/* The sum of 16-bit words in ones' complement (RFC 1071), not yet folded. */
static uint32_t
add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	return len > 0 ? sum + (uint32_t)(*p << 8) : sum;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Over the addresses, the protocol and the length, too. */
static uint16_t
udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	return fold(add(add(PROTOCOL_UDP + (uint32_t)len, ip + 12, 8), udp,
			len));
}

size_t
udp4_write(uint8_t *out, const struct udp4 *u)
{
	uint8_t *udp = out + IP_LEN;
	size_t len = UDP_LEN + u->len;

	memset(out, 0, UDP4_HEADERS_LEN);
	out[0] = 0x45;
	put16(out + 2, (uint16_t)(IP_LEN + len));
	out[8] = TTL;
	out[9] = PROTOCOL_UDP;
	memcpy(out + 12, u->from, 4);
	memcpy(out + 16, u->to, 4);
	put16(out + 10, fold(add(0, out, IP_LEN)));

	put16(udp, u->from_port);
	put16(udp + 2, u->to_port);
	put16(udp + 4, (uint16_t)len);
	memcpy(udp + UDP_LEN, u->data, u->len);

	uint16_t sum = udp_sum(out, udp, len);

	put16(udp + 6, sum ? sum : 0xffff);	/* 0 says that there is none */
	return IP_LEN + len;
}

bool
udp4_parse(struct udp4 *u, const uint8_t *p, size_t len, bool checked)
{
	size_t header = len > 0 ? 4 * (size_t)(p[0] & 0xf) : 0;

	if (len < IP_LEN || p[0] >> 4 != 4 || header < IP_LEN ||
	    get16(p + 2) > len || get16(p + 2) < header + UDP_LEN ||
	    p[9] != PROTOCOL_UDP || (get16(p + 6) & 0x3fff) != 0 ||
	    (!checked && fold(add(0, p, header)) != 0))
		return false;
	len = get16(p + 2) - header;

	const uint8_t *udp = p + header;
	size_t udp_len = get16(udp + 4);

	if (udp_len < UDP_LEN || udp_len > len ||
	    (!checked && get16(udp + 6) != 0 && udp_sum(p, udp, udp_len) != 0))
		return false;
	memcpy(u->from, p + 12, 4);
	memcpy(u->to, p + 16, 4);
	u->from_port = get16(udp);
	u->to_port = get16(udp + 2);
	u->data = udp + UDP_LEN;
	u->len = udp_len - UDP_LEN;
	return true;
}
