/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UDP over IPv4 in a packet of our own: DHCP has to work on an interface
 * without an address, where the system's UDP does not.
 */
#ifndef BOOT_UDP4_H
#define BOOT_UDP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UDP4_HEADERS_LEN = 28, UDP4_PACKET_MAX = 4096 };

struct udp4 {
	uint8_t from[4], to[4];
	uint16_t from_port, to_port;
	const uint8_t *data;
	size_t len;
};

/* Writes the packet; returns its length, at most UDP4_HEADERS_LEN + u->len. */
size_t udp4_write(uint8_t *out, const struct udp4 *u);

/*
 * The datagram in a packet of len bytes. False: it is none, a fragment, or
 * damaged. checked: the sums are known to be good, or are not yet made (a
 * packet of this host).
 */
bool udp4_parse(struct udp4 *u, const uint8_t *packet, size_t len,
		bool checked);

#endif
