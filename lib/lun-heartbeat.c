/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See lun-heartbeat.h. Nobody asks for a heartbeat, so it says who is there to
 * everybody in the group, and anybody may have sent it: RFC 4171 7.2 has
 * signatures for that. We have no keys, so none is checked, and the log says so:
 * a heartbeat is only heard because the user has named its group, and only says
 * whom to ask.
 */
#include "lun-heartbeat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "io/udp.h"

struct heartbeat {
	struct lun_loop *loop;
	struct udp *udp;
	heartbeat_fn *heard;
	void *user;
};

static void
add_server(struct portal *list, size_t *n, const struct isns_server *s)
{
	struct portal p = { .port = s->tcp_port ? s->tcp_port : LUN_ISNS_PORT,
			    .tpgt = -1 };

	memcpy(p.host, s->address, sizeof(s->address));
	for (size_t i = 0; i < *n; i++)
		if (portal_equal(&list[i], &p))
			return;
	list[(*n)++] = p;
}

static void
tell(const struct heartbeat *h, const struct isns_heartbeat *beat,
     const struct portal *server)
{
	const struct lun_env *env = &h->loop->env;
	char name[PORTAL_TEXT_MAX];

	portal_print(server, name);
	if (beat->has_auth)
		env_log(env, LUN_LOG_INFO, "iSNS server %s: found by its "
			"heartbeat; its signature (structure %" PRIu32 ", SPI "
			"\"%s\") is not checked", name, beat->auth_structure,
			beat->auth_spi);
	else
		env_log(env, LUN_LOG_INFO, "iSNS server %s: found by its "
			"heartbeat, which is not signed", name);
}

static void
received(void *user, const struct address *from, const uint8_t *data,
	 size_t len)
{
	struct heartbeat *h = user;
	struct portal servers[HEARTBEAT_SERVERS_MAX];
	struct isns_heartbeat beat;
	struct lun_error err;
	size_t n = 0;

	if (isns_heartbeat_parse(&beat, data, len, &err) < 0) {
		env_log(&h->loop->env, LUN_LOG_DEBUG, "iSNS: %s", err.text);
		return;
	}
	add_server(servers, &n, &beat.active);
	for (size_t i = 0; i < beat.n_backups; i++)
		add_server(servers, &n, &beat.backups[i]);
	tell(h, &beat, &servers[0]);
	h->heard(h->user, servers, n);
}

bool
heartbeat_is_group(const struct portal *p)
{
	struct address a;

	if (portal_host_kind(p) == HOST_NAME ||
	    resolve_numeric(&a, p, NULL) < 0)
		return false;
	return a.sa.sa_family == AF_INET ?
		IN_MULTICAST(ntohl(a.in.sin_addr.s_addr)) :
		IN6_IS_ADDR_MULTICAST(&a.in6.sin6_addr);
}

struct heartbeat *
heartbeat_free(struct heartbeat *h)
{
	if (!h)
		return NULL;
	udp_free(h->udp);
	free(h);
	return NULL;
}

static void
heartbeat_freep(struct heartbeat **h)
{
	heartbeat_free(*h);
}

int
heartbeat_new(struct heartbeat **out, struct lun_loop *loop,
	      const struct portal *group, heartbeat_fn *heard, void *user,
	      struct lun_error *err)
{
	_cleanup_(heartbeat_freep) struct heartbeat *h = calloc(1, sizeof(*h));
	struct address a;
	int r;

	if (!h)
		return lun_fail(err, LUN_ENOMEM, "heartbeat: out of memory");
	h->loop = loop;
	h->heard = heard;
	h->user = user;
	if ((r = resolve_numeric(&a, group, err)) < 0 ||
	    (r = udp_new(&h->udp, loop, &a, received, h, err)) < 0 ||
	    (r = udp_join(h->udp, &a, 0, err)) < 0)
		return r;
	*out = take(h);
	return 0;
}
