/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the user agent of SLP share: answers of agents to the
 * requests that they see, and what was asked in a line. */
#ifndef SLP_SCRIPT_H
#define SLP_SCRIPT_H

#include "slp-world.h"

#define ME	"iqn.2026-11.test:me"
#define OPEN	"(|(auth-name=" ME ")(auth-name=any))"
#define URL(host, name) "service:iscsi:target://" host "/iqn.2026-11.test:" name

static inline int
setup(void **state)
{
	w_init(&world);
	return 0;
}

static inline int
teardown(void **state)
{
	w_deinit(&world);
	return 0;
}

static inline void
give_agent(const char *host)
{
	struct portal p = { .port = LUN_SLP_PORT, .tpgt = -1 };

	strcpy(p.host, host);

	int r = slp_config_agent(&world.config, &p, NULL);

	assert(r == 0);
	(void)r;
}

static inline struct answer
reply(const struct request *rq, unsigned error)
{
	struct answer a;

	a_begin(&a, rq->function + 1, 0, rq->xid);
	a16(&a, error);
	if (rq->function == 1 && error == 0)
		a16(&a, 0);
	a_end(&a);
	return a;
}

/* One more URL in a SrvRply. */
static inline void
add_url(struct answer *a, const char *url)
{
	put16(a->p + 18, (uint16_t)(get16(a->p + 18) + 1));
	a_url(a, 1000, url, 0);
	a_end(a);
}

static inline struct answer
urls(const struct request *rq, const char *first, const char *second)
{
	struct answer a = reply(rq, 0);

	if (first)
		add_url(&a, first);
	if (second)
		add_url(&a, second);
	return a;
}

static inline struct answer
attributes(const struct request *rq, const char *list)
{
	struct answer a = reply(rq, 0);

	a_text(&a, list);
	a8(&a, 0);
	a_end(&a);
	return a;
}

static inline struct answer
da_advert(const struct request *rq, const char *url, const char *scopes,
	  unsigned boot)
{
	struct answer a;

	a_begin(&a, 8, 0, rq->xid);
	a16(&a, 0);
	a16(&a, boot >> 16);
	a16(&a, boot & 0xffff);
	a_text(&a, url);
	a_text(&a, scopes);
	a_text(&a, "");
	a_text(&a, "");
	a8(&a, 0);
	a_end(&a);
	return a;
}

static inline bool
for_agents(const struct request *rq)
{
	return strcmp(rq->subject, SLP_TYPE_DA) == 0;
}

static inline bool
to_all(const struct request *rq)
{
	return strcmp(rq->to, "*") == 0;
}

/* "at to subject scopes" of the requests that were sent, in milliseconds. */
static inline const char *
asked(void)
{
	static char buf[8000];
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < world.n; i++) {
		const struct request *rq = &world.sent[i];
		const char *type = strrchr(rq->subject, ':');

		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
					"%s%lld %s %s %s", i ? "; " : "",
					(long long)(rq->at / MS), rq->to,
					rq->function == 6 ? "attributes" :
					type + 1, rq->scopes);
		assert(len < sizeof(buf));
	}
	return buf;
}

static inline bool
is_listed(const struct request *rq, const char *host)
{
	size_t len = strlen(host);
	const char *p = strstr(rq->responders, host);

	return p && (p[len] == '\0' || p[len] == ',');
}

/* A test with a world of its own. */
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
