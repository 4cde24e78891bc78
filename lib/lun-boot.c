/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lun_boot(): the stages of RFC 4173, as far as the boot stage, which is the
 * application's.
 *
 *	root path ----------------------------> candidates
 *	    \-- no server, or no target -- services in turn --/
 *
 * Each step is a job of its own: nothing of a discovery is on the stack when it
 * is freed. A service that fails, stays silent, or knows nothing, is told in
 * the log, and the next one is asked.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "boot/info.h"
#include "boot/policy.h"
#include "io/boot-files.h"
#include "lun-impl.h"

enum {
	CANDIDATES_MAX	= 32,
	SERVICES_MAX	= 16,
	FAILURES_MAX	= 300,
};

struct lun_boot {
	struct lun_loop *loop;
	enum lun_boot_source source;
	char *value, *allow;
	bool numeric;
	struct lun_options *options;
	lun_boot_fn *done;
	void *user;

	struct boot_info info;
	char where[BOOT_FILE_NAME_MAX];		/* it is from */
	size_t target;				/* that is looked at */

	struct lun_url services[SERVICES_MAX];
	size_t n_services, service;
	bool services_given;			/* by the user */
	struct lun_discovery *discovery;	/* NULL: none under way */
	struct timer patience;			/* for it */
	bool answered;
	struct str failures;			/* of services */

	struct job step;
	void (*next)(struct lun_boot *b);
	struct lun_boot_result result;
	struct lun_boot_candidate *candidates;	/* CANDIDATES_MAX of them */
	struct lun_error err;
};

static void
go(struct lun_boot *b, void (*next)(struct lun_boot *b))
{
	b->next = next;
	loop_add_job(b->loop, &b->step);
}

static void
step(struct job *j)
{
	struct lun_boot *b = container_of(j, struct lun_boot, step);

	b->next(b);
}

static void
report(struct lun_boot *b)
{
	bool found = b->err.code == 0;

	b->done(b->user, b->err.code, b->err.text, found ? &b->result : NULL);
}

static void
fail(struct lun_boot *b)
{
	assert(b->err.code < 0);
	go(b, report);
}

/* --------------------------------------------------------- candidates -- */

/* A LUN at this portal, if it may be used. */
static void
add_candidate(struct lun_boot *b, const struct boot_target *t,
	      const char *name, const char *host, uint16_t port,
	      const char *service)
{
	struct lun_boot_candidate *c = &b->candidates[b->result.n];

	for (size_t i = 0; i < b->result.n; i++)
		if (b->candidates[i].url.port == port &&
		    strcmp(b->candidates[i].url.host, host) == 0 &&
		    strcmp(b->candidates[i].url.target, name) == 0)
			return;
	if (b->result.n == CANDIDATES_MAX)
		return;
	*c = (struct lun_boot_candidate){
		.url = { .kind = LUN_URL_LUN, .port = port,
			 .lun = t ? t->url.lun : 0 },
	};
	snprintf(c->url.host, sizeof(c->url.host), "%s", host);
	snprintf(c->url.target, sizeof(c->url.target), "%s", name);
	snprintf(c->how, sizeof(c->how), "%s%s%s", b->where,
		 service ? "; found by " : "", service ? service : "");
	if (t) {
		memcpy(c->url.username, t->url.user, sizeof(t->url.user));
		memcpy(c->url.password, t->url.password,
		       sizeof(t->url.password));
		memcpy(c->username_in, t->user_in, sizeof(t->user_in));
		memcpy(c->password_in, t->password_in,
		       sizeof(t->password_in));
	}

	struct portal p = { .port = port };

	memcpy(p.host, c->url.host, sizeof(p.host));
	if (boot_policy_check(b->allow, b->numeric, name, &p, &b->err) < 0) {
		env_log(&b->loop->env, LUN_LOG_WARNING, "%s", b->err.text);
		secret_wipe(c, sizeof(*c));
		return;
	}
	b->result.n++;
}

static void
finish(struct lun_boot *b)
{
	char name[sizeof(b->info.targets[0].url.target) + 40];

	if (b->result.n > 0) {
		b->err.code = 0;
		b->result.candidates = b->candidates;
		go(b, report);
		return;
	}
	/* Why the last one was refused says more than that there is none. */
	if (b->err.code == 0) {
		snprintf(name, sizeof(name), "%s", b->info.n_targets > 0 ?
			 b->info.targets[0].url.target : "a target to boot "
			 "from");
		lun_fail(&b->err, LUN_ENOTFOUND, "%s: found nowhere: %s", name,
			 str_text(&b->failures));
	}
	fail(b);
}

/* ----------------------------------------------- discovery service stage -- */

static void next_target(struct lun_boot *b);
static void next_service(struct lun_boot *b);

static const struct boot_target *
current_target(const struct lun_boot *b)
{
	return b->target < b->info.n_targets ? &b->info.targets[b->target] :
					       NULL;
}

static const char *
service_name(const struct lun_url *s, char out[300])
{
	static const char *const kinds[] = {
		[LUN_URL_PORTAL] = "SendTargets of ",
		[LUN_URL_ISNS] = "iSNS at ", [LUN_URL_SLP] = "SLP of ",
	};
	bool v6 = strchr(s->host, ':') != NULL;

	if (s->host[0] == '\0')
		snprintf(out, 300, "SLP");
	else
		snprintf(out, 300, "%s%s%s%s:%u", kinds[s->kind],
			 v6 ? "[" : "", s->host, v6 ? "]" : "", s->port);
	return out;
}

static void
service_failed(struct lun_boot *b, const char *why)
{
	char name[300];

	service_name(&b->services[b->service], name);
	env_log(&b->loop->env, LUN_LOG_INFO, "boot: %s: %s", name, why);
	if (b->failures.len > 0)
		str_add(&b->failures, "; ");
	str_add(&b->failures, "%s: %s", name, why);
}

/*
 * Where the service knows the target. If the root path has another port than
 * it, both may be right (RFC 4173 6): first the service's.
 */
static void
add_portals(struct lun_boot *b, const struct lun_target *found,
	    const char *service)
{
	const struct boot_target *t = current_target(b);
	uint16_t port = t && t->has_port ? t->url.portal.port : 0;

	for (size_t i = 0; i < found->n_portals; i++)
		add_candidate(b, t, found->name, found->portals[i].address,
			      found->portals[i].port, service);
	for (size_t i = 0; port && i < found->n_portals; i++)
		add_candidate(b, t, found->name, found->portals[i].address,
			      port, service);
}

static void
service_answered(void *user, int code, const char *text,
		 const struct lun_target *targets, size_t n)
{
	struct lun_boot *b = user;
	const struct boot_target *t = current_target(b);
	const struct lun_url *s = &b->services[b->service];
	size_t before = b->result.n;
	char name[300];

	service_name(s, name);
	for (size_t i = 0; code == 0 && i < n; i++)
		if (!t || iscsi_name_equal(targets[i].name, t->url.target))
			add_portals(b, &targets[i], name);
	b->answered = b->result.n > before;
	if (!b->answered && b->err.code == 0)
		service_failed(b, code < 0 ? text : "knows of none");
	go(b, next_service);
}

static void
service_silent(struct timer *timer, lun_time now)
{
	struct lun_boot *b = container_of(timer, struct lun_boot, patience);

	service_failed(b, "no answer in time");
	go(b, next_service);
}

static void
ask_service(struct lun_boot *b)
{
	const struct boot_target *t = current_target(b);
	struct lun_url url = b->services[b->service];
	struct lun_error why;

	if (t)
		memcpy(url.target, t->url.target, sizeof(url.target));
	if (t && url.kind == LUN_URL_PORTAL)
		url.kind = LUN_URL_TARGET;
	if (lun_discover(&b->discovery, b->loop, &url, b->options,
			 service_answered, b, &why) < 0) {
		service_failed(b, why.text);
		go(b, next_service);
		return;
	}
	timer_set(&b->patience, time_add(loop_now(b->loop),
					 b->options->timeout));
}

/* The one that was asked is done with; b->service is it, if there was one. */
static void
next_service(struct lun_boot *b)
{
	timer_clear(&b->patience);
	b->discovery = lun_discovery_free(b->discovery);
	b->service++;
	if (b->answered || b->service >= b->n_services)
		go(b, next_target);
	else
		ask_service(b);
}

static void
add_service(struct lun_boot *b, const struct boot_service *s)
{
	struct lun_url *u;

	if (b->n_services == SERVICES_MAX)
		return;
	u = &b->services[b->n_services++];
	*u = (struct lun_url){
		.kind = s->kind == BOOT_ISNS ? LUN_URL_ISNS : LUN_URL_SLP,
		.port = s->portal.port,
	};
	memcpy(u->host, s->portal.host, sizeof(u->host));
	if (s->kind == BOOT_SLP)
		snprintf(u->scope, sizeof(u->scope), "%s",
			 b->info.slp_scopes[0] ? b->info.slp_scopes : "DEFAULT");
}

/*
 * Those that the source told of: iSNS first (RFC 7143 4.2.7), then SLP, at last
 * by multicast.
 */
static void
choose_services(struct lun_boot *b)
{
	static const struct boot_service multicast = {
		BOOT_SLP, { .port = SLP_PORT }
	};
	static const enum boot_service_kind order[] = { BOOT_ISNS, BOOT_SLP };

	if (b->services_given)
		return;
	b->n_services = 0;
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < b->info.n_services; i++)
			if (b->info.services[i].kind == order[k])
				add_service(b, &b->info.services[i]);
	add_service(b, &multicast);
}

static void
begin_services(struct lun_boot *b)
{
	choose_services(b);
	b->answered = false;
	b->service = SIZE_MAX;		/* none yet */
	next_service(b);
}

/* -------------------------------------------------------- root path stage -- */

/* Of those that are left, the first without a server is looked for. */
static void
look_at_targets(struct lun_boot *b)
{
	for (; b->target < b->info.n_targets; b->target++) {
		const struct boot_target *t = &b->info.targets[b->target];

		if (t->url.kind == URL_UNLOCATED && b->numeric)
			lun_fail(&b->err, LUN_EREFUSED, "%s: refused: no "
				 "server is named, and only one in figures is "
				 "wanted", t->url.target);
		else if (t->url.kind == URL_UNLOCATED) {
			begin_services(b);
			return;
		} else
			add_candidate(b, t, t->url.target,
				      t->url.portal.host, t->url.portal.port,
				      NULL);
	}
	finish(b);
}

static void
next_target(struct lun_boot *b)
{
	b->target++;
	look_at_targets(b);
}

/* The source has been read. */
static void
located(struct lun_boot *b)
{
	memcpy(b->result.initiator_name, b->info.initiator,
	       sizeof(b->result.initiator_name));
	b->target = 0;
	if (b->info.n_targets == 0)
		begin_services(b);
	else
		look_at_targets(b);
}

static int
read_root_path(struct lun_boot *b)
{
	snprintf(b->where, sizeof(b->where), "root path");

	int r = boot_add_root_path(&b->info, b->value, strlen(b->value),
				   &b->err);

	return r <= 0 ? r : lun_fail(&b->err, LUN_EINVAL, "%s: no root path of "
				     "iSCSI: it does not begin with \"iscsi:\"",
				     b->value);
}

static const struct {
	boot_file_fn *read;
	const char *what;
} files[] = {
	[LUN_BOOT_CMDLINE] = { boot_file_cmdline, "kernel command line" },
	[LUN_BOOT_IBFT] = { boot_file_ibft, "iBFT" },
	[LUN_BOOT_LEASE] = { boot_file_lease, "leases" },
};

static int
read_files(struct lun_boot *b)
{
	int r = files[b->source].read(&b->info, b->value, b->where, &b->err);

	return r != BOOT_NOTHING ? r :
		lun_fail(&b->err, LUN_ENOTFOUND, "%s: %s", b->value ? b->value :
			 files[b->source].what, "no target of iSCSI");
}

/* The first of those that has a target; if none has, what went wrong first. */
static int
read_host(struct lun_boot *b)
{
	static const enum lun_boot_source order[] = {
		LUN_BOOT_CMDLINE, LUN_BOOT_IBFT, LUN_BOOT_LEASE,
	};
	struct lun_error first = { 0 }, why;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		boot_info_wipe(&b->info);

		int r = files[order[i]].read(&b->info, NULL, b->where, &why);

		if (r == 0)
			return 0;
		if (r < 0 && first.code == 0)
			first = why;
	}
	if (first.code < 0)
		return lun_fail(&b->err, first.code, "%s", first.text);
	return lun_fail(&b->err, LUN_ENOTFOUND, "boot: no target of iSCSI in "
			"the kernel's command line, in the firmware's table, "
			"or in leases of DHCP clients");
}

static int
read_dhcp(struct lun_boot *b)
{
	return lun_fail(&b->err, LUN_EINVAL, "DHCP: not there");
}

static void
begin(struct lun_boot *b)
{
	static int (*const sources[])(struct lun_boot *b) = {
		[LUN_BOOT_HOST] = read_host,
		[LUN_BOOT_ROOT_PATH] = read_root_path,
		[LUN_BOOT_CMDLINE] = read_files,
		[LUN_BOOT_IBFT] = read_files,
		[LUN_BOOT_LEASE] = read_files,
		[LUN_BOOT_DHCP] = read_dhcp,
	};

	b->err = (struct lun_error){ 0 };
	if (sources[b->source](b) < 0)
		fail(b);
	else
		located(b);
}

/* ------------------------------------------------------------------ calls -- */

struct lun_boot *
lun_boot_free(struct lun_boot *b)
{
	if (!b)
		return NULL;
	lun_discovery_free(b->discovery);
	job_deinit(&b->step);
	timer_deinit(&b->patience);
	str_deinit(&b->failures);
	boot_info_wipe(&b->info);
	if (b->candidates)
		secret_wipe(b->candidates,
			    CANDIDATES_MAX * sizeof(*b->candidates));
	free(b->candidates);
	lun_options_free(b->options);
	free(b->value);
	free(b->allow);
	free(b);
	return NULL;
}

static int
take_services(struct lun_boot *b, const struct lun_boot_config *c,
	      struct lun_error *err)
{
	if (c->n_services > SERVICES_MAX)
		return lun_fail(err, LUN_EINVAL, "boot: more than %d services",
				SERVICES_MAX);
	for (size_t i = 0; i < c->n_services; i++) {
		enum lun_url_kind kind = c->services[i].kind;

		if (kind != LUN_URL_PORTAL && kind != LUN_URL_ISNS &&
		    kind != LUN_URL_SLP)
			return lun_fail(err, LUN_EINVAL, "boot: only portals, "
					"iSNS and SLP can be asked");
		b->services[i] = c->services[i];
	}
	b->n_services = c->n_services;
	b->services_given = c->n_services > 0;
	return 0;
}

static int
take_config(struct lun_boot *b, const struct lun_boot_config *c,
	    const struct lun_options *options, struct lun_error *err)
{
	int r = timer_init(&b->patience, &b->loop->timers, service_silent);

	b->source = c->source;
	b->numeric = c->numeric;
	b->options = lun_options_clone(options);
	b->candidates = calloc(CANDIDATES_MAX, sizeof(*b->candidates));
	if (r < 0 || !b->options || !b->candidates ||
	    (c->value && !(b->value = strdup(c->value))) ||
	    (c->allow && !(b->allow = strdup(c->allow))))
		return lun_fail(err, LUN_ENOMEM, "boot: out of memory");
	return take_services(b, c, err);
}

int
lun_boot(struct lun_boot **out, struct lun_loop *loop,
	 const struct lun_boot_config *config,
	 const struct lun_options *options, lun_boot_fn *done, void *user,
	 struct lun_error *err)
{
	struct lun_boot *b = calloc(1, sizeof(*b));

	if (!b)
		return lun_fail(err, LUN_ENOMEM, "boot: out of memory");
	b->loop = loop;
	b->done = done;
	b->user = user;
	b->failures.limit = FAILURES_MAX;
	job_init(&b->step, step);

	int r = take_config(b, config, options, err);

	if (r < 0) {
		lun_boot_free(b);
		return r;
	}
	go(b, begin);
	*out = b;
	return 0;
}

int
lun_boot_apply(struct lun_options *o, const struct lun_boot_result *result,
	       const struct lun_boot_candidate *c, struct lun_error *err)
{
	bool ours = o->auth.username[0] || o->auth.password_len > 0;
	const struct {
		bool wanted;
		const char *name, *value;
	} values[] = {
		{ !o->initiator_name[0], "initiator-name",
		  result->initiator_name },
		{ !ours, "username", c->url.username },
		{ !ours, "password", c->url.password },
		{ !ours, "username-in", c->username_in },
		{ !ours, "password-in", c->password_in },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(values) / sizeof(values[0]);
	     i++)
		if (values[i].wanted && values[i].value[0])
			r = lun_options_set(o, values[i].name, values[i].value,
					    err);
	return r;
}
