/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session tells of itself, for reports. */
#include <assert.h>
#include <string.h>

#include "lun-session.h"

static size_t
list_connections(struct lun_session *s)
{
	size_t n = 0;
	struct conn *c;

	while (n < CONNECTIONS_MAX && (c = session_conn(s->session, n))) {
		const struct conn_counters *k = conn_counters(c);
		struct lun_connection_info *i = &s->connections[n++];

		static_assert(sizeof(i->portal) >= PORTAL_TEXT_MAX, "fits");
		*i = (struct lun_connection_info){
			.cid = conn_cid(c),
			.state = conn_state_name(c),
			.commands = k->commands,
			.bytes_in = k->bytes_in,
			.bytes_out = k->bytes_out,
		};
		portal_print(session_portal(s->session), i->portal);
	}
	return n;
}

const struct lun_session_info *
lun_session_info(struct lun_session *s)
{
	struct session_counters c = session_counters(s->session);
	const struct login_result *login = session_login(s->session);
	struct lun_session_info *i = &s->info;

	*i = (struct lun_session_info){
		.target = s->setup.target,
		.target_alias = login->target_alias,
		.tsih = login->tsih,
		.tpgt = login->tpgt,
		.erl = session_params(s->session)->ErrorRecoveryLevel,
		.state = session_state_name(s->session),
		.n_connections = list_connections(s),
		.connections = s->connections,
		.counters = {
			.tasks_retried = c.tasks_retried,
			.task_timeouts = c.task_timeouts,
			.header_digest_errors = c.conns.header_digest_errors,
			.data_digest_errors = c.conns.data_digest_errors,
			.nop_timeouts = c.conns.nop_timeouts,
			.rejects = c.conns.rejects,
			.async_messages = c.conns.async_messages,
		},
	};
	memcpy(i->isid, s->setup.isid.isid, sizeof(i->isid));
	return i;
}

void
lun_session_keys(struct lun_session *s,
		 void (*fn)(void *user, const char *key, const char *text,
			    uint32_t number),
		 void *user)
{
	params_each(session_params(s->session), fn, user);
}
