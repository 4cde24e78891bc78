/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The addresses of a portal. Addresses in figures are read on the spot; names
 * are looked up by a thread of their own, since the resolver blocks.
 */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "io/loop.h"
#include "names/portal.h"

enum { ADDRESSES_MAX = 16 };

/* Of IPv4 or IPv6, as sa.sa_family says. */
struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

/* Its TCP or UDP port, in the byte order of the network. */
static inline in_port_t *
address_port(struct address *a)
{
	return a->sa.sa_family == AF_INET6 ? &a->in6.sin6_port :
					     &a->in.sin_port;
}

struct resolve;

/* Called once, from the loop; why is NULL if there are addresses. */
typedef void resolve_fn(void *user, const struct address *a, size_t n,
			const char *why);

/*
 * Looks a host name up. LUN_ESYS or LUN_ENOMEM; the host must not be an
 * address in figures. resolve_free() cancels: done comes no more.
 */
int resolve_new(struct resolve **out, struct lun_loop *loop,
		const struct portal *portal, resolve_fn *done, void *user,
		struct lun_error *err);
struct resolve *resolve_free(struct resolve *r);

/* The address as a host in figures, with a zone if it needs one. False: that is
 * not to be had. */
bool address_host(const struct address *a, char host[256]);

/* The 16 bytes of IPv6; IPv4 is mapped. */
void address_host16(const struct address *a, uint8_t out[16]);

/* The address of a portal whose host is one in figures. LUN_ERESOLVE. */
int resolve_numeric(struct address *a, const struct portal *portal,
		    struct lun_error *err);

#endif
