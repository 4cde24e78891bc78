/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "medium.h"
#include "network.h"
#include "portals.h"
#include "target.h"

enum { IOV_COUNT = 32 };

struct peer {
	struct list link;
	struct tconn *conn;
	struct link *wire;
	bool closing;			/* its conn has not all it wants to say */
	unsigned life;			/* of the application */
};

static struct host {
	const struct plan *plan;
	struct target *target;		/* NULL: it is down */
	struct list peers;
	bool silent, misbehaves;
	lun_time back_at;
	struct {			/* LOGICAL UNIT RESET */
		unsigned link;		/* that the last one came by */
		uint32_t tag;
		int group;		/* of the last one that is done; or -1 */
		lun_time at;
	} reset;
} host;

static void
random_bytes(void *user, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)draw(FROM_TARGET, 256);
}

static void
trace(void *user, const void *conn_user, const struct pdu *pdu)
{
	const struct link *l = ((const struct peer *)conn_user)->wire;
	uint32_t tag = pdu->initiator_task_tag;

	if (pdu->opcode == OP_TMF_REQUEST &&
	    pdu->function == TMF_LOGICAL_UNIT_RESET) {
		host.reset.link = link_id(l);
		host.reset.tag = tag;
	} else if (pdu->opcode == OP_TMF_RESPONSE &&
		   pdu->response == TMF_COMPLETE &&
		   host.reset.link == link_id(l) && host.reset.tag == tag) {
		host.reset.group = (int)host.plan->group[link_portal(l)];
		host.reset.at = world.now;
	}
}

bool
host_writes_late(int group)
{
	struct target_writer w;
	const struct peer *p;

	if (group < 0 || !host.target || !target_writer(host.target, &w) ||
	    (int)w.group == group)
		return false;
	p = w.conn_user;
	return p->life != world.life ||
	    (host.reset.group == group && w.came >= host.reset.at);
}

static void
must(int r, const struct lun_error *err)
{
	if (r < 0)
		broken("the target could not be made: %s", err->text);
}

static void
add_rules(void)
{
	struct lun_error err;

	must(target_seed_faults(host.target, world.seed, &err), &err);
	for (int f = 0; f < FAULT_COUNT; f++)
		if (host.plan->rules[f][0])
			must(target_add_fault(host.target, host.plan->rules[f],
					      &err), &err);
}

static void
start(void)
{
	static const struct target_env env = {
		.random = random_bytes, .trace = trace,
	};
	const struct plan *p = host.plan;
	struct lun_error err;
	struct tnode *node;

	must(target_new(&host.target, &env, world.now, &err), &err);

	struct target_options *o = target_options(host.target);

	o->window = p->window;
	o->separate_status = p->separate_status;
	o->nop_seconds = p->nop_seconds;
	for (unsigned i = 0; i < p->n_target; i++)
		must(target_set_key(host.target, p->target[i].name,
				    p->target[i].value, &err), &err);
	o->redirect_forever = p->redirect_forever;
	for (unsigned i = 0; i < p->portals; i++)
		must(target_add_portal(host.target, portal_address(i),
				       (int)p->group[i], &err), &err);
	must(target_add_node(host.target, &node, TARGET_NAME, &err), &err);

	struct disk_config disk = {
		.bytes = medium_bytes(),
		.size = (uint64_t)p->blocks * p->block_size,
		.block_size = p->block_size,
		.write_cache = p->write_cache,
		.no_fua = p->no_fua,
		.tells = p->silent ? TELLS_NONE : TELLS_EACH,
		.serial = "SIM1",
		.ops = medium_ops(),
	};
	must(tnode_add_disk(node, UINT64_C(1) << 48, &disk, &err), &err);
	if (host.misbehaves)
		add_rules();
	say("target: up");
}

/* ----------------------------------------------------------------- peers -- */

static void
peer_free(struct peer *p)
{
	list_del(&p->link);
	p->conn = tconn_free(p->conn, world.now);
	sim_free(p);
}

static void
peer_close(struct peer *p)
{
	say("target: link %u closed: %s", link_id(p->wire),
	    tconn_reason(p->conn));
	link_close(p->wire, TARGET);
	peer_free(p);
}

/* False if it is gone. */
static bool
peer_send(struct peer *p)
{
	struct iovec iov[IOV_COUNT];
	int n;

	while ((n = tconn_tx_iov(p->conn, iov, IOV_COUNT)) > 0) {
		size_t total = 0, sent = link_send(p->wire, TARGET, iov, n);

		for (int i = 0; i < n; i++)
			total += iov[i].iov_len;
		if (sent > 0)
			tconn_tx_ack(p->conn, sent, world.now);
		if (sent < total)
			break;
	}
	if (!tconn_finished(p->conn))
		return true;
	peer_close(p);
	return false;
}

static void
peer_arrived(void *user, const uint8_t *bytes, size_t n)
{
	struct peer *p = user;

	while (n > 0) {
		struct iovec iov[2];
		int count = tconn_rx_iov(p->conn, iov);
		size_t sum = 0;

		for (int i = 0; i < count && n > 0; i++) {
			size_t take = iov[i].iov_len < n ? iov[i].iov_len : n;

			memcpy(iov[i].iov_base, bytes, take);
			bytes += take;
			n -= take;
			sum += take;
		}
		if (sum == 0 || tconn_rx_ack(p->conn, sum, world.now) < 0)
			break;		/* it takes nothing any more */
	}
	peer_send(p);
	host_serve();
}

static void
peer_room(void *user)
{
	peer_send(user);
	host_serve();
}

static void
peer_ended(void *user, const char *why)
{
	peer_free(user);
	host_serve();
}

static const struct end_ops peer_ops = {
	.arrived = peer_arrived, .room = peer_room, .ended = peer_ended,
};

enum host_answer
host_accept(struct link *l)
{
	struct lun_error err;
	struct peer *p;

	if (!host.target)
		return host.silent ? HOST_IS_SILENT : HOST_REFUSES;
	p = sim_alloc(sizeof(*p));
	*p = (struct peer){ .wire = l, .life = world.life };
	must(tconn_new(&p->conn, host.target, portal_address(link_portal(l)), p,
		       world.now, &err), &err);
	list_append(&host.peers, &p->link);
	link_accept(l, &peer_ops, p);
	return HOST_ACCEPTS;
}

/* ------------------------------------------------------------- the clock -- */

bool
host_serve(void)
{
	struct tconn *c;
	bool any = false;

	while (host.target && (c = target_ready(host.target))) {
		peer_send(tconn_user(c));
		any = true;
	}
	return any;
}

lun_time
host_deadline(void)
{
	if (!host.target)
		return host.back_at;
	return net_frozen() ? TIME_NEVER : target_deadline(host.target);
}

lun_time
host_up_at(void)
{
	return host.target ? world.now : host.back_at;
}

void
host_run(void)
{
	if (!host.target && host.back_at <= world.now)
		start();
	if (host.target && !net_frozen())
		target_run(host.target, world.now);
	host_serve();
}

void
host_misbehave(bool does)
{
	host.misbehaves = does;
	if (!host.target)
		return;
	target_clear_faults(host.target);
	if (does)
		add_rules();
}

static void
stop(void)
{
	struct peer *p;

	while ((p = list_first(&host.peers, struct peer, link)))
		peer_free(p);
	host.target = target_free(host.target);
}

void
host_crash(lun_time back_at, bool silent)
{
	if (!host.target)
		return;
	say("target: crashes, back in %.3f s",
	    (double)(back_at - world.now) / TIME_S);
	stop();
	net_reset_target();
	medium_crash();
	host.back_at = back_at;
	host.silent = silent;
}

void
host_begin(const struct plan *plan)
{
	host = (struct host){ .plan = plan, .reset.group = -1 };
	list_init(&host.peers);
	medium_begin(plan);
	start();
}

void
host_end(void)
{
	stop();
}
