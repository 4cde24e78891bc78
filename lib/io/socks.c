/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/socks.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

enum {
	VERSION		= 5,		/* RFC 1928 3 */
	AUTH_VERSION	= 1,		/* RFC 1929 2 */
	CONNECT		= 1,		/* RFC 1928 4 */
	REPLY_HEAD	= 5,		/* tells how long the reply is */
};

enum method { METHOD_NONE = 0, METHOD_USER = 2, METHOD_NO = 0xff };
enum atyp { ATYP_IPV4 = 1, ATYP_NAME = 3, ATYP_IPV6 = 4 };

/* RFC 1928 6 */
static const char *const replies[] = {
	[1] = "general failure of the proxy",
	[2] = "not allowed by the rules of the proxy",
	[3] = "network unreachable",
	[4] = "host unreachable",
	[SOCKS_REFUSED] = "connection refused",
	[6] = "TTL expired",
	[7] = "command not supported by the proxy",
	[8] = "address type not supported by the proxy",
};

/* ------------------------------------------------------------ sending -- */

static void
add(struct socks *s, const void *p, size_t len)
{
	assert(len <= sizeof(s->out) - s->out_len);
	memcpy(s->out + s->out_len, p, len);
	s->out_len += len;
}

static void
add_byte(struct socks *s, size_t v)
{
	uint8_t byte = (uint8_t)v;

	assert(v <= UINT8_MAX);
	add(s, &byte, 1);
}

static void
add_counted(struct socks *s, const char *text)
{
	add_byte(s, strlen(text));
	add(s, text, strlen(text));
}

/* A message begins, and its answer has this many bytes at first. */
static void
begin(struct socks *s, enum socks_step step, size_t answer)
{
	socks_wipe(s);
	s->step = step;
	s->out_len = s->sent = s->in_len = 0;
	s->wanted = answer;
}

/* RFC 1928 3: what there is to choose from. */
static void
send_methods(struct socks *s)
{
	bool user = s->proxy->user[0] != '\0';

	begin(s, SOCKS_METHOD, 2);
	add_byte(s, VERSION);
	add_byte(s, user ? 2 : 1);
	if (user)
		add_byte(s, METHOD_USER);
	add_byte(s, METHOD_NONE);
}

/* RFC 1929 2 */
static void
send_user(struct socks *s)
{
	begin(s, SOCKS_AUTH, 2);
	add_byte(s, AUTH_VERSION);
	add_counted(s, s->proxy->user);
	add_counted(s, s->proxy->password);
}

/* RFC 1928 5 */
static void
add_address(struct socks *s)
{
	const char *host = s->to->host;
	struct in6_addr ipv6;
	struct in_addr ipv4;

	switch (portal_host_kind(s->to)) {
	case HOST_IPV4:
		inet_pton(AF_INET, host, &ipv4);
		add_byte(s, ATYP_IPV4);
		add(s, &ipv4, sizeof(ipv4));
		return;
	case HOST_IPV6:
		inet_pton(AF_INET6, host, &ipv6);
		add_byte(s, ATYP_IPV6);
		add(s, &ipv6, sizeof(ipv6));
		return;
	case HOST_NAME:
		add_byte(s, ATYP_NAME);
		add_counted(s, host);
	}
}

/* RFC 1928 4 */
static void
send_request(struct socks *s)
{
	begin(s, SOCKS_REPLY, REPLY_HEAD);
	add_byte(s, VERSION);
	add_byte(s, CONNECT);
	add_byte(s, 0);
	add_address(s);
	add_byte(s, s->to->port >> 8);
	add_byte(s, s->to->port & 0xff);
}

/* ---------------------------------------------------------- receiving -- */

static int
check_version(const struct socks *s, unsigned version, struct lun_error *err)
{
	if (s->in[0] == version)
		return 0;
	return lun_fail(err, LUN_EPROTO, "it is no SOCKS 5 proxy (version %u)",
			s->in[0]);
}

static int
method_came(struct socks *s, struct lun_error *err)
{
	int r = check_version(s, VERSION, err);
	bool user = s->proxy->user[0] != '\0';

	if (r < 0)
		return r;
	if (s->in[1] == METHOD_NO)		/* RFC 1928 3: MUST close */
		return lun_fail(err, LUN_EAUTH, user ?
				"it takes no user name and password" :
				"it wants to know who we are (no user name and "
				"password given)");
	if (s->in[1] == METHOD_USER && user)
		send_user(s);
	else if (s->in[1] == METHOD_NONE)
		send_request(s);
	else
		return lun_fail(err, LUN_EPROTO, "it chose method %u, which was "
				"not offered", s->in[1]);
	return SOCKS_GOES_ON;
}

static int
auth_came(struct socks *s, struct lun_error *err)
{
	int r = check_version(s, AUTH_VERSION, err);

	if (r < 0)
		return r;
	if (s->in[1] != 0)			/* RFC 1929 2: MUST close */
		return lun_fail(err, LUN_EAUTH, "it does not accept user name "
				"and password (status %u)", s->in[1]);
	send_request(s);
	return SOCKS_GOES_ON;
}

static int
request_failed(struct socks *s, struct lun_error *err)
{
	bool known = s->in[1] < sizeof(replies) / sizeof(replies[0]);

	s->reply = s->in[1];
	return lun_fail(err, LUN_ECONNECT, "%s (reply %u)",
			known ? replies[s->reply] : "an unknown reply",
			s->reply);
}

/* The address that the proxy connects from is of no use, but to be read. */
static int
reply_came(struct socks *s, struct lun_error *err)
{
	int r = check_version(s, VERSION, err);
	size_t len = 0;

	if (r < 0)
		return r;
	if (s->in[1] != 0)
		return request_failed(s, err);
	switch (s->in[3]) {
	case ATYP_IPV4:
		len = sizeof(struct in_addr);
		break;
	case ATYP_IPV6:
		len = sizeof(struct in6_addr);
		break;
	case ATYP_NAME:
		len = 1 + (size_t)s->in[4];
		break;
	default:
		return lun_fail(err, LUN_EPROTO, "its reply has an address of "
				"type %u", s->in[3]);
	}
	s->wanted = 4 + len + 2;
	return s->in_len < s->wanted ? SOCKS_GOES_ON : 0;
}

/* -------------------------------------------------------------- calls -- */

int
socks_start(struct socks *s, const struct proxy *proxy,
	    const struct portal *to, struct lun_error *err)
{
	if (strchr(to->host, '%'))
		return lun_fail(err, LUN_EINVAL, "an IPv6 address with a zone "
				"means nothing to another host");
	*s = (struct socks){ .proxy = proxy, .to = to };
	send_methods(s);
	return 0;
}

void
socks_wipe(struct socks *s)
{
	secret_wipe(s->out, s->out_len);
}

size_t
socks_tx(const struct socks *s, const uint8_t **p)
{
	*p = s->out + s->sent;
	return s->out_len - s->sent;
}

void
socks_tx_ack(struct socks *s, size_t n)
{
	assert(n <= s->out_len - s->sent);
	s->sent += n;
}

size_t
socks_rx(struct socks *s, uint8_t **p)
{
	*p = s->in + s->in_len;
	return s->wanted - s->in_len;
}

int
socks_rx_ack(struct socks *s, size_t n, struct lun_error *err)
{
	assert(n <= s->wanted - s->in_len);
	s->in_len += n;
	if (s->in_len < s->wanted)
		return SOCKS_GOES_ON;
	switch (s->step) {
	case SOCKS_METHOD:
		return method_came(s, err);
	case SOCKS_AUTH:
		return auth_came(s, err);
	case SOCKS_REPLY:
		return reply_came(s, err);
	}
	assert(false);
	return LUN_EPROTO;
}
