/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See udp.h. The interface goes out beside each datagram (IP_PKTINFO), so that
 * one socket serves all of them.
 */
#include "io/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* Room for what comes beside a datagram: one of the two. */
union control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp {
	struct source source;
	int family;
	udp_fn *received;
	void *user;
	uint8_t buf[UDP_DATAGRAM_MAX];
};

/* One for each wake-up, so that nobody can keep the loop busy with them. */
static void
readable(struct source *s, uint32_t events)
{
	struct udp *u = container_of(s, struct udp, source);
	struct address from = { .len = sizeof(from.in6) };
	ssize_t n = recvfrom(s->fd, u->buf, sizeof(u->buf), 0, &from.sa,
			     &from.len);

	if (n >= 0)	/* the error of one that we sent: lost is lost */
		u->received(u->user, &from, u->buf, (size_t)n);
}

static int
setup(struct udp *u, struct address local, struct lun_error *err)
{
	static const int one = 1;
	bool v6 = u->family == AF_INET6;
	in_port_t port = *address_port(&local);
	int fd = socket(u->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

	u->source.fd = fd;
	if (fd < 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
			      sizeof(one)) < 0) ||
	    (port != 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
				     sizeof(one)) < 0) ||
	    bind(fd, &local.sa, local.len) < 0)
		return lun_fail(err, LUN_ESYS, "datagram socket, port %u: %s",
				ntohs(port), strerror(errno));
	return 0;
}

int
udp_new(struct udp **out, struct lun_loop *loop, const struct address *local,
	udp_fn *received, void *user, struct lun_error *err)
{
	struct udp *u = malloc(sizeof(*u));

	if (!u)
		return lun_fail(err, LUN_ENOMEM,
				"datagram socket: out of memory");
	u->source = (struct source){ .fd = -1, .kind = SOURCE_OTHER,
				     .ready = readable };
	u->family = local->sa.sa_family;
	u->received = received;
	u->user = user;

	int r = setup(u, *local, err);

	if (r == 0)
		r = source_add(&u->source, loop, EPOLLIN, err);
	if (r < 0) {
		udp_free(u);
		return r;
	}
	*out = u;
	return 0;
}

struct udp *
udp_free(struct udp *u)
{
	if (!u)
		return NULL;
	source_del(&u->source);
	if (u->source.fd >= 0)
		close(u->source.fd);
	free(u);
	return NULL;
}

void
udp_set_multicast_ttl(struct udp *u, uint8_t ttl)
{
	bool v6 = u->family == AF_INET6;
	int value = ttl;

	setsockopt(u->source.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, &value,
		   sizeof(value));
}

void
udp_allow_broadcast(struct udp *u)
{
	static const int one = 1;

	setsockopt(u->source.fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
}

int
udp_join(struct udp *u, const struct address *group, unsigned interface,
	 struct lun_error *err)
{
	struct group_req req = { .gr_interface = interface };

	memcpy(&req.gr_group, &group->sa, group->len);
	if (setsockopt(u->source.fd, u->family == AF_INET6 ? IPPROTO_IPV6 :
		       IPPROTO_IP, MCAST_JOIN_GROUP, &req, sizeof(req)) == 0)
		return 0;
	return lun_fail(err, LUN_ESYS,
			"multicast group on interface %u: %s", interface,
			strerror(errno));
}

int
udp_send(struct udp *u, const struct address *to, unsigned interface,
	 const void *data, size_t len)
{
	struct iovec iov = { (void *)data, len };	/* only read */
	union control control = { 0 };
	struct msghdr m = {
		.msg_name = (void *)&to->sa, .msg_namelen = to->len,
		.msg_iov = &iov, .msg_iovlen = 1,
	};

	if (interface != 0) {
		bool v6 = u->family == AF_INET6;
		struct in_pktinfo in = { .ipi_ifindex = (int)interface };
		struct in6_pktinfo in6 = { .ipi6_ifindex = interface };
		struct cmsghdr *c = &control.align;
		size_t size = v6 ? sizeof(in6) : sizeof(in);

		c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), v6 ? (const void *)&in6 : &in, size);
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(size);
	}
	return sendmsg(u->source.fd, &m, MSG_NOSIGNAL) < 0 ? errno : 0;
}
