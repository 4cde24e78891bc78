/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session tells of itself, for reports. */
#include <assert.h>
#include <string.h>

#include "lun-session.h"

static struct lun_counters
of_connections(const struct conn_counters *c)
{
	return (struct lun_counters){
		.connection_recoveries = c->recoveries,
		.tasks_reassigned = c->tasks_reassigned,
		.tasks_retried = c->tasks_retried,
		.snacks_sent = c->snacks_sent,
		.header_digest_errors = c->header_digest_errors,
		.data_digest_errors = c->data_digest_errors,
		.nop_timeouts = c->nop_timeouts,
		.rejects = c->rejects,
		.async_messages = c->async_messages,
		.task_timeouts = c->task_timeouts,
		.lun_resets = c->lun_resets,
		.target_resets = c->target_resets,
		.aborts = c->aborts,
	};
}

/* Those that are wanted, and those that were there: what they counted is not
 * forgotten while the session is made again. */
static size_t
list_connections(struct lun_session *s, const struct conn_counters *by_cid)
{
	size_t n = 0;

	for (size_t k = 0; k < SESSION_CONNS_MAX; k++) {
		struct session_conn_status st = session_conn_status(
			recovery_session(s->recovery), k);
		struct lun_connection_info *i = &s->connections[n];

		static_assert(sizeof(i->portal) >= PORTAL_TEXT_MAX, "fits");
		if (!st.wanted && by_cid[k].bytes_out == 0)
			continue;
		*i = (struct lun_connection_info){
			.cid = st.cid,
			.state = st.state,
			.commands = by_cid[k].commands,
			.bytes_in = by_cid[k].bytes_in,
			.bytes_out = by_cid[k].bytes_out,
			.counters = of_connections(&by_cid[k]),
		};
		if (st.portal->host[0])
			portal_print(st.portal, i->portal);
		n++;
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

static lun_time
earlier(lun_time a, lun_time b)
{
	return a < b ? a : b;
}

/* Milliseconds from now; -1 if that is no time. */
static int64_t
ms_until(const struct lun_session *s, lun_time at)
{
	lun_time now = loop_now(s->loop);

	return at == TIME_NEVER ? -1 : at > now ? (at - now) / TIME_MS : 0;
}

/* What is to be done; and when the first of that fails, as things are. */
static lun_time
show_requests(struct lun_session *s)
{
	lun_time oldest = TIME_NEVER, fails = TIME_NEVER;
	struct lun_session_info *i = &s->info;
	const struct lun_disk *d;

	i->requests = disks_requests(s);
	for (size_t k = 0; k < s->n_disks; k++) {
		d = s->disks[k];
		oldest = earlier(oldest, disk_oldest(d->disk));
		fails = earlier(fails, disk_gives_up_at(d->disk));
	}
	list_for_each(d, &s->retired, struct lun_disk, retired)
		oldest = earlier(oldest, disk_oldest(d->disk));
	i->oldest_ms = oldest == TIME_NEVER ? -1 :
	    (loop_now(s->loop) - oldest) / TIME_MS;
	return fails;
}

/* Lost to the application; or, at level 2, for the time being to us only. */
static void
show_outage(struct lun_session *s, const struct recovery_status *st)
{
	struct lun_session_info *i = &s->info;
	struct session_outage out = {
		.cause = st->cause, .lost_at = st->lost_at, .next_at = st->next_at,
		.gives_up_at = show_requests(s),
	};

	i->cause = "";
	i->next_attempt_ms = i->lost_ms = i->gives_up_ms = -1;
	if (s->lost)
		i->attempts = st->attempts;
	else if (!session_outage(recovery_session(s->recovery), &out))
		return;
	i->state = "FAILED";
	i->cause = out.cause;
	i->next_attempt_ms = ms_until(s, out.next_at);
	i->gives_up_ms = ms_until(s, out.gives_up_at);
	i->lost_ms = (loop_now(s->loop) - out.lost_at) / TIME_MS;
}

bool
lun_session_is_lost(const struct lun_session *s)
{
	struct session_outage out;

	return s->lost || session_outage(recovery_session(s->recovery), &out);
}

size_t
lun_loop_lost(const struct lun_loop *loop)
{
	return loop->n_lost;
}

const struct lun_session_info *
lun_session_info(struct lun_session *s)
{
	struct session *session = recovery_session(s->recovery);
	const struct login_result *login = session_login(session);
	const struct params *wanted = &s->setup.options.offer.values;
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
		.wanted_erl = wanted->ErrorRecoveryLevel,
		.wanted_connections = wanted->MaxConnections,
		.state = session_state_name(session),
		.n_connections = list_connections(s, c->by_cid),
		.connections = s->connections,
		.counters = of_connections(&c->conns),
	};
	i->counters.session_recoveries = st.session_recoveries;
	i->counters.tasks_retried += count_retried(s);
	i->counters.task_timeouts += c->unsent_timeouts;
	show_outage(s, &st);
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
