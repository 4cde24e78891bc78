/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See slp-net.h. What is meant for all goes out on each interface once for each
 * family that has an address there: to the group of IPv4 or its broadcast, and
 * to the groups of the service type in IPv6, on the link and in the site
 * (RFC 3111 4.2).
 */
#include "io/slp-net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "io/tcp.h"
#include "io/udp.h"

enum { LINK_LOCAL = 2, SITE_LOCAL = 5, CHUNK = 64 << 10 };

struct interface {
	unsigned index;
	bool v4, v6;
};

struct slp_net {
	struct lun_loop *loop;
	bool broadcast;
	struct udp *v4, *v6;		/* NULL: the host has no such family */
	size_t n;
	struct interface interfaces[SLP_INTERFACES_MAX];
	slp_net_fn *received;
	void *user;
};

/* The connection of an exchange. */
struct stream {
	struct slp_net *net;
	struct slp_exchange *x;
	struct dial *dial;
	struct source source;		/* fd -1: none yet */
	size_t sent;
};

/* ---------------------------------------------------------- interfaces -- */

/* Is this name on a list with commas? */
static bool
is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, ",")) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

static bool
is_wanted(const struct ifaddrs *i, const struct slp_net_config *c)
{
	unsigned how = c->broadcast ? IFF_BROADCAST : IFF_MULTICAST;

	if (!(i->ifa_flags & IFF_UP) || !i->ifa_addr)
		return false;
	if (*c->interfaces)
		return is_listed(c->interfaces, i->ifa_name);
	return (i->ifa_flags & how) && !(i->ifa_flags & IFF_LOOPBACK);
}

static struct interface *
interface_entry(struct slp_net *n, unsigned index)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->interfaces[i].index == index)
			return &n->interfaces[i];
	if (n->n == SLP_INTERFACES_MAX)
		return NULL;
	n->interfaces[n->n] = (struct interface){ .index = index };
	return &n->interfaces[n->n++];
}

static void
add_interface(struct slp_net *n, const struct ifaddrs *i)
{
	sa_family_t family = i->ifa_addr->sa_family;
	struct interface *entry;

	if ((family != AF_INET || !n->v4) &&
	    (family != AF_INET6 || !n->v6 || n->broadcast))
		return;
	entry = interface_entry(n, if_nametoindex(i->ifa_name));
	if (!entry)
		return;
	entry->v4 |= family == AF_INET;
	entry->v6 |= family == AF_INET6;
}

/* The first name of the list that is none of an interface; NULL if all are. */
static const char *
unknown_interface(const char *list, char name[IF_NAMESIZE])
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len >= IF_NAMESIZE)
			len = IF_NAMESIZE - 1;
		memcpy(name, list, len);
		name[len] = '\0';
		if (if_nametoindex(name) == 0)
			return name;
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return NULL;
}

static int
find_interfaces(struct slp_net *n, const struct slp_net_config *c,
		struct lun_error *err)
{
	struct ifaddrs *all;
	char name[IF_NAMESIZE];

	if (unknown_interface(c->interfaces, name))
		return lun_fail(err, LUN_EINVAL, "SLP: %s: no such interface",
				name);
	if (getifaddrs(&all) < 0)
		return lun_fail(err, LUN_ESYS, "SLP: interfaces: %s",
				strerror(errno));
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (is_wanted(i, c))
			add_interface(n, i);
	freeifaddrs(all);
	return 0;
}

/* ----------------------------------------------------------- datagrams -- */

static void
received(void *user, const struct address *from, const uint8_t *data,
	 size_t len)
{
	struct slp_net *n = user;
	struct portal p = { .port = LUN_SLP_PORT, .tpgt = -1 };

	/* With "%zone" behind link-local ones. RFC 2608 6.1: whatever port an
	 * answer comes from, the agent listens at 427. */
	if (address_host(from, p.host))
		n->received(n->user, &p, data, len);
}

static struct address
group_v4(bool broadcast)
{
	struct address a = { .in = { .sin_family = AF_INET,
				     .sin_port = htons(LUN_SLP_PORT) },
			     .len = sizeof(a.in) };

	if (broadcast)
		a.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	else
		inet_pton(AF_INET, SLP_GROUP_IPV4, &a.in.sin_addr);
	return a;
}

static struct address
group_v6(uint8_t scope, const char *type, unsigned interface)
{
	struct address a = { .in6 = { .sin6_family = AF_INET6,
				      .sin6_port = htons(LUN_SLP_PORT),
				      .sin6_scope_id = interface },
			     .len = sizeof(a.in6) };

	slp_group_ipv6(a.in6.sin6_addr.s6_addr, scope, type);
	return a;
}

static void
send_to_all(struct slp_net *n, const char *type, const void *p, size_t len)
{
	struct address v4 = group_v4(n->broadcast);

	for (size_t i = 0; i < n->n; i++) {
		const struct interface *in = &n->interfaces[i];
		struct address link = group_v6(LINK_LOCAL, type, in->index);
		struct address site = group_v6(SITE_LOCAL, type, in->index);

		if (in->v4)
			udp_send(n->v4, &v4, in->index, p, len);
		if (in->v6) {
			udp_send(n->v6, &link, in->index, p, len);
			udp_send(n->v6, &site, in->index, p, len);
		}
	}
}

/* What does not go out is lost like what gets lost on the way. */
static void
net_send(void *user, const struct portal *agent, const char *type,
	 const void *p, size_t len)
{
	struct slp_net *n = user;
	struct address to;

	if (!agent) {
		send_to_all(n, type, p, len);
		return;
	}
	if (resolve_numeric(&to, agent, NULL) < 0)
		return;

	struct udp *u = to.sa.sa_family == AF_INET6 ? n->v6 : n->v4;

	if (u)
		udp_send(u, &to, 0, p, len);
}

/* --------------------------------------------------------- connections -- */

static void
broken(struct stream *s, int e)
{
	char name[PORTAL_TEXT_MAX];
	struct lun_error err;

	lun_fail(&err, LUN_ELOST, "SLP agent %s: the connection ended%s%s",
		 portal_print(&s->x->agent, name), e ? ": " : "",
		 e ? strerror(e) : "");
	slp_exchange_broken(s->x, &err, s->net->loop->now);
}

/* False: s is gone. */
static bool
write_some(struct stream *s)
{
	const struct slp_exchange *x = s->x;
	ssize_t n = send(s->source.fd, x->request + s->sent,
			 x->request_len - s->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		broken(s, errno);
		return false;
	}
	s->sent += n > 0 ? (size_t)n : 0;
	if (s->sent == x->request_len)
		source_arm(&s->source, EPOLLIN);
	return true;
}

static void
read_some(struct stream *s)
{
	uint8_t buf[CHUNK];
	ssize_t n = recv(s->source.fd, buf, sizeof(buf), 0);

	if (n > 0)
		slp_exchange_take(s->x, buf, (size_t)n, s->net->loop->now);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		broken(s, n == 0 ? 0 : errno);
}

static void
ready(struct source *source, uint32_t events)
{
	struct stream *s = container_of(source, struct stream, source);

	if (s->sent < s->x->request_len && (events & EPOLLOUT) &&
	    !write_some(s))
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		read_some(s);
}

static void
dialed(void *user, int fd, const struct lun_error *err)
{
	struct stream *s = user;
	struct lun_error why;

	if (fd < 0) {
		slp_exchange_broken(s->x, err, s->net->loop->now);
		return;
	}
	s->dial = dial_free(s->dial);
	s->source.fd = fd;
	if (source_add(&s->source, s->net->loop, EPOLLIN | EPOLLOUT, &why) < 0)
		slp_exchange_broken(s->x, &why, s->net->loop->now);
}

static void
net_hang_up(void *user, struct slp_exchange *x)
{
	struct stream *s = x->connection;

	dial_free(s->dial);
	source_del(&s->source);
	if (s->source.fd >= 0)
		close(s->source.fd);
	free(s);
	x->connection = NULL;
}

/* Without memory there is no connection, and no answer either. */
static void
net_dial(void *user, struct slp_exchange *x)
{
	struct slp_net *n = user;
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	s->net = n;
	s->x = x;
	s->source = (struct source){ .fd = -1, .kind = SOURCE_OTHER,
				     .ready = ready };
	x->connection = s;
	/* Past any proxy: so came the datagrams of this agent. */
	if (dial_new(&s->dial, n->loop, &x->agent, NULL, dialed, s) < 0)
		net_hang_up(n, x);
}

const struct slp_driver slp_net_driver = {
	.send = net_send, .dial = net_dial, .hang_up = net_hang_up,
};

/* ------------------------------------------------------------ lifetime -- */

struct slp_net *
slp_net_free(struct slp_net *n)
{
	if (!n)
		return NULL;
	udp_free(n->v4);
	udp_free(n->v6);
	free(n);
	return NULL;
}

static int
open_socket(struct slp_net *n, struct udp **out, const char *any, uint8_t ttl,
	    struct lun_error *err)
{
	struct portal p = { .tpgt = -1 };
	struct address local;

	strcpy(p.host, any);

	int r = resolve_numeric(&local, &p, err);

	if (r == 0)
		r = udp_new(out, n->loop, &local, received, n, err);
	if (r == 0)
		udp_set_multicast_ttl(*out, ttl);
	return r;
}

int
slp_net_new(struct slp_net **out, struct lun_loop *loop,
	    const struct slp_net_config *config, slp_net_fn *fn, void *user,
	    struct lun_error *err)
{
	struct slp_net *n = calloc(1, sizeof(*n));

	if (!n)
		return lun_fail(err, LUN_ENOMEM, "SLP: out of memory");
	n->loop = loop;
	n->broadcast = config->broadcast;
	n->received = fn;
	n->user = user;

	/* One of the two families is enough. */
	int r = open_socket(n, &n->v4, "0.0.0.0", config->ttl, err);
	int r6 = open_socket(n, &n->v6, "::", config->ttl, err);

	if (r == 0 || r6 == 0)
		r = find_interfaces(n, config, err);
	if (r < 0) {
		slp_net_free(n);
		return r;
	}
	if (n->v4 && n->broadcast)
		udp_allow_broadcast(n->v4);
	*out = n;
	return 0;
}

bool
slp_net_has_interfaces(const struct slp_net *n)
{
	return n->n > 0;
}
