/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exchange with DHCP servers: see dhcp-client.h. */
#include "boot/dhcp-client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "boot/policy.h"

#define FIRST_PAUSE	(4 * TIME_S)	/* RFC 2131 4.1 */
#define LONGEST_PAUSE	(64 * TIME_S)
#define COLLECT_TIME	TIME_S

enum { SERVERS_MAX = 16 };

enum state {
	ASKING,			/* INFORM or DISCOVER is out */
	REQUESTING,		/* REQUEST is out, of what best offers */
	RELEASING,		/* RELEASE is to go out */
	ENDED,
};

/* How much an answer says: the most is taken. */
enum rank { NO_ANSWER, NO_ROOT_PATH, BAD_ROOT_PATH, ROOT_PATH };

struct answer {
	enum rank rank;
	uint8_t server[4], yiaddr[4], mac[6];
	const struct dhcp_key *key;		/* NULL: not authentic */
	struct boot_info info;
	struct lun_error err;			/* of BAD_ROOT_PATH */
};

/* Of servers that have answered something authentic. */
struct server {
	uint8_t address[4];
	uint64_t replay;	/* the last one of its counter */
};

struct dhcp_client {
	struct dhcp_config config;
	const struct lun_env *env;
	enum state state;
	uint32_t xid;
	uint64_t replay;			/* of our messages */
	lun_time begun;
	bool due;				/* a message is to be sent */
	unsigned sent, restarts;
	lun_time resend_at, choose_at;
	struct answer best;
	size_t n_servers;
	struct server servers[SERVERS_MAX];
	unsigned not_authentic;			/* answers that were declined */
	struct lun_error err;			/* if it failed */
};

static bool
is_zero4(const uint8_t a[4])
{
	return get32(a) == 0;
}

static bool
has_address(const struct dhcp_client *c)
{
	return !is_zero4(c->config.address);
}

static const char *
print4(const uint8_t a[4], char out[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, a, out, INET_ADDRSTRLEN);
}

/* --------------------------------------------------------------- states -- */

static void
enter(struct dhcp_client *c, enum state state)
{
	c->state = state;
	c->due = state != ENDED;
	c->sent = 0;
	c->resend_at = c->choose_at = TIME_NEVER;
}

static void
begin(struct dhcp_client *c)
{
	c->xid = env_random32(c->env);
	c->best = (struct answer){ .rank = NO_ANSWER };
	enter(c, ASKING);
}

static void
fail(struct dhcp_client *c, int code, const char *text)
{
	lun_fail(&c->err, code, "%s: %s", c->config.name, text);
	enter(c, ENDED);
}

/* RFC 3118 5.5.1: back to the beginning, a few times. */
static void
restart(struct dhcp_client *c, const char *why)
{
	env_log(c->env, LUN_LOG_WARNING, "%s: DHCP: begins again: %s",
		c->config.name, why);
	if (++c->restarts >= c->config.tries)
		fail(c, LUN_EREFUSED, why);
	else
		begin(c);
}

/* Enough answers are there, or enough time has passed. */
static void
choose(struct dhcp_client *c)
{
	if (!c->best.key && c->config.auth)
		env_log(c->env, LUN_LOG_WARNING, "%s: DHCP: an answer is "
			"accepted that is NOT AUTHENTIC", c->config.name);
	if (c->best.rank == ROOT_PATH && !has_address(c))
		enter(c, REQUESTING);
	else
		enter(c, ENDED);
}

static void
give_up(struct dhcp_client *c)
{
	char text[160];

	if (c->state == ASKING && c->best.rank > NO_ANSWER) {
		choose(c);
		return;
	}
	if (c->not_authentic > 0) {
		snprintf(text, sizeof(text), "DHCP: none of %u answers is "
			 "authentic", c->not_authentic);
		fail(c, LUN_EAUTH, text);
		return;
	}
	snprintf(text, sizeof(text), "DHCP: no server has answered %u requests",
		 c->sent);
	fail(c, LUN_ETIMEDOUT, text);
}

/* 4 s, 8 s ... 64 s, each up to 1 s more or less (RFC 2131 4.1). */
static lun_time
pause_after(struct dhcp_client *c, unsigned sent)
{
	lun_time pause = FIRST_PAUSE;

	while (sent-- > 1 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause - TIME_S + env_random32(c->env) % (2 * TIME_S + 1);
}

/* -------------------------------------------------------------- sending -- */

static enum dhcp_type
message_type(const struct dhcp_client *c)
{
	switch (c->state) {
	case ASKING:
		return has_address(c) ? DHCP_INFORM : DHCP_DISCOVER;
	case REQUESTING:
		return DHCP_REQUEST;
	case RELEASING:
	case ENDED:
		break;
	}
	return DHCP_RELEASE;
}

/*
 * DISCOVER and INFORM ask for authentication; what follows an authentic OFFER
 * is signed with the key of that (RFC 3118 5.5.1).
 */
static size_t
write_message(struct dhcp_client *c, lun_time now, uint8_t *out)
{
	uint8_t option[DHCP_AUTH_MAX];
	lun_time secs = (now - c->begun) / TIME_S;
	struct dhcp_request q = {
		.type = message_type(c),
		.xid = c->xid,
		.secs = (uint16_t)(secs < UINT16_MAX ? secs : UINT16_MAX),
	};
	const struct dhcp_key *key = c->state == ASKING ? NULL : c->best.key;

	memcpy(q.mac, c->config.mac, 6);
	if (c->state == ASKING)
		memcpy(q.ciaddr, c->config.address, 4);
	if (c->state != ASKING)
		memcpy(q.server, c->best.server, 4);
	if (c->state == REQUESTING)
		memcpy(q.requested, c->best.yiaddr, 4);
	if (c->state == RELEASING)
		memcpy(q.ciaddr, c->best.yiaddr, 4);
	if (c->config.auth && (c->state == ASKING || key)) {
		q.auth = option;
		q.auth_len = dhcp_auth_option(c->config.auth, key,
					      ++c->replay, option);
	}

	size_t auth_at, len = dhcp_write(out, &q, &auth_at);

	if (key && !c->config.auth->token &&
	    dhcp_auth_sign(key, out, len, auth_at) < 0)
		return 0;
	return len;
}

bool
dhcp_client_pull(struct dhcp_client *c, lun_time now, struct dhcp_datagram *d)
{
	if (!c->due)
		return false;
	c->due = false;
	memset(d->mac, 0xff, sizeof(d->mac));
	memset(d->to, 0xff, sizeof(d->to));
	memcpy(d->from, c->config.address, 4);
	if (c->state == RELEASING) {		/* RFC 2131 4.4.4: by unicast */
		memcpy(d->mac, c->best.mac, sizeof(d->mac));
		memcpy(d->to, c->best.server, 4);
		memcpy(d->from, c->best.yiaddr, 4);
	}
	d->len = write_message(c, now, d->data);
	c->resend_at = time_add(now, pause_after(c, ++c->sent));
	if (c->state == RELEASING)
		enter(c, ENDED);
	if (d->len == 0)
		fail(c, LUN_ESYS, "DHCP: no MD5 in this libcrypto");
	return d->len > 0;
}

/* ------------------------------------------------------------ receiving -- */

static void
ignore(struct dhcp_client *c, const uint8_t server[4], const char *why)
{
	char text[INET_ADDRSTRLEN];

	env_log(c->env, LUN_LOG_INFO, "%s: DHCP server %s: ignored: %s",
		c->config.name, print4(server, text), why);
}

/*
 * The entry of a server: only what is authentic gets one, so that others can't
 * use them up. The last one is for all that are too many.
 */
static struct server *
server_entry(struct dhcp_client *c, const uint8_t address[4])
{
	size_t i = 0;

	while (i < c->n_servers &&
	       memcmp(c->servers[i].address, address, 4) != 0)
		i++;
	return &c->servers[i < SERVERS_MAX ? i : SERVERS_MAX - 1];
}

static void
remember(struct dhcp_client *c, struct server *s, const uint8_t address[4],
	 uint64_t replay)
{
	if (s == &c->servers[c->n_servers])
		c->n_servers++;
	memcpy(s->address, address, 4);
	s->replay = replay;
}

/* Authentic as far as that is wanted; *key NULL: accepted nevertheless. */
static bool
is_authentic(struct dhcp_client *c, const struct dhcp_message *m,
	     const struct dhcp_key **key)
{
	struct lun_error why = { .text = "it is not authenticated" };
	struct server *s = server_entry(c, m->server);
	uint64_t replay = s->replay;
	int r;

	*key = NULL;
	if (!c->config.auth)
		return true;
	r = dhcp_auth_check(c->config.auth, m, key, &replay, &why);
	if (r == 0)
		remember(c, s, m->server, replay);
	if (r == 0 || (r == DHCP_UNAUTHENTIC && c->config.unauthentic))
		return true;
	c->not_authentic++;
	ignore(c, m->server, why.text);
	return false;
}

static void
read_info(struct answer *a, const struct dhcp_message *m)
{
	a->info = (struct boot_info){ 0 };
	a->err = (struct lun_error){ 0 };

	int r = dhcp_boot_info(m, &a->info, &a->err);

	a->rank = r == 0 ? ROOT_PATH : r < 0 ? BAD_ROOT_PATH : NO_ROOT_PATH;
}

/* An OFFER, or an ACK to INFORM: is it better than what there is? */
static void
take_answer(struct dhcp_client *c, lun_time now, const struct dhcp_message *m,
	    const uint8_t mac[6], const struct dhcp_key *key)
{
	struct answer a = { .key = key };

	read_info(&a, m);
	memcpy(a.server, m->server, 4);
	memcpy(a.yiaddr, m->yiaddr, 4);
	memcpy(a.mac, mac, 6);
	if (a.rank > c->best.rank)
		c->best = a;
	if (c->best.rank == ROOT_PATH)
		choose(c);
	else if (c->choose_at == TIME_NEVER)
		c->choose_at = time_add(now, COLLECT_TIME);
}

/* An ACK to REQUEST: what it says counts, not what was offered. */
static void
take_ack(struct dhcp_client *c, const struct dhcp_message *m,
	 const struct dhcp_key *key)
{
	if (c->best.key && key != c->best.key) {	/* RFC 3118 5.5.1 */
		restart(c, "the ACK is not authentic, as the OFFER was");
		return;
	}
	read_info(&c->best, m);
	enter(c, RELEASING);
}

static void
requested_answer(struct dhcp_client *c, const struct dhcp_message *m)
{
	const struct dhcp_key *key;
	bool good;

	if (memcmp(m->server, c->best.server, 4) != 0 ||
	    (m->type != DHCP_ACK && m->type != DHCP_NAK))
		return;
	good = is_authentic(c, m, &key);
	if (m->type == DHCP_ACK)
		take_ack(c, m, good ? key : NULL);
	else if (good)
		restart(c, "the server takes its OFFER back");
}

/* RFC 2131 4.4.1: for us, and an answer to what was asked. */
static bool
is_ours(const struct dhcp_client *c, const struct dhcp_message *m)
{
	return m->xid == c->xid &&
	       memcmp(m->raw + DHCP_CHADDR_AT, c->config.mac, 6) == 0 &&
	       !is_zero4(m->server);
}

void
dhcp_client_push(struct dhcp_client *c, lun_time now, const uint8_t mac[6],
		 const uint8_t *data, size_t len)
{
	enum dhcp_type wanted = has_address(c) ? DHCP_ACK : DHCP_OFFER;
	const struct dhcp_key *key;
	struct dhcp_message m;
	struct lun_error err;

	if (c->state == ENDED || dhcp_parse(&m, data, len, &err) < 0 ||
	    !is_ours(c, &m))
		return;
	if (!boot_policy_dhcp(c->config.servers, m.server)) {
		ignore(c, m.server, "not among those that are allowed");
		return;
	}
	if (c->state == REQUESTING)
		requested_answer(c, &m);
	else if (c->state == ASKING && m.type == wanted &&
		 (has_address(c) || !is_zero4(m.yiaddr)) &&
		 is_authentic(c, &m, &key))
		take_answer(c, now, &m, mac, key);
}

/* ----------------------------------------------------------------- time -- */

void
dhcp_client_tick(struct dhcp_client *c, lun_time now)
{
	if (now >= c->choose_at) {
		choose(c);
	} else if (now >= c->resend_at) {
		c->resend_at = TIME_NEVER;
		if (c->sent >= c->config.tries)
			give_up(c);
		else
			c->due = true;
	}
}

lun_time
dhcp_client_deadline(const struct dhcp_client *c)
{
	return c->choose_at < c->resend_at ? c->choose_at : c->resend_at;
}

int
dhcp_client_result(const struct dhcp_client *c, struct boot_info *b,
		   char how[DHCP_HOW_MAX], struct lun_error *err)
{
	const struct answer *a = &c->best;
	char server[INET_ADDRSTRLEN], key[48] = "";

	if (c->state != ENDED)
		return DHCP_PENDING;
	if (c->err.code < 0)
		return lun_fail(err, c->err.code, "%s", c->err.text);
	print4(a->server, server);
	if (a->rank == BAD_ROOT_PATH)
		return lun_fail(err, a->err.code, "%s: DHCP server %s: %s",
				c->config.name, server, a->err.text);
	if (a->key && c->config.auth->token)
		snprintf(key, sizeof(key), ", with our token");
	else if (a->key)
		snprintf(key, sizeof(key), ", authentic by key %u", a->key->id);
	else if (c->config.auth)
		snprintf(key, sizeof(key), ", NOT AUTHENTIC");
	snprintf(how, DHCP_HOW_MAX, "DHCP server %s on %.32s%s", server,
		 c->config.name, key);
	*b = a->info;
	return a->rank == ROOT_PATH ? 0 : BOOT_NOTHING;
}

/* ---------------------------------------------------------------- calls -- */

int
dhcp_client_new(struct dhcp_client **out, const struct dhcp_config *config,
		const struct lun_env *env, lun_time now, struct lun_error *err)
{
	struct dhcp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return lun_fail(err, LUN_ENOMEM, "DHCP: out of memory");
	c->config = *config;
	c->env = env;
	c->begun = now;
	c->replay = config->replay;
	begin(c);
	*out = c;
	return 0;
}

struct dhcp_client *
dhcp_client_free(struct dhcp_client *c)
{
	free(c);
	return NULL;
}
