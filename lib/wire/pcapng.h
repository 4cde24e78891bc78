/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A conversation as pcap-ng: the bytes of each direction of a TCP connection
 * become Ethernet-less IPv4/IPv6 packets (LINKTYPE_RAW) with sequence numbers
 * that fit, so that Wireshark reassembles and dissects them. Makes bytes, does
 * no I/O; times are nanoseconds since 1970.
 */
#ifndef WIRE_PCAPNG_H
#define WIRE_PCAPNG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct pcapng_conn {
	struct sockaddr_storage us, peer;	/* same family, AF_INET or AF_INET6 */
	uint32_t seq_us, seq_peer;		/* of the next byte; start at 1 */
};

enum {
	PCAPNG_HEADER_MAX = 128,	/* section header + interface block */
	PCAPNG_PACKET_MAX = 128,	/* what a packet adds around its payload */
	PCAPNG_PAYLOAD_MAX = 65000,	/* bytes of payload in one packet */
};

/* The start of a file. Returns its length. */
size_t pcapng_header(uint8_t buf[PCAPNG_HEADER_MAX]);

/* The three packets of a TCP handshake for c. Returns the length. */
size_t pcapng_open(struct pcapng_conn *c, uint64_t time_ns,
		   uint8_t buf[3 * PCAPNG_PACKET_MAX]);

/*
 * One packet of len <= PCAPNG_PAYLOAD_MAX payload bytes: head goes before
 * them and tail after them in the file; *head_len and *tail_len say how long
 * these are (each at most PCAPNG_PACKET_MAX). fin: the sender closes.
 */
void pcapng_packet(struct pcapng_conn *c, bool from_us, bool fin,
		   uint64_t time_ns, const struct iovec *payload, int iovcnt,
		   uint8_t *head, size_t *head_len,
		   uint8_t *tail, size_t *tail_len);

#endif
