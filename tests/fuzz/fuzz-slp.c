/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what an agent of SLP says to a user agent, as datagrams and over
 * TCP. So that random bytes get anywhere, the header and the XID are put
 * right, unless the first byte says otherwise.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "discovery/slp.h"
#include "discovery/slp-url.h"
#include "fuzz.h"

static uint16_t xid;			/* of the last request */
static struct slp_exchange *dialed;
static bool done;

static void
no_random(void *user, void *buf, size_t len)
{
	static uint8_t next;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(next += 37);
}

static void
on_send(void *user, const struct portal *agent, const char *type, const void *p,
	size_t len)
{
	xid = get16((const uint8_t *)p + 10);
}

static void
on_dial(void *user, struct slp_exchange *x)
{
	x->connection = &dialed;
	dialed = x;
}

static void
on_hang_up(void *user, struct slp_exchange *x)
{
	x->connection = NULL;
	dialed = NULL;
}

static void
on_done(void *user, int code, const struct lun_error *err)
{
	assert(!done);
	assert(code <= 0);
	done = true;
}

/* A header before the bytes; the first of them say which. */
static size_t
make_message(uint8_t *out, const uint8_t *p, size_t len)
{
	static const uint8_t kinds[] = { 2, 7, 8, 11 };
	size_t n = len > 2 ? len - 2 : 0;

	memcpy(out, (uint8_t[]){ 2, kinds[p[0] & 3], 0, 0, 0,
				 p[0] & 4 ? 0x80 : 0, 0, 0, 0, 0, 0, 0,
				 0, 2, 'e', 'n', 0, 0 }, 18);
	put24(out + 2, (uint32_t)(18 + n) + (p[0] & 8 ? p[1] : 0));
	put16(out + 10, xid);
	if (p[0] & 16)
		put24(out + 7, p[1]);
	memcpy(out + 18, p + 2, n);
	return 18 + n;
}

static void
check_found(struct slp *s)
{
	size_t n;
	const struct slp_service *v = slp_services(s, &n, 0);
	char name[NAME_MAX_LEN + 1];

	for (size_t i = 0; i < n; i++) {
		assert(iscsi_name_prepare(v[i].name, name, NULL) == 0);
		assert(strcmp(v[i].name, name) == 0);
		assert(iscsi_name_safe_component(v[i].name));
		assert(v[i].portal.port != 0 && v[i].portal.host[0]);
	}
}

/* Messages, each with its length before it, to an agent and over TCP. */
static void
feed(struct slp *s, const uint8_t *p, size_t len)
{
	const struct portal from = { "192.0.2.1", LUN_SLP_PORT, -1 };

	while (len > 3) {
		size_t n = 2 + p[0] % (len - 2);
		uint8_t *m = malloc(18 + n);

		if (!m)
			abort();
		p++;
		len--;
		n = n < len ? n : len;

		size_t size = make_message(m, p, n < 2 ? 2 : n);
		uint8_t *exact = malloc(size);

		if (!exact)
			abort();
		memcpy(exact, m, size);
		if (dialed)
			slp_exchange_take(dialed, exact, size, 0);
		else
			slp_datagram(s, &from, exact, size, 0);
		free(exact);
		free(m);
		p += n;
		len -= n;
	}
}

static void
read_texts(const uint8_t *p, size_t len)
{
	struct slp_text t = { (const char *)p, len };
	struct slp_attr a;
	char name[NAME_MAX_LEN + 1], buf[64], list[256];
	struct portal portal;
	struct slp_config c;
	size_t pos = 0;
	long v;

	while (slp_attr_next(t, &pos, &a) == 1)
		slp_text_is(a.tag, "alias");
	slp_attr_text(t, "alias", buf, sizeof(buf));
	slp_attr_number(t, "n", 9, &v);
	slp_target_url(t, name, &portal, NULL);
	slp_service_url(t, SLP_TYPE_SMS, 1, &portal, NULL);
	slp_config_init(&c);
	snprintf(list, sizeof(list), "%.*s", (int)len, (const char *)p);
	slp_config_scopes(&c, list, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slp_driver driver = { on_send, on_dial,
						  on_hang_up };
	static const struct lun_env env = { .random = no_random };
	static const struct portal agent = { "192.0.2.1", LUN_SLP_PORT, -1 };
	struct slp_search search = { .name = "iqn.2026-11.test:me" };
	struct slp_config config;
	struct timers timers;
	struct slp *s;

	if (size < 1)
		return 0;
	read_texts(data + 1, size - 1);
	slp_config_init(&config);
	if (data[0] & 1)
		slp_config_agent(&config, &agent, NULL);
	if (data[0] & 2)
		slp_config_scopes(&config, "*", NULL);
	if (data[0] & 4)
		search.what = SLP_ISNS_SERVERS;
	done = false;
	dialed = NULL;
	timers_init(&timers);
	timers.now = 0;
	if (slp_new(&s, &config, &search, &driver, NULL, &env, &timers,
		    on_done, NULL, NULL) < 0)
		abort();
	slp_start(s, 0);
	feed(s, data + 1, size - 1);
	while (!done && timers_deadline(&timers) != TIME_NEVER)
		timers_run(&timers, timers_deadline(&timers));
	assert(done);
	if (search.what != SLP_ISNS_SERVERS)
		check_found(s);
	slp_free(s);
	timers_deinit(&timers);
	return 0;
}
