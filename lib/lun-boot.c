/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lun_boot(): the stages of RFC 4173, as far as the boot stage, which is the
 * application's.
 *
 *	root path ----------------------------> candidates
 *	    \-- no server, or no target -- services in turn --/
 */
#include "lun-boot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "boot/policy.h"

void
boot_go(struct lun_boot *b, void (*next)(struct lun_boot *b))
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
	boot_go(b, report);
}

/* -------------------------------------------------------- root path stage -- */

static void
finish(struct lun_boot *b)
{
	char name[sizeof(b->info.targets[0].url.target) + 40];

	if (b->result.n > 0) {
		b->err.code = 0;
		b->result.candidates = b->candidates;
		boot_go(b, report);
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

/* Of those that are left, the first without a server is looked for. */
static void
look_at_targets(struct lun_boot *b)
{
	for (; b->target < b->info.n_targets; b->target++) {
		const struct boot_target *t = &b->info.targets[b->target];

		if (t->url.kind == LUN_URL_UNLOCATED && b->numeric)
			lun_fail(&b->err, LUN_EREFUSED, "%s: refused: no "
				 "server is named, and only one in figures is "
				 "wanted", t->url.target);
		else if (t->url.kind == LUN_URL_UNLOCATED) {
			boot_ask_services(b);
			return;
		} else
			boot_add_candidate(b, t->url.target, t->url.host,
					   t->url.port ? t->url.port : LUN_PORT,
					   NULL);
	}
	finish(b);
}

void
boot_next_target(struct lun_boot *b)
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
		boot_ask_services(b);
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

/* Without a root path the next stage looks for targets to boot from. */
static void
warn_no_root_path(const struct lun_boot *b)
{
	env_log(&b->loop->env, LUN_LOG_WARNING, "%s: no root path of iSCSI: "
		"discovery services are asked", b->where);
}

/* path NULL: where there is something usually. */
static int
read_from(struct lun_boot *b, enum lun_boot_source source, const char *path)
{
	int r;

	boot_info_wipe(&b->info);
	r = files[source].read(&b->info, path, b->where, &b->err);
	if (r != BOOT_NOTHING)
		return r;
	if (b->info.n_services > 0) {
		warn_no_root_path(b);
		return 0;
	}
	return lun_fail(&b->err, LUN_ENOTFOUND, "%s: %s", path ? path :
			files[source].what, "no target of iSCSI");
}

static int
read_files(struct lun_boot *b)
{
	return read_from(b, b->source, b->value);
}

/* The first of those that has a target; if none has, the first that tells of
 * services; if none does, what went wrong first. */
static int
read_host(struct lun_boot *b)
{
	static const enum lun_boot_source order[] = {
		LUN_BOOT_CMDLINE, LUN_BOOT_IBFT, LUN_BOOT_LEASE,
	};
	enum { N = sizeof(order) / sizeof(order[0]) };
	struct lun_error first = { 0 }, why;
	size_t services = N;

	for (size_t i = 0; i < N; i++) {
		boot_info_wipe(&b->info);

		int r = files[order[i]].read(&b->info, NULL, b->where, &why);

		if (r == 0)
			return 0;
		if (r < 0 && first.code == 0)
			first = why;
		if (r > 0 && services == N && b->info.n_services > 0)
			services = i;
	}
	if (services < N) {
		if (first.code < 0)
			env_log(&b->loop->env, LUN_LOG_WARNING, "%s",
				first.text);
		return read_from(b, order[services], NULL);
	}
	if (first.code < 0)
		return lun_fail(&b->err, first.code, "%s", first.text);
	return lun_fail(&b->err, LUN_ENOTFOUND, "boot: no target of iSCSI in "
			"the kernel's command line, in the firmware's table, "
			"or in leases of DHCP clients");
}

static void
end_dhcp(struct lun_boot *b)
{
	b->dhcp = dhcp_free(b->dhcp);
	if (b->err.code < 0)
		boot_go(b, report);
	else
		located(b);
}

static void
dhcp_answered(void *user, int code, const struct boot_info *info,
	      const char *how, const struct lun_error *err)
{
	struct lun_boot *b = user;

	if (code < 0)
		b->err = *err;
	b->info = *info;
	snprintf(b->where, sizeof(b->where), "%s", how);
	if (code == BOOT_NOTHING)
		warn_no_root_path(b);
	boot_go(b, end_dhcp);
}

static int
read_dhcp(struct lun_boot *b)
{
	int r = dhcp_new(&b->dhcp, b->loop, &b->dhcp_options, dhcp_answered, b,
			 &b->err);

	return r < 0 ? r : LATER;
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

	int r = sources[b->source](b);

	if (r < 0)
		fail(b);
	else if (r != LATER)
		located(b);
}

/* ------------------------------------------------------------------ calls -- */

struct lun_boot *
lun_boot_free(struct lun_boot *b)
{
	if (!b)
		return NULL;
	lun_discovery_free(b->discovery);
	dhcp_free(b->dhcp);
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
	if (b->dhcp_keys)
		secret_wipe(b->dhcp_keys, strlen(b->dhcp_keys));
	free(b->dhcp_keys);
	free(b->dhcp_servers);
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

/* False: out of memory. */
static bool
copy(char **out, const char *text)
{
	return !text || (*out = strdup(text));
}

static int
take_config(struct lun_boot *b, const struct lun_boot_config *c,
	    const struct lun_options *options, struct lun_error *err)
{
	struct lun_error why;
	int r = timer_init(&b->patience, &b->loop->timers, boot_service_silent);

	b->source = c->source;
	b->numeric = c->numeric;
	b->options = lun_options_clone(options);
	b->candidates = calloc(CANDIDATES_MAX, sizeof(*b->candidates));
	if (r < 0 || !b->options || !b->candidates ||
	    !copy(&b->value, c->value) || !copy(&b->allow, c->allow) ||
	    !copy(&b->dhcp_keys, c->dhcp_keys) ||
	    !copy(&b->dhcp_servers, c->dhcp_servers))
		return lun_fail(err, LUN_ENOMEM, "boot: out of memory");
	b->dhcp_options = (struct dhcp_options){
		.interface = b->value,
		.tries = c->dhcp_tries,
		.keys = b->dhcp_keys,
		.unauthentic = c->dhcp_unauthentic,
		.servers = b->dhcp_servers,
	};
	if (b->allow && (r = boot_policy_valid(b->allow, &why)) < 0)
		return lun_fail(err, r, "allow: %s", why.text);
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
	boot_go(b, begin);
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
