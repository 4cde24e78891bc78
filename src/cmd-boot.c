/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lunfs boot: finds the LUN to boot from, and prints its URL or mounts it.
 *
 *	lun_boot() -> candidates -- if there are several: log in to each -> one
 *
 * Objects of liblun are never freed within one of their callbacks: these note
 * what happened, and the alarm acts on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fail.h"
#include "json.h"
#include "log.h"
#include "query.h"
#include "text.h"

struct boot {
	struct opts *o;
	struct lun_loop *loop;
	struct lun_url *services;
	struct lun_boot *boot;

	struct lun_boot_result result;		/* our copy */
	struct lun_boot_candidate *candidates;
	bool searched;
	size_t chosen;				/* or tried */
	struct lun_options *options;		/* with its login */
	struct lun_session *session;
	struct lun_alarm *turn;
	int code;
	char error[sizeof(((struct lun_error *)0)->text)];
};

/* ---------------------------------------------------------------- trial -- */

static void
stop(struct boot *b, int code, const char *error)
{
	b->code = code;
	snprintf(b->error, sizeof(b->error), "%s", error);
	lun_loop_stop(b->loop);
}

static void
on_ready(void *user, int code, const char *text)
{
	struct boot *b = user;

	b->code = code;
	snprintf(b->error, sizeof(b->error), "%s", text);
	lun_alarm_set(b->turn, 0);
}

static void
on_disk_changed(void *user, struct lun_disk *disk)
{
}

static void
on_closed(void *user)
{
	struct boot *b = user;

	stop(b, 0, "");
}

static int
log_in(struct boot *b, struct lun_error *err)
{
	static const struct lun_session_ops ops = {
		.ready = on_ready,
		.disk_changed = on_disk_changed,
	};
	const struct lun_boot_candidate *c = &b->candidates[b->chosen];
	struct lun_url url = c->url;
	int r;

	url.username[0] = url.password[0] = '\0';
	b->options = lun_options_free(b->options);
	b->options = lun_options_clone(b->o->lun);
	if (!b->options)
		return fail(err, LUN_ENOMEM, "boot: out of memory");
	if ((r = lun_boot_apply(b->options, &b->result, c, err)) < 0 ||
	    (r = lun_options_check(b->options, NULL, err)) < 0)
		return r;
	return lun_session_open(&b->session, b->loop, &url, b->options, &ops,
				b, err);
}

/* The next candidate, after the one that b->error is about. */
static void
try_next(struct boot *b)
{
	struct lun_error err = { 0 };
	char url[LUN_URL_TEXT_MAX];

	b->session = lun_session_free(b->session);
	for (;;) {
		log_say(LUN_LOG_WARNING, "%s: %s",
			lun_url_print(&b->candidates[b->chosen].url, url), b->error);
		if (++b->chosen == b->result.n) {
			stop(b, LUN_ENOTFOUND, "boot: none of these works");
			return;
		}
		if (log_in(b, &err) == 0)
			return;
		snprintf(b->error, sizeof(b->error), "%s", err.text);
	}
}

/* A session is up, or is not. */
static void
on_turn(void *user)
{
	struct boot *b = user;
	struct lun_disk *disk = b->code == 0 ? lun_session_disk(b->session, 0) :
					       NULL;

	if (b->code == 0 && !disk)
		snprintf(b->error, sizeof(b->error), "no such LUN");
	if (disk)
		lun_session_close(b->session, on_closed);
	else
		try_next(b);
}

static int
keep_result(struct boot *b, const struct lun_boot_result *result)
{
	b->candidates = calloc(result->n, sizeof(*b->candidates));
	if (!b->candidates)
		return LUN_ENOMEM;
	memcpy(b->candidates, result->candidates,
	       result->n * sizeof(*b->candidates));
	b->result = *result;
	b->result.candidates = b->candidates;
	return 0;
}

static void
on_found(void *user, int code, const char *text,
	 const struct lun_boot_result *result)
{
	struct boot *b = user;
	struct lun_error err = { 0 };

	if (code < 0) {
		stop(b, code, text);
	} else if (keep_result(b, result) < 0) {
		stop(b, LUN_ENOMEM, "boot: out of memory");
	} else if (result->n == 1) {
		stop(b, 0, "");
	} else if (log_in(b, &err) < 0) {
		snprintf(b->error, sizeof(b->error), "%s", err.text);
		b->code = err.code;
		lun_alarm_set(b->turn, 0);
	}
}

/* ----------------------------------------------------------------- show -- */

static struct json_object *
json_candidate(const struct lun_boot_candidate *c)
{
	struct json_object *o = json_new_object();
	char url[LUN_URL_TEXT_MAX];

	json_put(o, "url", json_text(lun_url_print(&c->url, url)));
	json_put(o, "how", json_text(c->how));
	return o;
}

/* {"url", "how", "initiator_name", "candidates": [{"url", "how"}]} */
static enum exit_code
show_json(const struct boot *b)
{
	struct json_object *o = json_candidate(&b->candidates[b->chosen]);
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < b->result.n; i++)
		json_append(list, json_candidate(&b->candidates[i]));
	json_put(o, "initiator_name", json_text(b->result.initiator_name));
	json_put(o, "candidates", list);
	bool good = json_show(o);
	if (!good)
		log_say(LUN_LOG_ERROR, "boot: out of memory");
	json_object_put(o);
	return finish_stdout(good ? EXIT_DONE : EXIT_FAILED);
}

static enum exit_code
show(const struct boot *b)
{
	const struct lun_boot_candidate *c = &b->candidates[b->chosen];
	char url[LUN_URL_TEXT_MAX];

	lun_url_print(&c->url, url);
	log_say(LUN_LOG_INFO, "%s: %s", url, c->how);
	if (b->o->json)
		return show_json(b);
	puts(url);
	return finish_stdout(EXIT_DONE);
}

/* There are secrets in what was found. */
static void
forget(struct boot *b)
{
	if (b->candidates)
		explicit_bzero(b->candidates,
			       b->result.n * sizeof(*b->candidates));
	free(b->candidates);
	b->candidates = NULL;
}

static int
mount(struct boot *b)
{
	const struct lun_boot_candidate *c = &b->candidates[b->chosen];
	struct lun_error err = { 0 };
	char url[LUN_URL_TEXT_MAX];
	char *args[] = { lun_url_print(&c->url, url), (char *)b->o->mount };

	log_say(LUN_LOG_INFO, "%s: %s", url, c->how);
	int r = lun_boot_apply(b->o->lun, &b->result, c, &err);
	forget(b);
	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s: %s", url, err.text);
		return EXIT_FAILED;
	}
	b->o->args = args;
	b->o->n_args = 2;
	return cmd_mount(b->o);
}

/* --------------------------------------------------------------- set-up -- */

static int
take_services(struct boot *b, struct lun_error *err)
{
	struct opts *o = b->o;
	int r = 0;

	b->services = calloc(o->n_args + 1, sizeof(*b->services));
	if (!b->services)
		return fail(err, LUN_ENOMEM, "boot: out of memory");
	/* All of them, also after a mistake: no password stays in sight. */
	for (size_t i = 0; i < o->n_args; i++) {
		struct lun_error why = { 0 };
		int bad = lun_url_parse(&b->services[i], o->args[i], &why);

		lun_url_blank_password(o->args[i]);
		if (bad < 0 && r == 0) {
			r = bad;
			*err = why;
		}
	}
	o->boot.services = b->services;
	o->boot.n_services = o->n_args;
	return r;
}

static int
find(struct boot *b, struct lun_error *err)
{
	int r;

	if ((r = take_services(b, err)) < 0 ||
	    (r = loop_setup(&b->loop, b->o, err)) < 0)
		return r;
	if (lun_alarm_new(&b->turn, b->loop, on_turn, b) < 0)
		return fail(err, LUN_ENOMEM, "boot: out of memory");
	if ((r = lun_boot(&b->boot, b->loop, &b->o->boot, b->o->lun, on_found,
			  b, err)) < 0 ||
	    (r = lun_loop_run(b->loop, err)) < 0)
		return r;
	b->searched = true;
	return b->code < 0 ? fail(err, b->code, "%s", b->error) : 0;
}

/* All but what was found. */
static void
end_search(struct boot *b)
{
	b->session = lun_session_free(b->session);
	b->options = lun_options_free(b->options);
	b->boot = lun_boot_free(b->boot);
	b->turn = lun_alarm_free(b->turn);
	b->loop = lun_loop_free(b->loop);
	if (b->services)
		explicit_bzero(b->services,
			       (b->o->n_args + 1) * sizeof(*b->services));
	free(b->services);
}

int
cmd_boot(struct opts *o)
{
	struct boot b = { .o = o };
	struct lun_error err = { 0 };
	int r = find(&b, &err), code;

	end_search(&b);
	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		/* What others have written is no mistake of usage. */
		code = b.searched && o->boot.source !=
		       LUN_BOOT_ROOT_PATH ? EXIT_FAILED : exit_code(r);
	} else {
		code = o->mount ? mount(&b) : (int)show(&b);
	}
	forget(&b);
	return code;
}
