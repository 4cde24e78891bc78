/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet socket for the DHCP client, and what it must know of the interface. */
#include "io/dhcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "boot/udp4.h"

/* Seconds from 1900, where the counters of NTP and RFC 3118 begin, to 1970. */
#define NTP_EPOCH UINT64_C(2208988800)

struct interface {
	char name[IFNAMSIZ];
	unsigned index;
	bool up, ethernet, has_ipv6;
	uint8_t mac[6], address[4];
};

struct dhcp {
	struct lun_loop *loop;
	struct interface interface;
	char *servers;
	struct dhcp_auth auth;
	struct dhcp_client *client;	/* NULL: there is nothing to ask */
	struct source source;		/* fd -1: no socket */
	struct timer timer;
	struct job job;			/* sends, and tells the outcome */
	dhcp_fn *done;
	void *user;
};

/* ------------------------------------------------------- the interface -- */

static void
take_address(struct interface *i, const struct sockaddr *sa)
{
	const struct sockaddr_ll *ll = (const void *)sa;
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	switch (sa->sa_family) {
	case AF_PACKET:
		i->ethernet = ll->sll_hatype == ARPHRD_ETHER &&
			      ll->sll_halen == sizeof(i->mac);
		memcpy(i->mac, ll->sll_addr, sizeof(i->mac));
		break;
	case AF_INET:
		if (memcmp(i->address, "\0\0\0", 4) == 0)	/* the first */
			memcpy(i->address, &in->sin_addr, 4);
		break;
	case AF_INET6:
		i->has_ipv6 |= !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr);
		break;
	default:
		break;
	}
}

static int
look_at_interface(struct interface *i, const char *name, struct lun_error *err)
{
	struct ifaddrs *all;

	*i = (struct interface){ .index = if_nametoindex(name) };
	if (i->index == 0 || strlen(name) >= IFNAMSIZ)
		return lun_fail(err, LUN_EINVAL, "%.60s: no such network "
				"interface", name);
	strcpy(i->name, name);
	if (getifaddrs(&all) < 0)
		return lun_fail(err, LUN_ESYS, "%s: %s", name, strerror(errno));
	for (struct ifaddrs *a = all; a; a = a->ifa_next)
		if (strcmp(a->ifa_name, name) == 0) {
			i->up |= (a->ifa_flags & IFF_UP) != 0;
			if (a->ifa_addr)
				take_address(i, a->ifa_addr);
		}
	freeifaddrs(all);
	if (!i->ethernet)
		return lun_fail(err, LUN_EINVAL, "%s: no Ethernet: DHCP is not "
				"possible there", name);
	return i->up ? 0 : lun_fail(err, LUN_EINVAL, "%s: the interface is "
				    "down: bring it up first (ip link set %s "
				    "up)", name, name);
}

/* Only the system's own addresses of IPv6: RFC 4173 5, DHCPv6 has no root path. */
static bool
is_ipv6_only(const struct interface *i)
{
	return i->has_ipv6 && memcmp(i->address, "\0\0\0", 4) == 0;
}

/* ----------------------------------------------------------- the socket -- */

/* Only UDP to the client's port, no fragments: the kernel drops the rest. */
static int
filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_CLIENT_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program));
}

static int
open_socket(const struct interface *i, struct lun_error *err)
{
	const struct sockaddr_ll local = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)i->index,
	};
	static const int one = 1;
	/* no protocol yet: nothing comes before the filter is there */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return lun_fail(err, LUN_ESYS, "%s: DHCP needs the right to "
				"send packets (CAP_NET_RAW): run it as root, or "
				"give it a lease that the system holds (--lease)",
				i->name);
	if (fd < 0)
		return lun_fail(err, LUN_ESYS, "%s: packet socket: %s", i->name,
				strerror(errno));
	if (filter(fd) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) < 0 ||
	    bind(fd, (const void *)&local, sizeof(local)) < 0) {
		lun_fail(err, LUN_ESYS, "%s: packet socket: %s", i->name,
			 strerror(errno));
		close(fd);
		return LUN_ESYS;
	}
	return fd;
}

/* A packet of this host may have no sum yet, and of hardware that has looked at
 * it there may be none any more. */
static bool
is_checked(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA ||
		    c->cmsg_len < CMSG_LEN(sizeof(aux)))
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status &
		       (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID);
	}
	return false;
}

/* One packet. False: there is none any more. */
static bool
receive(struct dhcp *d)
{
	uint8_t packet[UDP4_PACKET_MAX];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct udp4 u;
	ssize_t n = recvmsg(d->source.fd, &m, MSG_TRUNC);

	if (n < 0)
		return errno == EINTR;
	if (from.sll_pkttype != PACKET_OUTGOING &&
	    (size_t)n <= sizeof(packet) &&
	    udp4_parse(&u, packet, (size_t)n, is_checked(&m)) &&
	    u.from_port == DHCP_SERVER_PORT && u.to_port == DHCP_CLIENT_PORT)
		dhcp_client_push(d->client, d->loop->now, from.sll_addr, u.data,
				 u.len);
	return true;
}

static void
ready(struct source *s, uint32_t events)
{
	struct dhcp *d = container_of(s, struct dhcp, source);

	for (int i = 0; i < LOOP_EVENTS && receive(d); i++)
		;
	loop_add_job(d->loop, &d->job);
}

static void
transmit(struct dhcp *d, const struct dhcp_datagram *g)
{
	uint8_t packet[UDP4_HEADERS_LEN + DHCP_REQUEST_MAX];
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)d->interface.index,
		.sll_halen = sizeof(g->mac),
	};
	struct udp4 u = {
		.from_port = DHCP_CLIENT_PORT, .to_port = DHCP_SERVER_PORT,
		.data = g->data, .len = g->len,
	};

	memcpy(to.sll_addr, g->mac, sizeof(g->mac));
	memcpy(u.from, g->from, 4);
	memcpy(u.to, g->to, 4);

	size_t len = udp4_write(packet, &u);

	/* What is lost is sent again; why it was is good to know. */
	if (sendto(d->source.fd, packet, len, 0, (const void *)&to,
		   sizeof(to)) < 0)
		env_log(&d->loop->env, LUN_LOG_WARNING, "%s: DHCP: %s",
			d->interface.name, strerror(errno));
}

/* ---------------------------------------------------------- the exchange -- */

static void
tell(struct dhcp *d)
{
	struct boot_info info = { 0 };
	struct lun_error err = { 0 };
	char how[DHCP_HOW_MAX];
	int code = BOOT_NOTHING;

	if (d->client)
		code = dhcp_client_result(d->client, &info, how, &err);
	else
		snprintf(how, sizeof(how), "%s has IPv6 only, and DHCPv6 no "
			 "root paths", d->interface.name);
	if (code == DHCP_PENDING) {
		timer_set(&d->timer, dhcp_client_deadline(d->client));
		return;
	}
	timer_clear(&d->timer);
	source_del(&d->source);
	d->done(d->user, code, &info, how, &err);
}

static void
run(struct job *j)
{
	struct dhcp *d = container_of(j, struct dhcp, job);
	struct dhcp_datagram g;

	while (d->client && dhcp_client_pull(d->client, d->loop->now, &g))
		transmit(d, &g);
	tell(d);
}

static void
fire(struct timer *t, lun_time now)
{
	struct dhcp *d = container_of(t, struct dhcp, timer);

	dhcp_client_tick(d->client, now);
	loop_add_job(d->loop, &d->job);
}

/* ----------------------------------------------------------------- calls -- */

struct dhcp *
dhcp_free(struct dhcp *d)
{
	if (!d)
		return NULL;
	source_del(&d->source);
	if (d->source.fd >= 0)
		close(d->source.fd);
	timer_deinit(&d->timer);
	job_deinit(&d->job);
	dhcp_client_free(d->client);
	dhcp_auth_wipe(&d->auth);
	free(d->servers);
	free(d);
	return NULL;
}

static int
start(struct dhcp *d, const struct dhcp_options *o, struct lun_error *err)
{
	struct timespec now;
	struct dhcp_config c = {
		.name = d->interface.name,
		.tries = o->tries ? o->tries : DHCP_TRIES,
		.auth = o->keys ? &d->auth : NULL,
		.unauthentic = o->unauthentic,
		.servers = d->servers,
	};

	clock_gettime(CLOCK_REALTIME, &now);
	c.replay = ((uint64_t)now.tv_sec + NTP_EPOCH) << 32 |
		   (((uint64_t)now.tv_nsec << 32) / 1000000000);
	memcpy(c.mac, d->interface.mac, sizeof(c.mac));
	memcpy(c.address, d->interface.address, sizeof(c.address));

	int fd = open_socket(&d->interface, err);

	if (fd < 0)
		return fd;
	d->source.fd = fd;
	d->source.kind = SOURCE_OTHER;
	d->source.ready = ready;

	int r = source_add(&d->source, d->loop, EPOLLIN, err);

	return r < 0 ? r : dhcp_client_new(&d->client, &c, &d->loop->env,
					   loop_now(d->loop), err);
}

static int
prepare(struct dhcp *d, const struct dhcp_options *o, struct lun_error *err)
{
	struct lun_error why;
	int r;

	if (timer_init(&d->timer, &d->loop->timers, fire) < 0 ||
	    (o->servers && !(d->servers = strdup(o->servers))))
		return lun_fail(err, LUN_ENOMEM, "DHCP: out of memory");
	if (o->keys && (r = dhcp_auth_parse(&d->auth, o->keys, &why)) < 0)
		return lun_fail(err, r, "DHCP keys: %s", why.text);
	r = look_at_interface(&d->interface, o->interface, err);
	if (r < 0 || is_ipv6_only(&d->interface))
		return r;
	return start(d, o, err);
}

int
dhcp_new(struct dhcp **out, struct lun_loop *loop,
	 const struct dhcp_options *options, dhcp_fn *done, void *user,
	 struct lun_error *err)
{
	struct dhcp *d = calloc(1, sizeof(*d));

	if (!d)
		return lun_fail(err, LUN_ENOMEM, "DHCP: out of memory");
	d->loop = loop;
	d->source.fd = -1;
	d->done = done;
	d->user = user;
	job_init(&d->job, run);

	int r = prepare(d, options, err);

	if (r < 0) {
		dhcp_free(d);
		return r;
	}
	loop_add_job(loop, &d->job);
	*out = d;
	return 0;
}
