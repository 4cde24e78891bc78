/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lunfs ls: what the sources show. What works is printed also if something
 * else does not; then the exit code is 1 and stderr says why.
 *
 * Each session is gone by the time that there is something to print, so a
 * target's LUNs are kept as JSON, and the table is made from that, too.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fail.h"
#include "json.h"
#include "log.h"
#include "query.h"
#include "table.h"
#include "text.h"

/* --------------------------------------------------------------- look -- */

static void
look(void *user, struct target *t)
{
	struct json_object *o = json_new_object();
	struct json_object *luns = json_new_array();
	struct lun_disk *disk;
	const char *alias = NULL;

	if (t->code == 0) {
		alias = lun_session_info(t->session)->target_alias;
		for (size_t i = 0; (disk = target_disk(t, &i));)
			json_append(luns, json_lun(t, disk));
	}
	json_put(o, "name", json_text(t->url.target));
	json_put(o, "alias", json_text(alias));
	json_put(o, "portals", json_portals(t));
	json_put(o, "luns", luns);
	json_put(o, "error", json_text(t->code ? t->error : NULL));
	t->user = o;
}

/* --------------------------------------------------------------- show -- */

/* "192.0.2.1:3260,1": as SendTargets writes it. */
static void
portals_line(struct table *table, const struct target *t)
{
	char line[1000] = "", portal[TEXT_PORTAL_MAX];
	size_t have = 0;

	for (size_t i = 0; i < t->n_portals && have < sizeof(line); i++) {
		const struct portal *p = &t->portals[i];

		if (!target_has_portal(t, i))
			continue;
		have += (size_t)snprintf(line + have, sizeof(line) - have,
					 "  %s", text_portal(p->address,
							     p->port, portal));
		if (p->tpgt >= 0 && have < sizeof(line))
			have += (size_t)snprintf(line + have,
						 sizeof(line) - have, ",%d",
						 p->tpgt);
	}
	table_line(table, "  portals%s", line);
}

static void
lun_rows(struct table *table, struct json_object *lun)
{
	char size[TEXT_SIZE_MAX], name[64], block[24], device[128], state[600];
	const char *reason = json_text_of(lun, "reason");

	snprintf(name, sizeof(name), "  lun%s", json_text_of(lun, "lun"));
	snprintf(block, sizeof(block), "%s", json_text_of(lun, "block_size"));
	snprintf(device, sizeof(device), "%s %s", json_text_of(lun, "vendor"),
		 json_text_of(lun, "product"));
	snprintf(state, sizeof(state), "%s%s%s%s", json_text_of(lun, "state"),
		 json_object_get_boolean(json_object_object_get(
			 lun, "read_only")) ? ", read-only" : "",
		 *reason ? ": " : "", reason);
	text_size(json_number_of(lun, "size"), size);
	table_row(table, (const char *[]){ name, size, block, device, state });
}

static enum exit_code
out_of_memory(void)
{
	log_say(LUN_LOG_ERROR, "targets: out of memory");
	return EXIT_FAILED;
}

static enum exit_code
show_table(const struct survey *sv)
{
	struct table table = { 0 };

	if (!json_complete())
		return out_of_memory();
	for (size_t i = 0; i < sv->n; i++) {
		const struct target *t = sv->v[i];
		struct json_object *luns =
			json_object_object_get(t->user, "luns");
		const char *alias = json_text_of(t->user, "alias");

		table_line(&table, "%s%s%s%s", t->url.target,
			   *alias ? " (" : "", alias, *alias ? ")" : "");
		portals_line(&table, t);
		if (t->code)
			table_line(&table, "  failed: %s", t->error);
		for (size_t j = 0; j < json_object_array_length(luns); j++)
			lun_rows(&table, json_object_array_get_idx(luns, j));
	}
	bool complete = table_print(&table);
	complete &= json_complete();
	return complete ? EXIT_DONE : out_of_memory();
}

/* Sources that showed nothing; what is wrong with a target stands there. */
static struct json_object *
failed_sources(const struct survey *sv)
{
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < sv->n_sources; i++) {
		const struct source *s = &sv->sources[i];

		if (s->code == 0)
			continue;
		struct json_object *o = json_new_object();
		json_put(o, "source", json_text(s->label));
		json_put(o, "error", json_text(s->error));
		json_append(list, o);
	}
	return list;
}

static enum exit_code
show_json(const struct survey *sv)
{
	struct json_object *o = json_new_object();
	struct json_object *list = json_new_array();
	enum exit_code code = EXIT_DONE;

	for (size_t i = 0; i < sv->n; i++)
		json_append(list, json_object_get(sv->v[i]->user));
	json_put(o, "targets", list);
	json_put(o, "errors", failed_sources(sv));
	if (!json_show(o))
		code = out_of_memory();
	json_object_put(o);
	return code;
}

static int
show(void *user, const struct survey *sv)
{
	const struct opts *o = user;

	enum exit_code code = o->json ? show_json(sv) : show_table(sv);

	for (size_t i = 0; i < sv->n; i++)
		json_object_put(sv->v[i]->user);
	return finish_stdout(code);
}

/* Without sources: the user's own list. */
static int
default_list(char *text, size_t size, struct lun_error *err)
{
	size_t prefix = (size_t)snprintf(text, size, "file:");
	int r = lun_config_path("lunfs.conf", text + prefix, size - prefix,
				err);

	if (r == 0 && access(text + prefix, F_OK) < 0)
		r = fail(err, LUN_EINVAL, "ls: needs SOURCE..., since there "
			 "is no %s", text + prefix);
	return r;
}

int
cmd_ls(struct opts *o)
{
	static const struct query_ops ops = { .look = look, .show = show };
	char list[PATH_MAX + 8], *source = list;
	struct lun_error err = { 0 };

	if (o->n_args == 0) {
		int r = default_list(list, sizeof(list), &err);

		if (r < 0) {
			log_say(LUN_LOG_ERROR, "%s", err.text);
			return exit_code(r);
		}
		o->args = &source;
		o->n_args = 1;
	}
	return query(o, &ops, o);
}
