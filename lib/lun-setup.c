/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session is made of: the URL, the options, and who we are. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "conn/times.h"
#include "lun-impl.h"

/* ----------------------------------------------------------- who we are -- */

int
options_name(const struct lun_options *o, const struct lun_env *env,
	     char out[NAME_MAX_LEN + 1], struct lun_error *err)
{
	if (o->initiator_name[0] == '\0')
		return identity_name(out, env, err);
	memcpy(out, o->initiator_name, sizeof(o->initiator_name));
	return 0;
}

/* RFC 7143 13.7: the host name is a fair default. */
void
options_alias(const struct lun_options *o, char out[ALIAS_MAX + 1])
{
	if (o->alias_set)
		memcpy(out, o->initiator_alias, sizeof(o->initiator_alias));
	else
		identity_alias(out);
}

int
lun_initiator_name(const struct lun_options *o, char out[224],
		   struct lun_error *err)
{
	static const struct lun_env silent = { 0 };

	return options_name(o, &silent, out, err);
}

/* ------------------------------------------------------------- the setup -- */

/* The credentials of the URL come before those of the options. */
static void
take_credentials(struct lun_options *o, const struct lun_url *url)
{
	size_t len = strlen(url->password);

	static_assert(sizeof(url->username) == sizeof(o->auth.username), "same");
	static_assert(sizeof(url->password) <= sizeof(o->auth.password) + 1, "fits");
	if (url->username[0] != '\0')
		memcpy(o->auth.username, url->username, sizeof(url->username));
	if (len > 0) {
		memcpy(o->auth.password, url->password, len);
		o->auth.password_len = len;
	}
}

struct portal
portal_of_url(const struct lun_url *url)
{
	struct portal p = { .port = url->port, .tpgt = -1 };

	static_assert(sizeof(p.host) == sizeof(url->host), "same");
	memcpy(p.host, url->host, sizeof(p.host));
	return p;
}

/* RFC 7143 13.14: FirstBurstLength MUST NOT exceed MaxBurstLength. One that the
 * user asked for has been checked. */
static void
fit_bursts(struct params *p)
{
	if (p->FirstBurstLength > p->MaxBurstLength)
		p->FirstBurstLength = p->MaxBurstLength;
}

static void
say_meanwhile(struct setup *s)
{
	const struct lun_options *o = &s->options;

	if (o->outage == OUTAGE_FAIL)
		snprintf(s->meanwhile, sizeof(s->meanwhile), "I/O fails");
	else if (o->outage_time == TIME_NEVER)
		snprintf(s->meanwhile, sizeof(s->meanwhile), "I/O waits");
	else
		snprintf(s->meanwhile, sizeof(s->meanwhile), "I/O waits, %"
			 PRId64 " s at most", o->outage_time / TIME_S);
}

/* As I/O waits; but a connection has the time of a command to come back. */
static lun_time
recovery_time(const struct lun_options *o)
{
	lun_time outage = o->outage == OUTAGE_FAIL ? 0 : o->outage_time;

	return outage > o->timeout ? outage : o->timeout;
}

static void
configure(struct setup *s, bool discovery)
{
	struct session_config *c = &s->config;
	const struct lun_options *o = &s->options;

	c->login = (struct login_config){
		.initiator_name = o->initiator_name,
		.initiator_alias = *o->initiator_alias ? o->initiator_alias
						       : NULL,
		.target_name = discovery ? NULL : s->target,
		.discovery = discovery,
		.leading = true,
		.expected_tpgt = -1,
		.offer = &o->offer,
		.auth = &o->auth,
	};
	memcpy(c->login.isid, s->isid.isid, ISID_LEN);
	/* "timeout bounds each connect, login, command"; a target that is
	 * silent for half of it is asked whether it is there. */
	c->timeouts = (struct conn_timeouts){
		.connect = o->timeout,
		.login = o->timeout,
		.logout = o->timeout,
		.nop_interval = o->timeout / NOP_INTERVAL_PART,
		.nop_answer = o->timeout / NOP_ANSWER_PART,
		.text = o->timeout,
	};
	c->command_timeout = o->timeout;
	c->recovery_time = recovery_time(o);
	c->target_reset = o->target_reset;
	c->label = s->label;
	if (proxy_or_none(&o->proxy)) {
		char name[PORTAL_TEXT_MAX];

		snprintf(s->via, sizeof(s->via), "proxy %s",
			 portal_print(&o->proxy.portal, name));
		c->via = s->via;
	}
	if (!discovery) {
		say_meanwhile(s);
		c->meanwhile = s->meanwhile;
	}
}

int
setup_init(struct setup *s, const struct lun_url *url,
	   const struct lun_options *options, bool discovery,
	   const struct lun_env *env, struct lun_error *err)
{
	const char *warning = NULL;
	struct auth_config auth;
	int r = 0;

	s->options = *options;
	take_credentials(&s->options, url);
	r = lun_options_check(&s->options, &warning, err);
	if (r < 0)
		return r;
	options_auth(&s->options, &auth);
	s->options.auth = auth;
	auth_wipe(&auth);
	fit_bursts(&s->options.offer.values);
	r = options_name(options, env, s->options.initiator_name, err);
	if (r < 0)
		return r;
	options_alias(options, s->options.initiator_alias);

	if (url->kind != LUN_URL_PORTAL)
		memcpy(s->target, url->target, sizeof(s->target));
	s->config.portal = portal_of_url(url);
	if (discovery)
		portal_print(&s->config.portal, s->label);
	else
		memcpy(s->label, s->target, sizeof(s->target));
	isid_take(&s->isid, s->options.initiator_name,
		  discovery ? "" : s->target,
		  s->options.isid_set ? &s->options.isid : NULL, env);
	configure(s, discovery);
	return 0;
}

void
setup_deinit(struct setup *s)
{
	isid_release(&s->isid);
	secret_wipe(&s->options, sizeof(s->options));
}
