/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A loop on which every source is looked at once. */
#include "query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "log.h"
#include "text.h"

struct query {
	struct lun_loop *loop;
	const struct query_ops *ops;
	void *user;
};

/* What could not be looked at is shown as it is, but not as a success. */
static void
check_disks(struct target *t)
{
	struct lun_disk *disk;

	for (size_t i = 0; t->code == 0 && (disk = target_disk(t, &i));) {
		const struct lun_disk_info *info = lun_disk_info(disk);

		if (info->state != LUN_DISK_PROBING)
			continue;
		t->code = LUN_ELOST;
		snprintf(t->error, sizeof(t->error), "LUN %" PRIu64 ": nothing "
			 "is known about it: %s", info->lun, info->text);
	}
}

static void
on_target(void *user, struct target *t)
{
	struct query *q = user;

	q->ops->look(q->user, t);
	if (t->code == 0)
		check_disks(t);
}

static void
on_done(void *user)
{
	struct query *q = user;

	lun_loop_stop(q->loop);
}

int
loop_setup(struct lun_loop **out, const struct opts *o, struct lun_error *err)
{
	struct lun_loop *loop;
	int r = lun_loop_new(&loop, err);

	if (r < 0)
		return r;
	lun_loop_set_log(loop, log_level(), log_line, NULL);
	if (o->pcap && (r = lun_loop_set_pcap(loop, o->pcap, err)) < 0) {
		lun_loop_free(loop);
		return r;
	}
	*out = loop;
	return 0;
}

/* An error that begins with the address which the URL before it says already. */
static const char *
without_address(const struct lun_url *url, const char *error)
{
	char address[TEXT_PORTAL_MAX];
	size_t n = strlen(text_portal(url->host, url->port ? url->port :
				      LUN_PORT, address));

	return strncmp(error, address, n) == 0 &&
	       strncmp(error + n, ": ", 2) == 0 ? error + n + 2 : error;
}

size_t
report_failures(const struct survey *sv)
{
	char url[LUN_URL_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sv->n_sources; i++) {
		const struct source *s = &sv->sources[i];

		if (s->code == 0)
			continue;
		log_say(LUN_LOG_ERROR, "%s: %s", s->label,
			without_address(&s->url, s->error));
		n++;
	}
	for (size_t i = 0; i < sv->n; i++) {
		const struct target *t = sv->v[i];

		if (t->code == 0)
			continue;
		log_say(LUN_LOG_ERROR, "%s: %s", target_url(t, url),
			without_address(&t->url, t->error));
		n++;
	}
	return n;
}

int
query(struct opts *o, const struct query_ops *query_ops, void *user)
{
	static const struct survey_ops ops = {
		.target = on_target,
		.done = on_done,
	};
	struct query q = { .ops = query_ops, .user = user };
	struct survey *sv = NULL;
	struct lun_error err = { 0 };
	int code, r;

	if ((r = survey_new(&sv, o->args, o->n_args, o->lun, &err)) == 0 &&
	    (r = loop_setup(&q.loop, o, &err)) == 0 &&
	    (r = survey_start(sv, q.loop, false, &ops, &q, &err)) == 0)
		r = lun_loop_run(q.loop, &err);
	if (r < 0) {
		log_say(LUN_LOG_ERROR, "%s", err.text);
		code = exit_code(r);
	} else {
		size_t failures = report_failures(sv);

		code = query_ops->show(user, sv);
		code = failures && code == EXIT_DONE ? EXIT_FAILED : code;
	}
	survey_free(sv);
	lun_loop_free(q.loop);
	return code;
}
