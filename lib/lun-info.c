/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session tells of itself, for reports. */
#include <assert.h>
#include <string.h>

#include "lun-session.h"

static size_t
list_connections(struct lun_session *s)
{
	struct session *session = recovery_session(s->recovery);
	size_t n = 0;
	struct conn *c;

	while (n < CONNECTIONS_MAX && (c = session_conn(session, n))) {
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
		portal_print(session_conn_portal(session, n - 1), i->portal);
	}
	return n;
}

static uint64_t
count_retried(const struct lun_session *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_disks; i++)
		n += disk_retried(s->disks[i]->disk);
	return n;
}

/* Milliseconds from now; -1 if that is no time. */
static int64_t
ms_until(const struct lun_session *s, lun_time at)
{
	lun_time now = loop_now(s->loop);

	return at == TIME_NEVER ? -1 : at > now ? (at - now) / TIME_MS : 0;
}

const struct lun_session_info *
lun_session_info(struct lun_session *s)
{
	struct session *session = recovery_session(s->recovery);
	const struct login_result *login = session_login(session);
	struct lun_session_info *i = &s->info;
	struct recovery_status st;

	recovery_status(s->recovery, &st);

	const struct session_counters *c = &st.counters;

	*i = (struct lun_session_info){
		.target = s->setup.target,
		.target_alias = login->target_alias,
		.tsih = login->tsih,
		.tpgt = login->tpgt,
		.erl = session_params(session)->ErrorRecoveryLevel,
		.state = s->lost ? "FAILED" : session_state_name(session),
		.cause = s->lost ? st.cause : "",
		.attempts = s->lost ? st.attempts : 0,
		.next_attempt_ms = s->lost ? ms_until(s, st.next_at) : -1,
		.lost_ms = s->lost ?
		    (loop_now(s->loop) - st.lost_at) / TIME_MS : -1,
		.n_connections = list_connections(s),
		.connections = s->connections,
		.counters = {
			.session_recoveries = st.session_recoveries,
			.connection_recoveries = c->connection_recoveries,
			.tasks_reassigned = c->tasks_reassigned,
			.tasks_retried = c->tasks_retried + count_retried(s),
			.snacks_sent = c->conns.snacks_sent,
			.task_timeouts = c->task_timeouts,
			.header_digest_errors = c->conns.header_digest_errors,
			.data_digest_errors = c->conns.data_digest_errors,
			.nop_timeouts = c->conns.nop_timeouts,
			.rejects = c->conns.rejects,
			.async_messages = c->conns.async_messages,
			.lun_resets = c->lun_resets,
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
	params_each(session_params(recovery_session(s->recovery)), fn, user);
}
