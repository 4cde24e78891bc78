/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lunfs info: all that there is to know about one LUN and its session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "log.h"
#include "query.h"
#include "table.h"
#include "text.h"

static void
look(void *user, struct target *t)
{
	size_t first = 0;
	struct lun_disk *disk = t->code == 0 ? target_disk(t, &first) : NULL;

	if (!disk)
		return;
	struct json_object *o = json_lun(t, disk);
	json_put(o, "session", json_session(t));
	t->user = o;
}

/* --------------------------------------------------------------- show -- */

static void
pair(struct table *table, const char *name, const char *value)
{
	table_row(table, (const char *[TABLE_COLUMNS]){ name, value });
}

static void
size_row(struct table *table, struct json_object *size)
{
	char human[TEXT_SIZE_MAX], text[80];

	text_size(json_object_get_uint64(size), human);
	snprintf(text, sizeof(text), "%s (%s bytes)", human,
		 json_string(size));
	pair(table, "size", text);
}

static void value_rows(struct table *table, const char *name,
		       struct json_object *value);

static void
object_rows(struct table *table, const char *name, struct json_object *o)
{
	if (name)
		table_line(table, "%s", name);
	json_object_object_foreach(o, key, value)
		value_rows(table, key, value);
}

/* One line for each value; what lies within comes after its name. */
static void
value_rows(struct table *table, const char *name, struct json_object *value)
{
	if (json_object_is_type(value, json_type_object))
		object_rows(table, name, value);
	else if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			value_rows(table, name,
				   json_object_array_get_idx(value, i));
	else if (strcmp(name, "size") == 0)
		size_row(table, value);
	else
		pair(table, name, value ? json_string(value) : "-");
}

static enum exit_code
out_of_memory(void)
{
	log_say(LUN_LOG_ERROR, "info: out of memory");
	return EXIT_FAILED;
}

static int
show(void *user, const struct survey *sv)
{
	const struct opts *o = user;
	struct json_object *lun = sv->n ? sv->v[0]->user : NULL;
	enum exit_code code = EXIT_DONE;

	if (!lun && !json_complete())
		return out_of_memory();
	if (!lun) {
		if (sv->n && sv->v[0]->code == 0)
			log_say(LUN_LOG_ERROR, "%s: no such LUN",
				sv->sources[0].label);
		return EXIT_FAILED;
	}
	if (o->json) {
		if (!json_show(lun))
			code = out_of_memory();
	} else {
		struct table table = { 0 };

		object_rows(&table, NULL, lun);
		bool complete = json_complete();
		complete &= table_print(&table);
		if (!complete)
			code = out_of_memory();
	}
	json_object_put(lun);
	return finish_stdout(code);
}

int
cmd_info(struct opts *o)
{
	static const struct query_ops ops = { .look = look, .show = show };
	struct lun_url url;
	struct lun_error err = { 0 };

	if (lun_url_parse(&url, o->args[0], &err) == 0) {
		explicit_bzero(url.password, sizeof(url.password));
		if (url.kind != LUN_URL_LUN) {
			lun_url_blank_password(o->args[0]);
			log_say(LUN_LOG_ERROR, "%s: names no LUN: it needs the "
				"form iscsi://host/target/lun", o->args[0]);
			return EXIT_USAGE;
		}
	}
	return query(o, &ops, o);
}
