/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pcap-ng (draft-ietf-opsawg-pcapng): blocks of 32-bit words in an order that
 * the section header shows, here little-endian. In each enhanced packet block
 * there is an IP and a TCP header that we make up; addresses and ports are the
 * real ones.
 */
#include "wire/pcapng.h"

#include <assert.h>

#include "base/bytes.h"

enum {
	BLOCK_SECTION	= 0x0a0d0d0a,
	BLOCK_INTERFACE	= 1,
	BLOCK_PACKET	= 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_RAW	= 101,		/* begins with an IPv4 or IPv6 header */
	OPTION_TSRESOL	= 9,
	RESOLUTION_NS	= 9,		/* 10^-9 seconds */

	PACKET_HEAD	= 28,		/* of the block, before the packet */
	IPV4_LEN	= 20,
	IPV6_LEN	= 40,
	TCP_LEN		= 20,

	TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_PSH = 0x08, TCP_ACK = 0x10,
};

_Static_assert(PCAPNG_PACKET_MAX >= PACKET_HEAD + IPV6_LEN + TCP_LEN + 3 + 4,
	       "a packet without payload fits");
_Static_assert(PCAPNG_PAYLOAD_MAX + IPV6_LEN + TCP_LEN <= 0xffff,
	       "the length of a packet fits its field");

static uint8_t *
add_le16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *
add_le32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

size_t
pcapng_header(uint8_t buf[PCAPNG_HEADER_MAX])
{
	enum { SECTION_LEN = 28, INTERFACE_LEN = 32 };
	uint8_t *p = buf;

	p = add_le32(p, BLOCK_SECTION);
	p = add_le32(p, SECTION_LEN);
	p = add_le32(p, BYTE_ORDER_MAGIC);
	p = add_le16(p, 1);			/* version 1.0 */
	p = add_le16(p, 0);
	p = add_le32(p, UINT32_MAX);		/* section length: not known */
	p = add_le32(p, UINT32_MAX);
	p = add_le32(p, SECTION_LEN);

	p = add_le32(p, BLOCK_INTERFACE);
	p = add_le32(p, INTERFACE_LEN);
	p = add_le16(p, LINKTYPE_RAW);
	p = add_le16(p, 0);
	p = add_le32(p, 0);			/* no limit of length */
	p = add_le16(p, OPTION_TSRESOL);
	p = add_le16(p, 1);
	p = add_le32(p, RESOLUTION_NS);		/* 1 byte and padding */
	p = add_le32(p, 0);			/* end of options */
	p = add_le32(p, INTERFACE_LEN);
	return (size_t)(p - buf);
}

/* The Internet checksum (RFC 1071), of pieces of any length. */
struct sum {
	uint64_t sum;
	bool odd;
};

static void
sum_add(struct sum *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		s->sum += s->odd ? p[i] : (uint64_t)p[i] << 8;
		s->odd = !s->odd;
	}
}

static uint16_t
sum_result(const struct sum *s)
{
	uint64_t v = s->sum;

	while (v >> 16)
		v = (v & 0xffff) + (v >> 16);
	return (uint16_t)~v;
}

static const void *
address(const struct sockaddr_storage *ss, size_t *len, uint16_t *port)
{
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)ss;

		*len = sizeof(in->sin_addr);
		*port = be16toh(in->sin_port);
		return &in->sin_addr;
	}

	const struct sockaddr_in6 *in6 = (const void *)ss;
	*len = sizeof(in6->sin6_addr);
	*port = be16toh(in6->sin6_port);
	return &in6->sin6_addr;
}

/* One packet, before it is written. */
struct packet {
	const struct sockaddr_storage *from, *to;
	uint32_t seq, ack;
	uint8_t flags;
	const struct iovec *payload;
	int iovcnt;
	size_t len;		/* of the payload */
};

/* RFC 9293 3.1. The pseudo header is summed from the IP header's fields. */
static uint8_t *
add_tcp(uint8_t *tcp, const struct packet *pk)
{
	size_t alen;
	uint16_t from_port, to_port;
	const void *from = address(pk->from, &alen, &from_port);
	const void *to = address(pk->to, &alen, &to_port);
	struct sum s = { 0 };
	uint8_t pseudo[8] = { [7] = IPPROTO_TCP };

	memset(tcp, 0, TCP_LEN);
	put16(tcp, from_port);
	put16(tcp + 2, to_port);
	put32(tcp + 4, pk->seq);
	put32(tcp + 8, pk->ack);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = pk->flags;
	put16(tcp + 14, 0xffff);		/* window */

	put32(pseudo, (uint32_t)(TCP_LEN + pk->len));
	sum_add(&s, from, alen);
	sum_add(&s, to, alen);
	sum_add(&s, pseudo, sizeof(pseudo));
	sum_add(&s, tcp, TCP_LEN);
	for (int i = 0; i < pk->iovcnt; i++)
		sum_add(&s, pk->payload[i].iov_base, pk->payload[i].iov_len);
	put16(tcp + 16, sum_result(&s));
	return tcp + TCP_LEN;
}

static uint8_t *
add_ip(uint8_t *ip, const struct packet *pk)
{
	size_t alen;
	uint16_t port;
	const void *from = address(pk->from, &alen, &port);
	const void *to = address(pk->to, &alen, &port);

	if (pk->from->ss_family == AF_INET) {		/* RFC 791 */
		struct sum s = { 0 };

		memset(ip, 0, IPV4_LEN);
		ip[0] = 4 << 4 | IPV4_LEN / 4;
		put16(ip + 2, (uint16_t)(IPV4_LEN + TCP_LEN + pk->len));
		ip[8] = 64;
		ip[9] = IPPROTO_TCP;
		memcpy(ip + 12, from, alen);
		memcpy(ip + 16, to, alen);
		sum_add(&s, ip, IPV4_LEN);
		put16(ip + 10, sum_result(&s));
		return ip + IPV4_LEN;
	}
	memset(ip, 0, IPV6_LEN);			/* RFC 8200 */
	ip[0] = 6 << 4;
	put16(ip + 4, (uint16_t)(TCP_LEN + pk->len));
	ip[6] = IPPROTO_TCP;
	ip[7] = 64;
	memcpy(ip + 8, from, alen);
	memcpy(ip + 24, to, alen);
	return ip + IPV6_LEN;
}

/* The block around the payload: what is before it and what comes after. */
static void
put_packet(const struct packet *pk, uint64_t time_ns, uint8_t *head,
	   size_t *head_len, uint8_t *tail, size_t *tail_len)
{
	uint8_t *end = add_tcp(add_ip(head + PACKET_HEAD, pk), pk);
	size_t hlen = (size_t)(end - head), pad = pad4(pk->len);
	uint32_t captured = (uint32_t)(hlen - PACKET_HEAD + pk->len);
	uint32_t block = (uint32_t)(hlen + pk->len + pad + 4);
	uint8_t *p = head;

	p = add_le32(p, BLOCK_PACKET);
	p = add_le32(p, block);
	p = add_le32(p, 0);			/* the interface */
	p = add_le32(p, (uint32_t)(time_ns >> 32));
	p = add_le32(p, (uint32_t)time_ns);
	p = add_le32(p, captured);
	p = add_le32(p, captured);
	assert(p == head + PACKET_HEAD);
	*head_len = hlen;
	memset(tail, 0, pad);
	add_le32(tail + pad, block);
	*tail_len = pad + 4;
}

size_t
pcapng_open(struct pcapng_conn *c, uint64_t time_ns,
	    uint8_t buf[3 * PCAPNG_PACKET_MAX])
{
	const struct packet packets[] = {
		{ &c->us, &c->peer, c->seq_us - 1, 0, TCP_SYN },
		{ &c->peer, &c->us, c->seq_peer - 1, c->seq_us,
		  TCP_SYN | TCP_ACK },
		{ &c->us, &c->peer, c->seq_us, c->seq_peer, TCP_ACK },
	};
	uint8_t *p = buf;

	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		uint8_t tail[PCAPNG_PACKET_MAX];
		size_t hlen, tlen;

		put_packet(&packets[i], time_ns, p, &hlen, tail, &tlen);
		memcpy(p + hlen, tail, tlen);
		p += hlen + tlen;
	}
	return (size_t)(p - buf);
}

void
pcapng_packet(struct pcapng_conn *c, bool from_us, bool fin, uint64_t time_ns,
	      const struct iovec *payload, int iovcnt, uint8_t *head,
	      size_t *head_len, uint8_t *tail, size_t *tail_len)
{
	struct packet pk = {
		from_us ? &c->us : &c->peer, from_us ? &c->peer : &c->us,
		from_us ? c->seq_us : c->seq_peer,
		from_us ? c->seq_peer : c->seq_us,
		TCP_ACK | TCP_PSH, payload, iovcnt, 0,
	};
	uint32_t *seq = from_us ? &c->seq_us : &c->seq_peer;

	for (int i = 0; i < iovcnt; i++)
		pk.len += payload[i].iov_len;
	assert(pk.len <= PCAPNG_PAYLOAD_MAX);
	if (fin)
		pk.flags |= TCP_FIN;
	put_packet(&pk, time_ns, head, head_len, tail, tail_len);
	*seq += (uint32_t)pk.len + (fin ? 1 : 0);
}
